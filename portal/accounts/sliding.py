"""Sessions that end so long after the last request; renewed at most once a minute, since each renewal is a write."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

RENEWED = "renewed"
SECONDS_BETWEEN_RENEWALS = 60


class SlidingSession:
    """Middleware: renews the session of whoever is logged in, if the last renewal is a while ago."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated and _age(request) >= SECONDS_BETWEEN_RENEWALS:
            renew(request)
        return self.get_response(request)


def renew(request: HttpRequest) -> None:
    """Lets the session live its whole time again from now."""
    request.session[RENEWED] = timezone.now().timestamp()


def seconds_left(request: HttpRequest) -> int:
    """How long the session lives if nothing more is asked."""
    return max(0, settings.SESSION_COOKIE_AGE - int(_age(request)))


def _age(request: HttpRequest) -> float:
    """Seconds since the last renewal; a whole life where there was none."""
    renewed = request.session.get(RENEWED)
    return float(settings.SESSION_COOKIE_AGE) if renewed is None else timezone.now().timestamp() - renewed
