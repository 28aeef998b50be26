"""Working days in mainland China: the State Council's yearly arrangement, and the overrides that
staff set against it.

The arrangement of a year is published in the autumn before it. Beyond the last published year only
weekends are known; ``known`` tells, so that a promise can be marked as provisional. ``overrides``
maps a date to whether it is worked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import chinese_calendar

_NONE: Mapping[dt.date, bool] = {}


def known(day: dt.date, overrides: Mapping[dt.date, bool] = _NONE) -> bool:
    """Whether it is certain if the day is worked: its year is published, or staff have set it."""
    return day in overrides or _published(day) is not None


def is_workday(day: dt.date, overrides: Mapping[dt.date, bool] = _NONE) -> bool:
    """Whether the day is worked; in years not yet published, Monday to Friday."""
    if day in overrides:
        return overrides[day]
    published = _published(day)
    return day.weekday() < 5 if published is None else published


def add_workdays(day: dt.date, count: int, overrides: Mapping[dt.date, bool] = _NONE) -> dt.date:
    """The count-th working day after the day, which itself does not count.

    Raises ValueError for a negative count.
    """
    if count < 0:
        raise ValueError("working days are counted forward")
    while count:
        day += dt.timedelta(days=1)
        count -= is_workday(day, overrides)
    return day


def count_workdays(after: dt.date, until: dt.date, overrides: Mapping[dt.date, bool] = _NONE) -> int:
    """How many working days there are after the day, the last day included; 0 where that is not
    later."""
    days = range(1, (until - after).days + 1)
    return sum(is_workday(after + dt.timedelta(days=day), overrides) for day in days)


def _published(day: dt.date) -> bool | None:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return None
