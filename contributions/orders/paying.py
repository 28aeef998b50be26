"""Beginning to pay an order: one payment at a time, told to the provider, confirmed by a code.

No transaction is open while a provider is spoken to.
"""

import datetime as dt
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from contributions import channels
from contributions.channels.protocol import Answer, Outcome, Refused, Unreachable, Wanted
from contributions.models import Order, Payment, PaymentStatus
from contributions.orders import bank_time, lump_sums, payer_kept, queries, top_ups
from contributions.orders.answers import take_answer
from contributions.orders.payment_lifecycle import delay_after, record_event
from portal.accounts.models import User
from portal.policy.book import book
from portal.policy.terms.payment import payment_terms
from portal.shared import identity, numbers
from portal.shared.months import today_in_china

log = logging.getLogger(__name__)


class OrderEnded(Exception):
    """The order is paid, cancelled or over: nothing more is begun for it."""


class PaymentUnderWay(Exception):
    """Another channel's payment of the order is under way: it must be known how it ended before a
    new one is begun."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(payment.number)
        self.payment = payment


class NotOffered(Exception):
    """The city does not offer this channel, or it cannot be used here; the message says more in
    Chinese where there is more."""


@dataclass(frozen=True, slots=True)
class Device:
    """What the payer holds: some channels lead a phone into their own app."""

    on_phone: bool = False
    address: str = ""


def start_payment(
    *,
    order: Order,
    channel: str,
    payer: Mapping[str, str] | None = None,
    device: Device = Device(),  # frozen
    by: User,
    now: dt.datetime,
) -> Payment:
    """Begin to pay an order through a channel, or give the payment of it that is under way there
    already.

    Outside the bank's hours the payment is queued until they begin (``start_at``) and may be
    dropped until then. Raises OrderEnded, PaymentUnderWay (by another channel), NotOffered;
    channels' Refused where the provider does not take it, and the payment has failed then. Where
    the provider does not answer, the payment's status is UNKNOWN.
    """
    payment, fresh = _begin(order, channel, dict(payer or {}), by=by, now=now)
    if fresh and payment.status == PaymentStatus.STARTED:
        announce(payment, device=device, by=by, now=now)
    return payment


@transaction.atomic
def _begin(
    order: Order, channel: str, payer: dict[str, str], *, by: User, now: dt.datetime
) -> tuple[Payment, bool]:
    current = queries.locked(order.pk)
    earlier = queries.under_way(current)
    if earlier is not None:
        if earlier.channel != channel:
            raise PaymentUnderWay(earlier)
        return earlier, False
    if not current.is_open or now >= current.expires_at:
        raise OrderEnded(current.number)
    on = today_in_china(now)
    if channel not in [one.code for one in channels.available(current.city, on=on)]:
        raise NotOffered
    start_at = bank_time.opening(current.city, now)
    if today_in_china(start_at) > on and has_todays_price(current):
        # What was laid on top is a sum of today: by the bank's opening it is another.
        raise NotOffered(
            _("订单中的补缴金额按日计算，银行下次营业已是另一天，请取消订单，届时重新下单支付。")
        )
    part = lump_sums.of_order(current)
    if part is not None and start_at >= lump_sums.last_moment(part.bill):
        raise NotOffered(_("银行下次营业已过缴费期限，不能再支付这份缴费单。"))
    payment = Payment.objects.create(
        number=new_number(current.city, now),
        order=current,
        channel=channel,
        amount_fen=current.sum_fen,
        status=PaymentStatus.QUEUED if start_at > now else PaymentStatus.STARTED,
        begun_at=now,
        begun_by=by,
        start_at=start_at if start_at > now else None,
        payer=payer_kept.sealed(payer),
        payer_account=identity.mask_account(payer["card_number"]) if "card_number" in payer else "",
        ask_at=None if start_at > now else now + delay_after(0),
    )
    if start_at > now:
        wait_until(current, start_at)
    record_event(payment, by=by, now=now)
    return payment, True


def has_todays_price(order: Order) -> bool:
    """Whether interest or a late fee up to today is part of the order's sum."""
    return order.lines.filter(surcharge__isnull=False).exists()


def wait_until(order: Order, start_at: dt.datetime) -> None:
    """The order lives as long after the bank has opened as it would have from now."""
    minutes = payment_terms(book(), city=order.city, on=today_in_china(start_at)).order_minutes
    until = start_at + dt.timedelta(minutes=minutes)
    Order.objects.filter(pk=order.pk, expires_at__lt=until).update(expires_at=until)


def announce(
    payment: Payment,
    *,
    device: Device = Device(),  # frozen
    by: User,
    now: dt.datetime,
) -> None:
    """Tell the provider of a payment that has started; its number makes twice once. Raises Refused
    after the payment failed."""
    order = payment.order
    try:
        payer = payer_kept.opened(payment.payer)
    except payer_kept.Unreadable:
        log.exception("%s: what the payer told cannot be opened", payment.number)
        # The channel then refuses it, and the payer is asked anew.
        payer = {}
    wanted = Wanted(
        number=payment.number,
        amount_fen=payment.amount_fen,
        subject=(
            _("%(city)s医保个人账户充值 %(number)s")
            if top_ups.of_order(order)
            else _("%(city)s社会保险费 %(number)s")
        )
        % {"city": book().city(order.city).title, "number": order.number},
        expires_at=Order.objects.values_list("expires_at", flat=True).get(pk=order.pk),
        notify_url=settings.PUBLIC_URL + reverse("payment-callback", args=[payment.channel]),
        return_url=settings.PUBLIC_URL + reverse("order-payment", args=[order.number]),
        payer=payer,
        on_phone=device.on_phone,
        payer_ip=device.address,
    )
    try:
        started = channels.channel(payment.channel).start(wanted)
    except Refused as refusal:
        take_answer(
            Answer(payment.number, Outcome.FAILED, why=refusal.why),
            channel=payment.channel,
            by=by,
            now=now,
            how=_("渠道不受理"),
        )
        payment.refresh_from_db()
        raise
    except (Unreachable, channels.ChannelUnavailable) as problem:
        log.warning("%s %s was not announced: %s", payment.channel, payment.number, problem)
        take_answer(
            Answer(payment.number, Outcome.UNKNOWN),
            channel=payment.channel,
            by=by,
            now=now,
            how=_("渠道没有应答"),
        )
    else:
        Payment.objects.filter(pk=payment.pk).update(
            redirect_url=started.redirect_url,
            qr_text=started.qr_text,
            needs_code=started.needs_code,
        )
    # The provider has what it needs, or will be asked; the hall keeps no card number.
    Payment.objects.filter(pk=payment.pk).exclude(payer={}).update(payer={})
    payment.refresh_from_db()


def confirm(payment: Payment, code: str, *, by: User, now: dt.datetime) -> str:
    """Complete a payment by the code from a text message; what is still to be done, in Chinese (""
    where nothing is).

    Twice is once: the provider goes by the payment's number. The code of an order that is paid or
    over goes nowhere: its money would pay nothing.
    """
    if payment.status not in (PaymentStatus.STARTED, PaymentStatus.UNKNOWN):
        return ""
    order = Order.objects.get(pk=payment.order_id)
    if not order.is_open:
        return _("这份订单已是“%(state)s”，没有再付款。") % {"state": order.get_status_display()}
    try:
        answer = channels.channel(payment.channel).confirm(payment.number, code)
        if answer.outcome == Outcome.FAILED:
            # Refused because it was wrong, or because it had come through before: only asking
            # tells.
            current_state = channels.channel(payment.channel).ask(payment.number)
            answer = current_state if current_state.outcome != Outcome.FAILED else answer
    except (Unreachable, channels.ChannelUnavailable) as problem:
        log.warning("%s %s: %s", payment.channel, payment.number, problem)
        answer = Answer(payment.number, Outcome.UNKNOWN)
    take_answer(answer, channel=payment.channel, by=by, now=now, how=_("短信验证码确认"))
    payment.refresh_from_db()
    return answer.why if answer.outcome == Outcome.PENDING else ""


def new_number(city: str, now: dt.datetime) -> str:
    """A fresh payment number: 27 characters that every provider takes, and that nobody guesses."""
    return numbers.channel_number("P", book().city(city).code, now)
