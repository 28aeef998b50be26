"""What staff, and the hall itself, do with a place's day: check in, give tickets, note who did not
come, excuse them, close the place."""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.appointments import notices
from portal.appointments.booking import SITE_LOCK, locked, set_status, terms_of
from portal.appointments.machine import Status
from portal.appointments.models import Appointment, Closure, Queue, Site, Ticket
from portal.locks import hold
from portal.policy.book import book
from portal.policy.terms.appointments import appointment_terms
from portal.shared.months import short_moment_zh, today_in_china
from portal.watch.failures import Watch

# Of a closure, and of an excuse.
_LONGEST_REASON = 120


class CannotDo(Exception):
    """Why staff cannot do it, in words."""


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """The ticket of whoever has come, and whether they came too late for priority."""

    ticket: Ticket
    late: bool


def check_in(appointment: Appointment, *, by: User, now: dt.datetime) -> CheckedIn:
    """Gives whoever has come a ticket: with priority, or, later than the city allows, in the
    walk-in queue, which counts as come. A second call gives the same ticket.

    CannotDo on another day, too early, after closing, and for an appointment that is no more.
    """
    with transaction.atomic():
        current = locked(appointment)
        ticket = Ticket.objects.filter(appointment=current).first()
        if ticket:
            return CheckedIn(ticket, current.status == Status.LATE)
        if current.status != Status.BOOKED:
            raise CannotDo(_("这个预约{state}，请现场取号。").format(state=current.get_status_display()))
        terms = terms_of(current)
        site, today = current.slot.site, today_in_china(now)
        if current.day != today:
            raise CannotDo(_("预约的是{day}，不是今天。").format(day=current.day.isoformat()))
        begins, ends = notices.check_in_span(current, terms)
        if now < begins:
            raise CannotDo(_("签到时间还没有到，{when}起可以签到。").format(when=short_moment_zh(begins)))
        if now >= max(terms.closes(today, site.hours), current.slot.ends_at):
            raise CannotDo(_("办事点今天的办理时间已经结束。"))
        late = now > ends
        set_status(current, Status.LATE if late else Status.ARRIVED, by=by, now=now)
        ticket = _give(
            site, Queue.WALK_IN if late else Queue.BOOKED, key=uuid.uuid4(), by=by, now=now, of=current
        )
        return CheckedIn(ticket, late)


def walk_in(site: Site, *, key: uuid.UUID, by: User, now: dt.datetime) -> Ticket:
    """A ticket for somebody without an appointment; the same key gives the same ticket. CannotDo
    where the key gave one at another place, or on another day."""
    with transaction.atomic():
        hold("appointments-tickets", site.pk)
        earlier = Ticket.objects.filter(key=key).first()
        if earlier and (earlier.site_id, earlier.day) != (site.pk, today_in_china(now)):
            raise CannotDo(_("这个页面已经发过号，请刷新页面后再取号。"))
        return earlier or _give(site, Queue.WALK_IN, key=key, by=by, now=now)


def _give(
    site: Site,
    queue: Queue,
    *,
    key: uuid.UUID,
    by: User,
    now: dt.datetime,
    of: Appointment | None = None,
) -> Ticket:
    hold("appointments-tickets", site.pk)
    today = today_in_china(now)
    last = Ticket.objects.filter(site=site, day=today, queue=queue).aggregate(last=Max("place"))["last"]
    return Ticket.objects.create(
        site=site,
        day=today,
        queue=queue,
        place=(last or 0) + 1,
        appointment=of,
        taken_at=now,
        given_by=by,
        key=key,
    )


def excuse(appointment: Appointment, *, reason: str, by: User, now: dt.datetime) -> Appointment:
    """Notes that a missed appointment does not count, with the reason; a second call changes
    nothing. CannotDo without a reason, and for one that was not missed."""
    reason = _kept_reason(reason, _("请写明不计爽约的原因。"))
    with transaction.atomic():
        current = locked(appointment)
        if current.status == Status.EXCUSED:
            return current
        if current.status != Status.MISSED:
            raise CannotDo(_("只有记为未到的预约可以免计爽约。"))
        current.excuse = reason
        current.save(update_fields=["excuse"])
        set_status(current, Status.EXCUSED, by=by, now=now, note=current.excuse)
        notices.excused(current, now=now)
        return current


def _kept_reason(typed: str, why_wanted: str) -> str:
    """The reason as it is kept and told. CannotDo, with ``why_wanted``, where none is given."""
    reason = typed.replace("\0", "").strip()[:_LONGEST_REASON]
    if not reason:
        raise CannotDo(why_wanted)
    return reason


def note_missed(*, now: dt.datetime) -> int:
    """Notes who did not come to a place that has closed since; how many. A place that fails does
    not keep the others."""
    noted, watch, today = 0, Watch("note_missed_appointments", now=now), today_in_china(now)
    waiting = Appointment.objects.filter(status=Status.BOOKED, day__lte=today)
    days = (
        waiting.values_list("slot__site", "day").annotate(Max("slot__ends_at")).order_by("day", "slot__site")
    )
    sites = Site.objects.in_bulk([site for site, _day, _last in days])
    for pk, day, last in days:
        site = sites[pk]
        with watch.item(f"{site} {day}", city=site.city):
            # A slot that was booked stands though the place's hours have become shorter.
            if now >= max(_closes(site, day), last):
                noted += note_missed_at(site, day, now=now)
    watch.finished()
    return noted


def _closes(site: Site, day: dt.date) -> dt.datetime:
    return appointment_terms(book(), city=site.city, on=day).closes(day, site.hours)


def note_missed_at(site: Site, day: dt.date, *, now: dt.datetime) -> int:
    """Notes who did not come to the place on the day, tells each, and blocks whoever has missed too
    many; how many did not come."""
    with transaction.atomic():
        hold(SITE_LOCK, site.pk)
        absent = list(
            Appointment.objects.select_for_update(of=("self",), no_key=True)
            .select_related("slot__site", "person", "employer", "made_by")
            .filter(slot__site=site, day=day, status=Status.BOOKED)
            .order_by("pk")
        )
        for appointment in absent:
            set_status(appointment, Status.MISSED, by=None, now=now)
        earlier: dict[tuple[int | None, int | None], list[dt.date]] = {}
        missed = Appointment.objects.filter(status=Status.MISSED)
        of_them = missed.filter(
            person__in=[one.person_id for one in absent if one.person_id]
        ) | missed.filter(employer__in=[one.employer_id for one in absent if one.employer_id])
        for person, employer, when in of_them.values_list("person", "employer", "day"):
            earlier.setdefault((person, employer), []).append(when)
        for appointment in absent:
            terms = terms_of(appointment)
            days = earlier[appointment.person_id, appointment.employer_id]
            recent = [one for one in days if 0 <= (day - one).days <= terms.misses_within_days]
            last = terms.blocked_until(days)
            notices.missed(
                appointment,
                count=len(recent),
                blocked_until=last if last is not None and last >= today_in_china(now) else None,
                now=now,
            )
    return len(absent)


def remind(*, now: dt.datetime) -> int:
    """Reminds everybody who comes tomorrow; how many. Run twice, nobody is told twice."""
    tomorrow = today_in_china(now) + dt.timedelta(days=1)
    watch, told = Watch("remind_of_appointments", now=now), 0
    coming = Appointment.objects.filter(status=Status.BOOKED, day=tomorrow).select_related(
        "slot__site", "made_by"
    )
    for appointment in coming.order_by("pk"):
        with watch.item(appointment.number, city=appointment.slot.site.city):
            notices.reminded(appointment, now=now)
            told += 1
    watch.finished()
    return told


def close(site: Site, day: dt.date, *, reason: str, by: User, now: dt.datetime) -> int:
    """Closes a place on a day to come: its appointments of that day end, and each is told; how many
    there were. A second call changes nothing. CannotDo for a day that is past, without a reason."""
    reason = _kept_reason(reason, _("请写明停办的原因，预约人会看到。"))
    if day < today_in_china(now):
        raise CannotDo(_("不能登记已经过去的日期。"))
    with transaction.atomic():
        hold(SITE_LOCK, site.pk)
        Closure.objects.get_or_create(site=site, day=day, defaults={"reason": reason, "by": by, "at": now})
        waiting = list(
            Appointment.objects.select_for_update(of=("self",), no_key=True)
            .select_related("slot__site", "made_by")
            .filter(slot__site=site, day=day, status=Status.BOOKED)
            .order_by("pk")
        )
        for appointment in waiting:
            set_status(appointment, Status.CLOSED, by=by, now=now, note=reason)
            notices.closed(appointment, reason=reason, now=now)
        return len(waiting)
