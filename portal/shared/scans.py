"""Reads scanned papers of strangers in a process of its own: ``python -m portal.shared.scans
photo`` or ``scan``, with the file on standard input.

It writes one line of JSON (what the file is, or why it is not taken), and after it the picture as
it may be kept: decoded and written anew, so that neither its metadata nor data hidden behind it
survive. PDF files stay as they are.
"""

import io
import json
import struct
import sys
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image, ImageOps
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from portal.shared.apart import Ended, Limits, Room, run_apart
from portal.shared.pdf_parts import hidden

LIMITS = Limits(cpu_seconds=10, wall_seconds=20, memory_bytes=1 << 30)
MAX_PIXELS = 40_000_000
# Enough to read a page of A4 by; a larger picture is scaled down to it.
LONGEST_SIDE = 3600
# Scans of many pages have several objects for each.
MOST_OBJECTS = 20_000

_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    MemoryError,
    struct.error,
    Image.DecompressionBombError,
)


class Fault(StrEnum):
    """Why a file is not taken."""

    UNKNOWN = "unknown"
    TOO_LARGE = "too-large"
    BROKEN = "broken"
    LOCKED = "locked"
    EMPTY = "empty"
    ACTIVE = "active"


class NotTaken(Exception):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Read:
    """What a file is: a PDF, kept as it came, or a picture, to be kept as ``jpeg``."""

    is_pdf: bool
    jpeg: bytes = b""


def read_apart(content: bytes, *, kind: str, room: Room) -> Read:
    """What the file is. ``kind``: photo (a picture) or scan (a picture or a PDF). Raises NotTaken,
    and Busy of the room."""
    try:
        output = run_apart("portal.shared.scans", [kind], content=content, limits=LIMITS, room=room)
    except Ended:
        # A whole file of an allowed size needs less than the limits.
        raise NotTaken(Fault.BROKEN) from None
    head, _line, jpeg = output.partition(b"\n")
    answer = json.loads(head)
    if answer["fault"]:
        raise NotTaken(Fault(answer["fault"]))
    return Read(is_pdf=answer["is_pdf"], jpeg=jpeg)


def read(content: bytes, kind: str) -> Read:
    """As ``read_apart``, but in this process. Raises NotTaken."""
    if kind == "scan" and content.startswith(b"%PDF-"):
        _check_pdf(content)
        return Read(is_pdf=True)
    return Read(is_pdf=False, jpeg=_rewritten(content))


def _rewritten(content: bytes) -> bytes:
    try:
        picture = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
    except Image.DecompressionBombError:
        raise NotTaken(Fault.TOO_LARGE) from None
    except _UNREADABLE:
        raise NotTaken(Fault.UNKNOWN) from None
    if picture.width * picture.height > MAX_PIXELS:
        raise NotTaken(Fault.TOO_LARGE)
    try:
        _check_whole(content, picture.format)
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        flat = Image.new("RGB", upright.size, "white")
        if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
            seen = upright.convert("RGBA")
            flat.paste(seen, mask=seen.getchannel("A"))
        else:
            flat.paste(upright.convert("RGB"))
    except _UNREADABLE:
        raise NotTaken(Fault.BROKEN) from None
    written = io.BytesIO()
    flat.save(written, "JPEG", quality=90, optimize=True)
    return written.getvalue()


def _check_whole(content: bytes, kind: str | None) -> None:
    """Raises OSError where a picture is cut off. Pillow's own check is a setting of the process,
    which other code may have turned off."""
    if kind == "PNG":
        Image.open(io.BytesIO(content)).verify()
        return
    scan = content.rfind(b"\xff\xda")
    if content.find(b"\xff\xd9", scan) < 0:
        raise OSError("no end of image")


def _check_pdf(content: bytes) -> None:
    try:
        reader = PdfFileReader(io.BytesIO(content), strict=False)
        if reader.encrypted:
            raise NotTaken(Fault.LOCKED)
        pages = int(reader.root["/Pages"]["/Count"])
        scripts, attachments = hidden(reader, most_objects=MOST_OBJECTS)
    except (PdfError, KeyError, TypeError, AttributeError, RecursionError, *_UNREADABLE):
        raise NotTaken(Fault.BROKEN) from None
    if pages < 1:
        raise NotTaken(Fault.EMPTY)
    if scripts or attachments:
        raise NotTaken(Fault.ACTIVE)


def _main(kind: str) -> None:
    result, fault = Read(is_pdf=False), ""
    try:
        result = read(sys.stdin.buffer.read(), kind)
    except NotTaken as why:
        fault = str(why.fault)
    sys.stdout.buffer.write(
        json.dumps({"is_pdf": result.is_pdf, "fault": fault}).encode() + b"\n" + result.jpeg
    )


if __name__ == "__main__":
    _main(sys.argv[1])
