"""The only writer of ``Payment.status``, and when a payment is asked about next."""

import datetime as dt

from contributions.models import UNDER_WAY, Payment, PaymentEvent, PaymentStatus
from portal.accounts.models import User

# After how many seconds a provider is asked, and asked again; the last holds for ever after. Most
# payers are done within two minutes, and a provider that is down for an hour is not asked a hundred
# times.
DELAYS = (20, 20, 30, 60, 120, 300, 600)


def move_payment(
    payment: Payment,
    to: PaymentStatus,
    *,
    was: list[PaymentStatus],
    by: User,
    now: dt.datetime,
    note: str = "",
    **changes: object,
) -> bool:
    """Move a payment from one of ``was``, by compare-and-set; whether it was this call that did."""
    live = to in UNDER_WAY
    if not live:
        changes |= {"live": False, "ended_at": now, "ask_at": None, "payer": {}}
    moved = Payment.objects.filter(pk=payment.pk, status__in=was).exclude(status=to)
    if not moved.update(status=to, **changes):
        return False
    payment.refresh_from_db()
    record_event(payment, by=by, now=now, note=note)
    return True


def record_event(payment: Payment, *, by: User, now: dt.datetime, note: str = "") -> None:
    """Record the status that the payment has now."""
    PaymentEvent.objects.create(payment=payment, at=now, by=by, status=payment.status, note=note)


def delay_after(asked: int) -> dt.timedelta:
    """How long until a payment is asked about again, when it was asked about so many times."""
    return dt.timedelta(seconds=DELAYS[min(asked, len(DELAYS) - 1)])


def mark_reversed(payment: Payment, *, by: User, now: dt.datetime, note: str) -> None:
    """Record that a credited payment was given back by the channel that took it; inside the
    transaction that undoes its order."""
    move_payment(
        payment, PaymentStatus.REVERSED, was=[PaymentStatus.SUCCEEDED], by=by, now=now, note=note[:200]
    )
