"""Records that are still kept under an identity number of 15 digits (身份证号正常升位)."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.columns import CityField, NameField, name_in_form


class FormerNumber(models.Model):
    """The pension months of a city's old record, kept under a number of 15 digits until the person
    of the number of 18 takes them over; then the number stays as their history.

    ``periods`` are months [start, until) as text: [["1992-03", "1998-01"]]; ``wages`` yuan by year,
    as text; ``source`` names the book or file that the record comes from.
    """

    number = models.CharField(_("15位号码"), max_length=15, unique=True)
    name = NameField(_("姓名"), max_length=60)
    city = CityField(_("参保地"), max_length=30)
    periods = models.JSONField(_("缴费月份"))
    wages = models.JSONField(_("各年缴费工资（元）"), default=dict, blank=True)
    source = models.CharField(_("记录来源"), max_length=120)
    person = models.ForeignKey(
        "people.Person",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="former_numbers",
        verbose_name=_("并入人员"),
    )
    taken_over_at = models.DateTimeField(_("并入时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("15位号码的记录")
        constraints = [
            models.CheckConstraint(
                condition=Q(number__regex=r"^[0-9]{15}$"), name="former_number_has_15_digits"
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=True, taken_over_at__isnull=True)
                | Q(person__isnull=False, taken_over_at__isnull=False),
                name="former_number_is_taken_over_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(periods=[]) & ~Q(source=""), name="former_number_has_months_and_a_source"
            ),
            name_in_form("name", name="former_number_name_in_form"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="former_numbers_are_taken_over_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__person__isnull=False),
            ),
            pgtrigger.Protect(name="former_numbers_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.number[:6]}*****{self.number[-4:]}"
