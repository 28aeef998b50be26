"""Interest on personal accounts: the yearly runs, and what made each amount."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.account_movements import AccountMovement
from contributions.models.guards import differs
from portal.columns import MonthField, choices, first_of_month
from portal.people.models import Person
from portal.shared.insurance import INSURANCE_LABELS


class InterestRun(models.Model):
    """The crediting of one year's interest to all accounts of a city and insurance.
    ``done_through`` is the last person whose account was seen to: it moves with each chunk, so that
    a run that was killed goes on from there."""

    city = models.CharField(_("城市"), max_length=30)
    insurance = models.CharField(_("险种"), max_length=20, choices=choices(INSURANCE_LABELS))
    year = models.PositiveSmallIntegerField(_("计息年度"))
    rate = models.DecimalField(_("记账利率"), max_digits=7, decimal_places=6)
    policy = models.CharField(_("政策参数"), max_length=80)
    policy_since = models.DateField(_("参数起始日"))
    # Nobody's account beyond this person: who comes later has no credits in a year that is over.
    last_person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_index=False)
    done_through = models.BigIntegerField(default=0)
    people = models.PositiveIntegerField(_("账户数"), default=0)
    amount_fen = models.BigIntegerField(_("利息合计（分）"), default=0)
    begun_at = models.DateTimeField(_("开始时间"))
    begun_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("结息人"))
    finished_at = models.DateTimeField(_("完成时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("个人账户年度结息")
        constraints = [
            models.UniqueConstraint(fields=["city", "insurance", "year"], name="a_year_bears_interest_once"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(done_through__gte=F("last_person")),
                name="interest_run_finished_when_all_are_done",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="interest_runs_stay_frozen",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.finished_at IS NOT NULL OR NEW.done_through < OLD.done_through OR "
                    + differs(
                        [
                            "id",
                            "city",
                            "insurance",
                            "year",
                            "rate",
                            "policy",
                            "policy_since",
                            "last_person_id",
                            "begun_at",
                            "begun_by_id",
                        ]
                    )
                ),
            ),
            pgtrigger.Protect(name="interest_runs_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.city} {self.insurance} {self.year}"


class AccountInterest(models.Model):
    """What made the interest of one movement: (opening × 12 + product) × rate ÷ 12, rounded once,
    and what earlier years lacked.

    ``product`` is fen × months of what moved within the year. ``until`` is given where the account
    was closed within the year: interest for the months before it. ``adjustment_fen`` is what years
    that were credited before came short of, or over, by money that was booked late.
    """

    movement = models.OneToOneField(
        AccountMovement, models.PROTECT, related_name="interest", verbose_name=_("变动")
    )
    run = models.ForeignKey(
        InterestRun, models.PROTECT, null=True, blank=True, related_name="interests", verbose_name=_("结息")
    )
    year = models.PositiveSmallIntegerField(_("计息年度"))
    until = MonthField(_("计息至（不含）"), null=True, blank=True)
    opening_fen = models.BigIntegerField(_("年初余额（分）"))
    moved_fen = models.BigIntegerField(_("当年变动（分）"))
    product = models.DecimalField(_("月积数（分·月）"), max_digits=20, decimal_places=4)
    rate = models.DecimalField(_("记账利率"), max_digits=7, decimal_places=6)
    policy = models.CharField(_("政策参数"), max_length=80)
    policy_since = models.DateField(_("参数起始日"))
    interest_fen = models.BigIntegerField(_("当年利息（分）"))
    # A fen short: reckoned before December 2026, when product ÷ 12 was cut before it was
    # multiplied. The next year's run adds the fen, by its adjustment.
    cut = models.BooleanField(_("少计一分"), default=False, editable=False)
    adjustment_fen = models.BigIntegerField(_("以前年度调整（分）"))

    class Meta:
        verbose_name = verbose_name_plural = _("个人账户利息")
        constraints = [
            first_of_month("until", name="account_interest_until_is_month"),
            models.CheckConstraint(
                condition=Q(run__isnull=False, until__isnull=True) | Q(run__isnull=True, until__isnull=False),
                name="account_interest_by_a_run_or_at_leaving",
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="account_interest_is_kept", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.year} {self.interest_fen}"
