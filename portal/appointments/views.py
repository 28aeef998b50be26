"""Pages of a login's appointments: what is to come, the slip, moving, cancelling. Another's is
answered with 404."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.accounts.models import User
from portal.accounts.permissions import login_required_any, persons_of
from portal.appointments import booking, matters, notices, sheet
from portal.appointments.calendar import Calendar, times
from portal.appointments.choosing import chosen
from portal.appointments.machine import APPOINTMENT_LIFE_CYCLE, Status
from portal.appointments.models import Appointment
from portal.hall.catalogue import offers
from portal.policy.book import book
from portal.shared.months import day_zh
from portal.web.application.errand import address
from portal.web.context import city_of, login_of

PER_PAGE = 20


def appointments_of(user: User) -> QuerySet[Appointment]:
    """The appointments of whoever the login acts for, those furthest ahead first."""
    mine = Q(employer=user.employer_id) if user.is_clerk else Q(person__in=persons_of(user))
    return shown_whole().filter(mine)


def shown_whole() -> QuerySet[Appointment]:
    """Appointments with what their pages show, those furthest ahead first."""
    shown = Appointment.objects.select_related("slot__site", "person", "employer", "about", "ticket", "case")
    return shown.order_by("-slot__starts_at", "-pk")


@never_cache
@require_safe
@login_required_any
def appointments(request: HttpRequest) -> HttpResponse:
    """我的预约: the login's appointments."""
    user = login_of(request)
    page = Paginator(appointments_of(user), PER_PAGE).get_page(request.GET.get("page"))
    rows = [
        {
            "appointment": one,
            "when": _when(one),
            "whose": one.person.name if one.person and one.person_id != user.person_id else "",
            "state": APPOINTMENT_LIFE_CYCLE.label(one.status),
            "tone": APPOINTMENT_LIFE_CYCLE.tone(one.status),
        }
        for one in page.object_list
    ]
    context = {"page_obj": page, "rows": rows, "book_url": book_url(user, city_of(request).slug)}
    return render(request, "appointments/list.html", context)


def book_url(user: Any, city: str) -> str:
    """Where this visitor books an appointment in the city; "" where it takes none."""
    code = "employer-appointment" if getattr(user, "is_clerk", False) else "appointment"
    offered = any(offer.code == code for offer, _service in offers(city))
    return reverse("service", args=[city, code]) if offered else ""


@never_cache
@require_safe
@login_required_any
def appointment(request: HttpRequest, number: str) -> HttpResponse:
    """One appointment: when, where, what to bring, and what can still be done."""
    return render(request, "appointments/appointment.html", _context(request, number))


@never_cache
@require_safe
@login_required_any
def slip(request: HttpRequest, number: str) -> HttpResponse:
    """预约单: to print and bring."""
    return render(request, "appointments/slip.html", _context(request, number))


@never_cache
@require_safe
@login_required_any
def calendar_file(request: HttpRequest, number: str) -> HttpResponse:
    """The appointment as a file for calendars."""
    appointment = _own(request, number)
    if appointment.status != Status.BOOKED:
        raise Http404
    response = HttpResponse(
        sheet.calendar_file(appointment, now=timezone.now()), content_type="text/calendar; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{appointment.number}.ics"'
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def cancel(request: HttpRequest, number: str) -> HttpResponseBase:
    """Asks for confirmation, then gives the place to others."""
    appointment, now = _own(request, number), timezone.now()
    back = redirect("appointment", number)
    if request.method == "POST":
        try:
            booking.cancel(appointment, by=login_of(request), now=now)
        except booking.CannotChange as refusal:
            messages.warning(request, str(refusal))
        else:
            messages.success(request, _("预约已取消，名额已让给其他人。"))
        return back
    if why := booking.why_not_change(appointment, now=now):
        messages.info(request, why)
        return back
    context = {**_context(request, number), "back_url": back.url}
    return render(request, "appointments/cancel.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required_any
def move(request: HttpRequest, number: str) -> HttpResponseBase:
    """Another place, day or slot is chosen, looked at once more, and taken in place of the old
    one."""
    appointment, now = _own(request, number), timezone.now()
    back, own_url = redirect("appointment", number), reverse("appointment-move", args=[number])
    if request.method == "POST":
        try:
            booking.move(appointment, request.POST.get("slot", ""), by=login_of(request), now=now)
        except booking.CannotChange as refusal:
            messages.warning(request, str(refusal))
            return redirect(own_url if not booking.why_not_change(appointment, now=now) else back.url)
        messages.success(request, _("已改期，请按新的时间前来。"))
        return back
    if why := booking.why_not_change(appointment, now=now):
        messages.info(request, why)
        return back
    calendar = Calendar(appointment.slot.site.city, now=now)
    context = {**_context(request, number), "back_url": back.url}
    opening = calendar.opening(request.GET.get("slot", ""))
    if opening and opening.free > 0:
        context |= {"opening": opening, "opening_day": day_zh(opening.starts_at.date()), "again_url": own_url}
        return render(request, "appointments/move.html", context)
    context |= chosen(request, calendar, lambda **more: _with_query(own_url, more))
    context |= {"moving": True, "send_url": own_url, "method": "get", "gone": "slot" in request.GET}
    return render(request, "appointments/times.html", context)


def _with_query(url: str, more: dict[str, str]) -> str:
    return f"{url}?{'&'.join(f'{name}={value}' for name, value in more.items())}" if more else url


def _when(appointment: Appointment) -> str:
    return f"{day_zh(appointment.day)} {times(appointment.slot.starts_at, appointment.slot.ends_at)}"


def _context(request: HttpRequest, number: str) -> dict[str, Any]:
    appointment, now = _own(request, number), timezone.now()
    terms, city = booking.terms_of(appointment), book().city(appointment.slot.site.city)
    coming = appointment.status == Status.BOOKED and now < appointment.slot.ends_at
    code = appointment.case.service
    return {
        "city": city,
        "appointment": appointment,
        "site": appointment.slot.site,
        "when": _when(appointment),
        "state": APPOINTMENT_LIFE_CYCLE.label(appointment.status),
        "tone": APPOINTMENT_LIFE_CYCLE.tone(appointment.status),
        "whose": appointment.of.name,
        "matter": matters.words(appointment),
        "papers": matters.papers(appointment),
        "coming": coming,
        "come": notices.ticket_words(appointment, terms),
        "consequence": notices.consequence(terms),
        "may_change": not booking.why_not_change(appointment, now=now),
        "why_not_change": booking.why_not_change(appointment, now=now) if coming else "",
        "ticket": getattr(appointment, "ticket", None),
        "closed": appointment.status == Status.CLOSED,
        "again_url": address("service", city.slug, code, _ward(request, appointment))
        if code in city.offers
        else "",
        "qr": sheet.qr_code(appointment),
        "events": appointment.events.select_related("by"),
    }


def _ward(request: HttpRequest, appointment: Appointment) -> Any:
    person = appointment.person
    return person if person and person.pk != login_of(request).person_id else None


def _own(request: HttpRequest, number: str) -> Appointment:
    found = appointments_of(login_of(request)).filter(number=number).first()
    if found is None:
        raise Http404
    return found
