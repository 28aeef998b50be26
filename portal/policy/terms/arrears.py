"""What is paid on top of a late month, and which late months a city takes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from portal.policy.book import NATIONAL, Book, Leaf


@dataclass(frozen=True, slots=True, eq=False)
class LateFeeTerms:
    """滞纳金: a share of what is unpaid for each day, at most the unpaid sum itself where
    ``capped``."""

    leaf: Leaf
    daily_rate: Decimal
    capped: bool


def late_fee_terms(book: Book, *, on: dt.date) -> LateFeeTerms:
    leaf = book.leaf(NATIONAL, "late_fee", on)
    return LateFeeTerms(
        leaf=leaf, daily_rate=leaf.values["daily_rate"], capped=leaf.values["cap"] == "principal"
    )


@dataclass(frozen=True, slots=True, eq=False)
class ArrearsTerms:
    """What a city's flexible workers pay on top of a late month, and which months they can have
    after the fact: written-off pension at the tiers then in force, months without pension coverage.
    """

    leaf: Leaf
    surcharge: Literal["interest", "late_fee", "none"]
    written_off_pension: bool
    pension_gap: bool


def arrears_terms(book: Book, *, city: str, on: dt.date) -> ArrearsTerms:
    """Raises PolicyMissing where the city takes nothing late from flexible workers."""
    leaf = book.leaf(city, "arrears", on)
    return ArrearsTerms(
        leaf=leaf,
        surcharge=leaf.values["surcharge"],
        written_off_pension=leaf.values["written_off_pension"],
        pension_gap=leaf.values["pension_gap"],
    )
