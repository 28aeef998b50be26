"""Whatever stands in an address or a form, from whomever, no answer is a fault (5xx).

A walk through the demo finds the pages that each kind of login reaches. They are asked again with
values that no form would send: in each parameter that a page reads, in each part of its path, in
each field of its forms. What a page reads is found out by looking on while it answers, so that a
new page and a new parameter need not be named here.

Each run asks each page with some of the values, others for each login and parameter; ``NASTY=all``
asks with all of them (half an hour).
"""

import datetime as dt
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast
from urllib.parse import quote, urlsplit

import pytest
from django.contrib import admin
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import got_request_exception
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.test import Client
from django.urls import Resolver404, include, path, resolve
from lxml import html

from portal.accounts.models import Kind, User
from portal.accounts.roles import COLLECTOR, REVIEWER
from tests.demo import came_in, demo
from tests.web.nasty import RAW, VALUES

__all__ = ["demo"]

STARTS = (
    "/",
    "/ningbo/",
    "/wuhan/",
    "/wuxi/",
    "/shenzhen/",
    "/record/",
    "/proofs/",
    "/verify/",
    "/demo/messages/",
)
WORKBENCH = "/admin/"
# So many pages of one address are looked through for more, and so many are asked.
LOOKED_THROUGH, ASKED = 1, 1
# How many values each parameter, part of a path, field and whole form is given.
EACH = len(VALUES) if os.environ.get("NASTY") == "all" else 1
# What Django's own lists read besides, from the whole query at once.
OF_LISTS = {
    "q",
    "p",
    "o",
    "all",
    "e",
    "_facets",
    "_popup",
    "_to_field",
    "id__exact",
    "pk",
    "_changelist_filters",
}

LOGINS = {
    "nobody": None,
    "a clerk": {"kind": Kind.CLERK, "employer__city": "ningbo"},
    "a clerk where wages are declared": {"kind": Kind.CLERK, "employer__city": "wuhan"},
    "a person who is debited": {"kind": Kind.PERSON, "name": "周洁"},
    "a person who orders": {"kind": Kind.PERSON, "name": "顾磊"},
    "a reviewer": {"kind": Kind.STAFF, "city": "ningbo", "groups__name": REVIEWER},
    "a collector": {"kind": Kind.STAFF, "city": "wuxi", "groups__name": COLLECTOR},
    "whoever serves all cities": {"kind": Kind.STAFF, "is_superuser": True},
}


class Noted(QueryDict):
    """A query that notes in ``names`` what is read of it."""

    names: set[str] | None = None

    def __getitem__(self, key: str) -> Any:
        self._note(key)
        return super().__getitem__(key)

    def getlist(self, key: str, default: Any = None) -> Any:
        self._note(key)
        return super().getlist(key, default)

    def __contains__(self, key: object) -> bool:
        self._note(str(key))
        return super().__contains__(key)

    def _note(self, key: str) -> None:
        if self.names is not None:
            self.names.add(key)


@dataclass
class Page:
    """A page that a login reaches: what it reads of the query, and the fields of its forms by where
    they go."""

    address: str
    route: str
    parts: dict[str, Any]
    reads: set[str]
    forms: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def path(self) -> str:
        return urlsplit(self.address).path


class Visit:
    """One login's way through the hall. What a request writes is taken back; faults are told with
    their place."""

    def __init__(self, user: User | None, patch: pytest.MonkeyPatch) -> None:
        self.client: Client = came_in(user, raise_request_exception=False)
        self.reads: set[str] = set()
        self.faults: list[str] = []
        self.asked = 0

        def query(request: WSGIRequest) -> QueryDict:
            if "noted" not in request.__dict__:
                noted = Noted(request.META.get("QUERY_STRING", ""), encoding=request.encoding)
                noted.names = self.reads  # type: ignore[attr-defined]
                request.__dict__["noted"] = noted
            return cast(QueryDict, request.__dict__["noted"])

        patch.setattr(
            WSGIRequest, "GET", property(query, lambda request, given: request.__dict__.update(noted=given))
        )

    def ask(self, address: str, typed: dict[str, str] | None = None) -> Any:
        raised: list[str] = []

        def note(sender: Any, **_more: Any) -> None:
            _kind, error, trace = sys.exc_info()
            ours = [one for one in traceback.extract_tb(trace) if "site-packages" not in one.filename]
            raised.append(f"{error!r:.200} at {ours[-1].filename}:{ours[-1].lineno}")

        got_request_exception.connect(note)
        try:
            with transaction.atomic():
                answer = self.client.get(address) if typed is None else self.client.post(address, typed)
                transaction.set_rollback(True)
        finally:
            got_request_exception.disconnect(note)
        self.asked += 1
        # 503 is a polite answer: what is asked for cannot be had just now.
        if answer.status_code >= 500 and answer.status_code != 503:
            sent = "" if typed is None else str({name: value[:40] for name, value in typed.items()})
            self.faults.append(f"{address[:200]} {sent} → {answer.status_code}: {'; '.join(raised)}")
        return answer

    def walk(self, starts: Sequence[str]) -> list[Page]:
        """The pages that are found from these on, so many of each address."""
        found: dict[str, list[Page]] = {}
        waiting, seen = list(starts), set(starts)
        while waiting:
            address = waiting.pop(0)
            try:
                match = resolve(urlsplit(address).path)
            except Resolver404:
                continue
            alike = found.setdefault(match.route, [])
            if len(alike) >= LOOKED_THROUGH:
                continue
            self.reads.clear()
            answer = self.ask(address)
            links: list[str] = []
            if answer.status_code in (301, 302):
                links = [answer.headers["Location"]]
            elif answer.status_code == 200 and answer.headers.get("Content-Type", "").startswith("text/html"):
                page = Page(address, match.route, match.kwargs, set(self.reads))
                alike.append(page)
                links = _looked_through(page, answer.content)
            for link in links:
                parts = urlsplit(link)
                local = parts.path + (f"?{parts.query}" if parts.query else "")
                if not parts.netloc and local.startswith("/") and local not in seen and "logout" not in local:
                    seen.add(local)
                    waiting.append(local)
        return [page for alike in found.values() for page in alike[:ASKED]]


def _looked_through(page: Page, content: bytes) -> list[str]:
    """The links of a page; its forms are noted."""
    if not content.strip():
        return []
    tree = html.fromstring(content)
    for form in tree.xpath("//form[translate(@method, 'POST', 'post')='post']"):
        fields = {
            one.get("name"): one.get("value") or ""
            for one in form.xpath(".//input | .//select | .//textarea | .//button")
            if one.get("name") and one.get("name") != "csrfmiddlewaretoken"
        }
        page.forms.append((form.get("action") or page.address, fields))
    return [str(link) for link in tree.xpath("//a/@href | //form[not(@method)]/@action")]


def _parameters(page: Page) -> list[str]:
    """What the page read, and, of a list of the workbench, what Django reads of the whole query."""
    names = set(page.reads)
    listed = re.fullmatch(r"admin/(\w+)/(\w+)/", page.route)
    for model, workbench in admin.site._registry.items():
        if listed and (model._meta.app_label, model._meta.model_name) == listed.groups():
            names |= OF_LISTS
            for one in workbench.list_filter:
                name = one if isinstance(one, str) else one[0] if isinstance(one, tuple) else ""
                names |= {f"{name}__exact", f"{name}__isnull"} if name else {one.parameter_name}  # type: ignore[union-attr]
            if workbench.date_hierarchy:
                names |= {f"{workbench.date_hierarchy}__{unit}" for unit in ("year", "month", "day")}
    return sorted(names)


def _spread(start: int) -> Iterator[str]:
    """Some of the values, others for each start: steps that share no divisor with their number
    reach all of them in time."""
    step = next(step for step in count(len(VALUES) // EACH) if step == 1 or len(VALUES) % step)
    for turn in range(EACH):
        yield VALUES[(start * 7 + turn * step) % len(VALUES)]


def _questions(page: Page, at: Iterator[int]) -> Iterator[tuple[str, dict[str, str] | None]]:
    names = _parameters(page)
    for name in names:
        for value in _spread(next(at)):
            yield f"{page.path}?{quote(name)}={quote(value, safe='')}", None
    for raw in RAW if len(RAW) < EACH else RAW[next(at) % len(RAW) :][:2]:
        yield f"{page.path}?" + "&".join(f"{quote(name)}={raw}" for name in names), None
    for part in page.parts.values():
        mine = f"/{quote(str(part), safe='')}/"
        if mine in page.path:
            for value in _spread(next(at)):
                yield page.path.replace(mine, f"/{quote(value, safe='')}/"), None
    for goes, fields in page.forms:
        for value in _spread(next(at)):
            yield goes, dict.fromkeys(fields, value)
        for name in fields:
            for value in list(_spread(next(at)))[: max(1, EACH // 5)]:
                yield goes, {**fields, name: value}


@pytest.mark.django_db
@pytest.mark.parametrize("login", LOGINS)
def test_no_value_is_a_fault(demo: dt.datetime, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    who = LOGINS[login]
    user = User.objects.filter(**who).order_by("pk")[0] if who else None
    visit = Visit(user, monkeypatch)
    works = user is not None and user.kind == Kind.STAFF
    pages = visit.walk([WORKBENCH] if works else STARTS)
    assert len(pages) >= 12, [page.route for page in pages]
    at = count(list(LOGINS).index(login) * 11)
    for page in pages:
        for address, typed in _questions(page, at):
            visit.ask(address, typed)
    assert not visit.faults, "\n".join(visit.faults)


def test_the_values_differ() -> None:
    assert len(VALUES) == len(set(VALUES)) > 300


def trusting(request: HttpRequest) -> HttpResponse:
    """A page that believes what stands in its address."""
    return HttpResponse(str(int(request.GET.get("before", "1"))))


urlpatterns = [path("trusting/", trusting), path("", include("portal.urls"))]


@pytest.mark.django_db
def test_a_page_that_believes_its_address_is_found(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    settings.ROOT_URLCONF = __name__
    visit = Visit(None, monkeypatch)
    [page] = visit.walk(["/trusting/"])
    assert page.reads == {"before"}
    for address, typed in _questions(page, count()):
        visit.ask(address, typed)
    assert any("test_nasty_values.py" in fault for fault in visit.faults)


# What was reported: each stands for its kind.


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("login", "address", "status"),
    [
        ("a clerk", "/employer/charges/?before=0001-01", 404),
        ("a clerk", "/employer/charges/?before=1900-01", 200),
        ("a collector", "/admin/contributions/ledgeraccount/?day=0001-01-01", 422),
        ("a collector", "/admin/contributions/ledgeraccount/?day=1900-01-01", 200),
        ("a collector", "/admin/contributions/ledgeraccount/?day=20261116", 422),
        ("a reviewer", "/admin/hall/case/?city=%00", 400),
        ("a reviewer", "/admin/hall/case/?state=%00", 400),
        ("a reviewer", "/admin/hall/case/?service=a%00b", 400),
        ("a reviewer", "/admin/hall/case/?state=gone", 302),
        ("a reviewer", "/admin/hall/case/?state=refused", 200),
        ("a reviewer", "/admin/hall/case/?state=", 200),
        ("nobody", "/wuhan/search/?q=%00", 400),
        ("nobody", "/wuhan/search/?q=%FF", 200),
        ("nobody", "/wuhan/quote/?year=0001&month=01", 200),
    ],
)
def test_what_was_reported(demo: dt.datetime, login: str, address: str, status: int) -> None:
    who = LOGINS[login]
    user = User.objects.filter(**who).order_by("pk")[0] if who else None
    assert came_in(user).get(address).status_code == status
