"""The one module that says who may act for whom, and which kind of login may open which page.

A page of another kind of login answers 404, as if it did not exist; a visitor who is not logged in
is sent to the right login page and back.
"""

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from functools import cache, wraps
from typing import Concatenate, ParamSpec, TypeAlias
from urllib.parse import urlsplit

from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from portal import rooms
from portal.accounts import browsers, kept_forms
from portal.accounts.models import Kind, User
from portal.people.models import Employer, Person, wards_of
from portal.policy.book import book
from portal.shared.months import today_in_china
from portal.shared.tables import Some

# The part of an address that names the ward whom it is about, by id.
WARD = "for"
_ID = re.compile(r"[0-9]{1,18}")

Visitor: TypeAlias = User | AnonymousUser
P = ParamSpec("P")
View: TypeAlias = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


@cache
def patterns() -> dict[str, tuple[str, ...]]:
    """Role → patterns of permissions, from the rooms' ``roles``. The account's city limits where
    they count."""
    by_room = [module.PERMISSIONS for module in rooms.bring("roles")]
    roles = sorted({role for one in by_room for role in one})
    return {role: tuple(pattern for one in by_room for pattern in one.get(role, ())) for role in roles}


def may_act_for_person(user: Visitor, person: Person | None) -> bool:
    """Whether this login is that person's own, or of somebody who is their guardian today."""
    if not (isinstance(user, User) and user.is_active and user.is_person) or person is None:
        return False
    return user.person_id == person.pk or wards(user).filter(pk=person.pk).exists()


def wards(user: Visitor) -> QuerySet[Person]:
    """The persons for whom this login files besides its own: those whose guardian it is today."""
    if isinstance(user, User) and user.is_active and user.is_person and user.person:
        return wards_of(user.person, on=today_in_china(timezone.now()))
    return Person.objects.none()


def persons_of(user: User) -> list[int]:
    """The ids of all persons for whom this login acts; its own first."""
    return [user.person_id, *wards(user).values_list("pk", flat=True)] if user.person_id else []


def whose(request: HttpRequest) -> Person:
    """Whom a page of one person is about: the login's own, or the ward of theirs that the address
    names (``?for=``). Http404 for a login without a person, and where it names no ward of the
    login."""
    user, named = request.user, request.GET.get(WARD, "")
    if not (isinstance(user, User) and user.person):
        raise Http404
    if not named:
        return user.person
    ward = wards(user).filter(pk=int(named)).first() if _ID.fullmatch(named) else None
    if ward is None:
        raise Http404
    return ward


def guarded_by(person: Person) -> list[int]:
    """The ids of the persons whose guardian this person is today, whichever login it uses."""
    return list(wards_of(person, on=today_in_china(timezone.now())).values_list("pk", flat=True))


def may_act_for_employer(user: Visitor, employer: Employer | None) -> bool:
    """Whether this login is of a clerk of that employer."""
    return (
        isinstance(user, User)
        and user.is_active
        and user.is_clerk
        and employer is not None
        and user.employer_id == employer.pk
    )


def staff(request: HttpRequest) -> User:
    """The member of staff who asks. Raises Http404 for anyone else."""
    if isinstance(request.user, User) and request.user.kind == Kind.STAFF:
        return request.user
    raise Http404


def staff_cities(user: Visitor) -> list[str]:
    """The slugs of the cities whose agency this login works for; none for logins that are not
    staff."""
    if not (isinstance(user, User) and user.is_active and user.kind == Kind.STAFF):
        return []
    return [user.city] if user.city else [city.slug for city in book().cities]


def city_choices(user: Visitor) -> list[tuple[str, str]]:
    """The same cities as choices: (slug, title)."""
    return [(slug, book().city(slug).title) for slug in staff_cities(user)]


def may_review(user: Visitor, city: str) -> bool:
    """Whether this login may decide cases of that city: staff of the city who hold the reviewer's
    role."""
    return city in staff_cities(user) and user.has_perm("hall.change_case")


def ensure_staff_roles(app_label: str) -> None:
    """Gives each role the permissions of one app that ``patterns`` names; called after every
    migration of that app. A second call changes nothing."""
    of_app = Permission.objects.filter(content_type__app_label=app_label)
    codenames = {f"{app_label}.{codename}": pk for pk, codename in of_app.values_list("pk", "codename")}
    for role, role_patterns in patterns().items():
        granted = [
            pk for name, pk in codenames.items() if any(fnmatchcase(name, one) for one in role_patterns)
        ]
        if granted:
            group, _made = Group.objects.get_or_create(name=role)
            group.permissions.add(*granted)


def own_path(request: HttpRequest, address: str) -> str:
    """The path and query of an address of the hall itself; "" for any other, also for a path that a
    browser would take for another site's (//evil.example, /\\evil.example).
    """
    hosts, secure = {request.get_host()}, request.is_secure()
    if not url_has_allowed_host_and_scheme(address, hosts, require_https=secure):
        return ""
    parts = urlsplit(address)
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    return path if path.startswith("/") and url_has_allowed_host_and_scheme(path, None) else ""


def to_door(request: HttpRequest, door: str) -> HttpResponseBase:
    """Leads to a login page, and after it back to this page.

    A form that was sent after its session had ended is kept, and is sent on once the same person
    has logged in again; where it cannot be kept, the way back leads to the page of the form. A
    page's own script gets 401.
    """
    back = request.get_full_path()
    if request.method not in ("GET", "HEAD"):
        if request.headers.get("X-Requested-With") == "XMLHttpRequest":
            return HttpResponse(status=401)
        kept = kept_forms.keep(request, now=timezone.now())
        back = reverse("go-on") if kept else own_path(request, request.META.get("HTTP_REFERER", "")) or "/"
    if browsers.of(request).kind == Kind.CLERK and door == DOORS[Kind.PERSON]:
        door = DOORS[Kind.CLERK]
    return redirect_to_login(back, resolve_url(door))


# Staff have a login page of their own (the admin's), partners and the schedule have none.
DOORS = Some({Kind.PERSON: "login-person", Kind.CLERK: "login-employer", Kind.DESK: "login-desk"})


def _only(kinds: Sequence[Kind], door: str) -> Callable[[View[P]], View[P]]:
    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_door(request, door)
            if request.user.kind not in kinds:
                raise Http404
            return view(request, *args, **kwargs)

        return guarded

    return guard


person_required: Callable[[View[P]], View[P]] = _only([Kind.PERSON], "login-person")
clerk_required: Callable[[View[P]], View[P]] = _only([Kind.CLERK], "login-employer")
desk_required: Callable[[View[P]], View[P]] = _only([Kind.DESK], "login-desk")
login_required_any: Callable[[View[P]], View[P]] = _only(
    [Kind.PERSON, Kind.CLERK, Kind.DESK, Kind.STAFF], "login-person"
)
