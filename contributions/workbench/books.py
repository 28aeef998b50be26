"""The books in the workbench: the trial balance of a day, the close of a month, the yearly
interest, and the audits."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from kombu.exceptions import OperationalError

from contributions import channels
from contributions.audit import runs
from contributions.books import day_sheets, month_close
from contributions.models import (
    AuditRun,
    DaySheet,
    HeldReceipt,
    InterestRun,
    LedgerAccount,
    MonthClose,
    RefundPart,
    RefundStatus,
)
from contributions.prices.formula import percent_text
from contributions.refunds import held_money
from contributions.tasks import books
from contributions.workbench.base import MoneyAdmin
from enrollment.admin import CityFilter, LookUpAdmin
from enrollment.spreadsheets import write_csv
from portal.accounts import permissions
from portal.hall.workbench import staff_of
from portal.policy.book import book
from portal.shared import money
from portal.shared.months import Month, parse_day, today_in_china
from portal.watch import lamps

# Of what lies in suspense so many rows are shown on the page; all of them are in their own list.
HELD_SHOWN = 20

PLACES = {
    "batches": "admin:contributions_debitbatch_changelist",
    "files": "admin:contributions_bankfile_changelist",
    "payments": "admin:contributions_payment_changelist",
    "differences": "admin:contributions_difference_changelist",
    "sheets": "admin:contributions_ledgeraccount_changelist",
    "sheets-missing": "admin:contributions_ledgeraccount_changelist",
}


class Day:
    """A city's day as the page shows it: as it was kept, or as the books have it now."""

    def __init__(self, city: str, day: dt.date) -> None:
        self.city = book().city(city)
        self.day = day
        self.sheet = DaySheet.objects.filter(city=city, day=day).first()
        if self.sheet:
            self.rows: list[Any] = list(
                self.sheet.lines.select_related("account").order_by(
                    "account__kind", "account__insurance", "account__channel"
                )
            )
            self.compared: list[Any] = list(self.sheet.comparisons.order_by("-channel"))
        else:
            reckoned = day_sheets.reckon(city=city, day=day)
            self.rows, self.compared = list(reckoned.lines), list(reckoned.comparisons)
        self.debit_fen = sum(one.debit_fen for one in self.rows)
        self.credit_fen = sum(one.credit_fen for one in self.rows)
        self.titles = channels.account_titles(one.account for one in self.rows)

    @property
    def differs(self) -> bool:
        return self.debit_fen != self.credit_fen or any(one.difference_fen for one in self.compared)

    def comparisons(self) -> list[tuple[str, Any, str]]:
        """What is compared, the comparison, and what to do where it differs."""
        named = channels.titles(one.channel for one in self.compared)
        return [
            (
                _("%(channel)s：本日收付") % {"channel": named[one.channel]}
                if one.channel
                else _("暂收款：期末余额"),
                one,
                ""
                if not one.difference_fen
                else _("核对当日分录与银行结果、渠道账单；多记的冲正、漏记的补记，次日复核相符。")
                if one.channel
                else _("逐笔核对待退回款项和退款记录，找出没有分录或没有到账记录的一笔。"),
            )
            for one in self.compared
        ]

    def titled(self) -> list[tuple[str, Any]]:
        """Each account as people call it, with its line."""
        return [(self.titles[one.account.pk], one) for one in self.rows]

    def held(self) -> list[HeldReceipt]:
        """What lies in suspense now, oldest first, with ``still_fen``: what has not gone back
        yet."""
        gone = (
            RefundPart.objects.filter(receipt=OuterRef("pk"), refund__status=RefundStatus.SUCCEEDED)
            .order_by()
            .values("receipt")
            .annotate(fen=Sum("amount_fen"))
            .values("fen")
        )
        rows = held_money.held([self.city.slug]).annotate(
            still_fen=F("back_fen") - Coalesce(Subquery(gone), 0)
        )
        return list(rows.filter(still_fen__gt=0)[: HELD_SHOWN + 1])


@admin.register(LedgerAccount)
class LedgerAccountAdmin(MoneyAdmin):
    """The accounts are shown as the trial balance of a day."""

    city_column = "city"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [path("", view(self.changelist_view), name="contributions_ledgeraccount_changelist")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        today = today_in_china(timezone.now())
        day, wrong = today, ""
        if day_text := request.GET.get("day", ""):
            try:
                day = parse_day(day_text)
            except ValueError:
                wrong = _("“{day}”不是日期，请写成 2026-11-20 这样。").format(day=day_text[:20])
        if day > today:
            day, wrong = today, _("这一天还没有到，请选择今天或以前的日期。")
        days = [Day(city, day) for city in permissions.staff_cities(request.user)]
        days = [one for one in days if one.rows]
        if "csv" in request.GET and not wrong:
            return _csv(day, days)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("试算平衡表"),
            "day": day,
            "before": day - dt.timedelta(days=1),
            "after": day + dt.timedelta(days=1) if day < today else None,
            "today": today,
            "wrong": wrong,
            "cities": [
                {"day": one, "held": held[:HELD_SHOWN], "more_held": len(held) > HELD_SHOWN}
                for one in days
                for held in [one.held()]
            ],
            **(extra_context or {}),
        }
        return TemplateResponse(
            request, "admin/contributions/trial_balance.html", context, status=422 if wrong else 200
        )


def _csv(day: dt.date, days: list[Day]) -> HttpResponse:
    """The day as a table for a spreadsheet; the mark at its head tells such programs that it is
    UTF-8."""
    heads = [
        _("城市"),
        _("日期"),
        _("项目"),
        _("期初"),
        _("借方"),
        _("贷方"),
        _("期末"),
        _("对方"),
        _("差额"),
    ]
    response = HttpResponse(write_csv(heads, _rows(day, days)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="trial-balance-{day}.csv"'
    return response


def _rows(day: dt.date, days: list[Day]) -> Iterator[list[Any]]:
    for city_day in days:
        head = [city_day.city.title, str(day)]
        for title, row in city_day.titled():
            fens = (row.opening_fen, row.debit_fen, row.credit_fen, row.closing_fen)
            yield [*head, title, *(_plain(fen) for fen in fens), "", ""]
        for what, compared, _todo in city_day.comparisons():
            beside = (compared.booked_fen, compared.said_fen, compared.difference_fen)
            yield [*head, what, "", "", "", *(_plain(fen) for fen in beside)]


def _plain(fen: int) -> Decimal:
    return money.yuan(fen)


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
        if not _may_close(request):
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
            "may": _may_close(request),
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
        if not _may_close(request):
            raise Http404
        if request.POST.get("step") == "sheets":
            if not making_sheets() and _ring(request, books.make_day_sheets):
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


def _ring(request: HttpRequest, task: Any) -> bool:
    """Ring for a task; whether it was heard. Where it was not, that is said."""
    try:
        task.delay()
    except OperationalError:
        messages.error(request, _("后台任务队列暂时不可用，请稍后再试。"))
        return False
    return True


def _may_close(request: HttpRequest) -> bool:
    return request.user.has_perm("contributions.change_monthclose")


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


@admin.register(InterestRun)
class InterestRunAdmin(LookUpAdmin):
    """The years whose interest was credited. The schedule credits them once the rate is
    published."""

    search_fields = ()
    list_display = ("year", "place", "insurance", "percent", "people", "amount", "begun_at", "finished_at")
    list_display_links = None
    list_filter = ("year", CityFilter)
    ordering = ("-year", "city")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [path("", view(self.changelist_view), name="contributions_interestrun_changelist")]

    @admin.display(description=gettext_lazy("城市"))
    def place(self, run: InterestRun) -> str:
        return book().city(run.city).title

    @admin.display(description=gettext_lazy("记账利率"))
    def percent(self, run: InterestRun) -> str:
        return percent_text(run.rate)

    @admin.display(description=gettext_lazy("利息合计（元）"))
    def amount(self, run: InterestRun) -> str:
        return money.format_yuan(run.amount_fen)


@admin.register(AuditRun)
class AuditRunAdmin(LookUpAdmin):
    """What the audits found. All cities are audited at once: every collector sees whether the books
    are sound, and the rows that are not whoever serves all cities."""

    list_before_template = "admin/contributions/audit_now.html"
    list_display = ("started_at", "extent", "verdict", "finished_at")
    list_display_links = ("started_at",)
    list_select_related = ("since",)
    ordering = ("-pk",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="contributions_auditrun_changelist"),
            path("<int:object_id>/change/", view(self.change_view), name="contributions_auditrun_change"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditRun]:
        return super(LookUpAdmin, self).get_queryset(request)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset, False

    def waiting(self, request: HttpRequest) -> int:
        """How many invariants are broken; 1 where the last audit failed or is overdue."""
        return runs.troubles(timezone.now())

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST":
            return self._start(request)
        if runs.under_way():
            messages.info(request, _("正在核对，完成后列在下面，请稍后刷新本页。"))
        elif not AuditRun.objects.exists():
            messages.info(request, _("还没有核对过。系统每天清晨自动核对，也可以现在核对。"))
        if runs.troubles(timezone.now()):
            messages.warning(
                request, _("最近一次账目核对有不符、没有完成，或已超过一天没有核对。请告知系统管理员。")
            )
        return super().changelist_view(request, {"may": _may_close(request), **(extra_context or {})})

    def _start(self, request: HttpRequest) -> HttpResponse:
        """现在核对: what has changed since the last audit, or everything where that cannot be
        told."""
        if not _may_close(request):
            raise Http404
        if runs.under_way():
            messages.info(request, _("已有一次核对正在进行。"))
        elif _ring(request, books.audit_now):
            messages.success(request, _("已开始核对，通常一两分钟内完成，请稍后刷新本页查看结果。"))
        return HttpResponseRedirect(reverse("admin:contributions_auditrun_changelist"))

    def change_view(
        self,
        request: HttpRequest,
        object_id: int | str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        run = self.get_queryset(request).filter(pk=object_id).select_related("since").first()
        if run is None or not self.has_view_permission(request, run):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("账目核对"),
            "run": run,
            "everywhere": not staff_of(request).city,
        }
        return TemplateResponse(request, "admin/contributions/audit.html", context)

    @admin.display(description=gettext_lazy("范围"))
    def extent(self, run: AuditRun) -> str:
        if run.since is None:
            return _("全面核对")
        return _("{moment} 以来的变动").format(
            moment=f"{timezone.localtime(run.since.started_at):%Y-%m-%d %H:%M}"
        )

    @admin.display(description=gettext_lazy("结果"))
    def verdict(self, run: AuditRun) -> str:
        if run.failure:
            return _("没有完成")
        return _("{count} 项不符").format(count=run.broken) if run.broken else _("全部通过")
