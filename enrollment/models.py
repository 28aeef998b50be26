"""Coverage (参保关系) and the contribution base chosen for it, over months [start, until)."""

import pghistory
import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from portal.columns import MonthField, choices, first_of_month, months_in_order, one_of
from portal.hall.models import Case, Draft
from portal.people.models import Employer, Person
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import OverMonths


class Months(Func):
    """The SQL range of the months [start, until); without end where ``until`` is null."""

    function = "DATERANGE"
    output_field = DateRangeField()

    def __init__(self) -> None:
        super().__init__("start", "until", RangeBoundary())


@pghistory.track()
class Coverage(OverMonths, models.Model):
    """That a person is insured: one insurance, one capacity, one city, months [start, until).

    The database lets no two live coverages of a person and insurance share a month, whoever writes
    them.
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
            months_in_order(name="coverage_months_in_order"),
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
        triggers = [
            pgtrigger.Trigger(
                name="an_employer_insures_where_it_is_registered",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("city", "employer_id"),
                when=pgtrigger.Before,
                condition=pgtrigger.Condition("NEW.employer_id IS NOT NULL"),
                func="""
                    IF EXISTS (SELECT 1 FROM people_employer WHERE id = NEW.employer_id AND city <> NEW.city) THEN
                        RAISE EXCEPTION 'the employer % is not registered in %', NEW.employer_id, NEW.city
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'an_employer_insures_where_it_is_registered';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_insurance_display()} {self.start} – {self.until or ''}"


@pghistory.track()
class ContributionBase(OverMonths, models.Model):
    """The basis of a coverage's contributions over months [start, until): a tier of the city, or a
    declared wage."""

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
            months_in_order(name="base_months_in_order"),
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


class Roster(models.Model):
    """The wages of an employer's staff for the contribution year that begins with ``start``. It
    belongs to a draft, later to the case that it was sent with; from then on it never changes.

    ``report`` holds the problems of the latest uploaded spreadsheet: [[row, column, content of the
    cell, why]].
    """

    employer = models.ForeignKey(Employer, models.PROTECT, related_name="rosters", verbose_name=_("参保单位"))
    city = models.CharField(_("参保地"), max_length=30)
    start = MonthField(_("起用月份"))
    draft = models.OneToOneField(
        Draft, models.CASCADE, null=True, blank=True, related_name="roster", verbose_name=_("草稿")
    )
    case = models.OneToOneField(
        Case, models.PROTECT, null=True, blank=True, related_name="roster", verbose_name=_("办件")
    )
    made_at = models.DateTimeField(_("建立时间"))
    report = models.JSONField(_("上次上传的问题"), default=list, blank=True)
    report_name = models.CharField(_("上次上传的文件"), max_length=200, blank=True)
    report_taken = models.PositiveIntegerField(_("上次上传读取的人数"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("职工基数名册")
        constraints = [
            first_of_month("start", name="roster_start_is_month"),
            models.CheckConstraint(
                condition=Q(draft__isnull=True, case__isnull=False)
                | Q(draft__isnull=False, case__isnull=True),
                name="roster_has_one_home",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="sent_rosters_are_kept",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.case_id IS NOT NULL"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.employer_id} {self.start}"


class RosterRow(models.Model):
    """One member of staff in a roster: the declared monthly wage (fen, None until it is filled in)
    and the former wage (fen)."""

    roster = models.ForeignKey(Roster, models.CASCADE, related_name="rows", verbose_name=_("名册"))
    person = models.ForeignKey(
        Person, models.PROTECT, related_name="roster_rows", db_index=False, verbose_name=_("职工")
    )
    wage_fen = models.BigIntegerField(_("月申报工资（分）"), null=True, blank=True)
    former_fen = models.BigIntegerField(_("现行申报工资（分）"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("名册明细")
        constraints = [
            models.UniqueConstraint(fields=["roster", "person"], name="a_person_once_in_a_roster"),
            models.CheckConstraint(
                condition=Q(wage_fen__isnull=True) | Q(wage_fen__gt=0), name="roster_wage_positive"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="rows_of_sent_rosters_are_kept",
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                when=pgtrigger.Before,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM enrollment_roster
                        WHERE id = (CASE TG_OP WHEN 'DELETE' THEN OLD.roster_id ELSE NEW.roster_id END)
                          AND case_id IS NOT NULL
                    ) THEN
                        RAISE EXCEPTION 'the roster was sent and is kept' USING ERRCODE = 'check_violation';
                    END IF;
                    IF TG_OP = 'DELETE' THEN
                        RETURN OLD;
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.roster_id}: {self.person_id}"


# Imported so that Django finds its tables: it looks for this module alone.
from enrollment.cards.models import FirstCard as FirstCard  # noqa: E402
from enrollment.cards.models import FirstCardEvent as FirstCardEvent  # noqa: E402
