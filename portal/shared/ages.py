"""Full years of age, by the calendar in China."""

from __future__ import annotations

import datetime as dt


def birthday(born: dt.date, years: int) -> dt.date:
    """The day on which someone has lived so many years; born on 29 February, 1 March in common
    years."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return dt.date(born.year + years, 3, 1)


def has_reached(born: dt.date, years: int, *, on: dt.date) -> bool:
    """Whether someone born on that day is so many years old on another."""
    return birthday(born, years) <= on
