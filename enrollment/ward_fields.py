"""Fields by which a guardian names a ward and what proves the relation, and the file of whom they
name."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.fields import IdentityNumberField
from portal.hall.desk import NotAccepted
from portal.hall.service import Bar
from portal.people import persons
from portal.people.models import Person
from portal.registers.birth import CERTIFICATE
from portal.shared import identity
from portal.shared.characters import narrow


class WardNumberField(IdentityNumberField):
    """An identity number of 18 digits: who has another paper comes to the window."""

    def clean(self, value: Any) -> str:
        number = super().clean(value)
        if not number:
            return ""
        try:
            return identity.parse(number).number
        except identity.InvalidIdentity as mistake:
            raise forms.ValidationError(
                _("请填写18位的身份证号码；没有身份证号码的，请到窗口办理。"), code="form"
            ) from mistake


class CertificateField(forms.CharField):
    """The number of a birth certificate; "" where none is given."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("出生医学证明编号"))
        kwargs.setdefault("widget", forms.TextInput(attrs={"class": "w-11", "autocomplete": "off"}))
        super().__init__(max_length=20, required=False, **kwargs)

    def clean(self, value: Any) -> str:
        number = narrow(super().clean(value)).upper()
        if number and not CERTIFICATE.fullmatch(number):
            raise forms.ValidationError(_("出生医学证明编号是一个字母加 9 位数字，请核对。"), code="form")
        return number


def recorded(field: str, number: str, name: str, *, phone: str = "", household_code: str = "") -> Person:
    """The file of a ward or guardian, made where there is none. NotAccepted, beside ``field``,
    where the file has another name."""
    try:
        return persons.record(identity_number=number, name=name, phone=phone, household_code=household_code)
    except persons.NamedOtherwise as error:
        raise NotAccepted([Bar(field, _("姓名与登记的不一致，请核对身份证号码和姓名。"))]) from error
