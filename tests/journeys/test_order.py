"""灵活就业人员缴费: from the service to 缴费成功, through the gateway that stands in for the
providers."""

import datetime as dt
import re

import pytest
from django.utils import timezone

from contributions.models import Charge, Order, OrderStatus, Payment, PaymentNotice, PaymentStatus
from portal.shared.insurance import Insurance
from portal.shared.months import month_in_china
from tests.cast import Cast, cover
from tests.contributions.channels.conftest import PAYER
from tests.gateway import StandIn
from tests.journeys.conftest import PHONE, Visitors
from tests.journeys.visitor import Visitor


@pytest.fixture
def wang(visitor: Visitors, cast: Cast, gateway: StandIn) -> Visitor:
    """王芳 at her phone, insured in Wuxi since half a year."""
    since = str(month_in_china(timezone.now()) - 6)
    for insurance in (Insurance.PENSION, Insurance.MEDICAL):
        cover(cast.wang_fang, insurance, "wuxi", since, tier="60")
    return visitor(cast.wang_fang_login, size=PHONE)


def ordered(wang: Visitor) -> Order:
    """Through the four steps to the order's page."""
    wang.go("/wuxi/services/flexible-pay/")
    wang.is_at("灵活就业人员缴费")
    wang.sees("请保留缴费凭证")
    wang.go("/wuxi/services/flexible-pay/apply/")
    wang.choose("养老保险缴费档次", "60%档")
    wang.choose("医疗保险缴费档次", "60%档")
    wang.choose("缴纳哪些月份", "只缴当月")
    wang.press("下一步", wang.main)
    wang.sees("应付金额", "1,303.26", "为什么是这个数")
    # Straight to the order: nothing is called done that is not paid.
    wang.press("生成订单并支付 1,303.26 元", wang.main)
    wang.is_at("支付缴费订单")
    wang.sees("待支付")
    return Order.objects.get()


def test_by_card_with_the_code_from_a_text_message(wang: Visitor, gateway: StandIn) -> None:
    order = ordered(wang)
    wang.sees("还剩", "分钟", "银行卡", "支付宝", "微信支付")
    wang.choose("支付方式", "银行卡")
    wang.press("去支付 1,303.26 元")
    wang.fill(银行卡号=PAYER["card_number"][:-1], 持卡人姓名=PAYER["holder"])
    wang.fill(持卡人身份证号码=PAYER["identity_number"], 银行预留手机号=PAYER["phone"])
    wang.press("确认支付 1,303.26 元")
    wang.error_beside("银行卡号", re.compile("逐位核对|位数"))
    wang.fill(银行卡号=PAYER["card_number"])
    wang.press("确认支付 1,303.26 元")
    wang.sees("短信验证码")
    payment = Payment.objects.get(live=True)
    code = gateway.code(payment.number)
    wang.fill(短信验证码="000000" if code != "000000" else "111111")
    wang.press("确认支付 1,303.26 元")
    wang.error_beside("短信验证码", "不正确")
    wang.fill(短信验证码=code)
    wang.press("确认支付 1,303.26 元")
    wang.is_at("缴费成功")
    wang.sees("渠道流水号", "逐月缴费凭证")
    # The pages before it lead to the result, and begin nothing anew.
    for before in ("card", "payment"):
        wang.go(f"/orders/{order.number}/{before}/")
        wang.is_at("缴费成功")
    order.refresh_from_db()
    assert order.status == OrderStatus.PAID
    assert order.payments.count() == 1
    assert {one.status for one in Charge.objects.filter(order_lines__order=order)} == {"paid"}


def by_wechat(wang: Visitor) -> Payment:
    ordered(wang)
    wang.choose("支付方式", "微信支付")
    wang.press("去支付 1,303.26 元")
    wang.sees("扫码付款", "等待支付")
    return Payment.objects.get()


def test_by_wechat_whose_code_another_phone_scans(wang: Visitor, visitor: Visitors, gateway: StandIn) -> None:
    payment = by_wechat(wang)
    payer = visitor()
    payer.page.goto(payment.qr_text)
    payer.page.get_by_role("button", name="确认支付").click()
    wang.is_at("缴费成功")
    gateway.wait()
    payment.refresh_from_db()
    assert payment.credited
    assert PaymentNotice.objects.filter(payment=payment, verdict="applied").exists()
    wang.go("/orders/list/")
    wang.sees("898.80", "404.46", "微信支付")


def test_a_callback_that_never_comes_is_asked_for_while_the_payer_waits(
    wang: Visitor, gateway: StandIn
) -> None:
    payment = by_wechat(wang)
    assert gateway.pay("wechat", payment.number, "dropped")
    assert not PaymentNotice.objects.exists()
    wang.is_at("缴费成功")
    payment.refresh_from_db()
    assert (payment.status, payment.credited) == (PaymentStatus.SUCCEEDED, True)
    assert payment.ended_at is not None
    assert payment.ended_at - payment.begun_at < dt.timedelta(minutes=1)


def test_changed_ones_mind_and_paid_another_way(wang: Visitor, gateway: StandIn) -> None:
    by_wechat(wang)
    wang.press("换一种方式")
    wang.sees("没有扣款", within=wang.page.locator("body"))
    wang.choose("支付方式", "支付宝")
    wang.press("去支付 1,303.26 元")
    wang.follow("前往支付宝付款 1,303.26 元")
    wang.page.get_by_role("button", name="确认支付").click()
    wang.page.wait_for_url(re.compile("/orders/"), timeout=15_000)
    wang.is_at("缴费成功")
    assert [one.status for one in Payment.objects.order_by("pk")] == ["closed", "succeeded"]


def test_a_hundred_callbacks_at_once_through_the_real_door(wang: Visitor, gateway: StandIn) -> None:
    payment = by_wechat(wang)
    gateway.pay("wechat", payment.number, "hundred")
    wang.is_at("缴费成功")
    gateway.wait(60)
    payment.refresh_from_db()
    assert payment.entry is not None
    assert payment.entry.receipts.count() == 2
