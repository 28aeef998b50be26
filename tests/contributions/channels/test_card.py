"""The bank card: what the payer types, the code by text message, and what the bank refuses."""

import datetime as dt
import hashlib
import json
import time

import pytest

from contributions.channels import signing, wire
from contributions.channels.card import check_payer
from contributions.channels.protocol import Forged, Outcome, Refused, Started, Unreachable
from tests.contributions.channels.conftest import PAYER, card


@pytest.fixture
def code() -> str:
    return "card"


def test_the_code_of_the_text_message_completes_the_payment(through, gateway, ear, wanted):
    payment = wanted()
    assert through.start(payment) == Started(needs_code=True)
    status, page, _to = gateway.visit(f"{gateway.url}/card/messages")
    assert status == 200
    assert gateway.code(payment.number) in page
    assert "393.04" in page
    answer = through.confirm(payment.number, gateway.code(payment.number))
    assert (answer.outcome, answer.amount_fen) == (Outcome.SUCCEEDED, 39304)
    # Pressed twice, the money is taken once.
    assert through.confirm(payment.number, gateway.code(payment.number)) == answer
    gateway.wait()
    assert ear.answers == [answer]


def test_a_wrong_code_can_be_typed_again_and_the_third_ends_it(through, gateway, wanted):
    payment = wanted()
    through.start(payment)
    right = gateway.code(payment.number)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    said = [through.confirm(payment.number, wrong) for _ in range(3)]
    assert [answer.outcome for answer in said] == [Outcome.PENDING, Outcome.PENDING, Outcome.FAILED]
    assert said[0].why == "短信验证码不正确，还可以输入 2 次。"
    assert said[2].why == "短信验证码输错次数过多，本次支付已关闭"
    assert through.confirm(payment.number, right).outcome is Outcome.FAILED
    assert through.ask(payment.number).outcome is Outcome.FAILED


def test_a_right_code_after_a_wrong_one(through, gateway, wanted):
    payment = wanted()
    through.start(payment)
    assert through.confirm(payment.number, "x").outcome is Outcome.PENDING
    answer = through.confirm(payment.number, gateway.code(payment.number))
    assert (answer.outcome, answer.why) == (Outcome.SUCCEEDED, "")


def test_too_little_money_is_a_failure_with_its_reason(through, gateway, ear, wanted):
    payment = wanted(payer={**PAYER, "card_number": card("01")})
    through.start(payment)
    answer = through.confirm(payment.number, gateway.code(payment.number))
    assert (answer.outcome, answer.amount_fen, answer.why) == (Outcome.FAILED, None, "余额不足")
    assert through.ask(payment.number) == answer
    gateway.wait()
    assert ear.answers == [answer]


@pytest.mark.parametrize(
    ("ending", "field", "why"),
    [
        ("02", "card_number", "银行卡已冻结或挂失，请换一张卡，或者联系发卡银行"),
        ("03", "holder", "持卡人姓名或证件号码与银行登记的不符，请核对"),
        ("04", "phone", "手机号与银行预留的不符，请核对"),
        ("05", "card_number", "银行没有这张卡，请核对卡号"),
    ],
)
def test_what_the_bank_refuses_is_said_beside_the_field(through, gateway, wanted, ending, field, why):
    payment = wanted(payer={**PAYER, "card_number": card(ending)})
    with pytest.raises(Refused) as refused:
        through.start(payment)
    assert (refused.value.field, refused.value.why) == (field, why)
    assert gateway.control("payment", channel="card", number=payment.number) is None


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("card_number", "6222020200000000007"),
        ("card_number", "62220202"),
        ("card_number", "６２２２ x"),
        ("card_number", ""),
        ("holder", "  "),
        ("identity_number", "320213198805120021"),
        ("identity_number", ""),
        ("phone", "12345678901"),
    ],
)
def test_what_cannot_be_right_does_not_leave_the_hall(through, gateway, wanted, field, typed):
    payer = {**PAYER, field: typed}
    assert set(check_payer(payer)) == {field}
    payment = wanted(payer=payer)
    with pytest.raises(Refused) as refused:
        through.start(payment)
    assert refused.value.field == field
    assert gateway.control("payment", channel="card", number=payment.number) is None


def test_what_is_typed_is_mended(through, gateway, wanted):
    spaced = " ".join([PAYER["card_number"][:4], PAYER["card_number"][4:]])
    payer = {**PAYER, "card_number": spaced, "phone": "+86 138-0000-0000", "holder": " 周灵 "}
    assert check_payer(payer) == {}
    payment = wanted(payer=payer)
    through.start(payment)
    details = gateway.control("payment", channel="card", number=payment.number)["details"]
    assert {name: details[name] for name in PAYER} == PAYER


def test_closed_before_it_was_announced_it_cannot_be_announced(through, wanted):
    payment = wanted()
    assert through.close(payment.number).outcome is Outcome.FAILED
    with pytest.raises(Refused):
        through.start(payment)


def test_a_code_that_comes_too_late(through, gateway, wanted):
    payment = wanted()
    through.start(payment)
    gateway.set_clock(payment.expires_at)
    answer = through.confirm(payment.number, gateway.code(payment.number))
    assert (answer.outcome, answer.why) == (Outcome.FAILED, "支付已超过有效时间")


def test_an_expired_payment_is_not_announced(through, wanted):
    with pytest.raises(Refused) as refused:
        through.start(wanted(expires_at=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)))
    assert refused.value.why == "支付已超过有效时间"


@pytest.mark.parametrize(
    ("ending", "outcomes", "forged"),
    [
        ("12", [Outcome.SUCCEEDED] * 100, 0),
        ("13", [Outcome.FAILED, Outcome.SUCCEEDED], 0),
        ("14", [], 0),
        ("16", [], 1),
        ("18", [Outcome.SUCCEEDED], 1),
        ("21", [Outcome.SUCCEEDED] * 3, 0),
    ],
)
def test_the_cards_ending_says_how_the_bank_tells(through, gateway, ear, wanted, ending, outcomes, forged):
    payment = wanted(payer={**PAYER, "card_number": card(ending)})
    through.start(payment)
    assert through.confirm(payment.number, gateway.code(payment.number)).outcome is Outcome.SUCCEEDED
    gateway.wait()
    assert [answer.outcome for answer in ear.answers] == outcomes
    assert len(ear.forged) == forged


def test_an_answer_is_good_for_its_own_request_only(through, gateway, wanted, monkeypatch):
    """Someone on the way who keeps an old, rightly signed answer cannot give it again."""
    payment = wanted()
    through.start(payment)
    kept = []
    exchange = wire.exchange

    def keep(*args: object, **named: object) -> wire.Reply:
        kept.append(exchange(*args, **named))  # type: ignore[arg-type]
        return kept[0]

    monkeypatch.setattr(wire, "exchange", keep)
    assert through.ask(payment.number).outcome is Outcome.PENDING
    with pytest.raises(Unreachable, match="signature"):
        through.ask(payment.number)
    assert kept[0].body == kept[1].body


def test_a_notification_for_another_merchant_is_forged(through, gateway, ear, wanted):
    """Signed by the right provider, and not meant for us."""
    payment = wanted()
    through.start(payment)
    gateway.pay("card", payment.number)
    [heard] = ear.heard
    content = json.loads(heard.body)
    key = signing.private_key((gateway.keys / "card-provider.pem").read_text())

    def signed(merchant: str) -> tuple[dict[str, str], bytes]:
        body = json.dumps({**content, "merchant": merchant}).encode()
        seconds, nonce = str(int(time.time())), "0" * 32
        message = f"callback\n{seconds}\n{nonce}\n{hashlib.sha256(body).hexdigest()}\n"
        return {
            "Bank-Time": seconds,
            "Bank-Nonce": nonce,
            "Bank-Signature": signing.sign(key, message),
        }, body

    assert through.read_callback(*signed(content["merchant"])) == ear.answers[0]
    with pytest.raises(Forged, match="merchant"):
        through.read_callback(*signed("1900000002"))
