"""What happens to an order in two places at once, on connections of their own; with the guard off
it must go wrong."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import QuerySet

from contributions.books import receiving
from contributions.debit import freezing, opening
from contributions.models import (
    Charge,
    ChargeStatus,
    Entry,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    Receipt,
)
from contributions.orders import answers, asking, bank_time, closing, paying, placing, queries
from contributions.orders.placing import CannotOrder
from portal.people.models import BankAccount
from portal.shared.months import Month
from tests.cast import cover
from tests.contributions.orders.conftest import PENSION, THIS, Provider, Till, audit
from tests.contributions.orders.test_placing import charge_month, order_it
from tests.hall.test_races import Meeting, at_once, without_constraint, without_triggers

pytestmark = pytest.mark.django_db(transaction=True)


def in_crowd(call: Callable[[], Any], times: int, hands: int = 12) -> list[Any]:
    """What so many calls gave, by so many threads."""

    def run(_number: int) -> Any:
        try:
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(hands) as pool:
        return list(pool.map(run, range(times)))


def broken(results: list[Any]) -> list[Any]:
    return [one for one in results if isinstance(one, Exception)]


# A hundred callbacks


def test_a_hundred_callbacks_at_once_book_once(till: Till, providers: dict[str, Provider]) -> None:
    order = till.place()
    payment = till.start(order)
    answer = providers["wechat"].pays(payment.number)
    assert not broken(in_crowd(lambda: till.tell(answer), 100))
    assert (Entry.objects.count(), Receipt.objects.count()) == (1, 1)
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID
    audit()


@contextmanager
def nothing_unique() -> Iterator[None]:
    """Without what the database holds about payments, receipts and entries."""
    with ExitStack() as off:
        for model, name in (
            (Receipt, "a_payment_is_received_once"),
            (Receipt, "a_charge_is_paid_once"),
            (Entry, "booked_once"),
            (Payment, "a_providers_number_is_one_payment"),
            (Payment, "an_order_is_paid_once"),
        ):
            off.enter_context(without_constraint(model, name))
        off.enter_context(without_triggers(Payment, Order, Charge))
        yield


def blind(till: Till, monkeypatch: pytest.MonkeyPatch) -> Meeting:
    """No lock, and nobody sees what the other has done."""
    meeting = Meeting()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    monkeypatch.setattr(receiving, "LOCK_CHARGES", receiving.LOCK_CHARGES.removesuffix("FOR NO KEY UPDATE"))
    monkeypatch.setattr(queries, "lock_subject", lambda number: None)
    monkeypatch.setattr(answers, "money_came", meeting.before(answers.money_came))
    return meeting


def test_control_without_locks_and_constraints_it_is_booked_twice(
    till: Till, providers: dict[str, Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = till.start(till.place())
    answer = providers["wechat"].pays(payment.number)
    meeting = blind(till, monkeypatch)
    monkeypatch.setattr(receiving, "entry_of_reference", lambda reference, wanted: None)
    with nothing_unique():
        at_once(*[lambda: till.tell(answer)] * 2)
        assert meeting.met
        assert Receipt.objects.count() == 2


def test_where_code_forgets_the_locks_the_database_books_once(
    till: Till, providers: dict[str, Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = till.place()
    payment = till.start(order)
    answer = providers["wechat"].pays(payment.number)
    meeting = blind(till, monkeypatch)
    at_once(*[lambda: till.tell(answer)] * 2)
    assert meeting.met
    assert Receipt.objects.count() == 1
    assert Entry.objects.count() == 1


# Two tabs


def two_tabs(till: Till, order: Order, first: str, second: str) -> list[Any]:
    return at_once(lambda: till.start(order, first), lambda: till.start(order, second))


def test_two_tabs_with_two_channels_begin_one_payment(till: Till, providers: dict[str, Provider]) -> None:
    order = till.place()
    results = two_tabs(till, order, "wechat", "alipay")
    assert sum(isinstance(one, Payment) for one in results) == 1
    assert sum(isinstance(one, paying.PaymentUnderWay) for one in results) == 1
    assert order.payments.count() == 1
    assert sum(one.asked("start") for one in providers.values()) == 1


def test_pressed_twice_at_once_begins_one_payment(till: Till, providers: dict[str, Provider]) -> None:
    order = till.place()
    results = in_crowd(lambda: till.start(order), 8)
    assert not broken(results)
    assert order.payments.count() == 1
    assert providers["wechat"].asked("start") == 1


@pytest.mark.parametrize("guarded", [True, False])
def test_control_without_lock_two_tabs_are_kept_apart_by_the_database_alone(
    till: Till, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    order, meeting = till.place(), Meeting()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    monkeypatch.setattr(receiving, "LOCK_CHARGES", receiving.LOCK_CHARGES.removesuffix("FOR NO KEY UPDATE"))
    monkeypatch.setattr(queries, "lock_subject", lambda number: None)
    monkeypatch.setattr(bank_time, "opening", meeting.before(bank_time.opening))
    with ExitStack() as off:
        if not guarded:
            off.enter_context(without_constraint(Payment, "one_payment_under_way_per_order"))
        two_tabs(till, order, "wechat", "alipay")
        assert meeting.met
        assert Payment.objects.filter(live=True).count() == (1 if guarded else 2)


# Two orders for one month


def two_orders(till: Till) -> list[Any]:
    return at_once(*[lambda: till.place({PENSION: ("60", [THIS])}, key=uuid4())] * 2)


def test_two_orders_for_one_month_and_one_is_told(till: Till) -> None:
    results = two_orders(till)
    assert sum(isinstance(one, Order) for one in results) == 1
    assert sum(isinstance(one, CannotOrder) for one in results) == 1
    assert Charge.objects.filter(live=True).count() == 1
    audit()


def test_one_key_in_two_threads_is_one_order(till: Till) -> None:
    key = uuid4()
    results = at_once(*[lambda: till.place(key=key)] * 2)
    assert results[0] == results[1]
    assert Order.objects.count() == 1


@pytest.mark.parametrize("guarded", [True, False])
def test_control_without_lock_two_orders_are_kept_apart_by_the_database_alone(
    till: Till, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    charge_month("wuxi", THIS, till.now)
    meeting = Meeting()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    monkeypatch.setattr(receiving, "LOCK_CHARGES", receiving.LOCK_CHARGES.removesuffix("FOR NO KEY UPDATE"))
    monkeypatch.setattr(placing, "lock_subject", lambda number: None)
    monkeypatch.setattr(placing, "charge_at_tier", meeting.before(placing.charge_at_tier))
    with ExitStack() as off:
        if not guarded:
            off.enter_context(without_constraint(OrderLine, "a_charge_is_in_one_live_order"))
        results = two_orders(till)
        assert meeting.met
        assert sum(isinstance(one, Order) for one in results) == (1 if guarded else 2)


# An order against a debit that is being opened


def order_against_batch(till: Till, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
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
    charge, meeting = Charge.objects.get(person=person), Meeting()
    # Both have looked and found nothing before either has written; where a lock keeps one away, the
    # other goes on alone.
    monkeypatch.setattr(placing, "case_number", meeting.before(placing.case_number))
    monkeypatch.setattr(freezing, "left_out_words", meeting.before(freezing.left_out_words))
    return at_once(
        lambda: order_it(till, charge),
        lambda: opening.open_batch(city="wuhan", month=THIS, by=till.system, now=till.now),
    )


def taken_by(charge: Charge) -> tuple[int, int]:
    return charge.order_lines.filter(live=True).count(), charge.debit_lines.filter(drawing=True).count()


def test_a_month_is_ordered_or_debited_never_both(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    order_against_batch(till, monkeypatch)
    assert sum(taken_by(Charge.objects.get(person=till.cast.li_qiang))) == 1


def test_control_without_the_shared_lock_it_is_both(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "before_or_after_a_batch", lambda city: None)
    order_against_batch(till, monkeypatch)
    assert taken_by(Charge.objects.get(person=till.cast.li_qiang)) == (1, 1)


# Cancelled and paid at once


def test_cancelled_and_paid_at_once_loses_no_money(till: Till, providers: dict[str, Provider]) -> None:
    order = till.place()
    payment = till.start(order)
    answer = providers["wechat"].pays(payment.number)
    at_once(
        lambda: till.tell(answer), lambda: closing.cancel(order, by=till.cast.wang_fang_login, now=till.now)
    )
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID
    assert Charge.objects.get().status == ChargeStatus.PAID
    audit()


def test_five_workers_ask_at_once_and_one_question_is_asked(
    till: Till, providers: dict[str, Provider]
) -> None:
    till.start(till.place())
    till.clock.step(seconds=20)
    assert sum(in_crowd(lambda: asking.ask_due(by=till.system, now=till.now), 5, 5)) == 1
    assert providers["wechat"].asked() == 1


def test_control_without_the_claim_all_of_them_ask(
    till: Till, providers: dict[str, Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    till.start(till.place())
    till.clock.step(seconds=20)
    monkeypatch.setattr(asking, "claim", lambda payment, now: True)
    in_crowd(lambda: asking.ask_due(by=till.system, now=till.now, limit=1), 5, 5)
    assert providers["wechat"].asked() > 1
