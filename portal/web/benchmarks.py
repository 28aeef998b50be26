"""How many pages a second the hall serves, beside a bare Django page: both under gunicorn, in turn, on loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import date
from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any
from urllib.request import urlopen

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from portal.accounts.models import User
from portal.people.models import Person, Sex
from portal.policy.book import book

WORKERS = 2
CLIENTS = 4
# The longest that a server may take to start, and a request to be answered, in seconds.
PATIENCE = 60

# Outside every place that a number is given for, so that it is nobody's.
_NOBODY = "990000199001010016"


def page(*, rounds: int = 5, requests: int = 200) -> dict[str, list[float]]:
    """Requests per second of each round: of the bare page, which is the reference, and of a city's home."""
    home = f"/{book().cities[0].slug}/"
    with ExitStack() as stack:
        cookie = stack.enter_context(_visitor())
        bare = stack.enter_context(_served("portal.web.bare:application"))
        hall = stack.enter_context(_served("portal.wsgi:application"))
        sides = {
            "bare Django page with a session": _ask(bare, "/", _given_session(bare)),
            "home of a city": _ask(hall, home, ""),
            "home of a city, signed in": _ask(hall, home, cookie),
        }
        measured: dict[str, list[float]] = {name: [] for name in sides}
        for ask in sides.values():
            _rate(ask, requests // 4)
        for _round in range(rounds):
            for name, ask in sides.items():
                measured[name].append(_rate(ask, requests))
    return measured


BENCHES = {"page": page}


def _rate(ask: Callable[[int], None], requests: int) -> float:
    with ThreadPoolExecutor(CLIENTS) as clients:
        start = time.perf_counter()
        list(clients.map(ask, range(requests)))
        return requests / (time.perf_counter() - start)


def _given_session(port: int) -> str:
    """The session that a first visit is given, so that the next ones go on with it as a signed-in visitor's do."""
    with urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as answer:
        return SimpleCookie(answer.headers["Set-Cookie"])[settings.SESSION_COOKIE_NAME].value


def _ask(port: int, path: str, cookie: str) -> Callable[[int], None]:
    """One request on a connection of its own. RuntimeError where the answer is not 200."""
    cookies = f"Cookie: {settings.SESSION_COOKIE_NAME}={cookie}"
    request = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{cookies}\r\n\r\n".encode()

    def ask(_number: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(request)
            head = connection.recv(65536)
            while connection.recv(65536):
                pass
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise RuntimeError(f"{path}: {head[:60]!r}")

    return ask


@contextmanager
def _served(application: str) -> Iterator[int]:
    """The application under gunicorn, on a free port of loopback; gone afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"]
    server = subprocess.Popen(  # noqa: S603 - our own applications
        [*command, "--workers", str(WORKERS), "--log-level", "warning"],
        cwd=settings.ROOT,
        env={**os.environ, "LOG_LEVEL": "WARNING", "ALLOWED_HOSTS": "127.0.0.1"},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


def _wait_for(port: int, server: "subprocess.Popen[Any]") -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError("gunicorn ended before it served")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("gunicorn did not start in time")


@contextmanager
def _visitor() -> Iterator[str]:
    """The session of someone signed in; both gone afterwards."""
    person = Person.objects.create(
        identity_number=_NOBODY, name="测速", sex=Sex.MALE, birth_date=date(1990, 1, 1)
    )
    user = User.objects.create_person(person, password=None)
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "portal.accounts.doors.PersonDoor"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    try:
        yield str(session.session_key)
    finally:
        session.delete()
        user.delete()
        person.delete()
