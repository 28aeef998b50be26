"""The collectors' page for the employers' month: what is assessed and billed, and booking the transfers that arrive."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.admin import MoneyAdmin
from contributions.assessment import UNPAID
from contributions.models import ArrearsBill, Assessment, AssessmentStatus
from contributions.transfer_notes import Expected, Refused, book_transfer, code_of, expected, find
from enrollment.admin import CityFilter
from portal.accounts import permissions
from portal.accounts.models import User
from portal.hall.fields import YuanField
from portal.hall.workbench import QueueFilter, staff_of
from portal.policy.book import book
from portal.shared import money
from portal.shared.months import CHINA, today_in_china


class TransferForm(forms.Form):
    """One line of the bank's statement."""

    note = forms.CharField(
        label=gettext_lazy("汇款附言"),
        max_length=120,
        help_text=gettext_lazy("照银行流水填写，系统从中识别编号。"),
    )
    amount = YuanField(label=gettext_lazy("到账金额（元）"))
    bank_number = forms.CharField(label=gettext_lazy("银行流水号"), max_length=40)
    arrived_on = forms.DateField(
        label=gettext_lazy("到账日期"), widget=forms.DateInput(attrs={"type": "date"})
    )
    # The code of what was shown when it was confirmed: another note is shown again first.
    confirmed = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, now: dt.datetime, **kwargs: Any) -> None:
        self.now = now
        super().__init__(*args, **kwargs)

    def clean_arrived_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["arrived_on"]
        if day > today_in_china(self.now):
            raise forms.ValidationError(_("到账日期在今天之后。请核对银行流水。"))
        return day


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
        found = find(term)
        if isinstance(found, self.model):
            return queryset.filter(pk=found.pk), False
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

    def get_urls(self) -> list[URLPattern]:
        transfer = path(
            "transfer/", self.admin_site.admin_view(self.transfer_view), name="contributions_transfer"
        )
        return [*super().get_urls(), transfer]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        title = {
            "title": _("单位应缴核定"),
            "may_book": request.user.has_perm("contributions.change_assessment"),
        }
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def transfer_view(self, request: HttpRequest) -> HttpResponse:
        """登记到账: what the bank's statement says is matched and shown, then booked."""
        if not request.user.has_perm("contributions.change_assessment"):
            raise Http404
        now = timezone.now()
        form = TransferForm(request.POST or None, now=now)
        match: Expected | None = None
        if request.method == "POST" and form.is_valid():
            match = self._match(form, staff_of(request))
            seen = match is not None and form.cleaned_data["confirmed"] == code_of(match.payable)
            if seen and self._book(request, form, now):
                return HttpResponseRedirect(reverse("admin:contributions_transfer"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("登记到账"),
            "form": form,
            "match": match if not form.errors else None,
            "code": code_of(match.payable) if match is not None else "",
            "listing": reverse("admin:contributions_assessment_changelist"),
        }
        return TemplateResponse(
            request, "admin/contributions/transfer.html", context, status=422 if form.errors else 200
        )

    def _match(self, form: TransferForm, by: User) -> Expected | None:
        found = find(form.cleaned_data["note"])
        if found is None or found.city not in permissions.staff_cities(by):
            form.add_error(
                "note", _("附言中没有可以识别的编号。请核对；确实没有编号的，请联系汇款单位，或退回原账户。")
            )
            return None
        return expected(found)

    def _book(self, request: HttpRequest, form: TransferForm, now: dt.datetime) -> bool:
        told = form.cleaned_data
        # The statement tells the day; noon is on that day wherever it is looked at.
        at = dt.datetime.combine(told["arrived_on"], dt.time(12), CHINA)
        try:
            paid = book_transfer(
                note=told["note"],
                amount_fen=money.to_fen(told["amount"]),
                bank_number=told["bank_number"].strip(),
                at=at,
                by=staff_of(request),
                now=now,
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
            return False
        messages.success(
            request,
            _("已入账：%(employer)s %(amount)s 元。")
            % {"employer": paid.employer.name, "amount": money.format_yuan(money.to_fen(told["amount"]))},
        )
        return True

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
