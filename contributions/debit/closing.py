"""A posted batch is closed where its lines come out even with what was frozen and received."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from contributions.debit import entries, payers
from contributions.models import BatchEvent, BatchStatus, DebitBatch, DebitLine, LineStatus, Receipt
from portal.accounts.models import User
from portal.shared import money


class CannotClose(Exception):
    """A batch that does not come out even, or is not posted, stays open; the message says why in
    Chinese."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many lines of a batch are in a state, and what they come to."""

    status: LineStatus
    count: int
    fen: int


@transaction.atomic
def close(batch: DebitBatch, *, by: User, now: dt.datetime) -> DebitBatch:
    """Close a posted batch: only where paid + failed + missing come to the frozen count and sum,
    and what was paid was received.

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
    receipts = payers.of(locked).lines.receipts(locked)
    by_file = Q(entry__kind=entries.POSTED, entry__reference__in=entries.posted_references(locked))
    by_hand = Q(entry__kind=entries.SETTLED, entry__reference__in=entries.settled_references(locked))
    received = Receipt.objects.filter(by_file | by_hand).aggregate(
        count=Count("id"), fen=Sum("amount_fen", default=0)
    )
    if (received["count"], received["fen"]) != (receipts, paid.fen):
        raise CannotClose(_("到账记录与扣款成功的明细不符。"))
    DebitBatch.objects.filter(pk=locked.pk).update(status=BatchStatus.CLOSED, closed_at=now, closed_by=by)
    BatchEvent.objects.create(batch=locked, at=now, by=by, status=BatchStatus.CLOSED)
    locked.refresh_from_db()
    return locked


def tally(batch: DebitBatch) -> list[Tally]:
    """The lines of a batch by state, in the order of LineStatus; states without lines are left
    out."""
    sums = {
        row["status"]: Tally(LineStatus(row["status"]), row["count"], row["fen"])
        for row in DebitLine.objects.filter(batch=batch)
        .values("status")
        .annotate(count=Count("id"), fen=Sum("amount_fen"))
    }
    return [sums[status] for status in LineStatus if status in sums]
