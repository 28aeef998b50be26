"""Doubled and late payments find themselves: each refund is drafted once, for staff to release, and
who paid is told."""

import pytest
from django.core.management import call_command

from contributions.books import receiving
from contributions.models import Receipt, Refund, RefundPart, RefundStatus, RefundWay
from contributions.refunds import doubled, drafting, held_money, sending
from contributions.tasks.orders import draft_refunds
from portal.accounts.models import Notice
from tests.conftest import Kept
from tests.contributions.money_cast import Road, charge_of, collector, worker
from tests.contributions.orders.conftest import (
    WUXI_MEDICAL_60,
    WUXI_PENSION_60,
    Provider,
    Till,
    audit,
    providers,
    till,
)
from tests.contributions.orders.test_races import in_crowd
from tests.contributions.refunds.test_refund_races import without_unique_key
from tests.contributions.refunds.test_refunds import checker, maker, paid_late, paid_twice
from tests.hall.test_races import Meeting, at_once, without_triggers

__all__ = ["providers", "till"]

pytestmark = pytest.mark.django_db


def run(till: Till) -> int:
    return doubled.draft_refunds(by=till.system, now=till.now)


def test_what_was_paid_twice_is_drafted_and_told(till: Till, providers: dict[str, Provider]) -> None:
    payment = paid_twice(till, providers)
    assert run(till) == 1
    refund = Refund.objects.get()
    assert (refund.status, refund.way, refund.payment, refund.amount_fen) == (
        RefundStatus.DRAFTED,
        RefundWay.CHANNEL,
        payment,
        WUXI_PENSION_60,
    )
    assert refund.reason == "重复缴费：该月已另行缴费"
    notice = Notice.objects.get(kind=doubled.NOTICE_KIND)
    assert notice.person == till.cast.wang_fang
    assert notice.text == (
        "收到的下列款项没有入账：2026年11月养老保险 898.80 元（重复缴费：该月已另行缴费）。"
        "已自动发起退款，经工作人员复核后原路退回，您不需要另行申请。"
    )
    drafting.approve(refund, by=checker(), now=till.now)
    sending.send_due(by=till.system, now=till.now)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert providers["alipay"].given == {refund.number: WUXI_PENSION_60}
    audit()


def test_again_it_finds_nothing(till: Till, providers: dict[str, Provider]) -> None:
    paid_twice(till, providers)
    draft_refunds()
    call_command("draft_refunds", verbosity=0)
    assert run(till) == 0
    assert Refund.objects.count() == Notice.objects.filter(kind=doubled.NOTICE_KIND).count() == 1


def test_a_payment_that_came_too_late_is_one_message_for_all_its_months(
    till: Till, providers: dict[str, Provider]
) -> None:
    """And one refund: staff decide once, and the provider is asked once."""
    paid_late(till, providers)
    assert run(till) == 1
    refund = Refund.objects.get()
    assert (refund.reason, refund.amount_fen) == (
        "订单完结后到账，没有入账",
        WUXI_PENSION_60 + WUXI_MEDICAL_60,
    )
    assert [one.amount_fen for one in refund.parts.order_by("pk")] == [WUXI_PENSION_60, WUXI_MEDICAL_60]
    assert Notice.objects.get(kind=doubled.NOTICE_KIND).text.count("元") == 2
    drafting.approve(refund, by=checker(), now=till.now)
    sending.send_due(by=till.system, now=till.now)
    assert providers["wechat"].given == {refund.number: refund.amount_fen}
    assert {one.whole for one in held_money.returned(list(Receipt.objects.all())).values()} == {True}
    audit()


def test_what_staff_refused_or_are_at_already_is_left_to_them(
    till: Till, providers: dict[str, Provider]
) -> None:
    paid_twice(till, providers)
    run(till)
    drafting.refuse(Refund.objects.get(), why="缴费人要求抵缴下月", by=checker(), now=till.now)
    assert run(till) == 0
    assert Refund.objects.count() == 1


def test_another_sum_than_was_asked_for_is_left_to_staff(till: Till, providers: dict[str, Provider]) -> None:
    order = till.place()
    payment = till.start(order, "wechat")
    till.tell(providers["wechat"].pays(payment.number, fen=WUXI_PENSION_60 - 1))
    assert Receipt.objects.get().applied is False
    assert run(till) == 0


def test_what_a_debit_drew_twice_goes_back_to_the_account_that_was_drawn(road: Road) -> None:
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
    assert doubled.draft_refunds(by=road.by, now=road.now) == 1
    refund = Refund.objects.get()
    assert (refund.way, refund.account_number, refund.holder) == (
        RefundWay.BANK,
        "6217990000000188",
        who.name,
    )
    audit()


def test_money_whose_account_nobody_knows_waits_for_staff(road: Road) -> None:
    who = worker(1)
    road.charge()
    for number in ("C-1", "C-2"):
        receiving.receive(
            [charge_of(who)], channel="counter", provider_number=number, at=road.now, by=collector()
        )
    assert Receipt.objects.filter(applied=False).count() == 1
    assert doubled.draft_refunds(by=road.by, now=road.now) == 0
    assert held_money.to_draft(["wuhan"]).count() == 1


def test_the_hall_drafts_and_so_nobody_of_the_staff_is_barred_from_checking(
    till: Till, providers: dict[str, Provider]
) -> None:
    paid_twice(till, providers)
    run(till)
    assert drafting.why_not_decide(Refund.objects.get(), maker()) == ""


# Five at once


@pytest.fixture
def many(till: Till, providers: dict[str, Provider]) -> Till:
    for _again in range(3):
        paid_late(till, providers)
        till.clock.step(minutes=1)
    return till


@pytest.mark.django_db(transaction=True)
def test_five_at_once_draft_each_once(many: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubled, "ENTRIES_AT_A_TIME", 1)
    results = in_crowd(lambda: run(many), 5, 5)
    assert all(isinstance(one, int) for one in results), results
    assert sum(results) == Refund.objects.count() == 3
    assert RefundPart.objects.count() == Receipt.objects.filter(applied=False).count() == 6
    assert Notice.objects.filter(kind=doubled.NOTICE_KIND).count() == 3
    audit()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("database", [True, False])
def test_control_without_the_claim_two_runs_collide_and_only_the_database_keeps_them_apart(
    till: Till, providers: dict[str, Provider], monkeypatch: pytest.MonkeyPatch, database: bool, kept: Kept
) -> None:
    paid_late(till, providers)
    meeting = Meeting()
    monkeypatch.setattr(doubled, "claim_doubled", list)
    monkeypatch.setattr(doubled, "draft_doubled", meeting.before(doubled.draft_doubled))
    if database:
        at_once(*[lambda: run(till)] * 2)
        assert Refund.objects.count() == 1
    else:
        with without_unique_key(), without_triggers(RefundPart):
            assert at_once(*[lambda: run(till)] * 2) == [1, 1]
            assert Refund.objects.count() == 2
    assert meeting.met
