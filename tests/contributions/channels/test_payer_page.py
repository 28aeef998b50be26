"""What the payer sees at the stand-in: the sum, yes and no, and the way back to the hall."""

import dataclasses

import pytest

from contributions.channels import channel
from contributions.channels.protocol import Outcome


@pytest.fixture
def page(through, gateway, wanted):
    """A payment on its way, and the address of its page."""
    payment = wanted(on_phone=True, payer_ip="192.0.2.7")
    address = through.start(payment).redirect_url
    if through.code == "alipay":
        _status, _text, address = gateway.visit(address)
    return payment, address


pytestmark = pytest.mark.parametrize("code", ["alipay", "wechat"])


def test_the_payer_sees_the_sum_and_pays(through, gateway, ear, page):
    payment, address = page
    status, text, _to = gateway.visit(address)
    assert status == 200
    assert "393.04 元" in text
    assert payment.subject in text
    assert payment.return_url in text
    for button in ("确认支付", "取消", "余额不足"):
        assert button in text
    status, _text, to = gateway.visit(address, action="pay", scenario="plain", back=payment.return_url)
    assert (status, to) == (303, payment.return_url)
    gateway.wait()
    assert [answer.outcome for answer in ear.answers] == [Outcome.SUCCEEDED]
    assert "这笔支付已付款" in gateway.visit(address)[1]


def test_the_payer_says_no_and_may_come_back(through, gateway, ear, page):
    payment, address = page
    assert gateway.visit(address, action="cancel", back=payment.return_url)[::2] == (303, payment.return_url)
    assert through.ask(payment.number).outcome is Outcome.PENDING
    _status, text, _to = gateway.visit(address, action="poor", back=payment.return_url)
    assert "余额不足，请换一张卡" in text
    assert through.ask(payment.number).outcome is Outcome.PENDING
    assert ear.heard == []


def test_the_scenario_is_chosen_on_the_page(gateway, ear, page):
    payment, address = page
    gateway.visit(address, action="pay", scenario="failed_first", back=payment.return_url)
    gateway.wait()
    assert [answer.outcome for answer in ear.answers] == [Outcome.FAILED, Outcome.SUCCEEDED]


def test_what_the_hall_calls_the_payment_is_shown_as_text(gateway, wanted, code):
    started = channel(code).start(wanted(on_phone=True, subject="<script>alert(1)</script>"))
    address = started.redirect_url
    if code == "alipay":
        address = gateway.visit(address)[2]
    text = gateway.visit(address)[1]
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


def test_on_a_desk_there_is_a_code_to_scan_or_a_page_of_its_own(through, gateway, wanted):
    phone = wanted(on_phone=True, payer_ip="192.0.2.7")
    desk = dataclasses.replace(phone, number=f"{phone.number}D", on_phone=False)
    on_phone, on_desk = through.start(phone), through.start(desk)
    if through.code == "wechat":
        assert (on_phone.qr_text, on_desk.redirect_url) == ("", "")
        assert gateway.visit(on_desk.qr_text)[0] == 200
    else:
        assert "method=alipay.trade.wap.pay" in on_phone.redirect_url
        assert "method=alipay.trade.page.pay" in on_desk.redirect_url
    assert not on_desk.needs_code


def test_an_unknown_page_is_not_found(gateway, code):
    assert gateway.visit(f"{gateway.url}/{code}/pay/guessed")[0] == 404
    assert gateway.visit(f"{gateway.url}/")[0] == 200
