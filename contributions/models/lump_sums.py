"""One sum for many months or years (一次性缴费单): what a person may pay by a day, the orders that
were placed for it, and what it brought once it was paid."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.account_movements import AccountMovement
from contributions.models.assessments import BILL_LIFE_CYCLE, BillStatus
from contributions.models.brought_in import BroughtIn
from contributions.models.guards import differs, illegal
from contributions.models.orders import Order
from portal.columns import choices, one_of
from portal.hall.models import Case
from portal.people.models import Person
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance


class LumpSum(models.Model):
    """What a case ended in: a sum that the person may pay whole until ``pay_by``, the last day.
    Nothing counts before it is paid; then ``movement`` is the credit and ``brought_in`` the months.

    ``months`` are bought; of residents' pension they are whole years, 12 each, and ``periods`` is
    empty, for a resident's year is no month of the employees' pension. ``periods`` are months
    [start, until) as text, ``wages`` yuan by year, ``derivation`` why it is the sum, in words.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="lump_sums", verbose_name=_("办件"))
    city = models.CharField(_("参保地"), max_length=30)
    person = models.ForeignKey(Person, models.PROTECT, related_name="lump_sums", verbose_name=_("参保人"))
    insurance = models.CharField(_("险种"), max_length=20, choices=choices(INSURANCE_LABELS))
    capacity = models.CharField(_("参保身份"), max_length=12, choices=choices(CAPACITY_LABELS))
    months = models.PositiveIntegerField(_("月数"))
    periods = models.JSONField(_("缴费月份"), default=list, blank=True)
    wages = models.JSONField(_("各年缴费工资（元）"), default=dict, blank=True)
    amount_fen = models.BigIntegerField(_("应缴金额（分）"))
    account_fen = models.BigIntegerField(_("划入个人账户（分）"))
    derivation = models.JSONField(_("计算过程"))
    pay_by = models.DateField(_("最后缴费日期"))
    drawn_at = models.DateTimeField(_("开具时间"))
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("开具人")
    )
    status = models.CharField(
        _("状态"), max_length=6, choices=choices(BILL_LIFE_CYCLE.labels), default=BillStatus.OPEN
    )
    ended_at = models.DateTimeField(_("完结时间"), null=True, blank=True)
    movement = models.OneToOneField(
        AccountMovement,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="lump_sum",
        verbose_name=_("个人账户变动"),
    )
    brought_in = models.OneToOneField(
        BroughtIn,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="lump_sum",
        verbose_name=_("计入的月份"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("一次性缴费单")
        constraints = [
            one_of("status", BillStatus, name="lump_sum_status_known"),
            one_of("insurance", Insurance, name="lump_sum_insurance_known"),
            one_of("capacity", Capacity, name="lump_sum_capacity_known"),
            models.CheckConstraint(
                condition=Q(
                    months__gt=0, amount_fen__gt=0, account_fen__gt=0, account_fen__lte=F("amount_fen")
                ),
                name="lump_sum_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(status="open", ended_at__isnull=True, movement__isnull=True)
                | Q(status="paid", ended_at__isnull=False, movement__isnull=False)
                | Q(status="lapsed", ended_at__isnull=False, movement__isnull=True),
                name="lump_sum_is_paid_by_its_movement",
            ),
            models.CheckConstraint(
                condition=(Q(status="paid") & ~Q(periods=[]) & Q(brought_in__isnull=False))
                | ((~Q(status="paid") | Q(periods=[])) & Q(brought_in__isnull=True)),
                name="lump_sum_counts_once_paid",
            ),
            models.UniqueConstraint(
                fields=["case"], condition=~Q(status="lapsed"), name="one_live_lump_sum_of_a_case"
            ),
        ]
        indexes = [
            models.Index(fields=["person", "-drawn_at"], name="lump_sum_by_person"),
            models.Index(fields=["pay_by"], condition=Q(status="open"), name="lump_sum_to_lapse"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="lump_sums_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "case_id",
                            "city",
                            "person_id",
                            "insurance",
                            "capacity",
                            "months",
                            "periods",
                            "wages",
                            "amount_fen",
                            "account_fen",
                            "derivation",
                            "pay_by",
                            "drawn_at",
                            "drawn_by_id",
                        ]
                    )
                    + " OR OLD.movement_id IS NOT NULL OR "
                    + illegal("status", BILL_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="lump_sums_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.case_id}: {self.amount_fen}"


class LumpSumPart(models.Model):
    """The one part of an order for a lump sum: the whole of it. ``live`` while the order is open or
    paid."""

    order = models.OneToOneField(Order, models.PROTECT, related_name="lump_sum", verbose_name=_("订单"))
    bill = models.ForeignKey(LumpSum, models.PROTECT, related_name="parts", verbose_name=_("一次性缴费单"))
    amount_fen = models.BigIntegerField(_("金额（分）"))
    live = models.BooleanField(default=True)

    class Meta:
        verbose_name = verbose_name_plural = _("订单中的一次性缴费")
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="lump_sum_part_amount_positive"),
            models.UniqueConstraint(
                fields=["bill"], condition=Q(live=True), name="a_lump_sum_is_in_one_live_order"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="lump_sum_parts_only_fall_away",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(["id", "order_id", "bill_id", "amount_fen"]) + " OR (NEW.live AND NOT OLD.live)"
                ),
            ),
            pgtrigger.Protect(name="lump_sum_parts_are_kept", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="a_lump_sum_is_ordered_whole",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM contributions_lumpsum bill
                        JOIN contributions_order orders ON orders.id = NEW.order_id
                        WHERE bill.id = NEW.bill_id AND bill.status = 'open' AND bill.amount_fen = NEW.amount_fen
                            AND (bill.person_id, bill.city) = (orders.person_id, orders.city)
                    ) THEN
                        RAISE EXCEPTION 'order % is not for the whole of an open lump sum of its person', NEW.order_id
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.amount_fen}"
