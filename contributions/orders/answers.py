"""The answers of providers about payments, and their effects: a payment is booked, held, failed or
asked about again.

``take_answer`` is the only place where a provider's answer takes effect.
"""

import datetime as dt
import hashlib
import logging
from dataclasses import replace
from enum import Enum, auto

from django.db import transaction
from django.utils.translation import gettext as _

from contributions.books import receiving
from contributions.books.receiving import Money
from contributions.channels.protocol import Answer, Outcome
from contributions.models import Charge, Entry, Order, OrderStatus, Payment, PaymentStatus
from contributions.orders import ending, other_parts, queries
from contributions.orders.other_parts import OtherPart
from contributions.orders.payment_lifecycle import move_payment
from portal.accounts.models import User
from portal.shared.months import CHINA, today_in_china
from portal.watch import failures

log = logging.getLogger(__name__)
# The kept length of a provider's number: a receipt appends the charge's id to it.
_LONGEST_NUMBER = 40
# Nobody pays more at once.
MOST_FEN = 10**15
# By how much a provider's clock may differ from ours.
CLOCKS_DIFFER = dt.timedelta(minutes=5)


def take_answer(
    answer: Answer,
    *,
    channel: str,
    by: User,
    now: dt.datetime,
    how: str,
    closing: bool = False,
    refuse_used_number: bool = False,
) -> Payment | None:
    """Let a provider's answer take effect, whichever way and however often it came; None where
    there is no such payment.

    Success pays the order's charges, or credits its top-up or lump sum, at once: receipts or
    movement, ledger entry and statuses in one transaction. Where the order has ended, or another
    payment has paid it, the money is recorded and not applied; where the sum is another, or the
    provider's number stands for another payment, it is held, staff are told and nothing is paid.
    So it is where the months of a lump sum count already. A success of no sum ends the payment as
    failed, and staff are told. Failure ends a payment that is under way (closed where we asked for
    that); it never undoes a success. With ``refuse_used_number`` AlreadyReceived is raised instead
    of holding the money.
    """
    answer = _as_can_be_kept(answer)
    known_payment = Payment.objects.filter(number=answer.number, channel=channel).first()
    if known_payment is None:
        log.error("%s speaks of a payment that is not ours: %s", channel, answer.number)
        return None
    with transaction.atomic():
        order = queries.locked(known_payment.order_id)
        payment = Payment.objects.select_for_update(no_key=True).get(pk=known_payment.pk)
        match answer.outcome:
            case Outcome.SUCCEEDED if answer.amount_fen is not None and not 0 < answer.amount_fen <= MOST_FEN:
                _no_sum(payment, order, answer, by=by, now=now, how=how, closing=closing)
            case Outcome.SUCCEEDED if answer.amount_fen is not None and answer.provider_number:
                used = _stands_for_another(payment, answer.provider_number)
                if used and refuse_used_number:
                    raise receiving.AlreadyReceived(answer.provider_number)
                at = _came_at(order, answer, now)
                money = Money(channel, answer.provider_number, answer.amount_fen, at)
                money_came(payment, order, money, number_used=used, by=by, now=now, how=how)
            case Outcome.FAILED:
                _failed(payment, answer, by=by, now=now, how=how, closing=closing)
            case Outcome.PENDING:
                was = [PaymentStatus.UNKNOWN]
                move_payment(
                    payment, PaymentStatus.STARTED, was=was, by=by, now=now, note=how, why=answer.why
                )
            case _:
                # A success without sum or number is none that could be booked: it is asked again.
                was = [PaymentStatus.STARTED]
                move_payment(payment, PaymentStatus.UNKNOWN, was=was, by=by, now=now, note=how)
    return payment


class OddAnswer(Exception):
    """A provider's answer cannot be taken as it is; the message is for staff, in Chinese."""


def _as_can_be_kept(answer: Answer) -> Answer:
    """The answer with its texts as the database takes them: no NUL, a number that leaves room for a
    receipt's own part."""
    number = answer.provider_number.replace("\0", "").strip()
    if len(number) > _LONGEST_NUMBER:
        number = f"{number[:20]}~{hashlib.sha256(number.encode()).hexdigest()[: _LONGEST_NUMBER - 21]}"
    return replace(
        answer,
        number=answer.number.replace("\0", ""),
        provider_number=number,
        why=answer.why.replace("\0", "")[:200],
    )


def _stands_for_another(payment: Payment, number: str) -> bool:
    """Whether the provider's number belongs to another payment already; some providers start their
    numbers again every day."""
    if payment.provider_number == number:
        return False
    others = Payment.objects.filter(channel=payment.channel, provider_number=number)
    booked = Entry.objects.filter(kind=receiving.KIND, reference=f"{payment.channel}/{number}")
    return others.exclude(pk=payment.pk).exists() or booked.exists()


def _no_sum(
    payment: Payment, order: Order, answer: Answer, *, by: User, now: dt.datetime, how: str, closing: bool
) -> None:
    """End a payment whose success has a sum of zero, below zero or above ``MOST_FEN``; nothing is
    booked. If money did arrive, a later answer of the provider with a right sum still counts."""
    if not payment.live:
        return
    why = _("渠道答复成功，但金额为 %(fen)s 分，没有入账，请与渠道核实。") % {
        "fen": str(answer.amount_fen)[:20]
    }
    _tell_staff(payment, order, _("金额异常"), why, now=now)
    _failed(payment, replace(answer, why=why), by=by, now=now, how=how, closing=closing)


def _tell_staff(payment: Payment, order: Order, what: str, why: str, *, now: dt.datetime) -> None:
    """Show the problem to staff until one of them marks it as done."""
    failures.report("ask_payments", f"{payment.number} {what}", OddAnswer(why), city=order.city, now=now)


def _came_at(order: Order, answer: Answer, now: dt.datetime) -> dt.datetime:
    """When the money came: as the provider says, where that is not before the order's day and not
    in the future, else now."""
    at = answer.at or now
    first = dt.datetime.combine(today_in_china(order.placed_at), dt.time(), CHINA)
    return at if first <= at <= now + CLOCKS_DIFFER else now


class Judgment(Enum):
    """What becomes of money that came for an order."""

    CREDITED = auto()
    # It is as asked for, but the order was paid otherwise, cancelled or over: it goes back.
    ORDER_OVER = auto()
    # It is held, and the order ends unpaid.
    OTHER_SUM = auto()
    NUMBER_USED = auto()
    PAYS_NOTHING = auto()

    @property
    def as_asked(self) -> bool:
        return self in (Judgment.CREDITED, Judgment.ORDER_OVER)

    @property
    def why(self) -> str:
        """Why it is not credited, for the payer and staff; "" where it is."""
        return {
            Judgment.CREDITED: "",
            Judgment.ORDER_OVER: _("订单已完结，款项将原路退回"),
            Judgment.OTHER_SUM: _("到账金额与订单不符，已暂存待核实"),
            Judgment.NUMBER_USED: _("渠道流水号与另一笔支付重复，已暂存待核实"),
            Judgment.PAYS_NOTHING: _("所缴月份已另行缴费或计入，款项已暂存待退回"),
        }[self]


def judge(
    payment: Payment, order: Order, other: OtherPart | None, money: Money, *, number_used: bool
) -> Judgment:
    if number_used:
        return Judgment.NUMBER_USED
    if money.fen != payment.amount_fen:
        return Judgment.OTHER_SUM
    if not order.is_open:
        return Judgment.ORDER_OVER
    return Judgment.PAYS_NOTHING if other_parts.why_not_credit(other) else Judgment.CREDITED


def money_came(
    payment: Payment,
    order: Order,
    money: Money,
    *,
    number_used: bool,
    by: User,
    now: dt.datetime,
    how: str,
) -> None:
    """Book money that came: credited where order, sum and number fit, else held. A second call
    changes nothing."""
    if payment.entry_id is not None:
        known_numbers = (money.number, _marked(payment, money.number))
        if payment.received_fen != money.fen or payment.provider_number not in known_numbers:
            log.error("%s: another success than was booked: %s", payment.number, money)
        return
    other = other_parts.of_order(order)
    judgment = judge(payment, order, other, money, number_used=number_used)
    if number_used:
        money = replace(money, number=_marked(payment, money.number))
    system = User.objects.system()
    entry_id = (
        _book_charges(order, money, judgment, by=system, now=now)
        if other is None
        else _book_other(order, other, money, judgment, by=system, now=now)
    )
    if not judgment.as_asked:
        log.error("%s: %s held, %s fen asked for: %s", payment.number, money, payment.amount_fen, judgment)
    if number_used:
        _tell_staff(payment, order, _("流水号重复"), judgment.why, now=now)
    move_payment(
        payment,
        PaymentStatus.SUCCEEDED if judgment.as_asked else PaymentStatus.HELD,
        was=list(PaymentStatus),
        by=by,
        now=now,
        note=how,
        credited=judgment == Judgment.CREDITED,
        provider_number=money.number,
        received_fen=money.fen,
        entry_id=entry_id,
        why=judgment.why,
    )
    if judgment == Judgment.CREDITED:
        ending.end(order, OrderStatus.PAID, by=by, now=now)
    elif not judgment.as_asked:
        ending.end(order, OrderStatus.CANCELLED, by=by, now=now, note=judgment.why)


def _marked(payment: Payment, number: str) -> str:
    """A provider's number that belongs to another payment, followed by our own number."""
    return f"{number[:30]}#{payment.number}"


def _book_other(
    order: Order, other: OtherPart, money: Money, judgment: Judgment, *, by: User, now: dt.datetime
) -> int:
    """Credit the top-up or lump sum, or hold the money under its order; the entry that booked
    it."""
    if judgment == Judgment.CREDITED:
        return other_parts.credit(other, money, by=by, now=now)
    return receiving.hold_order(order, money, by=by, now=now).entry_id


def _book_charges(order: Order, money: Money, judgment: Judgment, *, by: User, now: dt.datetime) -> int:
    """Receive the money for the order's charges, or hold it under the first of them; the entry that
    booked it."""
    charges = Charge.objects.filter(pk__in=order.lines.values("charge"))
    if not judgment.as_asked:
        return receiving.hold(charges.order_by("pk")[0], money, by=by, now=now).entry_id
    receipts = receiving.receive(
        charges,
        channel=money.channel,
        provider_number=money.number,
        at=money.at,
        by=by,
        now=now,
        apply=judgment == Judgment.CREDITED,
        surcharges=order.lines.filter(surcharge__isnull=False).values_list("surcharge", flat=True),
    )
    return receipts[0].entry_id


def _failed(payment: Payment, answer: Answer, *, by: User, now: dt.datetime, how: str, closing: bool) -> None:
    to = PaymentStatus.CLOSED if closing else PaymentStatus.FAILED
    was = [PaymentStatus.STARTED, PaymentStatus.UNKNOWN]
    move_payment(payment, to, was=was, by=by, now=now, note=how, why=answer.why)
