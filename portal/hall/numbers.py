"""Case numbers: the city's code, the day, and eight characters that cannot be guessed from another
number."""

import re
from datetime import datetime

from portal.policy.book import City
from portal.shared import numbers
from portal.shared.characters import narrow


def case_number(city: City, now: datetime) -> str:
    """A fresh number such as 330200-20261121-7KQ2M9XA."""
    return numbers.dashed_number(city.code, now, length=8)


def number_in(text: str) -> str:
    """The case number in what was typed or scanned: with or without dashes, or at the end of an
    address; "" for none."""
    typed = narrow(text).upper().rstrip("/").rpartition("/")[2]
    match = re.fullmatch(rf"([0-9]{{6}})-?([0-9]{{8}})-?([{numbers.ALPHABET}]{{8}})", typed)
    return "-".join(match.groups()) if match else ""


def ending_in(text: str) -> str:
    """The eight characters by which a case number ends, where that is what was typed; ""
    otherwise."""
    typed = narrow(text).upper()
    return typed if re.fullmatch(rf"[{numbers.ALPHABET}]{{8}}", typed) else ""
