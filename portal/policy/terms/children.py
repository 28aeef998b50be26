"""From which month a child can be insured: a newborn from birth, any other from the month that
counts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from portal.policy.book import Book, Leaf
from portal.shared.months import after_months


@dataclass(frozen=True, slots=True)
class NewbornTerms:
    """Who is insured from the month of birth: who is younger than ``newborn_months``, and filed
    within the days or months after settling (入户) or after birth that the city grants (None: by
    that it grants nothing)."""

    leaf: Leaf
    newborn_months: int
    settled_months: int | None
    settled_days: int | None
    born_days: int | None
    born_months: int | None

    def from_birth(self, born: dt.date, settled_on: dt.date, *, filed_on: dt.date) -> bool:
        """Whether an application of that day insures from the month of birth."""
        if filed_on > after_months(born, self.newborn_months):
            return False
        until = [
            after_months(settled_on, self.settled_months) if self.settled_months is not None else None,
            settled_on + dt.timedelta(days=self.settled_days) if self.settled_days is not None else None,
            born + dt.timedelta(days=self.born_days) if self.born_days is not None else None,
            after_months(born, self.born_months) if self.born_months is not None else None,
        ]
        return any(filed_on <= day for day in until if day is not None)


def newborn_terms(book: Book, *, city: str, on: dt.date) -> NewbornTerms:
    """Raises PolicyMissing where the city says nothing of it."""
    leaf = book.leaf(city, "newborn", on)
    return NewbornTerms(
        leaf,
        leaf.values["newborn_months"],
        leaf.values["settled_months"],
        leaf.values["settled_days"],
        leaf.values["born_days"],
        leaf.values["born_months"],
    )
