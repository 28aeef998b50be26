"""A payment that is under way is closed with its provider, and its order cancelled."""

import datetime as dt
import logging

from django.db import transaction
from django.utils.translation import gettext as _

from contributions import channels
from contributions.channels.protocol import Answer, Outcome, Unreachable
from contributions.models import Order, Payment, PaymentStatus
from contributions.orders import ending, queries
from contributions.orders.answers import take_answer
from contributions.orders.ending import StillPaying
from contributions.orders.payment_lifecycle import move_payment
from portal.accounts.models import User
from portal.watch.failures import Watch

log = logging.getLogger(__name__)


def drop(payment: Payment, *, by: User, now: dt.datetime) -> Payment:
    """End a payment that is under way, with its provider; one that was made after all is booked
    instead.

    Raises StillPaying where the provider does not say.
    """
    if payment.status == PaymentStatus.QUEUED:
        with transaction.atomic():
            queries.locked(payment.order_id)
            move_payment(
                payment, PaymentStatus.CLOSED, was=[PaymentStatus.QUEUED], by=by, now=now, note=_("取消等待")
            )
    payment.refresh_from_db()
    if payment.live:
        with Watch("ask_payments", now=now).item(payment.number, city=payment.order.city):
            close_with_provider(payment, by=by, now=now)
        payment.refresh_from_db()
    if payment.live:
        raise StillPaying(payment.number)
    return payment


def cancel(order: Order, *, by: User, now: dt.datetime) -> Order:
    """Cancel an open order, ending what is under way first; an order that turns out paid stays
    paid. Raises StillPaying."""
    payment = queries.under_way(order)
    if payment is not None:
        drop(payment, by=by, now=now)
    return ending.cancel_unpaid(order, by=by, now=now)


def close_with_provider(payment: Payment, *, by: User, now: dt.datetime) -> None:
    """Close a payment with its provider, and let the answer take effect."""
    try:
        channel = channels.channel(payment.channel)
        answer = channel.close(payment.number)
        if answer.outcome == Outcome.FAILED:
            # A payment that came through just before may refuse to be closed: only asking tells.
            asked = channel.ask(payment.number)
            answer = asked if asked.outcome == Outcome.SUCCEEDED else answer
    except (Unreachable, channels.ChannelUnavailable) as problem:
        log.warning("%s %s was not closed: %s", payment.channel, payment.number, problem)
        answer = Answer(payment.number, Outcome.UNKNOWN)
    take_answer(answer, channel=payment.channel, by=by, now=now, how=_("向渠道关闭"), closing=True)
