"""What a month of insurance costs in a city, when it is charged, and the contribution year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from portal.policy.book import NATIONAL, Book, Leaf, PolicyMissing, Reference
from portal.policy.files import bounds
from portal.shared.ages import has_reached
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


@dataclass(frozen=True, slots=True)
class Tier:
    """A level (缴费档次) at which people without an employer can pay: a share of the average wage,
    or a base of its own, and its rates.

    ``public_rate``, or ``public`` yuan, is paid by public money (财政补助): the rate beside what
    the person pays, the fixed sum as a part of it. Where ``personal`` is given, both sums are
    fixed. ``instead_of`` are the codes of earlier tiers that go on at this one.

    ``only_for`` names whose tier it is ("": everybody's); nobody joins one that is ``closed``. The
    ages, by sex, say from and until when it is chosen.
    """

    code: str  # "60"
    title: str  # 60%档
    share: Decimal
    rate: Decimal
    account_rate: Decimal
    base: Decimal | None = None
    public_rate: Decimal = Decimal(0)
    public: Decimal | None = None
    personal: Decimal | None = None
    instead_of: tuple[str, ...] = ()
    only_for: str = ""
    closed: bool = False
    from_age: Mapping[str, int] | None = None
    until_age: Mapping[str, int] | None = None
    retired_from: Month | None = None
    retired_until: Month | None = None

    def is_of(self, retired_in: Month) -> bool:
        """Whether it is for those who reached the retirement age in that month."""
        if self.retired_from and retired_in < self.retired_from:
            return False
        return not (self.retired_until and retired_in >= self.retired_until)

    def suits(self, born: dt.date, sex: str, *, on: dt.date) -> bool:
        """Whether somebody of that age and sex may choose it on a day."""
        if self.from_age and not has_reached(born, self.from_age[sex], on=on):
            return False
        return not (self.until_age and has_reached(born, self.until_age[sex], on=on))


@dataclass(frozen=True, slots=True)
class Claim:
    """From which age, and after how many paid years, the benefits can be claimed."""

    age: int
    years: int


class Charged(StrEnum):
    """For which time a charge is made: a month; a calendar year, in January or the first month; or
    the rest of the insurance year at once, a charge for each month."""

    MONTH = "month"
    YEAR = "year"
    INSURANCE_YEAR = "insurance_year"


@dataclass(frozen=True, slots=True, eq=False)
class ContributionTerms:
    """How a month of one insurance is priced in a city.

    Bases are yuan, exact and unrounded; rates are shares of the base. The amount is base × rate,
    rounded half-up to the fen once, at the end. ``employer_rate`` is None where it goes by the
    employer's industry grade; ``employer_rate_for`` knows both.
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
    charged: Charged = Charged.MONTH
    year_begins: int = 1
    average_title: str = ""
    # Whether people may pay on a base that they choose, or on their pension.
    takes_base: bool = True
    # Whether somebody who joins within a year is charged from the next one on.
    joins_next_year: bool = False
    claim: Claim | None = None
    # Until which age in years one's household has to have moved into the city; None: at any age.
    settled_before: int | None = None
    # Until which month of retirement one's own pension is paid on; None: whenever that was.
    wage_retired_until: Month | None = None
    # Whether these months count towards the years of medical insurance of the retired.
    retirement_years: bool = True

    @property
    def path(self) -> str:
        """The policy leaf, "wuhan/flexible_pension"; with ``since`` it names what priced a
        charge."""
        return self.leaf.path

    @property
    def since(self) -> dt.date:
        return self.leaf.since

    def standard(self, on: dt.date) -> str:
        """A sentence beside amounts by these terms: how well and how long their figures are known;
        "" where nothing is to say."""
        remark = self.leaf.remark(on)
        return f"缴费标准：{remark}。" if remark else ""

    @property
    def reference(self) -> Reference:
        return self.leaf.reference

    def tier(self, code: str) -> Tier:
        """The tier of that code, or the one that came in its place. Raises PolicyMissing."""
        for tier in self.tiers:
            if tier.code == code or code in tier.instead_of:
                return tier
        raise PolicyMissing(f"{self.path} of {self.since} has no tier {code}")

    def tier_base(self, code: str) -> Decimal:
        """The contribution base of a tier in yuan, exact. Raises PolicyMissing."""
        tier = self.tier(code)
        if tier.base is not None:
            return tier.base
        if self.average_wage is None:
            raise PolicyMissing(f"{self.path} of {self.since} has no average wage")
        return self.average_wage * tier.share

    def clamp(self, wage: Decimal) -> Decimal:
        """The contribution base that follows from a wage in yuan: at least the floor, at most the
        ceiling."""
        return min(max(wage, self.floor), self.ceiling)

    @property
    def yearly(self) -> bool:
        """Whether a charge is for a calendar year."""
        return self.charged == Charged.YEAR

    def first_of_year(self, month: Month) -> Month:
        """The first month of the year of these terms that ``month`` lies in."""
        return year_start(month, self.year_begins)

    def next_first_of_year(self, month: Month) -> Month:
        """The first month of a year of these terms that is not before ``month``."""
        first = self.first_of_year(month)
        return first if first == month else first + 12

    def employer_rate_for(self, grade: int | None = None) -> Decimal:
        """What the employer pays. Raises PolicyMissing where an industry grade is needed and not
        known."""
        if self.employer_rate is not None:
            return self.employer_rate
        if grade is None or grade not in self.grade_rates:
            raise PolicyMissing(f"{self.path} of {self.since} needs an industry grade, not {grade}")
        return self.grade_rates[grade]


def contribution_terms(
    book: Book, *, city: str, capacity: Capacity, insurance: Insurance, month: Month
) -> ContributionTerms:
    """The terms in force on the first day of a month. Raises PolicyMissing where the city has none
    then."""
    leaf = book.leaf(city, f"{capacity}_{insurance}", month.first_day)
    values = leaf.values
    if "charged" in values:
        return _subsidised(book, city, capacity, insurance, month)
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
        takes_base=not flexible
        or not any(tier["rate"] not in (None, personal_rate) for tier in values["tiers"]),
    )


def _subsidised(
    book: Book, city: str, capacity: Capacity, insurance: Insurance, month: Month
) -> ContributionTerms:
    """The terms of people whose contribution public money adds to. Those of an insurance year are
    its first month's. Raises PolicyMissing."""
    leaf = book.leaf(city, f"{capacity}_{insurance}", month.first_day)
    begins = leaf.values["year_begins"] or 1
    if leaf.values["charged"] == Charged.INSURANCE_YEAR:
        leaf = book.leaf(city, f"{capacity}_{insurance}", year_start(month, begins).first_day)
    values = leaf.values
    average = values["average_wage"]
    tiers = tuple(_subsidised_tier(tier) for tier in values["tiers"])
    bases = [tier.base if tier.base is not None else average * tier.share for tier in tiers]
    wage_rate = values["wage_rate"]
    return ContributionTerms(
        city=city,
        capacity=capacity,
        insurance=insurance,
        leaf=leaf,
        average_wage=average,
        floor=min(bases),
        ceiling=max(bases),
        employer_rate=Decimal(0),
        personal_rate=wage_rate if wage_rate is not None else Decimal(0),
        account_rate=Decimal(0),
        tiers=tiers,
        grade_rates=MappingProxyType({}),
        grade_leaf=None,
        charged=Charged(values["charged"]),
        year_begins=begins,
        average_title=values["average_title"] or "",
        takes_base=wage_rate is not None,
        joins_next_year=bool(values["joins_next_year"]),
        settled_before=values["settled_before"],
        wage_retired_until=values["wage_retired_until"],
        retirement_years=not values["no_retirement_years"],
        claim=Claim(**values["claim"]) if values["claim"] is not None else None,
    )


def _subsidised_tier(tier: Mapping[str, Any]) -> Tier:
    personal, public = tier["personal"], tier["public"]
    fixed = personal is not None
    return Tier(
        code=tier["code"],
        title=tier["title"],
        share=tier["share"] if tier["share"] is not None else Decimal(0),
        rate=Decimal(1) if fixed else tier["rate"],
        account_rate=Decimal(0),
        base=personal + (public or 0) if fixed else tier["base"],
        public_rate=tier["public_rate"] if tier["public_rate"] is not None else Decimal(0),
        public=public,
        personal=personal,
        instead_of=tier["instead_of"] or (),
        only_for=tier["only_for"] or "",
        closed=bool(tier["closed"]),
        from_age=tier["from_age"],
        until_age=tier["until_age"],
        retired_from=tier["retired_from"],
        retired_until=tier["retired_until"],
    )


def year_start(month: Month, begins: int) -> Month:
    """The first month of the year that ``month`` lies in, where years begin with the month
    ``begins`` (1 to 12)."""
    return Month(month.year if month.month >= begins else month.year - 1, begins)


def flexible_standard(book: Book, *, city: str, insurance: Insurance, month: Month, on: dt.date) -> str:
    """``ContributionTerms.standard`` of flexible workers in the month; "" where the city has no
    figures for them."""
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
    """On which day of the month a city charges whom; a capacity that is missing is not charged
    monthly."""

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
class ContributionYearTerms:
    """The contribution year (缴费年度) of employers: its first month, and when its wages are
    declared.

    A wage that rises by more than ``review_rise`` of the former one, or falls by more than
    ``review_fall``, is shown to staff.
    """

    leaf: Leaf
    first_month: int
    months_before: int
    months_after: int
    review_rise: Decimal
    review_fall: Decimal

    def open_year(self, filed_in: Month) -> Month | None:
        """The first month of the year that can be declared in this month; None outside the time for
        it."""
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
