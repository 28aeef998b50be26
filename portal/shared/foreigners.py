"""Foreigners' identity papers without a number of 18 digits, and the social-security number that is
made of theirs.

The hall knows everyone by a number of 18 characters. A passport's or an older permanent residence
card's holder gets one made of country and paper number, once: it stays the same when the paper is
renewed. How it is made is policy (``national/foreign_numbers.yaml``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from portal.shared.characters import narrow
from portal.shared.countries import foreign_countries

# The form of a number that was made, and of an older permanent residence card's; the database holds
# them to the same.
NUMBER = r"[A-Z]{3}[0-9][0-9A-Z]{14}"
CARD = r"[A-Z]{3}[0-9]{12}"
_NUMBER = re.compile(NUMBER)
_CARD = re.compile(CARD)
_PASSPORT = re.compile(r"(?=[A-Z]*[0-9])[0-9A-Z]{5,14}")

InvalidPaperCode = Literal["card", "passport", "country"]


class InvalidPaper(ValueError):
    """``card``: not three letters and 12 digits; ``passport``: not 5 to 14 letters and digits;
    ``country``: there is no such country, or it is China."""

    def __init__(self, code: InvalidPaperCode) -> None:
        super().__init__(code)
        self.code: InvalidPaperCode = code


@dataclass(frozen=True, slots=True)
class Layout:
    """How a number is made: country, ``reserved`` digit, the paper's number filled up in front with
    ``filler`` to ``digits``."""

    reserved: str
    digits: int
    filler: str

    def number(self, country: str, paper_number: str) -> str:
        """The social-security number of this paper's holder. A card's number begins with its
        country, which is not repeated."""
        own = paper_number.removeprefix(country) if is_card(paper_number) else paper_number
        return f"{country}{self.reserved}{own.rjust(self.digits, self.filler)}"


def as_typed(text: str) -> str:
    """A paper's number as it is kept: narrow, in capitals, without spaces and hyphens."""
    return narrow(text).upper().replace("-", "")


def parse_card(text: str) -> tuple[str, str]:
    """Country and number of an older permanent residence card (USA310085010102). Raises
    InvalidPaper."""
    number = as_typed(text)
    if not is_card(number):
        raise InvalidPaper("card")
    return parse_country(number[:3]), number


def parse_passport(text: str) -> str:
    """A passport's number. Raises InvalidPaper."""
    number = as_typed(text)
    if not _PASSPORT.fullmatch(number):
        raise InvalidPaper("passport")
    return number


def parse_country(code: str) -> str:
    """The code of a country whose citizens are foreigners here. Raises InvalidPaper."""
    if code not in foreign_countries():
        raise InvalidPaper("country")
    return code


def is_made(number: str) -> bool:
    """Whether this has the form of a number that was made of country and paper."""
    return bool(_NUMBER.fullmatch(number)) and number[:3] in foreign_countries()


def is_card(number: str) -> bool:
    """Whether this has the form of an older permanent residence card's number."""
    return bool(_CARD.fullmatch(number))


def may_be_passport(text: str) -> bool:
    """Whether this could be the number of a passport."""
    return bool(_PASSPORT.fullmatch(as_typed(text)))


def mask(paper_number: str) -> str:
    """The first and the last three stay: E*****678. What is too short for that shows nothing."""
    if len(paper_number) < 7:
        return "*" * len(paper_number)
    return f"{paper_number[0]}{'*' * (len(paper_number) - 4)}{paper_number[-3:]}"
