"""Employers' clerks by invitation: a link to the invited phone, once and until its end, and an
account that the employer's first clerk ends at once."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from portal.accounts import inviting
from portal.accounts.models import ClerkInvitation, Kind, OutboxMessage, User
from portal.accounts.roles import MANAGER
from tests.accounts.knocking import EMPLOYER, code_sent_to, errors, exist, hidden, knock, last_message
from tests.cast import PASSWORD, Cast, staff
from tests.conftest import Clock

pytestmark = pytest.mark.django_db

CLERKS = "/account/clerks/"
PHONE = "13700000021"
NEW = "Zhenhai-3302-clerk"


@pytest.fixture
def first(cast: Cast) -> Client:
    """The first clerk of the company."""
    return signed_in(cast.yongjiang_clerk)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="portal.accounts.doors.EmployerDoor")
    return client


def link(phone: str = PHONE) -> str:
    """The way that the last invitation of the phone leads."""
    texts = OutboxMessage.objects.filter(phone=phone, text__contains="/join/").order_by("-sent_at", "-pk")
    found = re.search(r"/join/[\w-]+/", texts[0].text)
    assert found, texts[0].text
    return found[0]


def invited(first: Client, phone: str = PHONE) -> str:
    assert first.post(CLERKS, {"phone": phone}).status_code == 302
    return link(phone)


def joined(address: str, *, name: str = "高明", phone: str = PHONE, **typed: str) -> Any:
    client = Client()
    page = knock(client, address, {"name": name, "phone": phone})
    if not page.context.get("code_sent"):
        return page
    code = {"code": code_sent_to(phone), "password": NEW, "password_again": NEW, **typed}
    return client.post(address, {**hidden(page), **code})


def test_a_colleague_joins_by_the_link_and_files_for_the_employer(first: Client, cast: Cast) -> None:
    address = invited(first)
    assert "宁波甬江机械有限公司" in last_message(PHONE)
    page = Client().get(address).content.decode()
    assert "宁波甬江机械有限公司" in page
    assert PHONE not in page
    assert joined(address)["Location"] == EMPLOYER
    clerk = User.objects.get(phone=PHONE)
    assert (clerk.kind, clerk.name, clerk.employer, clerk.manages_clerks) == (
        Kind.CLERK,
        "高明",
        cast.yongjiang,
        False,
    )
    typed = {"credit_code": cast.yongjiang.credit_code, "clerk": "高明", "password": NEW}
    own = Client()
    assert knock(own, EMPLOYER, typed).status_code == 302
    # Who manages no clerks sees them, and whom to ask.
    text = own.get(CLERKS).content.decode()
    assert "周敏" in text
    assert "请联系上面可以管理经办人的同事" in text
    assert own.post(CLERKS, {"phone": "13700000022"}).status_code == 404
    assert "高明" in first.get(CLERKS).content.decode()


def over(*, first: Client, cast: Cast, clock: Clock) -> None:
    clock.step(days=3, minutes=1)


def withdrawn(*, first: Client, cast: Cast, clock: Clock) -> None:
    row = ClerkInvitation.objects.get()
    for told in ("邀请已撤回", "已经用过或撤回"):
        page = first.post(f"{CLERKS}invitations/{row.pk}/withdraw/", follow=True)
        assert told in page.content.decode()


def invited_again(*, first: Client, cast: Cast, clock: Clock) -> None:
    clock.step(minutes=2)
    invited(first)


def inviter_left(*, first: Client, cast: Cast, clock: Clock) -> None:
    User.objects.filter(pk=cast.yongjiang_clerk.pk).update(is_active=False)


def right_taken(*, first: Client, cast: Cast, clock: Clock) -> None:
    User.objects.filter(pk=cast.yongjiang_clerk.pk).update(manages_clerks=False)


def used(*, first: Client, cast: Cast, clock: Clock) -> None:
    assert joined(link()).status_code == 302


@pytest.mark.parametrize("ended", [over, withdrawn, invited_again, inviter_left, right_taken, used])
def test_a_link_is_good_once_until_its_end_and_no_longer_than_its_sender(
    first: Client, cast: Cast, clock: Clock, ended: Callable[..., None]
) -> None:
    address = invited(first)
    client = Client()
    page = knock(client, address, {"name": "高明", "phone": PHONE})
    half = {**hidden(page), "code": code_sent_to(PHONE), "password": NEW, "password_again": NEW}
    clock.step(minutes=2)
    ended(first=first, cast=cast, clock=clock)
    before = User.objects.filter(phone=PHONE).count()
    for answer in (Client().get(address), client.post(address, half)):
        assert answer.status_code == 410
        assert "这份邀请已失效" in answer.content.decode()
    assert User.objects.filter(phone=PHONE).count() == before
    assert Client().get("/join/no-such-link/").status_code == 410


def test_the_link_alone_opens_nothing(first: Client, cast: Cast) -> None:
    """Whoever found it has another phone, or guesses the code."""
    address = invited(first)
    assert "不是收到邀请的手机号码" in errors(joined(address, phone="13700000023"))["phone"][0]
    assert last_message("13700000023") == ""
    wrong = f"{(int('1') + 1):06}"
    assert "code" in errors(joined(address, code=wrong))
    assert not User.objects.filter(phone=PHONE).exists()


@pytest.mark.parametrize(
    ("typed", "field", "says"),
    [
        ({"name": "周敏"}, "name", "本单位已有同名的经办人"),
        ({"name": "高"}, "name", "至少两个字"),
        ({"password": "short-1", "password_again": "short-1"}, "password", "10"),
        ({"password_again": "other-than-it-1"}, "password_again", "不一致"),
    ],
)
def test_what_will_not_do_is_said_beside_its_field(
    first: Client, cast: Cast, typed: dict[str, str], field: str, says: str
) -> None:
    page = joined(invited(first), **typed)
    assert says in errors(page)[field][0]
    assert not User.objects.filter(phone=PHONE).exists()


def test_nobody_is_invited_twice_nor_too_often(first: Client, cast: Cast, clock: Clock) -> None:
    exist(cast.yongjiang_second_clerk)
    invited(first)
    assert "刚刚已邀请" in errors(first.post(CLERKS, {"phone": PHONE}))["phone"][0]
    assert "已经是本单位经办人" in errors(first.post(CLERKS, {"phone": "13900000111"}))["phone"][0]
    assert "11 位" in errors(first.post(CLERKS, {"phone": "1370000002"}))["phone"][0]
    for turn in range(inviting.MOST_A_DAY - 1):
        invited(first, f"137000001{turn:02}")
    assert "请明天再试" in errors(first.post(CLERKS, {"phone": "13700000199"}))["phone"][0]
    clock.step(days=1, minutes=1)
    invited(signed_in(cast.yongjiang_clerk), "13700000199")


def test_an_ended_account_is_out_at_the_next_click_and_comes_back_by_a_new_invitation(
    first: Client, cast: Cast, clock: Clock
) -> None:
    joined(invited(first))
    clerk = User.objects.get(phone=PHONE)
    inside = Client()
    typed = {"credit_code": cast.yongjiang.credit_code, "clerk": PHONE, "password": NEW}
    assert knock(inside, EMPLOYER, typed).status_code == 302
    assert inside.get(CLERKS).status_code == 200
    end = f"{CLERKS}{clerk.pk}/end/"
    assert "高明" in first.get(end).content.decode()
    assert "已停用" in first.post(end, follow=True).content.decode()
    assert inside.get(CLERKS)["Location"].startswith(EMPLOYER)
    assert not clerk.open_sessions.exists()
    assert knock(Client(), EMPLOYER, typed).status_code == 200
    assert "这个账号已经停用" in first.post(end, follow=True).content.decode()
    clock.step(minutes=2)
    assert joined(invited(first), name="高明明").status_code == 302
    clerk.refresh_from_db()
    assert (clerk.is_active, clerk.name) == (True, "高明明")
    assert User.objects.filter(phone=PHONE).count() == 1


def test_nobody_ends_themselves_or_another_employers_clerk_or_without_the_right(
    first: Client, cast: Cast
) -> None:
    exist(cast.yongjiang_second_clerk, cast.zhaobao_clerk)
    for who in (cast.yongjiang_clerk, cast.zhaobao_clerk):
        assert first.post(f"{CLERKS}{who.pk}/end/").status_code == 404
    second = signed_in(cast.yongjiang_second_clerk)
    assert second.post(f"{CLERKS}{cast.yongjiang_clerk.pk}/end/").status_code == 404
    invited(first)
    row = ClerkInvitation.objects.get()
    for client in (second, signed_in(cast.zhaobao_clerk)):
        assert client.post(f"{CLERKS}invitations/{row.pk}/withdraw/").status_code == 404
    assert User.objects.filter(kind=Kind.CLERK, is_active=True).count() == 3
    assert inviting.waiting(cast.yongjiang, now=row.invited_at) == [row]


def test_the_city_sees_who_was_invited_and_other_cities_do_not(first: Client, cast: Cast) -> None:
    joined(invited(first))
    elsewhere = staff("wuhan-9", "张国强", "wuhan", MANAGER)
    for who, sees in ((cast.ningbo_manager, True), (elsewhere, False)):
        client = Client()
        client.force_login(who, backend="portal.accounts.doors.StaffDoor")
        text = client.get("/admin/accounts/clerkinvitation/").content.decode()
        assert ("高明已开通" in text) is sees
        assert PHONE not in text


def test_the_database_keeps_invitations(first: Client, cast: Cast) -> None:
    joined(invited(first))
    rows = ClerkInvitation.objects
    for change in (
        {"taken_at": None, "taken_by": None},
        {"phone": "13700000029"},
        {"withdrawn_at": dt.datetime.now(dt.UTC)},
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        User.objects.filter(pk=cast.wang_fang_login.pk).update(manages_clerks=True)


def test_the_first_clerk_of_an_employer_manages_the_others(cast: Cast) -> None:
    assert cast.yongjiang_clerk.manages_clerks
    assert not cast.yongjiang_second_clerk.manages_clerks
    assert cast.zhaobao_clerk.manages_clerks
    assert cast.zhaobao_clerk.check_password(PASSWORD)
