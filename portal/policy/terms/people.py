"""What is asked of people: their age, their numbers, and how they prove who they are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from portal.policy.book import NATIONAL, Book, Reference
from portal.shared import bank_account, foreigners


@dataclass(frozen=True, slots=True)
class AccountProofTerms:
    """The ways to prove who one is when opening a personal account (``phone``, ``bank``, ``face``,
    ``window``), and for how many days a code from the window is good."""

    ways: tuple[str, ...]
    code_days: int


def account_proof_terms(book: Book, *, city: str, on: dt.date) -> AccountProofTerms:
    """Raises PolicyMissing where the city says nothing of it."""
    values = book.leaf(city, "account_proof", on).values
    return AccountProofTerms(ways=values["ways"], code_days=values["code_days"])


def adulthood(book: Book, *, on: dt.date) -> int:
    """The age in years at which a person is of age."""
    return int(book.leaf(NATIONAL, "adulthood", on).values["years"])


@dataclass(frozen=True, slots=True)
class GuardianshipTerms:
    """From which age in years a minor is told what is filed for them, and how many days before
    they come of age all are told that the guardians stop."""

    told_from: int
    told_before_days: int


def guardianship_terms(book: Book, *, on: dt.date) -> GuardianshipTerms:
    values = book.leaf(NATIONAL, "guardianship", on).values
    return GuardianshipTerms(told_from=values["told_from"], told_before_days=values["told_before_days"])


@dataclass(frozen=True, slots=True)
class AccountNumbers:
    """How people's account numbers are formed: how many digits, and which have a check digit."""

    fewest: int
    most: int
    checked: tuple[bank_account.Scheme, ...]

    def parse(self, text: str) -> str:
        """The number as typed. Raises bank_account.InvalidAccount."""
        return bank_account.parse(text, fewest=self.fewest, most=self.most, checked=self.checked)


def account_numbers(book: Book, *, on: dt.date) -> AccountNumbers:
    values = book.leaf(NATIONAL, "account_numbers", on).values
    return AccountNumbers(
        fewest=values["fewest"],
        most=values["most"],
        checked=tuple(bank_account.Scheme(one["starts"], one["digits"]) for one in values["checked"]),
    )


def foreign_layout(book: Book, *, on: dt.date) -> foreigners.Layout:
    """How the social-security number of a foreigner without a number of 18 digits is made."""
    values = book.leaf(NATIONAL, "foreign_numbers", on).values
    return foreigners.Layout(values["reserved"], values["digits"], values["filler"])


def foreign_layout_reference(book: Book, *, on: dt.date) -> Reference:
    """The reference of ``foreign_layout``."""
    return book.leaf(NATIONAL, "foreign_numbers", on).reference


def working_age(book: Book, *, on: dt.date) -> int:
    """The age in years from which a person may be employed and insured."""
    return int(book.leaf(NATIONAL, "working_age", on).values["years"])


def register_within_days(book: Book, *, on: dt.date) -> int:
    """Days after hiring within which an employer registers new staff."""
    return int(book.leaf(NATIONAL, "registration", on).values["within_days"])
