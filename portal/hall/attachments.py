"""Papers that applicants hand in: each file must be of the kind that is asked for.

A process of its own reads the files (portal.shared.scans): pictures are decoded and written anew,
so that nothing else in the file is stored; PDF files stay as they are and are only downloaded.
"""

import hashlib
import io
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Protocol

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models.fields.files import FieldFile
from django.http import FileResponse
from django.utils.translation import gettext as _
from PIL import Image

from portal.hall.models import Amendment, Attachment, Draft
from portal.policy.book import Paper, Picture
from portal.shared import scans
from portal.shared.apart import Busy

MAX_BYTES = 5 * 1024 * 1024

JPEG, PDF = "image/jpeg", "application/pdf"
_JPEG_START = b"\xff\xd8"
ACCEPTED = {"photo": "image/jpeg,image/png", "scan": "image/jpeg,image/png,application/pdf"}


class Kept(Protocol):
    """A paper that lies in the private store."""

    name: str
    content_type: str

    @property
    def file(self) -> FieldFile: ...


class UploadRefused(Exception):
    """The file is not taken; the message says why and what to do."""


def keep_upload(*, home: Draft | Amendment, paper: Paper, file: UploadedFile, now: datetime) -> Attachment:
    """Keeps the file as the paper of a draft, or of what amends a case, in place of an earlier one.
    UploadRefused where it is not what the paper may be."""
    content, content_type, suffix = _read(paper.kind, file, paper.picture)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        type(home)._default_manager.select_for_update().get(pk=home.pk)
        for earlier in home.attachments.filter(paper=paper.code):
            remove(earlier)
        attachment = Attachment(
            draft=home if isinstance(home, Draft) else None,
            amendment=home if isinstance(home, Amendment) else None,
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
    """Drops a paper that is with no case yet; its file is deleted when the transaction is
    committed."""
    storage, name = attachment.file.storage, attachment.file.name
    attachment.delete()
    transaction.on_commit(lambda: storage.delete(str(name)))


def served(attachment: Kept) -> FileResponse:
    """The file for a browser: shown where it is a picture that we wrote ourselves, otherwise only
    downloaded."""
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


def _read(kind: str, file: UploadedFile, picture: Picture | None = None) -> tuple[bytes, str, str]:
    if not file.size:
        raise UploadRefused(_("“{name}”是空文件，请重新选择。").format(name=file.name))
    if file.size > MAX_BYTES:
        raise UploadRefused(_("“{name}”超过 5 MB，请压缩后重新上传。").format(name=file.name))
    content, name = file.read(), file.name or ""
    try:
        scan = scans.read_apart(content, kind=kind, room=settings.ROOM_FOR_FILES)
    except scans.NotTaken as why:
        raise UploadRefused(_why_not(why.fault, kind).format(name=name)) from why
    except Busy as busy:
        refusal = _("现在上传的人较多，“{name}”还没有收下。请过几秒再上传一次，已填写的内容都在。")
        raise UploadRefused(refusal.format(name=name)) from busy
    if picture is not None:
        _check_picture(picture, name, content, scan.jpeg)
    return (content, PDF, ".pdf") if scan.is_pdf else (scan.jpeg, JPEG, ".jpg")


def picture_words(picture: Picture) -> str:
    """What a picture must be: JPG 图片，358×441 像素，5 至 50 KB."""
    return _("JPG 图片，{width}×{height} 像素，{least} 至 {most} KB").format(
        width=picture.width,
        height=picture.height,
        least=picture.least_kilobytes,
        most=picture.most_kilobytes,
    )


def _check_picture(picture: Picture, name: str, content: bytes, jpeg: bytes) -> None:
    """Raises UploadRefused where the picture is not of the kind, size and weight asked for.
    ``content`` as it came, ``jpeg`` as it was written anew."""
    width, height = Image.open(io.BytesIO(jpeg), formats=("JPEG",)).size
    if not content.startswith(_JPEG_START):
        why = _("不是 JPG 图片")
    elif (width, height) != (picture.width, picture.height):
        why = _("是 {width}×{height} 像素").format(width=width, height=height)
    elif not picture.least_kilobytes <= len(content) / 1024 <= picture.most_kilobytes:
        why = _("大小是 {size} KB").format(size=round(len(content) / 1024, 1))
    else:
        return
    raise UploadRefused(
        _("“{name}”{why}，要求{asked}，请调整后重新上传。").format(
            name=name, why=why, asked=picture_words(picture)
        )
    )


def _why_not(fault: scans.Fault, kind: str) -> str:
    """Why the file is not taken, and what to do; its name goes in at {name}."""
    match fault:
        case scans.Fault.UNKNOWN if kind == "photo":
            return _("“{name}”不是可以读取的JPG、PNG 图片，请重新选择。")
        case scans.Fault.UNKNOWN:
            return _("“{name}”不是可以读取的JPG、PNG 图片或 PDF 文件，请重新选择。")
        case scans.Fault.TOO_LARGE:
            return _("“{name}”的尺寸过大（超过 4000 万像素），请缩小后重新上传。")
        case scans.Fault.LOCKED:
            return _("“{name}”设有密码，请去掉密码后重新上传。")
        case scans.Fault.EMPTY:
            return _("“{name}”没有内容，请重新选择。")
        case scans.Fault.ACTIVE:
            return _("“{name}”中带有脚本或附件，请改传扫描件或照片。")
        case _:
            return _("“{name}”已损坏或不完整，请重新拍摄或扫描后上传。")


def _shown_name(file_name: str, suffix: str) -> str:
    """The name to show: the user's own without control and format characters, which could reverse
    it or break a header, and with the suffix of the true kind."""
    stem = PurePath(file_name.replace("\\", "/")).stem
    clean = "".join(
        character for character in stem if unicodedata.category(character)[0] not in "CZ" or character == " "
    )
    return f"{clean.strip()[:150] or _('材料')}{suffix}"
