"""The process itself: which path belongs to whom, and what an answer suffers."""

import datetime as dt
import json
import select
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from contributions.channels.stand_in import pages, scenarios
from contributions.channels.stand_in.alipay import Alipay
from contributions.channels.stand_in.card import Card
from contributions.channels.stand_in.provider import Denied, Notifier, Provider, Request, Response
from contributions.channels.stand_in.store import Store
from contributions.channels.stand_in.wechat import WeChat

_MOST_BYTES = 1 << 20
# How long a silent answer is held at most.
_SILENT_SECONDS = 60
# What a listening socket keeps waiting: a hundred notifications have a hundred answers.
_BACKLOG = 256


class Gateway(ThreadingHTTPServer):
    """The providers on one address; ``control`` lets whoever reaches it pay, set clocks and order
    faults."""

    daemon_threads = True
    request_queue_size = _BACKLOG

    def __init__(
        self,
        address: tuple[str, int],
        *,
        folder: Path,
        keys: Path,
        public_url: str = "",
        control: bool = False,
        late: float = 5.0,
        retries: tuple[float, ...] = (2.0, 5.0, 10.0),
    ) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)
        host, port = self.server_address[:2]
        self.url = public_url or f"http://{host if isinstance(host, str) else host.decode()}:{port}"
        self.store = Store(folder / "gateway.sqlite3")
        self.notifier = Notifier(self.store, late=late, retries=retries)
        self.control = control
        self.providers: dict[str, Provider] = {
            kind.code: kind(self.store, keys, self.url, self.notifier) for kind in (WeChat, Alipay, Card)
        }

    def respond(self, request: Request, connection: socket.socket) -> Response | None:
        """The response; None where none is to come."""
        parts = request.path.strip("/").split("/")
        if request.path == "/" and request.method == "GET":
            return pages.overview(self.store)
        if request.path == "/card/messages" and request.method == "GET":
            return pages.messages(self.store)
        if parts[0] == "control" and self.control and request.method == "POST":
            return self._controlled(parts[-1], json.loads(request.body or b"{}"))
        if len(parts) == 3 and parts[0] in ("wechat", "alipay") and parts[1] == "pay":
            return self._payer(self.providers[parts[0]], parts[2], request)
        if request.path == "/gateway.do":
            alipay = self.providers["alipay"]
            if request.method == "GET" and isinstance(alipay, Alipay):
                return self._cashier(alipay, request)
            return self._called(alipay, request, connection)
        if parts[0] == "v3":
            return self._called(self.providers["wechat"], request, connection)
        if parts[:2] == ["card", "v1"]:
            return self._called(self.providers["card"], request, connection)
        return Response(404, b"not found", {"Content-Type": "text/plain"})

    def _called(self, provider: Provider, request: Request, connection: socket.socket) -> Response | None:
        try:
            result = provider.perform(request)
        except Denied as why:
            return provider.answer(request, provider.denied(why), key=provider.key)
        fault = result.fault or self.store.take_fault(provider.code, result.number, result.action)
        if fault == "silent":
            _hold(connection)
            return None
        if fault == "error":
            return Response(500, b'{"code": "SYSTEM_ERROR"}', {"Content-Type": "application/json"})
        if fault == "garbage":
            return Response(200, b"<html>502 Bad Gateway</html>", {"Content-Type": "text/html"})
        if fault == "refused":
            return provider.answer(request, provider.denied(Denied("as ordered")), key=provider.key)
        key = {"bad_signature": provider.stranger, "unsigned": None}.get(fault, provider.key)
        return provider.answer(request, result, key=key)

    def _cashier(self, alipay: Alipay, request: Request) -> Response:
        try:
            payment = alipay.open(request)
        except Denied as why:
            return pages.page("不能支付", f"<p>请求的签名不正确（{why}）。</p>", 400)
        return Response(302, headers={"Location": f"{self.url}/alipay/pay/{payment['token']}"})

    def _payer(self, provider: Provider, token: str, request: Request) -> Response:
        payment = self.store.payment_of(provider.code, token)
        if payment is None:
            return pages.page("没有这笔支付", "", 404)
        back = request.query.get("redirect_url", "") or payment["return_url"]
        if request.method != "POST":
            return pages.payer(payment, back=back)
        given = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        back = given.get("back", "")
        if given.get("action") == "poor":
            return pages.payer(payment, back=back, note="余额不足，请换一张卡或充值后再付。")
        if given.get("action") == "pay":
            paid = self._paid(provider, payment["number"], given.get("scenario", scenarios.PLAIN))
            if not paid:
                return pages.payer(self.store.payment_of(provider.code, token) or payment, back=back)
        if back.startswith(("http://", "https://")):
            return Response(303, headers={"Location": back})
        return pages.payer(self.store.payment_of(provider.code, token) or payment, back="")

    def _paid(self, provider: Provider, number: str, scenario: str) -> bool:
        if scenario == scenarios.CLOSED_THEN_PAID:
            return provider.hold(number) is not None
        return provider.take(number, scenario) is not None

    def _controlled(self, what: str, given: dict[str, Any]) -> Response:
        """The control calls; each is documented in docs/bank-card-channel.md."""
        channel, number = given.get("channel", ""), given.get("number", "")
        answer: Any = {}
        if what == "pay":
            answer = {
                "paid": self._paid(self.providers[channel], number, given.get("scenario", scenarios.PLAIN))
            }
        elif what == "fault" and given["fault"] in scenarios.FAULTS:
            self.store.add_fault(
                channel, number or "*", given.get("action", "*"), given["fault"], given.get("calls", 1)
            )
        elif what == "clock":
            self.store.set_clock(dt.datetime.fromisoformat(given["now"]) if given.get("now") else None)
        elif what == "deliver":
            provider, payment = self.providers[channel], self.store.payment(channel, number)
            if payment is None:
                return _json({"why": "no such payment"}, 404)
            keys = {"own": provider.key, "stranger": provider.stranger, "none": None}
            answer = {
                "taken": self.notifier.send(
                    provider,
                    payment,
                    paid=given.get("paid", True),
                    ago=given.get("ago", 0),
                    key=keys[given.get("key", "own")],
                    tampered=given.get("tampered", False),
                )
            }
        elif what == "hundred":
            payment = self.store.payment(channel, number)
            if payment is None:
                return _json({"why": "no such payment"}, 404)
            self.notifier.hundred(self.providers[channel], payment)
        elif what == "idle":
            answer = {"idle": self.notifier.idle(given.get("seconds", 10))}
        elif what == "payment":
            answer = self.store.payment(channel, number)
        elif what == "refunds":
            answer = self.store.rows("SELECT * FROM refund WHERE channel = ? AND number = ?", channel, number)
        elif what == "deliveries":
            answer = self.store.rows(
                "SELECT * FROM delivery WHERE channel = ? AND number = ? ORDER BY id", channel, number
            )
        else:
            return _json({"why": "unknown"}, 404)
        return _json(answer)


class _Handler(BaseHTTPRequestHandler):
    server: Gateway
    # Who connects and says nothing is let go.
    timeout = 30

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _MOST_BYTES:
            self.send_error(413)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(int(length)))
        try:
            response = self.server.respond(request, self.connection)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            # Whatever is malformed beneath a right signature.
            response = Response(400, repr(problem).encode(), {"Content-Type": "text/plain; charset=utf-8"})
        if response is None:
            self.close_connection = True
            return
        self.send_response(response.status)
        headers = dict(response.headers)
        if response.status != 204:
            headers["Content-Length"] = str(len(response.body))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if response.status != 204:
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named so by the standard library
        """Says nothing of each request: what happened stands on the overview."""


def _hold(connection: socket.socket) -> None:
    """Keeps the connection open without a word until the other side gives up."""
    until = time.monotonic() + _SILENT_SECONDS
    while time.monotonic() < until:
        readable, _, _ = select.select([connection], [], [], 0.2)
        if readable and not connection.recv(1, socket.MSG_PEEK):
            return


def _json(content: Any, status: int = 200) -> Response:
    body = json.dumps(content, ensure_ascii=False, default=str).encode()
    return Response(status, body, {"Content-Type": "application/json; charset=utf-8"})
