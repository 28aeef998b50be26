"""The answer that was read is booked, in chunks of people.

A chunk is one transaction, claimed by its row: it can be killed anywhere and done again, by one
worker or by several at once.
"""

import datetime as dt

from django.db import connection, transaction

from contributions.debit import payers
from contributions.locks import before_or_after_charging
from contributions.models import BatchEvent, BatchStatus, DebitBatch, PostingChunk
from contributions.planner import a_sliver, row_by_row
from portal.accounts.models import User


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
        payers.of(batch).lines.post(batch, chunk, by=by, now=now)
        row_by_row(cursor)
        chunk.posted_at = now
        chunk.save(update_fields=["posted_at"])
    return True
