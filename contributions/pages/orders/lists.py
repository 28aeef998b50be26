"""The lists of one's orders, and of what was paid for the months of a year."""

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from contributions import channels
from contributions.models import ChargeStatus, OrderStatus, Receipt
from contributions.orders import of_employers, queries
from contributions.pages.orders.own import login_of
from contributions.pages.orders.parts import parts_of
from contributions.pages.orders.situation import state_words, tone_of
from contributions.refunds import held_money
from portal.accounts.permissions import WARD, login_required_any, person_required, whose
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import today_in_china

PER_PAGE = 20


@require_safe
@login_required_any
def order_list(request: HttpRequest) -> HttpResponse:
    """缴费订单: one's orders, newest first, by state and year."""
    if request.user.is_staff:
        raise Http404
    own = queries.orders_of(login_of(request))
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
    listed = within.filter(states[state][1]).select_related("top_up", "lump_sum__bill__case")
    of_employer = login_of(request).is_clerk
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
                    "ward": one.person if one.person_id != login_of(request).person_id else None,
                    "parts": for_staff[one.pk] if of_employer else parts_of(list(one.lines.all())),
                    "top_up": getattr(one, "top_up", None),
                    "lump_sum": getattr(one, "lump_sum", None),
                    "state": state_words(one, now, getattr(one, "top_up", None)),
                    "tone": tone_of(one, now),
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
    person = whose(request)
    of_ward = f"{WARD}={person.pk}&" if person.pk != login_of(request).person_id else ""
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
                    "url": f"?{of_ward}year={one}",
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
