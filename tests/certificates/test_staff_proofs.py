"""职工参保证明批量开具: one proof each, in the background; failures and killed workers lose and
double nothing."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import python_calamine
from django.conf import settings as django_settings
from django.core.files.storage import storages
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from certificates import issuing, rendering, staff_batches, tasks
from certificates.models import BatchStatus, Certificate, LineStatus, StaffBatch, StaffBatchLine, Status
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.insurance import Insurance
from tests.cast import NOW, Cast, cover
from tests.certificates.test_pages import signed_in
from tests.certificates.test_rendering import text_of
from tests.conftest import Clock
from tests.filing import file, reasons
from tests.workers import start

pytestmark = pytest.mark.django_db

TYPED = {"who": "all", "months": "12", "insurances": ["pension"], "reveal": "all", "purpose": "项目投标"}


@pytest.fixture
def staff(cast: Cast, insured: Person) -> list[Person]:
    """王芳 and 张敏 at 甬江; 李强 at 招宝, and he was at 甬江 years ago. 张敏 came from 招宝 in
    June."""
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "2026-01", "2026-06", at=cast.zhaobao, wage_fen=900000)
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "2026-06", at=cast.yongjiang, wage_fen=700000)
    cover(
        cast.li_qiang, Insurance.PENSION, "ningbo", "2020-01", "2021-01", at=cast.yongjiang, wage_fen=700000
    )
    cover(cast.li_qiang, Insurance.PENSION, "ningbo", "2026-01", at=cast.zhaobao, wage_fen=700000)
    return [cast.zhang_min, cast.wang_fang]


def asked(clerk: User, **more: Any) -> StaffBatch:
    return StaffBatch.objects.get(case=file(clerk, "ningbo", "staff-proofs", {**TYPED, **more}, NOW))


def refused(clerk: User, **more: Any) -> dict[str, str]:
    return reasons(clerk, "ningbo", "staff-proofs", {**TYPED, **more}, NOW)


def made(batch: StaffBatch) -> StaffBatch:
    """The batch, worked on until nobody waits."""
    while staff_batches.work_on(batch, now=NOW):
        pass
    batch.refresh_from_db()
    return batch


def unpacked(batch: StaffBatch) -> tuple[dict[str, bytes], list[list[Any]]]:
    """The PDFs of the archive by name, and the rows of its index."""
    with zipfile.ZipFile(staff_batches.archive_of(batch)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(files.pop("目录.xlsx")))
    files.pop("说明.txt")
    return files, sheet.get_sheet_by_index(0).to_python()[1:]


def test_all_staff_get_one_proof_each_in_an_archive_with_an_index(cast: Cast, staff: list[Person]) -> None:
    batch = made(asked(cast.yongjiang_clerk))
    assert (batch.status, batch.total) == (BatchStatus.READY, 2)
    files, rows = unpacked(batch)
    assert len(files) == len(rows) == 2
    for row in rows:
        certificate = Certificate.objects.get(serial_number=row[3])
        assert files[row[5]] == issuing.produce(certificate, now=NOW)
        [person] = [one for one in staff if one.pk == certificate.person_id]
        assert row[1:3] == [person.name, person.identity_number[-4:]]
        assert row[6] == "已开具"
    assert set(Certificate.objects.values_list("person", flat=True)) == {one.pk for one in staff}


def test_a_proof_tells_only_the_months_with_the_employer_that_asked(cast: Cast, staff: list[Person]) -> None:
    made(asked(cast.yongjiang_clerk))
    facts = Certificate.objects.get(person=cast.zhang_min).facts
    assert [row["month"] for row in facts["months"]][-1] == "2026-06"
    said = json.dumps(facts, ensure_ascii=False)
    assert cast.zhaobao.name not in said
    assert "9000" not in said
    assert facts["use"]["purpose"] == "项目投标"
    text = text_of(issuing.produce(Certificate.objects.get(person=cast.zhang_min), now=NOW))
    assert "只含在该单位" in text.replace("\n", "")


def test_amounts_are_left_out_unless_asked_for(cast: Cast, staff: list[Person]) -> None:
    made(asked(cast.yongjiang_clerk, reveal="months"))
    assert "_fen" not in json.dumps(Certificate.objects.get(person=cast.wang_fang).facts)


def test_chosen_staff_only_and_each_once(cast: Cast, staff: list[Person]) -> None:
    number = cast.wang_fang.identity_number
    batch = asked(cast.yongjiang_clerk, who="chosen", numbers=f"身份证号码\n{number}\n\n {number.lower()} \n")
    assert list(batch.lines.values_list("person", flat=True)) == [cast.wang_fang.pk]


def test_whoever_is_not_insured_there_is_refused_by_number_and_nothing_is_told(
    cast: Cast, staff: list[Person]
) -> None:
    stranger = cast.li_qiang.identity_number
    found = refused(cast.yongjiang_clerk, who="chosen", numbers=stranger)
    assert stranger in found["numbers"]
    assert cast.li_qiang.name not in found["numbers"]
    assert refused(cast.zhaobao_clerk, who="chosen", numbers=stranger) == {}


@pytest.mark.parametrize(
    ("more", "field", "why"),
    [
        ({"who": "chosen"}, "numbers", "每行一个"),
        ({"who": "chosen", "numbers": "330211198805120249\n12345"}, "numbers", "第 2 行"),
        ({"months": "7"}, "months", "7"),
        ({"insurances": []}, "insurances", "至少选择一个"),
        ({"reveal": "at_least"}, "reveal", "at_least"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    cast: Cast, staff: list[Person], more: dict[str, Any], field: str, why: str
) -> None:
    assert why in refused(cast.yongjiang_clerk, **more)[field]


def test_an_employer_without_staff_has_nothing_to_ask_for(cast: Cast) -> None:
    assert "没有参保职工" in refused(cast.yongjiang_clerk)["months"]


# What goes wrong


def test_a_page_that_fails_does_not_lose_the_rest_and_only_it_is_tried_again(
    cast: Cast,
    staff: list[Person],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    real = rendering.render

    def torn(certificate: Certificate, **more: Any) -> bytes:
        if certificate.person_id == cast.zhang_min.pk:
            raise OSError("disk full")
        return real(certificate, **more)

    batch = asked(cast.yongjiang_clerk)
    with monkeypatch.context() as broken:
        broken.setattr(rendering, "render", torn)
        made(batch)
    assert batch.status == BatchStatus.READY
    files, rows = unpacked(batch)
    assert len(files) == 1
    [told] = [row[6] for row in rows if not row[5]]
    assert "文件暂时无法生成" in told
    kept = batch.lines.get(person=cast.wang_fang).certificate
    first = staff_batches.archive_of(batch)
    client = signed_in(cast.yongjiang_clerk)
    page = client.get(reverse("staff-batch", args=[batch.case.number])).content.decode()
    assert "重试未能开具的 1 份" in page
    assert cast.zhang_min.name in page
    with django_capture_on_commit_callbacks(execute=True):
        client.post(reverse("staff-batch-retry", args=[batch.case.number]))
    assert not first.exists()
    batch.refresh_from_db()
    assert batch.status == BatchStatus.MAKING
    made(batch)
    files, rows = unpacked(batch)
    assert len(files) == 2
    assert not any("未能开具" in row[6] for row in rows)
    assert batch.lines.get(person=cast.wang_fang).certificate == kept
    assert Certificate.objects.count() == 2


def test_who_is_no_longer_insured_there_when_it_is_made_is_told_so(cast: Cast, staff: list[Person]) -> None:
    batch = asked(cast.yongjiang_clerk)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE enrollment_coverage SET live = false WHERE person_id = %s", [cast.zhang_min.pk]
        )
        cursor.execute(
            "UPDATE contributions_charge SET live = false WHERE person_id = %s", [cast.zhang_min.pk]
        )
        cursor.execute("SET session_replication_role = origin")
    made(batch)
    line = batch.lines.get(person=cast.zhang_min)
    assert (line.status, line.why) == (LineStatus.FAILED, "所选月份在本单位已没有参保记录。")


def test_a_line_that_was_frozen_and_not_made_is_made_from_what_was_frozen(
    cast: Cast, staff: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = asked(cast.yongjiang_clerk)

    def killed(certificate: Certificate, **more: Any) -> bytes:
        raise SystemExit

    with monkeypatch.context() as broken:
        broken.setattr(issuing, "produce", killed)
        with pytest.raises(SystemExit):
            staff_batches.work_on(batch, now=NOW)
    frozen = Certificate.objects.get()
    # The claim still holds: nobody takes the lines from a worker that may be alive.
    assert staff_batches.work_on(batch, now=NOW) == 0
    batch.refresh_from_db()
    assert batch.status == BatchStatus.MAKING
    later = NOW + staff_batches.CLAIM + timedelta(seconds=1)
    assert staff_batches.work_on(batch, now=later) == 2
    frozen.refresh_from_db()
    assert frozen.status == Status.ISSUED
    assert Certificate.objects.count() == 2


def test_an_archive_that_was_not_finished_is_written_by_the_next(
    cast: Cast, staff: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = asked(cast.yongjiang_clerk)

    def full(batch: StaffBatch, file: Any) -> None:
        file.write(b"PK")
        raise OSError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(staff_batches, "write_archive", full)
        with pytest.raises(OSError, match="full"):
            staff_batches.work_on(batch, now=NOW)
    folder = staff_batches.path_of(f"archives/{batch.case.number}")
    assert list(folder.iterdir()) == []
    made(batch)
    assert len(unpacked(batch)[0]) == 2


def test_the_task_makes_what_waits_and_a_second_ring_changes_nothing(
    cast: Cast, staff: list[Person], clock: Clock
) -> None:
    batch = asked(cast.yongjiang_clerk)
    tasks.make_staff_proofs()
    batch.refresh_from_db()
    assert batch.status == BatchStatus.READY
    before = (batch.archive_digest, Certificate.objects.count())
    tasks.make_staff_proofs()
    batch.refresh_from_db()
    assert (batch.archive_digest, Certificate.objects.count()) == before


def test_after_its_last_day_the_archive_is_deleted_and_the_proofs_stay(
    cast: Cast, staff: list[Person], clock: Clock
) -> None:
    batch = made(asked(cast.yongjiang_clerk))
    path = staff_batches.archive_of(batch)
    assert str(batch.kept_until) == "2026-12-17"
    clock.set("2026-12-17 12:00")
    tasks.delete_expired_archives()
    assert path.exists()
    clock.set("2026-12-18 03:40")
    tasks.delete_expired_archives()
    assert not path.parent.exists()
    batch.refresh_from_db()
    assert batch.status == BatchStatus.EXPIRED
    assert Certificate.objects.filter(status=Status.ISSUED).count() == 2
    page = signed_in(cast.yongjiang_clerk).get(reverse("staff-batch", args=[batch.case.number]))
    assert "已过下载期" in page.content.decode()


# Who sees what


def test_only_the_employers_clerks_see_and_fetch_it(cast: Cast, staff: list[Person], clock: Clock) -> None:
    batch = made(asked(cast.yongjiang_clerk))
    number = batch.case.number
    names = ("staff-batch", "staff-batch-state", "staff-batch-archive")
    client = signed_in(cast.yongjiang_clerk)
    page, state, archive = (client.get(reverse(name, args=[number])) for name in names)
    assert (page.status_code, state.status_code) == (200, 286)
    assert archive.getvalue() == staff_batches.archive_of(batch).read_bytes()
    assert archive.headers["Content-Type"] == "application/zip"
    assert number in client.get(reverse("proofs")).content.decode()
    for other in (cast.zhaobao_clerk, cast.wang_fang_login, cast.ningbo_reviewer):
        stranger = signed_in(other)
        for name in names:
            assert stranger.get(reverse(name, args=[number])).status_code == 404
        assert stranger.post(reverse("staff-batch-retry", args=[number])).status_code == 404


def test_whom_it_is_about_sees_the_proof_and_cannot_take_it_back(
    cast: Cast, staff: list[Person], clock: Clock
) -> None:
    made(asked(cast.yongjiang_clerk))
    certificate = Certificate.objects.get(person=cast.wang_fang)
    client = signed_in(cast.wang_fang_login)
    assert "由单位申请" in client.get(reverse("proofs")).content.decode()
    page = client.get(reverse("certificate", args=[certificate.serial_number])).content.decode()
    assert reverse("certificate-take-back", args=[certificate.serial_number]) not in page
    assert (
        signed_in(cast.yongjiang_clerk)
        .get(reverse("certificate", args=[certificate.serial_number]))
        .status_code
        == 404
    )


def test_the_page_moves_on_while_it_is_made(cast: Cast, staff: list[Person], clock: Clock) -> None:
    batch = asked(cast.yongjiang_clerk)
    client = signed_in(cast.yongjiang_clerk)
    state = client.get(reverse("staff-batch-state", args=[batch.case.number]))
    assert state.status_code == 200
    assert "已处理 0%" in state.content.decode()
    archive = client.get(reverse("staff-batch-archive", args=[batch.case.number]), follow=True)
    assert "还没有生成" in archive.content.decode()


# What the database refuses


def test_the_database_keeps_lines_and_batches_straight(cast: Cast, staff: list[Person]) -> None:
    batch = made(asked(cast.yongjiang_clerk))
    line = batch.lines.get(person=cast.wang_fang)
    other = batch.lines.get(person=cast.zhang_min)
    wrong: list[Callable[[], Any]] = [
        lambda: StaffBatchLine.objects.create(batch=batch, position=9, person=cast.wang_fang),
        lambda: StaffBatchLine.objects.filter(pk=line.pk).update(certificate=None),
        lambda: StaffBatchLine.objects.filter(pk=line.pk).update(status=LineStatus.WAITING),
        lambda: StaffBatchLine.objects.filter(pk=line.pk).update(certificate=other.certificate),
        lambda: StaffBatch.objects.filter(pk=batch.pk).update(archive=""),
        lambda: StaffBatch.objects.filter(pk=batch.pk).update(total=3),
        line.delete,
        batch.delete,
    ]
    for write in wrong:
        with pytest.raises((IntegrityError, Exception)) as refusal, transaction.atomic():
            write()
        assert "pgtrigger" in str(refusal.value) or isinstance(refusal.value, IntegrityError)


# Really killed


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_midst_nothing_is_lost_or_doubled(cast: Cast, staff: list[Person]) -> None:
    batch = asked(cast.yongjiang_clerk)
    worker = start(
        "import time\n"
        "from datetime import datetime\n"
        "from pathlib import Path\n"
        "from django.conf import settings\n"
        f"settings.SEAL_DIR = Path({str(django_settings.SEAL_DIR)!r})\n"
        f"settings.STORAGES['documents']['OPTIONS'] = {{'location': {storages['documents'].path('')!r}}}\n"
        "from certificates import issuing, staff_batches\n"
        "from certificates.models import StaffBatch\n"
        "real = issuing.produce\n"
        "def produce(certificate, **more):\n"
        "    content = real(certificate, **more)\n"
        "    say('made'); time.sleep(60)\n"
        "issuing.produce = produce\n"
        f"staff_batches.work_on(StaffBatch.objects.get(), now=datetime.fromisoformat({NOW.isoformat()!r}))\n"
    )
    try:
        assert worker.hear() == "made"
    finally:
        worker.kill()
    assert batch.lines.filter(status=LineStatus.MADE).count() == 0
    later = NOW + staff_batches.CLAIM + timedelta(seconds=1)
    while staff_batches.work_on(batch, now=later):
        pass
    batch.refresh_from_db()
    assert batch.status == BatchStatus.READY
    assert Certificate.objects.count() == 2
    assert len(unpacked(batch)[0]) == 2
