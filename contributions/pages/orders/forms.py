"""What is asked of who pays an order."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from contributions import channels
from contributions.channels.card import check_payer
from portal.accounts.fields import NameField
from portal.hall.fields import BankCardField


class ChannelForm(forms.Form):
    """By which channel."""

    channel = forms.ChoiceField(label=gettext_lazy("支付方式"), widget=forms.RadioSelect)

    HINTS = {
        "card": gettext_lazy("填写卡号，凭银行发送的短信验证码支付"),
        "alipay": gettext_lazy("到支付宝页面付款"),
        "wechat": gettext_lazy("用微信扫一扫付款"),
    }

    def __init__(self, *args: Any, codes: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channel"]
        field.choices = [(code, channels.TITLES[code]) for code in codes]  # type: ignore[attr-defined]
        field.choice_hints = {code: self.HINTS[code] for code in codes}  # type: ignore[attr-defined]
        if codes:
            field.initial = codes[0]


class CardForm(forms.Form):
    """What the bank asks of who pays; the channel judges it."""

    card_number = BankCardField(label=gettext_lazy("银行卡号"))
    holder = NameField(label=gettext_lazy("持卡人姓名"))
    identity_number = forms.CharField(
        label=gettext_lazy("持卡人身份证号码"),
        max_length=18,
        widget=forms.TextInput(attrs={"class": "w-18", "autocomplete": "off"}),
    )
    phone = forms.CharField(
        label=gettext_lazy("银行预留手机号"),
        max_length=11,
        help_text=gettext_lazy("短信验证码由银行发到这个号码。"),
        widget=forms.TextInput(attrs={"class": "w-11", "inputmode": "tel", "autocomplete": "tel"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.initial.items():
            if value:
                self.fields[name].read_from_register = True  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for field, why in check_payer({name: str(value) for name, value in cleaned.items()}).items():
            if field not in self.errors:
                self.add_error(field, why)
        return cleaned


class CodeForm(forms.Form):
    """The code that the bank sent."""

    code = forms.CharField(
        label=gettext_lazy("短信验证码"),
        max_length=8,
        widget=forms.TextInput(
            attrs={"class": "w-6", "inputmode": "numeric", "autocomplete": "one-time-code"}
        ),
    )
