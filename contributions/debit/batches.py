"""The monthly debit (托收): open a batch, release it, write its file, read the bank's answer, post it, close it.

Every step can be killed anywhere and done again, by one worker or by several at once: a step is one transaction (posting:
one for each chunk of people), claimed by compare-and-set on a row, and a file is whole or not there.
"""

import csv
import datetime as dt
import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from contributions import unpaid_cases
from contributions.assessments import assessment_lines
from contributions.bank_files import exchange, iso20022, postal
from contributions.bank_files.results import Result, Unreadable
from contributions.books import ledger
from contributions.books.receiving import book_receipts
from contributions.charges import surcharges, suspending
from contributions.debit import notices, open_lines, recollecting
from contributions.locks import before_or_after_charging, one_batch_opened
from contributions.models import (
    BATCH_STATUS_LABELS,
    BankFile,
    BatchEvent,
    BatchStatus,
    DebitBatch,
    DebitLine,
    Direction,
    FileStatus,
    LineStatus,
    Payer,
    PostingChunk,
    Receipt,
)
from contributions.planner import a_sliver, row_by_row, whole_tables
from portal.accounts import permissions
from portal.accounts.models import User
from portal.locks import attempt
from portal.policy.book import book
from portal.policy.terms import DebitTerms, EmployerDebitTerms, debit_terms, employer_debit_terms
from portal.shared import money
from portal.shared.insurance import Insurance
from portal.shared.months import CHINA, Month, today_in_china
from portal.watch.failures import Watch, clean, report

log = logging.getLogger(__name__)

ENTRY_KIND = "debit"
CHUNK = 20_000

_ROWS_AT_A_TIME = 10_000
NAME_LENGTH = 200
_EXAMPLES = 5
# So many of what is left out of a batch are named.
UNFIT_SHOWN = 3


class CannotClose(Exception):
    """A batch that does not come out even, or is not posted, stays open; the message says why in Chinese."""


class CannotOpen(Exception):
    """A batch that this person may not open, or not yet; the message says why in Chinese."""


class CannotRelease(Exception):
    """A batch that this person may not let go to the bank; the message says why in Chinese."""


@dataclass(frozen=True, slots=True)
class Read:
    """What became of one file from the inbox: accepted, held (with why), repeated, or left lying until its batch is sent."""

    name: str
    outcome: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Drawable:
    """What a batch would take of an insurance: how many and how much, of its own month or of months that are late."""

    insurance: Insurance
    late: bool
    count: int
    fen: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many lines of a batch are in a state, and what they come to."""

    status: LineStatus
    count: int
    fen: int


# Open


@transaction.atomic
def open_batch(
    *, city: str, month: Month, by: User, now: dt.datetime, round_number: int = 1
) -> DebitBatch | None:
    """Take what the city debits in the month into a batch: in the first round the owed charges of the month, and those of the
    months before whose debit failed, as far back as the city tries again (a file is a month's, not its lines); in each round
    what this month's debit was asked to collect besides (``RecollectRequest``), with what is paid on top; of people who have
    an account at the bank, none of it drawn already or in an order. Count and sum are frozen with it.

    Returns the batch that stands where it was opened before, and None where there is nothing to draw. Raises PolicyMissing
    where the city does not debit.
    """
    terms = debit_terms(book(), city=city, on=month.first_day)
    with connection.cursor() as cursor:
        one_batch_opened(city)
        standing = _standing(city, month, terms.bank, round_number)
        if standing is not None:
            return standing
        recollecting.tidy(city=city, month=month, by=by, now=now)
        whole_tables(cursor)
        cursor.execute("SELECT nextval(pg_get_serial_sequence('contributions_debitbatch', 'id'))")
        [batch_id] = cursor.fetchone()
        cursor.execute(_UNFIT, {**_what(terms, city, month, round_number), "shown": UNFIT_SHOWN})
        unfit = cursor.fetchall()
        cursor.execute(_OPEN, {"batch": batch_id, **_what(terms, city, month, round_number)})
        count, total = cursor.fetchone()
        row_by_row(cursor)
    if not count:
        return None
    code = book().city(city).code
    batch = DebitBatch.objects.create(
        pk=batch_id,
        number=f"{code}-{month.year:04d}{month.month:02d}-{terms.bank}-{round_number}",
        city=city,
        month=month,
        bank=terms.bank,
        round=round_number,
        line_count=count,
        total_fen=total,
        opened_at=now,
        opened_by=by,
        second_person=terms.second_person,
    )
    firsts = [1, *(last + 1 for last in _ends_of_chunks(batch_id, count))]
    PostingChunk.objects.bulk_create(
        PostingChunk(batch=batch, number=number, first=first, last=following - 1)
        for number, (first, following) in enumerate(pairwise([*firsts, count + 1]), 1)
    )
    BatchEvent.objects.create(
        batch=batch, at=now, by=by, status=BatchStatus.OPENED, note=left_out_words(unfit)
    )
    recollecting.taken(batch, now=now)
    if not terms.second_person:
        _released(batch, by=by, now=now)
    return batch


def left_out_words(unfit: Sequence[tuple[int, str, str]]) -> str:
    """What of a batch was left out, for its account fits no line of the bank's file: how many, and the first of them."""
    if not unfit:
        return ""
    return _("%(count)s 笔未列入：户名或账号为空，或账号超过银行文件的长度（%(who)s），请更正账户登记") % {
        "count": unfit[0][0],
        "who": "、".join(f"{name[:20]} ****{end}" for _count, name, end in unfit),
    }


def _what(terms: DebitTerms, city: str, month: Month, round_number: int = 1) -> dict[str, Any]:
    return {
        "city": city,
        "month": month.first_day,
        "bank": terms.bank,
        "retried_since": (month - terms.retry_months).first_day,
        "capacities": [str(capacity) for capacity in terms.capacities] if round_number == 1 else [],
        "longest_account": layout_of(terms).LONGEST_ACCOUNT,
    }


@transaction.atomic
def preview(*, city: str, month: Month) -> list[Drawable]:
    """What the month's first batch would take if it were opened now; empty where nothing. Reads only; Raises PolicyMissing
    where the city does not debit."""
    terms = debit_terms(book(), city=city, on=month.first_day)
    with connection.cursor() as cursor:
        whole_tables(cursor)
        cursor.execute(_PREVIEW, _what(terms, city, month))
        rows = [
            Drawable(Insurance(insurance), late, count, fen)
            for insurance, late, count, fen in cursor.fetchall()
        ]
        row_by_row(cursor)
    return rows


def why_not_open(*, city: str, month: Month, by: User, now: dt.datetime) -> str:
    """Why this member of staff cannot open the month's batch now; "" where they can. A batch that stands is no reason.

    Raises PolicyMissing where the city does not debit.
    """
    terms = debit_terms(book(), city=city, on=month.first_day)
    if city not in permissions.staff_cities(by):
        return _("只有本市的征缴人员可以开批。")
    if today_in_china(now) < terms.debit_on(month):
        return _("%(month)s的托收日是 %(day)s，此前不能开批：参保人在托收日前还可以存款或另行缴费。") % {
            "month": month.zh,
            "day": terms.debit_on(month).isoformat(),
        }
    return ""


def open_by_staff(*, city: str, month: Month, by: User, now: dt.datetime) -> DebitBatch | None:
    """``open_batch`` by a member of staff of the city, on its day or later. Raises CannotOpen."""
    if why := why_not_open(city=city, month=month, by=by, now=now):
        raise CannotOpen(why)
    return open_batch(city=city, month=month, by=by, now=now)


def opened(*, city: str, month: Month) -> DebitBatch | None:
    """The month's first batch, where it was opened. Raises PolicyMissing where the city does not debit."""
    return _standing(city, month, debit_terms(book(), city=city, on=month.first_day).bank, 1)


def _ends_of_chunks(batch_id: int, count: int) -> list[int]:
    """Where all chunks but the last end: after every CHUNK lines, and then with the last line of that person, so that what
    is told and suspended of a person is known in one chunk."""
    with connection.cursor() as cursor:
        a_sliver(cursor)
        cursor.execute(_ENDS_OF_CHUNKS, {"batch": batch_id, "chunk": CHUNK, "count": count})
        ends = [ending for [ending] in cursor.fetchall() if ending < count]
        row_by_row(cursor)
    return ends


def _standing(city: str, month: Month, bank: str, round_number: int) -> DebitBatch | None:
    return DebitBatch.objects.filter(
        city=city, month=month, bank=bank, payer=Payer.PEOPLE, round=round_number
    ).first()


# Accounts may overlap in a month where one follows another: the later one is drawn on.
_DRAWABLE = """
    WITH account AS (
        SELECT DISTINCT ON (person_id) person_id, number, holder
        FROM people_bankaccount
        WHERE city = %(city)s AND bank = %(bank)s AND start <= %(month)s AND (until IS NULL OR until > %(month)s)
        ORDER BY person_id, start DESC, id DESC
    ), asked AS (
        SELECT request.charge_id, request.surcharge_id, coalesce(surcharge.amount_fen, 0) AS on_top
        FROM contributions_recollectrequest request
        LEFT JOIN contributions_surcharge surcharge ON surcharge.id = request.surcharge_id
        WHERE request.live AND request.city = %(city)s AND request.month <= %(month)s
    ), due AS (
        SELECT charge.id, charge.person_id, NULL::bigint AS surcharge_id, charge.amount_fen
        FROM contributions_charge charge
        WHERE charge.city = %(city)s AND charge.month = %(month)s AND charge.status = 'owed'
            AND charge.capacity = ANY(%(capacities)s)
            AND NOT EXISTS (
                SELECT 1 FROM contributions_recollectrequest request WHERE request.charge_id = charge.id AND request.live
            )
        UNION ALL
        SELECT charge.id, charge.person_id, NULL::bigint, charge.amount_fen
        FROM contributions_charge charge
        WHERE charge.city = %(city)s AND charge.month >= %(retried_since)s AND charge.month < %(month)s
            AND charge.status = 'owed' AND charge.capacity = ANY(%(capacities)s)
            AND EXISTS (
                SELECT 1 FROM contributions_debitline line WHERE line.charge_id = charge.id AND line.status = 'failed'
            )
            AND NOT EXISTS (
                SELECT 1 FROM contributions_recollectrequest request WHERE request.charge_id = charge.id AND request.live
            )
            AND NOT EXISTS (
                SELECT 1 FROM contributions_surcharge surcharge
                WHERE surcharge.charge_id = charge.id AND surcharge.status = 'owed'
            )
            AND NOT EXISTS (
                SELECT 1 FROM contributions_suspension suspension
                WHERE suspension.coverage_id = charge.coverage_id AND suspension.until IS NULL
            )
        UNION ALL
        SELECT charge.id, charge.person_id, asked.surcharge_id, charge.amount_fen + asked.on_top
        FROM asked JOIN contributions_charge charge ON charge.id = asked.charge_id
        WHERE charge.city = %(city)s AND charge.status = 'owed'
    ), reached AS (
        SELECT charge.id, charge.person_id, charge.surcharge_id, charge.amount_fen, account.number, account.holder,
            btrim(account.holder) <> '' AND btrim(account.number) <> '' AND length(account.number) <= %(longest_account)s AS fits
        FROM due charge
        JOIN account ON account.person_id = charge.person_id
        WHERE NOT EXISTS (SELECT 1 FROM contributions_debitline other WHERE other.charge_id = charge.id AND other.drawing)
            AND NOT EXISTS (SELECT 1 FROM contributions_orderline ordered WHERE ordered.charge_id = charge.id AND ordered.live)
    ), drawable AS (
        SELECT id, person_id, surcharge_id, amount_fen, number, holder FROM reached WHERE fits
    )
"""

_OPEN = (
    _DRAWABLE  # noqa: S608 - the statement's parts are constants
    + """, line AS (
        INSERT INTO contributions_debitline (
            batch_id, sequence, charge_id, surcharge_id, account_number, holder, amount_fen, status, drawing, reason_code,
            bank_reference
        )
        SELECT %(batch)s, row_number() OVER (ORDER BY person_id, id), id, surcharge_id, number, holder, amount_fen,
            'pending', true, '', ''
        FROM drawable
        RETURNING amount_fen
    )
    SELECT count(*), coalesce(sum(amount_fen), 0)::bigint FROM line
"""
)

# What the bank's file has no room for: whose account it is, and its end.
_UNFIT = (
    _DRAWABLE  # noqa: S608 - the statement's parts are constants
    + """
    SELECT count(*) OVER (), who.name, right(reached.number, 4) FROM reached JOIN people_person who ON who.id = reached.person_id
    WHERE NOT reached.fits ORDER BY reached.person_id, reached.id LIMIT %(shown)s
"""
)

# What a batch that is opened now would draw: this month's, those that failed before, and what was asked for, by insurance.
_PREVIEW = (
    _DRAWABLE  # noqa: S608 - the statement's parts are constants
    + """
    SELECT charge.insurance, charge.month < %(month)s OR drawable.surcharge_id IS NOT NULL, count(*),
        sum(drawable.amount_fen)::bigint
    FROM drawable JOIN contributions_charge charge ON charge.id = drawable.id
    GROUP BY 1, 2 ORDER BY 1, 2
"""
)

# A person's lines follow one another: the last of them is found from any one.
# One step after the other, each by its index: OFFSET 0 keeps the planner from turning them round, and from looking for a charge
# among the lines of the batch, of which it knows nothing yet: it would read them all for each place.
_ENDS_OF_CHUNKS = """
    SELECT DISTINCT ending.sequence
    FROM generate_series(%(chunk)s, %(count)s - 1, %(chunk)s) AS place
    CROSS JOIN LATERAL (
        SELECT charge_id FROM contributions_debitline WHERE batch_id = %(batch)s AND sequence = place OFFSET 0
    ) there
    CROSS JOIN LATERAL (SELECT person_id FROM contributions_charge WHERE id = there.charge_id OFFSET 0) one
    CROSS JOIN LATERAL (
        SELECT max(line.sequence) AS sequence
        FROM (SELECT id FROM contributions_charge WHERE person_id = one.person_id AND live OFFSET 0) charge
        CROSS JOIN LATERAL (
            SELECT batch_id, sequence FROM contributions_debitline WHERE charge_id = charge.id AND drawing OFFSET 0
        ) line
        WHERE line.batch_id = %(batch)s
    ) ending
    ORDER BY ending.sequence
"""


# Release


@transaction.atomic
def release(batch: DebitBatch, *, by: User, now: dt.datetime) -> DebitBatch:
    """Let a batch that was opened go to the bank; one that was released stays as it is.

    Raises CannotRelease where a second person is to do it and ``by`` opened the batch, or is no person of the agency.
    """
    locked = DebitBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if locked.status != BatchStatus.OPENED:
        return locked
    if locked.second_person and locked.opened_by_id == by.pk:
        raise CannotRelease(_("开批人不能放行自己开的批次，请由另一名征缴人员核对并放行。"))
    if locked.second_person and locked.city not in permissions.staff_cities(by):
        raise CannotRelease(_("只有本市的征缴人员可以放行。"))
    _released(locked, by=by, now=now)
    return locked


def _released(batch: DebitBatch, *, by: User, now: dt.datetime) -> None:
    DebitBatch.objects.filter(pk=batch.pk, status=BatchStatus.OPENED).update(
        status=BatchStatus.RELEASED, released_at=now, released_by=by
    )
    BatchEvent.objects.create(batch=batch, at=now, by=by, status=BatchStatus.RELEASED)
    batch.refresh_from_db()


def month_before(batch: DebitBatch) -> DebitBatch | None:
    """The batch of the same city, bank, payers and round a month earlier, to compare with; None where there was none."""
    return DebitBatch.objects.filter(
        city=batch.city, bank=batch.bank, payer=batch.payer, round=batch.round, month=batch.month - 1
    ).first()


# Send


def write_file(batch: DebitBatch, *, by: User, now: dt.datetime) -> DebitBatch:
    """Put the batch's file into the outbox and mark the batch sent; a batch that is not released, or was sent, stays
    as it is.

    The file's bytes follow from the frozen lines alone, so that a run that was killed before the mark writes the same file
    again. Runs outside any transaction. Raises OSError where the disk refuses, ValueError where the lines no longer come to
    the frozen sum; in both cases nothing was sent.
    """
    with attempt("batch file", batch.pk) as ours:
        batch.refresh_from_db()
        if not ours or batch.status != BatchStatus.RELEASED:
            return batch
        city = book().city(batch.city)
        heading = postal.Heading(
            number=batch.number,
            city_code=city.code,
            month=batch.month,
            on=today_in_china(batch.opened_at),
            count=batch.line_count,
            total_fen=batch.total_fen,
            creditor=city.agency,
            made_at=(batch.released_at or batch.opened_at).astimezone(CHINA),
        )
        layout = _layout(batch)
        name = f"{batch.number}{layout.SUFFIX}"

        def write(out: exchange.Sink) -> None:
            layout.write(out, heading, _orders(batch))

        fingerprint = exchange.place(name, write)
        with transaction.atomic():
            sent = DebitBatch.objects.filter(pk=batch.pk, status=BatchStatus.RELEASED).update(
                status=BatchStatus.SENT, file_name=name, file_digest=fingerprint.digest
            )
            if sent:
                BankFile.objects.create(
                    batch=batch,
                    direction=Direction.OUT,
                    name=name,
                    digest=fingerprint.digest,
                    size=fingerprint.size,
                    received_at=now,
                    status=FileStatus.ACCEPTED,
                )
                BatchEvent.objects.create(batch=batch, at=now, by=by, status=BatchStatus.SENT)
    batch.refresh_from_db()
    return batch


def _layout(batch: DebitBatch) -> Any:
    """The file format that the batch's bank takes."""
    terms_of = employer_debit_terms if batch.payer == Payer.EMPLOYERS else debit_terms
    return layout_of(terms_of(book(), city=batch.city, on=batch.month.first_day))


def layout_of(terms: DebitTerms | EmployerDebitTerms) -> Any:
    """The file format of a bank's terms."""
    return iso20022 if terms.format == "iso20022" else postal


def _orders(batch: DebitBatch) -> Iterator[tuple[int, str, str, int]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            """
            SELECT sequence, account_number, holder, amount_fen FROM contributions_debitline
            WHERE batch_id = %s ORDER BY sequence
            """,
            [batch.pk],
        )
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            yield from rows


# Read


def read_answers(*, by: User, now: dt.datetime) -> list[Read]:
    """Deal with every file in the inbox; one that cannot be read is held with its reason, and the others go on. One that the disk
    or the database does not give out is left where it is, told, and tried again."""
    done: list[Read] = []
    watch = Watch("read_answers", now=now)
    for path in exchange.arrived():
        with watch.item(path.name):
            read = read_answer(path, by=by, now=now)
            if read is not None:
                done.append(read)
    watch.finished()
    return done


def read_answer(path: Path, *, by: User, now: dt.datetime) -> Read | None:
    """Read one answer, whole or not at all; None where another worker is at it or has put it away.

    The same content again changes nothing. A file for an unknown batch, other content for a batch that is answered, whatever
    the format refuses and whatever else in it cannot be worked on are held: kept, told, and of no effect. Raises what disk and
    database raise for reasons of their own; then nothing was done, and the file is where it was.
    """
    try:
        fingerprint = exchange.fingerprint_of(path)
    except FileNotFoundError:
        return None
    with attempt("bank answer", fingerprint.digest) as ours:
        if not ours or not path.exists():
            return None
        name = clean(path.name)[-NAME_LENGTH:]
        known = BankFile.objects.filter(direction=Direction.IN, digest=fingerprint.digest).first()
        if known is not None:
            exchange.put_away(path, exchange.ARCHIVE, fingerprint.digest, name=name)
            return Read(path.name, "repeated", known.why)
        file = BankFile(
            direction=Direction.IN,
            name=name,
            digest=fingerprint.digest,
            size=fingerprint.size,
            received_at=now,
            status=FileStatus.ACCEPTED,
        )
        try:
            with transaction.atomic():
                if not _accept(path, file, by, now):
                    return Read(path.name, "left", _("批次尚未送出，待送出后再读取。"))
        except (OSError, OperationalError, InterfaceError):
            # Not the file's fault: the disk, or the connection.
            raise
        except Exception as problem:
            why = str(problem) if isinstance(problem, Unreadable) else _unforeseen(problem)
            why = why.replace("\0", "�")
            _hold(file, why, by, now)
            exchange.put_away(path, exchange.HELD, fingerprint.digest, name=name)
            return Read(path.name, "held", why)
        exchange.put_away(path, exchange.ARCHIVE, fingerprint.digest, name=name)
        return Read(path.name, "accepted")


def _unforeseen(problem: Exception) -> str:
    """What staff read of a file in which something is that the format does not foresee."""
    log.warning("a bank's answer cannot be worked on", exc_info=problem)
    return _("文件中有无法处理的内容（%(kind)s），请与银行核对后重新取得文件。") % {
        "kind": type(problem).__name__
    }


def _accept(path: Path, file: BankFile, by: User, now: dt.datetime) -> bool:
    answer = iso20022.Answer(path) if iso20022.looks_like_it(path) else postal.Answer(path)
    batch = DebitBatch.objects.select_for_update(no_key=True).filter(number=answer.heading.number).first()
    if batch is None:
        raise Unreadable(_("没有批次 %(number)s。") % {"number": answer.heading.number[:40]})
    file.batch = batch
    if batch.status in (BatchStatus.OPENED, BatchStatus.RELEASED):
        # The bank can be quicker than our own mark: the file lies until the batch is marked sent.
        return False
    if batch.status not in (BatchStatus.SENT, BatchStatus.HELD):
        raise Unreadable(
            _("批次%(status)s，又收到内容不同的结果文件。")
            % {"status": _(BATCH_STATUS_LABELS[BatchStatus(batch.status)])}
        )
    with connection.cursor() as cursor:
        whole_tables(cursor)
        cursor.execute(
            """
            CREATE TEMPORARY TABLE debit_answer (
                sequence int, account_number varchar, amount_fen bigint, reason varchar, reference varchar
            ) ON COMMIT DROP
            """
        )
        _stage(cursor, answer.results(line_count=batch.line_count))
        _compare(cursor, batch)
        cursor.execute(
            """
            UPDATE contributions_debitline line
            SET status = CASE WHEN answer.reason IS NULL THEN 'paid' ELSE 'failed' END, drawing = answer.reason IS NULL,
                reason_code = coalesce(answer.reason, ''), bank_reference = answer.reference
            FROM debit_answer answer
            WHERE line.batch_id = %s AND line.sequence = answer.sequence
            """,
            [batch.pk],
        )
        missing = batch.line_count - cursor.rowcount
        if missing:
            DebitLine.objects.filter(batch=batch, status=LineStatus.PENDING).update(status=LineStatus.MISSING)
        cursor.execute("DROP TABLE debit_answer")
        row_by_row(cursor)
    note = _("银行未返回 %(count)s 笔") % {"count": missing} if missing else ""
    DebitBatch.objects.filter(pk=batch.pk).update(status=BatchStatus.ANSWERED)
    BatchEvent.objects.create(batch=batch, at=now, by=by, status=BatchStatus.ANSWERED, note=note)
    file.why = note
    file.save(force_insert=True)
    return True


def _stage(cursor: Any, results: Iterator[Result]) -> None:
    while block := list(islice(results, _ROWS_AT_A_TIME)):
        buffer = io.StringIO()
        csv.writer(buffer).writerows(
            (one.sequence, one.account_number, one.amount_fen, one.reason or "", one.bank_reference)
            for one in block
        )
        buffer.seek(0)
        cursor.copy_expert("COPY debit_answer FROM STDIN (FORMAT csv)", buffer)
    cursor.execute("ANALYZE debit_answer")


def _compare(cursor: Any, batch: DebitBatch) -> None:
    cursor.execute(
        """
        SELECT answer.sequence FROM debit_answer answer
        JOIN contributions_debitline line ON line.batch_id = %s AND line.sequence = answer.sequence
        WHERE line.account_number <> answer.account_number OR line.amount_fen <> answer.amount_fen
        ORDER BY answer.sequence LIMIT %s
        """,
        [batch.pk, _EXAMPLES],
    )
    differing = [str(row[0]) for row in cursor.fetchall()]
    if differing:
        raise Unreadable(
            _("序号 %(sequences)s 的账号或金额与送出的不符。") % {"sequences": "、".join(differing)}
        )


def _hold(file: BankFile, why: str, by: User, now: dt.datetime) -> None:
    with transaction.atomic():
        file.status, file.why = FileStatus.HELD, why
        file.save(force_insert=True)
        if file.batch is None:
            # A batch that is held stands among what is to be done; this has none.
            report("read_answers", file.name, Unreadable(why), now=now)
            return
        held = DebitBatch.objects.filter(pk=file.batch.pk, status=BatchStatus.SENT).update(
            status=BatchStatus.HELD
        )
        if held:
            BatchEvent.objects.create(batch=file.batch, at=now, by=by, status=BatchStatus.HELD, note=why)


# Post


def post(batch: DebitBatch, *, by: User, now: dt.datetime) -> DebitBatch:
    """Book the answer, chunk by chunk: paid charges, a receipt for each, one entry per chunk; surcharges that came to nothing are
    let go, cases that asked for a debit end, who owes too much is suspended, and everyone is told. Several workers may share a
    batch; a chunk is posted by one of them, whole or not at all, and once."""
    while _post_chunk(batch, by, now):
        pass
    with transaction.atomic():
        if not PostingChunk.objects.filter(batch=batch, posted_at__isnull=True).exists():
            posted = DebitBatch.objects.filter(pk=batch.pk, status=BatchStatus.ANSWERED).update(
                status=BatchStatus.POSTED
            )
            if posted:
                BatchEvent.objects.create(batch=batch, at=now, by=by, status=BatchStatus.POSTED)
    batch.refresh_from_db()
    return batch


def _post_chunk(batch: DebitBatch, by: User, now: dt.datetime) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        # Before any row is held: a charging run takes its time.
        before_or_after_charging(batch.city)
        chunk = (
            PostingChunk.objects.select_for_update(skip_locked=True)
            .filter(batch=batch, batch__status=BatchStatus.ANSWERED, posted_at__isnull=True)
            .order_by("number")
            .first()
        )
        if chunk is None:
            return False
        a_sliver(cursor)
        if batch.payer == Payer.EMPLOYERS:
            _book_assessments(batch, chunk, by, now)
        else:
            _book(batch, chunk, by, now)
            surcharges.after_answer(chunk, by=by, now=now)
            asked = unpaid_cases.of_lines(batch.pk, chunk.first, chunk.last)
            unpaid_cases.end_debited(asked, by=by, now=now)
            suspending.after_answer(chunk, now=now)
            notices.tell_results(chunk, now=now)
        row_by_row(cursor)
        chunk.posted_at = now
        chunk.save(update_fields=["posted_at"])
    return True


def _book_assessments(batch: DebitBatch, chunk: PostingChunk, by: User, now: dt.datetime) -> None:
    lines = list(
        DebitLine.objects.filter(batch=batch, sequence__range=(chunk.first, chunk.last)).order_by("sequence")
    )
    assessment_lines.receive(
        batch,
        [line for line in lines if line.status == LineStatus.PAID],
        kind=ENTRY_KIND,
        reference=f"{batch.number}/{chunk.number}",
        by=by,
        now=now,
    )
    known = [line for line in lines if line.status in (LineStatus.PAID, LineStatus.FAILED)]
    assessment_lines.tell(batch, known, now=now)


def _book(batch: DebitBatch, chunk: PostingChunk, by: User, now: dt.datetime) -> None:
    [entry_id] = ledger.reserve_ids(1)
    values: dict[str, Any] = {
        "batch": batch.pk,
        "first": chunk.first,
        "last": chunk.last,
        "channel": batch.receipt_channel,
        "number": batch.number,
        "entry": entry_id,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_CHARGES, values)
        cursor.execute(_RECEIVE + _DRAWN, values)
    book_receipts(
        entry_id,
        city=batch.city,
        channel=batch.receipt_channel,
        kind=ENTRY_KIND,
        reference=f"{batch.number}/{chunk.number}",
        by=by,
        now=now,
    )


_DRAWN = """
    FROM contributions_debitline line JOIN contributions_charge charge ON charge.id = line.charge_id
    WHERE line.batch_id = %(batch)s AND line.sequence BETWEEN %(first)s AND %(last)s AND line.status = 'paid'
"""

# In the order in which ``receiving`` locks them, so that neither waits for the other for ever.
_LOCK_CHARGES = "SELECT" + _DRAWN + "ORDER BY charge.id FOR NO KEY UPDATE OF charge"

# A charge that is no longer owed was paid by another road, or fell away, while the file was at the bank: its money is
# received all the same, and not applied.
_RECEIVE = """
    INSERT INTO contributions_receipt (
        channel, provider_number, amount_fen, charge_id, surcharge_id, applied, received_at, account_fen, entry_id, debit_line_id
    )
    SELECT %(channel)s, %(number)s || '-' || line.sequence, line.amount_fen, charge.id, line.surcharge_id,
        charge.status = 'owed', %(now)s,
        CASE WHEN charge.status = 'owed' THEN charge.account_fen ELSE 0 END, %(entry)s, line.id
"""


# Close


@transaction.atomic
def close(batch: DebitBatch, *, by: User, now: dt.datetime) -> DebitBatch:
    """Close a posted batch: only where paid + failed + missing come to the frozen count and sum, and what was paid was received.

    Raises CannotClose; a batch that is closed already stays as it is.
    """
    locked = DebitBatch.objects.select_for_update(no_key=True).get(pk=batch.pk)
    if locked.status == BatchStatus.CLOSED:
        return locked
    if locked.status != BatchStatus.POSTED:
        raise CannotClose(_("批次尚未记账完毕，不能关闭。"))
    tallies = {one.status: one for one in tally(locked)}
    if LineStatus.PENDING in tallies:
        raise CannotClose(_("还有 %(count)s 笔未处理。") % {"count": tallies[LineStatus.PENDING].count})
    count, fen = sum(one.count for one in tallies.values()), sum(one.fen for one in tallies.values())
    if (count, fen) != (locked.line_count, locked.total_fen):
        raise CannotClose(
            _("明细合计 %(count)s 笔 %(yuan)s 元，与开批时 %(frozen)s 笔 %(total)s 元不符。")
            % {
                "count": count,
                "yuan": money.format_yuan(fen),
                "frozen": locked.line_count,
                "total": money.format_yuan(locked.total_fen),
            }
        )
    paid = tallies.get(LineStatus.PAID, Tally(LineStatus.PAID, 0, 0))
    receipts = paid.count if locked.payer == Payer.PEOPLE else _charges_paid(locked)
    entries = [f"{locked.number}/{number}" for number in locked.chunks.values_list("number", flat=True)]
    by_file = Q(entry__kind=ENTRY_KIND, entry__reference__in=entries)
    by_hand = Q(entry__kind=open_lines.KIND, entry__reference__in=open_lines.references(locked))
    received = Receipt.objects.filter(by_file | by_hand).aggregate(
        count=Count("id"), fen=Sum("amount_fen", default=0)
    )
    if (received["count"], received["fen"]) != (receipts, paid.fen):
        raise CannotClose(_("到账记录与扣款成功的明细不符。"))
    DebitBatch.objects.filter(pk=locked.pk).update(status=BatchStatus.CLOSED, closed_at=now, closed_by=by)
    BatchEvent.objects.create(batch=locked, at=now, by=by, status=BatchStatus.CLOSED)
    locked.refresh_from_db()
    return locked


def _charges_paid(batch: DebitBatch) -> int:
    """How many charges the paid lines of an employers' batch draw."""
    paid = DebitLine.objects.filter(batch=batch, status=LineStatus.PAID)
    return int(paid.aggregate(count=Sum("assessment__charges", default=0))["count"])


def tally(batch: DebitBatch) -> list[Tally]:
    """The lines of a batch by state, in the order of LineStatus; states without lines are left out."""
    sums = {
        row["status"]: Tally(LineStatus(row["status"]), row["count"], row["fen"])
        for row in DebitLine.objects.filter(batch=batch)
        .values("status")
        .annotate(count=Count("id"), fen=Sum("amount_fen"))
    }
    return [sums[status] for status in LineStatus if status in sums]
