"""More is asked than can be answered: the rest is told to come again at once, instead of waiting
ever longer."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from portal.web import errors

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 16


@contextmanager
def served(worker: str) -> Iterator[int]:
    """The port of one process with one thread, before an application that takes half a second for
    each request."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "tests.web.slow_app:application", "--worker-class", worker]
    command += [
        "--bind",
        f"127.0.0.1:{port}",
        "--threads",
        "1",
        "--no-control-socket",
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "QUEUE_PATIENCE": "0.7"})
    try:
        for _attempt in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


def asked(port: int, address: str = "/", method: str = "GET") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, address)
    answer = connection.getresponse()
    return answer.status, answer.headers.get("Retry-After", ""), answer.read()


def crowd(port: int) -> list[tuple[int, str, bytes]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda number: asked(port, "/api/v1/" if number % 2 else "/"), range(AT_ONCE)))


def test_who_would_wait_too_long_is_told_to_come_again() -> None:
    with served("portal.serving.SheddingWorker") as port:
        answers = crowd(port)
        counted = Counter(status for status, _after, _body in answers)
        assert set(counted) == {200, 503}
        assert counted[503] >= AT_ONCE // 2
        assert all(int(after) > 0 for status, after, _body in answers if status == 503)
        bodies = {body for status, _after, body in answers if status == 503}
        assert any(b'"code": "busy"' in body for body in bodies), "machines read a problem"
        assert any("现在办理的人较多".encode() in body for body in bodies), "people read a page"
        assert asked(port)[0] == 200, "and then it goes on as ever"


def test_without_it_all_wait() -> None:
    """The control."""
    with served("gthread") as port:
        assert {status for status, _after, _body in crowd(port)} == {200}


# The database is away


def away(request: HttpRequest) -> HttpResponse:
    raise OperationalError("could not connect to server")


def broken_off(request: HttpRequest) -> HttpResponse:
    raise InterfaceError("connection already closed")


def faulty(request: HttpRequest) -> HttpResponse:
    raise LookupError("a fault")


urlpatterns = [
    path("away/", away),
    path("broken-off/", broken_off),
    path("faulty/", faulty),
    path("", include("portal.urls")),
]
handler500 = errors.server_error


@pytest.mark.parametrize(("address", "status"), [("/away/", 503), ("/broken-off/", 503), ("/faulty/", 500)])
def test_a_database_that_is_away_is_no_fault(db: None, settings: Any, address: str, status: int) -> None:
    settings.ROOT_URLCONF = __name__
    answer = Client(raise_request_exception=False).get(address)
    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert "不要重复缴费" in answer.content.decode()
