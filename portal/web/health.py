"""Whether the hall is there, can serve, and does its work: for load balancers and monitoring,
without details for the public.

Answered before anything else looks at the request: over plain HTTP, under any host name or address,
without a session.
"""

import time
from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.watch import lamps

# Answers are kept so long: anybody may ask, and must not load the database by asking.
KEPT_SECONDS = 5.0
_kept: dict[str, tuple[float, int, str]] = {}


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process answers at all; asks nobody."""
    return HttpResponse("ok", content_type="text/plain")


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 where this machine can serve, for load balancers: the database answers; else 503."""
    return _answer("ready", _ready)


@never_cache
@require_safe
def work(request: HttpRequest) -> HttpResponse:
    """One line for each part that is watched, for monitoring: 503 where any of them is not as it
    should be."""
    return _answer("work", _work)


def _ready() -> tuple[int, str]:
    return (200, "ok") if lamps.database_answers() else (503, "unavailable")


def _work() -> tuple[int, str]:
    health = lamps.health(timezone.now())
    return 200 if health.sound else 503, "\n".join(health.words()) + "\n"


def _answer(name: str, find: Callable[[], tuple[int, str]]) -> HttpResponse:
    at, status, text = _kept.get(name, (0.0, 0, ""))
    if not status or time.monotonic() - at > KEPT_SECONDS:
        status, text = find()
        _kept[name] = time.monotonic(), status, text
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


VIEWS: Mapping[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": healthz,
    "/healthz/ready": ready,
    "/healthz/work": work,
}


class HealthAnswers:
    """The first middleware: it answers requests for the hall's health itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = VIEWS.get(request.path)
        return view(request) if view else self.get_response(request)
