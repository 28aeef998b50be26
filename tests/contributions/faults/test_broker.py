"""Redis stopped, or flushed with work in its queue: what is left to do stands in PostgreSQL, and
the next bell finds it."""

from collections.abc import Iterator
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from contributions.audit.looking import audit
from contributions.models import DebitBatch, Entry, Payment, Receipt
from contributions.tasks import debit, orders
from portal.accounts.models import User
from portal.celery import app
from portal.schedule import slots
from tests.contributions.money_cast import Road, worker
from tests.contributions.orders.conftest import Provider, Till

pytestmark = pytest.mark.django_db

QUEUE = "faults-of-the-broker"


def redis_of(broker: Any) -> Any:
    """The broker's own client."""
    return broker.default_channel.client


@pytest.fixture
def queue() -> Iterator[str]:
    """A queue of this test's own in the real broker."""
    yield QUEUE
    with app.connection_for_write() as broker:
        redis_of(broker).delete(QUEUE)


def queued(queue: str) -> int:
    with app.connection_for_write() as broker:
        return int(redis_of(broker).llen(queue))


@pytest.fixture
def batch(road: Road) -> DebitBatch:
    worker(1)
    worker(2)
    road.charge()
    return road.release(road.open())


def ring() -> None:
    """The minute's bells, as a worker does them."""
    for slot in ("send-batches", "read-answers", "post-answers"):
        app.tasks[str(slots()[slot]["task"])]()


def test_flushed_with_work_queued_the_next_bells_do_it(road: Road, batch: DebitBatch, queue: str) -> None:
    debit.run_step.apply_async(("send", batch.pk, User.objects.system().pk), queue=queue)
    debit.send_batches.apply_async(queue=queue)
    assert queued(queue) == 2
    with app.connection_for_write() as broker:
        redis_of(broker).delete(queue)
    assert queued(queue) == 0
    batch.refresh_from_db()
    assert batch.status == "released", "nobody has done it"

    for _minute in range(2):
        ring()
        road.bank()
    ring()
    batch.refresh_from_db()
    assert batch.status == "posted"
    assert (Entry.objects.count(), Receipt.objects.count()) == (1, 2)
    assert all(found.holds for found in audit())


def test_what_was_queued_and_done_by_a_bell_meanwhile_is_not_done_again(
    road: Road, batch: DebitBatch
) -> None:
    """The queue comes back with old work in it: every step finds itself done."""
    for _minute in range(2):
        ring()
        road.bank()
    ring()
    before = (Entry.objects.count(), Receipt.objects.count(), batch.events.count())
    for step in ("send", "read", "post"):
        debit.run_step(step, batch.pk, User.objects.system().pk)
    assert (Entry.objects.count(), Receipt.objects.count(), batch.events.count()) == before


def test_stopped_the_sender_is_told_at_once_and_nothing_is_lost(
    road: Road, batch: DebitBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens at the broker's port."""
    publish: Any = debit.run_step.apply_async
    with app.connection_for_write("redis://127.0.0.1:1/0") as nobody, pytest.raises(OperationalError):
        publish(("send", batch.pk, User.objects.system().pk), connection=nobody, retry=False)
    ring()
    batch.refresh_from_db()
    assert batch.status == "sent"


def test_a_payment_needs_no_broker(till: Till, providers: dict[str, Provider]) -> None:
    """A payer whose callback was lost is booked by the next bell, whatever happened to the queue
    since."""
    payment = till.start(till.place())
    providers["wechat"].pays(payment.number)
    till.clock.step(hours=3)
    orders.ask_payments()
    assert Payment.objects.get().credited
