"""The corpus of what people do to a sealed document: each is recognised, in its own words, and the
page says so."""

import html
import re
import zlib
from collections.abc import Callable
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pyhanko.pdf_utils import embed, generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from certificates import authority, development_authority, issuing, sealing
from certificates.models import Certificate, Result
from portal.shared.insurance import Insurance
from tests.cast import NOW, Cast, cover

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

Freeze = Callable[..., Certificate]
STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


@pytest.fixture
def certificate(cast: Cast, frozen: Freeze) -> Certificate:
    """One of several pages."""
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2019-01", "2026-01", at=cast.zhaobao, wage_fen=700000)
    made = frozen(months=None)
    issuing.produce(made, now=NOW)
    return made


def packed(content: bytes, room: int) -> bytes | None:
    """The content compressed into exactly so many bytes, or None where it does not fit."""
    small = zlib.compress(content, 9)
    return small + b"\n" * (room - len(small)) if len(small) <= room else None


def replaced(document: bytes, start: int, end: int, new: bytes) -> bytes:
    assert len(new) == end - start
    return document[:start] + new + document[end:]


def text_edited(document: bytes) -> bytes:
    """A word taken off the first page, in place."""
    for found in STREAM.finditer(document):
        try:
            drawn = zlib.decompress(found[1])
        except zlib.error:
            continue
        words = re.search(rb"\[<[0-9a-f]{4}[^\]]*\] TJ", drawn)
        if words and b"BT" in drawn:
            new = packed(drawn.replace(words[0], b"[] TJ", 1), len(found[1]))
            assert new is not None
            return replaced(document, found.start(1), found.end(1), new)
    raise AssertionError("no page")


def pages_exchanged(document: bytes) -> bytes:
    """Two pages change places, in place."""
    for found in STREAM.finditer(document):
        try:
            objects = zlib.decompress(found[1])
        except zlib.error:
            continue
        kids = re.search(rb"/Kids\s*\[([^\]]*)\]", objects)
        if not kids or b"/Count" not in objects:
            continue
        pages = re.findall(rb"\d+ 0 R", kids[1])
        for one, other in combinations(range(len(pages)), 2):
            order = list(pages)
            order[one], order[other] = order[other], order[one]
            swapped = b" ".join(order).ljust(len(kids[1]))
            new = packed(replaced(objects, kids.start(1), kids.end(1), swapped), len(found[1]))
            if new is not None:
                return replaced(document, found.start(1), found.end(1), new)
    raise AssertionError("no tree of pages that could be changed in place")


def metadata_changed(document: bytes) -> bytes:
    """Another program's name for the one that wrote it, in place."""
    for found in STREAM.finditer(document):
        try:
            objects = zlib.decompress(found[1])
        except zlib.error:
            continue
        if b"/Producer (pyHanko" in objects:
            new = packed(objects.replace(b"/Producer (pyHanko", b"/Producer (Anybody"), len(found[1]))
            assert new is not None
            return replaced(document, found.start(1), found.end(1), new)
    raise AssertionError("no information")


def evidence_removed(document: bytes) -> bytes:
    found = document.rindex(b"/DSS ")
    return replaced(document, found, found + 5, b"/DSX ")


def signature_place(document: bytes) -> tuple[int, int]:
    found = re.search(rb"/Contents\s*<([0-9a-fA-F]+)>", document)
    assert found
    return found.span(1)


def time_stamp_removed(document: bytes) -> bytes:
    start, end = signature_place(document)
    content = cms.ContentInfo.load(bytes.fromhex(document[start:end].decode()))
    for info in content["content"]["signer_infos"]:
        info["unsigned_attrs"] = cms.CMSAttributes([])
    return replaced(document, start, end, content.dump(force=True).hex().encode().ljust(end - start, b"0"))


def seal_pasted(document: bytes, other: bytes) -> bytes:
    (start, end), (first, last) = signature_place(document), signature_place(other)
    return replaced(document, start, end, other[first:last])


def updated(document: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(BytesIO(document))
    change(writer)
    output = BytesIO()
    writer.write(output)
    return output.getvalue()


def add_script(writer: IncrementalPdfFileWriter) -> None:
    action = {"/S": generic.NameObject("/JavaScript"), "/JS": generic.TextStringObject("app.alert(1)")}
    writer.root["/OpenAction"] = generic.DictionaryObject(
        {generic.pdf_name(key): value for key, value in action.items()}
    )
    writer.update_root()


def add_attachment(writer: IncrementalPdfFileWriter) -> None:
    file = embed.EmbeddedFileObject.from_file_data(writer, b"a=1", mime_type="text/plain")
    embed.embed_file(writer, embed.FileSpec("notes.txt", embedded_data=file, description="notes"))


def turn_page(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Rotate"] = generic.NumberObject(180)
    writer.update_container(page)


def reverse_pages(writer: IncrementalPdfFileWriter) -> None:
    pages = writer.root["/Pages"]
    kids = pages["/Kids"]
    pages[generic.pdf_name("/Kids")] = generic.ArrayObject(
        kids.raw_get(place) for place in reversed(range(len(kids)))
    )
    writer.update_container(pages)


def stripped(document: bytes) -> bytes:
    return document[: document.index(b"%%EOF") + len(b"%%EOF\n")]


def resealed(document: bytes, folder: Path, settings: Any) -> bytes:
    own = settings.SEAL_DIR
    settings.SEAL_DIR = folder
    try:
        development_authority.make_development_ca(cities=[("ningbo", "宁波市社会保险管理服务中心")], now=NOW)
        return sealing.seal_document(
            stripped(document), seal=authority.seal_for("ningbo"), reason="x", now=NOW
        )
    finally:
        settings.SEAL_DIR = own


def test_each_fails_in_its_own_way_and_the_page_says_so(
    client: Client, certificate: Certificate, frozen: Freeze, tmp_path: Path, settings: Any
) -> None:
    document = issuing.produce(certificate, now=NOW)
    other = issuing.produce(frozen(months=3), now=NOW)
    signed, covering, comparing = "数字签名", "覆盖范围", "与出具文件比较"
    corpus: list[tuple[bytes, str, set[str]]] = [
        (text_edited(document), "被改动（第 1 页的内容）", {signed, comparing}),
        (pages_exchanged(document), "被改动（页面的顺序）", {signed, comparing}),
        (metadata_changed(document), "被改动（标题、作者等文件信息）", {signed, comparing}),
        (evidence_removed(document), "被改动（去除了证书链和吊销信息）", {signed, "吊销信息", comparing}),
        (updated(document, turn_page), "被追加了内容（第 1 页的内容）", {covering, comparing}),
        (updated(document, reverse_pages), "被追加了内容（页面的顺序）", {covering, comparing}),
        (updated(document, add_script), "被追加了内容（加入了脚本或动作）", {covering, comparing}),
        (updated(document, add_attachment), "被追加了内容（加入了附件）", {covering, comparing}),
        (document + b"\n% note\n", "被追加了内容，", {covering}),
        (stripped(document), "数字签名已被去除", {signed, comparing}),
        (
            resealed(document, tmp_path, settings),
            "签名不是经办机构的印章",
            {"印章证书", "吊销信息", "盖章时间", "印章"},
        ),
        (seal_pasted(document, other), "印章取自另一份文件", {signed}),
        (time_stamp_removed(document), "时间戳已被去除", {"吊销信息", "盖章时间"}),
        (document[: len(document) * 2 // 3], "结尾缺失", set()),
    ]
    said = []
    for tampered, why, fails in corpus:
        assert tampered != document
        answer = client.post(
            reverse("verify"), {"file": SimpleUploadedFile("x.pdf", tampered, "application/pdf")}
        )
        shown = html.unescape(answer.content.decode())
        verdict = answer.context["verdict"]
        assert why in verdict.why
        assert verdict.why in shown
        assert f'data-result="{verdict.result}"' in shown
        expected = Result.UNKNOWN if why == "结尾缺失" else Result.ALTERED
        assert (verdict.result, why) == (expected, why)
        failed = {check.label for check in verdict.checks if check.passed is False}
        assert (why, failed) == (why, {"登记", *fails})
        said.append(verdict.why)
    assert len(set(said)) == len(corpus)
