"""One form of names: whatever looks the same is the same, and a refusal names the character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.shared.names import InvalidName, agree, canonical, parse

DOTS = "•‧・･.．∙⋅●⸱·﹒·"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\u2fbc\u2f42\u2f45", "高文方"),
        ("赵\u2f00", "赵一"),
        ("王\u2ec4\u2e9d", "王西月"),
        ("王\u2e9f\u2ef3", "王母龟"),
        ("张\u31d0", "张一"),
        ("王\ufa0c", "王兀"),
        ("王\ufe00芳\U000e0101", "王芳"),
        ("王\u200b芳\ufeff", "王芳"),
        ("　王　芳 ", "王芳"),
        ("ＡＮＮＡ\u3000ＭＡＲＩＡ", "ANNA MARIA"),
        ("Anna   Maria", "Anna Maria"),
        ("O’Neil", "O'Neil"),
        ("Jean–Luc Picard", "Jean-Luc Picard"),
        ("J. R. Smith", "J. R. Smith"),
        ("Nguye\u0302n", "Nguyên"),
        ("何〇", "何〇"),
        ("王\U0002000d", "王\U0002000d"),
        ("王\U00031351", "王\U00031351"),
        ("买买提 · 艾力", "买买提·艾力"),
        ("买买提··艾力", "买买提·艾力"),
        *((f"买买提{dot}艾力", "买买提·艾力") for dot in DOTS),
    ],
)
def test_what_looks_the_same_is_the_same(typed: str, kept: str) -> None:
    assert parse(typed) == kept
    assert agree(typed, kept)


@pytest.mark.parametrize(
    ("typed", "code", "position", "character", "like"),
    [
        ("何○", "alike", 2, "○", "〇"),
        ("王エ", "alike", 2, "エ", "工"),
        ("张—", "alike", 2, "—", "一"),
        ("ㄚ头", "alike", 1, "ㄚ", "丫"),
        ("\u0410lice", "alike", 1, "\u0410", "A"),
        ("王芳1", "digit", 3, "1", ""),
        ("王①", "digit", 2, "1", ""),
        ("王\ue863", "private", 2, "\ue863", ""),
        ("王（芳）", "character", 2, "(", ""),
        ("=王芳", "character", 1, "=", ""),
        ("@王芳", "character", 1, "@", ""),
        ("-王芳", "place", 1, "-", ""),
        ("买买提·", "place", 4, "·", ""),
        ("王", "short", 0, "", ""),
        ("", "short", 0, "", ""),
    ],
)
def test_a_refusal_names_the_character(
    typed: str, code: str, position: int, character: str, like: str
) -> None:
    with pytest.raises(InvalidName) as refused:
        parse(typed)
    told = refused.value
    assert (told.code, told.position, told.character, told.like) == (code, position, character, like)


@pytest.mark.parametrize(
    ("one", "other"), [("王芳", "王方"), ("买买提·艾力", "买买提艾力"), ("赵一", "赵二")]
)
def test_other_names_are_others(one: str, other: str) -> None:
    assert not agree(one, other)


def test_a_passports_capitals_are_the_same_name() -> None:
    assert agree("ANNA MARIA", "Anna Maria")


@given(st.text(max_size=12))
def test_the_form_is_its_own_form(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)
