"""Mobile numbers, as typed and as kept: 11 digits of the mainland, or + and country code and number
(E.164) of elsewhere."""

import re

import phonenumbers

from portal.shared.characters import narrow

_MAINLAND = re.compile(r"(?:(?:\+|00)?86)?(1[3-9][0-9]{9})")
_ABROAD = re.compile(r"(?:\+|00)([1-9][0-9]{5,14})")
_MOBILE = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


class InvalidPhone(ValueError):
    """Not a mobile number."""


def parse(text: str) -> str:
    """The number as it is kept: spaces, hyphens, brackets, full-width digits, and +86, 0086 or 86
    are mended.

    A number of Hong Kong, Macao, Taiwan or abroad begins with + or 00 and its code. Raises
    InvalidPhone.
    """
    number = re.sub(r"[-()]", "", narrow(text))
    mainland = _MAINLAND.fullmatch(number)
    if mainland:
        return mainland[1]
    abroad = _ABROAD.fullmatch(number)
    if abroad is None:
        raise InvalidPhone(text)
    try:
        parsed = phonenumbers.parse(f"+{abroad[1]}")
    except phonenumbers.NumberParseException as problem:
        raise InvalidPhone(text) from problem
    if (
        parsed.country_code == 86
        or not phonenumbers.is_valid_number(parsed)
        or phonenumbers.number_type(parsed) not in _MOBILE
    ):
        raise InvalidPhone(text)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
