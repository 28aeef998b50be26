"""Unified social credit codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.shared.credit_code import InvalidCreditCode, parse

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def with_check_character(first_17: str) -> str:
    """By the formula of GB 32100, not by the library that the code uses."""
    total = sum(ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(first_17))
    return first_17 + ALPHABET[-total % 31]


codes = st.builds(
    lambda office, place, body: with_check_character(office + f"{place:06d}" + body),
    st.sampled_from(["91", "92", "12", "52", "N2", "Y1"]),
    st.integers(110000, 829999),
    st.text(ALPHABET, min_size=9, max_size=9),
)


def why(text: str) -> str:
    with pytest.raises(InvalidCreditCode) as refused:
        parse(text)
    return refused.value.code


@given(codes)
def test_reads_every_code_of_the_standard(code):
    assert parse(code) == code


def test_mends_what_people_type():
    assert parse(" 91110000-600037341l ") == "91110000600037341L"
    assert parse("９１１１００００６０００３７３４１Ｌ") == "91110000600037341L"


def test_villages_have_letters_at_the_front():
    code = with_check_character("N2330211MF1234567")
    assert parse(code) == code


def test_says_what_is_wrong():
    assert why("") == "length"
    assert why("91110000600037341") == "length"
    assert why("91110000600037341LL") == "length"
    assert why("9111000060003734IL") == "characters"
    assert why("911A0000600037341L") == "characters"
    assert why("91110000600037341M") == "check"


@given(codes, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_mistyped_character_is_always_noticed(code, place, character):
    mistyped = code[:place] + character + code[place + 1 :]
    if mistyped != code:
        assert why(mistyped) in {"characters", "check"}
