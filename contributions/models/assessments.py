"""An employer's month: what was assessed (核定), who confirmed it, and the bills by which employers
pay late months."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.charges import Charge
from contributions.models.guards import differs, illegal
from contributions.models.surcharges import Surcharge
from portal.columns import MonthField, choices, ended_by_someone, first_of_month, one_of
from portal.hall.models import Case
from portal.people.models import Employer
from portal.shared.life_cycle import LifeCycle, Stage


class AssessmentStatus(StrEnum):
    DRAWN_UP = "drawn_up"
    CONFIRMED = "confirmed"
    PAID = "paid"
    REPLACED = "replaced"


ASSESSMENT_LIFE_CYCLE = LifeCycle(
    AssessmentStatus,
    {
        # What is paid otherwise before the clerk has confirmed it is paid all the same.
        AssessmentStatus.DRAWN_UP: Stage(
            "待单位确认",
            "warn",
            (AssessmentStatus.CONFIRMED, AssessmentStatus.PAID, AssessmentStatus.REPLACED),
        ),
        AssessmentStatus.CONFIRMED: Stage(
            "已确认，待缴款", "info", (AssessmentStatus.PAID, AssessmentStatus.REPLACED)
        ),
        # What paid it was booked wrongly and is taken back.
        AssessmentStatus.PAID: Stage("已缴清", "good", (AssessmentStatus.REPLACED,)),
        AssessmentStatus.REPLACED: Stage("已更正", "quiet"),
    },
    begins=(AssessmentStatus.DRAWN_UP,),
    events="contributions.AssessmentEvent",
)


class ChargeIds(Func):
    """The SQL range of the charges' ids (after, last]."""

    function = "INT8RANGE"
    output_field = BigIntegerRangeField()

    def __init__(self) -> None:
        super().__init__("after", "last", RangeBoundary(inclusive_lower=False, inclusive_upper=True))


class Assessment(models.Model):
    """What an employer owes for a month: its live charges with ids in (after, last], summed when it
    was drawn up and frozen.

    Charges are only appended, so that two ids name thousands of lines. Round 0 is the month's own;
    charges that come later are assessed in a further round, and one whose charges fell away since
    is replaced. No charge stands in two.
    """

    city = models.CharField(_("参保地"), max_length=30)
    employer = models.ForeignKey(
        Employer, models.PROTECT, related_name="assessments", db_index=False, verbose_name=_("单位")
    )
    month = MonthField(_("所属月份"))
    round = models.PositiveSmallIntegerField(_("批次"), default=0)
    after = models.BigIntegerField()
    last = models.BigIntegerField()
    people = models.PositiveIntegerField(_("人数"))
    charges = models.PositiveIntegerField(_("笔数"))
    sum_fen = models.BigIntegerField(_("应缴合计（分）"))
    personal_fen = models.BigIntegerField(_("个人缴纳（分）"))
    employer_fen = models.BigIntegerField(_("单位缴纳（分）"))
    # SHA-256 over the charges, as ``assessment.DIGEST`` writes it.
    digest = models.CharField(_("内容摘要"), max_length=64)
    due_on = models.DateField(_("缴费期限"))
    status = models.CharField(
        _("状态"),
        max_length=10,
        choices=choices(ASSESSMENT_LIFE_CYCLE.labels),
        default=AssessmentStatus.DRAWN_UP,
    )
    drawn_at = models.DateTimeField(_("核定时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("单位核定单")
        constraints = [
            one_of("status", AssessmentStatus, name="assessment_status_known"),
            first_of_month("month", name="assessment_month_is_month"),
            models.CheckConstraint(
                condition=Q(
                    people__gt=0,
                    charges__gte=F("people"),
                    sum_fen__gt=0,
                    last__gt=F("after"),
                    sum_fen=F("personal_fen") + F("employer_fen"),
                ),
                name="assessment_is_not_empty",
            ),
            models.UniqueConstraint(
                fields=["employer", "month", "round"], name="one_assessment_per_employer_month_and_round"
            ),
            ExclusionConstraint(
                name="a_charge_stands_in_one_assessment",
                expressions=[
                    (F("employer"), RangeOperators.EQUAL),
                    (F("month"), RangeOperators.EQUAL),
                    (ChargeIds(), RangeOperators.OVERLAPS),
                ],
                condition=~Q(status="replaced"),
            ),
        ]
        indexes = [models.Index(fields=["city", "month", "status"], name="assessment_by_city_and_month")]
        triggers = [
            pgtrigger.Protect(
                name="assessments_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "city",
                            "employer_id",
                            "month",
                            "round",
                            "after",
                            "last",
                            "people",
                            "charges",
                            "sum_fen",
                            "personal_fen",
                            "employer_fen",
                            "digest",
                            "due_on",
                            "drawn_at",
                        ]
                    )
                    + " OR "
                    + illegal("status", ASSESSMENT_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="assessments_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.employer_id} {self.month} #{self.round}"


class AssessmentEvent(models.Model):
    """One move of an assessment: who, when, to where."""

    assessment = models.ForeignKey(
        Assessment, models.PROTECT, related_name="events", verbose_name=_("核定单")
    )
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    status = models.CharField(_("到达状态"), max_length=10, choices=choices(ASSESSMENT_LIFE_CYCLE.labels))
    note = models.CharField(_("说明"), max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("核定单经过")
        ordering = ("at", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "status"], name="an_assessment_reaches_a_status_once"
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="assessment_events_are_kept", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.assessment_id} → {self.status}"


class BillStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"
    LAPSED = "lapsed"


BILL_LIFE_CYCLE = LifeCycle(
    BillStatus,
    {
        BillStatus.OPEN: Stage("待缴款", "warn", (BillStatus.PAID, BillStatus.LAPSED)),
        # It lapses where what paid it was booked wrongly and is taken back.
        BillStatus.PAID: Stage("已缴清", "good", (BillStatus.LAPSED,)),
        BillStatus.LAPSED: Stage("已失效", "quiet"),
    },
    begins=(BillStatus.OPEN,),
)


class ArrearsBill(models.Model):
    """补缴单: late months of an employer with the late fee up to ``pay_on``, the last day on which
    it can be paid."""

    city = models.CharField(_("参保地"), max_length=30)
    employer = models.ForeignKey(
        Employer, models.PROTECT, related_name="arrears_bills", verbose_name=_("单位")
    )
    case = models.OneToOneField(Case, models.PROTECT, related_name="arrears_bill", verbose_name=_("办件"))
    pay_on = models.DateField(_("缴款日期"))
    charges = models.PositiveIntegerField(_("笔数"))
    principal_fen = models.BigIntegerField(_("应缴合计（分）"))
    surcharge_fen = models.BigIntegerField(_("滞纳金合计（分）"))
    status = models.CharField(
        _("状态"), max_length=6, choices=choices(BILL_LIFE_CYCLE.labels), default=BillStatus.OPEN
    )
    drawn_at = models.DateTimeField(_("核定时间"))
    ended_at = models.DateTimeField(_("完结时间"), null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, verbose_name=_("完结操作人")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("单位补缴单")
        constraints = [
            one_of("status", BillStatus, name="arrears_bill_status_known"),
            models.CheckConstraint(
                condition=Q(charges__gt=0, principal_fen__gt=0, surcharge_fen__gte=0),
                name="arrears_bill_is_not_empty",
            ),
            ended_by_someone("ended", unless="open", name="arrears_bill_ended_unless_open"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="arrears_bills_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "city",
                            "employer_id",
                            "case_id",
                            "pay_on",
                            "charges",
                            "principal_fen",
                            "surcharge_fen",
                            "drawn_at",
                        ]
                    )
                    + " OR OLD.status = 'lapsed' OR "
                    + illegal("status", BILL_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="arrears_bills_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.employer_id} {self.pay_on}"

    @property
    def sum_fen(self) -> int:
        return self.principal_fen + self.surcharge_fen


class ArrearsLine(models.Model):
    """One late charge on a bill with its late fee. ``live`` says the same as the bill being open or
    paid."""

    bill = models.ForeignKey(ArrearsBill, models.PROTECT, related_name="lines", verbose_name=_("补缴单"))
    charge = models.ForeignKey(
        Charge, models.PROTECT, related_name="arrears_lines", db_index=False, verbose_name=_("应缴")
    )
    surcharge = models.OneToOneField(
        Surcharge,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="arrears_line",
        verbose_name=_("滞纳金"),
    )
    live = models.BooleanField(default=True)

    class Meta:
        verbose_name = verbose_name_plural = _("补缴单明细")
        constraints = [
            models.UniqueConstraint(fields=["bill", "charge"], name="a_charge_once_in_a_bill"),
            models.UniqueConstraint(
                fields=["charge"], condition=Q(live=True), name="a_charge_is_in_one_live_bill"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="arrears_lines_only_fall_away",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(["id", "bill_id", "charge_id", "surcharge_id"])
                    + " OR (NEW.live AND NOT OLD.live)"
                ),
            ),
            pgtrigger.Protect(name="arrears_lines_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.bill_id}: {self.charge_id}"
