"""The answer that was read is booked, in chunks of people.

A chunk is one transaction, claimed by its row: it can be killed anywhere and done again, by one
worker or by several at once.
"""

import datetime as dt
from typing import Any

from django.db import connection, transaction

from contributions import unpaid_cases
from contributions.assessments import assessment_lines
from contributions.books import ledger
from contributions.books.receiving import book_receipts
from contributions.charges import surcharges, suspending
from contributions.debit import notices
from contributions.locks import before_or_after_charging
from contributions.models import (
    BatchEvent,
    BatchStatus,
    DebitBatch,
    DebitLine,
    LineStatus,
    Payer,
    PostingChunk,
)
from contributions.planner import a_sliver, row_by_row
from portal.accounts.models import User

ENTRY_KIND = "debit"


def post(batch: DebitBatch, *, by: User, now: dt.datetime) -> DebitBatch:
    """Book the answer, chunk by chunk: paid charges, a receipt for each, one entry per chunk;
    surcharges that came to nothing are let go, cases that asked for a debit end, who owes too much
    is suspended, and everyone is told. Several workers may share a batch; a chunk is posted by one
    of them, whole or not at all, and once."""
    while post_chunk(batch, by, now):
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


def post_chunk(batch: DebitBatch, by: User, now: dt.datetime) -> bool:
    """Post the next chunk that nobody else is at; whether there was one."""
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
            book_lines(batch, chunk, by, now)
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


def book_lines(batch: DebitBatch, chunk: PostingChunk, by: User, now: dt.datetime) -> None:
    """A receipt for each paid line of the chunk, its charge paid, and one entry of them all."""
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

# A charge that is no longer owed was paid by another road, or fell away, while the file was at the
# bank: its money is received all the same, and not applied.
_RECEIVE = """
    INSERT INTO contributions_receipt (
        channel, provider_number, amount_fen, charge_id, surcharge_id, applied, received_at, account_fen, entry_id, debit_line_id
    )
    SELECT %(channel)s, %(number)s || '-' || line.sequence, line.amount_fen, charge.id, line.surcharge_id,
        charge.status = 'owed', %(now)s,
        CASE WHEN charge.status = 'owed' THEN charge.account_fen ELSE 0 END, %(entry)s, line.id
"""
