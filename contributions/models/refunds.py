"""Refunds: money of a receipt that paid nothing, or was taken back, on its way back to the account that it came from."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.books import Entry, Receipt
from contributions.models.guards import differs, illegal
from contributions.models.orders import Payment
from portal.columns import choices, one_of


class RefundWay(StrEnum):
    CHANNEL = "channel"
    BANK = "bank"


REFUND_WAY_LABELS = {RefundWay.CHANNEL: "原支付渠道退回", RefundWay.BANK: "银行转账退回"}


class RefundStatus(StrEnum):
    DRAFTED = "drafted"
    REFUSED = "refused"
    APPROVED = "approved"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


REFUND_STATUS_LABELS = {
    RefundStatus.DRAFTED: "待复核",
    RefundStatus.REFUSED: "复核未通过",
    RefundStatus.APPROVED: "已复核，待退回",
    RefundStatus.SENT: "已提交渠道，等待结果",
    RefundStatus.SUCCEEDED: "已退回",
    RefundStatus.FAILED: "退回失败",
}

# A transfer that staff make with the bank is never sent by the hall: its outcome follows its approval.
REFUND_MOVES = (
    (RefundStatus.DRAFTED, RefundStatus.REFUSED),
    (RefundStatus.DRAFTED, RefundStatus.APPROVED),
    (RefundStatus.APPROVED, RefundStatus.SENT),
    (RefundStatus.APPROVED, RefundStatus.SUCCEEDED),
    (RefundStatus.APPROVED, RefundStatus.FAILED),
    (RefundStatus.SENT, RefundStatus.SUCCEEDED),
    (RefundStatus.SENT, RefundStatus.FAILED),
)

# Refunds that came to nothing: their money may be given back by another.
IN_VAIN = (RefundStatus.REFUSED, RefundStatus.FAILED)
_IN_VAIN = ", ".join(f"'{status}'" for status in IN_VAIN)


class HeldReceipt(Receipt):
    """A receipt whose money paid nothing, or was taken back, as the collectors' queue shows it."""

    class Meta:
        proxy = True
        verbose_name = verbose_name_plural = _("待退回款项")


class Refund(models.Model):
    """Money of one receipt given back, under a number of ours that the channel knows and that is never used for another.

    One member of staff drafts it, another decides. The database lets the refunds of a receipt, those in vain left out, never
    come to more than was received, and gives back nothing that paid its charge but what was taken back of it (``TakenBack``).
    """

    number = models.CharField(_("退款号"), max_length=32, unique=True)
    receipt = models.ForeignKey(Receipt, models.PROTECT, related_name="refunds", verbose_name=_("到账记录"))
    amount_fen = models.BigIntegerField(_("金额（分）"))
    way = models.CharField(_("退回方式"), max_length=7, choices=choices(REFUND_WAY_LABELS))
    channel = models.CharField(_("渠道"), max_length=30)
    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, blank=True, related_name="refunds", verbose_name=_("支付")
    )
    account_number = models.CharField(_("收款账号"), max_length=40, blank=True)
    holder = models.CharField(_("户名"), max_length=60, blank=True)
    reason = models.CharField(_("退回原因"), max_length=80)
    status = models.CharField(
        _("状态"),
        max_length=9,
        choices=choices(REFUND_STATUS_LABELS),
        default=RefundStatus.DRAFTED,
    )
    key = models.UUIDField(unique=True)
    drafted_at = models.DateTimeField(_("经办时间"))
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="drafted_refunds", verbose_name=_("经办人")
    )
    decided_at = models.DateTimeField(_("复核时间"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="decided_refunds",
        verbose_name=_("复核人"),
    )
    # When the channel is spoken to next, and how often it was.
    ask_at = models.DateTimeField(_("下次查询"), null=True, blank=True)
    asked = models.PositiveIntegerField(_("查询次数"), default=0)
    provider_number = models.CharField(_("渠道或银行流水号"), max_length=64, blank=True)
    entry = models.OneToOneField(
        Entry, models.PROTECT, null=True, blank=True, related_name="refund", verbose_name=_("分录")
    )
    why = models.CharField(_("说明"), max_length=200, blank=True)
    ended_at = models.DateTimeField(_("完结时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("退款")
        constraints = [
            one_of("status", RefundStatus, name="refund_status_known"),
            one_of("way", RefundWay, name="refund_way_known"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="refund_amount_positive"),
            models.CheckConstraint(
                condition=Q(way="channel", payment__isnull=False)
                | (Q(way="bank", payment__isnull=True) & ~Q(account_number="") & ~Q(holder="")),
                name="refund_goes_where_it_came_from",
            ),
            models.CheckConstraint(
                condition=Q(status="drafted", decided_at__isnull=True, decided_by__isnull=True)
                | (~Q(status="drafted") & Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="refund_decided_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("drafted_by")),
                name="refund_decided_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=(Q(status="succeeded", entry__isnull=False) & ~Q(provider_number=""))
                | (~Q(status="succeeded") & Q(entry__isnull=True, provider_number="")),
                name="refund_booked_where_it_succeeded",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["refused", "failed"]) | ~Q(why=""),
                name="refund_in_vain_with_reason",
            ),
            models.UniqueConstraint(
                fields=["channel", "provider_number"],
                condition=~Q(provider_number=""),
                name="a_providers_number_is_one_refund",
            ),
        ]
        indexes = [
            models.Index(
                fields=["ask_at"], condition=Q(status__in=["approved", "sent"]), name="refund_to_ask"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="refunds_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "number",
                            "receipt_id",
                            "amount_fen",
                            "way",
                            "channel",
                            "payment_id",
                            "account_number",
                            "holder",
                            "reason",
                            "key",
                            "drafted_at",
                            "drafted_by_id",
                        ]
                    )
                    + " OR (OLD.status <> 'drafted' AND ("
                    + differs(["decided_at", "decided_by_id"])
                    + ")) OR "
                    + illegal("status", REFUND_MOVES)
                ),
            ),
            pgtrigger.Protect(name="refunds_are_kept", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="no_more_is_refunded_than_received",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("received", "bigint"), ("given", "bigint")],
                # The receipt stays locked until the transaction ends: two refunds of it are counted one after the other.
                func=f"""
                    PERFORM 1 FROM contributions_receipt WHERE id = NEW.receipt_id FOR NO KEY UPDATE;
                    SELECT CASE WHEN receipt.applied THEN taken_back.amount_fen ELSE receipt.amount_fen END INTO received
                    FROM contributions_receipt receipt
                    LEFT JOIN contributions_takenback taken_back ON taken_back.receipt_id = receipt.id
                    WHERE receipt.id = NEW.receipt_id;
                    SELECT coalesce(sum(amount_fen), 0) INTO given FROM contributions_refund
                    WHERE receipt_id = NEW.receipt_id AND status NOT IN ({_IN_VAIN});
                    IF received IS NULL OR given + NEW.amount_fen > received THEN
                        RAISE EXCEPTION 'receipt %: % of % fen are refunded, not % more',
                            NEW.receipt_id, given, received, NEW.amount_fen USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,  # noqa: S608 - the codes are constants
            ),
        ]

    def __str__(self) -> str:
        return self.number


class RefundEvent(models.Model):
    """One move of a refund: who, when, to where, and by what word of the provider."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="events", verbose_name=_("退款"))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    status = models.CharField(_("到达状态"), max_length=9, choices=choices(REFUND_STATUS_LABELS))
    note = models.CharField(_("说明"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("退款经过")
        ordering = ("at", "id")
        constraints = [
            models.UniqueConstraint(fields=["refund", "status"], name="a_refund_reaches_a_status_once")
        ]
        triggers = [
            pgtrigger.Protect(name="refund_events_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.refund_id} → {self.status}"
