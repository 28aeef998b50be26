"""Which orders there are, and what holds them: by login, by charge, by payment."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet, Sum

from contributions.models import UNDER_WAY, Charge, Order, OrderLine, OrderStatus, Payment
from portal.accounts.models import User
from portal.accounts.permissions import persons_of
from portal.people.locks import lock_subject


def locked(pk: int) -> Order:
    """The order, held until the transaction ends, after its person's lock."""
    number = Order.objects.filter(pk=pk).values_list("person__identity_number", flat=True).get()
    lock_subject(number or "")
    return Order.objects.select_for_update(no_key=True, of=("self",)).select_related("person").get(pk=pk)


def orders_of(user: User) -> QuerySet[Order]:
    """The orders of whom the login acts for, newest first; none for staff."""
    orders = Order.objects.select_related("person", "employer").order_by("-placed_at", "-pk")
    if user.is_person and user.person_id:
        return orders.filter(person__in=persons_of(user))
    if user.is_clerk and user.employer_id:
        return orders.filter(employer_id=user.employer_id)
    return orders.none()


def in_orders(charges: Iterable[Charge]) -> dict[int, str]:
    """The open orders that hold these charges: charge id → order number."""
    return dict(
        OrderLine.objects.filter(charge__in=list(charges), live=True, order__status=OrderStatus.OPEN)
        .order_by("pk")
        .values_list("charge_id", "order__number")
    )


def to_give_back() -> QuerySet[Payment]:
    """Payments that hold money which paid nothing: for an order that had ended, for a charge that
    another road had paid, or in another sum than was asked for. ``over_fen`` is how much, by the
    receipts in suspense under ``payment.entry``; what has been given back already is not taken
    off."""
    return (
        Payment.objects.filter(entry__receipts__applied=False)
        .annotate(over_fen=Sum("entry__receipts__amount_fen", filter=Q(entry__receipts__applied=False)))
        .select_related("order")
        .order_by("ended_at", "pk")
    )


def under_way(order: Order) -> Payment | None:
    """The payment of the order whose end is not known yet."""
    return order.payments.filter(status__in=UNDER_WAY).first()
