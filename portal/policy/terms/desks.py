"""Where people get the right to act online at a community desk: what the city asks for."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

from portal.policy.book import Book, PolicyMissing


@dataclass(frozen=True, slots=True)
class LetterText:
    """The letter (承诺书) that is signed before somebody may file, as it reads in one version."""

    version: str
    title: str
    paragraphs: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of title and text: what was signed."""
        return hashlib.sha256("\n".join((self.title, *self.paragraphs)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class DeskTerms:
    """What the desks of a city open.

    Accounts that were opened before ``accounts_before`` keep what they may do until their first
    letter. A first password is good for ``slip_days``; a desk helps a resident whose card it has
    seen for ``visit_minutes``. Besides proofs, ``queries`` (codes of services) are open to who may
    only look up.
    """

    accounts_before: dt.date
    slip_days: int
    visit_minutes: int
    queries: tuple[str, ...]
    letter: LetterText


def desk_terms(book: Book, *, city: str, on: dt.date) -> DeskTerms | None:
    """None where the city's people open their accounts by themselves."""
    try:
        values = book.leaf(city, "online_qualification", on).values
    except PolicyMissing:
        return None
    letter = values["letter"]
    return DeskTerms(
        accounts_before=values["accounts_before"],
        slip_days=values["slip_days"],
        visit_minutes=values["visit_minutes"],
        queries=values["queries"],
        letter=LetterText(letter["version"], letter["title"], letter["paragraphs"]),
    )
