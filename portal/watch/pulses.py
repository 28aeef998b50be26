"""Who is alive: beat and each worker say so every few seconds, in the cache. What nobody says is
over."""

import logging
import time
from typing import Any

from celery import bootsteps
from celery.beat import PersistentScheduler
from django.core.cache import cache

log = logging.getLogger(__name__)

EVERY_SECONDS = 20
# Who has said nothing for so long is not there.
SILENT_AFTER = 90
BEAT, WORKERS = "pulse:beat", "pulse:workers"


def beat_is_alive() -> bool:
    """Whether beat has said so lately. Without Redis nobody has."""
    return _fresh(cache.get(BEAT))


def workers_alive() -> list[str]:
    """The names of the workers that have said so lately. Without Redis none has."""
    return sorted(name for name, at in (cache.get(WORKERS) or {}).items() if _fresh(at))


def say(name: str) -> None:
    """A worker is there. Two that say so at the same instant may lose one word; each says it
    again."""
    others = {one: at for one, at in (cache.get(WORKERS) or {}).items() if _fresh(at)}
    cache.set(WORKERS, {**others, name: time.time()}, timeout=SILENT_AFTER)


def leave(name: str) -> None:
    """A worker ends in order."""
    others = {one: at for one, at in (cache.get(WORKERS) or {}).items() if one != name}
    cache.set(WORKERS, others, timeout=SILENT_AFTER)


def _fresh(at: Any) -> bool:
    return isinstance(at, float) and time.time() - at <= SILENT_AFTER


class WatchedScheduler(PersistentScheduler):
    """Beat, which says that it is there as often as it looks at the schedule, at most every few
    seconds."""

    said_at = 0.0

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        wait = super().tick(*args, **kwargs)
        if time.monotonic() - self.said_at >= EVERY_SECONDS or not self.said_at:
            _quietly(lambda: cache.set(BEAT, time.time(), timeout=SILENT_AFTER))
            self.said_at = time.monotonic()
        return min(wait, EVERY_SECONDS) if wait else wait


class WorkerPulse(bootsteps.StartStopStep):
    """The step of a worker by which it says that it is there."""

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
    # Without the cache nobody hears it; work goes on.
    try:
        word()
    except Exception as problem:
        log.warning("a sign of life was not heard: %s", type(problem).__name__)
