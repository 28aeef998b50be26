"""Whom an employer has named as its contact: a person who gets its proofs by their own login."""

import datetime as dt

import pgtrigger
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.people.models import Employer, Person


class EmployerContact(models.Model):
    """That a person is an employer's contact, from ``since`` until ``ended_at``; an employer has
    one at a time. Only its end is written later."""

    employer = models.ForeignKey(Employer, models.PROTECT, related_name="contacts", verbose_name=_("单位"))
    person = models.ForeignKey(Person, models.PROTECT, related_name="contact_of", verbose_name=_("联系人"))
    since = models.DateTimeField(_("指定时间"))
    ended_at = models.DateTimeField(_("终止时间"), null=True, blank=True)

    class Meta:
        app_label = "people"
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


def contact_of(employer: Employer) -> Person | None:
    """The employer's contact now."""
    return Person.objects.filter(contact_of__employer=employer, contact_of__ended_at__isnull=True).first()


def employers_of(person: Person) -> QuerySet[Employer]:
    """The employers whose contact the person is now."""
    standing = EmployerContact.objects.filter(person=person, ended_at__isnull=True)
    return Employer.objects.filter(pk__in=standing.values("employer")).order_by("name", "pk")


def name(employer: Employer, person: Person | None, *, now: dt.datetime) -> None:
    """Makes the person the employer's contact, in place of the one before; None ends that one's
    right alone. The caller holds the transaction."""
    EmployerContact.objects.filter(employer=employer, ended_at__isnull=True).update(ended_at=now)
    if person is not None:
        EmployerContact.objects.create(employer=employer, person=person, since=now)
