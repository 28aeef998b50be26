"""Drawing frozen facts as pages: A4, PDF/UA, by WeasyPrint. The result never leaves the hall
unsealed: ``sealing`` follows."""

import threading
from collections.abc import Iterator, Mapping
from datetime import date

import pydyf
import segno
import weasyprint
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from pyhanko.pdf_utils.metadata.model import VENDOR
from weasyprint import CSS, HTML
from weasyprint.document import Document
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from certificates import fonts, presenting, seal_picture, sealing, summaries
from certificates.models import Certificate
from certificates.tagging import Drawing, Field, Tags
from portal.shared.months import day_zh

_SEAL_BOX = "seal"
# The foot is the one section of a document.
_FOOT = "/Sect"
_POINTS_PER_PIXEL = 0.75
_FONT = "hall-font:"
_PDF_VARIANT = "pdf/ua-1"


class FetchRefused(FatalURLFetchingError):
    """The document refers to something outside itself, which is forbidden. Nothing is drawn."""


class _OwnThingsOnly(URLFetcher):
    """Fetches only data: addresses and our fonts; refuses files, networks and everything else."""

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        if url.startswith("data:"):
            return super().fetch(url, headers)
        for typeface in fonts.TYPEFACES:
            if url == _font_address(typeface):
                return URLFetcherResponse(url, fonts.cut(typeface).read_bytes(), {"Content-Type": "font/otf"})
        raise FetchRefused(url)


class _Page(HTML):
    """HTML without WeasyPrint's default style sheet: its rules for all of HTML take a tenth of the
    drawing time.

    ``document.css`` has the rules for the few elements of our documents.
    """

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:
        return []


class Press:
    """Fonts and style sheet, read once."""

    def __init__(self) -> None:
        self.fonts = FontConfiguration()
        self.fetcher = _OwnThingsOnly()
        text = render_to_string("certificates/documents/document.css", {"faces": _faces()})
        self.style = CSS(string=text, font_config=self.fonts, url_fetcher=self.fetcher)


_own = threading.local()


def press_of_thread() -> Press:
    """This thread's press: the state of fontconfig and Pango must not be shared between threads."""
    if not hasattr(_own, "press"):
        _own.press = Press()
    press: Press = _own.press
    return press


def render(certificate: Certificate, *, development: bool) -> bytes:
    """The document of a certificate, not yet sealed. Raises FontMissing where there are no fonts,
    NotDrawable where they lack a character.
    """
    return press(document_html(certificate, development=development), agency=certificate.facts["agency"])


def document_html(certificate: Certificate, *, development: bool) -> str:
    """The document as one HTML page that needs nothing from outside. Everything from the facts is
    escaped."""
    facts = certificate.facts
    context = {
        "certificate": certificate,
        "facts": facts,
        "as_of": day_zh(date.fromisoformat(facts["as_of"])),
        "on": day_zh(certificate.dated),
        "development": development,
        "site": settings.PUBLIC_URL + reverse("verify"),
        "maker": f"WeasyPrint {weasyprint.VERSION}",
        # Readers accept any of the eight masks; choosing the best one would take longer than the
        # rest of the QR code.
        "qr": segno.make(
            summaries.address(certificate, site=settings.PUBLIC_URL),  # type: ignore[arg-type]
            error="m",
            mask=3,
        ).png_data_uri(border=0, scale=4),
        **presenting.contents(facts),
    }
    return render_to_string(certificate.form.document, context)


def press(html: str, *, agency: str) -> bytes:
    """HTML to PDF with the documents' style sheet and fonts, and the agency's seal drawn in the box
    with the id ``seal``.

    Fetches nothing from outside. Raises FetchRefused where the HTML refers to something outside,
    NotDrawable where a character is in no font.
    """
    thread_press = press_of_thread()

    def finish(document: Document, pdf: pydyf.PDF) -> None:
        refuse_missing(document)
        # Sealing writes pyHanko's name into the metadata; both places in the file must agree.
        pdf.info["Producer"] = pydyf.String(VENDOR)
        tags = Tags(pdf, [page.height * _POINTS_PER_PIXEL for page in document.pages])
        tags.say_what_heads_are_of()
        tags.say_where_figures_are()
        for drawing in _seals(document, agency):
            tags.draw(drawing)
        tags.add_field(Field(sealing.FIELD, _("{agency}电子印章的数字签名").format(agency=agency)))
        tags.read_the_last_foot(_FOOT)

    page = _Page(string=html, url_fetcher=thread_press.fetcher)
    result: bytes = page.write_pdf(
        font_config=thread_press.fonts,
        stylesheets=[thread_press.style],
        pdf_variant=_PDF_VARIANT,
        finisher=finish,
    )
    return result


def refuse_missing(document: Document) -> None:
    missing = {chr(code) for font in document.fonts.values() for code in font.missing}
    if missing:
        raise fonts.NotDrawable(sorted(missing))


def _seals(document: Document, agency: str) -> Iterator[Drawing]:
    """The seal for each page with a box for it, as operators: an SVG with so many outlines would
    take a tenth of the drawing time."""
    for place, page in enumerate(document.pages):
        if _SEAL_BOX not in page.anchors:
            continue
        left, top, right, bottom = (one * _POINTS_PER_PIXEL for one in page.anchors[_SEAL_BOX])
        height = page.height * _POINTS_PER_PIXEL
        to_the_middle = f"1 0 0 1 {(left + right) / 2:.3f} {height - (top + bottom) / 2:.3f} cm\n".encode()
        yield Drawing(
            to_the_middle + seal_picture.operators(agency),
            page=place,
            box=(left, height - bottom, right, height - top),
            alt=_("印章：{agency}{purpose}").format(agency=agency, purpose=seal_picture.PURPOSE),
        )


def _font_address(typeface: fonts.Typeface) -> str:
    return _FONT + fonts.cut(typeface).name


def _faces() -> list[dict[str, str]]:
    return [
        {"family": face.family, "whole": face.whole, "weight": face.weight, "address": _font_address(face)}
        for face in fonts.TYPEFACES
    ]
