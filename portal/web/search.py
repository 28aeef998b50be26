"""Finding a service by what people call it: its titles and other names, in characters or in pinyin."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from pypinyin import Style, pinyin

from portal.hall.catalogue import offers
from portal.hall.service import Service
from portal.policy.book import Offer, book
from portal.web.home import groups_of

# Words that say that something is to be done, not what.
_IDLE = re.compile(r"(我要|我想|怎么|怎样|如何|在哪里|在哪|哪里|网上|在线|办理|申请|查询一下|请问|一下|的)")

# How much of the question must be found, in pairs of characters, where it is nowhere found as it stands.
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
class Found:
    here: list[tuple[Offer, Service]]
    elsewhere: list[tuple[Offer, Service]]


@require_safe
def search(request: HttpRequest, city: str) -> HttpResponse:
    """What the city offers under these words, and what only other cities do."""
    place = book().city(city)
    query = request.GET.get("q", "").strip()[:60]
    found = find(query, city) if query else Found(list(offers(city)), [])
    elsewhere = [
        {"city": other, "offers": [offer for offer, _service in found.elsewhere if offer.city == other.slug]}
        for other in book().cities
    ]
    context = {
        "city": place,
        "query": query,
        "groups": groups_of(found.here, user=request.user) if not query else _ranked(found.here),
        "count": len(found.here),
        "elsewhere": [group for group in elsewhere if group["offers"]],
    }
    return render(request, "web/services.html", context)


def _ranked(found: Sequence[tuple[Offer, Service]]) -> list[dict[str, object]]:
    """One list for each audience, the best match first."""
    audiences = list(dict.fromkeys(service.audience for _offer, service in found))
    return [
        {
            "audience": audience,
            "theme": "",
            "offers": [offer for offer, service in found if service.audience == audience],
        }
        for audience in audiences
    ]


def find(query: str, city: str) -> Found:
    """The offers that are called so: the city's, and those of other cities that the city itself does not have."""
    ranked = sorted(
        ((rank, entry) for entry in index() if (rank := _rank(query, entry)) is not None),
        key=lambda hit: hit[0],
    )
    here = [(entry.offer, entry.service) for _rank_, entry in ranked if entry.offer.city == city]
    codes = {offer.code for offer, _service in here}
    elsewhere = [
        (entry.offer, entry.service)
        for _rank_, entry in ranked
        if entry.offer.city != city and entry.offer.code not in codes
    ]
    return Found(here, elsewhere)


@cache
def index() -> tuple[Entry, ...]:
    """Every offer with its names; built once, as offers and services do not change while the hall runs."""
    return tuple(Entry(offer, service, _names(offer, service)) for offer, service in offers())


def _names(offer: Offer, service: Service) -> tuple[Name, ...]:
    given = (
        offer.title,
        str(service.title),
        *offer.search_names,
        *map(str, service.also_known_as),
        offer.code,
    )
    texts = dict.fromkeys(_plain(text) for text in given)
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


def _rank(query: str, entry: Entry) -> float | None:
    """How well the offer fits, 0 best; None where it does not. Every word of the query must fit some name."""
    words = [word for word in (_plain(word) for word in query.split()) if word]
    if not words:
        return None
    ranks = [_word_rank(word, entry.names) for word in words]
    return None if any(rank is None for rank in ranks) else max(rank for rank in ranks if rank is not None)


def _word_rank(word: str, names: Sequence[Name]) -> float | None:
    if len(word) < 2 and word.isascii():
        return None
    bare = _IDLE.sub("", word) or word
    for rank, asked in ((0, word), (1, bare)):
        for place, name in enumerate(names):
            if asked in name.text:
                return rank + min(place, 9) / 10
    if bare.isascii():
        return 2 if any(_sounds_like(bare, name) for name in names) else None
    likeness = max((_likeness(bare, name.text) for name in names), default=0)
    return 4 - likeness if likeness >= _ALIKE else None


def _likeness(word: str, text: str) -> float:
    """The share of the word's neighbouring pairs of characters that the text has too."""
    pairs = {word[at : at + 2] for at in range(len(word) - 1)}
    return sum(pair in text for pair in pairs) / len(pairs) if pairs else 0


def _sounds_like(letters: str, name: Name) -> bool:
    """Whether the letters spell a stretch of the name: full syllables, initials, or a mix, the last one unfinished."""

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
