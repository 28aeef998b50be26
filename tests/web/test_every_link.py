"""Each kind of login, on every page of the demo: every link leads to a page that answers, and every
word is Chinese.

A page names only what is there for whoever sees it: no link to a page of another kind of login
(404), none that the role may not open (403). And no page shows a word of the code, or of a library
that was not translated.
"""

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.db import transaction
from django.urls import Resolver404, resolve
from lxml import html

from portal.accounts.models import Kind, User
from portal.accounts.roles import CERTIFIER, COLLECTOR, REVIEWER
from portal.shared.countries import foreign_countries
from tests.demo import came_in, demo

__all__ = ["demo"]

pytestmark = pytest.mark.django_db

STARTS = ("/", "/ningbo/", "/wuhan/", "/wuxi/", "/shenzhen/", "/ningbo/search/?q=缴费", "/demo/messages/")
WORKBENCH = ("/admin/",)

LOGINS: dict[str, dict[str, Any] | None] = {
    "nobody": None,
    "a clerk": {"kind": Kind.CLERK, "employer__city": "ningbo"},
    "a clerk where wages are declared": {"kind": Kind.CLERK, "employer__city": "wuhan"},
    "a clerk where nothing is filed online": {"kind": Kind.CLERK, "employer__city": "wuxi"},
    "a person who is debited": {"kind": Kind.PERSON, "name": "周洁"},
    "a person who orders": {"kind": Kind.PERSON, "name": "顾磊"},
    "a reviewer": {"kind": Kind.STAFF, "city": "ningbo", "groups__name": REVIEWER},
    "a collector": {"kind": Kind.STAFF, "city": "wuxi", "groups__name": COLLECTOR},
    "who makes proofs": {"kind": Kind.STAFF, "groups__name": CERTIFIER},
    "whoever serves all cities": {"kind": Kind.STAFF, "is_superuser": True},
}

# From the pages of one address so many links to those of another are followed.
FOLLOWED = 1

# Names of formats, of products and of units, which have no Chinese.
ALLOWED = {
    *("PDF", "QR", "CSV", "XLSX", "XLS", "JPG", "PNG", "MB", "KB", "xlsx", "csv", "pdf", "Excel"),
    *("PAdES", "RSA/ECDSA", "RSA", "ECDSA", "PEM"),
    # Keys of a keyboard.
    *("Tab", "esc", "Control", "Command", "Mac", "pc"),
    # The letters that the codes of transfers begin with, which a payer writes as they are.
    *("HD", "BJ"),
    # What unlocks a device; and the address of a demo's own machine, where passkeys can be used.
    *("PIN", "http", "localhost:8000"),
    # Names that were given: a partner's, an account's, a person's in her passport.
    *("demo-bank", "partner-demo-bank", "admin", "MUELLER", "ANNA"),
    # Countries, as passports name them.
    *foreign_countries(),
}
# Keys stand beside the words there, so that they can be looked up: those by which the books name an
# entry and a channel, and what the lockout's library calls a row.
KEYS = re.compile(r"/admin/(?:contributions/(?:entry|receipt|payment)|axes)/")
_WORD = re.compile(r"[A-Za-z0-9_]+(?:[-.:/@][A-Za-z0-9_]+)*")
_SPOKEN = ("title", "aria-label", "placeholder", "alt", "data-label", "label")


@dataclass
class Walk:
    """What a login met: links that lead nowhere, and words that nobody translated, each with the
    pages where they stand."""

    # So many pages of one address are read.
    pages: int
    dead: list[str] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)

    def through(self, client: Any, starts: tuple[str, ...]) -> None:
        followed: Counter[tuple[str, str]] = Counter()
        waiting = [(address, "") for address in starts]
        seen = set(starts)
        while waiting:
            address, origin = waiting.pop(0)
            route = _route(address)
            with transaction.atomic():
                answer = client.get(address)
                transaction.set_rollback(True)
            if answer.status_code >= 400 and answer.status_code != 503:
                self.dead.append(f"{answer.status_code} {address} on {origin}")
            if answer.status_code in (301, 302):
                links = [answer.headers["Location"]]
            elif _is_page(answer) and self.read[route] < self.pages:
                self.read[route] += 1
                links = self._read(address, answer.content)
            else:
                continue
            for link in links:
                parts = urlsplit(urljoin(address, link))
                local = parts.path + (f"?{parts.query}" if parts.query else "")
                if parts.netloc or parts.scheme not in ("", "http") or not local or local in seen:
                    continue
                pair = (route, _route(local))
                if followed[pair] < FOLLOWED:
                    followed[pair] += 1
                    seen.add(local)
                    waiting.append((local, address))

    def _read(self, address: str, content: bytes) -> list[str]:
        tree = html.fromstring(content)
        for word in _words(tree):
            if not KEYS.match(address):
                self.words.setdefault(word, address)
        return [str(link) for link in tree.xpath("//a/@href") if not str(link).startswith("#")]


def _is_page(answer: Any) -> bool:
    kind = answer.headers.get("Content-Type", "")
    return bool(answer.status_code == 200 and kind.startswith("text/html") and answer.content.strip())


def _route(address: str) -> str:
    """The pattern of the address."""
    parts = urlsplit(address)
    try:
        return resolve(parts.path).route
    except Resolver404:
        return parts.path


def _words(tree: Any) -> set[str]:
    """The Latin words that a visitor reads or hears on the page; codes with digits left out."""
    for hidden in tree.xpath("//script | //style | //template | //*[contains(@class, 'material-symbols')]"):
        hidden.drop_tree()
    texts = [str(text) for text in tree.xpath("//text()")]
    texts += [str(text) for name in _SPOKEN for text in tree.xpath(f"//@{name}")]
    found = {word for text in texts for word in _WORD.findall(text)}
    return {
        word
        for word in found
        if len(word) > 1
        and word.isascii()
        and not any(sign.isdigit() for sign in word)
        and word not in ALLOWED
    }


def walk(login: str) -> Walk:
    who = LOGINS[login]
    user = User.objects.filter(**who).order_by("pk").first() if who else None
    assert user or who is None, f"the demo has no such login: {who}"
    works = user is not None and user.kind == Kind.STAFF
    # Whoever may do everything sees the pages of all staff: of theirs one each is read again.
    found = Walk(pages=1 if user and works and not user.is_superuser else 2)
    found.through(came_in(user), (*WORKBENCH, *STARTS[:2]) if works else STARTS)
    return found


@pytest.mark.parametrize("login", LOGINS)
def test_every_link_answers_and_every_word_is_chinese(demo: dt.datetime, login: str) -> None:
    found = walk(login)
    assert len(found.read) >= 12, found.read
    assert found.dead == []
    assert found.words == {}, found.words
