"""What a form, a link or a stranger may try on money: nothing but what the page offers takes
effect, for nobody but its owner."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from contributions.models import Charge, DebitBatch, Entry, Order, Payment, Receipt, Refund
from contributions.orders import closing
from contributions.refunds import sending
from portal.accounts.models import User
from tests.accounts.test_matrix import (
    NO_SESSION,
    NOT_SO,
    SAMPLES,
    VISITORS,
    World,
    addresses,
    answer,
    keys,
    things_of_a,
    visit,
)
from tests.cast import Cast
from tests.conftest import Clock
from tests.contributions.money_cast import Road, collector, worker
from tests.contributions.orders.conftest import CARD, PENSION, THIS, WUXI_PENSION_60, Provider, Till, audit
from tests.contributions.refunds.test_refunds import drafted, maker, paid_twice

__all__ = ["keys"]

pytestmark = pytest.mark.django_db

# What none of these forms asks for.
SMUGGLED = {
    "status": "paid",
    "live": "",
    "credited": "1",
    "applied": "1",
    "sum_fen": "1",
    "amount_fen": "1",
    "amount": "0.01",
    "received_fen": "1",
    "price": "0.01",
    "person": "1",
    "city": "wuhan",
    "expires_at": "2099-01-01",
    "released_by": "1",
    "opened_by": "1",
    "decided_by": "1",
    "drafted_by": "1",
    "provider_number": "X",
    "second_person": "",
}


# Every address of money × every visitor


@pytest.fixture
def world(cast: Cast, clock: Clock, keys: Path, settings: Any) -> World:
    settings.SEAL_DIR = keys
    return things_of_a(cast)


def test_what_takes_a_post_says_so_for_each_visitor(world: World, cast: Cast) -> None:
    """The table of all addresses has a line for every address of money that takes a POST; the
    others refuse one to everybody."""
    money = {
        name
        for name, pattern in addresses(get_resolver().url_patterns)
        if pattern.lookup_str.startswith("contributions.") and ":" not in name
    }
    assert {"order-pay", "order-card", "payment-callback", "record"} <= money
    posted = {sample.name for sample in SAMPLES if sample.method == "POST"}
    for name in sorted(money - posted):
        sample = next(one for one in SAMPLES if one.name == name)
        address = reverse(name, kwargs=sample.kwargs(world))
        given = {visitor: answer(visit(visitor, cast).post(address)) for visitor in VISITORS}
        # What partners sign is refused to every login alike.
        assert set(given.values()) <= {NOT_SO, NO_SESSION}, (
            f"{name} takes a POST, and the table does not say from whom: {given}"
        )


def test_whoever_is_no_collector_presses_nothing_in_the_workbench(
    till: Till, providers: dict[str, Provider], road: Road
) -> None:
    """Every address of the workbench's pages about money, posted to by everyone who is not the
    city's collector."""
    worker(1)
    road.charge()
    batch = road.open()
    receipt = Receipt.objects.get(entry=paid_twice(till, providers).entry)
    refund = drafted(till, receipt)
    objects: dict[str, Any] = {
        "debitbatch": batch.pk, "refund": refund.pk, "heldreceipt": receipt.pk, "payment": refund.payment_id,
        "order": Order.objects.get().pk, "charge": Charge.objects.first().pk,  # type: ignore[union-attr]
    }  # fmt: skip
    cast = till.cast
    strangers = [
        cast.wang_fang_login,
        cast.yongjiang_clerk,
        cast.ningbo_reviewer,
        cast.ningbo_staff_without_role,
    ]
    clients = [(stranger, Client()) for stranger in strangers]
    for stranger, client in clients:
        client.force_login(stranger)
    before = _money()
    tried = 0
    for name, pattern in addresses(get_resolver().url_patterns):
        if not name.startswith("admin:contributions_"):
            continue
        model = name.removeprefix("admin:contributions_").partition("_")[0]
        keywords = dict.fromkeys(getattr(pattern.pattern, "converters", {}), str(objects.get(model, 1)))
        address = reverse(name, kwargs=keywords)
        for stranger, client in clients:
            for step in ("release", "send", "approve", "close"):
                given = client.post(address, {"step": step, "confirmed": "1", **SMUGGLED})
                assert given.status_code in (302, 403, 404, 405), f"{stranger} at {name}: {given.status_code}"
                tried += 1
    assert tried > 100
    assert _money() == before


def _money() -> list[Any]:
    """All that could have been moved."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (Order, Payment, Charge, Receipt, Refund, DebitBatch, Entry)
    ]


# Forms that say more than they are asked


@pytest.fixture
def client(till: Till) -> Client:
    client = Client()
    client.force_login(till.cast.wang_fang_login)
    return client


@pytest.fixture
def order(till: Till) -> Order:
    return till.place({PENSION: ("60", [THIS])})


@pytest.mark.parametrize("channel", ["wechat", "alipay", "card"])
def test_nothing_smuggled_into_paying_is_read(
    till: Till, providers: dict[str, Provider], client: Client, order: Order, channel: str
) -> None:
    client.post(reverse("order-pay", args=[order.number]), {**SMUGGLED, "channel": channel})
    if channel == "card":
        client.post(reverse("order-card", args=[order.number]), {**SMUGGLED, **CARD})
        client.post(reverse("order-payment", args=[order.number]), {**SMUGGLED, "code": "000000"})
    [wanted] = providers[channel].announced.values()
    payment = Payment.objects.get()
    assert (wanted.amount_fen, payment.amount_fen, payment.status) == (
        WUXI_PENSION_60,
        WUXI_PENSION_60,
        "started",
    )
    assert (payment.credited, payment.received_fen, payment.provider_number) == (False, None, "")
    before = order.expires_at
    order.refresh_from_db()
    assert (order.status, order.sum_fen, order.city, order.expires_at) == (
        "open",
        WUXI_PENSION_60,
        "wuxi",
        before,
    )
    assert set(Charge.objects.values_list("status", flat=True)) == {"owed"}
    audit()


def test_nothing_smuggled_into_cancelling_is_read(till: Till, client: Client, order: Order) -> None:
    client.post(reverse("order-cancel", args=[order.number]), SMUGGLED)
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert not Charge.objects.filter(status="paid").exists()
    audit()


def test_nothing_smuggled_into_ordering_is_read(till: Till, client: Client) -> None:
    """The four steps with a price, a status and a number in the form: the order is the login's own,
    at the hall's price."""
    typed = {**SMUGGLED, "tier_pension": "60", "tier_medical": "", "span": "now"}
    look = client.post("/wuxi/services/flexible-pay/apply/", typed, follow=True).content.decode()
    key = re.search(r'name="key" value="([^"]+)"', look)
    assert key is not None
    sent = {**SMUGGLED, "action": "submit", "key": key[1], "sum": "0.01"}
    client.post("/wuxi/services/flexible-pay/materials/", sent, follow=True)
    order = Order.objects.get()
    assert order.person == till.cast.wang_fang
    assert (order.city, order.status, order.sum_fen) == ("wuxi", "open", WUXI_PENSION_60)


def test_a_callback_s_word_is_its_signature_s_alone(
    till: Till, providers: dict[str, Provider], order: Order
) -> None:
    """Parameters beside the signed body count for nothing."""
    payment = till.start(order)
    answered = Client().post(
        reverse("payment-callback", args=["wechat"]) + "?outcome=succeeded&amount=89880&status=succeeded",
        data={"number": payment.number, "outcome": "succeeded", **SMUGGLED},
    )
    assert answered.status_code != 200
    payment.refresh_from_db()
    assert payment.status == "started"
    assert not Entry.objects.exists()


# The workbench's forms


def as_staff(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="portal.accounts.doors.StaffDoor")
    return client


def test_whoever_opened_a_batch_does_not_release_it_by_a_form(road: Road) -> None:
    worker(1)
    road.charge()
    road.by = collector()
    batch = road.open()
    page = reverse("admin:contributions_debitbatch_change", args=[batch.pk])
    as_staff(road.by).post(page, {"step": "release", "confirmed": "1", **SMUGGLED})
    batch.refresh_from_db()
    assert (batch.status, batch.second_person, batch.released_by) == ("opened", True, None)


def test_whoever_drafted_a_refund_does_not_approve_it_by_a_form(
    till: Till, providers: dict[str, Provider]
) -> None:
    receipt = Receipt.objects.get(entry=paid_twice(till, providers).entry)
    refund = drafted(till, receipt)
    page = reverse("admin:contributions_refund_change", args=[refund.pk])
    for step in ("approve", "send", "confirm"):
        as_staff(maker()).post(page, {"step": step, "confirmed": "1", **SMUGGLED})
    refund.refresh_from_db()
    assert (refund.status, refund.amount_fen, refund.decided_by) == ("drafted", receipt.amount_fen, None)
    assert sending.send_due(by=till.system, now=till.now) == 0
    assert not providers["alipay"].given


def test_dropping_anothers_payment_does_nothing(till: Till, client: Client, order: Order) -> None:
    payment = till.start(order)
    stranger = Client()
    stranger.force_login(till.cast.li_qiang_login)
    for name in ("order-drop", "order-cancel", "order-pay", "order-card", "order-payment"):
        assert (
            stranger.post(reverse(name, args=[order.number]), {"channel": "wechat", **CARD}).status_code
            == 404
        )
    payment.refresh_from_db()
    assert payment.live
    assert closing.drop(payment, by=order.placed_by, now=till.now).status == "closed"
