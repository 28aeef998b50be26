"""Case numbers: the city's code, the day, and eight characters that cannot be guessed from another number."""

import secrets
from datetime import datetime

from portal.policy.book import City
from portal.shared.months import today_in_china

# No 0/O, 1/I/L, U: read over the telephone without doubt.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def case_number(city: City, now: datetime) -> str:
    """A fresh number such as 330200-20261121-7KQ2M9XA."""
    tail = "".join(secrets.choice(_ALPHABET) for _place in range(8))
    return f"{city.code}-{today_in_china(now):%Y%m%d}-{tail}"
