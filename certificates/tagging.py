"""What a document tells whom reads it by ear: WeasyPrint's structure tree (PDF/UA-1) brought to its
end.

WeasyPrint tags what stands in the text. Here is added what it leaves out: of what a table's heads
are, the foot of the last page (code, address, QR code, that a development seal has no effect), the
seal, and the field of its signature. What repeats on each page is marked as such.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pydyf

# Print, and locked: the seal's field is for nobody to fill in.
_WIDGET_FLAGS = 4 | 128
_POINTS_PER_PIXEL = 0.75


@dataclass(frozen=True)
class Drawing:
    """Something drawn over a page as operators: ``box`` is (left, bottom, right, top) in points,
    ``alt`` says what it shows."""

    operators: bytes
    page: int
    box: tuple[float, float, float, float]
    alt: str


@dataclass(frozen=True)
class Field:
    """A signature's field without a place on the page, on the last one; ``title`` is what is said
    of it."""

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
        """Whether a table's head is of a column or of a row: PDF/UA asks for it."""
        for item in self._elements:
            if item["S"] == "/TH":
                group = self._by_reference[self._by_reference[item["P"]]["P"]]
                item["A"]["Scope"] = "/Column" if group["S"] == "/THead" else "/Row"

    def say_where_figures_are(self) -> None:
        """WeasyPrint says it in its own pixels from the top: PDF has points from the bottom."""
        for item in self._elements:
            if item["S"] == "/Figure":
                left, top, right, bottom = (one * _POINTS_PER_PIXEL for one in item["A"]["BBox"])
                height = self._heights[self._page_of(item)]
                item["A"]["BBox"] = pydyf.Array([left, height - bottom, right, height - top])

    def read_the_last_foot(self, tag: str) -> None:
        """Puts what the last page's margin holds under this tag at the end of the text; all else in
        margins is no content."""
        told = set(self._document["K"])
        last = self._sheets[-1].reference
        for item in self._elements:
            if item.get("P") != self._document.reference or item.reference in told:
                continue
            if item["S"] == tag and item["Pg"] == last:
                self._document["K"].append(item.reference)
            else:
                self._no_content(item)

    def draw(self, drawing: Drawing) -> None:
        """Draws over a page, as the last thing that the text has so far."""
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
        # The page's own operators leave its coordinates turned over: they are put between q and Q.
        before = pydyf.Stream([b"q"])
        after = pydyf.Stream([start, drawing.operators, b"Q EMC"], compress=True)
        for stream in (before, after):
            self._pdf.add_object(stream)
        sheet["Contents"] = pydyf.Array([before.reference, sheet["Contents"], after.reference])

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
        """Marks what an element holds as of the page and not of the text, and empties the
        element."""
        page = self._page_of(item)
        drawn = self._drawn[page]
        places = {
            entry["MCID"]: place
            for place, entry in enumerate(drawn)
            if isinstance(entry, pydyf.Dictionary) and "MCID" in entry
        }
        for element in list(self._within(item)):
            for mark in element["K"]:
                if isinstance(mark, int):
                    drawn[places[mark] - 1] = "/Artifact"
                    drawn[places[mark]] = pydyf.Dictionary({"Type": "/Pagination"})
                    self._numbers[2 * page + 1][mark] = "null"
            element.clear()

    def _page_of(self, item: pydyf.Dictionary) -> int:
        return next(place for place, sheet in enumerate(self._sheets) if sheet.reference == item["Pg"])
