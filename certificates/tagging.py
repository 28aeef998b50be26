"""Completes WeasyPrint's structure tree (PDF/UA-1), which screen readers use.

WeasyPrint tags only the text. This module adds the scope of a table's heads, the foot of the last
page (code, address, QR code, the note that a development seal has no effect), the seal, and the
field of its signature. Content that repeats on each page is marked as an artifact.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pydyf

# The flags Print and Locked: nobody fills in the seal's field.
_WIDGET_FLAGS = 4 | 128
_POINTS_PER_PIXEL = 0.75


@dataclass(frozen=True)
class Drawing:
    """A drawing over a page, as operators: ``box`` is (left, bottom, right, top) in points, ``alt``
    the text for screen readers."""

    operators: bytes
    page: int
    box: tuple[float, float, float, float]
    alt: str


@dataclass(frozen=True)
class Field:
    """A signature field on the last page, without a visible place; ``title`` is the text for screen
    readers."""

    name: str
    title: str


class Tags:
    """The structure tree of a PDF that WeasyPrint has just made, page heights in points."""

    def __init__(self, pdf: pydyf.PDF, heights: Sequence[float]) -> None:
        self._pdf = pdf
        self._heights = heights
        self._by_reference = {item.reference: item for item in pdf.objects}
        named = [item for item in pdf.objects if isinstance(item, pydyf.Dictionary)]
        self._elements = [item for item in named if item.get("Type") == "/StructElem"]
        [self._root] = [item for item in named if item.get("Type") == "/StructTreeRoot"]
        [self._document] = [item for item in self._elements if item["S"] == "/Document"]
        self._sheets = [item for item in named if item.get("Type") == "/Page"]
        self._drawn = [self._by_reference[sheet["Contents"]].stream for sheet in self._sheets]
        self._numbers = self._by_reference[self._root["ParentTree"]]["Nums"]

    def say_what_heads_are_of(self) -> None:
        """Marks each table head as the head of a column or of a row; PDF/UA requires it."""
        for item in self._elements:
            if item["S"] == "/TH":
                group = self._by_reference[self._by_reference[item["P"]]["P"]]
                item["A"]["Scope"] = "/Column" if group["S"] == "/THead" else "/Row"

    def say_where_figures_are(self) -> None:
        """Converts the boxes of figures from WeasyPrint's pixels from the top to PDF's points from
        the bottom."""
        for item in self._elements:
            if item["S"] == "/Figure":
                left, top, right, bottom = (one * _POINTS_PER_PIXEL for one in item["A"]["BBox"])
                height = self._heights[self._page_of(item)]
                item["A"]["BBox"] = pydyf.Array([left, height - bottom, right, height - top])

    def read_the_last_foot(self, tag: str) -> None:
        """Puts the element with this tag in the last page's margin at the end of the text; all
        other content of margins becomes an artifact."""
        in_text = set(self._document["K"])
        last_page = self._sheets[-1].reference
        for item in self._elements:
            if item.get("P") != self._document.reference or item.reference in in_text:
                continue
            if item["S"] == tag and item["Pg"] == last_page:
                self._document["K"].append(item.reference)
            else:
                self._no_content(item)

    def draw(self, drawing: Drawing) -> None:
        """Draws over a page, and adds the drawing at the end of the text."""
        sheet = self._sheets[drawing.page]
        marks = self._numbers[2 * drawing.page + 1]
        element = self._added(
            {
                "S": "/Figure",
                "K": pydyf.Array([len(marks)]),
                "Pg": sheet.reference,
                "Alt": pydyf.String(drawing.alt),
                "A": pydyf.Dictionary(
                    {"O": "/Layout", "Placement": "/Block", "BBox": pydyf.Array(drawing.box)}
                ),
            }
        )
        start = f"Q /Figure <</MCID {len(marks)}>> BDC q".encode()
        marks.append(element.reference)
        # The page's own operators leave flipped coordinates, so q and Q enclose them.
        opening = pydyf.Stream([b"q"])
        closing = pydyf.Stream([start, drawing.operators, b"Q EMC"], compress=True)
        for stream in (opening, closing):
            self._pdf.add_object(stream)
        sheet["Contents"] = pydyf.Array([opening.reference, sheet["Contents"], closing.reference])

    def add_field(self, field: Field) -> None:
        """An empty signature field, for the seal to come."""
        sheet = self._sheets[-1]
        key = len(self._numbers) // 2
        widget = pydyf.Dictionary(
            {
                "Type": "/Annot",
                "Subtype": "/Widget",
                "FT": "/Sig",
                "T": pydyf.String(field.name),
                "TU": pydyf.String(field.title),
                "F": _WIDGET_FLAGS,
                "Rect": pydyf.Array([0, 0, 0, 0]),
                "P": sheet.reference,
                "StructParent": key,
            }
        )
        self._pdf.add_object(widget)
        pointer = pydyf.Dictionary({"Type": "/OBJR", "Obj": widget.reference, "Pg": sheet.reference})
        self._pdf.add_object(pointer)
        element = self._added({"S": "/Form", "K": pydyf.Array([pointer.reference]), "Pg": sheet.reference})
        self._numbers.extend([key, element.reference])
        sheet["Annots"] = pydyf.Array([widget.reference])
        self._pdf.catalog["AcroForm"] = pydyf.Dictionary(
            {"Fields": pydyf.Array([widget.reference]), "SigFlags": 3}
        )

    def _added(self, entries: dict[str, object]) -> pydyf.Dictionary:
        element = pydyf.Dictionary({"Type": "/StructElem", "P": self._document.reference, **entries})
        self._pdf.add_object(element)
        self._document["K"].append(element.reference)
        return element

    def _within(self, item: pydyf.Dictionary) -> Iterator[pydyf.Dictionary]:
        yield item
        for kid in item["K"]:
            if isinstance(kid, bytes):
                yield from self._within(self._by_reference[kid])

    def _no_content(self, item: pydyf.Dictionary) -> None:
        """Marks the content of an element as an artifact of the page, and empties the element."""
        page = self._page_of(item)
        operators = self._drawn[page]
        places = {
            entry["MCID"]: place
            for place, entry in enumerate(operators)
            if isinstance(entry, pydyf.Dictionary) and "MCID" in entry
        }
        for element in list(self._within(item)):
            for mark in element["K"]:
                if isinstance(mark, int):
                    operators[places[mark] - 1] = "/Artifact"
                    operators[places[mark]] = pydyf.Dictionary({"Type": "/Pagination"})
                    self._numbers[2 * page + 1][mark] = "null"
            element.clear()

    def _page_of(self, item: pydyf.Dictionary) -> int:
        return next(place for place, sheet in enumerate(self._sheets) if sheet.reference == item["Pg"])
