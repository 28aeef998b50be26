"""When a bank takes money: to the last moment before it closes, on official working days, and as
staff say otherwise."""

import datetime as dt

import pytest

from portal.policy.bankhours import BankHours, is_open, next_opening
from portal.shared.months import CHINA

HOURS = BankHours(dt.time(9), dt.time(17))


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("now", "open_"),
    [
        ("2026-11-17 08:59:59.999999", False),
        ("2026-11-17 09:00", True),
        ("2026-11-17 16:59:59", True),
        ("2026-11-17 16:59:59.999", True),
        ("2026-11-17 16:59:59.999999", True),
        ("2026-11-17 17:00:00", False),
        ("2026-11-17 17:00:05", False),
        ("2026-11-17 00:00", False),
        ("2026-11-21 10:00", False),  # Saturday
        ("2026-10-01 10:00", False),  # Thursday, National Day
        ("2026-02-14 10:00", True),  # Saturday, worked for the Spring Festival
        ("2026-02-17 10:00", False),  # Tuesday, Spring Festival
    ],
)
def test_opens_on_working_days_and_closes_before_its_end(now, open_):
    assert is_open(moment(now), HOURS) is open_


def test_asks_the_clock_of_china_wherever_the_server_stands():
    assert is_open(dt.datetime(2026, 11, 17, 8, 59, 59, tzinfo=dt.UTC), HOURS)
    assert not is_open(dt.datetime(2026, 11, 17, 9, 0, 0, tzinfo=dt.UTC), HOURS)
    # A Friday evening in London is a Saturday in China, and 01:00 UTC is the opening.
    assert not is_open(dt.datetime(2026, 11, 21, 2, 0, tzinfo=dt.UTC), HOURS)
    assert is_open(dt.datetime(2026, 11, 20, 1, 0, tzinfo=dt.UTC), HOURS)


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        ("2026-11-17 03:00", "2026-11-17 09:00"),
        ("2026-11-17 08:59:59.999", "2026-11-17 09:00"),
        ("2026-11-17 16:59:59.999", "2026-11-17 16:59:59.999"),
        ("2026-11-17 17:00", "2026-11-18 09:00"),
        ("2026-11-20 17:00", "2026-11-23 09:00"),  # over the weekend
        ("2026-11-21 05:00", "2026-11-23 09:00"),
        ("2026-09-30 18:00", "2026-10-08 09:00"),  # over National Day
        ("2026-02-13 18:00", "2026-02-14 09:00"),  # the Saturday is worked
        ("2025-12-31 20:00", "2026-01-04 09:00"),  # New Year, and the Sunday worked for it
    ],
)
def test_names_the_next_opening(now, opening):
    answer = next_opening(moment(now), HOURS)
    assert answer == moment(opening)
    assert is_open(answer, HOURS)


def test_staff_can_say_otherwise():
    tuesday, sunday = dt.date(2026, 11, 17), dt.date(2026, 11, 22)
    overrides = {tuesday: False, sunday: True}
    assert not is_open(moment("2026-11-17 10:00"), HOURS, overrides)
    assert next_opening(moment("2026-11-17 10:00"), HOURS, overrides) == moment("2026-11-18 09:00")
    assert is_open(moment("2026-11-22 10:00"), HOURS, overrides)
    assert next_opening(moment("2026-11-20 17:00"), HOURS, overrides) == moment("2026-11-22 09:00")
