"""What is owed on top of a charge that is paid late: interest or a late fee, priced for one day of
paying."""

from enum import StrEnum

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.charges import Charge
from contributions.models.guards import differs, illegal
from portal.columns import choices, one_of
from portal.shared.life_cycle import LifeCycle, Stage


class SurchargeKind(StrEnum):
    INTEREST = "interest"
    LATE_FEE = "late_fee"


SURCHARGE_KIND_LABELS = {SurchargeKind.INTEREST: "补缴利息", SurchargeKind.LATE_FEE: "滞纳金"}


class SurchargeStatus(StrEnum):
    OWED = "owed"
    PAID = "paid"
    VOID = "void"
    REVERSED = "reversed"


SURCHARGE_LIFE_CYCLE = LifeCycle(
    SurchargeStatus,
    {
        SurchargeStatus.OWED: Stage("待缴", "warn", (SurchargeStatus.PAID, SurchargeStatus.VOID)),
        SurchargeStatus.PAID: Stage("已缴", "good", (SurchargeStatus.REVERSED,)),
        SurchargeStatus.VOID: Stage("已作废", "quiet"),
        SurchargeStatus.REVERSED: Stage("已冲正", "quiet"),
    },
    begins=(SurchargeStatus.OWED,),
)


class Surcharge(models.Model):
    """Interest (利息) or a late fee (滞纳金) on a charge, from the day after ``since`` to
    ``paid_on``, the day it was priced for.

    It is paid together with its charge, in one sum, or falls away with that attempt: another day
    gives another surcharge. ``live`` says the same as being owed or paid: what is void or was
    reversed no longer counts.
    """

    charge = models.ForeignKey(
        Charge, models.PROTECT, related_name="surcharges", db_index=False, verbose_name=_("应缴")
    )
    kind = models.CharField(_("类别"), max_length=10, choices=choices(SURCHARGE_KIND_LABELS))
    principal_fen = models.BigIntegerField(_("计算基数（分）"))
    since = models.DateField(_("缴费期限"))
    paid_on = models.DateField(_("计算到"))
    amount_fen = models.BigIntegerField(_("金额（分）"))
    # The rule by which it was worked out, and since when that rule was in force on ``paid_on``.
    policy = models.CharField(_("计算依据"), max_length=60)
    policy_since = models.DateField(_("依据起用日期"))
    status = models.CharField(
        _("状态"), max_length=8, choices=choices(SURCHARGE_LIFE_CYCLE.labels), default=SurchargeStatus.OWED
    )
    live = models.BooleanField(default=True)
    created_at = models.DateTimeField(_("核定时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("利息与滞纳金")
        constraints = [
            one_of("kind", SurchargeKind, name="surcharge_kind_known"),
            one_of("status", SurchargeStatus, name="surcharge_status_known"),
            models.CheckConstraint(
                condition=Q(live=True, status__in=["owed", "paid"])
                | Q(live=False, status__in=["void", "reversed"]),
                name="surcharge_live_unless_void",
            ),
            models.CheckConstraint(
                condition=Q(amount_fen__gte=0, principal_fen__gt=0, paid_on__gt=F("since")),
                name="surcharge_is_for_days_overdue",
            ),
            models.CheckConstraint(condition=~Q(policy=""), name="surcharge_names_its_policy"),
            models.UniqueConstraint(
                fields=["charge"], condition=Q(live=True), name="one_live_surcharge_per_charge"
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="surcharges_only_change_status",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "charge_id",
                            "kind",
                            "principal_fen",
                            "since",
                            "paid_on",
                            "amount_fen",
                            "policy",
                            "policy_since",
                            "created_at",
                        ]
                    )
                    + " OR "
                    + illegal("status", SURCHARGE_LIFE_CYCLE)
                ),
            ),
            pgtrigger.Protect(name="surcharges_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.charge_id} {self.get_kind_display()} {self.amount_fen}"
