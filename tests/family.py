"""Families: guardians of wards, as the register has them."""

import datetime as dt

from portal.people import guardianship
from portal.people.models import Person, Proof, Relation


def guarded(ward: Person, *guardians: Person, since: str = "2018-01-01") -> Person:
    """The ward, with these parents as guardians since that day."""
    start = dt.date.fromisoformat(since)
    for guardian in guardians:
        guardianship.begin(
            guardian=guardian,
            ward=ward,
            relation=Relation.PARENT,
            proof_kind=Proof.HOUSEHOLD,
            proof="户口簿",
            start=start,
            on=start,
        )
    return ward
