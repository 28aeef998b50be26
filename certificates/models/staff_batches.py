"""Batches of proofs for many of an employer's staff."""

from enum import StrEnum

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from certificates.models.certificates import Certificate
from portal.accounts.models import User
from portal.columns import choices, one_of
from portal.hall.models import Case
from portal.people.models import Employer, Person
from portal.shared.life_cycle import LifeCycle, Stage


class BatchStatus(StrEnum):
    MAKING = "making"
    READY = "ready"
    EXPIRED = "expired"


BATCH_LIFE_CYCLE = LifeCycle(
    BatchStatus,
    {
        BatchStatus.MAKING: Stage("正在开具", "info", (BatchStatus.READY,)),
        # A retry of failed lines makes the archive again.
        BatchStatus.READY: Stage("可以下载", "good", (BatchStatus.MAKING, BatchStatus.EXPIRED)),
        BatchStatus.EXPIRED: Stage("已过下载期", "quiet"),
    },
    begins=(BatchStatus.MAKING,),
)


class StaffBatch(models.Model):
    """A batch of proofs for an employer's staff: a certificate for each person, and one archive of
    all.

    ``asked`` comes from the case's answers; ``frozen_at`` is the moment of the data in all proofs.
    Only ``staff_batches`` writes.
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
        _("状态"), max_length=10, choices=choices(BATCH_LIFE_CYCLE.labels), default=BatchStatus.MAKING
    )
    # The archive: its name in the store of documents, its SHA-256, its size in bytes, and the last
    # day on which it is kept.
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
                transitions=BATCH_LIFE_CYCLE.transitions,
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


LINE_LIFE_CYCLE = LifeCycle(
    LineStatus,
    {
        LineStatus.WAITING: Stage("等待", "quiet", (LineStatus.MADE, LineStatus.FAILED)),
        LineStatus.MADE: Stage("已开具", "good"),
        LineStatus.FAILED: Stage("未能开具", "bad", (LineStatus.WAITING,)),
    },
    begins=(LineStatus.WAITING,),
)


class StaffBatchLine(models.Model):
    """One member of staff in a batch; waiting rows are the queue. ``claimed_until`` is the end of a
    worker's claim."""

    batch = models.ForeignKey(StaffBatch, models.PROTECT, related_name="lines", verbose_name=_("批量开具"))
    position = models.PositiveIntegerField(_("序号"))
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("职工"))
    status = models.CharField(
        _("状态"), max_length=10, choices=choices(LINE_LIFE_CYCLE.labels), default=LineStatus.WAITING
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
                transitions=LINE_LIFE_CYCLE.transitions,
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
