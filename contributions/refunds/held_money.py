"""Money that paid nothing, or was taken back: its receipts, and how much of it has gone back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from contributions.models import (
    IN_VAIN,
    HeldReceipt,
    Order,
    Payment,
    Receipt,
    RefundPart,
    RefundStatus,
    RefundWay,
    TakenBack,
)
from contributions.refunds.refund_lifecycle import CannotRefund
from portal.shared import money


@dataclass(frozen=True, slots=True)
class Road:
    """How a receipt's money goes back: through its payment's channel, or by bank transfer to the
    account it was drawn from."""

    way: RefundWay
    payment: Payment | None
    account_number: str
    holder: str


def held(cities: Iterable[str] | None = None) -> QuerySet[HeldReceipt]:
    """Receipts whose money paid nothing, or was taken back, oldest first, with ``back_fen``, the
    sum that may go back in all, and ``given_fen``, the sum that went back or is about to.

    Only those of ``cities``, where they are given.
    """
    given_back = (
        RefundPart.objects.filter(receipt=OuterRef("pk"))
        .exclude(refund__status__in=IN_VAIN)
        .order_by()
        .values("receipt")
        .annotate(fen=Sum("amount_fen"))
        .values("fen")
    )
    # A union, not an OR: each side is few rows, found by its own index.
    candidates = (
        Receipt.objects.filter(applied=False).values("pk").union(TakenBack.objects.values("receipt_id"))
    )
    receipts = HeldReceipt.objects.filter(pk__in=candidates).annotate(  # type: ignore[no-redef]  # declared for whoever reads them
        back_fen=Case(When(applied=True, then=F("taken_back__amount_fen")), default=F("amount_fen")),
        given_fen=Coalesce(Subquery(given_back), 0),
    )
    if cities is not None:
        receipts = receipts.filter(of_cities(cities))
    return receipts.order_by("received_at", "pk")


def of_cities(cities: Iterable[str]) -> Q:
    """Receipts of these cities, by the charge or the order that they were for."""
    places = list(cities)
    return Q(charge__city__in=places) | Q(order__city__in=places)


def to_draft(cities: Iterable[str] | None = None) -> QuerySet[HeldReceipt]:
    """Held receipts that have a rest without a refund under way."""
    return held(cities).filter(Q(back_fen__gt=F("given_fen")))


def road(receipt: Receipt) -> Road:
    """How this receipt's money goes back. Raises CannotRefund where the account that paid is not
    known."""
    payment = Payment.objects.filter(entry_id=receipt.entry_id).first()
    if payment is not None:
        return Road(RefundWay.CHANNEL, payment, payment.payer_account, "")
    line = receipt.debit_line
    if line is not None:
        return Road(RefundWay.BANK, None, line.account_number, line.holder)
    raise CannotRefund(_("这笔到账没有付款账户的记录，不能原路退回。"))


def came_together(receipt: Receipt) -> QuerySet[HeldReceipt]:
    """``to_draft``, of the receipts that came by the same payment or the same debit as this one:
    they can go back in one refund."""
    if receipt.debit_line_id is None and not Payment.objects.filter(entry=receipt.entry_id).exists():
        return HeldReceipt.objects.none()
    open_receipts = to_draft([receipt.city])
    return open_receipts.filter(entry=receipt.entry_id, debit_line=receipt.debit_line_id).order_by("pk")


@dataclass(frozen=True, slots=True)
class Returned:
    """How much of the money of held receipts has gone back, in fen, as the payer sees it."""

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
    """How far the money of these receipts has gone back, by receipt; those that paid their charge,
    and were not taken back, are left out."""
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
    """The money received for these orders that paid nothing and has not gone back yet, in fen by
    order id; orders without such money are left out."""
    held_receipts = Receipt.objects.filter(entry__payment__order__in=list(orders), applied=False)
    receipts = list(held_receipts.annotate(of_order=F("entry__payment__order")))
    if not receipts:
        return {}
    states, fen_of_order = returned(receipts), dict[int, int]()
    for receipt in receipts:
        left = states[receipt.pk].held_fen - states[receipt.pk].returned_fen
        if left:
            fen_of_order[receipt.of_order] = fen_of_order.get(receipt.of_order, 0) + left
    return fen_of_order


def returned_of(payment: Payment) -> Returned:
    """How far the money of a payment that paid nothing, or not all of its charges, has gone
    back."""
    parts = returned(list(Receipt.objects.filter(entry__payment=payment, applied=False))).values()
    return Returned(
        sum(one.held_fen for one in parts),
        sum(one.returned_fen for one in parts),
        sum(one.under_way_fen for one in parts),
    )
