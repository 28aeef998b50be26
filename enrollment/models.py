"""Coverage (参保关系) and the contribution base chosen for it, over months [start, until)."""

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from portal.columns import MonthField, choices, first_of_month, one_of
from portal.hall.models import Case
from portal.people.models import Employer, Person
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance


class Months(Func):
    """The SQL range of the months [start, until); without end where ``until`` is null."""

    function = "DATERANGE"
    output_field = DateRangeField()

    def __init__(self) -> None:
        super().__init__("start", "until", RangeBoundary())


@pghistory.track()
class Coverage(models.Model):
    """That a person is insured: one insurance, one capacity, one city, months [start, until).

    The database lets no two live coverages of a person and insurance share a month, whoever writes them.
    """

    person = models.ForeignKey(Person, models.PROTECT, related_name="coverages", verbose_name=_("参保人"))
    insurance = models.CharField(_("险种"), max_length=20, choices=choices(INSURANCE_LABELS))
    capacity = models.CharField(_("参保身份"), max_length=12, choices=choices(CAPACITY_LABELS))
    city = models.CharField(_("参保地"), max_length=30)
    # GB/T 2260 code of the site within the city, where the city keeps coverage by site.
    district = models.CharField(_("参保区县"), max_length=6, blank=True)
    employer = models.ForeignKey(
        Employer, models.PROTECT, null=True, blank=True, related_name="coverages", verbose_name=_("参保单位")
    )
    start = MonthField(_("起始月份"))
    until = MonthField(_("终止月份（不含）"), null=True, blank=True)
    # False where a coverage was undone before its first month counted.
    live = models.BooleanField(_("有效"), default=True)
    opened_by = models.ForeignKey(
        Case,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="opened_coverages",
        verbose_name=_("参保办件"),
    )
    closed_by = models.ForeignKey(
        Case,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="closed_coverages",
        verbose_name=_("停保办件"),
    )
    created_at = models.DateTimeField(_("登记时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("参保关系")
        constraints = [
            one_of("insurance", Insurance, name="coverage_insurance_known"),
            one_of("capacity", Capacity, name="coverage_capacity_known"),
            first_of_month("start", name="coverage_start_is_month"),
            first_of_month("until", name="coverage_until_is_month"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=F("start")), name="coverage_months_in_order"
            ),
            models.CheckConstraint(
                condition=Q(capacity="employee", employer__isnull=False)
                | (~Q(capacity="employee") & Q(employer__isnull=True)),
                name="coverage_employer_only_for_employees",
            ),
            ExclusionConstraint(
                name="no_two_live_coverages_share_a_month",
                expressions=[
                    (F("person"), RangeOperators.EQUAL),
                    (F("insurance"), RangeOperators.EQUAL),
                    (Months(), RangeOperators.OVERLAPS),
                ],
                condition=Q(live=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["city", "capacity", "insurance"], condition=Q(live=True), name="coverage_to_charge"
            ),
            models.Index(fields=["employer", "person"], condition=Q(live=True), name="coverage_by_employer"),
        ]

    def __str__(self) -> str:
        return f"{self.get_insurance_display()} {self.start} – {self.until or ''}"


@pghistory.track()
class ContributionBase(models.Model):
    """What a coverage's contributions are worked out from, months [start, until): a tier of the city, or a declared wage."""

    coverage = models.ForeignKey(Coverage, models.PROTECT, related_name="bases", verbose_name=_("参保关系"))
    start = MonthField(_("起用月份"))
    until = MonthField(_("停用月份（不含）"), null=True, blank=True)
    # The code of a tier in the city's figures (0.6, min, max, tier-1 …).
    tier = models.CharField(_("缴费档次"), max_length=20, blank=True)
    wage_fen = models.BigIntegerField(_("申报工资（分）"), null=True, blank=True)
    set_by = models.ForeignKey(
        Case, models.PROTECT, null=True, blank=True, related_name="bases_set", verbose_name=_("办件")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("缴费基数")
        constraints = [
            first_of_month("start", name="base_start_is_month"),
            first_of_month("until", name="base_until_is_month"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=F("start")), name="base_months_in_order"
            ),
            models.CheckConstraint(
                condition=(~Q(tier="") & Q(wage_fen__isnull=True)) | (Q(tier="") & Q(wage_fen__gte=0)),
                name="base_is_a_tier_or_a_wage",
            ),
            ExclusionConstraint(
                name="one_base_per_coverage_and_month",
                expressions=[(F("coverage"), RangeOperators.EQUAL), (Months(), RangeOperators.OVERLAPS)],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.coverage_id} {self.start}"
