"""Months and periods, and to which month of China a moment belongs."""

import datetime as dt
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.shared.months import (
    CHINA,
    Month,
    Period,
    day_zh,
    moment_zh,
    month_in_china,
    month_span,
    periods_zh,
    runs,
    short_day_zh,
    short_moment_zh,
    today_in_china,
)

months = st.builds(Month, st.integers(1900, 2100), st.integers(1, 12))
offsets = st.integers(-1200, 1200)


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc, arg-type]


def test_is_read_and_written():
    june = Month.parse("2023-06")
    assert june == Month(2023, 6)
    assert str(june) == "2023-06"
    assert june.zh == "2023年6月"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2023",
        "2023-6",
        "2023-13",
        "2023-00",
        "0000-01",
        "202306",
        "2023-06-01",
        "2023-06\n",
        "２０２３-06",
    ],
)
def test_refuses_what_is_not_a_month(text):
    with pytest.raises(ValueError):
        Month.parse(text)


def test_knows_its_days():
    assert Month(2024, 2).first_day == dt.date(2024, 2, 1)
    assert Month(2024, 2).last_day == dt.date(2024, 2, 29)
    assert Month(2025, 2).last_day == dt.date(2025, 2, 28)
    assert Month(2025, 2).day(20) == dt.date(2025, 2, 20)
    assert Month(2025, 2).day(31) == dt.date(2025, 2, 28)
    with pytest.raises(ValueError):
        Month(2025, 2).day(0)


def test_crosses_the_year():
    assert Month(2023, 12) + 1 == Month(2024, 1)
    assert Month(2024, 1) - 1 == Month(2023, 12)
    assert Month(2024, 1) - Month(2022, 11) == 14


def test_stands_in_order_and_in_sets():
    assert sorted([Month(2024, 1), Month(2023, 12), Month(2023, 2)]) == [
        Month(2023, 2),
        Month(2023, 12),
        Month(2024, 1),
    ]
    assert len({Month(2023, 2), Month.parse("2023-02")}) == 1


@given(months, offsets)
def test_adding_and_taking_away_undo_each_other(month, offset):
    assert month + offset - offset == month
    assert (month + offset) - month == offset


@given(months)
def test_text_goes_both_ways(month):
    assert Month.parse(str(month)) == month
    assert Month.of(month.last_day) == month
    assert month.last_day + dt.timedelta(days=1) == (month + 1).first_day


def test_a_datetime_has_no_month_by_itself():
    with pytest.raises(TypeError):
        Month.of(utc(2026, 1, 31, 16))


def test_the_day_changes_at_midnight_in_china():
    before = utc(2026, 3, 20, 15, 59, 59, 999999)
    assert today_in_china(before) == dt.date(2026, 3, 20)
    assert today_in_china(before + dt.timedelta(microseconds=1)) == dt.date(2026, 3, 21)


def test_the_year_changes_at_midnight_in_china():
    assert month_in_china(utc(2025, 12, 31, 15, 59)) == Month(2025, 12)
    assert month_in_china(utc(2025, 12, 31, 16, 0)) == Month(2026, 1)
    assert month_in_china(dt.datetime(2026, 1, 1, 0, 0, tzinfo=CHINA)) == Month(2026, 1)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError):
        today_in_china(dt.datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError):
        month_in_china(dt.datetime(2026, 1, 1))  # noqa: DTZ001


def test_span_leaves_the_end_out():
    assert list(month_span(Month(2023, 11), Month(2024, 2))) == [
        Month(2023, 11),
        Month(2023, 12),
        Month(2024, 1),
    ]
    assert list(month_span(Month(2024, 2), Month(2024, 2))) == []
    assert list(month_span(Month(2024, 3), Month(2024, 2))) == []


def test_period_holds_its_start_but_not_its_end():
    spring = Period(Month(2024, 3), Month(2024, 6))
    assert Month(2024, 3) in spring
    assert Month(2024, 5) in spring
    assert Month(2024, 6) not in spring
    assert Month(2024, 2) not in spring
    assert Month(2099, 1) in Period(Month(2024, 3))


def test_period_cannot_end_before_it_starts():
    with pytest.raises(ValueError):
        Period(Month(2024, 3), Month(2024, 2))


def test_periods_that_only_touch_do_not_overlap():
    assert not Period(Month(2024, 1), Month(2024, 3)).overlaps(Period(Month(2024, 3)))
    assert Period(Month(2024, 1), Month(2024, 4)).overlaps(Period(Month(2024, 3)))
    assert not Period(Month(2024, 3), Month(2024, 3)).overlaps(Period(Month(2024, 1)))


def test_open_periods_are_clipped_to_their_common_months():
    assert Period(Month(2024, 1)).clip(Period(Month(2024, 3))) == Period(Month(2024, 3))
    assert Period(Month(2024, 1), Month(2024, 9)).clip(Period(Month(2024, 3))) == Period(
        Month(2024, 3), Month(2024, 9)
    )
    assert Period(Month(2024, 1), Month(2024, 2)).clip(Period(Month(2024, 3))) is None


def test_months_of_an_open_period_end_where_asked():
    assert list(Period(Month(2024, 1)).months(before=Month(2024, 3))) == [Month(2024, 1), Month(2024, 2)]
    assert list(Period(Month(2024, 1), Month(2024, 2)).months(before=Month(2024, 9))) == [Month(2024, 1)]


periods = st.builds(
    lambda start, length: Period(start, None if length is None else start + length),
    st.builds(Month, st.integers(2020, 2023), st.integers(1, 12)),
    st.none() | st.integers(0, 30),
)


@given(periods, periods)
def test_overlap_is_a_month_in_both(one, other):
    every = list(month_span(Month(2019, 1), Month(2030, 1)))
    both = [month for month in every if month in one and month in other]
    assert one.overlaps(other) == other.overlaps(one) == bool(both)
    shared = one.clip(other)
    assert [month for month in every if shared is not None and month in shared] == both


def test_a_month_in_numbers_has_six_digits() -> None:
    assert (Month(2026, 1).digits, Month(2026, 11).digits) == ("202601", "202611")


def test_a_day_is_written_in_chinese_with_or_without_its_year() -> None:
    day = dt.date(2026, 6, 5)
    assert (day_zh(day), short_day_zh(day)) == ("2026年6月5日", "6月5日")


def test_a_period_is_written_in_chinese() -> None:
    assert Period(Month(2026, 1)).zh == "2026年1月起"
    assert Period(Month(2026, 1), Month(2026, 4)).zh == "2026年1月至2026年3月"


def test_months_in_a_row_are_one_run() -> None:
    asked = [Month(2022, 1), Month(2021, 12), Month(2023, 5), Month(2021, 12)]
    periods = [(Month(2021, 12), Month(2022, 2)), (Month(2023, 5), Month(2023, 6))]
    assert runs(asked) == periods
    assert periods_zh(periods) == "2021年12月至2022年1月、2023年5月"
    assert (runs([]), periods_zh([])) == ([], "")


def test_a_moment_is_written_in_chinas_time() -> None:
    moment = dt.datetime(2026, 12, 31, 17, 5, tzinfo=dt.UTC)
    assert (moment_zh(moment), short_moment_zh(moment)) == ("2027年1月1日 01:05", "1月1日 01:05")


@pytest.mark.parametrize("written", [moment_zh, short_moment_zh])
def test_a_moment_without_a_zone_is_not_written(written: Callable[[dt.datetime], str]) -> None:
    with pytest.raises(ValueError):
        written(utc(2026, 6, 5, 9).replace(tzinfo=None))
