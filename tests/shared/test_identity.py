"""Resident identity numbers, and what of personal data is shown."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.shared.identity import (
    Document,
    Identity,
    InvalidIdentity,
    Sex,
    document_of,
    mask,
    mask_account,
    mask_name,
    mask_phone,
    nationality_of,
    parse,
    upgrade,
)

WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]


def with_check_digit(first_17: str) -> str:
    """By the table of the standard, not by the library that the code uses."""
    return first_17 + "10X98765432"[sum(int(d) * w for d, w in zip(first_17, WEIGHTS, strict=True)) % 11]


numbers = st.builds(
    lambda place, born, order: with_check_digit(f"{place:06d}{born:%Y%m%d}{order:03d}"),
    st.integers(110000, 829999),
    st.dates(dt.date(1900, 1, 1), dt.date(2026, 1, 1)),
    st.integers(0, 999),
)


def why(text: str, **options: dt.date) -> str:
    with pytest.raises(InvalidIdentity) as refused:
        parse(text, **options)
    return refused.value.code


def test_reads_the_examples_of_the_standard():
    assert parse("11010519491231002X") == Identity("11010519491231002X", dt.date(1949, 12, 31), Sex.FEMALE)
    assert parse("440524188001010014") == Identity("440524188001010014", dt.date(1880, 1, 1), Sex.MALE)


@pytest.mark.parametrize(
    "typed",
    [
        "11010519491231002x",
        " 110105 19491231 002X ",
        "１１０１０５１９４９１２３１００２Ｘ",
        "１１０１０５１９４９１２３１００２ｘ",
        "110105\u300019491231\u00a0002X\t",
        "\u200e11010519491231002X\ufeff",
    ],
)
def test_mends_what_people_type_and_paste(typed):
    assert parse(typed).number == "11010519491231002X"


@pytest.mark.parametrize("place", ["330110", "500112", "810000", "999999"])
def test_does_not_refuse_a_place(place):
    number = with_check_digit(f"{place}19900307100")
    assert parse(number).number == number


def test_says_what_is_wrong():
    assert why("") == "length"
    assert why("110105491231002") == "length"
    assert why("11010519491231002XX") == "length"
    assert why("1101051949123100ZX") == "characters"
    assert why("X1010519491231002X") == "characters"
    assert why("1.10105194912E+17") == "length"
    assert why("1101051949123①002X") == "characters"
    assert why(with_check_digit("11010519490231002")) == "date"
    assert why(with_check_digit("11010519001301002")) == "date"
    assert why(with_check_digit("11010520230229002")) == "date"
    assert why("110105194912310021") == "check"


def test_nobody_is_born_in_the_future():
    newborn = with_check_digit("33021120260321001")
    assert why(newborn, today=dt.date(2026, 3, 20)) == "date"
    assert parse(newborn, today=dt.date(2026, 3, 21)).birth_date == dt.date(2026, 3, 21)
    assert parse(newborn).birth_date == dt.date(2026, 3, 21)


@given(numbers)
def test_every_number_of_the_standard_is_read(number):
    identity = parse(number)
    assert identity.number == number
    assert f"{identity.birth_date:%Y%m%d}" == number[6:14]
    assert identity.sex == (Sex.MALE if number[16] in "13579" else Sex.FEMALE)


@given(numbers, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_mistyped_character_is_always_noticed(number, place, character):
    mistyped = number[:place] + character + number[place + 1 :]
    if mistyped != number:
        assert why(mistyped) in {"characters", "date", "check"}


@given(numbers, st.integers(0, 16))
def test_two_neighbours_exchanged_are_always_noticed(number, place):
    exchanged = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if exchanged != number:
        assert why(exchanged) in {"characters", "date", "check"}


def test_an_old_number_is_upgraded():
    assert upgrade("110105491231002") == "11010519491231002X"
    assert upgrade(" １１０１０５ 491231002") == "11010519491231002X"


@pytest.mark.parametrize(
    ("old", "code"),
    [
        ("", "length"),
        ("11010519491231002X", "length"),
        ("11010549123100X", "characters"),
        ("110105491331002", "date"),
    ],
)
def test_what_is_no_old_number_is_not_upgraded(old, code):
    with pytest.raises(InvalidIdentity) as refused:
        upgrade(old)
    assert refused.value.code == code


@given(numbers.filter(lambda number: number[6:8] == "19"))
def test_upgrading_gives_the_number_of_the_same_person(number):
    assert upgrade(number[:6] + number[8:17]) == number


def test_masks():
    assert mask("330211199003071234") == "330211********1234"
    assert mask("110105491231002") == "110105*****1002"
    assert parse("11010519491231002X").masked == "110105********002X"
    assert mask_name("张三丰") == "张*丰"
    assert mask_name("张三") == "张*"
    assert mask_name("欧阳小明") == "欧**明"
    assert mask_name("𬱖䶮㛃") == "𬱖*㛃"
    assert mask_phone("13812345678") == "138****5678"
    assert mask_account("6217000010001234") == "****1234"


def test_masks_show_nothing_of_what_is_too_short():
    assert mask("1234567890") == "**********"
    assert mask_name("张") == "*"
    assert mask_name("") == ""
    assert mask_phone("1234567") == "*******"
    assert mask_account("1234") == "****"


@pytest.mark.parametrize(
    ("number", "paper", "country"),
    [
        (with_check_digit("33021119880512002"), Document.RESIDENT, ""),
        (with_check_digit("81000019880303002"), Document.HONG_KONG, ""),
        (with_check_digit("82000019880303002"), Document.MACAO, ""),
        (with_check_digit("83000019900101001"), Document.TAIWAN, ""),
        (with_check_digit("93184019850101003"), Document.FOREIGN_RESIDENT, "840"),
    ],
)
def test_the_number_says_of_which_paper_it_is(number: str, paper: Document, country: str) -> None:
    assert parse(number).number == number
    assert (document_of(number), nationality_of(number)) == (paper, country)


@pytest.mark.parametrize("number", ["USA310085010102", "E12345678", "h1234567890", "ＥＡ1234567"])
def test_the_number_of_another_paper_is_told_as_such(number: str) -> None:
    assert why(number) == "paper"
    with pytest.raises(InvalidIdentity) as refused:
        upgrade(number)
    assert refused.value.code in ("paper", "length")
