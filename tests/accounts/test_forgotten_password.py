"""A forgotten password: proved by the account's phone, the same answer for everyone, and all
sessions end."""

import re

import pytest
from django.test import Client

from portal.accounts.models import User
from tests.accounts.knocking import EMPLOYER, PERSON, code_sent_to, errors, exist, hidden, knock, last_message
from tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db

FORGOT = "/password/forgot/"
NEW = "Zhenhai-3302-new"


def set_new(client: Client, page, code: str):
    return client.post(FORGOT, {**hidden(page), "code": code, "password": NEW, "password_again": NEW})


def test_a_person_sets_a_new_one_and_every_session_ends(client: Client, cast: Cast) -> None:
    elsewhere = Client()
    elsewhere.force_login(cast.wang_fang_login)
    assert elsewhere.get("/account/").status_code == 200
    page = knock(client, FORGOT, {"number": cast.wang_fang.identity_number, "phone": "13800000001"})
    assert set_new(client, page, code_sent_to("13800000001"))["Location"] == PERSON
    assert elsewhere.get("/account/").status_code == 302
    assert knock(Client(), PERSON, {"login": "13800000001", "password": PASSWORD}).status_code == 200
    assert knock(Client(), PERSON, {"login": "13800000001", "password": NEW}).status_code == 302


def test_a_clerk_sets_a_new_one(client: Client, cast: Cast) -> None:
    clerk = cast.yongjiang_clerk
    page = knock(client, FORGOT, {"number": cast.yongjiang.credit_code, "phone": clerk.phone})
    assert set_new(client, page, code_sent_to(clerk.phone))["Location"] == EMPLOYER
    clerk.refresh_from_db()
    assert clerk.check_password(NEW)


def test_it_opens_a_closed_account(client: Client, cast: Cast) -> None:
    exist(cast.wang_fang_login)
    for n in range(5):
        knock(Client(), PERSON, {"login": "13800000001", "password": f"wrong-password-{n}"})
    page = knock(client, FORGOT, {"number": cast.wang_fang.identity_number, "phone": "13800000001"})
    set_new(client, page, code_sent_to("13800000001"))
    assert knock(Client(), PERSON, {"login": "13800000001", "password": NEW}).status_code == 302


def test_known_and_unknown_get_the_same_page_and_only_the_phone_learns(client: Client, cast: Cast) -> None:
    exist(cast.wang_fang_login)
    number = cast.wang_fang.identity_number
    right = knock(client, FORGOT, {"number": number, "phone": "13800000001"})
    wrong = knock(client, FORGOT, {"number": number, "phone": "13800000099"})

    def text(page) -> str:
        return re.sub(r'value="[^"]*"|138\*\*\*\*00[0-9]{2}', "", page.content.decode())

    assert text(right) == text(wrong)
    assert "不一致" in last_message("13800000099")
    assert not re.search(r"[0-9]{6}", last_message("13800000099"))
    assert list(errors(set_new(client, wrong, "000000"))) == ["code"]


def test_the_code_is_for_the_account_that_was_named(client: Client, cast: Cast) -> None:
    """Someone with a phone and an account of their own names another's number in the second
    step."""
    exist(cast.wang_fang_login)
    exist(cast.li_qiang_login)
    own = knock(client, FORGOT, {"number": cast.li_qiang.identity_number, "phone": "13800000002"})
    code = code_sent_to("13800000002")
    answer = client.post(
        FORGOT,
        {
            **hidden(own),
            "number": cast.wang_fang.identity_number,
            "code": code,
            "password": NEW,
            "password_again": NEW,
        },
    )
    assert list(errors(answer)) == ["code"]
    for user in User.objects.filter(kind="person"):
        assert user.check_password(PASSWORD)


def test_the_same_form_twice_does_it_once(client: Client, cast: Cast) -> None:
    exist(cast.wang_fang_login)
    page = knock(client, FORGOT, {"number": cast.wang_fang.identity_number, "phone": "13800000001"})
    code = code_sent_to("13800000001")
    assert set_new(client, page, code).status_code == 302
    assert set_new(client, page, code).status_code == 200


@pytest.mark.parametrize("number", ["123", "330211198805120020", "<b>"])
def test_a_number_that_is_none_is_said(client: Client, number: str) -> None:
    page = knock(client, FORGOT, {"number": number, "phone": "13800000001"})
    assert list(errors(page)) == ["number"]
    assert page.context["form"]["number"].value() == number
