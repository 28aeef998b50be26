"""What the log says of each request: as the library does, but for the address that it came from."""

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

from portal.accounts.lockout import client_address


class AccessLog(RequestMiddleware):
    """Tells the address that the lockout counts by: what a visitor writes into X-Forwarded-For is
    no address of theirs."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=client_address(request))
