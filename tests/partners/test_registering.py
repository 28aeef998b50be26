"""Partners and their keys: opened and registered by the hall's administrators, kept for ever."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.db import IntegrityError, transaction
from django.db.utils import InternalError
from django.test import Client

from portal.accounts.models import User
from portal.partners import keys, registering
from portal.partners.models import Partner, PartnerKey, Scope
from tests.cast import NOW, Cast
from tests.conftest import Clock
from tests.partners.calling import Caller, key_of, partner_called


def pem(secret: keys.PrivateKey) -> str:
    return keys.pem_of(secret.public_key())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "不是 PEM"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "不是 PEM"),
        (
            ed25519.Ed25519PrivateKey.generate()
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            .decode(),
            "私钥",
        ),
        (pem(rsa.generate_private_key(65537, 1024)), "2048"),  # noqa: S505 - it must not be taken
        (pem(ec.generate_private_key(ec.SECP384R1())), "只受理"),
    ],
    ids=["nothing", "rubbish", "private", "short", "curve"],
)
def test_a_key_that_is_not_taken(text: str, why: str) -> None:
    with pytest.raises(keys.InvalidKey, match=why):
        keys.parse(text)


def test_a_key_is_registered_once(bank: Caller) -> None:
    other = partner_called("other-bank")
    with pytest.raises(keys.InvalidKey, match="已经登记"):
        registering.add_key(
            other.partner,
            public_key=bank.key.public_key,
            valid_from=NOW,
            by=User.objects.system(),
            now=NOW,
        )


def test_the_database_keeps_partners_and_keys(bank: Caller) -> None:
    for change in (
        lambda: Partner.objects.update(code="another"),
        lambda: Partner.objects.all().delete(),
        lambda: PartnerKey.objects.update(public_key="x"),
        lambda: PartnerKey.objects.all().delete(),
    ):
        with pytest.raises((InternalError, IntegrityError)):
            _alone(change)


def test_a_key_that_is_revoked_stays_so(bank: Caller) -> None:
    registering.revoke_key(bank.key, by=User.objects.system(), now=NOW)
    with pytest.raises(InternalError):
        PartnerKey.objects.update(revoked_at=None, revoked_by=None)


def _alone(change: Any) -> None:
    with transaction.atomic():
        change()


# In the workbench


@pytest.fixture
def admin(cast: Cast, clock: Clock) -> Client:
    client = Client()
    client.force_login(cast.superuser, backend="portal.accounts.doors.StaffDoor")
    return client


FORM = {
    "code": "wuxi-city",
    "name": "无锡城市服务",
    "cities": ["wuxi"],
    "scopes": ["orders", "proofs"],
    "per_minute": "60",
    "active": "on",
}


def test_an_administrator_opens_a_partner_and_registers_its_key(admin: Client) -> None:
    assert admin.get("/admin/partners/partner/add/").status_code == 200
    assert admin.post("/admin/partners/partner/add/", FORM).status_code == 302
    partner = Partner.objects.get(code="wuxi-city")
    assert (partner.cities, partner.scopes) == (["wuxi"], [Scope.ORDERS, Scope.PROOFS])
    assert partner.user.kind == "partner"
    secret = ed25519.Ed25519PrivateKey.generate()
    typed = {
        "partner": partner.pk,
        "public_key": pem(secret),
        "valid_from_0": "2026-11-17",
        "valid_from_1": "09:00",
        "valid_until_0": "",
        "valid_until_1": "",
    }
    assert admin.post("/admin/partners/partnerkey/add/", typed).status_code == 302
    key = partner.keys.get()
    caller = Caller(partner, key, secret)
    answer = caller.get("/api/v1/orders/320200-20991231-ABCDEFGH/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), "the key is taken"
    again = admin.post("/admin/partners/partnerkey/add/", typed)
    assert "已经登记过" in again.content.decode()
    page = admin.get(f"/admin/partners/partnerkey/{key.pk}/change/").content.decode()
    assert "吊销这把密钥" in page
    assert admin.post(f"/admin/partners/partnerkey/{key.pk}/revoke/").status_code == 302
    key.refresh_from_db()
    assert key.revoked_at == NOW
    assert "吊销这把密钥" not in admin.get(f"/admin/partners/partnerkey/{key.pk}/change/").content.decode()


def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(admin: Client) -> None:
    page = admin.post("/admin/partners/partner/add/", {**FORM, "code": "Wuxi", "scopes": []})
    text = page.content.decode()
    assert page.status_code == 200
    assert "代码为小写字母" in text
    assert "无锡城市服务" in text
    assert not Partner.objects.exists()


def test_a_partner_is_changed_but_keeps_its_code(admin: Client, bank: Caller) -> None:
    address = f"/admin/partners/partner/{bank.partner.pk}/change/"
    assert admin.get(address).status_code == 200
    kept_keys = {"keys-TOTAL_FORMS": "0", "keys-INITIAL_FORMS": "0"}
    changed = {name: value for name, value in FORM.items() if name != "active"}
    assert admin.post(address, {**changed, **kept_keys}).status_code == 302
    bank.partner.refresh_from_db()
    assert (bank.partner.code, bank.partner.active) == ("wuxi-bank", False)


def test_no_other_staff_find_anything_there(cast: Cast, clock: Clock, bank: Caller) -> None:
    client = Client()
    key, _secret = key_of(bank.partner)
    for user in (cast.ningbo_reviewer, cast.wuhan_collector, cast.wang_fang_login):
        client.force_login(user, backend="portal.accounts.doors.StaffDoor")
        for address in ("partner/", "partner/add/", f"partner/{bank.partner.pk}/change/", "partnerkey/add/"):
            assert client.get(f"/admin/partners/{address}").status_code in (403, 404)
        assert client.post(f"/admin/partners/partnerkey/{key.pk}/revoke/").status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None
