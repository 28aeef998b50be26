"""Statutory retirement age, by the published table, and the months a pension needs."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.policy.book import PolicyMissing, book
from portal.policy.retirement import RetirementCategory, flexible_category, minimum_months, retirement
from portal.shared.identity import Sex
from portal.shared.months import Month

MAN, WOMAN_55, WOMAN_50 = RetirementCategory
NOW = dt.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("category", "born", "age", "reached"),
    [
        (MAN, "1964-12", "60周岁", "2024-12"),
        (MAN, "1965-01", "60周岁1个月", "2025-02"),
        (MAN, "1965-04", "60周岁1个月", "2025-05"),
        (MAN, "1965-05", "60周岁2个月", "2025-07"),
        (MAN, "1967-05", "60周岁8个月", "2028-01"),
        (MAN, "1976-08", "62周岁11个月", "2039-07"),
        (MAN, "1976-09", "63周岁", "2039-09"),
        (MAN, "1990-01", "63周岁", "2053-01"),
        (WOMAN_55, "1969-12", "55周岁", "2024-12"),
        (WOMAN_55, "1970-01", "55周岁1个月", "2025-02"),
        (WOMAN_55, "1974-10", "56周岁3个月", "2031-01"),
        (WOMAN_55, "1981-09", "58周岁", "2039-09"),
        (WOMAN_50, "1974-12", "50周岁", "2024-12"),
        (WOMAN_50, "1975-01", "50周岁1个月", "2025-02"),
        (WOMAN_50, "1975-03", "50周岁2个月", "2025-05"),
        (WOMAN_50, "1984-10", "54周岁11个月", "2039-09"),
        (WOMAN_50, "1984-11", "55周岁", "2039-11"),
    ],
)
def test_age_by_month_of_birth(category, born, age, reached):
    result = retirement(book(), born=Month.parse(born), category=category, on=NOW)
    assert result.zh == age
    assert result.month == Month.parse(reached)
    assert (result.years * 12 + result.months) == result.age_months


@pytest.mark.parametrize(("category", "years"), [(MAN, 60), (WOMAN_55, 55), (WOMAN_50, 50)])
def test_before_2025_nothing_was_delayed(category, years):
    result = retirement(book(), born=Month(1980, 1), category=category, on=dt.date(2024, 12, 31))
    assert result.age_months == years * 12
    assert result.leaf.since == dt.date(1978, 6, 2)


def test_before_the_first_rule_there_is_no_age():
    with pytest.raises(PolicyMissing):
        retirement(book(), born=Month(1900, 1), category=MAN, on=dt.date(1978, 6, 1))


@given(st.sampled_from(RetirementCategory), st.integers(0, 1200))
def test_whoever_is_born_later_never_retires_earlier(category, months):
    born = Month(1930, 1) + months
    earlier = retirement(book(), born=born, category=category, on=NOW)
    later = retirement(book(), born=born + 1, category=category, on=NOW)
    assert later.month > earlier.month
    assert 0 <= later.age_months - earlier.age_months <= 1


def test_flexible_women_have_the_age_of_55():
    assert flexible_category(Sex.MALE) is MAN
    assert flexible_category(Sex.FEMALE) is WOMAN_55


@pytest.mark.parametrize(
    ("year", "months"),
    [
        (2012, 180),
        (2024, 180),
        (2025, 180),
        (2029, 180),
        (2030, 186),
        (2034, 210),
        (2038, 234),
        (2039, 240),
        (2060, 240),
    ],
)
def test_a_pension_needs_so_many_months(year, months):
    assert minimum_months(book(), year=year) == months
