"""退回补正: a case goes back for what was marked, keeps its number and day of filing, and comes
back to staff; or ends by itself."""

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from enrollment.models import Coverage
from portal.accounts.models import Notice, User
from portal.hall import amending, desk, lifecycle, queries
from portal.hall.models import Amendment, AmendmentStatus, Attachment, Case
from portal.hall.routing import Status
from portal.hall.service import Mismatch
from portal.policy.book import Mode
from portal.shared.months import today_in_china
from tests.cast import Cast, moment
from tests.conftest import Clock
from tests.enrollment.test_employer_add_staff import typed
from tests.filing import file
from tests.hall.trial import BAR, Desk
from tests.web.test_uploads import picture, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

WHY = "证件是红色的，请更正。"


@pytest.fixture
def case(hall: Desk) -> Case:
    return hall.file(Mode.REVIEW)


@pytest.fixture
def amendment(hall: Desk, case: Case) -> Amendment:
    return send_back(hall, case)


def send_back(hall: Desk, case: Case, **changes: object) -> Amendment:
    asked: dict[str, object] = {
        "fields": {"colour": WHY},
        "papers": {},
        "by": hall.cast.ningbo_reviewer,
        "now": hall.now,
        **changes,
    }
    return amending.send_back(case, **asked)  # type: ignore[arg-type]


def answer(
    hall: Desk, amendment: Amendment, by: User | None = None, *, days: int = 1, **more: object
) -> Case:
    given: dict[str, object] = {"answers": {"colour": "red"}, **more}
    by, at = by or hall.cast.yongjiang_clerk, hall.now + dt.timedelta(days=days)
    return amending.answer(amendment, by=by, now=at, **given)  # type: ignore[arg-type]


def kinds() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("kind", flat=True))


# There and back


def test_it_goes_back_and_comes_again_with_its_number_and_day(hall: Desk, case: Case) -> None:
    number, filed_at = case.number, case.submitted_at
    amendment = send_back(hall, case)
    case.refresh_from_db()
    assert (case.status, case.due_on) == (Status.RETURNED, None)
    assert amendment.until == today_in_china(hall.now) + dt.timedelta(days=15)
    told = Notice.objects.get()
    assert (told.kind, told.user) == ("case-sent-back", case.filed_by)
    assert "2026年12月2日前" in told.text
    assert case not in queries.queue(hall.cast.ningbo_reviewer)
    assert case in queries.waiting_of(hall.cast.yongjiang_clerk)

    answer(hall, amendment, hall.cast.yongjiang_second_clerk)
    case.refresh_from_db()
    amendment.refresh_from_db()
    assert (case.status, case.number, case.submitted_at) == (Status.IN_REVIEW, number, filed_at)
    assert case.answers["colour"] == "red"
    assert amendment.status == AmendmentStatus.ANSWERED
    assert amendment.differences == [("颜色", "green", "red")]
    assert case in queries.queue(hall.cast.ningbo_reviewer)
    assert hall.approve(case).status == Status.DONE


def test_the_promise_stands_still_meanwhile(hall: Desk, case: Case) -> None:
    """Filed on Tuesday 17 November for five working days: the 24th. Back on Thursday the 19th with
    three days left; amended on Monday the 30th, they end on Thursday 3 December."""
    assert case.due_on == dt.date(2026, 11, 24)
    amendment = send_back(hall, case, now=moment("2026-11-19 10:00"))
    assert amendment.days_left == 3
    amending.answer(
        amendment,
        answers={"colour": "red"},
        by=hall.cast.yongjiang_clerk,
        now=moment("2026-11-30 10:00"),
    )
    case.refresh_from_db()
    assert case.due_on == dt.date(2026, 12, 3)


def test_only_what_was_marked_changes(hall: Desk, amendment: Amendment) -> None:
    case = answer(hall, amendment, answers={"colour": "red", "start": "2026-01"})
    assert (case.answers["colour"], case.answers.get("start")) == ("red", None)


def test_it_can_go_back_again(hall: Desk, case: Case, amendment: Amendment) -> None:
    answer(hall, amendment)
    again = send_back(hall, case, fields={"start": "请写月份。"}, now=hall.now + dt.timedelta(days=2))
    answer(hall, again, days=3, answers={"start": "2026-11"})
    case.refresh_from_db()
    assert case.answers["start"] == "2026-11"
    assert [event.to_status for event in case.events.all()] == [
        "submitted",
        "in_review",
        "returned",
        "in_review",
        "returned",
        "in_review",
    ]


def test_a_case_of_november_mended_in_december_counts_from_november(cast: Cast) -> None:
    """Filed on 30 November, when October can still be chosen; mended on 2 December."""
    filed = moment("2026-11-30 16:00")
    case = file(cast.yongjiang_clerk, "ningbo", "employer-add-staff", typed(cast.newcomer_number), filed)
    amendment = amending.send_back(
        case,
        fields={"name": "与身份证不一致，请更正。"},
        papers={},
        by=cast.ningbo_reviewer,
        now=moment("2026-12-01 10:00"),
    )
    form = amending.form_of(amendment)
    assert (
        "identity_number" not in amending.amendable(Case(**{**_values(case), "status": "in_review"})).fields
    )
    assert form.initial["name"] == "赵磊"
    amending.answer(
        amendment, answers={"name": "赵蕾"}, by=cast.yongjiang_clerk, now=moment("2026-12-02 10:00")
    )
    # What a reviewer's page showed before the answer came is not approved.
    with pytest.raises(desk.NotAccepted, match="刚刚更正"):
        desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=moment("2026-12-03 10:00"))
    case.refresh_from_db()
    desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=moment("2026-12-03 10:00"))
    opened = Coverage.objects.filter(person__identity_number=cast.newcomer_number)
    assert {(one.insurance, str(one.start)) for one in opened} == {
        ("pension", "2026-10"),
        ("unemployment", "2026-11"),
        ("work_injury", "2026-11"),
    }
    assert {one.person.name for one in opened} == {"赵蕾"}


def _values(case: Case) -> dict[str, object]:
    return {field.attname: getattr(case, field.attname) for field in Case._meta.concrete_fields}


# What is refused


def test_nothing_marked_is_refused(hall: Desk, case: Case) -> None:
    for marked in ({}, {"colour": "  "}, {"wage": "不是这个表的"}):
        with pytest.raises(desk.NotAccepted):
            send_back(hall, case, fields=marked)
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW


@pytest.mark.parametrize("who", ["wuhan_reviewer", "yongjiang_clerk"])
def test_only_the_citys_reviewers_send_back(hall: Desk, case: Case, who: str) -> None:
    with pytest.raises(desk.NotAllowed):
        send_back(hall, case, by=getattr(hall.cast, who))


def test_a_pre_application_does_not_go_back(hall: Desk) -> None:
    case = hall.file(Mode.COUNTER)
    with pytest.raises(desk.NotAccepted, match="不能退回补正"):
        send_back(hall, case)


@pytest.mark.parametrize("who", ["zhaobao_clerk", "wang_fang_login", "ningbo_reviewer"])
def test_only_the_applicant_answers(hall: Desk, amendment: Amendment, who: str) -> None:
    with pytest.raises(desk.NotAllowed):
        answer(hall, amendment, getattr(hall.cast, who))


def test_the_rule_is_applied_again(hall: Desk, amendment: Amendment) -> None:
    hall.says(BAR)
    with pytest.raises(desk.NotAccepted, match="已经参保"):
        answer(hall, amendment)
    assert Amendment.objects.get().status == AmendmentStatus.ASKED
    hall.says(Mismatch("colour", "颜色与登记不一致。"))
    assert answer(hall, amendment).mismatches == [{"field": "colour", "why": "颜色与登记不一致。"}]


def test_nothing_changed_wants_a_word(hall: Desk, amendment: Amendment) -> None:
    with pytest.raises(desk.NotAccepted, match="没有改动"):
        answer(hall, amendment, answers={"colour": "green"})
    answer(hall, amendment, answers={"colour": "green"}, reply="证件是绿色的。")
    assert Amendment.objects.get().reply == "证件是绿色的。"


def test_a_returned_case_is_not_decided(hall: Desk, case: Case, amendment: Amendment) -> None:
    with pytest.raises(lifecycle.AlreadyMoved):
        hall.approve(case)
    with pytest.raises(lifecycle.AlreadyMoved):
        hall.refuse(case)
    with pytest.raises(lifecycle.AlreadyMoved):
        send_back(hall, case)


def test_another_application_about_the_same_person_waits(hall: Desk, amendment: Amendment) -> None:
    with pytest.raises(desk.NotAccepted, match="正在办理"):
        hall.file(Mode.REVIEW, by=hall.cast.yongjiang_second_clerk)


# Twice, too late, taken back


def test_a_second_answer_changes_nothing(hall: Desk, case: Case, amendment: Amendment) -> None:
    answer(hall, amendment)
    with pytest.raises(lifecycle.AlreadyMoved):
        answer(hall, amendment, answers={"colour": "green"}, reply="又改了")
    case.refresh_from_db()
    assert case.answers["colour"] == "red"


def test_it_is_taken_back(hall: Desk, case: Case, amendment: Amendment) -> None:
    with pytest.raises(desk.NotAllowed):
        amending.take_back(amendment, by=hall.cast.wuhan_reviewer, now=hall.now)
    amending.take_back(amendment, by=hall.cast.ningbo_reviewer, now=hall.now)
    case.refresh_from_db()
    assert (case.status, case.due_on) == (Status.IN_REVIEW, dt.date(2026, 11, 24))
    assert kinds() == ["case-sent-back", "case-taken-back"]
    with pytest.raises(lifecycle.AlreadyMoved):
        answer(hall, amendment)


def test_withdrawn_meanwhile_it_asks_no_more(hall: Desk, case: Case, amendment: Amendment) -> None:
    desk.withdraw(case, by=hall.cast.yongjiang_clerk, now=hall.now)
    assert Amendment.objects.get().status == AmendmentStatus.ENDED
    with pytest.raises(lifecycle.AlreadyMoved):
        answer(hall, amendment)


def test_it_is_warned_twice_and_ends_by_itself(hall: Desk, case: Case, amendment: Amendment) -> None:
    def after(days: int) -> dt.datetime:
        return hall.now + dt.timedelta(days=days)

    for day, count in ((9, 0), (10, 1), (11, 1), (14, 2), (15, 2)):
        for _ in range(2):
            amending.tell_ending(now=after(day))
        assert kinds().count("amendment-ending") == count, day
    system = User.objects.system()
    assert amending.end_unanswered(by=system, now=after(15)) == 0
    assert [amending.end_unanswered(by=system, now=after(16)) for _ in range(2)] == [1, 0]
    case.refresh_from_db()
    amendment.refresh_from_db()
    assert (case.status, amendment.status) == (Status.VOIDED, AmendmentStatus.ENDED)
    assert "没有在规定期限内补正" in case.reason
    assert kinds()[-1] == "amendment-ended"
    assert hall.file(Mode.REVIEW).status == Status.IN_REVIEW


def test_the_database_keeps_what_was_asked(hall: Desk, case: Case, amendment: Amendment) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Amendment.objects.filter(pk=amendment.pk).update(fields={"start": "别的"})
    with pytest.raises(DatabaseError), transaction.atomic():
        Amendment.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        Amendment.objects.create(
            **{
                field: getattr(amendment, field)
                for field in ("case", "fields", "papers", "until", "before", "asked_at", "asked_by")
            }
        )
    answer(hall, amendment)
    with pytest.raises(DatabaseError), transaction.atomic():
        Amendment.objects.filter(pk=amendment.pk).update(reply="后来写的")


# The pages


def test_the_applicant_amends_on_the_page(hall: Desk, case: Case, client: Client, clock: Clock) -> None:
    hall.services[Mode.REVIEW].wants = ["card"]
    Case.objects.filter(pk=case.pk).update(facts={**case.facts, "papers": ["card"]})
    case.refresh_from_db()
    old = Attachment.objects.create(
        case=case,
        paper="card",
        name="旧.jpg",
        content_type="image/jpeg",
        size=1,
        digest="0",
        uploaded_at=hall.now,
    )
    amendment = send_back(hall, case, papers={"card": "看不清，请重新拍摄。"})
    client.force_login(hall.cast.yongjiang_clerk)
    shown = client.get(f"/cases/{case.number}/").content.decode()
    assert "2026年12月2日前补正" in shown
    assert WHY in shown
    url = reverse("case-amend", args=[case.number])
    page = client.get(url).content.decode()
    assert "看不清，请重新拍摄。" in page
    assert 'name="number"' not in page

    wrong = client.post(url, {"asked": amendment.pk, "colour": "blue", "reply": "已改"})
    assert wrong.status_code == 422
    assert "请重新上传身份证" in wrong.content.decode() or "请上传身份证" in wrong.content.decode()
    assert "已改" in wrong.content.decode()

    # The picture is kept although the colour is wrong.
    sent = client.post(
        url, {"asked": amendment.pk, "colour": "blue", "paper-card": upload("新.jpg", picture())}
    )
    assert sent.status_code == 422
    done = client.post(
        url, {"asked": amendment.pk, "colour": "red", "number": "330211199001011234"}, follow=True
    )
    assert "已提交补正" in done.content.decode()
    case.refresh_from_db()
    assert case.answers == {**amendment.before["answers"], "colour": "red"}
    old.refresh_from_db()
    new = case.attachments.get(replaced_at=None)
    assert old.replaced_at is not None
    assert new.paper == "card"
    again = client.post(url, {"asked": amendment.pk, "colour": "green"}, follow=True)
    assert "现在没有需要补正的" in again.content.decode()


def test_a_page_of_an_earlier_request_is_not_taken_for_a_later(
    hall: Desk, case: Case, amendment: Amendment, client: Client
) -> None:
    answer(hall, amendment)
    later = send_back(hall, case, fields={"start": "请写月份。"})
    client.force_login(hall.cast.yongjiang_clerk)
    url = reverse("case-amend", args=[case.number])
    answered = client.post(url, {"asked": amendment.pk, "start": "2026-11"}, follow=True)
    assert "请按现在列出的补正" in answered.content.decode()
    assert Amendment.objects.get(pk=later.pk).status == AmendmentStatus.ASKED


@pytest.mark.parametrize("who", ["zhaobao_clerk", "wang_fang_login", "ningbo_reviewer"])
def test_for_others_the_page_is_not_there(
    hall: Desk, case: Case, amendment: Amendment, client: Client, who: str
) -> None:
    client.force_login(getattr(hall.cast, who))
    assert client.get(reverse("case-amend", args=[case.number])).status_code == 404


def test_staff_send_back_see_the_difference_and_take_back(hall: Desk, case: Case, client: Client) -> None:
    client.force_login(hall.cast.ningbo_reviewer)
    page = reverse("admin:hall_case_change", args=[case.pk])
    back = reverse("admin:hall_case_send_back", args=[case.pk])
    assert back in client.get(page).content.decode()
    assert "现在填的：绿色" in client.get(back).content.decode()
    assert client.post(back, {}).status_code == 422
    client.post(back, {"field-colour": WHY})
    case.refresh_from_db()
    assert case.status == Status.RETURNED
    shown = client.get(page).content.decode()
    assert "已退回申请人补正" in shown
    assert back not in shown
    answer(hall, Amendment.objects.get())
    shown = client.get(page).content.decode()
    assert "<td>green</td><td>red</td>" in shown
    client.post(back, {"field-colour": "还是不对。"})
    client.post(reverse("admin:hall_case_take_back", args=[case.pk]))
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW


def test_staff_of_another_city_find_nothing(hall: Desk, case: Case, client: Client) -> None:
    client.force_login(hall.cast.wuhan_reviewer)
    for name in ("admin:hall_case_send_back", "admin:hall_case_take_back"):
        assert client.post(reverse(name, args=[case.pk]), {"field-colour": WHY}).status_code == 404
