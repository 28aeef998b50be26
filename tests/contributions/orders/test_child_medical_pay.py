"""少儿医保缴费: the rest of the insurance year at once, by either guardian; what was not paid in
time has lapsed."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from contributions.audit.looking import audit
from contributions.charges import charging, lapsing
from contributions.debit import opening
from contributions.models import Charge, ChargeStatus, Order, PublicShare
from contributions.orders import ending
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.people.models import BankAccount, Person
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import NANSHAN, Cast, cover, person
from tests.conftest import Clock
from tests.family import guarded
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

CODE, CITY = "child-medical-pay", "shenzhen"


@pytest.fixture
def child(cast: Cast, clock: Clock) -> Person:
    """A boy born in 2012, whose guardians are 陈静 and 刘洋."""
    return guarded(person("陈小宇", NANSHAN, "2012-05-06", 21), cast.chen_jing, cast.liu_yang)


def insured(who: Person, start: str, capacity: Capacity = Capacity.CHILD) -> Coverage:
    return cover(who, Insurance.MEDICAL, CITY, start, capacity=capacity, tier="standard")


def bell(clock: Clock) -> None:
    """What the clock does in a month: what lapsed, then what is charged."""
    month = Month.of(clock.now.date())
    lapsing.lapse(city=CITY, month=month, by=User.objects.system(), now=clock.now)
    charging.charge(city=CITY, month=month, by=User.objects.system(), now=clock.now)


def filed(cast: Cast, ward: Person, clock: Clock, start: str, **more: Any) -> Case:
    return file(cast.chen_jing_login, CITY, CODE, {"start": start}, clock.now, ward=ward, **more)


def why(login: User, ward: Person | None, clock: Clock, start: str = "") -> dict[str, str]:
    return reasons(login, CITY, CODE, {"start": start} if start else {}, clock.now, ward)


def paid(order: Order, clock: Clock) -> None:
    Charge.objects.filter(order_lines__order=order).update(status=ChargeStatus.PAID)


@pytest.mark.parametrize("charged", [True, False])
@pytest.mark.parametrize(
    ("start", "filed_on", "first", "months", "sum_fen", "public_fen"),
    [
        ("2017-09", "2018-09-05", "2018-09", 12, 30936, 49200),
        ("2018-12", "2018-12-06", "2018-12", 9, 23202, 36900),
        ("2018-09", "2019-09-02", "2019-09", 12, 37164, 52200),
        ("2025-09", "2026-09-03", "2026-09", 12, 48672, 97344),
        ("2026-11", "2026-11-21", "2026-11", 10, 40560, 81120),
        ("2026-11", "2026-11-21", "2026-12", 9, 36504, 73008),
    ],
)
def test_the_rest_of_the_year_is_one_order(
    cast: Cast, child: Person, clock: Clock, charged: bool, start: str, filed_on: str, first: str, months: int,
    sum_fen: int, public_fen: int,
) -> None:  # fmt: skip
    clock.set(f"{filed_on} 10:00")
    insured(child, start)
    if charged:
        bell(clock)
    case = filed(cast, child, clock, first)
    order = Order.objects.get()
    assert (case.status, case.applicant_person, order.person) == (Status.TO_PAY, child, child)
    assert (order.line_count, order.sum_fen) == (months, sum_fen)
    taken = Charge.objects.filter(order_lines__order=order).order_by("month")
    assert (str(taken[0].month), taken[months - 1].month.month) == (first, 8)
    shares = PublicShare.objects.filter(charge__in=taken)
    assert sum(one.amount_fen for one in shares) == public_fen
    assert Charge.objects.filter(live=True).count() == months
    assert not [example for one in audit() for example in one.examples]


def test_the_last_look_says_the_sum_and_public_money_apart(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2018-09-05 10:00")
    insured(child, "2018-09")
    facts = dict(filed(cast, child, clock, "2018-09").facts["summary"])
    assert facts["应付金额"] == "309.36 元"
    assert facts["财政补助"] == "492.00 元，由财政承担，不向个人收取"
    assert facts["医疗保险"] == "2018年9月至2019年8月，共 12 个月，每月 25.78 元"


@pytest.mark.parametrize("rung", [True, False])
def test_september_lapses_where_the_money_comes_in_october(
    cast: Cast, child: Person, clock: Clock, rung: bool
) -> None:
    """Whether or not the clock has rung in October already."""
    clock.set("2018-09-01 10:00")
    insured(child, "2018-09")
    bell(clock)
    clock.set("2018-10-15 10:00")
    if rung:
        bell(clock)
    filed(cast, child, clock, "2018-10")
    assert Order.objects.get().sum_fen == 28358
    assert [str(one.start) for one in Coverage.objects.filter(live=True)] == ["2018-10"]
    assert not Charge.objects.filter(live=True, month__lt=Month(2018, 10)).exists()


def test_the_other_guardian_cannot_pay_twice(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2018-09-05 10:00")
    insured(child, "2018-09")
    key = uuid4()
    case = filed(cast, child, clock, "2018-09", key=key)
    assert filed(cast, child, clock, "2018-09", key=key) == case
    assert "已下单或正在扣款" in why(cast.liu_yang_login, child, clock, "2018-09")[""]
    paid(Order.objects.get(), clock)
    Order.objects.update(status="paid", ended_at=clock.now)
    assert "本学年已缴费（缴到2019年8月）" in why(cast.liu_yang_login, child, clock)[""]


def test_what_is_at_the_bank_is_not_ordered(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2018-09-30 10:00")
    insured(child, "2018-09")
    BankAccount.objects.create(
        person=child, city=CITY, bank="psbc", number="6217995840000101", holder="陈静", start=Month(2018, 9)
    )
    bell(clock)
    batch = opening.open_batch(city=CITY, month=Month(2018, 9), by=User.objects.system(), now=clock.now)
    assert batch is not None
    assert (batch.line_count, batch.total_fen) == (12, 30936)
    assert "已下单或正在扣款" in why(cast.chen_jing_login, child, clock, "2018-09")[""]


def test_an_order_that_is_let_go_can_be_placed_again(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2026-11-23 10:00")
    insured(child, "2026-11")
    filed(cast, child, clock, "2026-12")
    ending.cancel_unpaid(Order.objects.get(), by=cast.chen_jing_login, now=clock.now)
    filed(cast, child, clock, "2026-12")
    assert [one.sum_fen for one in Order.objects.order_by("pk")] == [36504, 36504]
    assert [str(one.start) for one in Coverage.objects.filter(live=True)] == ["2026-12"]


def test_until_the_20th_there_is_no_choice(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2026-11-20 10:00")
    insured(child, "2026-11")
    assert "start" in why(cast.chen_jing_login, child, clock, "2026-12")


def test_in_a_year_that_goes_on_there_is_no_choice(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2026-09-25 10:00")
    insured(child, "2025-09")
    assert "start" in why(cast.chen_jing_login, child, clock, "2026-10")


def test_the_school_collects_from_pupils(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2018-09-05 10:00")
    insured(child, "2018-09", Capacity.STUDENT)
    assert "请向学校缴费" in why(cast.chen_jing_login, child, clock)[""]


def test_who_is_not_insured_is_shown_the_way(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2018-09-05 10:00")
    assert "深户非在园在校少儿首次参保" in why(cast.chen_jing_login, child, clock)[""]


def test_next_year_is_not_paid_before_september(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2018-08-31 10:00")
    insured(child, "2018-09")
    assert "从2018年9月1日起缴纳" in why(cast.chen_jing_login, child, clock)[""]


def test_nobody_else_pays_for_the_child(cast: Cast, child: Person, clock: Clock) -> None:
    clock.set("2018-09-05 10:00")
    insured(child, "2018-09")
    stranger = cast.li_qiang_login
    with pytest.raises(desk.NotAllowed, match="您不是陈小宇的登记监护人"):
        file(stranger, CITY, CODE, {"start": "2018-09"}, clock.now, ward=child)
    own = User.objects.create_person(child, password=None)
    assert "由登记的监护人登录办理" in why(own, None, clock, "2018-09")[""]


def test_months_before_the_first_are_drawn_with_it(cast: Cast, child: Person, clock: Clock) -> None:
    """Of a newborn, who is insured from the month of birth."""
    clock.set("2018-09-10 10:00")
    coverage = insured(child, "2018-07")
    Coverage.objects.filter(pk=coverage.pk).update(created_at=clock.now)
    months = [Month(2018, 7), Month(2018, 8), Month(2018, 9)]
    made = charging.charge_months(coverage, months, now=clock.now)
    assert {one.due_on for one in made} == {dt.date(2018, 9, 30)}
    assert lapsing.lapse(city=CITY, month=Month(2018, 9), by=User.objects.system(), now=clock.now) == 0
    BankAccount.objects.create(
        person=child, city=CITY, bank="psbc", number="6217995840000101", holder="陈静", start=Month(2018, 9)
    )
    batch = opening.open_batch(city=CITY, month=Month(2018, 9), by=User.objects.system(), now=clock.now)
    assert batch is not None
    assert (batch.line_count, batch.total_fen) == (3, 2 * 2234 + 2578)
