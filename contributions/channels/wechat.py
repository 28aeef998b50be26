"""WeChat Pay (APIv3): a QR code on a desktop (Native), WeChat itself on a phone (H5). Signed and
verified by wechatpayv3."""

import datetime as dt
import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.utils.translation import gettext as _
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core
from wechatpayv3.type import RequestType
from wechatpayv3.utils import build_authorization

from contributions.channels import signing, wire
from contributions.channels.keys import Account
from contributions.channels.protocol import Answer, Forged, Outcome, Refused, Started, Unreachable, Wanted
from portal.shared.months import CHINA

logger = logging.getLogger(__name__)

# REFUND: paid, and then given back in part or whole.
_PAYMENTS = {
    "SUCCESS": Outcome.SUCCEEDED,
    "REFUND": Outcome.SUCCEEDED,
    "NOTPAY": Outcome.PENDING,
    "USERPAYING": Outcome.PENDING,
    "CLOSED": Outcome.FAILED,
    "REVOKED": Outcome.FAILED,
    "PAYERROR": Outcome.FAILED,
}
_REFUNDS = {
    "SUCCESS": Outcome.SUCCEEDED,
    "PROCESSING": Outcome.PENDING,
    "CLOSED": Outcome.FAILED,
    "ABNORMAL": Outcome.FAILED,
}
_REASONS = {
    "CLOSED": "支付已关闭",
    "REVOKED": "支付已撤销",
    "PAYERROR": "支付失败",
    "ABNORMAL": "退款不能退回原账户，需人工处理",
    "NOT_ENOUGH": "收款账户余额不足，暂时不能退款",
    "USER_ACCOUNT_ABNORMAL": "付款人的账户异常，不能退回",
}
# Refusals that tell of our own set-up, not of the payment.
_SET_UP = ("SIGN_ERROR", "NO_AUTH", "APPID_MCHID_NOT_MATCH", "MCH_NOT_EXISTS", "RULE_LIMIT")


class _VerifyingCore(Core):
    """The library's core, which also verifies what is not 2xx, sends within our bounds, and fetches
    no keys by itself.

    The library offers no way to name another gateway: this is the one place where its private parts
    are used. The version is pinned, and tests/contributions/channels/test_libraries.py notices when
    they change.
    """

    def __init__(self, account: Account) -> None:
        super().__init__(**_credentials(account))
        self._gate_way = account["gateway"]

    def _update_certificates(self) -> None:
        """A callback that names an unknown key would otherwise have us ask the provider for it."""

    def request(
        self, path: str, method: RequestType = RequestType.GET, data: Any = None, **_others: Any
    ) -> tuple[int, str]:
        body = json.dumps(data) if data else ""
        reply = wire.exchange(
            method.value,
            self._gate_way + path,
            body=body.encode(),
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": "insurance-hall",
                "Wechatpay-Serial": self._public_key_id,
                "Authorization": build_authorization(
                    path, method.value, self._mchid, self._cert_serial_no, self._private_key, data=body
                ),
            },
        )
        if not self.verifies(reply.headers, reply.body):
            raise Unreachable(f"{path}: the signature of the answer does not verify")
        return reply.status, reply.body.decode()

    def verifies(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether body and headers (in lower case) bear the provider's fresh signature."""
        try:
            signed = self._verify_signature(headers, body.decode())
        # The library raises bare exceptions for algorithms, serials and encodings that it does not
        # know.
        except Exception:
            return False
        exact = signing.is_exact(headers.get("wechatpay-signature", ""))
        return bool(signed) and exact and signing.is_fresh(headers.get("wechatpay-timestamp", ""))


def _credentials(account: Account) -> dict[str, str]:
    return {
        "mchid": account["merchant"],
        "cert_serial_no": account["serial"],
        "private_key": account["key"],
        "apiv3_key": account["secret"],
        "public_key": _public_pem(account["provider_key"]),
        "public_key_id": account["provider_key_id"],
    }


def _public_pem(text: str) -> str:
    """The provider's public key, given as such or as a platform certificate."""
    if "BEGIN CERTIFICATE" not in text:
        signing.public_key(text)
        return text
    key = x509.load_pem_x509_certificate(text.encode()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class WeChatChannel:
    """WeChat Pay over the gateway and with the keys of the account."""

    code = "wechat"
    title = "微信支付"

    def __init__(self, account: Account) -> None:
        signing.private_key(account["key"])
        if len(account["secret"].encode()) != 32:
            raise ValueError("the APIv3 key has 32 characters")
        self._merchant = account["merchant"]
        self._app_id = account["app_id"]
        self._client = WeChatPay(
            wechatpay_type=WeChatPayType.NATIVE, appid=self._app_id, **_credentials(account)
        )
        self._client._core = self._core = _VerifyingCore(account)

    def start(self, wanted: Wanted) -> Started:
        scene = {"payer_client_ip": wanted.payer_ip or "127.0.0.1", "h5_info": {"type": "Wap"}}
        status, answer = self._read(
            self._client.pay(
                description=wanted.subject[:127],
                out_trade_no=wanted.number,
                amount={"total": wanted.amount_fen, "currency": "CNY"},
                time_expire=wanted.expires_at.astimezone(CHINA).isoformat(timespec="seconds"),
                notify_url=wanted.notify_url,
                pay_type=WeChatPayType.H5 if wanted.on_phone else WeChatPayType.NATIVE,
                scene_info=scene if wanted.on_phone else None,
            )
        )
        if status != 200:
            raise Refused(
                _("微信支付不接受这笔支付（%(code)s）。请换一种支付方式，或稍后再试。")
                % {"code": self._refusal(answer)}
            )
        name = "h5_url" if wanted.on_phone else "code_url"
        target = answer.get(name)
        if not isinstance(target, str) or not target:
            raise Unreachable(f"no {name} in the answer")
        if not wanted.on_phone:
            return Started(qr_text=target)
        join = "&" if "?" in target else "?"
        return Started(redirect_url=f"{target}{join}redirect_url={quote(wanted.return_url, safe='')}")

    def confirm(self, number: str, code: str) -> Answer:
        """Nothing is to be confirmed here: the payer does that with WeChat."""
        return self.ask(number)

    def ask(self, number: str) -> Answer:
        status, answer = self._read(self._client.query(out_trade_no=number))
        if status == 200:
            return self._payment(answer, number)
        if self._refusal(answer) == "ORDER_NOT_EXIST":
            return Answer(number, Outcome.FAILED, why=_("微信支付没有这笔支付"))
        raise Unreachable(f"status {status}, {answer.get('code')}")

    def close(self, number: str) -> Answer:
        status, answer = self._read(self._client.close(out_trade_no=number))
        if status == 204:
            return Answer(number, Outcome.FAILED, why=_(_REASONS["CLOSED"]))
        self._refusal(answer)
        return self.ask(number)

    def read_callback(self, headers: Mapping[str, str], body: bytes) -> Answer:
        given = {name.lower(): value for name, value in headers.items()}
        if not self._core.verifies(given, body):
            raise Forged("the signature does not verify, or is of another time")
        try:
            resource = self._client.callback(given, body)["resource"]
            if (resource["mchid"], resource["appid"]) != (self._merchant, self._app_id):
                raise Forged("meant for another merchant")
            return self._payment(resource, resource["out_trade_no"])
        except Forged:
            raise
        # The library raises bare exceptions for what it cannot decrypt, and gives None.
        except Exception as problem:
            raise Forged(f"not understood: {problem!r}") from problem

    def callback_reply(self, ok: bool) -> tuple[int, str, bytes]:
        if ok:
            return 200, "application/json", b'{"code": "SUCCESS"}'
        return 400, "application/json", b'{"code": "FAIL", "message": "not accepted"}'

    def refund(self, *, number: str, refund_number: str, amount_fen: int, total_fen: int, why: str) -> Answer:
        status, answer = self._read(
            self._client.refund(
                out_refund_no=refund_number,
                out_trade_no=number,
                amount={"refund": amount_fen, "total": total_fen, "currency": "CNY"},
                reason=why[:80],
            )
        )
        return self._refund(status, answer, refund_number)

    def ask_refund(self, *, number: str, refund_number: str) -> Answer:
        status, answer = self._read(self._client.query_refund(out_refund_no=refund_number))
        return self._refund(status, answer, refund_number)

    def _read(self, reply: tuple[int, str]) -> tuple[int, Mapping[str, Any]]:
        status, text = reply
        if status == 204:
            return status, {}
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise Unreachable("the answer is no JSON") from problem
        if not isinstance(answer, dict):
            raise Unreachable("the answer is no JSON object")
        return status, answer

    def _refusal(self, answer: Mapping[str, Any]) -> str:
        """The code of a refusal. Unreachable where it tells nothing of the payment."""
        code = str(answer.get("code", ""))
        if code in _SET_UP:
            logger.error("WeChat Pay refuses our request: %s %s", code, answer.get("message"))
        if code in _SET_UP or code in ("", "SYSTEM_ERROR", "FREQUENCY_LIMITED"):
            raise Unreachable(f"refused: {code}")
        return code

    def _payment(self, answer: Mapping[str, Any], number: str) -> Answer:
        if answer.get("out_trade_no") != number:
            raise Unreachable("the answer is about another number")
        state = str(answer.get("trade_state"))
        return self._answer(
            _PAYMENTS.get(state), state, number, answer, sum_name="total", id_name="transaction_id"
        )

    def _refund(self, status: int, answer: Mapping[str, Any], refund_number: str) -> Answer:
        if status != 200:
            code = self._refusal(answer)
            why = (
                _(_REASONS[code])
                if code in _REASONS
                else _("微信支付没有办理这笔退款（%(code)s）") % {"code": code}
            )
            return Answer(refund_number, Outcome.FAILED, why=why)
        if answer.get("out_refund_no") != refund_number:
            raise Unreachable("the answer is about another number")
        state = str(answer.get("status"))
        return self._answer(
            _REFUNDS.get(state), state, refund_number, answer, sum_name="refund", id_name="refund_id"
        )

    def _answer(
        self,
        outcome: Outcome | None,
        state: str,
        number: str,
        answer: Mapping[str, Any],
        *,
        sum_name: str,
        id_name: str,
    ) -> Answer:
        if outcome is None:
            raise Unreachable(f"unknown state {state}")
        if outcome is not Outcome.SUCCEEDED:
            return Answer(number, outcome, why=_(_REASONS[state]) if state in _REASONS else "")
        try:
            amount, provider_number = answer["amount"][sum_name], answer[id_name]
            at = dt.datetime.fromisoformat(answer["success_time"])
        except (KeyError, TypeError, ValueError) as problem:
            raise Unreachable(f"the answer cannot be understood: {problem!r}") from problem
        if (
            type(amount) is not int
            or amount < 0
            or not isinstance(provider_number, str)
            or not provider_number
        ):
            raise Unreachable("no amount or number in the answer")
        return Answer(number, outcome, amount, provider_number, at)
