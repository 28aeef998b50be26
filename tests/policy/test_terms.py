"""What a month costs, when a city charges and debits, and the nation's rules."""

import datetime as dt
from decimal import Decimal

import pytest

from portal.policy.bankhours import BankHours
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.arrears import late_fee_terms
from portal.policy.terms.contribution import (
    charging_terms,
    contribution_terms,
    contribution_year_terms,
    insurances,
)
from portal.policy.terms.debit import debit_terms
from portal.policy.terms.payment import payment_terms
from portal.policy.terms.people import register_within_days, working_age
from portal.policy.terms.personal_account import (
    account_interest_rate,
    account_interest_terms,
    account_interest_years,
)
from portal.policy.terms.proofs import proof_terms
from portal.policy.terms.transfer import pension_transfer_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

MARCH = Month(2026, 3)
TODAY = dt.date(2026, 3, 15)


def terms(city: str, capacity: Capacity, insurance: Insurance, month: Month = MARCH):
    return contribution_terms(book(), city=city, capacity=capacity, insurance=insurance, month=month)


def test_flexible_workers_pay_alone_and_eight_points_go_to_their_account():
    pension = terms("wuhan", Capacity.FLEXIBLE, Insurance.PENSION)
    assert pension.employer_rate == 0
    assert pension.employer_rate_for() == 0
    assert (pension.personal_rate, pension.account_rate) == (Decimal("0.20"), Decimal("0.08"))
    assert (pension.path, pension.since) == ("wuhan/flexible_pension", dt.date(2013, 1, 1))
    assert pension.reference is pension.leaf.reference


@pytest.mark.parametrize("city", [city.slug for city in book().cities])
def test_employed_pension_and_unemployment(city):
    pension = terms(city, Capacity.EMPLOYEE, Insurance.PENSION)
    assert (pension.employer_rate, pension.personal_rate) == (Decimal("0.16"), Decimal("0.08"))
    unemployment = terms(city, Capacity.EMPLOYEE, Insurance.UNEMPLOYMENT)
    assert (unemployment.employer_rate, unemployment.personal_rate) == (Decimal("0.005"), Decimal("0.005"))
    assert pension.tiers == ()


@pytest.mark.parametrize(
    ("grade", "rate"),
    list(enumerate(["0.002", "0.004", "0.007", "0.009", "0.011", "0.013", "0.016", "0.019"], 1)),
)
def test_work_injury_goes_by_industry_grade_and_the_employer_pays(grade, rate):
    injury = terms("ningbo", Capacity.EMPLOYEE, Insurance.WORK_INJURY)
    assert injury.employer_rate is None
    assert injury.personal_rate == 0
    assert injury.employer_rate_for(grade) == Decimal(rate)
    assert injury.grade_leaf is not None
    assert injury.grade_leaf.path == "national/work_injury_grades"


@pytest.mark.parametrize("grade", [None, 0, 9])
def test_work_injury_is_not_priced_without_a_grade(grade):
    with pytest.raises(PolicyMissing):
        terms("ningbo", Capacity.EMPLOYEE, Insurance.WORK_INJURY).employer_rate_for(grade)


def test_a_wage_is_brought_between_floor_and_ceiling():
    pension = terms("wuxi", Capacity.FLEXIBLE, Insurance.PENSION)
    assert pension.clamp(Decimal("1000")) == Decimal("4494")
    assert pension.clamp(Decimal("4494")) == Decimal("4494")
    assert pension.clamp(Decimal("9999.99")) == Decimal("9999.99")
    assert pension.clamp(Decimal("99999")) == Decimal("22470")


def test_bounds_that_are_shares_are_not_rounded():
    pension = terms("wuhan", Capacity.FLEXIBLE, Insurance.PENSION)
    assert pension.floor == Decimal("3275.30") * Decimal("0.60")
    assert pension.ceiling == Decimal("3275.30") * 3


def test_a_tier_has_the_rates_of_its_insurance_unless_it_names_its_own():
    pension = terms("wuhan", Capacity.FLEXIBLE, Insurance.PENSION)
    assert {(tier.rate, tier.account_rate) for tier in pension.tiers} == {(Decimal("0.20"), Decimal("0.08"))}
    medical = terms("shenzhen", Capacity.FLEXIBLE, Insurance.MEDICAL)
    one, two = medical.tier("one"), medical.tier("two")
    assert one.rate == medical.personal_rate
    assert two.rate < one.rate
    assert two.account_rate == 0
    assert medical.tier_base("two") == medical.average_wage


def test_an_unknown_tier_is_missing():
    pension = terms("wuhan", Capacity.FLEXIBLE, Insurance.PENSION)
    for ask in (pension.tier, pension.tier_base):
        with pytest.raises(PolicyMissing):
            ask("61")
    with pytest.raises(PolicyMissing):
        terms("wuhan", Capacity.EMPLOYEE, Insurance.PENSION).tier_base("60")


def test_a_month_is_priced_by_what_held_on_its_first_day():
    before = terms("ningbo", Capacity.FLEXIBLE, Insurance.PENSION, Month(2024, 12))
    after = terms("ningbo", Capacity.FLEXIBLE, Insurance.PENSION, Month(2025, 1))
    assert (before.since, after.since) == (dt.date(2024, 1, 1), dt.date(2025, 1, 1))
    assert before.floor < after.floor


def test_what_a_city_does_not_have_is_missing():
    with pytest.raises(PolicyMissing):
        terms("ningbo", Capacity.FLEXIBLE, Insurance.MEDICAL)
    with pytest.raises(PolicyMissing):
        terms("wuxi", Capacity.FLEXIBLE, Insurance.PENSION, Month(2022, 12))


def test_insurances_of_a_month():
    def those(city: str, capacity: Capacity, month: Month = MARCH) -> list[str]:
        return [str(insurance) for insurance in insurances(book(), city=city, capacity=capacity, month=month)]

    assert those("ningbo", Capacity.EMPLOYEE) == ["pension", "unemployment", "work_injury"]
    assert those("wuhan", Capacity.EMPLOYEE) == [
        "pension",
        "medical",
        "unemployment",
        "work_injury",
        "maternity",
    ]
    assert those("wuxi", Capacity.FLEXIBLE) == ["pension", "medical"]
    assert those("wuxi", Capacity.FLEXIBLE, Month(2022, 12)) == []
    assert those("wuxi", Capacity.STUDENT) == []


def test_wuhan_deposits_by_the_20th_and_is_debited_on_the_last_day():
    debit = debit_terms(book(), city="wuhan", on=TODAY)
    assert debit.capacities == (Capacity.FLEXIBLE,)
    assert (debit.bank, debit.bank_title) == ("psbc", "中国邮政储蓄银行")
    assert debit.deposit_by(Month(2024, 2)) == dt.date(2024, 2, 20)
    assert debit.debit_on(Month(2024, 2)) == dt.date(2024, 2, 29)
    assert debit.debit_on(Month(2025, 2)) == dt.date(2025, 2, 28)


def test_the_other_cities_do_not_debit():
    for city in ("ningbo", "wuxi"):
        with pytest.raises(PolicyMissing):
            debit_terms(book(), city=city, on=TODAY)


@pytest.mark.parametrize("city", [city.slug for city in book().cities])
def test_every_city_charges_employees_and_flexible_workers(city):
    charging = charging_terms(book(), city=city, on=TODAY)
    others = set(Capacity) if city == "shenzhen" else {Capacity.EMPLOYEE, Capacity.FLEXIBLE}
    assert set(charging.days) == others
    first = max(charging.days.values())
    assert set(charging.due(dt.date(2026, 3, first))) == set(charging.days)
    assert set(charging.due(dt.date(2026, 3, 31))) == set(charging.days)


def test_charging_waits_for_its_day():
    charging = charging_terms(book(), city="wuhan", on=TODAY)
    late = type(charging)(leaf=charging.leaf, days={Capacity.EMPLOYEE: 5, Capacity.FLEXIBLE: 10})
    assert late.due(dt.date(2026, 3, 4)) == ()
    assert late.due(dt.date(2026, 3, 5)) == (Capacity.EMPLOYEE,)
    assert late.due(dt.date(2026, 3, 10)) == (Capacity.EMPLOYEE, Capacity.FLEXIBLE)


def test_late_fee_is_five_in_ten_thousand_a_day_up_to_the_principal():
    fee = late_fee_terms(book(), on=TODAY)
    assert (fee.daily_rate, fee.capped) == (Decimal("0.0005"), True)


def test_account_interest_is_the_years_own_or_the_latest_published():
    rates = {year: account_interest_rate(book(), year=year).values for year in (2023, 2024, 2025, 2026)}
    assert [rates[year]["rate"] for year in (2023, 2024, 2025)] == [
        Decimal("0.0397"),
        Decimal("0.0262"),
        Decimal("0.0150"),
    ]
    assert rates[2026]["year"] == 2025
    with pytest.raises(PolicyMissing):
        account_interest_rate(book(), year=2022)


def test_what_an_account_is_credited_with_bears_interest_for_the_months_left():
    terms = account_interest_terms(book(), year=2025)
    assert terms.insurances == (Insurance.PENSION,)
    assert [int(terms.weights[place]) for place in (0, 6, 11)] == [12, 6, 1]
    assert terms.published
    assert not account_interest_terms(book(), year=2026).published
    assert account_interest_years(book()) == [2023, 2024, 2025]


def test_pension_transfer():
    transfer = pension_transfer_terms(book(), on=TODAY)
    assert transfer.pooled_rate == Decimal("0.12")
    assert transfer.pooled_from == Month(1998, 1)
    assert transfer.agency_working_days == 15


def test_working_age_and_registration():
    assert working_age(book(), on=TODAY) == 16
    assert register_within_days(book(), on=TODAY) == 30


def test_only_proofs_have_proof_terms():
    with pytest.raises(PolicyMissing):
        proof_terms(book().city("wuhan").offers["flexible-pause"])


def test_payment_channels_and_bank_hours():
    wuxi = payment_terms(book(), city="wuxi", on=TODAY)
    assert (wuxi.channels, wuxi.order_minutes, wuxi.bank_hours) == (("card", "alipay", "wechat"), 30, None)
    shenzhen = payment_terms(book(), city="shenzhen", on=TODAY)
    assert shenzhen.channels == ("card",)
    assert shenzhen.bank_hours == BankHours(dt.time(9), dt.time(17))
    assert shenzhen.leaf.reference.standing == "seed"
    for city in ("ningbo", "wuhan"):
        assert payment_terms(book(), city=city, on=TODAY).leaf.reference.mark == "示例值"
    with pytest.raises(PolicyMissing):
        payment_terms(book(), city="wuxi", on=dt.date(2022, 12, 31))


@pytest.mark.parametrize(
    ("filed_in", "year"),
    [
        (Month(2026, 10), None),
        (Month(2026, 11), Month(2027, 1)),
        (Month(2026, 12), Month(2027, 1)),
        (Month(2027, 1), Month(2027, 1)),
        (Month(2027, 3), Month(2027, 1)),
        (Month(2027, 4), None),
    ],
)
def test_wages_are_declared_around_the_first_month_of_the_contribution_year(filed_in, year):
    terms = contribution_year_terms(book(), city="wuhan", on=filed_in.first_day)
    assert terms.open_year(filed_in) == year
    assert terms.open_year(terms.next_open(filed_in)) == Month(2027 + (filed_in > Month(2027, 3)), 1)
