"""Orders (缴费订单): charges taken together at one fixed sum, the payments that were tried for it,
and what providers said."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contributions.models.books import Entry
from contributions.models.charges import Charge
from contributions.models.guards import differs, illegal
from contributions.models.surcharges import Surcharge
from portal.columns import choices, one_of
from portal.people.models import Employer, Person
from portal.shared.life_cycle import LifeCycle, Stage


class OrderStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REVERSED = "reversed"


ORDER_LIFE_CYCLE = LifeCycle(
    OrderStatus,
    {
        OrderStatus.OPEN: Stage(
            "待支付", "warn", (OrderStatus.PAID, OrderStatus.CANCELLED, OrderStatus.EXPIRED)
        ),
        OrderStatus.PAID: Stage("缴费成功", "good", (OrderStatus.REVERSED,)),
        OrderStatus.CANCELLED: Stage("已取消", "quiet"),
        OrderStatus.EXPIRED: Stage("已过期", "quiet"),
        OrderStatus.REVERSED: Stage("已冲正", "quiet"),
    },
    begins=(OrderStatus.OPEN,),
    events="contributions.OrderEvent",
)


# An order that is one of these holds its charges: no other order takes them.
HOLDING = (OrderStatus.OPEN, OrderStatus.PAID)


class PaymentStatus(StrEnum):
    QUEUED = "queued"
    STARTED = "started"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CLOSED = "closed"
    HELD = "held"
    REVERSED = "reversed"


PAYMENT_LIFE_CYCLE = LifeCycle(
    PaymentStatus,
    {
        PaymentStatus.QUEUED: Stage(
            "待银行营业时间发起", "info", (PaymentStatus.STARTED, PaymentStatus.CLOSED)
        ),
        PaymentStatus.STARTED: Stage(
            "支付中",
            "info",
            (
                PaymentStatus.UNKNOWN,
                PaymentStatus.SUCCEEDED,
                PaymentStatus.FAILED,
                PaymentStatus.CLOSED,
                PaymentStatus.HELD,
            ),
        ),
        PaymentStatus.UNKNOWN: Stage(
            "结果待确认",
            "warn",
            (
                PaymentStatus.STARTED,
                PaymentStatus.SUCCEEDED,
                PaymentStatus.FAILED,
                PaymentStatus.CLOSED,
                PaymentStatus.HELD,
            ),
        ),
        # A payment that failed or was closed may turn out to have been made: the money is then
        # recorded, wherever it belongs.
        PaymentStatus.FAILED: Stage("支付失败", "bad", (PaymentStatus.SUCCEEDED, PaymentStatus.HELD)),
        PaymentStatus.CLOSED: Stage("已关闭", "quiet", (PaymentStatus.SUCCEEDED, PaymentStatus.HELD)),
        PaymentStatus.SUCCEEDED: Stage("支付成功", "good", (PaymentStatus.REVERSED,)),
        PaymentStatus.HELD: Stage("金额不符，已暂存", "warn"),
        PaymentStatus.REVERSED: Stage("已冲正", "quiet"),
    },
    begins=(PaymentStatus.QUEUED, PaymentStatus.STARTED),
    events="contributions.PaymentEvent",
)

# While a payment is one of these, no other is begun for its order.
UNDER_WAY = (PaymentStatus.QUEUED, PaymentStatus.STARTED, PaymentStatus.UNKNOWN)


class Order(models.Model):
    """What one person, or one employer, pays together: a sum fixed by the hall, to be paid before
    ``expires_at``.

    ``expires_at`` moves only where the bank's hours make the payment wait.
    """

    number = models.CharField(_("订单号"), max_length=40, unique=True)
    city = models.CharField(_("城市"), max_length=30)
    person = models.ForeignKey(
        Person,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        db_index=False,
        verbose_name=_("参保人"),
    )
    employer = models.ForeignKey(
        Employer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        db_index=False,
        verbose_name=_("单位"),
    )
    status = models.CharField(
        _("状态"), max_length=10, choices=choices(ORDER_LIFE_CYCLE.labels), default=OrderStatus.OPEN
    )
    line_count = models.PositiveIntegerField(_("笔数"))
    sum_fen = models.BigIntegerField(_("金额（分）"))
    # Whoever sends the same key with the same content gets the same order.
    key = models.UUIDField(unique=True)
    digest = models.CharField(max_length=64)
    placed_at = models.DateTimeField(_("下单时间"))
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders", verbose_name=_("下单人")
    )
    expires_at = models.DateTimeField(_("支付截止时间"))
    ended_at = models.DateTimeField(_("完结时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("缴费订单")
        constraints = [
            one_of("status", OrderStatus, name="order_status_known"),
            models.CheckConstraint(
                condition=Q(person__isnull=False, employer__isnull=True)
                | Q(person__isnull=True, employer__isnull=False),
                name="order_is_a_persons_or_an_employers",
            ),
            models.CheckConstraint(condition=Q(line_count__gt=0, sum_fen__gt=0), name="order_is_not_empty"),
            models.CheckConstraint(
                condition=Q(status="open", ended_at__isnull=True)
                | (~Q(status="open") & Q(ended_at__isnull=False)),
                name="order_ended_unless_open",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-placed_at"], name="order_by_person"),
            models.Index(
                fields=["employer", "-placed_at"],
                condition=Q(employer__isnull=False),
                name="order_by_employer",
            ),
            models.Index(fields=["expires_at"], condition=Q(status="open"), name="order_to_expire"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="orders_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "number",
                            "city",
                            "person_id",
                            "employer_id",
                            "line_count",
                            "sum_fen",
                            "key",
                            "digest",
                            "placed_at",
                            "placed_by_id",
                        ]
                    )
                    + " OR NEW.expires_at < OLD.expires_at OR "
                    + illegal("status", ORDER_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="orders_are_kept", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="orders_are_the_sum_of_their_lines",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM (
                            SELECT amount_fen FROM contributions_orderline WHERE order_id = NEW.id
                            UNION ALL
                            SELECT amount_fen FROM contributions_topup WHERE order_id = NEW.id
                            UNION ALL
                            SELECT amount_fen FROM contributions_lumpsumpart WHERE order_id = NEW.id
                        ) part
                        HAVING (count(*), coalesce(sum(amount_fen), 0)) <> (NEW.line_count, NEW.sum_fen)
                    ) THEN
                        RAISE EXCEPTION 'order % is not the sum of its lines', NEW.number USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.status == OrderStatus.OPEN


class OrderEvent(models.Model):
    """One move of an order: who, when, to where."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="events", verbose_name=_("订单"))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    status = models.CharField(_("到达状态"), max_length=10, choices=choices(ORDER_LIFE_CYCLE.labels))
    note = models.CharField(_("说明"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("订单经过")
        ordering = ("at", "id")
        constraints = [
            models.UniqueConstraint(fields=["order", "status"], name="an_order_reaches_a_status_once")
        ]
        triggers = [
            pgtrigger.Protect(name="order_events_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.order_id} → {self.status}"


class OrderLine(models.Model):
    """One charge in an order, with its surcharge where it has one: the amount is both. ``live``
    says the same as the order being open or paid; the index that keeps a charge out of two orders
    goes by it.

    ``made`` charges were made by this order and fall away with it where it is not paid;
    ``replaced`` is the charge of the same month that gave way to it, ``former_tier`` the tier that
    the month had before.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="lines", verbose_name=_("订单"))
    charge = models.ForeignKey(
        Charge, models.PROTECT, related_name="order_lines", db_index=False, verbose_name=_("应缴")
    )
    surcharge = models.ForeignKey(
        Surcharge,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="order_lines",
        verbose_name=_("利息或滞纳金"),
    )
    amount_fen = models.BigIntegerField(_("金额（分）"))
    live = models.BooleanField(default=True)
    made = models.BooleanField(_("随订单生成"), default=False)
    replaced = models.ForeignKey(
        Charge,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced_in",
        db_index=False,
        verbose_name=_("原应缴"),
    )
    former_tier = models.CharField(_("原缴费档次"), max_length=20, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("订单明细")
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="order_line_amount_positive"),
            models.CheckConstraint(
                condition=Q(made=True) | Q(replaced__isnull=True, former_tier=""),
                name="order_line_replaces_only_by_a_new_charge",
            ),
            models.UniqueConstraint(fields=["order", "charge"], name="a_charge_once_in_an_order"),
            models.UniqueConstraint(
                fields=["charge"], condition=Q(live=True), name="a_charge_is_in_one_live_order"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="order_lines_only_fall_away",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "order_id",
                            "charge_id",
                            "surcharge_id",
                            "amount_fen",
                            "made",
                            "replaced_id",
                            "former_tier",
                        ]
                    )
                    + " OR (NEW.live AND NOT OLD.live)"
                ),
            ),
            pgtrigger.Protect(name="order_lines_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.charge_id}"


class Payment(models.Model):
    """One try to pay an order through one channel, under a number of ours that the provider knows
    and that is never used again.

    ``live`` says the same as ``status`` being one of UNDER_WAY. ``credited`` payments paid their
    order, one each; money of the others lies in suspense.
    """

    number = models.CharField(_("支付号"), max_length=32, unique=True)
    order = models.ForeignKey(Order, models.PROTECT, related_name="payments", verbose_name=_("订单"))
    channel = models.CharField(_("渠道"), max_length=30)
    amount_fen = models.BigIntegerField(_("金额（分）"))
    status = models.CharField(_("状态"), max_length=10, choices=choices(PAYMENT_LIFE_CYCLE.labels))
    live = models.BooleanField(default=True)
    credited = models.BooleanField(_("已入账"), default=False)
    begun_at = models.DateTimeField(_("发起时间"))
    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="payments", verbose_name=_("发起人")
    )
    # When a payment that waits for the bank's hours is to be started.
    start_at = models.DateTimeField(_("自动发起时间"), null=True, blank=True)
    # What the channel asks of the payer; forgotten as soon as the provider has it.
    payer = models.JSONField(default=dict, blank=True)
    payer_account = models.CharField(_("付款账户"), max_length=40, blank=True)
    # How the payer goes on.
    redirect_url = models.TextField(blank=True)
    qr_text = models.TextField(blank=True)
    needs_code = models.BooleanField(default=False)
    # When the provider is asked next, and how often it was.
    ask_at = models.DateTimeField(_("下次查询"), null=True, blank=True)
    asked = models.PositiveIntegerField(_("查询次数"), default=0)
    provider_number = models.CharField(_("渠道流水号"), max_length=64, blank=True)
    received_fen = models.BigIntegerField(_("到账金额（分）"), null=True, blank=True)
    entry = models.OneToOneField(
        Entry,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="payment",
        verbose_name=_("分录"),
    )
    why = models.CharField(_("说明"), max_length=200, blank=True)
    ended_at = models.DateTimeField(_("完结时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("支付")
        constraints = [
            one_of("status", PaymentStatus, name="payment_status_known"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(live=True, status__in=[str(status) for status in UNDER_WAY])
                | (Q(live=False) & ~Q(status__in=[str(status) for status in UNDER_WAY])),
                name="payment_live_while_under_way",
            ),
            models.CheckConstraint(
                condition=(~Q(status="queued")) | Q(start_at__isnull=False),
                name="payment_queued_until_a_time",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["succeeded", "held", "reversed"],
                    entry__isnull=False,
                    received_fen__isnull=False,
                )
                & ~Q(provider_number="")
                | (
                    ~Q(status__in=["succeeded", "held", "reversed"])
                    & Q(entry__isnull=True, received_fen__isnull=True)
                ),
                name="payment_booked_where_money_came",
            ),
            models.CheckConstraint(
                condition=Q(credited=False) | Q(status__in=["succeeded", "reversed"]),
                name="payment_credited_only_by_success",
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(live=True), name="one_payment_under_way_per_order"
            ),
            models.UniqueConstraint(
                fields=["order"], condition=Q(credited=True), name="an_order_is_paid_once"
            ),
            models.UniqueConstraint(
                fields=["channel", "provider_number"],
                condition=~Q(provider_number=""),
                name="a_providers_number_is_one_payment",
            ),
        ]
        indexes = [
            models.Index(fields=["ask_at"], condition=Q(live=True), name="payment_to_ask"),
            models.Index(fields=["start_at"], condition=Q(status="queued"), name="payment_to_start"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="payments_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(["id", "number", "order_id", "channel", "amount_fen", "begun_at", "begun_by_id"])
                    + " OR (OLD.entry_id IS NOT NULL AND ("
                    + differs(["entry_id", "provider_number", "received_fen", "credited"])
                    + ")) OR "
                    + illegal("status", PAYMENT_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="payments_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.number


class PaymentEvent(models.Model):
    """One move of a payment: who, when, to where, and by what word of the provider."""

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="events", verbose_name=_("支付"))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    status = models.CharField(_("到达状态"), max_length=10, choices=choices(PAYMENT_LIFE_CYCLE.labels))
    note = models.CharField(_("说明"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("支付经过")
        ordering = ("at", "id")
        triggers = [
            pgtrigger.Protect(name="payment_events_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} → {self.status}"


class Verdict(StrEnum):
    APPLIED = "applied"
    FORGED = "forged"
    STRANGE = "strange"


VERDICT_LABELS = {
    Verdict.APPLIED: "已处理",
    Verdict.FORGED: "验签不通过，未采用",
    Verdict.STRANGE: "没有这笔支付",
}


class ForgedNotices(models.Model):
    """How many callbacks without a good signature arrived for a channel on a day; only the first of
    them are kept each."""

    channel = models.CharField(_("渠道"), max_length=30)
    day = models.DateField(_("日期"))
    count = models.PositiveBigIntegerField(_("次数"))

    class Meta:
        verbose_name = verbose_name_plural = _("验签不通过的支付通知")
        constraints = [
            models.UniqueConstraint(fields=["channel", "day"], name="forged_notices_are_counted_once_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.day}: {self.count}"


class PaymentNotice(models.Model):
    """One callback that arrived, as often as it arrived: the digest of its body, and what was made
    of it. Of those that nobody signed only the first of a day are here (``ForgedNotices``)."""

    channel = models.CharField(_("渠道"), max_length=30)
    received_at = models.DateTimeField(_("收到时间"))
    digest = models.CharField(_("报文摘要"), max_length=64)
    size = models.PositiveIntegerField(_("字节数"))
    verdict = models.CharField(_("处理"), max_length=8, choices=choices(VERDICT_LABELS))
    payment = models.ForeignKey(
        Payment, models.PROTECT, null=True, blank=True, related_name="notices", verbose_name=_("支付")
    )
    said = models.CharField(_("渠道所述"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("支付通知")
        constraints = [one_of("verdict", Verdict, name="notice_verdict_known")]
        indexes = [models.Index(fields=["-received_at"], name="notice_by_time")]
        triggers = [pgtrigger.Protect(name="notices_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.channel} {self.received_at:%Y-%m-%d %H:%M:%S}"
