"""Beginning a guardianship: which of the ward's two places it takes, and when it ends by itself."""

import datetime as dt

from django.db import IntegrityError, transaction

from portal.columns import broken_constraint
from portal.people.models import PLACES, Guardianship, Person, Proof, Relation, standing
from portal.policy.book import book
from portal.policy.terms.people import adulthood
from portal.shared import ages


class NoPlace(Exception):
    """Both places of the ward are taken."""


class IsGuardian(Exception):
    """This person is the ward's guardian already."""


def comes_of_age(person_born: dt.date, *, on: dt.date) -> dt.date:
    """The day on which someone comes of age, by the law of the day ``on``."""
    return ages.birthday(person_born, adulthood(book(), on=on))


def ends(born: dt.date, *, start: dt.date, ends_on: dt.date | None, on: dt.date) -> dt.date | None:
    """The last day of a guardianship, exclusive: of a minor, at the latest the day on which they
    come of age."""
    of_age = comes_of_age(born, on=on)
    if start >= of_age:
        return ends_on
    return min(ends_on, of_age) if ends_on else of_age


def guardians_of(ward: Person, *, on: dt.date) -> list[Guardianship]:
    """The ward's guardians on a day, by their places."""
    return list(standing(on=on).filter(ward=ward).select_related("guardian").order_by("place"))


def begin(
    *,
    guardian: Person,
    ward: Person,
    relation: Relation,
    proof_kind: Proof,
    proof: str,
    start: dt.date,
    ends_on: dt.date | None = None,
    on: dt.date,
) -> Guardianship:
    """Makes the guardian one of the ward's two from ``start`` on; a minor's ends when they come of
    age.

    Called inside a transaction. Raises IsGuardian, or NoPlace where both places are taken on one
    of these days; also where another worker was first.
    """
    ends_on = ends(ward.birth_date, start=start, ends_on=ends_on, on=on)
    others = Guardianship.objects.filter(ward=ward).exclude(ends_on__lte=start)
    if ends_on is not None:
        others = others.filter(start__lt=ends_on)
    taken = list(others)
    if any(one.guardian_id == guardian.pk for one in taken):
        raise IsGuardian
    free = [place for place in PLACES if place not in {one.place for one in taken}]
    if not free:
        raise NoPlace
    try:
        with transaction.atomic():
            return Guardianship.objects.create(
                guardian=guardian,
                ward=ward,
                place=free[0],
                relation=relation,
                proof_kind=proof_kind,
                proof=proof,
                start=start,
                ends_on=ends_on,
            )
    except IntegrityError as error:
        name = broken_constraint(error)
        if name == "one_guardian_in_a_place":
            raise NoPlace from error
        if name in ("a_guardian_has_one_place", "one_guardianship_of_a_pair_a_day"):
            raise IsGuardian from error
        raise
