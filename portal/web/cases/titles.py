"""What a case is called, and whom it is about."""

from django.utils.translation import gettext as _

from portal.hall.catalogue import services
from portal.hall.models import Case
from portal.policy.book import book


def title_of(case: Case) -> str:
    """The title under which the case's city offers, or offered, the service."""
    return offered_title(case.city, case.service)


def offered_title(city: str, code: str) -> str:
    """The title under which the city offers, or offered, the service."""
    offer = book().city(city).offers.get(code)
    if offer:
        return offer.title
    return str(services()[code].title) if code in services() else code


def subject_of(case: Case) -> str:
    """Whom the case is about, with the last digits of their number; "" where it is about the
    applicant's own affairs."""
    name = case.subject.name if case.subject else str(case.answers.get("name", ""))
    number = case.subject_identity_number
    return _("{name}（尾号 {tail}）").format(name=name, tail=number[-4:]) if name and number else name


def still_offered(case: Case) -> bool:
    """Whether the case's city still offers its service."""
    return case.service in book().city(case.city).offers
