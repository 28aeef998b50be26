"""The demo's community desks, and who has got their right to act online there."""

import datetime as dt

from portal.accounts.models import User
from portal.qualifications import opening, rights
from portal.qualifications.models import Letter, Right
from portal.web.demo import cast
from portal.web.demo.chapters import Say


def tell(now: dt.datetime, say: Say) -> None:
    desks = [cast.desk(entry) for entry in cast.script()["desks"]]
    clerk = User.objects.get(username=next(iter(cast.script()["desks"][0]["clerks"])))
    if rights.terms_of(desks[0].city, now) is None:
        return
    for key in cast.script()["qualified"]:
        person, login = cast.person(key), cast.person_login(key)
        if Letter.objects.filter(qualification__person=person).exists():
            continue
        live = next(iter(rights.qualified_in(person)), None)
        live = (
            live
            or opening.open_qualification(
                person, right=Right.FILE, phone=login.phone, seen="居民身份证", by=clerk, now=now
            ).qualification
        )
        opening.sign_on_screen(live, by=login, now=now)
