"""Sessions: a new key at login, the way back only within the hall, no form without its token, an
end on all devices."""

import re

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client
from django.urls import reverse

from portal.accounts import sliding
from portal.accounts.models import OpenSession
from portal.accounts.tasks import forget_ended_sessions
from tests.accounts.knocking import EMPLOYER, PERSON, STAFF, errors, exist, knock, picture
from tests.cast import PASSWORD, Cast
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


def person(cast: Cast) -> dict[str, str]:
    exist(cast.wang_fang_login)
    return {"login": cast.wang_fang.identity_number, "password": PASSWORD}


def test_a_session_planted_before_the_login_is_worth_nothing_after_it(client: Client, cast: Cast) -> None:
    session = client.session
    session["elder"] = True
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = str(planted)
    knock(client, PERSON, person(cast))
    assert client.session[SESSION_KEY]
    assert client.session.session_key != planted
    assert client.session["elder"]

    attacker = Client()
    attacker.cookies["sessionid"] = str(planted)
    assert attacker.get("/account/").status_code == 302


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "///evil.example",
        "http://testserver//evil.example/x",
        "http://testserver/\\evil.example",
        "http://testserver/\t/evil.example",
        "/\t/evil.example",
        "99",
    ],
)
def test_the_way_back_never_leads_to_another_site(client: Client, cast: Cast, elsewhere: str) -> None:
    typed = person(cast)
    answer = client.post(PERSON, {**picture(client.get(PERSON)), **typed, "next": elsewhere})
    assert answer["Location"] == "/"
    assert client.get(PERSON, {"next": elsewhere})["Location"] == "/"


def test_the_way_back_leads_to_where_one_came_from(client: Client, cast: Cast) -> None:
    door = client.get("/account/")
    assert door["Location"] == f"{PERSON}?next=/account/"
    assert knock(client, door["Location"], person(cast))["Location"] == "/account/"


def test_logging_out_takes_a_form(client: Client, cast: Cast) -> None:
    client.force_login(cast.wang_fang_login)
    assert client.get("/logout/").status_code == 405
    assert client.get("/account/").status_code == 200
    assert client.post("/logout/").status_code == 302
    assert client.get("/account/").status_code == 302


def test_a_session_slides_with_what_is_asked_and_is_written_once_a_minute(
    client: Client, cast: Cast, clock: Clock
) -> None:
    client.force_login(cast.wang_fang_login)
    assert 'content="1800"' in client.get("/account/").content.decode()
    clock.step(seconds=30)
    answer = client.get("/account/")
    assert "sessionid" not in answer.cookies
    assert 'content="1770"' in answer.content.decode()
    clock.step(seconds=31)
    answer = client.get("/account/")
    assert answer.cookies["sessionid"]["max-age"] == 1800
    assert 'content="1800"' in answer.content.decode()


def test_a_sign_of_life_keeps_the_session(client: Client, cast: Cast) -> None:
    assert client.post("/session/").status_code == 401
    client.force_login(cast.wang_fang_login)
    answer = client.post("/session/")
    assert answer.json() == {"ends_in": 1800}
    assert answer.cookies["sessionid"]["max-age"] == 1800
    assert client.get("/session/").status_code == 405


def test_a_session_ends_after_half_a_day_however_much_is_asked(
    client: Client, cast: Cast, clock: Clock
) -> None:
    client.force_login(cast.wang_fang_login)
    for _turn in range(11 * 60 // 25):
        assert client.get("/account/").status_code == 200
        clock.step(minutes=25)
    clock.step(minutes=20)
    assert 'content="1800"' in client.get("/account/").content.decode()
    clock.step(minutes=25)
    assert 'content="1500"' in client.get("/account/").content.decode()
    clock.step(minutes=25)
    assert client.get("/account/").status_code == 302


def test_the_owner_sees_all_logins_and_ends_the_others(cast: Cast, clock: Clock) -> None:
    here, there, stranger = (
        Client(HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Chrome/140"),
        Client(),
        Client(),
    )
    for browser in (here, there):
        browser.force_login(cast.wang_fang_login)
        browser.get("/account/")
    stranger.force_login(cast.li_qiang_login)
    stranger.get("/account/")
    page = here.get("/account/")
    assert [(one["device"], one["here"]) for one in page.context["sessions"]] == [
        ("未知设备", False),
        ("Chrome · Windows", True),
    ]
    assert here.get("/account/sessions/end/").status_code == 405
    assert "已退出其他 1 处登录" in here.post("/account/sessions/end/", follow=True).content.decode()
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302
    assert stranger.get("/account/").status_code == 200


def test_an_account_has_only_so_many_logins_at_once(cast: Cast, clock: Clock) -> None:
    browsers = []
    for _turn in range(sliding.MOST + 1):
        browsers.append(Client())
        browsers[-1].force_login(cast.wang_fang_login)
        browsers[-1].get("/account/")
        clock.step(seconds=1)
    answers = [browser.get("/account/").status_code for browser in browsers]
    assert answers == [302] + [200] * sliding.MOST


def test_what_is_kept_of_ended_sessions_is_dropped(cast: Cast, clock: Clock) -> None:
    browser = Client()
    browser.force_login(cast.wang_fang_login)
    browser.get("/account/")
    clock.step(hours=11)
    forget_ended_sessions()
    assert OpenSession.objects.exists()
    clock.step(hours=2)
    forget_ended_sessions()
    forget_ended_sessions()
    assert not OpenSession.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        "login-person",
        "login-employer",
        "register",
        "forgot",
        "logout",
        "session",
        "account",
        "account-phone",
        "admin:login",
    ],
)
def test_no_form_is_taken_without_its_token(cast: Cast, name: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    if name in ("account", "account-phone", "logout", "session"):
        strict.force_login(cast.wang_fang_login)
    assert strict.post(reverse(name), {"login": "x"}).status_code == 403


def test_a_form_with_its_token_is_taken(cast: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    page = strict.get(PERSON)
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert token
    typed = {**picture(page), **person(cast), "csrfmiddlewaretoken": token[1]}
    assert strict.post(PERSON, typed).status_code == 302


def test_a_new_password_ends_the_other_sessions_and_changes_this_ones_key(cast: Cast) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        client.force_login(cast.wang_fang_login)
        assert client.get("/account/").status_code == 200
    before = here.session.session_key
    new = "Zhenhai-3302-new"
    answer = here.post("/account/", {"current": PASSWORD, "password": new, "password_again": new})
    assert answer["Location"] == "/account/"
    assert here.session.session_key != before
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302
    assert knock(Client(), PERSON, {"login": "13800000001", "password": new}).status_code == 302
    assert knock(Client(), PERSON, person(cast)).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "again", "field"),
    [
        ("wrong-password-1", "Zhenhai-3302-new", "Zhenhai-3302-new", "current"),
        (PASSWORD, "short-1", "short-1", "password"),
        (PASSWORD, "31415926535897", "31415926535897", "password"),
        (PASSWORD, "Zhenhai-3302-new", "Zhenhai-3302-other", "password_again"),
    ],
)
def test_a_new_password_that_will_not_do_says_why(
    client: Client, cast: Cast, current: str, new: str, again: str, field: str
) -> None:
    client.force_login(cast.wang_fang_login)
    page = client.post("/account/", {"current": current, "password": new, "password_again": again})
    assert list(errors(page)) == [field]
    assert new not in page.content.decode()
    cast.wang_fang_login.refresh_from_db()
    assert cast.wang_fang_login.check_password(PASSWORD)


def test_a_stolen_session_cannot_guess_the_password(client: Client, cast: Cast) -> None:
    client.force_login(cast.wang_fang_login)
    new = "Zhenhai-3302-new"
    answers = [
        client.post(
            "/account/", {"current": f"guess-number-{n}", "password": new, "password_again": new}
        ).status_code
        for n in range(6)
    ]
    assert answers == [200, 200, 200, 200, 429, 429]
    assert (
        client.post("/account/", {"current": PASSWORD, "password": new, "password_again": new}).status_code
        == 429
    )
    cast.wang_fang_login.refresh_from_db()
    assert cast.wang_fang_login.check_password(PASSWORD)


def test_the_account_shows_its_data_masked(client: Client, cast: Cast) -> None:
    client.force_login(cast.wang_fang_login)
    page = client.get("/account/").content.decode()
    assert cast.wang_fang.identity_number not in page
    assert f"330211********{cast.wang_fang.identity_number[-4:]}" in page
    assert "138****0001" in page


def test_other_doors_turn_the_same_key(client: Client, cast: Cast) -> None:
    for address, typed in [
        (
            EMPLOYER,
            {
                "credit_code": cast.yongjiang.credit_code,
                "clerk": cast.yongjiang_clerk.phone,
                "password": PASSWORD,
            },
        ),
        (STAFF, {"username": cast.ningbo_reviewer.username, "password": PASSWORD}),
    ]:
        visitor = Client()
        session = visitor.session
        session["a"] = 1
        session.save()
        planted = session.session_key
        visitor.cookies["sessionid"] = str(planted)
        assert knock(visitor, address, typed).status_code == 302
        assert visitor.session.session_key != planted


@pytest.mark.parametrize("like", ["number", "phone"])
def test_a_new_password_is_unlike_what_others_know_of_its_owner(
    client: Client, cast: Cast, like: str
) -> None:
    user = cast.wang_fang_login
    client.force_login(user)
    password = {"number": f"{cast.wang_fang.identity_number.lower()}!", "phone": f"{user.phone}wf"}[like]
    answer = client.post("/account/", {"current": PASSWORD, "password": password, "password_again": password})
    assert answer.status_code == 200
    assert answer.context["form"].errors["password"]
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
