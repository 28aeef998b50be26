"""Bank cards with a code by text message, over the protocol of docs/bank-card-channel.md."""

import datetime as dt
import hashlib
import json
import logging
import secrets
import time
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from contributions.channels import signing, wire
from contributions.channels.keys import Account
from contributions.channels.protocol import Answer, Forged, Outcome, Refused, Started, Unreachable, Wanted
from portal.accounts import phones
from portal.shared import bank_card, identity, names

logger = logging.getLogger(__name__)

_OUTCOMES = {
    "waiting_code": Outcome.PENDING,
    "processing": Outcome.PENDING,
    "paid": Outcome.SUCCEEDED,
    "refunded": Outcome.SUCCEEDED,
    "failed": Outcome.FAILED,
    "closed": Outcome.FAILED,
}
_REASONS = {
    "balance": "余额不足",
    "frozen": "银行卡已冻结或挂失，请换一张卡，或者联系发卡银行",
    "unknown_card": "银行没有这张卡，请核对卡号",
    "holder": "持卡人姓名或证件号码与银行登记的不符，请核对",
    "phone": "手机号与银行预留的不符，请核对",
    "code": "短信验证码不正确",
    "tries": "短信验证码输错次数过多，本次支付已关闭",
    "expired": "支付已超过有效时间",
    "closed": "支付已关闭",
    "used": "支付编号已用于另一笔支付",
    "finished": "这笔支付已有结果",
    "exceeds": "退款金额超过已支付的金额",
    "not_paid": "这笔支付没有付款，不能退款",
    "unknown": "银行没有这笔交易",
}
# Which entry of the payer's a bank's refusal concerns.
_FIELDS = {"frozen": "card_number", "unknown_card": "card_number", "holder": "holder", "phone": "phone"}


def check_payer(payer: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with what the payer typed, by field: card_number, holder, identity_number,
    phone. Empty where nothing is."""
    wrong: dict[str, str] = {}
    try:
        bank_card.parse(payer.get("card_number", ""))
    except bank_card.InvalidBankCard as problem:
        wrong["card_number"] = {
            "characters": _("银行卡号只能是数字。"),
            "length": _("银行卡号为 12 至 19 位数字，请核对位数。"),
            "check": _("银行卡号不正确，请核对是否输错了一位。"),
        }[problem.code]
    if not payer.get("holder", "").strip():
        wrong["holder"] = _("请填写持卡人姓名，与银行卡上登记的一致。")
    try:
        identity.parse(payer.get("identity_number", ""))
    except identity.InvalidIdentity:
        wrong["identity_number"] = _("身份证号码不正确，请核对 18 位号码。")
    try:
        phones.parse(payer.get("phone", ""))
    except phones.InvalidPhone:
        wrong["phone"] = _("请填写在银行预留的 11 位手机号。")
    return wrong


class CardChannel:
    """The bank-card provider. Its gateway, our merchant number and the keys come from the
    account."""

    code = "card"
    title = "银行卡"

    def __init__(self, account: Account) -> None:
        self._gateway = account["gateway"]
        self._merchant = account["merchant"]
        self._key = signing.private_key(account["key"])
        self._provider_key = signing.public_key(account["provider_key"])

    def start(self, wanted: Wanted) -> Started:
        for field, why in check_payer(wanted.payer).items():
            raise Refused(why, field)
        status, answer = self._post(
            "payments",
            {
                "number": wanted.number,
                "amount_fen": wanted.amount_fen,
                "subject": wanted.subject,
                "expires_at": wanted.expires_at.isoformat(),
                "notify_url": wanted.notify_url,
                "card_number": bank_card.parse(wanted.payer["card_number"]),
                "holder": names.canonical(wanted.payer["holder"]),
                "identity_number": identity.parse(wanted.payer["identity_number"]).number,
                "phone": phones.parse(wanted.payer["phone"]),
            },
        )
        if status != 200:
            raise self._refused(status, answer)
        said = self._answer(answer, wanted.number)
        if said.outcome is not Outcome.PENDING:
            raise Refused(_(_REASONS["finished"]))
        return Started(needs_code=True)

    def confirm(self, number: str, code: str) -> Answer:
        return self._payment("confirm", {"number": number, "code": code}, number)

    def ask(self, number: str) -> Answer:
        return self._payment("query", {"number": number}, number)

    def close(self, number: str) -> Answer:
        return self._payment("close", {"number": number}, number)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Answer:
        given = {name.lower(): value for name, value in headers.items()}
        seconds, nonce = given.get("bank-time", ""), given.get("bank-nonce", "")
        message = f"callback\n{seconds}\n{nonce}\n{_digest(body)}\n"
        if not signing.verifies(self._provider_key, message, given.get("bank-signature", "")):
            raise Forged("the signature does not verify")
        if not signing.is_fresh(seconds):
            raise Forged("the time lies too far away")
        try:
            answer = _parse(body)
            if answer.get("merchant") != self._merchant:
                raise Forged("meant for another merchant")
            return self._answer(answer, str(answer["number"]))
        except (Unreachable, KeyError) as problem:
            raise Forged(f"not understood: {problem}") from problem

    def callback_reply(self, ok: bool) -> tuple[int, str, bytes]:
        return 200 if ok else 400, "application/json", b'{"received": true}' if ok else b'{"received": false}'

    def refund(self, *, number: str, refund_number: str, amount_fen: int, total_fen: int, why: str) -> Answer:
        status, answer = self._post(
            "refunds",
            {
                "number": number,
                "refund_number": refund_number,
                "amount_fen": amount_fen,
                "total_fen": total_fen,
                "why": why,
            },
        )
        return self._refund(status, answer, refund_number)

    def ask_refund(self, *, number: str, refund_number: str) -> Answer:
        status, answer = self._post("refund-query", {"number": number, "refund_number": refund_number})
        return self._refund(status, answer, refund_number)

    def _payment(self, action: str, content: Mapping[str, Any], number: str) -> Answer:
        status, answer = self._post(action, content)
        if status == 200:
            return self._answer(answer, number)
        return Answer(number, Outcome.FAILED, why=self._refused(status, answer).why)

    def _refund(self, status: int, answer: Mapping[str, Any], refund_number: str) -> Answer:
        if status == 200:
            return self._answer(answer, refund_number, name="refund_number")
        return Answer(refund_number, Outcome.FAILED, why=self._refused(status, answer).why)

    def _post(self, action: str, content: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """The status (200, or a 4xx that refuses) and the answer, whose signature holds for this
        very request."""
        path = f"/card/v1/{action}"
        body = json.dumps({"merchant": self._merchant, **content}, ensure_ascii=False).encode()
        seconds, nonce = str(int(time.time())), secrets.token_hex(16)
        reply = wire.exchange(
            "POST",
            self._gateway + path,
            body=body,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "Hall-Merchant": self._merchant,
                "Hall-Time": seconds,
                "Hall-Nonce": nonce,
                "Hall-Signature": signing.sign(
                    self._key, f"POST\n{path}\n{seconds}\n{nonce}\n{_digest(body)}\n"
                ),
            },
        )
        answered = reply.headers.get("bank-time", "")
        message = f"{reply.status}\n{nonce}\n{answered}\n{_digest(reply.body)}\n"
        if not signing.verifies(self._provider_key, message, reply.headers.get("bank-signature", "")):
            raise Unreachable(f"{action}: the signature of the answer does not verify")
        if not signing.is_fresh(answered):
            raise Unreachable(f"{action}: the answer is of another time")
        answer = _parse(reply.body)
        if reply.status not in (200, 404, 409, 422):
            logger.error(
                "The bank-card provider refuses our request %s: %s %s",
                action,
                reply.status,
                answer.get("code"),
            )
            raise Unreachable(f"{action}: status {reply.status}")
        return reply.status, answer

    def _refused(self, status: int, answer: Mapping[str, Any]) -> Refused:
        code = str(answer.get("code", ""))
        if code not in _REASONS:
            raise Unreachable(f"status {status} with unknown code {code!r}")
        return Refused(_(_REASONS[code]), _FIELDS.get(code, ""))

    def _answer(self, answer: Mapping[str, Any], number: str, *, name: str = "number") -> Answer:
        if answer.get(name) != number:
            raise Unreachable("the answer is about another number")
        try:
            outcome = _OUTCOMES[str(answer["status"])]
            reason = str(answer.get("code") or "")
            why = _(_REASONS.get(reason, "银行未说明原因")) if outcome is Outcome.FAILED or reason else ""
            if reason == "code" and outcome is Outcome.PENDING:
                why = _("短信验证码不正确，还可以输入 %(count)s 次。") % {"count": int(answer["tries_left"])}
            if outcome is not Outcome.SUCCEEDED:
                return Answer(number, outcome, why=why)
            amount, provider_number = answer["amount_fen"], answer["bank_number"]
            if (
                type(amount) is not int
                or amount < 0
                or not isinstance(provider_number, str)
                or not provider_number
            ):
                raise ValueError("no amount or number")
            at = dt.datetime.fromisoformat(answer["at"])
            if at.tzinfo is None:
                raise ValueError("a time without zone")
        except (KeyError, TypeError, ValueError) as problem:
            raise Unreachable(f"the answer cannot be understood: {problem!r}") from problem
        return Answer(number, outcome, amount, provider_number, at)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise Unreachable("the answer is no JSON") from problem
    if not isinstance(answer, dict):
        raise Unreachable("the answer is no JSON object")
    return answer
