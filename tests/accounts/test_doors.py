"""Each door lets in its own kind, however the numbers are typed, and nobody else; and tells nobody
who has an account."""

import re
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import SESSION_KEY, hashers
from django.test import Client

from portal.accounts.models import User
from tests.accounts.knocking import EMPLOYER, PERSON, STAFF, errors, exist, knock
from tests.cast import PASSWORD, Cast, identity_number

pytestmark = pytest.mark.django_db


def wide(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


def logged_in(client: Client) -> int | None:
    key = client.session.get(SESSION_KEY)
    return int(key) if key else None


@pytest.mark.parametrize(
    "spelling",
    [
        lambda number: number,
        lambda number: wide(number),
        lambda number: f" {number[:6]} {number[6:14]} {number[14:]} ",
        lambda number: number.lower(),
        lambda number: number[:6] + number[8:17],  # the 15 digits of an old card
    ],
    ids=["plain", "full-width", "spaced", "lower-case", "old card"],
)
def test_a_person_logs_in_by_identity_number_however_it_is_typed(
    client: Client, cast: Cast, spelling
) -> None:
    number = next(
        number
        for order in range(1, 99)
        if (number := identity_number("330211", "1975-03-04", order)).endswith("X")
    )
    person = cast.wang_fang
    person.identity_number = number
    person.save()
    exist(cast.wang_fang_login)
    answer = knock(client, PERSON, {"login": spelling(number), "password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert logged_in(client) == cast.wang_fang_login.pk


@pytest.mark.parametrize("typed", ["13800000001", "+86 138-0000-0001", wide("13800000001")])
def test_a_person_logs_in_by_phone(client: Client, cast: Cast, typed: str) -> None:
    user = cast.wang_fang_login
    assert knock(client, PERSON, {"login": typed, "password": PASSWORD}).status_code == 302
    assert logged_in(client) == user.pk


@pytest.mark.parametrize("clerk", ["周敏", " 周敏 ", "13900000101", "139 0000 0101"])
@pytest.mark.parametrize("spelling", [str, str.lower, wide])
def test_a_clerk_logs_in_by_code_and_name_or_phone(client: Client, cast: Cast, clerk: str, spelling) -> None:
    user = cast.yongjiang_clerk
    typed = {"credit_code": spelling(cast.yongjiang.credit_code), "clerk": clerk, "password": PASSWORD}
    assert knock(client, EMPLOYER, typed).status_code == 302
    assert logged_in(client) == user.pk


def test_a_clerk_of_another_employer_does_not_pass(client: Client, cast: Cast) -> None:
    exist(cast.yongjiang_clerk)
    typed = {"credit_code": cast.zhaobao.credit_code, "clerk": "周敏", "password": PASSWORD}
    assert knock(client, EMPLOYER, typed).status_code == 200
    assert logged_in(client) is None


def test_staff_log_in_to_the_admin(client: Client, cast: Cast) -> None:
    user = cast.ningbo_reviewer
    answer = knock(client, STAFF, {"username": user.username, "password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/"
    assert logged_in(client) == user.pk
    assert client.get("/admin/")["Location"] == "/staff/factor/enrol/?next=/admin/", "and a factor to enrol"


def test_no_kind_passes_another_kinds_door(client: Client, cast: Cast) -> None:
    person, clerk, reviewer = cast.wang_fang_login, cast.yongjiang_clerk, cast.ningbo_reviewer
    for address, typed in [
        (PERSON, {"login": clerk.phone}),
        (PERSON, {"login": clerk.username}),
        (PERSON, {"login": reviewer.username}),
        (EMPLOYER, {"credit_code": cast.yongjiang.credit_code, "clerk": person.phone}),
        (EMPLOYER, {"credit_code": cast.yongjiang.credit_code, "clerk": person.name}),
        (STAFF, {"username": person.username}),
        (STAFF, {"username": clerk.username}),
        (STAFF, {"username": person.phone}),
    ]:
        assert knock(client, address, {**typed, "password": PASSWORD}).status_code == 200
        assert logged_in(client) is None


@pytest.mark.parametrize("who", ["wang_fang_login", "yongjiang_clerk", "ningbo_reviewer"])
def test_a_closed_account_stays_outside_and_open_sessions_end(client: Client, cast: Cast, who: str) -> None:
    user: User = getattr(cast, who)
    client.force_login(user)
    assert client.get("/account/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/account/").status_code == 302
    address, typed = {
        "wang_fang_login": (PERSON, {"login": "13800000001"}),
        "yongjiang_clerk": (EMPLOYER, {"credit_code": cast.yongjiang.credit_code, "clerk": "周敏"}),
        "ningbo_reviewer": (STAFF, {"username": "ningbo-1"}),
    }[who]
    assert knock(client, address, {**typed, "password": PASSWORD}).status_code == 200


def test_the_system_account_has_no_password(client: Client) -> None:
    assert not User.objects.system().has_usable_password()
    assert knock(client, STAFF, {"username": "system", "password": "!"}).status_code == 200


def test_known_and_unknown_accounts_get_the_same_answer_after_the_same_work(
    client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    exist(cast.wang_fang_login)
    exist(cast.yongjiang_clerk)
    exist(cast.ningbo_reviewer)
    hashed: list[str] = []
    algorithm = type(hashers.get_hasher())
    encode = algorithm.encode

    def counted(*given: Any, **more: Any) -> str:
        hashed.append("once")
        return encode(*given, **more)

    monkeypatch.setattr(algorithm, "encode", counted)

    def answer(address: str, typed: dict[str, str]) -> tuple[int, str, int]:
        hashed.clear()
        page = knock(client, address, {**typed, "password": "wrong-password-1"})
        text = re.sub(
            r"[0-9a-f]{40}|csrfmiddlewaretoken\" value=\"\w+|value=\"[^\"]*\"", "", page.content.decode()
        )
        return page.status_code, text, len(hashed)

    for address, known, unknown in [
        (PERSON, {"login": cast.wang_fang.identity_number}, {"login": cast.newcomer_number}),
        (PERSON, {"login": "13800000001"}, {"login": "13899999999"}),
        (
            EMPLOYER,
            {"credit_code": cast.yongjiang.credit_code, "clerk": "周敏"},
            {"credit_code": cast.zhaobao.credit_code, "clerk": "周敏"},
        ),
        (STAFF, {"username": "ningbo-1"}, {"username": "ningbo-9"}),
    ]:
        # Each begins anew: how many tries are left is said, and one account is knocked for by two
        # names here.
        AccessAttempt.objects.all().delete()
        right = answer(address, known)
        assert right == answer(address, unknown)
        assert right[0] == 200
        assert right[2] == 1


def test_typed_numbers_stay_and_passwords_do_not(client: Client, cast: Cast) -> None:
    page = knock(client, PERSON, {"login": cast.newcomer_number, "password": "Secret-typed-1"})
    assert cast.newcomer_number in page.content.decode()
    assert "Secret-typed-1" not in page.content.decode()
    assert "__all__" in errors(page)


def test_the_fields_say_what_they_are_for(client: Client) -> None:
    page = client.get(PERSON).content.decode()
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert 'autocomplete="username"' in client.get(EMPLOYER).content.decode()


def test_whoever_is_logged_in_is_sent_on(client: Client, cast: Cast) -> None:
    client.force_login(cast.wang_fang_login)
    assert client.get(f"{PERSON}?next=/account/")["Location"] == "/account/"
    assert client.get(EMPLOYER)["Location"] == "/"


def test_the_workbench_is_not_there_for_persons_and_clerks(client: Client, cast: Cast) -> None:
    for user in (cast.wang_fang_login, cast.yongjiang_clerk):
        client.force_login(user)
        assert client.get("/admin/").status_code == 404
        assert client.get("/admin/login/").status_code == 404
        assert client.get("/admin/accounts/user/").status_code == 404
