"""Sessions that end some time after the last request (SESSION_COOKIE_AGE), and at the latest some
time after they began (SESSION_ABSOLUTE_AGE); both in seconds.

They are renewed at most once a minute, since each renewal is a write. The sessions of an account
are kept as ``OpenSession``, so that its owner sees them and can end those on other devices.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from portal.accounts import browsers
from portal.accounts.lockout import client_address
from portal.accounts.models import OpenSession, User

BEGAN, RENEWED, OPEN = "began", "renewed", "open"
SECONDS_BETWEEN_RENEWALS = 60
# How many sessions an account has at once; the one that was used longest ago gives way to a new
# one.
MOST = 10


class SlidingSession:
    """Middleware: begins, renews and ends the sessions of logins."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        _begin(request)
        if request.user.is_authenticated:
            if _since(request, BEGAN) >= settings.SESSION_ABSOLUTE_AGE:
                logout(request)
            elif _age(request) >= SECONDS_BETWEEN_RENEWALS:
                renew(request)
        response = self.get_response(request)
        # Whichever login page it was: the session begins with the answer that logs somebody in.
        _begin(request)
        return response


def _begin(request: HttpRequest) -> None:
    user = request.user
    # A login by a signed request is for that request only: there is no session to begin.
    if not isinstance(user, User) or SESSION_KEY not in request.session or BEGAN in request.session:
        return
    now = timezone.now()
    session = request.session
    session[BEGAN] = now.timestamp()
    if session.session_key is None:
        session.create()
    opened = OpenSession.objects.create(
        user=user,
        session_key=str(session.session_key),
        began_at=now,
        seen_at=now,
        address=client_address(request),
        agent=request.META.get("HTTP_USER_AGENT", "").replace("\0", "")[:200],
    )
    session[OPEN] = opened.pk
    browsers.came_in(request, user)
    for old in OpenSession.objects.filter(user=user).order_by("-seen_at", "-pk")[MOST:]:
        _end(old)


def renew(request: HttpRequest) -> None:
    """Lets the session live its whole time again from now."""
    now = timezone.now()
    request.session[RENEWED] = now.timestamp()
    OpenSession.objects.filter(pk=int(request.session.get(OPEN, 0))).update(
        seen_at=now, session_key=request.session.session_key
    )


def seconds_left(request: HttpRequest) -> int:
    """How long the session lives if nothing more is asked."""
    seconds = settings.SESSION_COOKIE_AGE - int(_age(request))
    if BEGAN in request.session:
        seconds = min(seconds, settings.SESSION_ABSOLUTE_AGE - int(_since(request, BEGAN)))
    return max(0, seconds)


def open_sessions(user: User, *, now: datetime) -> QuerySet[OpenSession]:
    """The account's sessions that still live, the one used last first."""
    alive = now - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return OpenSession.objects.filter(user=user, seen_at__gt=alive).order_by("-seen_at", "-pk")


def end_others(request: HttpRequest, user: User) -> int:
    """Ends all sessions of the account but this one; how many there were."""
    sessions = list(OpenSession.objects.filter(user=user).exclude(pk=int(request.session.get(OPEN, 0))))
    for session in sessions:
        _end(session)
    return len(sessions)


def end_all(user: User) -> None:
    """Ends all sessions of an account."""
    for session in OpenSession.objects.filter(user=user):
        _end(session)


def forget_ended(*, now: datetime) -> None:
    """Drops the rows of sessions that have ended."""
    _store().clear_expired()
    OpenSession.objects.filter(seen_at__lt=now - timedelta(seconds=settings.SESSION_ABSOLUTE_AGE)).delete()


def _end(session: OpenSession) -> None:
    _store()(session.session_key).delete()
    session.delete()


def _store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


def _age(request: HttpRequest) -> float:
    """Seconds since the last renewal, or since it began; a whole life where it has not."""
    last = next((name for name in (RENEWED, BEGAN) if name in request.session), None)
    return _since(request, last) if last else float(settings.SESSION_COOKIE_AGE)


def _since(request: HttpRequest, moment: str) -> float:
    return timezone.now().timestamp() - float(request.session[moment])
