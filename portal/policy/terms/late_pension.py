"""Paying for a pension past the retirement age: who may, where, and what the rest costs in one
sum."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.policy.book import Book, Leaf
from portal.shared.months import Month


@dataclass(frozen=True, slots=True, eq=False)
class LateTerms:
    """The months that make a city the place of a late pension, by household, and the grounds for
    paying the rest in one sum, by name."""

    leaf: Leaf
    months_here: int
    province_months_in_row: int
    elsewhere_months_in_province: int
    grounds: Mapping[str, Mapping[str, Any]]


def late_terms(book: Book, *, city: str, on: dt.date) -> LateTerms:
    """Raises PolicyMissing where nobody pays late in the city."""
    leaf = book.leaf(city, "late_pension", on)
    return LateTerms(
        leaf=leaf,
        months_here=leaf.values["months_here"],
        province_months_in_row=leaf.values["province_months_in_row"],
        elsewhere_months_in_province=leaf.values["elsewhere_months_in_province"],
        grounds=leaf.values["grounds"],
    )


@dataclass(frozen=True, slots=True, eq=False)
class PriceTerms:
    """What missing months cost in one sum, in yuan and shares; ``months_here`` are those from which
    on the city's wage counts for households of the province."""

    leaf: Leaf
    average_wage: Decimal
    province_wage: Decimal
    rates: Mapping[str, Decimal]
    account_rate: Decimal
    growth: Decimal
    year_begins: int
    months_here: int

    def wage_and_rate(self, household: str, months_here: int) -> tuple[Decimal, Decimal]:
        """For a household of the city, the province or elsewhere, with so many months here."""
        if household == "city":
            return self.average_wage, self.rates["city"]
        if household == "province" and months_here >= self.months_here:
            return self.average_wage, self.rates["other"]
        return self.province_wage, self.rates["province"]

    def by_year(self, months: Iterable[Month]) -> list[int]:
        """How many of the months, which follow each other, lie in each insurance year from the
        first month on."""
        counts: list[int] = []
        for month in months:
            if not counts or month.month == self.year_begins:
                counts.append(0)
            counts[-1] += 1
        return counts

    def factor(self, counts: Iterable[int]) -> Decimal:
        """The months, each year's dearer by the growth than the year's before."""
        return sum((count * self.growth**place for place, count in enumerate(counts)), Decimal(0))


def price_terms(book: Book, *, city: str, on: dt.date) -> PriceTerms:
    """Raises PolicyMissing where the city sells no months in one sum."""
    leaf = book.leaf(city, "lump_sum_price", on)
    return PriceTerms(
        leaf=leaf,
        average_wage=leaf.values["average_wage"],
        province_wage=leaf.values["province_wage"],
        rates=leaf.values["rates"],
        account_rate=leaf.values["account_rate"],
        growth=leaf.values["growth"],
        year_begins=leaf.values["year_begins"],
        months_here=leaf.values["months_here"],
    )
