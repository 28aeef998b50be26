"""Database columns for the project's own types: months, and choices with Chinese labels."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.expressions import Combinable
from django.utils.translation import gettext_lazy as _

from portal.shared.months import Month


class MonthField(models.DateField):
    """A month, kept as its first day so that SQL can compare, range and step it; ``Month`` in Python."""

    description = "month"

    # What the type checker takes a column of this kind to give and to take.
    if TYPE_CHECKING:
        _pyi_private_set_type: str | date | Month | Combinable  # type: ignore[assignment]
        _pyi_private_get_type: Month  # type: ignore[assignment]
        _pyi_lookup_exact_type: str | date | Month  # type: ignore[assignment]

    def from_db_value(self, value: date | None, expression: Any, connection: Any) -> Month | None:
        return None if value is None else Month.of(value)

    def to_python(self, value: Any) -> Month | None:
        if value is None or isinstance(value, Month):
            return value
        if isinstance(value, date):
            return Month.of(value)
        try:
            return Month.parse(str(value)[:7])
        except ValueError as error:
            raise ValidationError(
                _("“%(value)s”不是月份，请写成 2026-11 这样。"), params={"value": value}
            ) from error

    def get_prep_value(self, value: Any) -> date | None:
        month = self.to_python(value)
        return None if month is None else month.first_day

    def value_to_string(self, obj: models.Model) -> str:
        month = self.value_from_object(obj)
        return "" if month is None else str(month)

    def formfield(self, **kwargs: Any) -> Any:
        return models.Field.formfield(self, **kwargs)


def choices(labels: Mapping[Any, str]) -> list[tuple[str, Any]]:
    """Model choices from an enum's label table, translated when shown."""
    return [
        (member.value if isinstance(member, StrEnum) else member, _(label))
        for member, label in labels.items()
    ]


def one_of(field: str, values: type[StrEnum] | list[str], *, name: str) -> models.CheckConstraint:
    """A check that ``field`` holds one of the enum's values; choices alone bind only forms."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__in": [str(value) for value in values]}), name=name
    )


def first_of_month(field: str, *, name: str) -> models.CheckConstraint:
    """A check that a month column holds the first day of a month (or nothing)."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__isnull": True}) | models.Q(**{f"{field}__day": 1}), name=name
    )
