"""The front of the admin: what waits for staff, before any table.

A ModelAdmin with a method ``waiting(request)`` is a queue: it stands first in the navigation and on
the first page, with the number of the rows that the method gives (a QuerySet, counted together with
the others' in one statement; or the number itself). Rooms above the hall make queues in this way;
the hall does not know them.
"""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.staff_admin import OfferedFilter as OfferedFilter
from portal.accounts.staff_admin import QueueFilter as QueueFilter
from portal.accounts.staff_admin import once
from portal.hall import operations, queries
from portal.hall.catalogue import service
from portal.hall.models import Case
from portal.hall.reviewing import due_words
from portal.hall.routing import Status
from portal.policy.book import book
from portal.shared.months import today_in_china
from portal.watch.models import Failure

FIRST = 10
# The most failures on the first page; their own page lists all.
FAILURES = 3


def staff_of(request: HttpRequest) -> User:
    """The member of staff who asks: the admin lets nobody else in."""
    return cast(User, request.user)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The side bar: the first page and the queues, then what else this login may look at, by
    app."""
    first: list[dict[str, Any]] = [{"title": _("今日工作"), "icon": "today", "link": reverse("admin:index")}]
    groups: list[dict[str, Any]] = []
    waits = _waiting(request)
    for app in admin.site.get_app_list(request):
        items = []
        for entry in app["models"]:
            if not entry["admin_url"]:
                continue
            waiting = waits.get(entry["model"])
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
    """The context of the first page: this login's cases by how pressing they are, by service, and
    the other queues."""
    context["title"] = _("今日工作")
    user, waits = staff_of(request), _waiting(request)
    if user.has_perm("hall.view_case"):
        today = today_in_china(timezone.now())
        waiting = queries.waiting_for(user)
        late, due_today = counted([waiting.filter(due_on__lt=today), waiting.filter(due_on=today)])
        listing = reverse("admin:hall_case_changelist")
        context["counts"] = [
            (_("待办理"), waits[Case], listing, ""),
            (_("已超期"), late, f"{listing}?due=late", "late"),
            (_("今天到期"), due_today, f"{listing}?due=today", "today"),
        ]
        context["by_service"] = [
            (book().city(city).title, service(code).title, cases, f"{listing}?service={code}&city={city}")
            for city, code, cases in queries.by_service(waiting)
        ]
        context["first_cases"] = [(case, *due_words(case, today)) for case in waiting[:FIRST]]
    if user.has_perm("watch.view_failure"):
        context["failures"] = operations.told(operations.open_for(user)[:FAILURES])
        context["failure_count"] = waits[Failure]
        context["troubles"] = [] if user.city else operations.troubles(timezone.now())
    context["queues"] = [
        (entry["name"], waits[entry["model"]], entry["admin_url"])
        for app in admin.site.get_app_list(request)
        for entry in app["models"]
        if entry["model"] in waits and entry["model"] not in (Case, Failure)
    ]
    return context


@once
def _waiting(request: HttpRequest) -> dict[Any, int]:
    """How much waits in each queue that this login may open, by its model."""
    numbers: dict[Any, int] = {}
    rows: dict[Any, QuerySet[Any]] = {}
    for entry in (
        entry for app in admin.site.get_app_list(request) for entry in app["models"] if entry["admin_url"]
    ):
        queue = getattr(admin.site.get_model_admin(entry["model"]), "waiting", None)
        if queue is None:
            continue
        waits = queue(request)
        if isinstance(waits, QuerySet):
            rows[entry["model"]] = waits
        else:
            numbers[entry["model"]] = waits
    return {**numbers, **dict(zip(rows, counted(list(rows.values())), strict=True))}


def counted(several: Sequence[QuerySet[Any]]) -> list[int]:
    """The number of rows of each queryset, counted in one statement."""
    parts: list[str] = []
    values: list[Any] = []
    for queryset in several:
        try:
            sql, parameters = queryset.order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            sql, parameters = "SELECT 1 WHERE false", ()
        # The ORM made the statement; what was typed is among its parameters.
        parts.append(f"(SELECT count(*) FROM ({sql}) rows)")  # noqa: S608
        values.extend(parameters)
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(parts), values)
        return list(cursor.fetchone())
