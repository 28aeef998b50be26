"""Who may file, see, withdraw and decide a case."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts import levels, permissions
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Applicant, Audience, Service
from portal.hall.ways import To
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.people import adulthood
from portal.qualifications.opening import visit_of
from portal.shared.ages import has_reached
from portal.shared.months import today_in_china

GUARDIANS = To("guardian-upkeep", what=gettext_lazy("登记监护人"))


def may_file(user: User, service: Service) -> bool:
    """Whether this login is of the kind that the service is for. A community desk files for the
    residents who stand there."""
    of_persons = user.is_person or user.is_desk
    return user.is_active and (user.is_clerk if service.door == Audience.EMPLOYER else of_persons)


def may_file_for(applicant: Applicant, service: Service, now: datetime) -> bool:
    """Whether the login may file the service for whom it says: itself or its employer, a ward of
    its own, or, as a desk, the resident who stands there now."""
    if not may_file(applicant.user, service):
        return False
    if applicant.user.is_desk:
        visit = visit_of(applicant.user, now)
        return visit is not None and applicant.person is not None and visit.resident_id == applicant.person.pk
    if applicant.ward is None:
        return True
    return service.for_wards and permissions.may_act_for_person(applicant.user, applicant.ward)


def why_not_for(ward: Person, *, city: str, now: datetime) -> str:
    """Why a login that is not, or no longer, the ward's guardian files nothing for them; names the
    way in that city."""
    today = today_in_china(now)
    years = adulthood(book(), on=today)
    if has_reached(ward.birth_date, years, on=today):
        return _("{name}已满{years}周岁，请由本人登录办理。").format(name=ward.name, years=years)
    return _("您不是{name}的登记监护人。请先{way}，或由已登记的监护人办理。").format(
        name=ward.name, way=GUARDIANS.at(city)
    )


def why_not_in(applicant: Applicant, city: str, service: Service) -> str:
    """Why the applicant may not file a service of its audience in that city; "" where it may. An
    employer files where it is registered: nobody else has its contributions assessed and taken. A
    desk files in its city."""
    if applicant.user.is_desk:
        own = applicant.user.at_desk.desk.city
        return "" if own == city else _("社区网点只能帮办本市的业务。")
    employer = applicant.employer
    if service.audience != Audience.EMPLOYER or employer is None or employer.city == city:
        return ""
    titles = {one.slug: one.title for one in book().cities}
    return _("贵单位在{own}参保登记，单位业务只能在{own}办理；{other}不受理贵单位的申报。").format(
        own=titles.get(employer.city, employer.city), other=titles.get(city, city)
    )


def must_verify(user: User, city: str, *, now: datetime) -> bool:
    """Whether the login has to prove more of who its owner is before it files in that city."""
    return levels.must_verify(user, city, on=today_in_china(now))


def is_applicant(user: User, case: Case) -> bool:
    """Whether this login acts for whoever applied: every clerk of an employer does for all its
    cases."""
    if case.applicant_employer:
        return permissions.may_act_for_employer(user, case.applicant_employer)
    return permissions.may_act_for_person(user, case.applicant_person)


def may_see(user: User, case: Case) -> bool:
    """The applicant, staff who review for the case's city, and the desk that filed it today."""
    if user.is_desk:
        return case.filed_by_id == user.pk and _is_of_today(case)
    return is_applicant(user, case) or permissions.may_review(user, case.city)


def _is_of_today(case: Case) -> bool:
    return today_in_china(case.submitted_at) == today_in_china(timezone.now())


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
