"""Who is told that somebody filed for a ward: the other guardian, and the ward once old enough."""

from datetime import datetime

from django.utils.translation import gettext as _

from portal.accounts import notices
from portal.accounts.models import User
from portal.hall.models import Case
from portal.people import guardianship
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.people import guardianship_terms
from portal.shared.ages import has_reached
from portal.shared.months import day_zh, today_in_china

NOTICE_KIND = "for-ward"


def to_tell(ward: Person, *, by: User, now: datetime) -> list[Person]:
    """Whom an act of the login for the ward is told: the other guardians of that day, and the ward
    from the age of the city's law on."""
    today = today_in_china(now)
    others = [
        one.guardian for one in guardianship.guardians_of(ward, on=today) if one.guardian_id != by.person_id
    ]
    told_from = guardianship_terms(book(), on=today).told_from
    old_enough = has_reached(ward.birth_date, told_from, on=today) and ward.pk != by.person_id
    return [*others, ward] if old_enough else others


def tell(people: list[Person], case: Case, *, ward: Person, done: bool, now: datetime) -> None:
    """Tells them, once each, that the case was filed, or that it is ``done``."""
    names = {
        "guardian": case.filed_by.name,
        "day": day_zh(today_in_china(now)),
        "ward": ward.name,
        "title": case.offer.title,
    }
    if done:
        text = _("{guardian}于{day}为{ward}办理了“{title}”，如有异议请拨打12333。")
    else:
        text = _("{guardian}于{day}为{ward}申报了“{title}”，还没有办结，如有异议请拨打12333。")
    for person in people:
        notices.tell(
            person,
            kind=NOTICE_KIND,
            reference=f"{case.number} {'done' if done else 'filed'} {person.pk}",
            title=_("监护人为{ward}办理业务").format(ward=ward.name),
            text=text.format(**names),
            now=now,
        )
