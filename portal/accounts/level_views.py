"""升级实名: somebody whose account looks up only proves more, and then files, too."""

from typing import Any

from django.contrib import messages as notices
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from portal.accounts import levels, onward
from portal.accounts.faces import FaceState
from portal.accounts.models import User
from portal.accounts.permissions import person_required
from portal.accounts.proof import Stated
from portal.accounts.proof_views import Proving
from portal.accounts.views import next_page
from portal.people import papers
from portal.policy.book import City
from portal.shared.months import today_in_china

FACE = "verifying"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def verify(request: HttpRequest) -> HttpResponse:
    """The ways of the city where somebody wants to file (``?city=``)."""
    user = _user(request)
    if user.identity_level >= levels.FILES:
        return redirect(next_page(request))
    proving = _proving(request, user)
    if proving.proved():
        return _raised(request, user)
    here = f"city={proving.asker.city.slug}&{onward.query(next_page(request))}"
    begun = proving.face_page(f"{reverse('account-verify-face')}?{here}")
    if begun:
        request.session[FACE], page = begun
        return onward.leave(request, page, _("刷脸核验"))
    return render(request, "accounts/verify.html", proving.context())


@never_cache
@require_GET
@person_required
def face_done(request: HttpRequest) -> HttpResponse:
    """The way back from the face check: only the provider's own answer counts."""
    user = _user(request)
    if user.identity_level >= levels.FILES:
        return redirect(next_page(request))
    proving = _proving(request, user)
    back_url = f"{reverse('account-verify')}?{request.GET.urlencode()}"
    if FACE not in request.session:
        return redirect(back_url)
    state = proving.face_state(request.session[FACE])
    if state == FaceState.PASSED:
        del request.session[FACE]
        return _raised(request, user)
    context = {
        "state": state,
        "city": proving.asker.city,
        "back_url": back_url,
        "here": request.get_full_path(),
    }
    return render(request, "accounts/register_face.html", context)


def _raised(request: HttpRequest, user: User) -> HttpResponse:
    levels.raise_level(user)
    notices.success(request, _("身份已核验，您的账号现在可以办理业务。"))
    return redirect(next_page(request))


def _proving(request: HttpRequest, user: User) -> Proving:
    today = today_in_china(timezone.now())
    city = _city(request.GET.get("city", "") or request.COOKIES.get("city", ""))
    return Proving(request, _stated(user), city, levels.filing_ways(city.slug, on=today))


def _city(slug: str) -> City:
    """The city of that name where filing takes the stronger proof, else the first such. Http404
    where there is none."""
    asking: list[Any] = levels.asking_cities(on=today_in_china(timezone.now()))
    if not asking:
        raise Http404
    return next((city for city in asking if city.slug == slug), asking[0])


def _stated(user: User) -> Stated:
    person = user.person
    if person is None:
        raise Http404
    return Stated(person.name, person.identity_number, user.phone, papers.of_person(person))


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
