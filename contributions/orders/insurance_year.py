"""What a child pays at once: the months of the insurance year that are left, and why not."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from contributions.charges import charging, lapsing
from contributions.locks import before_or_after_a_batch
from contributions.models import Charge, ChargeStatus, DebitLine, LineStatus
from contributions.orders.queries import in_orders
from contributions.prices.formula import quote
from enrollment import actions
from enrollment.models import Coverage
from enrollment.queries import last_tier
from portal.accounts.models import User
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.contribution import contribution_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_in_china, month_span, today_in_china

# The offer by which it is paid.
SERVICE = "child-medical-pay"

_AT_THE_BANK = (LineStatus.PENDING, LineStatus.MISSING)


@dataclass(frozen=True, slots=True)
class YearToPay:
    """The rest of an insurance year, of one coverage that runs in it.

    ``months`` are what is to be paid, with their sums in fen; with ``or_from`` they may begin a
    month later. ``lapsed``: earlier months were not paid in time, and fall away. ``busy`` are those
    that are ordered or at the bank, ``orders`` the numbers of the orders. ``opens`` is the first
    month of a year that has not begun; then nothing is to be paid yet.
    """

    coverage_id: int
    first: Month
    last: Month
    tier: str
    months: Mapping[Month, int]
    or_from: Month | None
    lapsed: tuple[Month, ...]
    busy: tuple[Month, ...]
    orders: tuple[str, ...]
    opens: Month | None

    def from_month(self, start: Month | None) -> dict[Month, int]:
        """The months with their sums, from ``start`` on."""
        return {month: fen for month, fen in self.months.items() if start is None or month >= start}


def to_pay(person: Person, city: str, *, closes_on: int | None, now: dt.datetime) -> YearToPay | None:
    """What is left of the insurance year of a child's medical insurance; None where no such
    coverage runs now or later. After the day ``closes_on`` of the month, who is new in it may begin
    with the next one."""
    this, today = month_in_china(now), today_in_china(now)
    coverage = _running(person, city, this)
    if coverage is None:
        return None
    tier = last_tier(coverage)
    terms = contribution_terms(
        book(), city=city, capacity=Capacity.CHILD, insurance=Insurance.MEDICAL, month=this
    )
    first = terms.first_of_year(max(this, coverage.start))
    end = first + 12
    charges = {one.month: one for one in Charge.objects.filter(coverage=coverage, live=True, month__lt=end)}
    owed = {month: one for month, one in charges.items() if one.status == ChargeStatus.OWED}
    lapsed = tuple(
        sorted(month for month, one in owed.items() if month < this and one.due_on < this.first_day)
    )
    start = this if lapsed else max(coverage.start, min([this, *owed]))
    months = {
        month: owed[month].amount_fen
        if month in owed
        else quote(
            city=city, capacity=Capacity.CHILD, insurance=Insurance.MEDICAL, month=month, tier=tier
        ).amount_fen
        for month in month_span(start, end)
        if coverage.runs_in(month) and (month in owed or month not in charges)
    }
    ordered = in_orders(owed.values())
    drawn = set(
        DebitLine.objects.filter(charge__in=owed.values(), status__in=_AT_THE_BANK).values_list(
            "charge__month", flat=True
        )
    )
    begins = first > this
    is_new = coverage.start == this or bool(lapsed)
    may_wait = (
        closes_on is not None and today.day > closes_on and is_new and min(months, default=None) == this
    )
    return YearToPay(
        coverage_id=coverage.pk,
        first=first,
        last=end - 1,
        tier=tier,
        months={} if begins else months,
        or_from=this + 1 if may_wait and this + 1 < end else None,
        lapsed=lapsed,
        busy=tuple(sorted(drawn | {month for month, one in owed.items() if one.pk in ordered})),
        orders=tuple(sorted(set(ordered.values()))),
        opens=first if begins else None,
    )


def charged(year: YearToPay, start: Month | None, *, by: User, now: dt.datetime) -> list[Charge]:
    """The charges of the months from ``start`` on, made where they do not stand yet; what lapsed
    falls away first. Must run in a transaction, under the person's lock. Raises
    charging.CannotCharge."""
    coverage = Coverage.objects.prefetch_related("bases").get(pk=year.coverage_id)
    this = month_in_china(now)
    before_or_after_a_batch(coverage.city)
    if year.lapsed:
        lapsing.lapse(city=coverage.city, month=this, by=by, now=now, coverages=[coverage.pk])
        coverage = _running(coverage.person, coverage.city, this) or coverage
    if start is not None and start == year.or_from:
        tier = last_tier(coverage)
        actions.close_coverages([coverage], until=coverage.start, by=by, now=now)
        [coverage] = actions.begin_anew({coverage: tier}, start=start, now=now)
    return charging.charge_months(coverage, year.from_month(start), now=now)


def _running(person: Person, city: str, month: Month) -> Coverage | None:
    """The child's coverage that covers the month or a later one."""
    held = (
        Coverage.objects.filter(
            person=person,
            city=city,
            capacity=Capacity.CHILD,
            insurance=Insurance.MEDICAL,
            live=True,
            bases__isnull=False,
        )
        .distinct()
        .prefetch_related("bases")
        .order_by("start")
    )
    return next((one for one in held if one.runs_from(month)), None)
