"""When a bank takes money: on working days, from one time of the day until another, in China.

The end does not belong to the hours: a payment that starts at 16:59:59.999 is in time, one that
starts at 17:00 is not. A payment that started in time may end later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from portal.policy.workdays import is_workday
from portal.shared.months import CHINA

_NONE: Mapping[dt.date, bool] = {}


@dataclass(frozen=True, slots=True)
class BankHours:
    """Times of the day, ``[opens, closes)``."""

    opens: dt.time
    closes: dt.time


def is_open(now: dt.datetime, hours: BankHours, overrides: Mapping[dt.date, bool] = _NONE) -> bool:
    """Whether a payment may be started at that moment; ``overrides`` maps a date to whether it is
    worked."""
    in_china = now.astimezone(CHINA)
    return hours.opens <= in_china.time() < hours.closes and is_workday(in_china.date(), overrides)


def next_opening(
    now: dt.datetime, hours: BankHours, overrides: Mapping[dt.date, bool] = _NONE
) -> dt.datetime:
    """The moment from which a payment may be started: ``now`` itself while the bank is open, else
    when it opens next."""
    if is_open(now, hours, overrides):
        return now
    in_china = now.astimezone(CHINA)
    day = in_china.date()
    if in_china.time() >= hours.opens:
        day += dt.timedelta(days=1)
    while not is_workday(day, overrides):
        day += dt.timedelta(days=1)
    return dt.datetime.combine(day, hours.opens, tzinfo=CHINA)
