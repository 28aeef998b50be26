"""The home of a city, and all its services."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal import rooms
from portal.accounts.models import User
from portal.hall import drafts
from portal.hall.catalogue import offers
from portal.hall.models import Draft
from portal.hall.queries import waiting_of
from portal.hall.routing import Status
from portal.hall.service import THEME_LABELS, Audience, Service, Theme
from portal.policy.book import Offer, UnknownCity, book
from portal.prepared import Prepared
from portal.shared.months import today_in_china
from portal.web.application.errand import DRAFT, address
from portal.web.cases.next_steps import bring_by, papers_to_bring
from portal.web.cases.titles import title_of
from portal.web.cities import remember_city
from portal.web.context import city_of

# How many of a login's drafts the home page looks at.
SHOWN = 10
_DRAFTS = Prepared(
    lambda: Draft.objects.filter(user=0).select_related("ward").order_by("-updated_at", "-pk")[:SHOWN]
)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Leads to the home of the chosen city; without a choice, of the employer's city, or of the
    city where the person is insured. A desk's clerk comes to the desk's page."""
    if getattr(request.user, "is_desk", False):
        return redirect("desk")
    return redirect("home", city_of(request).slug)


@require_safe
def home(request: HttpRequest, city: str) -> HttpResponse:
    """Search, what is due for me, the city's services, how to verify a proof."""
    place = book().city(city)
    context: dict[str, Any] = {"city": place, "groups": lambda: groups_of(offers(city), user=request.user)}
    if isinstance(request.user, User):
        context |= {"due": due_for(request.user, timezone.now()), "drafts": drafts_of(request.user)}
    return remember_city(render(request, "web/home.html", context), place)


@require_safe
def questions(request: HttpRequest, city: str) -> HttpResponse:
    """What people of the city ask, with the answers."""
    return render(request, "web/questions.html", {"city": book().city(city)})


@require_safe
def services(request: HttpRequest, city: str) -> HttpResponse:
    """All services of the city."""
    place = book().city(city)
    groups = groups_of(offers(city), user=request.user)
    context = {
        "city": place,
        "sections": ("offers", "at_windows"),
        "at_windows": list(place.elsewhere.values()),
        "groups": groups,
        "count": sum(len(group["offers"]) for group in groups),
    }
    return render(request, "web/services.html", context)


def groups_of(found: Iterable[tuple[Offer, Service]], *, user: Any) -> list[dict[str, Any]]:
    """Offers under audience and theme; the visitor's own audience first."""
    found = list(found)
    employer_first = getattr(user, "is_clerk", False)
    groups = []
    for audience in sorted(Audience, key=lambda one: (one == Audience.EMPLOYER) != employer_first):
        for theme in Theme:
            of_theme = [
                offer for offer, service in found if service.audience == audience and service.theme == theme
            ]
            if of_theme:
                groups.append({"audience": audience, "theme": THEME_LABELS[theme], "offers": of_theme})
    return groups


def due_for(user: User, now: datetime) -> list[dict[str, Any]]:
    """What the user has to do by a day, the most urgent first."""
    money = [
        {"title": due.title, "text": due.text, "days_left": due.days_left, "url": due.url}
        for module in rooms.bring("due")
        for due in module.due_for(user, now)
    ]
    return sorted([*money, *_cases_due(user, now)], key=lambda item: int(item["days_left"]))


def drafts_of(user: User) -> list[dict[str, Any]]:
    """What was begun and not sent, last touched first."""
    items = []
    for draft in _DRAFTS(user.pk):
        try:
            city = book().city(draft.city)
        except UnknownCity:
            continue
        offer = city.offers.get(draft.service)
        if offer:
            draft_query = {DRAFT: str(draft.pk)} if draft.subject else {}
            url = address("apply", city.slug, offer.code, draft.ward, **draft_query)
            about = drafts.about(draft)
            title = f"{offer.title}（{about}）" if about else offer.title
            items.append({"title": title, "city": city, "updated_at": draft.updated_at, "url": url})
    return items


def _cases_due(user: User, now: datetime) -> list[dict[str, Any]]:
    """Open cases that wait for papers from the applicant."""
    today = today_in_china(now)
    due = []
    for case in waiting_of(user):
        papers = papers_to_bring(case)
        by = bring_by(case.offer, case.submitted_at) if papers else None
        if case.status == Status.PRE_APPLIED:
            by = by or case.due_on
            text = _("预申请已受理，请打印申请表，携带材料到窗口办理。")
        else:
            text = _("请把{papers}报送到经办机构。").format(papers="、".join(paper.title for paper in papers))
        if by:
            due.append(
                {
                    "title": _("{title}：报送材料").format(title=title_of(case)),
                    "text": text,
                    "days_left": (by - today).days,
                    "url": reverse("case", args=[case.number]),
                }
            )
    return due
