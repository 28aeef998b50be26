"""What two may want at once, and what is killed half way: tested with the guard, and with the guard
off, where it must fail."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, connection

from contributions.models import BroughtIn, MovedOut, MovedOutPeriod
from portal.accounts.models import User
from portal.people.models import Person
from tests.cast import Cast
from tests.contributions.arrears.test_arrears_races import SureMeeting
from tests.hall.test_races import Meeting, at_once, without_constraint, without_triggers
from tests.transfers.mover import applied, clerk_of, moved_to, offences, paid, proposed, walked
from transfers import documents, releasing, steps
from transfers.machine import Status
from transfers.models import Transfer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(cast: Cast, now: dt.datetime) -> Transfer:
    """A transfer whose letter has reached the old place."""
    paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
    moved_to(cast.li_qiang, "shenzhen")
    transfer = walked(applied(cast.li_qiang_login, now), Status.LETTER_SENT, now)
    proposed(transfer, now)
    return transfer


def both(transfer: Transfer, person: User, now: dt.datetime) -> list[Any]:
    """The person cancels while the old place lets go."""
    clerk = clerk_of("wuhan")
    return at_once(
        lambda: steps.cancel(transfer, by=person, now=now),
        lambda: releasing.release(transfer, by=clerk, now=now),
    )


def meeting_before_the_move(monkeypatch: pytest.MonkeyPatch, kind: type[Meeting] = Meeting) -> Meeting:
    meeting = kind()
    monkeypatch.setattr(steps, "move_transfer", meeting.before(steps.move_transfer))
    return meeting


def test_of_cancelling_and_releasing_one_wins(
    cast: Cast, now: dt.datetime, waiting: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting_before_the_move(monkeypatch)
    results = both(waiting, cast.li_qiang_login, now)
    [won] = [one for one in results if isinstance(one, Transfer)]
    [lost] = [one for one in results if isinstance(one, steps.CannotStep)]
    assert lost.whys
    waiting.refresh_from_db()
    assert waiting.status == won.status
    assert MovedOut.objects.count() == (1 if won.status == Status.RELEASED else 0)
    assert offences() == []


@contextmanager
def no_guard(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Neither the row's lock nor the compare-and-set, nor what the database holds against it."""
    monkeypatch.setattr(
        steps, "locked", lambda transfer: Transfer.objects.select_related("person").get(pk=transfer.pk)
    )
    monkeypatch.setattr(steps, "lock_subject", lambda number: None)
    filtered = Transfer.objects.filter

    def whatever_its_status(*args: Any, **wanted: Any) -> Any:
        if set(wanted) == {"pk", "status"}:
            del wanted["status"]
        return filtered(*args, **wanted)

    monkeypatch.setattr(Transfer.objects, "filter", whatever_its_status)
    names = ("transfer_away_with_what_left", "transfer_ends_with_its_time", "transfer_away_by_a_release")
    with without_triggers(Transfer):
        off: AbstractContextManager[Any] = nullcontext()
        for name in names:
            off = _stacked(off, without_constraint(Transfer, name))
        with off:
            yield


@contextmanager
def _stacked(outer: AbstractContextManager[Any], inner: AbstractContextManager[Any]) -> Any:
    with outer, inner:
        yield


def test_without_the_guard_both_win_and_the_audit_finds_it(
    cast: Cast, now: dt.datetime, waiting: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = cast.li_qiang_login
    with no_guard(monkeypatch):
        meeting = meeting_before_the_move(monkeypatch, SureMeeting)
        results = both(waiting, person, now)
        assert meeting.met
        assert [type(one) for one in results] == [Transfer, Transfer], results
        assert offences() != []


def test_the_same_step_by_two_clerks_is_one(cast: Cast, now: dt.datetime, waiting: Transfer) -> None:
    clerk = clerk_of("wuhan")
    results = at_once(*[lambda: releasing.release(waiting, by=clerk, now=now)] * 3)
    assert sum(isinstance(one, Transfer) for one in results) == 1
    assert sum(isinstance(one, steps.AlreadyMoved) for one in results) == 2
    assert MovedOut.objects.count() == 1
    assert offences() == []


def test_two_applications_at_once_are_one(cast: Cast, now: dt.datetime) -> None:
    paid(cast.li_qiang, "wuhan", "2025-01", "2026-01")
    moved_to(cast.li_qiang, "shenzhen")
    login = cast.li_qiang_login
    results = at_once(*[lambda: applied(login, now)] * 2)
    assert sum(isinstance(one, Transfer) for one in results) == 1
    assert Transfer.objects.count() == 1


def cut_off(*args: Any, **kwargs: Any) -> None:
    """The database ends the connection in the middle of the step."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def cut_in_the_middle(transfer: Transfer, now: dt.datetime) -> Any:
    clerk = clerk_of("wuhan")
    [result] = at_once(lambda: releasing.release(transfer, by=clerk, now=now))
    return result


def left_behind(person: Person) -> tuple[int, int, int]:
    return (
        MovedOut.objects.filter(person=person).count(),
        MovedOutPeriod.objects.filter(person=person).count(),
        BroughtIn.objects.filter(person=person).count(),
    )


def test_a_release_that_is_cut_off_leaves_nothing_and_can_be_repeated(
    cast: Cast, now: dt.datetime, waiting: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(documents, "information_form", cut_off)
        assert isinstance(cut_in_the_middle(waiting, now), DatabaseError)
    assert left_behind(cast.li_qiang) == (0, 0, 0)
    assert offences() == []
    assert walked(waiting, Status.MERGED, now).status == Status.MERGED
    assert offences() == []


def test_without_its_transaction_a_release_that_is_cut_off_leaves_a_half(
    cast: Cast, now: dt.datetime, waiting: Transfer, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose: Callable[..., Any] = lambda *args, **kwargs: nullcontext()  # noqa: E731
    with monkeypatch.context() as cut:
        cut.setattr(documents, "information_form", cut_off)
        cut.setattr(steps, "transaction", SimpleNamespace(atomic=loose))
        cut.setattr(
            steps, "locked", lambda transfer: Transfer.objects.select_related("person").get(pk=transfer.pk)
        )
        assert isinstance(cut_in_the_middle(waiting, now), DatabaseError)
    assert left_behind(cast.li_qiang)[0] == 1
    assert offences() != []
