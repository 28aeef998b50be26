"""Papers that applicants hand in: taken only as what they are asked to be, stored without what nobody asked for.

Pictures are decoded and written anew, so that neither a place in their metadata nor a page hidden behind them survives.
PDF files stay as they are, and are only ever given out as a download.
"""

import hashlib
import io
import struct
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Protocol

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models.fields.files import FieldFile
from django.http import FileResponse
from django.utils.translation import gettext as _
from PIL import Image, ImageOps
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from portal.hall.models import Attachment, Draft
from portal.policy.book import Paper

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 40_000_000
# Enough to read a page of A4 by; a larger picture is scaled down to it.
LONGEST_SIDE = 3600

JPEG, PDF = "image/jpeg", "application/pdf"
ACCEPTED = {"photo": "image/jpeg,image/png", "scan": "image/jpeg,image/png,application/pdf"}

_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)


class Kept(Protocol):
    """A paper that lies in the private store."""

    name: str
    content_type: str

    @property
    def file(self) -> FieldFile: ...


class UploadRefused(Exception):
    """The file is not taken; the message says why and what to do."""


def keep_upload(*, draft: Draft, paper: Paper, file: UploadedFile, now: datetime) -> Attachment:
    """Keeps the file as the draft's paper, in place of an earlier one. UploadRefused where it is not what the paper may be."""
    content, content_type, suffix = _read(paper.kind, file)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        Draft.objects.select_for_update().get(pk=draft.pk)
        for earlier in Attachment.objects.filter(draft=draft, paper=paper.code):
            remove(earlier)
        attachment = Attachment(
            draft=draft,
            paper=paper.code,
            name=_shown_name(file.name or "", suffix),
            content_type=content_type,
            size=len(content),
            digest=digest,
            uploaded_at=now,
        )
        attachment.file.save("", ContentFile(content), save=False)
        try:
            with transaction.atomic():
                attachment.save()
        except BaseException:
            attachment.file.delete(save=False)
            raise
    return attachment


@dataclass(frozen=True, slots=True)
class Scan:
    """A paper that was read, as it may be kept."""

    name: str
    content: bytes
    content_type: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def read_scan(file: UploadedFile) -> Scan:
    """A scanned paper: a picture, written anew, or a PDF file. UploadRefused for anything else."""
    content, content_type, suffix = _read("scan", file)
    return Scan(_shown_name(file.name or "", suffix), content, content_type)


def remove(attachment: Attachment) -> None:
    """Drops a paper of a draft; its file goes when the transaction holds."""
    storage, name = attachment.file.storage, attachment.file.name
    attachment.delete()
    transaction.on_commit(lambda: storage.delete(str(name)))


def served(attachment: Kept) -> FileResponse:
    """The file for a browser: shown where it is a picture that we wrote ourselves, otherwise only downloaded."""
    response = FileResponse(
        attachment.file.open("rb"),
        as_attachment=attachment.content_type != JPEG,
        filename=attachment.name,
        content_type=attachment.content_type,
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def _read(kind: str, file: UploadedFile) -> tuple[bytes, str, str]:
    if not file.size:
        raise UploadRefused(_("“{name}”是空文件，请重新选择。").format(name=file.name))
    if file.size > MAX_BYTES:
        raise UploadRefused(_("“{name}”超过 5 MB，请压缩后重新上传。").format(name=file.name))
    content = file.read()
    if kind == "scan" and content.startswith(b"%PDF-"):
        _check_pdf(content, file.name or "")
        return content, PDF, ".pdf"
    return _rewritten(content, kind, file.name or ""), JPEG, ".jpg"


def _rewritten(content: bytes, kind: str, name: str) -> bytes:
    kinds = _("JPG、PNG 图片") if kind == "photo" else _("JPG、PNG 图片或 PDF 文件")
    try:
        picture = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
    except Image.DecompressionBombError:
        raise UploadRefused(_too_many_pixels(name)) from None
    except _UNREADABLE:
        raise UploadRefused(
            _("“{name}”不是可以读取的{kinds}，请重新选择。").format(name=name, kinds=kinds)
        ) from None
    if picture.width * picture.height > MAX_PIXELS:
        raise UploadRefused(_too_many_pixels(name))
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
        raise UploadRefused(_("“{name}”已损坏或不完整，请重新拍摄或扫描后上传。").format(name=name)) from None
    written = io.BytesIO()
    flat.save(written, "JPEG", quality=90, optimize=True)
    return written.getvalue()


def _check_whole(content: bytes, kind: str | None) -> None:
    """Raises OSError where a picture stops halfway. Pillow alone may be told, by whoever shares the process, to let that pass."""
    if kind == "PNG":
        Image.open(io.BytesIO(content)).verify()
        return
    scan = content.rfind(b"\xff\xda")
    if content.find(b"\xff\xd9", scan) < 0:
        raise OSError("no end of image")


def _too_many_pixels(name: str) -> str:
    return _("“{name}”的尺寸过大（超过 4000 万像素），请缩小后重新上传。").format(name=name)


def _check_pdf(content: bytes, name: str) -> None:
    try:
        reader = PdfFileReader(io.BytesIO(content), strict=False)
        if reader.encrypted:
            raise UploadRefused(_("“{name}”设有密码，请去掉密码后重新上传。").format(name=name))
        pages = int(reader.root["/Pages"]["/Count"])
        names = reader.root.get("/Names") or {}
        active = (
            "/JavaScript" in names
            or "/EmbeddedFiles" in names
            or b"/Launch" in content
            or b"/JavaScript" in content
        )
    except (PdfError, KeyError, TypeError, RecursionError, *_UNREADABLE):
        raise UploadRefused(_("“{name}”已损坏或不完整，请重新拍摄或扫描后上传。").format(name=name)) from None
    if pages < 1:
        raise UploadRefused(_("“{name}”没有内容，请重新选择。").format(name=name))
    if active:
        raise UploadRefused(_("“{name}”中带有脚本或附件，请改传扫描件或照片。").format(name=name))


def _shown_name(given: str, suffix: str) -> str:
    """The name to show: the user's own, without what would turn it round or break a header, and with the true ending."""
    stem = PurePath(given.replace("\\", "/")).stem
    clean = "".join(
        character for character in stem if unicodedata.category(character)[0] not in "CZ" or character == " "
    )
    return f"{clean.strip()[:150] or _('材料')}{suffix}"
