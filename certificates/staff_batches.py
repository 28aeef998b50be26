"""Proofs of many staff at once: workers make them line by line, then put them into one archive.

The lines are the queue. A worker claims a few lines for a limited time. Where it dies, its finished
proofs stay and its claim runs out. A line that fails keeps the reason and does not stop the others.
"""

import hashlib
import logging
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.files.storage import storages
from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from certificates import issuing
from certificates.authority import SealUnavailable
from certificates.documents import DocumentDamaged
from certificates.facts import Reveal, Use, staff_facts
from certificates.fonts import FontMissing, NotDrawable
from certificates.kinds import CertificateKind
from certificates.models import BatchStatus, Certificate, LineStatus, StaffBatch, StaffBatchLine
from contributions.records import staff
from enrollment.spreadsheets import write_xlsx
from portal.accounts.models import User
from portal.hall.models import Case
from portal.people.models import Employer
from portal.policy.book import book
from portal.policy.terms.proofs import proof_terms
from portal.shared.insurance import Insurance
from portal.shared.months import month_in_china, today_in_china
from portal.watch.failures import Watch

log = logging.getLogger(__name__)

# A worker claims CHUNK lines at once. One that has not finished them after CLAIM counts as dead.
CHUNK = 20
CLAIM = timedelta(minutes=10)
_ROWS_AT_A_TIME = 2000
_COPY_BYTES = 1 << 20

# Characters that file systems refuse in names, on the server or on the clerk's computer.
_NOT_IN_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f]')


class NotReady(Exception):
    """The archive is not made yet, or is deleted already."""


def open_batch(
    *,
    case: Case,
    employer: Employer,
    people: Sequence[int],
    asked: Mapping[str, Any],
    by: User,
    now: datetime,
) -> StaffBatch:
    """Creates a batch with one line for each of ``people`` (ids), in their order. Raises
    IntegrityError where the case has a batch already, or a person is named twice.

    ``asked``: ``insurances``, ``months``, ``reveal``, and the use of the proofs (``recipient``,
    ``purpose``, ``valid_until``).
    """
    batch = StaffBatch.objects.create(
        case=case,
        employer=employer,
        city=case.city,
        asked_by=by,
        asked=dict(asked),
        frozen_at=now,
        total=len(people),
    )
    StaffBatchLine.objects.bulk_create(
        [
            StaffBatchLine(batch=batch, position=place, person_id=person)
            for place, person in enumerate(people, start=1)
        ],
        batch_size=_ROWS_AT_A_TIME,
    )
    return batch


def work_on(batch: StaffBatch, *, now: datetime) -> int:
    """Makes the next few proofs of a batch. Returns the number of claimed lines: 0 where other
    workers have the rest, or all lines are done.

    After the last line it makes the archive. Not to be called inside a transaction.
    """
    lines = _claimed(batch, now=now)
    if lines:
        _make(batch, lines, now=now)
    if not batch.lines.filter(status=LineStatus.WAITING).exists():
        finish(batch, now=now)
    return len(lines)


def finish(batch: StaffBatch, *, now: datetime) -> None:
    """Writes the archive of a batch without waiting lines, and marks the batch ready. Another call,
    even at the same time, changes nothing more."""
    if batch.lines.filter(status=LineStatus.WAITING).exists():
        return
    terms = proof_terms(book().city(batch.city).offers[batch.case.service])
    name, digest, size = _archive(batch)
    won = StaffBatch.objects.filter(pk=batch.pk, status=BatchStatus.MAKING).update(
        status=BatchStatus.READY,
        archive=name,
        archive_digest=digest,
        archive_size=size,
        ready_at=now,
        kept_until=today_in_china(now) + timedelta(days=terms.kept_days),
    )
    if not won:
        batch.refresh_from_db()
        if batch.archive != name:
            path_of(name).unlink(missing_ok=True)


def retry(batch: StaffBatch) -> int:
    """Lets the failed lines, and only these, wait again. Returns their number. The archive is
    deleted until it is made again."""
    with transaction.atomic():
        locked = StaffBatch.objects.select_for_update().get(pk=batch.pk)
        if locked.status != BatchStatus.READY:
            return 0
        retried = locked.lines.filter(status=LineStatus.FAILED).update(
            status=LineStatus.WAITING, why="", claimed_until=None
        )
        if retried:
            name = locked.archive
            StaffBatch.objects.filter(pk=locked.pk).update(
                status=BatchStatus.MAKING, archive="", archive_digest="", archive_size=None
            )
            transaction.on_commit(lambda: path_of(name).unlink(missing_ok=True))
    return retried


def expire(*, now: datetime) -> int:
    """Deletes the archives whose last day has passed. Returns their number. The certificates in
    them stay. An archive that fails does not stop the others."""
    over = StaffBatch.objects.filter(status=BatchStatus.READY, kept_until__lt=today_in_china(now))
    ended, watch = 0, Watch("delete_expired_archives", now=now)
    for batch in over.select_related("case").iterator():
        with watch.item(batch.case.number, city=batch.city):
            ended += StaffBatch.objects.filter(pk=batch.pk, status=BatchStatus.READY).update(
                status=BatchStatus.EXPIRED, archive="", archive_digest="", archive_size=None
            )
            # The folder may also hold a half-written file of a killed worker.
            shutil.rmtree(path_of(batch.archive).parent, ignore_errors=True)
    watch.finished()
    return ended


def archive_of(batch: StaffBatch) -> Path:
    """The archive's file. Raises NotReady where there is none, also where the file is missing."""
    if batch.status != BatchStatus.READY or not path_of(batch.archive).exists():
        raise NotReady(batch)
    return path_of(batch.archive)


def progress(batch: StaffBatch) -> dict[LineStatus, int]:
    """The number of lines in each status. One query."""
    counts = dict(batch.lines.order_by().values_list("status").annotate(Count("pk")))
    return {status: counts.get(str(status), 0) for status in LineStatus}


def _claimed(batch: StaffBatch, *, now: datetime) -> list[StaffBatchLine]:
    with transaction.atomic():
        free = batch.lines.filter(
            Q(claimed_until__isnull=True) | Q(claimed_until__lt=now), status=LineStatus.WAITING
        )
        lines = list(
            free.select_for_update(skip_locked=True, of=("self",))
            .select_related("person", "certificate")
            .order_by("position")[:CHUNK]
        )
        batch.lines.filter(pk__in=[line.pk for line in lines]).update(claimed_until=now + CLAIM)
    return lines


def _make(batch: StaffBatch, lines: Sequence[StaffBatchLine], *, now: datetime) -> None:
    facts = _facts(batch, [line for line in lines if line.certificate is None])
    for line in lines:
        try:
            if line.certificate is None:
                _freeze(batch, line, facts[line.person_id])
            if line.certificate is not None:
                issuing.produce(line.certificate, now=now)
        except Exception as problem:
            # An error with one person's proof does not stop the others.
            log.exception("%s of %s was not made", line.position, batch.pk)
            _failed(line, _reason(problem))
        else:
            _done(line)


def _facts(batch: StaffBatch, lines: Sequence[StaffBatchLine]) -> dict[int, dict[str, Any] | None]:
    """The facts of each proof, by person id, read for all lines together; None for a person without
    any month there."""
    asked, people = batch.asked, [line.person_id for line in lines]
    until = month_in_china(batch.frozen_at) + 1
    span = {"since": until - asked["months"], "until": until}
    scope: dict[str, Any] = {
        "city": batch.city,
        "insurances": [Insurance(insurance) for insurance in asked["insurances"]],
    }
    records = staff.staff_records(batch.employer, people, **scope, **span)
    running = staff.running(batch.employer, people, **scope, month=until - 1)
    shared: dict[str, Any] = {
        "employer": batch.employer,
        "city": book().city(batch.city),
        "insurances": scope["insurances"],
        "month_count": asked["months"],
        "reveal": Reveal(asked["reveal"]),
        "use": _use(batch),
        "now": batch.frozen_at,
    }
    return {
        line.person_id: staff_facts(
            line.person, records=records[line.person_id], running=running[line.person_id], **shared
        )
        if records[line.person_id]
        else None
        for line in lines
    }


def _freeze(batch: StaffBatch, line: StaffBatchLine, facts: dict[str, Any] | None) -> None:
    if facts is None:
        raise _NothingToSay
    with transaction.atomic():
        locked = StaffBatchLine.objects.select_for_update().get(pk=line.pk)
        if locked.certificate is None:
            locked.certificate = issuing.freeze(
                kind=CertificateKind.PERSON,
                city=batch.city,
                facts=facts,
                person=line.person,
                valid_until=_use(batch).valid_until,
                by=batch.asked_by,
                now=batch.frozen_at,
            )
            locked.save(update_fields=["certificate"])
    line.certificate = locked.certificate


class _NothingToSay(Exception):
    """The person has no month there any more: the coverage was undone after the application."""


def _reason(problem: Exception) -> str:
    match problem:
        case _NothingToSay():
            return _("所选月份在本单位已没有参保记录。")
        case SealUnavailable():
            return _("电子印章暂不可用。")
        case issuing.Revoked():
            return _("证明已被撤销。")
        case issuing.FactsDamaged() | DocumentDamaged():
            return _("存档未通过完整性检查，请联系经办机构。")
        case NotDrawable():
            return _("证明所用的字库里没有{characters}，不能开具；请到窗口办理。").format(characters=problem)
        case FontMissing() | OSError():
            return _("文件暂时无法生成，请稍后重试。")
    return _("生成时出现意外错误，请稍后重试；仍不成功的，请联系经办机构。")


def _done(line: StaffBatchLine) -> None:
    StaffBatchLine.objects.filter(pk=line.pk, status=LineStatus.WAITING).update(
        status=LineStatus.MADE, claimed_until=None
    )


def _failed(line: StaffBatchLine, why: str) -> None:
    StaffBatchLine.objects.filter(pk=line.pk, status=LineStatus.WAITING).update(
        status=LineStatus.FAILED, why=why, claimed_until=None
    )


def _use(batch: StaffBatch) -> Use:
    asked = batch.asked
    return Use(asked["recipient"], asked["purpose"], date.fromisoformat(asked["valid_until"]))


# The archive


def _archive(batch: StaffBatch) -> tuple[str, str, int]:
    """Writes the archive, whole or not at all, under a name with its digest. Returns name, SHA-256
    and size in bytes."""
    folder = path_of(f"archives/{batch.case.number}")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            write_archive(batch, file)
            file.flush()
            os.fsync(file.fileno())
        digest, size = _measured(Path(temporary))
        name = f"archives/{batch.case.number}/{digest}.zip"
        Path(temporary).replace(path_of(name))
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return name, digest, size


def write_archive(batch: StaffBatch, file: Any) -> None:
    rows: list[list[str | int]] = []
    # Sealed documents are compressed already.
    when = batch.frozen_at.timetuple()[:6]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for line in _lines(batch):
            name = _file_name(line)
            if line.status == LineStatus.MADE and line.certificate is not None:
                document = _document(line.certificate)
                if document is None:
                    rows.append(_row(line, "", _("证明已被撤销或替换，不再提供文件")))
                    continue
                archive.writestr(zipfile.ZipInfo(name, when), document)
                rows.append(_row(line, name, _("已开具")))
            else:
                rows.append(_row(line, "", _("未能开具：%(why)s") % {"why": line.why}))
        heads = [_("序号"), _("姓名"), _("证件号码末四位"), _("证明编号"), _("验证码"), _("文件"), _("结果")]
        index = write_xlsx(_("目录"), heads, rows, [8, 16, 16, 30, 40, 48, 48])
        archive.writestr(zipfile.ZipInfo(_("目录.xlsx"), when), index)
        archive.writestr(zipfile.ZipInfo(_("说明.txt"), when), _read_me(batch, rows).encode("utf-8-sig"))


def _lines(batch: StaffBatch) -> Iterator[StaffBatchLine]:
    lines: Iterable[StaffBatchLine] = batch.lines.select_related("person", "certificate").order_by("position")
    return lines.iterator(_ROWS_AT_A_TIME)  # type: ignore[attr-defined]


def _document(certificate: Certificate) -> bytes | None:
    """The latest sealed document; None where the certificate is revoked or replaced."""
    try:
        return issuing.produce(certificate, now=certificate.issued_at or certificate.frozen_at)
    except issuing.Revoked:
        return None


def _row(line: StaffBatchLine, file: str, result: str) -> list[str | int]:
    certificate = line.certificate if file else None
    return [
        line.position,
        line.person.name,
        line.person.identity_number[-4:],
        certificate.serial_number if certificate else "",
        certificate.grouped_code if certificate else "",
        file,
        result,
    ]


def _file_name(line: StaffBatchLine) -> str:
    name = _NOT_IN_NAMES.sub("_", line.person.name)[:40]
    return f"{line.position:05d}_{name}_{line.person.identity_number[-4:]}.pdf"


def _read_me(batch: StaffBatch, rows: Sequence[Sequence[str | int]]) -> str:
    made_count = sum(1 for row in rows if row[5])
    lines = [
        _("%(employer)s：职工参保证明") % {"employer": batch.employer.name},
        _("办件编号：%(number)s") % {"number": batch.case.number},
        _("共 %(total)s 人，已开具 %(made)s 份，未开具 %(left)s 份（原因见“目录.xlsx”）。")
        % {"total": len(rows), "made": made_count, "left": len(rows) - made_count},
        _("每份 PDF 盖有电子印章，任何人可凭验证码或二维码核验。含有个人信息，请只用于申请时注明的用途。"),
    ]
    return "\r\n".join(lines) + "\r\n"


def _measured(path: Path) -> tuple[str, int]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_COPY_BYTES):
            digest.update(block)
    return digest.hexdigest(), path.stat().st_size


def path_of(name: str) -> Path:
    return Path(storages["documents"].path(name))
