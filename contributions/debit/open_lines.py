"""What a bank left open, settled by hand: lines that it never answered, and answers that contradict. One member of staff says how
the bank answered when it was asked, another checks and lets it take effect.

A line whose money the bank took is booked under the bank's own number, as its answer would have booked it. One that it did not
take fails, and is drawn again with the next month's file. An answer that cannot be used is given up: then every line of its batch
is one that the bank left open.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from contributions import unpaid_cases
from contributions.assessments import assessment_lines
from contributions.bank_files.results import Reason
from contributions.books import ledger
from contributions.books.receiving import book_receipts
from contributions.charges import surcharges, suspending
from contributions.debit import recollecting
from contributions.locks import before_or_after_charging
from contributions.models import (
    OF_LINES,
    BankFile,
    BankInquiry,
    BatchEvent,
    BatchStatus,
    Charge,
    ChargeStatus,
    DebitBatch,
    DebitLine,
    Direction,
    FileStatus,
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
from portal.accounts import permissions
from portal.accounts.models import Notice, User
from portal.columns import broken_constraint
from portal.policy.book import book
from portal.policy.terms.debit import debit_terms
from portal.shared import money
from portal.shared.months import day_zh, today_in_china

KIND = "settlement"
NOTICE_KIND = "debit-settled"

# Lines of a batch that was posted no longer change by themselves.
_DONE = (BatchStatus.POSTED, BatchStatus.CLOSED)


class CannotSettle(Exception):
    """What cannot be proposed, decided or asked so; the message says why in Chinese."""


class KeyReused(Exception):
    """The key stands for another settlement."""


# What is open


def open_lines(batch: DebitBatch) -> Sequence[DebitLine]:
    """The lines that the bank never answered and nobody has proposed to settle yet, in the file's order."""
    return list(
        DebitLine.objects.filter(batch=batch, status=LineStatus.MISSING)
        .exclude(settled_in__live=True)
        .select_related("charge__person", "assessment__employer")
        .order_by("sequence")
    )


def open_files(batch: DebitBatch) -> list[BankFile]:
    """The answers that were held and are not settled, oldest first; none of them once a later answer was taken whole."""
    held = batch.files.filter(direction=Direction.IN, status=FileStatus.HELD)
    return list(
        held.exclude(settlements__status__in=[SettlementStatus.DRAFTED, SettlementStatus.APPROVED]).order_by(
            "received_at", "pk"
        )
    )


def ways_of(file: BankFile) -> list[SettlementWay]:
    """How a held answer can be settled: given up where its batch waits for one, else the answer that was taken stands."""
    batch = file.batch
    if batch is None:
        return []
    if batch.status == BatchStatus.HELD:
        return [SettlementWay.NO_ANSWER]
    return [SettlementWay.FIRST_STANDS] if batch.status in (BatchStatus.ANSWERED, *_DONE) else []


# Ask again


def ask_again(batch: DebitBatch, *, note: str, by: User, now: dt.datetime) -> BankInquiry:
    """Record that the bank was asked again about what it left open. Raises CannotSettle where nothing is open."""
    _check_staff(batch, by)
    if not note.strip():
        raise CannotSettle(_("请填写向银行询问的方式，如经办人、电话或函件编号。"))
    count = DebitLine.objects.filter(batch=batch, status=LineStatus.MISSING).count()
    if not count and not open_files(batch):
        raise CannotSettle(_("这个批次没有需要向银行询问的。"))
    return BankInquiry.objects.create(batch=batch, at=now, by=by, line_count=count, note=note.strip()[:200])


# Propose


def draft_lines(
    batch: DebitBatch,
    *,
    way: SettlementWay,
    numbers: Mapping[int, str],
    evidence: str,
    key: UUID,
    by: User,
    now: dt.datetime,
) -> Settlement:
    """Propose how open lines came out; ``numbers`` gives for each line's id the bank's own number, "" where it took nothing.

    The same key again gives the same settlement. Raises CannotSettle; KeyReused where the key stands for another.
    """
    if way not in OF_LINES:
        raise ValueError(way)
    _check_staff(batch, by)
    marks = {pk: mark.strip() for pk, mark in numbers.items()}
    if not marks:
        raise CannotSettle(_("请至少选择一笔。"))
    if batch.status not in _DONE:
        raise CannotSettle(_("批次记账完毕后才能处理银行未返回的明细。"))
    if way == SettlementWay.PAID:
        _check_numbers(list(marks.values()))
    else:
        marks = dict.fromkeys(marks, "")

    def lines(settlement: Settlement) -> list[SettledLine]:
        return [SettledLine(settlement=settlement, line_id=pk, bank_number=marks[pk]) for pk in sorted(marks)]

    with transaction.atomic():
        taken = list(
            DebitLine.objects.select_for_update(no_key=True).filter(
                pk__in=marks, batch=batch, status=LineStatus.MISSING
            )
        )
        standing = _standing(key, batch, way, by)
        if standing is not None:
            return standing
        if len(taken) != len(marks):
            raise CannotSettle(_("所选明细中有的已有结果，请刷新后重新选择。"))
        return _draft(
            batch,
            way,
            None,
            evidence,
            count=len(taken),
            fen=sum(line.amount_fen for line in taken),
            lines=lines,
            key=key,
            by=by,
            now=now,
        )


def draft_file(
    file: BankFile, *, way: SettlementWay, evidence: str, key: UUID, by: User, now: dt.datetime
) -> Settlement:
    """Propose what becomes of a held answer; else as ``draft_lines``."""
    batch = file.batch
    if batch is None:
        raise CannotSettle(_("这个文件不属于任何批次，不需要处理。"))
    _check_staff(batch, by)
    standing = _standing(key, batch, way, by)
    if standing is not None:
        return standing
    if way not in ways_of(file):
        raise CannotSettle(_("批次是“%(state)s”，不能这样处理。") % {"state": batch.get_status_display()})
    whole = way == SettlementWay.NO_ANSWER
    with transaction.atomic():
        return _draft(
            batch,
            way,
            file,
            evidence,
            count=batch.line_count if whole else 0,
            fen=batch.total_fen if whole else 0,
            lines=lambda settlement: [],
            key=key,
            by=by,
            now=now,
        )


def _draft(
    batch: DebitBatch,
    way: SettlementWay,
    file: BankFile | None,
    evidence: str,
    *,
    count: int,
    fen: int,
    lines: Callable[[Settlement], list[SettledLine]],
    key: UUID,
    by: User,
    now: dt.datetime,
) -> Settlement:
    if not evidence.strip():
        raise CannotSettle(_("请写明银行答复的依据，如回函编号、答复人和日期。"))
    try:
        with transaction.atomic():
            settlement = Settlement.objects.create(
                batch=batch,
                way=way,
                file=file,
                evidence=evidence.strip()[:200],
                line_count=count,
                sum_fen=fen,
                key=key,
                drafted_at=now,
                drafted_by=by,
            )
            SettledLine.objects.bulk_create(lines(settlement))
    except IntegrityError as error:
        name = broken_constraint(error)
        if name == "a_banks_number_proves_one_line":
            raise CannotSettle(_("填写的银行回单流水号已用于另一笔，请核对回单。")) from error
        if name in ("a_line_is_settled_once", "a_file_is_settled_once"):
            raise CannotSettle(_("已有另一份处理意见待复核，请刷新后核对。")) from error
        raise
    return settlement


def _check_numbers(numbers: Sequence[str]) -> None:
    if not all(numbers):
        raise CannotSettle(_("请逐笔填写银行回单流水号。"))
    if len(set(numbers)) != len(numbers):
        raise CannotSettle(_("两笔填写了同一个银行回单流水号，请核对回单。"))
    if any(len(number) > 40 for number in numbers):
        raise CannotSettle(_("银行回单流水号最多 40 位。"))


def _check_staff(batch: DebitBatch, by: User) -> None:
    if batch.city not in permissions.staff_cities(by):
        raise CannotSettle(_("只有本市的征缴人员可以处理。"))


def _standing(key: UUID, batch: DebitBatch, way: SettlementWay, by: User) -> Settlement | None:
    found = Settlement.objects.filter(key=key).first()
    if found and (found.batch_id, found.way, found.drafted_by_id) != (batch.pk, way, by.pk):
        raise KeyReused
    return found


# Decide


def why_not_decide(settlement: Settlement, user: User) -> str:
    """Why this login may not decide the settlement; "" where it may."""
    if settlement.batch.city not in permissions.staff_cities(user):
        return _("只有本市的征缴人员可以处理。")
    if settlement.drafted_by_id == user.pk:
        return _("这份处理意见由您提出，须由另一名征缴人员复核。")
    return ""


@transaction.atomic
def approve(settlement: Settlement, *, by: User, now: dt.datetime) -> Settlement:
    """Let a settlement take effect; twice is once. Raises CannotSettle where this login may not, or where it was refused, or
    where a line has its result meanwhile."""
    if settlement.way == SettlementWay.FAILED:
        # Whoever suspends waits for a charging run, and before holding anything else.
        before_or_after_charging(settlement.batch.city)
    current = _locked(settlement)
    if current.status == SettlementStatus.APPROVED and current.decided_by_id == by.pk:
        return current
    _decide(current, SettlementStatus.APPROVED, by=by, now=now)
    match current.way:
        case SettlementWay.PAID:
            _book_paid(current, by=by, now=now)
        case SettlementWay.FAILED:
            _mark_failed(current, by=by, now=now)
        case SettlementWay.NO_ANSWER:
            _give_up(current, by=by, now=now)
    return current


@transaction.atomic
def refuse(settlement: Settlement, *, why: str, by: User, now: dt.datetime) -> Settlement:
    """Send a settlement back; its lines are open again. Raises CannotSettle."""
    if not why.strip():
        raise CannotSettle(_("请填写不同意的原因。"))
    current = _locked(settlement)
    if current.status == SettlementStatus.REFUSED and current.decided_by_id == by.pk:
        return current
    _decide(current, SettlementStatus.REFUSED, by=by, now=now, why=why.strip()[:200])
    SettledLine.objects.filter(settlement=current, live=True).update(live=False)
    return current


def _decide(
    settlement: Settlement, to: SettlementStatus, *, by: User, now: dt.datetime, why: str = ""
) -> None:
    if problem := why_not_decide(settlement, by):
        raise CannotSettle(problem)
    moved = Settlement.objects.filter(pk=settlement.pk, status=SettlementStatus.DRAFTED).update(
        status=to, decided_at=now, decided_by=by, why=why
    )
    if not moved:
        raise CannotSettle(
            _("这份处理意见已是“%(state)s”，请按页面当前状态操作。")
            % {"state": settlement.get_status_display()}
        )
    settlement.refresh_from_db()


def _locked(settlement: Settlement) -> Settlement:
    return Settlement.objects.select_for_update(no_key=True, of=("self",)).get(pk=settlement.pk)


def _lines(settlement: Settlement) -> list[SettledLine]:
    """The settlement's lines, all of them still open; their charges are locked in the order in which money is received."""
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


def _mark_failed(settlement: Settlement, *, by: User, now: dt.datetime) -> None:
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


def _book_paid(settlement: Settlement, *, by: User, now: dt.datetime) -> None:
    """Book the lines as the bank's answer would have: a receipt for each, under our own number, and one entry."""
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
    """As ``_book_paid``, each line with all charges of its assessment."""
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
    """By what the entries of a batch's settlements are known: entries of ``KIND``, of those that booked something."""
    booked = batch.settlements.filter(way=SettlementWay.PAID, status=SettlementStatus.APPROVED)
    return [_reference(batch, pk) for pk in booked.values_list("pk", flat=True)]


def _reference(batch: DebitBatch, settlement_id: int) -> str:
    return f"{batch.number}/{settlement_id}"


def _give_up(settlement: Settlement, *, by: User, now: dt.datetime) -> None:
    """Every line of the batch is one that the bank left open; the schedule then posts it, with nothing to book."""
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
