"""Workers as processes of their own on the test's database, to be killed with SIGKILL."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

BEGIN = """
import django; django.setup()
import datetime as dt, time
from django.utils import timezone
timezone.now = lambda: dt.datetime.fromisoformat({now!r})
"""
END = """
print("ready", flush=True)
{call}
print("done", flush=True)
"""
# No run is that slow: it hangs.
_PATIENCE = 120


def start(code: str, *, now: str, call: str, **more: str) -> "subprocess.Popen[bytes]":
    """A worker that reads ``now`` on its clock, does ``call`` after ``code``, and says ready before it and done after it."""
    database = connection.settings_dict
    url = f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN.format(now=now) + code + END.format(call=call)],
        cwd=settings.ROOT,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "portal.settings.test",
            "LOG_LEVEL": "CRITICAL",
            **more,
        },
        stdout=subprocess.PIPE,
    )


@dataclass
class Killed:
    """How often a worker was killed in the middle of its work, until one came to its end."""

    kills: int = 0
    runs: int = 0


def killed_until_done(
    begin: Callable[[int], "subprocess.Popen[bytes]"],
    *,
    seed: int,
    between: tuple[float, float],
    kills: int,
    after_kill: Callable[[], None] = lambda: None,
) -> Killed:
    """Start workers one after the other and kill each after a random while (seconds), the first ``kills`` of them; then let one
    come to its end. ``after_kill`` looks at what a killed one left."""
    dice, done = random.Random(seed), Killed()
    while True:
        with begin(done.runs) as run:
            done.runs += 1
            assert run.stdout is not None
            assert run.stdout.readline() == b"ready\n"
            try:
                run.wait(timeout=dice.uniform(*between) if done.kills < kills else _PATIENCE)
            except subprocess.TimeoutExpired:
                assert done.kills < kills, "the worker hangs"
                run.send_signal(signal.SIGKILL)
                run.wait(timeout=10)
                done.kills += 1
                after_kill()
                continue
            assert run.stdout.readline() == b"done\n"
            return done
