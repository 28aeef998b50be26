"""Employers and bank accounts in the workbench: staff see those of their city."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from portal.people.models import BankAccount, Employer
from portal.shared import identity


class OfTheCity(ModelAdmin):
    """Rows of a city: its staff's; those of every city for who has none. Nothing is added or deleted by hand."""

    actions = None
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        city = getattr(request.user, "city", None)
        if city is None:
            return rows.none()
        return rows.filter(city=city) if city else rows


@admin.register(Employer)
class EmployerAdmin(OfTheCity):
    list_display = ("name", "credit_code", "insurance_number", "city", "contact_name", "contact_phone_masked")
    list_filter = ("city", "industry_grade")
    search_fields = ("name", "=credit_code", "=insurance_number")
    search_help_text = gettext_lazy("单位名称、统一社会信用代码或单位社保编号")
    ordering = ("name", "pk")
    readonly_fields = ("credit_code", "city", "insurance_number", "created_at")

    @admin.display(description=gettext_lazy("专管员手机号"))
    def contact_phone_masked(self, employer: Employer) -> str:
        return identity.mask_phone(employer.contact_phone)


@admin.register(BankAccount)
class BankAccountAdmin(OfTheCity):
    """To read: an account changes by its own service, because the next debit draws on it."""

    list_display = ("person", "city", "bank", "number_masked", "start", "until")
    list_filter = ("city", "bank")
    list_select_related = ("person",)
    search_fields = ("=person__name",)
    search_help_text = gettext_lazy("完整的姓名")
    ordering = ("-start", "-pk")
    fields = readonly_fields = ("person", "city", "bank", "number_masked", "holder", "start", "until")

    def has_change_permission(self, request: HttpRequest, obj: BankAccount | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("账号"))
    def number_masked(self, account: BankAccount) -> str:
        return identity.mask_account(account.number)
