"""A hall that only listens: what it hears from the providers is kept for the test to read."""

import datetime as dt
import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from stdnum import luhn

from contributions.channels import channel
from contributions.channels.protocol import Answer, Channel, Forged, Wanted
from tests.cast import identity_number
from tests.gateway import StandIn


def card(ending: str) -> str:
    """A valid card number of that ending, by which the stand-in tells what is to happen."""
    return next(number for order in range(100) if luhn.is_valid(number := f"62220202000{order:06d}{ending}"))


# An ending to which the stand-in gives no meaning.
PAYER = {
    "card_number": card("06"),
    "holder": "周灵",
    "identity_number": identity_number("320213", "1988-05-12", 2),
    "phone": "13800000000",
}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Heard:
    """A callback as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes


class Ear:
    """Where callbacks go: it takes what the channel's own verification takes, as the hall does."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answers: list[Answer] = []
        self.forged: list[str] = []
        self.replies: list[int] = []
        self._lock = threading.Lock()
        ear = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, kind, words = ear.take(Heard(self.path, dict(self.headers.items()), body))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(words)))
                self.end_headers()
                self.wfile.write(words)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.005,), daemon=True).start()

    def take(self, heard: Heard) -> tuple[int, str, bytes]:
        to = channel(heard.path.strip("/"))
        try:
            answer = to.read_callback(heard.headers, heard.body)
        except Forged as problem:
            with self._lock:
                self.heard.append(heard)
                self.forged.append(str(problem))
            return to.callback_reply(False)
        with self._lock:
            self.heard.append(heard)
            self.answers.append(answer)
        return to.callback_reply(True)


@pytest.fixture
def ear(gateway: StandIn) -> Iterator[Ear]:
    ear = Ear()
    yield ear
    gateway.wait()
    ear.server.shutdown()
    ear.server.server_close()


@pytest.fixture(params=["card", "alipay", "wechat"])
def code(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def through(code: str, gateway: StandIn) -> Channel:
    """Each channel in turn."""
    return channel(code)


@pytest.fixture
def wanted(code: str, ear: Ear) -> Callable[..., Wanted]:
    """A payment of 393.04 yuan with a number of its own."""

    def make(**values: object) -> Wanted:
        given: dict[str, object] = {
            "number": f"T{next(_numbers):03d}{dt.datetime.now(dt.UTC):%H%M%S%f}",
            "amount_fen": 39304,
            "subject": "灵活就业人员养老保险 2026 年 11 月",
            "expires_at": dt.datetime.now(dt.UTC) + dt.timedelta(minutes=30),
            "notify_url": f"{ear.url}/{code}",
            "return_url": f"{ear.url}/back",
            "payer": PAYER,
        }
        return Wanted(**{**given, **values})  # type: ignore[arg-type]

    return make


@pytest.fixture
def announced(through: Channel, gateway: StandIn, wanted: Callable[..., Wanted]) -> Callable[..., Wanted]:
    """A payment that the provider knows: announced, and its page opened where the provider hears of
    it only then."""

    def make(**values: object) -> Wanted:
        made = wanted(**values)
        started = through.start(made)
        if through.code == "alipay":
            status, _text, _to = gateway.visit(started.redirect_url)
            assert status == 302
        return made

    return make
