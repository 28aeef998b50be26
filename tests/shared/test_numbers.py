"""Numbers and codes that the hall gives out."""

import datetime as dt
import re

import pytest

from portal.shared import numbers

# The day has begun in China and not yet in Greenwich.
NOW = dt.datetime(2026, 11, 20, 16, 30, tzinfo=dt.UTC)


def test_a_number_to_read_has_the_day_in_china() -> None:
    form = rf"330200-20261121-[{numbers.ALPHABET}]{{8}}"
    assert re.fullmatch(form, numbers.dashed_number("330200", NOW, length=8))


def test_a_channels_number_has_27_letters_and_digits() -> None:
    number = numbers.channel_number("P", "330200", NOW)
    assert re.fullmatch(rf"P20261121330200[{numbers.ALPHABET}]{{12}}", number)
    assert len(number) == 27


def test_no_two_are_alike() -> None:
    assert len({numbers.channel_number("R", "330200", NOW) for _time in range(1000)}) == 1000


def test_nothing_that_is_mistaken_for_another_character_is_in_a_number() -> None:
    assert not set(numbers.ALPHABET) & set("0O1ILU")


def test_an_alphabet_may_be_given() -> None:
    assert set(numbers.random_text(100, "AB")) == {"A", "B"}


def test_a_moment_needs_a_zone() -> None:
    with pytest.raises(ValueError):
        numbers.dashed_number("330200", NOW.replace(tzinfo=None), length=8)
