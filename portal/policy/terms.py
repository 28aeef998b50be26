"""Typed views of the book: what a month of insurance costs, when a city charges, what an offer allows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from portal.policy.bankhours import BankHours
from portal.policy.book import NATIONAL, Book, Leaf, Offer, PolicyMissing, Reference
from portal.policy.files import bounds
from portal.shared import bank_account, foreigners, money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_span, next_on


@dataclass(frozen=True, slots=True)
class Tier:
    """A level (缴费档次) at which a flexible worker can pay: a share of the average wage, and its rates."""

    code: str  # "60"
    title: str  # 60%档
    share: Decimal
    rate: Decimal
    account_rate: Decimal


@dataclass(frozen=True, slots=True, eq=False)
class ContributionTerms:
    """How a month of one insurance is priced in a city.

    Bases are yuan, exact and unrounded; rates are shares of the base. The amount is base × rate, rounded
    half-up to the fen once, at the end. ``employer_rate`` is None where it goes by the employer's industry
    grade; ``employer_rate_for`` knows both.
    """

    city: str
    capacity: Capacity
    insurance: Insurance
    leaf: Leaf
    average_wage: Decimal | None
    floor: Decimal
    ceiling: Decimal
    employer_rate: Decimal | None
    personal_rate: Decimal
    account_rate: Decimal
    tiers: tuple[Tier, ...]
    grade_rates: Mapping[int, Decimal]
    grade_leaf: Leaf | None

    @property
    def path(self) -> str:
        """The policy leaf, "wuhan/flexible_pension"; with ``since`` it names what priced a charge."""
        return self.leaf.path

    @property
    def since(self) -> dt.date:
        return self.leaf.since

    def standard(self, on: dt.date) -> str:
        """A sentence beside amounts by these terms: how well and how long their figures are known; "" where nothing is to say."""
        remark = self.leaf.remark(on)
        return f"缴费标准：{remark}。" if remark else ""

    @property
    def reference(self) -> Reference:
        return self.leaf.reference

    def tier(self, code: str) -> Tier:
        """The tier of that code. Raises PolicyMissing."""
        for tier in self.tiers:
            if tier.code == code:
                return tier
        raise PolicyMissing(f"{self.path} of {self.since} has no tier {code}")

    def tier_base(self, code: str) -> Decimal:
        """The contribution base of a tier in yuan, exact. Raises PolicyMissing."""
        tier = self.tier(code)
        if self.average_wage is None:
            raise PolicyMissing(f"{self.path} of {self.since} has no average wage")
        return self.average_wage * tier.share

    def clamp(self, wage: Decimal) -> Decimal:
        """The contribution base that follows from a wage in yuan: at least the floor, at most the ceiling."""
        return min(max(wage, self.floor), self.ceiling)

    def employer_rate_for(self, grade: int | None = None) -> Decimal:
        """What the employer pays. Raises PolicyMissing where an industry grade is needed and not known."""
        if self.employer_rate is not None:
            return self.employer_rate
        if grade is None or grade not in self.grade_rates:
            raise PolicyMissing(f"{self.path} of {self.since} needs an industry grade, not {grade}")
        return self.grade_rates[grade]


def contribution_terms(
    book: Book, *, city: str, capacity: Capacity, insurance: Insurance, month: Month
) -> ContributionTerms:
    """The terms in force on the first day of a month. Raises PolicyMissing where the city has none then."""
    leaf = book.leaf(city, f"{capacity}_{insurance}", month.first_day)
    values = leaf.values
    floor, ceiling = bounds(values)
    account_rate = values["account_rate"] if values["account_rate"] is not None else Decimal(0)
    flexible = "rate" in values
    personal_rate = values["rate"] if flexible else values["personal_rate"]
    by_grade = not flexible and values["employer_rate_by"] is not None
    grade_leaf = book.leaf(NATIONAL, "work_injury_grades", month.first_day) if by_grade else None
    return ContributionTerms(
        city=city,
        capacity=capacity,
        insurance=insurance,
        leaf=leaf,
        average_wage=values["average_wage"],
        floor=floor,
        ceiling=ceiling,
        employer_rate=Decimal(0) if flexible else values["employer_rate"],
        personal_rate=personal_rate,
        account_rate=account_rate,
        tiers=tuple(
            Tier(
                code=tier["code"],
                title=tier["title"],
                share=tier["share"],
                rate=tier["rate"] if tier["rate"] is not None else personal_rate,
                account_rate=tier["account_rate"] if tier["account_rate"] is not None else account_rate,
            )
            for tier in (values["tiers"] if flexible else ())
        ),
        grade_rates=grade_leaf.values["rates"] if grade_leaf else MappingProxyType({}),
        grade_leaf=grade_leaf,
    )


def flexible_standard(book: Book, *, city: str, insurance: Insurance, month: Month, on: dt.date) -> str:
    """``ContributionTerms.standard`` of flexible workers in the month; "" where the city has no figures for them."""
    try:
        terms = contribution_terms(
            book, city=city, capacity=Capacity.FLEXIBLE, insurance=insurance, month=month
        )
    except PolicyMissing:
        return ""
    return terms.standard(on)


def insurances(book: Book, *, city: str, capacity: Capacity, month: Month) -> tuple[Insurance, ...]:
    """The insurances for which the city has terms in that month, in the usual order."""
    in_force = []
    for insurance in Insurance:
        try:
            book.leaf(city, f"{capacity}_{insurance}", month.first_day)
        except PolicyMissing:
            continue
        in_force.append(insurance)
    return tuple(in_force)


@dataclass(frozen=True, slots=True, eq=False)
class ChargingTerms:
    """On which day of the month a city charges whom; a capacity that is missing is not charged monthly."""

    leaf: Leaf
    days: Mapping[Capacity, int]

    def due(self, day: dt.date) -> tuple[Capacity, ...]:
        """The capacities whose charging day is this day or was missed earlier in its month."""
        return tuple(capacity for capacity, since in self.days.items() if day.day >= since)


def charging_terms(book: Book, *, city: str, on: dt.date) -> ChargingTerms:
    """Raises PolicyMissing where the city does not charge."""
    leaf = book.leaf(city, "charging", on)
    return ChargingTerms(leaf=leaf, days=leaf.values["days"])


@dataclass(frozen=True, slots=True, eq=False)
class DebitTerms:
    """The monthly debit (托收) of a city: who is debited, by when the money lies there, by which bank.

    ``second_person`` says that a batch leaves only after somebody who did not open it has checked and released it. A month whose
    debit failed is debited again in each of ``retry_months`` months after it; who owes more months than that is suspended.
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
    """How a city debits employers' confirmed months (单位托收): by which bank, and on which days of a month.

    The first day is the first round's; what failed then, or was confirmed later, is drawn on the next. A second person releases
    every batch.
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


@dataclass(frozen=True, slots=True, eq=False)
class PaymentTerms:
    """How orders are paid in a city: by which channels, within how many minutes, and when its bank takes money.

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


@dataclass(frozen=True, slots=True)
class AccountProofTerms:
    """How whoever opens a personal account proves who they are (``phone``, ``bank``, ``face``, ``window``), and for how many days
    a code that the window gave is good."""

    ways: tuple[str, ...]
    code_days: int


def account_proof_terms(book: Book, *, city: str, on: dt.date) -> AccountProofTerms:
    """Raises PolicyMissing where the city says nothing of it."""
    values = book.leaf(city, "account_proof", on).values
    return AccountProofTerms(ways=values["ways"], code_days=values["code_days"])


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
class ContributionYearTerms:
    """The contribution year (缴费年度) of employers: its first month, and when its wages are declared.

    A wage that rises by more than ``review_rise`` of the former one, or falls by more than ``review_fall``, is shown to staff.
    """

    leaf: Leaf
    first_month: int
    months_before: int
    months_after: int
    review_rise: Decimal
    review_fall: Decimal

    def open_year(self, filed_in: Month) -> Month | None:
        """The first month of the year that can be declared in this month; None outside the time for it."""
        for year in (filed_in.year, filed_in.year + 1, filed_in.year - 1):
            start = Month(year, self.first_month)
            if -self.months_before <= filed_in - start <= self.months_after:
                return start
        return None

    def next_open(self, after: Month) -> Month:
        """The first month from this one on in which a year can be declared."""
        month = after
        while self.open_year(month) is None:
            month += 1
        return month


def contribution_year_terms(book: Book, *, city: str, on: dt.date) -> ContributionYearTerms:
    """Raises PolicyMissing where the city's employers declare no wages."""
    leaf = book.leaf(city, "contribution_year", on)
    return ContributionYearTerms(leaf=leaf, **leaf.values)


def start_months(offer: Offer, insurance: Insurance, *, filed_in: Month) -> tuple[Month, ...]:
    """The months in which coverage may start, earliest first; none where the insurance is not offered."""
    return _months(offer, "start_months", insurance, filed_in)


def stop_months(offer: Offer, insurance: Insurance, *, filed_in: Month) -> tuple[Month, ...]:
    """The first months without coverage that may be chosen: stopping in June, May is the last month paid."""
    years = offer.options.get("stop_years", {}).get(insurance, ())
    januaries = (Month(filed_in.year + years_on, 1) for years_on in sorted(years))
    return (*_months(offer, "stop_months", insurance, filed_in), *januaries)


def pay_months(offer: Offer, *, filed_in: Month) -> tuple[Month, ...]:
    """The months that an order may pay, earliest first. Raises PolicyMissing where the offer takes no orders."""
    values = offer.options.get("pay_months")
    if values is None:
        raise PolicyMissing(f"{offer.city}/{offer.code} pays no months")
    return tuple(month_span(filed_in - values["behind"], filed_in + values["ahead"] + 1))


def pay_within_days(offer: Offer) -> int:
    """Within how many days after the application late months are paid. Raises PolicyMissing where the offer bills none."""
    days = offer.options.get("pay_within_days")
    if days is None:
        raise PolicyMissing(f"{offer.city}/{offer.code} bills no late months")
    return int(days)


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
    """The insurances that the city's agency does not run, each with where it is asked for; none where it runs them all."""
    try:
        leaf = book.leaf(city, "run_elsewhere", on)
    except PolicyMissing:
        return ()
    return tuple(Elsewhere(entry["insurance"], entry["where"]) for entry in leaf.values["asked"])


@dataclass(frozen=True, slots=True)
class HouseholdTerms:
    """The household registration (户籍) that an offer requires: in which city, and from which age."""

    city: str  # GB/T 2260
    compare: bool
    min_age: int


def household_terms(offer: Offer) -> HouseholdTerms | None:
    """None where the offer requires none."""
    values = offer.options.get("household")
    if values is None:
        return None
    return HouseholdTerms(city=values["city"], compare=values["compare"], min_age=values["min_age"])


@dataclass(frozen=True, slots=True)
class FirstMedicalTerms:
    """What a first medical enrolment asks for besides: a photo, and the card by a day of the month."""

    photo: bool
    card_by_day: int

    def card_by(self, today: dt.date) -> dt.date:
        """The day for who enrols today: this month's, or next month's where that is past."""
        return next_on(self.card_by_day, today)


def first_medical_terms(offer: Offer) -> FirstMedicalTerms | None:
    """None where the offer asks for nothing more."""
    values = offer.options.get("first_medical")
    if values is None:
        return None
    return FirstMedicalTerms(photo=values["photo"], card_by_day=values["card_by_day"])


@dataclass(frozen=True, slots=True)
class ProofTerms:
    """What a proof can show: how many months back (empty: there is no such choice), which insurances, for what, for how long.

    ``purposes`` and ``valid_days`` are empty where the offer lets nobody choose; the first of the days is proposed.
    ``kept_days``: how long the archive of proofs made in bulk is kept; 0 where none are.
    """

    month_counts: tuple[int, ...]
    insurances: tuple[Insurance, ...]
    purposes: tuple[str, ...] = ()
    valid_days: tuple[int, ...] = ()
    kept_days: int = 0


def proof_terms(offer: Offer) -> ProofTerms:
    """Raises PolicyMissing where the offer is no proof."""
    values = offer.options.get("proof")
    if values is None:
        raise PolicyMissing(f"{offer.city}/{offer.code} is no proof")
    return ProofTerms(
        month_counts=values["month_counts"] or (),
        insurances=values["insurances"],
        purposes=values["purposes"] or (),
        valid_days=values["valid_days"] or (),
        kept_days=values["kept_days"] or 0,
    )


@dataclass(frozen=True, slots=True, eq=False)
class LateFeeTerms:
    """滞纳金: a share of what is unpaid for each day, at most the unpaid sum itself where ``capped``."""

    leaf: Leaf
    daily_rate: Decimal
    capped: bool


def late_fee_terms(book: Book, *, on: dt.date) -> LateFeeTerms:
    leaf = book.leaf(NATIONAL, "late_fee", on)
    return LateFeeTerms(
        leaf=leaf, daily_rate=leaf.values["daily_rate"], capped=leaf.values["cap"] == "principal"
    )


@dataclass(frozen=True, slots=True, eq=False)
class ReconciliationTerms:
    """From when on the next day, in China, partners find the file of what was booked of a day."""

    leaf: Leaf
    ready_at: dt.time


def reconciliation_terms(book: Book, *, city: str, on: dt.date) -> ReconciliationTerms:
    leaf = book.leaf(city, "reconciliation", on)
    return ReconciliationTerms(leaf=leaf, ready_at=leaf.values["ready_at"])


@dataclass(frozen=True, slots=True, eq=False)
class ArrearsTerms:
    """What a city's flexible workers pay on top of a late month, and which months they can have after the fact: written-off
    pension at the tiers then in force, months without pension coverage.
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


def counts_from(offer: Offer, *, filed_in: Month) -> Month:
    """The first month in which what an offer changes counts: the one of filing, where it names no other."""
    return filed_in + int(offer.options.get("counts_after", 0))


@dataclass(frozen=True, slots=True, eq=False)
class PensionTransferTerms:
    """What moves with a person: the whole personal account, and a share of the wages since a month."""

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
    """The working days that each agency has for its part of a transfer. PolicyMissing for insurances that are not transferred."""
    return int(book.leaf(NATIONAL, f"{insurance}_transfer", on).values["agency_working_days"])


def moves_balance(offer: Offer) -> bool:
    """Whether the balance of the medical account moves with the relation. PolicyMissing where the offer does not say."""
    moved = offer.options.get("moves_balance")
    if moved is None:
        raise PolicyMissing(f"{offer.city}/{offer.code} moves no account")
    return bool(moved)


@dataclass(frozen=True, slots=True, eq=False)
class BenefitPlaceTerms:
    """Where a pension is drawn (待遇领取地) for whom is not insured at their household's place: where they paid so long."""

    leaf: Leaf
    years: int

    @property
    def months(self) -> int:
        return self.years * 12


def benefit_place_terms(book: Book, *, on: dt.date) -> BenefitPlaceTerms:
    leaf = book.leaf(NATIONAL, "benefit_place", on)
    return BenefitPlaceTerms(leaf=leaf, years=leaf.values["years"])


def account_interest_rate(book: Book, *, year: int) -> Leaf:
    """The leaf whose ``rate`` holds for the interest year: its own, or the latest published before it."""
    return book.leaf(NATIONAL, "account_interest", dt.date(year, 12, 31))


@dataclass(frozen=True, slots=True, eq=False)
class AccountInterestTerms:
    """How personal accounts bear interest in a year. ``weights``: for how many months what is credited in January, February, …
    bears interest; the opening balance does for all twelve. ``rate_leaf`` is the year's own, or the latest before it."""

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


def adulthood(book: Book, *, on: dt.date) -> int:
    """The age in years at which a person is of age."""
    return int(book.leaf(NATIONAL, "adulthood", on).values["years"])


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
    """Where that is read."""
    return book.leaf(NATIONAL, "foreign_numbers", on).reference


def working_age(book: Book, *, on: dt.date) -> int:
    """The age in years from which a person may be employed and insured."""
    return int(book.leaf(NATIONAL, "working_age", on).values["years"])


def register_within_days(book: Book, *, on: dt.date) -> int:
    """Days after hiring within which an employer registers new staff."""
    return int(book.leaf(NATIONAL, "registration", on).values["within_days"])
