"""Staff come in with a password of their own and a second factor; what is lost is reset by two."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.http import QueryDict
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from portal.accounts import factors, proposals
from portal.accounts.models import Proposal, User
from portal.accounts.roles import MANAGER
from tests.accounts.knocking import EMPLOYER, STAFF, errors, knock
from tests.cast import PASSWORD, Cast, staff
from tests.factor import authenticator, by_password_alone, code_for

pytestmark = pytest.mark.django_db

FACTOR, ENROL, CODES, FIRST = (
    "/staff/factor/",
    "/staff/factor/enrol/",
    "/staff/factor/codes/",
    "/account/first-password/",
)
NEW = "Zhenhai-3302-new"


def halfway(user: User) -> Client:
    client = Client()
    by_password_alone(client, user)
    return client


def let_in(client: Client) -> bool:
    return bool(client.get("/admin/").status_code == 200)


def test_a_new_member_of_staff_enrols_and_is_in(cast: Cast) -> None:
    user, client = cast.ningbo_reviewer, Client()
    knock(client, STAFF, {"username": user.username, "password": PASSWORD})
    assert client.get("/admin/hall/case/")["Location"] == f"{ENROL}?next=/admin/hall/case/"
    page = client.get(f"{ENROL}?next=/admin/hall/case/").content.decode()
    assert "<svg" in page
    device = TOTPDevice.objects.get(user=user)
    assert not device.confirmed
    wrong = client.post(ENROL, {"code": "000000"})
    assert "验证码不正确" in errors(wrong)["code"][0]
    assert not let_in(client)
    TOTPDevice.objects.filter(pk=device.pk).update(
        throttling_failure_count=0, throttling_failure_timestamp=None
    )
    device.refresh_from_db()
    before = client.session.session_key
    answer = client.post(ENROL, {"code": factors.code_of(device), "next": "/admin/hall/case/"})
    assert answer["Location"] == f"{CODES}?next=/admin/hall/case/"
    assert client.session.session_key != before
    shown = client.get(answer["Location"]).content.decode()
    codes = list(StaticToken.objects.values_list("token", flat=True))
    assert len(codes) == 10
    assert all(code in shown for code in codes)
    assert client.get(answer["Location"]).status_code == 302, "shown once"
    assert let_in(client)


def test_nobody_who_had_the_password_before_knows_the_secret(cast: Cast) -> None:
    """As a supervisor has, who types the first password of a colleague."""
    user = cast.ningbo_reviewer
    seen = halfway(user).get(ENROL).context["secret"]
    client = halfway(user)
    shown = client.get(ENROL).context["secret"]
    assert shown != seen
    assert client.get(ENROL).context["secret"] == shown, "the same for as long as one enrols"
    device = TOTPDevice.objects.get(user=user)
    assert client.post(ENROL, {"code": factors.code_of(device)}).status_code == 302
    assert TOTPDevice.objects.get(user=user, confirmed=True).pk == device.pk


@pytest.mark.parametrize("address", ["/admin/", "/admin/hall/case/", "/account/", "/", "/ningbo/", "/cases/"])
def test_a_password_alone_opens_nothing(cast: Cast, address: str) -> None:
    authenticator(cast.ningbo_reviewer)
    client = halfway(cast.ningbo_reviewer)
    assert client.get(address)["Location"].startswith(FACTOR)
    assert client.post(address, {})["Location"].startswith(FACTOR)


def test_no_second_authenticator_is_enrolled_by_a_password_alone(cast: Cast) -> None:
    authenticator(cast.ningbo_reviewer)
    client = halfway(cast.ningbo_reviewer)
    assert client.get(ENROL).status_code == 302
    assert client.post(ENROL, {"code": "123456"}).status_code == 302
    assert TOTPDevice.objects.count() == 1
    assert not let_in(client)


def test_the_code_lets_in_once_and_a_wrong_one_does_not(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    code, client = code_for(user), halfway(user)
    wrong = client.post(FACTOR, {"code": f"{(int(code) + 1) % 1000000:06d}"})
    assert "不正确" in errors(wrong)["code"][0]
    assert "秒后" in errors(wrong)["code"][0]
    # As after more wrong ones: each makes the wait twice as long.
    TOTPDevice.objects.update(throttling_failure_count=8)
    assert "秒后" in errors(client.post(FACTOR, {"code": code}))["code"][0], "a right one waits, too"
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert (
        client.post(FACTOR, {"code": f" {code[:3]} {code[3:]} ", "next": "/admin/"})["Location"] == "/admin/"
    )
    assert let_in(client)
    again = halfway(user)
    assert "code" in errors(again.post(FACTOR, {"code": code})), "the same code a second time"
    assert not let_in(again)


def test_a_recovery_code_lets_in_once(cast: Cast) -> None:
    user = cast.ningbo_reviewer
    authenticator(user)
    first, *_others = factors.new_recovery_codes(user)
    client = halfway(user)
    assert client.post(FACTOR, {"code": first.upper()}).status_code == 302
    assert let_in(client)
    assert factors.recovery_codes_left(user) == 9
    assert "code" in errors(halfway(user).post(FACTOR, {"code": first}))


def test_a_colleagues_code_does_not_count(cast: Cast) -> None:
    authenticator(cast.ningbo_reviewer)
    assert "code" in errors(
        halfway(cast.ningbo_reviewer).post(FACTOR, {"code": code_for(cast.wuhan_reviewer)})
    )


def test_persons_and_clerks_have_no_such_page(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.wang_fang_login)
    for address in (FACTOR, ENROL, CODES):
        assert client.get(address).status_code == 404
    assert client.get("/account/").status_code == 200


def test_money_is_let_go_with_a_factor_given_a_short_while_ago(cast: Cast, clock: Any) -> None:
    client = Client()
    client.force_login(cast.ningbo_reviewer)
    proposal = Proposal.objects.create(
        kind="factor-reset", city="ningbo", target="x", about="x", payload={"user": cast.ningbo_manager.pk},
        reason="x", proposed_by=cast.ningbo_manager, proposed_at=clock.now,
    )  # fmt: skip
    page = f"/admin/accounts/proposal/{proposal.pk}/change/"
    clock.step(minutes=16)
    client.get("/admin/")
    answer = client.post(page, {"step": "approve"})
    assert answer["Location"] == f"{FACTOR}?next={page}"
    proposal.refresh_from_db()
    assert proposal.status == "proposed"


# The first password


def test_a_password_that_another_typed_is_changed_first(cast: Cast) -> None:
    chief = Client()
    chief.force_login(cast.superuser)
    passwords = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    clerk = {
        "kind": "clerk",
        "username": "c-1",
        "name": "何敏",
        "phone": "13911110000",
        "employer": cast.yongjiang.pk,
    }
    member = {"kind": "staff", "username": "wuhan-9", "name": "汪洋", "city": "wuhan"}
    for typed in (clerk, member):
        assert chief.post("/admin/accounts/user/add/", {**typed, **passwords}).status_code == 302
    door = {"credit_code": cast.yongjiang.credit_code, "clerk": "何敏", "password": NEW}
    for address, typed in ((EMPLOYER, door), (STAFF, {"username": "wuhan-9", "password": NEW})):
        client = Client()
        assert knock(client, address, typed).status_code == 302
        for page in ("/", "/account/", "/cases/", "/admin/"):
            assert client.get(page)["Location"].startswith(FIRST)
        same = client.post(FIRST, {"password": NEW, "password_again": NEW})
        assert "不能与原密码相同" in errors(same)["password"][0]
        own = {"password": "Own-2026-password", "password_again": "Own-2026-password", "next": "/account/"}
        assert client.post(FIRST, own)["Location"] == "/account/"
        assert client.get(FIRST).status_code == 302
    assert not User.objects.filter(must_change_password=True).exists()


def test_a_password_set_by_an_administrator_is_changed_again(cast: Cast) -> None:
    chief = Client()
    chief.force_login(cast.superuser)
    typed = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    chief.post(f"/admin/accounts/user/{cast.yongjiang_clerk.pk}/password/", typed)
    assert User.objects.get(pk=cast.yongjiang_clerk.pk).must_change_password


# No city by default


@pytest.mark.parametrize(("city", "kept"), [("", None), ("wuhan", "wuhan"), ("*", ""), ("atlantis", None)])
def test_a_city_is_chosen_and_all_of_them_only_in_so_many_words(
    cast: Cast, city: str, kept: str | None
) -> None:
    chief = Client()
    chief.force_login(cast.superuser)
    typed = {"kind": "staff", "username": "new-1", "name": "汪洋", "city": city, "password1": NEW, "password2": NEW,
             "usable_password": "true"}  # fmt: skip
    chief.post("/admin/accounts/user/add/", typed)
    made = User.objects.filter(username="new-1").first()
    assert (made.city if made else None) == kept


# Clerks, by the city's supervisors


def test_a_citys_supervisor_looks_after_its_clerks(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.ningbo_manager)
    passwords = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    clerk = {"name": "何敏", "phone": "13911110000", "employer": cast.yongjiang.pk, **passwords}
    assert client.post("/admin/accounts/user/add/", {**clerk, "employer": cast.donghu.pk}).status_code == 200
    assert (
        client.post("/admin/accounts/user/add/", {**clerk, "kind": "staff", "is_superuser": "on"}).status_code
        == 302
    )
    made = User.objects.get(name="何敏")
    assert (made.kind, made.is_staff, made.is_superuser, made.must_change_password) == (
        "clerk",
        False,
        False,
        True,
    )
    page = f"/admin/accounts/user/{made.pk}/change/"
    assert (
        client.post(page, {"name": "何敏", "phone": "13911110001", "is_superuser": "on"}).status_code == 302
    )
    made.refresh_from_db()
    assert (made.phone, made.is_active, made.is_superuser) == ("13911110001", False, False)
    assert client.post(f"/admin/accounts/user/{made.pk}/password/", passwords).status_code == 302
    for other in (cast.donghu_clerk, cast.ningbo_reviewer):
        assert client.post(f"/admin/accounts/user/{other.pk}/password/", passwords).status_code in (403, 404)
        client.post(f"/admin/accounts/user/{other.pk}/change/", {"name": "别人", "phone": "13911110002"})
        assert User.objects.get(pk=other.pk).name == other.name


# What is lost


def test_a_lost_authenticator_is_reset_by_two(cast: Cast) -> None:
    user = cast.ningbo_second_reviewer
    authenticator(user)
    supervisor, checker = Client(), Client()
    supervisor.force_login(cast.ningbo_manager)
    checker.force_login(cast.ningbo_reviewer)
    page = f"/admin/accounts/user/{user.pk}/reset-factor/"
    assert "申请重置" in supervisor.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()
    supervisor.post(page, {"reason": ""})
    assert not Proposal.objects.exists()
    assert checker.post(page, {"reason": "手机丢失"}).status_code == 302
    assert not Proposal.objects.exists(), "not by a reviewer"
    supervisor.post(page, {"reason": "手机丢失，当面核对证件"})
    proposal = Proposal.objects.get()
    assert TOTPDevice.objects.filter(user=user).exists()
    assert proposals.why_not_decide(proposal, user) == "这一事项与您本人有关，请由其他工作人员复核。"
    checker.post(f"/admin/accounts/proposal/{proposal.pk}/change/", {"step": "approve"})
    assert not TOTPDevice.objects.filter(user=user).exists()
    assert halfway(user).get("/admin/")["Location"].startswith(ENROL)
    wuhan = Client()
    wuhan.force_login(staff("wuhan-9", "丁力", "wuhan", MANAGER))
    assert wuhan.post(page, {"reason": "手机丢失"}).status_code == 404


def test_the_operator_resets_where_no_two_are_left(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    authenticator(cast.superuser)
    call_command("reset_second_factor", "root", reason="唯一的管理员手机丢失")
    assert not TOTPDevice.objects.exists()
    assert "唯一的管理员手机丢失" in caplog.text
    with pytest.raises(CommandError):
        call_command("reset_second_factor", "nobody", reason="x")


# The demo


def test_the_demo_tells_the_code_of_its_own_authenticators_only(cast: Cast, settings: Any) -> None:
    user = cast.ningbo_reviewer
    factors.demo_device(user)
    factors.demo_device(user)
    assert TOTPDevice.objects.count() == 1
    client = halfway(user)
    shown = re.search(r'id="demo-code">(\d{6})<', client.get(FACTOR).content.decode())
    assert shown
    assert client.post(FACTOR, {"code": shown[1]}).status_code == 302
    assert let_in(client)
    authenticator(cast.wuhan_reviewer)
    assert "demo-code" not in halfway(cast.wuhan_reviewer).get(FACTOR).content.decode()
    settings.DEMO = False
    assert "demo-code" not in halfway(user).get(FACTOR).content.decode()


def test_what_was_asked_for_goes_along_whole(cast: Cast) -> None:
    """A list with all of its filters, not the first of them alone."""
    client = halfway(staff("new", "新来", "ningbo", MANAGER))
    asked = "/admin/hall/case/?state=all&due=late"
    client.get(client.get(asked)["Location"])
    device = TOTPDevice.objects.get(user__username="new")
    answer = client.post(ENROL, {"code": factors.code_of(device), "next": asked})
    assert QueryDict(urlsplit(answer["Location"]).query)["next"] == asked
