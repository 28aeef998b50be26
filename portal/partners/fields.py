"""Fields of partners' requests. The description of the API says exactly what each takes."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.policy.book import book
from portal.shared import foreigners, identity
from portal.shared.months import Month


class Text(serializers.CharField):
    """A text. A NUL gets an error of its own: the framework's error speaks of an empty text."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and "\0" in data:
            raise serializers.ValidationError(_("含有不可见的控制字符（NUL），请删去后重新发送。"))
        return super().run_validation(data)


class Described(serializers.CharField):
    """A text whose plain form the description gives as ``pattern``; the operation itself may accept
    other forms and normalize them."""

    def __init__(self, *, pattern: str, **more: Any) -> None:
        self.pattern = pattern
        super().__init__(**more)


class WholeNumber(serializers.IntegerField):
    """An integer of JSON: no text, and no number with a fraction, be it 0."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return int(super().to_internal_value(data))


@extend_schema_field(
    {"type": "string", "pattern": "^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$", "example": "2026-11"}
)
class MonthText(serializers.CharField):
    """A month as 2026-11; ``Month`` inside."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        try:
            return Month.parse(text)
        except ValueError as problem:
            raise serializers.ValidationError(_("请写成 2026-11 这样的月份。")) from problem

    def to_representation(self, value: Any) -> str:
        return str(value)


class Months(serializers.ListField):
    """Months, each named once."""

    child = MonthText()

    def to_internal_value(self, data: Any) -> list[Any]:
        months: list[Any] = super().to_internal_value(data)
        if len(set(months)) < len(months):
            raise serializers.ValidationError(_("每个月份只写一次。"))
        return months


class City(serializers.CharField):
    """A city that the hall serves, by its code."""

    def to_internal_value(self, data: Any) -> str:
        slug: str = super().to_internal_value(data)
        if slug not in {city.slug for city in book().cities}:
            raise serializers.ValidationError(_("没有这个城市。"))
        return slug


@extend_schema_field({"type": "string", "pattern": f"^([0-9]{{17}}[0-9Xx]|{foreigners.NUMBER})$"})
class IdentityNumber(serializers.CharField):
    """A social-security number, in its canonical form inside: a resident's of 18 digits, or a
    foreigner's."""

    def to_internal_value(self, data: Any) -> str:
        number = super().to_internal_value(data)
        if foreigners.is_made(number):
            return number
        try:
            return identity.parse(number).number
        except identity.InvalidIdentity as problem:
            raise serializers.ValidationError(_("不是有效的身份证号码，请逐位核对。")) from problem
