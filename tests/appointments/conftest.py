"""A place in Wuhan, and booking there as a user would."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from portal.accounts.models import User
from portal.appointments import the_day
from portal.appointments.models import Appointment, Site
from portal.hall import desk
from portal.hall.service import Applicant
from portal.people.models import Person
from portal.policy.book import book
from tests.cast import Cast, moment

WUHAN = "wuhan"
# Three days after the cast's now, a Friday; windows serve no more than usual on it.
FRIDAY = "2026-11-20"


class Counter:
    """Books at one place."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def slot(self, day: str = FRIDAY, at: str = "09:00") -> str:
        return f"{self.site.pk}-{day.replace('-', '')}{at.replace(':', '')}"

    def ask(
        self,
        user: User,
        day: str = FRIDAY,
        at: str = "09:00",
        *,
        now: dt.datetime,
        ward: Person | None = None,
        **typed: Any,
    ) -> Any:
        code = "employer-appointment" if user.is_clerk else "appointment"
        return desk.ask_for(
            offer=book().city(WUHAN).offers[code],
            applicant=Applicant.of(user, ward),
            typed={"slot": self.slot(day, at), "matter": "payment", "phone": "13800000002", **typed},
            now=now,
        )

    def book(
        self, user: User, day: str = FRIDAY, at: str = "09:00", *, now: dt.datetime, **more: Any
    ) -> Appointment:
        """The appointment. Raises desk.NotAccepted where it cannot be had."""
        key = more.pop("key", None) or uuid4()
        case = desk.submit(ask=self.ask(user, day, at, now=now, **more), key=key, now=now)
        return Appointment.objects.select_related("slot__site").get(case=case)

    def refused(
        self, user: User, day: str = FRIDAY, at: str = "09:00", *, now: dt.datetime, **more: Any
    ) -> dict[str, str]:
        """Why it is refused, by field; {} where it is not."""
        try:
            ask = self.ask(user, day, at, now=now, **more)
        except desk.NotAccepted as refusal:
            return {one.field: str(one.why) for one in refusal.findings}
        return {one.field: str(one.why) for one in desk.look(ask).findings}

    def missed(self, user: User, day: str, *, at: str = "09:00") -> Appointment:
        """An appointment of that day that the user did not come to, noted by the hall."""
        before = moment(f"{day} 08:00") - dt.timedelta(days=5)
        appointment = self.book(user, day, at, now=before)
        the_day.note_missed(now=moment(f"{day} 18:00"))
        appointment.refresh_from_db()
        return appointment


@pytest.fixture
def counter(cast: Cast) -> Counter:
    """A place of three windows, with the city's hours."""
    return Counter(
        Site.objects.create(
            city=WUHAN, title="江岸区经办大厅", address="江岸区京汉大道一号", phone="027-82000001", windows=3
        )
    )
