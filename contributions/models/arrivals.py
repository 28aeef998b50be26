"""Money that employers transfer by themselves (单位汇款): lines of the bank's statement, and what
two collectors make of each."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contributions.models.assessments import ArrearsBill, Assessment
from contributions.models.books import Entry
from contributions.models.guards import differs, illegal
from portal.columns import by_another, choices, ended_by_someone, one_of, told_why
from portal.shared.life_cycle import LifeCycle, Stage


class ArrivalStatus(StrEnum):
    ENTERED = "entered"
    BOOKED = "booked"
    HELD = "held"
    RETURNED = "returned"
    STRUCK = "struck"


ARRIVAL_LIFE_CYCLE = LifeCycle(
    ArrivalStatus,
    {
        ArrivalStatus.ENTERED: Stage(
            "待复核", "warn", (ArrivalStatus.BOOKED, ArrivalStatus.HELD, ArrivalStatus.STRUCK)
        ),
        ArrivalStatus.HELD: Stage("暂收待查", "warn", (ArrivalStatus.BOOKED, ArrivalStatus.RETURNED)),
        ArrivalStatus.BOOKED: Stage("已入账", "good", (ArrivalStatus.HELD,)),
        ArrivalStatus.RETURNED: Stage("已退回汇款方", "quiet"),
        ArrivalStatus.STRUCK: Stage("登记有误，已作废", "quiet"),
    },
    begins=(ArrivalStatus.ENTERED,),
)


class ArrivalWay(StrEnum):
    """What a step does with the money."""

    BOOK = "book"
    HOLD = "hold"
    REVERSE = "reverse"
    RETURN = "return"


ARRIVAL_WAY_LABELS = {
    ArrivalWay.BOOK: "入账",
    ArrivalWay.HOLD: "记入暂收款，待查",
    ArrivalWay.REVERSE: "冲正，款项转回暂收款",
    ArrivalWay.RETURN: "登记退回汇款方",
}


class StepStatus(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"


STEP_LIFE_CYCLE = LifeCycle(
    StepStatus,
    {
        StepStatus.PROPOSED: Stage("待复核", "warn", (StepStatus.APPROVED, StepStatus.REFUSED)),
        StepStatus.APPROVED: Stage("已复核", "good"),
        StepStatus.REFUSED: Stage("复核未通过", "bad"),
    },
    begins=(StepStatus.PROPOSED,),
)


class Arrival(models.Model):
    """One line of the bank's statement, as a collector entered it. Only its status moves, by a step
    that another approved.

    Money that is ``HELD`` lies in suspense: nobody could tell what it is for, or it is not what is
    owed, to the fen or in time.
    """

    city = models.CharField(_("参保地"), max_length=30)
    note = models.CharField(_("汇款附言"), max_length=200, blank=True)
    payer = models.CharField(_("付款人"), max_length=100, blank=True)
    amount_fen = models.BigIntegerField(_("到账金额（分）"))
    bank_number = models.CharField(_("银行流水号"), max_length=40)
    arrived_on = models.DateField(_("到账日期"))
    status = models.CharField(
        _("状态"),
        max_length=8,
        choices=choices(ARRIVAL_LIFE_CYCLE.labels),
        default=ArrivalStatus.ENTERED,
    )
    key = models.UUIDField(unique=True)
    entered_at = models.DateTimeField(_("登记时间"))
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("登记人")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("单位汇款到账")
        constraints = [
            one_of("status", ArrivalStatus, name="arrival_status_known"),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0) & ~Q(bank_number=""), name="arrival_is_of_money"
            ),
            models.UniqueConstraint(
                fields=["bank_number"], condition=~Q(status="struck"), name="a_banks_line_arrives_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["city", "status"],
                condition=Q(status__in=["entered", "held"]),
                name="arrival_to_see_to",
            )
        ]
        triggers = [
            pgtrigger.Protect(
                name="arrivals_stay_as_entered",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "city",
                            "note",
                            "payer",
                            "amount_fen",
                            "bank_number",
                            "arrived_on",
                            "key",
                            "entered_at",
                            "entered_by_id",
                        ]
                    )
                    + " OR "
                    + illegal("status", ARRIVAL_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="arrivals_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.bank_number


class ArrivalStep(models.Model):
    """What one collector proposes to do with the money, and another decides.

    ``assessment`` or ``bill`` is what it is booked to; held, what it was meant for, where that is
    known. ``suspense_fen`` is by how much suspense is more (positive) or less once it took effect:
    the sum of an arrival's steps is what lies there of it. ``entry`` is the entry that booked it,
    of a reversal none: there is one for each insurance.
    """

    arrival = models.ForeignKey(Arrival, models.PROTECT, related_name="steps", verbose_name=_("单位汇款到账"))
    way = models.CharField(_("处理方式"), max_length=7, choices=choices(ARRIVAL_WAY_LABELS))
    assessment = models.ForeignKey(
        Assessment, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("核定单")
    )
    bill = models.ForeignKey(
        ArrearsBill, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("补缴单")
    )
    reason = models.CharField(_("说明"), max_length=200, blank=True)
    # Under which number the bank sent it back.
    returned_number = models.CharField(_("退汇流水号"), max_length=40, blank=True)
    key = models.UUIDField(unique=True)
    status = models.CharField(
        _("状态"), max_length=8, choices=choices(STEP_LIFE_CYCLE.labels), default=StepStatus.PROPOSED
    )
    proposed_at = models.DateTimeField(_("经办时间"))
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("经办人")
    )
    decided_at = models.DateTimeField(_("复核时间"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("复核人"),
    )
    why = models.CharField(_("不同意的原因"), max_length=200, blank=True)
    suspense_fen = models.BigIntegerField(default=0)
    entry = models.OneToOneField(
        Entry, models.PROTECT, null=True, blank=True, related_name="arrival_step", verbose_name=_("分录")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("单位汇款处理")
        ordering = ("pk",)
        constraints = [
            one_of("way", ArrivalWay, name="arrival_way_known"),
            one_of("status", StepStatus, name="arrival_step_status_known"),
            models.CheckConstraint(
                condition=Q(assessment__isnull=True, bill__isnull=True, way__in=["hold", "reverse", "return"])
                | Q(assessment__isnull=False, bill__isnull=True, way__in=["book", "hold"])
                | Q(assessment__isnull=True, bill__isnull=False, way__in=["book", "hold"]),
                name="arrival_is_booked_to_one_thing",
            ),
            models.CheckConstraint(
                condition=(~Q(way__in=["reverse", "return"]) | ~Q(reason=""))
                & (Q(way="return") & ~Q(returned_number="") | ~Q(way="return") & Q(returned_number="")),
                name="arrival_goes_back_with_a_reason",
            ),
            ended_by_someone("decided", unless="proposed", name="arrival_step_decided_by_someone"),
            by_another("decided_by", "proposed_by", name="arrival_step_decided_by_a_second_person"),
            told_why("refused", name="arrival_step_refused_with_reason"),
            models.CheckConstraint(
                condition=~Q(status="approved") & Q(entry__isnull=True, suspense_fen=0)
                | Q(status="approved", way="book", entry__isnull=False, suspense_fen__lte=0)
                | Q(status="approved", way="hold", entry__isnull=False, suspense_fen__gt=0)
                | Q(status="approved", way="return", entry__isnull=False, suspense_fen__lt=0)
                | Q(status="approved", way="reverse", entry__isnull=True, suspense_fen__gt=0),
                name="arrival_step_booked_by_its_way",
            ),
            models.UniqueConstraint(
                fields=["arrival"], condition=Q(status="proposed"), name="one_step_of_an_arrival_is_proposed"
            ),
            models.UniqueConstraint(
                fields=["returned_number"],
                condition=~Q(returned_number="") & ~Q(status="refused"),
                name="a_banks_number_returns_one_arrival",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="arrival_steps_stay_as_proposed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "arrival_id",
                            "way",
                            "assessment_id",
                            "bill_id",
                            "reason",
                            "returned_number",
                            "key",
                            "proposed_at",
                            "proposed_by_id",
                        ]
                    )
                    + " OR OLD.status <> 'proposed' OR "
                    + illegal("status", STEP_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="arrival_steps_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.arrival_id} {self.way}"

    @property
    def payable(self) -> Assessment | ArrearsBill | None:
        """What it is booked to, or was meant for."""
        return self.assessment or self.bill
