"""Numbers and codes that the hall gives out, with characters that nobody guesses."""

import datetime as dt
import secrets

from portal.shared.months import today_in_china

# No 0/O, 1/I/L, U: read over the telephone without doubt.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def random_text(length: int, alphabet: str = ALPHABET) -> str:
    """So many characters of the alphabet, drawn anew each time."""
    return "".join(secrets.choice(alphabet) for _place in range(length))


def dashed_number(code: str, now: dt.datetime, *, length: int) -> str:
    """A fresh number for people to read, such as 330200-20261121-7KQ2M9XA.

    The code, the day in China, and ``length`` random characters.
    """
    return f"{code}-{today_in_china(now):%Y%m%d}-{random_text(length)}"


def channel_number(letter: str, code: str, now: dt.datetime) -> str:
    """A fresh number that every payment channel takes, such as P202611213302007KQ2M9XA4HTW.

    The letter, the day in China, a city's code of six digits, and twelve random characters.
    """
    return f"{letter}{today_in_china(now):%Y%m%d}{code}{random_text(12)}"
