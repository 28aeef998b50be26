"""What is typed is not lost: it is kept by itself, and a form that comes after its session has
ended goes on after the login."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.accounts import kept_forms
from portal.accounts.models import KeptForm, OutboxMessage
from portal.accounts.tasks import forget_ended_sessions
from portal.hall.models import Case, Draft
from tests.accounts.knocking import PERSON, exist, knock
from tests.cast import PASSWORD, Cast
from tests.conftest import Clock
from tests.web.conftest import ADD_STAFF, ENROL_WUHAN, key_on, signed_in

pytestmark = pytest.mark.django_db

APPLY, LOOK = f"{ENROL_WUHAN}apply/", f"{ENROL_WUHAN}materials/"


def autosave(client: Client, answers: dict[str, str], seen: str = "", at: str = APPLY) -> Any:
    return client.post(
        at,
        {**answers, "action": "autosave", "seen": seen},
        headers={"X-Requested-With": "XMLHttpRequest"},
    )


# Kept by itself


def test_what_is_typed_is_kept_and_the_page_is_told_when(
    cast: Cast, clock: Clock, enrolment: dict[str, str]
) -> None:
    client = signed_in(cast.li_qiang_login)
    page = client.get(APPLY).content.decode()
    assert "data-autosave" in page
    assert 'data-seen=""' in page
    told = autosave(client, {"tier_pension": "60", "account_number": "62179"}).json()
    assert re.fullmatch(r"[0-9]{2}:[0-9]{2}", told["at"])
    assert Draft.objects.get().typed == {"tier_pension": ["60"], "account_number": ["62179"]}
    clock.step(seconds=5)
    told = autosave(client, enrolment, told["seen"]).json()
    assert Draft.objects.get().typed["phone"] == [enrolment["phone"]]
    assert f'data-seen="{told["seen"]}"' in signed_in(cast.li_qiang_login).get(APPLY).content.decode()


def test_another_windows_words_are_not_overwritten_by_themselves(
    cast: Cast, clock: Clock, enrolment: dict[str, str]
) -> None:
    client = signed_in(cast.li_qiang_login)
    del enrolment["tier_medical"]
    seen = autosave(client, enrolment).json()["seen"]
    clock.step(seconds=5)
    client.post(APPLY, {**enrolment, "tier_pension": "100", "action": "next"})
    late = autosave(client, {**enrolment, "phone": "13800000009"}, seen)
    assert late.status_code == 409
    draft = Draft.objects.get()
    assert draft.checked
    assert draft.typed["tier_pension"] == ["100"]
    # The same words again leave what was checked as it is.
    assert autosave(client, {**enrolment, "tier_pension": "100"}, seen).status_code == 200
    assert Draft.objects.get().checked


def test_each_person_is_kept_apart(clerk: Client, new_staff: dict[str, str], cast: Cast) -> None:
    at = f"{ADD_STAFF}apply/?draft=new"
    half = {**new_staff, "identity_number": new_staff["identity_number"][:12]}
    first = autosave(clerk, half, at=at).json()
    whole = autosave(clerk, new_staff, first["seen"], at=first["action"]).json()
    assert Draft.objects.get().subject == new_staff["identity_number"]
    assert whole["action"] == first["action"]
    other = {**new_staff, "identity_number": cast.wang_fang.identity_number}
    assert autosave(clerk, other, at=at).json()["action"] != first["action"]
    # A window that has not seen this person's draft does not overwrite it.
    assert autosave(clerk, {**new_staff, "wage": "1"}, at=at).status_code == 409


def test_it_says_so_when_nothing_was_kept(cast: Cast, clock: Clock, enrolment: dict[str, str]) -> None:
    assert autosave(Client(), enrolment).status_code == 401
    assert not Draft.objects.exists()
    assert not KeptForm.objects.exists()


def test_the_dialog_promises_nothing_that_was_not_kept(cast: Cast, clock: Clock) -> None:
    page = signed_in(cast.li_qiang_login).get(APPLY).content.decode()
    assert "已保存的草稿还在" not in page
    assert "会存为草稿" not in page


# Carried over the login


@pytest.fixture
def browser(cast: Cast) -> Client:
    """A browser in which 李强 came in by the door, and whose session is gone since."""
    exist(cast.li_qiang_login)
    client = Client()
    knock(client, PERSON, {"login": "13800000002", "password": PASSWORD})
    assert client.get("/account/").status_code == 200
    client.session.flush()
    return client


def log_in(client: Client, where: str, login: str = "13800000002") -> Any:
    return knock(client, where, {"login": login, "password": PASSWORD})


def test_a_form_sent_after_the_session_goes_on_after_the_login(
    browser: Client, cast: Cast, enrolment: dict[str, str]
) -> None:
    del enrolment["tier_medical"]
    door = browser.post(APPLY, {**enrolment, "action": "next"})
    page = browser.get(door["Location"]).content.decode()
    assert "登录已超时，已为您保留填写的内容" in page
    assert not Draft.objects.exists()
    kept = KeptForm.objects.get()
    assert enrolment["account_number"] not in kept.content
    assert APPLY not in kept.content

    entered = log_in(browser, door["Location"])
    assert entered["Location"] == "/login/go-on/"
    asked = browser.get(entered["Location"])
    assert enrolment["account_number"] in asked.content.decode()
    again = browser.post(entered["Location"], dict(asked.context["fields"]))
    assert (again.status_code, again["Location"]) == (307, APPLY)
    assert not KeptForm.objects.exists()
    look = browser.post(again["Location"], dict(asked.context["fields"]), follow=True)
    assert look.request["PATH_INFO"] == LOOK
    assert "/receipt/" in browser.post(LOOK, {"key": key_on(look), "action": "submit"})["Location"]
    # Once only.
    assert "没有等待继续办理的内容" in browser.get("/login/go-on/", follow=True).content.decode()


def test_the_last_look_goes_on_and_files_once(browser: Client, cast: Cast, enrolment: dict[str, str]) -> None:
    del enrolment["tier_medical"]
    log_in(browser, PERSON)
    browser.post(APPLY, {**enrolment, "action": "next"})
    sent = {"key": key_on(browser.get(LOOK)), "action": "submit"}
    browser.session.flush()
    door = browser.post(LOOK, sent)
    assert not Case.objects.exists()
    log_in(browser, door["Location"])
    done = browser.post("/login/go-on/", sent, follow=True)
    assert "/receipt/" in done.request["PATH_INFO"]
    assert browser.post(LOOK, sent)["Location"] == done.request["PATH_INFO"]
    assert Case.objects.count() == 1


def test_another_person_gets_nothing_of_it(browser: Client, cast: Cast, enrolment: dict[str, str]) -> None:
    exist(cast.wang_fang_login)
    door = browser.post(APPLY, {**enrolment, "action": "save"})
    log_in(browser, door["Location"], "13800000001")
    page = browser.get("/login/go-on/", follow=True).content.decode()
    assert "属于另一账号" in page
    assert enrolment["account_number"] not in page
    assert not KeptForm.objects.exists()
    assert not Draft.objects.exists()


def test_another_browser_gets_nothing_of_it(browser: Client, cast: Cast, enrolment: dict[str, str]) -> None:
    browser.post(APPLY, {**enrolment, "action": "save"})
    elsewhere = Client()
    log_in(elsewhere, PERSON)
    assert "没有等待继续办理的内容" in elsewhere.get("/login/go-on/", follow=True).content.decode()
    assert KeptForm.objects.count() == 1


def test_whoever_left_by_themselves_leaves_nothing_behind(
    browser: Client, cast: Cast, enrolment: dict[str, str]
) -> None:
    log_in(browser, PERSON)
    browser.post("/logout/")
    door = browser.post(APPLY, {**enrolment, "action": "save"})
    assert "go-on" not in door["Location"]
    assert "登录已超时" not in browser.get(door["Location"]).content.decode()
    assert not KeptForm.objects.exists()
    # The page that logs out by itself is no leaving.
    log_in(browser, PERSON)
    browser.post("/logout/", {"reason": "timeout"})
    assert "go-on" in browser.post(APPLY, {**enrolment, "action": "save"})["Location"]


def test_it_is_good_for_half_an_hour_and_then_forgotten(
    browser: Client, cast: Cast, enrolment: dict[str, str], clock: Clock
) -> None:
    log_in(browser, PERSON)
    browser.session.flush()
    door = browser.post(APPLY, {**enrolment, "action": "save"})
    clock.step(minutes=31)
    assert "先前填写的内容没有保留" in browser.get(door["Location"]).content.decode()
    assert KeptForm.objects.exists()
    forget_ended_sessions()
    assert not KeptForm.objects.exists()


def test_files_are_said_not_to_be_kept(browser: Client, cast: Cast) -> None:
    file = SimpleUploadedFile("照片.jpg", b"x")
    door = browser.post(LOOK, {"action": "upload", "paper-photo": file})
    assert "所选的文件没有保留" in browser.get(door["Location"]).content.decode()


@pytest.mark.parametrize(
    "sent", [{"current": "secret-word-1", "password": "x"}, {"note": "很" * kept_forms.MOST_BYTES}]
)
def test_passwords_and_what_is_too_long_are_not_kept(browser: Client, sent: dict[str, str]) -> None:
    door = browser.post("/account/", sent)
    assert "go-on" not in door["Location"]
    assert "登录已超时，请重新登录。" in browser.get(door["Location"]).content.decode()
    assert not KeptForm.objects.exists()


def test_a_clerk_is_sent_back_to_the_clerks_door(cast: Cast) -> None:
    client = signed_in(cast.yongjiang_clerk)
    client.get("/cases/")
    client.session.flush()
    assert client.get("/cases/")["Location"] == "/login/employer/?next=/cases/"


def test_the_phone_that_is_given_up_is_told(cast: Cast) -> None:
    client = signed_in(cast.wang_fang_login)
    page = knock(client, "/account/phone/", {"phone": "13700000077"})
    code = re.search(r"[0-9]{6}", OutboxMessage.objects.get(phone="13700000077").text)
    assert code
    sent = {"phone": "13700000077", "code": code[0]}
    assert "当前密码" in page.content.decode()
    assert client.post("/account/phone/", {**sent, "current": ""}).status_code == 200
    assert client.post("/account/phone/", {**sent, "current": PASSWORD})["Location"] == "/account/"
    assert "已更换为 137****0077" in OutboxMessage.objects.get(phone="13800000001").text
