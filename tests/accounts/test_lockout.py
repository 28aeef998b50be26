"""Five wrong passwords for an account close it, to the place they came from, for fifteen minutes;
thirty an address.

No spelling, header or account of one's own gets round it, and nobody closes it from afar to the
browser that its owner uses.
"""

import datetime as dt
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.test import Client, RequestFactory

from portal.accounts import lockout
from portal.accounts.lockout import client_address
from portal.accounts.models import User
from tests.accounts.knocking import BY_CODE, EMPLOYER, PERSON, STAFF, code_sent_to, exist, hidden, knock
from tests.cast import PASSWORD, Cast, identity_number

pytestmark = pytest.mark.django_db


def guess(address: str, typed: dict[str, str], times: int, **more: str) -> list[int]:
    return [
        knock(Client(), address, {**typed, "password": f"wrong-password-{n}"}, **more).status_code
        for n in range(times)
    ]


def test_the_fifth_wrong_password_closes_the_account_where_it_was_typed(cast: Cast) -> None:
    exist(cast.wang_fang_login)
    typed = {"login": cast.wang_fang.identity_number}
    assert guess(PERSON, typed, 5) == [200, 200, 200, 200, 429]
    page = knock(Client(), PERSON, {**typed, "password": PASSWORD})
    assert page.status_code == 429
    assert 0 < int(page["Retry-After"]) <= 900
    text = page.content.decode()
    for words in ("密码连续输错 5 次", "15 分钟", "用短信验证码登录", "重设密码", "窗口", "12333"):
        assert words in text
    assert 'href="/login/person/?way=code"' in text
    assert knock(Client(), PERSON, {**typed, "password": PASSWORD}, REMOTE_ADDR="10.9.8.7").status_code == 302


@pytest.mark.parametrize("exists", [True, False])
def test_each_wrong_password_says_how_many_tries_are_left(cast: Cast, exists: bool) -> None:
    if exists:
        exist(cast.wang_fang_login)
    typed = {"login": cast.wang_fang.identity_number}
    said = []
    for turn in range(4):
        page = knock(Client(), PERSON, {**typed, "password": f"wrong-password-{turn}"})
        [text] = page.context["form"].non_field_errors()
        said.append(text)
    assert [f"还可以再试 {left} 次" in text for left, text in zip((4, 3, 2, 1), said, strict=True)] == [
        True
    ] * 4


def test_nobody_closes_an_account_from_afar(cast: Cast) -> None:
    """Not its owner's browser, even from the same office; nor, for staff, a colleague's."""
    exist(cast.wang_fang_login)
    for door, name, right in (
        (PERSON, {"login": "13800000001"}, 302),
        (STAFF, {"username": cast.ningbo_reviewer.username}, 302),
    ):
        at_home = Client()
        knock(at_home, door, {**name, "password": PASSWORD})
        at_home.get("/account/")
        at_home.post("/logout/")
        assert guess(door, name, 5)[-1] == 429
        for place in range(4):
            guess(door, name, 5, REMOTE_ADDR=f"10.0.0.{place}")
        assert knock(at_home, door, {**name, "password": PASSWORD}).status_code == right
        at_home.post("/logout/")
        # And its own wrong ones are counted by itself.
        own = [knock(at_home, door, {**name, "password": f"no-{n}"}).status_code for n in range(5)]
        assert own == [200, 200, 200, 200, 429]


def test_a_browser_that_an_account_does_not_know_has_no_counter_of_its_own(cast: Cast) -> None:
    exist(cast.li_qiang_login)
    exist(cast.wang_fang_login)
    other = Client()
    knock(other, PERSON, {"login": "13800000002", "password": PASSWORD})
    other.post("/logout/")
    assert guess(PERSON, {"login": "13800000001"}, 5)[-1] == 429
    assert knock(other, PERSON, {"login": "13800000001", "password": "no"}).status_code == 429
    forged = Client()
    forged.cookies["browser"] = other.cookies["browser"].value[:-3] + "abc"
    assert knock(forged, PERSON, {"login": "13800000001", "password": "no"}).status_code == 429


def test_guesses_from_many_places_are_slowed_and_then_stopped(cast: Cast, monkeypatch: Any) -> None:
    exist(cast.wang_fang_login)
    typed = {"login": "13800000001"}
    for place in range(4):
        guess(PERSON, typed, 5, REMOTE_ADDR=f"10.0.0.{place}")
    assert guess(PERSON, typed, 2, REMOTE_ADDR="10.0.1.1") == [429, 429]
    assert knock(Client(), PERSON, {**typed, "password": PASSWORD}, REMOTE_ADDR="10.0.1.2").status_code == 302
    monkeypatch.setattr(lockout, "STRANGERS_LIMIT", 21)
    page = knock(Client(), PERSON, {**typed, "password": PASSWORD}, REMOTE_ADDR="10.0.1.3")
    assert page.status_code == 429
    assert "被多处输错密码" in page.content.decode()


def test_an_account_that_does_not_exist_closes_alike(cast: Cast) -> None:
    typed = {"login": cast.newcomer_number}
    assert guess(PERSON, typed, 5) == [200, 200, 200, 200, 429]
    assert guess(PERSON, {"login": f"{cast.newcomer_number[:10]} {cast.newcomer_number[10:]}"}, 1) == [429]


def test_after_fifteen_minutes_it_opens_again(cast: Cast) -> None:
    exist(cast.wang_fang_login)
    typed = {"login": cast.wang_fang.identity_number}
    assert guess(PERSON, typed, 5)[-1] == 429
    AccessAttempt.objects.update(attempt_time=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=14))
    page = knock(Client(), PERSON, {**typed, "password": PASSWORD})
    assert page.status_code == 429
    assert "1 分钟" in page.content.decode()
    AccessAttempt.objects.update(attempt_time=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=15, seconds=1))
    assert knock(Client(), PERSON, {**typed, "password": PASSWORD}).status_code == 302


def test_knocking_while_it_is_closed_does_not_keep_it_closed(cast: Cast) -> None:
    exist(cast.wang_fang_login)
    typed = {"login": cast.wang_fang.identity_number}
    guess(PERSON, typed, 5)
    closed_at = AccessAttempt.objects.get().attempt_time
    guess(PERSON, typed, 3)
    assert AccessAttempt.objects.get().attempt_time == closed_at


def test_another_spelling_is_the_same_account(cast: Cast) -> None:
    person = cast.wang_fang
    person.identity_number = number = next(
        found
        for order in range(1, 99)
        if (found := identity_number("330211", "1975-03-04", order)).endswith("X")
    )
    person.save()
    exist(cast.wang_fang_login)
    spellings = [
        number,
        number.lower(),
        f"{number[:6]} {number[6:]}",
        number[:6] + number[8:17],
        "13800000001",
    ]
    answers = [guess(PERSON, {"login": spelling}, 1)[0] for spelling in spellings]
    assert answers == [200, 200, 200, 200, 429]


def test_a_clerks_name_and_phone_are_the_same_account(cast: Cast) -> None:
    clerk = cast.yongjiang_clerk
    code = cast.yongjiang.credit_code
    spellings = [
        (code, clerk.name),
        (code.lower(), clerk.name),
        (code, clerk.phone),
        (code, f" {clerk.name}"),
        (code, "139 0000 0101"),
    ]
    answers = [guess(EMPLOYER, {"credit_code": each, "clerk": who}, 1)[0] for each, who in spellings]
    assert answers == [200, 200, 200, 200, 429]
    exist(cast.yongjiang_second_clerk)
    colleague = {"credit_code": code, "clerk": "吴军", "password": PASSWORD}
    assert knock(Client(), EMPLOYER, colleague).status_code == 302


def test_staff_are_closed_out_too(cast: Cast) -> None:
    exist(cast.ningbo_reviewer)
    assert guess(STAFF, {"username": "ningbo-1"}, 5)[-1] == 429
    assert knock(Client(), STAFF, {"username": "ningbo-1", "password": PASSWORD}).status_code == 429


def test_a_forged_x_forwarded_for_gets_no_new_tries(cast: Cast) -> None:
    exist(cast.wang_fang_login)
    answers = [
        guess(
            PERSON,
            {"login": "13800000001"},
            1,
            HTTP_X_FORWARDED_FOR=f"10.0.0.{n}",
            HTTP_USER_AGENT=f"browser {n}",
        )[0]
        for n in range(5)
    ]
    assert answers[-1] == 429
    assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {"127.0.0.1"}


def test_thirty_wrong_passwords_from_one_address_close_it_for_every_account(cast: Cast) -> None:
    exist(cast.wang_fang_login)
    answers = [
        guess(PERSON, {"login": f"138111100{n:02}"}, 1, HTTP_X_FORWARDED_FOR=f"10.0.0.{n}")[0]
        for n in range(30)
    ]
    assert answers == [200] * 29 + [429]
    good = {"login": "13800000001", "password": PASSWORD}
    assert knock(Client(), PERSON, good).status_code == 429
    assert knock(Client(), PERSON, good, REMOTE_ADDR="10.1.1.1").status_code == 302


def test_an_account_of_ones_own_does_not_clear_the_guesses_at_another(cast: Cast) -> None:
    exist(cast.wang_fang_login)
    exist(cast.li_qiang_login)
    for _round in range(2):
        answers = guess(PERSON, {"login": "13800000001"}, 2)
        assert answers == [200, 200]
        assert knock(Client(), PERSON, {"login": "13800000002", "password": PASSWORD}).status_code == 302
    assert guess(PERSON, {"login": "13800000001"}, 1) == [429]


def test_a_success_clears_its_own_account(cast: Cast) -> None:
    exist(cast.wang_fang_login)
    for _round in range(3):
        assert guess(PERSON, {"login": "13800000001"}, 4) == [200] * 4
        assert knock(Client(), PERSON, {"login": "13800000001", "password": PASSWORD}).status_code == 302


def test_the_owner_of_the_phone_gets_in_while_the_password_is_closed(client: Client, cast: Cast) -> None:
    exist(cast.wang_fang_login)
    guess(PERSON, {"login": "13800000001"}, 5)
    second = knock(client, BY_CODE, {"phone": "13800000001"})
    code = code_sent_to("13800000001")
    assert client.post(BY_CODE, {**hidden(second), "code": code}).status_code == 302
    assert knock(Client(), PERSON, {"login": "13800000001", "password": PASSWORD}).status_code == 302


def test_failures_are_kept_without_numbers_or_passwords(cast: Cast) -> None:
    guess(PERSON, {"login": cast.newcomer_number}, 1)
    guess(EMPLOYER, {"credit_code": cast.yongjiang.credit_code, "clerk": "13911112222"}, 1)
    for attempt in AccessAttempt.objects.all():
        kept = f"{attempt.username} {attempt.post_data} {attempt.get_data} {attempt.path_info}"
        assert cast.newcomer_number not in kept
        assert "13911112222" not in kept
        assert "wrong-password" not in kept
    assert User.objects.filter(kind="person").count() == 0


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "address"),
    [
        (0, "", "198.51.100.7", "198.51.100.7"),
        (0, "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.1", "198.51.100.7", "10.0.0.1"),
        (1, "6.6.6.6, 10.0.0.1", "198.51.100.7", "10.0.0.1"),
        (2, "6.6.6.6, 10.0.0.1, 10.0.0.2", "198.51.100.7", "10.0.0.1"),
        (2, "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        (1, "nonsense", "198.51.100.7", "::"),
        (0, "", "2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::"),
        (0, "", "::ffff:198.51.100.7", "198.51.100.7"),
        (0, "", "", "::"),
    ],
)
def test_which_address_counts(settings, proxies: int, forwarded: str, peer: str, address: str) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == address
