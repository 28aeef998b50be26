"""How often one address may ask for verification: enough for a counter, too little to guess codes or to keep us busy."""

import logging

from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from certificates.models import Way
from portal.accounts.lockout import client_address

WINDOW_SECONDS = 600
LIMITS = {Way.CODE: 60, Way.FILE: 20}

log = logging.getLogger(__name__)


def within(request: HttpRequest, way: Way) -> bool:
    """Counts one question of this kind from this address; False once it is over the limit of the last ten minutes.

    Without the cache nobody is turned away: codes of 140 bits are not guessed for want of a counter.
    """
    key = f"verify:{way}:{client_address(request)}"
    try:
        cache.add(key, 0, WINDOW_SECONDS)
        return int(cache.incr(key)) <= LIMITS[way]
    except ValueError:
        # The counter ran out between the two: a new window begins.
        return True
    except RedisError:
        log.warning("the cache is away: verification is not counted")
        return True
