"""Advisory locks of PostgreSQL, for work that one worker does at a time, across processes and
machines.

The name of a lock is the work and its object: ``hold("charging", "wuhan")``. PostgreSQL releases it
with the transaction, or with the session, so that a killed worker leaves none behind. Two names may
share a key by chance; then one waits for the other.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection


def key_sql(what: str, of: str) -> str:
    """The key in SQL, for a trigger that takes the same lock; ``of`` is an SQL expression of
    text."""
    return f"hashtextextended('{what}:' || {of}, 0)"


def hold(what: str, of: object) -> None:
    """Wait for the lock, and keep it until the transaction ends."""
    _ask("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", what, of)


def hold_all(what: str, of: Iterable[str]) -> None:
    """The same for several objects, in the order of their names: two who want some of the same
    objects do not stop each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0))"
            " FROM (SELECT name FROM unnest(%s::text[]) AS name ORDER BY name) AS names",
            [[f"{what}:{one}" for one in of]],
        )


def share(what: str, of: object) -> None:
    """Wait until nobody holds the lock exclusively, and keep such holders waiting until the
    transaction ends. Several may share it at once."""
    _ask("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", what, of)


@contextmanager
def attempt(what: str, of: object) -> Iterator[bool]:
    """Whether this session got the lock, without waiting; it is released at the end of the
    block."""
    acquired = _ask("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", what, of)
    try:
        yield acquired
    finally:
        if acquired:
            _ask("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", what, of)


def held(what: str, of: object) -> bool:
    """Whether anybody holds the lock just now."""
    return _ask(
        """
        SELECT EXISTS (
            SELECT 1 FROM pg_locks, hashtextextended(%s, 0) AS key
            WHERE locktype = 'advisory' AND granted AND objsubid = 1
                AND classid = ((key >> 32) & 4294967295)::oid AND objid = (key & 4294967295)::oid
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        )
        """,
        what,
        of,
    )


def _ask(sql: str, what: str, of: object) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [f"{what}:{of}"])
        [answer] = cursor.fetchone()
    return answer is True
