"""The pages of an order, and where providers call back."""

import json
from typing import Any

import pytest
from django.db import InternalError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contributions.channels.protocol import Refused
from contributions.models import (
    Charge,
    ForgedNotices,
    Order,
    OrderStatus,
    Payment,
    PaymentNotice,
    PaymentStatus,
)
from contributions.orders import answers, asking, closing, paying
from contributions.pages.orders import callbacks
from portal.watch.models import Failure
from tests.contributions.orders.conftest import CARD, MEDICAL, PENSION, THIS, Provider, Till, audit, months

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(till: Till) -> Client:
    client = Client()
    client.force_login(till.cast.wang_fang_login)
    return client


@pytest.fixture
def order(till: Till) -> Order:
    return till.place({PENSION: ("60", [THIS]), MEDICAL: ("60", [THIS])})


def page(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def call(
    client: Client, number: str, fen: int | None, *, outcome: str = "succeeded", signature: str = "good"
) -> Any:
    body = json.dumps({"number": number, "outcome": outcome, "amount": fen, "mark": f"wechat-{number}"})
    return client.post(
        "/pay/callbacks/wechat/", body, content_type="application/json", headers={"Signature": signature}
    )


def test_what_it_costs_why_and_how_long_it_stands(client: Client, order: Order) -> None:
    words = page(client, f"/orders/{order.number}/")
    for each in (
        "1,303.26",
        "为什么是这个数",
        "还剩 <span data-minutes-left>30</span> 分钟",
        "银行卡",
        "支付宝",
        "微信支付",
        "支付后请勿重复缴费",
    ):
        assert each in words


def test_paying_by_qr_code_until_it_is_paid(till: Till, client: Client, order: Order) -> None:
    answer = client.post(f"/orders/{order.number}/pay/", {"channel": "wechat"})
    assert answer["Location"] == f"/orders/{order.number}/payment/"
    words = page(client, answer["Location"])
    assert "data:image/svg+xml" in words
    assert "等待支付" in page(client, f"/orders/{order.number}/state/")
    payment = Payment.objects.get()
    till.providers["wechat"].pays(payment.number)
    till.clock.step(seconds=4)
    looked = client.get(f"/orders/{order.number}/state/")
    assert (looked.status_code, looked["Hall-Go"]) == (286, f"/orders/{order.number}/")
    words = page(client, f"/orders/{order.number}/")
    assert "缴费成功" in words
    assert f"/record/charges/{Charge.objects.first().pk}/" in words  # type: ignore[union-attr]
    assert client.get(f"/orders/{order.number}/payment/")["Location"] == f"/orders/{order.number}/"


def test_paying_by_card(client: Client, order: Order) -> None:
    assert client.post(f"/orders/{order.number}/pay/", {"channel": "card"})["Location"].endswith("/card/")
    words = page(client, f"/orders/{order.number}/card/")
    assert "确认支付 1,303.26 元" in words
    answer = client.post(f"/orders/{order.number}/card/", CARD)
    assert answer.status_code == 302, answer.content.decode()
    words = page(client, answer["Location"])
    assert "短信验证码" in words
    wrong = client.post(f"/orders/{order.number}/payment/", {"code": "1"}).content.decode()
    assert "还可以输入 2 次" in wrong
    right = client.post(f"/orders/{order.number}/payment/", {"code": "135790"})
    assert right["Location"] == f"/orders/{order.number}/"
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        (
            "card_number",
            CARD["card_number"][:-1] + str((int(CARD["card_number"][-1]) + 1) % 10),
            "有一位输错",
        ),
        ("holder", "", "持卡人姓名"),
        ("identity_number", "330211198805120246", "身份证号码不正确"),
        ("phone", "1380000", "11 位手机号"),
    ],
)
def test_a_card_that_is_mistyped_keeps_what_was_typed(
    client: Client, order: Order, name: str, value: str, why: str
) -> None:
    answer = client.post(f"/orders/{order.number}/card/", {**CARD, name: value})
    assert answer.status_code == 200
    words = answer.content.decode()
    assert why in words
    assert (CARD["phone"] if name != "phone" else CARD["card_number"]) in words
    assert not Payment.objects.exists()


def test_a_refusal_of_the_bank_stands_beside_its_field(till: Till, client: Client, order: Order) -> None:
    till.providers["card"].refuses = Refused("手机号与银行预留的不符", "phone")
    answer = client.post(f"/orders/{order.number}/card/", CARD)
    assert "手机号与银行预留的不符" in answer.content.decode()
    assert Payment.objects.get().status == PaymentStatus.FAILED
    assert "手机号与银行预留的不符" in page(client, f"/orders/{order.number}/")


def test_a_price_in_the_form_is_not_read(till: Till, client: Client, order: Order) -> None:
    typed = {"channel": "wechat", "amount": "1", "sum_fen": "1", "amount_fen": "1"}
    client.post(f"/orders/{order.number}/pay/", typed)
    [wanted] = till.providers["wechat"].announced.values()
    assert wanted.amount_fen == order.sum_fen == 130326


def test_a_second_press_and_a_second_tab_are_one_payment(client: Client, order: Order) -> None:
    for channel in ("wechat", "wechat", "alipay"):
        answer = client.post(f"/orders/{order.number}/pay/", {"channel": channel})
        assert answer["Location"] == f"/orders/{order.number}/payment/"
    assert Payment.objects.count() == 1
    # The back button shows the order, which leads on to the payment instead of to a second one.
    assert "继续支付" in page(client, f"/orders/{order.number}/")


def test_a_payment_that_failed_says_that_nothing_was_taken_and_how_to_go_on(
    till: Till, client: Client, order: Order
) -> None:
    till.providers["card"].refuses = Refused("银行没有这张卡", "card_number")
    client.post(f"/orders/{order.number}/card/", CARD)
    assert "银行没有这张卡。没有扣款，请重新选择支付方式。" in page(client, f"/orders/{order.number}/")


def test_while_nobody_knows_the_outcome_nothing_asks_to_pay_again(
    till: Till, client: Client, order: Order
) -> None:
    client.post(f"/orders/{order.number}/card/", CARD)
    assert "确认支付" in page(client, f"/orders/{order.number}/payment/")
    bank = till.providers["card"]
    bank.down = {"confirm", "ask"}
    client.post(f"/orders/{order.number}/payment/", {"code": "135790"})
    assert Payment.objects.get().status == PaymentStatus.UNKNOWN
    words = page(client, f"/orders/{order.number}/payment/")
    assert "请不要另行支付" in words
    assert "确认支付" not in words
    words = page(client, f"/orders/{order.number}/")
    assert "请不要另行支付" in words
    assert "查看支付结果" in words
    # The bank never heard of the code: the page that waits is drawn anew, and asks for it again.
    waiting = f"/orders/{order.number}/state/?seen=unknown"
    assert client.get(waiting).status_code == 200
    bank.down = set()
    till.clock.step(seconds=60)
    looked = client.get(waiting)
    assert (looked.status_code, looked["Hall-Go"]) == (286, f"/orders/{order.number}/payment/")
    assert "确认支付" in page(client, f"/orders/{order.number}/payment/")


def test_when_the_time_is_over_the_pages_ask_for_no_payment(till: Till, client: Client, order: Order) -> None:
    client.post(f"/orders/{order.number}/card/", CARD)
    till.clock.step(seconds=31 * 60)
    words = page(client, f"/orders/{order.number}/payment/")
    assert "已超过支付时间" in words
    assert "确认支付" not in words
    words = page(client, f"/orders/{order.number}/")
    assert "查看支付结果" in words
    assert "继续支付" not in words


@pytest.mark.parametrize("channel", ["alipay", "card"])
def test_paid_by_a_payment_that_was_closed_nothing_asks_for_the_other(
    till: Till, client: Client, order: Order, channel: str
) -> None:
    """Found: the page of an order that was paid offered to go on paying, and to cancel it."""
    client.post(f"/orders/{order.number}/pay/", {"channel": "wechat"})
    first = Payment.objects.get()
    client.post(f"/orders/{order.number}/drop/")
    if channel == "card":
        client.post(f"/orders/{order.number}/card/", CARD)
    else:
        client.post(f"/orders/{order.number}/pay/", {"channel": channel})
    other = Payment.objects.get(live=True)
    assert call(client, first.number, order.sum_fen).status_code == 200
    order.refresh_from_db()
    other.refresh_from_db()
    assert (order.status, other.live) == (OrderStatus.PAID, True)
    words = page(client, f"/orders/{order.number}/")
    assert "缴费成功" in words
    assert "请不要再付款" in words
    assert other.number in words
    assert "继续支付" not in words
    assert "取消订单" not in words
    looked = client.get(f"/orders/{order.number}/state/")
    assert (looked.status_code, looked["Hall-Go"]) == (286, f"/orders/{order.number}/")
    answer = client.get(f"/orders/{order.number}/payment/")
    assert answer["Location"] == f"/orders/{order.number}/"
    # A code that was typed before the page knew is not passed on.
    client.post(f"/orders/{order.number}/payment/", {"code": "135790"})
    assert "没有再付款" in paying.confirm(other, "135790", by=order.placed_by, now=till.now)
    other.refresh_from_db()
    assert other.status == PaymentStatus.STARTED
    # The schedule closes what nobody is to pay any more.
    till.clock.step(minutes=40)
    asking.ask_due(by=order.placed_by, now=till.now)
    other.refresh_from_db()
    assert other.status == PaymentStatus.CLOSED
    assert "请不要再付款" not in page(client, f"/orders/{order.number}/")


def test_another_way_after_the_first_is_closed(till: Till, client: Client, order: Order) -> None:
    client.post(f"/orders/{order.number}/pay/", {"channel": "wechat"})
    assert client.post(f"/orders/{order.number}/drop/", follow=True).status_code == 200
    client.post(f"/orders/{order.number}/pay/", {"channel": "alipay"})
    words = page(client, f"/orders/{order.number}/payment/")
    assert "前往支付宝付款 1,303.26 元" in words
    assert Payment.objects.get(live=True).channel == "alipay"


def test_cancelling_asks_first(client: Client, order: Order) -> None:
    assert "确定取消" in page(client, f"/orders/{order.number}/cancel/")
    order.refresh_from_db()
    assert order.is_open
    client.post(f"/orders/{order.number}/cancel/")
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELLED
    assert "重新下单" in page(client, f"/orders/{order.number}/")


def test_a_late_success_is_told_to_the_payer(till: Till, client: Client, order: Order) -> None:
    payment = till.start(order)
    closing.cancel(order, by=order.placed_by, now=till.now)
    till.tell(till.providers["wechat"].pays(payment.number))
    words = page(client, f"/orders/{order.number}/")
    assert "原路退回" in words
    assert "已取消" in words


def test_an_order_that_is_over_cannot_be_paid(till: Till, client: Client, order: Order) -> None:
    till.clock.step(minutes=30)
    assert "已超过支付时间" in page(client, f"/orders/{order.number}/")
    client.post(f"/orders/{order.number}/pay/", {"channel": "wechat"})
    assert not Payment.objects.exists()


def test_outside_the_banks_hours_the_page_says_when(till: Till) -> None:
    till.clock.set("2026-11-20 18:30")
    order = till.place(city="shenzhen", person=till.cast.chen_jing, by=till.cast.chen_jing_login)
    client = Client()
    client.force_login(till.cast.chen_jing_login)
    assert "将于 2026年11月23日 09:00 自动发起" in page(client, f"/orders/{order.number}/")
    client.post(f"/orders/{order.number}/card/", CARD)
    words = page(client, f"/orders/{order.number}/payment/")
    assert "将于 2026年11月23日 09:00 自动发起" in words
    client.post(f"/orders/{order.number}/drop/")
    assert Payment.objects.get().status == PaymentStatus.CLOSED


@pytest.mark.parametrize("what", ["", "card/", "payment/", "state/", "cancel/"])
def test_anothers_order_is_no_order(till: Till, order: Order, what: str) -> None:
    other = Client()
    other.force_login(till.cast.li_qiang_login)
    assert other.get(f"/orders/{order.number}/{what}").status_code == 404


@pytest.mark.parametrize("what", ["pay/", "card/", "payment/", "drop/", "cancel/"])
def test_nobody_pays_or_cancels_anothers_order(till: Till, order: Order, what: str) -> None:
    other = Client()
    other.force_login(till.cast.li_qiang_login)
    answer = other.post(f"/orders/{order.number}/{what}", {"channel": "wechat", "code": "135790", **CARD})
    assert answer.status_code == 404
    order.refresh_from_db()
    assert order.is_open
    assert not Payment.objects.exists()


# Lists


def test_the_list_narrows_by_state_and_year(till: Till, client: Client, order: Order) -> None:
    till.tell(till.providers["wechat"].pays(till.start(order).number))
    open_ = till.place({PENSION: ("60", [THIS + 1])})
    words = page(client, "/orders/")
    assert order.number in words
    assert open_.number in words
    assert open_.number not in page(client, "/orders/?state=paid&year=2026")
    assert client.get("/orders/?year=1999").status_code == 404
    assert client.get("/orders/?state=stolen").status_code == 404


def test_the_printable_list_has_every_paid_month(till: Till, client: Client, order: Order) -> None:
    assert "还没有已经入账的缴费" in page(client, "/orders/list/")
    till.tell(till.providers["wechat"].pays(till.start(order).number))
    words = page(client, "/orders/list/?year=2026")
    for each in ("898.80", "404.46", "1,303.26", "微信支付", "2026年11月"):
        assert each in words


def test_the_home_page_leads_to_the_order_and_to_paying(till: Till, client: Client, order: Order) -> None:
    words = page(client, "/wuxi/")
    assert "缴费订单待支付 1,303.26 元" in words
    assert f"/orders/{order.number}/" in words
    closing.cancel(order, by=order.placed_by, now=till.now)
    assert "/wuxi/services/flexible-pay/" in page(client, "/wuxi/")


@pytest.mark.parametrize("path", ["/orders/", "/orders/list/", "/orders/{number}/"])
def test_queries_do_not_grow_with_months_or_orders(till: Till, client: Client, path: str) -> None:
    first = till.place({PENSION: ("60", [THIS])})
    till.tell(till.providers["wechat"].pays(till.start(first).number))
    client.get(path.format(number=first.number))
    with CaptureQueriesContext(connection) as few:
        page(client, path.format(number=first.number))
    more = till.place({MEDICAL: ("60", months("2026-11", "2027-10"))})
    till.tell(till.providers["wechat"].pays(till.start(more).number))
    till.place({PENSION: ("100", [THIS + 4])})
    with CaptureQueriesContext(connection) as many:
        page(client, path.format(number=more.number))
    assert len(many) == len(few)


# Callbacks


def test_a_signed_callback_pays_and_is_kept_as_often_as_it_comes(till: Till, order: Order) -> None:
    payment = till.start(order)
    nobody = Client(enforce_csrf_checks=True)
    for _time in range(3):
        answer = call(nobody, payment.number, order.sum_fen)
        assert (answer.status_code, answer.content) == (200, b"success")
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID
    assert [one.verdict for one in PaymentNotice.objects.all()] == ["applied"] * 3
    assert len({one.digest for one in PaymentNotice.objects.all()}) == 1
    audit()


@pytest.mark.parametrize("signature", ["", "bad"])
def test_a_forged_callback_changes_nothing_and_is_kept(till: Till, order: Order, signature: str) -> None:
    payment = till.start(order)
    answer = call(Client(), payment.number, order.sum_fen, signature=signature)
    assert answer.status_code == 500
    order.refresh_from_db()
    assert order.is_open
    assert PaymentNotice.objects.get().verdict == "forged"


def test_a_callback_for_what_is_not_ours_is_taken_and_told(till: Till, order: Order) -> None:
    assert call(Client(), "P0", 1).status_code == 200
    assert PaymentNotice.objects.get().verdict == "strange"


def test_a_callback_is_refused_while_the_database_is_down_and_taken_again_later(
    till: Till, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = till.start(order)

    def gone(*args: Any, **more: Any) -> None:
        raise OperationalError("the server closed the connection")

    with monkeypatch.context() as down:
        down.setattr(answers, "take_answer", gone)
        assert call(Client(), payment.number, order.sum_fen).content == b"fail"
    assert call(Client(), payment.number, order.sum_fen).content == b"success"
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID


def test_callbacks_are_posted_signed_and_short(till: Till, providers: dict[str, Provider]) -> None:
    client = Client()
    assert client.get("/pay/callbacks/wechat/").status_code == 405
    assert client.post("/pay/callbacks/unionpay/").status_code == 404
    long = client.post("/pay/callbacks/wechat/", b"x" * 70_000, content_type="application/json")
    assert long.status_code == 413


def test_notices_are_never_changed(till: Till, order: Order) -> None:
    call(Client(), "P0", 1)
    with pytest.raises(InternalError, match="Cannot update"):
        PaymentNotice.objects.update(verdict="applied")


def test_forged_callbacks_fill_no_table_and_are_counted(
    till: Till, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "FORGED_KEPT_A_DAY", 3)
    for _time in range(7):
        assert call(Client(), "P0", 1, signature="bad").status_code == 500
    assert PaymentNotice.objects.filter(verdict="forged").count() == 3
    assert ForgedNotices.objects.get().count == 7
    assert "验签不通过" in Failure.objects.get().item
    # The next day they are kept again, up to as many; a good one is kept always.
    till.clock.step(days=1)
    call(Client(), "P0", 1, signature="bad")
    assert PaymentNotice.objects.filter(verdict="forged").count() == 4
    assert call(Client(), "P0", 1).status_code == 200


def test_a_nul_in_a_signed_callback_is_no_fault(till: Till, order: Order) -> None:
    payment = till.start(order)
    assert call(Client(), f"{payment.number[:5]}\0{payment.number[5:]}", order.sum_fen).status_code == 200
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID
    assert call(Client(), "\0\0", 1).status_code == 200
    assert PaymentNotice.objects.filter(verdict="strange").count() == 1
