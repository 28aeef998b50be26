"""What the three providers share: signatures, the moment at which money is taken, and the
notifications that follow it."""

import base64
import binascii
import datetime as dt
import http.client
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from contributions.channels.stand_in import scenarios
from contributions.channels.stand_in.store import Row, Store

CHINA = ZoneInfo("Asia/Shanghai")
FRESH_SECONDS = 300
MERCHANT, APP_ID = "1900000001", "stand-in-hall"


@dataclass(frozen=True)
class Request:
    """A request as it came; names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What a call came to: ``action`` and ``number`` say what it was about; ``fault`` what its
    answer is to suffer."""

    action: str
    number: str
    status: int
    content: Mapping[str, Any] | None
    fault: str = ""


class Denied(Exception):
    """A call whose signature does not verify: nothing is done."""


def sign(key: rsa.RSAPrivateKey, message: bytes) -> str:
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), SHA256())).decode()


def verify(key: rsa.RSAPublicKey, message: bytes, signature: str) -> None:
    """Raises Denied."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError) as problem:
        raise Denied("the signature does not verify") from problem


class Provider:
    """One provider: its keys, what it remembers, and where it is reached."""

    code = ""

    def __init__(self, store: Store, keys: Path, public_url: str, notifier: "Notifier") -> None:
        secret = load_pem_private_key((keys / f"{self.code}-provider.pem").read_bytes(), None)
        public = load_pem_public_key((keys / f"{self.code}-hall.pub.pem").read_bytes())
        if not isinstance(secret, rsa.RSAPrivateKey) or not isinstance(public, rsa.RSAPublicKey):
            raise TypeError(f"{self.code}: RSA keys are expected")
        self.key, self.hall_key = secret, public
        self.store, self.public_url, self.notifier = store, public_url, notifier
        self._nonces: dict[str, float] = {}
        self._nonces_lock = threading.Lock()

    @cached_property
    def stranger(self) -> rsa.RSAPrivateKey:
        """Whoever forges a signature has some key, only not the right one."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def perform(self, request: Request) -> Result:
        """Verifies a call and does what it asks for. Raises Denied."""
        raise NotImplementedError

    def denied(self, why: Denied) -> Result:
        raise NotImplementedError

    def answer(self, request: Request, result: Result, *, key: rsa.RSAPrivateKey | None) -> Response:
        """The answer, signed with that key, or not at all."""
        raise NotImplementedError

    def notification(
        self, payment: Row, *, paid: bool, seconds: int, key: rsa.RSAPrivateKey | None, tampered: bool
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a notification that is signed at that time with that key, or not at
        all."""
        raise NotImplementedError

    def received(self, status: int, body: bytes) -> bool:
        """Whether the hall took a notification."""
        return status in (200, 204)

    def check_fresh(self, seconds: str, nonce: str) -> None:
        """Raises Denied for a time that lies too far away, or a nonce that was there before."""
        now = time.time()
        if not seconds.isascii() or not seconds.isdigit() or abs(now - int(seconds)) > FRESH_SECONDS:
            raise Denied("the time lies too far away")
        with self._nonces_lock:
            self._nonces = {known: at for known, at in self._nonces.items() if at > now - 2 * FRESH_SECONDS}
            if len(nonce) < 16 or nonce in self._nonces:
                raise Denied("the nonce is too short, or was there before")
            self._nonces[nonce] = now

    def take(self, number: str, scenario: str, *, although_closed: bool = False) -> Row | None:
        """Takes the payer's money, once, and notifies as the scenario says. None where the payment
        cannot be made any more."""
        with self.store.alone():
            payment = self.store.payment(self.code, number)
            if (
                payment is None
                or payment["expired"]
                or payment["state"] not in ("waiting", "processing", "closed")
            ):
                return None
            if payment["state"] == "closed" and not although_closed:
                return None
            self.store.change_payment(
                payment,
                state="paid",
                scenario=scenario,
                taken_fen=payment["amount_fen"] + (scenario == scenarios.FEN_OFF),
                provider_number=f"{self.store.now():%Y%m%d}{secrets.randbelow(10**20):020d}",
                paid_at=self.store.now().isoformat(timespec="seconds"),
            )
            # The bank's confirmation itself stays without an answer; elsewhere it is the next
            # question that does.
            if scenario == scenarios.SILENT and self.code != "card":
                self.store.add_fault(self.code, number, "*", "silent", 1)
        self.notifier.follow(self, payment, scenario)
        return payment

    def hold(self, number: str) -> Row | None:
        """The payer has said yes, and the money is taken only after the hall has closed the
        payment."""
        with self.store.alone():
            payment = self.store.payment(self.code, number)
            if payment is None or payment["expired"] or payment["state"] != "waiting":
                return None
            return self.store.change_payment(payment, state="processing", scenario=scenarios.CLOSED_THEN_PAID)

    def closed(self, payment: Row) -> None:
        """Closes a payment that was not made; by its scenario the money is taken all the same, a
        little later."""
        self.store.change_payment(payment, state="closed")
        if payment["scenario"] == scenarios.CLOSED_THEN_PAID:
            self.notifier.later(
                lambda: self.take(payment["number"], scenarios.CLOSED_THEN_PAID, although_closed=True)
            )

    def try_refund(self, number: str, refund_number: str, amount_fen: int, total_fen: int) -> Row | str:
        """The refund, made once, or why there is none: not_paid, exceeds, used."""
        with self.store.alone():
            payment = self.store.payment(self.code, number)
            known = self.store.refund(self.code, refund_number)
            if known is not None:
                return known if (known["number"], known["amount_fen"]) == (number, amount_fen) else "used"
            if payment is None or payment["state"] != "paid":
                return "not_paid"
            if amount_fen <= 0 or self.store.refunded_fen(payment) + amount_fen > payment["taken_fen"]:
                return "exceeds"
            if total_fen != payment["taken_fen"]:
                return "used"
            return self.store.add_refund(payment, refund_number, amount_fen)

    def china(self, text: str) -> dt.datetime:
        return dt.datetime.fromisoformat(text).astimezone(CHINA)


class Notifier:
    """Sends notifications, each scenario in a thread of its own; ``idle`` waits until all are
    done."""

    def __init__(self, store: Store, *, late: float, retries: tuple[float, ...]) -> None:
        self._store, self._late, self._retries = store, late, retries
        self._running = 0
        self._changed = threading.Condition()

    def follow(self, provider: Provider, payment: Row, scenario: str) -> None:
        """Notifies of a payment that was made, as the scenario says."""
        if scenario not in (scenarios.DROPPED, scenarios.SILENT):
            self._run(lambda: self._play(provider, payment, scenario))

    def _play(self, provider: Provider, payment: Row, scenario: str) -> None:
        if scenario == scenarios.HUNDRED:
            self.hundred(provider, payment)
        elif scenario == scenarios.REPEATED:
            for _ in range(3):
                self.send(provider, payment)
        elif scenario == scenarios.FORGED:
            self.send(provider, payment, key=provider.stranger)
        elif scenario == scenarios.UNSIGNED:
            self.send(provider, payment, key=None)
        elif scenario == scenarios.TAMPERED:
            self.send(provider, payment, tampered=True)
        else:
            if scenario == scenarios.LATE:
                time.sleep(self._late)
            if scenario == scenarios.FAILED_FIRST:
                self.send(provider, payment, paid=False)
            self._until_received(provider, payment)
            if scenario == scenarios.STALE:
                self.send(provider, payment, ago=48 * 3600)

    def failed(self, provider: Provider, payment: Row) -> None:
        self._run(lambda: self.send(provider, payment, paid=False))

    def later(self, act: Callable[[], object]) -> None:
        """Does something after a while."""

        def wait_and_act() -> None:
            time.sleep(self._late)
            act()

        self._run(wait_and_act)

    def hundred(self, provider: Provider, payment: Row) -> None:
        """One notification, a hundred times at once: the very same bytes."""
        headers, body = provider.notification(
            payment, paid=True, seconds=int(time.time()), key=provider.key, tampered=False
        )
        start = threading.Barrier(100)

        def one() -> None:
            start.wait()
            self._post(provider, payment, headers, body, "一百次之一")

        threads = [threading.Thread(target=one, daemon=True) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def send(
        self,
        provider: Provider,
        payment: Row,
        *,
        paid: bool = True,
        ago: int = 0,
        key: rsa.RSAPrivateKey | str | None = "own",
        tampered: bool = False,
    ) -> bool:
        """Sends one notification; whether the hall took it."""
        signer = provider.key if isinstance(key, str) else key
        headers, body = provider.notification(
            payment, paid=paid, seconds=int(time.time()) - ago, key=signer, tampered=tampered
        )
        kind = (
            "伪造"
            if signer is provider.stranger
            else "无签名"
            if signer is None
            else "改动"
            if tampered
            else "通知"
        )
        what = f"{kind}:{'成功' if paid else '失败'}{'（旧）' if ago else ''}"
        return self._post(provider, payment, headers, body, what)

    def idle(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, seconds)

    def _until_received(self, provider: Provider, payment: Row) -> None:
        for pause in (*self._retries, None):
            if self.send(provider, payment) or pause is None:
                return
            time.sleep(pause)

    def _run(self, act: Callable[[], object]) -> None:
        def thread() -> None:
            try:
                act()
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

        with self._changed:
            self._running += 1
        threading.Thread(target=thread, daemon=True).start()

    def _post(
        self, provider: Provider, payment: Row, headers: dict[str, str], body: bytes, what: str
    ) -> bool:
        parts = urlsplit(payment["notify_url"])
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request(
                "POST", f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers
            )
            response = connection.getresponse()
            taken, status = provider.received(response.status, response.read(4096)), str(response.status)
        except (OSError, http.client.HTTPException) as problem:
            taken, status = False, str(problem) or type(problem).__name__
        finally:
            connection.close()
        self._store.run(
            "INSERT INTO delivery (channel, number, what, status, at) VALUES (?, ?, ?, ?, ?)",
            payment["channel"],
            payment["number"],
            what,
            status,
            self._store.now().isoformat(timespec="seconds"),
        )
        return taken
