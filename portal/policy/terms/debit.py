"""The monthly debit (托收) of a city: of people, and of employers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from portal.policy.book import Book, Leaf
from portal.shared.insurance import Capacity
from portal.shared.months import Month


@dataclass(frozen=True, slots=True, eq=False)
class DebitTerms:
    """The monthly debit (托收) of a city: who is debited, by when the money lies there, by which
    bank.

    ``second_person`` says that a batch leaves only after somebody who did not open it has checked
    and released it. A month whose debit failed is debited again in each of ``retry_months`` months
    after it; who owes more months than that is suspended.
    """

    leaf: Leaf
    capacities: tuple[Capacity, ...]
    deposit_by_day: int
    debit_day: int | Literal["last"]
    bank: str
    bank_title: str
    format: str
    second_person: bool
    retry_months: int

    def deposit_by(self, month: Month) -> dt.date:
        return month.day(self.deposit_by_day)

    def debit_on(self, month: Month) -> dt.date:
        return month.last_day if self.debit_day == "last" else month.day(self.debit_day)


def debit_terms(book: Book, *, city: str, on: dt.date) -> DebitTerms:
    """Raises PolicyMissing where the city does not debit."""
    leaf = book.leaf(city, "debit", on)
    return DebitTerms(
        leaf=leaf,
        capacities=leaf.values["capacities"],
        deposit_by_day=leaf.values["deposit_by_day"],
        debit_day=leaf.values["debit_day"],
        bank=leaf.values["bank"],
        bank_title=leaf.values["bank_title"],
        format=leaf.values["format"],
        retry_months=leaf.values["retry_months"],
        second_person=leaf.values["release"] == "second-person",
    )


@dataclass(frozen=True, slots=True, eq=False)
class EmployerDebitTerms:
    """How a city debits employers' confirmed months (单位托收): by which bank, and on which days of
    a month.

    The first day is the first round's; what failed then, or was confirmed later, is drawn on the
    next. A second person releases every batch.
    """

    leaf: Leaf
    debit_days: tuple[int, ...]
    bank: str
    bank_title: str
    format: str

    def due_round(self, today: dt.date) -> int:
        """The round whose day has come, of today's month: 1, 2 …; 0 before the first."""
        return sum(day <= today.day for day in self.debit_days)

    def days(self, month: Month) -> list[dt.date]:
        return [month.day(day) for day in self.debit_days]


def employer_debit_terms(book: Book, *, city: str, on: dt.date) -> EmployerDebitTerms:
    """Raises PolicyMissing where the city does not debit employers."""
    leaf = book.leaf(city, "employer_debit", on)
    return EmployerDebitTerms(
        leaf=leaf,
        debit_days=tuple(sorted(leaf.values["debit_days"])),
        bank=leaf.values["bank"],
        bank_title=leaf.values["bank_title"],
        format=leaf.values["format"],
    )
