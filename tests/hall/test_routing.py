"""Mode × verdict → status, and status → status: the two tables, complete."""

import itertools
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from portal.hall import desk, lifecycle
from portal.hall.models import Case, CaseEvent
from portal.hall.routing import CASE_LIFE_CYCLE, FINAL, OPEN, PENDING, ROUTES, UNPAID, Status, Verdict
from portal.hall.service import Finding
from portal.policy.book import Mode
from portal.registers.models import HouseholdRecord
from tests.hall.trial import BAR, MISMATCH, Desk

BESIDE_THE_FIELD = None

EXPECTED = {
    (Mode.DIRECT, Verdict.CLEAR): Status.DONE,
    (Mode.DIRECT, Verdict.MISMATCH): BESIDE_THE_FIELD,
    (Mode.DIRECT, Verdict.BARRED): BESIDE_THE_FIELD,
    (Mode.MATCH, Verdict.CLEAR): Status.DONE,
    (Mode.MATCH, Verdict.MISMATCH): Status.PRE_APPLIED,
    (Mode.MATCH, Verdict.BARRED): BESIDE_THE_FIELD,
    (Mode.COUNTER, Verdict.CLEAR): Status.PRE_APPLIED,
    (Mode.COUNTER, Verdict.MISMATCH): Status.PRE_APPLIED,
    (Mode.COUNTER, Verdict.BARRED): BESIDE_THE_FIELD,
    (Mode.REVIEW, Verdict.CLEAR): Status.IN_REVIEW,
    (Mode.REVIEW, Verdict.MISMATCH): Status.IN_REVIEW,
    (Mode.REVIEW, Verdict.BARRED): BESIDE_THE_FIELD,
}

FINDINGS: dict[Verdict, list[Finding]] = {
    Verdict.CLEAR: [],
    Verdict.MISMATCH: [MISMATCH],
    Verdict.BARRED: [MISMATCH, BAR],
}


def test_every_mode_and_verdict_has_its_place() -> None:
    assert set(EXPECTED) == set(itertools.product(Mode, Verdict))
    assert {pair: status for pair, status in EXPECTED.items() if status} == ROUTES


@pytest.mark.parametrize(("mode", "verdict"), EXPECTED)
def test_an_application_goes_where_the_table_says(hall: Desk, mode: Mode, verdict: Verdict) -> None:
    hall.says(*FINDINGS[verdict])
    expected = EXPECTED[mode, verdict]
    if expected is BESIDE_THE_FIELD:
        with pytest.raises(desk.NotAccepted) as refusal:
            hall.file(mode)
        assert refusal.value.findings == FINDINGS[verdict]
        assert not Case.objects.exists()
        assert not HouseholdRecord.objects.exists()
        return
    case = hall.file(mode)
    case.refresh_from_db()
    assert case.status == expected
    assert HouseholdRecord.objects.exists() == (expected == Status.DONE)
    assert case.mismatches == (
        [{"field": "colour", "why": MISMATCH.why}] if verdict == Verdict.MISMATCH else []
    )
    assert [event.to_status for event in case.events.all()] == [Status.SUBMITTED, expected]
    assert {event.actor for event in case.events.all()} == {hall.cast.yongjiang_clerk}


def test_final_states_lead_nowhere() -> None:
    assert set(OPEN) | set(PENDING) | set(FINAL) == set(Status)
    assert all(CASE_LIFE_CYCLE.moves_from(status) == () for status in FINAL)
    assert all(CASE_LIFE_CYCLE.moves_from(status) for status in (*OPEN, *PENDING))
    assert {end for status in UNPAID for end in CASE_LIFE_CYCLE.moves_from(status)} == {
        Status.DONE,
        Status.LAPSED,
    }
    assert CASE_LIFE_CYCLE.moves_from(Status.UNDER_WAY) == (Status.DONE,)


ILLEGAL = [
    (start, end)
    for start in Status
    for end in Status
    if start != end and end not in CASE_LIFE_CYCLE.moves_from(start)
]


def in_state(hall: Desk, status: Status) -> Case:
    """A case that has come to this status by legal moves."""
    case = hall.file(Mode.COUNTER if status == Status.PRE_APPLIED else Mode.REVIEW)
    if status == Status.DONE:
        hall.approve(case)
    elif status == Status.REFUSED:
        hall.refuse(case)
    elif status == Status.VOIDED:
        desk.withdraw(case, by=case.filed_by, now=hall.now)
    elif status == Status.RETURNED:
        lifecycle.move(case, status, by=hall.cast.ningbo_reviewer, now=hall.now)
    elif status in (*PENDING, Status.LAPSED):
        waiting = Status.TO_PAY if status == Status.LAPSED else status
        lifecycle.move(case, waiting, by=hall.cast.ningbo_reviewer, now=hall.now)
        if status == Status.LAPSED:
            ends = {case.pk: (Status.LAPSED, "没有支付。")}
            assert lifecycle.move_unpaid(ends, by=hall.cast.ningbo_reviewer, now=hall.now) == 1
    elif status == Status.SUBMITTED:
        # Only for a moment inside the desk's transaction; made here as the desk makes it.
        stored = Case.objects.get(pk=case.pk)
        stored.pk, stored.status, stored.number, stored.key = (
            None,
            Status.SUBMITTED,
            f"{case.number[:-1]}0",
            uuid4(),
        )
        stored.subject_identity_number = hall.cast.li_qiang.identity_number
        stored.save()
        case = stored
    case.refresh_from_db()
    assert case.status == status
    return case


@pytest.mark.parametrize(("start", "end"), ILLEGAL)
def test_a_move_outside_the_table_is_refused_by_code_and_by_the_database(
    hall: Desk, start: Status, end: Status
) -> None:
    case = in_state(hall, start)
    events = CaseEvent.objects.count()

    with pytest.raises(lifecycle.AlreadyMoved):
        lifecycle.move(case, end, by=hall.cast.ningbo_reviewer, now=hall.now, reason="x")
    with pytest.raises(DatabaseError, match="Invalid transition"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(status=end, reason="x")

    case.refresh_from_db()
    assert case.status == start
    assert CaseEvent.objects.count() == events


def test_a_status_that_does_not_exist_is_refused(hall: Desk) -> None:
    case = hall.file()
    with pytest.raises(DatabaseError), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(status="approved")


def test_a_move_happens_once_however_stale_the_reader(hall: Desk) -> None:
    case = hall.file()
    stale = Case.objects.get(pk=case.pk)
    hall.refuse(case)
    with pytest.raises(lifecycle.AlreadyMoved):
        lifecycle.move(stale, Status.DONE, by=hall.cast.ningbo_second_reviewer, now=hall.now)
    assert stale.events.count() == 3


def test_events_are_never_changed_and_cases_never_deleted(hall: Desk) -> None:
    case = hall.file()
    event = case.events.first()
    assert event is not None
    for forbidden in (
        lambda: CaseEvent.objects.filter(pk=event.pk).update(note="别的"),
        lambda: CaseEvent.objects.filter(pk=event.pk).delete(),
        lambda: Case.objects.filter(pk=case.pk)._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match=r"Cannot [a-z ]*delete rows"), transaction.atomic():
            forbidden()
    assert case.events.count() == 2


def test_what_waits_for_money_ends_once_and_with_a_reason_where_it_lapses(hall: Desk) -> None:
    case = in_state(hall, Status.TO_PAY)
    by = hall.cast.ningbo_reviewer
    with pytest.raises(DatabaseError, match="case_lapsed_with_reason"), transaction.atomic():
        lifecycle.move_unpaid({case.pk: (Status.LAPSED, "")}, by=by, now=hall.now)
    assert lifecycle.move_unpaid({case.pk: (Status.DONE, "")}, by=by, now=hall.now) == 1
    assert lifecycle.move_unpaid({case.pk: (Status.LAPSED, "迟了。")}, by=by, now=hall.now) == 0
    case.refresh_from_db()
    assert (case.status, case.decided_at) == (Status.DONE, hall.now)


def test_a_refusal_without_a_reason_is_refused_by_the_database(hall: Desk) -> None:
    case = hall.file()
    with pytest.raises(DatabaseError, match="case_refused_with_reason"), transaction.atomic():
        lifecycle.move(case, Status.REFUSED, by=hall.cast.ningbo_reviewer, now=hall.now)
