"""Refunds (退款): money that paid nothing goes back to the account that paid, by two members of staff, under one number.

No transaction is open while a channel is spoken to, and what was sent once is never sent under another number.
"""

import datetime as dt
import logging
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from contributions import channels
from contributions.books import ledger
from contributions.channels.protocol import Answer, Outcome, Unreachable
from contributions.holding import hold_receipts
from contributions.models import (
    IN_VAIN,
    AccountKind,
    HeldReceipt,
    Order,
    Payment,
    Receipt,
    Refund,
    RefundEvent,
    RefundPart,
    RefundStatus,
    RefundWay,
    TakenBack,
)
from contributions.orders.payment_lifecycle import DELAYS
from portal.accounts import permissions
from portal.accounts.models import User
from portal.policy.book import book
from portal.shared import money
from portal.shared.months import CHINA
from portal.watch.failures import Watch

log = logging.getLogger(__name__)

KIND = "refund"

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class CannotRefund(Exception):
    """A refund that cannot be drafted, decided or recorded so; the message says why in Chinese."""


class KeyReused(Exception):
    """The key stands for another refund."""


@dataclass(frozen=True, slots=True)
class Road:
    """How a receipt's money goes back: through its payment's channel, or by bank transfer to the account it was drawn from."""

    way: RefundWay
    payment: Payment | None
    account_number: str
    holder: str


# What there is to give back


def held(cities: Iterable[str] | None = None) -> QuerySet[HeldReceipt]:
    """Receipts whose money paid nothing, or was taken back, oldest first, with ``back_fen``, what of each may go back in all, and
    ``given_fen``, what was given back or is about to be.

    Those of ``cities`` only, where they are given.
    """
    given = (
        RefundPart.objects.filter(receipt=OuterRef("pk"))
        .exclude(refund__status__in=IN_VAIN)
        .order_by()
        .values("receipt")
        .annotate(fen=Sum("amount_fen"))
        .values("fen")
    )
    # A union, not an OR: each side is few rows, found by its own index.
    few = Receipt.objects.filter(applied=False).values("pk").union(TakenBack.objects.values("receipt_id"))
    receipts = HeldReceipt.objects.filter(pk__in=few).annotate(  # type: ignore[no-redef]  # declared for whoever reads them
        back_fen=Case(When(applied=True, then=F("taken_back__amount_fen")), default=F("amount_fen")),
        given_fen=Coalesce(Subquery(given), 0),
    )
    if cities is not None:
        receipts = receipts.filter(of_cities(cities))
    return receipts.order_by("received_at", "pk")


def of_cities(cities: Iterable[str]) -> Q:
    """Receipts of these cities, by the charge or the top-up that they were for."""
    places = list(cities)
    return Q(charge__city__in=places) | Q(top_up__order__city__in=places)


def to_draft(cities: Iterable[str] | None = None) -> QuerySet[HeldReceipt]:
    """Held receipts of which something is left that no refund is under way for."""
    return held(cities).filter(Q(back_fen__gt=F("given_fen")))


def road(receipt: Receipt) -> Road:
    """How this receipt's money goes back. Raises CannotRefund where the account that paid is not known."""
    payment = Payment.objects.filter(entry_id=receipt.entry_id).first()
    if payment is not None:
        return Road(RefundWay.CHANNEL, payment, payment.payer_account, "")
    line = receipt.debit_line
    if line is not None:
        return Road(RefundWay.BANK, None, line.account_number, line.holder)
    raise CannotRefund(_("这笔到账没有付款账户的记录，不能原路退回。"))


# Two members of staff


def came_together(receipt: Receipt) -> QuerySet[HeldReceipt]:
    """``to_draft``, of what came with this receipt by the same payment or the same debit: it can go back in one refund."""
    if receipt.debit_line_id is None and not Payment.objects.filter(entry=receipt.entry_id).exists():
        return HeldReceipt.objects.none()
    held = to_draft([receipt.city])
    return held.filter(entry=receipt.entry_id, debit_line=receipt.debit_line_id).order_by("pk")


def draft(receipt: Receipt, *, amount_fen: int, reason: str, key: UUID, by: User, now: dt.datetime) -> Refund:
    """Propose to give back money of a receipt that paid nothing; another member of staff decides.

    The same key again gives the same refund. Raises CannotRefund, above all where more would go back than came; KeyReused
    where the key stands for another.
    """
    return _draft({receipt.pk: amount_fen}, reason=reason, key=key, by=by, now=now)


def draft_together(
    receipts: Iterable[Receipt], *, reason: str, key: UUID, by: User, now: dt.datetime
) -> Refund:
    """``draft`` one refund of all that is left of these receipts, which came by one payment or one debit."""
    return _draft({one.pk: None for one in receipts}, reason=reason, key=key, by=by, now=now)


def _draft(asked: Mapping[int, int | None], *, reason: str, key: UUID, by: User, now: dt.datetime) -> Refund:
    try:
        with transaction.atomic():
            hold_receipts(asked)
            standing = _standing(key, asked, by)
            if standing is not None:
                return standing
            receipts = _of_staff(asked, by)
            if not reason.strip():
                raise CannotRefund(_("请填写退回原因。"))
            if len({(one.entry_id, one.debit_line_id) for one in receipts}) != 1:
                raise CannotRefund(_("不是同一笔付款的款项，请分别办理退款。"))
            shares = {one.pk: _share(one, asked[one.pk]) for one in receipts}
            first, back = receipts[0], road(receipts[0])
            refund = Refund.objects.create(
                number=new_number(first.city, now),
                city=first.city,
                amount_fen=sum(shares.values()),
                way=back.way,
                channel=first.channel,
                payment=back.payment,
                account_number=back.account_number,
                holder=back.holder,
                reason=reason.strip(),
                key=key,
                drafted_at=now,
                drafted_by=by,
            )
            RefundPart.objects.bulk_create(
                RefundPart(refund=refund, receipt_id=pk, amount_fen=fen) for pk, fen in shares.items()
            )
            _event(refund, by=by, now=now, note=refund.reason)
            return refund
    except IntegrityError as error:
        # The database counted what we had not seen.
        standing = _standing(key, asked, by)
        if standing is not None:
            return standing
        raise CannotRefund(_("这笔到账刚刚已有退款，请刷新后核对可退金额。")) from error


def _of_staff(receipts: Iterable[int], by: User) -> list[HeldReceipt]:
    """These receipts. CannotRefund where one is another city's, or has paid its charge."""
    wanted = list(receipts)
    cities = permissions.staff_cities(by)
    if Receipt.objects.filter(pk__in=wanted).exclude(of_cities(cities)).exists():
        raise CannotRefund(_("只有本市的征缴人员可以办理退款。"))
    found = list(
        held(cities)
        .filter(pk__in=wanted)
        .select_related("charge", "top_up__order", "debit_line")
        .order_by("pk")
    )
    if len(found) != len(wanted):
        raise CannotRefund(_("这笔到账已经记入应缴，不能在这里退回。"))
    return found


def _share(receipt: HeldReceipt, asked: int | None) -> int:
    """What goes back of a receipt: what is asked for, or all that is left. Raises CannotRefund."""
    amount_fen = receipt.left_fen if asked is None else asked
    if amount_fen <= 0 or amount_fen > receipt.left_fen:
        left = money.format_yuan(receipt.left_fen)
        raise CannotRefund(_("退回金额应大于 0，且不超过可退的 %(left)s 元。") % {"left": left})
    return amount_fen


def _standing(key: UUID, asked: Mapping[int, int | None], by: User) -> Refund | None:
    refund = Refund.objects.filter(key=key).first()
    if refund is None:
        return None
    shares = dict(refund.parts.values_list("receipt", "amount_fen"))
    same = {pk: shares.get(pk) if fen is None else fen for pk, fen in asked.items()} == shares
    if not same or refund.drafted_by_id != by.pk:
        raise KeyReused
    return refund


def why_not_decide(refund: Refund, user: User) -> str:
    """Why this login may not decide the refund; "" where it may."""
    if refund.city not in permissions.staff_cities(user):
        return _("只有本市的征缴人员可以办理退款。")
    if refund.drafted_by_id == user.pk:
        return _("这笔退款由您经办，须由另一名征缴人员复核。")
    if user.person_id is not None and refund.parts.filter(_of_person(user.person_id)).exists():
        return _("这笔款项退给您本人，请由其他工作人员复核。")
    return ""


def _of_person(person_id: int) -> Q:
    return Q(receipt__charge__person=person_id) | Q(receipt__top_up__order__person=person_id)


def approve(refund: Refund, *, by: User, now: dt.datetime) -> Refund:
    """Let a drafted refund go: the schedule sends it to its channel, or staff make the transfer. Twice is once.

    Raises CannotRefund where this member of staff may not, or where it was refused.
    """
    return _decide(refund, RefundStatus.APPROVED, by=by, now=now)


def refuse(refund: Refund, *, why: str, by: User, now: dt.datetime) -> Refund:
    """Send a drafted refund back to whoever drafted it; the money waits for another. Raises CannotRefund."""
    if not why.strip():
        raise CannotRefund(_("请填写不同意退回的原因。"))
    return _decide(refund, RefundStatus.REFUSED, by=by, now=now, why=why.strip())


@transaction.atomic
def _decide(refund: Refund, to: RefundStatus, *, by: User, now: dt.datetime, why: str = "") -> Refund:
    current = _locked(refund)
    if current.decided_by_id == by.pk and current.status != RefundStatus.DRAFTED:
        refused = current.status == RefundStatus.REFUSED
        if refused == (to == RefundStatus.REFUSED):
            return current
    if problem := why_not_decide(current, by):
        raise CannotRefund(problem)
    if current.status != RefundStatus.DRAFTED:
        raise CannotRefund(
            _("这笔退款已是“%(state)s”，请按页面当前状态操作。") % {"state": current.get_status_display()}
        )
    more: dict[str, object] = {"decided_at": now, "decided_by": by, "why": why}
    if to == RefundStatus.APPROVED and current.way == RefundWay.CHANNEL:
        more["ask_at"] = now
    _move(current, to, was=RefundStatus.DRAFTED, by=by, now=now, note=why, **more)
    return current


# Bank transfers


@transaction.atomic
def confirm_transfer(refund: Refund, *, bank_number: str, by: User, now: dt.datetime) -> Refund:
    """Record that the bank made an approved transfer, under the bank's own number. Twice is once. Raises CannotRefund."""
    current = _locked(refund)
    mark = bank_number.strip()
    if current.status == RefundStatus.SUCCEEDED and current.provider_number == mark:
        return current
    _check_transfer(current)
    if not mark or len(mark) > 64:
        raise CannotRefund(_("请填写银行回单上的流水号。"))
    if Refund.objects.filter(channel=current.channel, provider_number=mark).exists():
        raise CannotRefund(_("这个银行流水号已登记在另一笔退款上，请核对回单。"))
    _succeed(current, mark, by=by, now=now, note=_("银行转账回单"))
    return current


@transaction.atomic
def report_bounce(refund: Refund, *, why: str, by: User, now: dt.datetime) -> Refund:
    """Record that the bank did not make an approved transfer, as its slip says. Nothing moves until another confirms it
    (``fail_transfer``). Twice by the same is once. Raises CannotRefund."""
    current = _locked(refund)
    _check_transfer(current)
    if not why.strip():
        raise CannotRefund(_("请填写银行退票的原因。"))
    if current.bounced_by_id is not None:
        if current.bounced_by_id == by.pk:
            return current
        raise CannotRefund(_("退票已由另一人登记，请核对后确认。"))
    Refund.objects.filter(pk=current.pk).update(bounced_why=why.strip()[:200], bounced_at=now, bounced_by=by)
    current.refresh_from_db()
    return current


@transaction.atomic
def fail_transfer(refund: Refund, *, by: User, now: dt.datetime) -> Refund:
    """Confirm what another recorded: the bank did not make the transfer, and the money waits for another refund. Twice is once.
    Raises CannotRefund."""
    current = _locked(refund)
    if current.status == RefundStatus.FAILED and current.failed_by_id == by.pk:
        return current
    _check_transfer(current)
    if problem := why_not_fail(current, by):
        raise CannotRefund(problem)
    why = current.bounced_why
    _move(current, RefundStatus.FAILED, was=current.status, by=by, now=now, note=why, why=why, failed_by=by)
    return current


def why_not_fail(refund: Refund, user: User) -> str:
    """Why this login may not confirm that a transfer came back; "" where it may."""
    if refund.city not in permissions.staff_cities(user):
        return _("只有本市的征缴人员可以办理退款。")
    if refund.bounced_by_id is None:
        return _("请先登记银行退票的原因。")
    if refund.bounced_by_id == user.pk:
        return _("退票由您登记，须由另一名征缴人员核对银行回单后确认。")
    return ""


def _check_transfer(refund: Refund) -> None:
    if refund.way != RefundWay.BANK or refund.status != RefundStatus.APPROVED:
        raise CannotRefund(
            _("这笔退款是“%(state)s”，不能登记转账结果。") % {"state": refund.get_status_display()}
        )


# Channels


def send_due(*, by: User, now: dt.datetime, limit: int = 100) -> int:
    """Send the approved refunds to their channels, and ask about those sent; each by one worker. How many were seen to;
    one that fails is seen to again when its time comes, and does not keep the others."""
    seen, watch = 0, Watch("send_refunds", now=now)
    while seen < limit:
        due = _next_due(by, now)
        if due is None:
            break
        seen += 1
        refund, fresh = due
        with watch.item(refund.number, city=refund.city):
            _speak_of(refund, fresh=fresh, by=by, now=now)
    watch.only(_not_ended)
    return seen


def _speak_of(refund: Refund, *, fresh: bool, by: User, now: dt.datetime) -> None:
    try:
        answer = _send(refund) if fresh else _ask(refund)
    except (Unreachable, channels.ChannelUnavailable) as problem:
        log.warning("%s %s: %s", refund.channel, refund.number, problem)
    else:
        take_answer(refund, answer, by=by, now=now)


def _not_ended(numbers: Collection[str]) -> list[str]:
    under_way = Refund.objects.filter(
        number__in=numbers, status__in=[RefundStatus.APPROVED, RefundStatus.SENT]
    )
    return list(under_way.values_list("number", flat=True))


@transaction.atomic
def _next_due(by: User, now: dt.datetime) -> tuple[Refund, bool] | None:
    """The next refund to speak of, and whether it is to be sent. It counts as sent before anybody is spoken to: what breaks off
    after that is asked about."""
    refund = (
        Refund.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .filter(status__in=[RefundStatus.APPROVED, RefundStatus.SENT], ask_at__lte=now)
        .order_by("ask_at", "pk")
        .first()
    )
    if refund is None or not _claim(refund, now):
        return None
    fresh = refund.status == RefundStatus.APPROVED
    if fresh:
        _move(refund, RefundStatus.SENT, was=RefundStatus.APPROVED, by=by, now=now)
    return refund, fresh


def _claim(refund: Refund, now: dt.datetime) -> bool:
    after = DELAYS[min(refund.asked, len(DELAYS) - 1)]
    return bool(
        Refund.objects.filter(pk=refund.pk, asked=refund.asked, ask_at__isnull=False).update(
            asked=F("asked") + 1, ask_at=now + dt.timedelta(seconds=after)
        )
    )


def _ask(refund: Refund) -> Answer:
    payment = _payment(refund)
    answer = channels.channel(refund.channel).ask_refund(number=payment.number, refund_number=refund.number)
    # It failed, or the channel never heard of it: sent again under its number, which is the same refund, it tells which.
    return _send(refund) if answer.outcome == Outcome.FAILED else answer


def _send(refund: Refund) -> Answer:
    payment = _payment(refund)
    return channels.channel(refund.channel).refund(
        number=payment.number,
        refund_number=refund.number,
        amount_fen=refund.amount_fen,
        total_fen=payment.received_fen or 0,
        why=refund.reason,
    )


def _payment(refund: Refund) -> Payment:
    if refund.payment is None:
        raise ValueError(f"{refund.number} does not go through a channel")
    return refund.payment


@transaction.atomic
def take_answer(refund: Refund, answer: Answer, *, by: User, now: dt.datetime) -> Refund:
    """Let a channel's word on a refund that was sent take effect; anything but success and failure leaves it as it is."""
    current = _locked(refund)
    if current.status != RefundStatus.SENT:
        return current
    match answer.outcome:
        case Outcome.SUCCEEDED if answer.amount_fen == current.amount_fen and answer.provider_number:
            _succeed(current, answer.provider_number, by=by, now=now, note=_("渠道已退回"))
        case Outcome.SUCCEEDED:
            log.error("%s %s: another refund than was asked for: %s", current.channel, current.number, answer)
        case Outcome.FAILED:
            why = answer.why or _("渠道没有办理这笔退款")
            _move(current, RefundStatus.FAILED, was=RefundStatus.SENT, by=by, now=now, note=why, why=why)
    return current


# Moves


def _succeed(refund: Refund, mark: str, *, by: User, now: dt.datetime, note: str) -> None:
    """The money has left: suspense and the clearing account are less by it."""
    city = refund.city
    suspense = ledger.account(city=city, kind=AccountKind.SUSPENSE)
    clearing = ledger.account(city=city, kind=AccountKind.CLEARING, channel=refund.channel)
    entry = ledger.post_entry(
        city=city,
        kind=KIND,
        reference=refund.number,
        postings=[
            ledger.Posting(suspense, refund.amount_fen),
            ledger.Posting(clearing, -refund.amount_fen),
        ],
        by=by,
        now=now,
    )
    _move(
        refund,
        RefundStatus.SUCCEEDED,
        was=refund.status,
        by=by,
        now=now,
        note=note,
        provider_number=mark,
        entry=entry,
    )


def _move(
    refund: Refund, to: RefundStatus, *, was: str, by: User, now: dt.datetime, note: str = "", **more: object
) -> None:
    if to in (RefundStatus.SUCCEEDED, *IN_VAIN):
        more |= {"ended_at": now, "ask_at": None}
    if not Refund.objects.filter(pk=refund.pk, status=was).update(status=to, **more):
        raise CannotRefund(_("退款状态已变化，请按页面当前状态操作。"))
    refund.refresh_from_db()
    _event(refund, by=by, now=now, note=note)


def _locked(refund: Refund) -> Refund:
    return Refund.objects.select_for_update(no_key=True, of=("self",)).get(pk=refund.pk)


def _event(refund: Refund, *, by: User, now: dt.datetime, note: str = "") -> None:
    RefundEvent.objects.create(refund=refund, at=now, by=by, status=refund.status, note=note[:200])


def new_number(city: str, now: dt.datetime) -> str:
    """A fresh refund number, which nobody guesses."""
    tail = "".join(secrets.choice(_ALPHABET) for _place in range(12))
    return f"R{now.astimezone(CHINA):%Y%m%d}{book().city(city).code}{tail}"


# Reading


@dataclass(frozen=True, slots=True)
class Returned:
    """How far the money of held receipts has gone back, in fen, for whoever paid it."""

    held_fen: int
    returned_fen: int
    under_way_fen: int

    @property
    def whole(self) -> bool:
        return self.returned_fen == self.held_fen

    @property
    def words(self) -> str:
        """已退回, 退款处理中, 待退回 …, with the sum where only part of it has gone back."""
        if self.whole:
            return _("已退回")
        if self.returned_fen:
            return _("已退回 %(yuan)s 元，其余待退回") % {"yuan": money.format_yuan(self.returned_fen)}
        return _("退款处理中") if self.under_way_fen else _("待退回")


def returned(receipts: Sequence[Receipt]) -> dict[int, Returned]:
    """How far the money of these receipts has gone back, by receipt; those that paid their charge, and were not taken back, are
    left out."""
    sums: dict[int, dict[bool, int]] = {}
    moving = RefundPart.objects.filter(receipt__in=receipts).exclude(refund__status__in=IN_VAIN)
    for receipt_id, status, fen in moving.values_list("receipt_id", "refund__status", "amount_fen"):
        by_end = sums.setdefault(receipt_id, {True: 0, False: 0})
        by_end[status == RefundStatus.SUCCEEDED] += fen
    back = dict(TakenBack.objects.filter(receipt__in=receipts).values_list("receipt_id", "amount_fen"))
    return {
        one.pk: Returned(
            back.get(one.pk, one.amount_fen),
            sums.get(one.pk, {}).get(True, 0),
            sums.get(one.pk, {}).get(False, 0),
        )
        for one in receipts
        if not one.applied or one.pk in back
    }


def held_of(orders: Iterable[Order]) -> dict[int, int]:
    """What was paid for these orders, paid nothing and has not gone back yet, in fen by order; orders without such money are
    left out."""
    held = Receipt.objects.filter(entry__payment__order__in=list(orders), applied=False)
    receipts = list(held.annotate(of_order=F("entry__payment__order")))
    if not receipts:
        return {}
    states, found = returned(receipts), dict[int, int]()
    for receipt in receipts:
        left = states[receipt.pk].held_fen - states[receipt.pk].returned_fen
        if left:
            found[receipt.of_order] = found.get(receipt.of_order, 0) + left
    return found


def returned_of(payment: Payment) -> Returned:
    """How far the money of a payment that paid nothing, or not all of its charges, has gone back."""
    parts = returned(list(Receipt.objects.filter(entry__payment=payment, applied=False))).values()
    return Returned(
        sum(one.held_fen for one in parts),
        sum(one.returned_fen for one in parts),
        sum(one.under_way_fen for one in parts),
    )
