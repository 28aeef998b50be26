"""What residents, children, students, retired and deferring people pay, and what public money
(财政补助) adds, to the fen."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from contributions.prices.quoting import NotQuoted, Quote, quote_months
from portal.shared import money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

CASES = yaml.load(
    (Path(__file__).parents[2] / "policy" / "golden_subsidised.yaml").read_text(encoding="utf-8"),
    Loader=yaml.BaseLoader,  # noqa: S506 - reads texts only
)


def quoted(case: dict[str, str]) -> Quote:
    start = Month.parse(case["start"])
    return quote_months(
        city="shenzhen",
        capacity=Capacity(case["capacity"]),
        insurance=Insurance(case["insurance"]),
        start=start,
        until=start + int(case["months"]),
        tier=case.get("tier", ""),
        base=case.get("base", ""),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case.values()))
def test_months_cost_what_was_published(case):
    quote = quoted(case)
    assert (str(money.yuan(quote.personal_fen)), str(money.yuan(quote.public_fen))) == (
        case["personal"],
        case["public"],
    )
    assert quote.amount_fen == quote.personal_fen


def test_the_whole_sum_of_2014_is_the_published_one():
    quote = quoted(
        {"capacity": "child", "insurance": "medical", "tier": "standard", "start": "2014-09", "months": "12"}
    )
    assert money.yuan(quote.personal_fen + quote.public_fen) == Decimal("500.88")
    assert {one.price.reference.mark for one in quote.months} == {"示例值"}


def test_a_year_without_a_figure_goes_on_at_the_latest_and_says_so():
    year = {"capacity": "child", "insurance": "medical", "tier": "standard", "months": "1"}
    price = quoted({**year, "start": "2020-10"}).months[0].price
    assert (price.personal_fen, str(price.since)) == (3097, "2019-09-01")
    assert "沿用" in price.reference.note


def test_the_base_of_september_holds_to_august():
    year = {"capacity": "student", "insurance": "medical", "tier": "standard", "months": "1"}
    sums = [
        quoted({**year, "start": start}).amount_fen for start in ("2018-08", "2018-09", "2019-08", "2019-09")
    ]
    assert sums == [2234, 2578, 2578, 3097]


def test_public_money_stands_beside_the_sum_with_its_reason():
    lines = quoted(next(case for case in CASES if case["start"] == "2026-11")).months[0].price.lines
    assert [(line.label, line.value) for line in lines][-2:] == [
        ("每月应缴", "40.56 元"),
        ("财政补助", "81.12 元"),
    ]


def test_residents_and_children_choose_no_base():
    for capacity in (Capacity.CHILD, Capacity.RESIDENT):
        with pytest.raises(NotQuoted) as refused:
            quote_months(
                city="shenzhen",
                capacity=capacity,
                insurance=Insurance.MEDICAL,
                start=Month(2026, 11),
                base="5000",
            )
        assert refused.value.about == "base"
