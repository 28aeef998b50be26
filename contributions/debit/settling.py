"""What a settlement of open lines does when it takes effect.

A line that the bank has debited is booked as the bank's answer would have booked it, and keeps the
bank's number. A line that the bank has not debited fails, and is drawn again with the next month's
file. An answer that cannot be used is given up: then every line of its batch counts as left open by
the bank.
"""

import datetime as dt
from collections.abc import Sequence

from django.db.models import Sum
from django.utils.translation import gettext as _

from contributions import unpaid_cases
from contributions.assessments import assessment_lines
from contributions.bank_files.results import Reason
from contributions.books import ledger
from contributions.books.receiving import book_receipts
from contributions.charges import surcharges, suspending
from contributions.debit import recollecting
from contributions.models import (
    BatchEvent,
    BatchStatus,
    Charge,
    ChargeStatus,
    DebitBatch,
    DebitLine,
    LineStatus,
    Payer,
    PostingChunk,
    Receipt,
    SettledLine,
    Settlement,
    SettlementStatus,
    SettlementWay,
    Surcharge,
)
from portal.accounts.models import Notice, User
from portal.policy.book import book
from portal.policy.terms.debit import debit_terms
from portal.shared import money
from portal.shared.months import day_zh, today_in_china

KIND = "settlement"
NOTICE_KIND = "debit-settled"


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
    """Mark the lines as failed: void their surcharges, end their cases, notify the payers."""
    lines = _lines(settlement)
    DebitLine.objects.filter(pk__in=[one.line_id for one in lines]).update(
        status=LineStatus.FAILED, drawing=False, reason_code=Reason.OTHER
    )
    if settlement.batch.payer == Payer.EMPLOYERS:
        _tell_employers(lines, settlement, now=now)
        return
    surcharges.let_go([one.line.of_charge.pk for one in lines], by=by, now=now)
    _end_cases(lines, by=by, now=now)
    for chunk in _chunks(settlement.batch, lines):
        suspending.after_answer(chunk, now=now)
    _tell(lines, settlement, paid=False, now=now)


def _chunks(batch: DebitBatch, lines: Sequence[SettledLine]) -> list[PostingChunk]:
    sequences = [one.line.sequence for one in lines]
    return [
        chunk
        for chunk in PostingChunk.objects.filter(batch=batch).select_related("batch").order_by("number")
        if any(chunk.first <= sequence <= chunk.last for sequence in sequences)
    ]


def book_paid(settlement: Settlement, *, by: User, now: dt.datetime) -> None:
    """Book the lines as the bank's answer would have: a receipt for each, under the batch's number
    and the line's sequence, and one entry."""
    batch, lines = settlement.batch, _lines(settlement)
    if batch.payer == Payer.EMPLOYERS:
        _book_assessments(settlement, lines, by=by, now=now)
        return
    channel = batch.receipt_channel
    charges = Charge.objects.in_bulk([one.line.of_charge.pk for one in lines])
    on_top = Surcharge.objects.in_bulk([one.line.surcharge_id for one in lines if one.line.surcharge_id])
    [entry_id] = ledger.reserve_ids(1)
    receipts = []
    for settled in lines:
        charge = charges[settled.line.of_charge.pk]
        owed = charge.status == ChargeStatus.OWED
        receipts.append(
            Receipt(
                channel=channel,
                provider_number=f"{batch.number}-{settled.line.sequence}",
                amount_fen=settled.line.amount_fen,
                charge=charge,
                surcharge=on_top.get(settled.line.surcharge_id or 0),
                applied=owed,
                received_at=now,
                account_fen=charge.account_fen if owed else 0,
                entry_id=entry_id,
                debit_line=settled.line,
            )
        )
        settled.line.status, settled.line.bank_reference = LineStatus.PAID, settled.bank_number
    DebitLine.objects.bulk_update([one.line for one in lines], ["status", "bank_reference"])
    Receipt.objects.bulk_create(receipts)
    book_receipts(
        entry_id,
        city=batch.city,
        channel=channel,
        kind=KIND,
        reference=_reference(batch, settlement.pk),
        by=by,
        now=now,
    )
    _end_cases(lines, by=by, now=now)
    _tell(lines, settlement, paid=True, now=now)


def _end_cases(lines: Sequence[SettledLine], *, by: User, now: dt.datetime) -> None:
    cases = unpaid_cases.debit_lines_of(one.line for one in lines)
    unpaid_cases.end_debited(cases, by=by, now=now)


def _book_assessments(
    settlement: Settlement, lines: Sequence[SettledLine], *, by: User, now: dt.datetime
) -> None:
    """As ``book_paid``, each line with all charges of its assessment."""
    batch = settlement.batch
    for settled in lines:
        settled.line.status, settled.line.bank_reference = LineStatus.PAID, settled.bank_number
    DebitLine.objects.bulk_update([one.line for one in lines], ["status", "bank_reference"])
    assessment_lines.receive(
        batch,
        [one.line for one in lines],
        kind=KIND,
        reference=_reference(batch, settlement.pk),
        by=by,
        now=now,
    )
    _tell_employers(lines, settlement, now=now)


def _tell_employers(lines: Sequence[SettledLine], settlement: Settlement, *, now: dt.datetime) -> None:
    assessment_lines.tell(settlement.batch, [one.line for one in lines], now=now)


def references(batch: DebitBatch) -> list[str]:
    """The references of the entries, of ``KIND``, that the batch's approved settlements booked."""
    booked = batch.settlements.filter(way=SettlementWay.PAID, status=SettlementStatus.APPROVED)
    return [_reference(batch, pk) for pk in booked.values_list("pk", flat=True)]


def _reference(batch: DebitBatch, settlement_id: int) -> str:
    return f"{batch.number}/{settlement_id}"


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


def _tell(lines: Sequence[SettledLine], settlement: Settlement, *, paid: bool, now: dt.datetime) -> None:
    """Send one message to each person whose month was settled."""
    by_person: dict[int, list[str]] = {}
    charges = Charge.objects.in_bulk([one.line.of_charge.pk for one in lines])
    for settled in lines:
        charge = charges[settled.line.of_charge.pk]
        item = _("%(month)s%(insurance)s %(yuan)s 元") % {
            "month": charge.month.zh,
            "insurance": charge.get_insurance_display(),
            "yuan": money.format_yuan(settled.line.amount_fen),
        }
        by_person.setdefault(charge.person_id, []).append(item)
    text = (
        _("经与银行核实，下列托收已扣款成功：%(items)s。")
        if paid
        else _("经与银行核实，下列托收没有扣款：%(items)s。") + _drawn_again(settlement.batch, now)
    )
    Notice.objects.bulk_create(
        [
            Notice(
                person_id=person,
                kind=NOTICE_KIND,
                reference=f"{settlement.pk}/{person}",
                title=_("托收结果已核实"),
                text=text % {"items": "、".join(items)},
                at=now,
                by_text=not paid,
            )
            for person, items in by_person.items()
        ],
        ignore_conflicts=True,
    )


def _drawn_again(batch: DebitBatch, now: dt.datetime) -> str:
    """The Chinese sentence with the day of the next debit and the last day to deposit."""
    month = recollecting.next_debit(batch.city, now) or batch.month + 1
    terms = debit_terms(book(), city=batch.city, on=month.first_day)
    by = max(terms.deposit_by(month), today_in_china(now))
    return _("%(on)s系统会再次扣款，请于%(by)s前在扣款账户足额存款。") % {
        "on": day_zh(terms.debit_on(month)),
        "by": day_zh(by),
    }
