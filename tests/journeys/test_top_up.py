"""社保卡个人账户充值: from the service to 充值成功 at a phone, paid by card through the gateway
that stands in for the bank."""

import pytest

from contributions.books import personal_account
from contributions.models import Payment
from portal.registers.models import MedicalAccountRecord, SecurityCardRecord
from portal.shared.insurance import Insurance
from tests.cast import Cast
from tests.contributions.channels.conftest import PAYER
from tests.gateway import StandIn
from tests.journeys.conftest import PHONE, Visitors
from tests.journeys.visitor import Visitor

CARD = "6217001180012345677"


@pytest.fixture
def wang(visitor: Visitors, cast: Cast, gateway: StandIn) -> Visitor:
    """王芳 at her phone, with a card and a medical account in Wuxi."""
    number = cast.wang_fang.identity_number
    SecurityCardRecord.objects.create(identity_number=number, bank="icbc", number=CARD, activated=True)
    MedicalAccountRecord.objects.create(identity_number=number, city="wuxi", number=CARD)
    return visitor(cast.wang_fang_login, size=PHONE)


def test_a_card_is_topped_up_and_the_balance_is_shown(wang: Visitor, cast: Cast, gateway: StandIn) -> None:
    wang.go("/wuxi/services/card-top-up/")
    wang.sees("不可用于养老保险缴费")
    wang.go("/wuxi/services/card-top-up/apply/")
    wang.fill(社会保障卡卡号=CARD, 充值金额="5")
    wang.press("下一步", wang.main)
    wang.error_beside("充值金额", "10.00 元至 2,000.00 元")
    wang.fill(充值金额="200")
    wang.press("下一步", wang.main)
    wang.sees("支付成功后余额", "不能用于养老保险缴费")
    wang.press("生成订单并支付 200.00 元", wang.main)
    wang.is_at("支付充值订单")
    wang.choose("支付方式", "银行卡")
    wang.press("去支付 200.00 元")
    wang.fill(银行卡号=PAYER["card_number"], 持卡人姓名=PAYER["holder"])
    wang.fill(持卡人身份证号码=PAYER["identity_number"], 银行预留手机号=PAYER["phone"])
    wang.press("确认支付 200.00 元")
    wang.sees("短信验证码")
    wang.fill(短信验证码=gateway.code(Payment.objects.get(live=True).number))
    wang.press("确认支付 200.00 元")
    wang.is_at("充值成功")
    wang.sees("医保个人账户余额", "200.00")
    wang.follow("查看个人账户")
    wang.sees("医疗保险个人账户")
    assert personal_account.balance(cast.wang_fang, "wuxi", Insurance.MEDICAL) == 20000
