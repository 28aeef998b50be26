"""Orders paid through every channel against the providers' stand-in: real HTTP, real signatures,
callbacks included."""

from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from contributions.audit.looking import audit
from contributions.models import Order, OrderStatus, Payment, PaymentNotice, PaymentStatus
from contributions.orders import asking, closing, paying, placing, queries
from portal.accounts.models import User
from portal.shared.insurance import Insurance
from portal.shared.months import month_in_china
from tests.cast import Cast, cover
from tests.contributions.channels.conftest import PAYER
from tests.gateway import StandIn

pytestmark = pytest.mark.django_db(transaction=True)

CHANNELS = ("card", "alipay", "wechat")


@pytest.fixture
def order(cast: Cast, gateway: StandIn, live_server: Any, settings: Any) -> Order:
    """An order of 898.80 yuan in Wuxi, and a hall that providers reach."""
    settings.PUBLIC_URL = live_server.url
    this = month_in_china(timezone.now())
    cover(cast.wang_fang, Insurance.PENSION, "wuxi", str(this - 6), tier="60")
    return placing.place(
        person=cast.wang_fang,
        city="wuxi",
        picks={Insurance.PENSION: ("60", [this])},
        key=uuid4(),
        by=cast.wang_fang_login,
        now=timezone.now(),
    )


def started(gateway: StandIn, order: Order, channel: str) -> Payment:
    payer = PAYER if channel == "card" else {}
    payment = paying.start_payment(
        order=order, channel=channel, payer=payer, by=order.placed_by, now=timezone.now()
    )
    if payment.redirect_url:
        # Alipay hears of a payment when the payer opens its page.
        gateway.visit(payment.redirect_url)
    return payment


def asked(payment: Payment) -> None:
    asking.ask(Payment.objects.get(pk=payment.pk), by=User.objects.system(), now=timezone.now())


def ends_well(order: Order) -> None:
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID
    assert order.payments.get(credited=True).received_fen == 89880
    assert not queries.to_give_back().exists()
    assert all(one.holds for one in audit())


@pytest.mark.parametrize("scenario", ["plain", "late", "repeated", "hundred", "failed_first", "stale"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_callback_pays_however_it_comes(
    order: Order, gateway: StandIn, channel: str, scenario: str
) -> None:
    payment = started(gateway, order, channel)
    gateway.pay(channel, payment.number, scenario)
    ends_well(order)
    assert PaymentNotice.objects.filter(verdict="applied", payment=payment).exists()


@pytest.mark.parametrize("scenario", ["forged", "unsigned", "tampered", "dropped"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_what_cannot_be_believed_or_never_comes_is_asked_for(
    order: Order, gateway: StandIn, channel: str, scenario: str
) -> None:
    payment = started(gateway, order, channel)
    gateway.pay(channel, payment.number, scenario)
    order.refresh_from_db()
    assert order.is_open
    assert PaymentNotice.objects.filter(verdict="forged").exists() == (scenario != "dropped")
    asked(payment)
    ends_well(order)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_fen_too_much_is_held(order: Order, gateway: StandIn, channel: str) -> None:
    payment = started(gateway, order, channel)
    gateway.pay(channel, payment.number, "fen_off")
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.status, order.status) == (PaymentStatus.HELD, OrderStatus.CANCELLED)
    assert [one.pk for one in queries.to_give_back()] == [payment.pk]
    assert all(one.holds for one in audit())


@pytest.mark.parametrize("channel", CHANNELS)
def test_cancelled_at_the_provider_too(order: Order, gateway: StandIn, channel: str) -> None:
    payment = started(gateway, order, channel)
    closing.cancel(order, by=order.placed_by, now=timezone.now())
    payment.refresh_from_db()
    assert payment.status == PaymentStatus.CLOSED
    assert not gateway.pay(channel, payment.number)


@pytest.mark.parametrize("channel", CHANNELS)
def test_paid_although_it_was_closed_is_given_back(order: Order, gateway: StandIn, channel: str) -> None:
    payment = started(gateway, order, channel)
    gateway.pay(channel, payment.number, "closed_then_paid")
    closing.cancel(order, by=order.placed_by, now=timezone.now())
    gateway.wait()
    payment.refresh_from_db()
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELLED
    assert (payment.status, payment.credited) == (PaymentStatus.SUCCEEDED, False)
    assert [one.pk for one in queries.to_give_back()] == [payment.pk]
    assert all(one.holds for one in audit())


@pytest.mark.parametrize("fault", ["silent", "error", "garbage", "bad_signature", "unsigned"])
@pytest.mark.parametrize("channel", ["card", "wechat"])
def test_no_answer_to_the_announcement_is_asked_about_and_nothing_is_begun_twice(
    order: Order, gateway: StandIn, channel: str, fault: str
) -> None:
    gateway.fault(channel, fault)
    payment = started(gateway, order, channel)
    assert payment.status == PaymentStatus.UNKNOWN
    assert started(gateway, order, channel) == payment
    gateway.pay(channel, payment.number, "dropped")
    asked(payment)
    ends_well(order)
