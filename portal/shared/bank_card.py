"""Bank card numbers: 12 to 19 digits, the last one checks the others (Luhn, ISO/IEC 7812)."""

from __future__ import annotations

import re

from stdnum import luhn

from portal.shared.characters import narrow

_FORM = re.compile(r"[0-9]+")


class InvalidBankCard(ValueError):
    """Not a bank card number; ``code`` says why: characters, length or check."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def parse(text: str) -> str:
    """The number as typed, without spaces and hyphens. Raises InvalidBankCard."""
    number = narrow(text).replace("-", "")
    if number and not _FORM.fullmatch(number):
        raise InvalidBankCard("characters")
    if not 12 <= len(number) <= 19:
        raise InvalidBankCard("length")
    if not luhn.is_valid(number):
        raise InvalidBankCard("check")
    return number
