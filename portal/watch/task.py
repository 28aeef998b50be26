"""Scheduled tasks, which record when they began, came to their end or broke off."""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from celery import Task, current_app, shared_task
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from portal.watch import clock, failures, state

log = logging.getLogger(__name__)


class WatchedTask(Task[Any, Any]):
    """A task that does not begin where its clock is suspect. An exception is kept as a failure, and
    raised."""

    abstract = True
    title: ClassVar[Any]
    remedy: ClassVar[Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name, begun = short_name(self.name), timezone.now()
        try:
            state.begun(name, begun)
            clock.check(begun)
            result = super().__call__(*args, **kwargs)
        except Exception as error:
            try:
                state.broke_off(name, timezone.now())
                failures.keep(name, "", error, now=timezone.now())
            except (DatabaseError, InterfaceError):
                log.exception("that %s broke off could not be kept", name)
            raise
        state.succeeded(name, begun, timezone.now())
        return result


def watched(*, title: Any, remedy: Any) -> Callable[[Callable[..., Any]], WatchedTask]:
    """Makes a function a scheduled task: ``title`` is its name for staff, ``remedy`` what they do
    where it fails."""
    return shared_task(base=WatchedTask, title=title, remedy=remedy)


def short_name(task: str) -> str:
    """The name of a task in the tables: its function's name, which no two scheduled tasks share."""
    return task.rpartition(".")[2]


@cache
def scheduled() -> dict[str, tuple[Any, Any]]:
    """The scheduled tasks by short name: their class instance and their schedule."""
    current_app.loader.import_default_modules()
    return {
        short_name(slot["task"]): (current_app.tasks[slot["task"]], slot["schedule"])
        for slot in current_app.conf.beat_schedule.values()
        if slot["task"] in current_app.tasks
    }
