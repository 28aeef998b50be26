"""What is asked of people: their age, their numbers, and how they prove who they are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from portal.policy.book import NATIONAL, Book, Reference
from portal.shared import bank_account, foreigners


@dataclass(frozen=True, slots=True)
class AccountProofTerms:
    """The ways to prove who one is when opening a personal account (``phone``: the phone on file,
    ``partner``: an account at a partner bank, ``card``: the activated social-security card,
    ``face``, ``window``: a code from there), and for how many days such a code is good.

    ``files_by``: the ways after which an account files, too; empty where each does. ``from_age``
    in years, None for the working age. After ``tries`` failures in a row a way is closed for
    ``closed_hours``.
    """

    ways: tuple[str, ...]
    code_days: int
    files_by: tuple[str, ...] = ()
    from_age: int | None = None
    tries: int = 5
    closed_hours: int = 24


def account_proof_terms(book: Book, *, city: str, on: dt.date) -> AccountProofTerms:
    """Raises PolicyMissing where the city says nothing of it."""
    values = book.leaf(city, "account_proof", on).values
    optional = ("files_by", "from_age", "tries", "closed_hours")
    named = {name: values[name] for name in optional if values.get(name)}
    return AccountProofTerms(ways=values["ways"], code_days=values["code_days"], **named)


@dataclass(frozen=True, slots=True)
class SignOnTerms:
    """The single sign-on of a city: what it is called, and with which of its levels (``acr`` of the
    ID token) an account files, too."""

    title: str
    files_with: tuple[str, ...]


def single_sign_on(book: Book, *, city: str, on: dt.date) -> SignOnTerms:
    """Raises PolicyMissing where the city has none."""
    values = book.leaf(city, "single_sign_on", on).values
    return SignOnTerms(title=values["title"], files_with=values["files_with"])


def partner_banks(book: Book, *, city: str, on: dt.date) -> dict[str, str]:
    """The banks with whose accounts people of the city register: code → title. Raises
    PolicyMissing."""
    banks = book.leaf(city, "partner_banks", on).values["banks"]
    return {one["code"]: one["title"] for one in banks}


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
