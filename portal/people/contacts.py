"""Who is an employer's contact, of which employers a person is, and naming another."""

import datetime as dt

from django.db.models import QuerySet

from portal.people.models import Employer, EmployerContact, Person


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
