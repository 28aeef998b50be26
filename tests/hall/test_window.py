"""The window: who came, what was found of each paper, and the three ways in which a visit ends."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.models import Notice, PersonLookup
from portal.hall import desk, lifecycle
from portal.hall.models import Case, Conclusion, OverrulingStatus, WindowCheck
from portal.hall.numbers import ending_in
from portal.hall.routing import Status
from portal.policy.book import Mode
from tests.conftest import Clock
from tests.hall.test_workbench import as_, page
from tests.hall.trial import BAR, MISMATCH, Desk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

SEEN = {"approve-came": "self", "approve-identity": "on", "approve-paper-book": ["seen", "agrees"]}
ACCEPT = {"approve": "1", **SEEN}
LACK = {"lack": "1", "approve-came": "self"}


def accept(client: Client, case: Case, **more: object) -> str:
    return client.post(page(case), {**ACCEPT, **more}, follow=True).content.decode()


@pytest.fixture
def case(hall: Desk) -> Case:
    return hall.file(Mode.COUNTER)


@pytest.fixture
def at_window(client: Client, hall: Desk) -> Client:
    return as_(client, hall.cast.ningbo_reviewer)


def test_what_agrees_is_accepted_and_what_was_seen_is_kept(case: Case, at_window: Client) -> None:
    assert "核对材料并办结" in at_window.get(page(case)).content.decode()
    accept(at_window, case, **{"approve-paper-book": ["seen", "agrees", "copied"]})
    case.refresh_from_db()
    visit = case.window_checks.get()
    assert (case.status, visit.conclusion) == (Status.DONE, Conclusion.ACCEPTED)
    assert visit.papers == [
        {"code": "book", "title": "户口簿原件", "seen": True, "agrees": True, "copied": True}
    ]
    assert "打开《受理告知书》" in at_window.get(page(case)).content.decode()
    told = Notice.objects.get(kind="case-accepted")
    assert (told.user, "已受理并办结。受理告知书" in told.text) == (case.filed_by, True)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"approve-came": ""}, "请选择到窗口的是谁"),
        ({"approve-identity": ""}, "请核对到窗口的人的身份证件后勾选"),
        ({"approve-paper-book": []}, "请核对户口簿原件后勾选"),
        ({"approve-paper-book": ["seen"]}, "请核对户口簿原件后勾选"),
        ({"approve-paper-book": ["eaten"]}, "eaten"),
        ({"approve-came": "agent"}, "请填写代理人姓名"),
        ({"approve-came": "agent", "approve-agent_name": "李强"}, "请填写代理人身份证号码"),
        (
            {"approve-came": "agent", "approve-agent_name": "李强", "approve-agent_number": "1"},
            "这不是有效的身份证号码",
        ),
        ({"approve-key": "x"}, "UUID"),
    ],
)
def test_what_was_not_checked_is_not_accepted(
    case: Case, at_window: Client, typed: dict[str, object], why: str
) -> None:
    answer = at_window.post(page(case), {**ACCEPT, **typed})
    assert answer.status_code == 422
    if why != "UUID":
        assert why in answer.content.decode()
    case.refresh_from_db()
    assert case.status == Status.PRE_APPLIED
    assert not WindowCheck.objects.exists()


def test_an_agent_comes_with_both_cards(hall: Desk, case: Case, at_window: Client) -> None:
    agent = {
        "approve-came": "agent",
        "approve-agent_name": "李强",
        "approve-agent_number": hall.cast.li_qiang.identity_number,
    }
    accept(at_window, case, **agent)
    visit = case.window_checks.get()
    assert (visit.agent_name, visit.agent_number) == ("李强", hall.cast.li_qiang.identity_number)
    last = case.events.last()
    assert last is not None
    assert "由代理人李强代办" in last.note


def test_what_is_missing_is_told_and_the_case_stays(hall: Desk, case: Case, at_window: Client) -> None:
    answer = at_window.post(page(case), {**LACK, "approve-missing": "近期照片"}, follow=True)
    assert "打开《业务指引告知书》" in answer.content.decode()
    case.refresh_from_db()
    visit = case.window_checks.get()
    assert (case.status, visit.missing) == (Status.PRE_APPLIED, ["户口簿原件", "近期照片"])
    told = Notice.objects.get(kind="case-missing")
    assert told.user == hall.cast.yongjiang_clerk
    assert "还缺：户口簿原件；近期照片" in told.text
    seen = as_(Client(), hall.cast.yongjiang_clerk).get(reverse("case", args=[case.number]))
    assert "上次到窗口还缺：户口簿原件；近期照片" in seen.content.decode()


def test_sent_twice_it_is_told_once(case: Case, at_window: Client) -> None:
    typed = {**LACK, "approve-key": str(uuid4())}
    assert at_window.post(page(case), typed).status_code == 302
    assert at_window.post(page(case), typed).status_code == 302
    assert case.window_checks.count() == Notice.objects.filter(kind="case-missing").count() == 1


def test_a_page_sent_again_with_something_else_is_told_anew(case: Case, at_window: Client) -> None:
    typed = {**LACK, "approve-key": str(uuid4())}
    at_window.post(page(case), typed)
    at_window.post(page(case), {**typed, "approve-missing": "近期照片"})
    assert case.window_checks.count() == 2
    accept(at_window, case, **{"approve-key": typed["approve-key"]})
    assert case.window_checks.count() == 3


def test_where_nothing_is_missing_there_is_nothing_to_tell(case: Case, at_window: Client) -> None:
    answer = at_window.post(page(case), {**LACK, **SEEN})
    assert answer.status_code == 422
    assert "请写明还缺什么" in answer.content.decode()
    assert not WindowCheck.objects.exists()


def test_it_may_lack_something_twice_and_then_be_accepted(case: Case, at_window: Client) -> None:
    for _ in range(2):
        at_window.post(page(case), LACK)
    accept(at_window, case)
    case.refresh_from_db()
    assert case.status == Status.DONE
    assert [visit.conclusion for visit in case.window_checks.all()] == ["lacking", "lacking", "accepted"]


def test_what_is_declined_says_why(hall: Desk, case: Case, at_window: Client) -> None:
    hall.says(BAR)
    assert "不予受理…" in at_window.get(page(case)).content.decode()
    at_window.post(page(case), {"refuse": "1", "refuse-reason": "已经参保", "refuse-confirmed": "1"})
    case.refresh_from_db()
    visit = case.window_checks.get()
    assert (case.status, case.reason) == (Status.REFUSED, "已经参保")
    assert (visit.conclusion, visit.words) == (Conclusion.DECLINED, "已经参保")
    assert "不予受理：已经参保" in Notice.objects.get(kind="case-declined").text


def test_the_rule_is_run_again_at_the_window(hall: Desk, case: Case, at_window: Client) -> None:
    hall.says(BAR)
    assert 'name="approve"' not in at_window.get(page(case)).content.decode()
    assert BAR.why in accept(at_window, case)
    case.refresh_from_db()
    assert case.status == Status.PRE_APPLIED
    assert not WindowCheck.objects.exists()


class TestByTwo:
    """Where money or years arise, a second member of staff confirms."""

    @pytest.fixture(autouse=True)
    def money(self, hall: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(type(hall.services[Mode.COUNTER]), "by_two", True)

    def test_one_alone_only_proposes(self, hall: Desk, case: Case, at_window: Client) -> None:
        with pytest.raises(desk.NotAccepted, match="涉及费用或年限"):
            hall.approve(case)
        assert "等待另一名审核人员确认" in accept(at_window, case)
        at_window.post(page(case), {"confirm": "1"})
        case.refresh_from_db()
        assert case.status == Status.PRE_APPLIED
        assert "须第二人确认" in at_window.get(page(case)).content.decode()
        as_(at_window, hall.cast.ningbo_second_reviewer).post(page(case), {"confirm": "1"})
        case.refresh_from_db()
        assert case.status == Status.DONE
        assert case.window_checks.get().by == hall.cast.ningbo_reviewer

    def test_the_applicant_reads_that_it_waits(self, hall: Desk, case: Case, at_window: Client) -> None:
        accept(at_window, case)
        mine = as_(Client(), hall.cast.yongjiang_clerk).get(reverse("case", args=[case.number]))
        assert "正由另一名工作人员确认" in mine.content.decode()

    def test_what_the_second_declines_is_looked_at_again(
        self, hall: Desk, case: Case, at_window: Client
    ) -> None:
        accept(at_window, case)
        as_(at_window, hall.cast.ningbo_second_reviewer)
        at_window.post(page(case), {"decline": "1", "decline-why": "复印件不清"})
        case.refresh_from_db()
        assert case.status == Status.PRE_APPLIED
        assert case.overrulings.get().status == OverrulingStatus.DECLINED
        mine = as_(Client(), hall.cast.yongjiang_clerk).get(reverse("case", args=[case.number]))
        assert "正由另一名工作人员确认" not in mine.content.decode()
        accept(at_window, case)
        assert case.window_checks.count() == 2

    def test_only_the_proposal_that_was_shown_is_confirmed(
        self, hall: Desk, case: Case, at_window: Client
    ) -> None:
        """The first takes it back, and proposes anew, while the second reads the page."""
        accept(at_window, case)
        other = as_(Client(), hall.cast.ningbo_second_reviewer)
        sheet = other.get(page(case)).context["sheet"]
        press = {"confirm": "1", "of": str(sheet.overruling.pk), "shown": sheet.digest}
        at_window.post(page(case), {"decline": "1", "decline-why": "漏看一页"})
        stale = other.post(page(case), press, follow=True)
        assert (stale.status_code, "在您查看之后有变化" in stale.content.decode()) == (200, True)
        accept(at_window, case)
        for press_again in (press, {**press, "decline": "1", "decline-why": "不清"}):
            assert "在您查看之后有变化" in other.post(page(case), press_again, follow=True).content.decode()
        case.refresh_from_db()
        assert case.status == Status.PRE_APPLIED
        sheet = other.get(page(case)).context["sheet"]
        other.post(page(case), {**press, "of": str(sheet.overruling.pk), "shown": sheet.digest})
        case.refresh_from_db()
        assert case.status == Status.DONE

    def test_while_it_waits_nothing_is_told_to_be_missing(
        self, hall: Desk, case: Case, at_window: Client
    ) -> None:
        accept(at_window, case)
        visit = WindowCheck(
            case=case, at=hall.now, by=hall.cast.ningbo_reviewer, conclusion=Conclusion.LACKING, words="照片"
        )
        with pytest.raises(desk.NotAccepted, match="等待另一名"):
            desk.note_missing(visit)
        assert case.window_checks.count() == 1

    def test_a_mismatch_and_money_are_confirmed_at_once(
        self, hall: Desk, case: Case, at_window: Client
    ) -> None:
        hall.says(MISMATCH)
        accept(at_window, case, **{"approve-overrule": "on", "approve-basis": "已看户口簿"})
        as_(at_window, hall.cast.ningbo_second_reviewer).post(page(case), {"confirm": "1"})
        case.refresh_from_db()
        assert case.status == Status.DONE


@pytest.mark.parametrize("who", ["wuhan_reviewer", "yongjiang_clerk", "ningbo_staff_without_role"])
def test_another_citys_staff_and_applicants_note_nothing(
    hall: Desk, case: Case, client: Client, who: str
) -> None:
    as_(client, getattr(hall.cast, who))
    for typed in (ACCEPT, LACK):
        assert client.post(page(case), typed).status_code == 404
    assert not WindowCheck.objects.exists()


def test_what_was_withdrawn_meanwhile_takes_no_note(hall: Desk, case: Case) -> None:
    desk.withdraw(case, by=case.filed_by, now=hall.now)
    visit = WindowCheck(
        case=case, at=hall.now, by=hall.cast.ningbo_reviewer, conclusion=Conclusion.LACKING, words="照片"
    )
    with pytest.raises(lifecycle.AlreadyMoved):
        desk.note_missing(visit)
    assert not WindowCheck.objects.exists()


def test_staff_find_it_by_scan_by_its_end_and_by_number(
    hall: Desk, case: Case, at_window: Client, clock: Clock
) -> None:
    """The scanner types the address that the form's code holds."""
    queue = reverse("admin:hall_case_changelist")
    address = f"https://hall.example/admin/hall/case/by-number/{case.number}/"
    number = hall.cast.wang_fang.identity_number
    assert ending_in(case.number[-8:])
    for typed in (address, case.number[-8:].lower(), number):
        found = at_window.post(queue, {"q": typed}, follow=True)
        assert reverse("admin:hall_case_change", args=[case.pk]) in found.content.decode()
    assert PersonLookup.objects.filter(user=hall.cast.ningbo_reviewer, identity_number=number).exists()
    as_(at_window, hall.cast.wuhan_reviewer)
    for typed in (address, case.number[-8:], number):
        found = at_window.post(queue, {"q": typed}, follow=True)
        assert reverse("admin:hall_case_change", args=[case.pk]) not in found.content.decode()
