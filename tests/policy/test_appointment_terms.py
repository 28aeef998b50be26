"""The figures of appointments: days, slots, places, and who is blocked."""

import datetime as dt

import pytest

from portal.policy.book import book
from portal.policy.terms.appointments import AppointmentTerms, appointment_terms, read_hours
from tests.cast import moment


@pytest.fixture(scope="module")
def terms() -> AppointmentTerms:
    return appointment_terms(book(), city="wuhan", on=dt.date(2026, 11, 17))


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def test_the_next_working_day_to_the_fourteenth_day_can_be_booked(terms: AppointmentTerms) -> None:
    days = terms.bookable_days(_day("2026-11-20"))
    assert days[0] == _day("2026-11-23")
    assert days[-1] == _day("2026-12-04")
    assert _day("2026-11-28") not in days
    assert _day("2026-12-05") not in days


def test_a_public_holiday_is_not_offered_and_a_worked_saturday_is(terms: AppointmentTerms) -> None:
    days = terms.bookable_days(_day("2026-09-28"))
    assert _day("2026-10-01") not in days
    assert _day("2026-10-10") in days
    assert _day("2026-09-30") in days


def test_staff_of_the_city_may_open_or_close_a_day(terms: AppointmentTerms) -> None:
    days = terms.bookable_days(_day("2026-11-17"), {_day("2026-11-18"): False, _day("2026-11-21"): True})
    assert _day("2026-11-18") not in days
    assert _day("2026-11-21") in days


def test_a_day_has_slots_of_half_an_hour_in_two_halves(terms: AppointmentTerms) -> None:
    slots = terms.slots(_day("2026-11-20"), ())
    assert len(slots) == 12
    assert slots[0] == (moment("2026-11-20 09:00"), moment("2026-11-20 09:30"))
    assert slots[5][1] == moment("2026-11-20 12:00")
    assert slots[6][0] == moment("2026-11-20 14:00")
    assert slots[-1][1] == moment("2026-11-20 17:00")


def test_a_places_own_hours_make_its_slots_and_a_short_rest_is_none(terms: AppointmentTerms) -> None:
    slots = terms.slots(_day("2026-11-20"), read_hours("8:30-10:15"))
    assert [f"{start:%H:%M}" for start, _end in slots] == ["08:30", "09:00", "09:30"]


@pytest.mark.parametrize("text", ["9-12", "12:00-09:00", "09:00-12:00 11:00-13:00", "25:00-26:00", "上午"])
def test_what_is_no_opening_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_hours(text)


# The 20th of November 2026 is a Friday: 17, 18 and 19 are the three working days before it. In
# September the 20th is a Sunday that is worked.
@pytest.mark.parametrize(
    ("windows", "day", "places"),
    [
        (3, "2026-11-16", 4),
        (3, "2026-11-17", 6),
        (3, "2026-11-19", 6),
        (3, "2026-11-20", 4),
        (1, "2026-11-24", 1),
        (10, "2026-11-24", 14),
        (10, "2026-11-18", 21),
    ],
)
def test_seven_of_ten_places_can_be_booked_and_more_before_the_twentieth(
    terms: AppointmentTerms, windows: int, day: str, places: int
) -> None:
    assert terms.capacity(windows, _day(day)) == places


def test_three_misses_within_thirty_days_block_for_thirty_days_from_the_third(
    terms: AppointmentTerms,
) -> None:
    missed = [_day("2026-11-01"), _day("2026-11-20"), _day("2026-11-10")]
    assert terms.blocked_until(missed) == _day("2026-12-20")
    assert terms.blocked_until(missed[:2]) is None


def test_misses_further_apart_than_thirty_days_are_not_counted_together(terms: AppointmentTerms) -> None:
    assert terms.blocked_until([_day("2026-10-01"), _day("2026-10-20"), _day("2026-11-01")]) is None
    assert terms.blocked_until([_day("2026-10-01"), _day("2026-10-20"), _day("2026-10-31")]) == _day(
        "2026-11-30"
    )
