"""The bank's answers are read from the inbox: each whole or not at all, and once."""

import csv
import datetime as dt
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext as _

from contributions.bank_files import exchange, iso20022, postal
from contributions.bank_files.results import Result, Unreadable
from contributions.models import (
    BankFile,
    BatchEvent,
    BatchStatus,
    DebitBatch,
    DebitLine,
    Direction,
    FileStatus,
    LineStatus,
)
from contributions.planner import row_by_row, whole_tables
from portal.accounts.models import User
from portal.locks import attempt
from portal.watch.failures import Watch, clean, report

log = logging.getLogger(__name__)

_ROWS_AT_A_TIME = 10_000
NAME_LENGTH = 200
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Read:
    """What became of one file from the inbox: accepted, held (with why), repeated, or left lying
    until its batch is sent."""

    name: str
    outcome: str
    why: str = ""


def read_answers(*, by: User, now: dt.datetime) -> list[Read]:
    """Deal with every file in the inbox; one that cannot be read is held with its reason, and the
    others go on. One that the disk or the database does not give out is left where it is, told, and
    tried again."""
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

    The same content again changes nothing. A file for an unknown batch, other content for a batch
    that is answered, whatever the format refuses and whatever else in it cannot be worked on are
    held: kept, told, and of no effect. Raises what disk and database raise for reasons of their
    own; then nothing was done, and the file is where it was.
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
                if not accept(path, file, by, now):
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


def accept(path: Path, file: BankFile, by: User, now: dt.datetime) -> bool:
    """Take an answer into its batch's lines, in the caller's transaction; False where the batch is
    not marked sent yet. Raises Unreadable, and what the formats raise."""
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
            _("批次%(status)s，又收到内容不同的结果文件。") % {"status": batch.get_status_display()}
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
