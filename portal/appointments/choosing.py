"""The pages on which a place, a day and a slot are chosen, before the form or for a move."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.appointments import matters, service
from portal.appointments.calendar import Calendar, Day
from portal.appointments.models import Site
from portal.policy.terms.appointments import hours_in_words
from portal.shared.characters import whole_number
from portal.shared.months import parse_day, short_day_zh
from portal.web.application.entrance import for_applicants
from portal.web.application.errand import FOR_CASE, Errand

_WEEKDAYS = ("一", "二", "三", "四", "五", "六", "日")

# The address of the page with other choices: site and day, as text, "" for none.
To = Callable[..., str]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@for_applicants
def times(request: HttpRequest, errand: Errand) -> HttpResponseBase:
    """Place, then day and slot; the chosen slot is kept with the draft, and the form is next."""
    if errand.service.chosen_first != service.TIMES:
        raise Http404
    if errand.barred():
        return redirect(errand.url("apply"))
    draft = errand.draft()
    calendar = Calendar(errand.city.slug, now=errand.now)
    # The case whose papers they come with, where the page of the case led here.
    about = {FOR_CASE: request.GET[FOR_CASE]} if request.GET.get(FOR_CASE) else {}
    if request.method == "POST" and (opening := calendar.opening(request.POST.get("slot", ""))):
        typed = draft.typed if draft else _filled_in(errand)
        matter = {"matter": [matters.of_case(about[FOR_CASE])]} if about else {}
        errand.keep({**typed, **matter, "slot": [opening.name]}, checked=False)
        return redirect(errand.url("apply"))
    context = chosen(request, calendar, lambda **more: errand.url(service.TIMES, **about, **more))
    context |= errand.page(
        "apply",
        gone=request.method == "POST",
        back_url=errand.url("service"),
        send_url=errand.url(service.TIMES, **about),
        method="post",
    )
    return render(request, "appointments/times.html", context)


def _filled_in(errand: Errand) -> dict[str, list[str]]:
    """What the form fills in by itself, as a draft keeps it: of a draft, the form shows no more
    than what is in it."""
    form = errand.form()
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    return {form.add_prefix(name): [str(value)] for name, value in values.items() if value}


def chosen(request: HttpRequest, calendar: Calendar, url: To) -> dict[str, Any]:
    """The context of ``appointments/times.html``: the places; of the chosen one the days, and the
    slots of the chosen day, or of the first that has a free one."""
    site = _site(request, calendar)
    context: dict[str, Any] = {
        "site": site,
        "illustrative": calendar.terms.leaf.reference.mark,
        "places": [_place(calendar, one, url) for one in calendar.sites],
        "several": len(calendar.sites) > 1,
        "places_url": url(),
    }
    if site is None:
        return context
    days = calendar.days(site)
    asked = _day(request)
    first = calendar.first_free(site)
    shown = next((one for one in days if one.day == asked), None) or first or (days[0] if days else None)
    # Where the day that is shown is full or closed, the next one that is not.
    other = (calendar.first_free(site, after=shown.day) or first) if shown and not shown.free else None
    return {
        **context,
        "hours": hours_in_words(site.hours or calendar.terms.hours),
        "days": [
            {
                "title": day_words(one.day),
                "note": _("停办")
                if one.closed
                else _("约满")
                if not one.free
                else _("余{n}").format(n=one.free),
                "free": one.free,
                "url": url(site=str(site.pk), day=one.day.isoformat()),
                "current": shown is not None and one.day == shown.day,
            }
            for one in days
        ],
        "shown": shown,
        "shown_words": day_words(shown.day) if shown else "",
        "groups": _halves(shown) if shown else [],
        "all_full": first is None,
        "next_free_words": day_words(other.day) if other else "",
        "next_free_url": url(site=str(site.pk), day=other.day.isoformat()) if other else "",
    }


def day_words(day: dt.date) -> str:
    """11月20日（周五）."""
    return _("{day}（周{weekday}）").format(day=short_day_zh(day), weekday=_WEEKDAYS[day.weekday()])


def _halves(day: Day) -> list[tuple[str, list[Any]]]:
    """The slots of a day, those of the morning and of the afternoon apart."""
    halves = [
        (_("上午"), [one for one in day.openings if one.starts_at.hour < 12]),
        (_("下午"), [one for one in day.openings if one.starts_at.hour >= 12]),
    ]
    return [(title, openings) for title, openings in halves if openings]


def _place(calendar: Calendar, site: Site, url: To) -> dict[str, Any]:
    first = calendar.first_free(site)
    return {
        "site": site,
        "hours": hours_in_words(site.hours or calendar.terms.hours),
        "first": day_words(first.day) if first else "",
        "url": url(site=str(site.pk)),
    }


def _site(request: HttpRequest, calendar: Calendar) -> Site | None:
    """The place that the address names; the only one where there is only one."""
    if len(calendar.sites) == 1:
        return calendar.sites[0]
    pk = whole_number(request.GET.get("site", ""))
    return next((one for one in calendar.sites if one.pk == pk), None)


def _day(request: HttpRequest) -> dt.date | None:
    try:
        return parse_day(request.GET.get("day", ""))
    except ValueError:
        return None
