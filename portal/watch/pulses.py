"""Signs of life: beat and each worker write one into the cache every few seconds. A sign that is
not renewed no longer counts."""

import logging
import time
from typing import Any

from celery import bootsteps
from celery.beat import PersistentScheduler
from django.core.cache import cache

log = logging.getLogger(__name__)

EVERY_SECONDS = 20
# A sign of life older than this no longer counts.
SILENT_AFTER = 90
BEAT, WORKERS = "pulse:beat", "pulse:workers"


def beat_is_alive() -> bool:
    """Whether beat's sign of life is fresh; False without Redis."""
    return _fresh(cache.get(BEAT))


def workers_alive() -> list[str]:
    """The names of the workers whose sign of life is fresh; none without Redis."""
    return sorted(name for name, at in (cache.get(WORKERS) or {}).items() if _fresh(at))


def say(name: str) -> None:
    """Writes a worker's sign of life. Where two write at the same instant, one may be lost; each
    writes again."""
    others = {one: at for one, at in (cache.get(WORKERS) or {}).items() if _fresh(at)}
    cache.set(WORKERS, {**others, name: time.time()}, timeout=SILENT_AFTER)


def leave(name: str) -> None:
    """Removes the sign of life of a worker that stops in order."""
    others = {one: at for one, at in (cache.get(WORKERS) or {}).items() if one != name}
    cache.set(WORKERS, others, timeout=SILENT_AFTER)


def _fresh(at: Any) -> bool:
    return isinstance(at, float) and time.time() - at <= SILENT_AFTER


class WatchedScheduler(PersistentScheduler):
    """Beat, which writes its sign of life when it looks at the schedule, at most once in
    EVERY_SECONDS."""

    said_at = 0.0

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        wait = super().tick(*args, **kwargs)
        if time.monotonic() - self.said_at >= EVERY_SECONDS or not self.said_at:
            _quietly(lambda: cache.set(BEAT, time.time(), timeout=SILENT_AFTER))
            self.said_at = time.monotonic()
        return min(wait, EVERY_SECONDS) if wait else wait


class WorkerPulse(bootsteps.StartStopStep):
    """The step of a worker that writes its sign of life."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **_options: Any) -> None:
        self.ticking: Any = None

    def start(self, worker: Any) -> None:
        _quietly(lambda: say(worker.hostname))
        self.ticking = worker.timer.call_repeatedly(
            EVERY_SECONDS, lambda: _quietly(lambda: say(worker.hostname)), priority=10
        )

    def stop(self, worker: Any) -> None:
        if self.ticking:
            self.ticking.cancel()
        _quietly(lambda: leave(worker.hostname))


def _quietly(word: Any) -> None:
    # Without the cache the sign is lost; work goes on.
    try:
        word()
    except Exception as problem:
        log.warning("a sign of life was not heard: %s", type(problem).__name__)
