"""The hall's components. Each one's markup is in templates/components, with its context at its
head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django import template
from django.core.paginator import Page
from django.template import Context
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.hall.ways import closed_to, linked, told
from portal.policy.book import City
from portal.policy.passages import Passage
from portal.shared.months import today_in_china
from portal.web.templatetags.formats import date_zh

register = template.Library()

TONE_SIGNS = {"good": "check", "warn": "alert", "bad": "cross", "info": "dot", "quiet": "dash"}


def drawn(component: str, **context: Any) -> SafeString:
    """A component that stands within a sentence: its markup without the space around it."""
    return SafeString(render_to_string(f"components/{component}.html", context).strip())


# A page has hundreds of signs and tags, but few different ones: each of these is drawn once.


@register.simple_tag(name="sign")
@cache
def sign_of(name: str) -> SafeString:
    """A sign from templates/components/signs.html; words always stand beside it."""
    return drawn("sign", name=name)


@register.simple_tag
@lru_cache(maxsize=200)
def tag(tone: str, text: str, sign: str = "") -> SafeString:
    """A state as sign + word + colour; ``tone`` is good, warn, bad, info or quiet."""
    return drawn("tag", tone=tone, sign=sign_of(sign or TONE_SIGNS[tone]), text=text)


@register.simple_tag
def amount(fen: int) -> SafeString:
    """Fen as an amount with tabular digits: 393.04 元."""
    return drawn("amount", fen=fen)


STATION_STATES = {
    "done": gettext_lazy("已完成"),
    "now": gettext_lazy("进行中"),
    "stopped": gettext_lazy("已终止"),
    "next": gettext_lazy("未开始"),
}
STATION_SIGNS = {"done": "check", "stopped": "cross"}


class Station(NamedTuple):
    """One station of a line; ``mark`` is a sign, or the number of a step that is still to come."""

    state: str
    here: bool
    mark: str
    title: str
    url: str
    word: Promise
    when: str
    note: str


@register.inclusion_tag("components/stations.html")
def stations(steps: Sequence[Mapping[str, Any]], label: str = "", variant: str = "line") -> dict[str, Any]:
    """A line of stations, of {title, when, state: done | now | next | stopped, note, url}.

    Of these when, note and url may be missing. ``variant`` "steps" is the short form at the head of
    an application's pages.
    """
    place = next(
        (index for index, step in enumerate(steps, 1) if step["state"] in ("now", "stopped")), len(steps)
    )
    return {
        "stations": [_station(step, number, variant) for number, step in enumerate(steps, 1)],
        "label": label or _("办理进度"),
        "variant": variant,
        "place": place,
        "count": len(steps),
        "current": steps[place - 1] if steps else None,
    }


def _station(step: Mapping[str, Any], number: int, variant: str) -> Station:
    state = step["state"]
    sign = STATION_SIGNS.get(state)
    return Station(
        state=state,
        here=state in ("now", "stopped"),
        mark=sign_of(sign) if sign else str(number) if variant == "steps" else "",
        title=step["title"],
        url=step.get("url", "") if state == "done" else "",
        word=STATION_STATES[state],
        when=date_zh(step["when"]) if step.get("when") else "",
        note=step.get("note", ""),
    )


@register.inclusion_tag("components/summary_list.html")
def summary_list(rows: Iterable[Any]) -> dict[str, Any]:
    """Check answers: rows of (label, value, edit_url), the last may be missing."""
    return {"rows": [(label, value or "—", *(url or ("",))) for label, value, *url in rows]}


@register.inclusion_tag("components/facts.html")
def facts(pairs: Iterable[Any], title: str = "") -> dict[str, Any]:
    """A panel of (label, value) pairs."""
    return {"pairs": list(pairs), "title": title}


@register.inclusion_tag("components/derivation.html")
def derivation(derivation: Any, summary: str = "") -> dict[str, Any]:
    """为什么是这个数, to be opened beside an amount."""
    return {"derivation": derivation, "summary": summary or _("为什么是这个数")}


@register.inclusion_tag("components/banner.html")
def banner(text: str, level: str = "info", title: str = "") -> dict[str, str]:
    """A notification; ``level`` is success, info, warning or error, as in Django's messages."""
    return {"text": text, "level": level, "title": title}


@register.inclusion_tag("components/callout.html")
def callout(text: str, title: str = "") -> dict[str, str]:
    """警示: a consequence that must not be missed."""
    return {"text": text, "title": title}


@register.inclusion_tag("components/empty.html")
def empty(text: str, hint: str = "", url: str = "", label: str = "") -> dict[str, str]:
    """What stands where a list has nothing to show."""
    return {"text": text, "hint": hint, "url": url, "label": label}


@register.inclusion_tag("components/tabs.html")
def tabs(items: Iterable[Mapping[str, Any]], label: str = "") -> dict[str, Any]:
    """Links that switch what a page lists: items {label, url, current, count}; the count may be
    missing."""
    links = [(item["url"], item["current"], item["label"], _count(item.get("count"))) for item in items]
    return {"items": links, "label": label or _("筛选")}


def _count(number: int | None) -> str:
    return "" if number is None else str(number)


@register.inclusion_tag("components/due_item.html")
def due_item(item: Any) -> dict[str, Any]:
    """One thing that is due for me, with the days left."""
    days = _of(item, "days_left")
    urgency = "late" if days < 0 else "soon" if days <= 3 else "later"
    return {"item": item, "urgency": urgency, "days": abs(days), "days_left": days}


@register.inclusion_tag("components/service_row.html")
def service_row(offer: Any) -> dict[str, Any]:
    """A service in a list: its name, how it ends, how long it takes."""
    return {"offer": offer}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a progress bar; x and width are percents of its length."""

    label: str
    count: int
    fen: int | None
    tone: str
    x: str
    width: str


@register.inclusion_tag("components/progress.html")
def progress(parts: Iterable[Any], label: str = "") -> dict[str, Any]:
    """A batch as a bar with counts and sums: parts of {label, count, fen, tone}; what is still open
    has the tone quiet."""
    rows = list(parts)
    total = sum(_of(part, "count") for part in rows)
    drawn, x = [], 0.0
    for part in rows:
        width = 100 * _of(part, "count") / total if total else 0
        drawn.append(
            Part(
                _of(part, "label"),
                _of(part, "count"),
                _of(part, "fen"),
                _of(part, "tone"),
                f"{x:.3f}",
                f"{width:.3f}",
            )
        )
        x += width
    sums = [part.fen for part in drawn if part.fen is not None]
    settled = sum(part.count for part in drawn if part.tone != "quiet")
    return {
        "parts": drawn,
        "label": label,
        "total": total,
        "fen": sum(sums) if sums else None,
        "percent": 100 * settled // total if total else 100,
    }


@register.inclusion_tag("components/money_table.html")
def money_table(
    caption: str, heads: Sequence[Any], rows: Iterable[Any], total: Sequence[Any] | None = None
) -> dict[str, Any]:
    """A table whose money columns stand right-aligned.

    ``heads`` are words, or (word, "money") for a column of fen, or (word, "number"); ``rows`` have
    a cell for each, ``total`` is one more row at the foot.
    """
    columns = [(head, "text") if isinstance(head, str) else tuple(head) for head in heads]
    columns = [
        (_("%(head)s（元）") % {"head": word} if kind == "money" else word, kind) for word, kind in columns
    ]
    labels, kinds = [word for word, _kind in columns], [kind for _word, kind in columns]
    return {
        "caption": caption,
        "columns": columns,
        "rows": [list(zip(row, kinds, labels, strict=True)) for row in rows],
        "total": list(zip(total, kinds, labels, strict=True)) if total else None,
    }


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: Context, page: Page[Any]) -> dict[str, Any]:
    """Links to the other pages of a list; the rest of the address stays."""
    return {
        "request": context["request"],
        "page": page,
        "numbers": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "gap": page.paginator.ELLIPSIS,
    }


def _of(item: Any, name: str) -> Any:
    return item[name] if isinstance(item, Mapping) else getattr(item, name)


@register.simple_tag(takes_context=True)
def passage(context: Context, sentence: Passage, city: City) -> SafeString:
    """A sentence of the policy files: today's figures in it, what it names as links where the
    visitor can open it."""
    closed = closed_to(context.get("user"))
    return linked(*told(sentence, city, today_in_china(timezone.now()), closed))
