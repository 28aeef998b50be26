"""Who is let in: only whoever signs the whole request with a key that is theirs and good, once, in
time."""

import datetime as dt
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.test import Client
from pytest_django import Settings

from portal.accounts.models import Notice, User
from portal.partners import keys, registering, signing
from portal.partners.models import Scope, SpentNonce
from tests.cast import NOW, PASSWORD
from tests.conftest import Clock
from tests.partners.calling import Caller, key_of, partner_called

pytestmark = pytest.mark.urls("tests.partners.trial_urls")

NOTES = "/api/v1/notes/"
NOTE = {"text": "一"}


def refused(response: Any, code: str, status: int = 401) -> None:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    said = response.json()
    assert (said["code"], said["type"], said["status"]) == (code, f"urn:problem:{code}", status)
    assert said["detail"].endswith(("。", "："))
    if status == 401:
        assert response["WWW-Authenticate"].startswith("Signature")
    assert not Notice.objects.exists()


def test_a_signed_request_is_taken(bank: Caller) -> None:
    assert bank.get(NOTES).json() == []
    response = bank.post(NOTES, NOTE)
    assert response.status_code == 201
    assert Notice.objects.get().user == bank.partner.user


@pytest.mark.parametrize(
    "secret",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["ed25519", "p256", "rsa"],
)
def test_keys_of_each_kind_sign(bank: Caller, secret: keys.PrivateKey) -> None:
    bank.key = registering.add_key(
        bank.partner,
        public_key=keys.pem_of(secret.public_key()),
        valid_from=NOW,
        by=User.objects.system(),
        now=NOW,
    )
    bank.secret = secret
    assert bank.post(NOTES, NOTE).status_code == 201


def test_without_a_signature(bank: Caller) -> None:
    refused(Client().get(NOTES), "signature_missing")
    refused(Client().post(NOTES, NOTE, content_type="application/json"), "signature_missing")


def test_a_session_opens_nothing(bank: Caller) -> None:
    client = Client()
    client.force_login(
        User.objects.create_superuser("root", password=PASSWORD), backend="portal.accounts.doors.StaffDoor"
    )
    refused(client.get(NOTES), "signature_missing")


def test_half_a_signature(bank: Caller) -> None:
    refused(bank.post(NOTES, NOTE, spoil=lambda one: one.headers.pop("Signature")), "signature_missing")
    refused(
        bank.post(NOTES, NOTE, spoil=lambda one: one.headers.update({"Signature-Input": "sig1=(("})),
        "signature_malformed",
    )
    refused(
        bank.post(NOTES, NOTE, spoil=lambda one: one.headers.update({"Signature": "sig1=:AAAA:"})),
        "signature_invalid",
    )


@pytest.mark.parametrize(
    "text",
    [
        "sig1",
        "sig1=1",
        "sig1=abc",
        "sig1=?1",
        'sig1="@method"',
        "sig1=()",
        "sig1=(1 2);created=1",
        'sig1=("@method";req);keyid=1',
        "签名",
        "sig1=:AAAA:",
        "=" * 2000,
        "(" * 2000,
        'sig1=("@method" "@target-uri");created=99999999999999;expires=1;keyid="x"',
    ],
)
def test_whatever_stands_there_is_refused_and_breaks_nothing(bank: Caller, text: str) -> None:
    def write(message: signing.Message) -> None:
        message.headers["Signature-Input"] = text

    response = bank.post(NOTES, NOTE, spoil=write)
    assert response.status_code == 401
    assert response.json()["code"].startswith(("signature_", "key_"))
    assert not Notice.objects.exists()


def test_two_signatures_are_not_one(bank: Caller) -> None:
    def twice(message: signing.Message) -> None:
        said = message.headers["Signature-Input"]
        message.headers["Signature-Input"] = f"{said}, {said.replace('sig1', 'sig2')}"

    refused(bank.post(NOTES, NOTE, spoil=twice), "signature_malformed")


def test_a_body_that_is_off_by_a_byte(bank: Caller) -> None:
    def flip(message: signing.Message) -> None:
        message.body = message.body[:-2] + bytes([message.body[-2] ^ 1]) + message.body[-1:]

    refused(bank.post(NOTES, NOTE, spoil=flip), "digest_mismatch")


def test_a_digest_made_anew_for_another_body(bank: Caller) -> None:
    other = bank.message("POST", NOTES, {"text": "二"}, key="another-key")
    signing.sign(other, secret=bank.secret, key_id=bank.key.key_id)

    def swap(message: signing.Message) -> None:
        message.body = other.body
        message.headers["Content-Digest"] = other.headers["Content-Digest"]

    refused(bank.post(NOTES, NOTE, spoil=swap), "signature_invalid")


@pytest.mark.parametrize("part", ["method", "query", "path", "key"])
def test_what_is_signed_cannot_be_changed(bank: Caller, part: str) -> None:
    def change(message: signing.Message) -> None:
        match part:
            case "method":
                message.method = "PUT"
            case "query":
                message.url += "?city=wuhan"
            case "path":
                message.url = message.url.replace(NOTES, "/api/v1/notes/?x=1")
            case "key":
                message.headers["Idempotency-Key"] = "some-other-key"

    refused(bank.post(NOTES, NOTE, spoil=change), "signature_invalid")


def test_made_for_another_host(bank: Caller, settings: Settings) -> None:
    message = bank.message("POST", NOTES, NOTE, key="key-00001")
    message.url = "https://another.example" + NOTES
    signing.sign(message, secret=bank.secret, key_id=bank.key.key_id)
    message.url = settings.PUBLIC_URL + NOTES
    refused(bank.deliver(message), "signature_invalid")


@pytest.mark.parametrize("left_out", ["@method", "@target-uri", "content-digest", "idempotency-key"])
def test_every_part_must_be_covered(bank: Caller, left_out: str) -> None:
    cover = tuple(name for name in signing.required("POST") if name != left_out)
    refused(bank.post(NOTES, NOTE, cover=cover), "signature_incomplete")


def test_too_old_too_new_and_too_long(bank: Caller) -> None:
    now = dt.datetime.now(dt.UTC)
    refused(bank.get(NOTES, created=now - dt.timedelta(minutes=6)), "signature_expired")
    refused(bank.get(NOTES, created=now + dt.timedelta(minutes=2)), "signature_expired")
    refused(bank.get(NOTES, expires=now + dt.timedelta(minutes=10)), "signature_expired")
    refused(bank.get(NOTES, created=now, expires=now - dt.timedelta(seconds=1)), "signature_expired")
    # The clocks of two machines may differ a little.
    assert bank.get(NOTES, created=now + dt.timedelta(seconds=10)).status_code == 200


def test_sent_again_as_it_was(bank: Caller) -> None:
    message = bank.message("POST", NOTES, {"text": "一"}, key="key-00001")
    signing.sign(message, secret=bank.secret, key_id=bank.key.key_id)
    assert bank.deliver(message).status_code == 201
    again = bank.deliver(message)
    assert (again.status_code, again.json()["code"]) == (401, "signature_replayed")
    assert Notice.objects.count() == 1


def test_a_nonce_is_needed_and_is_each_partners_own(bank: Caller) -> None:
    refused(bank.get(NOTES, nonce="short"), "signature_incomplete")
    other = partner_called("other-bank")
    nonce = "0123456789abcdef"
    assert bank.get(NOTES, nonce=nonce).status_code == 200
    assert other.get(NOTES, nonce=nonce).status_code == 200
    refused(bank.get(NOTES, nonce=nonce), "signature_replayed")


def test_a_forged_request_spends_no_nonce(bank: Caller) -> None:
    nonce = "0123456789abcdef"
    refused(bank.get(NOTES, nonce=nonce, secret=ed25519.Ed25519PrivateKey.generate()), "signature_invalid")
    assert not SpentNonce.objects.exists()
    assert bank.get(NOTES, nonce=nonce).status_code == 200


def test_nonces_are_forgotten_when_no_signature_can_name_them(bank: Caller) -> None:
    bank.get(NOTES)
    assert signing.forget_nonces(now=dt.datetime.now(dt.UTC)) == 0
    assert signing.forget_nonces(now=dt.datetime.now(dt.UTC) + dt.timedelta(days=2)) == 1


def test_another_partners_key(bank: Caller) -> None:
    other = partner_called("other-bank")
    refused(bank.post(NOTES, NOTE, key_id=other.key.key_id), "signature_invalid")
    refused(bank.post(NOTES, NOTE, key_id="no-such-key"), "key_unknown")


def test_a_revoked_key(bank: Caller) -> None:
    registering.revoke_key(bank.key, by=User.objects.system(), now=NOW)
    refused(bank.get(NOTES), "key_invalid")
    # Another key of the partner's goes on.
    bank.key, bank.secret = key_of(bank.partner)
    assert bank.get(NOTES).status_code == 200


def test_a_key_before_and_after_its_time(bank: Caller, clock: Clock) -> None:
    bank.key, bank.secret = key_of(
        bank.partner, valid_from=NOW + dt.timedelta(days=1), valid_until=NOW + dt.timedelta(days=2)
    )
    refused(bank.get(NOTES), "key_invalid")
    clock.step(days=1)
    assert bank.get(NOTES).status_code == 200
    clock.step(days=1)
    refused(bank.get(NOTES), "key_invalid")


def test_a_partner_that_was_stopped(bank: Caller) -> None:
    bank.partner.active = False
    bank.partner.save()
    refused(bank.get(NOTES), "partner_inactive")


def test_a_partner_without_the_scope_or_the_city(bank: Caller) -> None:
    school = partner_called("a-school", scopes=[Scope.PROOFS])
    refused(school.get(NOTES), "scope_missing", 403)
    refused(bank.post(NOTES, {"text": "一", "city": "wuhan"}), "city_not_served", 403)


def test_the_partners_account_cannot_log_in(bank: Caller) -> None:
    user = bank.partner.user
    assert not user.is_active
    assert not user.has_usable_password()
    client = Client()
    client.force_login(user, backend="portal.accounts.doors.StaffDoor")
    response = client.get("/api/v1/notes/")
    assert response.status_code == 401
