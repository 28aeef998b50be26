"""Freeze, produce, revoke: once, whole, and never otherwise."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import DatabaseError, IntegrityError, connection, transaction
from pgtrigger import ignore

from certificates import authority, codes, development_authority, documents, issuing, rendering, seal_evidence
from certificates.kinds import CertificateKind
from certificates.models import Certificate, Status
from portal.accounts.models import User
from tests.cast import NOW, Cast, moment

pytestmark = pytest.mark.django_db

Freeze = Callable[..., Certificate]


def files(certificate: Certificate) -> list[Path]:
    folder = Path(storages["documents"].path(f"certificates/{certificate.serial_number}"))
    return sorted(folder.iterdir()) if folder.exists() else []


def test_serial_number_names_place_kind_and_day(frozen: Freeze) -> None:
    first, second = frozen(), frozen()
    assert first.serial_number.startswith("330200-PP-20261117-")
    assert int(second.serial_number[-6:]) == int(first.serial_number[-6:]) + 1


def test_codes_have_140_bits_and_are_read_as_people_type_them(frozen: Freeze) -> None:
    code = frozen().code
    assert len(code) == 28
    assert set(code) <= set(codes.ALPHABET)
    assert codes.parse_code(codes.grouped(code).lower().replace("-", " ")) == code
    assert codes.parse_code("oOlI" + "2" * 24) == "0011" + "2" * 24
    with pytest.raises(codes.InvalidCode):
        codes.parse_code(code[:-1])


def test_produced_once_and_the_same_bytes_ever_after(frozen: Freeze) -> None:
    certificate = frozen()
    first = issuing.produce(certificate, now=NOW)
    again = issuing.produce(certificate, now=moment("2027-03-01"))
    assert first.startswith(b"%PDF-")
    assert again == first
    assert certificate.status == Status.ISSUED
    assert certificate.issued_at == NOW
    assert certificate.document_digest == documents.digest_of(first)
    assert certificate.document_size == len(first)
    assert certificate.key_fingerprint == authority.seal_for("ningbo").fingerprint


def test_killed_between_store_and_mark_is_done_again(frozen: Freeze, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = frozen()
    store = documents.store

    def killed(serial_number: str, document: bytes) -> str:
        store(serial_number, document)
        raise SystemExit("killed")

    monkeypatch.setattr(documents, "store", killed)
    with pytest.raises(SystemExit):
        issuing.produce(certificate, now=NOW)
    certificate.refresh_from_db()
    assert certificate.status == Status.FROZEN
    assert len(files(certificate)) == 1

    monkeypatch.setattr(documents, "store", store)
    content = issuing.produce(certificate, now=moment("2026-11-17 10:05"))
    assert [file.read_bytes() for file in files(certificate)] == [content]


def test_disk_full_while_storing_issues_nothing(frozen: Freeze, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = frozen()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("certificates.documents.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        issuing.produce(certificate, now=NOW)
    certificate.refresh_from_db()
    assert certificate.status == Status.FROZEN
    assert files(certificate) == []


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_the_same_document(frozen: Freeze, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = frozen()
    both_drew = threading.Barrier(2, timeout=20)
    store = documents.store

    def store_together(serial_number: str, document: bytes) -> str:
        both_drew.wait()
        return store(serial_number, document)

    monkeypatch.setattr(documents, "store", store_together)
    got: list[bytes] = []

    def ask() -> None:
        try:
            got.append(issuing.produce(Certificate.objects.get(pk=certificate.pk), now=NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _one in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 2
    assert got[0] == got[1]
    assert [file.read_bytes() for file in files(certificate)] == got[:1]


def test_without_a_key_nothing_is_drawn_or_issued(
    frozen: Freeze, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = frozen()
    settings.SEAL_DIR = tmp_path
    monkeypatch.setattr(rendering, "render", lambda *args, **more: pytest.fail("drawn without a key"))
    with pytest.raises(authority.SealUnavailable):
        issuing.produce(certificate, now=NOW)
    certificate.refresh_from_db()
    assert certificate.status == Status.FROZEN
    assert files(certificate) == []
    assert not seal_evidence.available("ningbo", now=NOW)


def test_a_key_that_is_taken_away_is_noticed(frozen: Freeze, settings: Any, tmp_path: Path) -> None:
    settings.SEAL_DIR = tmp_path
    development_authority.make_development_ca(cities=[("ningbo", "某中心")], now=NOW)
    assert seal_evidence.available("ningbo", now=NOW)
    (tmp_path / "ningbo.pem").unlink()
    with pytest.raises(authority.SealUnavailable):
        issuing.produce(frozen(), now=NOW)


def test_an_expired_certificate_seals_nothing(frozen: Freeze) -> None:
    with pytest.raises(authority.SealUnavailable):
        issuing.produce(frozen(), now=moment("2032-01-01"))


def test_facts_that_are_not_what_was_frozen_are_not_issued(frozen: Freeze) -> None:
    certificate = frozen()
    facts = {**certificate.facts, "agency": "别的机构"}
    with ignore("certificates.Certificate:certificate_facts_are_frozen"):
        Certificate.objects.filter(pk=certificate.pk).update(facts=facts)
    with pytest.raises(issuing.FactsDamaged):
        issuing.produce(certificate, now=NOW)


def test_a_stored_file_that_was_changed_is_not_served(certificate: Certificate) -> None:
    path = files(certificate)[0]
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(documents.DocumentDamaged):
        issuing.produce(certificate, now=NOW)


def test_revoked_with_a_reason_once_and_then_not_served(cast: Cast, certificate: Certificate) -> None:
    clerk = cast.ningbo_reviewer
    with pytest.raises(ValueError, match="reason"):
        issuing.revoke(certificate, by=clerk, reason="  ", now=NOW)
    issuing.revoke(certificate, by=clerk, reason="数据有误", now=NOW)
    assert (certificate.status, certificate.revoked_by, certificate.revoked_reason) == (
        Status.REVOKED,
        clerk,
        "数据有误",
    )
    with pytest.raises(issuing.NotIssued):
        issuing.revoke(certificate, by=clerk, reason="又一次", now=NOW)
    with pytest.raises(issuing.Revoked):
        issuing.produce(certificate, now=NOW)


def test_what_was_never_issued_cannot_be_revoked(cast: Cast, frozen: Freeze) -> None:
    with pytest.raises(issuing.NotIssued):
        issuing.revoke(frozen(), by=cast.ningbo_reviewer, reason="试试", now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"facts": {}},
        {"facts_digest": "0" * 64},
        {"code": "0" * 28},
        {"serial_number": "330200-PP-20261117-999999"},
        {"document_digest": "0" * 64},
        {"document": "certificates/other.pdf"},
        {"key_fingerprint": "0" * 64},
        {"status": "frozen"},
        {"status": "revoked"},
    ],
)
def test_the_database_refuses_to_change_what_was_issued(
    certificate: Certificate, change: dict[str, Any]
) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Certificate.objects.filter(pk=certificate.pk).update(**change)
    before = Certificate.objects.filter(pk=certificate.pk).values().get()
    certificate.refresh_from_db()
    assert before["facts_digest"] == certificate.facts_digest


def test_the_database_refuses_to_delete(certificate: Certificate) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        Certificate.objects.filter(pk=certificate.pk).delete()


def test_the_database_refuses_a_subject_of_the_other_kind(cast: Cast, certificate: Certificate) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        issuing.freeze(
            kind=CertificateKind.EMPLOYER,
            city="ningbo",
            person=certificate.person,
            facts=certificate.facts,
            by=User.objects.system(),
            now=NOW,
        )


def test_the_development_authority_is_made_once_for_its_owner_only(tmp_path: Path, settings: Any) -> None:
    settings.SEAL_DIR = tmp_path / "keys"
    cities = development_authority.development_cities()
    made = development_authority.make_development_ca(cities=cities, now=NOW)
    assert {f"{slug}.pem" for slug, _agency in cities} | {
        "root.pem",
        "time.pem",
        "qr.pem",
        "trust/development.pem",
        "crls/development.crl",
    } == set(made)
    kept = {path: path.read_bytes() for path in (tmp_path / "keys").rglob("*.pem")}
    assert {oct(path.stat().st_mode & 0o777) for path in kept} == {"0o600"}
    assert development_authority.make_development_ca(cities=cities, now=NOW) == []
    # Weeks later only its revocation list has ended.
    assert development_authority.make_development_ca(cities=cities, now=moment("2026-12-01")) == [
        "crls/development.crl"
    ]
    assert {path: path.read_bytes() for path in (tmp_path / "keys").rglob("*.pem")} == kept


def test_killed_while_making_keys_goes_on_where_it_stopped(tmp_path: Path, settings: Any) -> None:
    settings.SEAL_DIR = tmp_path
    cities = [("ningbo", "宁波市社会保险管理服务中心"), ("wuhan", "武汉市社会保险中心")]
    development_authority.make_development_ca(cities=cities[:1], now=NOW)
    (tmp_path / "trust" / "development.pem").unlink()
    assert set(development_authority.make_development_ca(cities=cities, now=NOW)) == {
        "trust/development.pem",
        "wuhan.pem",
    }


def test_development_seals_say_so_in_their_certificates(seal_folder: Path) -> None:
    seal = authority.seal_for("ningbo")
    assert seal.development
    assert "开发环境，无法律效力" in seal.certificate.subject.native["organizational_unit_name"]
