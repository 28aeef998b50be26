"""What we rely on inside the two libraries, which promise none of it: a new version that differs
fails here first."""

import inspect
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from alipay import AliPay
from wechatpayv3.core import Core
from wechatpayv3.utils import build_authorization

from contributions.channels import channel, wire
from contributions.channels.alipay import AlipayChannel
from contributions.channels.protocol import Forged, Unreachable
from contributions.channels.wechat import WeChatChannel

ROOT = Path(__file__).resolve().parents[3]


def test_their_versions_are_pinned():
    listed = (ROOT / "pyproject.toml").read_text()
    for name in ("wechatpayv3", "python-alipay-sdk"):
        assert f'"{name}=={version(name)}"' in listed


def test_wechat_s_core_is_where_we_reach_in(gateway):
    wechat = channel("wechat")
    assert isinstance(wechat, WeChatChannel)
    client = wechat._client
    assert isinstance(client._core, Core)
    plain = Core(
        mchid="1",
        cert_serial_no="2",
        private_key=(gateway.keys / "wechat-hall.pem").read_text(),
        apiv3_key="0" * 32,
        public_key=(gateway.keys / "wechat-provider.pub.pem").read_text(),
        public_key_id="3",
    )
    assert plain._gate_way == "https://api.mch.weixin.qq.com"
    assert (plain._mchid, plain._cert_serial_no, plain._public_key_id) == ("1", "2", "3")
    for name in ("_private_key", "_verify_signature", "_update_certificates", "request"):
        assert hasattr(plain, name)
    # What the library calls on its core, ours takes.
    theirs, ours = inspect.signature(Core.request), inspect.signature(type(client._core).request)
    assert list(theirs.parameters)[:4] == list(ours.parameters)[:4]
    assert {"path", "method", "data", "private_key"} <= set(inspect.signature(build_authorization).parameters)


def test_alipay_s_client_is_where_we_reach_in(gateway):
    plain = AliPay(
        appid="1",
        app_private_key_string=(gateway.keys / "alipay-hall.pem").read_text(),
        alipay_public_key_string=(gateway.keys / "alipay-provider.pub.pem").read_text(),
    )
    assert plain._gateway == "https://openapi.alipay.com/gateway.do"
    theirs = inspect.signature(AliPay.verified_sync_response)
    alipay = channel("alipay")
    assert isinstance(alipay, AlipayChannel)
    ours = inspect.signature(type(alipay._client).verified_sync_response)
    assert list(theirs.parameters) == list(ours.parameters)
    assert list(inspect.signature(plain._verify_and_return_sync_response).parameters) == [
        "raw_string",
        "response_type",
    ]


@pytest.mark.parametrize("code", ["alipay", "wechat"])
def test_neither_speaks_to_anyone_but_through_our_own_wire(gateway, code, wanted, monkeypatch):
    asked: list[str] = []

    def refuse(method: str, url: str, **_rest: object) -> wire.Reply:
        asked.append(url)
        raise Unreachable("no wire")

    through = channel(code)
    calls: list[Callable[[], object]] = [
        lambda: through.ask("T00000001"),
        lambda: through.close("T00000001"),
        lambda: through.refund(
            number="T00000001", refund_number="R00000001", amount_fen=1, total_fen=1, why="多缴"
        ),
        lambda: through.ask_refund(number="T00000001", refund_number="R00000001"),
    ]
    if code == "wechat":
        calls.append(lambda: through.start(wanted()))
    with monkeypatch.context() as patch:
        patch.setattr(wire, "exchange", refuse)
        patch.setattr("socket.create_connection", lambda *_a, **_k: pytest.fail("a connection of its own"))
        for call in calls:
            with pytest.raises(Unreachable, match="no wire"):
                call()
    assert len(asked) == len(calls)
    assert all(url.startswith(gateway.url) for url in asked)


@pytest.mark.parametrize("code", ["wechat"])
def test_an_unknown_key_in_a_callback_does_not_have_us_ask_for_it(
    through, gateway, ear, announced, monkeypatch
):
    gateway.pay("wechat", announced().number)
    [heard] = ear.heard
    monkeypatch.setattr(wire, "exchange", lambda *_a, **_k: pytest.fail("asked"))
    with pytest.raises(Forged):
        through.read_callback({**heard.headers, "Wechatpay-Serial": "5157F09EFDC096DE"}, heard.body)
