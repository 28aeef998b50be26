"""What screen readers are told of a document: its language, its title, a tree of headings and
tables with heads, and its foot."""

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject
from pyhanko.pdf_utils.reader import PdfFileReader

from certificates import issuing
from certificates.models import Certificate
from portal.shared.insurance import Insurance
from tests.cast import NOW, Cast, cover
from tests.certificates.standing_certificate import cast, certificate, insured, issued_once

__all__ = ["cast", "certificate", "insured", "issued_once"]

pytestmark = pytest.mark.django_db


def nodes(element: Any) -> Iterator[DictionaryObject]:
    """The elements of a structure tree, from the top."""
    if isinstance(element, IndirectObject):
        element = element.get_object()
    if isinstance(element, ArrayObject):
        for one in element:
            yield from nodes(one)
    elif isinstance(element, DictionaryObject):
        if "/S" in element:
            yield element
        if "/K" in element:
            yield from nodes(element["/K"])


def items(array: ArrayObject) -> list[Any]:
    """What an array holds, references followed."""
    return [array[place] for place in range(len(array))]


@pytest.fixture
def root(document: bytes) -> DictionaryObject:
    return PdfFileReader(BytesIO(document)).root


@pytest.fixture
def tree(root: DictionaryObject) -> list[DictionaryObject]:
    return list(nodes(root["/StructTreeRoot"]))


def test_language_and_title_are_said_and_shown(
    root: DictionaryObject, document: bytes, certificate: Certificate
) -> None:
    assert root["/Lang"] == "zh-Hans"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    info = PdfFileReader(BytesIO(document)).trailer["/Info"]
    assert info["/Title"] == f"个人参保证明 {certificate.serial_number}"


def test_one_title_headings_and_tables_in_order(tree: list[DictionaryObject]) -> None:
    kinds = [str(one["/S"]) for one in tree]
    counts = Counter(kinds)
    assert (counts["/H1"], counts["/H2"], counts["/Table"]) == (1, 3, 3)
    assert kinds.index("/H1") < kinds.index("/H2") < kinds.index("/Table")


def test_every_table_has_heads_and_each_says_of_what(tree: list[DictionaryObject]) -> None:
    tables = [
        one for one in tree if one["/S"] == "/Table" and "/THead" in [str(kind["/S"]) for kind in nodes(one)]
    ]
    assert len(tables) == 3
    for table in tables:
        scopes = Counter(str(one["/A"]["/Scope"]) for one in nodes(table) if one["/S"] == "/TH")
        assert scopes["/Column"] >= 3
        # A head begins each row of the body.
        [body] = [one for one in nodes(table) if one["/S"] == "/TBody"]
        rows = [one for one in nodes(body) if one["/S"] == "/TR"]
        assert scopes["/Row"] == len(rows)


def read_aloud(document: bytes) -> str:
    """All that the structure tree holds, one line for each piece of text."""
    told = subprocess.run(
        ["pdfinfo", "-struct-text", "-"], input=document, capture_output=True, check=True, timeout=60
    ).stdout.decode()
    return "\n".join(re.findall(r'^\s*"(.*)"$', told, re.MULTILINE))


def test_code_address_and_that_it_has_no_effect_are_read_aloud(
    certificate: Certificate, document: bytes
) -> None:
    told = read_aloud(document)
    for said in (certificate.grouped_code, certificate.serial_number, "/verify/", "不具有法律效力"):
        assert said in told


def test_seal_and_qr_code_say_what_they_are(tree: list[DictionaryObject], certificate: Certificate) -> None:
    seal, qr_code = (one for one in tree if one["/S"] == "/Figure")
    assert seal["/Alt"] == "印章：宁波市社会保险管理服务中心社会保险业务专用章"
    assert certificate.grouped_code in qr_code["/Alt"]
    for figure, size in ((seal, 42), (qr_code, 24)):
        left, bottom, right, top = (float(one) for one in figure["/A"]["/BBox"])
        assert 0 < left < right < 596
        assert 0 < bottom < top < 842
        assert (right - left) * 25.4 / 72 == pytest.approx(size, abs=0.1)


def test_the_signatures_field_says_what_it_is_and_stands_in_the_tree(
    root: DictionaryObject, tree: list[DictionaryObject]
) -> None:
    [widget] = items(root["/AcroForm"]["/Fields"])
    assert widget["/V"]["/SubFilter"] == "/ETSI.CAdES.detached"
    assert "数字签名" in widget["/TU"]
    [form] = [one for one in tree if one["/S"] == "/Form"]
    [pointer] = items(form["/K"])
    assert pointer["/Obj"]["/T"] == widget["/T"]
    numbers = items(root["/StructTreeRoot"]["/ParentTree"]["/Nums"])
    entries = dict(zip(numbers[::2], numbers[1::2], strict=True))
    assert entries[widget["/StructParent"]]["/S"] == "/Form"


def test_it_is_of_one_version_and_says_by_one_program_who_made_it(document: bytes) -> None:
    reader = PdfFileReader(BytesIO(document))
    # PDF/UA-1 is a part of PDF 1.7.
    assert document.startswith(b"%PDF-1.7")
    assert "/Version" not in reader.root
    told = reader.root["/Metadata"].data.decode()
    assert re.search(r'pdfuaid:part(>|=")1', told)
    producer = str(reader.trailer["/Info"]["/Producer"])
    assert f">{producer}<" in told or f'"{producer}"' in told


def test_headings_and_their_units_are_kept_apart(root: DictionaryObject) -> None:
    def titles(entry: Any) -> Iterator[str]:
        while entry is not None:
            yield str(entry["/Title"])
            if "/First" in entry:
                yield from titles(entry["/First"])
            entry = entry["/Next"] if "/Next" in entry else None  # noqa: SIM401 -- get follows no references

    assert "逐月缴费明细（金额单位：元）" in list(titles(root["/Outlines"]["/First"]))


def test_on_many_pages_the_foot_is_read_once_and_the_rest_of_the_margins_never(
    cast: Cast, frozen: Callable[..., Certificate]
) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2015-01", "2026-01", at=cast.zhaobao, wage_fen=700000)
    certificate = frozen(months=None)
    document = issuing.produce(certificate, now=NOW)
    root = PdfFileReader(BytesIO(document)).root
    pages = items(root["/Pages"]["/Kids"])
    assert len(pages) > 2
    told = read_aloud(document)
    assert told.count(certificate.grouped_code) == 1
    assert f"第 {len(pages)} 页，共 {len(pages)} 页" in told
    # Whatever is marked as content has its element in the tree.
    numbers = items(root["/StructTreeRoot"]["/ParentTree"]["/Nums"])
    for page, elements in zip(pages, numbers[1::2], strict=False):
        contents = page["/Contents"]
        parts = items(contents) if isinstance(contents, ArrayObject) else [contents]
        drawn = b"\n".join(part.data for part in parts)
        marks = {int(mark) for mark in re.findall(rb"/MCID (\d+)", drawn)}
        # A mark without an element is null there; what the others lead to need not be read, which
        # takes long.
        assert marks == {
            place for place in range(len(elements)) if isinstance(elements.raw_get(place), IndirectObject)
        }
        assert b"/Artifact\n<</Type /Pagination>>" in drawn
