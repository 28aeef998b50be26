"""日终试算平衡: the balances of the books at the end of a day, compared with banks, channels and
held receipts.

A sheet continues the sheet of the day before and reads the day's entries only, so that its work
does not grow with the years.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min

from contributions import locks
from contributions.models import DayComparison, DaySheet, DaySheetLine, Entry, LedgerAccount
from contributions.planner import row_by_row, whole_tables
from portal.accounts.models import User
from portal.policy.book import book
from portal.shared.months import CHINA, today_in_china
from portal.watch import clock
from portal.watch.failures import Watch


class NotYet(Exception):
    """The day is not over, or the sheet of the day before is missing."""


@dataclass(frozen=True, slots=True)
class Line:
    """An account's day in fen: opening + debit − credit = closing."""

    account: LedgerAccount
    opening_fen: int
    debit_fen: int
    credit_fen: int

    @property
    def closing_fen(self) -> int:
        return self.opening_fen + self.debit_fen - self.credit_fen


@dataclass(frozen=True, slots=True)
class Comparison:
    """A channel's day in the books (``booked_fen``) and as the channel reports it (``said_fen``);
    with an empty channel, suspense and the receipts held in it. Fen."""

    channel: str
    booked_fen: int
    said_fen: int

    @property
    def difference_fen(self) -> int:
        return self.booked_fen - self.said_fen


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The content that a sheet of the day would have if it were made now."""

    lines: tuple[Line, ...]
    comparisons: tuple[Comparison, ...]
    last_number: int
    entries: int

    @property
    def agrees(self) -> bool:
        """Whether debits equal credits and every comparison agrees."""
        even = sum(one.debit_fen - one.credit_fen for one in self.lines) == 0
        return even and all(one.difference_fen == 0 for one in self.comparisons)


def end_of(day: dt.date) -> dt.datetime:
    """The moment at which a day in China ends."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min, tzinfo=CHINA)


def latest(city: str, *, before: dt.date | None = None) -> DaySheet | None:
    sheets = DaySheet.objects.filter(city=city)
    return (sheets.filter(day__lt=before) if before else sheets).order_by("-day").first()


def reckon(*, city: str, day: dt.date) -> Reckoned:
    """The day as the books have it now, after the latest sheet before it. Nothing is written."""
    with transaction.atomic():
        return _reckon(city, day, latest(city, before=day))


def make(*, city: str, day: dt.date, by: User, now: dt.datetime) -> DaySheet:
    """Write the sheet of a day; an existing sheet is returned unchanged. Raises NotYet."""
    if day >= today_in_china(now):
        raise NotYet(f"{day} is not over")
    with transaction.atomic():
        # No entry is booked meanwhile, so that each entry is on exactly one sheet.
        locks.chain(city)
        existing = DaySheet.objects.filter(city=city, day=day).first()
        if existing:
            return existing
        before = latest(city)
        if before and before.day != day - dt.timedelta(days=1):
            raise NotYet(f"the sheet before {day} is of {before.day}")
        reckoned = _reckon(city, day, before)
        sheet = DaySheet.objects.create(
            city=city,
            day=day,
            made_at=now,
            made_by=by,
            last_number=reckoned.last_number,
            entries=reckoned.entries,
            agrees=reckoned.agrees,
        )
        DaySheetLine.objects.bulk_create(
            DaySheetLine(
                sheet=sheet,
                account=one.account,
                opening_fen=one.opening_fen,
                debit_fen=one.debit_fen,
                credit_fen=one.credit_fen,
                closing_fen=one.closing_fen,
            )
            for one in reckoned.lines
        )
        DayComparison.objects.bulk_create(
            DayComparison(sheet=sheet, channel=one.channel, booked_fen=one.booked_fen, said_fen=one.said_fen)
            for one in reckoned.comparisons
        )
    return sheet


def make_due(*, by: User, now: dt.datetime) -> int:
    """Write every missing sheet of all cities, oldest first. Returns how many. A city that fails
    does not stop the others. Raises ClockSuspect where there is no evidence that the days are
    over."""
    clock.check(now)
    yesterday = today_in_china(now) - dt.timedelta(days=1)
    done = dict(DaySheet.objects.values_list("city").annotate(Max("day")))
    begun = dict(Entry.objects.values_list("city").annotate(Min("at")))
    count, watch = 0, Watch("make_day_sheets", now=now)
    for city, first_at in sorted(begun.items()):
        first = done[city] + dt.timedelta(days=1) if city in done else today_in_china(first_at)
        with watch.item(book().city(city).title, city=city):
            for day in days(first, yesterday):
                make(city=city, day=day, by=by, now=now)
                count += 1
    watch.finished()
    return count


def days(first: dt.date, last: dt.date) -> Iterable[dt.date]:
    """The days from the first to the last, both included."""
    return (first + dt.timedelta(days=number) for number in range((last - first).days + 1))


def _reckon(city: str, day: dt.date, before: DaySheet | None) -> Reckoned:
    values: dict[str, Any] = {
        "city": city,
        "end": end_of(day),
        "after": before.last_number if before else 0,
        # An entry that existed when the previous sheet was made, but is dated after its day.
        "since": end_of(before.day) if before else end_of(dt.date(1970, 1, 1)),
    }
    openings = {one.account_id: one.closing_fen for one in before.lines.all()} if before else {}
    movements: dict[int, tuple[int, int]] = {}
    booked_fen: dict[str, int] = {}
    said_fen: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(number), 0) FROM contributions_entry WHERE city = %s", [city])
        [last_number] = cursor.fetchone()
        cursor.execute(_COUNT, values)
        [entries] = cursor.fetchone()
        # Days without entries skip this, so that years of them are caught up quickly.
        if entries:
            whole_tables(cursor)
            cursor.execute(_DAY_ENTRIES, values)
            # The planner has no statistics of a table that was just written.
            cursor.execute("ANALYZE day_entry")
            cursor.execute(_DAY_LEGS)
            movements = {account: (debit, credit) for account, debit, credit in cursor.fetchall()}
            cursor.execute(_BOOKED)
            booked_fen = dict(cursor.fetchall())
            cursor.execute(_SAID)
            said_fen = dict(cursor.fetchall())
            row_by_row(cursor)
            cursor.execute("DROP TABLE day_entry")
        cursor.execute(_HELD, {**values, "last": last_number})
        [in_suspense] = cursor.fetchone()
    accounts = LedgerAccount.objects.in_bulk(set(openings) | set(movements))
    lines = tuple(
        Line(one, openings.get(one.pk, 0), *movements.get(one.pk, (0, 0)))
        for one in sorted(accounts.values(), key=lambda one: (one.kind, one.insurance, one.channel))
    )
    suspense = -sum(one.closing_fen for one in lines if one.account.kind == "suspense")
    return Reckoned(
        lines=lines,
        comparisons=(
            *(
                Comparison(channel, booked_fen.get(channel, 0), said_fen.get(channel, 0))
                for channel in sorted(booked_fen.keys() | said_fen.keys())
            ),
            Comparison("", suspense, in_suspense),
        ),
        last_number=last_number,
        entries=entries,
    )


_OF_THE_DAY = """
    FROM contributions_entry
    WHERE city = %(city)s AND at < %(end)s AND (number > %(after)s OR at >= %(since)s)
"""

_COUNT = f"SELECT count(*) {_OF_THE_DAY}"

_DAY_ENTRIES = f"""
    CREATE TEMP TABLE day_entry ON COMMIT DROP AS SELECT id, kind, reference {_OF_THE_DAY}
"""

_DAY_LEGS = """
    SELECT leg.account_id, coalesce(sum(leg.amount_fen) FILTER (WHERE leg.amount_fen > 0), 0)::bigint,
        coalesce(-sum(leg.amount_fen) FILTER (WHERE leg.amount_fen < 0), 0)::bigint
    FROM day_entry JOIN contributions_leg leg ON leg.entry_id = day_entry.id
    GROUP BY leg.account_id
"""

_BOOKED = """
    SELECT account.channel, sum(leg.amount_fen)::bigint
    FROM day_entry JOIN contributions_leg leg ON leg.entry_id = day_entry.id
    JOIN contributions_ledgeraccount account ON account.id = leg.account_id AND account.kind = 'clearing'
    GROUP BY account.channel
"""

# What the other side reports for the day's entries: for a debit, the lines of the bank's answer;
# for a payment and a refund, the provider's answer; for the rest, the slip that staff entered under
# the bank's number.
_SAID = """
    SELECT channel, sum(fen)::bigint FROM (
        SELECT 'debit:' || batch.bank AS channel, line.amount_fen AS fen
        FROM day_entry entry
        JOIN contributions_debitbatch batch ON batch.number = split_part(entry.reference, '/', 1)
        JOIN contributions_postingchunk chunk ON chunk.batch_id = batch.id
            AND chunk.number::text = split_part(entry.reference, '/', 2)
        JOIN contributions_debitline line ON line.batch_id = batch.id AND line.status = 'paid'
            AND line.sequence BETWEEN chunk.first AND chunk.last
        WHERE entry.kind = 'debit'
            AND NOT EXISTS (SELECT 1 FROM contributions_settledline settled WHERE settled.line_id = line.id AND settled.live)
        UNION ALL
        SELECT payment.channel, payment.received_fen
        FROM day_entry entry JOIN contributions_payment payment ON payment.entry_id = entry.id
        UNION ALL
        SELECT refund.channel, -refund.amount_fen
        FROM day_entry entry JOIN contributions_refund refund ON refund.entry_id = entry.id
        UNION ALL
        SELECT 'bank-transfer', step.suspense_fen
        FROM day_entry entry JOIN contributions_arrivalstep step ON step.entry_id = entry.id
        UNION ALL
        SELECT receipt.channel, receipt.amount_fen
        FROM day_entry entry JOIN contributions_receipt receipt ON receipt.entry_id = entry.id
        LEFT JOIN contributions_payment payment ON payment.entry_id = entry.id
        LEFT JOIN contributions_postingchunk chunk ON entry.kind = 'debit'
            AND chunk.number::text = split_part(entry.reference, '/', 2)
            AND chunk.batch_id = (
                SELECT id FROM contributions_debitbatch WHERE number = split_part(entry.reference, '/', 1)
            )
        WHERE payment.id IS NULL AND chunk.id IS NULL
        UNION ALL
        SELECT account.channel, movement.amount_fen + movement.pooled_fen + movement.surcharge_fen
        FROM day_entry entry JOIN contributions_accountmovement movement ON movement.entry_id = entry.id
        JOIN contributions_ledgeraccount account ON account.id = movement.against_id AND account.kind = 'clearing'
        LEFT JOIN contributions_payment payment ON payment.entry_id = entry.id
        WHERE payment.id IS NULL
    ) said GROUP BY channel
"""

# Receipts that paid nothing, held transfers and sums taken back, minus refunds, of the entries that
# this sheet and the sheets before it cover.
_HELD = """
    SELECT coalesce(sum(fen), 0)::bigint FROM (
        SELECT receipt.amount_fen AS fen, receipt.entry_id FROM contributions_receipt receipt WHERE NOT receipt.applied
        UNION ALL
        SELECT -refund.amount_fen, refund.entry_id FROM contributions_refund refund WHERE refund.entry_id IS NOT NULL
        UNION ALL
        SELECT step.suspense_fen, step.entry_id FROM contributions_arrivalstep step WHERE step.entry_id IS NOT NULL
        UNION ALL
        SELECT -movement.amount_fen - movement.pooled_fen - movement.surcharge_fen, movement.entry_id
        FROM contributions_ledgeraccount account
        JOIN contributions_leg leg ON leg.account_id = account.id
        JOIN contributions_accountmovement movement ON movement.entry_id = leg.entry_id AND movement.against_id = account.id
        WHERE account.kind = 'suspense' AND account.city = %(city)s
    ) held
    JOIN contributions_entry entry ON entry.id = held.entry_id
    WHERE entry.city = %(city)s AND entry.at < %(end)s AND entry.number <= %(last)s
"""


# For the audit: sheets that do not continue the sheet before; latest sheets of a city that differ
# from the sums of their legs; results that differ from the sheet's lines.
CHECKS = (
    """
    SELECT format('%s %s 的日终余额与前一日不衔接', sheet.city, sheet.day)
    FROM (
        SELECT id, city, day, lag(id) OVER (PARTITION BY city ORDER BY day) AS before,
            lag(day) OVER (PARTITION BY city ORDER BY day) AS day_before
        FROM contributions_daysheet
    ) sheet
    LEFT JOIN LATERAL (
        SELECT count(*) AS wrong
        FROM (SELECT account_id, closing_fen FROM contributions_daysheetline WHERE sheet_id = sheet.before) old
        FULL JOIN (SELECT account_id, opening_fen FROM contributions_daysheetline WHERE sheet_id = sheet.id) line
            USING (account_id)
        WHERE coalesce(old.closing_fen, 0) <> coalesce(line.opening_fen, 0)
    ) line ON true
    WHERE line.wrong > 0 OR sheet.day_before <> sheet.day - 1
    """,
    """
    SELECT format('%s %s 的科目 %s 日终余额为 %s 分，分录合计 %s 分', city, day, account_id, coalesce(line.fen, 0),
        coalesce(booked.fen, 0))
    FROM (
        SELECT sheet.city, sheet.day, line.account_id, line.closing_fen AS fen
        FROM (SELECT DISTINCT ON (city) * FROM contributions_daysheet ORDER BY city, day DESC) sheet
        JOIN contributions_daysheetline line ON line.sheet_id = sheet.id
    ) line
    FULL JOIN (
        SELECT sheet.city, sheet.day, leg.account_id, sum(leg.amount_fen) AS fen
        FROM (SELECT DISTINCT ON (city) * FROM contributions_daysheet ORDER BY city, day DESC) sheet
        JOIN contributions_entry entry ON entry.city = sheet.city AND entry.number <= sheet.last_number
            AND entry.at < (sheet.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
        JOIN contributions_leg leg ON leg.entry_id = entry.id
        GROUP BY sheet.city, sheet.day, leg.account_id
    ) booked USING (city, day, account_id)
    WHERE coalesce(line.fen, 0) <> coalesce(booked.fen, 0)
    """,
    """
    SELECT format('%s %s 的试算平衡结论与明细不符', sheet.city, sheet.day)
    FROM contributions_daysheet sheet
    LEFT JOIN (
        SELECT sheet_id, sum(debit_fen - credit_fen) AS fen FROM contributions_daysheetline GROUP BY sheet_id
    ) line ON line.sheet_id = sheet.id
    LEFT JOIN (
        SELECT sheet_id, count(*) FILTER (WHERE booked_fen <> said_fen) AS differing
        FROM contributions_daycomparison GROUP BY sheet_id
    ) compared ON compared.sheet_id = sheet.id
    WHERE sheet.agrees <> (coalesce(line.fen, 0) = 0 AND coalesce(compared.differing, 0) = 0)
    """,
)
