"""How an order stands, and what can be done with it now."""

import datetime as dt
from enum import StrEnum
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from contributions import channels
from contributions.models import ORDER_LIFE_CYCLE, Order, OrderStatus, Payment, PaymentStatus, TopUp
from contributions.orders import bank_time
from contributions.orders.other_parts import OtherPart
from portal.shared.months import today_in_china


class Situation(StrEnum):
    """How an order stands for its payer; each has its template in contributions/orders/order."""

    PAYABLE = "payable"
    UNDER_WAY = "under_way"
    OVER = "over"
    PAID = "paid"
    ENDED = "ended"


def situation_of(order: Order, current: Payment | None, now: dt.datetime) -> Situation:
    """How the order stands, where ``current`` is the payment that is under way."""
    if order.status == OrderStatus.PAID:
        return Situation.PAID
    if current is not None:
        return Situation.UNDER_WAY
    if not order.is_open:
        return Situation.ENDED
    return Situation.PAYABLE if is_payable(order, now) else Situation.OVER


def is_payable(order: Order, now: dt.datetime) -> bool:
    """Whether a payment can be begun now, where none is under way."""
    return order.is_open and now < order.expires_at


def opening_of(order: Order, now: dt.datetime) -> dt.datetime | None:
    """When a payment that is begun now would be started, where that is not at once."""
    at = bank_time.opening(order.city, now)
    return at if at > now else None


def waiting(order: Order, current: Payment) -> dict[str, Any]:
    """The context of state.html, but for the order."""
    return {
        "payment": current,
        "title": channels.title(current.channel),
        "unknown": current.status == PaymentStatus.UNKNOWN,
        "queued": current.status == PaymentStatus.QUEUED,
        "by_code": current.channel == "card",
        "over": timezone.now() >= order.expires_at,
    }


def state_words(order: Order, now: dt.datetime, other: OtherPart | None) -> str:
    """An order's state for its payer."""
    if order.is_open and now >= order.expires_at:
        return _("已超过支付时间")
    if isinstance(other, TopUp) and order.status == OrderStatus.PAID:
        return _("充值成功")
    return str(order.get_status_display())


def tone_of(order: Order, now: dt.datetime) -> str:
    """The tone of that state, as the tag ``tag`` takes it."""
    if order.is_open and now >= order.expires_at:
        return "quiet"
    return ORDER_LIFE_CYCLE.tone(order.status)


def channel_codes(order: Order, now: dt.datetime) -> list[str]:
    """The codes of the channels by which the order can be paid now."""
    return [one.code for one in channels.available(order.city, on=today_in_china(now))]
