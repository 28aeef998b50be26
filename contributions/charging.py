"""What a city's month owes: every distinct price reckoned once, every charge inserted by one statement."""

import csv
import datetime as dt
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from contributions.models import Cancellation, CancellationKind, Charge, ChargeStatus, ChargingRun, Suspension
from contributions.reckoning import basis_text, quote, reckon
from contributions.sets import row_by_row, whole_tables
from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import User
from portal.policy.book import PolicyMissing, book
from portal.policy.terms import ContributionTerms, contribution_terms, debit_terms
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month

# The first key of the advisory lock under which one city is charged at a time.
_CHARGING_LOCK = 0xC4A26E
_ROWS_AT_A_TIME = 5000
_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Coverages that could not be charged, and why: some of their ids, and how many there are."""

    capacity: str
    insurance: str
    tier: str
    why: str
    count: int
    coverages: list[int]

    def __str__(self) -> str:
        who = f"{CAPACITY_LABELS[Capacity(self.capacity)]}{INSURANCE_LABELS[Insurance(self.insurance)]}"
        return _("%(who)s %(count)s 人：%(why)s") % {"who": who, "count": self.count, "why": self.why}


@dataclass(frozen=True, slots=True)
class Charged:
    """What a run did: how many charges it made (none where all stood already), and what it had to leave out."""

    city: str
    month: Month
    created: int
    left_out: tuple[LeftOut, ...]


def charge(
    *, city: str, month: Month, capacities: Iterable[Capacity] | None = None, by: User, now: dt.datetime
) -> Charged:
    """Charge all that is covered in the month and not charged yet, of the given capacities (all, where none are given).

    One transaction under the city's lock: a run that is killed has done nothing; one that is repeated, or waits for another,
    finds nothing to do. Coverage without a base, or that the policy does not price, is left out, told in the answer and kept
    with the run.
    """
    wanted = [str(capacity) for capacity in (capacities if capacities is not None else Capacity)]
    with transaction.atomic(), connection.cursor() as cursor:
        lock_charging(cursor, city)
        whole_tables(cursor)
        # Wages are nearly as many as rows: sorting rows and prices by five columns of text takes longer than inserting them.
        cursor.execute("SET LOCAL enable_mergejoin = off")
        cursor.execute(_UNCHARGED, _parameters(city, month, wanted))
        _make_price_table(cursor)
        unpriced = _fill_price_table(cursor, city, month, wanted)
        created = _insert(cursor, city, month, now)
        left_out = tuple(_left_out(cursor, unpriced))
        cursor.execute("DROP TABLE charging_uncharged, charging_price")
        row_by_row(cursor)
        ChargingRun.objects.create(
            city=city,
            month=month,
            capacities=wanted,
            at=now,
            by=by,
            created=created,
            left_out=[asdict(one) for one in left_out],
        )
    return Charged(city=city, month=month, created=created, left_out=left_out)


class CannotCharge(Exception):
    """A month that was to be charged has no base or no price, or the person owes it elsewhere; the message says which."""


def charge_months(coverage: Coverage, months: Iterable[Month], *, now: dt.datetime) -> list[Charge]:
    """The live charges of exactly these months of one coverage, by month, made by one statement where they do not stand yet.

    A charge that stands keeps its price. Raises CannotCharge, and then has made none. Must run in a transaction.
    """
    wanted = sorted(set(months))
    _hold(coverage)
    _refuse_suspended(coverage, wanted)
    bases = list(ContributionBase.objects.filter(coverage=coverage).order_by("start"))
    standing = set(
        Charge.objects.filter(coverage=coverage, month__in=wanted, live=True).values_list("month", flat=True)
    )
    with transaction.atomic():
        Charge.objects.bulk_create(
            [_priced(coverage, bases, month, now) for month in wanted if month not in standing],
            ignore_conflicts=True,
        )
        charges = list(
            Charge.objects.filter(coverage=coverage, month__in=wanted, live=True).order_by("month")
        )
        if [one.month for one in charges] != wanted:
            raise CannotCharge(_("该险种当月已在其他参保地或单位有应缴，不能重复缴费。"))
    return charges


def _hold(coverage: Coverage) -> None:
    """Until the transaction ends, a posting that suspends the coverage waits, and we for one that just does."""
    Coverage.objects.select_for_update(no_key=True).only("pk").get(pk=coverage.pk)


def _refuse_suspended(coverage: Coverage, months: Sequence[Month]) -> None:
    for suspension in Suspension.objects.filter(coverage=coverage):
        for month in months:
            if suspension.start <= month and (suspension.until is None or month < suspension.until):
                raise CannotCharge(
                    _("%(month)s已暂停缴费（%(why)s），请先结清欠费。")
                    % {"month": month.zh, "why": suspension.why}
                )


def void(charges: Iterable[Charge], *, why: str, by: User, now: dt.datetime) -> list[Charge]:
    """Void those of the charges that are still owed, each with its reason; returns them. Must run in a transaction."""
    owed = list(
        Charge.objects.select_for_update(no_key=True)
        .filter(pk__in=[charge.pk for charge in charges], status=ChargeStatus.OWED)
        .order_by("pk")
    )
    Charge.objects.filter(pk__in=[charge.pk for charge in owed]).update(status=ChargeStatus.VOID, live=False)
    Cancellation.objects.bulk_create(
        Cancellation(charge=charge, kind=CancellationKind.VOID, at=now, by=by, why=why) for charge in owed
    )
    return owed


def _priced(coverage: Coverage, bases: Sequence[ContributionBase], month: Month, now: dt.datetime) -> Charge:
    capacity, insurance = Capacity(coverage.capacity), Insurance(coverage.insurance)
    covered = coverage.live and coverage.start <= month and (coverage.until is None or month < coverage.until)
    base = next(
        (one for one in bases if one.start <= month and (one.until is None or month < one.until)), None
    )
    if base is None or not covered:
        raise CannotCharge(_("%(month)s没有缴费基数。") % {"month": month.zh})
    grade = coverage.employer.industry_grade if coverage.employer else None
    try:
        price = quote(
            city=coverage.city,
            capacity=capacity,
            insurance=insurance,
            month=month,
            tier=base.tier,
            wage_fen=base.wage_fen,
            industry_grade=grade,
        )
    except PolicyMissing as missing:
        raise CannotCharge(_("%(month)s没有这一档次的计费标准。") % {"month": month.zh}) from missing
    return Charge(
        city=coverage.city,
        person_id=coverage.person_id,
        coverage=coverage,
        employer_id=coverage.employer_id,
        insurance=insurance,
        capacity=capacity,
        month=month,
        base=price.base,
        amount_fen=price.amount_fen,
        personal_fen=price.personal_fen,
        employer_fen=price.employer_fen,
        account_fen=price.account_fen,
        policy=price.path,
        policy_since=price.since,
        basis=basis_text(tier=base.tier, wage_fen=base.wage_fen),
        due_on=due_on(coverage.city, capacity, month),
        created_at=now,
    )


def lock_charging(cursor: Any, city: str) -> None:
    """Until the transaction ends, nobody else charges the city."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_CHARGING_LOCK, city])


def keep_from_charging(cursor: Any, city: str) -> None:
    """Wait for a run that is just charging the city, and keep the next one waiting until the transaction ends: it either sees
    what we did, or we see what it charged. Several may do so at once."""
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, hashtext(%s))", [_CHARGING_LOCK, city])


def due_on(city: str, capacity: Capacity, month: Month) -> dt.date:
    """Until when a month's charge is to be paid: the day of the debit where the city debits, else the month's last day."""
    try:
        terms = debit_terms(book(), city=city, on=month.first_day)
    except PolicyMissing:
        return month.last_day
    return terms.debit_on(month) if capacity in terms.capacities else month.last_day


# What is to be charged: joined once, then priced, then inserted. The grade is part of the price only where the employer's share
# goes by it; elsewhere it would multiply the prices by eight.
_UNCHARGED = """
    CREATE TEMPORARY TABLE charging_uncharged ON COMMIT DROP AS
    SELECT coverage.id AS coverage_id, coverage.person_id, coverage.employer_id, coverage.capacity, coverage.insurance,
        base.tier, base.wage_fen, employer.industry_grade AS grade
    FROM enrollment_coverage coverage
    LEFT JOIN enrollment_contributionbase base ON base.coverage_id = coverage.id
        AND base.start <= %(month)s AND (base.until IS NULL OR base.until > %(month)s)
    LEFT JOIN people_employer employer ON employer.id = coverage.employer_id
        AND (coverage.capacity, coverage.insurance) IN (
            SELECT * FROM unnest(%(graded_capacities)s::varchar[], %(graded_insurances)s::varchar[])
        )
    WHERE coverage.live AND coverage.city = %(city)s AND coverage.capacity = ANY(%(capacities)s)
        AND coverage.start <= %(month)s AND (coverage.until IS NULL OR coverage.until > %(month)s)
        AND NOT EXISTS (
            SELECT 1 FROM contributions_charge charge
            WHERE charge.person_id = coverage.person_id AND charge.insurance = coverage.insurance
                AND charge.month = %(month)s AND charge.live
        )
        AND NOT EXISTS (
            SELECT 1 FROM contributions_suspension suspension
            WHERE suspension.coverage_id = coverage.id AND suspension.start <= %(month)s
                AND (suspension.until IS NULL OR suspension.until > %(month)s)
        )
    ORDER BY coverage.id
"""

# CSV leaves an empty tier and an absent wage or grade alike as NULL, hence the coalesces on both sides.
_PRICE_OF_ROW = """
    price.capacity = row.capacity AND price.insurance = row.insurance AND coalesce(price.tier, '') = row.tier
        AND coalesce(price.wage_fen, -1) = coalesce(row.wage_fen, -1) AND coalesce(price.grade, 0) = coalesce(row.grade, 0)
"""

_INSERT = f"""
    INSERT INTO contributions_charge (
        city, person_id, coverage_id, employer_id, insurance, capacity, month, base, amount_fen, personal_fen,
        employer_fen, account_fen, policy, policy_since, basis, status, live, due_on, created_at
    )
    SELECT %(city)s, row.person_id, row.coverage_id, row.employer_id, row.insurance, row.capacity, %(month)s, price.base,
        price.amount_fen, price.personal_fen, price.employer_fen, price.account_fen, price.policy, price.policy_since,
        price.basis, 'owed', true, price.due_on, %(now)s
    FROM charging_uncharged row JOIN charging_price price ON {_PRICE_OF_ROW}
"""  # noqa: S608 - of constants

# In the order of the coverages, so that a person's rows and index entries lie together. Hashed with prices that fit into memory,
# the rows keep the order that they were put in; with more of them they are put in order again.
_PRICES_IN_MEMORY = 100_000
_IN_ORDER = " ORDER BY row.coverage_id"

_UNPRICED = f"""
    SELECT row.coverage_id FROM charging_uncharged row
    WHERE row.capacity = %(capacity)s AND row.insurance = %(insurance)s AND row.tier IS NOT DISTINCT FROM %(tier)s
        AND NOT EXISTS (SELECT 1 FROM charging_price price WHERE {_PRICE_OF_ROW})
    ORDER BY row.coverage_id LIMIT %(limit)s
"""  # noqa: S608 - of constants

_PRICE_COLUMNS = (
    "capacity",
    "insurance",
    "tier",
    "wage_fen",
    "grade",
    "base",
    "amount_fen",
    "personal_fen",
    "employer_fen",
    "account_fen",
    "policy",
    "policy_since",
    "basis",
    "due_on",
)


def _make_price_table(cursor: Any) -> None:
    cursor.execute(
        """
        CREATE TEMPORARY TABLE charging_price (
            capacity varchar, insurance varchar, tier varchar, wage_fen bigint, grade int, base numeric, amount_fen bigint,
            personal_fen bigint, employer_fen bigint, account_fen bigint, policy varchar, policy_since date, basis varchar,
            due_on date
        ) ON COMMIT DROP
        """
    )


@dataclass(frozen=True, slots=True)
class _Unpriced:
    capacity: str
    insurance: str
    tier: str | None
    why: str


def _parameters(city: str, month: Month, capacities: Sequence[str]) -> dict[str, Any]:
    graded = [
        (str(terms.capacity), str(terms.insurance))
        for terms in _all_terms(city, month, capacities)
        if terms.employer_rate is None
    ]
    return {
        "city": city,
        "month": month.first_day,
        "capacities": list(capacities),
        "graded_capacities": [capacity for capacity, _insurance in graded],
        "graded_insurances": [insurance for _capacity, insurance in graded],
    }


def _all_terms(city: str, month: Month, capacities: Sequence[str]) -> Iterator[ContributionTerms]:
    for capacity in capacities:
        for insurance in Insurance:
            try:
                yield contribution_terms(
                    book(), city=city, capacity=Capacity(capacity), insurance=insurance, month=month
                )
            except PolicyMissing:
                continue


def _fill_price_table(cursor: Any, city: str, month: Month, capacities: Sequence[str]) -> Counter[_Unpriced]:
    """Reckon every distinct price once and copy it into the price table; what has none is returned."""
    terms = {(one.capacity, one.insurance): one for one in _all_terms(city, month, capacities)}
    due = {capacity: due_on(city, Capacity(capacity), month) for capacity in capacities}
    unpriced: Counter[_Unpriced] = Counter()
    with connection.chunked_cursor() as prices:
        prices.execute(
            """
            SELECT capacity, insurance, tier, wage_fen, grade, count(*) FROM charging_uncharged
            GROUP BY capacity, insurance, tier, wage_fen, grade
            """
        )
        while rows := prices.fetchmany(_ROWS_AT_A_TIME):
            buffer = io.StringIO()
            writer = csv.writer(buffer)
            for capacity, insurance, tier, wage_fen, grade, count in rows:
                try:
                    writer.writerow(_price(terms, due, month, capacity, insurance, tier, wage_fen, grade))
                except _NoPrice as missing:
                    unpriced[_Unpriced(capacity, insurance, tier, str(missing))] += count
            buffer.seek(0)
            cursor.copy_expert(
                f"COPY charging_price ({', '.join(_PRICE_COLUMNS)}) FROM STDIN (FORMAT csv)", buffer
            )
    cursor.execute("ANALYZE charging_price")
    return unpriced


class _NoPrice(Exception):
    pass


def _price(
    terms: dict[tuple[Capacity, Insurance], ContributionTerms],
    due: dict[str, dt.date],
    month: Month,
    capacity: str,
    insurance: str,
    tier: str | None,
    wage_fen: int | None,
    grade: int | None,
) -> list[str | int | Decimal | dt.date | None]:
    if tier is None:
        raise _NoPrice(_("没有当月缴费基数"))
    known = terms.get((Capacity(capacity), Insurance(insurance)))
    if known is None:
        raise _NoPrice(_("政策参数中没有该险种当月的计费标准"))
    try:
        price = reckon(
            known, tier=tier, wage_fen=wage_fen, insurance=known.insurance, month=month, industry_grade=grade
        )
    except PolicyMissing as missing:
        raise _NoPrice(
            _("政策参数中没有缴费档次 %(tier)s") % {"tier": tier}
            if tier
            else _("无法计费：%(why)s") % {"why": missing}
        ) from missing
    if not price.amount_fen:
        raise _NoPrice(_("费率为零，没有应缴"))
    return [
        capacity,
        insurance,
        tier,
        wage_fen,
        grade,
        price.base,
        price.amount_fen,
        price.personal_fen,
        price.employer_fen,
        price.account_fen,
        price.path,
        price.since,
        basis_text(tier=tier, wage_fen=wage_fen),
        due[capacity],
    ]


def _insert(cursor: Any, city: str, month: Month, now: dt.datetime) -> int:
    cursor.execute("SELECT count(*) FROM charging_price")
    in_order = "" if cursor.fetchone()[0] <= _PRICES_IN_MEMORY else _IN_ORDER
    cursor.execute(_INSERT + in_order, {"city": city, "month": month.first_day, "now": now})
    return int(cursor.rowcount)


def _left_out(cursor: Any, unpriced: Counter[_Unpriced]) -> Iterator[LeftOut]:
    for one, count in unpriced.items():
        cursor.execute(_UNPRICED, {**asdict(one), "limit": _EXAMPLES})
        yield LeftOut(
            capacity=one.capacity,
            insurance=one.insurance,
            tier=one.tier or "",
            why=one.why,
            count=count,
            coverages=[row[0] for row in cursor.fetchall()],
        )
