"""工龄一次性补缴, 居民一次性补缴, 四类人员一次性补缴: who may buy years, and the sums."""

import datetime as dt
from typing import Any

import pytest

from contributions.late_pension import residents
from contributions.models import BillStatus, BroughtIn, Charge, ChargeStatus, LumpSum
from contributions.orders import lump_sums
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.routing import Status
from portal.shared import money
from portal.shared.insurance import Capacity
from portal.shared.months import Month
from tests.cast import Cast, cover, moment
from tests.contributions.late_pension.late_cast import (
    GUANGZHOU,
    PENSION,
    SHENZHEN,
    confirmed,
    draws,
    of,
    old_man,
    old_woman,
    recorded,
)
from tests.contributions.orders.conftest import Provider, Till, providers
from tests.filing import ask, file, reasons

__all__ = ["providers"]

pytestmark = pytest.mark.django_db
SENIORITY, RESIDENT, GROUPS = "seniority-lump-sum", "resident-lump-sum", "four-groups-lump-sum"
IN_2018 = "2018-09-10 10:00"


def sum_of(user: User, code: str, answers: dict[str, Any], at: str) -> tuple[str, str]:
    """The amount and its part of the account, in yuan."""
    asked_for = ask(user, SHENZHEN, code, answers, moment(at))
    seen = desk.look(asked_for)
    assert not seen.stopping, seen.findings
    wanted = seen.service.sum_of(asked_for, seen.facts, on=moment(at).date())  # type: ignore[attr-defined]
    return money.format_yuan(wanted.amount_fen), money.format_yuan(wanted.account_fen)


def why_not(user: User, code: str, answers: dict[str, Any], at: str = IN_2018) -> dict[str, str]:
    return reasons(user, SHENZHEN, code, answers, moment(at))


# 工龄


def seniority(**other: Any) -> dict[str, Any]:
    return {
        "settled_on": "1990-05-01",
        "workplace": "深圳市机械厂",
        "start": "1986-01",
        "last": "1991-12",
        "months": 60,
        "deemed": "no",
        "base": "4000",
        **other,
    }


@pytest.fixture
def permanent(db: None) -> User:
    """Insured in Shenzhen since 1992."""
    user = old_man("1962-06-10")
    recorded(user, "1992-08", "2010-01")
    return user


def test_years_as_a_permanent_worker(permanent: User) -> None:
    assert sum_of(permanent, SENIORITY, seniority(), IN_2018) == ("50,400.00", "19,200.00")
    # What the window finds fewer of is filed anew.
    assert sum_of(permanent, SENIORITY, seniority(months=48), IN_2018)[0] == "40,320.00"


@pytest.mark.parametrize(
    ("answers", "field", "why"),
    [
        ({"settled_on": "1998-03-01"}, "settled_on", "1998年1月1日以前不是本市户籍"),
        ({"base": "2000"}, "base", "2200.00 元至"),
        ({"deemed": "yes"}, "deemed", "已视同缴费"),
        ({"months": 73}, "months", "不能多于"),
        ({"last": "1998-02"}, "last", "只能补缴"),
        ({"start": "1992-01", "last": "1993-01", "months": 12}, "start", "不能重复补缴"),
        ({"start": "1986-13"}, "start", "请填写年份和月份"),
    ],
)
def test_what_is_not_sold(permanent: User, answers: dict[str, Any], field: str, why: str) -> None:
    assert why in why_not(permanent, SENIORITY, seniority(**answers))[field]


def test_whoever_draws_or_came_later_buys_none(permanent: User) -> None:
    later = old_woman("1966-03-10")
    recorded(later, "1998-02", "2010-01")
    assert "没有参加本市职工养老保险" in why_not(later, SENIORITY, seniority())[""]
    draws(permanent)
    assert why_not(permanent, SENIORITY, seniority())[""] == "已办理领取手续的不能再补缴。"


# 居民


@pytest.fixture
def resident(db: None) -> User:
    """A man of sixty-five with nine paid years."""
    user = old_man("1961-06-10")
    coverage = cover(
        of(user), PENSION, SHENZHEN, "2017-01", "2026-01", capacity=Capacity.RESIDENT, tier="1200"
    )
    Charge.objects.bulk_create(
        Charge(
            city=SHENZHEN,
            person=of(user),
            coverage=coverage,
            insurance=PENSION,
            capacity=Capacity.RESIDENT,
            month=Month(year, 1),
            base="1200",
            basis="1200",
            amount_fen=120000,
            personal_fen=120000,
            employer_fen=0,
            account_fen=120000,
            policy="shenzhen/resident_pension",
            policy_since="2014-01-01",
            status=ChargeStatus.PAID,
            due_on=dt.date(year, 1, 31),
            created_at=moment("2017-01-01"),
        )
        for year in range(2017, 2026)
    )
    return user


@pytest.mark.parametrize(("tier", "yuan"), [("1200", "7,200.00"), ("180", "1,080.00")])
def test_six_years_of_a_resident(resident: User, tier: str, yuan: str) -> None:
    assert sum_of(resident, RESIDENT, {"tier": tier}, "2026-11-17 10:00") == (yuan, yuan)


def test_a_residents_bars(resident: User) -> None:
    now = "2026-11-17 10:00"
    assert "tier" in why_not(resident, RESIDENT, {"tier": "5000"}, now)
    assert "65周岁前" in why_not(resident, RESIDENT, {"tier": "1200"}, "2026-05-17 10:00")[""]
    nobody = old_woman("1955-01-01")
    assert "没有参加过居民养老保险" in why_not(nobody, RESIDENT, {"tier": "1200"}, now)[""]


def test_paid_years_make_fifteen_and_are_no_months_of_employees(
    cast: Cast, clock, providers: dict[str, Provider], resident: User
) -> None:
    till = Till(cast, clock, providers)
    case = confirmed(file(resident, SHENZHEN, RESIDENT, {"tier": "1200"}, till.now), cast, till.now)
    bill = LumpSum.objects.get()
    order = lump_sums.place(bill, key=case.key, by=resident, now=till.now)
    payment = till.start(order, "card")
    till.tell(providers["card"].pays(payment.number), "card")
    bill.refresh_from_db()
    case.refresh_from_db()
    assert (bill.status, case.status, residents.years(of(resident), SHENZHEN)) == (
        BillStatus.PAID,
        Status.DONE,
        15,
    )
    assert not BroughtIn.objects.exists()
    assert "年限已满" in why_not(resident, RESIDENT, {"tier": "1200"}, "2026-11-18 10:00")[""]


# 四类人员


def group(code: str, **other: Any) -> dict[str, Any]:
    return {
        "group": code,
        "workplace": "深圳市某单位",
        "start": "1970-01",
        "last": "1984-12",
        "months": 180,
        "status": "permanent",
        "household": "city",
        "settled_on": "1990-05-01",
        **other,
    }


def test_a_retired_worker_of_a_collective_chooses_fifteen_years() -> None:
    user = old_man("1945-06-10")
    answers = group("collective", base="3100", last="1979-12")
    assert sum_of(user, GROUPS, answers, IN_2018) == ("111,600.00", "44,640.00")
    late = old_woman("1961-02-10")
    bars = why_not(late, GROUPS, {**answers, "category": "woman_50"})
    assert "2011年2月" in bars["group"]


def test_months_before_1994_and_after_bear_their_own_price_and_interest() -> None:
    user = old_man("1962-06-10")
    recorded(user, "2000-01", "2010-01")
    answers = group("left_office", start="1988-01", last="1996-12", months=108, status="cadre")
    assert sum_of(user, GROUPS, answers, "2018-07-01 10:00")[0] == "37,043.57"


def test_sent_down_youth() -> None:
    user = old_man("1950-06-10", place=GUANGZHOU)
    recorded(user, "1996-01", "2005-01")
    answers = group(
        "sent_down",
        start="1966-01",
        last="1973-12",
        months=96,
        status="youth",
        base="3100",
        household="province",
    )
    assert sum_of(user, GROUPS, answers, IN_2018)[0] == "59,520.00"


@pytest.mark.parametrize(
    ("code", "answers", "field", "why"),
    [
        ("left_enterprise", {"last": "1994-02", "start": "1985-01", "months": 12}, "last", "不在这一类"),
        ("left_enterprise", {"status": "other"}, "status", "合同工、临时工和单位自行聘用的干部不适用"),
        ("left_office", {}, "group", "从未参保"),
        ("collective", {}, "base", "请填写缴费基数"),
        ("left_enterprise", {"settled_on": "2013-09-01"}, "household", "退休年龄以前"),
        ("left_enterprise", {"months": 181}, "months", "不能多于"),
    ],
)
def test_who_belongs_to_no_group(code: str, answers: dict[str, Any], field: str, why: str) -> None:
    user = old_man("1945-06-10") if code == "collective" else old_man()
    assert why in why_not(user, GROUPS, group(code, **answers))[field]
