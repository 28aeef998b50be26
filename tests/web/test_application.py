"""The four steps: each passes, is barred, refuses the wrong visitor, and keeps what was typed."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from enrollment.models import Coverage
from enrollment.services.flexible_enroll import FlexibleEnroll
from portal.accounts.models import PersonLookup
from portal.hall import desk
from portal.hall.models import Case, CaseEvent, Draft
from portal.hall.routing import Status
from portal.hall.service import Ask
from portal.shared.insurance import Insurance
from tests.cast import Cast, cover
from tests.conftest import Clock
from tests.web.conftest import ADD_STAFF, ENROL_SHENZHEN, ENROL_WUHAN, file_case, key_on, signed_in

pytestmark = pytest.mark.django_db


# Step 1


def test_anyone_can_read_the_notice_and_finds_the_right_door(client: Client) -> None:
    page = client.get(ADD_STAFF)
    assert "工伤保险从当月开始参保" in page.content.decode()
    assert f"/login/employer/?next={ADD_STAFF}apply/" in page.content.decode()


def test_the_wrong_kind_of_account_is_told_which_login_it_needs(cast: Cast, clock: Clock) -> None:
    person = signed_in(cast.wang_fang_login)
    page = person.get(ADD_STAFF)
    assert page.status_code == 200
    assert "单位登录" in page.context["blocked"]["what_to_do"]
    assert person.get(f"{ADD_STAFF}apply/")["Location"] == ADD_STAFF
    assert person.post(f"{ADD_STAFF}materials/", {"action": "submit"})["Location"] == ADD_STAFF
    assert not Case.objects.exists()


def test_whoever_is_not_signed_in_is_sent_to_the_door_and_back(client: Client) -> None:
    answer = client.get(f"{ADD_STAFF}apply/")
    assert answer["Location"] == f"/login/employer/?next={ADD_STAFF}apply/"


def test_a_service_that_the_city_lacks_names_the_cities_that_have_it(client: Client) -> None:
    page = client.get("/wuxi/services/recollect/")
    assert page.status_code == 404
    assert "深圳" in page.content.decode()
    assert "拨打 12333" in page.content.decode()
    assert client.get("/wuxi/services/no-such-thing/").status_code == 404


def test_what_the_city_has_done_elsewhere_says_where(client: Client) -> None:
    page = client.get("/wuxi/services/flexible-enroll/")
    assert page.status_code == 200
    assert "请到参保地社会保险经办机构窗口办理" in page.content.decode()
    assert 'href="tel:12333"' in page.content.decode()
    assert client.get("/wuxi/services/flexible-enroll/apply/").status_code == 200


def test_one_entrance_leads_to_the_form_for_the_present_state(cast: Cast, clock: Clock) -> None:
    person = signed_in(cast.wang_fang_login)
    assert person.get("/ningbo/services/flexible-enroll/").status_code == 200
    turned = person.get("/ningbo/services/flexible-pause/")
    assert turned["Location"] == "/ningbo/services/flexible-enroll/"

    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2026-01", tier="60")
    turned = person.get("/ningbo/services/flexible-enroll/apply/", follow=True)
    assert turned.request["PATH_INFO"] == "/ningbo/services/flexible-pause/"
    assert "这里是同一入口的“灵活就业人员社保中断”" in turned.content.decode()


# Step 2


def test_the_search_fills_in_what_is_known_of_ones_own_staff_and_keeps_the_rest(
    clerk: Client, cast: Cast
) -> None:
    number = cast.wang_fang.identity_number
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2020-01", "2024-03", at=cast.yongjiang)
    page = clerk.post(f"{ADD_STAFF}apply/", {"identity_number": number, "wage": "7000", "action": "search"})
    form = page.context["form"]
    assert form["name"].value() == "王芳"
    assert form.fields["name"].disabled
    assert form["wage"].value() == "7000"
    assert not form.errors
    assert "已自动读取" in page.content.decode()


def test_the_search_tells_of_others_only_that_the_number_is_registered(clerk: Client, cast: Cast) -> None:
    number = cast.wang_fang.identity_number
    page = clerk.post(f"{ADD_STAFF}apply/", {"identity_number": number, "wage": "7000", "action": "search"})
    shown = page.content.decode()
    assert "这个号码已有登记（王*）" in shown
    assert "王芳" not in shown
    assert "没有查到登记信息" not in shown
    assert page.context["form"]["wage"].value() == "7000"


def test_a_search_that_finds_nobody_says_so(clerk: Client, cast: Cast) -> None:
    page = clerk.post(f"{ADD_STAFF}apply/", {"identity_number": cast.newcomer_number, "action": "search"})
    assert "没有查到登记信息" in page.content.decode()
    assert not page.context["form"].errors


def test_a_search_for_a_wrong_number_says_what_is_wrong_with_it(clerk: Client) -> None:
    page = clerk.post(f"{ADD_STAFF}apply/", {"identity_number": "330211198805120000", "action": "search"})
    assert list(page.context["form"].errors) == ["identity_number"]


def test_searching_for_too_many_people_is_refused_beside_the_field(
    clerk: Client, cast: Cast, clock: Clock, settings: Any
) -> None:
    settings.PERSON_LOOKUPS_PER_HOUR = 1
    PersonLookup.objects.create(
        user=cast.yongjiang_clerk,
        identity_number=cast.zhang_min.identity_number,
        purpose="employer-add-staff",
        found=True,
        at=clock.now,
    )
    number = cast.wang_fang.identity_number
    for action in ("search", "next"):
        page = clerk.post(f"{ADD_STAFF}apply/", {"identity_number": number, "wage": "7000", "action": action})
        form = page.context["form"]
        assert "查询的人员过多" in str(form.errors["identity_number"])
        assert form["wage"].value() == "7000"
        assert not form["name"].value()


def test_a_known_name_need_not_be_typed(clerk: Client, cast: Cast, new_staff: dict[str, str]) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2020-01", "2024-03", at=cast.yongjiang)
    answers = {**new_staff, "identity_number": cast.wang_fang.identity_number, "name": ""}
    case = file_case(clerk, ADD_STAFF, answers)
    assert case.answers["name"] == "王芳"


def test_mistakes_stand_beside_their_fields_and_nothing_typed_is_lost(
    clerk: Client, new_staff: dict[str, str], cast: Cast
) -> None:
    page = clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "wage": "很多", "action": "next"})
    assert list(page.context["form"].errors) == ["wage"]
    assert "很多" in page.content.decode()

    again = clerk.get(f"{ADD_STAFF}apply/")
    assert again.context["form"]["name"].value() == cast.newcomer_name
    assert again.context["form"]["start_unemployment"].value() == "2026-10"
    assert clerk.get(f"{ADD_STAFF}materials/")["Location"].startswith(f"{ADD_STAFF}apply/?draft=")


def test_a_bar_stands_beside_its_field_on_the_form(
    clerk: Client, cast: Cast, new_staff: dict[str, str]
) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    answers = {**new_staff, "identity_number": cast.wang_fang.identity_number, "name": "王芳"}
    page = clerk.post(f"{ADD_STAFF}apply/", {**answers, "action": "next"})
    assert "暂停缴费" in str(page.context["form"].errors["identity_number"])
    assert not Draft.objects.get().checked


def test_a_draft_is_kept_over_logins_and_can_be_dropped(
    cast: Cast, clerk: Client, new_staff: dict[str, str]
) -> None:
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "action": "save"})
    later = signed_in(cast.yongjiang_clerk)
    assert later.get(f"{ADD_STAFF}apply/").context["form"]["wage"].value() == "6500"
    assert "继续填写" in later.get(ADD_STAFF).content.decode()
    assert "继续填写" in later.get("/ningbo/").content.decode()

    asked = later.post(f"{ADD_STAFF}apply/", {"action": "discard"})
    assert "不能恢复" in asked.content.decode()
    assert Draft.objects.exists()
    later.post(f"{ADD_STAFF}apply/", {"action": "discard", "confirmed": "1"})
    assert not Draft.objects.exists()


def test_a_colleague_does_not_see_the_draft(cast: Cast, clerk: Client, new_staff: dict[str, str]) -> None:
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "action": "save"})
    colleague = signed_in(cast.yongjiang_second_clerk)
    assert not colleague.get(f"{ADD_STAFF}apply/").context["form"]["name"].value()


def test_a_character_that_the_database_cannot_keep_is_dropped(
    clerk: Client, new_staff: dict[str, str]
) -> None:
    for action in ("save", "search", "next"):
        page = clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "name": "赵\0磊", "action": action})
        assert page.status_code < 500
    assert Draft.objects.get().typed["name"] == ["赵磊"]


def test_what_no_field_asks_for_is_not_kept(clerk: Client, new_staff: dict[str, str]) -> None:
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "status": "done", "key": "1", "action": "save"})
    assert set(Draft.objects.get().typed) == set(new_staff)


# Step 3


def test_the_last_look_shows_what_was_asked_and_by_when_it_is_decided(
    clerk: Client, new_staff: dict[str, str]
) -> None:
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "action": "next"})
    page = clerk.get(f"{ADD_STAFF}materials/")
    text = page.content.decode()
    assert ("养老保险", "2026年11月起参保") in [row[:2] for row in page.context["answers"]]
    assert "2026年11月24日前办结" in text
    assert "提交申报" in text


def test_filing_gives_a_receipt_and_a_case_in_review(clerk: Client, new_staff: dict[str, str]) -> None:
    case = file_case(clerk, ADD_STAFF, new_staff)
    assert case.status == Status.IN_REVIEW
    assert not Draft.objects.exists()
    receipt = clerk.get(f"/cases/{case.number}/receipt/").content.decode()
    assert case.number in receipt
    assert "2026年11月24日" in receipt


def test_the_window_may_close_between_the_form_and_the_last_look(
    clerk: Client, new_staff: dict[str, str], clock: Clock
) -> None:
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "action": "next"})
    clock.set("2026-12-01 00:00")
    clerk = signed_in(Draft.objects.get().user)
    page = clerk.get(f"{ADD_STAFF}materials/", follow=True)
    assert page.request["PATH_INFO"] == f"{ADD_STAFF}apply/"
    assert "start_work_injury" in page.context["form"].errors
    assert page.context["form"]["wage"].value() == "6500"
    assert not Draft.objects.get().checked


def test_a_mismatch_is_told_before_it_becomes_a_pre_application(cast: Cast, clock: Clock) -> None:
    person = signed_in(cast.chen_jing_login)
    answers = {"household": "city", "tier_pension": "60", "phone": "13800000003"}
    person.post(f"{ENROL_SHENZHEN}apply/", {**answers, "action": "next"})
    page = person.get(f"{ENROL_SHENZHEN}materials/")
    assert page.context["findings"]
    assert "提交预申请" in page.content.decode()
    assert "户口簿" in page.content.decode()

    sent = person.post(f"{ENROL_SHENZHEN}materials/", {"key": key_on(page), "action": "submit"})
    case = Case.objects.get()
    assert case.status == Status.PRE_APPLIED
    assert not Coverage.objects.exists()
    receipt = person.get(sent["Location"]).content.decode()
    assert f"/cases/{case.number}/form/" in receipt
    form = person.get(f"/cases/{case.number}/form/").content.decode()
    for words in (case.number, "申请人签名", "户口簿", "深圳市社会保险基金管理局"):
        assert words in form


def test_sending_asks_the_registers_outside_once(
    cast: Cast, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, outside = [], FlexibleEnroll.outside

    def ask(service: FlexibleEnroll, application: Ask) -> Any:
        asked.append(application)
        return outside(service, application)

    monkeypatch.setattr(FlexibleEnroll, "outside", ask)
    person = signed_in(cast.chen_jing_login)
    answers = {"household": "city", "tier_pension": "60", "phone": "13800000003"}
    person.post(f"{ENROL_SHENZHEN}apply/", {**answers, "action": "next"})
    page = person.get(f"{ENROL_SHENZHEN}materials/")
    asked.clear()
    person.post(f"{ENROL_SHENZHEN}materials/", {"key": key_on(page), "action": "submit"})
    assert Case.objects.get().mismatches
    assert len(asked) == 1


def test_a_second_open_application_is_refused_on_the_page(cast: Cast, clock: Clock) -> None:
    person = signed_in(cast.chen_jing_login)
    answers = {"household": "city", "tier_pension": "60", "phone": "13800000003"}
    file_case(person, ENROL_SHENZHEN, answers)
    person.post(f"{ENROL_SHENZHEN}apply/", {**answers, "action": "next"})
    last_look = person.get(f"{ENROL_SHENZHEN}materials/")
    page = person.post(f"{ENROL_SHENZHEN}materials/", {"key": key_on(last_look), "action": "submit"})
    assert "已有一份同样的办件正在办理" in page.content.decode()
    assert Case.objects.count() == 1


# Once, however often it is sent


def test_the_button_pressed_twice_gives_the_same_receipt(clerk: Client, new_staff: dict[str, str]) -> None:
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "action": "next"})
    sent = {"key": key_on(clerk.get(f"{ADD_STAFF}materials/")), "action": "submit"}
    first = clerk.post(f"{ADD_STAFF}materials/", sent)
    second = clerk.post(f"{ADD_STAFF}materials/", sent)
    assert first["Location"] == second["Location"]
    assert Case.objects.count() == 1


def test_a_draft_left_behind_by_a_crash_leads_to_the_case_that_it_became(
    clerk: Client, new_staff: dict[str, str]
) -> None:
    case = file_case(clerk, ADD_STAFF, new_staff)
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "action": "next"})
    Draft.objects.update(key=case.key)
    answer = clerk.post(f"{ADD_STAFF}materials/", {"key": str(case.key), "action": "submit"})
    assert answer["Location"] == f"/cases/{case.number}/receipt/"
    assert not Draft.objects.exists()


def test_other_answers_under_a_key_that_was_used_are_refused_and_kept(
    clerk: Client, new_staff: dict[str, str]
) -> None:
    case = file_case(clerk, ADD_STAFF, new_staff)
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "wage": "9000", "action": "next"})
    Draft.objects.update(key=case.key)
    answer = clerk.post(f"{ADD_STAFF}materials/", {"key": str(case.key), "action": "submit"})
    assert answer.status_code == 409
    assert case.number in answer.content.decode()
    assert Case.objects.count() == 1
    draft = Draft.objects.get()
    assert draft.key != case.key
    assert draft.typed["wage"] == ["9000"]


def test_a_key_of_someone_elses_case_says_nothing_of_it(
    cast: Cast, clerk: Client, new_staff: dict[str, str]
) -> None:
    case = file_case(clerk, ADD_STAFF, new_staff)
    stranger = signed_in(cast.zhaobao_clerk)
    answer = stranger.post(f"{ADD_STAFF}materials/", {"key": str(case.key), "action": "submit"})
    assert answer["Location"] == f"{ADD_STAFF}apply/"


def _send_at_once(clients: list[Client], url: str, sent: dict[str, str]) -> list[Any]:
    answers: list[Any] = []

    def send(client: Client) -> None:
        try:
            answers.append(client.post(url, sent))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


@pytest.fixture
def both_at_the_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets two submissions reach the desk before either is taken."""
    barrier = threading.Barrier(2, timeout=20)
    submit = desk.submit

    def together(**given: Any) -> Case:
        barrier.wait()
        return submit(**given)

    monkeypatch.setattr(desk, "submit", together)


@pytest.mark.parametrize("guarded", [True, False])
def test_two_presses_at_the_same_moment_make_one_case(
    transactional_db: None,
    cast: Cast,
    clock: Clock,
    enrolment: dict[str, str],
    both_at_the_desk: None,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    del enrolment["tier_medical"]
    clients = [signed_in(cast.li_qiang_login), signed_in(cast.li_qiang_login)]
    clients[0].post(f"{ENROL_WUHAN}apply/", {**enrolment, "action": "next"})
    sent = {"key": key_on(clients[0].get(f"{ENROL_WUHAN}materials/")), "action": "submit"}
    if not guarded:
        monkeypatch.setattr(desk, "earlier_case", lambda *given: None)
    answers = _send_at_once(clients, f"{ENROL_WUHAN}materials/", sent)
    receipts = [answer["Location"] for answer in answers if "/receipt/" in answer.headers.get("Location", "")]
    assert Case.objects.count() == 1
    assert Coverage.objects.count() == 1
    assert CaseEvent.objects.count() == 2
    # With the look for the earlier case off, the second press is told that the person is already
    # insured.
    assert len(receipts) == (2 if guarded else 1)
    assert len(set(receipts)) == 1


def test_every_step_refuses_a_form_without_its_token(cast: Cast, clock: Clock) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.yongjiang_clerk, backend="portal.accounts.doors.EmployerDoor")
    for step in ("apply/", "materials/"):
        assert strict.post(f"{ADD_STAFF}{step}", {"action": "next"}).status_code == 403


def test_a_name_that_is_not_the_numbers_stays_with_what_is_wrong(
    clerk: Client, cast: Cast, new_staff: dict[str, str]
) -> None:
    """By searching, by going on, and in the draft afterwards."""
    typed = {**new_staff, "identity_number": cast.wang_fang.identity_number, "name": "不是王芳的人"}
    for action in ("search", "next"):
        form = clerk.post(f"{ADD_STAFF}apply/", {**typed, "action": action}).context["form"]
        assert "登记的姓名是“王*”" in str(form.errors["name"])
        assert form["name"].value() == "不是王芳的人"
    form = clerk.get(f"{ADD_STAFF}apply/").context["form"]
    assert form["name"].value() == "不是王芳的人"
    assert not form.fields["name"].disabled


def test_the_last_look_shows_in_full_what_was_just_typed_and_the_receipt_masks_it(
    clerk: Client, cast: Cast, new_staff: dict[str, str]
) -> None:
    """A typo in a number is seen by whoever reads it through; one way back leads to all that was
    filled in."""
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "phone": "13700000024", "action": "next"})
    last_look = clerk.get(f"{ADD_STAFF}materials/")
    shown = last_look.content.decode()
    for number in (cast.newcomer_number, "13700000024"):
        assert number in shown
    assert "summary__edit" not in shown
    assert "修改填写的内容" in shown
    clerk.post(f"{ADD_STAFF}materials/", {"key": key_on(last_look), "action": "submit"})
    receipt = clerk.get(f"/cases/{Case.objects.get().number}/receipt/").content.decode()
    for number in (cast.newcomer_number, "13700000024"):
        assert number not in receipt
