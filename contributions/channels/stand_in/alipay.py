"""Alipay's gateway: page and wap payments, query, close, refund, query of a refund, and the
notification of a payment."""

import datetime as dt
import json
import secrets
import time
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives.asymmetric import rsa

from contributions.channels.stand_in.provider import (
    APP_ID,
    CHINA,
    FRESH_SECONDS,
    Denied,
    Provider,
    Request,
    Response,
    Result,
    sign,
    verify,
)
from contributions.channels.stand_in.store import Row

_TIME = "%Y-%m-%d %H:%M:%S"
_PRODUCTS = {"alipay.trade.page.pay": "FAST_INSTANT_TRADE_PAY", "alipay.trade.wap.pay": "QUICK_WAP_PAY"}
_ACTIONS = {
    "alipay.trade.query": "ask",
    "alipay.trade.close": "close",
    "alipay.trade.refund": "refund",
    "alipay.trade.fastpay.refund.query": "ask_refund",
}
_STATES = {
    "waiting": "WAIT_BUYER_PAY",
    "processing": "WAIT_BUYER_PAY",
    "paid": "TRADE_SUCCESS",
    "closed": "TRADE_CLOSED",
}


class Alipay(Provider):
    code = "alipay"

    def perform(self, request: Request) -> Result:
        given = self._given(request)
        self._check(given)
        content = json.loads(given["biz_content"])
        number = str(content.get("out_trade_no", ""))
        action = _ACTIONS.get(given["method"], "unknown")
        if action == "ask":
            return self._query(number)
        if action == "close":
            return self._close(number)
        if action == "refund":
            return self._refund(number, content)
        if action == "ask_refund":
            return self._ask_refund(number, content)
        return _refused("unknown", number, "40004", "isv.invalid-method")

    def open(self, request: Request) -> Row:
        """The payer's browser opens the cashier: the payment is announced by that. Raises
        Denied."""
        given = self._given(request)
        self._check(given)
        content = json.loads(given["biz_content"])
        if content.get("product_code") != _PRODUCTS.get(given["method"]):
            raise Denied("another product")
        number, amount = str(content["out_trade_no"]), int(Decimal(content["total_amount"]).scaleb(2))
        with self.store.alone():
            payment = self.store.payment(self.code, number)
            if payment is None:
                payment = self.store.add_payment(
                    self.code,
                    number,
                    amount_fen=amount,
                    subject=content["subject"],
                    notify_url=given["notify_url"],
                    return_url=given.get("return_url", ""),
                    expires_at=_moment(content["time_expire"]).isoformat(),
                )
        if payment["amount_fen"] != amount:
            raise Denied("the number stands for another amount")
        return payment

    def denied(self, why: Denied) -> Result:
        return _refused("denied", "", "40002", "isv.invalid-signature", str(why))

    def answer(self, request: Request, result: Result, *, key: rsa.RSAPrivateKey | None) -> Response:
        method = self._given(request).get("method", "error").replace(".", "_")
        content = json.dumps(result.content, ensure_ascii=False, separators=(",", ":"))
        signature = f',"sign":"{sign(key, content.encode())}"' if key else ""
        body = f'{{"{method}_response":{content}{signature}}}'.encode()
        return Response(result.status, body, {"Content-Type": "text/html;charset=utf-8"})

    def notification(
        self, payment: Row, *, paid: bool, seconds: int, key: rsa.RSAPrivateKey | None, tampered: bool
    ) -> tuple[dict[str, str], bytes]:
        content = {
            "notify_time": dt.datetime.fromtimestamp(seconds, CHINA).strftime(_TIME),
            "notify_type": "trade_status_sync",
            "notify_id": secrets.token_hex(17),
            "charset": "utf-8",
            "version": "1.0",
            "app_id": APP_ID,
            "auth_app_id": APP_ID,
            "out_trade_no": payment["number"],
            "subject": payment["subject"],
            "trade_status": "TRADE_SUCCESS" if paid else "TRADE_CLOSED",
            "total_amount": _yuan(payment["taken_fen"] if paid else payment["amount_fen"]),
            "gmt_create": self.china(payment["created_at"]).strftime(_TIME),
        }
        if paid:
            content |= {
                "trade_no": payment["provider_number"],
                "gmt_payment": self.china(payment["paid_at"]).strftime(_TIME),
            }
        if key is not None:
            message = "&".join(f"{name}={value}" for name, value in sorted(content.items()))
            content |= {"sign": sign(key, message.encode()), "sign_type": "RSA2"}
        if tampered:
            content["total_amount"] = "0.01"
        return {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}, urlencode(
            content
        ).encode()

    def received(self, status: int, body: bytes) -> bool:
        return status == 200 and body.strip() == b"success"

    def _given(self, request: Request) -> dict[str, str]:
        return {**request.query, **dict(parse_qsl(request.body.decode(), keep_blank_values=True))}

    def _check(self, given: dict[str, str]) -> None:
        if (given.get("app_id"), given.get("sign_type"), given.get("version")) != (APP_ID, "RSA2", "1.0"):
            raise Denied("another app, kind of signature or version")
        message = "&".join(
            f"{name}={value}" for name, value in sorted(given.items()) if name != "sign" and value
        )
        verify(self.hall_key, message.encode(), given.get("sign", ""))
        try:
            seconds = _moment(given["timestamp"]).timestamp()
        except (KeyError, ValueError) as problem:
            raise Denied("no time") from problem
        # The address of the cashier may lie open for as long as the payment can be made.
        if given.get("method") in _ACTIONS and abs(time.time() - seconds) > FRESH_SECONDS:
            raise Denied("the time lies too far away")

    def _query(self, number: str) -> Result:
        payment = self.store.payment(self.code, number)
        if payment is None:
            return _refused("ask", number, "40004", "ACQ.TRADE_NOT_EXIST")
        state = "TRADE_CLOSED" if payment["expired"] else _STATES[payment["state"]]
        content = {
            "code": "10000",
            "msg": "Success",
            "out_trade_no": number,
            "trade_status": state,
            "total_amount": _yuan(payment["taken_fen"] or payment["amount_fen"]),
        }
        if payment["state"] == "paid":
            if self.store.refunded_fen(payment) == payment["taken_fen"]:
                content["trade_status"] = "TRADE_CLOSED"
            content |= {
                "trade_no": payment["provider_number"],
                "send_pay_date": self.china(payment["paid_at"]).strftime(_TIME),
            }
        return Result("ask", number, 200, content)

    def _close(self, number: str) -> Result:
        with self.store.alone():
            payment = self.store.payment(self.code, number)
            if payment is None:
                return _refused("close", number, "40004", "ACQ.TRADE_NOT_EXIST")
            if payment["state"] == "paid":
                return _refused("close", number, "40004", "ACQ.REASON_TRADE_STATUS_INVALID")
            if payment["state"] == "closed":
                return _refused("close", number, "40004", "ACQ.TRADE_HAS_CLOSE")
            self.closed(payment)
        return Result("close", number, 200, {"code": "10000", "msg": "Success", "out_trade_no": number})

    def _refund(self, number: str, content: dict[str, Any]) -> Result:
        refund_number, amount = str(content.get("out_request_no", "")), content.get("refund_amount", "0")
        payment = self.store.payment(self.code, number)
        total = payment["taken_fen"] if payment and payment["taken_fen"] else 0
        made = self.try_refund(number, refund_number, int(Decimal(amount).scaleb(2)), total)
        if isinstance(made, str):
            code = {"not_paid": "ACQ.REASON_TRADE_STATUS_INVALID"}.get(
                made, "ACQ.REASON_TRADE_REFUND_FEE_ERR"
            )
            return _refused("refund", refund_number, "40004", code if payment else "ACQ.TRADE_NOT_EXIST")
        assert payment is not None  # noqa: S101 - a refund has one
        return Result(
            "refund",
            refund_number,
            200,
            {
                "code": "10000",
                "msg": "Success",
                "out_trade_no": number,
                "trade_no": payment["provider_number"],
                "fund_change": "Y",
                # The sum of all refunds of the payment.
                "refund_fee": _yuan(self.store.refunded_fen(payment)),
            },
        )

    def _ask_refund(self, number: str, content: dict[str, Any]) -> Result:
        refund_number = str(content.get("out_request_no", ""))
        payment, made = self.store.payment(self.code, number), self.store.refund(self.code, refund_number)
        if payment is None:
            return _refused("ask_refund", refund_number, "40004", "ACQ.TRADE_NOT_EXIST")
        answer = {"code": "10000", "msg": "Success"}
        if made is not None and made["number"] == number:
            answer |= {
                "out_trade_no": number,
                "trade_no": payment["provider_number"],
                "out_request_no": refund_number,
                "refund_status": "REFUND_SUCCESS",
                "refund_amount": _yuan(made["amount_fen"]),
                "total_amount": _yuan(payment["taken_fen"]),
                "gmt_refund_pay": self.china(made["at"]).strftime(_TIME),
            }
        return Result("ask_refund", refund_number, 200, answer)


def _refused(action: str, number: str, code: str, detail: str, message: str = "") -> Result:
    words = {"40004": "Business Failed", "40002": "Invalid Arguments"}[code]
    return Result(
        action, number, 200, {"code": code, "msg": words, "sub_code": detail, "sub_msg": message or detail}
    )


def _moment(text: str) -> dt.datetime:
    return dt.datetime.strptime(text, _TIME).replace(tzinfo=CHINA)


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
