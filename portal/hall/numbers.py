"""Case numbers: the city's code, the day, and eight characters that cannot be guessed from another number."""

import re
import secrets
from datetime import datetime

from portal.policy.book import City
from portal.shared.characters import narrow
from portal.shared.months import today_in_china

# No 0/O, 1/I/L, U: read over the telephone without doubt.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def case_number(city: City, now: datetime) -> str:
    """A fresh number such as 330200-20261121-7KQ2M9XA."""
    tail = "".join(secrets.choice(_ALPHABET) for _place in range(8))
    return f"{city.code}-{today_in_china(now):%Y%m%d}-{tail}"


def number_in(text: str) -> str:
    """The case number in what was typed or scanned: with or without dashes, or at the end of an address; "" for none."""
    typed = narrow(text).upper().rstrip("/").rpartition("/")[2]
    found = re.fullmatch(rf"([0-9]{{6}})-?([0-9]{{8}})-?([{_ALPHABET}]{{8}})", typed)
    return "-".join(found.groups()) if found else ""


def ending_in(text: str) -> str:
    """The eight characters by which a case number ends, where that is what was typed; "" otherwise."""
    typed = narrow(text).upper()
    return typed if re.fullmatch(rf"[{_ALPHABET}]{{8}}", typed) else ""
