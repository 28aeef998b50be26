"""Reading cases: one's own, and the queue of the agency's staff."""

from datetime import date

from django.db.models import QuerySet

from portal.accounts.models import User
from portal.accounts.permissions import staff_cities
from portal.hall.models import Case
from portal.hall.routing import OPEN, Status


def cases_of(user: User) -> QuerySet[Case]:
    """The cases of whom the login acts for, newest first: an employer's clerks see all of their employer's."""
    cases = Case.objects.select_related("applicant_person", "applicant_employer", "subject", "filed_by")
    if user.is_clerk:
        return cases.filter(applicant_employer=user.employer).order_by("-submitted_at", "-pk")
    if user.is_person:
        return cases.filter(applicant_person=user.person).order_by("-submitted_at", "-pk")
    return cases.none()


def queue(user: User) -> QuerySet[Case]:
    """What waits for staff of the user's cities, what is due first at the top."""
    cases = Case.objects.select_related("applicant_person", "applicant_employer", "subject", "filed_by")
    return cases.filter(
        status__in=[str(s) for s in OPEN if s != Status.SUBMITTED], city__in=staff_cities(user)
    ).order_by("due_on", "submitted_at", "pk")


def overdue(user: User, today: date) -> int:
    """How many of the queue's cases are past the day that was promised."""
    return queue(user).filter(due_on__lt=today).count()
