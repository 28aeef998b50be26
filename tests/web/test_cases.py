"""Cases and their progress: who sees them, what they tell, withdrawing and filing again."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from portal.hall import desk
from portal.hall.models import Case, CaseEvent, Draft
from portal.hall.routing import Status
from tests.cast import Cast, person
from tests.conftest import Clock
from tests.web.conftest import ADD_STAFF, ENROL_SHENZHEN, ENROL_WUHAN, file_case, signed_in
from tests.workbench import search

pytestmark = pytest.mark.django_db

MakeCase = Callable[..., Case]

PAGES = ("", "receipt/", "form/", "withdraw/", "attachments/1/")


def without_token(page: Any, number: str) -> str:
    """A page's text without what differs at every request (the token, when it is printed), and
    without the number asked for."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.content.decode())
    text = re.sub(r"打印时间 [0-9: -]+", "", text)
    return text.replace(number, "")


@pytest.fixture
def filed(clerk: Client, new_staff: dict[str, str]) -> Case:
    return file_case(clerk, ADD_STAFF, new_staff)


# Who


def test_the_whole_employer_sees_the_case_and_the_citys_reviewers_do(cast: Cast, filed: Case) -> None:
    for user in (
        cast.yongjiang_clerk,
        cast.yongjiang_second_clerk,
        cast.ningbo_reviewer,
        cast.every_city_reviewer,
    ):
        assert signed_in(user).get(f"/cases/{filed.number}/").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_for_everyone_else_it_does_not_exist(cast: Cast, filed: Case, page: str) -> None:
    strangers = (
        cast.zhaobao_clerk,
        cast.wang_fang_login,
        cast.wuhan_reviewer,
        cast.ningbo_staff_without_role,
    )
    for user in strangers:
        client = signed_in(user)
        theirs = client.get(f"/cases/{filed.number}/{page}")
        unknown = client.get(f"/cases/330200-20261117-AAAAAAAA/{page}")
        assert theirs.status_code == unknown.status_code == 404
        assert without_token(theirs, filed.number) == without_token(unknown, "330200-20261117-AAAAAAAA")


@pytest.mark.parametrize("page", PAGES)
def test_nobody_learns_at_the_door_whether_a_number_exists(client: Client, filed: Case, page: str) -> None:
    for number in (filed.number, "330200-20261117-AAAAAAAA"):
        answer = client.get(f"/cases/{number}/{page}")
        assert answer["Location"] == f"/login/person/?next=/cases/{number}/{page}"


def test_strangers_cannot_withdraw_or_file_again(cast: Cast, filed: Case) -> None:
    for user in (cast.zhaobao_clerk, cast.wang_fang_login, cast.ningbo_reviewer):
        client = signed_in(user)
        assert client.post(f"/cases/{filed.number}/withdraw/").status_code == 404
        assert client.post(f"/cases/{filed.number}/again/").status_code == 404
    filed.refresh_from_db()
    assert filed.status == Status.IN_REVIEW


# The list


def numbers(page: Any) -> set[str]:
    return {case.number for case in page.context["page_obj"]}


def test_the_list_shows_the_employers_cases_and_no_others(
    cast: Cast, clerk: Client, make_case: MakeCase
) -> None:
    own, other = make_case(cast.yongjiang_second_clerk), make_case(cast.zhaobao_clerk)
    page = clerk.get("/cases/")
    assert "单位业务申报进度查询" in page.content.decode()
    assert numbers(page) == {own.number}
    assert numbers(signed_in(cast.zhaobao_clerk).get("/cases/")) == {other.number}


def test_the_list_is_narrowed_by_status_service_and_words(
    cast: Cast, clerk: Client, make_case: MakeCase
) -> None:
    clerk_user = cast.yongjiang_clerk
    open_one = make_case(clerk_user, subject=cast.wang_fang)
    refused = make_case(clerk_user, status=Status.REFUSED, service="employer-stop-staff")
    newcomer = make_case(clerk_user, answers={"name": "赵磊"}, subject_identity_number=cast.newcomer_number)

    assert numbers(clerk.get("/cases/?status=open")) == {open_one.number, newcomer.number}
    assert numbers(clerk.get("/cases/?status=refused")) == {refused.number}
    assert numbers(clerk.get("/cases/?service=employer-stop-staff")) == {refused.number}
    assert numbers(clerk.get("/cases/?q=王芳")) == {open_one.number}
    assert numbers(clerk.get("/cases/?q=赵")) == {newcomer.number}
    assert numbers(search(clerk, "/cases/", cast.newcomer_number.lower())) == {newcomer.number}
    assert numbers(clerk.get(f"/cases/?q={refused.number[-8:].lower()}")) == {refused.number}
    counts = {tab["label"]: tab["count"] for tab in clerk.get("/cases/?q=王芳").context["tabs"]}
    assert counts == {"全部": 1, "办理中": 1, "已办结": 0, "不予通过": 0, "已作废": 0, "已失效": 0}


def test_an_empty_list_says_what_to_do(clerk: Client) -> None:
    page = clerk.get("/cases/?q=没有这个人")
    assert "没有符合条件的办件" in page.content.decode()


def test_a_page_beyond_the_last_and_an_unknown_filter_do_no_harm(
    cast: Cast, clerk: Client, make_case: MakeCase
) -> None:
    case = make_case(cast.yongjiang_clerk)
    for query in ("?page=99", "?page=x", "?status=nonsense", "?service=nonsense"):
        assert clerk.get(f"/cases/{query}").status_code == 200
    assert clerk.get("/cases/?q=%00").status_code == 400
    assert numbers(clerk.get("/cases/?page=99")) == {case.number}


def _staff_of(cast: Cast, make_case: MakeCase, count: int, first: int) -> None:
    for order in range(first, first + count):
        subject = person(f"职工{order}", "330211", "1990-01-01", order)
        make_case(cast.yongjiang_clerk, subject=subject, facts={"papers": ["labour-contract"]})


@pytest.mark.parametrize("url", ["/cases/", "/cases/?status=open&q=职工", "/ningbo/"])
def test_a_long_history_asks_the_database_no_more_often(
    cast: Cast, clerk: Client, make_case: MakeCase, django_assert_num_queries: Any, url: str
) -> None:
    _staff_of(cast, make_case, 2, 100)
    clerk.get(url)
    with CaptureQueriesContext(connection) as few:
        clerk.get(url)
    _staff_of(cast, make_case, 30, 200)
    with django_assert_num_queries(len(few)):
        clerk.get(url)


# One case


def test_a_case_tells_how_far_it_is_and_what_comes_next(clerk: Client, filed: Case) -> None:
    page = clerk.get(f"/cases/{filed.number}/")
    assert [step["state"] for step in page.context["steps"]] == ["done", "now", "next"]
    text = page.content.decode()
    for words in ("审核中", "2026年11月24日", "撤回申报", "赵磊", "办理经过"):
        assert words in text


def test_papers_are_to_be_brought_by_the_day_that_the_city_names(cast: Cast, clock: Clock) -> None:
    clerk = signed_in(cast.donghu_clerk)
    answers = {
        "identity_number": cast.newcomer_number,
        "name": cast.newcomer_name,
        "hired_on": "2026-11-02",
        "wage": "6500",
        "start_pension": "2026-11",
    }
    case = file_case(clerk, "/wuhan/services/employer-add-staff/", answers)
    receipt = clerk.get(f"/cases/{case.number}/receipt/").content.decode()
    assert "2026年11月20日前" in receipt
    assert "职工增员申报表、劳动合同" in receipt
    due = clerk.get("/wuhan/").context["due"]
    assert [item["days_left"] for item in due if case.number in item["url"]] == [3]


def test_papers_filed_after_the_day_are_for_the_next_month(cast: Cast, clock: Clock) -> None:
    clock.set("2026-11-21 00:00")
    clerk = signed_in(cast.donghu_clerk)
    answers = {
        "identity_number": cast.newcomer_number,
        "name": cast.newcomer_name,
        "hired_on": "2026-11-02",
        "wage": "6500",
        "start_pension": "2026-11",
    }
    case = file_case(clerk, "/wuhan/services/employer-add-staff/", answers)
    assert "2026年12月20日前" in clerk.get(f"/cases/{case.number}/").content.decode()


def test_a_refusal_shows_its_reason_and_offers_to_file_again(
    cast: Cast, clerk: Client, filed: Case, clock: Clock
) -> None:
    desk.decide(filed, approve=False, by=cast.ningbo_reviewer, now=clock.now, reason="劳动合同<未签字>")
    text = clerk.get(f"/cases/{filed.number}/").content.decode()
    assert "劳动合同&lt;未签字&gt;" in text
    assert "重新申报" in text
    assert "宁波市社会保险管理服务中心" in text
    assert "马超群" not in text


def test_a_direct_service_shows_what_came_of_it(cast: Cast, clock: Clock, enrolment: dict[str, str]) -> None:
    client = signed_in(cast.li_qiang_login)
    del enrolment["tier_medical"]
    case = file_case(client, ENROL_WUHAN, enrolment)
    assert case.status == Status.DONE
    text = client.get(f"/cases/{case.number}/receipt/").content.decode()
    assert "2026年12月起参保" in text
    assert client.get(f"/cases/{case.number}/form/").status_code == 404
    assert "撤回申报" not in client.get(f"/cases/{case.number}/").content.decode()


def test_markup_in_a_name_stays_text(clerk: Client, new_staff: dict[str, str]) -> None:
    page = clerk.post(
        f"{ADD_STAFF}apply/", {**new_staff, "name": "<script>alert(1)</script>", "action": "search"}
    )
    assert "<script>alert" not in page.content.decode()


# Withdrawing


def test_withdrawing_asks_first_and_then_voids(clerk: Client, filed: Case) -> None:
    question = clerk.get(f"/cases/{filed.number}/withdraw/")
    assert "是否作废该办件" in question.content.decode()
    filed.refresh_from_db()
    assert filed.status == Status.IN_REVIEW

    after = clerk.post(f"/cases/{filed.number}/withdraw/", follow=True).content.decode()
    filed.refresh_from_db()
    assert filed.status == Status.VOIDED
    assert "已作废" in after
    assert "重新申报" in after
    assert CaseEvent.objects.filter(case=filed, to_status=Status.VOIDED).count() == 1


def test_withdrawing_twice_is_once(clerk: Client, filed: Case) -> None:
    for _time in range(2):
        assert clerk.post(f"/cases/{filed.number}/withdraw/")["Location"] == f"/cases/{filed.number}/"
    assert CaseEvent.objects.filter(case=filed, to_status=Status.VOIDED).count() == 1


def test_what_was_decided_meanwhile_is_not_withdrawn(
    cast: Cast, clerk: Client, filed: Case, clock: Clock
) -> None:
    desk.decide(filed, approve=True, by=cast.ningbo_reviewer, now=clock.now)
    answer = clerk.post(f"/cases/{filed.number}/withdraw/", follow=True)
    assert "不能再撤回" in answer.content.decode()
    asked = clerk.get(f"/cases/{filed.number}/withdraw/", follow=True)
    assert "不能撤回" in asked.content.decode()
    filed.refresh_from_db()
    assert filed.status == Status.DONE


def test_filing_again_brings_the_answers_and_a_new_number(
    clerk: Client, filed: Case, new_staff: dict[str, str]
) -> None:
    clerk.post(f"/cases/{filed.number}/withdraw/")
    form = clerk.post(f"/cases/{filed.number}/again/", follow=True).context["form"]
    assert {name: str(form[name].value()) for name in new_staff} == {**new_staff, "wage": "6500.00"}
    again = file_case(clerk, ADD_STAFF, new_staff)
    assert again.number != filed.number
    assert again.status == Status.IN_REVIEW


def test_filing_again_does_not_overwrite_a_draft(
    clerk: Client, filed: Case, new_staff: dict[str, str]
) -> None:
    clerk.post(f"/cases/{filed.number}/withdraw/")
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "wage": "8888", "action": "save"})
    clerk.post(f"/cases/{filed.number}/again/")
    assert Draft.objects.get().typed["wage"] == ["8888"]


def test_an_open_case_is_not_filed_again(clerk: Client, filed: Case) -> None:
    assert clerk.post(f"/cases/{filed.number}/again/").status_code == 404
    assert clerk.get(f"/cases/{filed.number}/again/").status_code == 405


def test_a_pre_application_waits_on_the_home_page(cast: Cast, clock: Clock) -> None:
    client = signed_in(cast.chen_jing_login)
    file_case(client, ENROL_SHENZHEN, {"household": "city", "tier_pension": "60", "phone": "13800000003"})
    due = client.get("/shenzhen/").context["due"]
    assert any("报送材料" in item["title"] and item["days_left"] == 7 for item in due)
