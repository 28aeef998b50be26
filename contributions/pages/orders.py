"""Orders as their payer sees them: what it costs and why, how it is paid, what became of it; and where providers call back."""

import datetime as dt
import hashlib
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.core.exceptions import RequestDataTooBig
from django.core.paginator import Paginator
from django.db import Error, connection
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contributions import channels
from contributions.channels.card import check_payer
from contributions.channels.protocol import Forged, Refused
from contributions.models import (
    ORDER_LIFE_CYCLE,
    PAYMENT_LIFE_CYCLE,
    Charge,
    ChargeStatus,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    PaymentNotice,
    PaymentStatus,
    Receipt,
    TopUp,
    Verdict,
)
from contributions.orders import answers, asking, bank_time, closing, of_employers, paying, queries, top_ups
from contributions.orders.ending import StillPaying
from contributions.orders.payable import SERVICE
from contributions.prices.formula import Derivation, explain
from contributions.refunds import held_money
from portal.accounts.fields import NameField
from portal.accounts.lockout import client_address
from portal.accounts.models import User
from portal.accounts.permissions import login_required_any, person_required
from portal.hall.fields import BankCardField
from portal.policy.book import PolicyMissing, book
from portal.policy.passages import Passage
from portal.policy.terms.contribution import contribution_terms
from portal.shared import identity
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import periods_zh, runs, today_in_china
from portal.watch import failures

log = logging.getLogger(__name__)

PER_PAGE = 20
LARGEST_NOTICE = 64 * 1024
# So many callbacks that nobody signed are kept of a channel and day; the others are counted.
FORGED_KEPT_A_DAY = 200

# One's own orders


@require_safe
@login_required_any
def order_list(request: HttpRequest) -> HttpResponse:
    """缴费订单: one's orders, newest first, by state and year."""
    if request.user.is_staff:
        raise Http404
    own = queries.orders_of(_login(request))
    years = [day.year for day in own.order_by().dates("placed_at", "year", order="DESC")]
    year = request.GET.get("year", "")
    if year and year not in {str(one) for one in years}:
        raise Http404
    within = own.filter(placed_at__year=int(year)) if year else own
    states = {
        "": (_("全部"), Q()),
        "open": (_("待支付"), Q(status=OrderStatus.OPEN)),
        "paid": (_("缴费成功"), Q(status=OrderStatus.PAID)),
        "ended": (
            _("已取消或过期"),
            Q(status__in=[OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REVERSED]),
        ),
    }
    state = request.GET.get("state", "")
    if state not in states:
        raise Http404
    listed = within.filter(states[state][1]).select_related("top_up")
    of_employer = _login(request).is_clerk
    page = Paginator(listed if of_employer else listed.prefetch_related("lines__charge"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    for_staff = of_employers.sums(page) if of_employer else {}
    held = held_money.held_of(page.object_list)
    now = timezone.now()
    return render(
        request,
        "contributions/orders/list.html",
        {
            "page_obj": page,
            "rows": [
                {
                    "order": one,
                    "parts": for_staff[one.pk] if of_employer else _parts(list(one.lines.all())),
                    "top_up": getattr(one, "top_up", None),
                    "state": _state_of(one, now, getattr(one, "top_up", None)),
                    "tone": _tone_of(one, now),
                    "held_fen": held.get(one.pk, 0),
                }
                for one in page
            ],
            "tabs": [
                {
                    "label": label,
                    "url": "?" + "&".join(f"{k}={v}" for k, v in (("state", code), ("year", year)) if v),
                    "current": code == state,
                }
                for code, (label, _where) in states.items()
            ],
            "years": years,
            "year": year,
            "state": state,
        },
    )


@require_safe
@person_required
def paid_list(request: HttpRequest) -> HttpResponse:
    """缴费清单: what was paid for the months of a year, whichever way it came, to print."""
    person = _login(request).person
    receipts = Receipt.objects.filter(charge__person=person, applied=True).exclude(
        charge__status=ChargeStatus.REVERSED
    )
    months = {month.year for month in receipts.values_list("charge__month", flat=True)}
    years = sorted(months, reverse=True)
    # Months can be paid ahead: this year first, else the last one that there is.
    this_year = today_in_china(timezone.now()).year
    chosen = request.GET.get("year", str(this_year if this_year in months else max(months, default="")))
    if chosen and chosen not in {str(year) for year in years}:
        raise Http404
    rows = (
        receipts.filter(charge__month__year=int(chosen))
        .select_related("charge")
        .order_by("charge__month", "charge__insurance")
        if chosen
        else receipts.none()
    )
    paid = list(rows)
    return render(
        request,
        "contributions/orders/paid_list.html",
        {
            "person": person,
            "years": [
                {
                    "label": _("%(year)s年") % {"year": one},
                    "url": f"?year={one}",
                    "current": str(one) == chosen,
                }
                for one in years
            ],
            "year": chosen,
            "rows": [
                {
                    "receipt": one,
                    "charge": one.of_charge,
                    "insurance": _(INSURANCE_LABELS[Insurance(one.of_charge.insurance)]),
                    "channel": channels.title(one.channel),
                }
                for one in paid
            ],
            "personal_fen": sum(one.of_charge.personal_fen for one in paid),
            "total_fen": sum(one.amount_fen for one in paid),
        },
    )


class ChannelForm(forms.Form):
    """By which channel."""

    channel = forms.ChoiceField(label=gettext_lazy("支付方式"), widget=forms.RadioSelect)

    HINTS = {
        "card": gettext_lazy("填写卡号，凭银行发送的短信验证码支付"),
        "alipay": gettext_lazy("到支付宝页面付款"),
        "wechat": gettext_lazy("用微信扫一扫付款"),
    }

    def __init__(self, *args: Any, codes: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channel"]
        field.choices = [(code, channels.TITLES[code]) for code in codes]  # type: ignore[attr-defined]
        field.choice_hints = {code: self.HINTS[code] for code in codes}  # type: ignore[attr-defined]
        if codes:
            field.initial = codes[0]


class CardForm(forms.Form):
    """What the bank asks of who pays; the channel judges it."""

    card_number = BankCardField(label=gettext_lazy("银行卡号"))
    holder = NameField(label=gettext_lazy("持卡人姓名"))
    identity_number = forms.CharField(
        label=gettext_lazy("持卡人身份证号码"),
        max_length=18,
        widget=forms.TextInput(attrs={"class": "w-18", "autocomplete": "off"}),
    )
    phone = forms.CharField(
        label=gettext_lazy("银行预留手机号"),
        max_length=11,
        help_text=gettext_lazy("短信验证码由银行发到这个号码。"),
        widget=forms.TextInput(attrs={"class": "w-11", "inputmode": "tel", "autocomplete": "tel"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.initial.items():
            if value:
                self.fields[name].read_from_register = True  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for field, why in check_payer({name: str(value) for name, value in cleaned.items()}).items():
            if field not in self.errors:
                self.add_error(field, why)
        return cleaned


class CodeForm(forms.Form):
    """The code that the bank sent."""

    code = forms.CharField(
        label=gettext_lazy("短信验证码"),
        max_length=8,
        widget=forms.TextInput(
            attrs={"class": "w-6", "inputmode": "numeric", "autocomplete": "one-time-code"}
        ),
    )


@never_cache
@require_safe
@login_required_any
def order(request: HttpRequest, number: str) -> HttpResponse:
    """One order of one's own: what, how much and why, until when, and how to pay or what became of it."""
    found = _mine(request, number)
    return _order_page(request, found)


@require_POST
@login_required_any
def pay(request: HttpRequest, number: str) -> HttpResponseBase:
    """Begins to pay by the chosen channel. The price is the order's: nothing that a form says about it is read."""
    found, now = _mine(request, number), timezone.now()
    form = ChannelForm(request.POST, codes=_codes(found, now))
    if not form.is_valid():
        return _order_page(request, found, form)
    channel = form.cleaned_data["channel"]
    if channel == "card" and queries.under_way(found) is None:
        return redirect("order-card", found.number)
    return _begin(request, found, channel, {})[0]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def card(request: HttpRequest, number: str) -> HttpResponseBase:
    """The card that pays, and the button that says how much."""
    found, now = _mine(request, number), timezone.now()
    if not _payable(found, now) or queries.under_way(found) or "card" not in _codes(found, now):
        return redirect("order", found.number) if not queries.under_way(found) else _to_payment(found)
    payer = found.person
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
        answer, refusal = _begin(request, found, "card", form.cleaned_data)
        if refusal is None:
            return answer
        form.add_error(refusal.field if refusal.field in form.fields else None, refusal.why)
    context = {"order": found, "form": form, "opening": _opening(found, now), **_city(found)}
    return render(request, "contributions/orders/card.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def payment(request: HttpRequest, number: str) -> HttpResponseBase:
    """How the payer goes on: types the code, scans, follows the link, or waits; what the provider says is asked for meanwhile."""
    found, now = _mine(request, number), timezone.now()
    current = queries.under_way(found)
    if current is None:
        return redirect("order", found.number)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and current.needs_code and form.is_valid():
        left = paying.confirm(current, form.cleaned_data["code"].strip(), by=_login(request), now=now)
        if not left:
            return _after(request, found)
        form.add_error("code", left)
    waiting = _waiting(found, current)
    return render(
        request,
        "contributions/orders/payment.html",
        {
            "order": found,
            "payment": current,
            "title": channels.title(current.channel),
            "form": form if current.needs_code and not waiting["unknown"] and not waiting["over"] else None,
            "qr": _qr(current),
            "state_url": _state_url(found, current),
            **waiting,
            **_city(found),
        },
    )


@never_cache
@require_safe
@login_required_any
def state(request: HttpRequest, number: str) -> HttpResponse:
    """The part of the payment's page that is looked at again and again; when all is said, or when there is more to do than the
    page shows, where the page goes on."""
    found, now = _mine(request, number), timezone.now()
    current = queries.under_way(found)
    if current is not None:
        current = asking.ask_watched(current, by=User.objects.system(), now=now)
    if current is None or not current.live:
        return _go("order", found)
    if request.GET.get("seen", current.status) != current.status:
        return _go("order-payment", found)
    return render(request, "contributions/orders/state.html", {"order": found, **_waiting(found, current)})


@require_POST
@login_required_any
def drop(request: HttpRequest, number: str) -> HttpResponseBase:
    """Ends the payment that is under way, to pay in another way."""
    found, now = _mine(request, number), timezone.now()
    current = queries.under_way(found)
    if current is not None:
        try:
            closing.drop(current, by=_login(request), now=now)
        except StillPaying:
            messages.warning(request, _("支付渠道还没有给出结果，正在核实。结果明确之前请不要另行支付。"))
            return _to_payment(found)
        found.refresh_from_db()
        if found.is_open:
            messages.info(request, _("刚才的支付已关闭，没有扣款。请重新选择支付方式。"))
    return redirect("order", found.number)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def cancel(request: HttpRequest, number: str) -> HttpResponseBase:
    """Asks before an order is cancelled, and cancels it."""
    found = _mine(request, number)
    if not found.is_open:
        return redirect("order", found.number)
    if request.method == "POST":
        try:
            ended = closing.cancel(found, by=_login(request), now=timezone.now())
        except StillPaying:
            messages.warning(request, _("支付渠道还没有给出结果，正在核实，订单暂不能取消。"))
            return _to_payment(found)
        if ended.status == OrderStatus.CANCELLED:
            messages.success(request, _("订单已取消，没有扣款。"))
        return redirect("order", found.number)
    context = {"order": found, "back_url": reverse("order", args=[found.number]), **_city(found)}
    return render(request, "contributions/orders/cancel.html", context)


def _go(name: str, found: Order) -> HttpResponse:
    """Sends a page that looks again and again to another one."""
    answer = HttpResponse(status=286)
    answer["Hall-Go"] = reverse(name, args=[found.number])
    return answer


def _state_url(found: Order, current: Payment) -> str:
    """Where a payment's page looks again; one that only waits says so, and is drawn anew when there is something to do."""
    waits = current.status in (PaymentStatus.UNKNOWN, PaymentStatus.QUEUED)
    return reverse("order-state", args=[found.number]) + (f"?seen={current.status}" if waits else "")


# Where providers call back


class TooManyForged(Exception):
    """So many callbacks without a good signature came that not all of them are kept; somebody tries, or a key is wrong."""


@csrf_exempt
@require_POST
def callback(request: HttpRequest, channel: str) -> HttpResponse:
    """Takes what a provider says on its own. Only what carries its signature counts; whatever goes wrong here is answered as not
    received, so that the provider says it again."""
    if channel not in channels.TITLES:
        raise Http404
    try:
        speaker = channels.channel(channel)
    except channels.ChannelUnavailable as problem:
        log.warning("A callback for %s, which cannot be used here: %s", channel, problem)
        return HttpResponse(status=503)
    try:
        body = request.body
    except RequestDataTooBig:
        return HttpResponse(status=413)
    if len(body) > LARGEST_NOTICE:
        return HttpResponse(status=413)
    try:
        ok = _take_notice(speaker, request.headers, body)
    except Exception as problem:
        # Whatever it is: the provider says it again, and staff are told.
        log.exception("A callback of %s was not taken", channel)
        name = _("%(channel)s 的支付通知") % {"channel": speaker.title}
        with suppress(Error):
            failures.report("ask_payments", name, problem, now=timezone.now())
        ok = False
    status, kind, content = speaker.callback_reply(ok)
    return HttpResponse(content, status=status, content_type=kind)


def _take_notice(speaker: Any, headers: Mapping[str, str], body: bytes) -> bool:
    now = timezone.now()
    notice = PaymentNotice(
        channel=speaker.code,
        received_at=now,
        digest=hashlib.sha256(body).hexdigest(),
        size=len(body),
        verdict=Verdict.FORGED,
    )
    try:
        answer = speaker.read_callback(headers, body)
    except Forged as why:
        number = _count_forged(speaker.code, now)
        if number == FORGED_KEPT_A_DAY + 1:
            name = _("%(channel)s %(day)s 验签不通过的通知") % {
                "channel": speaker.title,
                "day": today_in_china(now),
            }
            many = TooManyForged(_("一天内超过 %(most)s 次，其余只计数。") % {"most": FORGED_KEPT_A_DAY})
            failures.report("ask_payments", name, many, now=now)
        if number <= FORGED_KEPT_A_DAY:
            log.warning("A callback of %s is not believed: %s", speaker.code, why)
            notice.said = str(why).replace("\0", "")[:200]
            notice.save(force_insert=True)
        return False
    found = answers.take_answer(
        answer, channel=speaker.code, by=User.objects.system(), now=now, how=_("渠道通知")
    )
    notice.verdict = Verdict.APPLIED if found else Verdict.STRANGE
    notice.payment = found
    said = f"{answer.number} {answer.outcome} {answer.amount_fen or ''} {answer.provider_number}"
    notice.said = said.replace("\0", "").strip()[:200]
    notice.save(force_insert=True)
    # What is not ours is received all the same: said again it would be no more ours.
    return True


def _count_forged(channel: str, now: dt.datetime) -> int:
    """Count a callback that nobody signed; how many there were that day. Anybody can send as many as they like."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO contributions_forgednotices AS counted (channel, day, count) VALUES (%s, %s, 1)
            ON CONFLICT (channel, day) DO UPDATE SET count = counted.count + 1 RETURNING count
            """,
            [channel, today_in_china(now)],
        )
        return int(cursor.fetchone()[0])


# Parts of pages


@dataclass(frozen=True, slots=True)
class Part:
    """The months of an order's insurance that were priced alike."""

    insurance: str
    tier: str
    months: str
    count: int
    each_fen: int
    fen: int
    derivation: Derivation | None


def _employers(found: Order) -> dict[str, Any]:
    """What the page of an employer's order has of its own: sums in place of lines, which the assessment has."""
    assessment = of_employers.assessment_of(found)
    address = reverse("employer-assessment", args=[assessment.pk]) if assessment else ""
    return {
        "staff_parts": of_employers.sums([found])[found.pk],
        "assessment": assessment,
        "again": address,
        "notice": tuple(
            Passage((sentence,))
            for sentence in (
                *(
                    [_("请在支付截止前完成支付。逾期订单自动取消，可以在应缴核定页重新下单。")]
                    if found.is_open
                    else []
                ),
                _("已经付款的，不要重复支付，也不要再汇款；结果以本页显示为准。"),
                *([_("过了缴费期限，按日加收滞纳金。")] if found.is_open else []),
                _("请保留缴费凭证。"),
            )
        ),
    }


def _parts(lines: Sequence[OrderLine], *, explained: bool = False) -> list[Part]:
    def price(line: OrderLine) -> tuple[Any, ...]:
        charge = line.charge
        return (
            list(Insurance).index(Insurance(charge.insurance)),
            charge.policy,
            charge.policy_since,
            charge.basis,
            charge.amount_fen,
            line.amount_fen - charge.amount_fen,
        )

    parts = []
    for _key, alike in groupby(sorted(lines, key=lambda line: (*price(line), line.charge.month)), key=price):
        same = list(alike)
        charge = same[0].charge
        parts.append(
            Part(
                insurance=_(INSURANCE_LABELS[Insurance(charge.insurance)]),
                tier=_tier_title(charge),
                months=periods_zh(runs(line.charge.month for line in same)),
                count=len(same),
                each_fen=same[0].amount_fen,
                fen=sum(line.amount_fen for line in same),
                derivation=_why(charge) if explained else None,
            )
        )
    return parts


def _tier_title(charge: Charge) -> str:
    try:
        terms = contribution_terms(
            book(),
            city=charge.city,
            capacity=Capacity(charge.capacity),
            insurance=Insurance(charge.insurance),
            month=charge.month,
        )
        return terms.tier(charge.basis).title
    except PolicyMissing:
        return ""


def _why(charge: Charge) -> Derivation | None:
    try:
        return explain(charge, on=today_in_china(timezone.now()))
    except PolicyMissing:
        return None


def _order_page(
    request: HttpRequest, found: Order, form: ChannelForm | None = None, status: int = 200
) -> HttpResponse:
    now = timezone.now()
    payments = list(found.payments.order_by("begun_at", "pk"))
    current = next((one for one in payments if one.live), None)
    payable = current is None and _payable(found, now)
    failed = payable and payments and payments[-1].status == PaymentStatus.FAILED
    top_up = top_ups.of_order(found)
    kept = {one.pk: held_money.returned_of(one) for one in payments if one.entry_id and not one.credited}
    context = {
        "order": found,
        "payments": [
            {
                "payment": one,
                "channel": channels.title(one.channel),
                # Money that paid nothing is no success to whoever paid it.
                "tone": ("quiet" if kept[one.pk].whole else "warn")
                if one.pk in kept
                else PAYMENT_LIFE_CYCLE.tone(one.status),
                "state": _("未记入，{state}").format(state=kept[one.pk].words)
                if one.pk in kept
                else one.get_status_display(),
            }
            for one in payments
        ],
        "current": current,
        **(_waiting(found, current) if current else {}),
        "kept": [(one, kept[one.pk]) for one in payments if one.pk in kept],
        "credited": next((one for one in payments if one.credited), None),
        "paid_by": next((channels.title(one.channel) for one in payments if one.credited), ""),
        "failed": (payments[-1].why.rstrip("。") or _("这次支付没有成功")) if failed else "",
        "state": _state_of(found, now, top_up),
        "tone": _tone_of(found, now),
        "payable": payable,
        "over": found.is_open and current is None and not payable,
        "minutes": max(0, int((found.expires_at - now).total_seconds() // 60)),
        "opening": _opening(found, now) if payable else None,
        "form": (form or ChannelForm(codes=_codes(found, now))) if payable else None,
        "late": found.is_open and now >= found.expires_at,
        "dispute": _dispute(found),
        "top_up": top_up,
        "card": identity.mask_account(top_up.card_number) if top_up else "",
        "balance_fen": top_ups.balance_fen(top_up) if top_up else None,
        **(_employers(found) if found.employer_id else _persons(found, top_up)),
        **_city(found),
    }
    return render(request, "contributions/orders/order.html", context, status=status)


def _persons(found: Order, top_up: TopUp | None) -> dict[str, Any]:
    """What the page of a person's order has of its own: every line, and why it is that amount."""
    offer = book().city(found.city).offers.get(top_ups.SERVICE if top_up else SERVICE)
    lines = list(found.lines.select_related("charge").order_by("charge__month", "charge__insurance"))
    return {
        "lines": lines,
        "parts": _parts(lines, explained=True),
        "again": reverse("service", args=[found.city, offer.code]) if offer else "",
        "notice": offer.notice if offer else (),
    }


def _begin(
    request: HttpRequest, found: Order, channel: str, payer: Mapping[str, str]
) -> tuple[HttpResponseBase, Refused | None]:
    """Begins a payment and gives the page that follows; and the refusal, where the provider did not take it."""
    by, now = _login(request), timezone.now()
    device = paying.Device(on_phone=_on_phone(request), address=client_address(request))
    try:
        paying.start_payment(order=found, channel=channel, payer=payer, device=device, by=by, now=now)
    except paying.PaymentUnderWay as other:
        messages.warning(
            request,
            _("这份订单正在用%(channel)s支付。请先完成，或者换一种方式。")
            % {"channel": channels.title(other.payment.channel)},
        )
    except paying.OrderEnded:
        return redirect("order", found.number), None
    except paying.NotOffered as why:
        messages.error(request, str(why) or _("这种支付方式现在不能使用，请换一种。"))
        return redirect("order", found.number), None
    except Refused as refusal:
        if channel != "card":
            messages.error(request, refusal.why)
        return redirect("order", found.number), refusal
    return _to_payment(found), None


def _after(request: HttpRequest, found: Order) -> HttpResponseBase:
    found.refresh_from_db()
    return _to_payment(found) if queries.under_way(found) else redirect("order", found.number)


def _to_payment(found: Order) -> HttpResponseBase:
    return redirect("order-payment", found.number)


def _waiting(found: Order, current: Payment) -> dict[str, Any]:
    return {
        "payment": current,
        "title": channels.title(current.channel),
        "unknown": current.status == PaymentStatus.UNKNOWN,
        "queued": current.status == PaymentStatus.QUEUED,
        "by_code": current.channel == "card",
        "over": timezone.now() >= found.expires_at,
    }


def _qr(current: Payment) -> str:
    if not current.qr_text:
        return ""
    return str(segno.make(current.qr_text, error="m").svg_data_uri(scale=6, border=2))


def _mine(request: HttpRequest, number: str) -> Order:
    found: Order = get_object_or_404(queries.orders_of(_login(request)), number=number)
    return found


def _login(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _codes(found: Order, now: Any) -> list[str]:
    return [one.code for one in channels.available(found.city, on=today_in_china(now))]


def _payable(found: Order, now: Any) -> bool:
    return found.is_open and now < found.expires_at


def _opening(found: Order, now: Any) -> Any:
    """When a payment that is begun now would be started, where that is not at once."""
    at = bank_time.opening(found.city, now)
    return at if at > now else None


def _dispute(found: Order) -> str:
    """Where the person can object to what this order paid; empty where the city takes no objections."""
    taken = found.person_id is not None and "payment-dispute" in book().city(found.city).offers
    return reverse("service", args=[found.city, "payment-dispute"]) if taken else ""


def _city(found: Order) -> dict[str, Any]:
    """The order's own city for the page, whichever the visitor looked at last."""
    place = book().city(found.city)
    return {"place": place, "city": place}


def _state_of(found: Order, now: Any, top_up: Any) -> str:
    if found.is_open and now >= found.expires_at:
        return _("已超过支付时间")
    if top_up and found.status == OrderStatus.PAID:
        return _("充值成功")
    return str(found.get_status_display())


def _tone_of(found: Order, now: Any) -> str:
    if found.is_open and now >= found.expires_at:
        return "quiet"
    return ORDER_LIFE_CYCLE.tone(found.status)


def _on_phone(request: HttpRequest) -> bool:
    return "Mobile" in request.headers.get("User-Agent", "")
