"""The page of one order: what, how much and why, until when, and how to pay or what became of
it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contributions import channels
from contributions.models import (
    PAYMENT_LIFE_CYCLE,
    LumpSumPart,
    Order,
    OrderLine,
    Payment,
    PaymentStatus,
    TopUp,
)
from contributions.orders import lump_sums, of_employers, other_parts, top_ups
from contributions.orders.insurance_year import SERVICE as CHILD
from contributions.orders.other_parts import OtherPart
from contributions.orders.payable import SERVICE
from contributions.pages.orders.forms import ChannelForm
from contributions.pages.orders.own import city_context, login_of, own_order
from contributions.pages.orders.parts import parts_of
from contributions.pages.orders.situation import (
    Situation,
    channel_codes,
    opening_of,
    situation_of,
    state_words,
    tone_of,
    waiting,
)
from contributions.refunds import held_money
from portal.accounts.models import User
from portal.accounts.permissions import login_required_any
from portal.policy.book import book
from portal.policy.passages import Passage
from portal.shared import identity
from portal.shared.insurance import Capacity
from portal.web.wards import address_for


class Kind(StrEnum):
    """What an order is for."""

    TOP_UP = "top_up"
    LUMP_SUM = "lump_sum"
    EMPLOYER = "employer"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Words:
    """What the page calls an order of contributions, of a top-up or of a lump sum."""

    caption: Promise
    pay: Promise
    paid: Promise
    paid_sum: Promise
    contents: Promise
    notice: Promise


CONTRIBUTIONS = Words(
    caption=gettext_lazy("缴费订单"),
    pay=gettext_lazy("支付缴费订单"),
    paid=gettext_lazy("缴费成功"),
    paid_sum=gettext_lazy("实缴金额"),
    contents=gettext_lazy("缴费明细"),
    notice=gettext_lazy("缴费须知"),
)
TOP_UP = Words(
    caption=gettext_lazy("社保卡个人账户充值"),
    pay=gettext_lazy("支付充值订单"),
    paid=gettext_lazy("充值成功"),
    paid_sum=gettext_lazy("充值金额"),
    contents=gettext_lazy("充值内容"),
    notice=gettext_lazy("充值须知"),
)


LUMP_SUM = Words(
    caption=gettext_lazy("一次性缴费订单"),
    pay=gettext_lazy("支付一次性缴费订单"),
    paid=gettext_lazy("缴费成功"),
    paid_sum=gettext_lazy("实缴金额"),
    contents=gettext_lazy("缴费内容"),
    notice=gettext_lazy("缴费须知"),
)


@never_cache
@require_safe
@login_required_any
def show(request: HttpRequest, number: str) -> HttpResponse:
    """The page of an order of one's own."""
    return order_page(request, own_order(request, number))


def order_page(request: HttpRequest, order: Order, form: ChannelForm | None = None) -> HttpResponse:
    """The page of an order; ``form`` is the choice of a channel that was not valid."""
    now = timezone.now()
    payments = list(order.payments.order_by("begun_at", "pk"))
    current = next((payment for payment in payments if payment.live), None)
    other = other_parts.of_order(order)
    kind = _kind(order, other)
    situation = situation_of(order, current, now)
    context = {
        "order": order,
        "kind": kind,
        "words": {Kind.TOP_UP: TOP_UP, Kind.LUMP_SUM: LUMP_SUM}.get(kind, CONTRIBUTIONS),
        "state": state_words(order, now, other),
        "tone": tone_of(order, now),
        **_payments(payments),
        **_other(other),
        **(_employers(order) if order.employer_id else _persons(order, other, login_of(request))),
        **city_context(order),
    }
    match situation:
        case Situation.PAYABLE:
            context |= _payable(order, payments, form, now)
        case Situation.UNDER_WAY | Situation.PAID if current:
            late = order.is_open and now >= order.expires_at
            context |= {"current": current, "late": late, **waiting(order, current)}
    if situation is Situation.PAID:
        context["dispute"] = _dispute(order)
    return render(request, f"contributions/orders/order/{situation}.html", context)


def _payments(payments: Sequence[Payment]) -> dict[str, Any]:
    """What became of each payment: the one that paid the order, and those whose money paid
    nothing."""
    kept = {
        payment.pk: held_money.returned_of(payment)
        for payment in payments
        if payment.entry_id and not payment.credited
    }
    credited = next((payment for payment in payments if payment.credited), None)
    return {
        "payments": [
            {
                "payment": payment,
                "channel": channels.title(payment.channel),
                # Money that paid nothing is no success to whoever paid it.
                "tone": ("quiet" if kept[payment.pk].whole else "warn")
                if payment.pk in kept
                else PAYMENT_LIFE_CYCLE.tone(payment.status),
                "state": _("未记入，{state}").format(state=kept[payment.pk].words)
                if payment.pk in kept
                else payment.get_status_display(),
            }
            for payment in payments
        ],
        "kept": [(payment, kept[payment.pk]) for payment in payments if payment.pk in kept],
        "credited": credited,
        "paid_by": channels.title(credited.channel) if credited else "",
    }


def _payable(
    order: Order, payments: Sequence[Payment], form: ChannelForm | None, now: dt.datetime
) -> dict[str, Any]:
    """What payable.html has of its own."""
    last = payments[-1] if payments else None
    failed = last is not None and last.status == PaymentStatus.FAILED
    return {
        "form": form or ChannelForm(codes=channel_codes(order, now)),
        "failed": (last.why.rstrip("。") or _("这次支付没有成功")) if last and failed else "",
        "minutes": max(0, int((order.expires_at - now).total_seconds() // 60)),
        "opening": opening_of(order, now),
    }


def _kind(order: Order, other: OtherPart | None) -> Kind:
    if other is not None:
        return Kind.TOP_UP if isinstance(other, TopUp) else Kind.LUMP_SUM
    return Kind.EMPLOYER if order.employer_id else Kind.PERSON


def _other(other: OtherPart | None) -> dict[str, Any]:
    """What the page of a top-up or a lump sum has of its own."""
    if isinstance(other, TopUp):
        return {
            "top_up": other,
            "card": identity.mask_account(other.card_number),
            "balance_fen": top_ups.balance_fen(other),
        }
    if other is None:
        return {}
    bill = other.bill
    return {"bill": bill, "what": lump_sums.what(bill), "why": lump_sums.derivation_of(bill)}


def _service(lines: Sequence[OrderLine], other: OtherPart | None) -> str:
    """The service by which such an order is placed."""
    if other is not None:
        return top_ups.SERVICE if isinstance(other, TopUp) else other.bill.case.service
    return CHILD if any(line.charge.capacity == Capacity.CHILD for line in lines) else SERVICE


def _persons(order: Order, other: OtherPart | None, user: User) -> dict[str, Any]:
    """What the page of a person's order has of its own: every line, and why it is that amount."""
    lines = list(
        order.lines.select_related("charge__public_share").order_by("charge__month", "charge__insurance")
    )
    offer = book().city(order.city).offers.get(_service(lines, other))
    again = reverse("service", args=[order.city, offer.code]) if offer else ""
    if isinstance(other, LumpSumPart):
        again = reverse("lump-sum", args=[other.bill.case.number])
    return {
        "lines": lines,
        "parts": parts_of(lines, explained=True),
        "again": address_for(again, order.person if order.person_id != user.person_id else None),
        "notice": offer.notice if offer else (),
    }


def _employers(order: Order) -> dict[str, Any]:
    """What the page of an employer's order has of its own: sums in place of lines, which the
    assessment has."""
    assessment = of_employers.assessment_of(order)
    address = reverse("employer-assessment", args=[assessment.pk]) if assessment else ""
    return {
        "staff_parts": of_employers.sums([order])[order.pk],
        "assessment": assessment,
        "again": address,
        "notice": tuple(
            Passage((sentence,))
            for sentence in (
                *(
                    [_("请在支付截止前完成支付。逾期订单自动取消，可以在应缴核定页重新下单。")]
                    if order.is_open
                    else []
                ),
                _("已经付款的，不要重复支付，也不要再汇款；结果以本页显示为准。"),
                *([_("过了缴费期限，按日加收滞纳金。")] if order.is_open else []),
                _("请保留缴费凭证。"),
            )
        ),
    }


def _dispute(order: Order) -> str:
    """Where the person can object to what this order paid; empty where the city takes no
    objections."""
    taken = order.person_id is not None and "payment-dispute" in book().city(order.city).offers
    return reverse("service", args=[order.city, "payment-dispute"]) if taken else ""
