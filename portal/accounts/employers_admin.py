"""Employers in the workbench: an account is opened by two hands."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from portal.accounts import openings
from portal.accounts.fields import CreditCodeField, NameField, PhoneField
from portal.accounts.people_admin import PlaceField
from portal.accounts.permissions import staff
from portal.accounts.proposals_admin import ByTwo, ProposingForm, ReasonField
from portal.accounts.staff_admin import OfTheCity, StaffAdmin
from portal.people.models import Employer
from portal.shared import identity
from portal.shared.characters import narrow

_GRADE = gettext_lazy("%(grade)s 类")


class EmployerOpeningForm(ProposingForm):
    """单位开户: an employer's account in one city, with its first clerk."""

    credit_code = CreditCodeField(widget=UnfoldAdminTextInputWidget)
    city = PlaceField()
    contact_name = NameField(label=gettext_lazy("专管员姓名"), widget=UnfoldAdminTextInputWidget)
    contact_phone = PhoneField(
        label=gettext_lazy("专管员手机号"),
        help_text=gettext_lazy("复核后为其开通经办人账号，登录密码由本人用这个手机号设置。"),
        widget=UnfoldAdminTextInputWidget,
    )
    industry_grade = forms.TypedChoiceField(
        label=gettext_lazy("行业工伤风险类别"),
        choices=[(grade, _GRADE % {"grade": grade}) for grade in range(1, 9)],
        coerce=int,
        widget=UnfoldAdminSelectWidget,
    )
    reason = ReasonField(help_text=gettext_lazy("写明核对了什么材料。由另一名工作人员复核后开户。"))

    class Meta:
        model = Employer
        fields = ("name", "insurance_number")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["city"].offer(self.by)  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if name.startswith(("=", "+", "-", "@")):
            raise ValidationError(_("单位名称不能以 = + - @ 开头，请按营业执照填写。"))
        return name

    def clean_insurance_number(self) -> str:
        number = narrow(str(self.cleaned_data["insurance_number"]))
        if not (number.isascii() and number.isalnum()):
            raise ValidationError(_("单位社保编号只含字母和数字。"))
        return number

    def ensure(self, cleaned: dict[str, Any]) -> None:
        openings.ensure_employer(cleaned, by=self.by)


@admin.register(Employer)
class EmployerAdmin(ByTwo, OfTheCity):
    """An employer is opened by two. Of what stands, its contact and grade are changed; the rest
    stays."""

    list_display = ("name", "credit_code", "insurance_number", "city", "contact_name", "contact_phone_masked")
    list_filter = ("city", "industry_grade")
    search_fields = ("name", "=credit_code", "=insurance_number")
    search_help_text = gettext_lazy("单位名称、统一社会信用代码或单位社保编号")
    ordering = ("name", "pk")
    fields = (*openings.EMPLOYER_FIELDS, "created_at")
    readonly_fields = ("credit_code", "city", "insurance_number", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return StaffAdmin.has_add_permission(self, request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = EmployerOpeningForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*openings.EMPLOYER_FIELDS, "reason") if obj is None else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.readonly_fields

    def proposed(self, request: HttpRequest, obj: Any, form: Any, *, change: bool) -> bool:
        told = form.cleaned_data
        openings.propose_employer(told, reason=told["reason"], by=staff(request), now=timezone.now())
        return True

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            obj.save()
        else:
            super().save_model(request, obj, form, change)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return StaffAdmin.response_change(self, request, obj)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return StaffAdmin.log_change(self, request, obj, message)

    @admin.display(description=gettext_lazy("专管员手机号"))
    def contact_phone_masked(self, employer: Employer) -> str:
        return identity.mask_phone(employer.contact_phone)
