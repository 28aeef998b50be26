"""Who draws a pension, as the agency that pays it notes it down."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from portal.accounts.registers_admin import PlacedForm, PlacedRecordAdmin
from portal.registers.models import PensionRecord
from portal.shared import money


class PensionRecordForm(PlacedForm):
    of_elsewhere = gettext_lazy("这不是本市的区划代码。在外地领取的，请由当地的经办机构登记。")

    monthly = forms.CharField(
        label=gettext_lazy("每月待遇（元）"),
        max_length=12,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("例如 4200 或 4200.50。"),
    )

    class Meta:
        model = PensionRecord
        fields = (
            "identity_number",
            "name",
            "kind",
            "place_code",
            "payer",
            "retired_in",
            "since",
            "until",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["monthly"].initial = money.format_yuan(self.instance.monthly_fen)

    def clean_monthly(self) -> int:
        try:
            fen = money.parse_yuan(self.cleaned_data["monthly"])
        except ValueError as mistake:
            raise ValidationError(
                _("请填写金额，例如 4200 或 4200.50，最多两位小数。"), code="amount"
            ) from mistake
        if not 0 < fen < 10_000_000_00:
            raise ValidationError(_("每月待遇应大于 0 元，请核对金额。"), code="range")
        return fen

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and cleaned.get("retired_in") and since < cleaned["retired_in"]:
            self.add_error("since", _("开始领取的月份不能早于达到退休年龄的月份。"))
        if since and until and until <= since:
            self.add_error("until", _("停止领取的月份应在开始领取的月份之后。"))
        number = cleaned.get("identity_number") or self.instance.identity_number
        others = PensionRecord.objects.filter(identity_number=number, until__isnull=True)
        if not until and others.exclude(pk=self.instance.pk).exists():
            self.add_error(None, _("这名人员已有一份正在领取的登记，请先填写其停止领取的月份。"))
        return cleaned

    def save(self, commit: bool = True) -> Any:
        self.instance.monthly_fen = self.cleaned_data["monthly"]
        return super().save(commit)


@admin.register(PensionRecord)
class PensionRecordAdmin(PlacedRecordAdmin):
    """What the own city's agency pays; a record is ended, and never deleted."""

    form = PensionRecordForm
    list_display = ("name", "number_masked", "kind", "payer", "since", "until")
    asked = (
        "identity_number",
        "name",
        "kind",
        "place_code",
        "payer",
        "retired_in",
        "since",
        "monthly",
        "until",
    )
