"""我的家人: the login's person and their wards, what each is insured for, what is due, and the way
to file, pay, stop, look up and print for them."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal import rooms
from portal.accounts.models import User
from portal.accounts.permissions import person_required, wards
from portal.hall import queries
from portal.hall.catalogue import offers
from portal.hall.service import Audience
from portal.people.models import Guardianship, Person, standing
from portal.policy.book import City
from portal.shared.months import day_zh, today_in_china
from portal.web.application.errand import address
from portal.web.context import city_of, login_of
from portal.web.wards import address_for

PROOF = "person-proof"
UPKEEP = "guardian-upkeep"


@never_cache
@require_safe
@person_required
def family(request: HttpRequest) -> HttpResponse:
    """One card for each member, the login's person first. The queries for what is due grow with
    the members, not with their months."""
    user, city, now = login_of(request), city_of(request), timezone.now()
    today = today_in_china(now)
    members = [person for person in (user.person, *wards(user)) if person is not None]
    insured = _insured(members, now)
    guardians = _guardians(members, today)
    waiting = _open_cases(user)
    return render(
        request,
        "web/family.html",
        {
            "city": city,
            "members": [
                {
                    "person": person,
                    "own": person.pk == user.person_id,
                    "about": _about(person, user, guardians.get(person.pk, [])),
                    "insured": [
                        {**line, "url": _way(city, line["stop"], person, user)}
                        for line in insured.get(person.pk, [])
                    ],
                    "due": _due(person, user, now),
                    "open_cases": waiting.get(person.pk, 0),
                    "record_url": address_for(reverse("record"), _ward(person, user)),
                    "paid_url": address_for(reverse("paid-list"), _ward(person, user)),
                    "proof_url": _way(city, PROOF, person, user),
                    "others": _others(city, person, user),
                }
                for person in members
            ],
            "upkeep_url": address("service", city.slug, UPKEEP) if UPKEEP in city.offers else "",
        },
    )


def _ward(person: Person, user: User) -> Person | None:
    return None if person.pk == user.person_id else person


def _way(city: City, code: str, person: Person, user: User) -> str:
    """The address of a service for this member; "" where the city does not offer it online."""
    if code not in city.offers:
        return ""
    return address_for(address("service", city.slug, code), _ward(person, user))


def _others(city: City, person: Person, user: User) -> list[dict[str, str]]:
    """The city's services that may be filed for this ward, but those that give something up, which
    stand beside it, and the proof; none for oneself, who has all."""
    if person.pk == user.person_id:
        return []
    return [
        {"title": offer.title, "url": address("service", city.slug, offer.code, person)}
        for offer, service in offers(city.slug)
        if service.audience == Audience.PERSON
        and service.for_wards
        and not service.dangerous
        and offer.code != PROOF
    ]


def _insured(members: Iterable[Person], now: datetime) -> dict[int, list[dict[str, str]]]:
    """By person: what they are insured for now, by the rooms that know it."""
    found: dict[int, list[dict[str, str]]] = {}
    for module in rooms.bring("insured"):
        for pk, lines in module.insured_now(list(members), now).items():
            found.setdefault(pk, []).extend(lines)
    return found


def _due(person: Person, user: User, now: datetime) -> list[dict[str, Any]]:
    """What is due of this member, the most urgent first; a ward's with addresses that name them."""
    found = [one for module in rooms.bring("due") for one in module.due_of(person, now)]
    return [
        {
            "title": due.title,
            "text": due.text,
            "days_left": due.days_left,
            "url": address_for(due.url, _ward(person, user)),
        }
        for due in sorted(found, key=lambda one: int(one.days_left))
    ]


def _open_cases(user: User) -> dict[int, int]:
    """By person: how many cases of theirs are not decided."""
    counted: dict[int, int] = {}
    open_cases = queries.cases_of(user).filter(status__in=queries.WAITING)
    for pk in open_cases.order_by().values_list("applicant_person", flat=True):
        counted[pk] = counted.get(pk, 0) + 1
    return counted


def _guardians(members: Iterable[Person], today: date) -> dict[int, list[Guardianship]]:
    """By ward: their guardians today, by place."""
    rows = standing(on=today).filter(ward__in=[one.pk for one in members]).select_related("guardian")
    found: dict[int, list[Guardianship]] = {}
    for row in rows.order_by("place"):
        found.setdefault(row.ward_id, []).append(row)
    return found


def _about(person: Person, user: User, guardians: list[Guardianship]) -> list[tuple[str, str]]:
    """Who the guardians are and until when; empty for somebody without any."""
    lines = [
        (
            str(one.get_place_display()),
            _("{name}（您）").format(name=one.guardian.name)
            if one.guardian_id == user.person_id
            else one.guardian.name,
        )
        for one in guardians
    ]
    own = next((one for one in guardians if one.guardian_id == user.person_id), None)
    if own is not None and own.ends_on is not None:
        lines.append((_("监护到"), _("{day}为止，此后由本人办理").format(day=day_zh(own.ends_on))))
    return lines
