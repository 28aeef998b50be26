"""The page of a lump sum of one's own (一次性缴费单): how much, why, until when, and the way to pay
it."""

from typing import Any
from uuid import uuid4

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from contributions.models import BILL_LIFE_CYCLE, BillStatus, LumpSum
from contributions.orders import lump_sums, placing
from contributions.pages.orders.own import login_of
from portal.accounts.permissions import person_required
from portal.policy.book import book
from portal.shared.keys import KeyReused


class OrderForm(forms.Form):
    """The press of the button; its key makes twice once."""

    key = forms.UUIDField(widget=forms.HiddenInput)


@never_cache
@require_safe
@person_required
def show(request: HttpRequest, number: str) -> HttpResponse:
    """The page of a lump sum of one's own."""
    return _page(request, _own(request, number))


@require_POST
@person_required
def order(request: HttpRequest, number: str) -> HttpResponse:
    """Orders the whole sum, and leads to the order; to the one that holds it already, where there
    is one."""
    bill, form = _own(request, number), OrderForm(request.POST)
    if held := lump_sums.open_order(bill):
        return HttpResponseRedirect(reverse("order", args=[held.number]))
    if not form.is_valid():
        return _page(request, bill, _("页面已过期，请重新确认。"))
    try:
        placed = lump_sums.place(bill, key=form.cleaned_data["key"], by=login_of(request), now=timezone.now())
    except placing.CannotOrder as refusal:
        return _page(request, bill, "".join(one.why for one in refusal.refusals))
    except KeyReused:
        return _page(request, bill, _("页面已过期，请重新确认。"))
    return HttpResponseRedirect(reverse("order", args=[placed.number]))


def _own(request: HttpRequest, number: str) -> LumpSum:
    """The login's lump sum of the case of that number, the latest. Raises Http404 where it has
    none."""
    person = login_of(request).person
    latest = LumpSum.objects.filter(person=person, case__number=number).order_by("-pk")[:1]
    return get_object_or_404(LumpSum.objects.select_related("case", "person"), pk__in=latest.values("pk"))


def _page(request: HttpRequest, bill: LumpSum, mistake: str = "") -> HttpResponse:
    now, place = timezone.now(), book().city(bill.city)
    held = lump_sums.open_order(bill)
    is_open = bill.status == BillStatus.OPEN
    context: dict[str, Any] = {
        "bill": bill,
        "what": lump_sums.what(bill),
        "why": lump_sums.derivation_of(bill),
        "tone": BILL_LIFE_CYCLE.tone(bill.status),
        "order": held,
        "form": OrderForm(initial={"key": uuid4()}),
        "why_not": lump_sums.why_not_order(bill, now) if is_open and held is None else "",
        "mistake": mistake,
        "again": reverse("service", args=[bill.city, bill.case.service])
        if bill.case.service in place.offers
        else "",
        "place": place,
        "city": place,
    }
    return render(request, "contributions/lump_sum.html", context, status=422 if mistake else 200)
