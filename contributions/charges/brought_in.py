"""What a person's record holds beside charges, and what has left it: which months count where, at
this moment.

In a city count its paid charges that have not left it, and what was brought in and has not moved
on. A month under way counts nowhere; no month counts twice.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import Q, QuerySet

from contributions.models import (
    BroughtIn,
    BroughtInPeriod,
    Charge,
    ChargeStatus,
    MovedOut,
    MovedOutPeriod,
    Origin,
)
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_span, runs


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the charges of the cities asked about do not tell of one insurance, in months.

    ``brought_in`` came from elsewhere and counts here; ``moved_out`` was paid here and counts here
    no more, arrived elsewhere or not; ``in_transit`` has left one of them for another city of this
    hall and not arrived.
    """

    brought_in: int
    moved_out: int
    in_transit: int


def elsewhere(person: Person, *, cities: Iterable[str] | None = None) -> dict[Insurance, Elsewhere]:
    """By insurance, for the cities asked about (all of the hall's, where none are named); nothing
    where nothing ever moved.

    One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ELSEWHERE, {"person": person.pk, "cities": None if cities is None else list(cities)})
        found = {Insurance(insurance): Elsewhere(*months) for insurance, *months in cursor.fetchall()}
    return {insurance: found[insurance] for insurance in Insurance if insurance in found}


# Periods are of months, so that the days between two of their ends tell nothing: years and months
# are counted.
_ELSEWHERE = """
    SELECT insurance, sum(brought_in)::int, sum(moved_out)::int, sum(in_transit)::int
    FROM (
        SELECT insurance, months AS brought_in, 0 AS moved_out, 0 AS in_transit
        FROM contributions_broughtin
        WHERE person_id = %(person)s AND moved_on_id IS NULL
            AND (%(cities)s::varchar[] IS NULL OR city = ANY(%(cities)s))
        UNION ALL
        SELECT gone.insurance, 0,
            (
                SELECT coalesce(sum(12 * extract(year FROM age(until, start)) + extract(month FROM age(until, start))), 0)
                FROM contributions_movedoutperiod WHERE moved_out_id = gone.id
            ),
            CASE WHEN gone.to_city <> '' AND came.id IS NULL THEN gone.months ELSE 0 END
        FROM contributions_movedout gone
        LEFT JOIN contributions_broughtin came ON came.moved_out_id = gone.id
        WHERE gone.person_id = %(person)s AND gone.live
            AND (%(cities)s::varchar[] IS NULL OR gone.city = ANY(%(cities)s))
    ) moved
    GROUP BY insurance
"""


def standing(
    person: Person, *, insurance: Insurance | None = None, cities: Iterable[str] | None = None
) -> QuerySet[BroughtIn]:
    """What was brought in and counts, because it has not moved on; oldest months first."""
    rows = BroughtIn.objects.filter(_about(insurance, cities), person=person, moved_on__isnull=True)
    return rows.order_by("start", "pk")


def moved_out(
    person: Person, *, insurance: Insurance | None = None, cities: Iterable[str] | None = None
) -> QuerySet[MovedOut]:
    """What left the cities and was not taken back; oldest months first."""
    rows = MovedOut.objects.filter(_about(insurance, cities), person=person, live=True)
    return rows.order_by("start", "pk")


def is_in_transit(left: MovedOut) -> bool:
    """Whether it has left for another city of the hall and not arrived there."""
    return left.live and bool(left.to_city) and not hasattr(left, "brought_in")


# Months that do not count toward retirement where employees' and flexible workers' do.
_STAYS = Q(capacity__in=[Capacity.CHILD, Capacity.STUDENT]) | Q(
    capacity=Capacity.RESIDENT, insurance=Insurance.PENSION
)


def own_charges(person: Person, *, insurance: Insurance, city: str) -> list[Charge]:
    """The city's paid charges that have not left it, by month: what counts there beside what was
    brought in. Months as a child or a student, and of the residents' pension, count for nothing
    that moves. Two queries."""
    gone = gone_months(person, insurance=insurance)
    charges = Charge.objects.filter(
        person=person, insurance=insurance, city=city, live=True, status=ChargeStatus.PAID
    )
    charges = charges.exclude(_STAYS).order_by("month")
    return [charge for charge in charges if charge.month not in gone]


def gone_months(person: Person, *, insurance: Insurance) -> set[Month]:
    """Months of this hall's charges that have left the city that they were paid in."""
    return _months_of(MovedOutPeriod.objects.filter(person=person, insurance=insurance, live=True))


def months_brought_in(rows: Iterable[BroughtIn]) -> set[Month]:
    """The months of these records, one by one."""
    return {month for row in rows for month in _months_of(row.periods.all())}


def counted_months(person: Person, *, insurance: Insurance, city: str) -> set[Month]:
    """The months that count in a city."""
    came = standing(person, insurance=insurance, cities=[city]).prefetch_related("periods")
    paid = {charge.month for charge in own_charges(person, insurance=insurance, city=city)}
    return paid | months_brought_in(came)


def add(
    person: Person,
    *,
    city: str,
    insurance: Insurance,
    origin: Origin,
    what: str,
    months: Iterable[Month],
    wages: Mapping[str, str],
    account_fen: int = 0,
    pooled_fen: int = 0,
    key: str,
    by: User,
    now: dt.datetime,
) -> BroughtIn:
    """Let months count in a city that no charge there has paid; ``what`` names where they are from.
    Must run in a transaction. Raises IntegrityError where one of them counts already, or the key
    was used."""
    periods = runs(set(months))
    added = BroughtIn.objects.create(
        person=person,
        city=city,
        insurance=insurance,
        origin=origin,
        from_place=what,
        start=periods[0][0],
        until=periods[-1][1],
        months=sum(until - start for start, until in periods),
        wages=dict(wages),
        account_fen=account_fen,
        pooled_fen=pooled_fen,
        key=key,
        at=now,
        by=by,
    )
    BroughtInPeriod.objects.bulk_create(
        BroughtInPeriod(brought_in=added, person=person, insurance=insurance, start=start, until=until)
        for start, until in periods
    )
    return added


def wages_by_year(rows: Iterable[tuple[Month, Decimal]]) -> dict[str, str]:
    """Wages of months, yuan, added up by year as a record keeps them."""
    sums: dict[str, Decimal] = {}
    for month, wage in rows:
        year = f"{month.year:04d}"
        sums[year] = sums.get(year, Decimal(0)) + wage
    return {year: f"{sums[year].normalize():f}" for year in sorted(sums)}


def add_wages(*parts: Mapping[str, str]) -> dict[str, str]:
    """Several records' wages as one."""
    sums: dict[str, Decimal] = {}
    for part in parts:
        for year, wage in part.items():
            sums[year] = sums.get(year, Decimal(0)) + Decimal(wage)
    return {year: f"{sums[year].normalize():f}" for year in sorted(sums)}


def _months_of(periods: Iterable[object]) -> set[Month]:
    return {month for one in periods for month in month_span(one.start, one.until)}  # type: ignore[attr-defined]


def _about(insurance: Insurance | None, cities: Iterable[str] | None) -> Q:
    condition = Q()
    if insurance is not None:
        condition &= Q(insurance=insurance)
    if cities is not None:
        condition &= Q(city__in=list(cities))
    return condition
