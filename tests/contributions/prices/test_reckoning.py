"""The formula: golden values, limits, rounding, and the derivation that the screen shows."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contributions.models import Charge
from contributions.prices.formula import derivation, explain, quote, reckon
from contributions.prices.reckoned import Reckoned
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import ContributionTerms, contribution_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

PENSION, MEDICAL, INJURY = Insurance.PENSION, Insurance.MEDICAL, Insurance.WORK_INJURY
FLEXIBLE, EMPLOYEE = Capacity.FLEXIBLE, Capacity.EMPLOYEE


def flexible(city: str, insurance: Insurance, month: Month, tier: str) -> Reckoned:
    return quote(city=city, capacity=FLEXIBLE, insurance=insurance, month=month, tier=tier)


# city, insurance, month, tier, fen: the golden values of the project's facts, from the seeds.
GOLDEN = [
    ("wuhan", PENSION, Month(2026, 11), "60", 393_04),
    ("wuhan", PENSION, Month(2026, 11), "300", 1965_18),
    ("wuhan", PENSION, Month(2013, 1), "60", 393_04),
    ("wuxi", PENSION, Month(2023, 1), "60", 898_80),
    ("wuxi", PENSION, Month(2023, 12), "300", 4494_00),
    ("wuxi", MEDICAL, Month(2023, 1), "60", 404_46),
    ("wuxi", MEDICAL, Month(2023, 1), "300", 2022_30),
]


@pytest.mark.parametrize(("city", "insurance", "month", "tier", "fen"), GOLDEN)
def test_golden_values(city: str, insurance: Insurance, month: Month, tier: str, fen: int) -> None:
    assert flexible(city, insurance, month, tier).amount_fen == fen


def test_the_highest_is_not_five_times_the_lowest_for_the_base_is_not_rounded() -> None:
    lowest, highest = (flexible("wuhan", PENSION, Month(2026, 11), tier) for tier in ("60", "300"))
    assert (lowest.base, highest.base) == (Decimal("1965.180"), Decimal("9825.900"))
    assert highest.amount_fen == 196518 != 5 * lowest.amount_fen


def wage_terms(**changes: object) -> ContributionTerms:
    terms = contribution_terms(
        book(), city="wuhan", capacity=EMPLOYEE, insurance=PENSION, month=Month(2026, 11)
    )
    return dataclasses.replace(terms, **changes)  # type: ignore[arg-type]


def by_wage(terms: ContributionTerms, wage_fen: int) -> Reckoned:
    return reckon(terms, wage_fen=wage_fen, insurance=terms.insurance, month=Month(2026, 11))


def test_half_a_fen_is_rounded_up() -> None:
    terms = wage_terms(floor=Decimal("2.50"), ceiling=Decimal("2.50"), personal_rate=Decimal("0.09"))
    assert by_wage(terms, 100).personal_fen == 23


@pytest.mark.parametrize(
    ("wage_fen", "base"),
    [
        (0, "4470.00"),
        (446999, "4470.00"),
        (447000, "4470.00"),
        (447001, "4470.01"),
        (2235000, "22350"),
        (9999900, "22350"),
    ],
)
def test_a_wage_counts_between_floor_and_ceiling(wage_fen: int, base: str) -> None:
    assert by_wage(wage_terms(), wage_fen).base == Decimal(base)


def test_employer_and_employee_shares_are_rounded_each_and_make_the_amount() -> None:
    priced = by_wage(wage_terms(), 500003)
    assert (priced.personal_fen, priced.employer_fen, priced.amount_fen) == (40000, 80000, 120000)
    assert priced.account_fen == 40000


@pytest.mark.parametrize(("grade", "rate"), [(1, "0.002"), (8, "0.019")])
def test_work_injury_is_paid_by_the_employer_alone_by_its_grade(grade: int, rate: str) -> None:
    priced = quote(
        city="ningbo",
        capacity=EMPLOYEE,
        insurance=INJURY,
        month=Month(2026, 11),
        wage_fen=1_000_000,
        industry_grade=grade,
    )
    assert (priced.personal_fen, priced.employer_fen) == (0, round(1_000_000 * Decimal(rate)))


def test_work_injury_needs_a_grade() -> None:
    with pytest.raises(PolicyMissing):
        quote(city="ningbo", capacity=EMPLOYEE, insurance=INJURY, month=Month(2026, 11), wage_fen=1_000_000)


def test_a_tier_that_is_not_there_and_a_month_before_the_first_figures_have_no_price() -> None:
    with pytest.raises(PolicyMissing):
        flexible("wuhan", PENSION, Month(2026, 11), "61")
    with pytest.raises(PolicyMissing):
        flexible("wuhan", PENSION, Month(2012, 12), "60")


def test_either_a_tier_or_a_wage() -> None:
    terms = contribution_terms(
        book(), city="wuhan", capacity=FLEXIBLE, insurance=PENSION, month=Month(2026, 11)
    )
    for given_both_or_none in ({}, {"tier": "60", "wage_fen": 1}):
        with pytest.raises(ValueError, match="either"):
            reckon(terms, insurance=PENSION, month=Month(2026, 11), **given_both_or_none)  # type: ignore[arg-type]


def test_terms_of_another_insurance_do_not_price() -> None:
    terms = contribution_terms(
        book(), city="wuhan", capacity=FLEXIBLE, insurance=PENSION, month=Month(2026, 11)
    )
    with pytest.raises(ValueError, match="do not price"):
        reckon(terms, tier="60", insurance=MEDICAL, month=Month(2026, 11))


@given(st.integers(0, 10**9))
def test_a_price_is_exact_for_every_wage(wage_fen: int) -> None:
    priced = by_wage(wage_terms(), wage_fen)
    assert priced.amount_fen == priced.personal_fen + priced.employer_fen
    for fen, rate in ((priced.personal_fen, Decimal("0.08")), (priced.employer_fen, Decimal("0.16"))):
        assert abs(priced.base * rate * 100 - fen) <= Decimal("0.5")
    assert 0 <= priced.account_fen <= priced.amount_fen


def test_the_derivation_tells_each_step_and_where_it_comes_from() -> None:
    shown = derivation(flexible("wuhan", PENSION, Month(2026, 11), "60"), on=dt.date(2026, 11, 21))
    told = {line.label: (line.value, line.note) for line in shown.lines}
    assert told["平均工资"][0] == "3,275.30 元"
    assert told["缴费基数"][0] == "1,965.18 元"
    assert told["每月应缴"][0] == "393.04 元"
    assert "393.036" in told["每月应缴"][1]
    assert shown.since == dt.date(2013, 1, 1)
    assert "13" in shown.age
    assert shown.reference.title


def test_a_charge_is_explained_by_the_figures_that_made_it_or_not_at_all() -> None:
    priced = flexible("wuhan", PENSION, Month(2026, 11), "60")
    charge = Charge(
        city="wuhan",
        capacity=FLEXIBLE,
        insurance=PENSION,
        month=Month(2026, 11),
        base=priced.base,
        amount_fen=priced.amount_fen,
        personal_fen=priced.personal_fen,
        employer_fen=0,
        account_fen=priced.account_fen,
        policy=priced.path,
        policy_since=priced.since,
        basis="60",
    )
    assert explain(charge, on=dt.date(2026, 11, 21)).lines == priced.lines
    charge.personal_fen += 1
    with pytest.raises(PolicyMissing):
        explain(charge, on=dt.date(2026, 11, 21))
    charge.personal_fen -= 1
    charge.policy_since = dt.date(2012, 1, 1)
    with pytest.raises(PolicyMissing):
        explain(charge, on=dt.date(2026, 11, 21))


def test_an_employees_charge_keeps_the_grade_that_made_it() -> None:
    priced = quote(
        city="ningbo",
        capacity=EMPLOYEE,
        insurance=INJURY,
        month=Month(2026, 11),
        wage_fen=800_000,
        industry_grade=6,
    )
    charge = Charge(
        city="ningbo",
        capacity=EMPLOYEE,
        insurance=INJURY,
        month=Month(2026, 11),
        base=priced.base,
        amount_fen=priced.amount_fen,
        personal_fen=0,
        employer_fen=priced.employer_fen,
        account_fen=0,
        policy=priced.path,
        policy_since=priced.since,
        basis="wage:800000",
    )
    assert explain(charge, on=dt.date(2026, 11, 21)).lines == priced.lines
