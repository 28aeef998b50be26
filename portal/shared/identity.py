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

InvalidIdentityCode = Literal["length", "characters", "date", "check"]


class InvalidIdentity(ValueError):
    """Not a resident identity number; ``code`` says why.

    ``length``: not 18 characters; ``characters``: something else than digits (and a final X); ``date``: no
    such birth date, or one in the future; ``check``: the check digit is wrong, so most likely a digit was
    mistyped.
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
    """Read a number of 18 characters as typed: spaces, full-width digits and a lower-case x are mended.

    Where ``today`` is given, whoever is born after it is refused. Raises InvalidIdentity.
    """
    number = narrow(text).upper()
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
    """The number of 18 characters that replaces one of 15: 19 before the year, the check digit behind.

    Raises InvalidIdentity (length, characters, date).
    """
    old = narrow(text)
    if len(old) != 15:
        raise InvalidIdentity("length")
    if not _OLD_FORM.fullmatch(old):
        raise InvalidIdentity("characters")
    number = f"{old[:6]}19{old[6:]}"
    _birth_date(number[6:14])
    return number + _check_digit(number)


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
