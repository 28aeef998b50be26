"""The cities' doors in a browser: a partner bank's account, a sum in words, the way through a
single sign-on, a face check, and a colleague's invitation."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from portal.accounts.models import FILES, OutboxMessage, User
from portal.accounts.sign_on_stand_in import SignOnStandIn
from portal.registers.models import BankAccountRecord
from tests.cast import Cast
from tests.journeys.conftest import PHONE, Visitors
from tests.journeys.visitor import Visitor

NEW = "Zhenhai-3302-new"


@pytest.fixture
def provider(settings: Any) -> Iterator[SignOnStandIn]:
    server = SignOnStandIn(("127.0.0.1", 0), "hall", "between-the-two")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    its = {"issuer": server.url, "client_id": "hall", "client_secret": "between-the-two"}
    settings.SINGLE_SIGN_ON = {"wuxi": its}
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def type_code(someone: Visitor, phone: str) -> None:
    """The code in the last message to the phone."""
    message = OutboxMessage.objects.filter(phone=phone).latest("pk")
    someone.fill(短信验证码=re.findall(r"[0-9]{6}", message.text)[0])


def test_shenzhen_opens_by_an_account_at_a_partner_bank(visitor: Visitors, cast: Cast) -> None:
    wang = cast.wang_fang
    BankAccountRecord.objects.create(
        bank="pab",
        number="6217975200011112225",
        holder=wang.name,
        identity_number=wang.identity_number,
        phone=wang.phone,
        opened_in="440305",
    )
    she = visitor(size=PHONE, has_touch=True, is_mobile=True)
    she.go("/register/")
    she.page.get_by_label("参保城市").select_option("shenzhen")
    she.fill(姓名=wang.name, 手机号码=wang.phone)
    she.page.locator("[name=identity_number]").fill(wang.identity_number)
    she.press("获取短信验证码")
    type_code(she, wang.phone)
    she.press("注册", she.main)
    she.is_at("核验身份")
    she.page.get_by_label("开户银行").select_option("other")
    she.fill(银行账号或卡号="6217975200011112225")
    she.press("由银行核验")
    she.error_beside("开户银行", "请使用12家合作银行的账户")
    she.page.get_by_label("开户银行").select_option("pab")
    she.press("由银行核验")
    she.fill(设置密码=NEW, 再次输入密码=NEW)
    she.press("开通账号")
    she.sees("账号已开通")
    assert User.objects.get(person=wang).identity_level == FILES


def test_through_the_single_sign_on_and_back(visitor: Visitors, cast: Cast, provider: SignOnStandIn) -> None:
    wang = cast.wang_fang
    she = visitor()
    she.go("/login/person/?next=/record/")
    she.press("用江苏政务服务网统一身份认证登录")
    she.page.wait_for_url(f"{provider.url}/**")
    she.page.get_by_label("姓名").fill(wang.name)
    she.page.get_by_label("身份证号码").fill(wang.identity_number)
    she.page.get_by_role("button", name="以高级实名登录").click()
    she.arrives("/record/")
    she.knows(User.objects.get(person=wang))


def test_a_colleague_is_invited_and_joins(visitor: Visitors, cast: Cast) -> None:
    zhou = visitor(cast.yongjiang_clerk)
    zhou.go("/account/")
    zhou.page.locator("a[href='/account/clerks/']").click()
    zhou.is_at("经办人管理")
    zhou.fill(同事的手机号码="13700000021")
    zhou.press("发送邀请")
    zhou.sees("等待开通的邀请")
    invitation = OutboxMessage.objects.get(phone="13700000021").text
    gao = visitor(size=PHONE, has_touch=True, is_mobile=True)
    gao.go(re.findall(r"/join/[\w-]+/", invitation)[0])
    gao.sees(cast.yongjiang.name)
    gao.fill(姓名="高明", 手机号码="13700000021")
    gao.press("获取短信验证码")
    type_code(gao, "13700000021")
    gao.fill(设置密码=NEW, 再次输入密码=NEW)
    gao.press("开通账号", gao.main)
    gao.is_at("单位登录")
    zhou.page.reload()
    zhou.follow("停用", zhou.main)
    zhou.press("停用账号")
    expect(zhou.main.get_by_role("row").filter(has_text="高明")).to_have_count(0)
