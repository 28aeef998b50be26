"""Submitting, deciding, withdrawing: once, by whom it may be, and with what must be said."""

import datetime as dt
import re
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F

from portal.accounts.models import User
from portal.accounts.roles import REVIEWER
from portal.hall import desk, drafts, lifecycle, queries
from portal.hall.models import Attachment, Case, Overruling, WorkdayOverride
from portal.hall.numbers import case_number
from portal.hall.routing import Status
from portal.hall.service import Bar, Mismatch
from portal.people.models import Person
from portal.policy.book import Mode, book
from portal.registers.models import HouseholdRecord
from portal.shared.keys import KeyReused
from tests.cast import Cast, moment, staff
from tests.hall.trial import BAR, MISMATCH, Desk

pytestmark = pytest.mark.as_app


def fields(refusal: pytest.ExceptionInfo[desk.NotAccepted]) -> list[str]:
    return [finding.field for finding in refusal.value.findings]


# Submitting


def test_a_case_keeps_what_was_filed(hall: Desk) -> None:
    case = hall.file(start="2026-12")
    case.refresh_from_db()
    assert case.applicant == hall.cast.yongjiang
    assert case.filed_by == hall.cast.yongjiang_clerk
    assert case.subject == hall.cast.wang_fang
    assert case.answers == {
        "number": hall.cast.wang_fang.identity_number,
        "colour": "green",
        "start": "2026-12",
    }
    assert case.facts["summary"] == [["颜色", "green"]]
    assert case.submitted_at == hall.now
    assert case.decided_by is None


def test_a_person_whom_nobody_knows_becomes_the_subject_when_there_is_a_file(hall: Desk) -> None:
    case = hall.file(number=hall.cast.newcomer_number)
    assert case.subject is None
    Person.objects.create(
        identity_number=hall.cast.newcomer_number, name="赵磊", sex="male", birth_date=dt.date(2003, 7, 8)
    )
    hall.approve(case)
    assert Case.objects.get(subject__name="赵磊") == case


def test_the_same_key_with_the_same_answers_is_the_same_case(hall: Desk) -> None:
    key = uuid4()
    first = hall.file(Mode.DIRECT, key=key)
    assert hall.file(Mode.DIRECT, key=key) == first
    assert Case.objects.count() == HouseholdRecord.objects.count() == 1


def test_the_same_key_with_other_answers_is_refused(hall: Desk) -> None:
    key = uuid4()
    hall.file(key=key)
    with pytest.raises(KeyReused):
        hall.file(key=key, colour="red")
    with pytest.raises(KeyReused):
        hall.file(Mode.COUNTER, key=key)
    assert Case.objects.count() == 1


def test_the_same_key_by_someone_else_is_refused(hall: Desk) -> None:
    key = uuid4()
    hall.file(key=key)
    with pytest.raises(KeyReused):
        hall.file(key=key, by=hall.cast.yongjiang_second_clerk)


def test_only_the_audience_may_file(hall: Desk) -> None:
    _ = hall.cast.wang_fang_login
    for user in (hall.cast.wang_fang_login, hall.cast.ningbo_reviewer):
        with pytest.raises(desk.NotAllowed):
            hall.file(by=user)
    assert not Case.objects.exists()


def test_a_second_case_about_the_same_person_waits_for_the_first(hall: Desk) -> None:
    first = hall.file()
    with pytest.raises(desk.NotAccepted, match="已有一份同样的办件正在办理"):
        hall.file(colour="red")
    desk.withdraw(first, by=first.filed_by, now=hall.now)
    assert hall.file(colour="red").status == Status.IN_REVIEW


def test_what_the_database_refuses_is_said_beside_the_field_and_leaves_nothing(hall: Desk) -> None:
    number = hall.cast.wang_fang.identity_number
    HouseholdRecord.objects.create(identity_number=number, name="王芳", place_code="330211")
    with pytest.raises(desk.NotAccepted) as refusal:
        hall.file(Mode.DIRECT)
    assert refusal.value.findings == [Bar("number", "这个人刚刚已由别的办件登记。")]
    assert not Case.objects.exists()


def test_a_refusal_of_the_database_that_nobody_foresaw_is_a_defect(
    hall: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    HouseholdRecord.objects.create(
        identity_number=hall.cast.wang_fang.identity_number, name="王芳", place_code="330211"
    )
    monkeypatch.setattr(type(hall.services[Mode.DIRECT]), "conflicts", {})
    with pytest.raises(IntegrityError), transaction.atomic():
        hall.file(Mode.DIRECT)


def test_a_paper_that_the_facts_ask_for_must_be_there(hall: Desk) -> None:
    hall.services[Mode.REVIEW].wants = ["card"]
    with pytest.raises(desk.NotAccepted) as refusal:
        hall.file()
    assert fields(refusal) == ["paper-card"]

    draft = drafts.keep(
        user=hall.cast.yongjiang_clerk, offer=hall.offer(Mode.REVIEW), typed={}, checked=True, now=hall.now
    )
    paper = Attachment(
        draft=draft,
        paper="card",
        name="身份证.jpg",
        content_type="image/jpeg",
        size=3,
        digest="a" * 64,
        uploaded_at=hall.now,
    )
    paper.file.save("", ContentFile(b"abc"))
    case = hall.file(attachments=[paper])
    paper.refresh_from_db()
    assert (paper.case, paper.draft) == (case, None)


@pytest.mark.parametrize(
    ("filed", "due"),
    [
        ("2026-11-16 09:00", "2026-11-23"),
        # 2026-11-20 is a Friday: the weekend does not count.
        ("2026-11-20 23:59:59.999", "2026-11-27"),
        # Just past midnight in China, while it is still the day before in UTC.
        ("2026-11-21 00:00", "2026-11-27"),
    ],
)
def test_the_promise_counts_working_days_in_china(hall: Desk, filed: str, due: str) -> None:
    assert hall.file(at=moment(filed)).due_on == dt.date.fromisoformat(due)


def test_a_day_that_staff_declare_free_moves_the_promise(hall: Desk) -> None:
    day = dt.date(2026, 11, 18)
    WorkdayOverride.objects.create(city="ningbo", day=day, is_workday=False, reason="台风停工")
    assert hall.file().due_on == dt.date(2026, 11, 25)


@pytest.mark.parametrize(
    ("set_for", "due"),
    [
        ({"wuhan": False}, "2026-11-24"),
        ({"": False}, "2026-11-25"),
        ({"": False, "ningbo": True}, "2026-11-24"),
        ({"": True, "ningbo": False}, "2026-11-25"),
    ],
)
def test_a_citys_working_days_are_its_own(hall: Desk, set_for: dict[str, bool], due: str) -> None:
    for city, worked in set_for.items():
        WorkdayOverride.objects.create(city=city, day=dt.date(2026, 11, 18), is_workday=worked, reason="通知")
    assert hall.file().due_on == dt.date.fromisoformat(due)


def test_case_numbers_say_city_and_day_and_cannot_be_guessed() -> None:
    city, now = book().city("ningbo"), moment("2026-11-21 00:10")
    numbers = {case_number(city, now) for _each in range(500)}
    assert len(numbers) == 500
    form = re.compile(rf"{city.code}-20261121-[2-9A-HJKMNP-TV-Z]{{8}}")
    assert all(form.fullmatch(number) for number in numbers)


# Deciding


def test_approval_takes_effect_and_names_who_decided(hall: Desk) -> None:
    case = hall.approve(hall.file())
    case.refresh_from_db()
    assert case.status == Status.DONE
    assert (case.decided_by, case.decided_at) == (hall.cast.ningbo_reviewer, hall.now)
    assert case.outcome == {"lines": [["登记", "已登记"]]}
    assert HouseholdRecord.objects.count() == 1


def test_approval_applies_the_rule_again_and_a_bar_stops_it(hall: Desk) -> None:
    case = hall.file()
    hall.says(BAR)
    for overrule in (False, True):
        with pytest.raises(desk.NotAccepted) as refusal:
            hall.approve(case, overrule=overrule, reason="已核实")
        assert fields(refusal) == ["number"]
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW
    assert not HouseholdRecord.objects.exists()


def test_a_mismatch_is_overruled_by_two_with_a_reason(hall: Desk) -> None:
    hall.says(MISMATCH)
    case = hall.file(Mode.MATCH)
    first, second = hall.cast.ningbo_reviewer, hall.cast.ningbo_second_reviewer
    with pytest.raises(desk.NotAccepted) as refusal:
        hall.approve(case, reason="已核实户口簿")
    assert refusal.value.findings == [MISMATCH]
    with pytest.raises(desk.NotAccepted, match="须先由一名审核人员写明依据提出"):
        hall.approve(case, overrule=True)
    with pytest.raises(desk.NotAccepted) as refusal:
        desk.propose_overruling(case, reason="  ", by=first, now=hall.now)
    assert fields(refusal) == ["reason"]
    proposed = desk.propose_overruling(case, reason="已核实户口簿", by=first, now=hall.now)
    assert desk.propose_overruling(case, reason="已核实户口簿", by=first, now=hall.now) == proposed
    with pytest.raises(desk.NotAccepted, match="另一名审核人员已经提出"):
        desk.propose_overruling(case, reason="我也核实", by=second, now=hall.now)
    with pytest.raises(desk.NotAllowed, match="另一名审核人员确认"):
        desk.decide(case, approve=True, by=first, now=hall.now, overrule=True)
    with pytest.raises(desk.NotAllowed):
        desk.decide(case, approve=True, by=hall.cast.wuhan_reviewer, now=hall.now, overrule=True)
    case.refresh_from_db()
    assert case.status == Status.PRE_APPLIED
    done = desk.decide(case, approve=True, by=second, now=hall.now, overrule=True)
    assert (done.status, done.decided_by) == (Status.DONE, second)
    last = case.events.last()
    assert last is not None
    assert last.note == "已核实户口簿"
    proposed.refresh_from_db()
    assert (proposed.status, proposed.ended_by) == ("confirmed", second)


def test_a_proposal_is_of_just_what_was_seen(hall: Desk) -> None:
    hall.says(MISMATCH)
    case = hall.file(Mode.MATCH)
    first, second = hall.cast.ningbo_reviewer, hall.cast.ningbo_second_reviewer
    proposed = desk.propose_overruling(case, reason="已核实", by=first, now=hall.now)
    hall.says(MISMATCH, Mismatch("number", "又一处不一致"))
    with pytest.raises(desk.NotAccepted, match="与提出时不同"):
        desk.decide(case, approve=True, by=second, now=hall.now, overrule=True)
    with pytest.raises(desk.NotAccepted, match="不同意的原因"):
        desk.decline_overruling(proposed, why=" ", by=second, now=hall.now)
    desk.decline_overruling(proposed, why="情况有变", by=second, now=hall.now)
    desk.decline_overruling(proposed, why="情况有变", by=second, now=hall.now)
    again = desk.propose_overruling(case, reason="都已核实", by=second, now=hall.now)
    assert desk.decide(case, approve=True, by=first, now=hall.now, overrule=True).status == Status.DONE
    again.refresh_from_db()
    assert again.status == "confirmed"


def test_the_database_wants_a_second_person_for_an_overruling(hall: Desk) -> None:
    hall.says(MISMATCH)
    case = hall.file(Mode.MATCH)
    one = desk.propose_overruling(case, reason="已核实", by=hall.cast.ningbo_reviewer, now=hall.now)
    same = Overruling.objects.filter(pk=one.pk)
    for broken in (
        lambda: same.update(status="confirmed", ended_by=one.proposed_by, ended_at=hall.now),
        lambda: same.update(reason="别的"),
        lambda: same.delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            broken()


def test_a_refusal_needs_a_reason_and_has_no_effect(hall: Desk) -> None:
    case = hall.file()
    with pytest.raises(desk.NotAccepted) as refusal:
        hall.refuse(case, reason=" \n")
    assert fields(refusal) == ["reason"]
    assert hall.refuse(case, reason="合同缺页").status == Status.REFUSED
    case.refresh_from_db()
    assert case.reason == "合同缺页"
    assert not HouseholdRecord.objects.exists()


def test_a_bar_does_not_keep_staff_from_refusing(hall: Desk) -> None:
    case = hall.file()
    hall.says(BAR)
    assert hall.refuse(case).status == Status.REFUSED


DECISIONS = {
    "approve": lambda hall, case, by: hall.approve(case, by),
    "refuse": lambda hall, case, by: hall.refuse(case, by),
    "withdraw": lambda hall, case, by: desk.withdraw(case, by=hall.cast.yongjiang_clerk, now=hall.now),
}


@pytest.mark.parametrize("again", DECISIONS)
@pytest.mark.parametrize("first", ["approve", "refuse"])
def test_what_is_decided_is_decided(hall: Desk, first: str, again: str) -> None:
    case = hall.file()
    DECISIONS[first](hall, case, hall.cast.ningbo_reviewer)
    with pytest.raises(lifecycle.AlreadyMoved):
        DECISIONS[again](hall, case, hall.cast.ningbo_second_reviewer)
    assert case.events.count() == 3


def test_whoever_filed_a_case_does_not_decide_it(hall: Desk) -> None:
    case = hall.file()
    with pytest.raises(desk.NotAllowed):
        hall.approve(case, case.filed_by)
    # Even if such a case came to be, by an account that changed its kind, code and database refuse.
    Case.objects.filter(pk=case.pk).update(filed_by=hall.cast.ningbo_reviewer)
    with pytest.raises(desk.NotAllowed, match="由您本人提交"):
        hall.approve(case)
    with pytest.raises(IntegrityError, match="case_decided_by_another"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(decided_by=F("filed_by"))


def test_whoever_it_is_about_does_not_decide_it(hall: Desk) -> None:
    subject = staff("ningbo-9", "王芳", "ningbo", REVIEWER, of=hall.cast.wang_fang)
    case = hall.file()
    for decision in (hall.approve, hall.refuse):
        with pytest.raises(desk.NotAllowed, match="办理对象"):
            decision(case, subject)
    # By the number too, where the case was filed before there was a file.
    Case.objects.filter(pk=case.pk).update(subject=None)
    with pytest.raises(desk.NotAllowed, match="办理对象"):
        hall.approve(case, subject)
    assert hall.approve(case).status == Status.DONE


@pytest.mark.parametrize(
    "who", ["wuhan_reviewer", "ningbo_staff_without_role", "yongjiang_second_clerk", "zhang_min_login"]
)
def test_only_reviewers_of_the_city_decide(hall: Desk, who: str) -> None:
    case = hall.file()
    for decision in (hall.approve, hall.refuse):
        with pytest.raises(desk.NotAllowed):
            decision(case, getattr(hall.cast, who))
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW


@pytest.mark.parametrize("who", ["ningbo_second_reviewer", "every_city_reviewer", "superuser"])
def test_every_reviewer_of_the_city_may_decide(hall: Desk, who: str) -> None:
    assert hall.approve(hall.file(), getattr(hall.cast, who)).status == Status.DONE


def test_someone_who_left_the_agency_decides_nothing(hall: Desk) -> None:
    case = hall.file()
    User.objects.filter(pk=hall.cast.ningbo_reviewer.pk).update(is_active=False)
    with pytest.raises(desk.NotAllowed):
        hall.approve(case, User.objects.get(pk=hall.cast.ningbo_reviewer.pk))


# Withdrawing


@pytest.mark.parametrize("who", ["yongjiang_clerk", "yongjiang_second_clerk"])
def test_any_clerk_of_the_employer_may_withdraw_and_twice_is_once(hall: Desk, who: str) -> None:
    case = hall.file()
    for _again in range(2):
        assert desk.withdraw(case, by=getattr(hall.cast, who), now=hall.now).status == Status.VOIDED
    assert [event.to_status for event in case.events.all()] == ["submitted", "in_review", "voided"]


@pytest.mark.parametrize(
    "who", ["zhaobao_clerk", "wang_fang_login", "zhang_min_login", "ningbo_reviewer", "superuser"]
)
@pytest.mark.parametrize("state", ["open", "voided", "done"])
def test_nobody_else_withdraws_whatever_the_state(hall: Desk, who: str, state: str) -> None:
    case = hall.file()
    if state == "voided":
        desk.withdraw(case, by=case.filed_by, now=hall.now)
    elif state == "done":
        hall.approve(case)
    events = case.events.count()
    with pytest.raises(desk.NotAllowed):
        desk.withdraw(case, by=getattr(hall.cast, who), now=hall.now)
    assert case.events.count() == events


# The queue


def test_the_queue_puts_first_what_is_due_first(hall: Desk, cast: Cast) -> None:
    people = [cast.wang_fang, cast.li_qiang, cast.chen_jing, cast.liu_yang]
    filed = ["2026-11-17 09:00", "2026-11-10 15:00", "2026-11-10 08:00", "2026-11-16 10:00"]
    cases = [
        hall.file(number=who.identity_number, at=moment(at)) for who, at in zip(people, filed, strict=True)
    ]
    away = hall.file(number=cast.zhang_min.identity_number, by=cast.donghu_clerk, city="wuhan")
    assert list(queries.queue(cast.ningbo_reviewer)) == [cases[2], cases[1], cases[3], cases[0]]
    assert list(queries.queue(cast.wuhan_reviewer)) == [away]
    assert away in queries.queue(cast.every_city_reviewer)
    assert not queries.queue(cast.yongjiang_clerk)
    assert queries.overdue(cast.ningbo_reviewer, dt.date(2026, 11, 20)) == 2


def test_the_next_case_is_the_one_behind_then_the_first(hall: Desk, cast: Cast) -> None:
    people = [cast.wang_fang, cast.li_qiang, cast.chen_jing]
    filed = ["2026-11-16 09:00", "2026-11-16 09:30", "2026-11-17 09:00"]
    cases = [
        hall.file(number=who.identity_number, at=moment(at)) for who, at in zip(people, filed, strict=True)
    ]
    assert queries.next_after(cast.ningbo_reviewer, cases[0]) == cases[1]
    assert queries.next_after(cast.ningbo_reviewer, cases[2]) == cases[0]
    about_herself = staff("ningbo-9", "李强", "ningbo", REVIEWER, of=cast.li_qiang)
    assert queries.next_after(about_herself, cases[0]) == cases[2]
    assert list(queries.decidable(about_herself)) == [cases[0], cases[2]]
