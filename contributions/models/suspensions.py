"""Coverage that is charged no more because its months are owed (暂停缴费), until they are
settled."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.debit import DebitBatch
from contributions.models.guards import differs
from enrollment.models import Coverage
from portal.columns import MonthField, first_of_month
from portal.shared.months import OverMonths


class Suspension(OverMonths, models.Model):
    """That a coverage is not charged in the months [start, until); without ``until`` it still
    stands. Coverage itself goes on."""

    coverage = models.ForeignKey(
        Coverage, models.PROTECT, related_name="suspensions", db_index=False, verbose_name=_("参保关系")
    )
    start = MonthField(_("暂停月份"))
    until = MonthField(_("恢复月份"), null=True, blank=True)
    why = models.CharField(_("原因"), max_length=200)
    # The batch whose answer brought it about.
    batch = models.ForeignKey(
        DebitBatch, models.PROTECT, related_name="suspensions", verbose_name=_("托收批次")
    )
    suspended_at = models.DateTimeField(_("暂停时间"))
    resumed_at = models.DateTimeField(_("恢复时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("暂停缴费")
        constraints = [
            first_of_month("start", name="suspension_start_is_month"),
            first_of_month("until", name="suspension_until_is_month"),
            models.CheckConstraint(
                condition=Q(until__isnull=True, resumed_at__isnull=True)
                | Q(until__gte=F("start"), resumed_at__isnull=False),
                name="suspension_ends_with_its_time",
            ),
            models.CheckConstraint(condition=~Q(why=""), name="suspension_has_a_reason"),
            models.UniqueConstraint(
                fields=["coverage"], condition=Q(until__isnull=True), name="one_suspension_at_a_time"
            ),
            models.UniqueConstraint(fields=["coverage", "start"], name="a_suspension_starts_once"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="suspensions_only_end",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs(["id", "coverage_id", "start", "why", "batch_id", "suspended_at"])
                    + " OR OLD.until IS NOT NULL"
                ),
            ),
            pgtrigger.Protect(name="suspensions_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.coverage_id} {self.start}"
