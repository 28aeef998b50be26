"""The database's backend is ended in the middle of a booking, and between its commit and the reply:
nothing half done, nothing done twice when it is said again."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse

from contributions.audit.looking import audit
from contributions.books import ledger
from contributions.channels.protocol import Answer
from contributions.debit import posting
from contributions.models import Charge, DebitBatch, Entry, Order, Payment, Receipt, RefundStatus
from contributions.orders import answers, placing
from contributions.refunds import refund_lifecycle, sending
from portal.watch.models import Failure
from tests.conftest import Kept
from tests.contributions.money_cast import Road, worker
from tests.contributions.orders.conftest import PENSION, THIS, Provider, Till
from tests.contributions.refunds.test_refunds import approved, paid_twice

pytestmark = pytest.mark.django_db(transaction=True)


def end_backend() -> None:
    """The server ends this session, as it does when an administrator stops it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def cut_inside(function: Callable[..., Any]) -> Callable[..., Any]:
    """The session ends after the function has written and before it commits."""

    def cut(*args: Any, **more: Any) -> Any:
        function(*args, **more)
        end_backend()

    return cut


def cut_after(function: Callable[..., Any]) -> Callable[..., Any]:
    """The session ends when the function has committed, and whoever called it never hears of it."""

    def cut(*args: Any, **more: Any) -> Any:
        function(*args, **more)
        assert not connection.in_atomic_block
        end_backend()

    return cut


def sound() -> bool:
    broken = [found for found in audit() if not found.holds]
    assert not broken, broken
    return True


def callback(answer: Answer) -> int:
    said = {
        "number": answer.number,
        "outcome": "succeeded",
        "amount": answer.amount_fen,
        "mark": answer.provider_number,
    }
    response = Client().post(
        reverse("payment-callback", args=["wechat"]),
        data=json.dumps(said),
        content_type="application/json",
        headers={"Signature": "good"},
    )
    connection.close()
    return response.status_code


@pytest.mark.parametrize(
    ("where", "cut", "booked"),
    [("money_came", cut_inside, 0), ("take_answer", cut_after, 1)],
    ids=["mid-apply", "between commit and reply"],
)
def test_a_callback_that_was_not_answered_is_said_again_and_booked_once(
    till: Till,
    providers: dict[str, Provider],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    cut: Callable[..., Any],
    booked: int,
) -> None:
    order = till.place({PENSION: ("60", [THIS, THIS + 1])})
    answer = providers["wechat"].pays(till.start(order).number)
    with monkeypatch.context() as broken:
        broken.setattr(answers, where, cut(getattr(answers, where)))
        assert callback(answer) == 500, "the provider hears that it was not taken"
    assert Entry.objects.count() == booked
    assert callback(answer) == 200
    assert (Entry.objects.count(), Receipt.objects.filter(applied=True).count()) == (1, 2)
    order.refresh_from_db()
    assert order.status == "paid"
    assert sound()


@pytest.mark.parametrize(
    ("where", "cut", "placed"),
    [(("charge_at_tier", placing), cut_inside, 0), (("place_taken", placing), cut_after, 1)],
    ids=["mid-apply", "between commit and reply"],
)
def test_an_order_whose_answer_was_lost_is_sent_again_and_is_one(
    till: Till, monkeypatch: pytest.MonkeyPatch, where: tuple[str, Any], cut: Callable[..., Any], placed: int
) -> None:
    key, (name, module) = uuid4(), where
    with monkeypatch.context() as broken:
        broken.setattr(module, name, cut(getattr(module, name)))
        with pytest.raises(OperationalError):
            till.place(key=key)
    connection.close()
    assert Order.objects.count() == Charge.objects.count() == placed
    order = till.place(key=key)
    assert Order.objects.get() == order
    assert Charge.objects.filter(live=True).count() == 1
    assert sound()


@pytest.mark.parametrize(
    ("where", "cut", "ended"),
    [("succeed", cut_inside, False), ("take_answer", cut_after, True)],
    ids=["mid-apply", "between commit and reply"],
)
def test_a_refund_whose_booking_was_lost_is_asked_for_and_given_once(
    till: Till,
    providers: dict[str, Provider],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    cut: Callable[..., Any],
    ended: bool,
    kept: Kept,
) -> None:
    receipt = Receipt.objects.get(entry=paid_twice(till, providers).entry)
    refund = approved(till, receipt)
    with monkeypatch.context() as broken:
        broken.setattr(sending, where, cut(getattr(sending, where)))
        # It would go on to the others.
        sending.send_due(by=till.system, now=till.now)
    assert [(item, type(error)) for _task, item, error in kept] == [(refund.number, OperationalError)]
    refund.refresh_from_db()
    assert refund.status == (RefundStatus.SUCCEEDED if ended else RefundStatus.SENT)
    till.clock.step(minutes=1)
    sending.send_due(by=till.system, now=till.now)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert providers["alipay"].given == {refund.number: receipt.amount_fen}
    assert Entry.objects.filter(kind=refund_lifecycle.KIND).count() == 1
    assert not Failure.objects.filter(resolved_at=None).exists()
    assert sound()


def test_a_batch_whose_posting_was_committed_and_never_answered_for(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a chunk: tests/contributions/debit/test_killed.py."""
    for order in range(1, 4):
        worker(order)
    batch = road.answered()
    with monkeypatch.context() as broken:
        broken.setattr(posting, "post_chunk", cut_after(posting.post_chunk))
        with pytest.raises(OperationalError):
            road.post(batch)
    connection.close()
    assert DebitBatch.objects.get().status == "answered"
    assert Receipt.objects.count() == 3
    assert road.post(batch).status == "posted"
    assert (Entry.objects.count(), Receipt.objects.count()) == (1, 3)
    assert sound()


def test_control_without_its_transaction_a_booking_that_is_cut_stays_half_done(
    till: Till, providers: dict[str, Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same cut, each statement by itself: charges are paid for which no entry stands."""
    answer = providers["wechat"].pays(till.start(till.place()).number)
    monkeypatch.setattr(answers.transaction, "atomic", lambda *using, **more: nullcontext())
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    monkeypatch.setattr(ledger, "post_entry", lambda **what: end_backend())
    with connection.cursor() as cursor:
        # A receipt's key to its entry would refuse it; the session that says so ends with the cut.
        cursor.execute("SET session_replication_role = replica")
    try:
        callback(answer)
        assert Charge.objects.filter(status="paid").exists()
        assert not Entry.objects.exists()
        assert not Payment.objects.filter(credited=True).exists()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = origin")
            cursor.execute("TRUNCATE contributions_receipt CASCADE")
