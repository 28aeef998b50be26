"""Everything that the schedule rings for, rung five times at once and by two beats at one tick: the
same end as rung once.

Controls: each guard that keeps two apart is taken away in debit/test_races.py and
orders/test_races.py; here the one of orders that end and of payments that wait.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import QuerySet

from contributions.audit.looking import audit
from contributions.models import (
    BankFile,
    Charge,
    DebitBatch,
    Entry,
    Order,
    OrderEvent,
    OrderStatus,
    Payment,
    PaymentStatus,
    Receipt,
    Refund,
    RefundStatus,
)
from contributions.orders import paying, queries, queued
from contributions.refunds import refund_lifecycle
from contributions.tasks import debit, orders
from portal.celery import app
from portal.schedule import slots
from tests.cast import ZHENHAI, cover, person
from tests.contributions.debit.test_races import at_once
from tests.contributions.money_cast import NOVEMBER, Road, released, worker
from tests.contributions.orders.conftest import CARD, PENSION, Provider, Till
from tests.contributions.refunds.test_refunds import approved, paid_twice
from tests.hall.test_races import Meeting, without_constraint

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = 5


def sound() -> bool:
    broken = [found for found in audit() if not found.holds]
    assert not broken, broken
    return True


def rung(bell: Callable[[], None], times: int = TIMES) -> None:
    outcomes = at_once(bell, times)
    assert outcomes == [None] * times, outcomes


# The debit's bells


def test_charging(road: Road) -> None:
    for order in range(1, 11):
        cover(person(f"工人{order}", ZHENHAI, "1985-01-01", order), PENSION, "wuhan", "2026-11", tier="60")
    rung(debit.charge_due)
    assert Charge.objects.filter(month=NOVEMBER).count() == Charge.objects.count() == 10
    assert sound()


@pytest.fixture
def month(road: Road) -> Road:
    for order in range(1, 6):
        worker(order)
    road.charge()
    return road


def test_opening(month: Road) -> None:
    rung(debit.open_due_batches)
    assert DebitBatch.objects.get().line_count == 5
    assert sound()


def test_sending(month: Road) -> None:
    batch = month.release(month.open())
    rung(debit.send_batches)
    batch.refresh_from_db()
    assert (batch.status, BankFile.objects.count()) == ("sent", 1)
    assert [path.name for path in (month.exchange / "outbox").iterdir()] == [batch.file_name]


def test_reading(month: Road) -> None:
    batch = month.open()
    month.send(batch)
    month.bank()
    rung(debit.read_answers)
    batch.refresh_from_db()
    assert (batch.status, BankFile.objects.filter(direction="in").count()) == ("answered", 1)


def test_posting(month: Road) -> None:
    month.charge()
    batch = month.answered()
    rung(debit.post_answers)
    # Whoever came last found the chunk taken, and the batch is posted by the next bell at the
    # latest.
    debit.post_answers()
    batch.refresh_from_db()
    assert batch.status == "posted"
    assert (Entry.objects.count(), Receipt.objects.filter(applied=True).count()) == (1, 5)
    assert batch.events.filter(status="posted").count() == 1
    assert sound()


# The orders' bells


def test_asking(till: Till, providers: dict[str, Provider]) -> None:
    payment = till.start(till.place())
    providers["wechat"].pays(payment.number)
    till.clock.step(seconds=20)
    rung(orders.ask_payments)
    assert providers["wechat"].asked() == 1
    assert Entry.objects.count() == 1
    assert sound()


def test_ending(till: Till) -> None:
    order = till.place()
    till.clock.step(minutes=31)
    rung(orders.end_overdue_orders)
    assert [event.status for event in order.events.order_by("pk")] == ["open", "expired"]
    assert sound()


def test_control_without_lock_comparison_and_constraint_an_order_ends_twice(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, meeting = till.place(), Meeting()
    till.clock.step(minutes=31)
    update = QuerySet.update

    def without_comparing(query: Any, **changes: Any) -> int:
        if query.model is Order and "ended_at" in changes:
            meeting.wait()
            return update(Order.objects.filter(pk=order.pk), **changes)
        return update(query, **changes)

    monkeypatch.setattr(queries, "lock_subject", lambda number: None)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    monkeypatch.setattr(QuerySet, "update", without_comparing)
    with without_constraint(OrderEvent, "an_order_reaches_a_status_once"):
        at_once(orders.end_overdue_orders, 2)
        assert meeting.met
        assert OrderEvent.objects.filter(status=OrderStatus.EXPIRED).count() == 2


@pytest.fixture
def waiting(till: Till) -> Payment:
    """A card payment of Shenzhen that waits for Monday nine o'clock."""
    till.clock.set("2026-11-20 18:30")
    who, login = till.cast.chen_jing, till.cast.chen_jing_login
    order = till.place(city="shenzhen", person=who, by=login)
    payment = paying.start_payment(order=order, channel="card", payer=CARD, by=login, now=till.now)
    assert payment.status == PaymentStatus.QUEUED
    till.clock.set("2026-11-23 09:00")
    return payment


def test_starting_what_waited(waiting: Payment, providers: dict[str, Provider]) -> None:
    rung(orders.start_queued_payments)
    waiting.refresh_from_db()
    assert waiting.status == PaymentStatus.STARTED
    assert providers["card"].asked("start") == 1
    assert sound()


def test_control_without_the_comparison_it_is_announced_by_several(
    waiting: Payment, providers: dict[str, Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting()
    monkeypatch.setattr(queued, "move_payment", lambda *args, **more: True)
    monkeypatch.setattr(queued, "announce", meeting.before(paying.announce))
    at_once(orders.start_queued_payments, 2)
    assert meeting.met
    assert providers["card"].asked("start") == 2
    assert list(providers["card"].announced) == [waiting.number], "its number makes it the same payment"


def test_giving_back(till: Till, providers: dict[str, Provider]) -> None:
    receipt = Receipt.objects.get(entry=paid_twice(till, providers).entry)
    refund = approved(till, receipt)
    rung(orders.send_refunds)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert providers["alipay"].asked("refund") == 1
    assert Entry.objects.filter(kind=refund_lifecycle.KIND).count() == 1
    assert sound()


# Two beats


def test_two_beats_at_one_tick_bring_the_month_to_the_same_end(
    till: Till, providers: dict[str, Provider], road: Road
) -> None:
    """The last of November: every bell of the schedule, by two at once, as often as there are steps
    from charge to posting."""
    for order in range(1, 6):
        worker(order)
    paid = till.start(till.place())
    providers["wechat"].pays(paid.number)
    left = till.place(city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login)
    till.clock.set("2026-11-30 20:00")

    def beat() -> None:
        for slot in slots().values():
            app.tasks[str(slot["task"])]()

    app.loader.import_default_modules()
    rung(beat, 2)
    batch = DebitBatch.objects.get(city="wuhan", month=NOVEMBER)
    released(batch, till.now)
    for _tick in range(3):
        rung(beat, 2)
        road.bank()
    batch.refresh_from_db()
    assert (batch.status, batch.line_count) == ("posted", 5)
    assert Charge.objects.filter(city="wuhan", month=NOVEMBER, status="paid").count() == 5
    assert Entry.objects.filter(city="wuhan", reference=f"{batch.number}/1").count() == 1
    left.refresh_from_db()
    paid.refresh_from_db()
    assert (paid.credited, left.status) == (True, OrderStatus.EXPIRED)
    assert not Refund.objects.exists()
    assert sound()
