"""Verification codes: 140 random bits in Crockford's base 32, whose characters people can read out
and type without confusion.

Also the last four characters of the subject's number, which are asked together with a code.
"""

import re
from collections.abc import Mapping
from typing import Any

from portal.shared import numbers
from portal.shared.characters import narrow

# Without I, L, O, U, which people mistake for 1, 1, 0 and V.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 28

_MISREAD = str.maketrans("ILO", "110")
_FORM = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")


class InvalidCode(ValueError):
    """The text is not a verification code."""


class InvalidLastFour(ValueError):
    """The text is not four digits or letters."""


def new_code() -> str:
    """A code that nobody can guess."""
    return numbers.random_text(LENGTH, ALPHABET)


def grouped(code: str) -> str:
    """The code as printed, in groups of four: 7K2M-…"""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def parse_code(text: str) -> str:
    """The code from typed or pasted text: small letters, spaces, dashes and full-width characters
    are normalised, I and L are read as 1, O as 0.

    Raises InvalidCode.
    """
    code = re.sub(r"[-‐‑–—_]", "", narrow(text)).upper().translate(_MISREAD)
    if not _FORM.fullmatch(code):
        raise InvalidCode(text)
    return code


def last_four(facts: Mapping[str, Any]) -> str:
    """The last four characters of the subject's identity number, or of an employer's credit
    code."""
    if "person" in facts:
        return str(facts["person"]["identity_number"])[-4:]
    return str(facts["employer"]["credit_code"])[-4:]


def parse_last_four(text: str) -> str:
    """The four characters from typed text, with small letters and full-width characters normalised.
    Raises InvalidLastFour."""
    ending = narrow(text).strip().upper()
    if not re.fullmatch(r"[0-9A-Z]{4}", ending):
        raise InvalidLastFour(text)
    return ending
