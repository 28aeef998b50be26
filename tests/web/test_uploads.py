"""Papers that are handed in: what is taken, what is refused with a reason, and who gets to see
them."""

import io
import resource
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

from portal.hall import attachments, drafts
from portal.hall.attachments import UploadRefused, keep_upload
from portal.hall.models import Attachment, Draft
from portal.hall.tasks import forget_old_drafts
from portal.policy.book import Paper, book
from portal.shared.apart import Room
from tests import pictures
from tests.cast import Cast
from tests.conftest import Clock
from tests.web.conftest import ADD_STAFF, ENROL_WUHAN, file_case, key_on, signed_in

pytestmark = pytest.mark.django_db

PHOTO = Paper(code="photo", title="个人电子照片", kind="photo", upload=True)
SCAN = Paper(code="labour-contract", title="劳动合同", kind="scan", upload=True)


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 80), **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (120, 160, 200)).save(out, kind, **more)
    return out.getvalue()


def pdf(**root: Any) -> bytes:
    writer = PdfFileWriter()
    contents = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.insert_page(PageObject(contents=contents, media_box=(0, 0, 595, 842)))
    for name, value in root.items():
        writer.root[f"/{name}"] = value
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


@pytest.fixture
def draft(cast: Cast, clock: Clock) -> Draft:
    offer = book().city("ningbo").offers["employer-add-staff"]
    return drafts.keep(user=cast.yongjiang_clerk, offer=offer, typed={}, checked=False, now=clock.now)


def keep(draft: Draft, paper: Paper, name: str, content: bytes) -> Attachment:
    return keep_upload(home=draft, paper=paper, file=upload(name, content), now=draft.updated_at)


def stored(attachment: Attachment) -> bytes:
    with attachment.file.open("rb") as file:
        return bytes(file.read())


# What is taken


def test_a_picture_is_written_anew_without_what_it_knew_about_its_place(draft: Draft) -> None:
    exif = Image.Exif()
    exif[Base.Make] = "Phone"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (29.0, 57.0, 1.0)
    given = picture(exif=exif)
    assert Image.open(io.BytesIO(given)).getexif().get_ifd(IFD.GPSInfo)

    kept = stored(keep(draft, PHOTO, "照片.jpg", given))
    assert not Image.open(io.BytesIO(kept)).getexif()
    assert b"Exif" not in kept


def test_a_picture_that_lies_on_its_side_is_turned_up(draft: Draft) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    kept = stored(keep(draft, PHOTO, "照片.jpg", picture(size=(64, 80), exif=exif)))
    assert Image.open(io.BytesIO(kept)).size == (80, 64)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "L", "1", "CMYK", "I;16"])
def test_every_kind_of_pixel_can_be_read(draft: Draft, mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (20, 20)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    attachment = keep(draft, PHOTO, "照片.png", out.getvalue())
    assert attachment.content_type == "image/jpeg"
    assert attachment.name == "照片.jpg"
    assert Image.open(io.BytesIO(stored(attachment))).mode == "RGB"


def test_a_page_hidden_behind_a_picture_does_not_survive(draft: Draft) -> None:
    kept = stored(keep(draft, PHOTO, "照片.jpg", picture() + b"<html><script>alert(1)</script></html>"))
    assert b"script" not in kept
    commented = picture(comment=b"<script>alert(1)</script>")
    assert b"script" not in stored(keep(draft, PHOTO, "照片.jpg", commented))


def test_a_scan_may_be_a_pdf_and_is_only_given_out_as_a_download(draft: Draft) -> None:
    attachment = keep(draft, SCAN, "劳动 合同.pdf", pdf())
    answer = attachments.served(attachment)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    answer.close()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("合同.JPEG", "合同.jpg"),
        ("..\\..\\窗口.png", "窗口.jpg"),
        ("a\u202egpj.exe", "agpj.jpg"),
        ("\u200b.png", "材料.jpg"),
        ("照" * 300 + ".png", "照" * 150 + ".jpg"),
    ],
)
def test_the_name_is_shown_without_tricks_and_never_reaches_the_disk(
    draft: Draft, given: str, shown: str
) -> None:
    attachment = keep(draft, PHOTO, given, picture())
    assert attachment.name == shown
    assert attachment.digest in str(attachment.file.name)
    assert Path(str(attachment.file.name)).parts[0] == "attachments"


# What is refused


def bomb() -> bytes:
    """A PNG that says it is 30,000 × 30,000 pixels and holds none."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def script_pdf() -> bytes:
    action = generic.DictionaryObject(
        {
            generic.pdf_name("/S"): generic.pdf_name("/JavaScript"),
            generic.pdf_name("/JS"): generic.TextStringObject("app.alert(1)"),
        }
    )
    return pdf(OpenAction=action)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("paper", "name", "content", "why"),
    [
        (PHOTO, "照片.jpg", b"", "空文件"),
        (PHOTO, "照片.jpg", b"\xff\xd8\xff" + b"0" * (5 * 1024 * 1024), "超过 5 MB"),
        (PHOTO, "照片.jpg", SVG, "不是可以读取的"),
        (PHOTO, "照片.jpg", b"<html><script>alert(1)</script></html>", "不是可以读取的"),
        (PHOTO, "照片.jpg", b"GIF89a" + picture(), "不是可以读取的"),
        (PHOTO, "照片.gif", picture("GIF"), "不是可以读取的"),
        (PHOTO, "照片.tif", picture("TIFF"), "不是可以读取的"),
        (PHOTO, "照片.png", bomb(), "尺寸过大"),
        (PHOTO, "照片.png", picture("PNG", (8000, 5001)), "尺寸过大"),
        (PHOTO, "照片.jpg", picture(size=(400, 400))[:700], "损坏或不完整"),
        (PHOTO, "照片.png", picture("PNG", (400, 400))[:80], "损坏或不完整"),
        (PHOTO, "照片.pdf", pdf(), "不是可以读取的"),
        (SCAN, "合同.pdf", b"%PDF-1.7\nnothing", "损坏或不完整"),
        (SCAN, "合同.pdf", pdf()[:200], "损坏或不完整"),
        (SCAN, "合同.pdf", b"MZ" + pdf(), "不是可以读取的"),
        (SCAN, "合同.pdf", script_pdf(), "脚本或附件"),
        (SCAN, "合同.docx", b"PK\x03\x04" + b"0" * 100, "不是可以读取的"),
    ],
)
def test_what_is_not_a_picture_or_a_scan_is_refused(
    draft: Draft, paper: Paper, name: str, content: bytes, why: str
) -> None:
    with pytest.raises(UploadRefused, match=why):
        keep(draft, paper, name, content)
    assert not Attachment.objects.exists()


def test_a_pdf_with_a_password_is_refused(draft: Draft) -> None:
    writer = PdfFileWriter()
    contents = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.insert_page(PageObject(contents=contents, media_box=(0, 0, 595, 842)))
    writer.encrypt("owner", "user")
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(UploadRefused, match="密码"):
        keep(draft, SCAN, "合同.pdf", out.getvalue())


# On the page


@pytest.fixture
def at_the_last_look(clerk: Client, new_staff: dict[str, str]) -> str:
    clerk.post(f"{ADD_STAFF}apply/", {**new_staff, "action": "next"})
    return f"{ADD_STAFF}materials/"


def send(client: Client, url: str, content: bytes, name: str = "合同.jpg") -> Any:
    return client.post(url, {"action": "upload", "paper-labour-contract": upload(name, content)})


def test_a_refused_file_is_told_beside_its_field(clerk: Client, at_the_last_look: str) -> None:
    page = send(clerk, at_the_last_look, SVG, "合同.svg")
    assert "不是可以读取的" in str(page.context["form"].errors["paper-labour-contract"])


def test_another_file_takes_the_place_of_the_first(
    clerk: Client, at_the_last_look: str, django_capture_on_commit_callbacks: Any
) -> None:
    send(clerk, at_the_last_look, picture())
    first = Attachment.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        send(clerk, at_the_last_look, picture(size=(90, 90)))
    second = Attachment.objects.get()
    assert second.digest != first.digest
    assert not first.file.storage.exists(str(first.file.name))
    assert second.file.storage.exists(str(second.file.name))


def test_a_file_can_be_removed(clerk: Client, at_the_last_look: str) -> None:
    send(clerk, at_the_last_look, picture())
    page = clerk.get(at_the_last_look).content.decode()
    assert "合同.jpg" in page
    clerk.post(at_the_last_look, {"remove": "labour-contract"})
    assert not Attachment.objects.exists()


def test_a_paper_that_nobody_asked_for_is_not_kept(clerk: Client, at_the_last_look: str) -> None:
    clerk.post(at_the_last_look, {"action": "upload", "paper-anything": upload("x.jpg", picture())})
    assert not Attachment.objects.exists()


def test_a_file_chosen_with_the_last_press_goes_with_the_case(
    clerk: Client, new_staff: dict[str, str]
) -> None:
    case = file_case(clerk, ADD_STAFF, new_staff, **{"paper-labour-contract": upload("合同.pdf", pdf())})
    attachment = case.attachments.get()
    assert attachment.draft is None
    answer = clerk.get(f"/cases/{case.number}/attachments/{attachment.pk}/")
    assert b"".join(answer.streaming_content).startswith(b"%PDF-")  # type: ignore[attr-defined]
    assert answer["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer["Cache-Control"]
    assert "sandbox" in answer["Content-Security-Policy"]


def test_a_paper_that_must_be_there_is_asked_for(cast: Cast, clock: Clock, enrolment: dict[str, str]) -> None:
    client = signed_in(cast.li_qiang_login)
    client.post(f"{ENROL_WUHAN}apply/", {**enrolment, "action": "next"})
    url = f"{ENROL_WUHAN}materials/"
    sent = {"key": key_on(client.get(url)), "action": "submit"}
    page = client.post(url, sent)
    assert "请上传个人电子照片" in str(page.context["form"].errors["paper-photo"])

    client.post(url, {"action": "upload", "paper-photo": upload("me.jpg", pictures.photo())})
    # The page that showed no photo does not send one.
    assert client.post(url, sent)["Location"] == url
    assert "/receipt/" in client.post(url, {**sent, "key": key_on(client.get(url))})["Location"]


def test_papers_are_shown_to_no_one_else(cast: Cast, clerk: Client, new_staff: dict[str, str]) -> None:
    case = file_case(clerk, ADD_STAFF, new_staff, **{"paper-labour-contract": upload("合同.jpg", picture())})
    other = file_case(
        clerk, ADD_STAFF, {**new_staff, "identity_number": cast.li_qiang.identity_number, "name": "李强"}
    )
    paper = case.attachments.get().pk
    for user in (cast.zhaobao_clerk, cast.wang_fang_login, cast.wuhan_reviewer):
        assert signed_in(user).get(f"/cases/{case.number}/attachments/{paper}/").status_code == 404
    assert clerk.get(f"/cases/{other.number}/attachments/{paper}/").status_code == 404
    assert (
        signed_in(cast.ningbo_reviewer).get(f"/cases/{case.number}/attachments/{paper}/").status_code == 200
    )


def test_papers_of_a_draft_are_shown_to_whom_uploaded_them(
    cast: Cast, clerk: Client, at_the_last_look: str
) -> None:
    send(clerk, at_the_last_look, picture())
    url = f"/drafts/attachments/{Attachment.objects.get().pk}/"
    assert clerk.get(url)["Content-Type"] == "image/jpeg"
    for user in (cast.yongjiang_second_clerk, cast.zhaobao_clerk, cast.ningbo_reviewer):
        assert signed_in(user).get(url).status_code == 404


def test_a_paper_exchanged_meanwhile_stops_the_submission(
    clerk: Client, at_the_last_look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(clerk, at_the_last_look, picture())
    key = key_on(clerk.get(at_the_last_look))
    take = attachments.Attachment.objects.filter

    def exchanged(*given: Any, **named: Any) -> Any:
        if "pk__in" in named:
            Attachment.objects.all().delete()
        return take(*given, **named)

    monkeypatch.setattr(Attachment.objects, "filter", exchanged)
    page = clerk.post(at_the_last_look, {"key": key, "action": "submit"})
    assert "材料刚刚在另一个页面被更换" in page.content.decode()


def test_old_drafts_go_with_their_files(
    clerk: Client, at_the_last_look: str, clock: Clock, django_capture_on_commit_callbacks: Any
) -> None:
    send(clerk, at_the_last_look, picture())
    attachment = Attachment.objects.get()
    clock.step(days=59)
    forget_old_drafts()
    assert Draft.objects.exists()
    clock.step(days=2)
    with django_capture_on_commit_callbacks(execute=True):
        forget_old_drafts()
        forget_old_drafts()
    assert not Draft.objects.exists()
    assert not attachment.file.storage.exists(str(attachment.file.name))


# Bounded work


def large_png(width: int, height: int) -> bytes:
    """A PNG of one colour with an alpha channel: a small file, and 4 bytes for each pixel once it
    is read."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    rows = zlib.compressobj(9)
    row = b"\0" + b"\xff\0\0\xff" * width
    packed = b"".join(rows.compress(row) for _row in range(height)) + rows.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def test_the_largest_picture_is_read_and_takes_no_memory_here(draft: Draft) -> None:
    """Found: eight pictures of 155 KB took 2.4 GB of the web processes. It is read apart, within
    limits that hold it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = keep(draft, PHOTO, "large.png", large_png(8000, 4999))
    assert Image.open(io.BytesIO(stored(kept))).size == (3600, 2250)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kilobytes"


@pytest.mark.parametrize("paper", [PHOTO, SCAN], ids=["photo", "scan"])
def test_who_finds_all_places_taken_keeps_what_was_typed(
    draft: Draft, settings: Any, tmp_path: Path, paper: Paper
) -> None:
    settings.ROOM_FOR_FILES = room = Room(tmp_path / "apart", at_work=1, waiting=0)
    with room.place(), pytest.raises(UploadRefused, match="过几秒再上传一次"):
        keep(draft, paper, "photo.jpg", picture())
    assert not Attachment.objects.exists()
    assert keep(draft, paper, "photo.jpg", picture()).content_type == "image/jpeg"


def test_a_script_is_found_however_its_name_is_written(draft: Draft) -> None:
    """Found: /J#61vaScript, the same name to whatever opens the file."""
    action = generic.DictionaryObject(
        {
            generic.pdf_name("/S"): generic.pdf_name("/JavaScript"),
            generic.pdf_name("/JS"): generic.pdf_string("x"),
            generic.pdf_name("/Filler"): generic.NumberObject(0),
        }
    )
    plain = pdf(OpenAction=action)
    # As long as before, so that the file's own table of places holds.
    written = (
        plain.replace(b"/JavaScript", b"/J#61vaScript").replace(b"/JS", b"/J#53").replace(b"/Filler", b"/Fi")
    )
    assert len(written) == len(plain)
    for content in (plain, written):
        with pytest.raises(UploadRefused, match="脚本或附件"):
            keep(draft, SCAN, "scan.pdf", content)
