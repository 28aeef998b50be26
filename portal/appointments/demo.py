"""The demo's places and appointments: Wuhan's, on the days around today."""

import datetime as dt
import uuid

from portal.accounts.models import User
from portal.accounts.roles import REVIEWER
from portal.appointments import the_day
from portal.appointments.calendar import Calendar
from portal.appointments.models import Appointment, Site
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.web.demo import cast
from portal.web.demo.chapters import Chapter, Say


def _places(now: dt.datetime, say: Say) -> None:
    """Places that take bookings, appointments to come, and one of somebody who came."""
    sites = {}
    for entry in cast.script()["places"]:
        sites[entry["title"]], _made = Site.objects.get_or_create(
            city=entry["city"], title=entry["title"], defaults=entry
        )
    for number, entry in enumerate(cast.script()["appointments"]):
        key = uuid.uuid5(uuid.NAMESPACE_URL, f"demo-appointment-{number}")
        if Case.objects.filter(key=key).exists():
            continue
        site = sites[entry["place"]]
        at = now - dt.timedelta(days=entry.get("made_days_ago", 0))
        login = cast.clerk(entry["employer"]) if "employer" in entry else cast.person_login(entry["person"])
        appointment = _book(login, site, entry, key=key, at=at)
        if entry.get("came") and appointment:
            start = appointment.slot.starts_at
            the_day.check_in(appointment, by=cast.staff_of(site.city, REVIEWER), now=start)


def _book(
    login: User, site: Site, entry: dict[str, str], *, key: uuid.UUID, at: dt.datetime
) -> Appointment | None:
    """The appointment in the first free slot of the ``day``-th day that can be booked."""
    calendar = Calendar(site.city, now=at, sites=[site])
    days = [one for one in calendar.days(site) if one.free]
    if not days:
        return None
    openings = [one for one in days[min(int(entry["day"]), len(days) - 1)].openings if one.free]
    code = "employer-appointment" if login.is_clerk else "appointment"
    ask = desk.ask_for(
        offer=book().city(site.city).offers[code],
        applicant=Applicant.of(login),
        typed={"slot": openings[0].name, "matter": entry["matter"], "phone": login.phone},
        now=at,
    )
    case = desk.submit(ask=ask, key=key, now=at)
    return Appointment.objects.select_related("slot__site").get(case=case)


CHAPTERS = [Chapter(60, "预约办事", _places)]
