"""WeChat Pay, APIv3: Native and H5 payments, query, close, refund, query of a refund, and the
notification of a payment."""

import base64
import json
import re
import secrets
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contributions.channels.stand_in.provider import (
    APP_ID,
    CHINA,
    MERCHANT,
    Denied,
    Notifier,
    Provider,
    Request,
    Response,
    Result,
    sign,
    verify,
)
from contributions.channels.stand_in.store import Row, Store

SERIAL = "5157F09EFDC096DE15EBE81A47057A7200000001"
KEY_ID = "PUB_KEY_ID_0000000001"
_SCHEME = "WECHATPAY2-SHA256-RSA2048"
_AUTHORIZATION = re.compile(r'(\w+)="([^"]*)"')
_NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
_PAYMENT = re.compile(r"/v3/pay/transactions/out-trade-no/([^/]+)(/close)?")
_REFUND = re.compile(r"/v3/refund/domestic/refunds/([^/]+)")


class WeChat(Provider):
    code = "wechat"

    def __init__(self, store: Store, keys: Path, public_url: str, notifier: Notifier) -> None:
        super().__init__(store, keys, public_url, notifier)
        self._apiv3_key = (keys / "wechat-apiv3.key").read_bytes().strip()

    def perform(self, request: Request) -> Result:
        self._check(request)
        if request.method == "POST" and request.path in (
            "/v3/pay/transactions/native",
            "/v3/pay/transactions/h5",
        ):
            return self._pay(json.loads(request.body), on_phone=request.path.endswith("h5"))
        if request.method == "POST" and request.path == "/v3/refund/domestic/refunds":
            return self._refund(json.loads(request.body))
        if request.method == "GET" and (match := _REFUND.fullmatch(request.path)):
            return self._ask_refund(match[1])
        if match := _PAYMENT.fullmatch(request.path):
            if request.method == "POST" and match[2] and json.loads(request.body).get("mchid") == MERCHANT:
                return self._close(match[1])
            if request.method == "GET" and not match[2] and request.query.get("mchid") == MERCHANT:
                return self._query(match[1])
        return _refused("unknown", "", 404, "RESOURCE_NOT_EXISTS")

    def denied(self, why: Denied) -> Result:
        return _refused("denied", "", 401, "SIGN_ERROR", str(why))

    def answer(self, request: Request, result: Result, *, key: rsa.RSAPrivateKey | None) -> Response:
        body = b"" if result.content is None else json.dumps(result.content, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return Response(result.status, body, headers | self._signed(body, int(time.time()), key))

    def notification(
        self, payment: Row, *, paid: bool, seconds: int, key: rsa.RSAPrivateKey | None, tampered: bool
    ) -> tuple[dict[str, str], bytes]:
        content = self._payment(payment, "SUCCESS" if paid else "PAYERROR")
        nonce = secrets.token_hex(6)
        secret = AESGCM(self._apiv3_key).encrypt(nonce.encode(), json.dumps(content).encode(), b"transaction")
        body = json.dumps(
            {
                "id": secrets.token_hex(16),
                "create_time": self.store.now().astimezone(CHINA).isoformat(timespec="seconds"),
                "resource_type": "encrypt-resource",
                "event_type": "TRANSACTION.SUCCESS" if paid else "TRANSACTION.FAIL",
                "summary": "支付成功" if paid else "支付失败",
                "resource": {
                    "original_type": "transaction",
                    "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": base64.b64encode(secret).decode(),
                    "associated_data": "transaction",
                    "nonce": nonce,
                },
            },
            ensure_ascii=False,
        ).encode()
        headers = {"Content-Type": "application/json"} | self._signed(body, seconds, key)
        return headers, body + b" " if tampered else body

    def _signed(self, body: bytes, seconds: int, key: rsa.RSAPrivateKey | None) -> dict[str, str]:
        if key is None:
            return {}
        nonce = secrets.token_hex(16)
        return {
            "Wechatpay-Timestamp": str(seconds),
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": KEY_ID,
            "Wechatpay-Signature-Type": _SCHEME,
            "Wechatpay-Signature": sign(key, f"{seconds}\n{nonce}\n".encode() + body + b"\n"),
        }

    def _check(self, request: Request) -> None:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        given = dict(_AUTHORIZATION.findall(rest))
        if scheme != _SCHEME or (given.get("mchid"), given.get("serial_no")) != (MERCHANT, SERIAL):
            raise Denied("another scheme, merchant or serial number")
        seconds, nonce = given.get("timestamp", ""), given.get("nonce_str", "")
        message = f"{request.method}\n{request.target}\n{seconds}\n{nonce}\n".encode() + request.body + b"\n"
        verify(self.hall_key, message, given.get("signature", ""))
        self.check_fresh(seconds, nonce)

    def _pay(self, content: dict[str, Any], *, on_phone: bool) -> Result:
        number = str(content.get("out_trade_no", ""))
        amount = content.get("amount", {}).get("total")
        right = (
            (content.get("appid"), content.get("mchid")) == (APP_ID, MERCHANT)
            and _NUMBER.fullmatch(number)
            and type(amount) is int
            and amount > 0
            and content["amount"].get("currency") == "CNY"
            and content.get("description")
            and content.get("notify_url")
            and content.get("time_expire")
            and (not on_phone or content.get("scene_info", {}).get("payer_client_ip"))
        )
        if not right or self.china(content["time_expire"]) <= self.store.now():
            return _refused("start", number, 400, "PARAM_ERROR")
        with self.store.alone():
            payment = self.store.payment(self.code, number)
            if payment is None:
                payment = self.store.add_payment(
                    self.code,
                    number,
                    amount_fen=amount,
                    subject=content["description"],
                    notify_url=content["notify_url"],
                    return_url="",
                    expires_at=self.china(content["time_expire"]).isoformat(),
                )
            elif payment["amount_fen"] != amount:
                return _refused("start", number, 403, "OUT_TRADE_NO_USED")
            elif payment["state"] != "waiting":
                return _refused(
                    "start", number, 400, "ORDERPAID" if payment["state"] == "paid" else "ORDER_CLOSED"
                )
        url = f"{self.public_url}/wechat/pay/{payment['token']}"
        return Result("start", number, 200, {"h5_url" if on_phone else "code_url": url})

    def _query(self, number: str) -> Result:
        payment = self.store.payment(self.code, number)
        if payment is None:
            return _refused("ask", number, 404, "ORDER_NOT_EXIST")
        state = {"waiting": "NOTPAY", "processing": "USERPAYING", "paid": "SUCCESS"}.get(
            payment["state"], "CLOSED"
        )
        if state == "SUCCESS" and self.store.refunded_fen(payment):
            state = "REFUND"
        if payment["expired"]:
            state = "CLOSED"
        return Result("ask", number, 200, self._payment(payment, state))

    def _close(self, number: str) -> Result:
        with self.store.alone():
            payment = self.store.payment(self.code, number)
            if payment is None:
                return _refused("close", number, 404, "ORDER_NOT_EXIST")
            if payment["state"] == "paid":
                return _refused("close", number, 400, "ORDERPAID")
            self.closed(payment)
        return Result("close", number, 204, None)

    def _refund(self, content: dict[str, Any]) -> Result:
        number, refund_number = str(content.get("out_trade_no", "")), str(content.get("out_refund_no", ""))
        amount = content.get("amount", {})
        made = self.try_refund(number, refund_number, amount.get("refund", 0), amount.get("total", 0))
        if isinstance(made, str):
            status, code = {"not_paid": (404, "RESOURCE_NOT_EXISTS")}.get(made, (400, "INVALID_REQUEST"))
            return _refused("refund", refund_number, status, code)
        # As in life, the answer says that it is being done, and the query that it was.
        return Result("refund", refund_number, 200, self._of_refund(made, "PROCESSING"))

    def _ask_refund(self, refund_number: str) -> Result:
        made = self.store.refund(self.code, refund_number)
        if made is None:
            return _refused("ask_refund", refund_number, 404, "RESOURCE_NOT_EXISTS")
        return Result("ask_refund", refund_number, 200, self._of_refund(made, "SUCCESS"))

    def _payment(self, payment: Row, state: str) -> dict[str, Any]:
        content = {
            "appid": APP_ID,
            "mchid": MERCHANT,
            "out_trade_no": payment["number"],
            "trade_state": state,
            "trade_state_desc": state,
            "payer": {"openid": "stand-in-payer"},
        }
        if state in ("SUCCESS", "REFUND"):
            content |= {
                "transaction_id": payment["provider_number"],
                "trade_type": "NATIVE",
                "bank_type": "OTHERS",
                "success_time": self.china(payment["paid_at"]).isoformat(timespec="seconds"),
                "amount": {
                    "total": payment["taken_fen"],
                    "payer_total": payment["taken_fen"],
                    "currency": "CNY",
                },
            }
        return content

    def _of_refund(self, refund: Row, status: str) -> dict[str, Any]:
        content = {
            "refund_id": refund["provider_number"],
            "out_refund_no": refund["refund_number"],
            "out_trade_no": refund["number"],
            "status": status,
            "amount": {"refund": refund["amount_fen"], "currency": "CNY"},
        }
        if status == "SUCCESS":
            content["success_time"] = self.china(refund["at"]).isoformat(timespec="seconds")
        return content


def _refused(action: str, number: str, status: int, code: str, message: str = "") -> Result:
    return Result(action, number, status, {"code": code, "message": message or code})
