"""The only writer of ``Case.status``: every move is in the table, has an actor and a time, and
happens once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.accounts.models import User
from portal.hall.models import Case, CaseEvent
from portal.hall.routing import CASE_LIFE_CYCLE, UNPAID, Status


class AlreadyMoved(Exception):
    """The case is not, or no longer, in the status that the move starts from."""

    message = _("这份办件的状态刚刚已被他人改变，请刷新后查看。")


def begin(case: Case, *, by: User, now: datetime) -> None:
    """Writes the case's first event. Called once, when the case has just been inserted as
    submitted."""
    CaseEvent.objects.create(case=case, at=now, actor=by, from_status="", to_status=Status.SUBMITTED)


def move(case: Case, to: Status, *, by: User, now: datetime, note: str = "", **changes: Any) -> None:
    """Moves the case by compare-and-set and writes the event; ``changes`` are other columns set in
    the same statement.

    AlreadyMoved where the table does not allow it or someone else was first. The caller holds the
    transaction.
    """
    start = Status(case.status)
    if to not in CASE_LIFE_CYCLE.moves_from(start):
        raise AlreadyMoved
    if not Case.objects.filter(pk=case.pk, status=start).update(status=to, **changes):
        raise AlreadyMoved
    CaseEvent.objects.create(case=case, at=now, actor=by, from_status=start, to_status=to, note=note)
    case.status = to
    for name, value in changes.items():
        setattr(case, name, value)


def move_unpaid(ends: Mapping[int, tuple[Status, str]], *, by: User, now: datetime) -> int:
    """Move cases that wait for money to their ends, case id → (DONE or LAPSED, why): how many
    moved. One that has moved already stays as it is. The number of statements does not grow with
    the cases. The caller holds the transaction."""
    waiting = Case.objects.filter(pk__in=list(ends), status__in=[str(status) for status in UNPAID])
    cases = list(waiting.select_for_update(no_key=True, of=("self",)).order_by("pk"))
    events = []
    for case in cases:
        to, why = ends[case.pk]
        start = Status(case.status)
        if to not in CASE_LIFE_CYCLE.moves_from(start):
            raise AlreadyMoved
        case.status, case.decided_at = to, now
        case.reason = why or case.reason
        events.append(CaseEvent(case=case, at=now, actor=by, from_status=start, to_status=to, note=why))
    Case.objects.bulk_update(cases, ["status", "decided_at", "reason"], batch_size=1000)
    CaseEvent.objects.bulk_create(events, batch_size=1000)
    return len(cases)


def void(cases: Sequence[Case], *, start: Status, why: str, by: User, now: datetime) -> None:
    """Voids cases of one status that nobody went on with in time. The caller has them locked. The
    number of statements does not grow with the cases."""
    keys = [case.pk for case in cases]
    waiting = Case.objects.filter(pk__in=keys, status=start)
    if waiting.update(status=Status.VOIDED, decided_at=now, reason=why) != len(keys):
        raise AlreadyMoved
    CaseEvent.objects.bulk_create(
        CaseEvent(case_id=key, at=now, actor=by, from_status=start, to_status=Status.VOIDED, note=why)
        for key in keys
    )
