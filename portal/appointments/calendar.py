"""What can be booked: the places of a city, their days and slots, and how many places are free."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from portal.appointments.models import Closure, Site, Slot
from portal.hall.working_days import overrides_of
from portal.policy.book import book
from portal.policy.terms.appointments import AppointmentTerms, appointment_terms
from portal.shared.characters import whole_number
from portal.shared.months import CHINA, today_in_china

# How a slot is named in addresses and answers: the place's id and the start, in China.
_NAME = "%Y%m%d%H%M"


@dataclass(frozen=True, slots=True)
class Opening:
    """One slot as it can be booked, or not: ``free`` places are left."""

    site: Site
    starts_at: dt.datetime
    ends_at: dt.datetime
    capacity: int
    booked: int

    @property
    def free(self) -> int:
        return self.capacity - self.booked

    @property
    def name(self) -> str:
        return slot_name(self.site, self.starts_at)

    @property
    def times(self) -> str:
        return times(self.starts_at, self.ends_at)


@dataclass(frozen=True, slots=True)
class Day:
    """One day of one place: its slots, none where the place is closed."""

    day: dt.date
    openings: tuple[Opening, ...]
    closed: str = ""

    @property
    def free(self) -> int:
        return sum(one.free for one in self.openings)


def slot_name(site: Site, starts_at: dt.datetime) -> str:
    """12-202611180930: what ``named`` reads."""
    return f"{site.pk}-{starts_at.astimezone(CHINA):{_NAME}}"


def named(text: str) -> tuple[int, dt.datetime] | None:
    """The place's id and the start that a slot's name says; None for any other text."""
    site, _dash, start = text.partition("-")
    pk = whole_number(site)
    if pk is None or len(start) != 12 or not (start.isascii() and start.isdecimal()):
        return None
    try:
        return pk, dt.datetime.strptime(start, _NAME).replace(tzinfo=CHINA)
    except ValueError:
        return None


def times(starts_at: dt.datetime, ends_at: dt.datetime) -> str:
    """09:30–10:00."""
    return f"{starts_at.astimezone(CHINA):%H:%M}–{ends_at.astimezone(CHINA):%H:%M}"


class Calendar:
    """The days that can be booked at places of one city, read with a fixed number of queries.

    Raises PolicyMissing where the city takes no appointments.
    """

    def __init__(self, city: str, *, now: dt.datetime, sites: Iterable[Site] | None = None) -> None:
        today = today_in_china(now)
        self.terms: AppointmentTerms = appointment_terms(book(), city=city, on=today)
        self.overrides = overrides_of(city, since=today)
        self.bookable = self.terms.bookable_days(today, self.overrides)
        self.sites = list(sites_of(city)) if sites is None else list(sites)
        self._closed = {
            (one.site_id, one.day): one.reason
            for one in Closure.objects.filter(site__in=self.sites, day__in=self.bookable)
        }
        self._kept = {
            (one.site_id, one.starts_at): one
            for one in Slot.objects.filter(
                site__in=self.sites,
                starts_at__gte=now,
                starts_at__lt=now + dt.timedelta(days=self.terms.days_ahead + 1),
            )
        }

    def days(self, site: Site) -> list[Day]:
        """Every bookable day of the place, the closed ones too."""
        return [self.day(site, day) for day in self.bookable]

    def day(self, site: Site, day: dt.date) -> Day:
        closed = self._closed.get((site.pk, day), "")
        if closed or day not in self.bookable or not site.takes_bookings:
            return Day(day, (), closed)
        capacity = self.terms.capacity(site.windows, day, self.overrides)
        openings = []
        for start, end in self.terms.slots(day, site.hours):
            kept = self._kept.get((site.pk, start))
            # What was booked stays where the windows have become fewer.
            room = max(capacity, kept.booked) if kept else capacity
            openings.append(Opening(site, start, end, room, kept.booked if kept else 0))
        return Day(day, tuple(openings))

    def first_free(self, site: Site, after: dt.date | None = None) -> Day | None:
        """The first day of the place with a free slot (later than ``after``); None where all are
        full."""
        return next((one for one in self.days(site) if one.free and (after is None or one.day > after)), None)

    def opening(self, name: str) -> Opening | None:
        """The slot of that name; None where there is none that can be booked."""
        parts = named(name)
        if parts is None:
            return None
        pk, start = parts
        site = next((one for one in self.sites if one.pk == pk), None)
        if site is None:
            return None
        day = self.day(site, start.date())
        return next((one for one in day.openings if one.starts_at == start), None)


def sites_of(city: str) -> Iterable[Site]:
    """The places of the city that take bookings."""
    return Site.objects.filter(city=city, takes_bookings=True)
