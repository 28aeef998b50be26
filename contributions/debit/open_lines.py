"""Lines that a bank never answered, and answers that contradict each other: staff settle them by
hand.

One member of staff records how the bank answered when it was asked; another checks and approves.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from contributions.debit.settling import CannotSettle, book_paid, give_up, mark_failed
from contributions.locks import before_or_after_charging
from contributions.models import (
    OF_LINES,
    BankFile,
    BankInquiry,
    BatchStatus,
    DebitBatch,
    DebitLine,
    Direction,
    FileStatus,
    LineStatus,
    SettledLine,
    Settlement,
    SettlementStatus,
    SettlementWay,
)
from portal.accounts import permissions
from portal.accounts.models import User
from portal.columns import broken_constraint
from portal.hall import two_hands
from portal.shared.keys import KeyReused

# In these states of the batch, no posting changes its lines any more.
_DONE = (BatchStatus.POSTED, BatchStatus.CLOSED)


def open_lines(batch: DebitBatch) -> Sequence[DebitLine]:
    """The lines that the bank never answered and nobody has proposed to settle yet, in the file's
    order."""
    return list(
        DebitLine.objects.filter(batch=batch, status=LineStatus.MISSING)
        .exclude(settled_in__live=True)
        .select_related("charge__person", "assessment__employer")
        .order_by("sequence")
    )


def open_files(batch: DebitBatch) -> list[BankFile]:
    """The held answers that are not settled, oldest first; empty once a later answer was taken
    whole."""
    held = batch.files.filter(direction=Direction.IN, status=FileStatus.HELD)
    return list(
        held.exclude(settlements__status__in=[SettlementStatus.DRAFTED, SettlementStatus.APPROVED]).order_by(
            "received_at", "pk"
        )
    )


def ways_of(file: BankFile) -> list[SettlementWay]:
    """The ways to settle a held answer: give it up where its batch waits for an answer; else the
    answer that was taken stays in force."""
    batch = file.batch
    if batch is None:
        return []
    if batch.status == BatchStatus.HELD:
        return [SettlementWay.NO_ANSWER]
    return [SettlementWay.FIRST_STANDS] if batch.status in (BatchStatus.ANSWERED, *_DONE) else []


def ask_again(batch: DebitBatch, *, note: str, by: User, now: dt.datetime) -> BankInquiry:
    """Record that staff asked the bank again about open lines or files. Raises CannotSettle where
    nothing is open."""
    _check_staff(batch, by)
    if not note.strip():
        raise CannotSettle(_("请填写向银行询问的方式，如经办人、电话或函件编号。"))
    count = DebitLine.objects.filter(batch=batch, status=LineStatus.MISSING).count()
    if not count and not open_files(batch):
        raise CannotSettle(_("这个批次没有需要向银行询问的。"))
    return BankInquiry.objects.create(batch=batch, at=now, by=by, line_count=count, note=note.strip()[:200])


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
    """Propose the result of open lines; ``numbers`` gives the bank's own number for each line's id,
    "" where the bank took nothing.

    The same key again gives the same settlement. Raises CannotSettle; KeyReused where the key
    belongs to another settlement.
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
        open_now = list(
            DebitLine.objects.select_for_update(no_key=True).filter(
                pk__in=marks, batch=batch, status=LineStatus.MISSING
            )
        )
        earlier = _standing(key, batch, way, by)
        if earlier is not None:
            return earlier
        if len(open_now) != len(marks):
            raise CannotSettle(_("所选明细中有的已有结果，请刷新后重新选择。"))
        return _draft(
            batch,
            way,
            None,
            evidence,
            count=len(open_now),
            fen=sum(line.amount_fen for line in open_now),
            lines=lines,
            key=key,
            by=by,
            now=now,
        )


def draft_file(
    file: BankFile, *, way: SettlementWay, evidence: str, key: UUID, by: User, now: dt.datetime
) -> Settlement:
    """Propose the settlement of a held answer; else as ``draft_lines``."""
    batch = file.batch
    if batch is None:
        raise CannotSettle(_("这个文件不属于任何批次，不需要处理。"))
    _check_staff(batch, by)
    earlier = _standing(key, batch, way, by)
    if earlier is not None:
        return earlier
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
    settlement = Settlement.objects.filter(key=key).first()
    if settlement and (settlement.batch_id, settlement.way, settlement.drafted_by_id) != (
        batch.pk,
        way,
        by.pk,
    ):
        raise KeyReused
    return settlement


def why_not_decide(settlement: Settlement, user: User) -> str:
    """Why this login may not decide the settlement; "" where it may."""
    if settlement.batch.city not in permissions.staff_cities(user):
        return _("只有本市的征缴人员可以处理。")
    if settlement.drafted_by_id == user.pk:
        return _("这份处理意见由您提出，须由另一名征缴人员复核。")
    return ""


@transaction.atomic
def approve(settlement: Settlement, *, by: User, now: dt.datetime) -> Settlement:
    """Approve a settlement; it takes effect. A second call changes nothing. Raises CannotSettle
    where this login may not, where it was refused, or where a line has a result meanwhile."""
    if settlement.way == SettlementWay.FAILED:
        # Code that suspends coverages waits for a charging run before it locks anything else.
        before_or_after_charging(settlement.batch.city)
    current = _locked(settlement)
    if not _decide(current, SettlementStatus.APPROVED, by=by, now=now):
        return current
    match current.way:
        case SettlementWay.PAID:
            book_paid(current, by=by, now=now)
        case SettlementWay.FAILED:
            mark_failed(current, by=by, now=now)
        case SettlementWay.NO_ANSWER:
            give_up(current, by=by, now=now)
    return current


@transaction.atomic
def refuse(settlement: Settlement, *, why: str, by: User, now: dt.datetime) -> Settlement:
    """Send a settlement back; its lines are open again. Raises CannotSettle."""
    reason = two_hands.reason_of(why, raises=CannotSettle)
    current = _locked(settlement)
    if not _decide(current, SettlementStatus.REFUSED, by=by, now=now, why=reason):
        return current
    SettledLine.objects.filter(settlement=current, live=True).update(live=False)
    return current


def _decide(
    settlement: Settlement, to: SettlementStatus, *, by: User, now: dt.datetime, why: str = ""
) -> bool:
    """Record the decision. Returns False where ``by`` has made the same decision before."""
    if not two_hands.is_to_decide(
        settlement,
        waiting=SettlementStatus.DRAFTED,
        decided={to},
        why_not=why_not_decide,
        what=_("这份处理意见"),
        by=by,
        raises=CannotSettle,
    ):
        return False
    Settlement.objects.filter(pk=settlement.pk).update(status=to, decided_at=now, decided_by=by, why=why)
    settlement.refresh_from_db()
    return True


def _locked(settlement: Settlement) -> Settlement:
    return Settlement.objects.select_for_update(no_key=True, of=("self",)).get(pk=settlement.pk)
