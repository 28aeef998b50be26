"""Paying an order: by which channel, how the payer goes on, and ending a payment or the order."""

from collections.abc import Mapping

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contributions import channels
from contributions.channels.protocol import Refused
from contributions.models import Order, OrderStatus, Payment, PaymentStatus
from contributions.orders import asking, closing, paying, queries
from contributions.orders.ending import StillPaying
from contributions.pages.orders.forms import CardForm, ChannelForm, CodeForm
from contributions.pages.orders.order import order_page
from contributions.pages.orders.own import city_context, login_of, own_order
from contributions.pages.orders.situation import channel_codes, is_payable, opening_of, waiting
from portal.accounts.lockout import client_address
from portal.accounts.models import User
from portal.accounts.permissions import login_required_any


@require_POST
@login_required_any
def pay(request: HttpRequest, number: str) -> HttpResponseBase:
    """Begins to pay by the chosen channel. The price is the order's, whatever a form says about
    it."""
    order, now = own_order(request, number), timezone.now()
    form = ChannelForm(request.POST, codes=channel_codes(order, now))
    if not form.is_valid():
        return order_page(request, order, form)
    channel = form.cleaned_data["channel"]
    if channel == "card" and queries.under_way(order) is None:
        return redirect("order-card", order.number)
    return _begin(request, order, channel, {})[0]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def card(request: HttpRequest, number: str) -> HttpResponseBase:
    """The card that pays, and the button that says how much."""
    order, now = own_order(request, number), timezone.now()
    if not is_payable(order, now) or queries.under_way(order) or "card" not in channel_codes(order, now):
        return redirect("order", order.number) if not queries.under_way(order) else _to_payment(order)
    # A guardian pays a ward's order with a card of their own.
    payer = login_of(request).person or order.person
    form = CardForm(
        request.POST if request.method == "POST" else None,
        # Banks take numbers of 18 digits only.
        initial={
            "holder": payer.name,
            "identity_number": "" if payer.paper_kind else payer.identity_number,
            "phone": payer.phone,
        }
        if payer
        else {},
    )
    if request.method == "POST" and form.is_valid():
        answer, refusal = _begin(request, order, "card", form.cleaned_data)
        if refusal is None:
            return answer
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.why)
    context = {"order": order, "form": form, "opening": opening_of(order, now), **city_context(order)}
    return render(request, "contributions/orders/card.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def payment(request: HttpRequest, number: str) -> HttpResponseBase:
    """How the payer goes on: types the code, scans, follows the link, or waits."""
    order, now = own_order(request, number), timezone.now()
    current = queries.under_way(order)
    if current is None or order.status == OrderStatus.PAID:
        # What came by another payment has paid it: nobody is asked to pay again.
        return redirect("order", order.number)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and current.needs_code and form.is_valid():
        left = paying.confirm(current, form.cleaned_data["code"].strip(), by=login_of(request), now=now)
        if not left:
            return _after(request, order)
        form.add_error("code", left)
    waits = waiting(order, current)
    return render(
        request,
        "contributions/orders/payment.html",
        {
            "order": order,
            "payment": current,
            "title": channels.title(current.channel),
            "form": form if current.needs_code and not waits["unknown"] and not waits["over"] else None,
            "qr": _qr(current),
            "state_url": _state_url(order, current),
            **waits,
            **city_context(order),
        },
    )


@never_cache
@require_safe
@login_required_any
def state(request: HttpRequest, number: str) -> HttpResponse:
    """The part of the payment's page that is looked at again and again.

    When all is said, or when there is more to do than the page shows, it says where the page goes
    on.
    """
    order, now = own_order(request, number), timezone.now()
    current = queries.under_way(order)
    if current is not None:
        current = asking.ask_watched(current, by=User.objects.system(), now=now)
    if current is None or not current.live or order.status == OrderStatus.PAID:
        return _go("order", order)
    if request.GET.get("seen", current.status) != current.status:
        return _go("order-payment", order)
    return render(request, "contributions/orders/state.html", {"order": order, **waiting(order, current)})


@require_POST
@login_required_any
def drop(request: HttpRequest, number: str) -> HttpResponseBase:
    """Ends the payment that is under way, to pay in another way."""
    order, now = own_order(request, number), timezone.now()
    current = queries.under_way(order)
    if current is not None:
        try:
            closing.drop(current, by=login_of(request), now=now)
        except StillPaying:
            messages.warning(request, _("支付渠道还没有给出结果，正在核实。结果明确之前请不要另行支付。"))
            return _to_payment(order)
        order.refresh_from_db()
        if order.is_open:
            messages.info(request, _("刚才的支付已关闭，没有扣款。请重新选择支付方式。"))
    return redirect("order", order.number)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def cancel(request: HttpRequest, number: str) -> HttpResponseBase:
    """Asks before an order is cancelled, and cancels it."""
    order = own_order(request, number)
    if not order.is_open:
        return redirect("order", order.number)
    if request.method == "POST":
        try:
            ended = closing.cancel(order, by=login_of(request), now=timezone.now())
        except StillPaying:
            messages.warning(request, _("支付渠道还没有给出结果，正在核实，订单暂不能取消。"))
            return _to_payment(order)
        if ended.status == OrderStatus.CANCELLED:
            messages.success(request, _("订单已取消，没有扣款。"))
        return redirect("order", order.number)
    context = {"order": order, "back_url": reverse("order", args=[order.number]), **city_context(order)}
    return render(request, "contributions/orders/cancel.html", context)


def _go(name: str, order: Order) -> HttpResponse:
    """Sends a page that looks again and again to another one."""
    answer = HttpResponse(status=286)
    answer["Hall-Go"] = reverse(name, args=[order.number])
    return answer


def _state_url(order: Order, current: Payment) -> str:
    """Where a payment's page looks again.

    One that only waits says so, and is drawn anew when there is something to do.
    """
    waits = current.status in (PaymentStatus.UNKNOWN, PaymentStatus.QUEUED)
    return reverse("order-state", args=[order.number]) + (f"?seen={current.status}" if waits else "")


def _begin(
    request: HttpRequest, order: Order, channel: str, payer: Mapping[str, str]
) -> tuple[HttpResponseBase, Refused | None]:
    """Begins a payment and gives the page that follows; and the provider's refusal, where it
    refused."""
    by, now = login_of(request), timezone.now()
    device = paying.Device(on_phone=_on_phone(request), address=client_address(request))
    try:
        paying.start_payment(order=order, channel=channel, payer=payer, device=device, by=by, now=now)
    except paying.PaymentUnderWay as other:
        messages.warning(
            request,
            _("这份订单正在用%(channel)s支付。请先完成，或者换一种方式。")
            % {"channel": channels.title(other.payment.channel)},
        )
    except paying.OrderEnded:
        return redirect("order", order.number), None
    except paying.NotOffered as why:
        messages.error(request, str(why) or _("这种支付方式现在不能使用，请换一种。"))
        return redirect("order", order.number), None
    except Refused as refusal:
        if channel != "card":
            messages.error(request, refusal.why)
        return redirect("order", order.number), refusal
    return _to_payment(order), None


def _after(request: HttpRequest, order: Order) -> HttpResponseBase:
    order.refresh_from_db()
    return _to_payment(order) if queries.under_way(order) else redirect("order", order.number)


def _to_payment(order: Order) -> HttpResponseBase:
    return redirect("order-payment", order.number)


def _qr(current: Payment) -> str:
    if not current.qr_text:
        return ""
    return str(segno.make(current.qr_text, error="m").svg_data_uri(scale=6, border=2))


def _on_phone(request: HttpRequest) -> bool:
    return "Mobile" in request.headers.get("User-Agent", "")
