"""Failures of single items: a loop over cities, files or payments goes on after one, and the
failure is kept until it is resolved.

    watch = Watch("charge_due", now=now)
    for city in cities:
        with watch.item(city.title, city=city.slug):
            ...

The item's work makes its own transaction; ``with watch.item(…), transaction.atomic():`` where it
has none.
"""

import datetime as dt
import logging
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, connection

from portal.columns import broken_constraint
from portal.shared.logs import mask_numbers
from portal.watch.models import Failure

log = logging.getLogger(__name__)

# The end of the name of an item that only staff resolve.
REPORTED = "（待核实）"
_LONGEST_MESSAGE, _LONGEST_TRACEBACK = 300, 8000


class Watch:
    """One run of a task over its items. ``task`` is the name of the task's function. One query, and
    one for each item that fails or that failed before."""

    def __init__(self, task: str, *, now: dt.datetime) -> None:
        self.task, self.now = task, now
        self.failed: list[str] = []
        self._open = set(standing(task))

    @contextmanager
    def item(self, name: str, *, city: str = "") -> Iterator[None]:
        """Around the work of one item: an exception is kept under the item's name and not raised
        again. Where the database cannot keep it, it is raised, and the loop ends."""
        try:
            yield
        except Exception as error:
            log.exception("%s failed at %s", self.task, clean(name))
            self.failed.append(name)
            try:
                _renew_connection()
                keep(self.task, name, error, city=city, now=self.now)
            except (DatabaseError, InterfaceError):
                log.exception("a failure of %s could not be kept", self.task)
                raise error from None
        else:
            if clean(name) in self._open:
                resolve(self.task, [clean(name)], now=self.now)

    def failing(self) -> list[str]:
        """The items that failed in earlier runs and have not been resolved."""
        return sorted(self._open)

    def tell(self, name: str, problem: Exception, *, city: str = "") -> None:
        """Keeps a problem of an item whose work went on in spite of it; it is resolved like a
        failure."""
        _write(self.task, name, problem, city=city, now=self.now)
        self.failed.append(name)

    def finished(self) -> None:
        """Says that the loop has gone over all items: failures of earlier runs that did not occur
        in this one are resolved."""
        self.only(lambda _names: ())

    def only(self, waiting: Callable[[Collection[str]], Collection[str]]) -> None:
        """Resolves failures of earlier runs whose items are gone: ``waiting`` gives those of the
        names that are still to be done."""
        no_longer_failing = {one for one in self._open if not one.endswith(REPORTED)} - {
            clean(one) for one in self.failed
        }
        if no_longer_failing:
            resolve(self.task, no_longer_failing - set(waiting(no_longer_failing)), now=self.now)


def clean(name: str) -> str:
    """The name of an item as it can be stored."""
    return name.encode("utf-8", "replace").decode().replace("\0", "�")[:200]


def standing(task: str) -> list[str]:
    """The items at which a task fails."""
    return list(
        Failure.objects.filter(task=task, resolved_at__isnull=True)
        .exclude(item="")
        .values_list("item", flat=True)
    )


def keep(task: str, item: str, error: BaseException, *, city: str = "", now: dt.datetime) -> None:
    """Keep that a task failed at an item (empty: as a whole), or that it did so again. One
    statement."""
    _write(task, item, error, city=city, now=now)


def report(task: str, item: str, problem: Exception, *, city: str = "", now: dt.datetime) -> None:
    """Shows staff a problem that a task found and could deal with, until they say that it is
    settled; the task does not resolve it. Reported again, it is the same row."""
    _write(task, f"{clean(item)[: 200 - len(REPORTED)]}{REPORTED}", problem, city=city, now=now)


def _write(task: str, item: str, error: BaseException, *, city: str, now: dt.datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO watch_failure (task, item, city, first_at, last_at, count, message, traceback, resolved_by)
            VALUES (%(task)s, %(item)s, %(city)s, %(now)s, %(now)s, 1, %(message)s, %(traceback)s, '')
            ON CONFLICT (task, item) WHERE resolved_at IS NULL DO UPDATE
            SET last_at = greatest(watch_failure.last_at, EXCLUDED.last_at), count = watch_failure.count + 1,
                city = EXCLUDED.city, message = EXCLUDED.message, traceback = EXCLUDED.traceback
            """,
            {
                "task": task,
                "item": clean(item),
                "city": city,
                "now": now,
                "message": said(error)[:_LONGEST_MESSAGE],
                "traceback": _frames(error)[-_LONGEST_TRACEBACK:],
            },
        )


def resolve(task: str, items: Collection[str], *, now: dt.datetime, by: str = "") -> int:
    """Notes that these items of a task no longer fail; gives the number of failures resolved."""
    failing = Failure.objects.filter(task=task, item__in=list(items), resolved_at__isnull=True)
    return failing.update(resolved_at=now, resolved_by=by)


def said(error: BaseException) -> str:
    """The text of an exception without a person's data: its kind, and the broken constraint or the
    first line with numbers masked."""
    if isinstance(error, DatabaseError):
        # PostgreSQL's messages quote rows and values.
        cause = broken_constraint(error) or getattr(error.__cause__, "pgcode", None) or ""
        return f"{type(error).__name__} {cause}".strip()
    first = next(iter(str(error).splitlines()), "")
    return mask_numbers(f"{type(error).__name__}: {first}" if first else type(error).__name__).replace(
        "\0", "�"
    )


def _frames(error: BaseException) -> str:
    """The traceback of an exception and of its causes: places in the code, no values."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n".join(
        "".join(traceback.format_tb(link.__traceback__)) + said(link) for link in reversed(chain)
    ).replace("\0", "�")


def _renew_connection() -> None:
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
