"""Every channel against the stand-in gateway, over real HTTP: the whole way of a payment, and all
that can go wrong on it."""

import datetime as dt
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from contributions.channels import channel, wire
from contributions.channels.keys import make_development_keys
from contributions.channels.protocol import Answer, Forged, Outcome, Refused, Unreachable
from tests.contributions.channels.conftest import Heard

SUCCEEDED, FAILED, PENDING = Outcome.SUCCEEDED, Outcome.FAILED, Outcome.PENDING


# The whole way


def test_a_payment_is_announced_paid_told_asked_and_given_back(through, gateway, ear, announced):
    wanted = announced()
    assert through.ask(wanted.number) == Answer(wanted.number, PENDING)
    assert gateway.pay(through.code, wanted.number)
    [told] = ear.answers
    assert (told.number, told.outcome, told.amount_fen) == (wanted.number, SUCCEEDED, 39304)
    assert told.provider_number
    assert abs(told.at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    assert through.ask(wanted.number) == told
    # Paid, it cannot be closed any more: the answer tells that it was made.
    assert through.close(wanted.number) == told

    first = {
        "number": wanted.number,
        "refund_number": f"{wanted.number}R1",
        "total_fen": 39304,
        "why": "重复缴费",
    }
    assert through.ask_refund(number=wanted.number, refund_number=f"{wanted.number}R1").outcome is FAILED
    assert through.refund(**first, amount_fen=10000).outcome in (SUCCEEDED, PENDING)
    known = through.ask_refund(number=wanted.number, refund_number=f"{wanted.number}R1")
    assert (known.number, known.outcome, known.amount_fen) == (f"{wanted.number}R1", SUCCEEDED, 10000)
    assert known.provider_number
    # The payment was made, whatever was given back of it since.
    assert through.ask(wanted.number) == told

    # Pressed twice it is the same refund; a second one goes up to what was paid, and not above.
    through.refund(**first, amount_fen=10000)
    second = {**first, "refund_number": f"{wanted.number}R2"}
    refused = through.refund(**second, amount_fen=29305)
    assert (refused.outcome, refused.amount_fen) == (FAILED, None)
    assert refused.why
    through.refund(**second, amount_fen=29304)
    rows = gateway.control("refunds", channel=through.code, number=wanted.number)
    assert [row["amount_fen"] for row in rows] == [10000, 29304]
    assert through.ask(wanted.number) == told


def test_what_was_never_paid_is_not_given_back(through, announced):
    wanted = announced()
    answer = through.refund(
        number=wanted.number, refund_number=f"{wanted.number}R", amount_fen=1, total_fen=39304, why="多缴"
    )
    assert answer.outcome is FAILED
    assert answer.why


def test_announced_twice_it_is_one_payment(through, gateway, ear, announced):
    wanted = announced()
    through.start(wanted)
    gateway.pay(through.code, wanted.number)
    assert not gateway.pay(through.code, wanted.number)
    assert [answer.outcome for answer in ear.answers] == [SUCCEEDED]


def test_a_closed_payment_cannot_be_made(through, gateway, ear, announced):
    wanted = announced()
    closed = through.close(wanted.number)
    assert (closed.outcome, closed.why) == (FAILED, "支付已关闭")
    assert through.close(wanted.number).outcome is FAILED
    assert not gateway.pay(through.code, wanted.number)
    assert through.ask(wanted.number).outcome is FAILED
    assert ear.heard == []


def test_an_expired_payment_cannot_be_made(through, gateway, announced):
    wanted = announced()
    gateway.set_clock(wanted.expires_at - dt.timedelta(seconds=5))
    assert through.ask(wanted.number).outcome is PENDING
    gateway.set_clock(wanted.expires_at)
    assert not gateway.pay(through.code, wanted.number)
    assert through.ask(wanted.number).outcome is FAILED


def test_what_the_provider_never_heard_of(through):
    # Alipay hears of a payment when its page is opened, so it may still be made.
    assert through.ask("T000NEVERSTARTED").outcome is (PENDING if through.code == "alipay" else FAILED)
    assert through.close("T000NEVERSTARTED1").outcome is FAILED
    unknown = through.ask_refund(number="T000NEVERSTARTED", refund_number="T000NEVERSTARTEDR")
    assert unknown.outcome is FAILED


# Notifications


def test_a_hundred_at_once_are_a_hundred_times_the_same(through, gateway, ear, announced):
    wanted = announced()
    gateway.pay(through.code, wanted.number, "hundred")
    assert len(ear.answers) == 100
    assert set(ear.answers) == {through.ask(wanted.number)}


def test_repeated_ones_say_the_same(through, gateway, ear, announced):
    wanted = announced()
    gateway.pay(through.code, wanted.number, "repeated")
    assert len(ear.answers) == 3
    assert len(set(ear.answers)) == 1


def test_one_that_is_late(through, gateway, ear, announced):
    wanted = announced()
    gateway.pay(through.code, wanted.number, "late", wait=False)
    assert through.ask(wanted.number).outcome is SUCCEEDED
    assert ear.heard == []
    gateway.wait()
    assert [answer.outcome for answer in ear.answers] == [SUCCEEDED]


def test_failure_and_then_success(through, gateway, ear, announced):
    wanted = announced()
    gateway.pay(through.code, wanted.number, "failed_first")
    assert [answer.outcome for answer in ear.answers] == [FAILED, SUCCEEDED]
    assert ear.answers[0].amount_fen is None


def test_one_that_never_comes_is_asked_for(through, gateway, ear, announced):
    wanted = announced()
    gateway.pay(through.code, wanted.number, "dropped")
    assert ear.heard == []
    assert through.ask(wanted.number).outcome is SUCCEEDED


def test_a_sum_that_is_off_by_a_fen_is_told_as_it_is(through, gateway, ear, announced):
    wanted = announced()
    gateway.pay(through.code, wanted.number, "fen_off")
    assert [answer.amount_fen for answer in ear.answers] == [39305]
    assert through.ask(wanted.number).amount_fen == 39305


def test_success_after_the_close(through, gateway, ear, announced):
    wanted = announced()
    gateway.pay(through.code, wanted.number, "closed_then_paid")
    assert through.ask(wanted.number).outcome is PENDING
    assert through.close(wanted.number).outcome is FAILED
    gateway.wait()
    assert [answer.outcome for answer in ear.answers] == [SUCCEEDED]
    assert through.ask(wanted.number).outcome is SUCCEEDED


@pytest.mark.parametrize("scenario", ["forged", "unsigned", "tampered"])
def test_what_the_provider_did_not_sign_is_forged(through, gateway, ear, announced, scenario):
    wanted = announced()
    gateway.pay(through.code, wanted.number, scenario)
    assert len(ear.heard) == 1
    assert len(ear.forged) == 1
    assert ear.answers == []
    assert through.ask(wanted.number).amount_fen == 39304


def test_one_of_another_day_is_forged(through, gateway, ear, announced):
    wanted = announced()
    gateway.pay(through.code, wanted.number, "stale")
    assert [answer.outcome for answer in ear.answers] == [SUCCEEDED]
    assert ear.forged
    assert "time" in ear.forged[0]


def test_any_byte_changed_on_the_way_is_noticed(through, gateway, ear, announced):
    wanted = announced()
    gateway.pay(through.code, wanted.number)
    [heard] = ear.heard
    assert through.read_callback(heard.headers, heard.body) == ear.answers[0]
    for place in range(0, len(heard.body), 7):
        changed = bytearray(heard.body)
        changed[place] ^= 1
        with pytest.raises(Forged):
            through.read_callback(heard.headers, bytes(changed))
    for body in (b"", b"{}", b"null", b"[]", b"\xff\xfe", b"sign=&sign_type=RSA2", b"a" * 100_000):
        with pytest.raises(Forged):
            through.read_callback(heard.headers, body)


@pytest.mark.parametrize("code", ["card", "wechat"])
def test_no_header_can_be_left_out_or_changed(through, gateway, ear, announced):
    wanted = announced()
    gateway.pay(through.code, wanted.number)
    [heard] = ear.heard
    signing = [name for name in heard.headers if name.lower().startswith(("bank-", "wechatpay-"))]
    assert len(signing) in (3, 5)
    for name in signing:
        others = {other: value for other, value in heard.headers.items() if other != name}
        for headers in (others, {**others, name: "0"}, {**others, name: heard.headers[name] + "0"}):
            with pytest.raises(Forged):
                through.read_callback(headers, heard.body)
    # Names of headers know no case.
    lower = {name.lower(): value for name, value in heard.headers.items()}
    assert through.read_callback(lower, heard.body) == ear.answers[0]


@pytest.mark.parametrize("code", ["alipay"])
def test_no_field_can_be_left_out_added_or_doubled(through, gateway, ear, announced):
    gateway.pay("alipay", announced().number)
    [heard] = ear.heard
    fields = heard.body.split(b"&")
    for place in range(len(fields)):
        # Without its kind a signature is taken for the one kind that we accept.
        if not fields[place].startswith(b"sign_type="):
            with pytest.raises(Forged):
                through.read_callback({}, b"&".join(fields[:place] + fields[place + 1 :]))
        with pytest.raises(Forged):
            through.read_callback({}, b"&".join([*fields, fields[place]]))
    with pytest.raises(Forged):
        through.read_callback({}, heard.body + b"&refund_fee=1.00")
    with pytest.raises(Forged):
        through.read_callback({}, heard.body.replace(b"sign_type=RSA2", b"sign_type=RSA"))


def test_one_channel_does_not_take_the_notification_of_another(through, gateway, ear, announced):
    gateway.pay(through.code, announced().number)
    [heard] = ear.heard
    for other in {"card", "alipay", "wechat"} - {through.code}:
        status, _kind, _words = ear.take(Heard(f"/{other}", heard.headers, heard.body))
        assert status == 400


def test_notifications_that_are_not_taken_say_so(through):
    status, _kind, body = through.callback_reply(True)
    assert status == 200
    refused, _kind, words = through.callback_reply(False)
    assert refused >= 400
    assert words != body


# Unknown outcomes

CALLS = {
    "ask": lambda through, wanted: through.ask(wanted.number),
    "close": lambda through, wanted: through.close(wanted.number),
    "refund": lambda through, wanted: through.refund(
        number=wanted.number, refund_number=f"{wanted.number}R", amount_fen=1, total_fen=39304, why="多缴"
    ),
    "ask_refund": lambda through, wanted: through.ask_refund(
        number=wanted.number, refund_number=f"{wanted.number}R"
    ),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", ["error", "garbage", "bad_signature", "unsigned", "refused"])
def test_an_answer_that_proves_nothing_leaves_the_outcome_unknown(through, gateway, announced, fault, call):
    wanted = announced()
    gateway.pay(through.code, wanted.number)
    gateway.fault(through.code, fault, action=call)
    with pytest.raises(Unreachable):
        CALLS[call](through, wanted)
    # The control: the same call without the fault is answered.
    assert CALLS[call](through, wanted).number.startswith(wanted.number)


@pytest.mark.parametrize("call", ["ask", "refund"])
def test_a_provider_that_falls_silent_is_not_waited_for(through, gateway, announced, call, settings):
    settings.PAYMENT_TIMEOUTS = (1.0, 0.5)
    wanted = announced()
    gateway.pay(through.code, wanted.number)
    gateway.fault(through.code, "silent", action=call)
    began = dt.datetime.now(dt.UTC)
    with pytest.raises(Unreachable):
        CALLS[call](through, wanted)
    assert dt.datetime.now(dt.UTC) - began < dt.timedelta(seconds=5)


def test_a_refund_whose_answer_was_lost_is_known_when_asked_and_not_made_twice(
    through, gateway, announced, settings
):
    settings.PAYMENT_TIMEOUTS = (1.0, 0.5)
    wanted = announced()
    gateway.pay(through.code, wanted.number)
    gateway.fault(through.code, "silent", action="refund")
    with pytest.raises(Unreachable):
        CALLS["refund"](through, wanted)
    settings.PAYMENT_TIMEOUTS = (2.0, 5.0)
    assert CALLS["ask_refund"](through, wanted).outcome is SUCCEEDED
    CALLS["refund"](through, wanted)
    assert len(gateway.control("refunds", channel=through.code, number=wanted.number)) == 1


def test_money_taken_without_a_word_is_found_by_asking(through, gateway, ear, announced, settings):
    settings.PAYMENT_TIMEOUTS = (1.0, 0.5)
    wanted = announced()
    if through.code == "card":
        gateway.fault("card", "silent", action="confirm")
        with pytest.raises(Unreachable):
            through.confirm(wanted.number, gateway.code(wanted.number))
        gateway.wait()
    else:
        gateway.pay(through.code, wanted.number, "silent")
        assert ear.heard == []
        with pytest.raises(Unreachable):
            through.ask(wanted.number)
    settings.PAYMENT_TIMEOUTS = (2.0, 5.0)
    assert through.ask(wanted.number).outcome is SUCCEEDED


def test_an_answer_about_another_payment_is_not_taken(through, gateway, announced, monkeypatch):
    asked, other = announced(), announced()
    gateway.pay(through.code, other.number)
    assert through.ask(other.number).outcome is SUCCEEDED
    numbers = {asked.number: other.number}
    # What the hall sends is changed after it is decided and before it is signed.
    if through.code == "card":
        post = through._post
        monkeypatch.setattr(
            through,
            "_post",
            lambda action, content: post(action, {**content, "number": numbers[content["number"]]}),
        )
    elif through.code == "wechat":
        query = through._client.query
        monkeypatch.setattr(
            through._client, "query", lambda out_trade_no: query(out_trade_no=numbers[out_trade_no])
        )
    else:
        query = through._client.api_alipay_trade_query
        monkeypatch.setattr(
            through._client,
            "api_alipay_trade_query",
            lambda out_trade_no: query(out_trade_no=numbers[out_trade_no]),
        )
    with pytest.raises(Unreachable):
        through.ask(asked.number)


@pytest.fixture
def deaf() -> Iterator[str]:
    """An address that takes connections and never answers, one drop at a time at most."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stopped = threading.Event()

        def drip() -> None:
            server.settimeout(0.1)
            kept = []
            while not stopped.is_set():
                try:
                    connection, _address = server.accept()
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
                    kept.append(connection)
                except TimeoutError:
                    pass
                for connection in kept:
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        kept.remove(connection)
                        break

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        stopped.set()
        thread.join()


def test_an_answer_that_drips_is_cut_off(gateway, deaf, settings, code):
    settings.PAYMENT_TIMEOUTS = (1.0, 0.5)
    settings.PAYMENT_CHANNELS = {
        **settings.PAYMENT_CHANNELS,
        code: {**settings.PAYMENT_CHANNELS[code], "gateway": deaf},
    }
    began = dt.datetime.now(dt.UTC)
    with pytest.raises(Unreachable):
        channel(code).ask("T000DRIPPING")
    assert dt.datetime.now(dt.UTC) - began < dt.timedelta(seconds=5)


def test_a_gateway_that_is_not_there(gateway, settings, code):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings.PAYMENT_CHANNELS = {
        **settings.PAYMENT_CHANNELS,
        code: {**settings.PAYMENT_CHANNELS[code], "gateway": f"http://127.0.0.1:{port}"},
    }
    with pytest.raises(Unreachable):
        channel(code).ask("T000NOTTHERE")


# What the stand-in checks of us


def test_the_stand_in_refuses_what_we_did_not_sign(gateway, settings, code, wanted, tmp_path):
    make_development_keys(tmp_path)
    settings.PAYMENT_CHANNELS = {
        **settings.PAYMENT_CHANNELS,
        code: {**settings.PAYMENT_CHANNELS[code], "key_file": str(tmp_path / f"{code}-hall.pem")},
    }
    forger, payment = channel(code), wanted()
    if code == "alipay":
        status, page, _to = gateway.visit(forger.start(payment).redirect_url)
        assert status == 400
        assert "签名不正确" in page
    else:
        with pytest.raises(Unreachable):
            forger.start(payment)
    assert gateway.control("payment", channel=code, number=payment.number) is None
    with pytest.raises(Unreachable):
        forger.ask(payment.number)


@pytest.mark.parametrize("code", ["card", "wechat"])
def test_the_stand_in_takes_no_request_twice_and_none_that_was_changed(through, announced, monkeypatch):
    wanted = announced()
    sent: list[tuple[tuple[str, str], dict[str, Any]]] = []
    exchange = wire.exchange

    def keep(method: str, url: str, **rest: Any) -> wire.Reply:
        sent.append(((method, url), rest))
        return exchange(method, url, **rest)

    monkeypatch.setattr(wire, "exchange", keep)
    assert through.close(wanted.number).outcome is FAILED
    [(target, rest)] = sent
    assert exchange(*target, **rest).status == 401
    assert through.ask(wanted.number).outcome is FAILED
    (method, url), rest = sent[-1]
    other = {"body": rest["body"] + b" "} if rest["body"] else {}
    assert exchange(method, url if other else f"{url}&x=1", **{**rest, **other}).status == 401


@pytest.mark.parametrize("code", ["alipay"])
def test_the_address_of_the_cashier_cannot_be_changed(gateway, code, wanted):
    started = channel("alipay").start(wanted())
    assert gateway.visit(started.redirect_url.replace("393.04", "1.00"))[0] == 400
    assert gateway.visit(started.redirect_url)[0] == 302


def test_a_number_stands_for_one_sum(through, gateway, announced, wanted):
    payment = announced()
    other = wanted(number=payment.number, amount_fen=39305)
    if through.code == "alipay":
        assert gateway.visit(through.start(other).redirect_url)[0] == 400
    else:
        with pytest.raises(Refused):
            through.start(other)
    assert gateway.control("payment", channel=through.code, number=payment.number)["amount_fen"] == 39304
