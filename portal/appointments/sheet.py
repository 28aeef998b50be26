"""What an appointment is taken along as: the code that staff scan, and a file for calendars."""

import datetime as dt

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event

from portal.appointments import matters
from portal.appointments.models import Appointment
from portal.hall import counter


def check_in_address(appointment: Appointment) -> str:
    """Where staff check in whoever brings the code."""
    path = reverse("admin:appointments_appointment_by_number", args=[appointment.number])
    return f"{settings.PUBLIC_URL}{path}"


def qr_code(appointment: Appointment) -> str:
    """The address as a picture, in a data: address."""
    return counter.qr_code(check_in_address(appointment))


def calendar_file(appointment: Appointment, *, now: dt.datetime) -> bytes:
    """The appointment as iCalendar (RFC 5545), with a reminder the day before. A moved appointment
    takes the place of what a calendar already has."""
    slot = appointment.slot
    event = Event()
    event.add("uid", f"{appointment.number}@appointments")
    event.add("sequence", appointment.events.count() - 1)
    event.add("dtstamp", now.astimezone(dt.UTC))
    event.add("dtstart", slot.starts_at.astimezone(dt.UTC))
    event.add("dtend", slot.ends_at.astimezone(dt.UTC))
    event.add("summary", _("社保预约办事：{site}").format(site=slot.site))
    event.add("location", f"{slot.site} {slot.site.address}")
    papers = "、".join(paper.title for paper in matters.papers(appointment)) or _("有效身份证件")
    event.add(
        "description",
        _("预约号{number}。{matter}。请带：{papers}。").format(
            number=appointment.number, matter=matters.words(appointment), papers=papers
        ),
    )
    event.add("url", f"{settings.PUBLIC_URL}{reverse('appointment', args=[appointment.number])}")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _("明天有预约"))
    alarm.add("trigger", dt.timedelta(days=-1))
    event.add_component(alarm)
    calendar = Calendar()
    calendar.add("prodid", "-//insurance-hall//appointments//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
