"""Finding a person by identity number: kept on record, and limited, because it shows someone else's data."""

from datetime import datetime, timedelta

from django.conf import settings

from portal.accounts.models import PersonLookup, User
from portal.people.models import Person


class TooManyLookups(Exception):
    """This login has looked up as many different people as an hour allows."""


def look_up(
    *, user: User, identity_number: str, purpose: str, now: datetime, most: int | None = None
) -> Person | None:
    """The person with that number (18 characters), or None; either way it is recorded who asked, when and for what.

    Raises TooManyLookups above ``most`` different numbers an hour (PERSON_LOOKUPS_PER_HOUR unless given);
    asking again for the same one is free.
    """
    this_hour = PersonLookup.objects.filter(user=user, at__gt=now - timedelta(hours=1)).exclude(
        identity_number=identity_number
    )
    limit = settings.PERSON_LOOKUPS_PER_HOUR if most is None else most
    if this_hour.values("identity_number").distinct().count() >= limit:
        raise TooManyLookups
    person = Person.objects.filter(identity_number=identity_number).first()
    PersonLookup.objects.create(
        user=user, identity_number=identity_number, purpose=purpose, found=person is not None, at=now
    )
    return person
