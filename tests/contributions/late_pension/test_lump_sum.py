"""个人趸缴登记: who may, on which ground, and the sums of the published examples."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from contributions.models import BillStatus, LumpSum
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.policy.terms.late_pension import price_terms
from portal.shared import money
from portal.shared.months import Month, month_span
from tests.cast import Cast, moment
from tests.contributions.late_pension.late_cast import (
    CHANGSHA,
    GUANGZHOU,
    SHENZHEN,
    confirmed,
    deferred,
    draws,
    old_man,
    old_woman,
    recorded,
)
from tests.filing import ask, file, reasons, ways

pytestmark = pytest.mark.django_db
CODE = "lump-sum"


def asked(**other: Any) -> dict[str, Any]:
    return {"household": "city", "settled_on": "1990-05-01", "ground": "aged", **other}


def sum_of(user: User, at: str, **other: Any) -> str:
    asked_for = ask(user, SHENZHEN, CODE, asked(**other), moment(at))
    seen = desk.look(asked_for)
    assert not seen.stopping, seen.findings
    wanted = seen.service.sum_of(asked_for, seen.facts, on=moment(at).date())  # type: ignore[attr-defined]
    return money.format_yuan(wanted.amount_fen)


@pytest.fixture
def man(db: None) -> User:
    """65 in June 2018, 60 months short of 180."""
    user = old_man()
    recorded(user, "1996-01", "2006-01")
    return user


@pytest.mark.parametrize(
    ("at", "yuan"), [("2018-07-02 10:00", "121,777.84"), ("2018-10-08 10:00", "123,300.06")]
)
def test_the_missing_months_in_one_sum(man: User, at: str, yuan: str) -> None:
    assert sum_of(man, at) == yuan


@pytest.mark.parametrize(("months", "yuan"), [(60, "52976.44"), (120, "120589.29")])
def test_the_published_sums_of_2011(months: int, yuan: str) -> None:
    terms = price_terms(book(), city=SHENZHEN, on=dt.date(2011, 7, 1))
    counts = terms.by_year(month_span(Month(2011, 7), Month(2011, 7) + months))
    wage, rate = terms.wage_and_rate("city", 0)
    assert money.yuan(money.round_fen(wage * rate * terms.factor(counts))) == Decimal(yuan)


def test_fourteen_months_of_todays_example() -> None:
    user = old_man("1961-06-10")
    recorded(user, "1990-01", "2003-11")
    assert sum_of(user, "2026-11-17 10:00") == "26,217.62"


def test_a_household_of_the_province_pays_by_the_citys_wage_from_ten_years_here_on() -> None:
    user = old_man(place=GUANGZHOU)
    recorded(user, "1996-01", "2006-01")
    assert sum_of(user, "2018-07-02 10:00", household="province") == money.format_yuan(
        money.round_fen(Decimal("8348") * Decimal("0.21") * Decimal("66.307575"))
    )
    other = old_woman("1955-01-01", place=GUANGZHOU)
    recorded(other, "1996-01", "2005-12")
    answers = {"household": "province", "category": "woman_50"}
    assert sum_of(other, "2018-07-02 10:00", **answers) == money.format_yuan(
        money.round_fen(Decimal("3030") * Decimal("0.20") * (Decimal("66.307575") + Decimal("1.05") ** 5))
    )


def offer_of(user: User) -> dict[str, Any]:
    return {"offer": book().city(SHENZHEN).offers[CODE], "applicant": Applicant.of(user)}


def why_not(user: User, now: dt.datetime, **other: Any) -> dict[str, str]:
    return reasons(user, SHENZHEN, CODE, asked(**other), now)


def test_whoever_was_insured_later_has_no_such_ground(now: dt.datetime) -> None:
    user = old_man("1955-06-10")
    recorded(user, "2012-01", "2015-01")
    deferred(user, "2018-01", "2023-01")
    assert "2011年7月以前没有参保缴费" in why_not(user, now, ground="deferred")["ground"]
    assert ways(user, SHENZHEN, CODE, asked(ground="deferred"), now) == {
        "/shenzhen/services/deferred-contribution/"
    }


def test_sixty_deferred_months_are_a_ground_for_everybody(now: dt.datetime) -> None:
    user = old_man("1955-06-10")
    recorded(user, "2011-01", "2014-01")
    deferred(user, "2018-01", "2022-12")
    assert "延缴 59 个月，未满 60 个月" in why_not(user, now, ground="deferred")["ground"]
    deferred(user, "2023-01", "2023-02")
    assert why_not(user, now, ground="deferred") == {}


def test_the_age_is_a_ground_for_households_of_the_province_alone(now: dt.datetime) -> None:
    user = old_woman("1960-01-01", place=CHANGSHA)
    recorded(user, "2000-01", "2011-01")
    answers = {"household": "elsewhere", "category": "woman_50"}
    assert "户籍不在本省" in why_not(user, now, **answers)["ground"]


@pytest.mark.parametrize(
    ("months", "field", "why"),
    [(("2000-01", "2015-01"), "", "缴费年限已满"), (None, "", "没有查到您的养老保险缴费记录")],
)
def test_whoever_has_enough_or_nothing(
    now: dt.datetime, months: tuple[str, str] | None, field: str, why: str
) -> None:
    user = old_man("1955-06-10")
    if months:
        recorded(user, *months)
    assert why in why_not(user, now)[field]


def test_whoever_draws_a_pension_pays_no_more(now: dt.datetime) -> None:
    user = old_man("1955-06-10")
    recorded(user, "2000-01", "2010-01")
    draws(user, GUANGZHOU)
    assert why_not(user, now) == {"": "您已按月领取养老待遇，不能再缴纳养老保险费。"}
    assert [one.why for one in desk.beforehand(**offer_of(user), now=now)] == list(
        why_not(user, now).values()
    )


def test_before_the_age_nobody_pays_late(now: dt.datetime) -> None:
    assert "未到法定退休年龄" in why_not(old_man("1970-06-10"), now)[""]


def test_two_confirm_and_a_bill_is_drawn(cast: Cast, man: User) -> None:
    now = moment("2018-07-02 10:00")
    case = file(man, SHENZHEN, CODE, asked(), now)
    assert (case.status, case.facts["papers"]) == (Status.PRE_APPLIED, ["identity-card", "household-book"])
    with pytest.raises(desk.NotAccepted, match="另一名"):
        desk.decide(case, approve=True, by=cast.shenzhen_reviewer, now=now)
    # The price is that of the day of filing.
    later = moment("2018-07-20 10:00")
    confirmed(case, cast, later)
    bill = LumpSum.objects.get()
    assert (case.status, bill.status) == (Status.TO_PAY, BillStatus.OPEN)
    assert (bill.amount_fen, bill.pay_by, bill.months) == (12177784, dt.date(2018, 9, 18), 60)
    assert dict(case.outcome["lines"])["缴费内容"] == "2018年7月至2023年6月，共 60 个月"


def test_a_household_that_differs_is_for_the_window_to_settle(man: User) -> None:
    case = file(man, SHENZHEN, CODE, asked(settled_on="1991-05-01"), moment("2018-07-02 10:00"))
    assert [one["field"] for one in case.mismatches] == ["settled_on"]
