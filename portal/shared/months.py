"""Calendar months and periods of months, as social insurance counts them.

Contributions, coverage and history are kept by month; periods are half open, ``[start, until)``,
and have no end while ``until`` is None. Which month a moment belongs to is decided in China,
wherever the server stands.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, overload
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")

# The years of which anything is written down here. Around them there is room to count, so that no
# page or sum leaves the calendar by going a year back or thirty years on.
FIRST_YEAR, LAST_YEAR = 1900, 2199

_WRITTEN = re.compile(r"([0-9]{4})-([0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """One calendar month; ordered, hashable, and counted with ``+`` and ``-``."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not dt.MINYEAR <= self.year <= dt.MAXYEAR:
            raise ValueError(f"no such year: {self.year}")
        if not 1 <= self.month <= 12:
            raise ValueError(f"no such month: {self.month}")

    @classmethod
    def of(cls, day: dt.date) -> Month:
        """The month of a date. A datetime is refused: say first in which place, see
        ``month_in_china``."""
        if isinstance(day, dt.datetime):
            raise TypeError("a moment belongs to a month only in some place: use month_in_china")
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read "2023-06", of the years 1900 to 2199. Raises ValueError for anything else."""
        match = _WRITTEN.fullmatch(text)
        if match is None or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            raise ValueError(f"not a month: {text!r}")
        return cls(int(match[1]), int(match[2]))

    @property
    def first_day(self) -> dt.date:
        return dt.date(self.year, self.month, 1)

    @property
    def last_day(self) -> dt.date:
        return dt.date(self.year, self.month, calendar.monthrange(self.year, self.month)[1])

    @property
    def zh(self) -> str:
        """As written in Chinese: 2023年6月."""
        return f"{self.year}年{self.month}月"

    @property
    def digits(self) -> str:
        """As written in numbers and in banks' files: 202306."""
        return f"{self.year:04d}{self.month:02d}"

    def day(self, number: int) -> dt.date:
        """The given day of this month, or its last day where the month is shorter."""
        if number < 1:
            raise ValueError(f"no such day: {number}")
        return min(self.first_day + dt.timedelta(days=number - 1), self.last_day)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    def __add__(self, months: int) -> Month:
        if not isinstance(months, int):
            return NotImplemented
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(year, month + 1)

    @overload
    def __sub__(self, other: int) -> Month: ...

    @overload
    def __sub__(self, other: Month) -> int: ...

    def __sub__(self, other: int | Month) -> int | Month:
        """A month so many earlier; or, from another month, how many months lie between."""
        if isinstance(other, Month):
            return (self.year - other.year) * 12 + self.month - other.month
        if isinstance(other, int):
            return self + -other
        return NotImplemented


def month_span(start: Month, until: Month) -> Iterator[Month]:
    """The months of [start, until), in order; none where start is not before until."""
    month = start
    while month < until:
        yield month
        month += 1


@dataclass(frozen=True, slots=True)
class Period:
    """The months [start, until), open while ``until`` is None. An empty period has start ==
    until."""

    start: Month
    until: Month | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.until < self.start:
            raise ValueError(f"ends before it starts: {self}")

    def __contains__(self, month: Month) -> bool:
        return self.start <= month and (self.until is None or month < self.until)

    def overlaps(self, other: Period) -> bool:
        """Whether some month lies in both."""
        shared = self.clip(other)
        return shared is not None

    def clip(self, other: Period) -> Period | None:
        """The months that lie in both, or None where there are none."""
        start = max(self.start, other.start)
        ends = [until for until in (self.until, other.until) if until is not None]
        until = min(ends) if ends else None
        if until is not None and until <= start:
            return None
        return Period(start, until)

    def months(self, before: Month) -> Iterator[Month]:
        """The months of the period that lie before the given one."""
        until = before if self.until is None else min(self.until, before)
        return month_span(self.start, until)

    @property
    def zh(self) -> str:
        """As written in Chinese: 2026年1月起, or 2026年1月至2026年3月."""
        return f"{self.start.zh}起" if self.until is None else f"{self.start.zh}至{(self.until - 1).zh}"

    def __str__(self) -> str:
        return f"[{self.start}, {self.until or ''})"


def runs(months: Iterable[Month]) -> list[tuple[Month, Month]]:
    """Months as periods [start, until) of months in a row, oldest first."""
    periods: list[tuple[Month, Month]] = []
    for month in sorted(set(months)):
        if periods and periods[-1][1] == month:
            periods[-1] = (periods[-1][0], month + 1)
        else:
            periods.append((month, month + 1))
    return periods


def periods_zh(periods: Iterable[tuple[Month, Month]]) -> str:
    """Periods [start, until) as written in Chinese: 2021年1月至2022年12月、2023年5月."""
    return "、".join(
        start.zh if until - start == 1 else f"{start.zh}至{(until - 1).zh}" for start, until in periods
    )


class _HasMonths(Protocol):
    @property
    def start(self) -> Month: ...

    @property
    def until(self) -> Month | None: ...


class OverMonths:
    """A base of rows that hold over the months [start, until), and on while ``until`` is None."""

    @property
    def period(self: _HasMonths) -> Period:
        """The months in which it holds."""
        return Period(self.start, self.until)

    def runs_in(self: _HasMonths, month: Month) -> bool:
        """Whether it holds in the month."""
        return month in Period(self.start, self.until)

    def runs_from(self: _HasMonths, month: Month) -> bool:
        """Whether it holds in the month or in a later one."""
        return Period(self.start, self.until).overlaps(Period(month))


def parse_day(text: str) -> dt.date:
    """Read "2023-06-20", of the years 1900 to 2199. Raises ValueError for anything else, which ISO
    8601 may allow, too."""
    if not _DAY.fullmatch(text) or not FIRST_YEAR <= int(text[:4]) <= LAST_YEAR:
        raise ValueError(f"not a day: {text!r}")
    return dt.date.fromisoformat(text)


def after_months(day: dt.date, months: int) -> dt.date:
    """The day of that number so many months later; the last day of a shorter month."""
    return (Month.of(day) + months).day(day.day)


def next_on(day: int, today: dt.date) -> dt.date:
    """The next day of this number in a month, today included: this month's, or next month's where
    that is past."""
    day_this_month = Month.of(today).day(day)
    return day_this_month if today <= day_this_month else (Month.of(today) + 1).day(day)


def day_zh(day: dt.date) -> str:
    """A day as written in Chinese: 2023年6月20日."""
    return f"{day.year}年{short_day_zh(day)}"


def short_day_zh(day: dt.date) -> str:
    """A day as written in Chinese, without its year: 6月20日."""
    return f"{day.month}月{day.day}日"


def moment_zh(moment: dt.datetime) -> str:
    """A moment as written in Chinese, in China's time: 2026年11月21日 09:05. ValueError for one
    without a zone."""
    local = _in_china(moment)
    return f"{day_zh(local.date())} {local:%H:%M}"


def short_moment_zh(moment: dt.datetime) -> str:
    """As ``moment_zh``, without its year: 11月21日 09:05. ValueError for one without a zone."""
    local = _in_china(moment)
    return f"{short_day_zh(local.date())} {local:%H:%M}"


def _in_china(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment.astimezone(CHINA)


def today_in_china(now: dt.datetime) -> dt.date:
    """The date in China at the given moment. Raises ValueError for a datetime without a zone."""
    if now.utcoffset() is None:
        raise ValueError("a moment needs a time zone")
    return now.astimezone(CHINA).date()


def month_in_china(now: dt.datetime) -> Month:
    """The month in China at the given moment. Raises ValueError for a datetime without a zone."""
    return Month.of(today_in_china(now))
