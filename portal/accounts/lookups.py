"""Looks at other people's data: each is recorded, and those by a person's number are limited."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from portal.accounts.models import PersonLookup, User
from portal.people.models import Person

# How long a look with a reason opens the data of somebody of another city.
OPEN_FOR = timedelta(minutes=30)


class TooManyLookups(Exception):
    """This login has looked up as many different people as an hour allows."""


def ensure_allowed(*, user: User, identity_number: str, now: datetime, most: int | None = None) -> None:
    """Raises TooManyLookups where this would be one more than ``most`` different numbers in an hour
    (PERSON_LOOKUPS_PER_HOUR unless given); asking again for the same one is free."""
    others_this_hour = PersonLookup.objects.filter(
        user=user, counted=True, at__gt=now - timedelta(hours=1)
    ).exclude(identity_number=identity_number)
    limit = settings.PERSON_LOOKUPS_PER_HOUR if most is None else most
    if others_this_hour.values("identity_number").distinct().count() >= limit:
        raise TooManyLookups


def look_up(
    *, user: User, identity_number: str, purpose: str, now: datetime, most: int | None = None
) -> Person | None:
    """The person with that number (18 characters), or None; either way the look is recorded: who
    asked, when and for what.

    Raises TooManyLookups, as ``ensure_allowed`` does.
    """
    ensure_allowed(user=user, identity_number=identity_number, now=now, most=most)
    person = Person.objects.filter(identity_number=identity_number).first()
    PersonLookup.objects.create(
        user=user, identity_number=identity_number, purpose=purpose, found=person is not None, at=now
    )
    return person


def record(
    *,
    user: User,
    numbers: Iterable[str],
    purpose: str,
    page: str,
    now: datetime,
    row: int | None = None,
    sought: str = "",
    reason: str = "",
    found: bool = True,
    counted: bool = False,
) -> None:
    """Records that a login was shown these people (identity numbers); one look without a number
    where there are none."""
    PersonLookup.objects.bulk_create(
        PersonLookup(
            user=user,
            identity_number=number,
            purpose=purpose,
            page=page[:40],
            row=row,
            sought=sought,
            reason=reason,
            found=found,
            counted=counted,
            at=now,
        )
        for number in sorted(set(numbers)) or [""]
    )


def opened_with_reason(*, user: User, now: datetime) -> QuerySet[PersonLookup]:
    """This login's looks with a reason that still hold: those people's data are open to it for a
    while."""
    return PersonLookup.objects.filter(user=user, at__gt=now - OPEN_FOR).exclude(reason="")
