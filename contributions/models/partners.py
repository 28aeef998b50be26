"""What partners and the hall settle between them: payments reversed the same day, the day's files
of both sides, and where they differ."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.guards import differs, illegal
from contributions.models.orders import Order, Payment
from portal.columns import choices, one_of
from portal.partners.models import Partner
from portal.shared.life_cycle import LifeCycle, Stage


class Reversal(models.Model):
    """A payment that a partner took and gave back itself (冲正): its order is undone, its months
    are owed as before. For good."""

    payment = models.OneToOneField(Payment, models.PROTECT, related_name="reversal", verbose_name=_("支付"))
    channel = models.CharField(_("渠道"), max_length=30)
    provider_number = models.CharField(_("渠道冲正流水号"), max_length=40)
    reason = models.CharField(_("冲正原因"), max_length=80)
    business_day = models.DateField(_("对账日"))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))

    class Meta:
        verbose_name = verbose_name_plural = _("冲正")
        constraints = [
            models.CheckConstraint(
                condition=~Q(provider_number="") & ~Q(reason=""), name="reversal_names_number_and_reason"
            ),
            models.UniqueConstraint(
                fields=["channel", "provider_number"], name="a_providers_number_is_one_reversal"
            ),
        ]
        indexes = [models.Index(fields=["channel", "business_day"], name="reversal_by_day")]
        triggers = [
            pgtrigger.Protect(name="reversals_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} {self.provider_number}"


class Side(StrEnum):
    OURS = "ours"
    THEIRS = "theirs"


SIDE_LABELS = {Side.OURS: "大厅记账", Side.THEIRS: "合作方记账"}


class DayFile(models.Model):
    """What one side booked of a partner's day, as a file: ours as it was made, theirs as it was
    sent. Never changed."""

    partner = models.ForeignKey(
        Partner, models.PROTECT, related_name="day_files", verbose_name=_("接口合作方")
    )
    day = models.DateField(_("对账日"))
    side = models.CharField(_("来源"), max_length=6, choices=choices(SIDE_LABELS))
    content = models.BinaryField(_("内容"))
    digest = models.CharField(_("摘要（SHA-256）"), max_length=64)
    line_count = models.PositiveIntegerField(_("笔数"))
    # Payments less reversals.
    sum_fen = models.BigIntegerField(_("净额（分）"))
    at = models.DateTimeField(_("生成或收到时间"))
    # When both sides of the day were compared; set once.
    compared_at = models.DateTimeField(_("比对时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("对账文件")
        constraints = [
            one_of("side", Side, name="day_file_side_known"),
            models.CheckConstraint(
                condition=Q(compared_at__isnull=True) | Q(side="theirs"), name="day_file_compared_is_theirs"
            ),
            models.UniqueConstraint(fields=["partner", "day", "side"], name="one_file_a_side_and_day"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="day_files_stay_as_they_are",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "partner_id",
                            "day",
                            "side",
                            "content",
                            "digest",
                            "line_count",
                            "sum_fen",
                            "at",
                        ]
                    )
                    + " OR OLD.compared_at IS NOT NULL"
                ),
            ),
            pgtrigger.Protect(name="day_files_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.partner.code} {self.day} {self.side}"


class Deed(StrEnum):
    PAYMENT = "payment"
    REVERSAL = "reversal"
    REQUEST = "request"


DEED_LABELS = {Deed.PAYMENT: "收款", Deed.REVERSAL: "冲正", Deed.REQUEST: "申请退回"}

# What a day's file holds.
FILED = (Deed.PAYMENT, Deed.REVERSAL)


class DayRow(models.Model):
    """One line of a day's file, as either side tells it."""

    file = models.ForeignKey(DayFile, models.PROTECT, related_name="rows", verbose_name=_("对账文件"))
    deed = models.CharField(_("业务"), max_length=8, choices=choices(DEED_LABELS))
    # The partner's number of the payment, also in the line of its reversal.
    provider_number = models.CharField(_("渠道流水号"), max_length=40)
    order_number = models.CharField(_("订单号"), max_length=40)
    amount_fen = models.BigIntegerField(_("金额（分）"))

    class Meta:
        verbose_name = verbose_name_plural = _("对账明细")
        constraints = [
            one_of("deed", list(FILED), name="day_row_deed_known"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="day_row_amount_positive"),
            models.UniqueConstraint(
                fields=["file", "deed", "provider_number"], name="a_deed_once_in_a_days_file"
            ),
        ]
        indexes = [models.Index(fields=["provider_number", "deed"], name="day_row_by_number")]
        triggers = [
            pgtrigger.Protect(name="day_rows_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.deed} {self.provider_number}"


class DifferenceKind(StrEnum):
    ONLY_OURS = "only_ours"
    ONLY_THEIRS = "only_theirs"
    AMOUNT = "amount"
    ORDER = "order"
    LATE = "late"


DIFFERENCE_KIND_LABELS = {
    DifferenceKind.ONLY_OURS: "大厅有，合作方没有",
    DifferenceKind.ONLY_THEIRS: "合作方有，大厅没有",
    DifferenceKind.AMOUNT: "金额不符",
    DifferenceKind.ORDER: "订单不符",
    DifferenceKind.LATE: "已过对账日，合作方要求撤销",
}


class DifferenceStatus(StrEnum):
    OPEN = "open"
    PROPOSED = "proposed"
    SETTLED = "settled"


DIFFERENCE_LIFE_CYCLE = LifeCycle(
    DifferenceStatus,
    {
        DifferenceStatus.OPEN: Stage("待处理", "warn", (DifferenceStatus.PROPOSED, DifferenceStatus.SETTLED)),
        DifferenceStatus.PROPOSED: Stage("待复核", "warn", (DifferenceStatus.OPEN, DifferenceStatus.SETTLED)),
        DifferenceStatus.SETTLED: Stage("已处理", "good"),
    },
    begins=(DifferenceStatus.OPEN,),
)


class Way(StrEnum):
    BOOK = "book"
    REVERSE = "reverse"
    REFUND = "refund"
    MARK = "mark"


WAY_LABELS = {
    Way.BOOK: "合作方已收款：按订单入账，订单已完结的转待退回",
    Way.REVERSE: "合作方未收款或已退给缴费人：冲正",
    Way.REFUND: "同意撤销缴费：各月恢复应缴，款项经合作方原路退回缴费人",
    Way.MARK: "不动账，注明原因",
}

# Ways that move money: another person decides.
MOVES_MONEY = (Way.BOOK, Way.REVERSE, Way.REFUND)


class Difference(models.Model):
    """Where a day's files of both sides differ in one deed, or what a partner asks for after the
    day. One member of staff says how it is settled; where money moves, another decides."""

    partner = models.ForeignKey(
        Partner, models.PROTECT, related_name="differences", verbose_name=_("接口合作方")
    )
    day = models.DateField(_("对账日"))
    deed = models.CharField(_("业务"), max_length=8, choices=choices(DEED_LABELS))
    kind = models.CharField(_("差异"), max_length=11, choices=choices(DIFFERENCE_KIND_LABELS))
    provider_number = models.CharField(_("渠道流水号"), max_length=40)
    # The city that it concerns, where the order is one of ours.
    city = models.CharField(_("城市"), max_length=30, blank=True)
    order_number = models.CharField(_("订单号"), max_length=40, blank=True)
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, blank=True, related_name="differences", verbose_name=_("订单")
    )
    ours_fen = models.BigIntegerField(_("大厅金额（分）"), null=True, blank=True)
    theirs_fen = models.BigIntegerField(_("合作方金额（分）"), null=True, blank=True)
    # Why a partner asks for a payment to be undone.
    asked_why = models.CharField(_("申请原因"), max_length=80, blank=True)
    found_at = models.DateTimeField(_("发现时间"))
    status = models.CharField(
        _("状态"),
        max_length=8,
        choices=choices(DIFFERENCE_LIFE_CYCLE.labels),
        default=DifferenceStatus.OPEN,
    )
    way = models.CharField(_("处理方式"), max_length=7, choices=choices(WAY_LABELS), blank=True)
    reason = models.CharField(_("依据"), max_length=200, blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("经办人"),
    )
    proposed_at = models.DateTimeField(_("经办时间"), null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("复核人"),
    )
    settled_at = models.DateTimeField(_("处理时间"), null=True, blank=True)
    # What was booked or reversed to settle it.
    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, blank=True, related_name="differences", verbose_name=_("支付")
    )
    reversal = models.ForeignKey(
        Reversal, models.PROTECT, null=True, blank=True, related_name="differences", verbose_name=_("冲正")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("对账差异")
        constraints = [
            one_of("deed", Deed, name="difference_deed_known"),
            one_of("kind", DifferenceKind, name="difference_kind_known"),
            one_of("status", DifferenceStatus, name="difference_status_known"),
            models.CheckConstraint(
                condition=(Q(deed="request", kind="late") & ~Q(asked_why=""))
                | (~Q(deed="request") & ~Q(kind="late") & Q(asked_why="")),
                name="difference_asked_for_with_reason",
            ),
            models.UniqueConstraint(
                fields=["partner", "day", "deed", "provider_number"], name="a_deed_differs_once_a_day"
            ),
            models.CheckConstraint(
                condition=Q(status="open", way="", proposed_by__isnull=True)
                | (~Q(status="open") & ~Q(way="") & ~Q(reason="") & Q(proposed_by__isnull=False)),
                name="difference_proposed_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(status="settled", settled_by__isnull=False, settled_at__isnull=False)
                | (~Q(status="settled") & Q(settled_by__isnull=True, settled_at__isnull=True)),
                name="difference_settled_by_someone",
            ),
            models.CheckConstraint(
                condition=~Q(status="settled")
                | Q(way="mark", payment__isnull=True, reversal__isnull=True)
                | (Q(way="book", payment__isnull=False) & ~Q(settled_by=F("proposed_by")))
                | (Q(way="reverse", reversal__isnull=False) & ~Q(settled_by=F("proposed_by")))
                | (Q(way="refund", payment__isnull=False) & ~Q(settled_by=F("proposed_by"))),
                name="money_moves_by_a_second_person",
            ),
        ]
        indexes = [
            models.Index(fields=["city", "day"], condition=~Q(status="settled"), name="difference_to_settle")
        ]
        triggers = [
            pgtrigger.Protect(
                name="differences_stay_as_found",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "partner_id",
                            "day",
                            "deed",
                            "kind",
                            "provider_number",
                            "city",
                            "order_number",
                            "order_id",
                            "ours_fen",
                            "theirs_fen",
                            "asked_why",
                            "found_at",
                        ]
                    )
                    + " OR OLD.status = 'settled' OR "
                    + illegal("status", DIFFERENCE_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="differences_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.partner.code} {self.day} {self.provider_number}"
