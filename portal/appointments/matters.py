"""What somebody comes for: a case of their own whose papers they bring, or a group of services."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from portal.appointments.models import Appointment
from portal.hall.catalogue import offers
from portal.hall.models import Case
from portal.hall.routing import OPEN
from portal.hall.service import THEME_LABELS, Applicant, Audience, Theme
from portal.policy.book import Paper
from portal.web.cases.next_steps import papers_to_bring
from portal.web.cases.titles import title_of

# How many of the applicant's cases are offered.
CASES = 10

_CASE, OTHER = "case:", "other"


def cases_to_bring(applicant: Applicant, city: str) -> list[Case]:
    """The applicant's cases that wait for papers at the window, the latest first."""
    waiting = Case.objects.filter(
        city=city,
        applicant_person=applicant.person,
        applicant_employer=applicant.employer,
        status__in=[str(status) for status in OPEN],
    ).order_by("-submitted_at")[: CASES * 2]
    return [case for case in waiting if papers_to_bring(case)][:CASES]


def choices(city: str, audience: Audience, cases: Sequence[Case]) -> list[tuple[str, str]]:
    """(value, words): their cases first, then the groups of services of their kind that the city
    has."""
    own = [
        (
            of_case(case.number),
            _("交材料：{title}（{number}）").format(title=title_of(case), number=case.number),
        )
        for case in cases
    ]
    offered = {service.theme for _offer, service in offers(city) if service.audience == audience}
    groups = [
        (str(theme), str(THEME_LABELS[theme])) for theme in Theme if theme in offered and theme != Theme.VISIT
    ]
    return [*own, *groups, (OTHER, _("其他社保业务"))]


def of_case(number: str) -> str:
    """The choice of the case of that number."""
    return f"{_CASE}{number}"


def case_number(matter: str) -> str:
    """The number of the case that was chosen; "" where a group was."""
    return matter.removeprefix(_CASE) if matter.startswith(_CASE) else ""


def theme_words(theme: str) -> str:
    """A group of services in words."""
    return str(THEME_LABELS[Theme(theme)]) if theme in set(Theme) else _("其他社保业务")


def words(appointment: Appointment) -> str:
    """What the appointment is for."""
    about = appointment.about
    if about is None:
        return theme_words(appointment.theme)
    return _("{title}（办件{number}）").format(title=title_of(about), number=about.number)


def papers(appointment: Appointment) -> list[Paper]:
    """The papers of the case that they come for; empty where they come for no case, or it is
    decided."""
    return papers_to_bring(appointment.about) if appointment.about else []
