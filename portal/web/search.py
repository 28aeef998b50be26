"""Finding a service, an answer, or a page to look things up, by what people call it: titles, other
names, and what they say in everyday words."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from portal.hall.catalogue import offers
from portal.hall.service import Audience, Service
from portal.hall.ways import closed_to
from portal.policy.book import Elsewhere, Offer, Question, book
from portal.web.context import open_to
from portal.web.home import groups_of
from portal.web.matching import Name, rank, spoken

# Pages that are no services, and what people look for when they mean them; the cities' data add
# what they say in everyday words.
PAGES = (
    (
        "record",
        _("参保缴费记录"),
        ("缴费明细", "五险缴费明细查询", "缴费查询", "社保查询", "参保信息查询", "缴费年限", "欠费查询"),
    ),
    ("orders", _("缴费订单"), ("缴费记录", "缴费成功", "缴费订单", "支付结果", "支付记录")),
    ("record-account", _("个人账户"), ("个人账户查询", "个人账户余额", "账户余额", "对账单", "记账利息")),
    ("paid-list", _("打印缴费明细"), ("缴费清单", "缴费明细打印", "缴费记录打印")),
    (
        "quote",
        _("算一算要缴多少"),
        ("多少钱", "缴费标准", "缴费基数", "缴费档次", "缴费金额", "测算", "计算器"),
    ),
    ("cases", _("办件进度"), ("单位业务申报进度查询", "进度查询", "办理进度", "撤回")),
    ("proofs", _("我的参保证明和票据"), ("下载证明", "我的电子票据", "证明下载")),
    ("verify", _("核验参保证明的真伪"), ("证明核验", "验证证明", "验证码", "查验证明")),
    ("login-person", _("个人登录"), ()),
    ("login-employer", _("单位登录"), ()),
    ("register", _("注册个人账号"), ()),
    ("forgot", _("找回密码"), ()),
    ("account", _("账号与安全"), ()),
    ("account-phone", _("更换手机号码"), ()),
    ("messages", _("消息"), ()),
    ("family", _("我的家人"), ("家人", "家庭成员", "被监护人", "代家人办理")),
    ("help", _("帮助"), ()),
    ("accessibility", _("无障碍说明"), ("长辈版",)),
    ("questions", _("常见问题"), ("问答", "常见问答", "疑问")),
    (
        "windows",
        _("办事网点"),
        (
            "社保局地址",
            "社保局在哪",
            "社保局电话",
            "网点",
            "窗口地址",
            "办事大厅地址",
            "上班时间",
            "办公时间",
        ),
    ),
)
# The pages that each city has of its own.
OF_CITY = ("quote", "questions", "windows")


@dataclass(frozen=True)
class Entry:
    """An offer with all its names, its title first."""

    offer: Offer
    service: Service
    names: tuple[Name, ...]


@dataclass(frozen=True)
class There:
    """A service that a city offers outside this hall, with all its names, its title first."""

    there: Elsewhere
    names: tuple[Name, ...]


@dataclass(frozen=True)
class Asked:
    """A question with its answer, and what it is found by, the question first."""

    question: Question
    names: tuple[Name, ...]


@dataclass(frozen=True)
class Page:
    """A page to look things up, with all its names, its title first."""

    view: str
    title: Any
    names: tuple[Name, ...]

    def url(self, city: str) -> str:
        return reverse(self.view, args=[city] if self.view in OF_CITY else [])


T = TypeVar("T", Entry, There, Asked, Page)


class Section(StrEnum):
    """The sections of the page; of two that fit alike, the earlier one stands first."""

    OFFERS = "offers"
    AT_WINDOWS = "at_windows"
    PAGES = "pages"
    QUESTIONS = "questions"


@dataclass(frozen=True)
class Found:
    here: list[tuple[Offer, Service]]
    elsewhere: list[tuple[Offer, Service]]


@require_safe
def search(request: HttpRequest, city: str) -> HttpResponse:
    """The page of what these words find in the city, the best match first, and of the offers that
    only other cities have."""
    place = book().city(city)
    query = request.GET.get("q", "").strip()[:60]
    results = find(query, city) if query else Found(list(offers(city)), [])
    elsewhere = [
        {
            "city": other,
            "offers": [
                offer
                for offer, service in results.elsewhere
                if offer.city == other.slug and open_to(request.user, offer, service)
            ],
        }
        for other in book().cities
    ]
    context = {
        "city": place,
        "query": query,
        "sections": sections(query, city),
        "groups": groups_of(results.here, user=request.user) if not query else _ranked(results.here),
        "count": len(results.here),
        "elsewhere": [group for group in elsewhere if group["offers"]],
        "at_windows": find_at_windows(query, city) if query else list(place.elsewhere.values()),
        "questions": find_questions(query, city),
        "pages": [
            {"title": page.title, "url": page.url(city)}
            for page in find_pages(query, city)
            if page.view not in closed_to(request.user)
        ],
    }
    return render(request, "web/services.html", context)


def _ranked(offered: Sequence[tuple[Offer, Service]]) -> list[dict[str, object]]:
    """One list for each audience, the best match first."""
    audiences = list(dict.fromkeys(service.audience for _offer, service in offered))
    return [
        {
            "audience": audience,
            "theme": "",
            "offers": [offer for offer, service in offered if service.audience == audience],
        }
        for audience in audiences
    ]


def find(query: str, city: str) -> Found:
    """The offers whose names fit the query: the city's, and those of other cities that the city
    itself does not have."""
    # Of two that fit alike, the one for persons: an employer's clerk sees their own apart.
    ranked = sorted(
        _fitting(query, index()), key=lambda hit: (hit[0], hit[1].service.audience == Audience.EMPLOYER)
    )
    in_city = [(entry.offer, entry.service) for _rank, entry in ranked if entry.offer.city == city]
    codes = {offer.code for offer, _service in in_city} | set(book().city(city).elsewhere)
    elsewhere = [
        (entry.offer, entry.service)
        for _rank, entry in ranked
        if entry.offer.city != city and entry.offer.code not in codes
    ]
    return Found(in_city, elsewhere)


def find_at_windows(query: str, city: str) -> list[Elsewhere]:
    """The city's services outside this hall whose names fit the query, the best match first."""
    return [one.there for _rank, one in _fitting(query, at_windows(city))]


def find_pages(query: str, city: str) -> list[Page]:
    """The pages to look things up whose names fit the query, the best match first."""
    return [page for _rank, page in _fitting(query, pages(city))]


def find_questions(query: str, city: str) -> list[Question]:
    """The city's questions that fit the query, the best match first."""
    return [one.question for _rank, one in _fitting(query, questions(city))]


def sections(query: str, city: str) -> list[Section]:
    """All sections of the page, the one with the best match first."""
    of_city = [entry for entry in index() if entry.offer.city == city]
    best = {
        Section.OFFERS: _best(query, of_city),
        Section.AT_WINDOWS: _best(query, at_windows(city)),
        Section.PAGES: _best(query, pages(city)),
        Section.QUESTIONS: _best(query, questions(city)),
    }
    return sorted(best, key=lambda section: best[section])


def _best(query: str, entries: Iterable[T]) -> float:
    """How well the best of them fits; infinite where none does."""
    return min((fits for fits, _one in _fitting(query, entries)), default=math.inf)


def _fitting(query: str, entries: Iterable[T]) -> list[tuple[float, T]]:
    """Those whose names fit, with how well, the best first."""
    ranked = [(fits, entry) for entry in entries if (fits := rank(query, entry.names)) is not None]
    return sorted(ranked, key=lambda hit: hit[0])


@cache
def index() -> tuple[Entry, ...]:
    """Every offer with its names; built once, as offers and services do not change while the hall
    runs."""
    return tuple(Entry(offer, service, _names(offer, service)) for offer, service in offers())


@cache
def at_windows(city: str) -> tuple[There, ...]:
    """Every service that the city offers outside this hall, with its names."""
    return tuple(
        There(there, spoken((there.title, *there.search_names, *_everyday(city, there.code))))
        for there in book().city(city).elsewhere.values()
    )


@cache
def pages(city: str) -> tuple[Page, ...]:
    """Every page to look things up with its names."""
    return tuple(
        Page(view, title, spoken((str(title), *also, *_everyday(city, f"page:{view}"))))
        for view, title, also in PAGES
    )


@cache
def questions(city: str) -> tuple[Asked, ...]:
    """Every question of the city with what it is found by."""
    return tuple(
        Asked(asked, spoken((asked.question, *asked.search_names)))
        for asked in book().city(city).questions.values()
    )


def _names(offer: Offer, service: Service) -> tuple[Name, ...]:
    words = (
        offer.title,
        str(service.title),
        *offer.search_names,
        *map(str, service.also_known_as),
        *_everyday(offer.city, offer.code),
        offer.code,
    )
    return spoken(words)


def _everyday(city: str, what: str) -> tuple[str, ...]:
    return book().city(city).everyday.get(what, ())
