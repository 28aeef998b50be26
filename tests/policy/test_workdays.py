"""Working days: holidays, the weekends worked for them, years not yet published, and what staff
set."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.policy.workdays import add_workdays, is_workday, known


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("date", "worked"),
    [
        ("2025-10-01", False),  # Wednesday, National Day
        ("2025-09-28", True),  # Sunday, worked for it
        ("2025-10-09", True),
        ("2026-02-14", True),  # Saturday, worked for the Spring Festival
        ("2026-02-17", False),
        ("2026-03-07", False),  # Saturday
        ("2026-03-09", True),
    ],
)
def test_follows_the_published_arrangement(date, worked):
    assert is_workday(day(date)) is worked
    assert known(day(date))


def test_beyond_the_published_years_only_weekends_are_known():
    may_day = day("2099-05-01")  # a Friday
    assert not known(may_day)
    assert is_workday(may_day)
    assert not is_workday(day("2099-05-02"))


def test_staff_can_say_otherwise():
    may_day, sunday = day("2099-05-01"), day("2099-05-03")
    overrides = {may_day: False, sunday: True}
    assert known(may_day, overrides)
    assert not is_workday(may_day, overrides)
    assert is_workday(sunday, overrides)
    assert add_workdays(day("2099-04-30"), 1, overrides) == sunday
    typhoon = day("2026-03-09")
    assert not is_workday(typhoon, {typhoon: False})


def test_counts_over_a_holiday():
    assert add_workdays(day("2025-09-30"), 1) == day("2025-10-09")
    assert add_workdays(day("2025-09-26"), 1) == day("2025-09-28")
    assert add_workdays(day("2026-03-02"), 5) == day("2026-03-09")


def test_no_days_is_the_day_itself_even_on_a_holiday():
    assert add_workdays(day("2025-10-01"), 0) == day("2025-10-01")


def test_does_not_count_backwards():
    with pytest.raises(ValueError):
        add_workdays(day("2026-03-02"), -1)


@given(st.dates(dt.date(2019, 1, 1), dt.date(2040, 1, 1)), st.integers(1, 40))
def test_ends_on_the_right_working_day(start, count):
    end = add_workdays(start, count)
    between = [start + dt.timedelta(days=number) for number in range(1, (end - start).days + 1)]
    assert is_workday(end)
    assert sum(map(is_workday, between)) == count
