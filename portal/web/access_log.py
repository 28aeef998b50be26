"""The log of requests: the library's, except for the address that a request came from."""

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware

from portal.accounts.lockout import client_address


class AccessLog(RequestMiddleware):
    """Logs the address that the lockout counts by: a visitor can write any address into
    X-Forwarded-For."""

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=client_address(request))
