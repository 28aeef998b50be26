"""What two may want at once, on two connections: each is tested with its guard, and with the guard
off, where it must fail."""

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, BrokenBarrierError
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, models
from django.db.models import QuerySet

from enrollment.models import Coverage
from enrollment.services.employer_add_staff import EmployerAddStaff
from portal.hall import desk, lifecycle, permissions
from portal.hall.models import Case, CaseEvent
from portal.hall.routing import Status
from portal.policy.book import Mode
from tests.cast import Cast
from tests.filing import file
from tests.hall.trial import Desk, Trial

pytestmark = pytest.mark.django_db(transaction=True)


class Meeting:
    """Lets two threads meet at one place in the code; where a lock keeps the second away, the first
    goes on alone."""

    def __init__(self) -> None:
        self.barrier = Barrier(2)
        self.met = False

    def wait(self) -> None:
        try:
            self.barrier.wait(timeout=1)
            self.met = True
        except BrokenBarrierError:
            pass

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def meeting_first(*args: Any, **kwargs: Any) -> Any:
            self.wait()
            return function(*args, **kwargs)

        return meeting_first


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each call gave, or the exception that it raised; each in a thread with a connection of
    its own."""

    def run(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def done(results: list[Any]) -> int:
    return sum(isinstance(one, Case) for one in results)


@contextmanager
def without_constraint(model: type[models.Model], name: str) -> Iterator[None]:
    """The table without this constraint; what was let in is dropped before the constraint comes
    back."""
    constraint = next(one for one in model._meta.constraints if one.name == name)
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, constraint)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'TRUNCATE "{model._meta.db_table}" CASCADE')
        with connection.schema_editor() as editor:
            editor.add_constraint(model, constraint)


@contextmanager
def without_triggers(*tables: type[models.Model]) -> Iterator[None]:
    """The tables without the project's triggers."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'ALTER TABLE "{table._meta.db_table}" DISABLE TRIGGER USER')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f'ALTER TABLE "{table._meta.db_table}" ENABLE TRIGGER USER')


# The same submission, sent twice at once


@pytest.mark.parametrize("mode", [Mode.DIRECT, Mode.REVIEW])
def test_one_key_in_two_threads_is_one_case(hall: Desk, monkeypatch: pytest.MonkeyPatch, mode: Mode) -> None:
    ask, key, meeting = hall.ask(mode), uuid4(), Meeting()
    monkeypatch.setattr(Trial, "outside", lambda self, ask: meeting.wait())
    results = at_once(*[lambda: desk.submit(ask=ask, key=key, now=hall.now)] * 2)
    assert meeting.met
    assert done(results) == 2
    assert results[0] == results[1]
    assert Case.objects.count() == 1
    assert CaseEvent.objects.count() == 2


def test_control_without_the_key_being_unique_there_are_two(
    hall: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, key, meeting = hall.ask(Mode.REVIEW), uuid4(), Meeting()
    monkeypatch.setattr(Trial, "outside", lambda self, ask: meeting.wait())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE hall_case DROP CONSTRAINT hall_case_key_key")
    try:
        with without_constraint(Case, "one_open_case_per_applicant_and_subject"):
            results = at_once(*[lambda: desk.submit(ask=ask, key=key, now=hall.now)] * 2)
            assert done(results) == 2
            assert Case.objects.filter(key=key).count() == 2
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE hall_case ADD CONSTRAINT hall_case_key_key UNIQUE (key)")


# Two browsers of one employer add the same person


def two_browsers(hall: Desk, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    meeting = Meeting()
    monkeypatch.setattr(Trial, "outside", lambda self, ask: meeting.wait())
    first, second = hall.ask(colour="green"), hall.ask(by=hall.cast.yongjiang_second_clerk, colour="red")
    results = at_once(
        lambda: desk.submit(ask=first, key=uuid4(), now=hall.now),
        lambda: desk.submit(ask=second, key=uuid4(), now=hall.now),
    )
    assert meeting.met
    return results


def test_two_browsers_add_the_same_person_and_one_case_is_made(
    hall: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = two_browsers(hall, monkeypatch)
    assert done(results) == 1
    refused = next(one for one in results if not isinstance(one, Case))
    assert isinstance(refused, desk.NotAccepted)
    assert "已有一份同样的办件正在办理" in str(refused)
    assert Case.objects.count() == 1


def test_control_without_its_constraint_both_browsers_make_one(
    hall: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with without_constraint(Case, "one_open_case_per_applicant_and_subject"):
        assert done(two_browsers(hall, monkeypatch)) == 2


# Withdrawn and approved at once


def withdraw_against_approve(hall: Desk, monkeypatch: pytest.MonkeyPatch) -> tuple[Case, list[Any]]:
    case, meeting = hall.file(), Meeting()
    clerk, reviewer = hall.cast.yongjiang_clerk, hall.cast.ningbo_reviewer
    monkeypatch.setattr(permissions, "is_applicant", meeting.before(permissions.is_applicant))
    monkeypatch.setattr(permissions, "why_not_decide", meeting.before(permissions.why_not_decide))
    results = at_once(
        lambda: desk.withdraw(case, by=clerk, now=hall.now),
        lambda: desk.decide(case, approve=True, by=reviewer, now=hall.now),
    )
    case.refresh_from_db()
    return case, results


def test_withdrawn_and_approved_at_once_exactly_one_wins(hall: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    case, results = withdraw_against_approve(hall, monkeypatch)
    assert done(results) == 1
    assert any(isinstance(one, lifecycle.AlreadyMoved) for one in results)
    assert case.status == (Status.VOIDED if isinstance(results[0], Case) else Status.DONE)
    assert [event.to_status for event in case.events.all()] == ["submitted", "in_review", case.status]
    assert bool(case.outcome) == (case.status == Status.DONE)


def test_control_without_lock_compare_and_trigger_both_win(
    hall: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind_move(
        case: Case, to: Status, *, by: Any, now: dt.datetime, note: str = "", **changes: Any
    ) -> None:
        Case.objects.filter(pk=case.pk).update(status=to, **changes)
        CaseEvent.objects.create(
            case=case, at=now, actor=by, from_status=case.status, to_status=to, note=note
        )

    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    monkeypatch.setattr(lifecycle, "move", blind_move)
    with without_triggers(Case):
        case, results = withdraw_against_approve(hall, monkeypatch)
    assert done(results) == 2
    assert {event.to_status for event in case.events.all()} >= {"voided", "done"}


def test_where_code_forgets_the_lock_the_comparison_holds(
    hall: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    case, results = withdraw_against_approve(hall, monkeypatch)
    assert done(results) == 1
    assert case.events.count() == 3


# Two employers claim one person


def two_employers(cast: Cast, now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    typed = {
        "identity_number": cast.wang_fang.identity_number,
        "name": "王芳",
        "phone": "",
        "hired_on": "2026-11-02",
        "wage": "6500",
        "start_pension": "2026-11",
        "start_unemployment": "",
        "start_work_injury": "",
    }
    first = file(cast.yongjiang_clerk, "ningbo", "employer-add-staff", typed, now)
    second = file(cast.zhaobao_clerk, "ningbo", "employer-add-staff", typed, now)
    reviewers, meeting = [cast.ningbo_reviewer, cast.ningbo_second_reviewer], Meeting()
    monkeypatch.setattr(EmployerAddStaff, "effect", meeting.before(EmployerAddStaff.effect))
    return at_once(
        lambda: desk.decide(first, approve=True, by=reviewers[0], now=now),
        lambda: desk.decide(second, approve=True, by=reviewers[1], now=now),
    )


@pytest.mark.parametrize("locked", [True, False])
def test_two_employers_claim_one_person_and_one_is_told(
    cast: Cast, now: dt.datetime, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """By the lock, and by the database alone where code forgets the lock."""
    if not locked:
        monkeypatch.setattr(desk, "lock_subject", lambda number: None)
    results = two_employers(cast, now, monkeypatch)
    assert done(results) == 1
    refused = next(one for one in results if not isinstance(one, Case))
    # Without the lock the two may meet inside the constraint itself, and PostgreSQL ends one of
    # them.
    if locked or not isinstance(refused, OperationalError):
        assert isinstance(refused, desk.NotAccepted)
        assert refused.findings[0].field in ("identity_number", "start_pension")
    assert Coverage.objects.filter(person=cast.wang_fang, live=True).count() == 1
    assert sorted(Case.objects.values_list("status", flat=True)) == ["done", "in_review"]


def test_control_without_lock_and_constraint_both_employers_get_the_person(
    cast: Cast, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "lock_subject", lambda number: None)
    with without_constraint(Coverage, "no_two_live_coverages_share_a_month"):
        assert done(two_employers(cast, now, monkeypatch)) == 2
        assert Coverage.objects.filter(person=cast.wang_fang, live=True).count() == 2
