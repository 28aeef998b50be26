"""How an order stands for its payer: one word for each page."""

import datetime as dt

import pytest
from django.template.loader import get_template

from contributions.models import Order, OrderStatus, Payment
from contributions.pages.orders.situation import Situation, situation_of
from tests.cast import NOW

UNDER_WAY = Payment()
LATER, EARLIER = NOW + dt.timedelta(minutes=1), NOW - dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("status", "current", "expires_at", "situation"),
    [
        (OrderStatus.OPEN, None, LATER, Situation.PAYABLE),
        (OrderStatus.OPEN, None, NOW, Situation.OVER),
        (OrderStatus.OPEN, UNDER_WAY, LATER, Situation.UNDER_WAY),
        (OrderStatus.OPEN, UNDER_WAY, EARLIER, Situation.UNDER_WAY),
        (OrderStatus.PAID, None, EARLIER, Situation.PAID),
        # A payment that was thought to be closed has paid it, while another one is under way.
        (OrderStatus.PAID, UNDER_WAY, LATER, Situation.PAID),
        (OrderStatus.CANCELLED, UNDER_WAY, LATER, Situation.UNDER_WAY),
        (OrderStatus.CANCELLED, None, LATER, Situation.ENDED),
        (OrderStatus.EXPIRED, None, EARLIER, Situation.ENDED),
        (OrderStatus.REVERSED, None, EARLIER, Situation.ENDED),
    ],
)
def test_an_order_stands_in_one_way(
    status: OrderStatus, current: Payment | None, expires_at: dt.datetime, situation: Situation
) -> None:
    assert situation_of(Order(status=status, expires_at=expires_at), current, NOW) == situation


@pytest.mark.parametrize("situation", Situation)
def test_every_situation_has_its_page(situation: Situation) -> None:
    get_template(f"contributions/orders/order/{situation}.html")
