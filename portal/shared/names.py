"""A person's name in one form, in which it is kept and compared wherever it comes from: typed,
uploaded, told by a register.

The form is Unicode's NFKC, and besides: radicals and strokes, which look the same as characters
when copied out of a PDF, are the characters that they stand for; every kind of middle dot is ·;
white space stays only between words of letters that have two cases; invisible characters and
variation selectors go. ``parse`` tells what is a mistake even so, and where.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

MIDDLE_DOT = "\u00b7"

# EquivalentUnifiedIdeograph.txt of the Unicode Character Database, version 14: what the code points
# from the first one on stand for; a space where one stands for nothing. Of these NFKC knows two; it
# does know the Kangxi radicals.
_FIRST_RADICAL, _FIRST_STROKE = "\u2e81", "\u31c0"
_RADICALS = (
    "厂乛乚乙亻冂𠘨刀刂卜㔾小小兀尣尢𡯂巳幺彑彐忄心扌攵 旡日月歺母民氵氺灬爫爫丬牛犭"
    "王𤴔目示礻𥫗糹纟罓罒㓁冗𦉫羊𦍌𦍋耂肀聿肉𦥑艹艹艹虎衤覀西见角𧢲讠贝𧾷车辶辶辶邑钅"
    "長镸长门𨸏阝雨青韦页风飞食𩙿飠饣𩠐马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟"
)
_STROKES = "      𠃌        乀一丨丿丿丶𠃍乛𠃊𠃎𠄌亅𡿨𠃋乀𠃑乚乙𠄎  "
_IDEOGRAPHS = {
    chr(ord(first) + place): character
    for first, characters in ((_FIRST_RADICAL, _RADICALS), (_FIRST_STROKE, _STROKES))
    for place, character in enumerate(characters)
    if character != " "
}
# What NFKC leaves of all that is typed for it; the full stop is one, too, but not behind a letter
# of two cases (J. R. Smith).
_DOTS = "\u1427\u2022\u2027\u2219\u22c5\u25cf\u26ab\u2b24\u2e31\u2e33\u30fb\ua78f\U00010101"
_APOSTROPHES = "\u0060\u00b4\u02b9\u02bc\u2018\u2019\u201b\u2032"
_HYPHENS = "\u2010\u2012\u2013\u2014\u2212"
_SPELLINGS = str.maketrans(_IDEOGRAPHS | dict.fromkeys(_DOTS, MIDDLE_DOT) | dict.fromkeys(_APOSTROPHES, "'"))
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_DOTTED = re.compile(f" *[{MIDDLE_DOT}]+[ {MIDDLE_DOT}]*")

# What looks like another character and is none of those that names are written in; by what the rest
# of the name is written in.
_LIKE_IDEOGRAPHS = dict(
    [
        *((like, "〇") for like in "\u25cb\u25ef\u25e6\u3002"),
        *((like, "一") for like in "\u2013\u2014\u2015\u2500\u30fc\u3127\u1173\u3161\u3021"),
        *((like, "二") for like in "\u30cb\u3022"),
        *((like, "三") for like in "\u30df\u3023"),
        *zip("エカキタトハヒメロオセチ", "工力千夕卜八匕乂口才七千", strict=True),
        *zip("ㄚㄠㄏㄇㄈㄐㄩㄟㄔ", "丫幺厂冂匚丩凵乁彳", strict=True),
    ]
)
_LIKE_LATIN = dict(zip("АВЕЅІЈКМНОРСТХаеѕіјорсух", "ABESIJKMHOPCTXaesijopcyx", strict=True))

InvalidNameCode = Literal["short", "character", "digit", "private", "alike", "place"]


class InvalidName(ValueError):
    """What no name can be; ``code`` says why.

    ``short``: fewer than two characters. Of all others ``character`` is the one at fault and
    ``position`` its place, from 1: ``alike``: it looks like ``like``, but is not; ``digit``;
    ``private``: its code has no meaning outside the machine where it was typed; ``place``: a dot,
    hyphen, apostrophe or space that stands at an end or beside another; ``character``: any other.
    """

    def __init__(
        self, code: InvalidNameCode, *, character: str = "", position: int = 0, like: str = ""
    ) -> None:
        super().__init__(code)
        self.code: InvalidNameCode = code
        self.character, self.position, self.like = character, position, like


def canonical(text: str) -> str:
    """The text in the one form. Never raises, and what is in the form already stays as it is."""
    # Twice: a radical becomes a character that may compose with what follows it.
    name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).translate(_SPELLINGS))
    name = _SELECTORS.sub("", name)
    name = "".join(
        character
        for character in name
        if character.isspace() or unicodedata.category(character) not in ("Cf", "Cc")
    )
    name = _spaced(_stopped(" ".join(name.split())))
    return unicodedata.normalize("NFKC", name)


def parse(text: str) -> str:
    """The name in the one form. Raises InvalidName for what cannot be a person's name."""
    name = canonical(text)
    ideographic, latin = any(map(_is_ideograph, name)), any(one.isascii() and one.isalpha() for one in name)
    for place, character in enumerate(name):
        like = (_LIKE_IDEOGRAPHS.get(character, "") if ideographic else "") or (
            _LIKE_LATIN.get(character, "") if latin else ""
        )
        if like:
            raise InvalidName("alike", character=character, position=place + 1, like=like)
        if not _may_stand(name, place):
            code = _mistake(character)
            raise InvalidName(code, character=character, position=place + 1)
    if len(name) < 2:
        raise InvalidName("short")
    return name


def agree(one: str, other: str) -> bool:
    """Whether both are the same name. Passports print capitals, so case does not count."""
    return canonical(one).casefold() == canonical(other).casefold()


def _stopped(name: str) -> str:
    """Full stops that are middle dots, and hyphens that join letters of two cases."""
    characters: list[str] = []
    for place, character in enumerate(name):
        before = characters[-1] if characters else ""
        after = name[place + 1 : place + 2]
        if character == "." and not _two_cases(before):
            character = MIDDLE_DOT
        elif character in _HYPHENS and _two_cases(before) and _two_cases(after):
            character = "-"
        characters.append(character)
    return _DOTTED.sub(MIDDLE_DOT, "".join(characters))


def _spaced(name: str) -> str:
    """White space only between words of letters of two cases: 王 芳 and 王芳 are one name, Anna
    Maria is not Annamaria."""
    return "".join(
        character
        for place, character in enumerate(name)
        if character != " " or (_joins_words(name[place - 1 : place]) and _joins_words(name[place + 1 :][:1]))
    )


def _joins_words(character: str) -> bool:
    return _two_cases(character) or (character != "" and character in ".'")


def _two_cases(character: str) -> bool:
    return character.lower() != character.upper()


def _is_ideograph(character: str) -> bool:
    """Also those that this Python's tables do not know yet: two planes of Unicode hold nothing
    else."""
    return 0x20000 <= ord(character) < 0x3FFFE or unicodedata.name(character, "").startswith("CJK UNIFIED")


def _may_stand(name: str, place: int) -> bool:
    character = name[place]
    if (
        character == "〇"
        or _is_ideograph(character)
        or unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lo")
    ):
        return True
    before, after = name[place - 1 : place] if place else "", name[place + 1 : place + 2]
    if unicodedata.category(character) == "Mn":
        return before.isalpha()
    if character == ".":
        return before.isalpha()
    if character in f"{MIDDLE_DOT}-' ":
        return before != "" and (before.isalpha() or before in ".'" or _is_ideograph(before)) and after != ""
    return False


def _mistake(character: str) -> InvalidNameCode:
    category = unicodedata.category(character)
    if category == "Nd":
        return "digit"
    if category == "Co":
        return "private"
    return "place" if character in f"{MIDDLE_DOT}-'. " else "character"
