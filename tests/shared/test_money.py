"""Fen, yuan, rounding, and amounts in words."""

import decimal
import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.shared.money import InvalidAmount, format_yuan, in_words, parse_yuan, round_fen, to_fen, yuan

amounts = st.integers(-(10**15), 10**15)


@pytest.mark.parametrize(
    ("exact", "fen"),
    [
        ("0.225", 23),  # 2.50 × 9 %: half-even would give 22
        ("0.2249999999999999999999999999999", 22),
        ("-0.225", -23),
        ("393.036", 39304),  # lowest month of Wuhan's flexible pension
        ("1965.18", 196518),
        ("0.005", 1),
        ("0.0049", 0),
        ("1E+2", 10000),
    ],
)
def test_rounds_half_up(exact, fen):
    assert round_fen(Decimal(exact)) == fen


def test_rounding_does_not_depend_on_the_decimal_context():
    with decimal.localcontext() as context:
        context.prec = 3
        context.rounding = decimal.ROUND_DOWN
        assert round_fen(Decimal("1234567.895")) == 123456790
        assert to_fen(Decimal("1234567.89")) == 123456789
        assert yuan(123456789) == Decimal("1234567.89")


def test_exact_amounts_pass_and_parts_of_a_fen_are_refused():
    assert to_fen(Decimal("393.04")) == 39304
    assert to_fen(Decimal("393.0400")) == 39304
    assert to_fen(Decimal("-0.01")) == -1
    with pytest.raises(ValueError):
        to_fen(Decimal("0.225"))


@pytest.mark.parametrize("convert", [to_fen, round_fen])
def test_refuses_floats_and_what_is_no_number(convert):
    with pytest.raises(TypeError):
        convert(393.04)
    for text in ("NaN", "Infinity", "-Infinity"):
        with pytest.raises(ValueError):
            convert(Decimal(text))


@given(amounts)
def test_fen_and_yuan_go_both_ways(fen):
    assert to_fen(yuan(fen)) == round_fen(yuan(fen)) == fen
    assert yuan(fen).as_tuple().exponent == -2


@given(st.decimals(-(10**9), 10**9, places=6))
def test_rounding_is_never_further_off_than_half_a_fen(exact):
    off = abs(yuan(round_fen(exact)) - exact)
    assert off <= Decimal("0.005")


def test_shows_groups_and_two_decimals():
    assert format_yuan(196518) == "1,965.18"
    assert format_yuan(0) == "0.00"
    assert format_yuan(-5) == "-0.05"
    assert format_yuan(123456789012) == "1,234,567,890.12"


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("1,965.18元", 196518),
        ("１，９６５．１８元", 196518),
        ("￥1965.18", 196518),
        (" ¥ 20 ", 2000),
        ("人民币20元整", 2000),
        ("20.5", 2050),
        ("0.05", 5),
        ("-3.00", -300),
        ("1,000,000", 100000000),
    ],
)
def test_reads_amounts_as_people_type_them(text, fen):
    assert parse_yuan(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        "",
        "元",
        "abc",
        "1.234",
        "1,23",
        "12,34.5",
        "1.",
        ".5",
        "1e3",
        "--1",
        "1 2a",
        "②",
        "1..2",
        "NaN",
        "十元",
        "元20",
    ],
)
def test_refuses_what_is_no_amount(text):
    with pytest.raises(InvalidAmount):
        parse_yuan(text)


@given(amounts)
def test_reads_what_it_shows(fen):
    assert parse_yuan(format_yuan(fen)) == fen
    assert parse_yuan(f"{format_yuan(fen)}元") == fen


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (100005000_00, "壹亿零伍仟元整"),
        (0, "零元整"),
        (1, "壹分"),
        (50, "伍角整"),
        (100, "壹元整"),
        (105, "壹元零伍分"),
        (150, "壹元伍角整"),
        (10_00, "壹拾元整"),
        (10_50, "壹拾元零伍角整"),
        (393_04, "叁佰玖拾叁元零肆分"),
        (1965_18, "壹仟玖佰陆拾伍元壹角捌分"),
        # The three examples of the People's Bank's rules for bills.
        (1409_50, "壹仟肆佰零玖元伍角整"),
        (6007_14, "陆仟零柒元壹角肆分"),
        (1680_32, "壹仟陆佰捌拾元零叁角贰分"),
        (107000_53, "壹拾万柒仟元零伍角叁分"),
        (16409_02, "壹万陆仟肆佰零玖元零贰分"),
        (325_04, "叁佰贰拾伍元零肆分"),
        (10001_00, "壹万零壹元整"),
        (100000000_00, "壹亿元整"),
        (1000000010000_00, "壹万亿零壹万元整"),
        (9999999999999999_99, "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
        (-1_05, "负壹元零伍分"),
    ],
)
def test_writes_amounts_in_words(fen, words):
    assert in_words(fen) == words


def test_words_have_an_end():
    with pytest.raises(ValueError):
        in_words(10**18)


DIGITS = {digit: value for value, digit in enumerate("零壹贰叁肆伍陆柒捌玖")}
UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def read_whole(words: str) -> int:
    """A number from its words: the biggest unit splits, what stands before it multiplies."""
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        if unit in words:
            high, low = words.rsplit(unit, 1) if unit == "亿" else words.split(unit, 1)
            return read_whole(high) * size + read_whole(low)
    return sum(
        DIGITS[digit] * UNITS.get(unit, 1)
        for digit, unit in re.findall(r"([壹贰叁肆伍陆柒捌玖])([拾佰仟]?)", words)
    )


def read_words(words: str) -> int:
    sign = -1 if words.startswith("负") else 1
    whole, _, part = words.removeprefix("负").rpartition("元")
    jiao = re.search(r"(.)角", part)
    cents = re.search(r"(.)分", part)
    return sign * (
        read_whole(whole) * 100 + (DIGITS[jiao[1]] * 10 if jiao else 0) + (DIGITS[cents[1]] if cents else 0)
    )


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_words_say_the_amount(fen):
    assert read_words(in_words(fen)) == fen


@given(st.lists(st.sampled_from([0, 0, 0, 1, 5, 9]), min_size=1, max_size=18))
def test_words_with_many_zeros_say_the_amount_and_are_well_formed(digits):
    fen = int("".join(map(str, digits)))
    words = in_words(fen)
    assert read_words(words) == fen
    assert "零零" not in words
    assert fen == 0 or not re.search(r"零[元万亿角分拾佰仟整]", words)
    assert fen == 0 or not words.startswith("零")
    assert words.endswith("整") == (fen % 10 == 0)
