"""What a desk's clerk enters: whom they see before them, by which card, and what is wanted."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.accounts.fields import IdentityNumberField, NameField, PhoneField
from portal.qualifications.models import Right

# What the desk looks at.
SEEN = ("居民身份证", "临时居民身份证", "港澳台居民居住证", "外国人永久居留身份证", "护照")


class ResidentForm(forms.Form):
    """The resident who stands at the desk, and the card that was seen."""

    identity_number = IdentityNumberField(label=_("身份证号码"))
    name = NameField()
    seen = forms.ChoiceField(
        label=_("核验的证件"),
        choices=[("", _("请选择")), *((one, one) for one in SEEN)],
        error_messages={"required": _("请选择核验的证件。")},
    )
    confirmed = forms.BooleanField(
        label=_("已当面核对证件原件，与来人一致，并留存复印件"),
        error_messages={"required": _("须当面核对证件原件后才能办理。")},
    )


class OpeningForm(ResidentForm):
    """开通网上办事资格."""

    field_order = ("identity_number", "name", "phone", "right", "seen", "confirmed")

    phone = PhoneField(help_text=_("本人的手机号码，用于登录和接收验证码、通知。"))
    right = forms.ChoiceField(
        label=_("开通权限"),
        choices=[
            (Right.QUERY, _("查询（单位职工）")),
            (Right.FILE, _("查询和办理（灵活就业等自行参保人员，须签订承诺书）")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("请选择开通权限。")},
    )


class ScanForm(forms.Form):
    """The letter as it was signed on paper."""

    scan = forms.FileField(
        label=_("本人签字的承诺书扫描件"),
        help_text=_("JPG、PNG 图片或 PDF 文件，不超过 5 MB。"),
        widget=forms.ClearableFileInput(attrs={"accept": "image/jpeg,image/png,application/pdf"}),
        error_messages={
            "required": _("请选择签字的承诺书扫描件。"),
            "empty": _("这是空文件，请重新选择。"),
        },
    )
    signed = forms.BooleanField(
        label=_("承诺书由本人当面签字"),
        error_messages={"required": _("承诺书须由本人当面签字。")},
    )


class AgreeForm(forms.Form):
    """The person signs on screen the version that was shown."""

    version = forms.CharField(max_length=20, widget=forms.HiddenInput)
    agreed = forms.BooleanField(
        label=_("我已阅读并同意承诺书的全部内容"),
        error_messages={"required": _("请阅读承诺书，同意的请勾选。")},
    )

    def __init__(self, typed: Any, *, version: str) -> None:
        super().__init__(typed, initial={"version": version})
        self.shown = version

    def clean_version(self) -> str:
        version = str(self.cleaned_data["version"])
        if version != self.shown:
            raise ValidationError(_("承诺书已有新版本，请阅读现在显示的内容。"))
        return version
