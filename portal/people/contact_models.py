"""Whom an employer has named as its contact: a person who gets its proofs by their own login."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class EmployerContact(models.Model):
    """That a person is an employer's contact, from ``since`` until ``ended_at``; an employer has
    one at a time. Only its end is written later."""

    employer = models.ForeignKey(
        "people.Employer", models.PROTECT, related_name="contacts", verbose_name=_("单位")
    )
    person = models.ForeignKey(
        "people.Person", models.PROTECT, related_name="contact_of", verbose_name=_("联系人")
    )
    since = models.DateTimeField(_("指定时间"))
    ended_at = models.DateTimeField(_("终止时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("单位联系人")
        ordering = ("-since",)
        constraints = [
            models.UniqueConstraint(
                fields=["employer"], condition=Q(ended_at__isnull=True), name="one_contact_of_an_employer"
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="contacts_stay_as_named", fields=["employer", "person", "since"]),
            pgtrigger.Protect(name="contacts_are_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.employer_id}: {self.person_id}"
