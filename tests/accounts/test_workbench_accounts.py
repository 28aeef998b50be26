"""Accounts, employers and registers in the workbench: masked, by city, and changed by few."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from portal.accounts.models import User
from portal.accounts.roles import MANAGER
from portal.people.models import BankAccount
from portal.registers.models import HouseholdRecord
from portal.shared.months import Month
from tests.accounts.knocking import EMPLOYER, knock
from tests.cast import Cast, staff
from tests.workbench import search

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client, cast: Cast) -> Client:
    client.force_login(staff("ningbo-m", "方圆", "ningbo", MANAGER))
    return client


@pytest.fixture
def superuser(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.superuser)
    return client


def test_a_city_sees_its_own_accounts(manager: Client, superuser: Client, cast: Cast) -> None:
    own, other, person = cast.yongjiang_clerk, cast.donghu_clerk, cast.wang_fang_login
    shown = manager.get("/admin/accounts/user/").content.decode()
    assert own.name in shown
    assert other.name not in shown
    assert person.name not in shown
    assert manager.get(f"/admin/accounts/user/{other.pk}/change/").status_code == 302
    everyone = superuser.get("/admin/accounts/user/").content.decode()
    assert other.name in everyone
    assert cast.wang_fang.identity_number not in everyone
    assert person.phone not in everyone


def test_only_the_superuser_changes_an_account_of_staff(
    manager: Client, superuser: Client, cast: Cast
) -> None:
    clerk, colleague = cast.yongjiang_clerk, cast.ningbo_reviewer
    shown = manager.get(f"/admin/accounts/user/{clerk.pk}/change/").content.decode()
    assert clerk.password not in shown
    assert clerk.username not in shown
    address = f"/admin/accounts/user/{colleague.pk}/change/"
    page = manager.get(address)
    assert page.status_code == 200
    assert colleague.password not in page.content.decode()
    assert manager.post(address, {"name": "别人"}).status_code == 403
    assert manager.get(f"/admin/accounts/user/{colleague.pk}/password/").status_code == 403
    address = f"/admin/accounts/user/{clerk.pk}/change/"

    form = {"name": "周敏敏", "username": clerk.username, "phone": "139 0000 0101", "city": ""}
    assert superuser.post(address, form).status_code == 302
    clerk.refresh_from_db()
    assert (clerk.name, clerk.phone, clerk.is_active) == ("周敏敏", "13900000101", False)
    assert superuser.post(f"/admin/accounts/user/{clerk.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_superuser_opens_accounts_for_clerks_and_staff(superuser: Client, cast: Cast) -> None:
    passwords = {"password1": "Zhenhai-3302-new", "password2": "Zhenhai-3302-new", "usable_password": "true"}
    clerk = {
        "kind": "clerk",
        "username": "c-1",
        "name": "何敏",
        "phone": "13911110000",
        "employer": cast.yongjiang.pk,
    }
    assert superuser.post("/admin/accounts/user/add/", {**clerk, **passwords}).status_code == 302
    typed = {"credit_code": cast.yongjiang.credit_code, "clerk": "何敏", "password": "Zhenhai-3302-new"}
    assert knock(Client(), EMPLOYER, typed).status_code == 302
    member = {"kind": "staff", "username": "wuhan-9", "name": "汪洋", "city": "wuhan"}
    assert superuser.post("/admin/accounts/user/add/", {**member, **passwords}).status_code == 302
    assert User.objects.get(username="wuhan-9").is_staff
    for wrong in (
        {**clerk, "employer": ""},
        {**member, "username": "wuhan-8", "employer": cast.yongjiang.pk},
        {**clerk, "username": "c-2"},
    ):
        assert superuser.post("/admin/accounts/user/add/", {**wrong, **passwords}).status_code == 200


def test_a_password_set_by_the_superuser_ends_sessions(superuser: Client, cast: Cast) -> None:
    inside = Client()
    inside.force_login(cast.ningbo_reviewer)
    address = f"/admin/accounts/user/{cast.ningbo_reviewer.pk}/password/"
    new = {"password1": "Zhenhai-3302-new", "password2": "Zhenhai-3302-new", "usable_password": "true"}
    assert superuser.post(address, new).status_code == 302
    assert inside.get("/admin/").status_code == 302


def test_employers_and_accounts_are_shown_by_city(manager: Client, cast: Cast) -> None:
    own, other = cast.yongjiang, cast.donghu
    shown = manager.get("/admin/people/employer/").content.decode()
    assert own.name in shown
    assert other.name not in shown
    account = BankAccount.objects.create(
        person=cast.wang_fang,
        city="ningbo",
        bank="psbc",
        number="6217991234567890",
        holder="王芳",
        start=Month(2026, 1),
    )
    page = manager.get("/admin/people/bankaccount/").content.decode()
    assert "****7890" in page
    assert account.number not in page
    assert (
        manager.post(f"/admin/people/bankaccount/{account.pk}/change/", {"number": "1" * 16}).status_code
        == 403
    )


def test_the_household_register_is_kept_by_managers(manager: Client, cast: Cast) -> None:
    form = {"identity_number": cast.newcomer_number, "name": "赵磊", "place_code": "330205", "settled_on": ""}
    address = "/admin/registers/householdrecord/add/"
    assert manager.post(address, {**form, "identity_number": "330211198805120020"}).status_code == 200
    assert manager.post(address, {**form, "place_code": "宁波江北区内"}).status_code == 200
    assert not HouseholdRecord.objects.exists()
    assert manager.post(address, form).status_code == 302
    record = HouseholdRecord.objects.get()
    assert manager.get("/admin/").status_code == 200, "which says that it was added"
    assert "赵磊" not in manager.get("/admin/registers/householdrecord/").content.decode()
    assert (
        "赵磊" in search(manager, "/admin/registers/householdrecord/", cast.newcomer_number).content.decode()
    )
    page = manager.get(f"/admin/registers/householdrecord/{record.pk}/change/").content.decode()
    assert cast.newcomer_number not in page
    changed = {"name": "赵磊", "place_code": "330211", "settled_on": "2026-01-05"}
    assert manager.post(f"/admin/registers/householdrecord/{record.pk}/change/", changed).status_code == 302
    record.refresh_from_db()
    assert (record.place_code, record.identity_number) == ("330211", cast.newcomer_number)


def test_staff_without_a_role_see_nothing(client: Client, cast: Cast) -> None:
    client.force_login(cast.ningbo_staff_without_role)
    for model in (
        "accounts/user",
        "people/person",
        "people/employer",
        "registers/householdrecord",
        "auth/group",
    ):
        assert client.get(f"/admin/{model}/").status_code == 403
    assert Group.objects.exists()
