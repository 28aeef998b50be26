"""What moves with a person to another place, in how many days; where a pension is drawn."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from portal.policy.book import NATIONAL, Book, Leaf, Offer, PolicyMissing
from portal.shared.insurance import Insurance
from portal.shared.months import Month


@dataclass(frozen=True, slots=True, eq=False)
class PensionTransferTerms:
    """What moves with a person: the whole personal account, and a share of the wages since a
    month."""

    leaf: Leaf
    pooled_rate: Decimal
    pooled_from: Month
    agency_working_days: int


def pension_transfer_terms(book: Book, *, on: dt.date) -> PensionTransferTerms:
    leaf = book.leaf(NATIONAL, "pension_transfer", on)
    return PensionTransferTerms(
        leaf=leaf,
        pooled_rate=leaf.values["pooled_rate"],
        pooled_from=leaf.values["pooled_from"],
        agency_working_days=leaf.values["agency_working_days"],
    )


def transfer_days(book: Book, *, insurance: Insurance, on: dt.date) -> int:
    """The working days that each agency has for its part of a transfer. PolicyMissing for
    insurances that are not transferred."""
    return int(book.leaf(NATIONAL, f"{insurance}_transfer", on).values["agency_working_days"])


def moves_balance(offer: Offer) -> bool:
    """Whether the balance of the medical account moves with the relation. PolicyMissing where the
    offer does not say."""
    moved = offer.options.get("moves_balance")
    if moved is None:
        raise PolicyMissing(f"{offer.city}/{offer.code} moves no account")
    return bool(moved)


@dataclass(frozen=True, slots=True, eq=False)
class BenefitPlaceTerms:
    """Where a pension is drawn (待遇领取地) by a person who is not insured at their place of
    household registration: where they have paid for ``years``."""

    leaf: Leaf
    years: int

    @property
    def months(self) -> int:
        return self.years * 12


def benefit_place_terms(book: Book, *, on: dt.date) -> BenefitPlaceTerms:
    leaf = book.leaf(NATIONAL, "benefit_place", on)
    return BenefitPlaceTerms(leaf=leaf, years=leaf.values["years"])
