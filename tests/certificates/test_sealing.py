"""The seal: what it carries for later years, where its time comes from, and where its key is."""

import asyncio
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import pem, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certificates import (
    authority,
    development_authority,
    inspection,
    rendering,
    revocation,
    seal_evidence,
    sealing,
    time_stamps,
    tokens,
)
from certificates.authority import SealUnavailable
from tests.cast import NOW, moment
from tests.certificates.inspecting import inspected
from tests.conftest import Kept


@pytest.fixture(scope="module")
def page() -> bytes:
    return rendering.press('<html lang="zh"><title>x</title><p>证明', agency="某中心")


def sealed(page: bytes, now: datetime = NOW) -> bytes:
    return sealing.seal_document(page, seal=authority.seal_for("ningbo"), reason="x", now=now)


def seen(document: bytes) -> inspection.Signature:
    roots, crls = inspection.read_keys(authority.trust_folder().parent)
    [signature] = inspected(document, roots=roots, crls=crls).signatures
    return signature


def test_the_seal_can_be_judged_by_what_the_file_brings_along(page: bytes) -> None:
    signature = seen(sealed(page))
    assert signature.intact
    assert signature.whole
    assert signature.trusted
    assert signature.evidenced
    assert datetime.fromisoformat(signature.stamped_at) == NOW


@pytest.fixture
def own_keys(tmp_path: Path, settings: Any) -> Path:
    """A development authority of this test alone."""
    settings.SEAL_DIR = tmp_path / "keys"
    development_authority.make_development_ca(cities=[("ningbo", "某中心")], now=NOW)
    return tmp_path / "keys"


def test_a_list_that_has_ended_seals_nothing(own_keys: Path, page: bytes) -> None:
    assert seal_evidence.available("ningbo", now=NOW)
    later = NOW + timedelta(days=30)
    # The authority that made the list is not here to make another.
    (own_keys / "root.pem").rename(own_keys / "away")
    assert seal_evidence.available("ningbo", now=NOW)
    assert not seal_evidence.available("ningbo", now=later)
    with pytest.raises(SealUnavailable, match="revocation"):
        sealed(page, later)
    (own_keys / "away").rename(own_keys / "root.pem")
    assert seen(sealed(page, later)).evidenced


def test_without_any_list_nothing_is_sealed(own_keys: Path, page: bytes) -> None:
    (own_keys / "root.pem").unlink()
    for file in (own_keys / "crls").iterdir():
        file.unlink()
    assert not seal_evidence.available("ningbo", now=NOW)
    with pytest.raises(SealUnavailable):
        sealed(page)


def test_a_stolen_key_seals_nothing_more_and_what_it_sealed_before_stays(own_keys: Path, page: bytes) -> None:
    before = sealed(page)
    stolen = (own_keys / "ningbo.pem").read_bytes()
    development_authority.replace_development_seal(
        "ningbo", "某中心", stolen=True, now=NOW + timedelta(hours=2)
    )
    later = NOW + timedelta(hours=3)
    assert seen(sealed(page, later)).evidenced
    assert not seen(before).revoked
    assert seen(before).evidenced

    old_list = own_keys / "crls" / "development.crl"
    names_it = old_list.read_bytes()
    (own_keys / "ningbo.pem").write_bytes(stolen)
    with pytest.raises(SealUnavailable, match="revoked"):
        sealed(page, later)
    # The thief has the old list still, in which the key is good.
    (own_keys / "revoked.json").rename(own_keys / "away")
    development_authority.make_development_crl(NOW, anew=True)
    thief = sealed(page, later)
    old_list.write_bytes(names_it)
    assert seen(thief).evidenced
    assert seen(thief).revoked


@contextmanager
def serving(answer: Callable[[bytes], tuple[int, str, bytes]]) -> Iterator[str]:
    """A server on this machine that answers each request's body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, kind, content = answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

        def log_message(self, *_args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def stamp(request: bytes) -> tuple[int, str, bytes]:
    """What a time-stamping service answers."""
    own = time_stamps.OwnTimeStamper(authority.load_seal(authority.seal_folder() / "time.pem").signer, NOW)
    answer = asyncio.run(own.async_request_tsa_response(tsp.TimeStampReq.load(request)))
    return 200, "application/timestamp-reply", answer.dump()


def test_the_time_comes_from_the_service_at_the_address(page: bytes, settings: Any) -> None:
    asked = []

    def answer(request: bytes) -> tuple[int, str, bytes]:
        asked.append(request)
        return stamp(request)

    with serving(answer) as address:
        settings.TSA_URL = address
        assert seal_evidence.available("ningbo", now=NOW)
        signature = seen(sealed(page))
    assert datetime.fromisoformat(signature.stamped_at) == NOW
    assert signature.evidenced
    # Once to learn what its token looks like, once for the seal.
    assert len(asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda _request: (503, "text/plain", b"busy"),
        lambda _request: (200, "text/html", b"<html>"),
        lambda _request: (
            200,
            "application/timestamp-reply",
            tsp.TimeStampResp({"status": {"status": "rejection"}}).dump(),
        ),
    ],
    ids=["busy", "not a stamp", "refused"],
)
def test_without_a_time_nothing_is_sealed(
    page: bytes, settings: Any, answer: Callable[[bytes], tuple[int, str, bytes]]
) -> None:
    with serving(answer) as address:
        settings.TSA_URL = address
        assert not seal_evidence.available("ningbo", now=NOW)
        with pytest.raises(SealUnavailable, match="time stamp"):
            sealed(page)
    settings.TSA_URL = address
    with pytest.raises(SealUnavailable, match="time stamp"):
        sealed(page)


@pytest.mark.django_db
def test_lists_are_fetched_where_certificates_say(
    own_keys: Path, page: bytes, monkeypatch: pytest.MonkeyPatch, kept: Kept
) -> None:
    development_authority.replace_development_seal("ningbo", "某中心", now=NOW)
    published = (own_keys / "crls" / "development.crl").read_bytes()
    (own_keys / "crls" / "development.crl").unlink()
    (own_keys / "root.pem").rename(own_keys / "away")
    answers = [(200, "application/pkix-crl", published)]
    with serving(lambda _request: answers[-1]) as address:
        monkeypatch.setattr(revocation, "addresses_of", lambda _certificates: [address])
        assert revocation.refresh(now=NOW) == ([address], [])
        assert seen(sealed(page)).evidenced
        # The same again is no news; what is no list, or has ended, does not take its place.
        assert revocation.refresh(now=NOW) == ([], [])
        for wrong in ((200, "text/html", b"<html>"), (404, "text/plain", b"")):
            answers.append(wrong)
            done, failed = revocation.refresh(now=NOW)
            assert (done, len(failed)) == ([], 1)
        answers.append((200, "application/pkix-crl", published))
        assert revocation.refresh(now=NOW + timedelta(days=60))[0] == []
        assert seen(sealed(page)).evidenced


def test_the_addresses_of_lists_are_read_from_certificates() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    points = [
        x509.DistributionPoint([x509.UniformResourceIdentifier(address)], None, None, None)
        for address in ("http://crl.example.cn/a.crl", "ldap://crl.example.cn/a")
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.CRLDistributionPoints(points), critical=False)
        .sign(key, hashes.SHA256())
    )
    der = made.public_bytes(serialization.Encoding.DER)
    assert list(revocation.addresses_of([authority.asn1_x509.Certificate.load(der)])) == [
        "http://crl.example.cn/a.crl"
    ]


def test_a_key_that_stays_in_its_token_seals(
    own_keys: Path, page: bytes, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Debian's softhsm2.
    module = str(next(Path("/usr/lib").glob("**/softhsm/libsofthsm2.so")))
    (tmp_path / "tokens").mkdir()
    config = tmp_path / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nobjectstore.backend = file\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(config))
    run = ["softhsm2-util"]
    subprocess.run(
        [*run, "--init-token", "--free", "--label", "hall", "--pin", "1234", "--so-pin", "5678"],
        check=True,
        capture_output=True,
    )
    file = own_keys / "ningbo.pem"
    parts = list(pem.unarmor(file.read_bytes(), multiple=True))
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(pem.armor("PRIVATE KEY", parts[0][2]))
    subprocess.run(
        [
            *run,
            "--import",
            str(key_file),
            "--token",
            "hall",
            "--label",
            "ningbo",
            "--id",
            "01",
            "--pin",
            "1234",
        ],
        check=True,
        capture_output=True,
    )
    key_file.unlink()
    file.write_bytes(b"".join(pem.armor(name, content) for name, _headers, content in parts[1:]))

    # The file has the certificates alone now.
    with pytest.raises(SealUnavailable, match="no private key"):
        sealed(page)
    settings.SEAL_PKCS11_MODULE, settings.SEAL_PKCS11_TOKEN = module, "hall"
    settings.SEAL_PKCS11_PIN = "1234"
    signature = seen(sealed(page))
    assert signature.intact
    assert signature.evidenced

    # Another token has no such key, and what is no library is said so.
    tokens._sessions.clear()
    settings.SEAL_PKCS11_TOKEN = "another"
    authority.loaded_seals.clear()
    with pytest.raises(SealUnavailable, match="token"):
        sealed(page)
    settings.SEAL_PKCS11_MODULE = str(tmp_path / "none.so")
    with pytest.raises(SealUnavailable, match="token"):
        sealed(page)


def test_the_seal_of_another_day_is_judged_by_its_day(page: bytes) -> None:
    signature = seen(sealed(page, moment("2027-03-01")))
    assert signature.evidenced
    assert datetime.fromisoformat(signature.stamped_at) == moment("2027-03-01")
