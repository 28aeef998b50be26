"""What the hall serves on loopback under gunicorn: pages a second beside a bare Django page, and a
last day before a deadline."""

import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from importlib import import_module
from queue import Empty, SimpleQueue
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.urls import reverse
from django.utils import timezone

from contributions.benchmarks.made_up import require_empty
from contributions.benchmarks.month import debiting_city, stored_people
from contributions.charges import charging
from contributions.debit import opening
from contributions.models import Charge, ChargeStatus
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.service import Applicant
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.measuring import Goal
from portal.shared.months import Month, month_in_china
from portal.web.context import CITY_COOKIE

WORKERS = 2
CLIENTS = 4
# The longest that a server may take to start, and a request to be answered, in seconds.
PATIENCE = 60
YEARS = 10
PAUSE = "flexible-pause"

BARE = "bare Django page with a session"
HOME = "home of a city"
HOME_OWN = "home, signed in"
RECORD = f"record of {YEARS} years, signed in"
CASE = "case, signed in"

P95 = "slowest of twenty answers (p95), seconds"
P95_BARE = "the same of a bare Django page at the same rate, seconds"
FAILED = "answers 5xx, or none"
MISSED = "answers that were not what was asked for"
READS = "reads of a hundred requests"

TOKEN = "benchmark" * 3 + "token"


def page(*, rounds: int = 5, requests: int = 200) -> dict[str, list[float]]:
    """Requests per second of each round: of the bare page, which is the reference, and of the
    hall's pages, of somebody with ten years in two insurances, a month that is owed, and a case."""
    require_empty()
    now = month_in_china(timezone.now())
    city = debiting_city([now])
    with ExitStack() as stack:
        stack.enter_context(stored_people(city, start=now - 12 * YEARS, count=1))
        person = Person.objects.get()
        _give_history(person, now)
        user = User.objects.create_person(person, password=None)
        case = _file_pause(user, city, now)
        cookie = _signed_in(user, city)
        bare = stack.enter_context(_served("portal.web.bare:application"))
        hall = stack.enter_context(_served("portal.wsgi:application"))
        sides = {
            BARE: _ask(bare, "/", _given_session(bare)),
            HOME: _ask(hall, f"/{city}/", ""),
            HOME_OWN: _ask(hall, f"/{city}/", cookie),
            RECORD: _ask(hall, reverse("record"), cookie),
            CASE: _ask(hall, reverse("case", args=[case]), cookie),
        }
        measured: dict[str, list[float]] = {name: [] for name in sides}
        for ask in sides.values():
            _rate(ask, requests // 4)
        for _round in range(rounds):
            for name, ask in sides.items():
                measured[name].append(_rate(ask, requests))
    return measured


def mix(*, people: int = 900_000, rate: int = 60, seconds: int = 60) -> dict[str, list[float]]:
    """The last day before a deadline: so many requests a second for so many seconds, nine of ten
    reading, one of ten writing (an application typed or sent), with so many people stored, a month
    charged and drawn; then the bare page at the same rate.

    A request's time counts from when it was due, so that waiting for a busy server counts, too.
    """
    require_empty()
    now = timezone.now()
    month = month_in_china(now)
    city, by = debiting_city([month]), User.objects.system()
    with stored_people(city, start=month - 1, count=people):
        charging.charge(city=city, month=month, by=by, now=now)
        opening.open_batch(city=city, month=month, by=by, now=now)
        chosen = _dice().sample(range(people), min(people, rate * seconds // 10 + CLIENTS))
        visitors = SimpleQueue[_Visitor]()
        for person in Person.objects.filter(pk__in=_nth_people(chosen)):
            visitors.put(_Visitor.of(User.objects.create_person(person, password=None), city))
        with _served("portal.wsgi:application", "--threads", "4") as port:
            load = _Load(port=port, city=city, stop=str(month + 1), visitors=visitors)
            load.warm()
            load.run(rate, seconds)
        with _served("portal.web.bare:application", "--threads", "4") as port:
            ask = _ask(port, "/", _given_session(port))
            bare = _paced(ask, rate, seconds)
    measured = {
        P95: [_p95([took for _name, took, _status in load.answers])],
        P95_BARE: [_p95([took for took, _status in bare])],
        FAILED: [float(sum(status >= 500 or not status for _name, _took, status in load.answers))],
        MISSED: [
            float(sum(status < 500 and status != load.wanted[name] for name, _took, status in load.answers))
        ],
        READS: [
            100
            * sum(not name.startswith("write") for name, _took, _status in load.answers)
            / len(load.answers)
        ],
    }
    for name in sorted(load.wanted):
        measured[f"p95, {name}, seconds"] = [
            _p95([took for one, took, _status in load.answers if one == name])
        ]
    return measured


BENCHES = {"page": page, "mix": mix}

GOALS = {
    "page": tuple(Goal(name, BARE, at_least=0.5) for name in (HOME, HOME_OWN, RECORD, CASE)),
    "mix": (Goal(P95, at_most=1), Goal(FAILED, at_most=0), Goal(MISSED, at_most=0), Goal(READS, at_least=89)),
}


# Who visits


def _give_history(person: Person, until: Month) -> None:
    """Every month of the coverages up to ``until`` charged; all but the last paid."""
    charges = [
        Charge(
            city=coverage.city,
            person=person,
            coverage=coverage,
            insurance=coverage.insurance,
            capacity=coverage.capacity,
            month=until - back,
            base="4494",
            amount_fen=39304,
            personal_fen=39304,
            employer_fen=0,
            account_fen=15721,
            policy="benchmark",
            policy_since=coverage.start.first_day,
            basis="60",
            due_on=(until - back).last_day,
            created_at=timezone.now(),
        )
        for coverage in Coverage.objects.filter(person=person)
        for back in range(12 * YEARS)
    ]
    Charge.objects.bulk_create(charges)
    Charge.objects.filter(month__lt=until).update(status=ChargeStatus.PAID)


def _file_pause(user: User, city: str, month: Month) -> str:
    """The number of a case: one insurance is paused from the next month."""
    now = timezone.now()
    ask = desk.ask_for(
        offer=book().city(city).offers[PAUSE],
        applicant=Applicant.of(user),
        typed={f"stop_{Insurance.MEDICAL}": str(month + 1)},
        now=now,
    )
    return desk.submit(ask=ask, key=uuid4(), now=now).number


def _nth_people(places: Sequence[int]) -> list[int]:
    """Their ids: whoever was stored in one statement is numbered without gaps."""
    first = Person.objects.order_by("pk").values_list("pk", flat=True)[0]
    return [first + place for place in places]


def _signed_in(user: User, city: str) -> str:
    """What a browser sends of a session of the login's that has been to the city's home: its key,
    and the city."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "portal.accounts.doors.PersonDoor"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{session.session_key}; {CITY_COOKIE}={city}"


# The last day before a deadline


@dataclass(frozen=True, slots=True)
class _Visitor:
    session: str
    charge: int

    @classmethod
    def of(cls, user: User, city: str) -> "_Visitor":
        return cls(
            _signed_in(user, city),
            Charge.objects.filter(person=user.person_id).values_list("pk", flat=True)[0],
        )


@dataclass
class _Load:
    """Who asks for what, and what came of it: (kind of request, seconds from when it was due,
    status; 0 where none came)."""

    port: int
    city: str
    stop: str
    visitors: "SimpleQueue[_Visitor]"
    typed: "SimpleQueue[_Visitor]" = field(default_factory=SimpleQueue)
    answers: list[tuple[str, float, int]] = field(default_factory=list)
    wanted: dict[str, int] = field(default_factory=dict)

    def warm(self) -> None:
        """What a process does once, at its first pages, is no part of the day."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            for kind in (*_DAY, "search") * 3 * WORKERS:
                clients.submit(self._request, kind, time.perf_counter())
        self.answers.clear()

    def run(self, rate: int, seconds: int) -> None:
        dice = _dice()
        kinds = [
            kind for _part in range(rate * seconds // len(_DAY) + 1) for kind in dice.sample(_DAY, len(_DAY))
        ]
        with ThreadPoolExecutor(8 * CLIENTS) as clients:
            start = time.perf_counter()
            for number in range(rate * seconds):
                due = start + number / rate
                time.sleep(max(0.0, due - time.perf_counter()))
                clients.submit(self._request, kinds[number], due)

    def _request(self, kind: str, due: float) -> None:
        if kind == "write":
            self._write(due)
            return
        visitor = self.visitors.get()
        path = {
            "home": f"/{self.city}/",
            "record": reverse("record"),
            "charge": reverse("record-charge", args=[visitor.charge]),
            "cases": reverse("cases"),
            "messages": reverse("messages"),
            "application": reverse("apply", args=[self.city, PAUSE]),
        }.get(kind, "")
        public = {
            "services": reverse("services", args=[self.city]),
            "search": f"/{self.city}/search/?q=%E5%81%9C%E4%BF%9D",
        }
        self._send(f"read: {kind}", due, path or public[kind], visitor.session if path else "")
        self.visitors.put(visitor)

    def _write(self, due: float) -> None:
        """Types an application, or sends one that was typed: looked at again, then sent."""
        form = reverse("apply", args=[self.city, PAUSE])
        look = reverse("materials", args=[self.city, PAUSE])
        try:
            visitor = self.typed.get_nowait()
        except Empty:
            visitor = self.visitors.get()
            answers = {f"stop_{Insurance.PENSION}": self.stop, "action": "next"}
            self._send("write: application typed", due, form, visitor.session, answers)
            self.typed.put(visitor)
            return
        shown = self._send("read: last look", due, look, visitor.session)
        key = re.search(rb'name="key" value="([0-9a-f.-]+)"', shown)
        sent = {"action": "submit", "key": key[1].decode() if key else ""}
        self._send("write: application sent", time.perf_counter(), look, visitor.session, sent)

    def _send(
        self, name: str, due: float, path: str, session: str, form: dict[str, str] | None = None
    ) -> bytes:
        self.wanted[name] = 200 if form is None else 302
        try:
            status, answer = _exchange(self.port, path, session, form)
        except OSError:
            status, answer = 0, b""
        self.answers.append((name, time.perf_counter() - due, status))
        return answer


# Of twenty requests two write. An application that is sent brings one read more, its last look.
_DAY = (
    *["home"] * 6,
    *["record"] * 4,
    *["charge"] * 2,
    *["cases"] * 2,
    *["application"],
    *["messages"],
    *["services"],
    *["search"],
    *["write"] * 2,
)


def _paced(ask: Callable[[int], int], rate: int, seconds: int) -> list[tuple[float, int]]:
    """Asks at a steady rate; the seconds from when each was due, and what was answered."""

    def one(number: int, due: float) -> tuple[float, int]:
        status = ask(number)
        return time.perf_counter() - due, status

    with ThreadPoolExecutor(8 * CLIENTS) as clients:
        start = time.perf_counter()
        asked = []
        for number in range(rate * seconds):
            due = start + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            asked.append(clients.submit(one, number, due))
        return [answer.result() for answer in asked]


def _p95(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=20)[-1] if len(seconds) > 1 else sum(seconds)


def _dice() -> random.Random:
    """Thrown alike in every run."""
    return random.Random(20261120)  # noqa: S311 - nothing is kept secret by it


# Asking


def _rate(ask: Callable[[int], int], requests: int) -> float:
    with ThreadPoolExecutor(CLIENTS) as clients:
        start = time.perf_counter()
        list(clients.map(ask, range(requests)))
        return requests / (time.perf_counter() - start)


def _given_session(port: int) -> str:
    """The session that a first visit is given, so that the next ones go on with it as a signed-in
    visitor's do."""
    with urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as answer:
        return SimpleCookie(answer.headers["Set-Cookie"])[settings.SESSION_COOKIE_NAME].value


def _ask(port: int, path: str, session: str) -> Callable[[int], int]:
    """One request on a connection of its own, and its status. RuntimeError where that is not
    200."""

    def ask(_number: int) -> int:
        status, answer = _exchange(port, path, session)
        if status != 200:
            raise RuntimeError(f"{path}: {answer[:60]!r}")
        return status

    return ask


def _exchange(port: int, path: str, session: str, form: dict[str, str] | None = None) -> tuple[int, bytes]:
    """The status of an answer, and all of it; a form is sent with POST."""
    body = urlencode(form or {})
    head = [
        f"{'GET' if form is None else 'POST'} {path} HTTP/1.0",
        "Host: 127.0.0.1",
        f"Cookie: {settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={TOKEN}",
    ]
    if form is not None:
        head += [
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            f"X-CSRFToken: {TOKEN}",
        ]
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall("\r\n".join([*head, "", body]).encode())
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    answer = b"".join(parts)
    status = answer.split(b"\r\n", 1)[0].split()
    return int(status[1]) if len(status) > 1 else 0, answer


@contextmanager
def _served(application: str, *more: str) -> Iterator[int]:
    """The application under gunicorn, on a free port of loopback; gone afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}"]
    server = subprocess.Popen(  # noqa: S603 - our own applications
        [*command, "--workers", str(WORKERS), "--log-level", "warning", "--no-control-socket", *more],
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
