"""Full years of age, leap days included."""

import datetime as dt

import pytest

from portal.shared.ages import birthday, has_reached


@pytest.mark.parametrize(
    ("born", "years", "day"),
    [("2010-11-17", 16, "2026-11-17"), ("2008-02-29", 18, "2026-03-01"), ("2008-02-29", 20, "2028-02-29")],
)
def test_the_birthday(born: str, years: int, day: str) -> None:
    assert birthday(dt.date.fromisoformat(born), years) == dt.date.fromisoformat(day)


def test_the_day_itself_counts_and_the_day_before_does_not() -> None:
    born = dt.date(2010, 11, 17)
    assert has_reached(born, 16, on=dt.date(2026, 11, 17))
    assert not has_reached(born, 16, on=dt.date(2026, 11, 16))
