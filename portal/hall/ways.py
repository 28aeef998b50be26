"""Where a text sends people: to a service or a page that is there, as a link; else to the place
where it is really done.

A sentence of the program never writes a service's name itself. It names codes, once, at import
(``PAUSE = To("flexible-pause", what=…)``), and asks for the way in a city (``PAUSE.at("wuhan")``):
the city's own offer, else what its ``elsewhere.yaml`` says, else the window and the hotline. A code
that no service and no city knows stops the program at start
(``catalogue.every_way_leads_somewhere``).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.policy.book import City, book
from portal.policy.passages import Link, Passage

# The pages that a sentence may name, by the name of their address, under the title that they have.
PAGES = {
    "record": gettext_lazy("参保缴费记录"),
    "orders": gettext_lazy("缴费订单"),
    "cases": gettext_lazy("办件进度"),
    "family": gettext_lazy("我的家人"),
    "proofs": gettext_lazy("我的参保证明和票据"),
    "verify": gettext_lazy("核验证明"),
    "transfers": gettext_lazy("关系转移"),
    "appointments": gettext_lazy("我的预约"),
    "account": gettext_lazy("账号与安全"),
    "employer-assessments": gettext_lazy("单位应缴核定"),
    "employer-bases": gettext_lazy("职工名册"),
    "register": gettext_lazy("注册个人账号"),
    "forgot": gettext_lazy("找回密码"),
    "account-phone": gettext_lazy("更换手机号码"),
    "quote": gettext_lazy("算一算要缴多少"),
    "windows": gettext_lazy("办事网点"),
}
# Those that each city has of its own.
OF_CITY = frozenset({"quote", "windows"})
# Those of a person's own insurance, and those of whoever pays: no page of the others.
_OF_PERSONS = frozenset({"record", "record-account", "paid-list", "family"})
_OF_PAYERS = _OF_PERSONS | {"orders"}


@dataclass(frozen=True, slots=True)
class Way:
    """The part of a sentence that sends people somewhere, the words in it that are the link, and
    the address ("": no link)."""

    phrase: str
    words: str
    url: str

    def __str__(self) -> str:
        return self.phrase


class To:
    """The services that a sentence may send people to, the best first; ``what`` says what to do
    where the city has none."""

    # All that texts name, for the check at start.
    named: ClassVar[list["To"]] = []

    def __init__(self, *codes: str, what: Any) -> None:
        self.codes, self.what = codes, what
        To.named.append(self)

    def offered(self, city: str) -> str:
        """The code of the first of them that the city offers online; "" where it offers none."""
        return next((code for code in self.codes if code in book().city(city).offers), "")

    def at(self, city: str) -> Way:
        """The way in that city: 办理“暂停缴费”; 到社保局窗口办理“个人基本信息变更”;
        到经办机构窗口办理停保（电话 12333）."""
        place = book().city(city)
        code = self.offered(city)
        if code:
            return to_offer(place, code)
        for code in self.codes:
            if code in place.elsewhere:
                return to_elsewhere(place, code)
        words = _("{city}社保经办机构窗口").format(city=place.title)
        phrase = _("到{window}{what}（电话 {phone}）").format(
            window=words, what=self.what, phone=place.hotline
        )
        return Way(phrase, words, reverse("windows", args=[city]))

    def all_at(self, city: str) -> list[Way]:
        """A way for each of them that the city offers online; the one of ``at`` where it offers
        none."""
        place = book().city(city)
        return [to_offer(place, code) for code in self.codes if code in place.offers] or [self.at(city)]


def to_offer(city: City, code: str) -> Way:
    """The way to a service that the city offers. KeyError where it does not."""
    words = quoted(city.offers[code].title)
    return Way(_("办理{service}").format(service=words), words, reverse("service", args=[city.slug, code]))


def to_elsewhere(city: City, code: str) -> Way:
    """The way to what the city has, but not in this hall: its page says where it is done. KeyError
    where there is none."""
    elsewhere = city.elsewhere[code]
    words = quoted(elsewhere.title)
    phrase = _("到{where}办理{service}").format(where=elsewhere.where, service=words)
    return Way(phrase, words, reverse("service", args=[city.slug, code]))


def to_page(name: str, words: str = "", *args: Any) -> Way:
    """The way to a page of the hall, under its own title or these words."""
    phrase = quoted(words or str(PAGES[name]))
    return Way(phrase, phrase, reverse(name, args=args))


def closed_to(user: Any) -> frozenset[str]:
    """The names of the pages that this visitor has no use for and cannot open."""
    if getattr(user, "is_staff", False):
        return _OF_PAYERS
    return _OF_PERSONS if getattr(user, "is_clerk", False) else frozenset()


def quoted(title: str) -> str:
    """A title as it stands in a sentence."""
    return f"“{title}”"


def linked(text: str, ways: Iterable[Way]) -> SafeString:
    """The sentence with the words of each way as a link, once each, where they first stand."""
    marks: list[tuple[int, int, str]] = []
    for way in ways:
        at = text.find(way.words) if way.url and way.words else -1
        while at >= 0 and any(at < end and start < at + len(way.words) for start, end, _url in marks):
            at = text.find(way.words, at + 1)
        if at >= 0:
            marks.append((at, at + len(way.words), way.url))
    drawn, last = [], 0
    for start, end, url in sorted(marks):
        drawn += [escape(text[last:start]), f'<a href="{escape(url)}">{escape(text[start:end])}</a>']
        last = end
    return mark_safe("".join([*drawn, escape(text[last:])]))  # noqa: S308  # every piece was escaped


def told(
    passage: Passage, city: City, on: dt.date, closed: frozenset[str] = frozenset()
) -> tuple[str, list[Way]]:
    """A sentence of the policy files as plain text with that day's figures, and the ways that it
    names; pages that are closed to the reader are named without an address."""
    texts: list[str] = []
    ways: list[Way] = []
    for part in book().filled(passage, city=city.slug, on=on).parts:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, Link):
            way = _of_link(part, city)
            if part.page in closed:
                way = Way(way.phrase, way.words, "")
            texts.append(way.words)
            ways.append(way)
        else:
            raise ValueError(f"{part} was not filled")
    return "".join(texts), ways


def _of_link(link: Link, city: City) -> Way:
    if link.page:
        return to_page(link.page, link.words, *([city.slug] if link.page in OF_CITY else []))
    target = city.offers.get(link.target) or city.elsewhere[link.target]
    phrase = quoted(link.words or target.title)
    return Way(phrase, phrase, reverse("service", args=[city.slug, link.target]))
