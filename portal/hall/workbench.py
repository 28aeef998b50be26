"""The front of the admin: what waits for staff, before any table.

A ModelAdmin with a method ``waiting(request) -> int`` is a queue: it stands first in the navigation with that number, and on
the first page. Rooms above the hall make queues in this way; the hall does not know them.
"""

from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.staff_admin import OfferedFilter as OfferedFilter
from portal.accounts.staff_admin import QueueFilter as QueueFilter
from portal.hall import operations, queries
from portal.hall.catalogue import service
from portal.hall.reviewing import due_words
from portal.hall.routing import Status
from portal.policy.book import book
from portal.shared.months import today_in_china

FIRST = 10
# Of what failed so many stand on the first page; all of them are on their own.
FAILURES = 3


def staff_of(request: HttpRequest) -> User:
    """The member of staff who asks: the admin lets nobody else in."""
    return cast(User, request.user)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The side bar: the first page and the queues, then what else this login may look at, by app."""
    first: list[dict[str, Any]] = [{"title": _("今日工作"), "icon": "today", "link": reverse("admin:index")}]
    groups: list[dict[str, Any]] = []
    for app in admin.site.get_app_list(request):
        items = []
        for entry in app["models"]:
            if not entry["admin_url"]:
                continue
            waiting = _waiting(entry["model"], request)
            if waiting is None:
                items.append({"title": entry["name"], "link": entry["admin_url"]})
            else:
                badge = {"badge": str(waiting), "badge_variant": "primary"} if waiting else {}
                first.append({"title": entry["name"], "icon": "inbox", "link": entry["admin_url"], **badge})
        if items:
            groups.append({"title": app["name"], "separator": True, "collapsible": False, "items": items})
    return [{"title": _("待办"), "items": first}, *groups]


def tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """Above the list of cases: the queue, and what has left it."""
    listing, asked = reverse("admin:hall_case_changelist"), request.GET.get("state", "")
    shown = [
        (_("待办理"), ""),
        (_("已办结"), str(Status.DONE)),
        (_("不予通过"), str(Status.REFUSED)),
        (_("全部"), "all"),
    ]
    items = [
        {"title": title, "link": f"{listing}?state={state}" if state else listing, "active": asked == state}
        for title, state in shown
    ]
    return [{"models": ["hall.case"], "items": items}]


def front(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The context of the first page: this login's cases by how pressing they are, by service, and the other queues."""
    context["title"] = _("今日工作")
    user = staff_of(request)
    if user.has_perm("hall.view_case"):
        today = today_in_china(timezone.now())
        waiting = queries.decidable(user) if user.has_perm("hall.change_case") else queries.queue(user)
        listing = reverse("admin:hall_case_changelist")
        context["counts"] = [
            (_("待办理"), waiting.count(), listing, ""),
            (_("已超期"), waiting.filter(due_on__lt=today).count(), f"{listing}?due=late", "late"),
            (_("今天到期"), waiting.filter(due_on=today).count(), f"{listing}?due=today", "today"),
        ]
        context["by_service"] = [
            (book().city(city).title, service(code).title, cases, f"{listing}?service={code}&city={city}")
            for city, code, cases in queries.by_service(waiting)
        ]
        context["first_cases"] = [(case, *due_words(case, today)) for case in waiting[:FIRST]]
    if user.has_perm("watch.view_failure"):
        context["failures"] = operations.told(operations.open_for(user)[:FAILURES])
        context["failure_count"] = operations.open_for(user).count()
        context["troubles"] = [] if user.city else operations.troubles(timezone.now())
    context["queues"] = [
        (entry["name"], number, entry["admin_url"])
        for app in admin.site.get_app_list(request)
        for entry in app["models"]
        if (app["app_label"], entry["object_name"]) not in (("hall", "Case"), ("watch", "Failure"))
        and entry["admin_url"]
        and (number := _waiting(entry["model"], request)) is not None
    ]
    return context


def _waiting(model: Any, request: HttpRequest) -> int | None:
    count = getattr(admin.site.get_model_admin(model), "waiting", None)
    return None if count is None else int(count(request))
