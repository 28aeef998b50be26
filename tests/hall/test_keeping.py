"""A pre-application that nobody brings to the window: told before, ended after, filed again."""

import datetime as dt
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from portal.accounts.models import Notice, User
from portal.hall import desk, keeping, lifecycle, tasks
from portal.hall.models import Case, WindowCheck
from portal.hall.routing import Status
from portal.policy.book import Mode
from portal.shared.months import today_in_china
from portal.watch.models import Failure
from tests.conftest import Clock, Kept
from tests.hall.trial import Desk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def case(hall: Desk) -> Case:
    return hall.file(Mode.COUNTER)


def days(hall: Desk, number: int) -> dt.datetime:
    return hall.now + dt.timedelta(days=number)


def end(now: dt.datetime) -> int:
    return keeping.end_unclaimed(by=User.objects.system(), now=now)


def test_it_is_kept_for_the_citys_days(hall: Desk, case: Case) -> None:
    assert case.keep_until == today_in_china(hall.now) + dt.timedelta(days=30)
    assert hall.file(Mode.REVIEW, number=hall.cast.zhang_min.identity_number).keep_until is None


def test_it_is_told_seven_days_before_once(hall: Desk, case: Case) -> None:
    keeping.tell_ending(now=days(hall, 22))
    assert not Notice.objects.exists()
    for _ in range(2):
        keeping.tell_ending(now=days(hall, 23))
    told = Notice.objects.get()
    assert (told.kind, told.user, told.reference) == ("case-ending", case.filed_by, case.number)


def test_it_ends_after_the_last_day_and_can_be_filed_again(hall: Desk, case: Case) -> None:
    assert end(days(hall, 30)) == 0
    assert end(days(hall, 31)) == 1
    case.refresh_from_db()
    assert case.status == Status.VOIDED
    assert "没有在保留期限内" in case.reason
    assert Notice.objects.get(kind="case-ended").user == case.filed_by
    assert end(days(hall, 31)) == 0
    assert case.events.count() == 3
    assert hall.file(Mode.COUNTER).status == Status.PRE_APPLIED


def test_the_tasks_do_it(hall: Desk, case: Case, clock: Clock) -> None:
    clock.now = days(hall, 24)
    tasks.tell_ending_pre_applications()
    clock.now = days(hall, 31)
    tasks.end_unclaimed_pre_applications()
    assert set(Notice.objects.values_list("kind", flat=True)) == {"case-ending", "case-ended"}
    case.refresh_from_db()
    assert case.decided_at == clock.now


def test_what_is_decided_withdrawn_or_kept_for_good_does_not_end(hall: Desk, case: Case) -> None:
    desk.withdraw(case, by=case.filed_by, now=hall.now)
    other = hall.file(Mode.COUNTER)
    Case.objects.filter(pk=other.pk).update(keep_until=None)
    keeping.tell_ending(now=days(hall, 25))
    assert end(days(hall, 100)) == 0
    assert not Notice.objects.exists()


def test_what_waits_for_a_second_reviewer_does_not_end(
    hall: Desk, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(hall.services[Mode.COUNTER]), "by_two", True)
    desk.propose_overruling(case, reason="已核对", by=hall.cast.ningbo_reviewer, now=hall.now)
    assert end(days(hall, 31)) == 0


def test_one_city_that_fails_does_not_stop_the_others(
    hall: Desk, case: Case, monkeypatch: pytest.MonkeyPatch, kept: Kept
) -> None:
    other = hall.file(
        Mode.COUNTER, city="wuhan", by=hall.cast.donghu_clerk, number=hall.cast.zhang_min.identity_number
    )
    void = lifecycle.void

    def breaks(cases: list[Case], **more: object) -> None:
        void(cases, **more)  # type: ignore[arg-type]
        if cases[0].city == "ningbo":
            raise RuntimeError("killed")

    monkeypatch.setattr(lifecycle, "void", breaks)
    assert end(days(hall, 31)) == 1
    assert Failure.objects.get(resolved_at=None).city == "ningbo"
    assert len(kept) == 1
    case.refresh_from_db()
    other.refresh_from_db()
    # Nothing of the one that failed is half done.
    assert (case.status, other.status) == (Status.PRE_APPLIED, Status.VOIDED)
    assert not case.events.filter(to_status=Status.VOIDED).exists()
    monkeypatch.undo()


@pytest.mark.parametrize("number", [1, 40])
def test_the_statements_do_not_grow_with_the_cases(
    hall: Desk, number: int, django_assert_max_num_queries: object
) -> None:
    filed = hall.file(Mode.COUNTER)
    for place in range(1, number):
        copy = Case.objects.get(pk=filed.pk)
        copy.pk, copy.number, copy.subject_identity_number = None, f"330200-20261117-{place:08d}", ""
        copy.key, copy.status = uuid4(), Status.SUBMITTED
        copy.save()
        Case.objects.filter(pk=copy.pk).update(status=Status.PRE_APPLIED)
    system = User.objects.system()
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        assert keeping.end_unclaimed(by=system, now=days(hall, 31)) == number


def test_a_visit_is_never_changed(hall: Desk, case: Case) -> None:
    visit = WindowCheck.objects.create(
        case=case, at=hall.now, by=hall.cast.ningbo_reviewer, conclusion="lacking", words="照片"
    )
    for change in ({"words": "没有"}, {"conclusion": "accepted"}):
        with pytest.raises(Exception, match=r"window_checks_are_kept|Cannot"), transaction.atomic():
            WindowCheck.objects.filter(pk=visit.pk).update(**change)
    with pytest.raises(IntegrityError, match="window_told_what_or_why"), transaction.atomic():
        WindowCheck.objects.create(
            case=case, at=hall.now, by=hall.cast.ningbo_reviewer, conclusion="declined", words=""
        )
    with pytest.raises(IntegrityError, match="window_agent_is_named"), transaction.atomic():
        WindowCheck.objects.create(
            case=case, at=hall.now, by=hall.cast.ningbo_reviewer, conclusion="accepted", agent_name="李强"
        )
