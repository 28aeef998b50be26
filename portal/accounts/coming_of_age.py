"""Before somebody comes of age, they and their guardians are told that the guardians stop."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from portal.accounts import notices
from portal.people.guardianship import comes_of_age
from portal.people.models import Proof, standing
from portal.policy.book import book
from portal.policy.terms.people import adulthood, guardianship_terms
from portal.shared.months import day_zh, today_in_china

NOTICE_KIND = "coming-of-age"


def tell(*, now: datetime) -> int:
    """Tells all who come of age within the days of the law, and their guardians, once each. Gives
    the number of the wards that it found. Run twice, the second tells nobody anything."""
    today = today_in_china(now)
    until = today + timedelta(days=guardianship_terms(book(), on=today).told_before_days)
    ending = standing(on=today).filter(ends_on__lte=until).exclude(proof_kind=Proof.INCAPACITY)
    years = adulthood(book(), on=today)
    wards = set()
    for one in ending.select_related("ward", "guardian").order_by("ward", "place"):
        day = comes_of_age(one.ward.birth_date, on=today)
        if one.ends_on != day:
            # It ends for another reason, of which both were told.
            continue
        wards.add(one.ward_id)
        words = {"name": one.ward.name, "day": day_zh(day), "years": years}
        own = _(
            "您将于{day}满{years}周岁，从这一天起监护人不再代办；请注册本人账号并维护缴费账户。"
            "监护人已申报的办件，登录后可以在“办件进度”中查看。"
        )
        guardians = _(
            "{name}将于{day}满{years}周岁，从这一天起您不能再为其代办；请提醒本人注册账号并维护缴费账户。"
        )
        for person, text in ((one.ward, own), (one.guardian, guardians)):
            notices.tell(
                person,
                kind=NOTICE_KIND,
                reference=f"{one.ward_id} {day} {person.pk}",
                title=_("即将成年，监护人不再代办"),
                text=text.format(**words),
                now=now,
            )
    return len(wards)
