"""Placing an order: the price, the charges, what bars it, and what remains when it is let go."""

import datetime as dt
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contributions.books import receiving
from contributions.charges import charging
from contributions.debit import opening
from contributions.models import Charge, ChargeStatus, Order, OrderLine, OrderStatus
from contributions.orders import closing, payable, placing
from contributions.orders.placing import CannotOrder
from contributions.prices.formula import quote
from enrollment import consequences
from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import User
from portal.people.models import BankAccount
from portal.shared.insurance import Capacity, Insurance
from portal.shared.keys import KeyReused
from portal.shared.months import Month
from tests.cast import cover, employer
from tests.contributions.orders.conftest import (
    MEDICAL,
    PENSION,
    THIS,
    WUXI_MEDICAL_60,
    WUXI_PENSION_60,
    WUXI_PENSION_100,
    Till,
    audit,
    months,
)

pytestmark = pytest.mark.django_db


def charge_month(city: str, month: Month, now: dt.datetime) -> None:
    charging.charge(city=city, month=month, by=User.objects.system(), now=now)


def tier_of(insurance: Insurance, month: Month) -> str:
    [base] = [
        one
        for one in ContributionBase.objects.filter(coverage__insurance=insurance, coverage__city="wuxi")
        if one.start <= month and (one.until is None or month < one.until)
    ]
    return base.tier


def why(refused: pytest.ExceptionInfo[CannotOrder]) -> str:
    return str(refused.value)


def test_a_month_of_both_insurances_costs_what_the_seed_says(till: Till) -> None:
    order = till.place({PENSION: ("60", [THIS]), MEDICAL: ("60", [THIS])})
    assert order.sum_fen == WUXI_PENSION_60 + WUXI_MEDICAL_60 == 130326
    assert order.status == OrderStatus.OPEN
    assert order.expires_at == till.now + dt.timedelta(minutes=30)
    assert {line.charge.month for line in order.lines.all()} == {THIS}


def test_a_year_is_charged_for_exactly_its_months_at_the_chosen_tier(till: Till) -> None:
    order = till.place({PENSION: ("100", months("2026-11", "2027-10"))})
    assert order.sum_fen == 12 * WUXI_PENSION_100
    assert list(Charge.objects.order_by("month").values_list("month", flat=True)) == months(
        "2026-11", "2027-10"
    )
    assert tier_of(PENSION, Month(2026, 10)) == "60"
    assert tier_of(PENSION, Month(2027, 10)) == "100"
    assert tier_of(PENSION, Month(2027, 11)) == "60"


def test_single_months_leave_the_others_alone(till: Till) -> None:
    till.place({PENSION: ("100", [Month(2026, 12), Month(2027, 2)])})
    assert Charge.objects.count() == 2
    assert [tier_of(PENSION, Month(2026, 11) + n) for n in range(4)] == ["60", "100", "60", "100"]


def test_the_month_that_is_owed_is_taken_as_it_stands(till: Till) -> None:
    charge_month("wuxi", THIS, till.now)
    owed = Charge.objects.get(insurance=PENSION)
    order = till.place({PENSION: ("60", [THIS])})
    line = order.lines.get()
    assert (line.charge, line.made) == (owed, False)


def test_another_tier_replaces_what_this_month_owes(till: Till) -> None:
    charge_month("wuxi", THIS, till.now)
    before = Charge.objects.get(insurance=PENSION)
    order = till.place({PENSION: ("100", [THIS])})
    before.refresh_from_db()
    line = order.lines.get()
    assert (before.status, line.replaced, line.charge.amount_fen) == (
        ChargeStatus.VOID,
        before,
        WUXI_PENSION_100,
    )
    assert before.cancellation.why


def test_the_same_key_is_the_same_order(till: Till) -> None:
    key = uuid4()
    first = till.place(key=key)
    assert till.place(key=key) == first
    assert Order.objects.count() == 1


@pytest.mark.parametrize("other", ["months", "tier", "login"])
def test_the_same_key_with_other_content_is_refused(till: Till, other: str) -> None:
    key = uuid4()
    till.place(key=key)
    picks = {PENSION: ("100" if other == "tier" else "60", [THIS + 1 if other == "months" else THIS])}
    by = till.cast.li_qiang_login if other == "login" else None
    with pytest.raises(KeyReused):
        till.place(picks, key=key, by=by)
    assert Order.objects.count() == 1


def test_a_month_is_in_one_order_only(till: Till) -> None:
    first = till.place({PENSION: ("60", [THIS, THIS + 1])})
    with pytest.raises(CannotOrder) as refused:
        till.place({PENSION: ("60", [THIS + 1, THIS + 2])})
    assert first.number in why(refused)
    assert Charge.objects.filter(live=True).count() == 2


def test_the_database_keeps_a_charge_out_of_two_orders(till: Till) -> None:
    line = till.place().lines.get()
    other = till.place({MEDICAL: ("60", [THIS])})
    with pytest.raises(IntegrityError, match="a_charge_is_in_one_live_order"):
        OrderLine.objects.create(order=other, charge=line.charge, amount_fen=line.amount_fen)


def test_the_database_refuses_a_sum_that_is_not_its_lines(till: Till) -> None:
    order = till.place()
    Order.objects.create(
        number="X",
        city="wuxi",
        person=order.person,
        line_count=1,
        sum_fen=1,
        key=uuid4(),
        digest="0",
        placed_at=till.now,
        placed_by=order.placed_by,
        expires_at=till.now,
    )
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="not the sum of its lines"):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("picks", "words"),
    [
        ({}, "请至少选择"),
        ({PENSION: ("60", [])}, "请至少选择"),
        ({PENSION: ("61", [THIS])}, "没有这一缴费档次"),
        ({PENSION: ("60", [THIS - 1])}, "不在可缴费的月份之内"),
        ({PENSION: ("60", [THIS + 12])}, "不在可缴费的月份之内"),
        ({Insurance.UNEMPLOYMENT: ("60", [THIS])}, "窗口办理“灵活就业人员参保登记”"),
    ],
)
def test_what_cannot_be_ordered_is_said(
    till: Till, picks: dict[Insurance, tuple[str, list[Month]]], words: str
) -> None:
    with pytest.raises(CannotOrder) as refused:
        placing.place(
            person=till.cast.wang_fang,
            city="wuxi",
            picks=picks,
            key=uuid4(),
            by=till.cast.wang_fang_login,
            now=till.now,
        )
    assert words in why(refused)
    assert not Charge.objects.exists()
    assert not Order.objects.exists()


def test_a_paid_month_is_not_paid_again(till: Till) -> None:
    charge_month("wuxi", THIS, till.now)
    charge = Charge.objects.get(insurance=PENSION)
    receiving.receive([charge], channel="counter", provider_number="1", at=till.now, by=till.system)
    with pytest.raises(CannotOrder) as refused:
        till.place()
    assert "已缴费" in why(refused)


def test_whom_an_employer_insures_has_nothing_to_order(till: Till) -> None:
    cover(
        till.cast.li_qiang,
        PENSION,
        "wuxi",
        "2026-01",
        at=employer("无锡太湖电子有限公司", "wuxi", "320211", 301),
        wage_fen=500000,
    )
    with pytest.raises(CannotOrder):
        till.place(person=till.cast.li_qiang, by=till.cast.li_qiang_login)


def test_shenzhen_takes_a_month_that_was_missed_but_not_at_another_tier(till: Till) -> None:
    charge_month("shenzhen", THIS - 1, till.now)
    who = {"person": till.cast.chen_jing, "by": till.cast.chen_jing_login, "city": "shenzhen"}
    with pytest.raises(CannotOrder) as refused:
        till.place({PENSION: ("100", [THIS - 1])}, **who)  # type: ignore[arg-type]
    assert "不能改档" in why(refused)
    with pytest.raises(CannotOrder):
        till.place({PENSION: ("60", [THIS - 2])}, **who)  # type: ignore[arg-type]
    order = till.place({PENSION: ("60", [THIS - 1, THIS])}, **who)  # type: ignore[arg-type]
    assert [line.made for line in order.lines.order_by("charge__month")] == [False, True]


# Letting go


@pytest.mark.parametrize("how", ["cancelled", "expired"])
def test_what_only_the_order_had_made_falls_away_with_it(till: Till, how: str) -> None:
    charge_month("wuxi", THIS, till.now)
    order = till.place({PENSION: ("100", months("2026-11", "2027-02"))})
    if how == "cancelled":
        order = closing.cancel(order, by=till.cast.wang_fang_login, now=till.now)
    else:
        till.clock.step(minutes=30)
        till.rings()
        order.refresh_from_db()
    assert order.status == how
    live = Charge.objects.filter(insurance=PENSION, live=True)
    assert [(one.month, one.basis, one.status) for one in live] == [(THIS, "60", "owed")]
    assert ContributionBase.objects.filter(coverage__insurance=PENSION, coverage__city="wuxi").count() == 1
    assert tier_of(PENSION, Month(2027, 1)) == "60"
    assert till.place({PENSION: ("60", months("2026-11", "2027-02"))}).sum_fen == 4 * WUXI_PENSION_60
    audit()


def test_this_month_stays_owed_where_its_tier_did_not_change(till: Till) -> None:
    order = till.place({PENSION: ("60", [THIS, THIS + 1])})
    closing.cancel(order, by=till.cast.wang_fang_login, now=till.now)
    assert [one.month for one in Charge.objects.filter(live=True)] == [THIS]


def test_what_was_paid_meanwhile_stays_when_the_order_goes(till: Till) -> None:
    order = till.place({PENSION: ("60", [THIS, THIS + 1, THIS + 2])})
    paid = Charge.objects.get(month=THIS + 1)
    receiving.receive([paid], channel="counter", provider_number="1", at=till.now, by=till.system)
    closing.cancel(order, by=till.cast.wang_fang_login, now=till.now)
    assert {(one.month, one.status) for one in Charge.objects.filter(live=True)} == {
        (THIS, "owed"),
        (THIS + 1, "paid"),
    }
    audit()


def test_an_order_does_not_expire_before_its_time(till: Till) -> None:
    order = till.place()
    till.clock.step(minutes=29, seconds=59)
    till.rings()
    order.refresh_from_db()
    assert order.is_open


def test_a_coverage_does_not_end_in_a_month_that_an_order_holds(till: Till) -> None:
    order = till.place({PENSION: ("60", [THIS, THIS + 1])})
    coverage = Coverage.objects.get(insurance=PENSION, city="wuxi")
    [reason] = consequences.stop_barriers(coverage, THIS + 1)
    assert order.number in reason
    closing.cancel(order, by=till.cast.wang_fang_login, now=till.now)
    assert not consequences.stop_barriers(coverage, THIS + 1)


# Orders and the monthly debit


@pytest.fixture
def in_wuhan(till: Till) -> Charge:
    """A month that Wuhan's debit would draw."""
    person = till.cast.li_qiang
    cover(person, PENSION, "wuhan", "2026-01", tier="60")
    BankAccount.objects.create(
        person=person,
        city="wuhan",
        bank="psbc",
        number="6217995200000101",
        holder=person.name,
        start=Month(2026, 1),
    )
    charge_month("wuhan", THIS, till.now)
    return Charge.objects.get(person=person)


def order_it(till: Till, charge: Charge) -> Order:
    return placing.place_charges(
        city=charge.city,
        charges=[charge],
        person=charge.person,
        key=uuid4(),
        by=till.cast.li_qiang_login,
        now=till.now,
    )


def test_what_an_order_holds_is_not_debited(till: Till, in_wuhan: Charge) -> None:
    order = order_it(till, in_wuhan)
    assert opening.open_batch(city="wuhan", month=THIS, by=till.system, now=till.now) is None
    closing.cancel(order, by=till.cast.li_qiang_login, now=till.now)
    batch = opening.open_batch(city="wuhan", month=THIS, by=till.system, now=till.now)
    assert batch is not None
    assert batch.line_count == 1


def test_what_is_at_the_bank_is_not_ordered(till: Till, in_wuhan: Charge) -> None:
    assert opening.open_batch(city="wuhan", month=THIS, by=till.system, now=till.now)
    with pytest.raises(CannotOrder, match="已送银行"):
        order_it(till, in_wuhan)


def test_anothers_charge_is_not_ordered(till: Till, in_wuhan: Charge) -> None:
    with pytest.raises(CannotOrder):
        placing.place_charges(
            city="wuhan",
            charges=[in_wuhan],
            person=till.cast.wang_fang,
            key=uuid4(),
            by=till.cast.wang_fang_login,
            now=till.now,
        )


# The sum


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pension=st.sampled_from(["60", "80", "100", "150", "200", "300"]),
    medical=st.sampled_from(["", "60", "100", "300"]),
    offsets=st.sets(st.integers(0, 11), min_size=1),
)
def test_any_order_is_the_sum_of_its_months(
    till: Till, pension: str, medical: str, offsets: set[int]
) -> None:
    with transaction.atomic():
        chosen = sorted(THIS + offset for offset in offsets)
        picks = {PENSION: (pension, chosen)} | ({MEDICAL: (medical, chosen)} if medical else {})
        order = till.place(picks)
        expected = sum(
            quote(
                city="wuxi", capacity=Capacity.FLEXIBLE, insurance=insurance, tier=tier, month=month
            ).amount_fen
            for insurance, (tier, of) in picks.items()
            for month in of
        )
        assert order.sum_fen == expected == sum(line.charge.amount_fen for line in order.lines.all())
        audit()
        transaction.set_rollback(True)


def test_the_number_of_queries_does_not_grow_with_the_months(till: Till) -> None:
    till.place()
    with CaptureQueriesContext(connection) as one:
        payable.payable(till.cast.wang_fang, "wuxi", now=till.now)
    till.place({PENSION: ("60", months("2026-12", "2027-10")), MEDICAL: ("60", months("2026-11", "2027-10"))})
    with CaptureQueriesContext(connection) as many:
        payable.payable(till.cast.wang_fang, "wuxi", now=till.now)
    assert len(many) == len(one)
