"""Verification codes: 140 random bits in Crockford's base 32, which people can read out and type without doubt."""

import re
import secrets

from portal.shared.characters import narrow

# No I, L, O, U: taken for 1, 1, 0 and V.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 28

_MISREAD = str.maketrans("ILO", "110")
_FORM = re.compile(rf"[{ALPHABET}]{{{LENGTH}}}")


class InvalidCode(ValueError):
    """The text is not a verification code."""


def new_code() -> str:
    """A code that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))


def grouped(code: str) -> str:
    """The code as printed, in fours: 7K2M-…"""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def parse_code(text: str) -> str:
    """The code as typed or pasted: small letters, spaces, dashes and full-width characters mended, I and L read as 1, O as 0.

    Raises InvalidCode.
    """
    code = re.sub(r"[-‐‑–—_]", "", narrow(text)).upper().translate(_MISREAD)
    if not _FORM.fullmatch(code):
        raise InvalidCode(text)
    return code
