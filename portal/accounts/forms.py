"""The forms to log in, and those of one's own account. What was typed stays after a mistake, but
never passwords, captcha or codes."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.accounts import doors, registration
from portal.accounts.captcha import PictureCaptchaField
from portal.accounts.fields import (
    CodeField,
    CreditCodeField,
    NameField,
    NewPasswordMixin,
    PasswordField,
    PhoneField,
)
from portal.accounts.paper_forms import StatesPaper
from portal.people import papers
from portal.policy.book import book
from portal.shared import credit_code, foreigners, identity


class AfterFailure(forms.Form):
    """A form that asks for a captcha where something has failed before (``asks``)."""

    captcha = PictureCaptchaField()

    def __init__(self, *args: Any, asks: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks:
            del self.fields["captcha"]

    def ask_from_now(self) -> None:
        """Shows a captcha beside what has just failed, for the next try."""
        self.fields.setdefault("captcha", PictureCaptchaField())


# How a name by which one logs in is typed.
_LOGIN_NAME = {"class": "w-18", "autocomplete": "username", "spellcheck": "false", "autocapitalize": "off"}


class PersonPasswordForm(AfterFailure):
    """个人登录, by password."""

    login = forms.CharField(
        label=_("身份证件号码或手机号码"),
        max_length=40,
        widget=forms.TextInput(attrs=_LOGIN_NAME),
    )
    password = PasswordField()
    field_order = ("login", "password", "captcha")


class ClerkPasswordForm(AfterFailure):
    """单位登录, by password."""

    credit_code = CreditCodeField()
    clerk = forms.CharField(
        label=_("经办人姓名或手机号码"),
        max_length=60,
        widget=forms.TextInput(attrs={"class": "w-18", "autocomplete": "username", "spellcheck": "false"}),
    )
    password = PasswordField()
    field_order = ("credit_code", "clerk", "password", "captcha")


class DeskPasswordForm(AfterFailure):
    """社区登录, by password."""

    login = forms.CharField(
        label=_("社区经办人用户名"),
        max_length=60,
        widget=forms.TextInput(attrs=_LOGIN_NAME),
    )
    password = PasswordField()
    field_order = ("login", "password", "captcha")


class ProvedByCode(AfterFailure):
    """A form in two steps: first who is asked for, and where it is asked a captcha; then the code
    that was sent, and what is new.

    In the second step the first one's fields go along hidden: they are checked again, and the code
    is bound to the phone, so nothing is won by changing them. Subclasses have a ``phone`` and name
    their fields of the second step.
    """

    second_step: ClassVar[tuple[str, ...]] = ("code",)

    field_order: Iterable[str] | None = ("phone", "captcha", "code")

    phone = PhoneField()
    code = CodeField(help_text=_("请在 5 分钟内填写。"))

    def __init__(self, *args: Any, code_sent: bool, asks: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, asks=asks and not code_sent, **kwargs)
        self.code_sent = code_sent
        if not code_sent:
            for name in self.second_step:
                del self.fields[name]
            return
        for name, field in self.fields.items():
            if name not in self.second_step:
                field.widget = forms.HiddenInput()

    def to_carry(self) -> dict[str, Any]:
        """The values of the first step that the second step sends again."""
        return self.cleaned_data

    @property
    def first_step_is_wrong(self) -> bool:
        """In the second step: whether a hidden field is at fault, so that the first step must be
        shown again."""
        return any(name not in self.second_step for name in self.errors if name != "__all__")


class PersonCodeForm(ProvedByCode):
    """个人登录, by text message."""


def city_choices() -> list[tuple[str, str]]:
    return [(city.slug, city.title) for city in book().cities]


class RegisterForm(StatesPaper, ProvedByCode):
    """个人注册: who asks, and the code to their phone. The password comes when they are proved to
    be that person."""

    field_order = (
        *(
            "city",
            "name",
            "document",
            "identity_number",
            "nationality",
            "sex",
            "birth_date",
            "paper_expires_on",
        ),
        *("phone", "captcha", "code"),
    )
    knows_file = False

    city = forms.ChoiceField(
        label=_("参保城市"),
        help_text=_("核验身份的方式按城市规定；账号在各城市通用。"),
        choices=city_choices,
        required=False,
    )
    name = NameField(help_text=_("请与证件上的姓名一致；护照按资料页上的拼写，姓在前、名在后。"))
    phone = PhoneField(
        help_text=_("请填写社保登记的手机号码；用银行账户或社保卡核验的，填写银行预留的手机号码。")
    )

    def clean_city(self) -> str:
        return str(self.cleaned_data["city"]) or book().cities[0].slug

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if {"identity_number", "document", "birth_date", "sex", "nationality"} & set(self.errors):
            return cleaned
        now, city = timezone.now(), str(cleaned.get("city") or book().cities[0].slug)
        if not registration.is_old_enough(self.stated_paper().birth_date, city, now):
            why = format_html(
                gettext(
                    "未满 {age} 周岁，不能自己开通账号。请由监护人登录，在“{family}”中代办；"
                    "还没有登记监护人的，由监护人携带双方身份证件和监护关系证明到经办机构窗口登记。"
                ),
                age=registration.lowest_age(city, now),
                family=format_html('<a href="{}">{}</a>', reverse("family"), _("我的家人")),
            )
            self.add_error("identity_number", ValidationError(why, code="too_young"))
        return cleaned

    def to_carry(self) -> dict[str, Any]:
        carried = super().to_carry()
        return {**carried, "identity_number": carried["paper_number"] or carried["identity_number"]}


class FirstPasswordForm(NewPasswordMixin):
    """The password of an account that is being opened."""

    password = PasswordField(label=_("设置密码"), new=True)
    password_again = PasswordField(label=_("再次输入密码"), new=True, help_text="")


class ForgottenPasswordForm(NewPasswordMixin, ProvedByCode):
    """找回密码, for persons and clerks."""

    second_step = ("code", "password", "password_again")
    field_order = ("number", "phone", "captcha", "code", "password", "password_again")

    number = forms.CharField(
        label=_("证件号码"),
        help_text=_("个人填身份证件号码（护照填护照号码）；单位经办人填本单位的统一社会信用代码。"),
        max_length=40,
        widget=forms.TextInput(attrs={"class": "w-18", "spellcheck": "false", "autocomplete": "off"}),
    )
    phone = PhoneField(help_text=_("填写登录账号所用的手机号码。"))

    def clean_number(self) -> str:
        typed = self.cleaned_data["number"]
        try:
            return doors.identity_number(typed)
        except identity.InvalidIdentity:
            if foreigners.may_be_passport(typed):
                return papers.known_by(typed) or foreigners.as_typed(typed)
        try:
            return credit_code.parse(typed)
        except credit_code.InvalidCreditCode:
            raise ValidationError(
                _("这不是有效的身份证号码或统一社会信用代码，请逐位核对。"), code="invalid"
            ) from None


class NewPasswordForm(NewPasswordMixin):
    """修改密码."""

    field_order = ("current", "password", "password_again")

    current = PasswordField(label=_("当前密码"))


class NewPhoneForm(ProvedByCode):
    """更换手机号码."""

    second_step = ("code", "current")
    field_order = ("phone", "captcha", "code", "current")

    phone = PhoneField(label=_("新手机号码"))
    current = PasswordField(label=_("当前密码"))
