"""An order ends: paid, cancelled or over; and a paid one is undone where its money goes back."""

import datetime as dt
from contextlib import suppress

from django.db import transaction
from django.utils.translation import gettext as _

from contributions import unpaid_cases
from contributions.charges import charging, surcharges
from contributions.models import (
    Charge,
    ChargeStatus,
    LumpSumPart,
    Order,
    OrderEvent,
    OrderLine,
    OrderStatus,
    Payment,
    Repricing,
    Surcharge,
    SurchargeStatus,
)
from contributions.orders.queries import locked
from enrollment import actions
from portal.accounts.models import User
from portal.shared.months import month_in_china
from portal.watch.failures import Watch


class StillPaying(Exception):
    """A payment of the order is under way, and its outcome is not known: the order stays as it
    is."""


def end(order: Order, status: OrderStatus, *, by: User, now: dt.datetime, note: str = "") -> bool:
    """End an open order, and the case that placed it. Returns whether this call did it. Must run in
    a transaction, with the order ``locked``.

    An order that ends unpaid releases its charges: future months that only the order had charged
    are void and have their former base again; the present month, where the order charged it anew,
    is owed as before. Paid charges stay.
    """
    moved = Order.objects.filter(pk=order.pk, status=OrderStatus.OPEN).update(status=status, ended_at=now)
    if not moved:
        return False
    OrderEvent.objects.create(order=order, at=now, by=by, status=status, note=note)
    order.status, order.ended_at = str(status), now
    if status != OrderStatus.PAID:
        OrderLine.objects.filter(order=order, live=True).update(live=False)
        LumpSumPart.objects.filter(order=order, live=True).update(live=False)
        _let_go(order, by=by, now=now)
        on_top = OrderLine.objects.filter(order=order, surcharge__isnull=False)
        surcharges.let_go(on_top.values_list("charge_id", flat=True), by=by, now=now)
    unpaid_cases.end_with_order(order, note=note, by=by, now=now)
    return True


def _let_go(order: Order, *, by: User, now: dt.datetime) -> None:
    this_month = month_in_china(now)
    made_lines = list(
        order.lines.filter(made=True, charge__status=ChargeStatus.OWED)
        .select_related("charge__coverage")
        .order_by("charge__month")
    )
    released = [
        line
        for line in made_lines
        if line.charge.month > this_month or line.replaced_id is not None or line.former_tier
    ]
    charging.void(
        [line.charge for line in released],
        why=_("订单 %(number)s 未支付") % {"number": order.number},
        by=by,
        now=now,
    )
    for line in released:
        _as_before(line, owed=line.replaced_id is not None or line.charge.month <= this_month, now=now)


def undo(order: Order, *, by: User, now: dt.datetime, note: str) -> None:
    """Undo a paid order whose money goes back: its charges no longer count, and each month is owed
    again at its former tier. Future months that only the order had charged are not owed; months
    that had been written off are written off again. Must run in a transaction, with the order
    ``locked``."""
    lines = list(
        order.lines.filter(live=True).select_related("charge__coverage").order_by("charge__month", "pk")
    )
    charges = [line.charge_id for line in lines]
    Order.objects.filter(pk=order.pk, status=OrderStatus.PAID).update(status=OrderStatus.REVERSED)
    OrderEvent.objects.create(order=order, at=now, by=by, status=OrderStatus.REVERSED, note=note[:200])
    OrderLine.objects.filter(order=order, live=True).update(live=False)
    Charge.objects.filter(pk__in=charges, status=ChargeStatus.PAID).update(
        status=ChargeStatus.REVERSED, live=False
    )
    Surcharge.objects.filter(charge__in=charges, status=SurchargeStatus.PAID).update(
        status=SurchargeStatus.REVERSED, live=False
    )
    order.refresh_from_db()
    this_month = month_in_china(now)
    replaced_by_charge = dict(
        Repricing.objects.filter(charge__in=charges, replaces__isnull=False).values_list(
            "charge_id", "replaces_id"
        )
    )
    Charge.objects.filter(pk__in=replaced_by_charge.values(), status=ChargeStatus.WRITTEN_OFF).update(
        live=True
    )
    for line in lines:
        if line.charge_id not in replaced_by_charge:
            owed = not line.made or line.replaced_id is not None or line.charge.month <= this_month
            _as_before(line, owed=owed, now=now)


def _as_before(line: OrderLine, *, owed: bool, now: dt.datetime) -> None:
    """Give a line's month its former tier again, and charge it where it is ``owed``, as far as it
    is still covered."""
    coverage, month = line.charge.coverage, line.charge.month
    if not (coverage.live and coverage.runs_in(month)):
        return
    if line.former_tier:
        actions.set_base(coverage, start=month, until=month + 1, tier=line.former_tier)
    if owed:
        charging.charge_months(coverage, [month], now=now)


def cancel_unpaid(order: Order, *, by: User, now: dt.datetime, note: str = "") -> Order:
    """Cancel an open order without a payment under way; an order that has ended stays as it is.
    Raises StillPaying.

    ``closing.cancel`` first ends the payment under way.
    """
    return _end_unpaid(order, OrderStatus.CANCELLED, by=by, now=now, note=note)


def expire(order: Order, *, by: User, now: dt.datetime) -> Order:
    """End an open order whose time is over; before that, do nothing. Raises StillPaying while a
    payment of the order is under way."""
    return order if now < order.expires_at else _end_unpaid(order, OrderStatus.EXPIRED, by=by, now=now)


@transaction.atomic
def _end_unpaid(order: Order, status: OrderStatus, *, by: User, now: dt.datetime, note: str = "") -> Order:
    current = locked(order.pk)
    if not current.is_open or (status == OrderStatus.EXPIRED and now < current.expires_at):
        return current
    if Payment.objects.filter(order=current, live=True).exists():
        raise StillPaying(current.number)
    end(current, status, by=by, now=now, note=note)
    return current


def end_overdue(*, by: User, now: dt.datetime) -> int:
    """Expire the orders whose time is over. A payment under way is closed with its provider first,
    by ``ask_due``; until its end is known the order waits."""
    ended, watch = 0, Watch("end_overdue_orders", now=now)
    overdue = Order.objects.filter(status=OrderStatus.OPEN, expires_at__lte=now).order_by("expires_at", "pk")
    for order in overdue.exclude(payments__live=True):
        with watch.item(order.number, city=order.city), suppress(StillPaying):
            ended += expire(order, by=by, now=now).status == OrderStatus.EXPIRED
    watch.only(lambda numbers: list(overdue.filter(number__in=numbers).values_list("number", flat=True)))
    return ended
