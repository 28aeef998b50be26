"""A person's record by years: how many months of each state each year of each insurance has, for
pages that do not list all months."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from contributions.charges import periods
from contributions.records.by_month import State, told_until
from enrollment.models import Coverage
from portal.people.models import Person
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


@dataclass(slots=True)
class Years:
    """One insurance: the first and the last month on record, and the number of months in each state
    by year.

    OWED also counts months that wait at the bank or failed there; ``gaps`` are months in between
    without any record.
    """

    first: Month
    last: Month
    states: dict[int, Counter[State]] = field(default_factory=dict)

    @property
    def paid(self) -> int:
        return sum(states[State.PAID] for states in self.states.values())

    def owed_before(self, year: int) -> bool:
        return any(states[State.OWED] for known, states in self.states.items() if known < year)

    def gaps(self, year: int) -> int:
        """Months of the year between the first and the last that are in no state."""
        known = sum(self.states.get(year, Counter()).values())
        return _overlap(self.first, self.last + 1, year) - known

    def _stretch(self, first: Month, last: Month) -> None:
        self.first, self.last = min(self.first, first), max(self.last, last)


def years_of(
    person: Person, coverages: Iterable[Coverage], *, this: Month | None = None
) -> dict[Insurance, Years]:
    """By insurance, those that are on record; months as ``queries.record`` tells them in the month
    ``this``, of these coverages. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_CHARGED_BY_YEAR, {"person": person.pk})
        charged = cursor.fetchall()
    by_insurance: dict[Insurance, Years] = {}
    for code, year, status, months, first, last in charged:
        years = _stretched(by_insurance, Insurance(code), Month.of(first), Month.of(last))
        years.states.setdefault(year, Counter())[State(status)] += months
    latest = {insurance: years.last for insurance, years in by_insurance.items()}
    covered: Counter[tuple[Insurance, int]] = Counter()
    yearly: set[Insurance] = set()
    for coverage in coverages:
        insurance = Insurance(coverage.insurance)
        horizon = told_until(coverage, latest.get(insurance), this)
        if horizon is None or coverage.start >= horizon:
            continue
        end = min(coverage.until, horizon) if coverage.until else horizon
        if periods.is_yearly(coverage.city, Capacity(coverage.capacity), insurance, end - 1):
            yearly.add(insurance)
        _stretched(by_insurance, insurance, coverage.start, end - 1)
        for year in range(coverage.start.year, (end - 1).year + 1):
            covered[insurance, year] += _overlap(coverage.start, end, year)
    for (insurance, year), months in covered.items():
        states = by_insurance[insurance].states.setdefault(year, Counter())
        uncharged = months - sum(states.values())
        if uncharged > 0:
            # Where the year is paid at once, all its months stand as its charge does.
            of_year = next(iter(states), State.COVERED) if insurance in yearly else State.COVERED
            states[of_year] += uncharged
    return by_insurance


_CHARGED_BY_YEAR = """
    SELECT insurance, extract(year FROM month)::int, status, count(*), min(month), max(month)
    FROM contributions_charge WHERE person_id = %(person)s AND live GROUP BY 1, 2, 3
    UNION ALL
    SELECT insurance, extract(year FROM month)::int, 'paid', count(*), min(month), max(month)
    FROM contributions_publicshare WHERE person_id = %(person)s AND live AND charge_id IS NULL GROUP BY 1, 2
"""


def _stretched(
    by_insurance: dict[Insurance, Years], insurance: Insurance, first: Month, last: Month
) -> Years:
    years = by_insurance.setdefault(insurance, Years(first, last))
    years._stretch(first, last)
    return years


def _overlap(start: Month, until: Month, year: int) -> int:
    """How many months of the year lie in [start, until)."""
    return max(0, min(until, Month(year + 1, 1)) - max(start, Month(year, 1)))
