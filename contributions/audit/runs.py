"""Audits that are kept: each goes on from the last one that found nothing, and everything is proved
on Sundays."""

import datetime as dt
import os
from dataclasses import asdict

from django.utils import timezone

from contributions.audit import changed_rows
from contributions.audit.changed_rows import Place
from contributions.audit.looking import look
from contributions.models import AuditRun
from portal.locks import attempt, held
from portal.shared.months import today_in_china

# One audit runs at a time.
_AUDIT = ("audit", "books")
_SUNDAY, _A_WEEK = 6, dt.timedelta(days=7)
# An audit is due every day; whoever misses one for longer is told.
_LATE_AFTER = dt.timedelta(hours=36)


class UnderWay(Exception):
    """An audit is just running."""


def run(*, everything: bool, jobs: int = 0) -> AuditRun:
    """Audit, and keep what was found: of ``everything``, or since the last audit that found nothing
    and has a place. Without such a one, or where nothing can be told since it, everything. ``jobs``
    are connections; 0 is as many as cores.

    An audit that cannot come to its end is kept, too, with the reason, and raises. Raises UnderWay
    beside another.
    """
    with attempt(*_AUDIT) as ours:
        if not ours:
            raise UnderWay
        return run_one(everything=everything, jobs=jobs)


def run_one(*, everything: bool, jobs: int) -> AuditRun:
    started_at = timezone.now()
    since = None if everything else last_sound()
    try:
        place = Place.of(since.place) if since else None
        findings, reached = look(since=place, jobs=jobs or os.cpu_count() or 1)
    except Exception as problem:
        # Only the first line: those after it quote rows.
        why = f"{type(problem).__name__}: {problem}".splitlines()[0]
        AuditRun.objects.create(
            started_at=started_at, finished_at=timezone.now(), since=since, broken=0, failure=why
        )
        raise
    return AuditRun.objects.create(
        started_at=started_at,
        finished_at=timezone.now(),
        since=since,
        findings=[asdict(one) for one in findings],
        broken=sum(not one.holds for one in findings),
        place=reached.told() if reached else None,
    )


def under_way() -> bool:
    """Whether an audit is just running."""
    return held(*_AUDIT)


def last_sound() -> AuditRun | None:
    """The last audit that found nothing and that another can go on from."""
    last = AuditRun.objects.filter(broken=0, failure="", place__isnull=False).order_by("-pk").first()
    return last if last and changed_rows.reaches(Place.of(last.place)) else None


def run_of_the_day() -> AuditRun:
    """Everything on Sundays, in China, or as soon after as the schedule is back; on the other days
    what has changed."""
    now = timezone.now()
    lately = AuditRun.objects.filter(since=None, failure="", started_at__gt=now - _A_WEEK)
    return run(everything=today_in_china(now).weekday() == _SUNDAY or not lately.exists())


def troubles(now: dt.datetime) -> int:
    """How many invariants the last audit found broken; 1 where it failed, or the next is overdue. 0
    before the first: where that does not come, the schedule stands still, and says so itself."""
    last = AuditRun.objects.order_by("-pk").first()
    if last is None:
        return 0
    if last.failure or now - last.started_at > _LATE_AFTER:
        return 1
    return last.broken
