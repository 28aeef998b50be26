"""Form fields for numbers, names, phones, codes and passwords; each accepts different ways of
typing, and its errors say what is wrong."""

import re
from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from portal.accounts import doors, phones
from portal.accounts.models import User
from portal.columns import person_name
from portal.shared import credit_code, foreigners, identity
from portal.shared.characters import narrow

IDENTITY_MISTAKES = {
    "paper": _(
        "这里填 18 位的社会保障号码：身份证、港澳台居民居住证、2023 年起的外国人永久居留身份证填证上的号码；"
        "护照持有人登记参保后才有，填护照号码没有查到的，请核对号码。"
        "只有港澳台通行证的，请先申领居住证，或带证件到参保地社保经办窗口，也可拨打 12333。"
    ),
    "length": _("身份证号码应为 18 位（旧证 15 位），请核对位数。"),
    "characters": _("身份证号码只含数字，第 18 位可为 X，请核对。"),
    "date": _("身份证号码中的出生日期不正确，请核对第 7 至 14 位。"),
    "check": _("身份证号码校验位不符，可能有一位输错，请逐位核对。"),
}
_CREDIT_CODE_MISTAKES = {
    "length": _("统一社会信用代码应为 18 位，请核对位数。"),
    "characters": _("统一社会信用代码只含数字和大写字母（不含 I、O、Z、S、V），请核对。"),
    "check": _("统一社会信用代码校验位不符，可能有一位输错，请逐位核对。"),
}


def _describe(widget: forms.Widget, attrs: dict[str, str]) -> None:
    """What the browser is told of a field; the workbench's own widgets keep the classes by which
    they are drawn."""
    widget.attrs = {**attrs, **widget.attrs}


class IdentityNumberField(forms.CharField):
    """An identity number; its value is the social-security number of 18 characters.

    Of a passport it is known where one person on file has it; else what was typed is the number of
    nobody, which is told as of any other, so that nobody learns who is on file. With ``stated`` the
    form asks for the kind of paper, too (``StatesPaper``), and gets a passport's number as it is.
    """

    def __init__(self, *, stated: bool = False, **kwargs: Any) -> None:
        self.stated = stated
        kwargs.setdefault("label", _("身份证号码"))
        super().__init__(max_length=40, **kwargs)
        _describe(
            self.widget,
            {"class": "w-18", "spellcheck": "false", "autocapitalize": "characters", "autocomplete": "off"},
        )

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        if not typed:
            return ""
        if self.stated and foreigners.may_be_passport(typed):
            return foreigners.as_typed(typed)
        try:
            return doors.identity_number(typed) if self.stated else doors.known_number(typed)
        except identity.InvalidIdentity as mistake:
            number = foreigners.as_typed(typed)
            if foreigners.may_be_passport(number) and not number.isdigit():
                return number
            raise ValidationError(IDENTITY_MISTAKES[mistake.code], code=mistake.code) from mistake


class CreditCodeField(forms.CharField):
    """A unified social credit code, in capitals."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("统一社会信用代码"))
        super().__init__(max_length=40, **kwargs)
        _describe(self.widget, {"class": "w-18", "spellcheck": "false", "autocapitalize": "characters"})

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        if not typed:
            return ""
        try:
            return credit_code.parse(typed)
        except credit_code.InvalidCreditCode as mistake:
            raise ValidationError(_CREDIT_CODE_MISTAKES[mistake.code], code=mistake.code) from mistake


class PhoneField(forms.CharField):
    """A mobile number: 11 digits, or with the code of where it belongs."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("手机号码"))
        super().__init__(max_length=40, **kwargs)
        _describe(self.widget, {"class": "w-11", "inputmode": "tel", "autocomplete": "tel"})

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        if not typed:
            return ""
        try:
            return phones.parse(typed)
        except phones.InvalidPhone as mistake:
            raise ValidationError(
                _(
                    "手机号码应为 11 位、以 1 开头的数字；港澳台和境外号码请加区号，例如 +852 5123 4567。请核对。"
                ),
                code="invalid",
            ) from mistake


class NameField(forms.CharField):
    """A person's name as on the identity paper, in the one form of names."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("姓名"))
        super().__init__(max_length=60, **kwargs)
        _describe(self.widget, {"class": "w-11", "autocomplete": "name"})

    def clean(self, value: Any) -> str:
        typed = super().clean(value)
        return person_name(typed) if typed else ""


class CodeField(forms.CharField):
    """The six digits of a text message."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("短信验证码"))
        super().__init__(max_length=20, **kwargs)
        _describe(self.widget, {"class": "w-6", "inputmode": "numeric", "autocomplete": "one-time-code"})

    def clean(self, value: Any) -> str:
        code = narrow(super().clean(value))
        if code and not re.fullmatch(r"[0-9]{6}", code):
            raise ValidationError(_("短信验证码是 6 位数字。"), code="invalid")
        return code


class PasswordField(forms.CharField):
    """A password as it is; never shown again after an error."""

    def __init__(self, *, new: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("密码"))
        if new:
            kwargs.setdefault("help_text", _("至少 10 个字符，不能全是数字，不要用常见密码。"))
        autocomplete = "new-password" if new else "current-password"
        super().__init__(
            strip=False,
            max_length=256,
            widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
            **kwargs,
        )


def owner(*, name: str = "", phone: str = "", number: str = "") -> User:
    """An unsaved login with what others know of the password's owner, as the validators take it.
    People log in by their number."""
    return User(username=number, name=name, phone=phone)


def owner_of(user: User) -> User:
    """The same of a login."""
    number = user.person.identity_number if user.person else user.employer and user.employer.credit_code
    return owner(name=user.name, phone=user.phone, number=number or user.username)


class NewPasswordMixin(forms.Form):
    """A new password, typed twice, strong enough, and unlike what is known of its ``owner`` (or
    else told by the form)."""

    password = PasswordField(label=_("新密码"), new=True)
    password_again = PasswordField(label=_("再次输入新密码"), new=True, help_text="")

    def __init__(self, *args: Any, owner: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.owner = owner

    def clean_password(self) -> str:
        password, typed = self.cleaned_data["password"], self.cleaned_data
        told = self.owner or owner(phone=typed.get("phone", ""), number=typed.get("number", ""))
        password_validation.validate_password(password, user=told)
        return password

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        first, second = cleaned.get("password"), cleaned.get("password_again")
        if first and second and first != second:
            self.add_error("password_again", _("两次输入的新密码不一致，请重新输入。"))
        return cleaned
