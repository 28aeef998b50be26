"""When appointments at a window can be had, how many, and what is asked of whoever takes one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from portal.policy.book import Book, Leaf
from portal.policy.workdays import is_workday
from portal.shared.months import CHINA

_NONE: Mapping[dt.date, bool] = {}

# Times of the day, [from, until).
Hours = tuple[tuple[dt.time, dt.time], ...]


@dataclass(frozen=True, slots=True, eq=False)
class AppointmentTerms:
    """A city's figures; ``hours`` are of every place that keeps none of its own.

    Of what the windows can serve in a slot (``per_window`` people each, times ``busy_share`` on the
    last ``busy_workdays`` working days before ``busy_before_day`` of a month), ``bookable_share``
    may be booked. Whoever misses ``misses`` appointments within ``misses_within_days`` books none
    for ``blocked_days``.
    """

    leaf: Leaf
    hours: Hours
    slot_minutes: int
    per_window: int
    bookable_share: Decimal
    busy_before_day: int
    busy_workdays: int
    busy_share: Decimal
    days_ahead: int
    open_at_most: int
    cancel_hours: int
    check_in_before: dt.timedelta
    check_in_after: dt.timedelta
    misses: int
    misses_within_days: int
    blocked_days: int

    def bookable_days(self, today: dt.date, overrides: Mapping[dt.date, bool] = _NONE) -> list[dt.date]:
        """The days that can be booked today: the working days from tomorrow on."""
        ahead = (today + dt.timedelta(days=step) for step in range(1, self.days_ahead + 1))
        return [day for day in ahead if is_workday(day, overrides)]

    def slots(self, day: dt.date, hours: Hours) -> list[tuple[dt.datetime, dt.datetime]]:
        """The slots of a working day, [start, end), earliest first; a rest too short for one is
        left out."""
        length = dt.timedelta(minutes=self.slot_minutes)
        found = []
        for opens, closes in hours or self.hours:
            start = dt.datetime.combine(day, opens, tzinfo=CHINA)
            end = dt.datetime.combine(day, closes, tzinfo=CHINA)
            while start + length <= end:
                found.append((start, start + length))
                start += length
        return found

    def closes(self, day: dt.date, hours: Hours) -> dt.datetime:
        """When a place closes on a day that it is open."""
        return dt.datetime.combine(day, (hours or self.hours)[-1][1], tzinfo=CHINA)

    def is_busy(self, day: dt.date, overrides: Mapping[dt.date, bool] = _NONE) -> bool:
        """Whether the windows serve more on that day."""
        left = [day + dt.timedelta(days=step) for step in range(self.busy_before_day - day.day)]
        return 0 < sum(is_workday(one, overrides) for one in left) <= self.busy_workdays

    def capacity(self, windows: int, day: dt.date, overrides: Mapping[dt.date, bool] = _NONE) -> int:
        """How many may book each slot of that day, rounded down: the rest is for whoever walks
        in."""
        served = Decimal(windows * self.per_window)
        if self.is_busy(day, overrides):
            served *= self.busy_share
        return int(served * self.bookable_share)

    def changeable_until(self, starts_at: dt.datetime) -> dt.datetime:
        """The last moment at which an appointment can be cancelled or moved."""
        return starts_at - dt.timedelta(hours=self.cancel_hours)

    def blocked_until(self, missed: Iterable[dt.date]) -> dt.date | None:
        """The last day on which whoever missed appointments on these days can book none; None where
        there were never too many."""
        days = sorted(missed)
        ends = [
            last + dt.timedelta(days=self.blocked_days)
            for first, last in zip(days, days[self.misses - 1 :], strict=False)
            if (last - first).days <= self.misses_within_days
        ]
        return max(ends, default=None)


def appointment_terms(book: Book, *, city: str, on: dt.date) -> AppointmentTerms:
    """Raises PolicyMissing where the city takes no appointments."""
    leaf = book.leaf(city, "appointments", on)
    values = leaf.values
    return AppointmentTerms(
        leaf=leaf,
        hours=_hours(values["opens"]),
        slot_minutes=values["slot_minutes"],
        per_window=values["per_window"],
        bookable_share=values["bookable_share"],
        busy_before_day=values["busy"]["before_day"],
        busy_workdays=values["busy"]["workdays"],
        busy_share=values["busy"]["share"],
        days_ahead=values["days_ahead"],
        open_at_most=values["open_at_most"],
        cancel_hours=values["cancel_hours"],
        check_in_before=dt.timedelta(minutes=values["check_in"]["before_minutes"]),
        check_in_after=dt.timedelta(minutes=values["check_in"]["after_minutes"]),
        misses=values["no_show"]["count"],
        misses_within_days=values["no_show"]["within_days"],
        blocked_days=values["no_show"]["days"],
    )


def read_hours(text: str) -> Hours:
    """Opening hours as staff type them: "09:00-12:00 13:30-17:00". Raises ValueError where they are
    not times in order."""
    found: list[tuple[dt.time, dt.time]] = []
    for part in text.replace("：", ":").replace("－", "-").replace("—", "-").split():
        opens, dash, closes = part.partition("-")
        if not dash:
            raise ValueError(text)
        found.append((_time_of_day(opens), _time_of_day(closes)))
    flat = [one for pair in found for one in pair]
    if any(later <= earlier for earlier, later in pairwise(flat)):
        raise ValueError(text)
    return tuple(found)


def _time_of_day(text: str) -> dt.time:
    hours, minutes = text.split(":")
    return dt.time(int(hours), int(minutes))


def hours_in_words(hours: Hours) -> str:
    """9:00–12:00、14:00–17:00."""
    return "、".join(f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in hours)


def _hours(values: Sequence[Mapping[str, dt.time]]) -> Hours:
    return tuple((one["from"], one["until"]) for one in values)
