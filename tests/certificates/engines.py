"""Documents as each of three engines draws them: what one forgives, another does not."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageChops, ImageStat


def poppler(file: Path, folder: Path, dpi: int) -> Sequence[str]:
    return ("pdftoppm", "-r", str(dpi), "-png", str(file), str(folder / "page"))


def mupdf(file: Path, folder: Path, dpi: int) -> Sequence[str]:
    return ("mutool", "draw", "-q", "-r", str(dpi), "-o", str(folder / "page%03d.png"), str(file))


def ghostscript(file: Path, folder: Path, dpi: int) -> Sequence[str]:
    return (
        "gs",
        "-q",
        "-dBATCH",
        "-dNOPAUSE",
        "-dSAFER",
        "-sDEVICE=png16m",
        "-dTextAlphaBits=4",
        "-dGraphicsAlphaBits=4",
        f"-r{dpi}",
        f"-sOutputFile={folder / 'page%03d.png'}",
        str(file),
    )


ENGINES: tuple[Callable[[Path, Path, int], Sequence[str]], ...] = (poppler, mupdf, ghostscript)

# What one square of a page may differ in grey, of 255. Each engine smooths edges in its own way, by
# up to 30 (a QR code); where the common characters are missing, or boxes, squares differ by 70 and
# more.
MOST_DIFFERENCE = 40
_SQUARE_MM = 3
# The QR code's own squares fall between pixels: whether it can be read is asked elsewhere.
_QR_MM = {"from_right": 46, "from_bottom": 34}


def drawn(
    document: bytes, engine: Callable[[Path, Path, int], Sequence[str]], folder: Path, dpi: int = 100
) -> list[Image.Image]:
    """The pages as one engine draws them."""
    place = folder / engine.__name__
    place.mkdir()
    file = place / "document.pdf"
    file.write_bytes(document)
    subprocess.run(engine(file, place, dpi), check=True, timeout=60, capture_output=True)
    return [Image.open(path).convert("RGB") for path in sorted(place.glob("page*.png"))]


def difference(one: Image.Image, other: Image.Image, dpi: int = 100) -> float:
    """In what two pictures of a page differ most, the QR code left out: in grey, of the squares of
    3 mm."""
    mm = dpi / 25.4
    size = (round(one.width / mm / _SQUARE_MM), round(one.height / mm / _SQUARE_MM))
    small = []
    for picture in (one, other.resize(one.size)):
        grey = picture.convert("L")
        left, top = grey.width - _QR_MM["from_right"] * mm, grey.height - _QR_MM["from_bottom"] * mm
        grey.paste(255, (int(left), int(top), grey.width, grey.height))
        small.append(grey.resize(size, Image.Resampling.BOX))
    return float(ImageStat.Stat(ImageChops.difference(*small)).extrema[0][1])
