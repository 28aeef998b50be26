"""The amounts that the cities' documents name come out of the book, to the fen."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.policy.book import book
from portal.policy.terms.contribution import ContributionTerms, contribution_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.money import format_yuan, round_fen
from portal.shared.months import Month

CASES = yaml.load(
    (Path(__file__).parent / "golden_amounts.yaml").read_text(encoding="utf-8"),
    Loader=yaml.BaseLoader,  # noqa: S506 - reads texts only
)


def terms_of(case: dict[str, Any]) -> ContributionTerms:
    return contribution_terms(
        book(),
        city=case["city"],
        capacity=Capacity.FLEXIBLE,
        insurance=Insurance(case["insurance"]),
        month=Month.parse(case["month"]),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case.values()))
def test_a_tier_costs_what_the_document_says(case):
    terms = terms_of(case)
    tier = terms.tier(case["tier"])
    base = terms.tier_base(case["tier"])
    assert base == Decimal(case["base"])
    assert round_fen(base * tier.rate) == int(Decimal(case["amount"]) * 100)


def test_wuhans_highest_is_not_five_times_its_lowest_because_only_the_amount_is_rounded():
    terms = terms_of({"city": "wuhan", "insurance": "pension", "month": "2026-03"})
    lowest, highest = (round_fen(base * terms.personal_rate) for base in (terms.floor, terms.ceiling))
    assert (format_yuan(lowest), format_yuan(highest)) == ("393.04", "1,965.18")
    assert highest != 5 * lowest


def test_wuhans_average_wage_is_the_only_one_that_fits_both_amounts():
    terms = terms_of({"city": "wuhan", "insurance": "pension", "month": "2026-03"})
    assert terms.average_wage is not None
    fitting = [
        wage
        for cents in range(-500, 501)
        for wage in [terms.average_wage + Decimal(cents) / 100]
        if round_fen(wage * Decimal("0.60") * Decimal("0.20")) == 39304
        and round_fen(wage * Decimal("3.00") * Decimal("0.20")) == 196518
    ]
    assert fitting == [Decimal("3275.30")]


def test_wuxis_bounds_are_the_published_ones():
    terms = terms_of({"city": "wuxi", "insurance": "pension", "month": "2023-01"})
    assert (terms.floor, terms.ceiling) == (Decimal("4494"), Decimal("22470"))
    assert terms.average_wage is not None
    assert terms.average_wage * Decimal("0.60") == terms.floor
    assert terms.average_wage * 3 == terms.ceiling
