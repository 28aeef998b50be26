"""The bank-card provider, after docs/bank-card-channel.md."""

import datetime as dt
import hashlib
import json
import re
import secrets
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from contributions.channels.stand_in import scenarios
from contributions.channels.stand_in.provider import (
    CHINA,
    MERCHANT,
    Denied,
    Provider,
    Request,
    Response,
    Result,
    sign,
    verify,
)
from contributions.channels.stand_in.store import Row

TRIES = 3
_PATH = re.compile(r"/card/v1/(payments|confirm|query|close|refunds|refund-query)")
_STATES = {
    "waiting": "waiting_code",
    "processing": "processing",
    "paid": "paid",
    "failed": "failed",
    "closed": "closed",
}
_KEPT = ("card_number", "holder", "identity_number", "phone")


class Card(Provider):
    code = "card"

    def perform(self, request: Request) -> Result:
        match = _PATH.fullmatch(request.path)
        self._check(request)
        if match is None or request.method != "POST":
            return _refused("unknown", "", 404, "path")
        content = json.loads(request.body)
        if content.get("merchant") != MERCHANT:
            raise Denied("another merchant in the body")
        act = {
            "payments": self._start,
            "confirm": self._confirm,
            "query": self._query,
            "close": self._close,
            "refunds": self._refund,
            "refund-query": self._ask_refund,
        }
        return act[match[1]](content)

    def denied(self, why: Denied) -> Result:
        return _refused("denied", "", 401, "signature")

    def answer(self, request: Request, result: Result, *, key: rsa.RSAPrivateKey | None) -> Response:
        body = json.dumps(result.content, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if key is not None:
            seconds, nonce = int(time.time()), request.headers.get("hall-nonce", "")
            message = f"{result.status}\n{nonce}\n{seconds}\n{_digest(body)}\n"
            headers |= {"Bank-Time": str(seconds), "Bank-Signature": sign(key, message.encode())}
        return Response(result.status, body, headers)

    def notification(
        self, payment: Row, *, paid: bool, seconds: int, key: rsa.RSAPrivateKey | None, tampered: bool
    ) -> tuple[dict[str, str], bytes]:
        content = self._payment({**payment, "state": "paid" if paid else "failed"})
        body = json.dumps({"merchant": MERCHANT, **content}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if key is not None:
            nonce = secrets.token_hex(16)
            message = f"callback\n{seconds}\n{nonce}\n{_digest(body)}\n"
            headers |= {
                "Bank-Time": str(seconds),
                "Bank-Nonce": nonce,
                "Bank-Signature": sign(key, message.encode()),
            }
        return headers, body + b" " if tampered else body

    def _check(self, request: Request) -> None:
        given = request.headers
        if given.get("hall-merchant") != MERCHANT:
            raise Denied("another merchant")
        seconds, nonce = given.get("hall-time", ""), given.get("hall-nonce", "")
        message = f"{request.method}\n{request.target}\n{seconds}\n{nonce}\n{_digest(request.body)}\n"
        verify(self.hall_key, message.encode(), given.get("hall-signature", ""))
        self.check_fresh(seconds, nonce)

    def _start(self, content: dict[str, Any]) -> Result:
        number, amount, ending = content["number"], content["amount_fen"], content["card_number"][-2:]
        if type(amount) is not int or amount <= 0:
            return _refused("start", number, 400, "amount")
        with self.store.alone():
            payment = self.store.payment(self.code, number)
            wanted = {name: content[name] for name in _KEPT}
            if payment is not None:
                same = payment["amount_fen"] == amount and all(
                    payment["details"].get(name) == wanted[name] for name in _KEPT
                )
                if not same:
                    closed = payment["state"] == "closed"
                    return _refused("start", number, 409, "closed" if closed else "used")
                return Result("start", number, 200, self._payment(payment))
            if dt.datetime.fromisoformat(content["expires_at"]) <= self.store.now():
                return _refused("start", number, 422, "expired")
            if ending in scenarios.CARD_REFUSALS:
                return _refused("start", number, 422, scenarios.CARD_REFUSALS[ending])
            code = f"{secrets.randbelow(10**6):06d}"
            payment = self.store.add_payment(
                self.code,
                number,
                amount_fen=amount,
                subject=content["subject"],
                notify_url=content["notify_url"],
                return_url="",
                expires_at=content["expires_at"],
                scenario=scenarios.CARD_ENDINGS.get(ending, scenarios.PLAIN),
                details={**wanted, "code": code, "tries_left": TRIES},
            )
            self.store.run(
                "INSERT INTO message (number, phone, content, at) VALUES (?, ?, ?, ?)",
                number,
                content["phone"],
                f"【代银行】您尾号 {content['card_number'][-4:]} 的银行卡正在支付 {amount // 100}.{amount % 100:02d} 元，"
                f"验证码 {code}，请勿告诉他人。",
                self.store.now().astimezone(CHINA).isoformat(timespec="seconds"),
            )
        return Result("start", number, 200, self._payment(payment))

    def _confirm(self, content: dict[str, Any]) -> Result:
        number = content["number"]
        with self.store.alone():
            payment = self.store.payment(self.code, number)
            if payment is None:
                return _refused("confirm", number, 404, "unknown")
            if payment["state"] != "waiting":
                return Result("confirm", number, 200, self._payment(payment))
            details = payment["details"]
            if payment["expired"]:
                self.store.change_payment(payment, state="closed", details={**details, "reason": "expired"})
                return Result("confirm", number, 200, self._payment(payment))
            if not secrets.compare_digest(str(content.get("code", "")).encode(), details["code"].encode()):
                left = details["tries_left"] - 1
                details = {**details, "tries_left": left, "reason": "code" if left else "tries"}
                self.store.change_payment(payment, state="waiting" if left else "failed", details=details)
                return Result("confirm", number, 200, self._payment(payment))
            details.pop("reason", None)
            if details["card_number"].endswith(scenarios.CARD_POOR):
                self.store.change_payment(payment, state="failed", details={**details, "reason": "balance"})
            else:
                self.store.change_payment(payment, details=details)
        if payment["state"] == "failed":
            self.notifier.failed(self, payment)
        elif payment["scenario"] == scenarios.CLOSED_THEN_PAID:
            payment = self.hold(number) or payment
        else:
            payment = (
                self.take(number, payment["scenario"]) or self.store.payment(self.code, number) or payment
            )
        fault = "silent" if payment["scenario"] == scenarios.SILENT else ""
        return Result("confirm", number, 200, self._payment(payment), fault)

    def _query(self, content: dict[str, Any]) -> Result:
        payment = self.store.payment(self.code, content["number"])
        if payment is None:
            return _refused("ask", content["number"], 404, "unknown")
        if payment["expired"]:
            payment["state"], payment["details"] = "closed", {**payment["details"], "reason": "expired"}
        return Result("ask", content["number"], 200, self._payment(payment))

    def _close(self, content: dict[str, Any]) -> Result:
        number = content["number"]
        with self.store.alone():
            payment = self.store.payment(self.code, number)
            if payment is None:
                # Closed before it arrived: it must not be announced any more.
                payment = self.store.add_payment(
                    self.code,
                    number,
                    amount_fen=0,
                    subject="",
                    notify_url="",
                    return_url="",
                    expires_at=self.store.now().isoformat(),
                    state="closed",
                    details={"reason": "closed"},
                )
            elif payment["state"] in ("waiting", "processing"):
                self.store.change_payment(payment, details={**payment["details"], "reason": "closed"})
                self.closed(payment)
        return Result("close", number, 200, self._payment(payment))

    def _refund(self, content: dict[str, Any]) -> Result:
        refund_number = content["refund_number"]
        made = self.try_refund(content["number"], refund_number, content["amount_fen"], content["total_fen"])
        if isinstance(made, str):
            return _refused("refund", refund_number, 409 if made == "used" else 422, made)
        return Result("refund", refund_number, 200, self._of_refund(made))

    def _ask_refund(self, content: dict[str, Any]) -> Result:
        made = self.store.refund(self.code, content["refund_number"])
        if made is None or made["number"] != content["number"]:
            return _refused("ask_refund", content["refund_number"], 404, "unknown")
        return Result("ask_refund", content["refund_number"], 200, self._of_refund(made))

    def _payment(self, payment: Row) -> dict[str, Any]:
        content = {"number": payment["number"], "status": _STATES[payment["state"]]}
        reason = payment["details"].get("reason", "")
        if payment["state"] == "paid":
            content |= {
                "amount_fen": payment["taken_fen"],
                "bank_number": payment["provider_number"],
                "at": self.china(payment["paid_at"]).isoformat(),
            }
        elif reason:
            content |= {"code": reason, "tries_left": payment["details"].get("tries_left", 0)}
        return content

    def _of_refund(self, refund: Row) -> dict[str, Any]:
        return {
            "number": refund["number"],
            "refund_number": refund["refund_number"],
            "status": "refunded",
            "amount_fen": refund["amount_fen"],
            "bank_number": refund["provider_number"],
            "at": self.china(refund["at"]).isoformat(timespec="seconds"),
        }


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _refused(action: str, number: str, status: int, code: str) -> Result:
    return Result(action, number, status, {"code": code})
