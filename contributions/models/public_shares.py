"""What public money (财政补助) pays beside what people owe."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contributions.models.charges import Charge
from contributions.models.guards import differs
from enrollment.models import Coverage
from portal.columns import MonthField, choices, first_of_month, one_of
from portal.people.models import Person
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance


class PublicShare(models.Model):
    """The public share of one month, or of one year where the insurance is paid by the year, with
    the policy leaf that priced it. It is never asked of the person.

    It goes the way of its ``charge``: due from public finance once that is paid, nothing where that
    fell away. Without a charge public money pays all, and ``live`` says whether it stands.
    """

    charge = models.OneToOneField(
        Charge, models.PROTECT, null=True, blank=True, related_name="public_share", verbose_name=_("应缴")
    )
    person = models.ForeignKey(Person, models.PROTECT, related_name="public_shares", verbose_name=_("参保人"))
    coverage = models.ForeignKey(
        Coverage, models.PROTECT, related_name="public_shares", db_index=False, verbose_name=_("参保关系")
    )
    city = models.CharField(_("参保地"), max_length=30)
    insurance = models.CharField(_("险种"), max_length=20, choices=choices(INSURANCE_LABELS))
    capacity = models.CharField(_("参保身份"), max_length=12, choices=choices(CAPACITY_LABELS))
    month = MonthField(_("所属月份"))
    base = models.DecimalField(_("缴费基数（元）"), max_digits=16, decimal_places=6)
    amount_fen = models.BigIntegerField(_("财政补助（分）"))
    policy = models.CharField(_("计费依据"), max_length=60)
    policy_since = models.DateField(_("依据起用日期"))
    basis = models.CharField(_("缴费档次"), max_length=20)
    live = models.BooleanField(_("有效"), default=True)
    created_at = models.DateTimeField(_("核定时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("财政补助")
        constraints = [
            one_of("insurance", Insurance, name="public_share_insurance_known"),
            one_of("capacity", Capacity, name="public_share_capacity_known"),
            first_of_month("month", name="public_share_month_is_month"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="public_share_is_positive"),
            models.CheckConstraint(
                condition=Q(live=True) | Q(charge__isnull=True), name="public_share_stands_as_its_charge"
            ),
            models.UniqueConstraint(
                fields=["coverage", "month"],
                condition=Q(live=True, charge__isnull=True),
                name="one_public_share_without_charge_a_month",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="public_shares_only_fall_away",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(
                        [
                            "id",
                            "charge_id",
                            "person_id",
                            "coverage_id",
                            "city",
                            "insurance",
                            "capacity",
                            "month",
                            "base",
                            "amount_fen",
                            "policy",
                            "policy_since",
                            "basis",
                            "created_at",
                        ]
                    )
                    + " OR NOT OLD.live"
                ),
            ),
            pgtrigger.Protect(name="public_shares_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.month} {self.get_insurance_display()}"
