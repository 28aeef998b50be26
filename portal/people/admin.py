"""Employers, bank accounts and guardians in the workbench: of the first two, staff see those of their city."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from portal.columns import person_name
from portal.people.models import BankAccount, Employer, Guardianship, Person
from portal.policy.book import book
from portal.policy.terms import adulthood
from portal.shared import ages, identity, names
from portal.shared.months import today_in_china


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


class GuardianshipForm(forms.ModelForm):
    """A new guardianship: both are named by their numbers; a ward whom the register does not know yet gets a file."""

    guardian_number = forms.CharField(
        label=gettext_lazy("监护人身份证号码"), max_length=18, widget=UnfoldAdminTextInputWidget
    )
    ward_number = forms.CharField(
        label=gettext_lazy("被监护人身份证号码"), max_length=18, widget=UnfoldAdminTextInputWidget
    )
    ward_name = forms.CharField(
        label=gettext_lazy("被监护人姓名"), max_length=60, widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Guardianship
        fields = ("relation", "proof", "start", "ends_on")

    def clean_guardian_number(self) -> Person:
        number = self._number("guardian_number").number
        guardian = Person.objects.filter(identity_number=number).first()
        if guardian is None:
            raise ValidationError(_("没有查到这名监护人，请先由其本人注册个人账号。"))
        return guardian

    def clean_ward_name(self) -> str:
        return person_name(self.cleaned_data["ward_name"])

    def clean_ward_number(self) -> identity.Identity:
        return self._number("ward_number")

    def _number(self, field: str) -> identity.Identity:
        try:
            return identity.parse(self.cleaned_data[field])
        except identity.InvalidIdentity as mistake:
            raise ValidationError(_("这不是有效的身份证号码，请逐位核对。"), code=mistake.code) from mistake

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        guardian, number, start = (
            cleaned.get("guardian_number"),
            cleaned.get("ward_number"),
            cleaned.get("start"),
        )
        if number and guardian and guardian.identity_number == number.number:
            self.add_error("ward_number", _("监护人和被监护人不能是同一个人。"))
        known = Person.objects.filter(identity_number=number.number).first() if number else None
        if known and cleaned.get("ward_name") and not names.agree(known.name, cleaned["ward_name"]):
            self.add_error("ward_name", _("姓名与登记的不一致，请核对身份证号码和姓名。"))
        if number and start:
            self._end_with_childhood(cleaned, number, start)
        return cleaned

    def _end_with_childhood(self, cleaned: dict[str, Any], number: identity.Identity, start: Any) -> None:
        """For a minor it ends, at the latest, on the day they come of age."""
        of_age = ages.birthday(number.birth_date, adulthood(book(), on=today_in_china(timezone.now())))
        if start < of_age:
            ends_on = cleaned.get("ends_on")
            cleaned["ends_on"] = min(ends_on, of_age) if ends_on else of_age


@admin.register(Guardianship)
class GuardianshipAdmin(ModelAdmin):
    """Who files for whom. Typed once; afterwards only its end can be set, and nothing is deleted."""

    form = GuardianshipForm
    list_display = ("guardian", "ward", "relation", "start", "ends_on")
    list_select_related = ("guardian", "ward")
    search_fields = ("=guardian__identity_number", "=ward__identity_number", "=guardian__name", "=ward__name")
    search_help_text = gettext_lazy("完整的身份证号码或姓名")
    ordering = ("-start", "-pk")
    show_full_result_count = False
    actions = None
    shown = ("guardian", "ward", "relation", "proof", "start")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return (*self.shown, "ends_on")
        return ("guardian_number", "ward_number", "ward_name", "relation", "proof", "start", "ends_on")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Guardianship, form: Any, change: bool) -> None:
        if not change:
            number: identity.Identity = form.cleaned_data["ward_number"]
            obj.guardian = form.cleaned_data["guardian_number"]
            obj.ward, _made = Person.objects.get_or_create(
                identity_number=number.number,
                defaults={
                    "name": form.cleaned_data["ward_name"],
                    "sex": number.sex,
                    "birth_date": number.birth_date,
                },
            )
            obj.ends_on = form.cleaned_data["ends_on"]
        super().save_model(request, obj, form, change)
