"""What a settlement of open lines does when it takes effect.

A line that the bank has debited is booked as the bank's answer would have booked it, and keeps the
bank's number. A line that the bank has not debited fails, and is drawn again with the next month's
file. An answer that cannot be used is given up: then every line of its batch counts as left open by
the bank.
"""

import datetime as dt

from django.db.models import Sum
from django.utils.translation import gettext as _

from contributions.bank_files.results import Reason
from contributions.debit import payers
from contributions.models import (
    BatchEvent,
    BatchStatus,
    Charge,
    DebitBatch,
    DebitLine,
    LineStatus,
    SettledLine,
    Settlement,
)
from portal.accounts.models import User


class CannotSettle(Exception):
    """A settlement cannot be proposed, decided or asked for; the message says why in Chinese."""


def _lines(settlement: Settlement) -> list[SettledLine]:
    """The settlement's lines, all of them still open, with their charges locked in the order that
    receiving money uses. Raises CannotSettle where a line has a result already."""
    settled = list(
        SettledLine.objects.filter(settlement=settlement, live=True)
        .select_related("line__assessment")
        .order_by("line__charge_id", "line_id")
    )
    list(
        Charge.objects.select_for_update(no_key=True)
        .filter(pk__in=[one.line.charge_id for one in settled])
        .order_by("pk")
    )
    open_lines = DebitLine.objects.filter(pk__in=[one.line_id for one in settled], status=LineStatus.MISSING)
    open_fen = open_lines.aggregate(fen=Sum("amount_fen"))["fen"] or 0
    if (open_lines.count(), open_fen) != (settlement.line_count, settlement.sum_fen):
        raise CannotSettle(_("其中有的明细已有结果，请退回后重新提出。"))
    return settled


def mark_failed(settlement: Settlement, *, by: User, now: dt.datetime) -> None:
    """Mark the lines as failed, with all that follows from it; notify the payers."""
    lines = [settled.line for settled in _lines(settlement)]
    DebitLine.objects.filter(pk__in=[line.pk for line in lines]).update(
        status=LineStatus.FAILED, drawing=False, reason_code=Reason.OTHER
    )
    payers.of(settlement.batch).lines.settled_failed(settlement, lines, by=by, now=now)


def book_paid(settlement: Settlement, *, by: User, now: dt.datetime) -> None:
    """Book the lines as the bank's answer would have: a receipt for each charge, under the batch's
    number and the line's sequence, and one entry; notify the payers."""
    lines = []
    for settled in _lines(settlement):
        settled.line.status, settled.line.bank_reference = LineStatus.PAID, settled.bank_number
        lines.append(settled.line)
    DebitLine.objects.bulk_update(lines, ["status", "bank_reference"])
    payers.of(settlement.batch).lines.settled_paid(settlement, lines, by=by, now=now)


def give_up(settlement: Settlement, *, by: User, now: dt.datetime) -> None:
    """Mark every pending line of the batch as left open by the bank; the schedule then posts the
    batch without booking anything."""
    moved = DebitBatch.objects.filter(pk=settlement.batch_id, status=BatchStatus.HELD).update(
        status=BatchStatus.ANSWERED
    )
    if not moved:
        raise CannotSettle(_("批次状态已变化，请退回后按当前状态重新提出。"))
    missing = DebitLine.objects.filter(batch=settlement.batch_id, status=LineStatus.PENDING).update(
        status=LineStatus.MISSING
    )
    note = _("结果文件不采用，%(count)s 笔按银行未返回处理") % {"count": missing}
    BatchEvent.objects.create(
        batch_id=settlement.batch_id, at=now, by=by, status=BatchStatus.ANSWERED, note=note
    )
