"""What a settlement of open lines does when it takes effect.

A line whose money the bank took is booked under the bank's own number, as its answer would have
booked it. One that it did not take fails, and is drawn again with the next month's file. An
answer that cannot be used is given up: then every line of its batch is one that the bank left
open.
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
    """What cannot be proposed, decided or asked so; the message says why in Chinese."""


def _lines(settlement: Settlement) -> list[SettledLine]:
    """The settlement's lines, all of them still open; their charges are locked in the order in
    which money is received."""
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
    still = DebitLine.objects.filter(pk__in=[one.line_id for one in settled], status=LineStatus.MISSING)
    found = still.aggregate(fen=Sum("amount_fen"))["fen"] or 0
    if (still.count(), found) != (settlement.line_count, settlement.sum_fen):
        raise CannotSettle(_("其中有的明细已有结果，请退回后重新提出。"))
    return settled


def mark_failed(settlement: Settlement, *, by: User, now: dt.datetime) -> None:
    """The lines failed: their surcharges are void, their cases end, everyone is told."""
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
    """Book the lines as the bank's answer would have: a receipt for each, under our own number, and
    one entry."""
    batch, lines = settlement.batch, _lines(settlement)
    if batch.payer == Payer.EMPLOYERS:
        _book_assessments(settlement, lines, by=by, now=now)
        return
    channel = batch.receipt_channel
    charges = Charge.objects.in_bulk([one.line.of_charge.pk for one in lines])
    on_top = Surcharge.objects.in_bulk([one.line.surcharge_id for one in lines if one.line.surcharge_id])
    [entry_id] = ledger.reserve_ids(1)
    receipts = []
    for one in lines:
        charge = charges[one.line.of_charge.pk]
        owed = charge.status == ChargeStatus.OWED
        receipts.append(
            Receipt(
                channel=channel,
                provider_number=f"{batch.number}-{one.line.sequence}",
                amount_fen=one.line.amount_fen,
                charge=charge,
                surcharge=on_top.get(one.line.surcharge_id or 0),
                applied=owed,
                received_at=now,
                account_fen=charge.account_fen if owed else 0,
                entry_id=entry_id,
                debit_line=one.line,
            )
        )
        one.line.status, one.line.bank_reference = LineStatus.PAID, one.bank_number
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
    asked = unpaid_cases.debit_lines_of(one.line for one in lines)
    unpaid_cases.end_debited(asked, by=by, now=now)


def _book_assessments(
    settlement: Settlement, lines: Sequence[SettledLine], *, by: User, now: dt.datetime
) -> None:
    """As ``book_paid``, each line with all charges of its assessment."""
    batch = settlement.batch
    for one in lines:
        one.line.status, one.line.bank_reference = LineStatus.PAID, one.bank_number
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
    """By what the entries of a batch's settlements are known: entries of ``KIND``, of those that
    booked something."""
    booked = batch.settlements.filter(way=SettlementWay.PAID, status=SettlementStatus.APPROVED)
    return [_reference(batch, pk) for pk in booked.values_list("pk", flat=True)]


def _reference(batch: DebitBatch, settlement_id: int) -> str:
    return f"{batch.number}/{settlement_id}"


def give_up(settlement: Settlement, *, by: User, now: dt.datetime) -> None:
    """Every line of the batch is one that the bank left open; the schedule then posts it, with
    nothing to book."""
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
    """One message to each person whose month was settled."""
    by_person: dict[int, list[str]] = {}
    charges = Charge.objects.in_bulk([one.line.of_charge.pk for one in lines])
    for one in lines:
        charge = charges[one.line.of_charge.pk]
        item = _("%(month)s%(insurance)s %(yuan)s 元") % {
            "month": charge.month.zh,
            "insurance": charge.get_insurance_display(),
            "yuan": money.format_yuan(one.line.amount_fen),
        }
        by_person.setdefault(charge.person_id, []).append(item)
    said = (
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
                text=said % {"items": "、".join(items)},
                at=now,
                by_text=not paid,
            )
            for person, items in by_person.items()
        ],
        ignore_conflicts=True,
    )


def _drawn_again(batch: DebitBatch, now: dt.datetime) -> str:
    """When the bank is asked again, and by when the money must be there."""
    month = recollecting.next_debit(batch.city, now) or batch.month + 1
    terms = debit_terms(book(), city=batch.city, on=month.first_day)
    by = max(terms.deposit_by(month), today_in_china(now))
    return _("%(on)s系统会再次扣款，请于%(by)s前在扣款账户足额存款。") % {
        "on": day_zh(terms.debit_on(month)),
        "by": day_zh(by),
    }
