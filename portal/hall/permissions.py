"""Who may file, see, withdraw and decide a case."""

from django.utils.translation import gettext as _

from portal.accounts import permissions
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Applicant, Audience, Service
from portal.policy.book import book


def may_file(user: User, service: Service) -> bool:
    """Whether this login is of the kind that the service is for."""
    return user.is_active and (user.is_clerk if service.audience == Audience.EMPLOYER else user.is_person)


def may_file_for(applicant: Applicant, service: Service) -> bool:
    """Whether the login may file the service for whom it says: itself or its employer, or a ward of
    its own."""
    if not may_file(applicant.user, service):
        return False
    if applicant.ward is None:
        return True
    return service.for_wards and permissions.may_act_for_person(applicant.user, applicant.ward)


def why_not_in(applicant: Applicant, city: str, service: Service) -> str:
    """Why the applicant may not file a service of its audience in that city; "" where it may. An
    employer files where it is registered: nobody else has its contributions assessed and taken."""
    employer = applicant.employer
    if service.audience != Audience.EMPLOYER or employer is None or employer.city == city:
        return ""
    titles = {one.slug: one.title for one in book().cities}
    return _("贵单位在{own}参保登记，单位业务只能在{own}办理；{other}不受理贵单位的申报。").format(
        own=titles.get(employer.city, employer.city), other=titles.get(city, city)
    )


def is_applicant(user: User, case: Case) -> bool:
    """Whether this login acts for whoever applied: every clerk of an employer does for all its
    cases."""
    if case.applicant_employer:
        return permissions.may_act_for_employer(user, case.applicant_employer)
    return permissions.may_act_for_person(user, case.applicant_person)


def may_see(user: User, case: Case) -> bool:
    """The applicant, and staff who review for the case's city."""
    return is_applicant(user, case) or permissions.may_review(user, case.city)


def may_withdraw(user: User, case: Case) -> bool:
    """The applicant, while it is open; staff never withdraw for them."""
    return case.is_open and is_applicant(user, case)


def why_not_decide(user: User, case: Case) -> str:
    """Why this member of staff may not decide the case; "" where they may. Maker and checker are
    never the same."""
    if not permissions.may_review(user, case.city):
        return _("您没有本城市办件的审核权限。")
    if user.pk == case.filed_by_id:
        return _("这份办件由您本人提交，请由其他工作人员审核。")
    if user.person and (
        user.person.identity_number == case.subject_identity_number
        or user.person_id in (case.subject_id, case.applicant_person_id)
    ):
        return _("您是这份办件的办理对象，请由其他工作人员审核。")
    if user.person and case.subject_id in permissions.guarded_by(user.person):
        return _("这份办件是您的被监护人的，请由其他工作人员审核。")
    return ""
