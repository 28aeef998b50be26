"""The workbench's part: a place's day, one appointment at the window, and the places themselves."""

import datetime as dt
import uuid
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.permissions import city_choices, staff, staff_cities
from portal.accounts.staff_admin import OfTheCity
from portal.appointments import booking, day_sheet, matters, notices, the_day
from portal.appointments.calendar import times
from portal.appointments.machine import APPOINTMENT_LIFE_CYCLE, Status
from portal.appointments.models import Appointment, Closure, Site
from portal.policy.book import book
from portal.shared.characters import narrow, whole_number
from portal.shared.months import day_zh, parse_day, today_in_china


def _taking(request: HttpRequest) -> list[tuple[str, str]]:
    """The cities of this login that take appointments, as choices."""
    return [
        (city, title) for city, title in city_choices(request.user) if "appointments" in book().names(city)
    ]


def _listing() -> str:
    return reverse("admin:appointments_appointment_changelist")


@admin.register(Appointment)
class AppointmentAdmin(OfTheCity):
    """A place's day by slot, and one appointment at the window; nothing is added or edited by
    hand."""

    identity_numbers = ("person__identity_number",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="appointments_appointment_changelist"),
            path("<int:object_id>/change/", view(self.change_view), name="appointments_appointment_change"),
            path(
                "by-number/<slug:number>/",
                view(self.by_number_view),
                name="appointments_appointment_by_number",
            ),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        cities = staff_cities(request.user)
        return Appointment.objects.filter(slot__site__city__in=cities).select_related(
            "slot__site", "person", "employer", "about", "ticket", "made_by"
        )

    def waiting(self, request: HttpRequest) -> QuerySet[Any]:
        """Who is still to come today."""
        today = today_in_china(timezone.now())
        return self.get_queryset(request).filter(day=today, status=Status.BOOKED)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """当日预约: one place's day. A POST finds an appointment, gives a walk-in ticket, or closes
        the day."""
        if not self.has_view_permission(request):
            raise Http404
        now = timezone.now()
        sites = list(Site.objects.filter(city__in=[city for city, _title in _taking(request)]))
        site = self._site(request, sites)
        day = self._day(request) or today_in_china(now)
        if request.method == "POST":
            return self._pressed(request, site, day, now)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("当日预约"),
            "sites": [(one, f"{_listing()}?site={one.pk}&day={day}", one == site) for one in sites],
            "site": site,
            "day": day,
            "day_words": day_zh(day),
            "today": day == today_in_china(now),
            "before_url": f"{_listing()}?site={site.pk}&day={day - dt.timedelta(days=1)}" if site else "",
            "after_url": f"{_listing()}?site={site.pk}&day={day + dt.timedelta(days=1)}" if site else "",
            "may": self.has_change_permission(request),
            "may_close": request.user.has_perm("appointments.add_closure") and day >= today_in_china(now),
            "key": uuid.uuid4(),
            **(day_sheet.of(self.get_queryset(request), site, day) if site else {}),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/appointments/day.html", context)

    def _site(self, request: HttpRequest, sites: list[Site]) -> Site | None:
        """The place that the address names, else the first."""
        pk = whole_number(request.GET.get("site", ""))
        if pk is None:
            return sites[0] if sites else None
        site = next((one for one in sites if one.pk == pk), None)
        if site is None:
            raise Http404
        return site

    def _day(self, request: HttpRequest) -> dt.date | None:
        try:
            return parse_day(request.GET.get("day", ""))
        except ValueError:
            return None

    def _pressed(
        self, request: HttpRequest, site: Site | None, day: dt.date, now: dt.datetime
    ) -> HttpResponse:
        back = HttpResponseRedirect(request.get_full_path())
        action = request.POST.get("action", "")
        if action == "find":
            return self._found(request) or back
        if site is None:
            return back
        if action == "walk-in":
            self._ensure_may_change(request)
            try:
                key = uuid.UUID(request.POST.get("key", ""))
            except ValueError:
                return back
            try:
                ticket = the_day.walk_in(site, key=key, by=staff(request), now=now)
            except the_day.CannotDo as why:
                messages.error(request, str(why))
                return back
            if ticket.taken_at < now:
                # The page was sent again, such as by the browser's way back: its number has gone
                # to somebody already.
                again = _("现场取号：{words}，刚才已经发出，没有另发新号；下一位请再按一次“发一个现场号”。")
                messages.warning(request, again.format(words=ticket.words))
            else:
                messages.success(request, _("现场取号：{words}。").format(words=ticket.words))
        elif action == "close":
            if not request.user.has_perm("appointments.add_closure"):
                raise PermissionDenied
            try:
                told = the_day.close(
                    site, day, reason=request.POST.get("reason", ""), by=staff(request), now=now
                )
            except the_day.CannotDo as why:
                messages.error(request, str(why))
            else:
                messages.success(
                    request,
                    _("{site}{day}停办已登记，取消并通知了{count}个预约。").format(
                        site=site, day=day_zh(day), count=told
                    ),
                )
        return back

    def _found(self, request: HttpRequest) -> HttpResponse | None:
        """The way to the appointment whose number was typed or scanned, whole or its last six
        characters; where there are several or none, a message."""
        typed = narrow(request.POST.get("number", "")).upper().rstrip("/").rpartition("/")[2]
        found = list(
            self.get_queryset(request).filter(number=typed)
            or (
                self.get_queryset(request).filter(number__endswith=f"-{typed}")[:2] if len(typed) == 6 else []
            )
        )
        if len(found) == 1:
            return HttpResponseRedirect(reverse("admin:appointments_appointment_change", args=[found[0].pk]))
        messages.warning(request, _("没有查到这个预约号，请核对；没有预约的，请现场取号。"))
        return None

    def by_number_view(self, request: HttpRequest, number: str) -> HttpResponse:
        """Where the code on the slip leads."""
        found = self.get_queryset(request).filter(number=number).first()
        if found is None or not self.has_view_permission(request, found):
            raise Http404
        return HttpResponseRedirect(reverse("admin:appointments_appointment_change", args=[found.pk]))

    def change_view(self, request: HttpRequest, object_id: int, **kwargs: Any) -> HttpResponse:
        """One appointment at the window; a POST checks in, or excuses."""
        appointment = self.get_queryset(request).filter(pk=object_id).first()
        if appointment is None or not self.has_view_permission(request, appointment):
            raise Http404
        now = timezone.now()
        if request.method == "POST":
            self._ensure_may_change(request)
            self._at_window(request, appointment, now)
            return HttpResponseRedirect(request.path)
        terms = booking.terms_of(appointment)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("预约 {number}").format(number=appointment.number),
            "appointment": appointment,
            "when": f"{day_zh(appointment.day)} "
            + times(appointment.slot.starts_at, appointment.slot.ends_at),
            "state": APPOINTMENT_LIFE_CYCLE.label(appointment.status),
            "tone": APPOINTMENT_LIFE_CYCLE.tone(appointment.status),
            "matter": matters.words(appointment),
            "papers": matters.papers(appointment),
            "come": notices.ticket_words(appointment, terms),
            "ticket": getattr(appointment, "ticket", None),
            "may": self.has_change_permission(request),
            "booked": appointment.status == Status.BOOKED,
            "missed": appointment.status == Status.MISSED,
            "events": appointment.events.select_related("by"),
            "day_url": f"{_listing()}?site={appointment.slot.site_id}&day={appointment.day}",
        }
        return TemplateResponse(request, "admin/appointments/appointment.html", context)

    def _ensure_may_change(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    def _at_window(self, request: HttpRequest, appointment: Appointment, now: dt.datetime) -> None:
        by = staff(request)
        try:
            if request.POST.get("action") == "check-in":
                come = the_day.check_in(appointment, by=by, now=now)
                words = (
                    _("已过签到时间，转为现场取号：{words}。")
                    if come.late
                    else _("已签到，排队号{words}（预约优先）。")
                )
                messages.success(request, words.format(words=come.ticket.words))
            elif request.POST.get("action") == "excuse":
                the_day.excuse(appointment, reason=request.POST.get("reason", ""), by=by, now=now)
                messages.success(request, _("这次未到不计爽约，已通知预约人。"))
        except the_day.CannotDo as why:
            messages.error(request, str(why))


@admin.register(Site)
class SiteAdmin(OfTheCity):
    """The places of a city, kept by its staff."""

    list_display = ("title", "address", "windows", "takes_bookings")
    fields = (
        "city",
        "title",
        "address",
        "directions",
        "does",
        "phone",
        "windows",
        "opening_hours",
        "takes_bookings",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("appointments.add_site"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Only cities of the login can be chosen; a place stays in its city."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if "city" in form.base_fields:
            form.base_fields["city"].choices = city_choices(request.user)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("city",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Site, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "appointments" in book().names(obj.city):
            booking.recount(obj, now=timezone.now())


@admin.register(Closure)
class ClosureAdmin(OfTheCity):
    """The days on which places are closed; they are entered on the page of the day. No role deletes
    one; whoever serves all cities may, to open the day again: what was cancelled stays so."""

    list_display = ("day", "site", "reason", "by", "at")
    list_display_links = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Closure]:
        return Closure.objects.filter(site__city__in=staff_cities(request.user)).select_related("site", "by")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("appointments.delete_closure"))
