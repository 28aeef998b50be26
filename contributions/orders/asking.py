"""Asking providers what became of a payment: when its time comes, or while the payer watches."""

import datetime as dt
import logging
from collections.abc import Collection

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from contributions import channels
from contributions.channels.protocol import Answer, Outcome, Unreachable
from contributions.models import Payment
from contributions.orders.answers import take_answer
from contributions.orders.closing import close_with_provider
from contributions.orders.payment_lifecycle import delay_after
from portal.accounts.models import User
from portal.watch.failures import Watch

log = logging.getLogger(__name__)
# The least time between two questions when the payer watches the page.
WATCHED = dt.timedelta(seconds=3)


def ask(payment: Payment, *, by: User, now: dt.datetime) -> Payment:
    """Ask the provider what became of a payment, where nobody else is just asking; the answer takes
    effect. An answer that cannot take effect is kept for staff, and the payment stays as it is."""
    if claim(payment, now):
        with Watch("ask_payments", now=now).item(payment.number, city=payment.order.city):
            ask_provider(payment, by=by, now=now)
    payment.refresh_from_db()
    return payment


def ask_watched(payment: Payment, *, by: User, now: dt.datetime) -> Payment:
    """``ask`` for a payer who watches the page: before its time, but not more often than every
    three seconds."""
    if (
        payment.live
        and payment.ask_at is not None
        and payment.ask_at - delay_after(payment.asked) + WATCHED <= now
    ):
        return ask(payment, by=by, now=now)
    return payment


def ask_due(*, by: User, now: dt.datetime, limit: int = 200) -> int:
    """Ask about every payment whose time it is, each by one worker; how many were asked about. One
    that fails is asked about again when its time comes, and does not keep the others."""
    asked, watch = 0, Watch("ask_payments", now=now)
    while asked < limit:
        payment = _next_due(now)
        if payment is None:
            break
        asked += 1
        with watch.item(payment.number, city=payment.order.city):
            if payment.order.is_open and now < payment.order.expires_at:
                ask_provider(payment, by=by, now=now)
            else:
                close_with_provider(payment, by=by, now=now)
    watch.only(_still_live)
    return asked


def _still_live(numbers: Collection[str]) -> list[str]:
    return list(Payment.objects.filter(number__in=numbers, live=True).values_list("number", flat=True))


def _next_due(now: dt.datetime) -> Payment | None:
    with transaction.atomic():
        payment = (
            Payment.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
            .select_related("order")
            .filter(live=True, ask_at__lte=now)
            .order_by("ask_at", "pk")
            .first()
        )
        return payment if payment is not None and claim(payment, now) else None


def claim(payment: Payment, now: dt.datetime) -> bool:
    """Whether the question is ours to ask: moved on to its next time by compare-and-set, before it
    is asked."""
    return bool(
        Payment.objects.filter(pk=payment.pk, live=True, asked=payment.asked, ask_at__isnull=False).update(
            asked=F("asked") + 1, ask_at=now + delay_after(payment.asked + 1)
        )
    )


def ask_provider(payment: Payment, *, by: User, now: dt.datetime) -> None:
    """Ask the provider, and let its answer take effect; no answer leaves the outcome unknown."""
    try:
        answer = channels.channel(payment.channel).ask(payment.number)
    except (Unreachable, channels.ChannelUnavailable) as problem:
        log.warning("%s %s: %s", payment.channel, payment.number, problem)
        answer = Answer(payment.number, Outcome.UNKNOWN)
    take_answer(answer, channel=payment.channel, by=by, now=now, how=_("向渠道查询"))
