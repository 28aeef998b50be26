"""Genuine, revoked, altered, unknown: each is recognised, and the answer says by what."""

import hashlib
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from datetime import datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter, copy_into_new_writer

from certificates import (
    authority,
    development_authority,
    inspection,
    issuing,
    rendering,
    sealing,
    verifying,
    verifying_files,
)
from certificates.codes import last_four
from certificates.models import Certificate, Result, VerificationLog, Way
from portal.shared.apart import Limits, Room
from tests.cast import NOW, Cast, moment
from tests.certificates.inspecting import inspected
from tests.certificates.standing_certificate import cast, certificate, insured, issued_once

__all__ = ["cast", "certificate", "insured", "issued_once"]

pytestmark = pytest.mark.django_db

Freeze = Callable[..., Certificate]


def verdict(document: bytes) -> verifying.Verdict:
    return verifying_files.verify_pdf(document, now=NOW)


def by_code(certificate: Certificate, now: datetime = NOW) -> verifying.Verdict:
    return verifying.verify_code(certificate.code, last_four(certificate.facts), now=now)


def failed(found: verifying.Verdict) -> set[str]:
    return {check.label for check in found.checks if check.passed is False}


def unsealed(document: bytes) -> bytes:
    """The revision before the seal: what someone has who cuts the seal off."""
    return document[: document.index(b"%%EOF") + len(b"%%EOF\n")]


def resealed(
    document: bytes, folder: Path, settings: Any, agency: str = "宁波市社会保险管理服务中心"
) -> bytes:
    """The document without its seal, sealed by an authority of somebody's own that calls itself the
    same."""
    own = settings.SEAL_DIR
    settings.SEAL_DIR = folder
    try:
        development_authority.make_development_ca(cities=[("ningbo", agency)], now=NOW)
        return sealing.seal_document(
            unsealed(document), seal=authority.seal_for("ningbo"), reason="个人参保证明", now=NOW
        )
    finally:
        settings.SEAL_DIR = own


def test_what_was_issued_is_valid_and_says_what_was_checked(
    certificate: Certificate, document: bytes
) -> None:
    found = verdict(document)
    assert found.result == Result.VALID
    assert found.certificate == certificate
    assert [check.label for check in found.checks] == [
        "登记",
        "数字签名",
        "印章证书",
        "吊销信息",
        "覆盖范围",
        "盖章时间",
        "印章",
        "撤销",
    ]
    assert all(check.passed for check in found.checks)
    assert "2026-11-17 10:00:00" in found.checks[5].text


def test_it_stays_valid_after_the_seals_certificate_expired(document: bytes) -> None:
    assert verifying_files.verify_pdf(document, now=moment("2040-01-01")).result == Result.VALID


def test_revoked_is_said_by_file_and_by_code(cast: Cast, certificate: Certificate, document: bytes) -> None:
    issuing.revoke(certificate, by=cast.ningbo_reviewer, reason="数据有误", now=NOW)
    for found in (verdict(document), by_code(certificate)):
        assert found.result == Result.REVOKED
        assert failed(found) == {"撤销"}


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_one_byte_edited(document: bytes, share: float) -> None:
    edited = bytearray(document)
    edited[int(len(document) * share)] ^= 0x01
    found = verdict(bytes(edited))
    assert found.result == Result.ALTERED
    assert "登记" in failed(found)


def test_an_edited_byte_is_seen_by_the_signature_alone(document: bytes) -> None:
    edited = bytearray(document)
    place = document.index(b"stream") + 60
    edited[place] ^= 0x01
    [signature] = look(bytes(edited)).signatures
    assert not signature.intact
    assert signature.fingerprint == authority.seal_for("ningbo").fingerprint


@pytest.mark.parametrize("tail", [b"\n", b"\n% note\n", b"\0" * 4096, b"1 0 obj\n<<>>\nendobj\n"])
def test_bytes_appended(certificate: Certificate, document: bytes, tail: bytes) -> None:
    found = verdict(document + tail)
    assert found.result == Result.ALTERED
    assert found.certificate == certificate
    assert "追加" in found.why


def test_an_incremental_update_is_appended_content(certificate: Certificate, document: bytes) -> None:
    writer = IncrementalPdfFileWriter(BytesIO(document))
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Rotate"] = generic.NumberObject(180)
    writer.update_container(page)
    output = BytesIO()
    writer.write(output)
    found = verdict(output.getvalue())
    assert (found.result, found.certificate) == (Result.ALTERED, certificate)
    assert "追加" in found.why
    assert "覆盖范围" in failed(found)


def test_the_seal_stripped_by_cutting_it_off(certificate: Certificate, document: bytes) -> None:
    found = verdict(unsealed(document))
    assert (found.result, found.certificate) == (Result.ALTERED, certificate)
    assert "数字签名已被去除" in found.why


def test_the_seal_stripped_by_saving_anew(certificate: Certificate, document: bytes) -> None:
    writer = copy_into_new_writer(PdfFileReader(BytesIO(unsealed(document))))
    output = BytesIO()
    writer.write(output)
    found = verdict(output.getvalue())
    assert (found.result, found.certificate) == (Result.ALTERED, certificate)


def test_signed_again_with_another_key(
    certificate: Certificate, document: bytes, tmp_path: Path, settings: Any
) -> None:
    found = verdict(resealed(document, tmp_path, settings))
    assert (found.result, found.certificate) == (Result.ALTERED, certificate)
    assert "签名不是经办机构的印章" in found.why
    assert {"印章证书", "盖章时间", "印章"} <= failed(found)
    assert next(check for check in found.checks if check.label == "数字签名").passed


def test_signed_on_top_with_another_key(
    certificate: Certificate, document: bytes, tmp_path: Path, settings: Any
) -> None:
    own = settings.SEAL_DIR
    settings.SEAL_DIR = tmp_path
    development_authority.make_development_ca(cities=[("ningbo", "别人")], now=NOW)
    seal = authority.seal_for("ningbo")
    writer = IncrementalPdfFileWriter(BytesIO(document))
    writer.root["/Lang"] = generic.TextStringObject("en")
    writer.update_root()
    changed = BytesIO()
    writer.write(changed)
    settings.SEAL_DIR = own
    assert seal.fingerprint != certificate.key_fingerprint
    found = verdict(changed.getvalue())
    assert (found.result, found.certificate) == (Result.ALTERED, certificate)


def test_another_certificates_document_is_that_certificates(frozen: Freeze, certificate: Certificate) -> None:
    other = frozen(months=3)
    found = verdict(issuing.produce(other, now=NOW))
    assert (found.result, found.certificate) == (Result.VALID, other)


def test_the_numbers_of_one_on_the_pages_of_another(frozen: Freeze, certificate: Certificate) -> None:
    """What an insider could do who has the seal but not the register."""
    forged = frozen(months=3)
    forged.serial_number = certificate.serial_number
    page = rendering.render(forged, development=True)
    found = verdict(sealing.seal_document(page, seal=authority.seal_for("ningbo"), reason="x", now=NOW))
    assert (found.result, found.certificate) == (Result.ALTERED, certificate)
    assert failed(found) == {"登记", "与出具文件比较"}
    assert found.checks[-1].text == "不同之处：第 1 页的内容、标题、作者等文件信息"


def test_sealed_by_us_and_not_in_the_register_is_unknown(frozen: Freeze) -> None:
    page = rendering.render(frozen(), development=True)
    found = verdict(sealing.seal_document(page, seal=authority.seal_for("ningbo"), reason="x", now=NOW))
    assert found.result == Result.UNKNOWN
    assert found.certificate is None


def test_any_other_pdf_is_unknown(certificate: Certificate) -> None:
    found = verdict(rendering.press("<title>x</title><p>发票", agency="某公司"))
    assert found.result == Result.UNKNOWN
    assert found.certificate is None
    assert found.shown == []


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xd8\xff\xe0JFIF", b"<html>%PDF", b"PK\x03\x04"])
def test_what_is_no_pdf_is_said_plainly(content: bytes) -> None:
    if content.startswith(b"<html>"):
        assert verdict(content + b"-1.7").result == Result.UNKNOWN
        return
    with pytest.raises(verifying.NotVerifiable, match="不是 PDF"):
        verdict(content)


def test_too_large_is_said_plainly() -> None:
    with pytest.raises(verifying.NotVerifiable, match="10 MB"):
        verdict(b"%PDF-1.7" + b"\0" * verifying_files.MOST_BYTES)


def bomb() -> bytes:
    """A cross-reference stream of a few kilobytes that unpacks to more than a gigabyte."""
    squeezer, block, blocks = zlib.compressobj(9), b"\0" * (1 << 24), 80
    # After a full flush a block is packed as the one before: two are packed, the second is said
    # again.
    first, second = (squeezer.compress(block) + squeezer.flush(zlib.Z_FULL_FLUSH) for _one in range(2))
    check = 1
    for _one in range(blocks):
        check = zlib.adler32(block, check)
    # An empty last block, and the check of all that is unpacked.
    packed = first + second * (blocks - 1) + b"\x03\x00" + check.to_bytes(4, "big")
    head = b"%PDF-1.7\n"
    body = (
        b"1 0 obj\n<< /Type /XRef /Size 400000000 /W [1 2 2] /Root 2 0 R /Filter /FlateDecode /Length %d >>\nstream\n"
        % len(packed)
        + packed
        + b"\nendstream\nendobj\n"
    )
    return head + body + b"startxref\n%d\n%%%%EOF\n" % len(head)


def nested(document: bytes) -> bytes:
    return (
        b"%PDF-1.7\n1 0 obj\n"
        + b"[" * 200_000
        + b"]" * 200_000
        + b"\nendobj\ntrailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
    )


@pytest.mark.parametrize(
    "make",
    [lambda _: bomb(), nested, lambda document: document[: len(document) // 2]],
    ids=["bomb", "nested", "cut"],
)
def test_a_hostile_file_neither_hangs_nor_eats_memory(
    make: Callable[[bytes], bytes], document: bytes
) -> None:
    assert verdict(make(document)).result in (Result.UNKNOWN, Result.ALTERED)


def test_the_looking_is_done_apart_and_within_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = Limits(cpu_seconds=8, wall_seconds=0, memory_bytes=1 << 30)
    monkeypatch.setattr(inspection, "LIMITS", short)
    looked = inspection.inspect_apart(b"%PDF-1.7", keys=tmp_path, room=Room(tmp_path / "apart"))
    assert looked == inspection.Inspection(readable=False)


def shared_by_pages(pages: int, unpacked: int) -> bytes:
    """A small PDF that names one large stream on each of its pages."""
    writer = PdfFileWriter()
    stream = generic.StreamObject(stream_data=b" " * unpacked)
    stream.compress()
    contents = writer.add_object(stream)
    for _number in range(pages):
        writer.insert_page(PageObject(contents=contents, media_box=(0, 0, 595, 842)))
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_stream_that_pages_share_is_unpacked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found: eight files of 92 KB, whose 400 pages share a stream of 50 MB, kept the whole hall for
    twenty seconds."""
    unpacked: list[generic.StreamObject] = []
    whole = vars(generic.StreamObject)["data"].fget

    def data(stream: generic.StreamObject) -> bytes:
        unpacked.append(stream)
        return bytes(whole(stream))

    monkeypatch.setattr(generic.StreamObject, "data", property(data))
    looked = inspection.inspect(shared_by_pages(400, 1_000_000), roots=[], crls=[])
    assert looked.makeup is not None
    assert len(looked.makeup.pages) == 400
    assert len(set(looked.makeup.pages)) == 1
    assert len(unpacked) < 10


def test_no_more_is_unpacked_than_any_proof_draws() -> None:
    assert inspection.inspect(shared_by_pages(1, 70_000_000), roots=[], crls=[]).makeup is None


def test_who_finds_all_places_taken_is_told_to_come_again(
    client: Client, document: bytes, settings: Any, tmp_path: Path
) -> None:
    settings.ROOM_FOR_FILES = room = Room(tmp_path / "apart", at_work=1, waiting=0)
    with room.place():
        answer = client.post("/verify/", {"file": SimpleUploadedFile("proof.pdf", document)})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "核验的人较多" in answer.content.decode()
    answer = client.post("/verify/", {"file": SimpleUploadedFile("proof.pdf", document)})
    assert "真实有效" in answer.content.decode()


def test_the_inspection_knows_no_django() -> None:
    code = "import sys, certificates.inspection; print([name for name in sys.modules if name.startswith('django')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_code_is_valid_however_it_is_typed(certificate: Certificate) -> None:
    wide = "".join(chr(ord(character) + 0xFEE0) for character in last_four(certificate.facts).lower())
    found = verifying.verify_code(f" {certificate.grouped_code.lower()} ", f" {wide} ", now=NOW)
    assert (found.result, found.certificate) == (Result.VALID, certificate)


def test_a_code_that_nobody_was_given_is_unknown(certificate: Certificate) -> None:
    assert verifying.verify_code("7" * 28, "0016", now=NOW).result == Result.UNKNOWN
    with pytest.raises(verifying.NotVerifiable, match="28 位"):
        verifying.verify_code("1234", "0016", now=NOW)
    with pytest.raises(verifying.NotVerifiable, match="后四位"):
        verifying.verify_code(certificate.code, "16", now=NOW)


def test_a_wrong_ending_is_answered_like_a_wrong_code(certificate: Certificate) -> None:
    ending = "9999"
    assert last_four(certificate.facts) != ending
    wrong_ending = verifying.verify_code(certificate.code, ending, now=NOW)
    wrong_code = verifying.verify_code("7" * 28, last_four(certificate.facts), now=NOW)
    assert wrong_ending == wrong_code
    assert wrong_ending.result == Result.UNKNOWN
    assert {(one.result, one.certificate) for one in VerificationLog.objects.all()} == {
        (Result.UNKNOWN, None)
    }


def test_an_employers_proof_goes_by_its_credit_code() -> None:
    assert last_four({"employer": {"credit_code": "91330211MA2AB12X7K"}}) == "2X7K"


def test_it_ends_with_its_last_day_in_china(frozen: Freeze) -> None:
    ending = frozen(valid_until=moment("2026-12-31").date())
    document = issuing.produce(ending, now=NOW)
    last, after = moment("2026-12-31 23:59"), moment("2027-01-01")
    assert (
        by_code(ending, last).result == verifying_files.verify_pdf(document, now=last).result == Result.VALID
    )
    for found in (by_code(ending, after), verifying_files.verify_pdf(document, now=after)):
        assert found.result == Result.EXPIRED
        assert failed(found) == {"有效期"}
        assert ("有效期至", "2026-12-31") in found.shown


def test_a_digest_stands_for_its_file(certificate: Certificate, document: bytes) -> None:
    digest = hashlib.sha256(document).hexdigest()
    found = verifying.verify_digest(digest.upper(), asker="某银行", now=NOW)
    assert (found.result, found.certificate) == (Result.VALID, certificate)
    assert verifying.verify_digest("0" * 64, now=NOW).result == Result.UNKNOWN
    with pytest.raises(verifying.NotVerifiable):
        verifying.verify_digest(digest[1:], now=NOW)
    assert list(VerificationLog.objects.order_by("id").values_list("way", "asker")) == [
        (Way.API, "某银行"),
        (Way.API, ""),
    ]


def test_a_code_is_not_good_before_the_document_is(frozen: Freeze) -> None:
    found = by_code(frozen())
    assert found.result == Result.UNKNOWN
    assert found.certificate is None


def test_a_code_whose_stored_file_is_gone_is_not_vouched_for(
    certificate: Certificate, tmp_path: Path
) -> None:
    file, elsewhere = Path(storages["documents"].path(certificate.document)), tmp_path / "elsewhere"
    file.rename(elsewhere)
    try:
        assert by_code(certificate).result == Result.UNKNOWN
    finally:
        # The tests beside this one have the same document.
        elsewhere.rename(file)


def test_personal_data_are_masked(certificate: Certificate, document: bytes) -> None:
    shown = dict(verdict(document).shown)
    number = certificate.facts["person"]["identity_number"]
    assert shown["姓名"] == "王*"
    assert shown["身份证号码"] == f"{number[:6]}********{number[-4:]}"
    assert number not in str(shown)


def test_who_holds_it_is_told_what_it_says(certificate: Certificate, document: bytes) -> None:
    """A print with other wages on it is found out: the months, bases and sums stand beside the
    answer."""
    digest = hashlib.sha256(document).hexdigest()
    for found in (by_code(certificate), verdict(document), verifying.verify_digest(digest, now=NOW)):
        assert found.told is not None
        assert found.told["months"] == certificate.facts["months"]
        assert found.told["totals"] == certificate.facts["totals"]
        assert found.told["person"]["name"] == "王*"
        assert certificate.facts["person"]["identity_number"] not in str(found.told)


def test_who_has_its_number_alone_is_not(certificate: Certificate, document: bytes) -> None:
    """Serial numbers are guessed: a file that only bears one tells nothing more than before."""
    for found in (
        verdict(resealed_number(certificate)),
        verdict(document + b"\n"),
        verifying.verify_code(certificate.code, "0000", now=NOW),
    ):
        assert found.told is None


def test_what_counts_no_more_is_not_told(cast: Cast, frozen: Freeze, certificate: Certificate) -> None:
    ending = frozen(valid_until=NOW.date())
    issuing.produce(ending, now=NOW)
    assert by_code(ending).told is not None
    assert by_code(ending, moment("2026-11-18 00:00")).told is None
    issuing.revoke(certificate, by=cast.ningbo_reviewer, reason="有误", now=NOW)
    assert by_code(certificate).told is None


def resealed_number(certificate: Certificate) -> bytes:
    """A file of somebody's own that bears our number."""
    return rendering.press(f"<html lang='zh'><title>{certificate.serial_number}</title><p>x", agency="某中心")


def test_every_question_is_noted_without_who_asked(certificate: Certificate, document: bytes) -> None:
    verdict(document)
    verifying.verify_code("7" * 28, "0016", now=NOW)
    assert list(VerificationLog.objects.order_by("id").values_list("way", "result", "certificate")) == [
        (Way.FILE, Result.VALID, certificate.pk),
        (Way.CODE, Result.UNKNOWN, None),
    ]


def test_the_command_says_valid_and_leaves_with_zero(document: bytes, tmp_path: Path) -> None:
    file = tmp_path / "证明.pdf"
    file.write_bytes(document)
    out = StringIO()
    call_command("verify_certificate", str(file), stdout=out)
    assert out.getvalue().startswith("真实有效")
    assert len(re.findall(r"\[通过\]", out.getvalue())) == 8


def test_the_command_leaves_with_one_otherwise(document: bytes, tmp_path: Path) -> None:
    file = tmp_path / "edited.pdf"
    file.write_bytes(document + b"\n")
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_certificate", str(file), stdout=out)
    assert left.value.code == 1
    assert "[不通过]" in out.getvalue()
    for missing in (tmp_path / "none.pdf", tmp_path):
        with pytest.raises(CommandError):
            call_command("verify_certificate", str(missing))


def look(document: bytes) -> inspection.Inspection:
    roots, crls = inspection.read_keys(authority.trust_folder().parent)
    return inspected(document, roots=roots, crls=crls)
