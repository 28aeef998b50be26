"""The register that stands in for the outside ones: staff keep it, so that comparisons have something to compare with."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from portal.registers.models import HouseholdRecord
from portal.shared import identity


class HouseholdRecordForm(forms.ModelForm):
    class Meta:
        model = HouseholdRecord
        fields = ("identity_number", "name", "place_code", "settled_on")

    def clean_identity_number(self) -> str:
        try:
            return identity.parse(self.cleaned_data["identity_number"]).number
        except identity.InvalidIdentity as mistake:
            raise ValidationError(_("这不是有效的身份证号码，请逐位核对。"), code=mistake.code) from mistake

    def clean_place_code(self) -> str:
        code: str = self.cleaned_data["place_code"]
        if not (len(code) == 6 and code.isascii() and code.isdigit()):
            raise ValidationError(_("区划代码是 6 位数字，例如 330211。"), code="form")
        return code


@admin.register(HouseholdRecord)
class HouseholdRecordAdmin(ModelAdmin):
    form = HouseholdRecordForm
    list_display = ("name", "number_masked", "place_code", "settled_on")
    search_fields = ("=name", "=identity_number")
    search_help_text = gettext_lazy("完整的身份证号码或姓名")
    ordering = ("name", "pk")
    show_full_result_count = False
    actions = None

    def get_fields(self, request: HttpRequest, obj: HouseholdRecord | None = None) -> Any:
        """Typed once; afterwards the number is masked and cannot be edited."""
        return (
            ("identity_number", "name", "place_code", "settled_on")
            if obj is None
            else ("number_masked", "name", "place_code", "settled_on")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: HouseholdRecord | None = None) -> Any:
        return () if obj is None else ("number_masked",)

    @admin.display(description=gettext_lazy("身份证号码"))
    def number_masked(self, record: HouseholdRecord) -> str:
        return identity.mask(record.identity_number)
