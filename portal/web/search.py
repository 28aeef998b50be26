"""Finding a service, or a page to look things up, by what people call it: titles and other names,
in characters or in pinyin."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from pypinyin import Style, pinyin

from portal.hall.catalogue import offers
from portal.hall.service import Service
from portal.policy.book import Elsewhere, Offer, book
from portal.web.context import open_to
from portal.web.home import groups_of

# Words that say that something is to be done, not what.
_IDLE = re.compile(r"(我要|我想|怎么|怎样|如何|在哪里|在哪|哪里|网上|在线|办理|申请|查询一下|请问|一下|的)")

# Pages that are no services, and what people look for when they mean them.
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
)

# The pages that are of no use to an employer's clerk.
OF_PERSONS = ("record", "record-account", "paid-list")

# The least share of the word's pairs of characters that a name must have, where no name contains
# the whole word.
_ALIKE = 0.5


@dataclass(frozen=True)
class Name:
    """One name of an offer: its characters without spaces, and what each may sound like."""

    text: str
    sounds: tuple[tuple[str, ...], ...]


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
class Page:
    """A page to look things up, with all its names, its title first."""

    view: str
    title: Any
    names: tuple[Name, ...]


@dataclass(frozen=True)
class Found:
    here: list[tuple[Offer, Service]]
    elsewhere: list[tuple[Offer, Service]]


@require_safe
def search(request: HttpRequest, city: str) -> HttpResponse:
    """The page of the city's offers that these words find, and of those that only other cities
    have."""
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
        "groups": groups_of(results.here, user=request.user) if not query else _ranked(results.here),
        "count": len(results.here),
        "elsewhere": [group for group in elsewhere if group["offers"]],
        "at_windows": find_at_windows(query, city) if query else list(place.elsewhere.values()),
        "pages": [
            {"title": page.title, "url": reverse(page.view, args=[city] if page.view == "quote" else [])}
            for page in find_pages(query)
            if not (page.view in OF_PERSONS and getattr(request.user, "is_clerk", False))
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
    ranked = sorted(
        ((rank, entry) for entry in index() if (rank := _rank(query, entry.names)) is not None),
        key=lambda hit: hit[0],
    )
    in_city = [(entry.offer, entry.service) for _rank_, entry in ranked if entry.offer.city == city]
    codes = {offer.code for offer, _service in in_city} | set(book().city(city).elsewhere)
    elsewhere = [
        (entry.offer, entry.service)
        for _rank_, entry in ranked
        if entry.offer.city != city and entry.offer.code not in codes
    ]
    return Found(in_city, elsewhere)


def find_at_windows(query: str, city: str) -> list[Elsewhere]:
    """The city's services outside this hall whose names fit the query, the best match first."""
    ranked = [
        (rank, one.there)
        for one in at_windows()
        if one.there.city == city and (rank := _rank(query, one.names)) is not None
    ]
    return [there for _rank_, there in sorted(ranked, key=lambda hit: hit[0])]


def find_pages(query: str) -> list[Page]:
    """The pages to look things up whose names fit the query, the best match first."""
    ranked = [(rank, page) for page in pages() if (rank := _rank(query, page.names)) is not None]
    return [page for _rank_, page in sorted(ranked, key=lambda hit: hit[0])]


@cache
def pages() -> tuple[Page, ...]:
    """Every such page with its names."""
    return tuple(Page(view, title, _spoken((str(title), *also))) for view, title, also in PAGES)


@cache
def index() -> tuple[Entry, ...]:
    """Every offer with its names; built once, as offers and services do not change while the hall
    runs."""
    return tuple(Entry(offer, service, _names(offer, service)) for offer, service in offers())


@cache
def at_windows() -> tuple[There, ...]:
    """Every service that a city offers outside this hall, with its names."""
    return tuple(
        There(there, _spoken((there.title, *there.search_names)))
        for place in book().cities
        for there in place.elsewhere.values()
    )


def _names(offer: Offer, service: Service) -> tuple[Name, ...]:
    words = (
        offer.title,
        str(service.title),
        *offer.search_names,
        *map(str, service.also_known_as),
        offer.code,
    )
    return _spoken(words)


def _spoken(words: Iterable[str]) -> tuple[Name, ...]:
    texts = dict.fromkeys(_plain(text) for text in words)
    return tuple(Name(text, _sounds(text)) for text in texts if text)


def _plain(text: str) -> str:
    """Lower case, half width, without spaces and punctuation."""
    return "".join(
        character
        for character in unicodedata.normalize("NFKC", text).lower()
        if unicodedata.category(character)[0] in "LN"
    )


def _sounds(text: str) -> tuple[tuple[str, ...], ...]:
    """The readings of each character, all of them where it has several (重: zhong, chong)."""
    syllables = pinyin(text, style=Style.NORMAL, heteronym=True, errors=list)  # type: ignore[arg-type]
    return tuple(
        tuple(dict.fromkeys(reading.replace("ü", "v") for reading in readings)) for readings in syllables
    )


def _rank(query: str, names: Sequence[Name]) -> float | None:
    """How well the names fit; a lower number is better. None where they do not: every word of the
    query must fit some name."""
    words = [word for word in (_plain(word) for word in query.split()) if word]
    if not words:
        return None
    ranks = [_word_rank(word, names) for word in words]
    return None if any(rank is None for rank in ranks) else max(rank for rank in ranks if rank is not None)


def _word_rank(word: str, names: Sequence[Name]) -> float | None:
    if len(word) < 2 and word.isascii():
        return None
    bare = _IDLE.sub("", word) or word
    for rank, wanted in ((0, word), (1, bare)):
        for place, name in enumerate(names):
            if wanted in name.text:
                # A name that is just the word comes before one that only contains it.
                whole = any(wanted == one.text for one in names)
                return rank - whole + min(place, 9) / 10
    if bare.isascii():
        if not any(_sounds_like(bare, name) for name in names):
            return None
        return 2 - any(_sounds_just_like(bare, name) for name in names)
    likeness = max((_likeness(bare, name.text) for name in names), default=0)
    return 4 - likeness if likeness >= _ALIKE else None


def _likeness(word: str, text: str) -> float:
    """The share of the word's neighbouring pairs of characters that the text has too."""
    pairs = {word[at : at + 2] for at in range(len(word) - 1)}
    return sum(pair in text for pair in pairs) / len(pairs) if pairs else 0


def _sounds_just_like(letters: str, name: Name) -> bool:
    """Whether the letters are the whole name, in full syllables or in initials."""
    full = "".join(f"(?:{'|'.join(map(re.escape, readings))})" for readings in name.sounds)
    initials = "".join(f"[{''.join(re.escape(one[0]) for one in readings)}]" for readings in name.sounds)
    return re.fullmatch(f"{full}|{initials}", letters) is not None


def _sounds_like(letters: str, name: Name) -> bool:
    """Whether the letters spell a stretch of the name: full syllables, initials, or a mix, the last
    one unfinished."""

    def spells(at: int, rest: str) -> bool:
        if not rest:
            return True
        if at == len(name.sounds):
            return False
        return any(
            reading.startswith(rest)
            or (rest.startswith(reading) and spells(at + 1, rest[len(reading) :]))
            or (rest[0] == reading[0] and spells(at + 1, rest[1:]))
            for reading in name.sounds[at]
        )

    return any(spells(start, letters) for start in range(len(name.sounds)))
