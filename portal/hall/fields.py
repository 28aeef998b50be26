"""Form fields for what services ask: amounts, accounts, months. Each error says what to do."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.policy.terms.people import AccountNumbers
from portal.shared import bank_account, bank_card, money
from portal.shared.characters import narrow
from portal.shared.months import Month


class YuanField(forms.CharField):
    """An amount in yuan, at most two decimals; cleaned to an exact Decimal."""

    suffix = _("元")

    def __init__(
        self, *, at_least: Decimal = Decimal("0.01"), at_most: Decimal = Decimal("9999999.99"), **kwargs: Any
    ) -> None:
        self.at_least, self.at_most = at_least, at_most
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"class": "w-11", "inputmode": "decimal", "autocomplete": "off"})
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Decimal | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            amount = money.yuan(money.parse_yuan(text))
        except ValueError as error:
            raise ValidationError(
                _("请填写金额，例如 5600 或 5600.50，最多两位小数。"), code="amount"
            ) from error
        if not self.at_least <= amount <= self.at_most:
            raise ValidationError(
                _("金额应在 %(least)s 元至 %(most)s 元之间。"),
                params={
                    "least": money.format_yuan(money.to_fen(self.at_least)),
                    "most": money.format_yuan(money.to_fen(self.at_most)),
                },
                code="range",
            )
        return amount


class MonthChoiceField(forms.ChoiceField):
    """One of the months that are allowed, as buttons; what is not allowed is shown with the reason.
    Cleaned to a Month or None.

    ``none_label`` adds a choice of no month. ``choice_hints`` say more under a month ("2026-11":
    …).
    """

    def __init__(
        self,
        *,
        months: Sequence[Month],
        not_allowed: Mapping[Month, Any] | None = None,
        none_label: Any = "",
        **kwargs: Any,
    ) -> None:
        refused = dict(not_allowed or {})
        self.choice_hints: dict[str, Any] = {}
        self.always_answered = bool(none_label)
        self.not_allowed = {str(month): why for month, why in refused.items()}
        shown = sorted({*months, *refused})
        choices: list[tuple[str, Any]] = [(str(month), month.zh) for month in shown]
        if none_label:
            choices.append(("", none_label))
        kwargs.setdefault("widget", forms.RadioSelect(attrs={"class": "month-buttons"}))
        super().__init__(choices=choices, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text in self.not_allowed:
            raise ValidationError(self.not_allowed[text], code="not_allowed")
        return Month.parse(text) if text else None


class MonthsField(forms.MultipleChoiceField):
    """Some of the months that are allowed, as buttons; what is not allowed is shown with the
    reason. Cleaned to Months."""

    def __init__(
        self, *, months: Sequence[Month], not_allowed: Mapping[Month, Any] | None = None, **kwargs: Any
    ) -> None:
        refused = dict(not_allowed or {})
        self.not_allowed = {str(month): why for month, why in refused.items()}
        kwargs.setdefault("widget", forms.CheckboxSelectMultiple(attrs={"class": "month-buttons"}))
        shown = sorted({*months, *refused})
        super().__init__(choices=[(str(month), month.zh) for month in shown], **kwargs)

    def clean(self, value: Any) -> Any:
        months = [Month.parse(text) for text in super().clean(value)]
        for month in months:
            if str(month) in self.not_allowed:
                raise ValidationError(
                    _("%(month)s：%(why)s。"),
                    params={"month": month.zh, "why": self.not_allowed[str(month)]},
                    code="not_allowed",
                )
        return sorted(months)


class AccountNumberField(forms.CharField):
    """A person's bank account: a card, a passbook, a social-security card; spaces and hyphens are
    removed.

    A check digit is checked where numbers of that kind have one; only the bank knows whether the
    account exists.
    """

    def __init__(self, *, numbers: AccountNumbers, **kwargs: Any) -> None:
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"class": "w-18", "inputmode": "numeric", "autocomplete": "off"})
        )
        self.numbers = numbers
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return self.numbers.parse(text)
        except bank_account.InvalidAccount as error:
            raise ValidationError(self._mistake(error), code=error.code) from error

    def _mistake(self, error: bank_account.InvalidAccount) -> str:
        if error.code == "characters":
            return str(_("账号只含数字，请对照存折或卡面核对。"))
        if error.code == "check":
            return str(_("卡号的校验位不符，很可能有一位输错了，请对照卡面逐位核对。"))
        wanted = _("账号应为 {fewest} 至 {most} 位数字，这里是 {digits} 位，请对照存折或卡面核对。")
        return str(wanted).format(
            fewest=self.numbers.fewest, most=self.numbers.most, digits=len(error.number)
        )


class BankCardField(forms.CharField):
    """The number of a card of a card network, checked by its last digit; spaces are removed."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"class": "w-18", "inputmode": "numeric", "autocomplete": "off"})
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return bank_card.parse(text)
        except bank_card.InvalidBankCard as error:
            raise ValidationError(
                _("卡号不正确，很可能有一位输错了，请对照卡面逐位核对。"), code=error.code
            ) from error


class CorporateAccountField(forms.CharField):
    """The number of a company's account, 8 to 32 digits; it has no check digit. Spaces and hyphens
    are mended."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "widget", forms.TextInput(attrs={"class": "w-18", "inputmode": "numeric", "autocomplete": "off"})
        )
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        text = "".join(narrow(super().clean(value)).replace("-", "").split())
        if text and not (text.isascii() and text.isdigit() and 8 <= len(text) <= 32):
            raise ValidationError(_("账号应为 8 至 32 位数字，请对照开户许可证或网银核对。"))
        return text
