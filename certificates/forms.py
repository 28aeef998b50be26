"""The forms for verifying, correcting and revoking a certificate."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates.codes import InvalidCode, InvalidLastFour, parse_code, parse_last_four
from certificates.models import Way
from certificates.verifying_files import MOST_BYTES


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("验证码"),
        max_length=60,
        help_text=gettext_lazy("印在证明页脚，28 位字母和数字；大小写和短横线不影响。"),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
        error_messages={"required": gettext_lazy("请填写验证码。")},
    )

    def clean_code(self) -> str:
        try:
            return parse_code(self.cleaned_data["code"])
        except InvalidCode:
            raise ValidationError(_("验证码应为 28 位字母和数字，请对照证明页脚逐位核对。")) from None

    last_four = forms.CharField(
        label=gettext_lazy("号码后四位"),
        max_length=8,
        help_text=gettext_lazy(
            "证明上身份证号码的后四位；护照等证件填社会保障号码的后四位，单位证明填统一社会信用代码的后四位。"
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters", "size": 8}
        ),
        error_messages={"required": gettext_lazy("请填写号码的后四位。")},
    )
    # The source of the code: typed, or read from a QR code by the page's script.
    way = forms.ChoiceField(
        choices=[(str(Way.CODE), ""), (str(Way.QR), "")], required=False, widget=forms.HiddenInput
    )

    def clean_last_four(self) -> str:
        try:
            return parse_last_four(self.cleaned_data["last_four"])
        except InvalidLastFour:
            raise ValidationError(_("后四位应为四个数字或字母，例如 1234 或 123X。")) from None

    def clean_way(self) -> Way:
        return Way(self.cleaned_data["way"] or Way.CODE)


class FileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("证明的 PDF 文件"),
        help_text=gettext_lazy("请选择下载时的原文件，不超过 10 MB。文件只用于核验，不会保存。"),
        widget=forms.ClearableFileInput(attrs={"accept": "application/pdf,.pdf"}),
        error_messages={
            "required": gettext_lazy("请选择要核验的 PDF 文件。"),
            "empty": gettext_lazy("文件是空的，请重新选择。"),
        },
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise ValidationError(_("文件超过 10 MB，不是本平台出具的证明。请上传下载时的原文件。"))
        return file


class CorrectForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("更正原因"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("会显示给证明的持有人，公开核验只显示已被替换、替换日期和新证明的编号。"),
        error_messages={"required": gettext_lazy("请写明更正原因。")},
    )


class RevokeForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("撤销原因"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("会显示给证明的持有人，公开核验只显示已撤销和撤销日期。"),
        error_messages={"required": gettext_lazy("请写明撤销原因。")},
    )
