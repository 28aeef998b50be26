"""Refunds by several hands at once: each is tested with its guard, and with the guard off, where it
must go wrong."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from contributions.models import Entry, Receipt, Refund, RefundPart, RefundStatus
from contributions.refunds import drafting, held_money, refund_lifecycle, sending
from tests.contributions.orders.conftest import Provider, Till, audit
from tests.contributions.orders.test_races import in_crowd
from tests.contributions.refunds.test_refunds import approved, checker, drafted, maker, paid_twice
from tests.hall.test_races import Meeting, at_once, without_triggers

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def twice(till: Till, providers: dict[str, Provider]) -> Receipt:
    maker(), checker()
    return Receipt.objects.get(entry=paid_twice(till, providers).entry)


@contextmanager
def without_unique_key() -> Iterator[None]:
    """Refunds without the promise that a key is one refund; what was let in is dropped before it
    comes back."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contributions_refund DROP CONSTRAINT contributions_refund_key_key")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE contributions_refund CASCADE")
            cursor.execute(
                "ALTER TABLE contributions_refund ADD CONSTRAINT contributions_refund_key_key UNIQUE (key)"
            )


def both_draft(till: Till, receipt: Receipt) -> list[Any]:
    return at_once(*[lambda: drafted(till, receipt)] * 2)


def test_two_refunds_of_one_receipt_and_one_is_told(till: Till, twice: Receipt) -> None:
    results = both_draft(till, twice)
    assert sum(isinstance(one, Refund) for one in results) == 1
    assert sum(isinstance(one, refund_lifecycle.CannotRefund) for one in results) == 1
    audit()


@pytest.mark.parametrize("guarded", [True, False])
def test_control_without_lock_two_refunds_are_kept_apart_by_the_database_alone(
    till: Till, twice: Receipt, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    meeting = Meeting()
    monkeypatch.setattr(drafting, "hold_receipts", lambda receipts: None)
    monkeypatch.setattr(drafting, "road", meeting.before(held_money.road))
    with ExitStack() as off:
        if not guarded:
            off.enter_context(without_triggers(RefundPart))
        results = both_draft(till, twice)
        assert meeting.met
        assert sum(isinstance(one, Refund) for one in results) == (1 if guarded else 2)


def test_pressed_twice_at_once_is_one_refund(
    till: Till, providers: dict[str, Provider], twice: Receipt
) -> None:
    key = uuid4()
    refund, same = at_once(*[lambda: drafted(till, twice, key=key)] * 2)
    assert refund == same
    at_once(*[lambda: drafting.approve(refund, by=checker(), now=till.now)] * 2)
    assert sum(in_crowd(lambda: sending.send_due(by=till.system, now=till.now), 5, 5)) == 1
    assert providers["alipay"].asked("refund") == 1
    assert Entry.objects.filter(kind=refund_lifecycle.KIND).count() == 1
    audit()


def test_control_without_lock_and_keys_pressed_twice_is_two(
    till: Till, twice: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting()
    monkeypatch.setattr(drafting, "hold_receipts", lambda receipts: None)
    monkeypatch.setattr(drafting, "road", meeting.before(held_money.road))
    key = uuid4()
    with ExitStack() as off:
        off.enter_context(without_triggers(RefundPart))
        off.enter_context(without_unique_key())
        at_once(*[lambda: drafted(till, twice, key=key)] * 2)
        assert meeting.met
        assert Refund.objects.count() == 2


def test_control_without_the_claim_it_is_sent_more_than_once_and_given_back_once(
    till: Till, providers: dict[str, Provider], twice: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund, meeting = approved(till, twice), Meeting()
    due = refund, True
    monkeypatch.setattr(sending, "next_due", lambda by, now: due)
    monkeypatch.setattr(sending, "send_to_channel", meeting.before(sending.send_to_channel))
    Refund.objects.filter(pk=refund.pk).update(status=RefundStatus.SENT)
    at_once(*[lambda: sending.send_due(by=till.system, now=till.now, limit=1)] * 2)
    assert meeting.met
    assert providers["alipay"].asked("refund") == 2
    assert providers["alipay"].given == {refund.number: twice.amount_fen}, "one number is one refund"
    assert Entry.objects.filter(kind=refund_lifecycle.KIND).count() == 1


def test_approved_and_refused_at_once_is_one_of_them(till: Till, twice: Receipt) -> None:
    refund = drafted(till, twice)
    results = at_once(
        lambda: drafting.approve(refund, by=checker(), now=till.now),
        lambda: drafting.refuse(refund, why="先核实", by=checker(), now=till.now),
    )
    assert sum(isinstance(one, Refund) for one in results) == 1
    assert refund.events.count() == 2
