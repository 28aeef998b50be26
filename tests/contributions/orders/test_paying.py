"""Paying an order: the faults that providers, networks and payers make, each survived without a fen
lost or taken twice."""

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from contributions.books import receiving
from contributions.channels.protocol import Answer, Outcome, Refused
from contributions.models import (
    Charge,
    ChargeStatus,
    Entry,
    LedgerAccount,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Receipt,
)
from contributions.orders import answers, asking, closing, payer_kept, paying, queries, queued
from contributions.orders.ending import StillPaying
from contributions.orders.paying import NotOffered, OrderEnded, PaymentUnderWay
from portal.accounts.models import Notice
from portal.watch.models import Failure
from tests.contributions.orders.conftest import (
    CARD,
    MEDICAL,
    PENSION,
    THIS,
    WUXI_PENSION_60,
    Provider,
    Till,
    audit,
)

pytestmark = [pytest.mark.django_db, pytest.mark.as_app]


@pytest.fixture
def wechat(providers: dict[str, Provider]) -> Provider:
    return providers["wechat"]


@pytest.fixture
def card(providers: dict[str, Provider]) -> Provider:
    return providers["card"]


@pytest.fixture(autouse=True)
def audited(till: Till) -> object:
    """After every fault the books are looked through."""
    yield
    audit()


def again(row: Any) -> Any:
    row.refresh_from_db()
    return row


def in_suspense() -> int:
    """What lies in suspense, in fen."""
    legs = [leg.amount_fen for one in LedgerAccount.objects.filter(kind="suspense") for leg in one.legs.all()]
    return -sum(legs)


def test_paid_is_credited_at_once(till: Till, wechat: Provider) -> None:
    order = till.place({PENSION: ("60", [THIS]), MEDICAL: ("60", [THIS])})
    payment = till.start(order)
    assert payment.qr_text
    till.tell(wechat.pays(payment.number))
    assert again(order).status == OrderStatus.PAID
    assert (again(payment).status, payment.credited, payment.received_fen) == (
        "succeeded",
        True,
        order.sum_fen,
    )
    assert set(Charge.objects.values_list("status", flat=True)) == {ChargeStatus.PAID}
    assert Receipt.objects.filter(applied=True, entry=payment.entry).count() == 2
    assert Entry.objects.count() == 1
    assert not queries.to_give_back().exists()


def test_card_code_and_a_wrong_one_first(till: Till, card: Provider) -> None:
    order = till.place()
    payment = till.start(order, "card")
    assert (payment.needs_code, payment.payer, payment.payer_account) == (
        True,
        {},
        "****" + CARD["card_number"][-4:],
    )
    left = paying.confirm(payment, "000000", by=order.placed_by, now=till.now)
    assert "不正确" in left
    assert again(order).is_open
    assert paying.confirm(again(payment), "135790", by=order.placed_by, now=till.now) == ""
    assert again(order).status == OrderStatus.PAID


def test_the_code_twice_pays_once(till: Till, card: Provider) -> None:
    order = till.place()
    payment = till.start(order, "card")
    stale = Payment.objects.get(pk=payment.pk)
    for one in (payment, stale):
        paying.confirm(one, "135790", by=order.placed_by, now=till.now)
    assert Entry.objects.count() == 1


def test_no_answer_to_the_code_is_unknown_and_asked(till: Till, card: Provider) -> None:
    order = till.place()
    payment = till.start(order, "card")
    card.cut = {"confirm"}
    paying.confirm(payment, "135790", by=order.placed_by, now=till.now)
    assert again(payment).status == PaymentStatus.UNKNOWN
    till.clock.step(seconds=21)
    till.rings()
    assert again(order).status == OrderStatus.PAID


def test_the_callback_comes_before_the_payer_returns(till: Till, wechat: Provider) -> None:
    order = till.place()
    payment = till.start(order)
    till.tell(wechat.pays(payment.number))
    asking.ask(again(payment), by=till.system, now=till.now)
    closing.drop(again(payment), by=order.placed_by, now=till.now)
    assert again(order).status == OrderStatus.PAID
    assert Entry.objects.count() == 1


def test_the_same_callback_a_hundred_times_and_a_day_later(till: Till, wechat: Provider) -> None:
    order = till.place()
    answer = wechat.pays(till.start(order).number)
    for _time in range(100):
        till.tell(answer)
    till.clock.step(hours=25)
    till.tell(answer)
    assert (Entry.objects.count(), Receipt.objects.count()) == (1, 1)


@pytest.mark.parametrize("off_by", [-1, 1])
def test_a_fen_too_much_or_too_little_is_held_and_credits_nothing(
    till: Till, wechat: Provider, caplog: pytest.LogCaptureFixture, off_by: int
) -> None:
    order = till.place()
    payment = till.start(order)
    till.tell(wechat.pays(payment.number, fen=order.sum_fen + off_by))
    assert again(payment).status == PaymentStatus.HELD
    assert again(order).status == OrderStatus.CANCELLED
    assert not Charge.objects.filter(status=ChargeStatus.PAID).exists()
    assert in_suspense() == order.sum_fen + off_by
    assert "held" in caplog.text
    [kept] = queries.to_give_back()
    assert (kept, kept.over_fen) == (payment, order.sum_fen + off_by)  # type: ignore[attr-defined]
    # Said again, it is held once; and the month can be paid anew.
    till.tell(wechat.paid[payment.number])
    assert Receipt.objects.count() == 1
    assert till.place().is_open


def test_success_after_the_order_expired_is_kept_and_given_back(till: Till, wechat: Provider) -> None:
    order = till.place({PENSION: ("60", [THIS, THIS + 1])})
    payment = till.start(order)
    till.clock.step(minutes=31)
    till.rings()
    till.rings()
    assert again(order).status == OrderStatus.EXPIRED
    assert again(payment).status == PaymentStatus.CLOSED
    till.tell(wechat.pays(payment.number))
    assert again(order).status == OrderStatus.EXPIRED
    assert (again(payment).status, payment.credited) == (PaymentStatus.SUCCEEDED, False)
    assert not Charge.objects.filter(status=ChargeStatus.PAID).exists()
    assert in_suspense() == order.sum_fen
    assert [one.over_fen for one in queries.to_give_back()] == [2 * WUXI_PENSION_60]  # type: ignore[attr-defined]


def test_what_was_paid_just_before_the_end_counts_when_the_end_is_asked_for(
    till: Till, wechat: Provider
) -> None:
    order = till.place()
    payment = till.start(order)
    wechat.pays(payment.number)
    till.clock.step(minutes=31)
    till.rings()
    assert wechat.asked("close") == 1
    assert again(order).status == OrderStatus.PAID


def test_an_order_does_not_end_while_its_payment_is_unknown(till: Till, wechat: Provider) -> None:
    order = till.place()
    payment = till.start(order)
    wechat.down = {"close", "ask"}
    till.clock.step(minutes=31)
    till.rings()
    assert again(payment).status == PaymentStatus.UNKNOWN
    assert again(order).is_open
    with pytest.raises(StillPaying):
        closing.cancel(order, by=order.placed_by, now=till.now)
    wechat.down = set()
    till.clock.step(minutes=11)
    till.rings()
    assert again(order).status == OrderStatus.EXPIRED


def test_failure_then_success_is_paid(till: Till, wechat: Provider) -> None:
    order = till.place()
    payment = till.start(order)
    till.tell(wechat.fails(payment.number))
    assert (again(payment).status, payment.why) == (PaymentStatus.FAILED, "余额不足")
    till.tell(wechat.pays(payment.number))
    assert again(order).status == OrderStatus.PAID
    assert again(payment).credited


def test_success_then_failure_stays_paid(till: Till, wechat: Provider) -> None:
    order = till.place()
    payment = till.start(order)
    till.tell(wechat.pays(payment.number))
    till.tell(wechat.fails(payment.number))
    assert again(payment).status == PaymentStatus.SUCCEEDED
    assert again(order).status == OrderStatus.PAID


def test_a_callback_that_never_comes_is_asked_for(till: Till, wechat: Provider) -> None:
    order = till.place()
    payment = till.start(order)
    wechat.pays(payment.number)
    till.rings()
    assert again(order).is_open, "it is not time to ask"
    till.clock.step(seconds=20)
    till.rings()
    assert again(order).status == OrderStatus.PAID


def test_paid_by_two_channels_one_is_given_back(till: Till, providers: dict[str, Provider]) -> None:
    order = till.place()
    first = till.start(order, "wechat")
    till.tell(providers["wechat"].fails(first.number))
    second = till.start(order, "alipay")
    till.tell(providers["wechat"].pays(first.number))
    assert again(order).status == OrderStatus.PAID
    till.tell(providers["alipay"].pays(second.number), "alipay")
    assert (again(first).credited, again(second).credited) == (True, False)
    assert in_suspense() == order.sum_fen
    assert [one.pk for one in queries.to_give_back()] == [second.pk]


def test_what_is_under_way_when_another_payment_paid_is_closed(
    till: Till, providers: dict[str, Provider]
) -> None:
    order = till.place()
    first = till.start(order, "wechat")
    till.tell(providers["wechat"].fails(first.number))
    second = till.start(order, "alipay")
    till.tell(providers["wechat"].pays(first.number))
    till.clock.step(seconds=20)
    till.rings()
    assert providers["alipay"].asked("close") == 1
    assert again(second).status == PaymentStatus.CLOSED


def test_a_provider_that_does_not_answer_is_asked_before_anything_is_begun_anew(
    till: Till, wechat: Provider
) -> None:
    order = till.place()
    wechat.cut = {"start"}
    payment = till.start(order)
    assert payment.status == PaymentStatus.UNKNOWN
    assert till.start(order) == payment
    with pytest.raises(PaymentUnderWay):
        till.start(order, "alipay")
    wechat.pays(payment.number)
    till.clock.step(seconds=20)
    till.rings()
    assert again(order).status == OrderStatus.PAID


def test_what_a_provider_never_heard_of_has_failed_and_may_be_begun_anew(
    till: Till, wechat: Provider
) -> None:
    order = till.place()
    wechat.down = {"start"}
    first = till.start(order)
    wechat.down = set()
    till.clock.step(seconds=20)
    till.rings()
    assert again(first).status == PaymentStatus.FAILED
    second = till.start(order)
    assert second.number != first.number
    till.tell(wechat.pays(second.number))
    assert again(order).status == OrderStatus.PAID


def test_a_worker_killed_before_it_told_the_provider_leaves_nothing_stuck(
    till: Till, wechat: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = till.place()
    with monkeypatch.context() as killed:
        killed.setattr(paying, "announce", lambda *args, **more: None)
        first = till.start(order)
    assert first.status == PaymentStatus.STARTED
    till.clock.step(seconds=20)
    till.rings()
    assert (again(first).status, first.payer) == (PaymentStatus.FAILED, {})
    assert till.start(order).qr_text


def test_pressed_twice_is_one_payment(till: Till, wechat: Provider) -> None:
    order = till.place()
    assert till.start(order) == till.start(order)
    assert wechat.asked("start") == 1


def test_another_channel_waits_until_the_first_is_closed(till: Till, providers: dict[str, Provider]) -> None:
    order = till.place()
    first = till.start(order, "wechat")
    with pytest.raises(PaymentUnderWay) as other:
        till.start(order, "alipay")
    assert other.value.payment == first
    closing.drop(first, by=order.placed_by, now=till.now)
    assert till.start(order, "alipay").redirect_url


def test_dropping_what_was_paid_pays(till: Till, wechat: Provider) -> None:
    order = till.place()
    payment = till.start(order)
    wechat.pays(payment.number)
    assert closing.drop(payment, by=order.placed_by, now=till.now).status == PaymentStatus.SUCCEEDED
    assert again(order).status == OrderStatus.PAID


def test_cancelling_what_was_paid_keeps_it_paid(till: Till, wechat: Provider) -> None:
    order = till.place()
    payment = till.start(order)
    wechat.pays(payment.number)
    assert closing.cancel(order, by=order.placed_by, now=till.now).status == OrderStatus.PAID


def test_a_card_that_is_refused_can_be_mended(till: Till, card: Provider) -> None:
    order = till.place()
    card.refuses = Refused("余额不足", "card_number")
    with pytest.raises(Refused):
        till.start(order, "card")
    [failed] = order.payments.all()
    assert (failed.status, failed.why, failed.payer) == (PaymentStatus.FAILED, "余额不足", {})
    card.refuses = None
    assert till.start(order, "card").needs_code


def test_no_card_number_stays_with_us(till: Till, card: Provider) -> None:
    till.start(till.place(), "card")
    assert CARD["card_number"] not in str(list(Payment.objects.values()))


def test_paid_at_the_counter_while_the_order_is_open(till: Till, wechat: Provider) -> None:
    order = till.place({PENSION: ("60", [THIS, THIS + 1])})
    payment = till.start(order)
    receiving.receive(
        [Charge.objects.get(month=THIS)], channel="counter", provider_number="1", at=till.now, by=till.system
    )
    till.tell(wechat.pays(payment.number))
    assert again(order).status == OrderStatus.PAID
    assert in_suspense() == WUXI_PENSION_60
    assert [one.over_fen for one in queries.to_give_back()] == [WUXI_PENSION_60]  # type: ignore[attr-defined]


def test_nothing_is_begun_for_an_order_that_is_over(till: Till) -> None:
    order = till.place()
    till.clock.step(minutes=30)
    with pytest.raises(OrderEnded):
        till.start(order)


def test_a_channel_that_the_city_does_not_offer(till: Till) -> None:
    order = till.place(city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login)
    with pytest.raises(NotOffered):
        till.start(order, "wechat")


def test_a_success_without_a_sum_is_asked_again(till: Till, wechat: Provider) -> None:
    order = till.place()
    payment = till.start(order)
    till.tell(Answer(payment.number, Outcome.SUCCEEDED))
    assert again(payment).status == PaymentStatus.UNKNOWN
    assert again(order).is_open


def test_what_is_not_ours_changes_nothing(till: Till, caplog: pytest.LogCaptureFixture) -> None:
    order = till.place()
    payment = till.start(order)
    assert till.tell(Answer("P0", Outcome.SUCCEEDED, 1, "x")) is None
    assert till.tell(Answer(payment.number, Outcome.SUCCEEDED, order.sum_fen, "x"), "alipay") is None
    assert "not ours" in caplog.text
    assert again(order).is_open


# Asking


def test_questions_come_more_and_more_slowly(till: Till, wechat: Provider) -> None:
    till.start(till.place())
    for _second in range(200):
        till.clock.step(seconds=1)
        till.rings()
    assert wechat.asked() == 4


def test_a_payer_who_watches_asks_at_most_every_three_seconds(till: Till, wechat: Provider) -> None:
    payment = till.start(till.place())
    for _look in range(10):
        till.clock.step(seconds=1)
        asking.ask_watched(again(payment), by=till.system, now=till.now)
    assert wechat.asked() == 3


def test_one_question_is_asked_by_one_worker(till: Till, wechat: Provider) -> None:
    payment = till.start(till.place())
    till.clock.step(seconds=20)
    for one in [Payment.objects.get(pk=payment.pk) for _worker in range(5)]:
        asking.ask(one, by=till.system, now=till.now)
    assert wechat.asked() == 1


# A bank's hours


FRIDAY_EVENING = "2026-11-20 18:30"
MONDAY = dt.datetime.fromisoformat("2026-11-23T09:00:00+08:00")


@pytest.fixture
def shenzhen(till: Till) -> Order:
    till.clock.set("2026-11-20 16:50")
    return till.place(city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login)


def in_the_evening(till: Till) -> Order:
    till.clock.set(FRIDAY_EVENING)
    return till.place(city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login)


def test_started_at_16_59_59_and_confirmed_at_17_00_05(till: Till, shenzhen: Order, card: Provider) -> None:
    till.clock.set("2026-11-20 16:59:59")
    payment = till.start(shenzhen, "card")
    assert payment.status == PaymentStatus.STARTED
    till.clock.set("2026-11-20 17:00:05")
    paying.confirm(payment, "135790", by=shenzhen.placed_by, now=till.now)
    assert again(shenzhen).status == OrderStatus.PAID


def test_at_five_the_payment_waits_for_monday(till: Till, shenzhen: Order, card: Provider) -> None:
    till.clock.set("2026-11-20 17:00:00")
    payment = till.start(shenzhen, "card")
    assert (payment.status, payment.start_at) == (PaymentStatus.QUEUED, MONDAY)
    assert card.asked("start") == 0
    assert again(shenzhen).expires_at == MONDAY + dt.timedelta(minutes=30)


def test_an_order_of_the_evening_has_one_day_and_a_reminder_before_it(till: Till, card: Provider) -> None:
    order = in_the_evening(till)
    assert order.expires_at == MONDAY + dt.timedelta(minutes=30)
    payment = till.start(order, "card")
    assert again(order).expires_at == order.expires_at
    till.clock.set("2026-11-23 08:49:59")
    assert queued.remind_queued(now=till.now) == 0
    till.clock.set("2026-11-23 08:50:00")
    queued.remind_queued(now=till.now)
    queued.remind_queued(now=till.now)
    told = Notice.objects.get(kind=queued.REMINDER)
    assert (told.person, told.reference, told.by_text) == (order.person, payment.number, True)
    assert "2026年11月23日 09:00 发起" in told.text
    assert "2026年11月23日 09:30 前" in told.text
    closing.drop(payment, by=order.placed_by, now=till.now)
    assert queued.remind_queued(now=till.now) == 0


def test_what_waited_is_started_when_the_bank_opens_once(till: Till, card: Provider) -> None:
    order = in_the_evening(till)
    payment = till.start(order, "card")
    till.clock.set("2026-11-23 08:59:59")
    till.rings()
    assert again(payment).status == PaymentStatus.QUEUED
    assert again(order).is_open
    till.clock.set("2026-11-23 09:00:30")
    till.rings()
    till.rings()
    assert (again(payment).status, payment.needs_code, payment.payer) == (PaymentStatus.STARTED, True, {})
    assert card.asked("start") == 1
    assert card.announced[payment.number].payer["card_number"] == CARD["card_number"]
    paying.confirm(payment, "135790", by=order.placed_by, now=till.now)
    assert again(order).status == OrderStatus.PAID


def test_what_waits_is_kept_so_that_the_database_does_not_tell_it(
    till: Till, card: Provider, settings: Any
) -> None:
    order = in_the_evening(till)
    payment = till.start(order, "card")
    kept = Payment.objects.values_list("payer", flat=True).get(pk=payment.pk)
    for told in CARD.values():
        assert told not in json.dumps(kept, ensure_ascii=False)
    # A new key opens what the former one sealed.
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-key-of-the-hall"
    till.clock.set("2026-11-23 09:00:30")
    till.rings()
    assert again(payment).status == PaymentStatus.STARTED
    assert card.announced[payment.number].payer == CARD


def test_without_its_key_what_waited_is_asked_for_again(till: Till, card: Provider, settings: Any) -> None:
    order = in_the_evening(till)
    payment = till.start(order, "card")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "quite-another-key", []
    till.clock.set("2026-11-23 09:00:30")
    till.rings()
    assert card.announced[payment.number].payer == {}
    assert again(payment).payer == {}


def test_what_was_kept_plainly_before_is_still_sent() -> None:
    assert payer_kept.opened(CARD) == CARD
    assert payer_kept.sealed({}) == {}


def test_what_waits_may_be_dropped_and_is_not_started(till: Till, card: Provider) -> None:
    order = in_the_evening(till)
    payment = till.start(order, "card")
    closing.drop(payment, by=order.placed_by, now=till.now)
    assert (again(payment).status, payment.payer) == (PaymentStatus.CLOSED, {})
    till.clock.set("2026-11-23 09:00:30")
    till.rings()
    assert card.asked("start") == 0


def test_a_schedule_that_was_down_over_the_day_starts_it_at_the_next_opening(
    till: Till, card: Provider
) -> None:
    order = in_the_evening(till)
    payment = till.start(order, "card")
    till.clock.set("2026-11-23 17:10")
    till.rings()
    assert again(payment).start_at == MONDAY + dt.timedelta(days=1)
    assert again(order).is_open
    till.clock.set("2026-11-24 09:01")
    till.rings()
    assert again(payment).status == PaymentStatus.STARTED


# What providers should not say


def told() -> list[str]:
    return [one.item for one in Failure.objects.filter(resolved_at=None)]


@pytest.mark.parametrize("fen", [0, -1, -WUXI_PENSION_60, 10**16, 10**30])
def test_a_success_of_a_sum_that_is_none_ends_the_payment_and_staff_are_told(
    till: Till, wechat: Provider, fen: int
) -> None:
    order = till.place()
    payment = till.start(order)
    till.tell(Answer(payment.number, Outcome.SUCCEEDED, fen, "W1"))
    assert (again(payment).status, payment.live, payment.entry) == ("failed", False, None)
    assert told() == [f"{payment.number} 金额异常（待核实）"]
    till.rings()
    assert told()
    # The order can be paid otherwise, and cancelled.
    assert closing.cancel(again(order), by=till.system, now=till.now).status == OrderStatus.CANCELLED
    # Should the provider say the sum after all, it counts.
    till.tell(wechat.pays(payment.number))
    assert again(payment).status == PaymentStatus.SUCCEEDED
    assert in_suspense() == WUXI_PENSION_60


def test_a_number_that_counts_anew_every_day_is_held_and_told(till: Till, wechat: Provider) -> None:
    first, second = till.place(), till.place({MEDICAL: ("60", [THIS])})
    one, two = till.start(first), till.start(second)
    till.tell(wechat.pays(one.number, mark="000001"))
    for _time in range(3):
        till.tell(wechat.pays(two.number, mark="000001"))
    assert (again(one).credited, again(first).status) == (True, OrderStatus.PAID)
    assert (again(two).status, two.credited, two.received_fen) == ("held", False, second.sum_fen)
    assert two.provider_number == f"000001#{two.number}"
    assert again(second).status == OrderStatus.CANCELLED
    assert in_suspense() == second.sum_fen
    assert told() == [f"{two.number} 流水号重复（待核实）"]
    # The other's word, said again, changes nothing either.
    till.tell(wechat.pays(one.number, mark="000001"))
    assert Receipt.objects.count() == 2


def test_asked_about_it_goes_on_to_the_others_and_is_asked_no_more(till: Till, wechat: Provider) -> None:
    orders_ = [till.place(), till.place({MEDICAL: ("60", [THIS])})]
    first, second = (till.start(one) for one in orders_)
    third = till.place(city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login)
    other = till.start(third, "card")
    wechat.pays(first.number, mark="1")
    wechat.pays(second.number, mark="1")
    till.providers["card"].pays(other.number)
    till.clock.step(minutes=1)
    asking.ask_due(by=till.system, now=till.now)
    assert [again(one).live for one in (first, second, other)] == [False, False, False]
    assert again(third).status == OrderStatus.PAID
    till.clock.step(hours=1)
    assert asking.ask_due(by=till.system, now=till.now) == 0


@pytest.mark.parametrize(
    ("number", "kept"),
    [("N" * 64, "N" * 20 + "~"), ("N" * 300, "N" * 20 + "~"), ("a\0b", "ab"), (" 7 ", "7")],
)
def test_any_number_can_be_kept(till: Till, wechat: Provider, number: str, kept: str) -> None:
    order = till.place()
    payment = till.start(order)
    till.tell(wechat.pays(payment.number, mark=number))
    assert again(order).status == OrderStatus.PAID
    assert again(payment).provider_number.startswith(kept)
    assert len(payment.provider_number) <= 40
    till.tell(wechat.pays(payment.number, mark=number))
    assert Receipt.objects.count() == 1


def test_any_reason_can_be_kept(till: Till, wechat: Provider) -> None:
    payment = till.start(till.place())
    till.tell(Answer(payment.number, Outcome.FAILED, why="余额\0不足" * 100))
    assert len(again(payment).why) == 200


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_a_time_of_payment_that_cannot_be_is_the_time_of_booking(
    till: Till, wechat: Provider, days: int
) -> None:
    payment = till.start(till.place())
    said = wechat.pays(payment.number)
    till.tell(replace(said, at=till.now + dt.timedelta(days=days)))
    assert Receipt.objects.get().received_at == till.now


def test_an_answer_that_breaks_something_leaves_the_payer_with_a_page_and_staff_with_a_word(
    till: Till, wechat: Provider, monkeypatch: pytest.MonkeyPatch, kept: list[object]
) -> None:
    order = till.place()
    payment = till.start(order)
    wechat.pays(payment.number)
    with monkeypatch.context() as broken:
        broken.setattr(answers, "money_came", lambda *_given, **_named: 1 / 0)
        with pytest.raises(StillPaying):
            closing.cancel(order, by=till.system, now=till.now)
        till.clock.step(minutes=1)
        assert asking.ask_watched(again(payment), by=till.system, now=till.now).live
    assert told() == [payment.number]
    till.clock.step(minutes=10)
    till.rings()
    assert again(order).status == OrderStatus.PAID
    assert told() == []
    assert len(kept) == 2


# Late months that would wait for the bank


def test_what_costs_another_sum_tomorrow_does_not_wait_for_tomorrows_bank(
    till: Till, card: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.clock.set("2026-11-17 16:50")
    order = till.place(city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login)
    till.clock.set("2026-11-17 17:00")
    with monkeypatch.context() as late:
        late.setattr(paying, "has_todays_price", lambda _order: True)
        with pytest.raises(NotOffered, match="另一天"):
            till.start(order, "card")
        assert not Payment.objects.exists()
    # What costs the same tomorrow waits.
    assert till.start(order, "card").status == PaymentStatus.QUEUED
