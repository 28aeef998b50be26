"""Pages without data (help, accessibility), and what programs ask for at fixed addresses."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

# RFC 9116 wants an end, less than a year away.
_SECURITY_DAYS = 180


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """How the hall works, and where to ask."""
    return render(request, "web/help.html")


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """What the hall does so that everyone can use it, and whom to tell where it fails."""
    return render(request, "web/accessibility.html")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines must not read: the workbench, the API, and pages behind a login."""
    closed = (
        "/admin/",
        "/api/",
        "/captcha/",
        *(reverse(name) for name in ("cases", "messages", "record", "orders")),
    )
    lines = ["User-agent: *", *(f"Disallow: {one}" for one in closed)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """Whom to tell of a weakness (RFC 9116): ``SECURITY_CONTACT``, or the page that says where to
    ask."""
    base_url = settings.PUBLIC_URL
    lines = [
        f"Contact: {settings.SECURITY_CONTACT or base_url + reverse('help')}",
        f"Expires: {timezone.now() + timedelta(days=_SECURITY_DAYS):%Y-%m-%dT00:00:00Z}",
        "Preferred-Languages: zh, en",
        f"Canonical: {base_url}{reverse('security')}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """The icon for browsers that ask for it at this address on their own."""
    return HttpResponseRedirect(static("img/favicon.ico"))
