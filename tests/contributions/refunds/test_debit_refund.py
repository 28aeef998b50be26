"""Money that a debit drew for what was paid by another road: it goes back by a bank transfer that
staff confirm."""

from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from contributions.audit.looking import audit
from contributions.books import receiving
from contributions.models import Receipt, Refund, RefundStatus, RefundWay
from contributions.refunds import drafting, held_money, refund_lifecycle, sending, transferring
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR
from tests.cast import staff
from tests.contributions.money_cast import Road, charge_of, collector, worker


@pytest.fixture
def twice(road: Road) -> Receipt:
    """The month was paid at the counter while the bank drew it."""
    who = worker(1)
    road.charge()
    batch = road.open()
    road.send(batch)
    receiving.receive(
        [charge_of(who)], channel="counter", provider_number="C-1", at=road.now, by=collector(), now=road.now
    )
    road.bank()
    road.read()
    batch.refresh_from_db()
    road.post(batch)
    return Receipt.objects.get(applied=False)


@pytest.fixture
def approved(road: Road, twice: Receipt) -> Refund:
    refund = drafting.draft(
        twice, amount_fen=twice.amount_fen, reason="重复扣款", key=uuid4(), by=collector(), now=road.now
    )
    return drafting.approve(refund, by=staff("second", "孙立", "wuhan", COLLECTOR), now=road.now)


def test_it_goes_to_the_account_that_was_drawn_and_the_bank_confirms(road: Road, approved: Refund) -> None:
    assert (approved.way, approved.account_number) == (RefundWay.BANK, "6217990000000188")
    assert sending.send_due(by=road.by, now=road.now) == 0, "no channel is spoken to"
    with pytest.raises(refund_lifecycle.CannotRefund, match="流水号"):
        transferring.confirm_transfer(approved, bank_number=" ", by=collector(), now=road.now)
    for _press in range(2):
        transferring.confirm_transfer(approved, bank_number="PSBC-7788", by=collector(), now=road.now)
    approved.refresh_from_db()
    assert (approved.status, approved.provider_number) == (RefundStatus.SUCCEEDED, "PSBC-7788")
    with pytest.raises(refund_lifecycle.CannotRefund, match="已退回"):
        transferring.confirm_transfer(approved, bank_number="PSBC-7789", by=collector(), now=road.now)
    assert all(one.holds for one in audit())


def bounced(road: Road, refund: Refund) -> Refund:
    transferring.report_bounce(refund, why="户名不符", by=collector(), now=road.now)
    return transferring.fail_transfer(refund, by=User.objects.get(username="second"), now=road.now)


def test_a_transfer_comes_back_by_the_word_of_two(road: Road, approved: Refund, twice: Receipt) -> None:
    second = User.objects.get(username="second")
    with pytest.raises(refund_lifecycle.CannotRefund, match="请先登记银行退票"):
        transferring.fail_transfer(approved, by=second, now=road.now)
    with pytest.raises(refund_lifecycle.CannotRefund, match="退票的原因"):
        transferring.report_bounce(approved, why=" ", by=collector(), now=road.now)
    for _press in range(2):
        transferring.report_bounce(approved, why="户名不符", by=collector(), now=road.now)
    with pytest.raises(refund_lifecycle.CannotRefund, match="另一名征缴人员"):
        transferring.fail_transfer(approved, by=collector(), now=road.now)
    # Until then nothing is free for another refund.
    assert held_money.held().get(pk=twice.pk).left_fen == 0
    for _press in range(2):
        transferring.fail_transfer(approved, by=second, now=road.now)
    approved.refresh_from_db()
    assert (approved.status, approved.why, approved.failed_by) == (RefundStatus.FAILED, "户名不符", second)
    assert held_money.held().get(pk=twice.pk).left_fen == twice.amount_fen
    assert all(one.holds for one in audit())


def test_the_database_wants_two_for_a_transfer_that_came_back(road: Road, approved: Refund) -> None:
    same = Refund.objects.filter(pk=approved.pk)
    for by in ({}, {"bounced_by": collector(), "failed_by": collector(), "bounced_why": "x"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            same.update(status="failed", why="x", ended_at=road.now, **by)


def test_what_was_thought_lost_and_was_made_is_recorded_as_made(road: Road, approved: Refund) -> None:
    transferring.report_bounce(approved, why="户名不符", by=collector(), now=road.now)
    done = transferring.confirm_transfer(approved, bank_number="PSBC-1", by=collector(), now=road.now)
    assert done.status == RefundStatus.SUCCEEDED
    with pytest.raises(refund_lifecycle.CannotRefund, match="已退回"):
        transferring.fail_transfer(approved, by=User.objects.get(username="second"), now=road.now)


def test_one_bank_number_is_one_transfer(road: Road, approved: Refund, twice: Receipt) -> None:
    bounced(road, approved)
    assert held_money.held().get(pk=twice.pk).left_fen == twice.amount_fen
    halves = [
        drafting.approve(
            drafting.draft(
                twice, amount_fen=fen, reason="重复扣款", key=uuid4(), by=collector(), now=road.now
            ),
            by=staff(f"second-{fen}", "孙立", "wuhan", COLLECTOR),
            now=road.now,
        )
        for fen in (100, 200)
    ]
    transferring.confirm_transfer(halves[0], bank_number="PSBC-1", by=collector(), now=road.now)
    with pytest.raises(refund_lifecycle.CannotRefund, match="另一笔"):
        transferring.confirm_transfer(halves[1], bank_number="PSBC-1", by=collector(), now=road.now)
    assert all(one.holds for one in audit())


def test_the_transfer_is_recorded_on_its_page(road: Road, approved: Refund, client: Client) -> None:
    client.force_login(collector(), backend="portal.accounts.doors.StaffDoor")
    url = f"/admin/contributions/refund/{approved.pk}/change/"
    assert "6217990000000188" in client.get(url).content.decode()
    assert client.post(url, {"step": "confirm", "transfer-bank_number": ""}).status_code == 422
    client.post(url, {"step": "confirm", "transfer-bank_number": "PSBC-7788"})
    approved.refresh_from_db()
    assert approved.status == RefundStatus.SUCCEEDED


def test_money_whose_payer_is_not_known_is_not_sent_anywhere(road: Road, twice: Receipt) -> None:
    [receipt] = receiving.receive(
        [twice.of_charge],
        channel="counter",
        provider_number="C-2",
        at=road.now,
        by=collector(),
        now=road.now,
        apply=False,
    )
    with pytest.raises(refund_lifecycle.CannotRefund, match="付款账户"):
        drafting.draft(receipt, amount_fen=1, reason="x", key=uuid4(), by=collector(), now=road.now)
