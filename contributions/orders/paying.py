"""Paying an order: one payment at a time, begun, asked about and closed with the provider, and booked when it says paid.

No transaction is open while a provider is spoken to. ``take_answer`` is the one place where what a provider says takes effect.
"""

import datetime as dt
import hashlib
import logging
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from contributions import channels
from contributions.books import receiving
from contributions.channels.protocol import Answer, Outcome, Refused, Unreachable, Wanted
from contributions.models import Charge, Entry, Order, OrderStatus, Payment, PaymentEvent, PaymentStatus
from contributions.orders import bank_time, ending, payer_kept, queries, top_ups
from contributions.orders.ending import StillPaying
from portal.accounts.models import Notice, User
from portal.policy.book import book
from portal.policy.terms import payment_terms
from portal.shared import identity, money
from portal.shared.months import CHINA, moment_zh, today_in_china
from portal.watch import failures
from portal.watch.failures import Watch

log = logging.getLogger(__name__)

# After how many seconds a provider is asked, and asked again; the last holds for ever after. Most payers are done within two
# minutes, and a provider that is down for an hour is not asked a hundred times.
DELAYS = (20, 20, 30, 60, 120, 300, 600)
# The least time between two questions when the payer watches the page.
WATCHED = dt.timedelta(seconds=3)

# How long before the bank opens whoever paid ahead is told.
REMINDED = dt.timedelta(minutes=10)
REMINDER = "payment-soon"
# A provider's number, as far as it is kept: a receipt puts the charge's behind it.
_LONGEST_NUMBER = 40
# Nobody pays more at once.
MOST_FEN = 10**15
# By how much a provider's clock may differ from ours.
CLOCKS_DIFFER = dt.timedelta(minutes=5)

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class OrderEnded(Exception):
    """The order is paid, cancelled or over: nothing more is begun for it."""


class PaymentUnderWay(Exception):
    """Another channel's payment of the order is under way: it must be known how it ended before a new one is begun."""

    def __init__(self, payment: Payment) -> None:
        super().__init__(payment.number)
        self.payment = payment


class NotOffered(Exception):
    """The city does not offer this channel, or it cannot be used here; the message says more in Chinese where there is more."""


@dataclass(frozen=True, slots=True)
class Device:
    """What the payer holds: some channels lead a phone into their own app."""

    on_phone: bool = False
    address: str = ""


# Begin


def start_payment(
    *,
    order: Order,
    channel: str,
    payer: Mapping[str, str] | None = None,
    device: Device = Device(),  # frozen
    by: User,
    now: dt.datetime,
) -> Payment:
    """Begin to pay an order through a channel, or give the payment of it that is under way there already.

    Outside the bank's hours the payment is queued until they begin (``start_at``) and may be dropped until then. Raises
    OrderEnded, PaymentUnderWay (by another channel), NotOffered; channels' Refused where the provider does not take it, and the
    payment has failed then. Where the provider does not answer, the payment's status is UNKNOWN.
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
    standing = queries.under_way(current)
    if standing is not None:
        if standing.channel != channel:
            raise PaymentUnderWay(standing)
        return standing, False
    if not current.is_open or now >= current.expires_at:
        raise OrderEnded(current.number)
    on = today_in_china(now)
    if channel not in [one.code for one in channels.available(current.city, on=on)]:
        raise NotOffered
    start_at = bank_time.opening(current.city, now)
    if today_in_china(start_at) > on and _has_todays_price(current):
        # What was laid on top is a sum of today: by the bank's opening it is another.
        raise NotOffered(
            _("订单中的补缴金额按日计算，银行下次营业已是另一天，请取消订单，届时重新下单支付。")
        )
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
        ask_at=None if start_at > now else now + _delay(0),
    )
    if start_at > now:
        _wait_until(current, start_at)
    _event(payment, by=by, now=now)
    return payment, True


def _has_todays_price(order: Order) -> bool:
    """Whether interest or a late fee up to today is part of the order's sum."""
    return order.lines.filter(surcharge__isnull=False).exists()


def _wait_until(order: Order, start_at: dt.datetime) -> None:
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
    """Tell the provider of a payment that has started; its number makes twice once. Raises Refused after the payment failed."""
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
    """Complete a payment by the code from a text message; what is still to be done, in Chinese ("" where nothing is).

    Twice is once: the provider goes by the payment's number.
    """
    if payment.status not in (PaymentStatus.STARTED, PaymentStatus.UNKNOWN):
        return ""
    try:
        answer = channels.channel(payment.channel).confirm(payment.number, code)
        if answer.outcome == Outcome.FAILED:
            # Refused because it was wrong, or because it had come through before: only asking tells.
            asked = channels.channel(payment.channel).ask(payment.number)
            answer = asked if asked.outcome != Outcome.FAILED else answer
    except (Unreachable, channels.ChannelUnavailable) as problem:
        log.warning("%s %s: %s", payment.channel, payment.number, problem)
        answer = Answer(payment.number, Outcome.UNKNOWN)
    take_answer(answer, channel=payment.channel, by=by, now=now, how=_("短信验证码确认"))
    payment.refresh_from_db()
    return answer.why if answer.outcome == Outcome.PENDING else ""


# Ask


def ask(payment: Payment, *, by: User, now: dt.datetime) -> Payment:
    """Ask the provider what became of a payment, where nobody else is just asking; the answer takes effect. An answer that cannot
    take effect is kept for staff, and the payment stays as it is."""
    if _claim(payment, now):
        with Watch("ask_payments", now=now).item(payment.number, city=payment.order.city):
            _ask(payment, by=by, now=now)
    payment.refresh_from_db()
    return payment


def ask_watched(payment: Payment, *, by: User, now: dt.datetime) -> Payment:
    """``ask`` for a payer who watches the page: before its time, but not more often than every three seconds."""
    if (
        payment.live
        and payment.ask_at is not None
        and payment.ask_at - _delay(payment.asked) + WATCHED <= now
    ):
        return ask(payment, by=by, now=now)
    return payment


def ask_due(*, by: User, now: dt.datetime, limit: int = 200) -> int:
    """Ask about every payment whose time it is, each by one worker; how many were asked about. One that fails is asked about
    again when its time comes, and does not keep the others."""
    asked, watch = 0, Watch("ask_payments", now=now)
    while asked < limit:
        payment = _next_due(now)
        if payment is None:
            break
        asked += 1
        with watch.item(payment.number, city=payment.order.city):
            if payment.order.is_open and now < payment.order.expires_at:
                _ask(payment, by=by, now=now)
            else:
                _close_with_provider(payment, by=by, now=now)
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
        return payment if payment is not None and _claim(payment, now) else None


def _claim(payment: Payment, now: dt.datetime) -> bool:
    """Whether the question is ours to ask: moved on to its next time by compare-and-set, before it is asked."""
    return bool(
        Payment.objects.filter(pk=payment.pk, live=True, asked=payment.asked, ask_at__isnull=False).update(
            asked=F("asked") + 1, ask_at=now + _delay(payment.asked + 1)
        )
    )


def _ask(payment: Payment, *, by: User, now: dt.datetime) -> None:
    try:
        answer = channels.channel(payment.channel).ask(payment.number)
    except (Unreachable, channels.ChannelUnavailable) as problem:
        log.warning("%s %s: %s", payment.channel, payment.number, problem)
        answer = Answer(payment.number, Outcome.UNKNOWN)
    take_answer(answer, channel=payment.channel, by=by, now=now, how=_("向渠道查询"))


# Close


def drop(payment: Payment, *, by: User, now: dt.datetime) -> Payment:
    """End a payment that is under way, with its provider; one that was made after all is booked instead.

    Raises StillPaying where the provider does not say.
    """
    if payment.status == PaymentStatus.QUEUED:
        with transaction.atomic():
            queries.locked(payment.order_id)
            _move(
                payment, PaymentStatus.CLOSED, was=[PaymentStatus.QUEUED], by=by, now=now, note=_("取消等待")
            )
    payment.refresh_from_db()
    if payment.live:
        with Watch("ask_payments", now=now).item(payment.number, city=payment.order.city):
            _close_with_provider(payment, by=by, now=now)
        payment.refresh_from_db()
    if payment.live:
        raise StillPaying(payment.number)
    return payment


def cancel(order: Order, *, by: User, now: dt.datetime) -> Order:
    """Cancel an open order, ending what is under way first; an order that turns out paid stays paid. Raises StillPaying."""
    payment = queries.under_way(order)
    if payment is not None:
        drop(payment, by=by, now=now)
    return ending.cancel_unpaid(order, by=by, now=now)


def _close_with_provider(payment: Payment, *, by: User, now: dt.datetime) -> None:
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


# What the schedule does


def start_queued(*, by: User, now: dt.datetime) -> int:
    """Start the payments that waited for the bank to open; those that find it closed wait for the next time."""
    begun, watch = 0, Watch("start_queued_payments", now=now)
    waiting = Payment.objects.filter(status=PaymentStatus.QUEUED)
    for payment in waiting.filter(start_at__lte=now).select_related("order").order_by("start_at", "pk"):
        with watch.item(payment.number, city=payment.order.city):
            if _begin_queued(payment, by=by, now=now):
                begun += 1
                _announce_queued(payment, by=by, now=now)
    watch.only(lambda numbers: list(waiting.filter(number__in=numbers).values_list("number", flat=True)))
    return begun


def remind_queued(*, now: dt.datetime) -> int:
    """Tell who paid ahead that the bank opens soon, and where its code is to be typed: once for each payment, also by text
    message. How many were told."""
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
def _begin_queued(payment: Payment, *, by: User, now: dt.datetime) -> bool:
    order = queries.locked(payment.order_id)
    start_at = bank_time.opening(order.city, now)
    if start_at > now and order.is_open:
        _wait_until(order, start_at)
        Payment.objects.filter(pk=payment.pk, status=PaymentStatus.QUEUED).update(start_at=start_at)
        return False
    if not order.is_open:
        _move(payment, PaymentStatus.CLOSED, was=[PaymentStatus.QUEUED], by=by, now=now)
        return False
    _wait_until(order, now)
    if not _move(payment, PaymentStatus.STARTED, was=[PaymentStatus.QUEUED], by=by, now=now):
        return False
    Payment.objects.filter(pk=payment.pk).update(ask_at=now + _delay(0))
    return True


def end_overdue(*, by: User, now: dt.datetime) -> int:
    """Expire the orders whose time is over. A payment under way is closed with its provider first, by ``ask_due``; until its end
    is known the order waits."""
    ended, watch = 0, Watch("end_overdue_orders", now=now)
    overdue = Order.objects.filter(status=OrderStatus.OPEN, expires_at__lte=now).order_by("expires_at", "pk")
    for order in overdue.exclude(payments__live=True):
        with watch.item(order.number, city=order.city), suppress(StillPaying):
            ended += ending.expire(order, by=by, now=now).status == OrderStatus.EXPIRED
    watch.only(lambda numbers: list(overdue.filter(number__in=numbers).values_list("number", flat=True)))
    return ended


# What a provider says


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
    """Let a provider's answer take effect, whichever way and however often it came; None where there is no such payment.

    Success pays the order's charges, or credits its top-up, at once: receipts or movement, ledger entry and statuses in one
    transaction. Where the order has ended, or another payment has paid it, the money is recorded and not applied; where the sum
    is another, or the provider's number stands for another payment, it is held, staff are told and nothing is paid. A success of
    no sum ends the payment as failed, and staff are told. Failure ends a payment that is under way (closed where we asked for
    that); it never undoes a success. With ``refuse_used_number`` AlreadyReceived is raised instead of holding the money.
    """
    answer = _as_can_be_kept(answer)
    found = Payment.objects.filter(number=answer.number, channel=channel).first()
    if found is None:
        log.error("%s speaks of a payment that is not ours: %s", channel, answer.number)
        return None
    with transaction.atomic():
        order = queries.locked(found.order_id)
        payment = Payment.objects.select_for_update(no_key=True).get(pk=found.pk)
        match answer.outcome:
            case Outcome.SUCCEEDED if answer.amount_fen is not None and not 0 < answer.amount_fen <= MOST_FEN:
                _no_sum(payment, order, answer, by=by, now=now, how=how, closing=closing)
            case Outcome.SUCCEEDED if answer.amount_fen is not None and answer.provider_number:
                used = _stands_for_another(payment, answer.provider_number)
                if used and refuse_used_number:
                    raise receiving.AlreadyReceived(answer.provider_number)
                _money_came(
                    payment, order, answer, answer.amount_fen, number_used=used, by=by, now=now, how=how
                )
            case Outcome.FAILED:
                _failed(payment, answer, by=by, now=now, how=how, closing=closing)
            case Outcome.PENDING:
                was = [PaymentStatus.UNKNOWN]
                _move(payment, PaymentStatus.STARTED, was=was, by=by, now=now, note=how, why=answer.why)
            case _:
                # A success without sum or number is none that could be booked: it is asked again.
                was = [PaymentStatus.STARTED]
                _move(payment, PaymentStatus.UNKNOWN, was=was, by=by, now=now, note=how)
    return payment


class OddAnswer(Exception):
    """What a provider said that cannot be taken as it is; the message is for staff, in Chinese."""


def _as_can_be_kept(answer: Answer) -> Answer:
    """The answer with its texts as the database takes them: no NUL, a number that leaves room for a receipt's own part."""
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
    """Whether the provider's number is another payment's already; some count anew every day."""
    if payment.provider_number == number:
        return False
    others = Payment.objects.filter(channel=payment.channel, provider_number=number)
    booked = Entry.objects.filter(kind=receiving.KIND, reference=f"{payment.channel}/{number}")
    return others.exclude(pk=payment.pk).exists() or booked.exists()


def _no_sum(
    payment: Payment, order: Order, answer: Answer, *, by: User, now: dt.datetime, how: str, closing: bool
) -> None:
    """A success of nothing, of less, or of more than there is: nothing is booked, and the payment ends. Should money have come
    all the same, the provider says so, and then it counts."""
    if not payment.live:
        return
    why = _("渠道答复成功，但金额为 %(fen)s 分，没有入账，请与渠道核实。") % {
        "fen": str(answer.amount_fen)[:20]
    }
    _tell_staff(payment, order, _("金额异常"), why, now=now)
    _failed(payment, replace(answer, why=why), by=by, now=now, how=how, closing=closing)


def _tell_staff(payment: Payment, order: Order, what: str, why: str, *, now: dt.datetime) -> None:
    """Put it before staff until one of them says that it is dealt with."""
    failures.report("ask_payments", f"{payment.number} {what}", OddAnswer(why), city=order.city, now=now)


def _came_at(order: Order, answer: Answer, now: dt.datetime) -> dt.datetime:
    """When the money came: as the provider says, where that is not before the order's day and not in the future, else now."""
    at = answer.at or now
    first = dt.datetime.combine(today_in_china(order.placed_at), dt.time(), CHINA)
    return at if first <= at <= now + CLOCKS_DIFFER else now


def _money_came(
    payment: Payment,
    order: Order,
    answer: Answer,
    amount_fen: int,
    *,
    number_used: bool,
    by: User,
    now: dt.datetime,
    how: str,
) -> None:
    if payment.entry_id is not None:
        told = (payment.provider_number, payment.received_fen)
        if told not in (
            (answer.provider_number, amount_fen),
            (_marked(payment, answer.provider_number), amount_fen),
        ):
            log.error("%s %s: another success than was booked: %s", payment.channel, payment.number, answer)
        return
    top_up = top_ups.of_order(order)
    system, at = User.objects.system(), _came_at(order, answer, now)
    number = _marked(payment, answer.provider_number) if number_used else answer.provider_number
    source = {"channel": payment.channel, "provider_number": number}
    exact = amount_fen == payment.amount_fen and not number_used
    credited = exact and order.is_open
    if top_up is not None and credited:
        entry_id = top_ups.credit(top_up, payment, provider_number=number, by=system, now=now).entry_id
    elif top_up is not None:
        entry_id = receiving.hold_top_up(
            top_up, **source, amount_fen=amount_fen, at=at, by=system, now=now
        ).entry_id
    else:
        entry_id = _receive(order, source, amount_fen, exact, credited, at=at, by=system, now=now)
    odd = (
        _("渠道流水号与另一笔支付重复，已暂存待核实")
        if number_used
        else _("到账金额与订单不符，已暂存待核实")
    )
    if not exact:
        log.error(
            "%s %s: %s fen came where %s were asked for, number used before: %s; held",
            payment.channel,
            payment.number,
            amount_fen,
            payment.amount_fen,
            number_used,
        )
    if number_used:
        _tell_staff(payment, order, _("流水号重复"), odd, now=now)
    _move(
        payment,
        PaymentStatus.SUCCEEDED if exact else PaymentStatus.HELD,
        was=list(PaymentStatus),
        by=by,
        now=now,
        note=how,
        credited=credited,
        provider_number=number,
        received_fen=amount_fen,
        entry_id=entry_id,
        why="" if credited else _("订单已完结，款项将原路退回") if exact else odd,
    )
    if credited:
        ending.end(order, OrderStatus.PAID, by=by, now=now)
    elif not exact:
        ending.end(order, OrderStatus.CANCELLED, by=by, now=now, note=odd)


def _marked(payment: Payment, number: str) -> str:
    """A provider's number that stood for another payment, with ours behind it."""
    return f"{number[:30]}#{payment.number}"


def _receive(
    order: Order,
    source: Mapping[str, str],
    amount_fen: int,
    exact: bool,
    credited: bool,
    *,
    at: dt.datetime,
    by: User,
    now: dt.datetime,
) -> int:
    """Receive what was paid for an order's charges; the entry that booked it."""
    charges = Charge.objects.filter(pk__in=order.lines.values("charge"))
    if exact:
        on_top = order.lines.filter(surcharge__isnull=False).values_list("surcharge", flat=True)
        receipts = receiving.receive(
            charges,
            channel=source["channel"],
            provider_number=source["provider_number"],
            at=at,
            by=by,
            now=now,
            apply=credited,
            surcharges=on_top,
        )
        return receipts[0].entry_id
    held = charges.order_by("pk")[0]
    return receiving.hold(held, **source, amount_fen=amount_fen, at=at, by=by, now=now).entry_id


def _failed(payment: Payment, answer: Answer, *, by: User, now: dt.datetime, how: str, closing: bool) -> None:
    to = PaymentStatus.CLOSED if closing else PaymentStatus.FAILED
    was = [PaymentStatus.STARTED, PaymentStatus.UNKNOWN]
    _move(payment, to, was=was, by=by, now=now, note=how, why=answer.why)


def _move(
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
    live = to in (PaymentStatus.QUEUED, PaymentStatus.STARTED, PaymentStatus.UNKNOWN)
    if not live:
        changes |= {"live": False, "ended_at": now, "ask_at": None, "payer": {}}
    moved = Payment.objects.filter(pk=payment.pk, status__in=was).exclude(status=to)
    if not moved.update(status=to, **changes):
        return False
    payment.refresh_from_db()
    _event(payment, by=by, now=now, note=note)
    return True


def _event(payment: Payment, *, by: User, now: dt.datetime, note: str = "") -> None:
    PaymentEvent.objects.create(payment=payment, at=now, by=by, status=payment.status, note=note)


def _delay(asked: int) -> dt.timedelta:
    return dt.timedelta(seconds=DELAYS[min(asked, len(DELAYS) - 1)])


def mark_reversed(payment: Payment, *, by: User, now: dt.datetime, note: str) -> None:
    """Record that a credited payment was given back by the channel that took it; inside the transaction that undoes its order."""
    _move(payment, PaymentStatus.REVERSED, was=[PaymentStatus.SUCCEEDED], by=by, now=now, note=note[:200])


def new_number(city: str, now: dt.datetime) -> str:
    """A fresh payment number: 27 characters that every provider takes, and that nobody guesses."""
    tail = "".join(secrets.choice(_ALPHABET) for _place in range(12))
    return f"P{now.astimezone(CHINA):%Y%m%d}{book().city(city).code}{tail}"
