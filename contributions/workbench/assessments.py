"""The collectors' lists of the employers' month: what is assessed, and billed for late months."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.assessments.assessing import UNPAID
from contributions.assessments.transfer_notes import code_of, named_in
from contributions.models import ArrearsBill, Assessment, AssessmentStatus
from contributions.workbench.bank_transfers import MAY_STEP
from contributions.workbench.base import MoneyAdmin
from enrollment.admin import CityFilter
from portal.hall.workbench import QueueFilter
from portal.policy.book import book
from portal.shared import money
from portal.shared.months import today_in_china


class OwnCities(MoneyAdmin):
    """A list of what belongs to employers; a row says all there is."""

    city_column = "city"
    employer_column = "employer"
    list_display_links = None

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """By the employer's name or code in full, or by a transfer's code."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if named := [one.pk for one in named_in(term) if isinstance(one, self.model)]:
            return queryset.filter(pk__in=named), False
        by_code = queryset.filter(employer__credit_code=term.upper())
        return queryset.filter(employer__name=term) | by_code, False

    def get_urls(self) -> list[URLPattern]:
        name = f"contributions_{self.opts.model_name}_changelist"
        return [path("", self.admin_site.admin_view(self.changelist_view), name=name)]

    @admin.display(description=gettext_lazy("参保地"))
    def place(self, row: Any) -> str:
        return book().city(row.city).title

    @admin.display(description=gettext_lazy("汇款附言"))
    def code(self, row: Any) -> str:
        return code_of(row)


class Unpaid(QueueFilter):
    """Without a choice the queue: what is not paid."""

    unasked = gettext_lazy("未缴清")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("late", _("逾期未缴")),
            ("paid", _("已缴清")),
            ("replaced", _("已更正")),
            ("all", _("全部")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Assessment]) -> QuerySet[Assessment]:
        asked = self.value()
        if asked == "late":
            return queryset.filter(status__in=UNPAID, due_on__lt=today_in_china(timezone.now()))
        if asked in (AssessmentStatus.PAID, AssessmentStatus.REPLACED):
            return queryset.filter(status=asked)
        # Who looks for a transfer's code wants to know, too, that it is paid.
        everything = asked == "all" or request.GET.get("q")
        return queryset if everything else queryset.filter(status__in=UNPAID)


@admin.register(Assessment)
class AssessmentAdmin(OwnCities):
    list_display = (
        "code",
        "employer",
        "place",
        "month_shown",
        "people",
        "sum_shown",
        "due_on",
        "status",
        "waits_for",
    )
    list_select_related = ("employer",)
    list_filter = (Unpaid, CityFilter)
    list_before_template = "admin/contributions/transfer_link.html"
    search_help_text = gettext_lazy("单位名称、统一社会信用代码，或汇款附言")
    ordering = ("-month", "-pk")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {
            "title": _("单位应缴核定"),
            "may_book": request.user.has_perm(MAY_STEP),
        }
        return super().changelist_view(request, {**title, **(extra_context or {})})

    @admin.display(description=gettext_lazy("等待"))
    def waits_for(self, row: Assessment) -> str:
        if row.status not in UNPAID:
            return _("无")
        if row.due_on < today_in_china(timezone.now()):
            return _("单位：连同滞纳金补缴")
        return _("单位：确认") if row.status == AssessmentStatus.DRAWN_UP else _("单位：缴款")

    @admin.display(description=gettext_lazy("月份"), ordering="month")
    def month_shown(self, row: Assessment) -> str:
        return f"{row.month.zh}{_('（补充）') if row.after else ''}"

    @admin.display(description=gettext_lazy("应缴（元）"), ordering="sum_fen")
    def sum_shown(self, row: Assessment) -> str:
        return money.format_yuan(row.sum_fen)


@admin.register(ArrearsBill)
class ArrearsBillAdmin(OwnCities):
    list_display = ("code", "employer", "place", "principal", "fees", "pay_on", "status")
    list_select_related = ("employer",)
    list_filter = ("status", CityFilter)
    search_help_text = gettext_lazy("单位名称、统一社会信用代码，或汇款附言")
    ordering = ("-drawn_at", "-pk")

    @admin.display(description=gettext_lazy("应缴（元）"), ordering="principal_fen")
    def principal(self, row: ArrearsBill) -> str:
        return money.format_yuan(row.principal_fen)

    @admin.display(description=gettext_lazy("滞纳金（元）"), ordering="surcharge_fen")
    def fees(self, row: ArrearsBill) -> str:
        return money.format_yuan(row.surcharge_fen)
