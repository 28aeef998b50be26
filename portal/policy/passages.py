"""Sentences of the policy files with references to services, pages and figures. The references are
checked when the data are read.

``[[flexible-pause]]`` stands for a service by the city's own title, ``[[page:cases]]`` for a page
of the hall, and ``[[page:cases|单位业务申报进度查询]]`` for the same under other words;
``{papers_by_day}`` for a value of the offer, ``{debit.deposit_by_day}`` for a figure of the city
and ``{national.registration.within_days}`` for one of the nation; ``{next:debit.deposit_by_day}``
for the next such day of a month, as a date. So no sentence can name a service that its city does
not have, or a day that its figures do not have.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal.policy.schema import Kind, Where
from portal.shared.months import day_zh, next_on

PAGE = "page:"

_REFERENCE = re.compile(
    r"\[\[(?P<target>[a-z0-9:_-]+)(?:\|(?P<words>[^\[\]|]+))?\]\]|\{(?P<next>next:)?(?P<path>[a-z_.]+)\}"
)


@dataclass(frozen=True, slots=True)
class Link:
    """A service (its code) or a page (``page:`` and its name); ``words`` are empty where its title
    stands in the sentence."""

    target: str
    words: str = ""

    @property
    def page(self) -> str:
        """The name of the page; "" where it is a service."""
        return self.target.removeprefix(PAGE) if self.target.startswith(PAGE) else ""


@dataclass(frozen=True, slots=True)
class Value:
    """A value by its path: of the offer itself, or of a file of figures.

    ``next``: the value is a day of the month, and is shown as the next such date.
    """

    path: tuple[str, ...]
    next: bool = False


@dataclass(frozen=True, slots=True)
class NextDay:
    """The next day of this number in a month, today included; the date follows when the sentence is
    shown."""

    day: int

    def on(self, today: dt.date) -> str:
        """The date in Chinese: 2026年12月20日."""
        return day_zh(next_on(self.day, today))


Part = str | Link | Value | NextDay


@dataclass(frozen=True, slots=True)
class Passage:
    """One sentence in its parts."""

    parts: tuple[Part, ...]

    def links(self) -> Iterator[Link]:
        return (part for part in self.parts if isinstance(part, Link))

    def values(self) -> Iterator[Value]:
        return (part for part in self.parts if isinstance(part, Value))

    def filled(self, known: Mapping[Value, str | NextDay], today: dt.date | None = None) -> Passage:
        """The passage with these values in their place, and next days as dates where ``today`` is
        given; texts that are neighbours become one."""
        parts: list[Part] = []
        for part in self.parts:
            filled_part: Part = known.get(part, part) if isinstance(part, Value) else part
            if isinstance(filled_part, NextDay) and today is not None:
                filled_part = filled_part.on(today)
            if isinstance(filled_part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += filled_part
            else:
                parts.append(filled_part)
        return replace(self, parts=tuple(parts))


@dataclass(frozen=True, slots=True)
class PassageText(Kind):
    """A sentence with references; ``read`` refuses brackets that are no reference."""

    def read(self, value: Any, where: Where) -> Passage:
        if not isinstance(value, str) or not value or value != value.strip():
            raise where.error(f"{value!r} is not a sentence")
        parts: list[Part] = []
        at = 0
        for match in _REFERENCE.finditer(value):
            if match.start() > at:
                parts.append(value[at : match.start()])
            at = match.end()
            if match["path"]:
                parts.append(Value(tuple(match["path"].split(".")), next=bool(match["next"])))
            else:
                parts.append(Link(match["target"], match["words"] or ""))
        if at < len(value):
            parts.append(value[at:])
        for part in parts:
            if isinstance(part, str) and re.search(r"\[\[|\]\]|[{}]", part):
                raise where.error(f"{part!r} has brackets that are no reference")
        return Passage(tuple(parts))


def said_of(value: Value, figure: Any) -> str | NextDay:
    """The text, or the next day, that replaces the value. ValueError for a figure that has
    none."""
    if not value.next:
        return in_words(figure)
    if not isinstance(figure, int) or isinstance(figure, bool) or not 1 <= figure <= 31:
        raise ValueError(f"{figure!r} is no day of a month")
    return NextDay(figure)


def in_words(value: Any) -> str:
    """The text of a value in a sentence. ValueError for a value that has none."""
    if isinstance(value, bool) or value is None or not isinstance(value, int | str | dt.time):
        raise ValueError(f"{value!r} cannot stand in a sentence")
    if isinstance(value, dt.time):
        return f"{value.hour}:{value.minute:02d}"
    return str(value)
