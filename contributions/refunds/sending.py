"""Approved refunds are sent to their channels, and asked about until their end is known.

No transaction is open while a channel is spoken to, and what was sent once is never sent under
another number.
"""

import datetime as dt
import logging
from collections.abc import Collection

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from contributions import channels
from contributions.channels.protocol import Answer, Outcome, Unreachable
from contributions.models import Payment, Refund, RefundStatus
from contributions.orders.payment_lifecycle import DELAYS
from contributions.refunds.refund_lifecycle import locked_refund, move_refund, succeed
from portal.accounts.models import User
from portal.watch.failures import Watch

log = logging.getLogger(__name__)


def send_due(*, by: User, now: dt.datetime, limit: int = 100) -> int:
    """Send the approved refunds to their channels, and ask about those sent; each by one worker.
    How many were seen to; one that fails is seen to again when its time comes, and does not keep
    the others."""
    seen, watch = 0, Watch("send_refunds", now=now)
    while seen < limit:
        due = next_due(by, now)
        if due is None:
            break
        seen += 1
        refund, fresh = due
        with watch.item(refund.number, city=refund.city):
            _speak_of(refund, fresh=fresh, by=by, now=now)
    watch.only(_not_ended)
    return seen


def _speak_of(refund: Refund, *, fresh: bool, by: User, now: dt.datetime) -> None:
    try:
        answer = send_to_channel(refund) if fresh else _ask(refund)
    except (Unreachable, channels.ChannelUnavailable) as problem:
        log.warning("%s %s: %s", refund.channel, refund.number, problem)
    else:
        take_answer(refund, answer, by=by, now=now)


def _not_ended(numbers: Collection[str]) -> list[str]:
    under_way = Refund.objects.filter(
        number__in=numbers, status__in=[RefundStatus.APPROVED, RefundStatus.SENT]
    )
    return list(under_way.values_list("number", flat=True))


@transaction.atomic
def next_due(by: User, now: dt.datetime) -> tuple[Refund, bool] | None:
    """The next refund to speak of, and whether it is to be sent. It counts as sent before anybody
    is spoken to: what breaks off after that is asked about."""
    refund = (
        Refund.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .filter(status__in=[RefundStatus.APPROVED, RefundStatus.SENT], ask_at__lte=now)
        .order_by("ask_at", "pk")
        .first()
    )
    if refund is None or not _claim(refund, now):
        return None
    fresh = refund.status == RefundStatus.APPROVED
    if fresh:
        move_refund(refund, RefundStatus.SENT, was=RefundStatus.APPROVED, by=by, now=now)
    return refund, fresh


def _claim(refund: Refund, now: dt.datetime) -> bool:
    after = DELAYS[min(refund.asked, len(DELAYS) - 1)]
    return bool(
        Refund.objects.filter(pk=refund.pk, asked=refund.asked, ask_at__isnull=False).update(
            asked=F("asked") + 1, ask_at=now + dt.timedelta(seconds=after)
        )
    )


def _ask(refund: Refund) -> Answer:
    payment = _payment(refund)
    answer = channels.channel(refund.channel).ask_refund(number=payment.number, refund_number=refund.number)
    # It failed, or the channel never heard of it: sent again under its number, which is the same
    # refund, it tells which.
    return send_to_channel(refund) if answer.outcome == Outcome.FAILED else answer


def send_to_channel(refund: Refund) -> Answer:
    """Send the refund to its channel under its number; the channel's answer."""
    payment = _payment(refund)
    return channels.channel(refund.channel).refund(
        number=payment.number,
        refund_number=refund.number,
        amount_fen=refund.amount_fen,
        total_fen=payment.received_fen or 0,
        why=refund.reason,
    )


def _payment(refund: Refund) -> Payment:
    if refund.payment is None:
        raise ValueError(f"{refund.number} does not go through a channel")
    return refund.payment


@transaction.atomic
def take_answer(refund: Refund, answer: Answer, *, by: User, now: dt.datetime) -> Refund:
    """Let a channel's word on a refund that was sent take effect; anything but success and failure
    leaves it as it is."""
    current = locked_refund(refund)
    if current.status != RefundStatus.SENT:
        return current
    match answer.outcome:
        case Outcome.SUCCEEDED if answer.amount_fen == current.amount_fen and answer.provider_number:
            succeed(current, answer.provider_number, by=by, now=now, note=_("渠道已退回"))
        case Outcome.SUCCEEDED:
            log.error("%s %s: another refund than was asked for: %s", current.channel, current.number, answer)
        case Outcome.FAILED:
            why = answer.why or _("渠道没有办理这笔退款")
            move_refund(
                current, RefundStatus.FAILED, was=RefundStatus.SENT, by=by, now=now, note=why, why=why
            )
    return current
