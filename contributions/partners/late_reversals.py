"""A payment that a partner wants undone after its business day (撤销缴费): it asks, two members of
staff decide, and the money goes back by the ordinary refund.

The request waits among the differences with the partner. On the business day itself the partner
reverses by its own hand.
"""

import datetime as dt
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.translation import gettext as _

from contributions.models import (
    AccountKind,
    Deed,
    Difference,
    DifferenceKind,
    DifferenceStatus,
    Payment,
    Reversal,
    TakenBack,
)
from contributions.orders import ending, queries
from contributions.partners import ordering
from contributions.partners.ordering import CannotReverse
from contributions.refunds import drafting
from portal.accounts.models import User
from portal.partners.models import Partner
from portal.shared.months import today_in_china

_KEYS = UUID("0d0e6a3c-7f60-4b32-9c54-5a1f3c5f7a21")


def latest(payment: Payment, partner: Partner) -> Difference | None:
    """The partner's latest request for the payment."""
    requests = Difference.objects.filter(
        partner=partner, deed=Deed.REQUEST, provider_number=payment.provider_number
    )
    return requests.order_by("-pk").first()


@transaction.atomic
def ask(*, payment: Payment, partner: Partner, reason: str, now: dt.datetime) -> Difference:
    """Ask for a credited payment to be undone, once its business day is over.

    Raises CannotReverse: on that day, where it does not stand as paid, and where a request waits or
    was declined today.
    """
    order = queries.locked(payment.order_id)
    current = Payment.objects.get(pk=payment.pk)
    ordering.check_standing(current, order, Reversal.objects.filter(payment=current).first())
    today = today_in_china(now)
    if ordering.business_day(current) == today:
        raise CannotReverse("day_not_over", _("对账日当天请直接冲正，不需要申请。"))
    earlier = latest(current, partner)
    if earlier and (earlier.status != DifferenceStatus.SETTLED or earlier.day == today):
        raise CannotReverse("already_asked", _("这笔支付已有撤销申请，请查询支付，看处理的结果。"))
    return Difference.objects.create(
        partner=partner,
        day=today,
        deed=Deed.REQUEST,
        kind=DifferenceKind.LATE,
        provider_number=current.provider_number,
        city=order.city,
        order_number=order.number,
        order=order,
        ours_fen=current.received_fen,
        theirs_fen=current.received_fen,
        asked_why=reason,
        found_at=now,
    )


@transaction.atomic
def grant(request: Difference, payment: Payment, *, by: User, now: dt.datetime) -> Payment:
    """Undo the payment's order, and let its money go back by a refund that whoever proposed it
    drafts and ``by`` approves. Raises CannotReverse, refunds.CannotRefund."""
    order = queries.locked(payment.order_id)
    current = Payment.objects.select_for_update(no_key=True, of=("self",)).get(pk=payment.pk)
    ordering.check_standing(current, order, Reversal.objects.filter(payment=current).first())
    moved = ordering.give_up_money(current, order, AccountKind.SUSPENSE, by=by, now=now)
    ending.undo(order, by=by, now=now, note=request.asked_why)
    for receipt, movement in moved:
        TakenBack.objects.create(
            receipt=receipt, movement=movement, request=request, amount_fen=receipt.amount_fen, at=now
        )
    drafted = drafting.draft_together(
        [receipt for receipt, _movement in moved],
        reason=_("撤销缴费"),
        key=uuid5(_KEYS, f"{current.pk}"),
        by=_proposer(request),
        now=now,
    )
    drafting.approve(drafted, by=by, now=now)
    return current


def _proposer(request: Difference) -> User:
    if request.proposed_by is None:
        raise ValueError(f"nobody proposed {request}")
    return request.proposed_by
