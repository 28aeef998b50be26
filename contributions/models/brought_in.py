"""Months that left a city with their money (转出), came to one from elsewhere (转入) or count there
without a charge (an old record taken over, a sum paid for years), and which of them count where.

A month of contributions is a paid charge of a city until it leaves it; from then on it counts where
it was brought in, and nowhere while it is under way. Charges and receipts stay as they are: what
moved is said here.
"""

from enum import StrEnum

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contributions.models.guards import differs
from enrollment.models import Months
from portal.columns import MonthField, choices, first_of_month, one_of
from portal.people.models import Person
from portal.shared.insurance import INSURANCE_LABELS, Insurance


class Moved(models.Model):
    """What a person's relation of one insurance took along: months, wages and money.

    ``wages`` are yuan by year, exact, as text: {"2023": "53928"}. The amounts are fen. A ``key`` is
    written once.
    """

    person = models.ForeignKey(Person, models.PROTECT, related_name="+", verbose_name=_("参保人"))
    insurance = models.CharField(_("险种"), max_length=20, choices=choices(INSURANCE_LABELS))
    start = MonthField(_("最早月份"))
    until = MonthField(_("最晚月份（不含）"))
    months = models.PositiveIntegerField(_("月数"))
    wages = models.JSONField(_("各年缴费工资（元）"))
    account_fen = models.BigIntegerField(_("个人账户（分）"))
    pooled_fen = models.BigIntegerField(_("统筹基金（分）"))
    key = models.CharField(max_length=60, unique=True)
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("经办人")
    )

    class Meta:
        abstract = True


def _sound(name: str) -> list[models.BaseConstraint]:
    return [
        one_of("insurance", Insurance, name=f"{name}_insurance_known"),
        first_of_month("start", name=f"{name}_start_is_month"),
        first_of_month("until", name=f"{name}_until_is_month"),
        models.CheckConstraint(
            condition=Q(until__gt=F("start"), months__gt=0), name=f"{name}_has_months_in_order"
        ),
        models.CheckConstraint(
            condition=Q(account_fen__gte=0, pooled_fen__gte=0), name=f"{name}_amounts_not_negative"
        ),
        models.CheckConstraint(condition=~Q(key=""), name=f"{name}_has_a_key"),
    ]


_FROZEN = (
    "id",
    "person_id",
    "insurance",
    "start",
    "until",
    "months",
    "wages",
    "account_fen",
    "pooled_fen",
    "key",
    "at",
    "by_id",
)


class MovedOut(Moved):
    """What left a city. ``live`` until the city took it back, because the place that it went to
    sent it back."""

    city = models.CharField(_("转出地"), max_length=30)
    # Empty where the other agency is none of this hall's.
    to_city = models.CharField(_("转入地"), max_length=30, blank=True)
    to_place = models.CharField(_("转入地名称"), max_length=60)
    live = models.BooleanField(_("有效"), default=True)

    class Meta:
        verbose_name = verbose_name_plural = _("转出记录")
        constraints = [
            *_sound("moved_out"),
            models.CheckConstraint(condition=~Q(city=F("to_city")), name="moved_out_of_its_city"),
        ]
        indexes = [models.Index(fields=["person", "insurance"], name="moved_out_by_person")]
        triggers = [
            pgtrigger.Protect(
                name="moved_out_is_only_taken_back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs([*_FROZEN, "city", "to_city", "to_place"]) + " OR NOT OLD.live"
                ),
            ),
            pgtrigger.Protect(name="moved_out_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.city} → {self.to_place} {self.key}"


class Origin(StrEnum):
    TRANSFER = "transfer"
    FORMER_NUMBER = "former_number"
    LUMP_SUM = "lump_sum"


ORIGIN_LABELS = {
    Origin.TRANSFER: "关系转入",
    Origin.FORMER_NUMBER: "原15位号码的记录并入",
    Origin.LUMP_SUM: "一次性缴费",
}


class BroughtIn(Moved):
    """Months that count in ``city`` beside its charges, until they move on from there: brought in
    from elsewhere, or by another ``origin`` within the city, which ``from_place`` then names."""

    origin = models.CharField(
        _("来源"),
        max_length=13,
        choices=choices(ORIGIN_LABELS),
        default=Origin.TRANSFER,
        db_default=Origin.TRANSFER,
    )
    city = models.CharField(_("转入地"), max_length=30)
    # Empty where the other agency is none of this hall's; then the months are from before this
    # hall's record.
    from_city = models.CharField(_("转出地"), max_length=30, blank=True)
    from_place = models.CharField(_("转出地名称"), max_length=60)
    moved_out = models.OneToOneField(
        MovedOut,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="brought_in",
        verbose_name=_("转出记录"),
    )
    moved_on = models.ForeignKey(
        MovedOut,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="brought_along",
        verbose_name=_("随后转出"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("转入记录")
        constraints = [
            *_sound("brought_in"),
            one_of("origin", Origin, name="brought_in_origin_known"),
            models.CheckConstraint(
                condition=Q(origin="transfer") | Q(from_city=""), name="brought_in_from_a_city_by_transfer"
            ),
            models.CheckConstraint(
                condition=Q(from_city="", moved_out__isnull=True)
                | (~Q(from_city="") & ~Q(from_city=F("city")) & Q(moved_out__isnull=False)),
                name="brought_in_as_it_was_moved_out",
            ),
            models.CheckConstraint(
                condition=Q(moved_on__isnull=True) | Q(moved_out__isnull=True) | ~Q(moved_on=F("moved_out")),
                name="brought_in_moves_on_by_another",
            ),
        ]
        indexes = [models.Index(fields=["person", "insurance"], name="brought_in_by_person")]
        triggers = [
            pgtrigger.Protect(
                name="brought_in_only_moves_on",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    differs([*_FROZEN, "origin", "city", "from_city", "from_place", "moved_out_id"])
                ),
            ),
            pgtrigger.Protect(name="brought_in_is_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.from_place} → {self.city} {self.key}"


class MovedPeriod(models.Model):
    """Months in a row, [start, until). ``person`` and ``insurance`` repeat the record's own, for
    the exclusion; ``live`` says whether they are moved out, or counted, at this moment."""

    person = models.ForeignKey(
        Person, models.PROTECT, related_name="+", db_index=False, verbose_name=_("参保人")
    )
    insurance = models.CharField(_("险种"), max_length=20, choices=choices(INSURANCE_LABELS))
    start = MonthField(_("起始月份"))
    until = MonthField(_("终止月份（不含）"))
    live = models.BooleanField(_("有效"), default=True)

    class Meta:
        abstract = True


def _once(name: str) -> list[models.BaseConstraint]:
    return [
        first_of_month("start", name=f"{name}_start_is_month"),
        first_of_month("until", name=f"{name}_until_is_month"),
        models.CheckConstraint(condition=Q(until__gt=F("start")), name=f"{name}_months_in_order"),
        ExclusionConstraint(
            name=f"{name}_counts_a_month_once",
            expressions=[
                (F("person"), RangeOperators.EQUAL),
                (F("insurance"), RangeOperators.EQUAL),
                (Months(), RangeOperators.OVERLAPS),
            ],
            condition=Q(live=True),
        ),
    ]


_PERIOD = ("id", "person_id", "insurance", "start", "until")


class MovedOutPeriod(MovedPeriod):
    """Months of a city's own charges that left it. A month leaves the charges once; afterwards it
    is brought in and moves on."""

    moved_out = models.ForeignKey(
        MovedOut, models.PROTECT, related_name="periods", verbose_name=_("转出记录")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("转出月份")
        constraints = _once("moved_out_period")
        triggers = [
            pgtrigger.Protect(
                name="moved_out_periods_are_only_taken_back",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(differs([*_PERIOD, "moved_out_id"]) + " OR NOT OLD.live"),
            ),
            pgtrigger.Protect(name="moved_out_periods_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.start} – {self.until}"


class BroughtInPeriod(MovedPeriod):
    """Months that were brought in. The database lets none of them count that another live one, or a
    paid charge that has not left its city, counts already."""

    brought_in = models.ForeignKey(
        BroughtIn, models.PROTECT, related_name="periods", verbose_name=_("转入记录")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("转入月份")
        constraints = _once("brought_in_period")
        triggers = [
            pgtrigger.Protect(
                name="brought_in_periods_only_move_on",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(differs([*_PERIOD, "brought_in_id"])),
            ),
            pgtrigger.Protect(name="brought_in_periods_are_kept", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="a_paid_month_is_not_brought_in",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                condition=pgtrigger.Q(new__live=True),
                func="""
                    IF EXISTS (
                        SELECT 1 FROM contributions_charge charge
                        WHERE charge.person_id = NEW.person_id AND charge.insurance = NEW.insurance
                          AND charge.month >= NEW.start AND charge.month < NEW.until
                          AND charge.live AND charge.status = 'paid'
                          AND NOT EXISTS (
                              SELECT 1 FROM contributions_movedoutperiod gone
                              WHERE gone.person_id = charge.person_id AND gone.insurance = charge.insurance
                                AND gone.live AND gone.start <= charge.month AND charge.month < gone.until
                          )
                    ) THEN
                        RAISE EXCEPTION 'a month from % until % is paid here and counts already', NEW.start, NEW.until
                            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'a_paid_month_is_not_brought_in';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.start} – {self.until}"
