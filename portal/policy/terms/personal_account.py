"""How personal accounts bear interest."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from portal.policy.book import NATIONAL, Book, Leaf
from portal.shared.insurance import Insurance


def account_interest_rate(book: Book, *, year: int) -> Leaf:
    """The leaf whose ``rate`` holds for the interest year: its own, or the latest published before
    it."""
    return book.leaf(NATIONAL, "account_interest", dt.date(year, 12, 31))


@dataclass(frozen=True, slots=True, eq=False)
class AccountInterestTerms:
    """How personal accounts bear interest in a year. ``weights``: for how many months what is
    credited in January, February, … bears interest; the opening balance does for all twelve.
    ``rate_leaf`` is the year's own, or the latest before it."""

    year: int
    rate: Decimal
    rate_leaf: Leaf
    method_leaf: Leaf
    weights: tuple[Decimal, ...]

    @property
    def published(self) -> bool:
        """Whether the rate is the year's own."""
        return bool(self.rate_leaf.values["year"] == self.year)

    @property
    def insurances(self) -> tuple[Insurance, ...]:
        return tuple(Insurance(one) for one in self.method_leaf.values["insurances"])


def account_interest_terms(book: Book, *, year: int) -> AccountInterestTerms:
    """Raises PolicyMissing for years before the first rate."""
    rate_leaf = account_interest_rate(book, year=year)
    method_leaf = book.leaf(NATIONAL, "account_interest_method", dt.date(year, 12, 31))
    if method_leaf.values["method"] == "yearly":
        weights: tuple[Decimal, ...] = (12 * method_leaf.values["yearly_factor"] / 2,) * 12
    else:
        weights = tuple(Decimal(13 - month) for month in range(1, 13))
    return AccountInterestTerms(
        year=year,
        rate=rate_leaf.values["rate"],
        rate_leaf=rate_leaf,
        method_leaf=method_leaf,
        weights=weights,
    )


def account_interest_years(book: Book) -> list[int]:
    """The years whose own rate is published, oldest first."""
    return sorted(leaf.values["year"] for leaf in book.history(NATIONAL, "account_interest"))
