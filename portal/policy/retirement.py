"""Statutory retirement age, and the months of contributions that a pension needs.

The age rises from 2025-01-01 by one month for every so many months of birth
(全国人民代表大会常务委员会关于实施渐进式延迟法定退休年龄的决定, 2024-09-13); the steps and caps are
data.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from portal.policy.book import NATIONAL, Book, Leaf
from portal.shared.identity import Sex
from portal.shared.months import Month


class RetirementCategory(StrEnum):
    """The groups with an age of their own: men, and women whose original age was 55 or 50."""

    MAN = "man"
    WOMAN_55 = "woman_55"
    WOMAN_50 = "woman_50"


@dataclass(frozen=True, slots=True, eq=False)
class Retirement:
    """A statutory retirement age in full months, when it is reached, and the figures that say
    so."""

    age_months: int
    month: Month
    leaf: Leaf

    @property
    def years(self) -> int:
        return self.age_months // 12

    @property
    def months(self) -> int:
        """The months beyond the full years."""
        return self.age_months % 12

    @property
    def zh(self) -> str:
        """As written in Chinese: 60周岁8个月, 60周岁."""
        return f"{self.years}周岁" + (f"{self.months}个月" if self.months else "")


def retirement(book: Book, *, born: Month, category: RetirementCategory, on: dt.date) -> Retirement:
    """When somebody born in a month reaches the age, by the rule in force on a day.

    The archive's birth date counts where it differs from the identity card's: give its month.
    Raises PolicyMissing before the first rule.
    """
    leaf = book.leaf(NATIONAL, "retirement", on)
    rule = leaf.values["categories"][category]
    age_months = rule["years"] * 12
    if rule["delayed_from"] is not None and born >= rule["delayed_from"]:
        steps = (born - rule["delayed_from"]) // rule["births_per_month"] + 1
        age_months += min(rule["most_months"], steps)
    return Retirement(age_months=age_months, month=born + age_months, leaf=leaf)


def flexible_category(sex: Sex) -> RetirementCategory:
    """Flexible workers: men as all men, women with an original age of 55 (劳社部发〔2001〕20号)."""
    return RetirementCategory.MAN if sex is Sex.MALE else RetirementCategory.WOMAN_55


def worker_category(sex: Sex) -> RetirementCategory:
    """Employers' staff who are workers (工人): men as all men, women with an original age of 50
    (国发〔1978〕104号)."""
    return RetirementCategory.MAN if sex is Sex.MALE else RetirementCategory.WOMAN_50


def minimum_months(book: Book, *, year: int) -> int:
    """Months of contributions that a person needs who reaches retirement age in that year."""
    values = book.leaf(NATIONAL, "minimum_months", dt.date(year, 1, 1)).values
    if values["rising_after_year"] is None:
        return int(values["months"])
    risen = values["months"] + values["rise_per_year"] * max(0, year - values["rising_after_year"])
    return int(min(values["most_months"], risen))
