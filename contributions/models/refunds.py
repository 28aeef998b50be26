"""Refunds: money of a receipt that paid nothing, or was taken back, on its way back to the account
that it came from."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contributions.models.books import Entry, Receipt
from contributions.models.guards import differs, illegal, never_without
from contributions.models.orders import Payment
from portal.columns import by_another, choices, ended_by_someone, one_of
from portal.shared.life_cycle import LifeCycle, Stage


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


REFUND_LIFE_CYCLE = LifeCycle(
    RefundStatus,
    {
        RefundStatus.DRAFTED: Stage("待复核", "warn", (RefundStatus.REFUSED, RefundStatus.APPROVED)),
        RefundStatus.REFUSED: Stage("复核未通过", "bad"),
        # A transfer that staff make with the bank is never sent by the hall: its outcome follows
        # its approval.
        RefundStatus.APPROVED: Stage(
            "已复核，待退回", "warn", (RefundStatus.SENT, RefundStatus.SUCCEEDED, RefundStatus.FAILED)
        ),
        RefundStatus.SENT: Stage(
            "已提交渠道，等待结果", "warn", (RefundStatus.SUCCEEDED, RefundStatus.FAILED)
        ),
        RefundStatus.SUCCEEDED: Stage("已退回", "good"),
        RefundStatus.FAILED: Stage("退回失败", "bad"),
    },
    begins=(RefundStatus.DRAFTED,),
    events="contributions.RefundEvent",
)

# Refunds that came to nothing: their money may be given back by another.
IN_VAIN = (RefundStatus.REFUSED, RefundStatus.FAILED)
_IN_VAIN = ", ".join(f"'{status}'" for status in IN_VAIN)


class HeldReceipt(Receipt):
    """A receipt whose money paid nothing, or was taken back, as the collectors' queue shows it."""

    # Told by ``refunds.held``: what may go back of it in all, and what has gone or is about to.
    back_fen: int
    given_fen: int

    class Meta:
        proxy = True
        verbose_name = verbose_name_plural = _("待退回款项")

    @property
    def left_fen(self) -> int:
        """What a refund may still be drafted of."""
        return self.back_fen - self.given_fen


class Refund(models.Model):
    """Money given back to one payer in one sum, under a number of ours that the channel knows and
    that is never used for another.

    Its parts (``RefundPart``) say of which receipts. One member of staff drafts it, another
    decides.
    """

    number = models.CharField(_("退款号"), max_length=32, unique=True)
    city = models.CharField(_("城市"), max_length=30)
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
        choices=choices(REFUND_LIFE_CYCLE.labels),
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
    # That the bank did not make a transfer: one says so, another confirms it, and only then may its
    # money go by another refund.
    bounced_why = models.CharField(_("银行退票的原因"), max_length=200, blank=True)
    bounced_at = models.DateTimeField(_("登记退票时间"), null=True, blank=True)
    bounced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("登记退票人"),
    )
    failed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("退票复核人"),
    )
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
            ended_by_someone("decided", unless="drafted", name="refund_decided_by_someone"),
            by_another("decided_by", "drafted_by", name="refund_decided_by_a_second_person"),
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
                            "city",
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
                    + illegal("status", REFUND_LIFE_CYCLE)
                ),
            ),
            # Of updates only: what failed before December 2026 failed by one.
            pgtrigger.Protect(
                name="a_transfer_fails_by_two",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.way = 'bank' AND NEW.status = 'failed' AND OLD.status <> 'failed' AND (NEW.bounced_by_id IS NULL"
                    " OR NEW.failed_by_id IS NULL OR NEW.failed_by_id = NEW.bounced_by_id OR NEW.bounced_why = '')"
                ),
            ),
            pgtrigger.Protect(name="refunds_are_kept", operation=pgtrigger.Delete),
            never_without(
                "refunds_have_parts",
                table="contributions_refundpart",
                column="refund_id",
                says="refund % has no parts",
                named="number",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class RefundPart(models.Model):
    """What a refund gives back of one receipt; all parts of a refund come by one statement, and
    make its amount.

    The database lets the parts of a receipt, those of refunds in vain left out, never come to more
    than was received, and gives back nothing that paid its charge but what was taken back of it
    (``TakenBack``).
    """

    refund = models.ForeignKey(
        Refund, models.PROTECT, related_name="parts", db_index=False, verbose_name=_("退款")
    )
    receipt = models.ForeignKey(
        Receipt, models.PROTECT, related_name="refund_parts", verbose_name=_("到账记录")
    )
    amount_fen = models.BigIntegerField(_("金额（分）"))

    class Meta:
        verbose_name = verbose_name_plural = _("退款明细")
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="refund_part_amount_positive"),
            models.UniqueConstraint(fields=["refund", "receipt"], name="a_receipt_is_in_a_refund_once"),
        ]
        triggers = [
            pgtrigger.Protect(name="refund_parts_are_kept", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="no_more_is_refunded_than_received",
                level=pgtrigger.Statement,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                referencing=pgtrigger.Referencing(new="new_parts"),
                declare=[("wrong", "record")],
                # The receipts stay locked until the transaction ends: two refunds of one are
                # counted one after the other.
                func=f"""
                    PERFORM contributions_hold_receipts(ARRAY(SELECT receipt_id FROM new_parts));
                    SELECT receipt.id, sum(part.amount_fen) AS given INTO wrong
                    FROM contributions_receipt receipt
                    JOIN contributions_refundpart part ON part.receipt_id = receipt.id
                    JOIN contributions_refund refund ON refund.id = part.refund_id AND refund.status NOT IN ({_IN_VAIN})
                    LEFT JOIN contributions_takenback taken_back ON taken_back.receipt_id = receipt.id
                    WHERE receipt.id IN (SELECT receipt_id FROM new_parts)
                    GROUP BY receipt.id, taken_back.amount_fen
                    HAVING sum(part.amount_fen) >
                            CASE WHEN receipt.applied THEN coalesce(taken_back.amount_fen, 0) ELSE receipt.amount_fen END
                        OR bool_or(refund.channel <> receipt.channel)
                    LIMIT 1;
                    IF FOUND THEN
                        RAISE EXCEPTION 'receipt %: % fen are more than may go back by this road', wrong.id, wrong.given
                            USING ERRCODE = 'check_violation';
                    END IF;
                    -- Parts from before count too, so that nothing can be added to a refund once it stands.
                    IF EXISTS (
                        SELECT 1 FROM contributions_refundpart part JOIN contributions_refund refund ON refund.id = part.refund_id
                        WHERE refund.id IN (SELECT refund_id FROM new_parts)
                        GROUP BY refund.id HAVING sum(part.amount_fen) <> refund.amount_fen
                    ) THEN
                        RAISE EXCEPTION 'a refund is not the sum of its parts' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,  # noqa: S608 - the codes are constants
            ),
        ]

    def __str__(self) -> str:
        return f"{self.refund_id} {self.receipt_id} {self.amount_fen}"


class RefundEvent(models.Model):
    """One move of a refund: who, when, to where, and by what word of the provider."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="events", verbose_name=_("退款"))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    status = models.CharField(_("到达状态"), max_length=9, choices=choices(REFUND_LIFE_CYCLE.labels))
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
