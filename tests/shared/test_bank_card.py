"""Bank card numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.shared.bank_card import InvalidBankCard, parse


def with_check_digit(digits: str) -> str:
    """Luhn by hand: every second digit from the right doubled, its digits summed."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return digits + str(-total % 10)


cards = st.text("0123456789", min_size=11, max_size=18).map(with_check_digit)


def why(text: str) -> str:
    with pytest.raises(InvalidBankCard) as refused:
        parse(text)
    return refused.value.code


@given(cards)
def test_reads_every_card(card):
    assert parse(card) == card


def test_mends_what_people_type():
    card = with_check_digit("621700001000123")
    typed = f"{card[:4]} {card[4:8]}-{card[8:12]}\u3000{card[12:]}"
    assert parse(typed) == card


def test_says_what_is_wrong():
    assert why("") == "length"
    assert why("62170000100") == "length"
    assert why("6" * 20) == "length"
    assert why("6217 0000 1000 123x") == "characters"
    card = with_check_digit("621700001000123")
    assert why(card[:-1] + str((int(card[-1]) + 1) % 10)) == "check"


@given(cards, st.integers(0, 18), st.sampled_from("0123456789"))
def test_one_mistyped_digit_is_always_noticed(card, place, digit):
    mistyped = card[:place] + digit + card[place + 1 :]
    if len(mistyped) == len(card) and mistyped != card:
        assert why(mistyped) == "check"
