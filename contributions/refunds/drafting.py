"""Refunds (退款): money that paid nothing goes back to the account that paid, under one number.

One member of staff drafts, another decides.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from contributions.holding import hold_receipts
from contributions.models import HeldReceipt, Receipt, Refund, RefundPart, RefundStatus, RefundWay
from contributions.refunds.held_money import held, of_cities, road
from contributions.refunds.refund_lifecycle import CannotRefund, locked_refund, move_refund, record_event
from portal.accounts import permissions
from portal.accounts.models import User
from portal.hall import two_hands
from portal.policy.book import book
from portal.shared import money, numbers
from portal.shared.keys import KeyReused


def draft(receipt: Receipt, *, amount_fen: int, reason: str, key: UUID, by: User, now: dt.datetime) -> Refund:
    """Propose to give back money of a receipt that paid nothing; another member of staff decides.

    The same key again gives the same refund. Raises CannotRefund, for example where more would go
    back than came; KeyReused where the key belongs to another refund.
    """
    return _draft({receipt.pk: amount_fen}, reason=reason, key=key, by=by, now=now)


def draft_together(
    receipts: Iterable[Receipt], *, reason: str, key: UUID, by: User, now: dt.datetime
) -> Refund:
    """``draft`` one refund of all that is left of these receipts, which came by one payment or one
    debit."""
    return _draft({one.pk: None for one in receipts}, reason=reason, key=key, by=by, now=now)


def _draft(
    wanted_fen: Mapping[int, int | None], *, reason: str, key: UUID, by: User, now: dt.datetime
) -> Refund:
    try:
        with transaction.atomic():
            hold_receipts(wanted_fen)
            earlier = _standing(key, wanted_fen, by)
            if earlier is not None:
                return earlier
            receipts = _of_staff(wanted_fen, by)
            if not reason.strip():
                raise CannotRefund(_("请填写退回原因。"))
            if len({(one.entry_id, one.debit_line_id) for one in receipts}) != 1:
                raise CannotRefund(_("不是同一笔付款的款项，请分别办理退款。"))
            shares = {one.pk: _share(one, wanted_fen[one.pk]) for one in receipts}
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
            record_event(refund, by=by, now=now, note=refund.reason)
            return refund
    except IntegrityError as error:
        # The database counted a refund that was made after we read.
        earlier = _standing(key, wanted_fen, by)
        if earlier is not None:
            return earlier
        raise CannotRefund(_("这笔到账刚刚已有退款，请刷新后核对可退金额。")) from error


def _of_staff(receipts: Iterable[int], by: User) -> list[HeldReceipt]:
    """These receipts. Raises CannotRefund where one belongs to another city, or has paid its
    charge."""
    wanted = list(receipts)
    cities = permissions.staff_cities(by)
    if Receipt.objects.filter(pk__in=wanted).exclude(of_cities(cities)).exists():
        raise CannotRefund(_("只有本市的征缴人员可以办理退款。"))
    held_receipts = list(
        held(cities).filter(pk__in=wanted).select_related("charge", "order", "debit_line").order_by("pk")
    )
    if len(held_receipts) != len(wanted):
        raise CannotRefund(_("这笔到账已经记入应缴，不能在这里退回。"))
    return held_receipts


def _share(receipt: HeldReceipt, wanted_fen: int | None) -> int:
    """The fen of a receipt that go back: the wanted sum, or all that is left. Raises
    CannotRefund."""
    amount_fen = receipt.left_fen if wanted_fen is None else wanted_fen
    if amount_fen <= 0 or amount_fen > receipt.left_fen:
        left = money.format_yuan(receipt.left_fen)
        raise CannotRefund(_("退回金额应大于 0，且不超过可退的 %(left)s 元。") % {"left": left})
    return amount_fen


def _standing(key: UUID, wanted_fen: Mapping[int, int | None], by: User) -> Refund | None:
    refund = Refund.objects.filter(key=key).first()
    if refund is None:
        return None
    shares = dict(refund.parts.values_list("receipt", "amount_fen"))
    same = {pk: shares.get(pk) if fen is None else fen for pk, fen in wanted_fen.items()} == shares
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
    return Q(receipt__charge__person=person_id) | Q(receipt__order__person=person_id)


def approve(refund: Refund, *, by: User, now: dt.datetime) -> Refund:
    """Approve a drafted refund: the schedule sends it to its channel, or staff make the transfer. A
    second call changes nothing.

    Raises CannotRefund where this member of staff may not approve it, or where it was refused.
    """
    return _decide(refund, RefundStatus.APPROVED, by=by, now=now)


def refuse(refund: Refund, *, why: str, by: User, now: dt.datetime) -> Refund:
    """Send a drafted refund back to the member of staff who drafted it; the money waits for another
    refund. Raises CannotRefund."""
    reason = two_hands.reason_of(why, raises=CannotRefund)
    return _decide(refund, RefundStatus.REFUSED, by=by, now=now, why=reason)


@transaction.atomic
def _decide(refund: Refund, to: RefundStatus, *, by: User, now: dt.datetime, why: str = "") -> Refund:
    current = locked_refund(refund)
    after_approval = set(RefundStatus) - {RefundStatus.DRAFTED, RefundStatus.REFUSED}
    if not two_hands.is_to_decide(
        current,
        waiting=RefundStatus.DRAFTED,
        decided={to} if to == RefundStatus.REFUSED else after_approval,
        why_not=why_not_decide,
        what=_("这笔退款"),
        by=by,
        raises=CannotRefund,
    ):
        return current
    changes: dict[str, object] = {"decided_at": now, "decided_by": by, "why": why}
    if to == RefundStatus.APPROVED and current.way == RefundWay.CHANNEL:
        changes["ask_at"] = now
    move_refund(current, to, was=RefundStatus.DRAFTED, by=by, now=now, note=why, **changes)
    return current


def new_number(city: str, now: dt.datetime) -> str:
    """A new refund number that cannot be guessed."""
    return numbers.channel_number("R", book().city(city).code, now)
