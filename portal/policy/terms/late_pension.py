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


@dataclass(frozen=True, slots=True, eq=False)
class SeniorityTerms:
    """Buying years of work as a permanent worker (工龄): household and insurance of before a day,
    the limits of the base (yuan), and the rates."""

    leaf: Leaf
    before: dt.date
    floor: Decimal
    ceiling: Decimal
    rate: Decimal
    account_rate: Decimal


def seniority_terms(book: Book, *, city: str, on: dt.date) -> SeniorityTerms:
    """Raises PolicyMissing where no such years are sold."""
    leaf = book.leaf(city, "seniority_lump_sum", on)
    return SeniorityTerms(
        leaf=leaf,
        before=leaf.values["before"],
        floor=leaf.values["floor"],
        ceiling=leaf.values["ceiling"],
        rate=leaf.values["rate"],
        account_rate=leaf.values["account_rate"],
    )


@dataclass(frozen=True, slots=True, eq=False)
class ResidentTerms:
    """Buying the missing years of the residents' pension: from which age, how many years are
    needed, and the age at which it is drawn."""

    leaf: Leaf
    from_age: int
    years: int
    pension_age: int


def resident_terms(book: Book, *, city: str, on: dt.date) -> ResidentTerms:
    """Raises PolicyMissing where no such years are sold."""
    leaf = book.leaf(city, "resident_lump_sum", on)
    return ResidentTerms(
        leaf=leaf,
        from_age=leaf.values["from_age"],
        years=leaf.values["years"],
        pension_age=leaf.values["pension_age"],
    )


@dataclass(frozen=True, slots=True, eq=False)
class GroupTerms:
    """One of the four groups: when its people left (days, None: open), which status they had, and
    what a month costs. ``own_base``: the base is chosen between ``floor`` and ``ceiling``."""

    left_from: dt.date | None
    left_until: dt.date | None
    statuses: tuple[str, ...]
    retired_by: dt.date | None
    never_insured: bool
    least_months: int
    own_base: bool


@dataclass(frozen=True, slots=True, eq=False)
class GroupsTerms:
    """The four groups, and the prices that they share: yuan and shares. Months before
    ``wage_since`` cost ``early_base`` × ``early_rate``, those of the second group from then on
    ``wage_share`` of the province's wage; both bear simple interest, the first from
    ``early_interest_since``."""

    leaf: Leaf
    groups: Mapping[str, GroupTerms]
    province_wage: Decimal
    floor: Decimal
    ceiling: Decimal
    rate: Decimal
    account_rate: Decimal
    early_base: Decimal
    early_rate: Decimal
    early_interest_since: Month
    wage_since: Month
    wage_share: Decimal
    deposit_rate: Decimal


def groups_terms(book: Book, *, city: str, on: dt.date) -> GroupsTerms:
    """Raises PolicyMissing where the city has no such policy."""
    leaf = book.leaf(city, "four_groups", on)
    values = leaf.values
    return GroupsTerms(
        leaf=leaf,
        groups={
            code: GroupTerms(
                left_from=one["left_from"],
                left_until=one["left_until"],
                statuses=tuple(one["statuses"]),
                retired_by=one["retired_by"],
                never_insured=bool(one["never_insured"]),
                least_months=one["least_months"] or 0,
                own_base=bool(one["own_base"]),
            )
            for code, one in values["groups"].items()
        },
        province_wage=values["province_wage"],
        floor=values["floor"],
        ceiling=values["ceiling"],
        rate=values["rate"],
        account_rate=values["account_rate"],
        early_base=values["early_base"],
        early_rate=values["early_rate"],
        early_interest_since=values["early_interest_since"],
        wage_since=values["wage_since"],
        wage_share=values["wage_share"],
        deposit_rate=values["deposit_rate"],
    )
