"""The signed summary in the QR code: read from the picture, checked without register and network,
and only as issued."""

import re
import subprocess
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import cbor2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from certificates import authority, development_authority, issuing, offline, seal_evidence, summaries
from certificates.models import Certificate
from tests.cast import NOW, moment
from tests.conftest import Clock

pytestmark = pytest.mark.django_db

Freeze = Callable[..., Certificate]
SITE = "https://hall.example.gov.cn"


def code_of(certificate: Certificate) -> str:
    return "".join(summaries.address(certificate, site=SITE))


def command(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("verify_certificate", *arguments, stdout=out)
    except SystemExit as left:
        return int(str(left.code)), out.getvalue()
    return 0, out.getvalue()


def test_it_says_what_was_issued_and_no_more(frozen: Freeze) -> None:
    certificate = frozen(valid_until=moment("2026-12-31").date())
    text = code_of(certificate)
    assert text.startswith(f"{SITE}/verify/{certificate.code}/#")
    summary = summaries.read(text)
    assert summary.signed_by(summaries.public_keys())
    assert summary.serial_number == certificate.serial_number
    assert summary.kind == "person"
    assert summary.name == "王*"
    assert summary.last_four == certificate.facts["person"]["identity_number"][-4:]
    assert certificate.facts_digest.startswith(summary.facts_digest)
    assert summary.issued_on == NOW.date()
    assert summary.valid_until == moment("2026-12-31").date()
    assert not summary.ended(moment("2026-12-31").date())
    assert summary.ended(moment("2027-01-01").date())


def test_every_changed_digit_breaks_it(frozen: Freeze) -> None:
    digits = code_of(frozen()).split("#")[1]
    keys = summaries.public_keys()
    for place in range(0, len(digits), 7):
        changed = f"{digits[:place]}{(int(digits[place]) + 1) % 10}{digits[place + 1 :]}"
        try:
            assert not summaries.read(changed).signed_by(keys)
        except summaries.InvalidSummary:
            continue


@pytest.mark.parametrize("text", ["", "https://hall.example.gov.cn/verify/ABC/", "1" * 300, "9" * 5000, "#x"])
def test_what_is_none_is_said(text: str) -> None:
    with pytest.raises(summaries.InvalidSummary):
        summaries.read(text)


def test_another_version_or_algorithm_is_not_guessed_at(frozen: Freeze) -> None:
    digits = int(code_of(frozen()).split("#")[1])
    header, opened, content, signature = cbor2.loads(digits.to_bytes((digits.bit_length() + 7) // 8))
    for other_header, other_content in (
        (cbor2.dumps(cbor2.loads(header) | {1: -8}), content),
        (header, cbor2.dumps(cbor2.loads(content) | {0: 2})),
    ):
        parts = cbor2.dumps([other_header, opened, other_content, signature])
        with pytest.raises(summaries.InvalidSummary):
            summaries.read(str(int.from_bytes(parts)))


def test_codes_on_paper_outlive_the_key(frozen: Freeze, seal_folder: Path) -> None:
    old = summaries.read(code_of(frozen()))
    file, kept = seal_folder / "qr.pem", seal_folder / "qr"
    before = file.read_bytes()
    try:
        file.unlink()
        development_authority.make_development_ca(cities=[], now=NOW)
        assert not old.signed_by(summaries.public_keys())
        kept.mkdir()
        (kept / "2026.pem").write_bytes(before[before.index(b"-----BEGIN CERTIFICATE") :])
        assert old.signed_by(summaries.public_keys())
        assert summaries.read(code_of(frozen())).signed_by(summaries.public_keys())
    finally:
        file.write_bytes(before)
        for one in kept.glob("*"):
            one.unlink()
        kept.rmdir()


def test_the_command_reads_text_and_picture_without_the_database(
    certificate: Certificate, document: bytes, tmp_path: Path, clock: Clock
) -> None:
    pdf, keys = tmp_path / "proof.pdf", tmp_path / "keys.json"
    pdf.write_bytes(document)
    subprocess.run(["pdftoppm", "-r", "200", "-png", pdf, tmp_path / "page"], check=True)
    picture = next(tmp_path.glob("page*.png"))
    call_command("export_offline_verifier", str(keys), "--keys", stdout=StringIO())
    with CaptureQueriesContext(connection) as queries:
        for given in (str(picture), code_of(certificate)):
            left, said = command("--qr", given, "--keys", str(keys))
            assert left == 0
            assert said.startswith("签名有效")
            assert certificate.serial_number in said
            assert "王*" in said
    assert len(queries) == 0


def test_the_command_says_what_is_wrong(frozen: Freeze, tmp_path: Path, clock: Clock) -> None:
    text = code_of(frozen(valid_until=moment("2026-12-31").date()))
    none = tmp_path / "none.json"
    none.write_text("{}")
    left, said = command("--qr", text, "--keys", str(none))
    assert left == 1
    assert said.startswith("签名无效")
    clock.set("2027-01-01 09:00")
    left, said = command("--qr", text)
    assert left == 1
    assert said.startswith("已过有效期")
    for wrong in ("https://x.example/#12", str(tmp_path / "none.png")):
        with pytest.raises(CommandError):
            command("--qr", wrong)


def test_keys_are_read_as_they_were_written() -> None:
    assert offline.read_keys(offline.keys_json()) == summaries.public_keys()
    for wrong in ("", "[]", '{"a": {}}'):
        with pytest.raises(ValueError):
            offline.read_keys(wrong)


def test_the_kept_page_asks_for_nothing_from_anywhere() -> None:
    page = offline.page()
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href|action)\s*=\s*["']""", page)


def test_an_employers_name_is_cut_and_a_document_without_the_key_is_not_made(
    frozen: Freeze, seal_folder: Path
) -> None:
    assert (
        summaries.short_name({"employer": {"name": "宁波甬江精密机械制造有限公司"}}) == "宁波甬江精密机械制…"
    )
    certificate = frozen()
    (seal_folder / "qr.pem").rename(seal_folder / "away")
    try:
        assert not seal_evidence.available("ningbo", now=NOW)
        with pytest.raises(authority.SealUnavailable):
            issuing.produce(certificate, now=NOW)
    finally:
        (seal_folder / "away").rename(seal_folder / "qr.pem")
