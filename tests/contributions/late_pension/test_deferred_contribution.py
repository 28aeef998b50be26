"""个人延缴登记: who may pay on past the retirement age, for how many months, and at what price."""

import datetime as dt
from typing import Any

import pytest

from contributions.late_pension import finished
from contributions.models import Charge
from enrollment.models import Coverage
from portal.accounts.models import Notice, User
from portal.hall import desk
from portal.hall.routing import Status
from portal.shared.insurance import Capacity
from portal.shared.months import Month
from tests.cast import Cast, cover, moment
from tests.contributions.late_pension.late_cast import (
    CHANGSHA,
    GUANGZHOU,
    PENSION,
    SHENZHEN,
    draws,
    of,
    old_man,
    old_woman,
    recorded,
)
from tests.filing import ask, file, reasons

pytestmark = pytest.mark.django_db
CODE = "deferred-contribution"


def asked(**other: Any) -> dict[str, Any]:
    answers = {"household": "city", "settled_on": "2005-05-01", "tier_pension": "60", **other}
    return {**answers, "account_number": "6222020200000000006"}


@pytest.fixture
def worker(db: None) -> User:
    """A woman worker of March 1966 with 130 months, whose age was reached in March 2016."""
    user = old_woman()
    recorded(user, "2005-06", "2016-04")
    return user


@pytest.mark.parametrize(
    ("at", "first", "last"),
    [("2018-09-12 10:00", "2018-09", "2022-10"), ("2018-09-21 10:00", "2018-10", "2022-11")],
)
def test_the_missing_months_are_begun_and_end_by_themselves(
    cast: Cast, worker: User, at: str, first: str, last: str
) -> None:
    now = moment(at)
    case = file(worker, SHENZHEN, CODE, asked(category="woman_50"), now)
    assert case.status == Status.PRE_APPLIED
    assert not Coverage.objects.exists()
    desk.decide(case, approve=True, by=cast.shenzhen_reviewer, now=now)
    coverage = Coverage.objects.get()
    assert (coverage.capacity, coverage.start, coverage.until) == (
        Capacity.DEFERRED,
        Month.parse(first),
        Month.parse(last) + 1,
    )
    case.refresh_from_db()
    assert "共 50 个月" in dict(case.outcome["lines"])["缴到什么时候"]


def test_todays_example_costs(cast: Cast, now: dt.datetime) -> None:
    user = old_woman("1970-03-10")
    recorded(user, "2005-06", "2016-04")
    case = file(user, SHENZHEN, CODE, asked(category="woman_50"), now)
    desk.decide(case, approve=True, by=cast.shenzhen_reviewer, now=now)
    charge = Charge.objects.get()
    assert (charge.month, charge.capacity, charge.amount_fen) == (Month(2026, 11), Capacity.DEFERRED, 110004)


def why_not(user: User, at: str, **other: Any) -> dict[str, str]:
    return reasons(user, SHENZHEN, CODE, asked(**other), moment(at))


@pytest.mark.parametrize(("months", "taken"), [("2010-12", False), ("2011-01", True)])
def test_a_household_of_the_province_needs_sixty_months_in_a_row(months: str, taken: bool) -> None:
    user = old_woman(place=GUANGZHOU)
    recorded(user, "2006-01", months)
    bars = why_not(user, "2018-09-12 10:00", household="province", category="woman_50")
    assert ("household" not in bars) == taken
    assert taken or "未满足在本市延缴的条件" in bars["household"]


@pytest.mark.parametrize(("until", "taken"), [("2015-12", False), ("2016-01", True)])
def test_a_household_of_another_province_needs_ten_years(until: str, taken: bool) -> None:
    user = old_woman(place=CHANGSHA)
    recorded(user, "2006-01", until)
    bars = why_not(user, "2018-09-12 10:00", household="elsewhere", category="woman_50")
    assert ("household" not in bars) == taken


def test_the_household_was_settled_before_the_age(worker: User) -> None:
    bars = why_not(worker, "2018-09-12 10:00", category="woman_50", settled_on="2016-03-01")
    assert "未满足在本市延缴的条件" in bars["household"]


def test_whoever_reaches_the_age_later_needs_more(now: dt.datetime) -> None:
    user = old_man("1970-06-10")
    recorded(user, "2000-01", "2015-07")
    seen = desk.look(_ask(user, "2031-12-10 10:00", settled_on="1990-05-01"))
    record = seen.facts.record
    assert (record.retires.month, record.needed, record.counted, record.missing) == (
        Month(2031, 11),
        192,
        186,
        6,
    )
    assert "未到法定退休年龄（2031年11月）" in reasons(user, SHENZHEN, CODE, asked(), now)[""]


def _ask(user: User, at: str, **other: Any) -> Any:

    return ask(user, SHENZHEN, CODE, asked(**other), moment(at))


def test_enough_is_enough_and_a_drawn_pension_too(worker: User) -> None:
    recorded(worker, "2000-01", "2004-03")
    assert why_not(worker, "2018-09-12 10:00", category="woman_50")[""].startswith("缴费年限已满")
    draws(worker)
    assert "已按月领取养老待遇" in why_not(worker, "2018-09-12 10:00", category="woman_50")[""]


def test_whoever_is_insured_otherwise_stops_first(worker: User) -> None:
    cover(of(worker), PENSION, SHENZHEN, "2018-01", tier="60")
    assert "请先" in why_not(worker, "2018-09-12 10:00", category="woman_50")["tier_pension"]


def test_deemed_years_count_and_want_the_archive(worker: User) -> None:
    case = file(
        worker,
        SHENZHEN,
        CODE,
        asked(category="woman_50", deemed_months=20),
        moment("2018-09-12 10:00"),
    )
    assert (case.facts["missing"], case.facts["papers"][-1]) == (30, "archive")


def test_at_the_end_they_are_told_to_apply_for_the_pension(worker: User) -> None:
    cover(of(worker), PENSION, SHENZHEN, "2018-09", "2022-11", capacity=Capacity.DEFERRED, tier="60")
    assert finished.tell(now=moment("2022-10-31 09:50")) == 0
    assert finished.tell(now=moment("2022-11-01 09:50")) == 1
    finished.tell(now=moment("2022-11-02 09:50"))
    assert "2022年10月" in Notice.objects.get(kind=finished.ENDED).text
