"""What applicants do with appointments: take one, move it, cancel it. Each is one transaction, and
doing it twice changes nothing."""

import datetime as dt

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.permissions import may_act_for_employer, may_act_for_person
from portal.appointments import notices
from portal.appointments.calendar import Calendar, Opening, times
from portal.appointments.machine import Status
from portal.appointments.models import Appointment, AppointmentEvent, Site, Slot
from portal.columns import broken_constraint
from portal.hall.models import Case
from portal.hall.service import Applicant
from portal.hall.ways import Way
from portal.locks import hold, share
from portal.people.models import Employer, Person
from portal.policy.book import book
from portal.policy.terms.appointments import AppointmentTerms, appointment_terms
from portal.shared import numbers
from portal.shared.months import day_zh, today_in_china

SITE_LOCK, OF_LOCK = "appointments-site", "appointments-of"


class CannotChange(Exception):
    """Why an appointment cannot be taken, moved or cancelled, in the applicant's words."""


def conflicts() -> dict[str, str]:
    """What the database refuses, in the applicant's words."""
    return {
        "slot_is_not_overbooked": _("该时段已约满，请选其他时段。"),
        "one_appointment_a_day_and_person": _("您当天已有预约，请先取消或改期。"),
        "one_appointment_a_day_and_employer": _("您当天已有预约，请先取消或改期。"),
        "no_appointment_on_a_closed_day": _("这个办事点当天停办，请选其他日期或办事点。"),
    }


def of(applicant: Applicant | Appointment) -> dict[str, Person | Employer | None]:
    """Whose appointments count together: the person's, or the employer's."""
    return {"person": applicant.person, "employer": applicant.employer}


def standing(applicant: Applicant | Appointment, *, now: dt.datetime) -> list[Appointment]:
    """The appointments that the applicant has still to come to, earliest first."""
    found = Appointment.objects.filter(
        **of(applicant), status=Status.BOOKED, day__gte=today_in_china(now)
    ).select_related("slot__site")
    return list(found.order_by("slot__starts_at"))


def missed_days(applicant: Applicant) -> list[dt.date]:
    """The days of the appointments that the applicant has missed without an excuse."""
    missed = Appointment.objects.filter(**of(applicant), status=Status.MISSED)
    return list(missed.values_list("day", flat=True))


def blocked_until(applicant: Applicant, terms: AppointmentTerms, *, now: dt.datetime) -> dt.date | None:
    """The last day on which the applicant can book nothing; None where they can."""
    last = terms.blocked_until(missed_days(applicant))
    return last if last is not None and today_in_china(now) <= last else None


def take(
    case: Case,
    applicant: Applicant,
    opening: Opening,
    *,
    theme: str,
    about: Case | None,
    phone: str,
    terms: AppointmentTerms,
    now: dt.datetime,
) -> Appointment:
    """Makes the appointment, in the desk's transaction. IntegrityError where the slot is full or
    the applicant has one that day; CannotChange where they have as many as they may."""
    hold(OF_LOCK, _key(applicant))
    if len(standing(applicant, now=now)) >= terms.open_at_most:
        raise CannotChange(too_many(terms))
    _share_site(opening)
    appointment = Appointment.objects.create(
        number=numbers.dashed_number("Y", now, length=6),
        case=case,
        slot=slot_of(opening),
        **of(applicant),
        made_by=applicant.user,
        theme=theme,
        about=about,
        phone=phone,
        made_at=now,
    )
    appointment.refresh_from_db(fields=["day"])
    record(appointment, by=applicant.user, now=now)
    notices.booked(appointment, terms=terms, now=now)
    return appointment


def _share_site(opening: Opening) -> None:
    """Keeps staff from changing or closing the place until the transaction ends. CannotChange where
    they just have."""
    share(SITE_LOCK, opening.site.pk)
    read = opening.site
    as_read = Site.objects.filter(
        pk=read.pk, windows=read.windows, opening_hours=read.opening_hours, takes_bookings=True
    )
    if not as_read.exists():
        raise CannotChange(_("这个办事点的安排刚刚有变动，请重新选择时段。"))


def slot_of(opening: Opening) -> Slot:
    """The row of a slot, made where nobody has booked it before."""
    slot, made = Slot.objects.get_or_create(
        site=opening.site,
        starts_at=opening.starts_at,
        defaults={"ends_at": opening.ends_at, "capacity": opening.capacity},
    )
    if not made and slot.capacity != opening.capacity:
        # The windows, or the calendar, have changed since; what is booked stays.
        Slot.objects.filter(pk=slot.pk, booked__lte=opening.capacity).update(capacity=opening.capacity)
    return slot


def blocked_words(last: dt.date, terms: AppointmentTerms) -> str:
    """Why whoever is blocked until the end of that day books nothing, and what they can do."""
    return _("您{within}天内已爽约{count}次，{day}起可再预约；可直接到窗口取号。").format(
        within=terms.misses_within_days, count=terms.misses, day=day_zh(last + dt.timedelta(days=1))
    )


def to_mine() -> Way:
    """The words of a sentence that lead to the login's appointments."""
    words = _("取消或改期")
    return Way(words, words, reverse("appointments"))


def too_many(terms: AppointmentTerms) -> str:
    return _("您已有{count}个还没有到日期的预约，最多同时保留{count}个；请先取消或改期。").format(
        count=terms.open_at_most
    )


def why_not_change(appointment: Appointment, *, now: dt.datetime) -> str:
    """Why an appointment can be neither cancelled nor moved any more; "" where it can."""
    if appointment.status != Status.BOOKED:
        return _("这个预约{state}，不能再取消或改期。").format(state=appointment.get_status_display())
    terms = terms_of(appointment)
    if now > terms.changeable_until(appointment.slot.starts_at):
        return _("距预约时间不足{hours}小时，不能取消。").format(hours=terms.cancel_hours)
    return ""


def terms_of(appointment: Appointment) -> AppointmentTerms:
    """The figures by which the appointment was made."""
    on = today_in_china(appointment.made_at)
    return appointment_terms(book(), city=appointment.slot.site.city, on=on)


def may_see(user: User, appointment: Appointment) -> bool:
    """Whether the login acts for whoever has the appointment."""
    if appointment.employer:
        return may_act_for_employer(user, appointment.employer)
    return may_act_for_person(user, appointment.person)


def cancel(appointment: Appointment, *, by: User, now: dt.datetime) -> Appointment:
    """Gives the place to others; a second call changes nothing. CannotChange where it is too
    late."""
    with transaction.atomic():
        current = locked(appointment)
        if current.status == Status.CANCELLED:
            return current
        if why := why_not_change(current, now=now):
            raise CannotChange(why)
        set_status(current, Status.CANCELLED, by=by, now=now)
        notices.cancelled(current, now=now)
        return current


def move(appointment: Appointment, name: str, *, by: User, now: dt.datetime) -> Appointment:
    """Moves the appointment to the slot of that name, with its number; a second call changes
    nothing. CannotChange where it is too late, or the slot is not to be had: then it stands as it
    was."""
    try:
        with transaction.atomic():
            return _move(appointment, name, by=by, now=now)
    except IntegrityError as error:
        why = conflicts().get(broken_constraint(error))
        if why is None:
            raise
        raise CannotChange(why) from error


def _move(appointment: Appointment, name: str, *, by: User, now: dt.datetime) -> Appointment:
    hold(OF_LOCK, _key(appointment))
    calendar = Calendar(appointment.slot.site.city, now=now)
    opening = calendar.opening(name)
    if opening is not None:
        _share_site(opening)
    current = locked(appointment)
    if (
        opening
        and current.status == Status.BOOKED
        and (opening.site.pk, opening.starts_at) == (current.slot.site_id, current.slot.starts_at)
    ):
        return current
    if why := why_not_change(current, now=now):
        raise CannotChange(why)
    if opening is None:
        raise CannotChange(_("这个时段不能预约，请重新选择。"))
    slot = slot_of(opening)
    # In one order, so that two who change places do not wait for one another.
    list(Slot.objects.select_for_update(no_key=True).filter(pk__in=[slot.pk, current.slot_id]).order_by("pk"))
    before = words_of(current.slot)
    Appointment.objects.filter(pk=current.pk).update(slot=slot)
    current = Appointment.objects.select_related("slot__site").get(pk=current.pk)
    record(current, by=by, now=now, note=_("由{before}改期").format(before=before))
    notices.moved(current, before=before, terms=calendar.terms, now=now)
    return current


def words_of(slot: Slot) -> str:
    """2026年11月20日 09:30–10:00，江岸区经办大厅."""
    return f"{day_zh(today_in_china(slot.starts_at))} {times(slot.starts_at, slot.ends_at)}，{slot.site}"


def locked(appointment: Appointment) -> Appointment:
    """The appointment as it is now, held until the transaction ends."""
    return (
        Appointment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("slot__site", "person", "employer", "made_by", "about")
        .get(pk=appointment.pk)
    )


def set_status(
    appointment: Appointment, status: Status, *, by: User | None, now: dt.datetime, note: str = ""
) -> None:
    """Moves a locked appointment and records it."""
    appointment.status = status
    appointment.save(update_fields=["status"])
    record(appointment, by=by, now=now, note=note)


def record(appointment: Appointment, *, by: User | None, now: dt.datetime, note: str = "") -> None:
    AppointmentEvent.objects.create(
        appointment=appointment, at=now, by=by, status=appointment.status, note=note[:200]
    )


def _key(who: Applicant | Appointment) -> str:
    return f"employer {who.employer.pk}" if who.employer else f"person {who.person.pk if who.person else 0}"


def recount(site: Site, *, now: dt.datetime) -> None:
    """Gives the slots to come the capacity that the place's windows now have; never less than is
    booked."""
    with transaction.atomic():
        hold(SITE_LOCK, site.pk)
        calendar = Calendar(site.city, now=now, sites=[site])
        slots = Slot.objects.select_for_update(no_key=True).filter(site=site, starts_at__gt=now)
        for slot in slots.order_by("pk"):
            day = today_in_china(slot.starts_at)
            capacity = calendar.terms.capacity(site.windows, day, calendar.overrides)
            Slot.objects.filter(pk=slot.pk).update(capacity=max(capacity, slot.booked))
