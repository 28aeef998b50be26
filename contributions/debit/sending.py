"""The file of a released batch goes into the bank's outbox, whole or not at all."""

import datetime as dt
from collections.abc import Iterator

from django.db import connection, transaction

from contributions.bank_files import exchange, postal
from contributions.debit import payers
from contributions.debit.layouts import layout_of
from contributions.models import BankFile, BatchEvent, BatchStatus, DebitBatch, Direction, FileStatus
from portal.accounts.models import User
from portal.locks import attempt
from portal.policy.book import book
from portal.shared.months import CHINA, today_in_china

_ROWS_AT_A_TIME = 10_000


def write_file(batch: DebitBatch, *, by: User, now: dt.datetime) -> DebitBatch:
    """Put the batch's file into the outbox and mark the batch sent; a batch that is not released,
    or was sent, stays as it is.

    The file's bytes follow from the frozen lines alone, so that a run that was killed before the
    mark writes the same file again. Runs outside any transaction. Raises OSError where the disk
    refuses, ValueError where the lines no longer come to the frozen sum; in both cases nothing was
    sent.
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
        layout = layout_of(payers.of(batch).terms(batch.city, batch.month))
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
