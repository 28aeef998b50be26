"""The page of one order: what, how much and why, until when, and how to pay or what became of it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contributions import channels
from contributions.models import Order, PaymentStatus, TopUp
from contributions.orders import of_employers, top_ups
from contributions.orders.payable import SERVICE
from contributions.pages.orders.forms import ChannelForm
from contributions.pages.orders.own import city_context, own_order
from contributions.pages.orders.parts import parts_of
from contributions.pages.orders.situation import (
    channel_codes,
    is_payable,
    opening_of,
    state_words,
    tone_of,
    waiting,
)
from contributions.refunds import held_money
from portal.accounts.permissions import login_required_any
from portal.policy.book import book
from portal.policy.passages import Passage
from portal.shared import identity

PAYMENT_LOOKS = {
    PaymentStatus.QUEUED: "info",
    PaymentStatus.STARTED: "info",
    PaymentStatus.UNKNOWN: "warn",
    PaymentStatus.SUCCEEDED: "good",
    PaymentStatus.FAILED: "bad",
    PaymentStatus.CLOSED: "quiet",
    PaymentStatus.HELD: "warn",
    PaymentStatus.REVERSED: "quiet",
}


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
    current = next((one for one in payments if one.live), None)
    payable = current is None and is_payable(order, now)
    failed = payable and payments and payments[-1].status == PaymentStatus.FAILED
    top_up = top_ups.of_order(order)
    kept = {one.pk: held_money.returned_of(one) for one in payments if one.entry_id and not one.credited}
    context = {
        "order": order,
        "payments": [
            {
                "payment": one,
                "channel": channels.title(one.channel),
                # Money that paid nothing is no success to whoever paid it.
                "tone": ("quiet" if kept[one.pk].whole else "warn")
                if one.pk in kept
                else PAYMENT_LOOKS[PaymentStatus(one.status)],
                "state": _("未记入，{state}").format(state=kept[one.pk].words)
                if one.pk in kept
                else one.get_status_display(),
            }
            for one in payments
        ],
        "current": current,
        **(waiting(order, current) if current else {}),
        "kept": [(one, kept[one.pk]) for one in payments if one.pk in kept],
        "credited": next((one for one in payments if one.credited), None),
        "paid_by": next((channels.title(one.channel) for one in payments if one.credited), ""),
        "failed": (payments[-1].why.rstrip("。") or _("这次支付没有成功")) if failed else "",
        "state": state_words(order, now, top_up),
        "tone": tone_of(order, now),
        "payable": payable,
        "over": order.is_open and current is None and not payable,
        "minutes": max(0, int((order.expires_at - now).total_seconds() // 60)),
        "opening": opening_of(order, now) if payable else None,
        "form": (form or ChannelForm(codes=channel_codes(order, now))) if payable else None,
        "late": order.is_open and now >= order.expires_at,
        "dispute": _dispute(order),
        "top_up": top_up,
        "card": identity.mask_account(top_up.card_number) if top_up else "",
        "balance_fen": top_ups.balance_fen(top_up) if top_up else None,
        **(_employers(order) if order.employer_id else _persons(order, top_up)),
        **city_context(order),
    }
    return render(request, "contributions/orders/order.html", context)


def _persons(order: Order, top_up: TopUp | None) -> dict[str, Any]:
    """What the page of a person's order has of its own: every line, and why it is that amount."""
    offer = book().city(order.city).offers.get(top_ups.SERVICE if top_up else SERVICE)
    lines = list(order.lines.select_related("charge").order_by("charge__month", "charge__insurance"))
    return {
        "lines": lines,
        "parts": parts_of(lines, explained=True),
        "again": reverse("service", args=[order.city, offer.code]) if offer else "",
        "notice": offer.notice if offer else (),
    }


def _employers(order: Order) -> dict[str, Any]:
    """What the page of an employer's order has of its own: sums in place of lines, which the assessment has."""
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
    """Where the person can object to what this order paid; empty where the city takes no objections."""
    taken = order.person_id is not None and "payment-dispute" in book().city(order.city).offers
    return reverse("service", args=[order.city, "payment-dispute"]) if taken else ""
