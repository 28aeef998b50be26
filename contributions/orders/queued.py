"""Payments that wait for the bank to open: whoever waits is told, and then they start."""

import datetime as dt
import logging

from django.db import transaction
from django.utils.translation import gettext as _

from contributions.channels.protocol import Refused
from contributions.models import Payment, PaymentStatus
from contributions.orders import bank_time, queries
from contributions.orders.paying import announce, wait_until
from contributions.orders.payment_lifecycle import delay_after, move_payment
from portal.accounts.models import Notice, User
from portal.shared import money
from portal.shared.months import moment_zh
from portal.watch.failures import Watch

log = logging.getLogger(__name__)

# How long before the bank opens whoever paid ahead is told.
REMINDED = dt.timedelta(minutes=10)
REMINDER = "payment-soon"


def start_queued(*, by: User, now: dt.datetime) -> int:
    """Start the payments that waited for the bank to open; those that find it closed wait for the
    next time."""
    begun, watch = 0, Watch("start_queued_payments", now=now)
    waiting = Payment.objects.filter(status=PaymentStatus.QUEUED)
    for payment in waiting.filter(start_at__lte=now).select_related("order").order_by("start_at", "pk"):
        with watch.item(payment.number, city=payment.order.city):
            if begin_queued(payment, by=by, now=now):
                begun += 1
                _announce_queued(payment, by=by, now=now)
    watch.only(lambda numbers: list(waiting.filter(number__in=numbers).values_list("number", flat=True)))
    return begun


def remind_queued(*, now: dt.datetime) -> int:
    """Tell who paid ahead that the bank opens soon, and where its code is to be typed: once for
    each payment, also by text message. How many were told."""
    soon = Payment.objects.filter(
        status=PaymentStatus.QUEUED,
        start_at__gt=now,
        start_at__lte=now + REMINDED,
        order__person__isnull=False,
    ).select_related("order")
    told = Notice.objects.bulk_create(
        [
            Notice(
                person_id=one.order.person_id,
                kind=REMINDER,
                reference=one.number,
                title=_("预约的支付即将发起"),
                text=_(
                    "您预约支付的社会保险费 %(yuan)s 元将于 %(at)s 发起。使用银行卡的，届时银行向预留手机号发送短信验证码，"
                    "请在 %(until)s 前登录，打开缴费订单 %(number)s 填写；逾期订单自动取消，没有扣款。"
                )
                % {
                    "yuan": money.format_yuan(one.amount_fen),
                    "at": moment_zh(one.start_at or now),
                    "until": moment_zh(one.order.expires_at),
                    "number": one.order.number,
                },
                at=now,
                by_text=True,
            )
            for one in soon
        ],
        ignore_conflicts=True,
    )
    return len(told)


def _announce_queued(payment: Payment, *, by: User, now: dt.datetime) -> None:
    try:
        announce(payment, by=by, now=now)
    except Refused as refusal:
        log.info("%s %s was refused: %s", payment.channel, payment.number, refusal.why)


@transaction.atomic
def begin_queued(payment: Payment, *, by: User, now: dt.datetime) -> bool:
    """Start one payment that waited; False where the bank is closed or the order has ended."""
    order = queries.locked(payment.order_id)
    start_at = bank_time.opening(order.city, now)
    if start_at > now and order.is_open:
        wait_until(order, start_at)
        Payment.objects.filter(pk=payment.pk, status=PaymentStatus.QUEUED).update(start_at=start_at)
        return False
    if not order.is_open:
        move_payment(payment, PaymentStatus.CLOSED, was=[PaymentStatus.QUEUED], by=by, now=now)
        return False
    wait_until(order, now)
    if not move_payment(payment, PaymentStatus.STARTED, was=[PaymentStatus.QUEUED], by=by, now=now):
        return False
    Payment.objects.filter(pk=payment.pk).update(ask_at=now + delay_after(0))
    return True
