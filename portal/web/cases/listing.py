"""The list of cases: 单位业务申报进度查询 for employers, 我的办件 for persons."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.accounts import searching
from portal.accounts.permissions import login_required_any
from portal.hall import queries
from portal.hall.catalogue import services
from portal.hall.routing import CASE_LIFE_CYCLE, FINAL, OPEN, PENDING
from portal.web.cases.titles import offered_title, subject_of, title_of
from portal.web.context import login_of

PER_PAGE = 20

ORDINAL_TABS = ("", "open", *(str(status) for status in FINAL))


@never_cache
@searching.by_post
@require_safe
@login_required_any
def cases(request: HttpRequest) -> HttpResponse:
    """单位业务申报进度查询 for employers, 我的办件 for persons."""
    user = login_of(request)
    users_cases = queries.cases_of(user)
    words = searching.asked(request)
    code = request.GET.get("service", "")
    status = request.GET.get("status", "")
    matching = _about(users_cases, words)
    if code in services():
        matching = matching.filter(service=code)
    counts = {row["status"]: row["n"] for row in matching.order_by().values("status").annotate(n=Count("pk"))}
    listed = matching.filter(status__in=_statuses(status)) if status in ORDINAL_TABS[1:] else matching
    page = Paginator(listed, PER_PAGE).get_page(request.GET.get("page"))
    employer = user.is_clerk
    for case in page.object_list:
        case.title = title_of(case)
        case.subject_name = subject_of(case)
        case.url = reverse("case", args=[case.number])
    context = {
        "page_obj": page,
        "title": _("单位业务申报进度查询") if employer else _("我的办件"),
        "tabs": [_tab(request, name, counts, status) for name in ORDINAL_TABS],
        # A guardian's list holds the wards' cases, too.
        "for_employer": employer
        or any(case.applicant_person_id != user.person_id for case in page.object_list),
        "query": words,
        "code": code,
        "status": status,
        "used_services": _used(users_cases),
        "filtered": bool(words or code or status),
    }
    return render(request, "web/cases.html", context)


def _about(users_cases: Any, words: str) -> Any:
    """The cases whose number, subject's name or whole identity number is asked for."""
    if not words:
        return users_cases
    return users_cases.filter(
        Q(number__icontains=words)
        | Q(subject__name__icontains=words)
        | Q(answers__name__icontains=words)
        | Q(subject_identity_number=words.upper())
    )


def _statuses(tab: str) -> list[str]:
    return [str(status) for status in (*OPEN, *PENDING)] if tab == "open" else [tab]


def _tab(request: HttpRequest, name: str, counts: dict[str, int], current: str) -> dict[str, Any]:
    query = request.GET.copy()
    query.pop("page", None)
    query["status"] = name
    if not name:
        query.pop("status")
    label = _("全部") if not name else _("办理中") if name == "open" else CASE_LIFE_CYCLE.label(name)
    members = counts.values() if not name else [counts.get(status, 0) for status in _statuses(name)]
    return {
        "label": label,
        "url": f"?{query.urlencode()}",
        "current": name == (current if current in ORDINAL_TABS else ""),
        "count": sum(members),
    }


def _used(users_cases: Any) -> list[tuple[str, str]]:
    """The services that the list can be narrowed to: those that were used, by their titles."""
    used = users_cases.order_by().values_list("city", "service").distinct()
    titles: dict[str, str] = {}
    for city, code in sorted(used):
        titles.setdefault(code, offered_title(city, code))
    return sorted(titles.items(), key=lambda item: item[1])
