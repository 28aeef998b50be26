"""The hall signs its answers over the requests that they answer; and the client that the
documentation shows works."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import CommandError, call_command
from django.test import Client
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver, algorithms
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from portal.accounts.models import OpenSession
from portal.partners import answering, keys, signing
from portal.partners.models import Partner
from tests.partners.calling import Caller, partner_called

ROOT = Path(__file__).resolve().parents[2]
ORDERS = "/api/v1/orders/320200-20991231-ABCDEFGH/"


@pytest.fixture
def own(settings: Settings, tmp_path: Path, db: None) -> Path:
    settings.DATA_DIR = tmp_path
    settings.API_KEY_FILE = tmp_path / "keys" / "api.pem"
    call_command("make_partner_key")
    return tmp_path


def verify(response: Any, message: signing.Message, body: bytes | None = None) -> None:
    [published] = Client().get("/api/v1/keys/").json()
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(
            public_keys={published["key_id"]: published["public_key"].encode()}, private_keys={}
        ),
    )
    answered = answering._Answer(response.status_code, response.headers, message)
    [result] = verifier.verify(answered, body=response.content if body is None else body)
    assert {'"@status"', '"content-digest"', '"signature";req'} <= set(result.covered_components)


def test_an_answer_is_signed_over_its_request(own: Path, bank: Caller) -> None:
    message = bank.message("GET", ORDERS)
    signing.sign(message, secret=bank.secret, key_id=bank.key.key_id)
    response = bank.deliver(message)
    assert response.status_code == 404
    verify(response, message)
    with pytest.raises(InvalidSignature):
        verify(response, message, body=response.content.replace(b"404", b"200"))
    another = bank.message("GET", ORDERS)
    signing.sign(another, secret=bank.secret, key_id=bank.key.key_id)
    with pytest.raises(InvalidSignature):
        verify(response, another)


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nothing/", "/api/v1/orders", "/api/v2/orders/"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_that_is_none_is_a_signed_problem(own: Path, bank: Caller, method: str, path: str) -> None:
    message = bank.message(method, path, key="1")
    signing.sign(message, secret=bank.secret, key_id=bank.key.key_id)
    response = bank.deliver(message)
    assert (response.status_code, response.json()["code"]) == (404, "no_such_address")
    verify(response, message)


def test_without_a_key_answers_are_not_signed(bank: Caller, settings: Settings, tmp_path: Path) -> None:
    settings.API_KEY_FILE = tmp_path / "none.pem"
    response = bank.get(ORDERS)
    assert response.status_code == 404
    assert "Signature" not in response.headers
    assert Client().get("/api/v1/keys/").json() == []
    settings.API_KEY_FILE.write_text("rubbish")
    assert "Signature" not in bank.get(ORDERS).headers


def test_the_demo_partner_is_made_once(own: Path, settings: Settings) -> None:
    call_command("make_partner_key")
    partner = Partner.objects.get()
    assert (partner.code, partner.keys.count()) == ("demo-bank", 1)
    assert (own / "keys" / "partners" / "demo-bank.pem").stat().st_mode & 0o077 == 0
    settings.DEMO = False
    with pytest.raises(CommandError):
        call_command("make_partner_key")


@pytest.mark.django_db(transaction=True)
def test_the_client_of_the_documentation_works(
    transactional_db: None, live_server: LiveServer, settings: Settings, tmp_path: Path
) -> None:
    settings.PUBLIC_URL = live_server.url
    bank = partner_called()
    [shown] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
    secret = tmp_path / "secret.pem"
    secret.write_bytes(bank.secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    host = live_server.url.removeprefix("http://")
    calls = f"""
pem = open({str(secret)!r}, "rb").read()
print(call("GET", {host!r}, {ORDERS!r}, {bank.key.key_id!r}, pem))
print(call("POST", {host!r}, "/api/v1/dues/", {bank.key.key_id!r}, pem, {{"city": "wuxi"}}))
"""
    ran = subprocess.run([sys.executable, "-c", shown + calls], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    first, second = ran.stdout.splitlines()
    assert first.startswith("(404,")
    assert "not_found" in first
    assert second.startswith("(422,")
    assert "identity_number" in second


@pytest.mark.django_db(transaction=True)
def test_the_command_signs_and_sends(
    transactional_db: None,
    live_server: LiveServer,
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.DATA_DIR, settings.PUBLIC_URL = tmp_path, live_server.url
    settings.API_KEY_FILE = tmp_path / "keys" / "api.pem"
    with pytest.raises(CommandError, match="make_partner_key"):
        call_command("call_api", "GET", "/api/v1/refunds/")
    call_command("make_partner_key")
    call_command("call_api", "GET", "/api/v1/refunds/")
    assert "[]" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        call_command("call_api", "POST", "/api/v1/dues/", "--body", '{"city": "wuxi"}')
    assert '"code": "invalid"' in capsys.readouterr().out


def test_a_private_key_of_another_kind_is_not_taken() -> None:
    with pytest.raises(keys.InvalidKey):
        keys.private(b"rubbish")


def test_a_signed_request_begins_no_session(bank: Caller) -> None:
    """Found by a test that counts queries: each request of a partner had left a session, and its
    cookie, behind."""
    response = bank.get(ORDERS)
    assert response.status_code == 404
    assert not response.cookies
    assert not bank.client.cookies
    assert not OpenSession.objects.exists()
