"""消息: what the hall told a login, and marking it read."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.accounts import notices
from portal.accounts.permissions import login_required_any
from portal.web.context import login_of

PER_PAGE = 20


@never_cache
@require_safe
@login_required_any
def messages(request: HttpRequest) -> HttpResponse:
    """The login's notices, newest first."""
    page = Paginator(notices.notices_of(login_of(request)), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "web/messages.html", {"page_obj": page})


@require_POST
@login_required_any
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks one of the login's notices read. Http404 for another login's."""
    users_notices = notices.notices_of(login_of(request)).filter(pk=pk)
    if not users_notices.exists():
        raise Http404
    notices.read(users_notices, now=timezone.now())
    return redirect("messages")


@require_POST
@login_required_any
def read_all(request: HttpRequest) -> HttpResponse:
    """Marks all of the login's notices read."""
    notices.read(notices.notices_of(login_of(request)), now=timezone.now())
    return redirect("messages")
