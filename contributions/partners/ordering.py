"""Orders that a partner (a bank's app, a city service) places, and for which it takes the payer's
money itself: it reports what it took, and may give it back the same day.

The partner is the channel. Its signed message is the receipt: the sum that it reports is always
recorded, and credited where the order still waits for exactly that sum. The business day (对账日)
of a booking is the day in China on which the hall booked it; every answer to the partner has it,
and both sides' files use it.
"""

import datetime as dt

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.books import ledger, personal_account
from contributions.books.receiving import AlreadyReceived
from contributions.channels.protocol import Answer, Outcome
from contributions.charges import brought_in
from contributions.models import (
    AccountKind,
    AccountMovement,
    ChargeStatus,
    MovementKind,
    Order,
    OrderStatus,
    Payment,
    PaymentEvent,
    PaymentStatus,
    Receipt,
    Reversal,
)
from contributions.orders import answers, ending, paying, payment_lifecycle, queries
from portal.accounts.models import User
from portal.columns import broken_constraint
from portal.partners.models import Partner
from portal.shared.insurance import Insurance
from portal.shared.months import today_in_china

_DAY_OVER = gettext_lazy(
    "已过对账日，不能冲正，请不要自行退给缴费人：可以申请撤销（refund-request），由经办机构核准后原路退回。"
    "已经退给缴费人的，请列入当天的对账文件，由经办机构按对账差异处理。"
)


class NumberUsed(Exception):
    """The partner used this number before for something else."""


class CannotReverse(Exception):
    """A payment cannot be reversed: a stable ``code``, and the reason in Chinese."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def orders_of(partner: Partner) -> QuerySet[Order]:
    """The orders that the partner placed, and no others."""
    return Order.objects.filter(placed_by=partner.user).select_related("person").order_by("-pk")


def business_day(payment: Payment) -> dt.date | None:
    """The day under which both sides file a payment; None before it is booked."""
    return today_in_china(payment.entry.at) if payment.entry else None


def confirm(
    *,
    order: Order,
    partner: Partner,
    amount_fen: int,
    provider_number: str,
    taken_at: dt.datetime,
    by: User,
    now: dt.datetime,
) -> Payment:
    """Record money that the partner took for an order, under the partner's number. The status of
    the payment says how it was booked.

    It is credited where the order is open and the sum is the order's sum to the fen. Otherwise it
    goes into suspense until it is given back: the order had ended or was paid already (SUCCEEDED,
    not credited), or the sum is another (HELD). The same number again with the same order and sum
    gives the same payment; raises NumberUsed with others.
    """
    try:
        with transaction.atomic():
            current = queries.locked(order.pk)
            earlier = payment_of_number(partner, provider_number, current, amount_fen)
            return earlier or _take(current, partner, amount_fen, provider_number, taken_at, by=by, now=now)
    except (IntegrityError, AlreadyReceived) as error:
        # The number was reported meanwhile for another order, which we do not lock.
        if earlier := payment_of_number(partner, provider_number, order, amount_fen):
            return earlier
        raise NumberUsed(provider_number) from error


def payment_of_number(
    partner: Partner, provider_number: str, order: Order, amount_fen: int
) -> Payment | None:
    payment = Payment.objects.filter(channel=partner.channel, provider_number=provider_number).first()
    if payment and (payment.order_id, payment.received_fen) != (order.pk, amount_fen):
        raise NumberUsed(provider_number)
    return payment


def _take(
    order: Order,
    partner: Partner,
    amount_fen: int,
    provider_number: str,
    taken_at: dt.datetime,
    *,
    by: User,
    now: dt.datetime,
) -> Payment:
    # A payment of the same order that is under way elsewhere continues; the money that comes second
    # is given back.
    elsewhere = queries.under_way(order)
    payment = Payment.objects.create(
        number=paying.new_number(order.city, now),
        order=order,
        channel=partner.channel,
        amount_fen=order.sum_fen,
        status=PaymentStatus.CLOSED if elsewhere else PaymentStatus.STARTED,
        live=elsewhere is None,
        begun_at=now,
        begun_by=by,
        ended_at=now if elsewhere else None,
    )
    PaymentEvent.objects.create(payment=payment, at=now, by=by, status=payment.status)
    answers.take_answer(
        Answer(payment.number, Outcome.SUCCEEDED, amount_fen, provider_number, taken_at),
        channel=partner.channel,
        by=by,
        now=now,
        how=_("合作方通知收款"),
        refuse_used_number=True,
    )
    payment.refresh_from_db()
    return payment


def reverse(
    *,
    payment: Payment,
    provider_number: str,
    reason: str,
    by: User,
    now: dt.datetime,
    late: bool = False,
) -> Reversal:
    """Undo a credited payment that the partner gives back to the payer itself: the order is undone,
    its months are owed as they were, and the money leaves the books by the partner's clearing
    account.

    This is possible on the payment's business day only, except where staff settle a difference
    (``late``). The same number again gives the same reversal. Raises CannotReverse; NumberUsed
    where the number belongs to another reversal.
    """
    try:
        with transaction.atomic():
            order = queries.locked(payment.order_id)
            current = Payment.objects.select_for_update(no_key=True, of=("self",)).get(pk=payment.pk)
            done = Reversal.objects.filter(payment=current).first()
            if done is not None and done.provider_number == provider_number:
                return done
            check_standing(current, order, done)
            if not late and business_day(current) != today_in_china(now):
                raise CannotReverse("day_over", str(_DAY_OVER))
            give_up_money(current, order, AccountKind.CLEARING, by=by, now=now)
            ending.undo(order, by=by, now=now, note=reason)
            payment_lifecycle.mark_reversed(current, by=by, now=now, note=reason)
            return Reversal.objects.create(
                payment=current,
                channel=current.channel,
                provider_number=provider_number,
                reason=reason,
                business_day=today_in_china(now),
                at=now,
                by=by,
            )
    except IntegrityError as error:
        if broken_constraint(error) == "a_providers_number_is_one_reversal":
            raise NumberUsed(provider_number) from error
        raise


def check_standing(payment: Payment, order: Order, done: Reversal | None) -> None:
    """Raise CannotReverse for a payment that is not in force as paid."""
    if done is not None:
        raise CannotReverse("already_reversed", _("这笔支付已经冲正。"))
    if not payment.credited:
        raise CannotReverse("not_credited", _("这笔款项没有入账，由经办机构核实后退回，不能冲正。"))
    if order.status != OrderStatus.PAID:
        raise CannotReverse("already_refunded", _("经办机构已经撤销这笔缴费，款项原路退回，不能再冲正。"))


def give_up_money(
    payment: Payment, order: Order, to: AccountKind, *, by: User, now: dt.datetime
) -> list[tuple[Receipt, AccountMovement]]:
    """Take the credits of a payment back from personal accounts, pooled funds and surcharges,
    receipt by receipt: to clearing where the channel itself gave the money back, to suspense where
    it is still to be refunded. Raises CannotReverse."""
    receipts = (
        list(payment.entry.receipts.select_related("charge__person", "surcharge").order_by("pk"))
        if payment.entry
        else []
    )
    channel = payment.channel if to == AccountKind.CLEARING else ""
    against = ledger.account(city=order.city, kind=to, channel=channel)
    gone_months = {
        (person.pk, insurance): brought_in.gone_months(person, insurance=Insurance(insurance))
        for person, insurance in {(one.of_charge.person, one.of_charge.insurance) for one in receipts}
    }
    moved = []
    for receipt in receipts:
        charge = receipt.of_charge
        surcharge_fen = receipt.surcharge.amount_fen if receipt.surcharge else 0
        if charge.status != ChargeStatus.PAID:
            raise CannotReverse("not_credited", _("这份订单的月份已另行处理，不能冲正，请联系经办机构。"))
        if charge.month in gone_months[charge.person_id, charge.insurance]:
            raise CannotReverse("moved_away", _("这份订单的月份已随关系转出，不能撤销，请联系经办机构。"))
        try:
            movement = personal_account.book_movement(
                person=charge.person,
                city=order.city,
                insurance=Insurance(charge.insurance),
                kind=MovementKind.REVERSED,
                amount_fen=-receipt.account_fen,
                pooled_fen=receipt.account_fen + surcharge_fen - receipt.amount_fen,
                surcharge_fen=-surcharge_fen,
                against=against,
                key=f"reversal/{receipt.pk}",
                by=by,
                now=now,
            )
        except personal_account.Overdrawn as error:
            raise CannotReverse("account_used", _("个人账户余额不足，不能冲正，请联系经办机构。")) from error
        moved.append((receipt, movement))
    return moved
