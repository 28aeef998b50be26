"""Resident identity numbers (GB 11643-1999), and how personal data are masked on screen.

A number is not refused for its place code: published lists are incomplete.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from stdnum.cn import ric

from portal.shared.characters import narrow

_FORM = re.compile(r"[0-9]{17}[0-9X]")
_OLD_FORM = re.compile(r"[0-9]{15}")


class Sex(StrEnum):
    MALE = "male"
    FEMALE = "female"


SEX_LABELS = {Sex.MALE: "男", Sex.FEMALE: "女"}


class Document(StrEnum):
    """Identity papers. The numbers of all but the last two have 18 characters in the form of GB
    11643, and say which it is."""

    RESIDENT = "resident"
    HONG_KONG = "hong_kong"
    MACAO = "macao"
    TAIWAN = "taiwan"
    FOREIGN_RESIDENT = "foreign_resident"
    FOREIGN_RESIDENT_BEFORE = "foreign_resident_before"
    PASSPORT = "passport"


DOCUMENT_LABELS = {
    Document.RESIDENT: "居民身份证",
    Document.HONG_KONG: "港澳台居民居住证（香港）",
    Document.MACAO: "港澳台居民居住证（澳门）",
    Document.TAIWAN: "港澳台居民居住证（台湾）",
    Document.FOREIGN_RESIDENT: "外国人永久居留身份证",
    Document.FOREIGN_RESIDENT_BEFORE: "外国人永久居留身份证（旧版）",
    Document.PASSPORT: "护照",
}
# By how the number begins (国办发〔2018〕81号; 外国人永久居留身份证 of 2023: 9, place of issue,
# country).
_DOCUMENTS = (
    ("81", Document.HONG_KONG),
    ("82", Document.MACAO),
    ("83", Document.TAIWAN),
    ("9", Document.FOREIGN_RESIDENT),
)

# A passport, a travel permit of Hong Kong, Macao or Taiwan, a permanent residence card of before
# 2023 (USA310085010102).
_OTHER_PAPER = re.compile(r"[A-Z]{1,3}[0-9]{6,12}")

InvalidIdentityCode = Literal["length", "characters", "date", "check", "paper"]


class InvalidIdentity(ValueError):
    """Not a resident identity number; ``code`` says why.

    ``length``: not 18 characters; ``characters``: something else than digits (and a final X);
    ``date``: no such birth date, or one in the future; ``check``: the check digit is wrong, so most
    likely a digit was mistyped; ``paper``: looks like the number of another paper (a passport,
    say).
    """

    def __init__(self, code: InvalidIdentityCode) -> None:
        super().__init__(code)
        self.code: InvalidIdentityCode = code


@dataclass(frozen=True, slots=True)
class Identity:
    """A valid number of 18 characters, and what it says."""

    number: str
    birth_date: dt.date
    sex: Sex

    @property
    def masked(self) -> str:
        return mask(self.number)


def parse(text: str, *, today: dt.date | None = None) -> Identity:
    """Read a number of 18 characters as typed: spaces, full-width digits and a lower-case x are
    mended.

    Where ``today`` is given, whoever is born after it is refused. Raises InvalidIdentity.
    """
    number = narrow(text).upper()
    if _OTHER_PAPER.fullmatch(number):
        raise InvalidIdentity("paper")
    if len(number) != 18:
        raise InvalidIdentity("length")
    if not _FORM.fullmatch(number):
        raise InvalidIdentity("characters")
    birth_date = _birth_date(number[6:14])
    if today is not None and birth_date > today:
        raise InvalidIdentity("date")
    if _check_digit(number[:17]) != number[17]:
        raise InvalidIdentity("check")
    return Identity(number, birth_date, Sex.MALE if int(number[16]) % 2 else Sex.FEMALE)


def upgrade(text: str) -> str:
    """The number of 18 characters that replaces one of 15: 19 before the year, the check digit
    behind.

    Raises InvalidIdentity (length, characters, date).
    """
    old_number = narrow(text)
    if _OTHER_PAPER.fullmatch(old_number.upper()):
        raise InvalidIdentity("paper")
    if len(old_number) != 15:
        raise InvalidIdentity("length")
    if not _OLD_FORM.fullmatch(old_number):
        raise InvalidIdentity("characters")
    number = f"{old_number[:6]}19{old_number[6:]}"
    _birth_date(number[6:14])
    return number + _check_digit(number)


def document_of(number: str) -> Document:
    """Of which paper a valid number of 18 characters is."""
    return next((paper for start, paper in _DOCUMENTS if number.startswith(start)), Document.RESIDENT)


def nationality_of(number: str) -> str:
    """The country (three digits, GB/T 2659) that the number of a foreigner's permanent residence
    card names; "" of others'."""
    return number[3:6] if document_of(number) is Document.FOREIGN_RESIDENT else ""


def _check_digit(first_17: str) -> str:
    # The library expects some 18th character to be there already, and ignores it.
    return str(ric.calc_check_digit(f"{first_17}0"))


def _birth_date(digits: str) -> dt.date:
    try:
        return dt.date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise InvalidIdentity("date") from None


def mask(number: str) -> str:
    """Place and last four stay: 330211********1234. What is too short for that shows nothing."""
    if len(number) <= 10:
        return "*" * len(number)
    return f"{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}"


def mask_name(name: str) -> str:
    """First and last character stay: 张三丰 → 张*丰, 张三 → 张*."""
    if len(name) <= 1:
        return "*" * len(name)
    if len(name) == 2:
        return f"{name[0]}*"
    return f"{name[0]}{'*' * (len(name) - 2)}{name[-1]}"


def mask_phone(phone: str) -> str:
    """First three and last four stay: 138****5678. What is too short for that shows nothing."""
    if len(phone) <= 7:
        return "*" * len(phone)
    return f"{phone[:3]}{'*' * (len(phone) - 7)}{phone[-4:]}"


def mask_account(account: str) -> str:
    """The last four of a bank account stay: ****1234. What is too short for that shows nothing."""
    return f"****{account[-4:]}" if len(account) > 4 else "****"
