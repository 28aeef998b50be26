"""For which months somebody is charged at once: the month, the year, or the rest of the insurance
year."""

import datetime as dt
from collections.abc import Iterator, Sequence

from contributions.models import Charge, ChargeStatus, PublicShare
from enrollment.models import Coverage
from portal.people.models import Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import Charged, ContributionTerms, contribution_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_in_china, month_span


def ahead(city: str, month: Month, capacities: Sequence[str]) -> Iterator[tuple[Month, list[str]]]:
    """The later months that are charged with this one, and of whom: those who pay the rest of the
    insurance year at once."""
    ends: dict[str, Month] = {}
    for capacity in capacities:
        for insurance in Insurance:
            terms = _terms(city, Capacity(capacity), insurance, month)
            if terms and terms.charged == Charged.INSURANCE_YEAR:
                ends[capacity] = terms.first_of_year(month) + 12
    for later in month_span(month + 1, max(ends.values(), default=month + 1)):
        yield later, [capacity for capacity, end in ends.items() if later < end]


def is_yearly(city: str, capacity: Capacity, insurance: Insurance, month: Month) -> bool:
    """Whether the insurance is paid by the year."""
    terms = _terms(city, capacity, insurance, month)
    return bool(terms and terms.yearly)


def year_at_once(city: str, capacity: Capacity, insurance: Insurance, month: Month) -> bool:
    """Whether the rest of the insurance year is paid at once."""
    terms = _terms(city, capacity, insurance, month)
    return bool(terms and terms.charged == Charged.INSURANCE_YEAR)


def at_once(coverage: Coverage, months: Sequence[Month], now: dt.datetime) -> Month | None:
    """The month with which these are paid, where the insurance year is paid at once: the present
    one, or the first of them where that comes later. None where each is paid by itself."""
    capacity, insurance = Capacity(coverage.capacity), Insurance(coverage.insurance)
    if not months or not year_at_once(coverage.city, capacity, insurance, min(months)):
        return None
    return max(month_in_china(now), min(months))


def to_charge(coverage: Coverage, upto: Month) -> list[Month]:
    """The months of the coverage that are to be charged by the month ``upto``, itself among them;
    months that are charged already may be among them too."""
    city, capacity = coverage.city, Capacity(coverage.capacity)
    insurance = Insurance(coverage.insurance)
    months = [one for one in month_span(coverage.start, upto + 1) if coverage.runs_in(one)]
    terms = _terms(city, capacity, insurance, upto)
    if terms is None or terms.charged == Charged.MONTH or not months:
        return months
    if terms.charged == Charged.INSURANCE_YEAR:
        end = terms.first_of_year(upto) + 12
        return [*months, *(one for one in month_span(upto + 1, end) if coverage.runs_in(one))]
    paid = _years_of(coverage)
    return [one for one in months if (one.month == 1 or one == coverage.start) and one.year not in paid]


def paid_years(person: Person, insurance: Insurance, capacity: Capacity) -> frozenset[int]:
    """The calendar years that the person has paid in this insurance and capacity, or public money
    alone has."""
    about = {"person": person, "insurance": insurance, "capacity": capacity, "live": True}
    paid = Charge.objects.filter(**about, status=ChargeStatus.PAID)
    shares = PublicShare.objects.filter(**about, charge=None)
    return frozenset(month.year for rows in (paid, shares) for month in rows.values_list("month", flat=True))


def paid_by_others(coverage: Coverage, since: Month) -> frozenset[int]:
    """The years from that of ``since`` on in which the coverage runs and that another coverage of
    the person has paid; none where it is not paid by the year."""
    insurance, capacity = Insurance(coverage.insurance), Capacity(coverage.capacity)
    if not is_yearly(coverage.city, capacity, insurance, since):
        return frozenset()
    charges = Charge.objects.filter(
        person=coverage.person_id,
        insurance=insurance,
        capacity=capacity,
        live=True,
        status=ChargeStatus.PAID,
        month__gte=Month(since.year, 1),
    ).exclude(coverage=coverage)
    return frozenset(
        month.year
        for month in charges.values_list("month", flat=True)
        if coverage.start.year <= month.year and coverage.runs_from(Month(month.year, 1))
    )


def _years_of(coverage: Coverage) -> set[int]:
    """The years that the person is charged for already in this insurance and capacity, by other
    coverages."""
    about = {"person": coverage.person_id, "insurance": coverage.insurance, "capacity": coverage.capacity}
    others = Charge.objects.filter(**about, live=True).exclude(coverage=coverage)
    shares = PublicShare.objects.filter(**about, live=True, charge=None).exclude(coverage=coverage)
    return {month.year for rows in (others, shares) for month in rows.values_list("month", flat=True)}


def _terms(city: str, capacity: Capacity, insurance: Insurance, month: Month) -> ContributionTerms | None:
    try:
        return contribution_terms(book(), city=city, capacity=capacity, insurance=insurance, month=month)
    except PolicyMissing:
        return None
