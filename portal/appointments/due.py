"""Appointments that are to come, for the home page."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.appointments import matters
from portal.appointments.calendar import times
from portal.appointments.machine import Status
from portal.appointments.models import Appointment
from portal.appointments.views import appointments_of, shown_whole
from portal.people.models import Person
from portal.shared.months import short_day_zh, today_in_china


@dataclass(frozen=True, slots=True)
class Due:
    title: str
    text: str
    days_left: int
    url: str


def due_for(user: User, now: dt.datetime) -> list[Due]:
    """Each appointment that the login's people, or its employer, have still to come to."""
    return _to_come(appointments_of(user), now) if user.is_person or user.is_clerk else []


def due_of(person: Person, now: dt.datetime) -> list[Due]:
    """Each appointment that this person has still to come to."""
    return _to_come(shown_whole().filter(person=person), now)


def _to_come(appointments: QuerySet[Appointment], now: dt.datetime) -> list[Due]:
    today = today_in_china(now)
    return [
        Due(
            title=_("预约办事：{site}").format(site=one.slot.site),
            text=_("{day} {times}，{matter}。请带好证件和材料。").format(
                day=short_day_zh(one.day),
                times=times(one.slot.starts_at, one.slot.ends_at),
                matter=matters.words(one),
            ),
            days_left=(one.day - today).days,
            url=reverse("appointment", args=[one.number]),
        )
        for one in appointments.filter(status=Status.BOOKED, day__gte=today)
    ]
