"""Debit lines that draw an employer's assessment: one sum at the bank, and in the books a receipt
for each of its charges."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext as _

from contributions.assessments import assessing as assessments
from contributions.bank_files.results import REASON_ADVICE, REASON_LABELS, Reason
from contributions.books import ledger
from contributions.books.receiving import book_receipts
from contributions.models import (
    Assessment,
    DebitBatch,
    DebitLine,
    LineStatus,
)
from portal.accounts.models import Kind, Notice, User
from portal.people.models import Employer
from portal.shared import money

# In these states it is not known yet whether the bank takes, or took, the money.
AT_THE_BANK = (LineStatus.PENDING, LineStatus.MISSING)

DEBIT_PAID, DEBIT_FAILED = "employer-debit-paid", "employer-debit-fail"


def held_by_the_bank(employer: Employer) -> Q:
    """A condition for the employer's charges that a debit without a result draws."""
    at_the_bank = Q(pk__in=[])
    drawn = Assessment.objects.filter(employer=employer, debit_lines__status__in=AT_THE_BANK)
    for city, month, after, last in drawn.values_list("city", "month", "after", "last"):
        at_the_bank |= Q(city=city, month=month, pk__gt=after, pk__lte=last)
    return at_the_bank


def drawing(assessment: Assessment) -> DebitLine | None:
    """The line without a result that draws charges of the assessment: its own line, or the line of
    an assessment that it replaced."""
    return (
        DebitLine.objects.filter(
            assessment__employer=assessment.employer_id,
            assessment__month=assessment.month,
            assessment__after__lt=assessment.last,
            assessment__last__gt=assessment.after,
            status__in=AT_THE_BANK,
        )
        .select_related("batch")
        .first()
    )


# The charges that a line draws: the charges within its assessment's ids, without those that were
# void before the line was made.
_DRAWN = f"""
    FROM contributions_debitline line
    JOIN contributions_assessment assessment ON assessment.id = line.assessment_id
    JOIN contributions_charge charge ON {assessments.OF_THE_ASSESSMENT} AND charge.id <> ALL(line.left_out)
    WHERE line.id = ANY(%(lines)s)
"""

# In the order in which ``receiving`` locks them.
_LOCK_CHARGES = "SELECT" + _DRAWN + "ORDER BY charge.id FOR NO KEY UPDATE OF charge"

# As in ``debit``: a charge that is no longer owed was paid in another way, or became void, while
# the file was at the bank.
_RECEIVE = (
    """
    INSERT INTO contributions_receipt (
        channel, provider_number, amount_fen, charge_id, applied, received_at, account_fen, entry_id, debit_line_id
    )
    SELECT %(channel)s, %(number)s || '-' || line.sequence || '-' || charge.id, charge.amount_fen, charge.id,
        charge.status = 'owed', %(now)s, CASE WHEN charge.status = 'owed' THEN charge.account_fen ELSE 0 END, %(entry)s, line.id
"""
    + _DRAWN
)


def receive(
    batch: DebitBatch, lines: Sequence[DebitLine], *, kind: str, reference: str, by: User, now: dt.datetime
) -> None:
    """Book paid lines of an employers' batch: all charges that they draw, a receipt for each, one
    entry, and the assessments that are paid by it. A fixed number of statements. Must run in a
    transaction.

    Raises ValueError where the sum of the charges differs from what the bank debited; nothing is
    booked then.
    """
    if not lines:
        return
    [entry_id] = ledger.reserve_ids(1)
    values: dict[str, Any] = {
        "lines": [line.pk for line in lines],
        "channel": batch.receipt_channel,
        "number": batch.number,
        "entry": entry_id,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_CHARGES, values)
        cursor.execute(_RECEIVE, values)
    received = book_receipts(
        entry_id,
        city=batch.city,
        channel=batch.receipt_channel,
        kind=kind,
        reference=reference,
        by=by,
        now=now,
    )
    if received != sum(line.amount_fen for line in lines):
        raise ValueError(f"{reference}: the charges come to {received} fen, not to what was debited")
    assessments.settle_all([line.of_assessment.pk for line in lines], by=by, now=now)


def tell(batch: DebitBatch, lines: Sequence[DebitLine], *, now: dt.datetime) -> None:
    """Notify the clerks of each debit: paid, or failed with the reason and what to do. Only
    failures also go by text message. A second call sends nothing new."""
    named = DebitLine.objects.filter(pk__in=[line.pk for line in lines]).select_related("assessment")
    by_employer: dict[int | None, list[DebitLine]] = defaultdict(list)
    for line in named:
        by_employer[line.of_assessment.employer_id].append(line)
    clerks = User.objects.filter(
        kind=Kind.CLERK, is_active=True, employer__in=[key for key in by_employer if key]
    )
    Notice.objects.bulk_create(
        [_notice(batch, line, clerk, now) for clerk in clerks for line in by_employer[clerk.employer_id]],
        ignore_conflicts=True,
    )


def _notice(batch: DebitBatch, line: DebitLine, clerk: User, now: dt.datetime) -> Notice:
    paid = line.status == LineStatus.PAID
    month = line.of_assessment.month.zh
    words = {"month": month, "amount": money.format_yuan(line.amount_fen), "tail": line.account_number[-4:]}
    if paid:
        text = _("%(month)s单位应缴 %(amount)s 元已从尾号 %(tail)s 的账户扣款成功。") % words
    else:
        reason = Reason(line.reason_code)
        text = _(
            "%(month)s单位应缴 %(amount)s 元从尾号 %(tail)s 的账户扣款失败：%(reason)s。%(advice)s"
            "缴费期限前还有扣款日的，届时再次扣款；也可以汇款或下单网上缴款。逾期未缴的，按日加收滞纳金。"
        ) % {**words, "reason": _(REASON_LABELS[reason]), "advice": _(REASON_ADVICE[reason])}
    return Notice(
        user=clerk,
        kind=DEBIT_PAID if paid else DEBIT_FAILED,
        reference=f"{batch.number}/{line.sequence}/u{clerk.pk}",
        title=_("%(month)s单位托收扣款成功") % words if paid else _("%(month)s单位托收扣款失败") % words,
        text=text,
        at=now,
        by_text=not paid,
    )
