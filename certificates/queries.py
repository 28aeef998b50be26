"""Who may see which certificate."""

from django.db.models import Q, QuerySet

from certificates.models import Certificate, StaffBatch, Status
from portal.accounts import permissions
from portal.accounts.models import User
from portal.accounts.permissions import Visitor
from portal.people.contacts import employers_of


def own(user: Visitor) -> QuerySet[Certificate]:
    """The certificates of the person and their wards, or of the employer, that this login acts for,
    newest first."""
    if isinstance(user, User) and user.is_person:
        mine = Q(person__in=permissions.persons_of(user))
        if user.person:
            # Of an employer whose contact they are, what they asked for themselves.
            mine |= Q(employer__in=employers_of(user.person), issued_to=user)
        return Certificate.objects.filter(mine)
    if isinstance(user, User) and user.is_clerk:
        return Certificate.objects.filter(employer=user.employer_id)
    return Certificate.objects.none()


def may_take_back(user: Visitor, certificate: Certificate) -> bool:
    """Whether the holder may revoke it: a proof of theirs that is shown to others, and that a login
    of their kind applied for.

    A person cannot revoke a proof that the employer applied for; the agency can.
    """
    return (
        isinstance(user, User)
        and certificate.form.relied_on
        and certificate.status == Status.ISSUED
        and certificate.issued_to.kind == user.kind
        and own(user).filter(pk=certificate.pk).exists()
    )


def own_batches(user: Visitor) -> QuerySet[StaffBatch]:
    """The batches of this clerk's employer, latest first; none for other logins."""
    if isinstance(user, User) and user.is_clerk:
        return StaffBatch.objects.filter(employer=user.employer_id).select_related("case", "employer")
    return StaffBatch.objects.none()


def for_staff(user: Visitor) -> QuerySet[Certificate]:
    """The certificates of the cities whose agency this login works for."""
    return Certificate.objects.filter(city__in=permissions.staff_cities(user)).select_related(
        "person", "employer", "issued_to", "revoked_by", "case"
    )


def may_revoke(user: User, certificate: Certificate) -> bool:
    """Whether this login is staff of the city with the certifier's role, and not the subject of the
    certificate."""
    of_the_city = certificate.city in permissions.staff_cities(user)
    about_self = user.person_id is not None and user.person_id == certificate.person_id
    return of_the_city and user.has_perm("certificates.change_certificate") and not about_self
