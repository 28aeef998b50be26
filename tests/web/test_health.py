"""What load balancers and monitoring ask: liveness, readiness, and whether the hall does its
work."""

import datetime as dt
import time
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client

import portal.celery  # noqa: F401 - the schedule is the application's, as in the web server
from portal.caching import Cache
from portal.watch import failures, pulses
from portal.watch.models import TaskState
from portal.watch.task import scheduled
from portal.web import health
from tests.conftest import Clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answers are kept for seconds; here each is found anew."""
    monkeypatch.setattr(health, "KEPT_SECONDS", -1.0)
    health._kept.clear()
    yield
    health._kept.clear()


@pytest.fixture
def working(clock: Clock) -> Clock:
    """Beat and a worker are alive, and every task came to its end just now."""
    cache.set(pulses.BEAT, time.time())
    cache.delete(pulses.WORKERS)
    pulses.say("worker@one")
    TaskState.objects.bulk_create(
        TaskState(task=name, known_since=clock.now, begun_at=clock.now, succeeded_at=clock.now)
        for name in scheduled()
    )
    return clock


def lines(client: Client) -> tuple[int, dict[str, str]]:
    answer = client.get("/healthz/work")
    found = (line.rsplit(" ", 1) for line in answer.content.decode().splitlines())
    return answer.status_code, dict(found)


@pytest.mark.parametrize("page", ["/healthz", "/healthz/ready"])
def test_a_probe_by_address_over_plain_http_is_answered(client: Client, settings: object, page: str) -> None:
    settings.SECURE_SSL_REDIRECT = True  # type: ignore[attr-defined]
    answer = client.get(page, HTTP_HOST="10.0.0.7:8000")
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert not answer.cookies
    assert answer["Cache-Control"].startswith("max-age=0")
    # Everything else is led to the hall's own address.
    assert client.get("/ningbo/", HTTP_HOST="testserver").status_code == 301
    assert client.get("/ningbo/", HTTP_HOST="10.0.0.7:8000").status_code == 400


def test_liveness_asks_nobody(client: Client, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert client.get("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


def test_not_ready_while_the_database_is_gone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OperationalError("secret-host refused")

    monkeypatch.setattr(connection, "cursor", gone)
    answer = client.get("/healthz/ready")
    assert answer.status_code == 503
    assert b"secret" not in answer.content
    assert client.get("/healthz").status_code == 200
    status, told = lines(client)
    assert (status, told["database"], told["failures"]) == (503, "gone", "unknown")


def test_work_is_good_while_everything_is_there(client: Client, working: Clock) -> None:
    assert lines(client) == (
        200,
        {
            "database": "ok",
            "redis": "ok",
            "beat": "ok",
            "workers": "1",
            "clock": "ok",
            "overdue-tasks": "0",
            "failures": "0",
        },
    )


def test_redis_gone_is_told_and_the_machine_still_serves(
    client: Client, working: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cache, "answers", lambda _cache: False)
    status, told = lines(client)
    assert (status, told["redis"], told["beat"], told["workers"]) == (503, "gone", "unknown", "unknown")
    assert client.get("/healthz/ready").status_code == 200


def test_dead_beat_and_dead_workers_are_told(client: Client, working: Clock) -> None:
    cache.delete(pulses.BEAT)
    status, told = lines(client)
    assert (status, told["beat"], told["workers"]) == (503, "silent", "1")
    cache.set(pulses.BEAT, time.time())
    pulses.leave("worker@one")
    status, told = lines(client)
    assert (status, told["beat"], told["workers"]) == (503, "ok", "none")


def test_an_overdue_task_and_a_failure_are_counted(client: Client, working: Clock) -> None:
    TaskState.objects.filter(pk="read_answers").update(
        begun_at=working.now - dt.timedelta(hours=1), succeeded_at=working.now - dt.timedelta(hours=1)
    )
    status, told = lines(client)
    assert (status, told["overdue-tasks"], told["failures"]) == (503, "1", "0")
    TaskState.objects.filter(pk="read_answers").update(succeeded_at=working.now)
    failures.report("read_answers", "x.txt", ValueError("x"), now=working.now)
    status, told = lines(client)
    assert (status, told["overdue-tasks"], told["failures"]) == (503, "0", "1")


def test_whoever_asks_all_the_time_makes_the_database_work_once(
    client: Client, working: Clock, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: object
) -> None:
    monkeypatch.setattr(health, "KEPT_SECONDS", 60.0)
    client.get("/healthz/work")
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert client.get("/healthz/work").status_code == 200
