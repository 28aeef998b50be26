"""How a city takes money besides the debit, gives it back, and compares days with partners."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from portal.policy.bankhours import BankHours
from portal.policy.book import Book, Leaf
from portal.shared import money


@dataclass(frozen=True, slots=True, eq=False)
class PaymentTerms:
    """How orders are paid in a city: by which channels, within how many minutes, and when its bank
    takes money.

    ``bank_hours`` is None where money is taken at any time.
    """

    leaf: Leaf
    channels: tuple[str, ...]
    order_minutes: int
    bank_hours: BankHours | None


def payment_terms(book: Book, *, city: str, on: dt.date) -> PaymentTerms:
    """Raises PolicyMissing where the city takes no orders."""
    leaf = book.leaf(city, "payment", on)
    hours = leaf.values["bank_hours"]
    return PaymentTerms(
        leaf=leaf,
        channels=leaf.values["channels"],
        order_minutes=leaf.values["order_minutes"],
        bank_hours=BankHours(hours["from"], hours["until"]) if hours is not None else None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class TransferAccount:
    """The account to which a city's employers transfer what they owe: 户名, 开户行, 账号."""

    leaf: Leaf
    holder: str
    bank: str
    number: str


def transfer_account(book: Book, *, city: str, on: dt.date) -> TransferAccount:
    """The book has one for every city that charges employers; PolicyMissing for others."""
    leaf = book.leaf(city, "transfer_account", on)
    return TransferAccount(
        leaf=leaf,
        holder=leaf.values["holder"],
        bank=leaf.values["bank"],
        number=leaf.values["number"],
    )


@dataclass(frozen=True, slots=True, eq=False)
class TopUpTerms:
    """How much may be put into one's own medical account at once and in a day, in fen."""

    leaf: Leaf
    least_fen: int
    most_fen: int
    per_day_fen: int


def top_up_terms(book: Book, *, city: str, on: dt.date) -> TopUpTerms:
    """Raises PolicyMissing where the city takes no top-ups."""
    leaf = book.leaf(city, "card_top_up", on)
    return TopUpTerms(
        leaf=leaf,
        least_fen=money.to_fen(leaf.values["least"]),
        most_fen=money.to_fen(leaf.values["most"]),
        per_day_fen=money.to_fen(leaf.values["per_day"]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class LumpSumTerms:
    """Within how many days a lump sum is to be paid, and how many days before that people are
    told."""

    leaf: Leaf
    pay_days: int
    told_days: int


def lump_sum_terms(book: Book, *, city: str, on: dt.date) -> LumpSumTerms:
    """Raises PolicyMissing where the city has no lump sums."""
    leaf = book.leaf(city, "lump_sum", on)
    return LumpSumTerms(leaf=leaf, pay_days=leaf.values["pay_days"], told_days=leaf.values["told_days"])


@dataclass(frozen=True, slots=True, eq=False)
class DuplicateRefundTerms:
    """How many months back the refund of a month that was paid twice can be asked for."""

    leaf: Leaf
    months_back: int


def duplicate_refund_terms(book: Book, *, city: str, on: dt.date) -> DuplicateRefundTerms:
    """Raises PolicyMissing where the city has no such refund."""
    leaf = book.leaf(city, "duplicate_refund", on)
    return DuplicateRefundTerms(
        leaf=leaf,
        months_back=leaf.values["months_back"],
    )


@dataclass(frozen=True, slots=True, eq=False)
class ReconciliationTerms:
    """The time of the next day, in China, from which partners can fetch the file of a day's
    bookings."""

    leaf: Leaf
    ready_at: dt.time


def reconciliation_terms(book: Book, *, city: str, on: dt.date) -> ReconciliationTerms:
    leaf = book.leaf(city, "reconciliation", on)
    return ReconciliationTerms(leaf=leaf, ready_at=leaf.values["ready_at"])
