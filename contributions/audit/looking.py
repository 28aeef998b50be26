"""The audit runs every check of every app in one snapshot, and reports which rows break which
invariant.

It also checks what the database itself forbids, because a constraint can be missing, disabled or
restored wrongly.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy

from contributions.audit import changed_rows, held_by_database
from contributions.audit.changed_rows import Place
from contributions.audit.check import Check
from contributions.planner import whole_tables
from portal import rooms

SHOWN = 5

# For how long the audit tries to find an instant at which nobody writes, and its pause between two
# tries, because such instants are short. Seconds.
PATIENCE, _PAUSE = 10, 0.005


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant: how many rows break it, and the first of them in words."""

    number: int
    title: str
    broken: int
    examples: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.broken


TITLES = {
    1: gettext_lazy("每笔分录借贷相等，分录与明细未被改动，凭证链完整"),
    2: gettext_lazy("收入等于已确认的到账记录，一笔到账只记一次账"),
    3: gettext_lazy("每个托收批次：成功＋失败＋未返回＝送出的笔数和金额"),
    4: gettext_lazy("同一人同一险种的参保关系不重叠"),
    5: gettext_lazy("每笔应缴都在参保期内，同一人同一险种同一月份只有一笔"),
    6: gettext_lazy("每次状态变动都在规定之内，并有经办人和时间"),
    7: gettext_lazy("同一笔应缴不会重复扣款、重复入账"),
    8: gettext_lazy("金额精确到分，各部分之和等于总额"),
    9: gettext_lazy("已注销的医疗保险不再入账；已注销的养老保险只按补缴时的标准加计利息入账"),
    10: gettext_lazy("退回的金额不超过到账的金额，且只退没有入账的款项"),
    11: gettext_lazy("证明内容与出具时的账目一致"),
    12: gettext_lazy("审核人不是申报人"),
    13: gettext_lazy("已确认的数据经得起重启：数据库逐笔落盘，银行返回文件都在"),
    14: gettext_lazy("关系转移转出的月份和金额等于转入和在途的，没有一个月算两次"),
}


def audit(*, since: Place | None = None, jobs: int = 1) -> list[Finding]:
    """Check everything, as ``look`` does. The list has every invariant, broken or not, in order."""
    with _snapshot() as cursor:
        return _findings(cursor, since, jobs)


def look(*, since: Place | None = None, jobs: int = 1) -> tuple[list[Finding], Place | None]:
    """Check everything in one snapshot, on as many connections as there are ``jobs``; writes
    nothing. Returns the findings, and the place from which the next audit can continue; None where
    somebody was writing at every instant for ``PATIENCE`` seconds.

    With ``since``, such a place, the tables that grow by millions of rows a month are checked only
    for rows changed since then, with all rows that those checks read (``changed_rows``, which also
    says whether that is possible); other tables are checked in full. If every invariant held at
    ``since``, this finds all that an audit of everything would find.

    Apps above bring their checks in a module ``audit`` with CHECKS.
    """
    until = monotonic() + (0 if connection.in_atomic_block else PATIENCE)
    while True:
        at, over = changed_rows.quiet(), monotonic() >= until
        if at is not None or over:
            with _snapshot() as cursor:
                if at is not None and not changed_rows.is_still(cursor, at):
                    at = None
                if at is not None or over:
                    findings = _findings(cursor, since, jobs)
                    return findings, None if at is None else changed_rows.place(cursor, at)
        sleep(_PAUSE)


@contextmanager
def _snapshot() -> Iterator[Any]:
    """A cursor in a transaction that sees one instant and leaves nothing behind."""
    nested = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if not nested:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield cursor
        transaction.set_rollback(True)


# The result of one check: its position among all, the number of its invariant, how many offences,
# and the first of them.
_Found = tuple[int, int, int, list[str]]


def _findings(cursor: Any, since: Place | None, jobs: int) -> list[Finding]:
    if connection.savepoint_ids:
        jobs = 1
    checks = dict(enumerate(all_checks()))
    held = held_by_database.standing(cursor)
    wanted = [(at, one) for at, one in checks.items() if not one.held_by or not held.issuperset(one.held_by)]
    # No other connection sees the rows that are listed for this one.
    here = [(at, one) for at, one in wanted if since and one.changed]
    anywhere = deque((at, one) for at, one in wanted if not (since and one.changed))
    tallies: list[_Found] = []
    with ThreadPoolExecutor(max(1, jobs - 1)) as threads:
        helpers = []
        if jobs > 1:
            cursor.execute("SELECT pg_export_snapshot()")
            [snapshot] = cursor.fetchone()
            helpers = [threads.submit(_help, snapshot, anywhere, since) for _one in range(jobs - 1)]
        narrow = False
        try:
            if since:
                tallies += [_tally(-1, number, [said]) for number, said in changed_rows.find(cursor, since)]
                narrow = changed_rows.list_looked_at(cursor)
            cursor.execute("SET TRANSACTION READ ONLY")
            if not narrow:
                whole_tables(cursor)
            for at, check in here:
                before = changed_rows.narrowed(check.changed) if narrow else ""
                tallies.append(_tally(at, check.number, _offences(check, cursor, before)))
            tallies += _work(cursor, anywhere)
        finally:
            anywhere.clear()
        for helper in helpers:
            tallies += helper.result()
    tallies.sort()
    return [
        Finding(
            number,
            str(TITLES[number]),
            sum(count for _at, of, count, _shown in tallies if of == number),
            tuple([text for _at, of, _count, shown in tallies if of == number for text in shown][:SHOWN]),
        )
        for number in sorted({one.number for one in checks.values()})
    ]


def _help(snapshot: str, checks: deque[tuple[int, Check]], since: Place | None) -> list[_Found]:
    """Run checks on this thread's own connection, in the same snapshot, until none is left."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET TRANSACTION SNAPSHOT %s", [snapshot])
            if since is None:
                whole_tables(cursor)
            return _work(cursor, checks)
    finally:
        connection.close()


def _work(cursor: Any, checks: deque[tuple[int, Check]]) -> list[_Found]:
    return [_tally(at, one.number, _offences(one, cursor)) for at, one in _taken(checks)]


def _taken(checks: deque[tuple[int, Check]]) -> Iterator[tuple[int, Check]]:
    """Take one check after the other until none is left; other threads take from the same queue."""
    with suppress(IndexError):
        while True:
            yield checks.popleft()


def _tally(at: int, number: int, offences: Iterable[str]) -> _Found:
    count, examples = 0, []
    for offence in offences:
        count += 1
        if count <= SHOWN:
            examples.append(offence)
    return at, number, count, examples


def all_checks() -> list[Check]:
    return [check for module in rooms.bring("audit") for check in module.CHECKS]


def _offences(check: Check, cursor: Any, before: str = "") -> Iterator[str]:
    if callable(check.rows):
        yield from check.rows(before) if check.changed else check.rows()  # type: ignore[call-arg]
        return
    cursor.execute(before + check.rows)
    for [offence] in cursor.fetchall():
        yield offence
