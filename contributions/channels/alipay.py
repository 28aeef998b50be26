"""Alipay: its cashier page on a desktop, its app on a phone. Signed and verified (RSA2) by
python-alipay-sdk."""

import datetime as dt
import logging
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from alipay import AliPay
from alipay.exceptions import AliPayException, AliPayValidationError
from django.utils.translation import gettext as _

from contributions.channels import signing, wire
from contributions.channels.keys import Account
from contributions.channels.protocol import Answer, Forged, Outcome, Started, Unreachable, Wanted
from portal.shared import money
from portal.shared.months import CHINA

logger = logging.getLogger(__name__)

# A notification is repeated, with the time of the first, over 25 hours.
_NOTIFIED_WITHIN = 26 * 3600
_TIME = "%Y-%m-%d %H:%M:%S"
_REASONS = {
    "ACQ.TRADE_HAS_CLOSE": "支付已关闭",
    "ACQ.TRADE_NOT_EXIST": "支付宝没有这笔支付",
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": "收款账户余额不足，暂时不能退款",
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": "退款金额超过已支付的金额",
    "ACQ.REASON_TRADE_REFUND_FEE_ERR": "退款金额超过已支付的金额",
    "ACQ.REASON_TRADE_STATUS_INVALID": "这笔支付没有付款，不能退款",
    "ACQ.TRADE_STATUS_ERROR": "这笔支付没有付款，不能退款",
}


class _BoundedClient(AliPay):
    """The library's client, which sends within our bounds; where it raises, the answer proves
    nothing.

    The library offers no way to name another gateway: this is the one place where its private parts
    are used. The version is pinned, and tests/contributions/channels/test_libraries.py notices when
    they change.
    """

    def __init__(self, account: Account) -> None:
        super().__init__(
            appid=account["app_id"],
            app_private_key_string=account["key"],
            alipay_public_key_string=account["provider_key"],
            sign_type="RSA2",
        )
        self._gateway = account["gateway"]

    def address(self, signed: str) -> str:
        """Where the payer's browser goes with a signed request."""
        return f"{self._gateway}?{signed}"

    def verified_sync_response(self, data: dict[str, Any], response_type: str) -> dict[str, Any]:
        reply = wire.exchange(
            "POST",
            self._gateway,
            body=self.sign_data(data).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        )
        try:
            answer = self._verify_and_return_sync_response(reply.body.decode(), response_type)
        except (AliPayException, AliPayValidationError) as problem:
            raise Unreachable(f"{data['method']}: no answer that verifies: {problem}") from problem
        # What is no JSON, or of another shape, ends in whatever error the library runs into.
        except Exception as problem:
            raise Unreachable(f"{data['method']}: not understood: {problem!r}") from problem
        if reply.status != 200 or not isinstance(answer, dict):
            raise Unreachable(f"{data['method']}: status {reply.status}")
        return answer


class AlipayChannel:
    """Alipay over the gateway and with the keys of the account."""

    code = "alipay"
    title = "支付宝"

    def __init__(self, account: Account) -> None:
        signing.private_key(account["key"])
        signing.public_key(account["provider_key"])
        self._app_id = account["app_id"]
        self._client = _BoundedClient(account)

    def start(self, wanted: Wanted) -> Started:
        """Signs the address of the cashier. Alipay hears of the payment when the payer's browser
        opens it."""
        announce = (
            self._client.api_alipay_trade_wap_pay
            if wanted.on_phone
            else self._client.api_alipay_trade_page_pay
        )
        signed = announce(
            subject=wanted.subject[:256],
            out_trade_no=wanted.number,
            total_amount=str(money.yuan(wanted.amount_fen)),
            time_expire=wanted.expires_at.astimezone(CHINA).strftime(_TIME),
            notify_url=wanted.notify_url,
            return_url=wanted.return_url,
        )
        return Started(redirect_url=self._client.address(signed))

    def confirm(self, number: str, code: str) -> Answer:
        """Nothing is to be confirmed here: the payer does that with Alipay."""
        return self.ask(number)

    def ask(self, number: str) -> Answer:
        """PENDING also where Alipay does not know the payment: its page can still be opened until
        the payment expires."""
        answer = self._client.api_alipay_trade_query(out_trade_no=number)
        refusal = self._refusal(answer)
        if refusal == "ACQ.TRADE_NOT_EXIST":
            return Answer(number, Outcome.PENDING)
        if refusal:
            raise Unreachable(f"refused: {refusal}")
        return self._payment(answer, number, paid_at=answer.get("send_pay_date"))

    def close(self, number: str) -> Answer:
        answer = self._client.api_alipay_trade_close(out_trade_no=number)
        refusal = self._refusal(answer)
        if not refusal or refusal in ("ACQ.TRADE_NOT_EXIST", "ACQ.TRADE_HAS_CLOSE"):
            return Answer(number, Outcome.FAILED, why=_(_REASONS["ACQ.TRADE_HAS_CLOSE"]))
        return self.ask(number)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, errors="strict")
            given = dict(pairs)
            if len(given) != len(pairs):
                raise Forged("a field is there twice")
            signed = self._client.verify(
                {name: value for name, value in pairs if name != "sign"}, given["sign"]
            )
        except Forged:
            raise
        # The library raises bare exceptions for kinds and encodings of signatures that it does not
        # know.
        except Exception as problem:
            raise Forged(f"not understood: {problem!r}") from problem
        if not signed or not signing.is_exact(given["sign"]):
            raise Forged("the signature does not verify")
        try:
            notified = str(int(_moment(given["notify_time"]).timestamp()))
            if not signing.is_fresh(notified, within=_NOTIFIED_WITHIN):
                raise Forged("the time lies too far away")
            if given["app_id"] != self._app_id:
                raise Forged("meant for another merchant")
            return self._payment(given, given["out_trade_no"], paid_at=given.get("gmt_payment"))
        except (KeyError, ValueError, Unreachable) as problem:
            raise Forged(f"not understood: {problem!r}") from problem

    def callback_reply(self, ok: bool) -> tuple[int, str, bytes]:
        return 200 if ok else 400, "text/plain", b"success" if ok else b"failure"

    def refund(self, *, number: str, refund_number: str, amount_fen: int, total_fen: int, why: str) -> Answer:
        answer = self._client.api_alipay_trade_refund(
            refund_amount=str(money.yuan(amount_fen)),
            out_trade_no=number,
            out_request_no=refund_number,
            refund_reason=why[:256],
        )
        if refusal := self._refusal(answer):
            why = (
                _(_REASONS[refusal])
                if refusal in _REASONS
                else _("支付宝没有办理这笔退款（%(code)s）") % {"code": refusal}
            )
            return Answer(refund_number, Outcome.FAILED, why=why)
        # The answer tells the sum of all refunds of the payment; only the query tells of this one.
        return self.ask_refund(number=number, refund_number=refund_number)

    def ask_refund(self, *, number: str, refund_number: str) -> Answer:
        answer = self._client.api_alipay_trade_fastpay_refund_query(refund_number, out_trade_no=number)
        if refusal := self._refusal(answer):
            if refusal == "ACQ.TRADE_NOT_EXIST":
                return Answer(refund_number, Outcome.FAILED, why=_(_REASONS[refusal]))
            raise Unreachable(f"refused: {refusal}")
        if "out_request_no" not in answer:
            return Answer(refund_number, Outcome.FAILED, why=_("支付宝没有这笔退款"))
        if (answer.get("out_trade_no"), answer["out_request_no"]) != (number, refund_number):
            raise Unreachable("the answer is about another number")
        if answer.get("refund_status") != "REFUND_SUCCESS":
            return Answer(refund_number, Outcome.PENDING)
        try:
            at = _moment(answer["gmt_refund_pay"]) if answer.get("gmt_refund_pay") else None
            return Answer(
                refund_number,
                Outcome.SUCCEEDED,
                _fen(answer["refund_amount"]),
                f"{answer['trade_no']}/{refund_number}",
                at,
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise Unreachable(f"the answer cannot be understood: {problem!r}") from problem

    def _refusal(self, answer: Mapping[str, Any]) -> str:
        """The code of a business refusal, or nothing. Unreachable where the answer tells nothing of
        the payment."""
        code, detail = answer.get("code"), str(answer.get("sub_code", ""))
        if code == "10000":
            return ""
        if code == "40004" and detail and detail not in ("ACQ.SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR"):
            return detail
        logger.error("Alipay does not process our request: %s %s", code, detail)
        raise Unreachable(f"not processed: {code} {detail}")

    def _payment(self, answer: Mapping[str, Any], number: str, *, paid_at: str | None) -> Answer:
        if answer.get("out_trade_no") != number:
            raise Unreachable("the answer is about another number")
        state = answer.get("trade_status")
        if state == "WAIT_BUYER_PAY":
            return Answer(number, Outcome.PENDING)
        # A payment that was refunded in full is closed, too.
        if state == "TRADE_CLOSED" and not paid_at:
            return Answer(number, Outcome.FAILED, why=_(_REASONS["ACQ.TRADE_HAS_CLOSE"]))
        if state not in ("TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED"):
            raise Unreachable(f"unknown state {state}")
        try:
            amount, provider_number = _fen(answer["total_amount"]), answer["trade_no"]
            at = _moment(paid_at) if paid_at else None
        except (KeyError, TypeError, ValueError) as problem:
            raise Unreachable(f"the answer cannot be understood: {problem!r}") from problem
        if not isinstance(provider_number, str) or not provider_number:
            raise Unreachable("no number in the answer")
        return Answer(number, Outcome.SUCCEEDED, amount, provider_number, at)


def _fen(text: Any) -> int:
    """Fen of an amount such as 393.04, exactly. Raises ValueError."""
    if not isinstance(text, str):
        raise ValueError("an amount is a text")
    try:
        amount = Decimal(text)
    except InvalidOperation as problem:
        raise ValueError(f"no amount: {text}") from problem
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"no amount: {text}")
    return money.to_fen(amount)


def _moment(text: str) -> dt.datetime:
    """Alipay's times are those of China, and say so nowhere."""
    return dt.datetime.strptime(text, _TIME).replace(tzinfo=CHINA)
