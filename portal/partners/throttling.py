"""How often a partner may ask, counted by the minute in the cache that all machines share."""

import logging
import time

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from portal.partners.authentication import Caller

log = logging.getLogger(__name__)

MINUTE = 60


class PartnerThrottle(BaseThrottle):
    """The partner's own limit. Without the cache no request is counted, so that payments go on."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, Caller):
            return True
        partner = request.auth.partner
        key = f"partner-minute:{partner.pk}:{int(time.time()) // MINUTE}"
        try:
            cache.add(key, 0, 2 * MINUTE)
            return bool(cache.incr(key) <= partner.per_minute)
        except ValueError:
            log.warning("%s is not counted: the cache does not answer", partner.code)
            return True

    def wait(self) -> float:
        return MINUTE - time.time() % MINUTE
