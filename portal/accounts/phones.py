"""Mainland mobile numbers, as typed and as kept: 11 digits."""

import re

from portal.shared.characters import narrow

_FORM = re.compile(r"1[3-9][0-9]{9}")


class InvalidPhone(ValueError):
    """Not a mainland mobile number."""


def parse(text: str) -> str:
    """The 11 digits of a number as typed: spaces, hyphens, full-width digits and a leading +86 are mended.

    Raises InvalidPhone.
    """
    number = narrow(text).replace("-", "")
    if number.startswith("+86"):
        number = number[3:]
    if not _FORM.fullmatch(number):
        raise InvalidPhone(text)
    return number
