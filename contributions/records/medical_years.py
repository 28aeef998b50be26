"""How many months of medical insurance a retired person has, and still lacks for its benefits."""

from contextlib import suppress
from dataclasses import dataclass

from contributions.charges import brought_in
from contributions.models import Charge, ChargeStatus, Origin
from portal.people.models import Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import contribution_terms
from portal.registers.pension import Pension
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

MEDICAL = Insurance.MEDICAL


@dataclass(frozen=True, slots=True)
class MedicalYears:
    """The months that count, in all and in the city, and those that are needed."""

    in_all: int
    here: int
    needed_in_all: int
    needed_here: int

    @property
    def missing(self) -> int:
        """The greater of the two gaps, in months."""
        return max(0, self.needed_in_all - self.in_all, self.needed_here - self.here)


def medical_years(person: Person, pension: Pension, city: str) -> MedicalYears:
    """As the record stands. Raises PolicyMissing where the city says nothing of those who retired
    then."""
    gone = brought_in.gone_months(person, insurance=MEDICAL)
    paid = [
        (where, month)
        for where, capacity, month in Charge.objects.filter(
            person=person, insurance=MEDICAL, live=True, status=ChargeStatus.PAID
        ).values_list("city", "capacity", "month")
        if month not in gone and _counts(where, Capacity(capacity), month)
    ]
    came = list(brought_in.standing(person, insurance=MEDICAL, cities=[city]).prefetch_related("periods"))
    own = [row for row in came if row.origin != Origin.TRANSFER]
    here = {month for where, month in paid if where == city} | brought_in.months_brought_in(own)
    along = brought_in.months_brought_in([row for row in came if row.origin == Origin.TRANSFER])
    needed_in_all, needed_here = needed(pension, city)
    return MedicalYears(
        in_all=len(here | along | {month for _where, month in paid}),
        here=len(here),
        needed_in_all=needed_in_all,
        needed_here=needed_here,
    )


def needed(pension: Pension, city: str) -> tuple[int, int]:
    """The months that are needed in all, by the year from which the pension is drawn, and in the
    city. Raises PolicyMissing."""
    values = book().leaf(city, "medical_years", Month(pension.since.year, 1).first_day).values
    here = values["here"]
    with suppress(PolicyMissing):
        here = book().leaf(city, "medical_years_here", pension.retired_in.first_day).values["here"]
    return 12 * values["in_all"], 12 * here


def _counts(city: str, capacity: Capacity, month: Month) -> bool:
    """Whether a month in that capacity counts towards the years of the retired."""
    try:
        terms = contribution_terms(book(), city=city, capacity=capacity, insurance=MEDICAL, month=month)
    except PolicyMissing:
        return True
    return terms.retirement_years
