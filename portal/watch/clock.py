"""Checks the machine's clock, so that a clock that jumped closes no day, charges no month and opens
no debit.

It is compared with the database's own clock, on another machine, and with the last time that was
accepted. Tasks run several times a minute, so a gap of more than CLOCK_LEAP means that the clock
jumped, or that the hall was stopped. Then somebody has to say which: ``script/manage
accept_clock``.
"""

import datetime as dt

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.watch.models import KnownTime

# The most by which the clocks of two machines differ when both are right.
SKEW = dt.timedelta(minutes=5)


class ClockSuspect(Exception):
    """The time is not accepted; the message says why, in Chinese."""


def check(now: dt.datetime) -> None:
    """Accepts the time, and remembers it. One statement. Raises ClockSuspect, and then remembers
    nothing.

    Nothing is checked where CLOCK_LEAP is None.
    """
    if settings.CLOCK_LEAP is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO watch_knowntime (id, seen_at)
            SELECT 1, %(now)s WHERE abs(extract(epoch FROM %(now)s - clock_timestamp())) <= %(skew)s
            ON CONFLICT (id) DO UPDATE SET seen_at = greatest(watch_knowntime.seen_at, EXCLUDED.seen_at)
            WHERE abs(extract(epoch FROM EXCLUDED.seen_at - watch_knowntime.seen_at)) <= %(leap)s
            RETURNING id
            """,
            {"now": now, "skew": SKEW.total_seconds(), "leap": settings.CLOCK_LEAP.total_seconds()},
        )
        if cursor.fetchone():
            return
    raise ClockSuspect(suspicion(now))


def suspicion(now: dt.datetime) -> str:
    """Why the time is not accepted, in Chinese; "" where it is. Nothing is remembered."""
    if settings.CLOCK_LEAP is None:
        return ""
    last_seen, database = evidence()
    if abs(now - database) > SKEW:
        return _("本机时间 {now} 与数据库服务器时间 {database} 相差过大，请校准时钟。").format(
            now=_written(now), database=_written(database)
        )
    if last_seen and abs(now - last_seen) > settings.CLOCK_LEAP:
        return _(
            "本机时间 {now} 与上次运行时的 {seen} 相差过大：时钟有误的，请校准；确是停机后恢复的，"
            "请运行 script/manage accept_clock。"
        ).format(now=_written(now), seen=_written(last_seen))
    return ""


def evidence() -> tuple[dt.datetime | None, dt.datetime]:
    """The time that was accepted last (None: never any), and the database's own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp(), (SELECT seen_at FROM watch_knowntime WHERE id = 1)")
        database, seen = cursor.fetchone()
    return seen, database


def accept(now: dt.datetime) -> None:
    """Accepts the time from now on, whatever was accepted before. Raises ClockSuspect where the
    database's clock differs by more than SKEW."""
    _seen, database = evidence()
    if abs(now - database) > SKEW:
        raise ClockSuspect(suspicion(now))
    KnownTime.objects.update_or_create(pk=1, defaults={"seen_at": now})


def _written(moment: dt.datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"
