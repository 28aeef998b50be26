"""The invariants of the money, proved over the whole database: each is one query for the rows that break it.

What the database itself forbids is asked again here, for a constraint can be missing, disabled or restored wrongly.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.assessments import bank_transfers
from contributions.audit import changed_rows, durability, held_by_database, order_checks, refund_checks
from contributions.audit.changed_rows import Place
from contributions.books import account_interest, day_sheets, month_close, personal_account
from contributions.books.ledger import entry_digest
from contributions.charges import surcharges
from contributions.debit import open_lines
from contributions.models import BATCH_MOVES, BatchStatus, Charge, Repricing, Surcharge
from contributions.partners import day_files
from contributions.planner import whole_tables
from contributions.prices.formula import reckon_again
from portal import rooms
from portal.hall.routing import MOVES, Status
from portal.policy.book import PolicyMissing, book
from portal.policy.terms import contribution_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

SHOWN = 5
_ROWS_AT_A_TIME = 2000

# For how long an instant is looked for at which nobody writes, and how far apart: they are short. Seconds.
_PATIENCE, _PAUSE = 10, 0.005


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant: how many rows break it, and the first of them in words."""

    number: int
    title: str
    broken: int
    examples: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.broken


@dataclass(frozen=True, slots=True)
class Check:
    """One way in which an invariant can be broken: ``rows`` gives each offence as one line of text.

    ``held_by`` names constraints (``standing``) that leave no way to break it; while all of them stand the rows are not asked.
    ``changed`` names rows (``changed_rows.narrowed``) that an audit since another looks at. Such ``rows`` are one SELECT, or a
    function that puts what it is given before its own.
    """

    number: int
    rows: str | Callable[[], Iterator[str]] | Callable[[str], Iterator[str]]
    changed: tuple[str, ...] = ()
    held_by: tuple[str, ...] = ()


TITLES = {
    1: gettext_lazy("每笔分录借贷相等，分录与明细未被改动，凭证链完整"),
    2: gettext_lazy("收入等于已确认的到账记录，一笔到账只记一次账"),
    3: gettext_lazy("每个托收批次：成功＋失败＋未返回＝送出的笔数和金额"),
    4: gettext_lazy("同一人同一险种的参保关系不重叠"),
    5: gettext_lazy("每笔应缴都在参保期内，同一人同一险种同一月份只有一笔"),
    6: gettext_lazy("每次状态变动都在规定之内，并有经办人和时间"),
    7: gettext_lazy("同一笔应缴不会重复扣款、重复入账"),
    8: gettext_lazy("金额精确到分，各部分之和等于总额"),
    9: gettext_lazy("已注销的医疗保险不再入账；已注销的养老保险只按补缴时的标准加计利息入账"),
    10: gettext_lazy("退回的金额不超过到账的金额，且只退没有入账的款项"),
    11: gettext_lazy("证明内容与出具时的账目一致"),
    12: gettext_lazy("审核人不是申报人"),
    13: gettext_lazy("已确认的数据经得起重启：数据库逐笔落盘，银行返回文件都在"),
    14: gettext_lazy("关系转移转出的月份和金额等于转入和在途的，没有一个月算两次"),
}


def audit(*, since: Place | None = None, jobs: int = 1) -> list[Finding]:
    """Check everything, as ``look`` does. The list tells every invariant, broken or not, in order."""
    with _snapshot() as cursor:
        return _findings(cursor, since, jobs)


def look(*, since: Place | None = None, jobs: int = 1) -> tuple[list[Finding], Place | None]:
    """Check everything in one snapshot, on as many connections as there are ``jobs``; writes nothing. With the findings comes the
    place that the next audit can go on from; None where somebody was writing at every instant of some seconds.

    ``since`` such a place, of the tables that grow by millions a month only what has changed since then is proved, with all that
    its proof reads (``changed_rows``, which also tells whether that can be done); of the others, everything. Where all was sound
    then, that finds whatever an audit of everything would.

    Rooms above bring checks of their own in a module ``audit`` with CHECKS.
    """
    until = monotonic() + (0 if connection.in_atomic_block else _PATIENCE)
    while True:
        at, over = changed_rows.quiet(), monotonic() >= until
        if at is not None or over:
            with _snapshot() as cursor:
                if at is not None and not changed_rows.is_still(cursor, at):
                    at = None
                if at is not None or over:
                    findings = _findings(cursor, since, jobs)
                    return findings, None if at is None else changed_rows.place(cursor, at)
        sleep(_PAUSE)


@contextmanager
def _snapshot() -> Iterator[Any]:
    """A cursor in a transaction that sees one instant and leaves nothing behind."""
    nested = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if not nested:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield cursor
        transaction.set_rollback(True)


# Of one check: where it stands among all, the number of its invariant, how many offences, and the first of them.
_Found = tuple[int, int, int, list[str]]


def _findings(cursor: Any, since: Place | None, jobs: int) -> list[Finding]:
    if connection.savepoint_ids:
        jobs = 1
    checks = dict(enumerate(_all_checks()))
    held = held_by_database.standing(cursor)
    asked = [(at, one) for at, one in checks.items() if not one.held_by or not held.issuperset(one.held_by)]
    # What is listed for this connection is seen by no other.
    here = [(at, one) for at, one in asked if since and one.changed]
    anywhere = deque((at, one) for at, one in asked if not (since and one.changed))
    found: list[_Found] = []
    with ThreadPoolExecutor(max(1, jobs - 1)) as threads:
        helpers = []
        if jobs > 1:
            cursor.execute("SELECT pg_export_snapshot()")
            [snapshot] = cursor.fetchone()
            helpers = [threads.submit(_help, snapshot, anywhere, since) for _one in range(jobs - 1)]
        narrow = False
        try:
            if since:
                found += [_tally(-1, number, [said]) for number, said in changed_rows.find(cursor, since)]
                narrow = changed_rows.list_looked_at(cursor)
            cursor.execute("SET TRANSACTION READ ONLY")
            if not narrow:
                whole_tables(cursor)
            for at, one in here:
                before = changed_rows.narrowed(one.changed) if narrow else ""
                found.append(_tally(at, one.number, _offences(one, cursor, before)))
            found += _work(cursor, anywhere)
        finally:
            anywhere.clear()
        for helper in helpers:
            found += helper.result()
    found.sort()
    return [
        Finding(
            number,
            str(TITLES[number]),
            sum(count for _at, of, count, _shown in found if of == number),
            tuple([text for _at, of, _count, shown in found if of == number for text in shown][:SHOWN]),
        )
        for number in sorted({one.number for one in checks.values()})
    ]


def _help(snapshot: str, checks: deque[tuple[int, Check]], since: Place | None) -> list[_Found]:
    """Work off checks on a connection of this thread's own, in the same snapshot."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
            if since is None:
                whole_tables(cursor)
            return _work(cursor, checks)
    finally:
        connection.close()


def _work(cursor: Any, checks: deque[tuple[int, Check]]) -> list[_Found]:
    return [_tally(at, one.number, _offences(one, cursor)) for at, one in _taken(checks)]


def _taken(checks: deque[tuple[int, Check]]) -> Iterator[tuple[int, Check]]:
    """One after the other, until none is left by whoever takes them, too."""
    with suppress(IndexError):
        while True:
            yield checks.popleft()


def _tally(at: int, number: int, offences: Iterable[str]) -> _Found:
    count, shown = 0, []
    for offence in offences:
        count += 1
        if count <= SHOWN:
            shown.append(offence)
    return at, number, count, shown


def _all_checks() -> list[Check]:
    return [check for module in rooms.bring("audit") for check in module.CHECKS]


def _offences(check: Check, cursor: Any, before: str = "") -> Iterator[str]:
    if callable(check.rows):
        yield from check.rows(before) if check.changed else check.rows()  # type: ignore[call-arg]
        return
    cursor.execute(before + check.rows)
    for [offence] in cursor.fetchall():
        yield offence


def _chain() -> Iterator[str]:
    """Entries of a city follow one another without a gap, each sealed over the one before and over its own legs; the close of a
    month is a link between two of them."""
    previous: dict[str, tuple[int, str]] = {}
    closes = month_close.links()
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            """
            SELECT entry.city, entry.number, entry.kind, entry.reference, entry.at, entry.by_id, entry.previous_digest,
                entry.digest, leg.accounts, leg.amounts
            FROM contributions_entry entry
            LEFT JOIN (
                SELECT entry_id, array_agg(account_id) AS accounts, array_agg(amount_fen) AS amounts
                FROM contributions_leg GROUP BY entry_id
            ) leg ON leg.entry_id = entry.id
            ORDER BY entry.city, entry.number
            """
        )
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            for city, number, kind, reference, at, by, said, digest, accounts, amounts in rows:
                last, before = previous.get(city, (0, ""))
                while (waiting := closes.get(city)) and waiting[0][0] < number:
                    follows, sealed_over, close_digest = waiting.pop(0)
                    if follows != last or sealed_over != before:
                        yield _("%(city)s #%(number)s 之后的月结与凭证链不衔接") % {
                            "city": city,
                            "number": follows,
                        }
                    before = close_digest
                name = f"{city} #{number} {kind} {reference}"
                if number != last + 1 or said != before:
                    yield name + _("：与上一分录不衔接")
                legs = dict(zip(accounts or (), amounts or (), strict=True))
                if digest != entry_digest(
                    city=city,
                    number=number,
                    kind=kind,
                    reference=reference,
                    at=at,
                    by=by,
                    legs=legs,
                    previous=said,
                ):
                    yield name + _("：内容与摘要不符")
                previous[city] = (number, digest)
    for city, waiting in closes.items():
        for follows, sealed_over, close_digest in waiting:
            if (follows, sealed_over) != previous.get(city):
                yield _("%(city)s #%(number)s 之后的月结与凭证链不衔接") % {"city": city, "number": follows}
            previous[city] = (follows, close_digest)


def _moves(moves: Any) -> str:
    return ", ".join(f"('{start}', '{end}')" for start, end in moves)


def _prices(before: str) -> Iterator[str]:
    """Every distinct price of live charges, reckoned again from the leaf that it names."""
    columns = (
        "city",
        "capacity",
        "insurance",
        "month",
        "basis",
        "policy",
        "policy_since",
        "base",
        "personal_fen",
        "employer_fen",
        "account_fen",
    )
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"{before}SELECT {', '.join(columns)}, min(id) FROM contributions_charge WHERE live GROUP BY {', '.join(columns)}"  # noqa: S608
        )
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            for *values, first in rows:
                said = dict(zip(columns, values, strict=True))
                charge = Charge(**{**said, "month": Month.of(said["month"])})
                try:
                    reckon_again(charge)
                except PolicyMissing as missing:
                    yield _("应缴 {charge}：{why}").format(charge=first, why=missing)


def _later_prices() -> Iterator[str]:
    """A charge priced by a later rule than its month's names the one in force in the month in which it was priced."""
    for one in Repricing.objects.select_related("charge").filter(charge__live=True).iterator():
        charge = one.charge
        try:
            terms = contribution_terms(
                book(),
                city=charge.city,
                capacity=Capacity(charge.capacity),
                insurance=Insurance(charge.insurance),
                month=one.priced_in,
            )
            in_force = (terms.path, terms.since) == (charge.policy, charge.policy_since)
        except PolicyMissing:
            in_force = False
        if not in_force or one.priced_in < charge.month:
            yield _("应缴 %(charge)s 不是按%(month)s的标准核定") % {
                "charge": charge.pk,
                "month": one.priced_in.zh,
            }


def _surcharges() -> Iterator[str]:
    """What is paid on top of a charge, reckoned again."""
    for one in Surcharge.objects.select_related("charge").filter(live=True).iterator():
        charge = one.charge
        priced = surcharges.price(
            city=charge.city,
            capacity=Capacity(charge.capacity),
            principal_fen=charge.amount_fen,
            since=one.since,
            paid_on=one.paid_on,
        )
        if priced is None or (priced[0], priced[1].amount_fen) != (one.kind, one.amount_fen):
            yield _("应缴 %(charge)s 的利息或滞纳金 %(fen)s 分与规定不符") % {
                "charge": charge.pk,
                "fen": one.amount_fen,
            }


_CASE_MOVES = _moves((start, end) for start, ends in MOVES.items() for end in ends)
_BATCH_MOVES = _moves(BATCH_MOVES)
_ENTRIES = (
    "leg of entries",
    "receipt of entries",
    "refund of entries",
    "arrivalstep of entries",
    "accountmovement of entries",
)

CHECKS = (
    Check(
        1,
        """
        SELECT format('分录 %s 借贷差额 %s 分', entry_id, sum(amount_fen)) FROM contributions_leg
        GROUP BY entry_id HAVING sum(amount_fen) <> 0
        """,
    ),
    Check(1, _chain),
    Check(1, month_close.broken_digests),
    *(Check(1, rows) for rows in month_close.CHECKS),
    *(Check(2, rows) for rows in day_sheets.CHECKS),
    Check(
        2,
        """
        SELECT format('%s %s 记了 %s 次', channel, provider_number, count(*)) FROM contributions_receipt
        GROUP BY channel, provider_number HAVING count(*) > 1
        """,
        held_by=("a_payment_is_received_once",),
    ),
    # What a set of receipts says, and what its entry booked: the clearing account took in their sum, the personal accounts
    # their account parts, suspense what was not applied. A refund takes its sum out of suspense and the clearing account; a
    # movement of a personal account is booked against the account that it names.
    Check(
        2,
        """
        SELECT format('分录 %s 记账 %s 分，到账记录合计 %s 分', entry_id, booked.clearing, coalesce(received.amount, 0))
        FROM (
            SELECT leg.entry_id,
                coalesce(sum(leg.amount_fen) FILTER (WHERE account.kind = 'clearing'), 0) AS clearing,
                coalesce(sum(-leg.amount_fen) FILTER (WHERE account.kind = 'personal'), 0) AS personal,
                coalesce(sum(-leg.amount_fen) FILTER (WHERE account.kind = 'suspense'), 0) AS suspense
            FROM contributions_leg leg JOIN contributions_ledgeraccount account ON account.id = leg.account_id
            GROUP BY leg.entry_id
        ) booked
        FULL JOIN (
            SELECT entry_id, sum(amount) AS amount, sum(personal) AS personal, sum(suspense) AS suspense
            FROM (
                SELECT entry_id, amount_fen AS amount, account_fen AS personal,
                    CASE WHEN applied THEN 0 ELSE amount_fen END AS suspense
                FROM contributions_receipt
                UNION ALL
                SELECT entry_id, -amount_fen, 0, -amount_fen FROM contributions_refund WHERE entry_id IS NOT NULL
                UNION ALL
                SELECT entry_id, suspense_fen, 0, suspense_fen FROM contributions_arrivalstep WHERE entry_id IS NOT NULL
                UNION ALL
                SELECT movement.entry_id,
                    CASE WHEN account.kind = 'clearing' THEN movement.amount_fen + movement.pooled_fen + movement.surcharge_fen
                        ELSE 0 END,
                    movement.amount_fen,
                    CASE WHEN account.kind = 'suspense' THEN -movement.amount_fen - movement.pooled_fen - movement.surcharge_fen
                        ELSE 0 END
                FROM contributions_accountmovement movement
                JOIN contributions_ledgeraccount account ON account.id = movement.against_id
            ) moved GROUP BY entry_id
        ) received USING (entry_id)
        WHERE (booked.clearing, booked.personal, booked.suspense)
            IS DISTINCT FROM (received.amount, received.personal, received.suspense)
        """,
        _ENTRIES,
    ),
    Check(
        2,
        """
        SELECT format('分录 %s 的 %s 记账 %s 分，应为 %s 分', entry_id, insurance, booked.fen, received.fen)
        FROM (
            SELECT leg.entry_id, account.insurance, -sum(leg.amount_fen) AS fen
            FROM contributions_leg leg JOIN contributions_ledgeraccount account ON account.id = leg.account_id
            WHERE account.insurance <> '' GROUP BY leg.entry_id, account.insurance
        ) booked
        FULL JOIN (
            SELECT entry_id, insurance, sum(fen) AS fen
            FROM (
                SELECT receipt.entry_id, charge.insurance, receipt.amount_fen AS fen
                FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
                WHERE receipt.applied
                UNION ALL
                SELECT entry_id, insurance, amount_fen + pooled_fen + surcharge_fen FROM contributions_accountmovement
                UNION ALL
                SELECT movement.entry_id, account.insurance, -movement.amount_fen - movement.pooled_fen - movement.surcharge_fen
                FROM contributions_accountmovement movement
                JOIN contributions_ledgeraccount account ON account.id = movement.against_id
                WHERE account.insurance <> ''
            ) moved GROUP BY entry_id, insurance
        ) received USING (entry_id, insurance)
        WHERE booked.fen IS DISTINCT FROM received.fen
        """,
        _ENTRIES,
    ),
    Check(
        2,
        """
        SELECT format('到账 %s %s 为 %s 分，应缴 %s 为 %s 分', receipt.channel, receipt.provider_number, receipt.amount_fen,
            charge.id, charge.amount_fen + coalesce(surcharge.amount_fen, 0))
        FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = receipt.surcharge_id
        WHERE (receipt.applied AND receipt.amount_fen <> charge.amount_fen + coalesce(surcharge.amount_fen, 0))
            OR receipt.account_fen <> CASE WHEN receipt.applied THEN charge.account_fen ELSE 0 END
        """,
        ("receipt",),
    ),
    Check(2, personal_account.BOOKS_AND_RECEIPTS, _ENTRIES),
    *(Check(2, rows) for rows in (*personal_account.MOVEMENTS_AND_BOOKS, *account_interest.CHECKS)),
    Check(
        3,
        """
        SELECT format('批次 %s 开批 %s 笔 %s 分，明细 %s 笔 %s 分', batch.number, batch.line_count, batch.total_fen,
            coalesce(line.count, 0), coalesce(line.fen, 0))
        FROM contributions_debitbatch batch
        LEFT JOIN (
            SELECT batch_id, count(*), sum(amount_fen) AS fen, count(*) FILTER (WHERE status = 'pending') AS pending
            FROM contributions_debitline GROUP BY batch_id
        ) line ON line.batch_id = batch.id
        WHERE (batch.line_count, batch.total_fen) IS DISTINCT FROM (line.count, line.fen)
            OR (batch.status IN ('answered', 'posted', 'closed') AND line.pending > 0)
        """,
    ),
    Check(
        3,
        """
        SELECT format('批次 %s 扣款成功 %s 笔 %s 分，到账 %s 笔 %s 分', batch.number, line.count, line.fen,
            coalesce(received.count, 0), coalesce(received.fen, 0))
        FROM contributions_debitbatch batch
        JOIN (
            SELECT line.batch_id, sum(coalesce(assessment.charges, 1)) AS count, sum(line.amount_fen) AS fen
            FROM contributions_debitline line
            LEFT JOIN contributions_assessment assessment ON assessment.id = line.assessment_id
            WHERE line.status = 'paid' GROUP BY line.batch_id
        ) line ON line.batch_id = batch.id
        LEFT JOIN (
            SELECT line.batch_id, count(*), sum(receipt.amount_fen) AS fen
            FROM contributions_receipt receipt JOIN contributions_debitline line ON line.id = receipt.debit_line_id
            WHERE line.status = 'paid' GROUP BY line.batch_id
        ) received ON received.batch_id = batch.id
        WHERE batch.status IN ('posted', 'closed') AND (line.count, line.fen) IS DISTINCT FROM (received.count, received.fen)
        """,
        ("debitline of batches",),
    ),
    Check(
        3,
        """
        SELECT format('批次 %s 第 %s 笔为 %s 分，应缴为 %s 分', line.batch_id, line.sequence, line.amount_fen,
            charge.amount_fen + coalesce(surcharge.amount_fen, 0))
        FROM contributions_debitline line JOIN contributions_charge charge ON charge.id = line.charge_id
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = line.surcharge_id
        WHERE line.amount_fen <> charge.amount_fen + coalesce(surcharge.amount_fen, 0)
        """,
        ("debitline",),
    ),
    Check(
        4,
        """
        SELECT format('参保关系 %s 与 %s 重叠', earlier, id) FROM (
            SELECT id, start, lag(id) OVER same AS earlier,
                max(coalesce(until, 'infinity')) OVER (same ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS covered_until
            FROM enrollment_coverage WHERE live
            WINDOW same AS (PARTITION BY person_id, insurance ORDER BY start, id)
        ) coverage WHERE start < covered_until
        """,
        held_by=("no_two_live_coverages_share_a_month",),
    ),
    Check(
        5,
        """
        SELECT format('应缴 %s（%s）不在参保关系 %s 之内', charge.id, to_char(charge.month, 'YYYY-MM'), charge.coverage_id)
        FROM contributions_charge charge LEFT JOIN enrollment_coverage coverage ON coverage.id = charge.coverage_id
        WHERE charge.live AND (
            coverage.id IS NULL OR NOT coverage.live OR charge.month < coverage.start
            OR charge.month >= coalesce(coverage.until, 'infinity')
            OR (charge.person_id, charge.insurance, charge.city, charge.capacity)
                <> (coverage.person_id, coverage.insurance, coverage.city, coverage.capacity)
            OR charge.employer_id IS DISTINCT FROM coverage.employer_id
        )
        """,
        ("charge",),
    ),
    Check(
        5,
        """
        SELECT format('应缴 %s（%s）在暂停缴费期间', charge.id, to_char(charge.month, 'YYYY-MM'))
        FROM contributions_charge charge JOIN contributions_suspension suspension ON suspension.coverage_id = charge.coverage_id
        WHERE charge.live AND charge.month >= suspension.start AND charge.month < coalesce(suspension.until, 'infinity')
        """,
        ("charge",),
    ),
    Check(
        5,
        """
        SELECT format('人员 %s 的 %s %s 有 %s 笔应缴', person_id, insurance, to_char(month, 'YYYY-MM'), count(*))
        FROM contributions_charge WHERE live GROUP BY person_id, insurance, month HAVING count(*) > 1
        """,
        held_by=("one_live_charge_per_insurance_and_month",),
    ),
    Check(
        6,
        f"""
        SELECT format('办件 %s：%s → %s 不在规定之内', entry.case_id, entry.from_status, entry.to_status)
        FROM hall_caseevent entry
        WHERE entry.from_status <> '' AND (entry.from_status, entry.to_status) NOT IN ({_CASE_MOVES})
            OR entry.from_status = '' AND entry.to_status <> '{Status.SUBMITTED}'
        """,  # noqa: S608 - the table of moves is a constant
    ),
    Check(
        6,
        """
        SELECT format('办件 %s 的状态 %s 没有经过记录', number, status) FROM hall_case
        WHERE (id, status) NOT IN (SELECT case_id, to_status FROM hall_caseevent)
        """,
    ),
    Check(
        6,
        f"""
        SELECT format('批次 %s：%s → %s 不在规定之内', batch_id, before, status) FROM (
            SELECT batch_id, status, lag(status) OVER (PARTITION BY batch_id ORDER BY id) AS before
            FROM contributions_batchevent
        ) event
        WHERE (before IS NULL AND status <> '{BatchStatus.OPENED}')
            OR (before IS NOT NULL AND (before, status) NOT IN ({_BATCH_MOVES}))
        """,  # noqa: S608 - the table of moves is a constant
    ),
    Check(
        6,
        """
        SELECT format('批次 %s 的状态 %s 没有经过记录', number, status) FROM contributions_debitbatch
        WHERE (id, status) NOT IN (SELECT batch_id, status FROM contributions_batchevent)
        """,
    ),
    Check(
        6,
        """
        SELECT format('应缴 %s 为 %s，没有相应的到账或注销记录', charge.id, charge.status)
        FROM contributions_charge charge
        LEFT JOIN contributions_receipt receipt ON receipt.charge_id = charge.id AND receipt.applied
        LEFT JOIN contributions_cancellation cancellation ON cancellation.charge_id = charge.id
        WHERE CASE charge.status
            WHEN 'paid' THEN receipt.id IS NULL OR cancellation.id IS NOT NULL
            WHEN 'owed' THEN receipt.id IS NOT NULL OR cancellation.id IS NOT NULL
            WHEN 'reversed' THEN cancellation.id IS NOT NULL OR receipt.id IS NULL
            WHEN 'taken_back' THEN cancellation.id IS NOT NULL
                OR NOT EXISTS (SELECT 1 FROM contributions_takenback back WHERE back.receipt_id = receipt.id)
            ELSE receipt.id IS NOT NULL OR cancellation.kind IS DISTINCT FROM charge.status
        END
        """,
        ("charge",),
    ),
    Check(
        7,
        """
        SELECT format('应缴 %s 同时在 %s 笔扣款中', charge_id, count(*)) FROM contributions_debitline
        WHERE charge_id IS NOT NULL AND status IN ('pending', 'paid', 'missing') GROUP BY charge_id HAVING count(*) > 1
        """,
        held_by=("a_charge_is_drawn_once", "line_drawing_unless_failed"),
    ),
    Check(
        7,
        """
        SELECT format('核定单 %s 与 %s 的应缴同时在扣款中', one.id, other.id)
        FROM contributions_debitline line
        JOIN contributions_assessment one ON one.id = line.assessment_id
        JOIN contributions_assessment other ON other.employer_id = one.employer_id AND other.month = one.month
            AND other.after < one.last AND other.last > one.after
        JOIN contributions_debitline twin ON twin.assessment_id = other.id AND twin.drawing AND twin.id > line.id
        WHERE line.drawing
        """,
    ),
    Check(
        3,
        """
        SELECT format('核定单 %s 扣款 %s 分，到账 %s 分', line.assessment_id, line.amount_fen, coalesce(received.fen, 0))
        FROM contributions_debitline line JOIN contributions_debitbatch batch ON batch.id = line.batch_id
        LEFT JOIN (
            SELECT debit_line_id, sum(amount_fen) AS fen FROM contributions_receipt GROUP BY debit_line_id
        ) received ON received.debit_line_id = line.id
        WHERE line.assessment_id IS NOT NULL AND line.status = 'paid' AND batch.status IN ('posted', 'closed')
            AND received.fen IS DISTINCT FROM line.amount_fen
        """,
    ),
    Check(
        7,
        """
        SELECT format('应缴 %s 入账 %s 次', charge_id, count(*)) FROM contributions_receipt
        WHERE applied GROUP BY charge_id HAVING count(*) > 1
        """,
        held_by=("a_charge_is_paid_once",),
    ),
    Check(
        7,
        """
        SELECT format('扣款明细 %s 有 %s 条到账记录', debit_line_id, count(*)) FROM contributions_receipt
        WHERE debit_line_id IS NOT NULL GROUP BY debit_line_id
        HAVING count(*) > 1 AND (count(DISTINCT charge_id) < count(*) OR NOT EXISTS (
            SELECT 1 FROM contributions_debitline line WHERE line.id = debit_line_id AND line.assessment_id IS NOT NULL
        ))
        """,
        ("receipt of lines",),
    ),
    Check(
        7,
        """
        SELECT format('%s %s 记了 %s 次', kind, reference, count(*)) FROM contributions_entry
        GROUP BY kind, reference HAVING count(*) > 1
        """,
        held_by=("booked_once",),
    ),
    Check(
        8,
        """
        SELECT format('应缴 %s：个人 %s＋单位 %s≠%s 分', id, personal_fen, employer_fen, amount_fen) FROM contributions_charge
        WHERE amount_fen <> personal_fen + employer_fen OR amount_fen <= 0 OR personal_fen < 0 OR employer_fen < 0
            OR account_fen < 0 OR account_fen > amount_fen OR policy = '' OR basis = ''
        """,
        held_by=(
            "charge_shares_make_the_amount",
            "charge_is_positive",
            "charge_account_part_of_amount",
            "charge_names_its_policy",
        ),
    ),
    Check(8, _prices, ("charge",)),
    Check(8, _surcharges),
    Check(
        8,
        """
        SELECT format('到账 %s 的利息 %s 不是其应缴 %s 的', receipt.id, surcharge.id, receipt.charge_id)
        FROM contributions_receipt receipt JOIN contributions_surcharge surcharge ON surcharge.id = receipt.surcharge_id
        JOIN contributions_charge charge ON charge.id = surcharge.charge_id
        WHERE surcharge.charge_id <> receipt.charge_id
            OR (receipt.applied AND surcharge.status <> CASE charge.status WHEN 'reversed' THEN 'reversed' ELSE 'paid' END)
        """,
    ),
    Check(
        8,
        """
        SELECT format('利息 %s 已缴，而没有到账记录', surcharge.id) FROM contributions_surcharge surcharge
        WHERE surcharge.status IN ('paid', 'reversed') AND surcharge.id NOT IN (
            SELECT surcharge_id FROM contributions_receipt WHERE applied AND surcharge_id IS NOT NULL
        )
        """,
    ),
    Check(
        8,
        """
        WITH charged AS (
            SELECT assessment.id, count(charge.id) AS charges, sum(charge.amount_fen) AS sum_fen
            FROM contributions_assessment assessment
            LEFT JOIN contributions_charge charge ON charge.employer_id = assessment.employer_id
                AND charge.month = assessment.month AND charge.city = assessment.city AND charge.live
                AND charge.id > assessment.after AND charge.id <= assessment.last
            WHERE assessment.status = 'paid' GROUP BY assessment.id
        )
        SELECT format('核定单 %s 已缴清：%s 笔 %s 分，应缴 %s 笔 %s 分', assessment.id, assessment.charges, assessment.sum_fen,
            charged.charges, charged.sum_fen)
        FROM contributions_assessment assessment JOIN charged ON charged.id = assessment.id
        WHERE (assessment.charges, assessment.sum_fen) IS DISTINCT FROM (charged.charges, charged.sum_fen::bigint)
        """,
    ),
    Check(
        8,
        """
        WITH line AS (
            SELECT line.bill_id, count(*) AS charges, sum(charge.amount_fen) AS principal_fen,
                coalesce(sum(surcharge.amount_fen), 0) AS surcharge_fen,
                count(*) FILTER (WHERE charge.status <> 'paid' OR surcharge.status <> 'paid') AS unpaid
            FROM contributions_arrearsline line
            JOIN contributions_charge charge ON charge.id = line.charge_id
            LEFT JOIN contributions_surcharge surcharge ON surcharge.id = line.surcharge_id
            GROUP BY line.bill_id
        )
        SELECT format('补缴单 %s 与明细不符', bill.id) FROM contributions_arrearsbill bill
        LEFT JOIN line ON line.bill_id = bill.id
        WHERE (bill.charges, bill.principal_fen, bill.surcharge_fen) IS DISTINCT FROM
            (line.charges::int, line.principal_fen::bigint, line.surcharge_fen::bigint)
            OR (bill.status = 'paid' AND line.unpaid > 0)
        """,
    ),
    # A charge that is owed or paid is live: by that it is found in the index.
    Check(
        9,
        """
        WITH old AS MATERIALIZED (
            SELECT id, person_id, insurance, month, live FROM contributions_charge WHERE status = 'written_off'
        )
        SELECT format('应缴 %s 已注销，而同月有应缴 %s（%s）', old.id, new.id, new.status)
        FROM old
        JOIN contributions_charge new ON new.id <> old.id AND new.live
            AND (new.person_id, new.insurance, new.month) = (old.person_id, old.insurance, old.month)
        LEFT JOIN contributions_repricing later ON later.charge_id = new.id AND later.replaces_id = old.id
        WHERE new.status IN ('owed', 'paid') AND (old.insurance <> 'pension' OR later.id IS NULL)
        UNION ALL
        SELECT format('应缴 %s 已注销而不计，却没有替代它的应缴', old.id) FROM old
        WHERE NOT old.live AND old.id NOT IN (
            SELECT later.replaces_id FROM contributions_repricing later
            JOIN contributions_charge charge ON charge.id = later.charge_id
            WHERE charge.live AND later.replaces_id IS NOT NULL
        )
        """,
    ),
    Check(
        9,
        """
        SELECT format('应缴 %s 是注销后再缴的，入账时没有计利息', charge.id)
        FROM contributions_repricing later
        JOIN contributions_charge charge ON charge.id = later.charge_id
        JOIN contributions_charge old ON old.id = later.replaces_id
        LEFT JOIN contributions_receipt receipt ON receipt.charge_id = charge.id AND receipt.applied
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = receipt.surcharge_id
        WHERE charge.status = 'paid'
            AND (surcharge.since, surcharge.principal_fen) IS DISTINCT FROM (old.due_on, charge.amount_fen)
        """,
    ),
    Check(
        9,
        """
        SELECT format('应缴 %s 按晚于当月的标准核定，而没有补缴记录', id) FROM contributions_charge
        WHERE live AND policy_since > month AND id NOT IN (SELECT charge_id FROM contributions_repricing)
        """,
        ("charge",),
    ),
    Check(9, _later_prices),
    Check(
        12,
        """
        SELECT format('办件 %s 由申报人自己审核', number) FROM hall_case
        WHERE decided_by_id = filed_by_id
        """,
    ),
    Check(
        12,
        """
        SELECT format('办件 %s 与登记不一致仍予办理，由提出人自己确认', case_id) FROM hall_overruling
        WHERE status = 'confirmed' AND ended_by_id = proposed_by_id
        """,
    ),
    *(Check(13, rows) for rows in durability.CHECKS),
    *(
        Check(number, rows)
        for number, rows in (
            *order_checks.CHECKS,
            *refund_checks.CHECKS,
            *open_lines.CHECKS,
            *day_files.CHECKS,
            *bank_transfers.CHECKS,
        )
    ),
)
