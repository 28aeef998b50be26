"""The agency's pages: who sees which cases, in what order, and what a decision asks for."""

import datetime as dt
import re

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from enrollment.models import Coverage
from portal.accounts import proposals
from portal.accounts.models import Proposal, User
from portal.accounts.roles import REVIEWER
from portal.hall import desk
from portal.hall.models import Attachment, Case, WorkdayOverride
from portal.hall.routing import Status
from portal.hall.service import Mismatch
from portal.policy.book import Mode
from portal.registers.models import HouseholdRecord
from portal.shared.insurance import Insurance
from tests.cast import Cast, cover, moment, staff
from tests.conftest import Clock
from tests.hall.trial import BAR, MISMATCH, Desk
from tests.workbench import search

QUEUE = "/admin/hall/case/"


def page(case: Case) -> str:
    return reverse("admin:hall_case_change", args=[case.pk])


def as_(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def listed(client: Client, query: str = "") -> list[Case]:
    return list(client.get(f"{QUEUE}{query}").context["cl"].result_list)


@pytest.fixture
def four(hall: Desk, cast: Cast) -> list[Case]:
    """Four cases of Ningbo, filed in this order, due in another."""
    people = [cast.wang_fang, cast.li_qiang, cast.chen_jing, cast.liu_yang]
    modes = [Mode.REVIEW, Mode.REVIEW, Mode.COUNTER, Mode.REVIEW]
    filed = ["2026-11-17 09:00", "2026-11-09 15:00", "2026-11-10 08:00", "2026-11-16 10:00"]
    return [
        hall.file(mode, number=who.identity_number, at=moment(at))
        for who, mode, at in zip(people, modes, filed, strict=True)
    ]


# Who


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 302),
        ("zhang_min_login", 404),
        ("yongjiang_clerk", 404),
        ("ningbo_staff_without_role", 404),
        ("wuhan_reviewer", 404),
        ("wuhan_collector", 404),
        ("ningbo_reviewer", 200),
        ("every_city_reviewer", 200),
        ("superuser", 200),
    ],
)
def test_who_may_open_a_case(hall: Desk, client: Client, who: str | None, status: int) -> None:
    case = hall.file()
    if who:
        as_(client, getattr(hall.cast, who))
    answer = client.get(page(case))
    # The same person must not pass by sending the decision, either.
    decision = client.post(page(case), {"approve": "1"})
    assert answer.status_code == status
    if status == 302:
        assert answer["Location"].startswith("/admin/login/")
    if status != 200:
        assert decision.status_code == status
        case.refresh_from_db()
        assert case.status == Status.IN_REVIEW


@pytest.mark.parametrize("path", ["add/", "1/delete/", "1/history/", "999999/change/", "x/change/"])
def test_there_are_no_pages_to_add_edit_or_delete(hall: Desk, client: Client, path: str) -> None:
    hall.file()
    assert as_(client, hall.cast.superuser).get(f"{QUEUE}{path}").status_code == 404


def test_who_only_looks_sees_why_they_cannot_decide(hall: Desk, client: Client, cast: Cast) -> None:
    case = hall.file(number=cast.wang_fang.identity_number, by=cast.donghu_clerk, city="wuhan")
    as_(client, cast.wuhan_collector)
    text = client.get(page(case)).content.decode()
    assert "您没有本城市办件的审核权限。" in text
    assert 'name="approve"' not in text
    client.post(page(case), {"approve": "1"})
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW


def test_whoever_a_case_is_about_sees_why_they_cannot_decide(hall: Desk, client: Client, cast: Cast) -> None:
    case = hall.file()
    as_(client, staff("ningbo-9", "王芳", "ningbo", REVIEWER, of=cast.wang_fang))
    text = client.get(page(case)).content.decode()
    assert "您是这份办件的办理对象" in text
    assert 'name="approve"' not in text
    answer = client.post(
        page(case), {"refuse": "1", "refuse-reason": "x", "refuse-confirmed": "1"}, follow=True
    )
    assert "您是这份办件的办理对象" in answer.content.decode()
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW


# The queue


def test_the_queue_shows_first_what_is_due_first(
    hall: Desk, client: Client, clock: Clock, four: list[Case]
) -> None:
    clock.set("2026-11-17 10:00")
    as_(client, hall.cast.ningbo_reviewer)
    assert listed(client) == [four[1], four[2], four[3], four[0]]
    text = client.get(QUEUE).content.decode()
    assert (
        text.index("已超期 1 天") < text.index("今天到期") < text.index("还剩 6 天") < text.index("还剩 7 天")
    )
    assert hall.cast.wang_fang.identity_number not in text


def test_staff_of_a_city_see_only_its_cases(hall: Desk, client: Client, four: list[Case]) -> None:
    away = hall.file(number=hall.cast.zhang_min.identity_number, by=hall.cast.donghu_clerk, city="wuhan")
    assert listed(as_(client, hall.cast.wuhan_reviewer)) == [away]
    assert away not in listed(as_(client, hall.cast.ningbo_reviewer))
    every = as_(client, hall.cast.every_city_reviewer)
    assert set(listed(every)) == {*four, away}
    assert listed(every, "?city=wuhan") == [away]


def test_filters(hall: Desk, client: Client, clock: Clock, four: list[Case]) -> None:
    refused = hall.refuse(four[0])
    as_(client, hall.cast.ningbo_reviewer)
    assert refused not in listed(client)
    assert listed(client, "?state=refused") == [refused]
    assert set(listed(client, "?state=all")) == set(four)
    assert listed(client, "?state=pre_applied") == [four[2]]
    assert listed(client, "?service=trial-counter") == [four[2]]
    assert listed(client, "?due=late") == [four[1]]
    assert listed(client, "?due=today") == [four[2]]
    assert listed(client, "?mine=done") == [refused]
    assert listed(as_(client, hall.cast.ningbo_second_reviewer), "?mine=done") == []


def test_what_i_may_not_decide_is_not_mine_to_do(hall: Desk, client: Client, four: list[Case]) -> None:
    as_(client, staff("ningbo-9", "李强", "ningbo", REVIEWER, of=hall.cast.li_qiang))
    assert four[1] in listed(client)
    assert listed(client, "?mine=todo") == [four[2], four[3], four[0]]


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("{number}", True),
        ("王芳", True),
        ("甬江", True),
        ("{identity}", True),
        ("{spaced}", True),
        ("{credit}", True),
        ("{part}", False),
        ("3302", False),
        ("招宝", False),
    ],
)
def test_search_is_by_name_or_by_a_number_in_full(
    hall: Desk, client: Client, four: list[Case], term: str, found: bool
) -> None:
    identity = hall.cast.wang_fang.identity_number
    typed = term.format(
        number=four[0].number.lower(),
        identity=identity,
        spaced=f" {identity[:6]} {identity[6:14]} {identity[14:]} ",
        credit=hall.cast.yongjiang.credit_code,
        part=identity[:12],
    )
    as_(client, hall.cast.ningbo_reviewer)
    result = search(client, QUEUE, typed).context["cl"].result_list
    assert (four[0] in result) == found


def test_the_first_page_counts_what_waits_for_me(
    hall: Desk, client: Client, clock: Clock, four: list[Case]
) -> None:
    answer = as_(client, hall.cast.ningbo_reviewer).get("/admin/")
    assert [(label, number) for label, number, _link, _pressing in answer.context["counts"]] == [
        ("待办理", 4),
        ("已超期", 1),
        ("今天到期", 1),
    ]
    assert [(title, number) for _city, title, number, _link in answer.context["by_service"]] == [
        ("试办事项", 3),
        ("试办事项", 1),
    ]
    assert [case for case, _words, _pressing in answer.context["first_cases"]] == [
        four[1],
        four[2],
        four[3],
        four[0],
    ]
    assert as_(client, hall.cast.ningbo_staff_without_role).get("/admin/").status_code == 200


@pytest.mark.parametrize("path", [QUEUE, "/admin/"])
def test_more_cases_take_no_more_queries(hall: Desk, client: Client, clock: Clock, path: str) -> None:
    as_(client, hall.cast.ningbo_reviewer)
    hall.file()
    client.get(path)
    with CaptureQueriesContext(connection) as one:
        client.get(path)
    for who in (hall.cast.li_qiang, hall.cast.chen_jing, hall.cast.liu_yang):
        hall.file(number=who.identity_number)
    with CaptureQueriesContext(connection) as four:
        client.get(path)
    assert len(four) == len(one)


# The case, and its decision


def test_the_case_shows_what_was_filed_and_the_facts_as_they_are_now(hall: Desk, client: Client) -> None:
    case = hall.file(start="2026-12")
    HouseholdRecord.objects.create(
        identity_number=hall.cast.li_qiang.identity_number, name="李强", place_code="420106"
    )
    hall.says(BAR, MISMATCH)
    text = as_(client, hall.cast.ningbo_reviewer).get(page(case)).content.decode()
    assert "证件颜色" in text
    assert "绿色" in text
    assert "2026年12月" in text
    assert "登记数" in text
    assert BAR.why in text
    assert MISMATCH.why in text
    assert 'name="approve"' not in text
    assert 'name="refuse"' in text


def test_approving_takes_effect_and_opens_the_next_case(hall: Desk, client: Client, four: list[Case]) -> None:
    as_(client, hall.cast.ningbo_reviewer)
    answer = client.post(page(four[1]), {"approve": "1"}, follow=True)
    assert answer.redirect_chain == [(page(four[2]), 302)]
    assert "已办结" in str(next(iter(answer.context["messages"])))
    four[1].refresh_from_db()
    assert (four[1].status, four[1].decided_by) == (Status.DONE, hall.cast.ningbo_reviewer)


def test_the_last_decision_leads_back_to_the_queue(hall: Desk, client: Client) -> None:
    case = hall.file()
    answer = as_(client, hall.cast.ningbo_reviewer).post(page(case), {"approve": "1"})
    assert answer["Location"] == QUEUE


def test_refusing_asks_for_a_reason_then_for_a_confirmation(hall: Desk, client: Client) -> None:
    case = hall.file()
    as_(client, hall.cast.ningbo_reviewer)

    without = client.post(page(case), {"refuse": "1", "refuse-reason": "  "})
    assert without.status_code == 422
    assert "请写明不予通过的理由" in without.content.decode()

    typed = "劳动合同缺第 <2> 页"
    asked = client.post(page(case), {"refuse": "1", "refuse-reason": typed})
    assert "确认不予通过这份办件" in asked.content.decode()
    assert "劳动合同缺第 &lt;2&gt; 页" in asked.content.decode()
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW

    revised = client.post(page(case), {"revise": "1", "refuse-reason": typed})
    assert "劳动合同缺第 &lt;2&gt; 页</textarea>" in revised.content.decode()

    client.post(page(case), {"refuse-reason": typed, "refuse-confirmed": "1"})
    case.refresh_from_db()
    assert (case.status, case.reason) == (Status.REFUSED, typed)


def test_what_changed_under_the_reviewer_is_looked_at_before_it_is_approved(
    hall: Desk, client: Client
) -> None:
    hall.says(MISMATCH)
    case = hall.file()
    as_(client, hall.cast.ningbo_reviewer)
    typed = {"approve": "1", "approve-overrule": "on", "approve-basis": "已看户口簿"}
    seen = client.get(page(case)).context["sheet"].digest
    hall.says(MISMATCH, Mismatch("number", "姓名与登记不一致。"))
    fresh = client.post(page(case), {**typed, "shown": seen})
    assert fresh.status_code == 422
    assert "在您查看之后有变化" in fresh.content.decode()
    assert "姓名与登记不一致" in fresh.content.decode()
    assert "已看户口簿</textarea>" in fresh.content.decode()
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW
    shown = re.search(r'name="shown" value="(\w+)"', fresh.content.decode())
    assert shown
    client.post(page(case), {**typed, "shown": shown[1]})
    as_(client, hall.cast.ningbo_second_reviewer)
    client.post(page(case), {"confirm": "1"})
    case.refresh_from_db()
    assert case.status == Status.DONE


def test_overruling_a_mismatch_asks_for_its_basis_and_keeps_what_was_typed(
    hall: Desk, client: Client
) -> None:
    hall.says(MISMATCH)
    case = hall.file()
    as_(client, hall.cast.ningbo_reviewer)
    unticked = client.post(page(case), {"approve": "1", "approve-basis": "已看户口簿"})
    assert unticked.status_code == 422
    assert "须勾选确认后才能办理" in unticked.content.decode()
    assert "已看户口簿</textarea>" in unticked.content.decode()
    unsaid = client.post(page(case), {"approve": "1", "approve-overrule": "on"})
    assert "请写明依据" in unsaid.content.decode()
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW
    client.post(page(case), {"approve": "1", "approve-overrule": "on", "approve-basis": "已看户口簿"})
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW
    mine = client.get(page(case)).content.decode()
    assert "须由另一名审核人员确认后办结" in mine
    assert 'name="confirm"' not in mine
    client.post(page(case), {"confirm": "1"})
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW
    as_(client, hall.cast.ningbo_second_reviewer)
    asked = client.get(page(case)).content.decode()
    assert "提出：与登记不一致仍予办理" in asked
    assert "已看户口簿" in asked
    assert client.post(page(case), {"decline": "1"}).status_code == 422
    client.post(page(case), {"confirm": "1"})
    case.refresh_from_db()
    assert (case.status, case.reason) == (Status.DONE, "已看户口簿")
    assert "已看户口簿" in client.get(page(case)).content.decode()


def test_at_the_counter_the_originals_are_checked_first(hall: Desk, client: Client) -> None:
    case = hall.file(Mode.COUNTER)
    as_(client, hall.cast.ningbo_reviewer)
    assert "核对材料并办结" in client.get(page(case)).content.decode()
    came = {"approve": "1", "approve-came": "self", "approve-identity": "on"}
    unseen = client.post(page(case), came)
    assert unseen.status_code == 422
    assert "请核对户口簿原件后勾选" in unseen.content.decode()
    client.post(page(case), {**came, "approve-paper-book": ["seen", "agrees"]})
    case.refresh_from_db()
    assert case.status == Status.DONE
    last = case.events.last()
    assert last is not None
    assert last.note == "已核对原件：户口簿原件。"


def test_what_changed_while_the_page_was_open_is_said(
    hall: Desk, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = hall.file()
    as_(client, hall.cast.ningbo_reviewer)
    decide = desk.decide

    def meanwhile(*args: object, **kwargs: object) -> Case:
        hall.says(BAR)
        return decide(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(desk, "decide", meanwhile)
    answer = client.post(page(case), {"approve": "1"})
    assert answer.status_code == 422
    assert BAR.why in answer.content.decode()
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW


@pytest.mark.parametrize("data", [{"approve": "1"}, {"refuse-reason": "x", "refuse-confirmed": "1"}])
def test_a_case_that_was_withdrawn_meanwhile_says_so(
    hall: Desk, client: Client, data: dict[str, str]
) -> None:
    case = hall.file()
    desk.withdraw(case, by=case.filed_by, now=hall.now)
    answer = as_(client, hall.cast.ningbo_reviewer).post(page(case), data, follow=True)
    assert "状态刚刚已被他人改变" in answer.content.decode()
    case.refresh_from_db()
    assert case.status == Status.VOIDED


def test_a_decision_needs_the_token_of_its_page(hall: Desk) -> None:
    case = hall.file()
    strict = as_(Client(enforce_csrf_checks=True), hall.cast.ningbo_reviewer)
    assert strict.post(page(case), {"approve": "1"}).status_code == 403


def test_papers_are_given_to_staff_of_the_city_only(hall: Desk, client: Client) -> None:
    case, other = hall.file(), hall.file(number=hall.cast.li_qiang.identity_number)
    paper = Attachment(
        case=case,
        paper="card",
        name="身份证.jpg",
        content_type="image/jpeg",
        size=3,
        digest="b" * 64,
        uploaded_at=hall.now,
    )
    paper.file.save("", ContentFile(b"abc"))
    url = reverse("admin:hall_case_paper", args=[case.pk, paper.pk])
    assert url in as_(client, hall.cast.ningbo_reviewer).get(page(case)).content.decode()
    assert b"".join(client.get(url)) == b"abc"
    assert client.get(reverse("admin:hall_case_paper", args=[other.pk, paper.pk])).status_code == 404
    assert as_(client, hall.cast.wuhan_reviewer).get(url).status_code == 404


# Working days, coverage


DAYS = "/admin/hall/workdayoverride/"


def test_two_of_a_city_set_its_working_days_with_a_reason(hall: Desk, client: Client) -> None:
    as_(client, hall.cast.ningbo_reviewer)
    form = {"city": "ningbo", "day": "2027-02-05", "reason": "", "_save": "1"}
    client.post(f"{DAYS}add/", form)
    client.post(f"{DAYS}add/", {**form, "city": "wuhan", "reason": "春节调休安排"})
    client.post(f"{DAYS}add/", {**form, "city": "", "reason": "春节调休安排"})
    assert not Proposal.objects.exists()
    client.post(f"{DAYS}add/", {**form, "reason": "春节调休安排"})
    proposed = f"/admin/accounts/proposal/{Proposal.objects.get().pk}/change/"
    client.post(proposed, {"step": "approve"})
    as_(client, hall.cast.wuhan_reviewer).post(proposed, {"step": "approve"})
    assert not WorkdayOverride.objects.exists()
    shown = as_(client, hall.cast.ningbo_second_reviewer).get(proposed).content.decode()
    assert "休息日" in shown
    client.post(proposed, {"step": "approve"})
    one = WorkdayOverride.objects.get()
    assert (one.city, one.is_workday, one.reason) == ("ningbo", False, "春节调休安排")
    assert as_(client, hall.cast.wuhan_collector).get(f"{DAYS}add/").status_code == 403
    assert one.reason not in as_(client, hall.cast.wuhan_reviewer).get(DAYS).content.decode()


def test_a_working_day_is_taken_back_by_two(hall: Desk, client: Client) -> None:
    one = WorkdayOverride.objects.create(
        city="ningbo", day=dt.date(2027, 2, 5), is_workday=False, reason="春节调休安排"
    )
    as_(client, hall.cast.ningbo_reviewer).post(
        f"{DAYS}{one.pk}/change/", {"reason": "安排取消", "remove": "on"}
    )
    assert WorkdayOverride.objects.exists()
    proposals.approve(Proposal.objects.get(), by=hall.cast.ningbo_second_reviewer, now=hall.now)
    assert not WorkdayOverride.objects.exists()


def test_the_whole_countrys_days_are_set_by_administrators(hall: Desk, client: Client) -> None:
    form = {"city": "", "day": "2027-02-05", "reason": "国办发明电〔2026〕1号", "_save": "1"}
    as_(client, hall.cast.superuser).post(f"{DAYS}add/", form)
    proposed = Proposal.objects.get()
    assert proposed.city == ""
    assert proposals.why_not_decide(proposed, hall.cast.superuser)
    assert proposals.why_not_decide(proposed, hall.cast.ningbo_reviewer)
    proposals.approve(proposed, by=hall.cast.every_city_reviewer, now=hall.now)
    assert WorkdayOverride.objects.get().city == ""


def test_coverage_is_there_to_read_in_ones_own_city(client: Client, cast: Cast, clock: Clock) -> None:
    here = cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=560000)
    there = cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-01", tier="0.6")
    as_(client, cast.ningbo_reviewer)
    listing = "/admin/enrollment/coverage/"
    assert list(client.get(listing).context["cl"].result_list) == [here]
    found = search(client, listing, cast.wang_fang.identity_number.lower())
    assert list(found.context["cl"].result_list) == [here]
    assert not search(client, listing, cast.wang_fang.identity_number[:10]).context["cl"].result_list
    text = client.get(f"{listing}{here.pk}/change/").content.decode()
    assert "5,600.00" in text
    assert cast.wang_fang.identity_number not in text
    assert client.post(f"{listing}{here.pk}/change/", {"start": "2020-01"}).status_code == 403
    # The admin answers a row that is not there, or not theirs, by a message on its first page.
    assert client.get(f"{listing}{there.pk}/change/").status_code == 302
    assert client.get(f"{listing}add/").status_code == 403
    assert list(client.get("/admin/enrollment/contributionbase/").context["cl"].result_list) == list(
        here.bases.all()
    )


def test_the_history_of_a_coverage_shows_what_changed(client: Client, cast: Cast, clock: Clock) -> None:
    coverage = cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2026-01", at=cast.yongjiang)
    Coverage.objects.filter(pk=coverage.pk).update(until=dt.date(2026, 10, 1))
    text = (
        as_(client, cast.ningbo_reviewer)
        .get(f"/admin/enrollment/coverage/{coverage.pk}/change/")
        .content.decode()
    )
    history = text[text.index('class="events"') :]
    assert history.index("登记") < history.index("变更") < history.index("2026年10月")


SHORT = "796PJXCD"


@pytest.mark.parametrize(
    "typed",
    [
        SHORT,
        " 796pjxcd ",
        "３３０２００２０２６１１１７７９６ＰＪＸＣＤ",
        f"33020020261117{SHORT}",
        f"330200-20261117-{SHORT}",
        f"https://hall.example.gov.cn/admin/hall/case/by-number/330200-20261117-{SHORT}/",
    ],
)
def test_a_case_is_found_by_what_the_window_has_of_its_number(hall: Desk, client: Client, typed: str) -> None:
    case = hall.file(Mode.COUNTER)
    Case.objects.filter(pk=case.pk).update(number=f"330200-20261117-{SHORT}")
    as_(client, hall.cast.ningbo_reviewer)
    assert [one.pk for one in search(client, QUEUE, typed).context["cl"].result_list] == [case.pk]


@pytest.mark.parametrize("typed", ["796PJXC", "96PJXCD", "20261117", "330200", f"{SHORT}X"])
def test_a_part_of_a_number_finds_nothing(hall: Desk, client: Client, typed: str) -> None:
    case = hall.file(Mode.COUNTER)
    Case.objects.filter(pk=case.pk).update(number=f"330200-20261117-{SHORT}")
    as_(client, hall.cast.ningbo_reviewer)
    assert not search(client, QUEUE, typed).context["cl"].result_list


def test_the_code_on_a_form_opens_its_case_for_staff_of_the_city(hall: Desk, client: Client) -> None:
    case = hall.file(Mode.COUNTER)
    address = reverse("admin:hall_case_by_number", args=[case.number])
    as_(client, hall.cast.ningbo_reviewer)
    assert client.get(address).headers["Location"] == page(case)
    as_(client, hall.cast.wuhan_reviewer)
    assert client.get(address).status_code == 404
    as_(client, hall.cast.wang_fang_login)
    assert client.get(address).status_code in (302, 403, 404)


def test_the_side_bar_counts_all_queues_in_one_statement(hall: Desk, client: Client, cast: Cast) -> None:
    as_(client, cast.superuser).get("/admin/people/person/")
    with CaptureQueriesContext(connection) as asked:
        client.get("/admin/people/person/")
    [counts] = [
        one["sql"] for one in asked.captured_queries if one["sql"].startswith("SELECT (SELECT count(*)")
    ]
    assert counts.count("SELECT count(*)") >= 10
    assert not [
        one
        for one in asked.captured_queries
        if one["sql"].startswith('SELECT COUNT(*) AS "__count" FROM "hall_')
    ]
