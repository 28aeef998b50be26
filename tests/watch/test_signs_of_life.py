"""A real beat and a real worker say that they are there, and are missed once they are killed."""

from pathlib import Path

import pytest
from django.core.cache import cache

from portal.watch import pulses
from tests.journeys.processes import environment, running, until

BEAT = ("celery", "-A", "portal.celery:app", "beat", "--pidfile=", "--loglevel", "info")
WORKER = ("celery", "-A", "portal.celery:app", "worker", "--concurrency", "1", "--loglevel", "info")


@pytest.fixture
def silence(transactional_db: None) -> None:
    """Nobody has said anything."""
    cache.delete(pulses.BEAT)
    cache.delete(pulses.WORKERS)


def test_beat_and_worker_are_seen_and_missed(
    silence: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = environment(tmp_path)
    quiet = ("--without-gossip", "--without-mingle", "--queues", "nobody-rings")
    with (
        running(*BEAT, "--schedule", str(tmp_path / "schedule"), env=env, log=tmp_path / "beat.log") as beat,
        running(*WORKER, *quiet, env=env, log=tmp_path / "worker.log") as worker,
    ):
        until(pulses.beat_is_alive, "beat says that it is there", seconds=90)
        until(pulses.workers_alive, "the worker says that it is there", seconds=90)
        for process in (beat, worker):
            process.kill()
            process.wait()
    # What was said last counts for a while, and no longer.
    later = pulses.time.time() + pulses.SILENT_AFTER + 1
    monkeypatch.setattr(pulses.time, "time", lambda: later)
    assert not pulses.beat_is_alive()
    assert not pulses.workers_alive()


def test_a_worker_that_ends_in_order_leaves(silence: None, tmp_path: Path) -> None:
    env = environment(tmp_path)
    with running(*WORKER, "--queues", "nobody-rings", env=env, log=tmp_path / "worker.log"):
        until(pulses.workers_alive, "the worker says that it is there", seconds=90)
    assert not pulses.workers_alive()
