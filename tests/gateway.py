"""The gateway that stands in for the providers, as a process of its own beside the tests, and how a
test has things happen there.

A test that asks for ``gateway`` has the channels of ``settings.PAYMENT_CHANNELS`` over it.
"""

import datetime as dt
import http.client
import json
import os
import re
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from pytest_django import Settings

from contributions.channels.keys import make_development_keys
from portal.settings.payment import of_stand_in

ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 60


class StandIn:
    """The process, and its control calls."""

    def __init__(self, url: str, keys: Path) -> None:
        self.url = url
        self.keys = keys

    def control(self, what: str, **given: Any) -> Any:
        status, body = self.call("POST", f"/control/{what}", json.dumps(given).encode())
        assert status == 200, body
        return json.loads(body)

    def pay(self, channel: str, number: str, scenario: str = "plain", *, wait: bool = True) -> bool:
        """The payer says yes; returns when the notifications are done, unless told otherwise."""
        paid = self.control("pay", channel=channel, number=number, scenario=scenario)["paid"]
        if wait:
            self.wait()
        return bool(paid)

    def wait(self, seconds: float = 20) -> None:
        assert self.control("idle", seconds=seconds)["idle"], "notifications are still under way"

    def code(self, number: str) -> str:
        """The code of the text message that went to the card's phone."""
        return str(self.control("payment", channel="card", number=number)["details"]["code"])

    def fault(self, channel: str, fault: str, *, number: str = "", action: str = "*", calls: int = 1) -> None:
        """The next answers suffer a fault, after what was asked has been done: see
        stand_in/scenarios.py."""
        self.control("fault", channel=channel, fault=fault, number=number, action=action, calls=calls)

    def set_clock(self, now: dt.datetime | None) -> None:
        """What the providers take for now (expiry, time of payment); signatures go by the machine's
        clock."""
        self.control("clock", now=now.isoformat() if now else None)

    def call(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        response = self._send(method, target, body, headers)
        return response.status, response.read()

    def visit(self, url: str, **form: str) -> tuple[int, str, str]:
        """What a payer's browser gets at a page of the stand-in: status, text, and where it is
        sent."""
        assert url.startswith(self.url)
        target = url.removeprefix(self.url)
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        response = self._send("POST" if form else "GET", target, urlencode(form).encode(), headers)
        return response.status, response.read().decode(), response.headers.get("Location", "")

    def _send(
        self, method: str, target: str, body: bytes, headers: dict[str, str] | None
    ) -> http.client.HTTPResponse:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        connection.request(method, target, body or None, headers or {})
        return connection.getresponse()


@pytest.fixture(scope="session")
def gateway_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """One process for the whole session, on a port of the system's choice."""
    folder = tmp_path_factory.mktemp("gateway")
    keys = folder / "keys"
    make_development_keys(keys)
    with (folder / "stderr").open("wb") as words:
        process = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "manage.py",
                    "stand_in_gateway",
                    "--control",
                    "--late",
                    "0.3",
                    "--retries",
                    "",
                ),
                *("--folder", str(folder), "--keys", str(keys)),
            ],
            cwd=ROOT,
            env=dict(os.environ, DJANGO_SETTINGS_MODULE="portal.settings.test"),
            stdout=subprocess.PIPE,
            stderr=words,
        )
    try:
        yield StandIn(_first_line(process, folder / "stderr"), keys)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _first_line(process: subprocess.Popen[bytes], words: Path) -> str:
    assert process.stdout is not None
    read = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and not read.endswith(b"\n"):
            if selector.select(0.5):
                chunk = os.read(process.stdout.fileno(), 1000)
                if not chunk:
                    break
                read += chunk
    match = re.search(rb"http://\S+", read)
    assert match, f"the stand-in gateway does not start: {words.read_text()[-2000:]}"
    return match[0].decode()


@pytest.fixture
def gateway(gateway_process: StandIn, settings: Settings) -> Iterator[StandIn]:
    """The hall's channels over the stand-in, whose clock goes right again afterwards."""
    settings.PAYMENT_CHANNELS = of_stand_in(gateway_process.url, gateway_process.keys)
    yield gateway_process
    gateway_process.wait()
    gateway_process.set_clock(None)
