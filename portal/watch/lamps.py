"""The state of the hall's own work: one for each part, and one for each scheduled task."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from celery.schedules import crontab, maybe_schedule
from django.core.cache import caches
from django.db import Error, connection
from django.utils.translation import gettext as _

from portal.watch import clock, pulses
from portal.watch.models import Failure, TaskState
from portal.watch.task import scheduled

# A task may be late by this much, because many are due at the same time.
GRACE = dt.timedelta(minutes=10)
# Nothing works longer than this.
RUNS_AT_MOST = dt.timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class TaskLamp:
    """A scheduled task: what it is called, when it last came to its end, and whether the ring after
    that one is overdue."""

    name: str
    title: str
    remedy: str
    state: TaskState | None
    due_at: dt.datetime | None
    running: bool
    overdue: bool


@dataclass(frozen=True, slots=True)
class Health:
    """The answer for monitoring: which parts answer, how many tasks are overdue, how many failures
    are open. None means not known, because the part that knows it does not answer."""

    database: bool
    cache: bool
    beat: bool | None
    workers: int | None
    clock: bool | None
    overdue: int | None
    failures: int | None

    @property
    def sound(self) -> bool:
        """Whether every part answers, no task is overdue and no failure is open."""
        return (
            self.database
            and self.cache
            and bool(self.beat)
            and bool(self.workers)
            and bool(self.clock)
            and self.overdue == 0
            and self.failures == 0
        )

    def words(self) -> list[str]:
        """One line for each part, for machines and for people: what it is, and ok or what is wrong
        with it."""

        def line(name: str, good: bool | None, bad: str) -> str:
            return f"{name} {'unknown' if good is None else 'ok' if good else bad}"

        return [
            line("database", self.database, "gone"),
            line("redis", self.cache, "gone"),
            line("beat", self.beat, "silent"),
            f"workers {'unknown' if self.workers is None else self.workers or 'none'}",
            line("clock", self.clock, "suspect"),
            f"overdue-tasks {'unknown' if self.overdue is None else self.overdue}",
            f"failures {'unknown' if self.failures is None else self.failures}",
        ]


def health(now: dt.datetime) -> Health:
    """Everything that is watched, by a few small queries. Raises nothing."""
    alive, cached = database_answers(), cache_answers()
    beat = pulses.beat_is_alive() if cached else None
    workers = len(pulses.workers_alive()) if cached else None
    try:
        overdue: int | None = sum(one.overdue for one in tasks(now)) if alive else None
        failures: int | None = Failure.objects.filter(resolved_at__isnull=True).count() if alive else None
        believed: bool | None = not clock.suspicion(now) if alive else None
    except Error:
        alive, overdue, failures, believed = False, None, None, None
    return Health(alive, cached, beat, workers, believed, overdue, failures)


def database_answers() -> bool:
    """Whether the database answers at all."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def cache_answers() -> bool:
    """Whether Redis answers, asked now."""
    redis: Any = caches["default"]
    return bool(redis.answers())


def tasks(now: dt.datetime) -> list[TaskLamp]:
    """Every scheduled task, in the order of the schedule. One query."""
    states = {one.task: one for one in TaskState.objects.all()}
    return [
        _lamp(name, task, schedule, states.get(name), now) for name, (task, schedule) in scheduled().items()
    ]


def _lamp(name: str, task: Any, schedule: Any, state: TaskState | None, now: dt.datetime) -> TaskLamp:
    due_at = running = None
    if state is not None:
        due_at = next_ring(schedule, state.succeeded_at or state.known_since)
        ended = max((at for at in (state.succeeded_at, state.failed_at) if at), default=None)
        running = (
            state.begun_at is not None
            and (ended is None or state.begun_at > ended)
            and now - state.begun_at < RUNS_AT_MOST
        )
    return TaskLamp(
        name=name,
        title=str(task.title),
        remedy=str(task.remedy),
        state=state,
        due_at=due_at,
        running=bool(running),
        overdue=due_at is not None and not running and now > due_at + GRACE,
    )


def next_ring(schedule: Any, after: dt.datetime) -> dt.datetime:
    """When a schedule rings first after a moment."""
    rings: Any = maybe_schedule(schedule)
    if isinstance(rings, crontab):
        start, delta, _now = rings.remaining_delta(after)
        ring: dt.datetime = start + delta
        return ring
    return after + rings.run_every


def title_of(task: str) -> tuple[str, str]:
    """The title of a task by its short name, and what staff do where it fails."""
    entry = scheduled().get(task)
    return (str(entry[0].title), str(entry[0].remedy)) if entry else (task, _("请告知系统管理员。"))
