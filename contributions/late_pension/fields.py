"""Form fields for years of work long ago."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from portal.shared.characters import narrow
from portal.shared.months import Month


class MonthInputField(forms.CharField):
    """Any month, as typed or picked: 1988-01, 1988.1, 198801; cleaned to a Month."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"class": "w-11", "type": "month", "autocomplete": "off"})
        )
        kwargs.setdefault("max_length", 10)
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Month | None:
        text = narrow(super().clean(value)).replace(".", "-").replace("/", "-")
        if not text:
            return None
        if len(text) == 6 and text.isdigit():
            text = f"{text[:4]}-{text[4:]}"
        year, _dash, month = text.partition("-")
        try:
            return Month.parse(f"{year}-{month:0>2}")
        except ValueError as error:
            raise ValidationError(_("请填写年份和月份，例如 1988-01。"), code="month") from error


def add_span(form: forms.Form) -> None:
    """Adds where the person worked, from which month to which, and how many months are wanted."""
    form.fields["workplace"] = forms.CharField(
        label=_("原工作单位（下乡的填写下乡地点）"),
        max_length=120,
        help_text=_("有几个单位的依次填写，到窗口凭档案核对。"),
        error_messages={"required": _("请填写原工作单位或下乡地点。")},
    )
    form.fields["start"] = MonthInputField(
        label=_("从哪个月开始"), error_messages={"required": _("请填写开始的月份。")}
    )
    form.fields["last"] = MonthInputField(
        label=_("到哪个月为止"), error_messages={"required": _("请填写最后一个月。")}
    )
    form.fields["months"] = forms.IntegerField(
        label=_("补缴月数"),
        min_value=1,
        max_value=600,
        widget=forms.NumberInput(attrs={"class": "w-11", "inputmode": "numeric"}),
        error_messages={"required": _("请填写补缴月数。")},
    )


def clean_span(form: forms.Form, cleaned: dict[str, Any]) -> None:
    """The last month is not before the first."""
    start, last = cleaned.get("start"), cleaned.get("last")
    if start and last and last < start:
        form.add_error("last", _("最后一个月不能早于开始的月份。"))
