"""Reading cases: one's own, and the queue of the agency's staff."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from portal.accounts.models import User
from portal.accounts.permissions import persons_of, staff_cities
from portal.hall.models import Case, Overruling, OverrulingStatus
from portal.hall.routing import OPEN, Status
from portal.prepared import Prepared

# Cases that are not decided; SUBMITTED exists only inside the desk's transaction.
UNDECIDED = tuple(str(status) for status in OPEN if status != Status.SUBMITTED)
# Those of them that wait for staff.
WAITING = tuple(status for status in UNDECIDED if status != Status.RETURNED)
WAITING_SHOWN = 10
# What is due first, then what was filed first; the database puts what has no day at the end.
QUEUE_ORDER = ("due_on", "submitted_at", "pk")


def cases_of(user: User) -> QuerySet[Case]:
    """The cases of whom the login acts for, newest first: an employer's clerks see all of their
    employer's, a guardian those of the wards, too."""
    cases = Case.objects.select_related("applicant_person", "applicant_employer", "subject", "filed_by")
    if user.is_clerk:
        return cases.filter(applicant_employer=user.employer).order_by("-submitted_at", "-pk")
    if user.is_person:
        return cases.filter(applicant_person__in=persons_of(user)).order_by("-submitted_at", "-pk")
    return cases.none()


def open_about(identity_number: str, service: str) -> list[Case]:
    """The undecided cases of this service about this person, whoever filed them, oldest first."""
    cases = Case.objects.filter(
        subject_identity_number=identity_number, service=service, status__in=UNDECIDED
    ).select_related("applicant_employer")
    return list(cases.order_by("submitted_at", "pk")) if identity_number else []


def others_open_about(identity_number: str, *, city: str, but: str) -> list[Case]:
    """The undecided cases about this person in the city, of every service ``but`` one, oldest
    first."""
    cases = Case.objects.filter(subject_identity_number=identity_number, city=city, status__in=UNDECIDED)
    return list(cases.exclude(service=but).order_by("submitted_at", "pk"))


def open_about_any(identity_numbers: Collection[str], service: str) -> dict[str, list[Case]]:
    """The undecided cases of this service about these persons, by number."""
    cases = Case.objects.filter(
        subject_identity_number__in=identity_numbers, service=service, status__in=UNDECIDED
    )
    found: dict[str, list[Case]] = {}
    for case in cases.order_by("submitted_at", "pk"):
        found.setdefault(case.subject_identity_number, []).append(case)
    return found


def just_done(*, applicant_person: int, city: str, service: str, since: datetime) -> Case | None:
    """The newest case of the service that was done for the person since then."""
    return (
        Case.objects.filter(
            applicant_person=applicant_person,
            city=city,
            service=service,
            status=Status.DONE,
            submitted_at__gte=since,
        )
        .order_by("-submitted_at", "-pk")
        .first()
    )


def waiting_of(user: User) -> list[Case]:
    """The newest WAITING_SHOWN of ``cases_of`` that are not decided; without joins, because each
    home page asks for them."""
    return _WAITING_OF(
        user.person_id if user.is_person else None, user.employer_id if user.is_clerk else None, *UNDECIDED
    )


_WAITING_OF = Prepared(
    lambda: Case.objects.filter(
        Q(applicant_person=0) | Q(applicant_employer=0), status__in=UNDECIDED
    ).order_by("-submitted_at", "-pk")[:WAITING_SHOWN]
)


def cases_for_staff(user: User) -> QuerySet[Case]:
    """All cases of the cities whose agency the user works for; none for logins that are not
    staff."""
    cases = Case.objects.select_related(
        "applicant_person", "applicant_employer", "subject", "filed_by", "decided_by"
    )
    return cases.filter(city__in=staff_cities(user))


def have_cases_in(cities: Sequence[str]) -> Q:
    """A condition on persons: they applied in these cities, or a case there is about them. Staff of
    these cities may see their data."""
    cases = Case.objects.filter(city__in=cities)
    return Q(Exists(cases.filter(subject=OuterRef("pk")))) | Q(
        Exists(cases.filter(applicant_person=OuterRef("pk")))
    )


def queue(user: User) -> QuerySet[Case]:
    """What waits for staff of the user's cities, what is due first at the top."""
    return cases_for_staff(user).filter(status__in=WAITING).order_by(*QUEUE_ORDER)


def decidable(user: User) -> QuerySet[Case]:
    """The queue's cases that this member of staff may decide: not those that they filed, that are
    about them, or whose overruling they have proposed."""
    proposed = Overruling.objects.filter(status=OverrulingStatus.PROPOSED, proposed_by=user)
    cases = queue(user).exclude(filed_by=user).exclude(pk__in=proposed.values("case"))
    if user.person is None:
        return cases
    about = (
        Q(subject_identity_number=user.person.identity_number)
        | Q(subject=user.person)
        | Q(applicant_person=user.person)
    )
    return cases.exclude(pk__in=Case.objects.filter(about).values("pk"))


def waiting_for(user: User) -> QuerySet[Case]:
    """The cases that this member of staff may decide now; for those who only look, all that
    wait."""
    return decidable(user) if user.has_perm("hall.change_case") else queue(user)


def by_service(cases: QuerySet[Case]) -> list[tuple[str, str, int]]:
    """City, service and number of these cases, most first."""
    counted = cases.order_by().values_list("city", "service").annotate(number=Count("pk"))
    return list(counted.order_by("-number", "city", "service"))


def next_after(user: User, case: Case) -> Case | None:
    """The case that this member of staff may decide next: the one behind ``case`` in the queue,
    else the first of all."""
    waiting = decidable(user).exclude(pk=case.pk)
    same_day = Q(due_on=case.due_on) if case.due_on else Q(due_on__isnull=True)
    behind = same_day & (
        Q(submitted_at__gt=case.submitted_at) | Q(submitted_at=case.submitted_at, pk__gt=case.pk)
    )
    if case.due_on:
        behind |= Q(due_on__gt=case.due_on) | Q(due_on__isnull=True)
    return waiting.filter(behind).first() or waiting.first()


def overdue(user: User, today: date) -> int:
    """How many of the queue's cases are past the day that was promised."""
    return queue(user).filter(due_on__lt=today).count()
