"""The register of certificates, and of the questions whether one is genuine."""

from datetime import date
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import NamedTuple

import pgtrigger
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from certificates.codes import grouped
from certificates.kinds import KIND_LABELS, KINDS, About, CertificateKind, Kind, about
from portal.accounts.models import User
from portal.columns import choices, one_of
from portal.hall.models import Case
from portal.people.models import Employer, Person
from portal.shared.months import today_in_china


class Status(StrEnum):
    FROZEN = "frozen"
    ISSUED = "issued"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"


STATUS_LABELS = {
    Status.FROZEN: "待盖章",
    Status.ISSUED: "有效",
    Status.REVOKED: "已撤销",
    Status.SUPERSEDED: "已更正替换",
}

MOVES: tuple[tuple[Status, Status], ...] = (
    (Status.FROZEN, Status.ISSUED),
    (Status.ISSUED, Status.REVOKED),
    (Status.ISSUED, Status.SUPERSEDED),
)

_SAID = (
    "serial_number",
    "code",
    "kind",
    "city",
    "person",
    "employer",
    "issued_to",
    "case",
    "facts",
    "facts_digest",
    "frozen_at",
    "valid_until",
)
_SEALED = ("document", "document_digest", "document_size", "key_fingerprint", "issued_at")
# The day of the freeze in China, whatever the session's time zone.
_DAY_FROZEN = Func(
    F("frozen_at"),
    template="((%(expressions)s) AT TIME ZONE 'Asia/Shanghai')::date",
    output_field=models.DateField(),
)


def _any_changes(fields: tuple[str, ...]) -> pgtrigger.Q:
    return reduce(
        or_, [pgtrigger.Q(**{f"old__{field}__df": pgtrigger.F(f"new__{field}")}) for field in fields]
    )


class Certificate(models.Model):
    """One proof: what it says, frozen before it is drawn; then the sealed document that says it.

    What it says never changes, nor does the document once it is issued: the database refuses both. Only ``issuing`` writes.
    """

    serial_number = models.CharField(_("证明编号"), max_length=40, unique=True)
    code = models.CharField(_("验证码"), max_length=28, unique=True)
    kind = models.CharField(_("证明种类"), max_length=10, choices=choices(KIND_LABELS))
    city = models.CharField(_("出具城市"), max_length=30)
    person = models.ForeignKey(
        Person, models.PROTECT, null=True, blank=True, related_name="certificates", verbose_name=_("参保人")
    )
    employer = models.ForeignKey(
        Employer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="certificates",
        verbose_name=_("参保单位"),
    )
    issued_to = models.ForeignKey(
        User, models.PROTECT, related_name="certificates", verbose_name=_("申请账号")
    )
    case = models.ForeignKey(
        Case, models.PROTECT, null=True, blank=True, related_name="certificates", verbose_name=_("办件")
    )
    facts = models.JSONField(_("证明内容"))
    facts_digest = models.CharField(_("内容摘要"), max_length=64)
    frozen_at = models.DateTimeField(_("数据截止时间"))
    # The last day, in China, on which it may be relied on; empty where it does not end.
    valid_until = models.DateField(_("有效期至"), null=True, blank=True)
    status = models.CharField(_("状态"), max_length=10, choices=choices(STATUS_LABELS), default=Status.FROZEN)
    # The sealed PDF: its name in the store of documents, its SHA-256, its size in bytes, the SHA-256 of the seal's certificate.
    document = models.CharField(_("文件"), max_length=200, blank=True)
    document_digest = models.CharField(_("文件摘要"), max_length=64, blank=True)
    document_size = models.PositiveIntegerField(_("文件大小（字节）"), null=True, blank=True)
    key_fingerprint = models.CharField(_("印章证书指纹"), max_length=64, blank=True)
    issued_at = models.DateTimeField(_("出具时间"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("撤销时间"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="revoked_certificates",
        verbose_name=_("撤销人"),
    )
    revoked_reason = models.TextField(_("撤销原因"), blank=True)
    # The proof that staff issued in its place when the facts had been wrong.
    superseded_by = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="supersedes",
        verbose_name=_("替换它的证明"),
    )
    superseded_at = models.DateTimeField(_("替换时间"), null=True, blank=True)
    corrected_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="corrected_certificates",
        verbose_name=_("更正人"),
    )
    superseded_reason = models.TextField(_("更正原因"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("证明")
        ordering = ("-frozen_at", "-id")
        constraints = [
            one_of("kind", CertificateKind, name="certificate_kind_known"),
            one_of("status", Status, name="certificate_status_known"),
            models.CheckConstraint(
                condition=Q(code__regex=r"^[0-9A-HJKMNP-TV-Z]{28}$"), name="certificate_code_form"
            ),
            models.CheckConstraint(
                condition=Q(facts_digest__regex=r"^[0-9a-f]{64}$"), name="certificate_facts_have_a_digest"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=about(About.PERSON), person__isnull=False, employer__isnull=True)
                | Q(kind__in=about(About.EMPLOYER), person__isnull=True, employer__isnull=False),
                name="certificate_subject_fits_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=_DAY_FROZEN),
                name="certificate_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(
                    status="frozen",
                    document="",
                    document_digest="",
                    document_size__isnull=True,
                    key_fingerprint="",
                    issued_at__isnull=True,
                )
                | (
                    Q(
                        status__in=["issued", "revoked", "superseded"],
                        document_size__gt=0,
                        issued_at__gte=F("frozen_at"),
                    )
                    & Q(document_digest__regex=r"^[0-9a-f]{64}$", key_fingerprint__regex=r"^[0-9a-f]{64}$")
                    & ~Q(document="")
                ),
                name="certificate_issued_with_its_document",
            ),
            models.CheckConstraint(
                condition=(
                    Q(status="revoked", revoked_at__isnull=False, revoked_by__isnull=False)
                    & ~Q(revoked_reason="")
                )
                | (
                    ~Q(status="revoked")
                    & Q(revoked_at__isnull=True, revoked_by__isnull=True, revoked_reason="")
                ),
                name="certificate_revoked_with_reason",
            ),
            models.CheckConstraint(
                condition=(
                    Q(
                        status="superseded",
                        superseded_by__isnull=False,
                        superseded_at__isnull=False,
                        corrected_by__isnull=False,
                    )
                    & ~Q(superseded_reason="")
                    & ~Q(superseded_by=F("id"))
                )
                | (
                    ~Q(status="superseded")
                    & Q(
                        superseded_by__isnull=True,
                        superseded_at__isnull=True,
                        corrected_by__isnull=True,
                        superseded_reason="",
                    )
                ),
                name="certificate_superseded_by_another",
            ),
            models.UniqueConstraint(
                fields=["document_digest"],
                condition=~Q(document_digest=""),
                name="one_certificate_per_document",
            ),
            models.UniqueConstraint(
                fields=["case", "kind"],
                condition=Q(case__isnull=False),
                name="one_certificate_of_a_kind_per_case",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-frozen_at"], name="certificate_by_person"),
            models.Index(fields=["employer", "-frozen_at"], name="certificate_by_employer"),
            models.Index(fields=["city", "-frozen_at"], name="certificate_by_city"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="certificate_moves_by_the_table",
                field="status",
                transitions=[(str(start), str(end)) for start, end in MOVES],
            ),
            pgtrigger.ReadOnly(name="certificate_facts_are_frozen", fields=list(_SAID)),
            pgtrigger.Protect(
                name="certificate_document_stays",
                operation=pgtrigger.Update,
                condition=~pgtrigger.Q(old__status="frozen") & _any_changes(_SEALED),
            ),
            pgtrigger.Protect(name="certificate_is_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.serial_number

    @property
    def title(self) -> str:
        """What the document calls itself: its kind, or what its facts say where the kind alone would not tell."""
        return str(self.facts.get("title") or self.get_kind_display())

    @property
    def form(self) -> Kind:
        """What its kind asks for."""
        return KINDS[CertificateKind(self.kind)]

    @property
    def called(self) -> str:
        """The short word for what it is: 证明, 票据, 回执单."""
        return self.form.called

    @property
    def dated(self) -> date:
        """The day that its documents bear, in China: on which it was asked for or sent, whenever they are drawn."""
        return today_in_china(self.frozen_at)

    @property
    def grouped_code(self) -> str:
        """The verification code as printed, in fours."""
        return grouped(self.code)

    @property
    def is_revoked(self) -> bool:
        return self.status == Status.REVOKED

    @property
    def kind_code(self) -> CertificateKind:
        return CertificateKind(self.kind)

    @property
    def is_superseded(self) -> bool:
        return self.status == Status.SUPERSEDED

    @property
    def latest(self) -> "Sealed":
        """The document as it was sealed last; for certificates that are issued."""
        newest = self.versions.order_by("-version").first()
        if newest is not None:
            return newest.sealed
        return Sealed(1, self.document, self.document_digest, self.key_fingerprint)


class Sealed(NamedTuple):
    """One sealed document of a certificate: 1 is that of the day of issue."""

    version: int
    # Its name in the store of documents, its SHA-256, the SHA-256 of the seal's certificate.
    document: str
    digest: str
    fingerprint: str


class ResealingRun(models.Model):
    """One replacement of a seal: what was issued under earlier keys of a city gets a new document under the present one.

    What is left to do is read from the register, so that a run goes on wherever it stopped.
    """

    city = models.CharField(_("出具城市"), max_length=30)
    reason = models.TextField(_("重新盖章原因"))
    # SHA-256 of the certificate of the seal in use since.
    key_fingerprint = models.CharField(_("新印章证书指纹"), max_length=64)
    # Also what the same key has sealed: where an algorithm is replaced, and not the key.
    everything = models.BooleanField(_("包括同一印章的证明"), default=False)
    total = models.PositiveIntegerField(_("应重新盖章（份）"))
    started_by = models.ForeignKey(
        User, models.PROTECT, related_name="resealing_runs", verbose_name=_("发起人")
    )
    started_at = models.DateTimeField(_("发起时间"))
    finished_at = models.DateTimeField(_("完成时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("重新盖章")
        ordering = ("-started_at", "-id")
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="resealing_has_a_reason"),
            models.CheckConstraint(
                condition=Q(key_fingerprint__regex=r"^[0-9a-f]{64}$"), name="resealing_names_a_key"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="resealing_ends_after_it_begins",
            ),
            models.UniqueConstraint(
                fields=["city"], condition=Q(finished_at__isnull=True), name="one_open_resealing_per_city"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="resealing_stays_as_ordered",
                fields=[
                    "city",
                    "reason",
                    "key_fingerprint",
                    "everything",
                    "total",
                    "started_by",
                    "started_at",
                ],
            ),
            pgtrigger.Protect(
                name="resealing_ends_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__finished_at__isnull=False),
            ),
            pgtrigger.Protect(name="resealing_is_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.city} {self.started_at:%Y-%m-%d %H:%M}"


class SealedVersion(models.Model):
    """A later document of a certificate, from the same facts under the same number and code. Never changed."""

    certificate = models.ForeignKey(
        Certificate, models.PROTECT, related_name="versions", verbose_name=_("证明")
    )
    # 1 is the document in the certificate's own row.
    version = models.PositiveSmallIntegerField(_("版本"))
    run = models.ForeignKey(ResealingRun, models.PROTECT, related_name="versions", verbose_name=_("重新盖章"))
    document = models.CharField(_("文件"), max_length=200)
    document_digest = models.CharField(_("文件摘要"), max_length=64, unique=True)
    document_size = models.PositiveIntegerField(_("文件大小（字节）"))
    key_fingerprint = models.CharField(_("印章证书指纹"), max_length=64)
    sealed_at = models.DateTimeField(_("盖章时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("重新盖章的文件")
        ordering = ("certificate", "version")
        constraints = [
            models.UniqueConstraint(fields=["certificate", "version"], name="one_document_per_version"),
            models.UniqueConstraint(fields=["certificate", "run"], name="resealed_once_in_a_run"),
            models.CheckConstraint(
                condition=Q(version__gte=2, document_size__gt=0)
                & Q(document_digest__regex=r"^[0-9a-f]{64}$", key_fingerprint__regex=r"^[0-9a-f]{64}$")
                & ~Q(document=""),
                name="version_is_whole",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="versions_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.certificate} · {self.version}"

    @property
    def sealed(self) -> Sealed:
        return Sealed(self.version, self.document, self.document_digest, self.key_fingerprint)


class ResealingFailure(models.Model):
    """A certificate that a run could not seal anew, and why; its earlier document stays. Never changed."""

    run = models.ForeignKey(ResealingRun, models.PROTECT, related_name="failures", verbose_name=_("重新盖章"))
    certificate = models.ForeignKey(
        Certificate, models.PROTECT, related_name="resealing_failures", verbose_name=_("证明")
    )
    why = models.CharField(_("原因"), max_length=200)
    at = models.DateTimeField(_("时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("未能重新盖章的证明")
        ordering = ("run", "certificate")
        constraints = [models.UniqueConstraint(fields=["run", "certificate"], name="failed_once_in_a_run")]
        triggers = [
            pgtrigger.Protect(
                name="resealing_failures_are_kept", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.certificate}: {self.why}"


class Way(StrEnum):
    CODE = "code"
    QR = "qr"
    FILE = "file"
    API = "api"


WAY_LABELS = {Way.CODE: "验证码", Way.QR: "二维码", Way.FILE: "上传文件", Way.API: "机构接口"}


class Result(StrEnum):
    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    ALTERED = "altered"
    UNKNOWN = "unknown"


RESULT_LABELS = {
    Result.VALID: "真实有效",
    Result.EXPIRED: "已过有效期",
    Result.REVOKED: "已撤销",
    Result.SUPERSEDED: "已被替换",
    Result.ALTERED: "已被改动",
    Result.UNKNOWN: "无法确认",
}


class VerificationLog(models.Model):
    """That somebody asked whether a certificate is genuine, and the answer; nothing about who asked but the name of
    an institution that asked by its signed interface. Never changed.
    """

    at = models.DateTimeField(_("时间"))
    way = models.CharField(_("方式"), max_length=10, choices=choices(WAY_LABELS))
    result = models.CharField(_("结果"), max_length=10, choices=choices(RESULT_LABELS))
    asker = models.CharField(_("核验机构"), max_length=100, blank=True)
    certificate = models.ForeignKey(
        Certificate,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="verifications",
        verbose_name=_("证明"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("核验记录")
        ordering = ("-at", "-id")
        constraints = [
            one_of("way", Way, name="verification_way_known"),
            one_of("result", Result, name="verification_result_known"),
            models.CheckConstraint(
                condition=Q(asker="") | Q(way="api"), name="verification_names_institutions_only"
            ),
        ]
        indexes = [models.Index(fields=["-at"], name="verification_by_time")]
        triggers = [
            pgtrigger.Protect(name="verifications_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.result}"


class BatchStatus(StrEnum):
    MAKING = "making"
    READY = "ready"
    EXPIRED = "expired"


BATCH_STATUS_LABELS = {
    BatchStatus.MAKING: "正在开具",
    BatchStatus.READY: "可以下载",
    BatchStatus.EXPIRED: "已过下载期",
}

# Ready again after what had failed was asked for once more.
BATCH_MOVES = (
    (BatchStatus.MAKING, BatchStatus.READY),
    (BatchStatus.READY, BatchStatus.MAKING),
    (BatchStatus.READY, BatchStatus.EXPIRED),
)


class StaffBatch(models.Model):
    """Proofs of many of an employer's staff, asked for at once: a certificate for each, and one archive of them all.

    What was asked is the case's answers; ``frozen_at`` is the moment that all of them speak of. Only ``staff_batches`` writes.
    """

    case = models.OneToOneField(Case, models.PROTECT, related_name="staff_batch", verbose_name=_("办件"))
    employer = models.ForeignKey(
        Employer, models.PROTECT, related_name="staff_batches", verbose_name=_("参保单位")
    )
    city = models.CharField(_("出具城市"), max_length=30)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("申请账号"))
    asked = models.JSONField(_("申请内容"))
    frozen_at = models.DateTimeField(_("数据截止时间"))
    total = models.PositiveIntegerField(_("人数"))
    status = models.CharField(
        _("状态"), max_length=10, choices=choices(BATCH_STATUS_LABELS), default=BatchStatus.MAKING
    )
    # The archive: its name in the store of documents, its SHA-256, its size in bytes, and the last day on which it is kept.
    archive = models.CharField(_("压缩包"), max_length=200, blank=True)
    archive_digest = models.CharField(_("压缩包摘要"), max_length=64, blank=True)
    archive_size = models.PositiveBigIntegerField(_("压缩包大小（字节）"), null=True, blank=True)
    ready_at = models.DateTimeField(_("完成时间"), null=True, blank=True)
    kept_until = models.DateField(_("下载截止日期"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("批量开具")
        ordering = ("-frozen_at", "-id")
        constraints = [
            one_of("status", BatchStatus, name="staff_batch_status_known"),
            models.CheckConstraint(condition=Q(total__gt=0), name="staff_batch_is_of_somebody"),
            models.CheckConstraint(
                condition=(
                    Q(status="ready", archive_digest__regex=r"^[0-9a-f]{64}$", archive_size__gt=0)
                    & Q(ready_at__isnull=False, kept_until__isnull=False)
                    & ~Q(archive="")
                )
                | Q(
                    status__in=["making", "expired"],
                    archive="",
                    archive_digest="",
                    archive_size__isnull=True,
                ),
                name="staff_batch_ready_with_its_archive",
            ),
        ]
        indexes = [
            models.Index(fields=["employer", "-frozen_at"], name="staff_batch_by_employer"),
            models.Index(fields=["status"], condition=~Q(status="expired"), name="staff_batch_to_do"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="staff_batch_moves_by_the_table",
                field="status",
                transitions=[(str(start), str(end)) for start, end in BATCH_MOVES],
            ),
            pgtrigger.ReadOnly(
                name="staff_batch_stays_as_asked",
                fields=["case", "employer", "city", "asked_by", "asked", "frozen_at", "total"],
            ),
            pgtrigger.Protect(name="staff_batch_is_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return str(self.case)


class LineStatus(StrEnum):
    WAITING = "waiting"
    MADE = "made"
    FAILED = "failed"


LINE_STATUS_LABELS = {LineStatus.WAITING: "等待", LineStatus.MADE: "已开具", LineStatus.FAILED: "未能开具"}

LINE_MOVES = (
    (LineStatus.WAITING, LineStatus.MADE),
    (LineStatus.WAITING, LineStatus.FAILED),
    (LineStatus.FAILED, LineStatus.WAITING),
)


class StaffBatchLine(models.Model):
    """One of the staff in a batch: the row is the queue. ``claimed_until`` is until when a worker has it in hand."""

    batch = models.ForeignKey(StaffBatch, models.PROTECT, related_name="lines", verbose_name=_("批量开具"))
    position = models.PositiveIntegerField(_("序号"))
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("职工"))
    status = models.CharField(
        _("状态"), max_length=10, choices=choices(LINE_STATUS_LABELS), default=LineStatus.WAITING
    )
    claimed_until = models.DateTimeField(null=True, blank=True)
    certificate = models.OneToOneField(
        Certificate,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="batch_line",
        verbose_name=_("证明"),
    )
    why = models.CharField(_("原因"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("批量开具的职工")
        ordering = ("batch", "position")
        constraints = [
            one_of("status", LineStatus, name="staff_batch_line_status_known"),
            models.UniqueConstraint(fields=["batch", "position"], name="one_line_per_position"),
            models.UniqueConstraint(fields=["batch", "person"], name="one_line_per_person"),
            models.CheckConstraint(
                condition=Q(status="waiting", why="")
                | Q(status="made", why="", certificate__isnull=False)
                | (Q(status="failed") & ~Q(why="")),
                name="staff_batch_line_made_or_failed_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["batch"], condition=Q(status="waiting"), name="staff_batch_lines_to_do")
        ]
        triggers = [
            pgtrigger.FSM(
                name="staff_batch_line_moves_by_the_table",
                field="status",
                transitions=[(str(start), str(end)) for start, end in LINE_MOVES],
            ),
            pgtrigger.ReadOnly(name="staff_batch_line_stays", fields=["batch", "position", "person"]),
            pgtrigger.Protect(
                name="staff_batch_line_keeps_its_certificate",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__certificate__isnull=False)
                & pgtrigger.Q(old__certificate__df=pgtrigger.F("new__certificate")),
            ),
            pgtrigger.Protect(name="staff_batch_line_is_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.batch} · {self.position}"
