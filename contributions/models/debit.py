"""The monthly debit: batches, their lines and files, and how far they have come."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.bank_files.results import REASON_LABELS, Reason
from contributions.models.assessments import Assessment
from contributions.models.charges import Charge
from contributions.models.guards import differs, illegal
from contributions.models.surcharges import Surcharge
from portal.columns import MonthField, choices, ended_by_someone, first_of_month, one_of, told_why
from portal.shared.life_cycle import LifeCycle, Stage


class BatchStatus(StrEnum):
    OPENED = "opened"
    RELEASED = "released"
    SENT = "sent"
    HELD = "held"
    ANSWERED = "answered"
    POSTED = "posted"
    CLOSED = "closed"


BATCH_LIFE_CYCLE = LifeCycle(
    BatchStatus,
    {
        BatchStatus.OPENED: Stage("待核对放行", "warn", (BatchStatus.RELEASED,)),
        BatchStatus.RELEASED: Stage("待送银行", "info", (BatchStatus.SENT,)),
        BatchStatus.SENT: Stage("已送银行", "info", (BatchStatus.HELD, BatchStatus.ANSWERED)),
        BatchStatus.HELD: Stage("结果有疑，已暂缓", "bad", (BatchStatus.ANSWERED,)),
        BatchStatus.ANSWERED: Stage("已收结果，记账中", "info", (BatchStatus.POSTED,)),
        BatchStatus.POSTED: Stage("已记账，待关闭", "warn", (BatchStatus.CLOSED,)),
        BatchStatus.CLOSED: Stage("已关闭", "good"),
    },
    begins=(BatchStatus.OPENED,),
    events="contributions.BatchEvent",
)


class LineStatus(StrEnum):
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    MISSING = "missing"


LINE_LIFE_CYCLE = LifeCycle(
    LineStatus,
    {
        LineStatus.PENDING: Stage(
            "待银行处理", "quiet", (LineStatus.PAID, LineStatus.FAILED, LineStatus.MISSING)
        ),
        LineStatus.PAID: Stage("扣款成功", "good"),
        LineStatus.FAILED: Stage("扣款失败", "bad"),
        LineStatus.MISSING: Stage("银行未返回", "warn", (LineStatus.PAID, LineStatus.FAILED)),
    },
    begins=(LineStatus.PENDING,),
)


# While a line is one of these its charge cannot be drawn again. Missing is among them: nobody knows
# yet whether the bank took the money, and nothing is drawn twice before that is known.
DRAWING = (LineStatus.PENDING, LineStatus.PAID, LineStatus.MISSING)


class Direction(StrEnum):
    OUT = "out"
    IN = "in"


DIRECTION_LABELS = {Direction.OUT: "送银行", Direction.IN: "银行返回"}


class FileStatus(StrEnum):
    ACCEPTED = "accepted"
    HELD = "held"


FILE_LIFE_CYCLE = LifeCycle(
    FileStatus,
    {
        FileStatus.ACCEPTED: Stage("已采用", "good"),
        FileStatus.HELD: Stage("已暂缓", "bad"),
    },
    begins=(FileStatus.ACCEPTED, FileStatus.HELD),
)


class Payer(StrEnum):
    """Whose accounts a batch draws on: people's, a charge a line, or employers', an assessment a
    line."""

    PEOPLE = "people"
    EMPLOYERS = "employers"


PAYER_LABELS = {Payer.PEOPLE: "个人缴费人员", Payer.EMPLOYERS: "用人单位"}


class DebitBatch(models.Model):
    """One debit file (托收批次): frozen count and sum, who let it go, what the bank answered, and
    how far it has come.

    ``second_person`` is the city's rule when the batch was opened: then nobody releases what they
    opened.
    """

    number = models.CharField(_("批次号"), max_length=30, unique=True)
    city = models.CharField(_("城市"), max_length=30)
    month = MonthField(_("托收月份"))
    bank = models.CharField(_("银行"), max_length=20)
    payer = models.CharField(
        _("托收对象"), max_length=10, choices=choices(PAYER_LABELS), default=Payer.PEOPLE
    )
    round = models.PositiveSmallIntegerField(_("轮次"), default=1)
    status = models.CharField(
        _("状态"), max_length=10, choices=choices(BATCH_LIFE_CYCLE.labels), default=BatchStatus.OPENED
    )
    line_count = models.PositiveIntegerField(_("笔数"))
    total_fen = models.BigIntegerField(_("金额（分）"))
    file_name = models.CharField(_("文件名"), max_length=120, blank=True)
    file_digest = models.CharField(_("文件摘要"), max_length=64, blank=True)
    opened_at = models.DateTimeField(_("开批时间"))
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="opened_batches", verbose_name=_("开批人")
    )
    second_person = models.BooleanField(_("须第二人放行"), default=False)
    released_at = models.DateTimeField(_("放行时间"), null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="released_batches",
        verbose_name=_("放行人"),
    )
    closed_at = models.DateTimeField(_("关闭时间"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="closed_batches",
        verbose_name=_("关闭人"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("托收批次")
        constraints = [
            one_of("status", BatchStatus, name="batch_status_known"),
            one_of("payer", Payer, name="batch_payer_known"),
            first_of_month("month", name="batch_month_is_month"),
            models.CheckConstraint(condition=Q(line_count__gt=0, total_fen__gt=0), name="batch_is_not_empty"),
            models.CheckConstraint(
                condition=Q(status__in=["opened", "released"]) | (~Q(file_name="") & ~Q(file_digest="")),
                name="batch_sent_with_its_file",
            ),
            models.CheckConstraint(
                condition=(~Q(status="closed") & Q(closed_at__isnull=True, closed_by__isnull=True))
                | Q(status="closed", closed_at__isnull=False, closed_by__isnull=False),
                name="batch_closed_by_someone",
            ),
            ended_by_someone("released", unless="opened", name="batch_released_by_someone"),
            models.CheckConstraint(
                condition=Q(second_person=False)
                | Q(released_by__isnull=True)
                | ~Q(released_by=F("opened_by")),
                name="batch_released_by_a_second_person",
            ),
            models.UniqueConstraint(
                fields=["city", "month", "bank", "payer", "round"], name="one_batch_per_month_bank_and_round"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="batches_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "number",
                            "city",
                            "month",
                            "bank",
                            "payer",
                            "round",
                            "line_count",
                            "total_fen",
                            "opened_at",
                            "opened_by_id",
                            "second_person",
                        ]
                    )
                    + " OR (OLD.status <> 'opened' AND ("
                    + differs(["released_at", "released_by_id"])
                    + ")) OR (OLD.status NOT IN ('opened', 'released') AND ("
                    + differs(["file_name", "file_digest"])
                    + "))"
                    + " OR "
                    + illegal("status", BATCH_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="batches_are_kept", operation=pgtrigger.Delete),
        ]

    @property
    def receipt_channel(self) -> str:
        """The channel of its receipts; our own batch number and sequence are the number of each,
        for the bank echoes them."""
        return f"debit:{self.bank}"

    def __str__(self) -> str:
        return self.number


class BatchEvent(models.Model):
    """One move of a batch: who, when, to where."""

    batch = models.ForeignKey(DebitBatch, models.PROTECT, related_name="events", verbose_name=_("批次"))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    status = models.CharField(_("到达状态"), max_length=10, choices=choices(BATCH_LIFE_CYCLE.labels))
    note = models.TextField(_("说明"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("批次经过")
        ordering = ("at", "id")
        constraints = [
            models.UniqueConstraint(fields=["batch", "status"], name="a_batch_reaches_a_status_once")
        ]
        triggers = [
            pgtrigger.Protect(name="batch_events_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} → {self.status}"


class DebitLine(models.Model):
    """One charge in one debit file, with the account and amount as sent. ``sequence`` counts from 1
    within the batch. The amount is the charge's and, where there is one, its surcharge's.

    In an employers' batch it is one assessment, whole: the bank debits one sum, and it pays all of
    the month's charges or none. ``left_out`` are the charges within the assessment's ids that had
    fallen away before the line was made.

    ``drawing`` says the same as ``status`` being one of DRAWING; the index that keeps a charge from
    being drawn twice goes by it.
    """

    batch = models.ForeignKey(
        DebitBatch, models.PROTECT, related_name="lines", db_index=False, verbose_name=_("批次")
    )
    sequence = models.PositiveIntegerField(_("序号"))
    charge = models.ForeignKey(
        Charge,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="debit_lines",
        db_index=False,
        verbose_name=_("应缴"),
    )
    assessment = models.ForeignKey(
        Assessment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="debit_lines",
        db_index=False,
        verbose_name=_("单位核定单"),
    )
    left_out = ArrayField(models.BigIntegerField(), null=True, blank=True)
    surcharge = models.ForeignKey(
        Surcharge,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="debit_lines",
        db_index=False,
        verbose_name=_("利息或滞纳金"),
    )
    account_number = models.CharField(_("账号"), max_length=32)
    holder = models.CharField(_("户名"), max_length=60)
    amount_fen = models.BigIntegerField(_("金额（分）"))
    status = models.CharField(
        _("状态"), max_length=8, choices=choices(LINE_LIFE_CYCLE.labels), default=LineStatus.PENDING
    )
    drawing = models.BooleanField(default=True)
    # One of banks.results.Reason, whatever the bank's own code was.
    reason_code = models.CharField(_("失败原因"), max_length=12, blank=True, choices=choices(REASON_LABELS))
    bank_reference = models.CharField(_("银行流水号"), max_length=40, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("托收明细")
        constraints = [
            one_of("status", LineStatus, name="line_status_known"),
            models.CheckConstraint(
                condition=Q(drawing=True, status__in=[str(status) for status in DRAWING])
                | Q(drawing=False, status="failed"),
                name="line_drawing_unless_failed",
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="line_amount_positive"),
            models.CheckConstraint(
                condition=Q(charge__isnull=False, assessment__isnull=True, left_out__isnull=True)
                | Q(charge__isnull=True, assessment__isnull=False, surcharge__isnull=True),
                name="line_is_a_charge_or_an_assessment",
            ),
            models.CheckConstraint(
                condition=Q(status="failed", reason_code__in=[str(reason) for reason in Reason])
                | (~Q(status="failed") & Q(reason_code="")),
                name="line_failed_with_reason",
            ),
            models.UniqueConstraint(fields=["batch", "sequence"], name="one_line_per_sequence"),
            models.UniqueConstraint(fields=["charge", "batch"], name="a_charge_once_in_a_batch"),
            models.UniqueConstraint(
                fields=["charge"], condition=Q(drawing=True), name="a_charge_is_drawn_once"
            ),
            models.UniqueConstraint(
                fields=["assessment"],
                condition=Q(drawing=True, assessment__isnull=False),
                name="an_assessment_is_drawn_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["assessment"], condition=Q(assessment__isnull=False), name="line_of_an_assessment"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="lines_only_change_result",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "batch_id",
                            "sequence",
                            "charge_id",
                            "assessment_id",
                            "left_out",
                            "surcharge_id",
                            "account_number",
                            "holder",
                            "amount_fen",
                        ]
                    )
                    + " OR "
                    + illegal("status", LINE_LIFE_CYCLE)
                    + " OR (OLD.status = NEW.status AND ("
                    + differs(["reason_code", "bank_reference"])
                    + "))"
                ),
            ),
            pgtrigger.Protect(name="lines_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}-{self.sequence}"

    @property
    def of_charge(self) -> Charge:
        """The charge that it draws; ValueError for one that draws an assessment."""
        if self.charge is None:
            raise ValueError(f"{self} draws an assessment")
        return self.charge

    @property
    def of_assessment(self) -> Assessment:
        """The assessment that it draws; ValueError for one that draws a charge."""
        if self.assessment is None:
            raise ValueError(f"{self} draws a charge")
        return self.assessment


class PostingChunk(models.Model):
    """A stretch of a batch's lines [first, last] that is posted in one transaction; the row is the
    queue."""

    batch = models.ForeignKey(DebitBatch, models.PROTECT, related_name="chunks")
    number = models.PositiveIntegerField()
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    posted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="one_chunk_per_number"),
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="chunk_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.number}"


class BankFile(models.Model):
    """A file that went to a bank or came from it; the same content is one row however often it
    arrives."""

    batch = models.ForeignKey(
        DebitBatch, models.PROTECT, null=True, blank=True, related_name="files", verbose_name=_("批次")
    )
    direction = models.CharField(_("方向"), max_length=3, choices=choices(DIRECTION_LABELS))
    name = models.CharField(_("文件名"), max_length=200)
    digest = models.CharField(_("摘要"), max_length=64)
    size = models.BigIntegerField(_("字节数"))
    received_at = models.DateTimeField(_("时间"))
    status = models.CharField(_("处理"), max_length=10, choices=choices(FILE_LIFE_CYCLE.labels))
    why = models.TextField(_("说明"), blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("银行文件")
        ordering = ("received_at", "id")
        constraints = [
            one_of("direction", Direction, name="bank_file_direction_known"),
            one_of("status", FileStatus, name="bank_file_status_known"),
            told_why("held", name="bank_file_held_with_reason"),
            models.UniqueConstraint(fields=["direction", "digest"], name="the_same_file_counts_once"),
            models.UniqueConstraint(
                fields=["batch", "direction"],
                condition=Q(status="accepted"),
                name="one_accepted_file_each_way",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="bank_files_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.name
