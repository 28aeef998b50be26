"""From frozen facts to pages: A4, PDF/UA, by WeasyPrint. The result is never handed out: ``sealing`` comes next."""

import threading
from collections.abc import Mapping
from datetime import date

import pydyf
import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from weasyprint import CSS, HTML
from weasyprint.document import Document
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from certificates import fonts, presenting, seal_picture, summaries
from certificates.models import Certificate

_SEAL_BOX = "seal"
_POINTS_PER_PIXEL = 0.75
_FONT = "hall-font:"
_PDF_VARIANT = "pdf/ua-1"


class FetchRefused(FatalURLFetchingError):
    """The document asked for something outside itself. Nothing in a document may; so nothing is drawn."""


class _OwnThingsOnly(URLFetcher):
    """Gives the document what we put into it, data: addresses and our fonts; refuses files, networks and all else."""

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        if url.startswith("data:"):
            return super().fetch(url, headers)
        for typeface in fonts.TYPEFACES:
            if url == _font_address(typeface):
                return URLFetcherResponse(url, fonts.cut(typeface).read_bytes(), {"Content-Type": "font/otf"})
        raise FetchRefused(url)


class _Page(HTML):
    """HTML without the browser's own style sheet: its rules for all of HTML cost a tenth of the document.

    ``document.css`` says what the few elements of our documents are.
    """

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:
        return []


class _Press:
    """Fonts and style sheet, read once."""

    def __init__(self) -> None:
        self.fonts = FontConfiguration()
        self.fetcher = _OwnThingsOnly()
        text = render_to_string("certificates/documents/document.css", {"faces": _faces()})
        self.style = CSS(string=text, font_config=self.fonts, url_fetcher=self.fetcher)


_own = threading.local()


def _press() -> _Press:
    """This thread's press: what fontconfig and Pango keep is not to be shared between threads."""
    if not hasattr(_own, "press"):
        _own.press = _Press()
    press: _Press = _own.press
    return press


def render(certificate: Certificate, *, development: bool, on: date) -> bytes:
    """The document of a certificate, dated ``on``, not yet sealed. FontMissing where there are no fonts."""
    return press(
        document_html(certificate, development=development, on=on), agency=certificate.facts["agency"]
    )


def document_html(certificate: Certificate, *, development: bool, on: date) -> str:
    """The document as one HTML page that needs nothing from outside. Everything from the facts is escaped."""
    facts = certificate.facts
    context = {
        "certificate": certificate,
        "facts": facts,
        "as_of": _day(date.fromisoformat(facts["as_of"])),
        "on": _day(on),
        "development": development,
        "site": settings.PUBLIC_URL + reverse("verify"),
        # Readers take any of the eight masks; to weigh them all takes longer than all else that the QR code needs.
        "qr": segno.make(
            summaries.address(certificate, on=on, site=settings.PUBLIC_URL),  # type: ignore[arg-type]
            error="m",
            mask=3,
        ).png_data_uri(border=0, scale=4),
        **presenting.contents(facts),
    }
    return render_to_string(certificate.form.document, context)


def press(html: str, *, agency: str) -> bytes:
    """HTML to PDF with the documents' style sheet and fonts, and the agency's seal drawn in the box of the id ``seal``.

    Fetches nothing from anywhere; FetchRefused where the HTML asks for it.
    """
    own = _press()

    def finish(document: Document, pdf: pydyf.PDF) -> None:
        _say_what_heads_are_of(pdf)
        _draw_seal(document, pdf, seal_picture.operators(agency))

    page = _Page(string=html, url_fetcher=own.fetcher)
    result: bytes = page.write_pdf(
        font_config=own.fonts, stylesheets=[own.style], pdf_variant=_PDF_VARIANT, finisher=finish
    )
    return result


def _say_what_heads_are_of(pdf: pydyf.PDF) -> None:
    """Tells screen readers whether a head is of a column or of a row: PDF/UA asks for it, and WeasyPrint does not say it."""
    kinds = {
        item.reference: (item["S"], item.get("P"))
        for item in pdf.objects
        if isinstance(item, pydyf.Dictionary) and "S" in item
    }
    for item in pdf.objects:
        if isinstance(item, pydyf.Dictionary) and item.get("S") == "/TH":
            _row, group = kinds[item["P"]]
            of_column = kinds[group][0] == "/THead"
            item["A"]["Scope"] = "/Column" if of_column else "/Row"


def _draw_seal(document: Document, pdf: pydyf.PDF, operators: bytes) -> None:
    """Draws the seal over the finished page: as operators, for an SVG of so many outlines costs a tenth of the whole document."""
    sheets = [
        item for item in pdf.objects if isinstance(item, pydyf.Dictionary) and item.get("Type") == "/Page"
    ]
    for page, sheet in zip(document.pages, sheets, strict=True):
        if _SEAL_BOX not in page.anchors:
            continue
        left, top, right, bottom = page.anchors[_SEAL_BOX]
        x = (left + right) / 2 * _POINTS_PER_PIXEL
        y = (page.height - (top + bottom) / 2) * _POINTS_PER_PIXEL
        # The page's own operators leave its coordinates turned over: they are put between q and Q.
        before = pydyf.Stream([b"q"])
        after = pydyf.Stream(
            [b"Q /Artifact BMC q", f"1 0 0 1 {x:.3f} {y:.3f} cm".encode(), operators, b"Q EMC"], compress=True
        )
        for stream in (before, after):
            pdf.add_object(stream)
        sheet["Contents"] = pydyf.Array([before.reference, sheet["Contents"], after.reference])


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _font_address(typeface: fonts.Typeface) -> str:
    return _FONT + fonts.cut(typeface).name


def _faces() -> list[dict[str, str]]:
    return [
        {"family": face.family, "whole": face.whole, "weight": face.weight, "address": _font_address(face)}
        for face in fonts.TYPEFACES
    ]
