"""What an offer allows: its months, its insurances, and whom it asks for what."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from portal.policy.book import Book, Leaf, Offer, PolicyMissing
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_span, next_on


def start_months(offer: Offer, insurance: Insurance, *, filed_in: Month) -> tuple[Month, ...]:
    """The months in which coverage may start, earliest first; none where the insurance is not
    offered."""
    return _months(offer, "start_months", insurance, filed_in)


def stop_months(offer: Offer, insurance: Insurance, *, filed_in: Month) -> tuple[Month, ...]:
    """The first months without coverage that may be chosen: stopping in June, May is the last month
    paid."""
    years = offer.options.get("stop_years", {}).get(insurance, ())
    januaries = (Month(filed_in.year + years_on, 1) for years_on in sorted(years))
    return (*_months(offer, "stop_months", insurance, filed_in), *januaries)


def pay_months(offer: Offer, *, filed_in: Month) -> tuple[Month, ...]:
    """The months that an order may pay, earliest first. Raises PolicyMissing where the offer takes
    no orders."""
    values = offer.options.get("pay_months")
    if values is None:
        raise PolicyMissing(f"{offer.city}/{offer.code} pays no months")
    return tuple(month_span(filed_in - values["behind"], filed_in + values["ahead"] + 1))


def pay_within_days(offer: Offer) -> int:
    """Within how many days after the application late months are paid. Raises PolicyMissing where
    the offer bills none."""
    days = offer.options.get("pay_within_days")
    if days is None:
        raise PolicyMissing(f"{offer.city}/{offer.code} bills no late months")
    return int(days)


@dataclass(frozen=True, slots=True)
class WindowTerms:
    """For how many days after filing a pre-application is kept for its applicant to come to the
    window, and how many days before the end they are told."""

    leaf: Leaf
    keep_days: int
    told_days: int


def window_terms(book: Book, *, city: str, on: dt.date) -> WindowTerms:
    """Raises PolicyMissing where the city said nothing of it on that day."""
    leaf = book.leaf(city, "window", on)
    return WindowTerms(leaf, leaf.values["keep_days"], leaf.values["told_days"])


@dataclass(frozen=True)
class AmendmentTerms:
    """Within how many days after it was sent back a case is to be amended, and how many days before
    the end its applicant is told again."""

    leaf: Leaf
    days: int
    warned_days: tuple[int, ...]


def amendment_terms(book: Book, *, city: str, on: dt.date) -> AmendmentTerms:
    """Raises PolicyMissing where the city said nothing of it on that day."""
    leaf = book.leaf(city, "amendment", on)
    return AmendmentTerms(leaf, leaf.values["days"], tuple(leaf.values["warned_days"]))


def _months(offer: Offer, option: str, insurance: Insurance, filed_in: Month) -> tuple[Month, ...]:
    offsets = offer.options.get(option, {}).get(insurance, ())
    return tuple(filed_in + offset for offset in sorted(offsets))


def offered_insurances(offer: Offer) -> tuple[Insurance, ...]:
    """The insurances that can be started, stopped or shown by an offer, in the usual order."""
    named = (
        set(offer.options.get("start_months", ()))
        | set(offer.options.get("stop_months", ()))
        | set(offer.options.get("stop_years", ()))
        | set(offer.options.get("proof", {}).get("insurances", ()))
    )
    return tuple(insurance for insurance in Insurance if insurance in named)


def is_assumed(offer: Offer, option: str, part: str = "") -> bool:
    """Whether an option (or one insurance of it) is our assumption, and the screen must say so."""
    return option in offer.assumed or f"{option}.{part}" in offer.assumed


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An insurance that is not filed, or not run, here, and where it is."""

    insurance: Insurance
    where: str


def elsewhere(offer: Offer) -> tuple[Elsewhere, ...]:
    return tuple(
        Elsewhere(entry["insurance"], entry["where"]) for entry in offer.options.get("elsewhere", ())
    )


def run_elsewhere(book: Book, *, city: str, on: dt.date) -> tuple[Elsewhere, ...]:
    """The insurances that the city's agency does not run, each with where it is asked for; none
    where it runs them all."""
    try:
        leaf = book.leaf(city, "run_elsewhere", on)
    except PolicyMissing:
        return ()
    return tuple(Elsewhere(entry["insurance"], entry["where"]) for entry in leaf.values["asked"])


@dataclass(frozen=True, slots=True)
class HouseholdTerms:
    """The household registration (户籍) that an offer requires: in which city, and from which
    age."""

    city: str  # GB/T 2260
    compare: bool
    min_age: int


def household_terms(offer: Offer) -> HouseholdTerms | None:
    """None where the offer requires none."""
    values = offer.options.get("household")
    if values is None:
        return None
    return HouseholdTerms(city=values["city"], compare=values["compare"], min_age=values["min_age"])


def enrols_by_permit(book: Book, *, city: str, on: dt.date) -> bool:
    """Whether a flexible worker whose household is outside the city enrols there by a residence
    permit; not where the city says nothing of it."""
    try:
        return bool(book.leaf(city, "enrolment_site", on).values["by_permit"])
    except PolicyMissing:
        return False


@dataclass(frozen=True, slots=True)
class LateSettler:
    """Who moved into the city late: since which day, and from which age in years by sex."""

    since: dt.date
    age: Mapping[str, int]


def late_settlers(offer: Offer) -> Mapping[str, LateSettler]:
    """By the kind of household that they had before; empty where the offer asks nothing of them."""
    values = offer.options.get("late_settlers", {})
    return {kind: LateSettler(one["since"], one["age"]) for kind, one in values.items()}


@dataclass(frozen=True, slots=True)
class FirstMedicalTerms:
    """What a first medical enrolment needs in addition: a photo, and the card by a day of the
    month."""

    photo: bool
    card_by_day: int

    def card_by(self, today: dt.date) -> dt.date:
        """The day for a person who enrols today: this month's, or next month's where that is
        past."""
        return next_on(self.card_by_day, today)


def first_medical_terms(offer: Offer) -> FirstMedicalTerms | None:
    """None where the offer asks for nothing more."""
    values = offer.options.get("first_medical")
    if values is None:
        return None
    return FirstMedicalTerms(photo=values["photo"], card_by_day=values["card_by_day"])


def counted_month(offer: Offer, *, filed_on: dt.date) -> Month:
    """The month that an application of that day counts in: its own, or the next one where the offer
    closes the month on an earlier day."""
    closes_on = offer.options.get("month_closes_on")
    month = Month.of(filed_on)
    return month if closes_on is None or filed_on.day <= closes_on else month + 1


@dataclass(frozen=True, slots=True)
class FirstCardTerms:
    """The first social-security card: the banks that issue it, where it can be had, by which day of
    the month its owner comes to the window, every how many days who has not come is told, and in
    how many working days it is made."""

    banks: tuple[str, ...]
    deliveries: tuple[str, ...]
    by_day: int
    told_every_days: int
    made_in_days: int

    def come_by(self, today: dt.date) -> dt.date:
        """The day by which who applies today comes to the window: this month's, or next month's
        where that is past."""
        return next_on(self.by_day, today)


def first_card_terms(offer: Offer) -> FirstCardTerms:
    """Raises PolicyMissing where the offer makes no cards."""
    values = offer.options.get("first_card")
    if values is None or offer.papers_by_day is None:
        raise PolicyMissing(f"{offer.city}/{offer.code} makes no cards")
    return FirstCardTerms(
        banks=tuple(values["banks"]),
        deliveries=tuple(values["deliveries"]),
        by_day=offer.papers_by_day,
        told_every_days=values["told_every_days"],
        made_in_days=values["made_in_days"],
    )


def counts_from(offer: Offer, *, filed_in: Month) -> Month:
    """The first month in which what an offer changes counts: the one of filing, where it names no
    other."""
    return filed_in + int(offer.options.get("counts_after", 0))


def missed_filing_days(offer: Offer, today: dt.date) -> tuple[int, int] | None:
    """The days of the month on which the offer is filed, where today is none of them; else None."""
    days = offer.options.get("filing_days")
    if days is None or days["first"] <= today.day <= days["last"]:
        return None
    return days["first"], days["last"]
