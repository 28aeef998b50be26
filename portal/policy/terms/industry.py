"""Industries by GB/T 4754, the grade that each has for work injury, and that grade's rate."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from portal.policy.book import NATIONAL, Book


@dataclass(frozen=True, slots=True)
class Division:
    """A division (大类, two digits) and its grade, 1 to 8."""

    code: str
    title: str
    grade: int


def divisions(book: Book, *, on: dt.date) -> tuple[Division, ...]:
    """All divisions by code."""
    values = book.leaf(NATIONAL, "industries", on).values
    return tuple(Division(one["code"], one["title"], one["grade"]) for one in values["divisions"])


def division(book: Book, code: str, *, on: dt.date) -> Division:
    """The division of this code. Raises KeyError."""
    return {one.code: one for one in divisions(book, on=on)}[code]


def base_rate(book: Book, grade: int, *, on: dt.date) -> Decimal:
    """What an employer of this grade pays of the wages for work injury, as a share."""
    return Decimal(book.leaf(NATIONAL, "work_injury_grades", on).values["rates"][grade])
