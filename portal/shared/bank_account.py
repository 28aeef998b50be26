"""Account numbers of banks as people type them: cards, passbooks, social-security cards. Not all
have a check digit."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from stdnum import luhn

from portal.shared.characters import narrow

_FORM = re.compile(r"[0-9]*")


@dataclass(frozen=True, slots=True)
class Scheme:
    """Numbers of so many digits that begin so: the last digit checks the others (Luhn, ISO/IEC
    7812)."""

    starts: str
    digits: int

    def holds(self, number: str) -> bool:
        return len(number) == self.digits and number.startswith(self.starts)


class InvalidAccount(ValueError):
    """No number of an account; ``code`` says why. ``number`` is what was read."""

    def __init__(self, code: Literal["characters", "length", "check"], number: str) -> None:
        super().__init__(code)
        self.code, self.number = code, number


def parse(text: str, *, fewest: int, most: int, checked: Collection[Scheme]) -> str:
    """The number as typed, without spaces and hyphens. Raises InvalidAccount.

    Only a number of one of the ``checked`` schemes can be told to be mistyped; any other is for its
    bank to know.
    """
    number = narrow(text).replace("-", "")
    if not _FORM.fullmatch(number):
        raise InvalidAccount("characters", number)
    if not fewest <= len(number) <= most:
        raise InvalidAccount("length", number)
    if any(scheme.holds(number) for scheme in checked) and not luhn.is_valid(number):
        raise InvalidAccount("check", number)
    return number
