"""Database columns for the project's own types: months, names of persons, and choices with Chinese
labels."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, models
from django.db.models.expressions import Combinable
from django.utils.translation import gettext_lazy as _

from portal.policy.book import book
from portal.shared import names
from portal.shared.months import Month, Period


class MonthField(models.DateField):
    """A month, kept as its first day so that SQL can compare, range and step it; ``Month`` in
    Python."""

    description = "month"

    # The types that the type checker expects a column of this kind to give and to take.
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


class _CodeField(models.CharField):
    """A code that the workbench shows and offers in words. For the database and migrations it is a
    plain ``CharField``: the words come from the cities' data, which change without a migration."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "choices": self.words})

    def words(self) -> Mapping[str, Any]:
        raise NotImplementedError

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("choices", None)
        return name, "django.db.models.CharField", args, kwargs


class CityField(_CodeField):
    """A city of the hall by its slug."""

    def words(self) -> Mapping[str, Any]:
        return {city.slug: city.title for city in book().cities}


class BankField(_CodeField):
    """A bank by its code."""

    def words(self) -> Mapping[str, Any]:
        return bank_titles()


@cache
def bank_titles() -> dict[str, str]:
    """Titles of banks by code: those that the cities' debits name, those with whose accounts people
    register, and the larger banks, which people's cards are of."""
    debit_banks = {
        leaf.values["bank"]: leaf.values["bank_title"]
        for city in book().cities
        for name in ("debit", "employer_debit")
        if name in book().names(city.slug)
        for leaf in book().history(city.slug, name)
    }
    partners = {
        bank["code"]: bank["title"]
        for city in book().cities
        if "partner_banks" in book().names(city.slug)
        for leaf in book().history(city.slug, "partner_banks")
        for bank in leaf.values["banks"]
    }
    return {**BANKS, **partners, **debit_banks}


# The larger banks, by the codes that the registers use.
BANKS = {
    "psbc": _("中国邮政储蓄银行"),
    "icbc": _("中国工商银行"),
    "abc": _("中国农业银行"),
    "boc": _("中国银行"),
    "ccb": _("中国建设银行"),
    "bocom": _("交通银行"),
}

_NAME_MISTAKES = {
    "short": _("姓名至少两个字，请与证件一致。"),
    "alike": _(
        "姓名的第 %(position)s 个字符“%(character)s”看起来像“%(like)s”，却是另一个字符。请改成“%(like)s”。"
    ),
    "digit": _("姓名的第 %(position)s 个字符“%(character)s”是数字，请与证件一致。"),
    "private": _(
        "姓名的第 %(position)s 个字符“%(character)s”不是标准编码的字，别处显示不出来。请换一种输入法重新输入这个字。"
    ),
    "place": _(
        "姓名的第 %(position)s 个字符“%(character)s”只能用在两段姓名之间，不能放在开头、末尾，也不能连用。"
    ),
    "character": _(
        "姓名的第 %(position)s 个字符“%(character)s”不是文字，请与证件一致，只填文字和间隔号“·”。"
    ),
}


def person_name(text: str) -> str:
    """A person's name as typed, in the one form of names. Raises ValidationError, which names the
    character at fault."""
    try:
        return names.parse(text)
    except names.InvalidName as mistake:
        raise ValidationError(
            _NAME_MISTAKES[mistake.code],
            code=mistake.code,
            params={
                "position": mistake.position,
                "character": mistake.character,
                "like": mistake.like,
            },
        ) from mistake


class NameField(models.CharField):
    """A person's name, kept and sought in the one form of names, so that equal names are equal
    text."""

    description = "a person's name"

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        """The cleaned value of a model form; it must also be a name."""
        cleaned = super().clean(value, model_instance)
        return person_name(cleaned) if cleaned else cleaned

    def to_python(self, value: Any) -> Any:
        return names.canonical(value) if isinstance(value, str) else super().to_python(value)

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return names.canonical(prepared) if isinstance(prepared, str) else prepared

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The value to store, which is also set on the row in memory."""
        name = self.get_prep_value(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, name)
        return name


# Only what the database can check; ``portal.shared.names`` explains the characters of each set.
_NOT_IN_NAMES = (
    r"[\u2e80-\u2fdf\u31c0-\u31ef\uff00-\uffef\u1427\u2022\u2027\u2219\u22c5\u25cf\u30fb\u200b-\u200f\u202a-\u202e\ufeff]"
    r"|^[-=+@.'\u00b7 ]|[ \u00b7]$|  |\t|\r|\n"
)


class Normalized(models.Func):
    """Whether a text is in Unicode's normal form NFKC."""

    template = "%(expressions)s IS NFKC NORMALIZED"
    output_field = models.BooleanField()


def name_in_form(field: str, *, name: str, unless: models.Q | None = None) -> models.CheckConstraint:
    """A check that a column of names holds the one form of names, and nothing that a spreadsheet
    takes for a formula. ``unless`` excepts rows."""
    condition = models.Q(Normalized(models.F(field))) & ~models.Q(**{f"{field}__regex": _NOT_IN_NAMES})
    return models.CheckConstraint(condition=condition if unless is None else unless | condition, name=name)


def bring_into_form(model: type[models.Model], field: str) -> None:
    """For a migration: brings every row's name into the one form. Names in the form are not
    touched, so a second run changes nothing."""
    for pk, stored in model._default_manager.values_list("pk", field).iterator(chunk_size=10_000):
        name = as_kept(stored)
        if name != stored:
            model._default_manager.filter(pk=pk).update(**{field: name})


def as_kept(name: str) -> str:
    """For a migration: a name that was kept before the form existed, changed so that
    ``name_in_form`` accepts it."""
    return names.canonical(names.canonical(name).lstrip("-=+@.'\u00b7 ").rstrip("\u00b7 "))


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


def months_in_order(*, name: str) -> models.CheckConstraint:
    """A check that a row over the months [start, until) ends after it starts, where it ends."""
    return models.CheckConstraint(
        condition=models.Q(until__isnull=True) | models.Q(until__gt=models.F("start")), name=name
    )


def runs_in(month: Month, prefix: str = "") -> models.Q:
    """Of rows over the months [start, until): those that hold in the month.

    ``prefix`` leads to the rows from others, such as "coverage__".
    """
    return models.Q(**{f"{prefix}start__lte": month}) & _ends_after(month, prefix)


def overlapping(period: Period, prefix: str = "") -> models.Q:
    """Of rows over the months [start, until): those that share a month with the period.

    The period is not empty. ``prefix`` as for ``runs_in``.
    """
    ends_later = _ends_after(period.start, prefix)
    return (
        ends_later if period.until is None else models.Q(**{f"{prefix}start__lt": period.until}) & ends_later
    )


def _ends_after(month: Month, prefix: str) -> models.Q:
    return models.Q(**{f"{prefix}until__isnull": True}) | models.Q(**{f"{prefix}until__gt": month})


def ended_by_someone(verb: str, *, unless: str, name: str) -> models.CheckConstraint:
    """A check that ``VERB_by`` and ``VERB_at`` say who ended a row and when, once its status is no
    longer the one that it begins with, and not before."""
    at, by = f"{verb}_at__isnull", f"{verb}_by__isnull"
    return models.CheckConstraint(
        condition=models.Q(**{"status": unless, at: True, by: True})
        | (~models.Q(status=unless) & models.Q(**{at: False, by: False})),
        name=name,
    )


def by_another(second: str, first: str, *, status: str = "", name: str) -> models.CheckConstraint:
    """A check that the logins ``second`` and ``first`` differ: in every row that has a ``second``;
    with ``status``, in the rows of that status."""
    open_yet = ~models.Q(status=status) if status else models.Q(**{f"{second}__isnull": True})
    return models.CheckConstraint(
        condition=open_yet | ~models.Q(**{second: models.F(first)}),
        name=name,
    )


def told_why(status: str, *, field: str = "why", name: str) -> models.CheckConstraint:
    """A check that no row has the status without a reason in ``field``."""
    return models.CheckConstraint(condition=~models.Q(status=status) | ~models.Q(**{field: ""}), name=name)


def broken_constraint(error: DatabaseError) -> str:
    """The name of the constraint that the database refused something by; "" where it was none."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""
