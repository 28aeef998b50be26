"""Charges, receipts, entries and bank files, to look up."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline

from contributions import channels
from contributions.models import (
    BankFile,
    Charge,
    Entry,
    Leg,
    Receipt,
)
from contributions.workbench import refunds
from contributions.workbench.base import MoneyAdmin, yuan
from enrollment.admin import CityFilter
from portal.accounts import permissions
from portal.accounts.cells import person_cell
from portal.accounts.staff_admin import StaffAdmin
from portal.policy.book import PolicyMissing, book


@admin.register(Charge)
class ChargeAdmin(MoneyAdmin):
    identity_numbers = ("person__identity_number",)
    person_column, employer_column, city_column = "person", "employer", "city"
    list_display = ("whom", "insurance", "month_shown", "place", "employer", "amount", "status", "due_on")
    list_display_links = ("whom",)
    list_select_related = ("person", "employer")
    list_filter = ("status", "insurance", CityFilter)
    search_help_text = gettext_lazy("完整的身份证号码、姓名、单位名称或统一社会信用代码")
    ordering = ("-pk",)
    fields = readonly_fields = (
        "whom",
        "place",
        "employer",
        "insurance",
        "capacity",
        "month_shown",
        "base",
        "amount",
        "personal",
        "employer_share",
        "account",
        "figures",
        "policy_since",
        "basis",
        "status",
        "due_on",
        "created_at",
    )

    @admin.display(description=gettext_lazy("参保人"))
    def whom(self, charge: Charge) -> str:
        return person_cell(charge.person.name, charge.person.identity_number)

    @admin.display(description=gettext_lazy("参保地"))
    def place(self, charge: Charge) -> str:
        return book().city(charge.city).title

    @admin.display(description=gettext_lazy("月份"))
    def month_shown(self, charge: Charge) -> str:
        return charge.month.zh

    @admin.display(description=gettext_lazy("政策参数"))
    def figures(self, charge: Charge) -> str:
        """By which rule it was priced, and where that was read."""
        scope, _slash, name = charge.policy.partition("/")
        try:
            reference = book().leaf(scope, name, charge.policy_since).reference
        except PolicyMissing:
            return _("现行数据中已没有这一参数")
        return _("{basis}；出处：{source}").format(basis=reference.basis, source=reference.source)

    @admin.display(description=gettext_lazy("应缴（元）"))
    def amount(self, charge: Charge) -> str:
        return yuan(charge.amount_fen)

    @admin.display(description=gettext_lazy("个人缴纳（元）"))
    def personal(self, charge: Charge) -> str:
        return yuan(charge.personal_fen)

    @admin.display(description=gettext_lazy("单位缴纳（元）"))
    def employer_share(self, charge: Charge) -> str:
        return yuan(charge.employer_fen)

    @admin.display(description=gettext_lazy("划入个人账户（元）"))
    def account(self, charge: Charge) -> str:
        return yuan(charge.account_fen)


@admin.register(Receipt)
class ReceiptAdmin(refunds.ReceiptsAdmin, MoneyAdmin):
    list_display = ("provider_number", "way", "whom", "what", "amount", "applied", "received_at")
    list_display_links = ("provider_number",)
    list_select_related = ("charge__person", "order__person", "order__top_up")
    list_filter = ("applied", refunds.ReceiptCityFilter)
    search_help_text = gettext_lazy("完整的身份证号码、姓名、单位名称或统一社会信用代码")
    ordering = ("-pk",)
    fields = readonly_fields = (
        "way",
        "provider_number",
        "whom",
        "what",
        "amount",
        "account",
        "applied",
        "received_at",
        "entry",
        "debit_line",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return channels.with_partner_names(super().get_queryset(request))

    @admin.display(description=gettext_lazy("渠道"))
    def way(self, receipt: Receipt) -> str:
        return channels.title_of(receipt)

    @admin.display(description=gettext_lazy("参保人"))
    def whom(self, receipt: Receipt) -> str:
        return refunds.person_of(receipt)

    @admin.display(description=gettext_lazy("应缴"))
    def what(self, receipt: Receipt) -> str:
        return refunds.what_of(receipt)

    @admin.display(description=gettext_lazy("金额（元）"))
    def amount(self, receipt: Receipt) -> str:
        return yuan(receipt.amount_fen)

    @admin.display(description=gettext_lazy("划入个人账户（元）"))
    def account(self, receipt: Receipt) -> str:
        return yuan(receipt.account_fen)


class LegInline(TabularInline):
    model = Leg
    fields = readonly_fields = ("named", "debited", "credited")
    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Leg]:
        return super().get_queryset(request).select_related("account")

    @admin.display(description=gettext_lazy("科目"))
    def named(self, leg: Leg) -> str:
        return channels.account_titles([leg.account])[leg.account_id]

    @admin.display(description=gettext_lazy("借方（元）"))
    def debited(self, leg: Leg) -> str:
        return yuan(leg.amount_fen) if leg.amount_fen > 0 else ""

    @admin.display(description=gettext_lazy("贷方（元）"))
    def credited(self, leg: Leg) -> str:
        return yuan(-leg.amount_fen) if leg.amount_fen < 0 else ""


@admin.register(Entry)
class EntryAdmin(MoneyAdmin):
    city_column = "city"
    list_display = ("reference", "kind", "place", "number", "at", "by")
    list_display_links = ("reference",)
    list_select_related = ("by",)
    list_filter = ("kind", CityFilter)
    search_help_text = gettext_lazy("完整的凭据号")
    ordering = ("-pk",)
    fields = readonly_fields = (
        "reference",
        "kind",
        "place",
        "number",
        "at",
        "by",
        "previous_digest",
        "digest",
    )
    inlines = (LegInline,)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(reference=term) if term else queryset), False

    @admin.display(description=gettext_lazy("城市"))
    def place(self, entry: Entry) -> str:
        return book().city(entry.city).title


@admin.register(BankFile)
class BankFileAdmin(MoneyAdmin):
    """What went to banks and came from them. A file that names no batch belongs to no city: whoever
    sees all cities sees it."""

    city_column = "batch__city"
    list_display = ("name", "direction", "batch", "status", "why", "received_at")
    list_display_links = ("name",)
    list_select_related = ("batch",)
    list_filter = ("status", "direction")
    search_help_text = gettext_lazy("完整的文件名或批次号")
    ordering = ("-pk",)
    fields = readonly_fields = (
        "name",
        "direction",
        "batch",
        "status",
        "why",
        "received_at",
        "size",
        "digest",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[BankFile]:
        rows = StaffAdmin.get_queryset(self, request)
        cities = permissions.staff_cities(request.user)
        of_mine = Q(batch__city__in=cities)
        return rows.filter(of_mine | Q(batch__isnull=True) if len(cities) == len(book().cities) else of_mine)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(Q(name=term) | Q(batch__number=term)) if term else queryset), False


# Registered by being imported: the admin looks for this module alone.
