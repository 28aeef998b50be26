"""What two members of staff settle with a bank by hand: lines that it never answered, and answers
that contradict."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contributions.models.debit import BankFile, DebitBatch, DebitLine
from contributions.models.guards import differs, illegal
from portal.columns import by_another, choices, ended_by_someone, one_of, told_why
from portal.shared.life_cycle import LifeCycle, Stage


class SettlementWay(StrEnum):
    PAID = "paid"
    FAILED = "failed"
    NO_ANSWER = "no_answer"
    FIRST_STANDS = "first_stands"


SETTLEMENT_WAY_LABELS = {
    SettlementWay.PAID: "银行已扣款，按回单入账",
    SettlementWay.FAILED: "银行确认未扣款，记为失败",
    SettlementWay.NO_ANSWER: "结果文件不能采用，全部明细按银行未返回处理",
    SettlementWay.FIRST_STANDS: "以已采用的结果为准，后到的文件不采用",
}

# Ways that settle lines, and those that settle a file.
OF_LINES = (SettlementWay.PAID, SettlementWay.FAILED)


class SettlementStatus(StrEnum):
    DRAFTED = "drafted"
    REFUSED = "refused"
    APPROVED = "approved"


SETTLEMENT_LIFE_CYCLE = LifeCycle(
    SettlementStatus,
    {
        SettlementStatus.DRAFTED: Stage(
            "待复核", "warn", (SettlementStatus.REFUSED, SettlementStatus.APPROVED)
        ),
        SettlementStatus.REFUSED: Stage("复核未通过", "bad"),
        SettlementStatus.APPROVED: Stage("已复核，已生效", "good"),
    },
    begins=(SettlementStatus.DRAFTED,),
)


class Settlement(models.Model):
    """What is proposed for lines of a batch, or for a held file of it, by one member of staff and
    decided by another.

    ``evidence`` says how the bank answered: who, when, by which paper.
    """

    batch = models.ForeignKey(
        DebitBatch, models.PROTECT, related_name="settlements", verbose_name=_("托收批次")
    )
    way = models.CharField(_("处理方式"), max_length=12, choices=choices(SETTLEMENT_WAY_LABELS))
    file = models.ForeignKey(
        BankFile,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="settlements",
        verbose_name=_("结果文件"),
    )
    evidence = models.CharField(_("银行答复依据"), max_length=200)
    line_count = models.PositiveIntegerField(_("笔数"))
    sum_fen = models.BigIntegerField(_("金额（分）"))
    status = models.CharField(
        _("状态"),
        max_length=8,
        choices=choices(SETTLEMENT_LIFE_CYCLE.labels),
        default=SettlementStatus.DRAFTED,
    )
    key = models.UUIDField(unique=True)
    drafted_at = models.DateTimeField(_("经办时间"))
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="drafted_settlements",
        verbose_name=_("经办人"),
    )
    decided_at = models.DateTimeField(_("复核时间"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="decided_settlements",
        verbose_name=_("复核人"),
    )
    why = models.CharField(_("说明"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("托收疑点处理")
        constraints = [
            one_of("way", SettlementWay, name="settlement_way_known"),
            one_of("status", SettlementStatus, name="settlement_status_known"),
            models.CheckConstraint(
                condition=Q(way__in=[str(way) for way in OF_LINES], file__isnull=True, line_count__gt=0)
                | (~Q(way__in=[str(way) for way in OF_LINES]) & Q(file__isnull=False)),
                name="settlement_is_of_lines_or_of_a_file",
            ),
            models.CheckConstraint(condition=~Q(evidence=""), name="settlement_says_how_the_bank_answered"),
            ended_by_someone("decided", unless="drafted", name="settlement_decided_by_someone"),
            by_another("decided_by", "drafted_by", name="settlement_decided_by_a_second_person"),
            told_why("refused", name="settlement_refused_with_reason"),
            models.UniqueConstraint(
                fields=["file"],
                condition=Q(file__isnull=False) & ~Q(status="refused"),
                name="a_file_is_settled_once",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="settlements_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "batch_id",
                            "way",
                            "file_id",
                            "evidence",
                            "line_count",
                            "sum_fen",
                            "key",
                            "drafted_at",
                            "drafted_by_id",
                        ]
                    )
                    + " OR OLD.status <> 'drafted' OR "
                    + illegal("status", SETTLEMENT_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="settlements_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.way}"


class SettledLine(models.Model):
    """One line in a settlement, with the bank's own number where the bank took the money. ``live``
    until it is refused."""

    settlement = models.ForeignKey(
        Settlement, models.PROTECT, related_name="lines", verbose_name=_("托收疑点处理")
    )
    line = models.ForeignKey(
        DebitLine, models.PROTECT, related_name="settled_in", db_index=False, verbose_name=_("托收明细")
    )
    bank_number = models.CharField(_("银行回单流水号"), max_length=40, blank=True)
    live = models.BooleanField(default=True)

    class Meta:
        verbose_name = verbose_name_plural = _("托收疑点处理明细")
        constraints = [
            models.UniqueConstraint(fields=["line"], condition=Q(live=True), name="a_line_is_settled_once"),
            models.UniqueConstraint(
                fields=["bank_number"],
                condition=Q(live=True) & ~Q(bank_number=""),
                name="a_banks_number_proves_one_line",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="settled_lines_only_fall_away",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(["id", "settlement_id", "line_id", "bank_number"])
                    + " OR (NEW.live AND NOT OLD.live)"
                ),
            ),
            pgtrigger.Protect(name="settled_lines_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.settlement_id}: {self.line_id}"


class BankInquiry(models.Model):
    """That a bank was asked again about a batch's open lines, or for a whole answer: who asked,
    when and how."""

    batch = models.ForeignKey(
        DebitBatch, models.PROTECT, related_name="inquiries", verbose_name=_("托收批次")
    )
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    line_count = models.PositiveIntegerField(_("未返回笔数"))
    note = models.CharField(_("询问方式"), max_length=200)

    class Meta:
        verbose_name = verbose_name_plural = _("向银行询问")
        ordering = ("at", "id")
        constraints = [models.CheckConstraint(condition=~Q(note=""), name="inquiry_says_how")]
        triggers = [
            pgtrigger.Protect(name="inquiries_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.batch_id} {self.at:%Y-%m-%d}"
