"""A bank asks what is owed, orders it and tells what it took; every fault of the list, through the
signed API."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from contributions.models import (
    Charge,
    ChargeStatus,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Receipt,
    Refund,
    RefundStatus,
)
from contributions.partners import ordering
from contributions.refunds import drafting, held_money, sending
from portal.accounts.models import PersonLookup
from portal.partners.models import Scope
from portal.shared import identity
from tests.cast import NOW, Cast, moment, staff
from tests.conftest import Clock
from tests.contributions.api.conftest import API, Counter, audit
from tests.contributions.orders.conftest import THIS, WUXI_PENSION_60, Provider, Till
from tests.partners.calling import partner_called


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


# What is owed


def test_what_a_person_may_pay_with_its_prices(counter: Counter) -> None:
    told = counter.bank.post(f"{API}/dues/", counter.who()).json()
    assert told["person"] == {
        "name": "王*",
        "identity_number": identity.mask(counter.till.cast.wang_fang.identity_number),
    }
    pension = next(one for one in told["dues"] if one["insurance"] == "pension")
    assert pension["tier_now"] == "60"
    first = pension["months"][0]
    assert first["month"] == "2026-11"
    assert {one["tier"]: one["amount_fen"] for one in first["tiers"]}["60"] == WUXI_PENSION_60
    assert told["opens_at"] is None
    assert PersonLookup.objects.get().user == counter.bank.partner.user


def test_unknown_and_mismatched_are_answered_alike(counter: Counter, cast: Cast) -> None:
    unknown = counter.bank.post(f"{API}/dues/", {**counter.who(), "identity_number": cast.newcomer_number})
    mismatched = counter.bank.post(f"{API}/dues/", {**counter.who(), "name": "王芬"})
    assert unknown.status_code == mismatched.status_code == 404
    assert unknown.content == mismatched.content
    assert counter.order(person=cast.li_qiang, city="wuxi").status_code == 422


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"city": "atlantis"}, "city"),
        ({"identity_number": "330211198805120241"}, "identity_number"),
        ({"name": ""}, "name"),
        ({"picks": []}, "picks"),
        ({"picks": [{"insurance": "pension", "tier": "60", "months": ["2026-13"]}]}, "picks.0.months.0"),
        ({"picks": [{"insurance": "pension", "tier": "7", "months": ["2026-11"]}]}, "picks.pension.tier"),
        ({"picks": [{"insurance": "pension", "tier": "60", "months": ["2020-01"]}]}, "picks.pension.months"),
        ({"picks": [{"insurance": "maternity", "tier": "60", "months": ["2026-11"]}]}, "picks.maternity"),
    ],
)
def test_what_is_wrong_stands_at_its_field(counter: Counter, changed: dict[str, Any], field: str) -> None:
    picks = [{"insurance": "pension", "tier": "60", "months": ["2026-11"]}]
    response = counter.bank.post(f"{API}/orders/", {**counter.who(), "picks": picks, **changed})
    assert response.status_code == 422
    assert field in [one["field"] for one in response.json()["errors"]]
    assert not Order.objects.exists()


def test_a_city_that_the_bank_does_not_serve(counter: Counter, cast: Cast) -> None:
    assert code(counter.order(city="wuhan")) == (403, "city_not_served")


def test_a_school_orders_nothing(counter: Counter) -> None:
    school = partner_called("a-school", scopes=[Scope.PROOFS])
    assert code(school.post(f"{API}/dues/", counter.who())) == (403, "scope_missing")


# Ordering and paying


def test_ordered_and_paid_at_the_bank(counter: Counter, cast: Cast) -> None:
    response = counter.order(
        [
            {"insurance": "pension", "tier": "60", "months": ["2026-11", "2026-12"]},
            {"insurance": "medical", "tier": "60", "months": ["2026-11"]},
        ]
    )
    told = response.json()
    assert (response.status_code, told["status"], len(told["lines"])) == (201, "open", 3)
    assert told["sum_fen"] == sum(one["amount_fen"] for one in told["lines"])
    order = Order.objects.get()
    assert order.placed_by == counter.bank.partner.user
    paid = counter.tell(order)
    assert paid.status_code == 201, paid.content
    assert (paid.json()["status"], paid.json()["credited"]) == ("succeeded", True)
    assert paid.json()["business_day"] == "2026-11-17"
    assert {one.status for one in Charge.objects.all()} == {ChargeStatus.PAID}
    asked = counter.bank.get(f"{API}/orders/{order.number}/").json()
    assert (asked["status"], asked["payments"]) == ("paid", [paid.json()])
    assert counter.bank.get(f"{API}/payments/BANK-0001/").json() == paid.json()
    audit()


def test_the_same_order_twice_is_one(counter: Counter) -> None:
    first, again = counter.order(key="order-0001"), counter.order(key="order-0001")
    assert first.content == again.content
    assert Order.objects.count() == 1
    other = [{"insurance": "pension", "tier": "60", "months": ["2026-12"]}]
    assert code(counter.order(other, key="order-0001")) == (409, "idempotency_key_reused")


def test_the_same_months_in_a_second_order(counter: Counter) -> None:
    counter.placed()
    response = counter.order()
    assert code(response) == (422, "cannot_order")
    assert "已在订单" in response.json()["errors"][0]["message"]


def test_the_answer_was_lost_and_it_is_told_again(counter: Counter) -> None:
    order = counter.placed()
    assert counter.bank.get(f"{API}/payments/BANK-0001/").status_code == 404
    first = counter.tell(order, key="told-0001")
    assert counter.tell(order, key="told-0001").content == first.content
    # Also under another key: the bank's own number makes it one.
    assert counter.tell(order, key="told-0002").json() == first.json()
    assert Payment.objects.count() == Receipt.objects.count() == 1
    audit()


def test_a_number_stands_for_one_payment(counter: Counter, till: Till) -> None:
    order = counter.placed()
    counter.tell(order)
    assert code(counter.tell(order, fen=order.sum_fen + 1)) == (409, "provider_number_used")
    other = counter.placed(picks=[{"insurance": "medical", "tier": "60", "months": [str(THIS)]}])
    assert code(counter.tell(other)) == (409, "provider_number_used")
    # Another bank's numbers are its own.
    second = Counter(partner_called("second-bank", cities=["wuxi"]), till)
    third = second.placed(picks=[{"insurance": "pension", "tier": "60", "months": ["2026-12"]}])
    assert second.tell(third).status_code == 201
    audit()


@pytest.mark.parametrize("off", [1, -1])
def test_a_sum_off_by_a_fen_is_held(counter: Counter, off: int) -> None:
    order = counter.placed()
    told = counter.tell(order, fen=order.sum_fen + off).json()
    assert (told["status"], told["credited"]) == ("held", False)
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELLED
    assert [one.amount_fen for one in held_money.to_draft(["wuxi"])] == [order.sum_fen + off]
    audit()


def test_after_expiry_it_is_held_for_refund(counter: Counter, till: Till) -> None:
    order = counter.placed()
    till.clock.step(minutes=31)
    till.rings()
    order.refresh_from_db()
    assert order.status == OrderStatus.EXPIRED
    told = counter.tell(order, at=NOW + dt.timedelta(minutes=29)).json()
    assert (told["status"], told["credited"]) == ("succeeded", False)
    assert "退回" in told["message"]
    assert held_money.to_draft(["wuxi"]).count() == 1
    audit()


def test_paid_twice_at_the_bank(counter: Counter) -> None:
    order = counter.placed()
    assert counter.tell(order).json()["credited"] is True
    assert counter.tell(order, number="BANK-0002").json()["credited"] is False
    assert held_money.to_draft(["wuxi"]).count() == 1
    audit()


@pytest.mark.parametrize("bank_first", [True, False])
def test_paid_on_the_page_and_at_the_bank(
    counter: Counter, till: Till, providers: dict[str, Provider], bank_first: bool
) -> None:
    order = counter.placed()
    payment = till.start(order)
    answer = providers["wechat"].pays(payment.number)
    steps: list[Callable[[], Any]] = [lambda: counter.tell(order), lambda: till.tell(answer)]
    for step in steps if bank_first else reversed(steps):
        step()
    assert counter.payment().credited is bank_first
    payment.refresh_from_db()
    assert (payment.status, payment.credited) == (PaymentStatus.SUCCEEDED, not bank_first)
    assert held_money.to_draft(["wuxi"]).count() == 1
    audit()


def test_anothers_order_is_not_there(counter: Counter, till: Till) -> None:
    order = counter.placed()
    other = partner_called("other-bank", cities=["wuxi"])
    for path in (f"{API}/orders/{order.number}/", f"{API}/orders/320200-20991231-ABCDEFGH/"):
        answers = [
            other.get(path),
            other.post(f"{path}cancel/"),
            Counter(other, till).tell(path.split("/")[4]),
        ]
        assert {one.status_code for one in answers} == {404}
        assert {one.json()["code"] for one in answers} == {"not_found"}
    own = till.place({} or None, city="shenzhen", person=till.cast.chen_jing)
    assert counter.bank.get(f"{API}/orders/{own.number}/").status_code == 404
    counter.tell(order)
    assert other.get(f"{API}/payments/BANK-0001/").status_code == 404


def test_a_payment_in_the_future(counter: Counter) -> None:
    order = counter.placed()
    response = counter.tell(order, at=NOW + dt.timedelta(minutes=10))
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "taken_at"
    assert not Payment.objects.exists()


def test_cancelled_by_the_bank(counter: Counter, till: Till, providers: dict[str, Provider]) -> None:
    order = counter.placed()
    assert counter.bank.post(f"{API}/orders/{order.number}/cancel/").json()["status"] == "cancelled"
    # Its months are free again.
    again = counter.placed()
    till.start(again)
    assert code(counter.bank.post(f"{API}/orders/{again.number}/cancel/")) == (409, "payment_under_way")
    audit()


# Bank hours


def test_outside_the_banks_hours_nothing_is_ordered(counter: Counter, clock: Clock, cast: Cast) -> None:
    def ordered() -> Any:
        return counter.order(person=cast.chen_jing, city="shenzhen")

    clock.set("2026-11-17 17:00")
    response = ordered()
    assert code(response) == (409, "bank_closed")
    assert response.json()["opens_at"] == moment("2026-11-18 09:00").isoformat()
    told = counter.bank.post(f"{API}/dues/", counter.who(cast.chen_jing, "shenzhen")).json()
    assert told["opens_at"] is not None
    clock.set("2026-11-18 09:00")
    assert ordered().status_code == 201


def test_ordered_in_time_may_be_paid_late(counter: Counter, clock: Clock, cast: Cast) -> None:
    clock.set("2026-11-17 16:59:59")
    order = counter.placed(person=cast.chen_jing, city="shenzhen")
    clock.set("2026-11-17 17:00:05")
    assert counter.tell(order).json()["credited"] is True
    audit()


# Given back through the bank


def test_a_refund_is_fetched_and_told(counter: Counter, till: Till) -> None:
    order = counter.placed()
    counter.tell(order)
    counter.tell(order, number="BANK-0002")
    [held] = held_money.to_draft(["wuxi"])
    maker, checker = (staff(f"wuxi-{n}", f"员工{n}", "wuxi", "征缴") for n in (1, 2))
    refund = drafting.draft(
        held, amount_fen=held.amount_fen, reason="重复缴费", key=uuid4(), by=maker, now=till.now
    )
    assert counter.bank.get(f"{API}/refunds/").json() == []
    drafting.approve(refund, by=checker, now=till.now)
    sending.send_due(by=till.system, now=till.now)
    [told] = counter.bank.get(f"{API}/refunds/").json()
    assert (told["payment_number"], told["amount_fen"]) == ("BANK-0002", held.amount_fen)
    done = {"provider_number": "RETURN-0001"}
    path = f"{API}/refunds/{refund.number}/done/"
    other = partner_called("other-bank", cities=["wuxi"])
    assert other.post(path, done).status_code == 404
    first = counter.bank.post(path, done)
    assert first.json()["done"] is True
    assert counter.bank.post(path, done).json() == first.json()
    assert code(counter.bank.post(path, {"provider_number": "RETURN-0002"})) == (409, "provider_number_used")
    assert Refund.objects.get().status == RefundStatus.SUCCEEDED
    assert counter.bank.get(f"{API}/refunds/").json() == []
    audit()


# At once


def _at_once(count: int, call: Callable[[int], Any]) -> list[Any]:
    ready = threading.Barrier(count)
    answers: list[Any] = []

    def run(number: int) -> None:
        ready.wait()
        try:
            answers.append(call(number))
        except Exception as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_a_hundred_tell_of_one_payment_at_once(transactional_db: None, counter: Counter) -> None:
    counter.bank.partner.per_minute = 1000
    counter.bank.partner.save()
    order = counter.placed()
    answers: list[Any] = []
    for _round in range(5):
        answers += _at_once(20, lambda number: counter.tell(order, key=str(uuid4())))
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1
    assert Payment.objects.count() == Receipt.objects.count() == 1
    audit()


@pytest.mark.django_db(transaction=True)
def test_control_without_looking_for_the_banks_number_they_are_not_one(
    transactional_db: None, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = counter.placed()
    monkeypatch.setattr(ordering, "payment_of_number", lambda *looked_for: None)
    answers = _at_once(5, lambda number: counter.tell(order, key=str(uuid4())))
    # The database still books it once; but who asks again is told that the number is used.
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409]
    assert Receipt.objects.count() == 1


@pytest.mark.parametrize("years", [0, 1, 3])
def test_a_payment_before_its_order_was_placed_is_refused(counter: Counter, years: int) -> None:
    order = counter.placed()
    response = counter.tell(order, at=NOW - dt.timedelta(days=365 * years, minutes=10))
    assert (response.status_code, response.json()["code"]) == (422, "taken_before_order")
    assert response.json()["errors"][0]["field"] == "taken_at"
    assert not Payment.objects.exists()
    # By as much as clocks differ, it is believed; and the same number may be told rightly.
    assert counter.tell(order, at=NOW - dt.timedelta(minutes=4)).status_code == 201
