"""What is owed: charges, why some fell away, and the runs that made them."""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.guards import differs, illegal
from enrollment.models import Coverage
from portal.columns import MonthField, choices, first_of_month, one_of
from portal.people.models import Employer, Person
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.life_cycle import LifeCycle, Stage


class ChargeStatus(StrEnum):
    OWED = "owed"
    PAID = "paid"
    WRITTEN_OFF = "written_off"
    VOID = "void"
    TAKEN_BACK = "taken_back"
    REVERSED = "reversed"


CHARGE_LIFE_CYCLE = LifeCycle(
    ChargeStatus,
    {
        ChargeStatus.OWED: Stage(
            "待缴", "warn", (ChargeStatus.PAID, ChargeStatus.WRITTEN_OFF, ChargeStatus.VOID)
        ),
        ChargeStatus.PAID: Stage("已缴", "good", (ChargeStatus.TAKEN_BACK, ChargeStatus.REVERSED)),
        ChargeStatus.WRITTEN_OFF: Stage("已注销", "quiet"),
        ChargeStatus.VOID: Stage("已作废", "quiet"),
        ChargeStatus.TAKEN_BACK: Stage("重复缴费已清退", "quiet"),
        ChargeStatus.REVERSED: Stage("已冲正", "quiet"),
    },
    begins=(ChargeStatus.OWED,),
)


class CancellationKind(StrEnum):
    VOID = "void"
    WRITTEN_OFF = "written_off"


CANCELLATION_LABELS = {CancellationKind.VOID: "作废", CancellationKind.WRITTEN_OFF: "注销"}


class Charge(models.Model):
    """What one covered month of one insurance owes (应缴), and the policy leaf that priced it. Only
    ``status`` ever moves.

    ``live`` charges stand for their month, and the unique indexes go by it, so that a payment
    touches no index: void and reversed ones do not, and written-off pension does not while a later
    charge is to pay its month (``Repricing``). Written-off medical always does, and so does a month
    that was paid twice and taken back: it counts elsewhere, and is not charged again.
    """

    city = models.CharField(_("参保地"), max_length=30)
    # One foreign key over (coverage, person, insurance) holds both: a charge's person and insurance
    # are its coverage's own, at half the price of two keys (migration 0003). The employer is its
    # coverage's as well; the audit compares them.
    person = models.ForeignKey(
        Person,
        models.PROTECT,
        related_name="charges",
        db_index=False,
        db_constraint=False,
        verbose_name=_("参保人"),
    )
    coverage = models.ForeignKey(
        Coverage,
        models.PROTECT,
        related_name="charges",
        db_index=False,
        db_constraint=False,
        verbose_name=_("参保关系"),
    )
    employer = models.ForeignKey(
        Employer,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="charges",
        db_index=False,
        db_constraint=False,
        verbose_name=_("单位"),
    )
    insurance = models.CharField(_("险种"), max_length=20, choices=choices(INSURANCE_LABELS))
    capacity = models.CharField(_("参保身份"), max_length=12, choices=choices(CAPACITY_LABELS))
    month = MonthField(_("所属月份"))
    # Yuan, exact: a share of an average wage is not a whole number of fen.
    base = models.DecimalField(_("缴费基数（元）"), max_digits=16, decimal_places=6)
    amount_fen = models.BigIntegerField(_("应缴金额（分）"))
    personal_fen = models.BigIntegerField(_("个人缴纳（分）"))
    employer_fen = models.BigIntegerField(_("单位缴纳（分）"))
    account_fen = models.BigIntegerField(_("划入个人账户（分）"))
    policy = models.CharField(_("计费依据"), max_length=60)
    policy_since = models.DateField(_("依据起用日期"))
    # The tier's code, or the declared wage in yuan, that the base was worked out from.
    basis = models.CharField(_("缴费档次或申报工资"), max_length=20)
    status = models.CharField(
        _("状态"), max_length=12, choices=choices(CHARGE_LIFE_CYCLE.labels), default=ChargeStatus.OWED
    )
    live = models.BooleanField(default=True)
    due_on = models.DateField(_("缴费期限"))
    created_at = models.DateTimeField(_("核定时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("应缴")
        constraints = [
            one_of("insurance", Insurance, name="charge_insurance_known"),
            one_of("capacity", Capacity, name="charge_capacity_known"),
            one_of("status", ChargeStatus, name="charge_status_known"),
            first_of_month("month", name="charge_month_is_month"),
            models.CheckConstraint(
                condition=Q(live=True, status__in=["owed", "paid", "written_off", "taken_back"])
                | Q(live=False, status__in=["void", "written_off", "reversed"]),
                name="charge_live_unless_void",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen=F("personal_fen") + F("employer_fen")),
                name="charge_shares_make_the_amount",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, personal_fen__gte=0, employer_fen__gte=0, base__gt=0),
                name="charge_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(account_fen__gte=0, account_fen__lte=F("amount_fen")),
                name="charge_account_part_of_amount",
            ),
            models.CheckConstraint(condition=~Q(policy="") & ~Q(basis=""), name="charge_names_its_policy"),
            models.CheckConstraint(
                condition=Q(capacity="employee", employer__isnull=False)
                | (~Q(capacity="employee") & Q(employer__isnull=True)),
                name="charge_employer_only_for_employees",
            ),
            # Also one for each coverage and month, for a coverage is of one person and insurance.
            models.UniqueConstraint(
                fields=["person", "insurance", "month"],
                condition=Q(live=True),
                name="one_live_charge_per_insurance_and_month",
            ),
        ]
        indexes = [
            # A month's charges are written together and lie together: their place is found by page
            # ranges, at no cost for a row.
            BrinIndex(fields=["month"], name="charge_by_month", autosummarize=True),
            models.Index(
                fields=["employer", "month"], condition=Q(employer__isnull=False), name="charge_by_employer"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="charges_only_change_status",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "city",
                            "person_id",
                            "coverage_id",
                            "employer_id",
                            "insurance",
                            "capacity",
                            "month",
                            "base",
                            "amount_fen",
                            "personal_fen",
                            "employer_fen",
                            "account_fen",
                            "policy",
                            "policy_since",
                            "basis",
                            "due_on",
                            "created_at",
                        ]
                    )
                    + " OR "
                    + illegal("status", CHARGE_LIFE_CYCLE)
                    + f" OR (NOT NEW.live AND NEW.status = '{ChargeStatus.WRITTEN_OFF}'"
                    f" AND NEW.insurance <> '{Insurance.PENSION}')"
                ),
            ),
            pgtrigger.Protect(name="charges_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.month} {self.get_insurance_display()}"


class Cancellation(models.Model):
    """Why an owed charge fell away: voided because its coverage ended, or written off. One for each
    such charge."""

    charge = models.OneToOneField(Charge, models.PROTECT, related_name="cancellation", verbose_name=_("应缴"))
    kind = models.CharField(_("方式"), max_length=12, choices=choices(CANCELLATION_LABELS))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    why = models.CharField(_("原因"), max_length=200)

    class Meta:
        verbose_name = verbose_name_plural = _("应缴作废与注销")
        constraints = [
            one_of("kind", CancellationKind, name="cancellation_kind_known"),
            models.CheckConstraint(condition=~Q(why=""), name="cancellation_says_why"),
        ]
        triggers = [
            pgtrigger.Protect(name="cancellations_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.charge_id} {self.kind}"


class ChargingRun(models.Model):
    """That a city's month was charged, and what could not be priced then. A later run of the same
    month adds another row."""

    city = models.CharField(_("城市"), max_length=30)
    month = MonthField(_("月份"))
    capacities = models.JSONField(_("参保身份"))
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("操作人"))
    created = models.PositiveIntegerField(_("新增应缴笔数"))
    # What was not charged, and why: [{"capacity", "insurance", "tier", "count", "why", "coverages":
    # [ids, at most 20]}]
    left_out = models.JSONField(_("未能核定"), default=list)

    class Meta:
        verbose_name = verbose_name_plural = _("核定记录")
        constraints = [first_of_month("month", name="charging_run_month_is_month")]
        indexes = [models.Index(fields=["city", "-month"], name="charging_run_by_city")]
        triggers = [
            pgtrigger.Protect(name="charging_runs_are_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.city} {self.month}"
