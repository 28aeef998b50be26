"""The single sign-on door: to the provider and back."""

from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from portal.accounts import onward, registration, sign_on
from portal.accounts.permissions import own_path
from portal.accounts.views import PERSON_DOOR, next_page
from portal.policy.book import City, UnknownCity, book

# Where to go after the login, by the city whose door it is.
NEXT = "sign-on-next"


@never_cache
@require_POST
def begin(request: HttpRequest, city: str) -> HttpResponseBase:
    """Off to the provider of the city."""
    place = _city(city)
    if request.user.is_authenticated:
        return redirect(next_page(request))
    back = request.build_absolute_uri(reverse("sign-on-done", args=[city]))
    try:
        answer = sign_on.begin(request, place, back)
    except sign_on.NotSignedOn:
        return _failed(request, place, "away")
    request.session[NEXT] = next_page(request)
    terms = sign_on.terms_of(place, timezone.now())
    return onward.leave(request, answer, terms.title if terms else "")


@never_cache
@require_GET
def done(request: HttpRequest, city: str) -> HttpResponseBase:
    """Back from the provider: whoever it names is logged in."""
    place = _city(city)
    if request.user.is_authenticated:
        return redirect(next_page(request))
    try:
        came = sign_on.finish(request, place)
        user = sign_on.account(came, city=place, now=timezone.now())
    except sign_on.NotSignedOn:
        return _failed(request, place, "refused")
    except sign_on.TooYoung:
        return _failed(request, place, "young")
    except registration.HasGuardian:
        return _failed(request, place, "guardian")
    except (sign_on.OfSomebodyElse, registration.NotTheSamePerson, registration.PhoneTaken):
        return _failed(request, place, "differs")
    following = own_path(request, request.session.pop(NEXT, "")) or "/"
    login(request, user, backend=PERSON_DOOR)
    return redirect(following)


def _failed(request: HttpRequest, city: City, why: str) -> HttpResponse:
    terms = sign_on.terms_of(city, timezone.now())
    context = {"city": city, "title": terms.title if terms else "", "why": why}
    return render(request, "accounts/sign_on_failed.html", context, status=409)


def _city(slug: str) -> City:
    try:
        city = book().city(slug)
    except UnknownCity:
        raise Http404 from None
    if sign_on.terms_of(city, timezone.now()) is None:
        raise Http404
    return city
