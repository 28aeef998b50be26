"""The typefaces of the documents: Noto, reduced once to the characters of nearly all documents.

A document embeds only its own glyphs, but drawing reads the whole font to find them: 65,000 glyphs
for a page of 300. The reduced font (the cut) holds GB 2312. Rarer characters (䶮, 𬱖, 㛃) come from
the whole font of the same design, which is the fallback.
"""

import os
import tempfile
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import uharfbuzz as hb
from django.conf import settings
from django.utils.translation import gettext as _
from fontTools.pens.basePen import AbstractPen
from fontTools.ttLib import TTFont


class FontMissing(Exception):
    """The system lacks fonts-noto-cjk: no document can be drawn."""


class NotDrawable(Exception):
    """These characters are in no typeface of the documents. Nothing is drawn, because they would
    appear as boxes."""

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = tuple(characters)
        super().__init__(named(self.characters))


@dataclass(frozen=True)
class Typeface:
    """A cut: its family name in style sheets, and the whole font that it is made from."""

    family: str
    whole: str
    source: str
    weight: str = "normal"


TEXT = Typeface("Hall Text", "Noto Sans CJK SC", "NotoSansCJK-Regular.ttc")
TITLE = Typeface("Hall Title", "Noto Serif CJK SC", "NotoSerifCJK-Bold.ttc", "bold")
TYPEFACES = (TEXT, TITLE)

_FOLDERS = (
    Path("/usr/share/fonts/opentype/noto"),
    Path("/usr/share/fonts/noto-cjk"),
    Path("/usr/local/share/fonts"),
)
# The index of Simplified Chinese among the five languages in Noto's collections.
_SIMPLIFIED_CHINESE = 2
_MOST_NAMED = 5
# Raise this number when the content of the cuts changes: it is part of their file names.
EDITION = 2


@cache
def characters() -> frozenset[int]:
    """The code points of a cut: ASCII, all of GB 2312, and a few other signs in documents."""
    cells = (
        bytes((row, cell)).decode("gb2312", "ignore")
        for row in range(0xA1, 0xF8)
        for cell in range(0xA1, 0xFF)
    )
    return (
        frozenset(map(ord, "".join(cells)))
        | frozenset(range(0x20, 0x7F))
        | frozenset(map(ord, "·—–…¥￥①②③④⑤⑥⑦⑧⑨⑩"))
    )


def cut(typeface: Typeface) -> Path:
    """The file of a typeface's cut, made at the first call. Raises FontMissing where Noto is not
    installed."""
    source = _source(typeface)
    source_stat = source.stat()
    path = (
        settings.DATA_DIR
        / "fonts"
        / f"{source.stem}-{EDITION}-{source_stat.st_size}-{int(source_stat.st_mtime)}.otf"
    )
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, _subset(source))
    return path


@cache
def outlines(typeface: Typeface) -> "Outlines":
    """The outlines of a typeface's characters, for drawing them as shapes."""
    return Outlines(cut(typeface), _source(typeface))


def undrawable(text: str) -> tuple[str, ...]:
    """The characters of a text that no document can show, each once, in their order. Raises
    FontMissing where Noto is not installed.

    White space, joiners and variation selectors do not count: they have no visible form.
    """
    return tuple(
        character
        for character in dict.fromkeys(unicodedata.normalize("NFC", text))
        if ord(character) not in characters() and not _unseen(character) and not outlines(TEXT).has(character)
    )


def named(missing: Iterable[str]) -> str:
    """The first few of the characters, as messages name them: “𠀍”（U+2000D）、…"""
    quoted = [f"“{character}”（U+{ord(character):04X}）" for character in missing]
    return "、".join(quoted[:_MOST_NAMED]) + (_("等") if len(quoted) > _MOST_NAMED else "")


def _unseen(character: str) -> bool:
    return (
        character.isspace()
        or unicodedata.category(character) == "Cf"
        or 0xFE00 <= ord(character) <= 0xFE0F
        or 0xE0100 <= ord(character) <= 0xE01EF
    )


class Outlines:
    """The characters' outlines, 1000 units to the em, y upwards."""

    def __init__(self, first: Path, whole: Path) -> None:
        self._fonts = [
            hb.Font(hb.Face(hb.Blob.from_file_path(str(path)), index))
            for path, index in ((first, 0), (whole, _SIMPLIFIED_CHINESE))
        ]

    def has(self, character: str) -> bool:
        """Whether there is an outline of the character."""
        return any(font.get_nominal_glyph(ord(character)) for font in self._fonts)

    def draw(self, character: str, pen: AbstractPen) -> None:
        """Draws one character with a pen. Raises NotDrawable where no font has it."""
        for font in self._fonts:
            glyph = font.get_nominal_glyph(ord(character))
            if glyph:
                font.draw_glyph_with_pen(glyph, pen)
                return
        raise NotDrawable([character])


def _source(typeface: Typeface) -> Path:
    for folder in _FOLDERS:
        path = folder / typeface.source
        if path.exists():
            return path
    raise FontMissing(f"{typeface.source}: install fonts-noto-cjk")


def _subset(source: Path) -> bytes:
    subset_input = hb.SubsetInput()
    subset_input.sets(hb.SubsetInputSets.UNICODE).set(characters())
    # Each character has one glyph, so layout features are not needed; modern screens need no hints.
    subset_input.sets(hb.SubsetInputSets.LAYOUT_FEATURE_TAG).clear()
    subset_input.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.DESUBROUTINIZE
    # The cut has no names of its own: with them, fontconfig would take it for the whole font.
    subset_input.sets(hb.SubsetInputSets.NAME_ID).clear()
    face = hb.Face(hb.Blob.from_file_path(str(source)), _SIMPLIFIED_CHINESE)
    return numbered_anew(bytes(hb.subset(face, subset_input).blob.data))


def numbered_anew(font: bytes) -> bytes:
    """The font with each glyph's CID equal to its number.

    A PDF names a glyph of a CID-keyed font by its CID (ISO 32000-1 9.7.4.2), but WeasyPrint writes
    glyph numbers. A cut keeps the CIDs of the whole font, which differ from its glyph numbers.
    Lenient readers draw such a file; MuPDF and Ghostscript do not find the glyphs.
    """
    cut = TTFont(BytesIO(font), recalcBBoxes=False, recalcTimestamp=False)
    top = cut["CFF "].cff.topDictIndex[0]
    top.charset = [".notdef", *(f"cid{number:05d}" for number in range(1, len(top.charset)))]
    top.CharStrings.charStrings = {name: number for number, name in enumerate(top.charset)}
    written = BytesIO()
    cut.save(written)
    return written.getvalue()


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
