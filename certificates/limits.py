"""How often one may ask for verification: enough for a counter, too little to guess or to keep us
busy.

Counted by address, and by code: whoever has a code and not the last four characters of the number
may not try them all, from however many addresses. A code that nobody was given is counted alike.
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
    """Counts one question of this kind from this address; False once it is over the limit of the
    last ten minutes.

    Without the cache nobody is turned away: codes of 140 bits are not guessed for want of a
    counter, and how many files are looked at at once is bounded by itself (portal/shared/apart.py).
    """
    return _count(f"verify:{way}:{client_address(request)}") <= LIMITS[way]


def may_try(code: str) -> bool:
    """Counts one try at a code, before it is answered; False once there were too many wrong ones in
    the last ten minutes."""
    return _count(_key(code)) <= WRONG_ENDINGS


def was_right(code: str) -> None:
    """Takes the last try back: it was not a guess."""
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
        # The counter ran out between the two, and a new window begins; or there is no cache.
        return 0
