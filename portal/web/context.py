"""What every page shows around its own content: the chosen city, the cities, the session's end, the
larger type."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from portal import rooms
from portal.accounts import notices, sliding
from portal.accounts.models import User
from portal.hall.service import Audience, Service
from portal.policy.book import City, Offer, UnknownCity, book
from portal.qualifications.opening import city_of_clerk

CITY_COOKIE = "city"
ELDER_COOKIE = "elder"


def city_of(request: HttpRequest) -> City:
    """The city of the address, else the one that was chosen last, else the login's own, else the
    first."""
    match = request.resolver_match
    slug = (match.kwargs.get("city") if match else None) or request.COOKIES.get(CITY_COOKIE, "")
    user = getattr(request, "user", None)
    slug = slug or own_slug(user)
    try:
        return book().city(slug)
    except UnknownCity:
        return book().cities[0]


def own_slug(user: Any) -> str:
    """The city of a clerk's employer, or of a desk; of a person, where they are insured, else where
    their household is registered; of staff, their agency's; "" for nobody, and where it is not
    known."""
    if not isinstance(user, User):
        return ""
    if user.employer:
        return user.employer.city
    if user.is_desk:
        return city_of_clerk(user)
    if not user.person:
        return user.city
    insured_in = (city for module in rooms.bring("insured") if (city := module.city_of(user.person)))
    return next(insured_in, "") or _city_with(user.person.household_code)


def _city_with(code: str) -> str:
    """The city that the place, by its code of GB/T 2260, belongs to; "" where it is none of
    these."""
    return next((city.slug for city in book().cities if any(one.code == code for one in city.places)), "")


def own_city_of(user: Any) -> City | None:
    """The city in which a clerk's employer is registered; None for everyone else."""
    if not (isinstance(user, User) and user.is_clerk and user.employer):
        return None
    try:
        return book().city(user.employer.city)
    except UnknownCity:
        return None


def open_to(user: Any, offer: Offer, service: Service) -> bool:
    """Whether this visitor may use the offer as far as its city goes: clerks file employers'
    services only in their employer's city."""
    own = own_city_of(user)
    return own is None or service.audience != Audience.EMPLOYER or offer.city == own.slug


def login_of(request: HttpRequest) -> User:
    """The login behind a page that only logins reach. PermissionDenied where there is none."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def hall(request: HttpRequest) -> dict[str, Any]:
    """The context that base.html relies on."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {
        "hall_name": _("社会保险网上办事大厅"),
        "city": city_of(request),
        "cities": book().cities,
        "registered_in": own_city_of(user),
        "elder": request.COOKIES.get(ELDER_COOKIE) == "1",
        "session_ends_in": sliding.seconds_left(request) if signed_in else None,
        "unread": notices.unread(user) if isinstance(user, User) else 0,
        "demo": settings.DEMO,
        # Made once for all forms of a page; Django's own makes another for each.
        "csrf_token": SimpleLazyObject(lambda: get_token(request)),
    }
