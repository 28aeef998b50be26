"""The document as people see it: looked at as a picture, for text extraction also reads what is
drawn wrong."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageStat

from certificates import fonts, issuing, rendering, summaries
from certificates.facts import employer_facts
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from tests.cast import NOW, Cast, cover
from tests.certificates.standing_certificate import cast, certificate, insured, issued_once

__all__ = ["cast", "certificate", "insured", "issued_once"]

pytestmark = pytest.mark.django_db

DPI = 100
MM = DPI / 25.4


def pictures(document: bytes, folder: Path, dpi: int = DPI) -> list[Image.Image]:
    """The pages as poppler draws them."""
    file = folder / "document.pdf"
    file.write_bytes(document)
    subprocess.run(["pdftoppm", "-r", str(dpi), "-png", file, folder / "page"], check=True, timeout=60)
    return [Image.open(path).convert("RGB") for path in sorted(folder.glob("page*.png"))]


def text_of(document: bytes) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=document, capture_output=True, check=True, timeout=60
    ).stdout.decode()


def red(picture: Image.Image) -> Image.Image:
    """Where the picture is seal red."""
    parts = picture.split()
    strong = parts[0].point(lambda value: 255 if value > 150 else 0)
    weak = ImageChops.multiply(*(part.point(lambda value: 255 if value < 90 else 0) for part in parts[1:]))
    return ImageChops.multiply(strong, weak)


def test_the_seal_stands_at_the_lower_right_over_agency_and_date(document: bytes, tmp_path: Path) -> None:
    page = pictures(document, tmp_path)[-1]
    left, top, right, bottom = red(page).getbbox() or (0, 0, 0, 0)
    assert (right - left) / MM == pytest.approx(42, abs=0.6)
    assert (bottom - top) / MM == pytest.approx(42, abs=0.6)
    assert left > page.width / 2
    assert bottom < page.height - 35 * MM
    # The star fills the middle, the ring the rim; between ring and name it is clear.
    seal = red(page).crop((left, top, right, bottom))
    middle = seal.width // 2
    assert seal.getpixel((middle, middle)) == 255
    assert seal.getpixel((middle, 2)) == 255
    assert seal.getpixel((middle, int(2.6 * MM))) == 0
    # Black letters lie under it.
    box = page.crop((left, top, right, bottom)).convert("L")
    assert ImageStat.Stat(box.point(lambda value: 255 if value < 40 else 0)).sum[0] > 0


def test_every_page_carries_a_qr_code_that_leads_to_verification(
    cast: Cast, frozen: Callable[..., Certificate], tmp_path: Path, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://hall.example.gov.cn"
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2019-01", "2026-01", at=cast.zhaobao, wage_fen=700000)
    certificate = frozen(months=None)
    # As coarse as an office's scanner may be set.
    pages = pictures(issuing.produce(certificate, now=NOW), tmp_path, dpi=150)
    assert len(pages) >= 2
    for page in pages:
        [found] = zxingcpp.read_barcodes(page)
        address, summary = found.text.split("#")
        assert address == f"https://hall.example.gov.cn/verify/{certificate.code}/"
        assert summaries.read(summary).serial_number == certificate.serial_number
        assert summaries.read(summary).signed_by(summaries.public_keys())


def test_serial_number_code_and_pages_at_the_foot(certificate: Certificate, document: bytes) -> None:
    text = text_of(document)
    assert certificate.serial_number in text
    assert certificate.grouped_code in text
    assert "第 1 页，共 1 页" in text
    assert "开发环境生成：电子印章使用开发证书，不具有法律效力。" in text


def test_a_year_of_three_insurances_fits_on_one_page(document: bytes, tmp_path: Path) -> None:
    assert len(pictures(document, tmp_path)) == 1


def test_thirty_years_repeat_the_head_and_leave_no_row_alone(
    cast: Cast, insured: Person, frozen: Callable[..., Certificate]
) -> None:
    cover(insured, Insurance.PENSION, "ningbo", "1996-12", "2026-01", at=cast.zhaobao, wage_fen=700000)
    pages = text_of(rendering.render(frozen(months=None), development=True)).split("\f")[:-1]
    rows = [
        sum(line.strip()[:2] in ("19", "20") and line.strip()[4:5] == "-" for line in page.splitlines())
        for page in pages
    ]
    assert sum(rows) == 360
    for page, count in zip(pages, rows, strict=True):
        if count:
            assert count >= 3
            assert "缴费基数" in page
    assert "出具" not in pages[0]
    assert "社会保险管理服务中心" in pages[-1]


@pytest.mark.parametrize("character", ["䶮", "𬱖", "㛃", "龘", "芳"])
@pytest.mark.parametrize("face", fonts.TYPEFACES, ids=lambda face: face.family)
def test_rare_characters_are_drawn_as_the_typeface_has_them(
    character: str, face: fonts.Typeface, tmp_path: Path
) -> None:
    html = (
        '<html lang="zh"><title>x</title><body style="font: '
        f"{face.weight} 100pt '{face.family}', '{face.whole}'\">{character}"
    )
    drawn = _glyph(pictures(rendering.press(html, agency="某中心"), tmp_path, dpi=300)[0].convert("L"))
    wrong = [_glyph(_drawn_by_pillow(other, face)) for other in ("赢", "\U0010fffd")]
    right = _difference(drawn, _glyph(_drawn_by_pillow(character, face)))
    assert right < 25
    assert all(_difference(drawn, one) > 3 * right for one in wrong)


PRINT = """
import sys, django
django.setup()
from certificates import rendering
if "as it is" in sys.argv:
    rendering.refuse_missing = lambda document: None
sys.stdout.buffer.write(rendering.press(sys.stdin.read(), agency=""))
"""


def printed(html: str, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Printed by a process of its own: which fonts there are is asked once in a process's life."""
    return subprocess.run(
        [sys.executable, "-c", PRINT, *words],
        input=html.encode(),
        capture_output=True,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[2],
        check=False,
        timeout=120,
    )


def test_with_the_whole_font_taken_away_nothing_is_printed_for_only_the_picture_would_be_wrong(
    tmp_path: Path,
) -> None:
    none = tmp_path / "fonts.conf"
    none.write_text(f"<fontconfig><dir>{tmp_path}</dir><cachedir>{tmp_path}</cachedir></fontconfig>")
    face = fonts.TEXT
    style = f"font: 100pt/1.5 '{face.family}', '{face.whole}'"
    rare = "䶮𬱖㛃龘"
    html = '<html lang="zh"><title>x</title>' + "".join(
        f'<div style="break-after: page; {style}">{character}</div>' for character in rare
    )
    refused = printed(html, FONTCONFIG_FILE=str(none))
    assert (refused.returncode, refused.stdout) == (1, b"")
    told = refused.stderr.decode().splitlines()[-1]
    assert "NotDrawable" in told
    assert all(character in told for character in rare)
    whole, torn = printed(html).stdout, printed(html, "as it is", FONTCONFIG_FILE=str(none)).stdout
    assert [text_of(one).split() for one in (whole, torn)] == [list(rare)] * 2
    (tmp_path / "torn").mkdir()
    right = pictures(whole, tmp_path, dpi=300)
    wrong = pictures(torn, tmp_path / "torn", dpi=300)
    for place, character in enumerate(rare):
        wanted = _glyph(_drawn_by_pillow(character, face))
        assert _difference(_glyph(right[place].convert("L")), wanted) < 25
        assert _difference(_glyph(wrong[place].convert("L")), wanted) > 60


def _drawn_by_pillow(character: str, face: fonts.Typeface) -> Image.Image:
    """The reference: the glyph straight from the whole font file, by another program."""
    picture = Image.new("L", (700, 700), 255)
    # As large as 100 pt at 300 dots to the inch.
    font = ImageFont.truetype(f"/usr/share/fonts/opentype/noto/{face.source}", 417, index=2)
    ImageDraw.Draw(picture).text((100, 50), character, font=font, fill=0)
    return picture


def _glyph(picture: Image.Image) -> Image.Image:
    ink = ImageChops.invert(picture)
    edges = ink.point(lambda value: 255 if value > 127 else 0).getbbox()
    return ink.crop(edges).resize((48, 48), Image.Resampling.BOX)


def _difference(one: Image.Image, other: Image.Image) -> float:
    return ImageStat.Stat(ImageChops.difference(one, other)).mean[0]


def test_names_are_escaped(cast: Cast, frozen: Callable[..., Certificate]) -> None:
    person = cast.wang_fang
    person.name = '<img src="file:///etc/passwd">&<b>王'
    person.save()
    certificate = frozen()
    html = rendering.document_html(certificate, development=True)
    assert '<img src="file' not in html
    assert "&lt;b&gt;王" in html
    assert issuing.produce(certificate, now=NOW).startswith(b"%PDF-")


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data/",
        "https://example.org/x.png",
        "ftp://127.0.0.1/x",
        "hall-font:../../x",
    ],
)
@pytest.mark.parametrize(
    "markup",
    [
        '<img src="{}">',
        '<link rel="stylesheet" href="{}">',
        "<style>@import url({});</style>",
        '<p style="background: url({})">x</p>',
    ],
)
def test_nothing_is_fetched_from_anywhere(address: str, markup: str) -> None:
    with pytest.raises(rendering.FetchRefused):
        rendering.press(f"<title>x</title><body>{markup.format(address)}<p>x", agency="某中心")


def test_tagged_titled_and_in_chinese(document: bytes) -> None:
    info = subprocess.run(["pdfinfo", "-"], input=document, capture_output=True, check=True).stdout.decode()
    assert "Tagged:          yes" in info
    assert "个人参保证明" in info
    assert b"/Lang" in document


def test_a_cut_holds_what_names_are_made_of_and_is_made_once(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    made = fonts.cut(fonts.TEXT)
    stamp = made.stat().st_mtime_ns
    assert fonts.cut(fonts.TEXT) == made
    assert made.stat().st_mtime_ns == stamp
    assert made.stat().st_size < 3_000_000
    assert {ord(one) for one in "王鑫琪昊0123456789，。（）"} <= fonts.characters()


def test_a_document_for_an_employer_counts_heads(cast: Cast, insured: Person) -> None:
    city = book().city("ningbo")
    facts = employer_facts(
        cast.yongjiang,
        city=city,
        place=city.places[0],
        insurances=[Insurance.PENSION, Insurance.UNEMPLOYMENT, Insurance.WORK_INJURY],
        month_count=1,
        contact={"name": "周敏", "phone": "13900000101"},
        now=NOW,
    )
    certificate = issuing.freeze(
        kind=CertificateKind.EMPLOYER,
        city="ningbo",
        employer=cast.yongjiang,
        facts=facts,
        by=cast.yongjiang_clerk,
        now=NOW,
    )
    text = text_of(issuing.produce(certificate, now=NOW))
    for said in (
        "单位参保证明",
        cast.yongjiang.credit_code,
        cast.yongjiang.insurance_number,
        "周敏",
        "13900000101",
        "2026年11月",
    ):
        assert said in text
