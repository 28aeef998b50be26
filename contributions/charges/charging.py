"""Charges of a city's month. There are few tiers: each is priced once, and one statement inserts
all charges. There are nearly as many wages as rows: they are priced while the database writes the
rows before them."""

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

from contributions.charges import periods, public_shares
from contributions.locks import one_charging_run
from contributions.models import Cancellation, CancellationKind, Charge, ChargeStatus, ChargingRun, Suspension
from contributions.planner import row_by_row, whole_tables
from contributions.prices.formula import basis_text, quote, reckon
from contributions.prices.reckoned import Reckoned
from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import User
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import ContributionTerms, contribution_terms
from portal.policy.terms.debit import debit_terms
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, month_in_china

ROWS_AT_A_TIME = 20_000
_PRICES_KEPT = 20_000
EXAMPLES = 20


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
    """The result of a run: how many charges it made (0 where all existed already), and the
    coverages that it left out."""

    city: str
    month: Month
    created: int
    left_out: tuple[LeftOut, ...]


def charge(
    *, city: str, month: Month, capacities: Iterable[Capacity] | None = None, by: User, now: dt.datetime
) -> Charged:
    """Charge every coverage of the month that has no charge yet, of the given capacities (of all,
    where none are given).

    One transaction under the city's lock: a killed run has done nothing; a repeated run, or one
    that waited for another, finds nothing to do. Coverages without a base or without a price in the
    policy are left out, returned and recorded with the run. Raises ValueError for a month that has
    not begun.
    """
    if month > month_in_china(now):
        raise ValueError(f"{month} has not begun")
    wanted = [str(capacity) for capacity in (capacities if capacities is not None else Capacity)]
    with transaction.atomic(), connection.cursor() as cursor:
        one_charging_run(city)
        whole_tables(cursor)
        # Merged with the few suspensions, all rows would be sorted before they are put in order.
        cursor.execute("SET LOCAL enable_mergejoin = off")
        created, left_out = _charge_month(cursor, city, month, wanted, due=month, now=now)
        for later, by_year in periods.ahead(city, month, wanted):
            created += _charge_month(cursor, city, later, by_year, due=month, now=now)[0]
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
    return Charged(city=city, month=month, created=created, left_out=tuple(left_out))


def _charge_month(
    cursor: Any, city: str, month: Month, capacities: Sequence[str], *, due: Month, now: dt.datetime
) -> tuple[int, list[LeftOut]]:
    """Charge one month, to be paid when ``due`` is; how many charges, and what was left out."""
    parameters = {**_parameters(city, month, capacities), "begun": due.first_day}
    statement = _UNCHARGED.replace("/* yearly */", _YEARLY if parameters["yearly_capacities"] else "")
    cursor.execute(statement, parameters)
    prices = _Prices(city, month, capacities, now, due=due)
    created = charge_tiers(cursor, prices) + _charge_wages(cursor, prices)
    cursor.execute("DROP TABLE charging_uncharged")
    return created, prices.left_out


class CannotCharge(Exception):
    """A month to be charged has no base or no price, is suspended, or is owed elsewhere; the
    message says which."""


def charge_months(coverage: Coverage, months: Iterable[Month], *, now: dt.datetime) -> list[Charge]:
    """The live charges of exactly these months of one coverage, by month; one statement makes those
    that do not exist yet.

    A month that public money pays alone has none; its public share is made. An existing charge
    keeps its price. Raises CannotCharge, and then has made none. Must run in a
    transaction.
    """
    wanted = sorted(set(months))
    hold_coverage(coverage)
    _refuse_suspended(coverage, wanted)
    bases = list(ContributionBase.objects.filter(coverage=coverage).order_by("start"))
    standing = set(
        Charge.objects.filter(coverage=coverage, month__in=wanted, live=True).values_list("month", flat=True)
    )
    at_once = periods.at_once(coverage, wanted, now)
    due = {
        month: priced_charge(coverage, bases, month, now, due=at_once or month)
        for month in wanted
        if month not in standing
    }
    owed = [one for one in due.values() if one.amount_fen]
    with transaction.atomic():
        Charge.objects.bulk_create(owed, ignore_conflicts=True)
        charges = list(
            Charge.objects.filter(coverage=coverage, month__in=wanted, live=True).order_by("month")
        )
        public_shares.add(charges, now=now)
        paid_for = [one for one in due.values() if not one.amount_fen]
        public_shares.add_without_charge(paid_for, now=now)
        if sorted([*(one.month for one in charges), *(one.month for one in paid_for)]) != wanted:
            raise CannotCharge(_("该险种当月已在其他参保地或单位有应缴，不能重复缴费。"))
    return charges


def hold_coverage(coverage: Coverage) -> None:
    """Lock the coverage until the transaction ends, so that a posting that suspends it waits for
    us, or we for it."""
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


def priced_charge(
    coverage: Coverage, bases: Sequence[ContributionBase], month: Month, now: dt.datetime, *, due: Month
) -> Charge:
    """The charge of a month, to be paid when the month ``due`` is; not stored. Raises
    CannotCharge."""
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
        due_on=due_on(coverage.city, capacity, due),
        created_at=now,
    )


def due_on(city: str, capacity: Capacity, month: Month) -> dt.date:
    """The last day to pay a month's charge: the day of the debit where the city debits, else the
    month's last day."""
    try:
        terms = debit_terms(book(), city=city, on=month.first_day)
    except PolicyMissing:
        return month.last_day
    return terms.debit_on(month) if capacity in terms.capacities else month.last_day


# The coverages to be charged are joined once, then priced, then inserted. The grade is part of the
# price only where the employer's share depends on it; elsewhere it would multiply the prices by
# eight.
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
        AND coverage.start <= %(begun)s AND (coverage.until IS NULL OR coverage.until > %(month)s)
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
    /* yearly */
    ORDER BY coverage.id
"""

# What is paid by the year is charged once in it: in January, or in the coverage's first month.
_YEARLY = """
    AND (
        (coverage.capacity, coverage.insurance) NOT IN (
            SELECT * FROM unnest(%(yearly_capacities)s::varchar[], %(yearly_insurances)s::varchar[])
        )
        OR (
            (extract(month FROM %(month)s::date) = 1 OR coverage.start = %(month)s)
            AND NOT EXISTS (
                SELECT 1 FROM contributions_charge charge
                WHERE charge.person_id = coverage.person_id AND charge.insurance = coverage.insurance
                    AND charge.capacity = coverage.capacity AND charge.live
                    AND date_trunc('year', charge.month) = date_trunc('year', %(month)s::date)
            )
            AND NOT EXISTS (
                SELECT 1 FROM contributions_publicshare share
                WHERE share.person_id = coverage.person_id AND share.insurance = coverage.insurance
                    AND share.capacity = coverage.capacity AND share.live AND share.charge_id IS NULL
                    AND date_trunc('year', share.month) = date_trunc('year', %(month)s::date)
            )
        )
    )
"""


def _parameters(city: str, month: Month, capacities: Sequence[str]) -> dict[str, Any]:
    all_terms = list(_all_terms(city, month, capacities))
    graded = [
        (str(terms.capacity), str(terms.insurance)) for terms in all_terms if terms.employer_rate is None
    ]
    yearly = [terms for terms in all_terms if terms.yearly]
    return {
        "city": city,
        "month": month.first_day,
        "capacities": list(capacities),
        "graded_capacities": [capacity for capacity, _insurance in graded],
        "graded_insurances": [insurance for _capacity, insurance in graded],
        "yearly_capacities": [str(one.capacity) for one in yearly],
        "yearly_insurances": [str(one.insurance) for one in yearly],
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
    """There is no price; the message says what is missing."""


class _Prices:
    """The prices of a city's month, and the coverages left out because they have none."""

    def __init__(
        self, city: str, month: Month, capacities: Sequence[str], now: dt.datetime, *, due: Month
    ) -> None:
        self.city, self.month, self.now = city, month, now
        self.left_out: list[LeftOut] = []
        self._terms = {(one.capacity, one.insurance): one for one in _all_terms(city, month, capacities)}
        self._due = {capacity: due_on(city, Capacity(capacity), due) for capacity in capacities}

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
        if not price.amount_fen and not price.public_fen:
            raise _NoPrice(_("费率为零，没有应缴"))
        return price

    def due_on(self, capacity: str) -> dt.date:
        return self._due[capacity]

    def leave_out(
        self, capacity: str, insurance: str, tier: str, why: str, count: int, coverages: Sequence[int]
    ) -> None:
        """Record ``count`` coverages as left out, ``coverages`` among them, together with others of
        the same reason."""
        left_out = LeftOut(capacity, insurance, tier, why, count, list(coverages))
        for at, other in enumerate(self.left_out):
            if (other.capacity, other.insurance, other.tier, other.why) == (capacity, insurance, tier, why):
                left_out = replace(
                    left_out, count=other.count + count, coverages=[*other.coverages, *coverages][:EXAMPLES]
                )
                self.left_out[at] = left_out
                return
        self.left_out.append(left_out)


_TIERS = """
    SELECT capacity, insurance, tier, count(*) FROM charging_uncharged WHERE wage_fen IS NULL GROUP BY capacity, insurance, tier
"""

_EXAMPLES_OF_TIER = """
    SELECT coverage_id FROM charging_uncharged
    WHERE wage_fen IS NULL AND capacity = %s AND insurance = %s AND tier IS NOT DISTINCT FROM %s
    ORDER BY coverage_id LIMIT %s
"""

# Prices are looked up by their position in an array, not joined: the rows stay in the order of the
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


_PUBLIC_SHARES = """
    INSERT INTO contributions_publicshare (
        charge_id, person_id, coverage_id, city, insurance, capacity, month, base, amount_fen, policy, policy_since, basis,
        live, created_at
    )
    SELECT charge.id, owing.person_id, owing.coverage_id, %(city)s, owing.insurance, owing.capacity, %(month)s,
        (%(base)s::numeric[])[price], (%(public_fen)s::bigint[])[price], (%(policy)s::text[])[price],
        (%(policy_since)s::date[])[price], owing.tier, true, %(now)s
    FROM (
        SELECT *, array_position(%(priced)s::text[], capacity || '/' || insurance || '/' || tier) AS price
        FROM charging_uncharged WHERE wage_fen IS NULL OFFSET 0
    ) owing
    LEFT JOIN contributions_charge charge ON charge.person_id = owing.person_id AND charge.insurance = owing.insurance
        AND charge.month = %(month)s AND charge.live
    WHERE price IS NOT NULL
"""


def charge_tiers(cursor: Any, prices: _Prices) -> int:
    """Charge the coverages with a tier, and record those without any base as left out. Returns how
    many charges were made."""
    cursor.execute(_TIERS)
    columns: dict[str, list[Any]] = defaultdict(list)
    public: dict[str, list[Any]] = defaultdict(list)
    for capacity, insurance, tier, count in cursor.fetchall():
        try:
            if tier is None:
                raise _NoPrice(_("没有当月缴费基数"))
            price = prices.reckon(prices.terms(capacity, insurance), tier=tier)
        except _NoPrice as missing:
            cursor.execute(_EXAMPLES_OF_TIER, [capacity, insurance, tier, EXAMPLES])
            examples = [coverage for (coverage,) in cursor.fetchall()]
            prices.leave_out(capacity, insurance, tier or "", str(missing), count, examples)
            continue
        if price.public_fen:
            public["priced"].append(f"{capacity}/{insurance}/{tier}")
            public["base"].append(price.base)
            public["public_fen"].append(price.public_fen)
            public["policy"].append(price.path)
            public["policy_since"].append(price.since)
        if not price.amount_fen:
            continue
        columns["priced"].append(f"{capacity}/{insurance}/{tier}")
        columns["base"].append(price.base)
        columns["amount_fen"].append(price.amount_fen)
        columns["personal_fen"].append(price.personal_fen)
        columns["employer_fen"].append(price.employer_fen)
        columns["account_fen"].append(price.account_fen)
        columns["policy"].append(price.path)
        columns["policy_since"].append(price.since)
        columns["due_on"].append(prices.due_on(capacity))
    same = {"city": prices.city, "month": prices.month.first_day, "now": prices.now}
    created = 0
    if columns:
        cursor.execute(_CHARGE_TIERS, {**same, **columns})
        created = int(cursor.rowcount)
    if public:
        cursor.execute(_PUBLIC_SHARES, {**same, **public})
    return created


# The first columns of a row as ``COPY`` reads them, and the values that the other columns are
# computed from. In the order of the coverages, in which the table was filled.
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
    """Charge the coverages with a wage or a chosen base. Returns how many charges were made."""
    rest = _rest_of_row(prices)

    def rows_of(wages: Sequence[tuple[str, int, str, str, int, int | None]]) -> str:
        rows = []
        for start, coverage, capacity, insurance, wage_fen, grade in wages:
            try:
                rows.append(start + rest(capacity, insurance, wage_fen, grade))
            except _NoPrice as missing:
                prices.leave_out(capacity, insurance, "", str(missing), 1, [coverage])
        return "".join(rows)

    created = 0
    with connection.chunked_cursor() as wages, ThreadPoolExecutor(1) as beside:
        wages.execute(_WAGES)
        wages_read = wages.fetchmany(ROWS_AT_A_TIME)
        ahead = beside.submit(rows_of, wages_read)
        while wages_read:
            priced, wages_read = ahead.result(), wages.fetchmany(ROWS_AT_A_TIME)
            ahead = beside.submit(rows_of, wages_read)
            # Sent in one piece: between two pieces it would wait for the thread that prices.
            cursor.copy_expert(_CHARGE_WAGES, io.StringIO(priced), len(priced) + 1)
            created += cursor.rowcount
    return created


def _rest_of_row(prices: _Prices) -> Callable[[str, str, int, int | None], str]:
    """A function that gives the rest of a row for ``_CHARGE_WAGES`` after the first column of
    ``_WAGES``, by capacity, insurance, wage and grade; it may raise _NoPrice."""

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
