"""A roster in numbers: its wages compared with the limits and with the former wages."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Count, F, Q, Sum

from enrollment.models import Roster, RosterRow
from portal.policy.book import book
from portal.policy.terms.contribution import (
    ContributionTerms,
    ContributionYearTerms,
    contribution_terms,
    insurances,
)
from portal.shared import money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


@dataclass(frozen=True, slots=True)
class Limits:
    """Insurances that share a floor and a ceiling (yuan)."""

    insurances: tuple[Insurance, ...]
    terms: ContributionTerms

    def base(self, wage_fen: int) -> Decimal:
        """The wage within floor and ceiling, in yuan."""
        return self.terms.clamp(money.yuan(wage_fen))


def limits(city: str, start: Month) -> list[Limits]:
    """The floors and ceilings of the city's insurances for employees, by the figures in force for
    the year's first month."""
    terms_by_insurance = [
        contribution_terms(book(), city=city, capacity=Capacity.EMPLOYEE, insurance=one, month=start)
        for one in insurances(book(), city=city, capacity=Capacity.EMPLOYEE, month=start)
    ]
    terms_by_insurance.sort(key=lambda terms: (terms.floor, terms.ceiling, terms.reference.title))
    grouped = groupby(
        terms_by_insurance, key=lambda terms: (terms.floor, terms.ceiling, terms.reference.title, terms.since)
    )
    groups = [list(members) for _key, members in grouped]
    order = {insurance: number for number, insurance in enumerate(Insurance)}
    for members in groups:
        members.sort(key=lambda terms: order[terms.insurance])
    groups.sort(key=lambda members: order[members[0].insurance])
    return [Limits(tuple(one.insurance for one in members), members[0]) for members in groups]


@dataclass(frozen=True, slots=True)
class Overview:
    """A roster in numbers of people and sums (fen). ``clamped``: for each group of limits, how many
    wages are raised to the floor and how many are cut to the ceiling."""

    total: int
    filled: int
    raised: int
    lowered: int
    same: int
    new: int
    outliers: int
    sum_fen: int
    former_sum_fen: int
    clamped: tuple[tuple[Limits, int, int], ...]


def outlying(terms: ContributionYearTerms) -> Q:
    """Rows whose wage rises or falls by more than the city's limit for review."""
    return Q(wage_fen__gt=F("former_fen") * (1 + terms.review_rise)) | Q(
        wage_fen__lt=F("former_fen") * (1 - terms.review_fall)
    )


def overview(roster: Roster, terms: ContributionYearTerms) -> Overview:
    """The roster's numbers, in one query."""
    groups = limits(roster.city, roster.start)
    filled = Q(wage_fen__isnull=False)
    aggregates: dict[str, Any] = {
        "total": Count("pk"),
        "filled": Count("pk", filter=filled),
        "raised": Count("pk", filter=Q(wage_fen__gt=F("former_fen"))),
        "lowered": Count("pk", filter=Q(wage_fen__lt=F("former_fen"))),
        "same": Count("pk", filter=Q(wage_fen=F("former_fen"))),
        "new": Count("pk", filter=filled & Q(former_fen__isnull=True)),
        "outliers": Count("pk", filter=outlying(terms)),
        "sum_fen": Sum("wage_fen", filter=filled, default=0),
        "former_sum_fen": Sum("former_fen", filter=filled, default=0),
    }
    for number, limits_group in enumerate(groups):
        aggregates[f"low_{number}"] = Count("pk", filter=below(limits_group))
        aggregates[f"high_{number}"] = Count("pk", filter=above(limits_group))
    numbers = RosterRow.objects.filter(roster=roster).aggregate(**aggregates)
    clamped = tuple((one, numbers.pop(f"low_{n}"), numbers.pop(f"high_{n}")) for n, one in enumerate(groups))
    return Overview(**numbers, clamped=clamped)


def below(limits_group: Limits) -> Q:
    return Q(wage_fen__lt=limits_group.terms.floor * 100)


def above(limits_group: Limits) -> Q:
    return Q(wage_fen__gt=limits_group.terms.ceiling * 100)
