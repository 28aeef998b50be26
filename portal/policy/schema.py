"""What a policy file may hold. Every value is read by one kind, which checks it and says where it
is wrong.

Figures (yuan, rates, shares) are quoted strings in the files and Decimal in memory; counts (days,
months, ages) are plain whole numbers. A YAML float is refused everywhere: it has already lost what
was written.
"""

from __future__ import annotations

import datetime as dt
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


class PolicyError(Exception):
    """A policy file is wrong; the message names file, date and key."""

    def __init__(self, message: str, *, file: str, date: str = "", key: str = "") -> None:
        super().__init__(": ".join(part for part in (file, date, key, message) if part))
        self.file = file
        self.date = date
        self.key = key


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a policy file, so that an error can name it."""

    file: str
    date: str = ""
    key: str = ""

    def at(self, key: object) -> Where:
        return replace(self, key=f"{self.key}.{key}" if self.key else str(key))

    def on(self, date: str) -> Where:
        return replace(self, date=date)

    def error(self, message: str) -> PolicyError:
        return PolicyError(message, file=self.file, date=self.date, key=self.key)


class Kind(ABC):
    """One kind of value: ``read`` gives it in its own type, or raises PolicyError."""

    @abstractmethod
    def read(self, value: Any, where: Where) -> Any: ...


_FIGURE = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Figure(Kind):
    """An exact decimal number, written as a quoted string; both bounds belong to the range."""

    low: Decimal = Decimal(0)
    high: Decimal | None = None

    def read(self, value: Any, where: Where) -> Decimal:
        if not isinstance(value, str) or not _FIGURE.fullmatch(value):
            raise where.error(f'a figure is a quoted decimal such as "0.20", not {value!r}')
        figure = Decimal(value)
        if figure < self.low or (self.high is not None and figure > self.high):
            raise where.error(
                f"{value} is outside {self.low} to {self.high if self.high is not None else 'any'}"
            )
        return figure


@dataclass(frozen=True, slots=True)
class Count(Kind):
    """A whole number, unquoted; both bounds belong to the range."""

    low: int
    high: int

    def read(self, value: Any, where: Where) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise where.error(f"a whole number is expected, not {value!r}")
        if not self.low <= value <= self.high:
            raise where.error(f"{value} is outside {self.low} to {self.high}")
        return value


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """A text that is not empty, optionally of one form."""

    form: str = r".+"

    def read(self, value: Any, where: Where) -> str:
        if not isinstance(value, str) or value != value.strip() or not re.fullmatch(self.form, value):
            raise where.error(f"{value!r} is not a text of the form {self.form}")
        return value


@dataclass(frozen=True, slots=True)
class Flag(Kind):
    """true or false."""

    def read(self, value: Any, where: Where) -> bool:
        if not isinstance(value, bool):
            raise where.error(f"true or false is expected, not {value!r}")
        return value


@dataclass(frozen=True, slots=True)
class Word(Kind):
    """One word of a vocabulary, such as an Enum of strings."""

    vocabulary: Callable[[str], Any]
    words: tuple[str, ...]

    def read(self, value: Any, where: Where) -> Any:
        if not isinstance(value, str) or value not in self.words:
            raise where.error(f"{value!r} is not one of {', '.join(self.words)}")
        return self.vocabulary(value)


def one_of(*words: str) -> Word:
    return Word(str, words)


def member_of(vocabulary: Any) -> Word:
    """A member of an Enum of strings."""
    return Word(vocabulary, tuple(member.value for member in vocabulary))


@dataclass(frozen=True, slots=True)
class Day(Kind):
    """A date, as 2023-01-01."""

    def read(self, value: Any, where: Where) -> dt.date:
        # date.fromisoformat alone would also accept 20230101 and week dates.
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise where.error(f"a date such as 2023-01-01 is expected, not {value!r}")
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise where.error(f"no such date: {value}") from None


@dataclass(frozen=True, slots=True)
class TimeOfDay(Kind):
    """A time of the day in China, quoted, as "09:00"."""

    def read(self, value: Any, where: Where) -> dt.time:
        if not isinstance(value, str) or not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", value):
            raise where.error(f'a time such as "09:00" is expected, not {value!r}')
        return dt.time.fromisoformat(value)


@dataclass(frozen=True, slots=True)
class MonthText(Kind):
    """A month, as 1998-01."""

    def read(self, value: Any, where: Where) -> Month:
        try:
            return Month.parse(value)
        except (TypeError, ValueError):
            raise where.error(f"a month such as 1998-01 is expected, not {value!r}") from None


@dataclass(frozen=True, slots=True)
class Either(Kind):
    """The one word given, or else a value of the kind: ``last`` or a day of the month."""

    word: str
    kind: Kind

    def read(self, value: Any, where: Where) -> Any:
        return value if value == self.word else self.kind.read(value, where)


@dataclass(frozen=True, slots=True)
class Listed(Kind):
    """A list of values of one kind; where ``unique`` names a key, no two entries agree in it."""

    kind: Kind
    at_least: int = 1
    unique: str = ""

    def read(self, value: Any, where: Where) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) < self.at_least:
            raise where.error(f"a list of at least {self.at_least} is expected")
        entries = tuple(self.kind.read(entry, where.at(number)) for number, entry in enumerate(value, 1))
        keys = [entry[self.unique] for entry in entries] if self.unique else list(entries)
        if any(key in keys[:number] for number, key in enumerate(keys)):
            raise where.error("an entry is there twice")
        return entries


@dataclass(frozen=True, slots=True)
class Mapped(Kind):
    """A mapping whose keys are of one kind and whose values are of another."""

    key: Kind
    value: Kind

    def read(self, value: Any, where: Where) -> Mapping[Any, Any]:
        if not isinstance(value, dict) or not value:
            raise where.error("a mapping is expected")
        return MappingProxyType(
            {
                self.key.read(key, where.at(key)): self.value.read(entry, where.at(key))
                for key, entry in value.items()
            }
        )


@dataclass(frozen=True, slots=True)
class Shape(Kind):
    """A mapping of named values; unknown names are refused, and optional ones that are left out are
    None.

    ``check`` sees the values read, and returns what is wrong with them together.
    """

    required: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, Kind] = field(default_factory=dict)
    check: Callable[[Mapping[str, Any]], Iterable[str]] = lambda values: ()

    def read(self, value: Any, where: Where) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise where.error("a mapping is expected")
        kinds = {**self.required, **self.optional}
        for key in value:
            if key not in kinds:
                raise where.at(key).error("unknown key")
        for key in self.required:
            if key not in value:
                raise where.at(key).error("missing")
        read = {
            key: kind.read(value[key], where.at(key)) if key in value else None for key, kind in kinds.items()
        }
        for wrong in self.check(read):
            raise where.error(wrong)
        return MappingProxyType(read)


RATE = Figure(high=Decimal(1))
SHARE = Figure(high=Decimal(10))
YUAN = Figure(low=Decimal("0.01"))
SLUG = Text(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
PLACE_CODE = Text(r"[0-9]{6}")
DAY_OF_MONTH = Count(1, 28)
INSURANCE = member_of(Insurance)
CAPACITY = member_of(Capacity)
STANDING = one_of("seed", "public", "local", "memory", "ours", "derived")
