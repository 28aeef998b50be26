"""Limits for verification: enough for a service counter, too few for guessing or overload.

Requests are counted by address and by code: a person who has a code but not the last four
characters of the number cannot try them all, even from many addresses. Unknown codes are counted in
the same way.
"""

import hashlib

from django.core.cache import cache
from django.http import HttpRequest

from certificates.models import Way
from portal.accounts.lockout import client_address
from portal.shared.tables import Some

WINDOW_SECONDS = 600
LIMITS = Some({Way.CODE: 60, Way.QR: 60, Way.FILE: 20})
# Wrong answers for one code within the window.
WRONG_ENDINGS = 5


def within(request: HttpRequest, way: Way) -> bool:
    """Counts one request of this kind from this address; False above the limit for ten minutes.

    Without the cache nobody is refused: codes of 140 bits cannot be guessed even without a counter,
    and another limit holds for files inspected at once (portal/shared/apart.py).
    """
    return _count(f"verify:{way}:{client_address(request)}") <= LIMITS[way]


def may_try(code: str) -> bool:
    """Counts one try at a code, before the answer; False after too many wrong tries within ten
    minutes."""
    return _count(_key(code)) <= WRONG_ENDINGS


def was_right(code: str) -> None:
    """Uncounts the last try, because it was right."""
    try:
        cache.decr(_key(code))
    except ValueError:
        # The window has ended, or nothing is counted.
        return


def _key(code: str) -> str:
    return f"verify:wrong:{hashlib.sha256(code.encode()).hexdigest()}"


def _count(key: str) -> int:
    try:
        cache.add(key, 0, WINDOW_SECONDS)
        return int(cache.incr(key))
    except ValueError:
        # The counter expired between the two calls and a new window begins, or there is no cache.
        return 0
