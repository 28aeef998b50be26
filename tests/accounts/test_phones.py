"""Logging in by a code, changing the phone, and the demo's page of messages."""

import pytest
from django.test import Client

from portal.accounts import phones
from tests.accounts.knocking import BY_CODE, code_sent_to, errors, exist, hidden, knock, last_message
from tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db

PHONE_PAGE = "/account/phone/"
NEW = "13700000001"


def test_a_person_logs_in_by_code_and_goes_on(client: Client, cast: Cast) -> None:
    exist(cast.wang_fang_login)
    address = f"{BY_CODE}&next=/account/"
    page = knock(client, address, {"phone": "138 0000 0001"})
    assert 'autocomplete="one-time-code"' in page.content.decode()
    answer = client.post(address, {**hidden(page), "code": code_sent_to("13800000001")})
    assert answer["Location"] == "/account/"
    assert client.get("/account/").status_code == 200


def test_a_phone_without_an_account_is_told_by_message_only(client: Client, cast: Cast) -> None:
    exist(cast.yongjiang_clerk)
    for phone in ("13899999999", cast.yongjiang_clerk.phone):
        page = knock(client, BY_CODE, {"phone": phone})
        assert page.context["code_sent"]
        assert "尚未开通个人账号" in last_message(phone)
        answer = client.post(BY_CODE, {**hidden(page), "code": "123456"})
        assert errors(answer) == {"code": ["短信验证码不正确或已失效。连续输错 5 次后须重新获取。"]}


def test_a_code_for_something_else_opens_no_door(client: Client, cast: Cast) -> None:
    exist(cast.wang_fang_login)
    knock(
        client,
        "/register/",
        {"name": "赵磊", "identity_number": cast.newcomer_number, "phone": "13800000001"},
    )
    code = code_sent_to("13800000001")
    assert client.post(BY_CODE, {"phone": "13800000001", "code": code}).status_code == 200
    assert "_auth_user_id" not in client.session


def change(client: Client, phone: str, password: str):
    page = knock(client, PHONE_PAGE, {"phone": phone})
    return client.post(PHONE_PAGE, {**hidden(page), "code": code_sent_to(phone), "current": password})


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13800010001", "13800010001"),
        ("+86 138 0001 0001", "13800010001"),
        ("8613800010001", "13800010001"),
        ("008613800010001", "13800010001"),
        ("138-0001-0001", "13800010001"),
        ("+852 5123 4567", "+85251234567"),
        ("00852 5123-4567", "+85251234567"),
        ("＋８５３ 6612 3456", "+85366123456"),
        ("+886 0912 345 678", "+886912345678"),
        ("+1 (202) 555-0123", "+12025550123"),
    ],
)
def test_a_number_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert phones.parse(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "1380001000",
        "138000100011",
        "12800010001",
        "85251234567",
        "+852 123",
        "+86 010 6655 4433",
        "+999 12345678",
        "+1",
        "abc",
    ],
)
def test_what_is_no_mobile_number_is_refused(typed: str) -> None:
    with pytest.raises(phones.InvalidPhone):
        phones.parse(typed)


@pytest.mark.parametrize("who", ["wang_fang_login", "yongjiang_clerk"])
def test_a_new_phone_is_proved_by_code_and_password(client: Client, cast: Cast, who: str) -> None:
    user = getattr(cast, who)
    client.force_login(user)
    assert change(client, NEW, PASSWORD)["Location"] == "/account/"
    user.refresh_from_db()
    assert user.phone == NEW


def test_a_wrong_password_changes_nothing(client: Client, cast: Cast) -> None:
    client.force_login(cast.wang_fang_login)
    assert "当前密码不正确" in errors(change(client, NEW, "wrong-password-1"))["__all__"][0]
    cast.wang_fang_login.refresh_from_db()
    assert cast.wang_fang_login.phone == "13800000001"


def test_another_accounts_phone_is_refused(client: Client, cast: Cast) -> None:
    exist(cast.li_qiang_login)
    client.force_login(cast.wang_fang_login)
    assert "已是另一账号" in errors(change(client, "13800000002", PASSWORD))["phone"][0]
    assert client.get("/account/").status_code == 200


def test_staff_change_theirs_elsewhere(client: Client, cast: Cast) -> None:
    client.force_login(cast.ningbo_reviewer)
    assert client.get(PHONE_PAGE).status_code == 404
    assert client.get("/account/").status_code == 200


def test_the_demo_shows_its_messages_and_nothing_else_does(client: Client, cast: Cast, settings) -> None:
    exist(cast.wang_fang_login)
    knock(client, BY_CODE, {"phone": "13800000001"})
    page = client.get("/demo/messages/").content.decode()
    assert code_sent_to("13800000001") in page
    assert "13800000001" not in page
    settings.DEMO = False
    assert client.get("/demo/messages/").status_code == 404
