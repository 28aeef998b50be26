"""What screen readers are told of a document: its language, its title, and a tree of headings and tables with heads."""

from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject
from pyhanko.pdf_utils.reader import PdfFileReader

from certificates.models import Certificate

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
