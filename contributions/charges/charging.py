"""What a city's month owes. Tiers are few: each is priced once, and all charges are inserted by one
statement. Wages are nearly as many as rows: they are priced while the database writes those
before."""

import datetime as dt
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from contributions.locks import one_charging_run
from contributions.models import Cancellation, CancellationKind, Charge, ChargeStatus, ChargingRun, Suspension
from contributions.planner import row_by_row, whole_tables
from contributions.prices.formula import Reckoned, basis_text, quote, reckon
from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import User
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import ContributionTerms, contribution_terms
from portal.policy.terms.debit import debit_terms
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, month_in_china

_ROWS_AT_A_TIME = 20_000
_PRICES_KEPT = 20_000
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
    """What a run did: how many charges it made (none where all stood already), and what it had to
    leave out."""

    city: str
    month: Month
    created: int
    left_out: tuple[LeftOut, ...]


def charge(
    *, city: str, month: Month, capacities: Iterable[Capacity] | None = None, by: User, now: dt.datetime
) -> Charged:
    """Charge all that is covered in the month and not charged yet, of the given capacities (all,
    where none are given).

    One transaction under the city's lock: a run that is killed has done nothing; one that is
    repeated, or waits for another, finds nothing to do. Coverage without a base, or that the policy
    does not price, is left out, told in the answer and kept with the run. Raises ValueError for a
    month that has not begun.
    """
    if month > month_in_china(now):
        raise ValueError(f"{month} has not begun")
    wanted = [str(capacity) for capacity in (capacities if capacities is not None else Capacity)]
    with transaction.atomic(), connection.cursor() as cursor:
        one_charging_run(city)
        whole_tables(cursor)
        # Merged with the few suspensions, all rows would be sorted before they are put in order.
        cursor.execute("SET LOCAL enable_mergejoin = off")
        cursor.execute(_UNCHARGED, _parameters(city, month, wanted))
        prices = _Prices(city, month, wanted, now)
        created = _charge_tiers(cursor, prices) + _charge_wages(cursor, prices)
        cursor.execute("DROP TABLE charging_uncharged")
        row_by_row(cursor)
        ChargingRun.objects.create(
            city=city,
            month=month,
            capacities=wanted,
            at=now,
            by=by,
            created=created,
            left_out=[asdict(one) for one in prices.left_out],
        )
    return Charged(city=city, month=month, created=created, left_out=tuple(prices.left_out))


class CannotCharge(Exception):
    """A month that was to be charged has no base or no price, or the person owes it elsewhere; the
    message says which."""


def charge_months(coverage: Coverage, months: Iterable[Month], *, now: dt.datetime) -> list[Charge]:
    """The live charges of exactly these months of one coverage, by month, made by one statement
    where they do not stand yet.

    A charge that stands keeps its price. Raises CannotCharge, and then has made none. Must run in a
    transaction.
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
    """Until the transaction ends, a posting that suspends the coverage waits, and we for one that
    just does."""
    Coverage.objects.select_for_update(no_key=True).only("pk").get(pk=coverage.pk)


def _refuse_suspended(coverage: Coverage, months: Sequence[Month]) -> None:
    for suspension in Suspension.objects.filter(coverage=coverage):
        for month in months:
            if suspension.runs_in(month):
                raise CannotCharge(
                    _("%(month)s已暂停缴费（%(why)s），请先结清欠费。")
                    % {"month": month.zh, "why": suspension.why}
                )


def void(charges: Iterable[Charge], *, why: str, by: User, now: dt.datetime) -> list[Charge]:
    """Void those of the charges that are still owed, each with its reason; returns them. Must run
    in a transaction."""
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
    covered = coverage.live and coverage.runs_in(month)
    base = next((one for one in bases if one.runs_in(month)), None)
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


def due_on(city: str, capacity: Capacity, month: Month) -> dt.date:
    """Until when a month's charge is to be paid: the day of the debit where the city debits, else
    the month's last day."""
    try:
        terms = debit_terms(book(), city=city, on=month.first_day)
    except PolicyMissing:
        return month.last_day
    return terms.debit_on(month) if capacity in terms.capacities else month.last_day


# What is to be charged: joined once, then priced, then inserted. The grade is part of the price
# only where the employer's share goes by it; elsewhere it would multiply the prices by eight.
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


class _NoPrice(Exception):
    """The message says what is missing."""


class _Prices:
    """The prices of a city's month, and what has been left out for want of one."""

    def __init__(self, city: str, month: Month, capacities: Sequence[str], now: dt.datetime) -> None:
        self.city, self.month, self.now = city, month, now
        self.left_out: list[LeftOut] = []
        self._terms = {(one.capacity, one.insurance): one for one in _all_terms(city, month, capacities)}
        self._due = {capacity: due_on(city, Capacity(capacity), month) for capacity in capacities}

    def terms(self, capacity: str, insurance: str) -> ContributionTerms:
        """Raises _NoPrice."""
        known = self._terms.get((Capacity(capacity), Insurance(insurance)))
        if known is None:
            raise _NoPrice(_("政策参数中没有该险种当月的计费标准"))
        return known

    def reckon(self, terms: ContributionTerms, **basis: Any) -> Reckoned:
        """``reckon`` of the month. Raises _NoPrice."""
        try:
            price = reckon(terms, insurance=terms.insurance, month=self.month, **basis)
        except PolicyMissing as missing:
            raise _NoPrice(
                _("政策参数中没有缴费档次 %(tier)s") % basis
                if "tier" in basis
                else _("无法计费：%(why)s") % {"why": missing}
            ) from missing
        if not price.amount_fen:
            raise _NoPrice(_("费率为零，没有应缴"))
        return price

    def due_on(self, capacity: str) -> dt.date:
        return self._due[capacity]

    def leave_out(
        self, capacity: str, insurance: str, tier: str, why: str, count: int, coverages: Sequence[int]
    ) -> None:
        """``count`` coverages, these among them; told with those that are left out for the same
        reason."""
        told = LeftOut(capacity, insurance, tier, why, count, list(coverages))
        for at, one in enumerate(self.left_out):
            if (one.capacity, one.insurance, one.tier, one.why) == (capacity, insurance, tier, why):
                told = replace(
                    told, count=one.count + count, coverages=[*one.coverages, *coverages][:_EXAMPLES]
                )
                self.left_out[at] = told
                return
        self.left_out.append(told)


_TIERS = """
    SELECT capacity, insurance, tier, count(*) FROM charging_uncharged WHERE wage_fen IS NULL GROUP BY capacity, insurance, tier
"""

_EXAMPLES_OF_TIER = """
    SELECT coverage_id FROM charging_uncharged
    WHERE wage_fen IS NULL AND capacity = %s AND insurance = %s AND tier IS NOT DISTINCT FROM %s
    ORDER BY coverage_id LIMIT %s
"""

# Prices are found by their place in a list, not joined: the rows stay in the order of the
# coverages, so that a person's rows and index entries lie together.
_CHARGE_TIERS = """
    INSERT INTO contributions_charge (
        city, person_id, coverage_id, employer_id, insurance, capacity, month, base, amount_fen, personal_fen,
        employer_fen, account_fen, policy, policy_since, basis, status, live, due_on, created_at
    )
    SELECT %(city)s, person_id, coverage_id, employer_id, insurance, capacity, %(month)s, (%(base)s::numeric[])[price],
        (%(amount_fen)s::bigint[])[price], (%(personal_fen)s::bigint[])[price], (%(employer_fen)s::bigint[])[price],
        (%(account_fen)s::bigint[])[price], (%(policy)s::text[])[price], (%(policy_since)s::date[])[price], tier, 'owed', true,
        (%(due_on)s::date[])[price], %(now)s
    FROM (
        SELECT *, array_position(%(priced)s::text[], capacity || '/' || insurance || '/' || tier) AS price
        FROM charging_uncharged WHERE wage_fen IS NULL OFFSET 0
    ) uncharged
    WHERE price IS NOT NULL
"""


def _charge_tiers(cursor: Any, prices: _Prices) -> int:
    """Charge what is paid by a tier, and tell what has no base at all; returns how many charges
    that made."""
    cursor.execute(_TIERS)
    found: dict[str, list[Any]] = defaultdict(list)
    for capacity, insurance, tier, count in cursor.fetchall():
        try:
            if tier is None:
                raise _NoPrice(_("没有当月缴费基数"))
            price = prices.reckon(prices.terms(capacity, insurance), tier=tier)
        except _NoPrice as missing:
            cursor.execute(_EXAMPLES_OF_TIER, [capacity, insurance, tier, _EXAMPLES])
            examples = [coverage for (coverage,) in cursor.fetchall()]
            prices.leave_out(capacity, insurance, tier or "", str(missing), count, examples)
            continue
        found["priced"].append(f"{capacity}/{insurance}/{tier}")
        found["base"].append(price.base)
        found["amount_fen"].append(price.amount_fen)
        found["personal_fen"].append(price.personal_fen)
        found["employer_fen"].append(price.employer_fen)
        found["account_fen"].append(price.account_fen)
        found["policy"].append(price.path)
        found["policy_since"].append(price.since)
        found["due_on"].append(prices.due_on(capacity))
    if not found:
        return 0
    cursor.execute(
        _CHARGE_TIERS, {"city": prices.city, "month": prices.month.first_day, "now": prices.now, **found}
    )
    return int(cursor.rowcount)


# The first columns of a row as ``COPY`` reads them, and what the others are worked out from. In the
# order of the coverages: the table was filled in it.
_WAGES = r"""
    SELECT concat(person_id, E'\t', coverage_id, E'\t', coalesce(employer_id::text, E'\\N'), E'\t'),
        coverage_id, capacity, insurance, wage_fen, grade
    FROM charging_uncharged WHERE wage_fen IS NOT NULL
"""

_CHARGE_WAGES = """
    COPY contributions_charge (
        person_id, coverage_id, employer_id, base, amount_fen, personal_fen, employer_fen, account_fen, basis, city, month,
        capacity, insurance, policy, policy_since, due_on, status, live, created_at
    ) FROM STDIN
"""


def _charge_wages(cursor: Any, prices: _Prices) -> int:
    """Charge what is paid by a wage or a chosen base; returns how many charges that made."""
    rest = _rest_of_row(prices)

    def rows_of(found: Sequence[tuple[str, int, str, str, int, int | None]]) -> str:
        rows = []
        for start, coverage, capacity, insurance, wage_fen, grade in found:
            try:
                rows.append(start + rest(capacity, insurance, wage_fen, grade))
            except _NoPrice as missing:
                prices.leave_out(capacity, insurance, "", str(missing), 1, [coverage])
        return "".join(rows)

    created = 0
    with connection.chunked_cursor() as wages, ThreadPoolExecutor(1) as beside:
        wages.execute(_WAGES)
        found = wages.fetchmany(_ROWS_AT_A_TIME)
        ahead = beside.submit(rows_of, found)
        while found:
            priced, found = ahead.result(), wages.fetchmany(_ROWS_AT_A_TIME)
            ahead = beside.submit(rows_of, found)
            # Sent in one piece: between two pieces it would wait for whoever prices.
            cursor.copy_expert(_CHARGE_WAGES, io.StringIO(priced), len(priced) + 1)
            created += cursor.rowcount
    return created


def _rest_of_row(prices: _Prices) -> Callable[[str, str, int, int | None], str]:
    """What follows the first column of ``_WAGES`` in a row for ``_CHARGE_WAGES``, by capacity,
    insurance, wage and grade; it may raise _NoPrice."""

    @lru_cache
    def of_all(capacity: str, insurance: str) -> tuple[ContributionTerms, str]:
        terms = prices.terms(capacity, insurance)
        values = (
            *(prices.city, prices.month.first_day, capacity, insurance, terms.path, terms.since),
            *(prices.due_on(capacity), ChargeStatus.OWED, "t", prices.now.isoformat()),
        )
        return terms, "\t".join(str(one).translate(_ESCAPES) for one in values)

    @lru_cache(_PRICES_KEPT)
    def of_wage(capacity: str, insurance: str, wage_fen: int, grade: int | None) -> str:
        terms, same = of_all(capacity, insurance)
        price = prices.reckon(terms, wage_fen=wage_fen, industry_grade=grade)
        return (
            f"{price.base}\t{price.amount_fen}\t{price.personal_fen}\t{price.employer_fen}\t{price.account_fen}\t"
            f"{basis_text(tier='', wage_fen=wage_fen)}\t{same}\n"
        )

    return of_wage


_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
