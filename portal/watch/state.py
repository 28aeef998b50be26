"""When each scheduled task began, came to its end, and broke off last. A few small statements for
each run."""

import datetime as dt

from celery import current_app
from django.db import connection

from portal.watch.models import Failure, TaskState

_listed: set[str] = set()


def begun(task: str, now: dt.datetime) -> None:
    """Records that a task begins. The first one of a process also lists all scheduled tasks, so
    that a task that never begins is noticed."""
    if task not in _listed:
        names = {slot["task"].rpartition(".")[2] for slot in current_app.conf.beat_schedule.values()} | {task}
        TaskState.objects.bulk_create(
            (TaskState(task=name, known_since=now) for name in sorted(names)), ignore_conflicts=True
        )
        _listed.update(names)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO watch_taskstate (task, known_since, begun_at) VALUES (%(task)s, %(now)s, %(now)s)
            ON CONFLICT (task) DO UPDATE SET begun_at = EXCLUDED.begun_at
            """,
            {"task": task, "now": now},
        )


def succeeded(task: str, begun_at: dt.datetime, now: dt.datetime) -> None:
    """Records that a task came to its end; where it had broken off before, that failure is
    resolved."""
    seconds = max((now - begun_at).total_seconds(), 0.0)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH mended AS (
                UPDATE watch_failure SET resolved_at = greatest(%(now)s, last_at)
                WHERE task = %(task)s AND item = '' AND resolved_at IS NULL
            )
            UPDATE watch_taskstate SET succeeded_at = %(now)s, seconds = %(seconds)s WHERE task = %(task)s
            """,
            {"task": task, "now": now, "seconds": seconds},
        )


def broke_off(task: str, now: dt.datetime) -> None:
    """Records that a task broke off."""
    TaskState.objects.filter(pk=task).update(failed_at=now)


def open_failures() -> int:
    """How many failures are open."""
    return Failure.objects.filter(resolved_at__isnull=True).count()
