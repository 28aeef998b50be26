"""Lines of a debit of employers, each an assessment: booked as the bank answered, or as staff
settled what the bank left open."""

import datetime as dt
from collections.abc import Sequence

from django.db.models import Sum

from contributions.assessments import assessment_lines
from contributions.debit import entries
from contributions.models import DebitBatch, DebitLine, LineStatus, PostingChunk, Settlement
from portal.accounts.models import User


def post(batch: DebitBatch, chunk: PostingChunk, *, by: User, now: dt.datetime) -> None:
    """Book the chunk's paid lines, each with all charges of its assessment; tell the clerks."""
    lines = list(
        DebitLine.objects.filter(batch=batch, sequence__range=(chunk.first, chunk.last)).order_by("sequence")
    )
    assessment_lines.receive(
        batch,
        [line for line in lines if line.status == LineStatus.PAID],
        kind=entries.POSTED,
        reference=entries.posted_reference(batch, chunk.number),
        by=by,
        now=now,
    )
    known = [line for line in lines if line.status in (LineStatus.PAID, LineStatus.FAILED)]
    assessment_lines.tell(batch, known, now=now)


def settled_paid(settlement: Settlement, lines: Sequence[DebitLine], *, by: User, now: dt.datetime) -> None:
    """Book lines that the bank has debited after all."""
    batch = settlement.batch
    reference = entries.settled_reference(batch, settlement.pk)
    assessment_lines.receive(batch, lines, kind=entries.SETTLED, reference=reference, by=by, now=now)
    assessment_lines.tell(batch, lines, now=now)


def settled_failed(settlement: Settlement, lines: Sequence[DebitLine], *, by: User, now: dt.datetime) -> None:
    """Tell the clerks: the assessment stays owed, and is drawn again while it is in time."""
    assessment_lines.tell(settlement.batch, lines, now=now)


def receipts(batch: DebitBatch) -> int:
    """How many receipts the paid lines come to: one for each charge of their assessments."""
    paid = DebitLine.objects.filter(batch=batch, status=LineStatus.PAID)
    return int(paid.aggregate(count=Sum("assessment__charges", default=0))["count"])
