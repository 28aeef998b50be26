"""The close of a month in the workbench: what stands in its way, proposed by one and confirmed by
another."""

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from contributions import channels
from contributions.books import month_close
from contributions.models import MonthClose
from contributions.tasks import books
from contributions.workbench.starting import may_close, ring
from enrollment.admin import LookUpAdmin
from portal.accounts import permissions
from portal.hall.workbench import staff_of
from portal.policy.book import book
from portal.shared.months import Month
from portal.watch import lamps

PLACES = {
    "batches": "admin:contributions_debitbatch_changelist",
    "files": "admin:contributions_bankfile_changelist",
    "payments": "admin:contributions_payment_changelist",
    "differences": "admin:contributions_difference_changelist",
    "sheets": "admin:contributions_ledgeraccount_changelist",
    "sheets-missing": "admin:contributions_ledgeraccount_changelist",
}


@admin.register(MonthClose)
class MonthCloseAdmin(LookUpAdmin):
    """The next month of each city with what stands in its way, and the months that are closed."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="contributions_monthclose_changelist"),
            path("<int:object_id>/change/", view(self.change_view), name="contributions_monthclose_change"),
        ]

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """The proposed closes that wait for this login."""
        if not may_close(request):
            return self.get_queryset(request).none()
        open_ones = self.get_queryset(request).filter(closed_at__isnull=True)
        return open_ones.exclude(proposed_by=staff_of(request))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        now = timezone.now()
        if request.method == "POST":
            return self._post(request, now)
        cities = [
            city for slug in permissions.staff_cities(request.user) if (city := _next(slug, request, now))
        ]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("月结"),
            "cities": cities,
            "closed": [
                (one, book().city(one.city).title)
                for one in self.get_queryset(request)
                .filter(closed_at__isnull=False)
                .select_related("proposed_by", "closed_by")
                .order_by("-month", "city")[:120]
            ],
            "may": may_close(request),
            **(extra_context or {}),
        }
        context["missing"] = sum(
            one.count
            for city in cities
            for one, _address in city["obstacles"]
            if one.place == "sheets-missing"
        )
        # For as long as it is being worked on, the page looks again by itself.
        context["making"] = context["missing"] > 0 and (making_sheets() or "making" in request.GET)
        return TemplateResponse(request, "admin/contributions/month_close.html", context)

    def _post(self, request: HttpRequest, now: dt.datetime) -> HttpResponse:
        if not may_close(request):
            raise Http404
        if request.POST.get("step") == "sheets":
            if not making_sheets() and ring(request, books.make_day_sheets):
                messages.success(request, _("已开始补做日终试算平衡表，本页会自动显示进度。"))
            return HttpResponseRedirect(f"{request.path}?making=1")
        city, by = request.POST.get("city", ""), staff_of(request)
        if city not in permissions.staff_cities(by):
            raise Http404
        back = HttpResponseRedirect(request.path)
        try:
            month = Month.parse(request.POST.get("month", ""))
        except ValueError:
            messages.error(request, _("月份已变化，请按页面当前状态操作。"))
            return back
        proposed = MonthClose.objects.filter(city=city, month=month).first()
        try:
            if request.POST.get("step") == "propose":
                month_close.propose(city=city, month=month, by=by, now=now)
                messages.success(request, _("已提请月结，等另一名征缴人员复核。"))
            elif proposed is None:
                messages.error(request, _("这个月还没有提请月结。"))
            elif "confirmed" not in request.POST:
                return HttpResponseRedirect(f"{request.path}?confirm={proposed.pk}")
            else:
                month_close.close(proposed, by=by, now=now)
                messages.success(request, _("{month}已月结。").format(month=month.zh))
        except month_close.CannotClose as why:
            messages.error(request, str(why))
        return back

    def change_view(
        self,
        request: HttpRequest,
        object_id: int | str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The totals of one closed month, as they were sealed."""
        close = (
            self.get_queryset(request)
            .filter(pk=object_id, closed_at__isnull=False)
            .select_related("proposed_by", "closed_by")
            .first()
        )
        if close is None or not self.has_view_permission(request, close):
            raise Http404
        lines = list(
            close.lines.select_related("account").order_by(
                "account__kind", "account__insurance", "account__channel"
            )
        )
        titles = channels.account_titles(one.account for one in lines)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("月结"),
            "close": close,
            "city": book().city(close.city),
            "lines": [(titles[one.account_id], one) for one in lines],
            "debit_fen": sum(one.debit_fen for one in lines),
            "credit_fen": sum(one.credit_fen for one in lines),
        }
        return TemplateResponse(request, "admin/contributions/closed_month.html", context)


def making_sheets() -> bool:
    """Whether sheets are just being made."""
    return any(one.running for one in lamps.tasks(timezone.now()) if one.name == "make_day_sheets")


def _next(slug: str, request: HttpRequest, now: dt.datetime) -> dict[str, Any] | None:
    """The month that a city closes next, what stands in its way and what this login can do; None
    where nothing is booked."""
    month = month_close.next_month(slug)
    if month is None:
        return None
    proposed = MonthClose.objects.filter(city=slug, month=month).select_related("proposed_by").first()
    return {
        "city": book().city(slug),
        "month": month,
        "proposed": proposed,
        "why_not": month_close.why_not(proposed, staff_of(request)) if proposed else "",
        "confirming": proposed is not None and request.GET.get("confirm") == str(proposed.pk),
        "obstacles": [
            (one, f"{reverse(PLACES[one.place])}{_day(one.place, month)}" if one.place in PLACES else "")
            for one in month_close.obstacles(city=slug, month=month, now=now)
        ],
    }


def _day(place: str, month: Month) -> str:
    return f"?day={month.last_day}" if place in ("sheets", "sheets-missing") else ""
