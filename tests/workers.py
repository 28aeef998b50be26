"""Workers as processes of their own on the test's database, which a test may kill.

They are forked from a process that has the project loaded and nothing else: loading it takes each
of them two seconds of computing otherwise, and a worker that is killed again and again is started
as often.
"""

import datetime as dt
import logging
import multiprocessing
from multiprocessing.connection import Connection

import django
from django.db import connection
from django.utils import timezone

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["portal.wsgi"])


class Worker:
    """A worker at work."""

    def __init__(self, code: str, now: dt.datetime | None) -> None:
        self._heard, said = _FORKS.Pipe(duplex=False)
        database = str(connection.settings_dict["NAME"])
        self._process = _FORKS.Process(target=_work, args=(code, now, database, said), daemon=True)
        self._process.start()
        said.close()

    def hear(self) -> str:
        """What it says next; waits for it. Nothing, when it has ended."""
        try:
            return str(self._heard.recv())
        except EOFError:
            return ""

    def ends_within(self, seconds: float) -> bool:
        """Waits so long for its end."""
        self._process.join(seconds)
        return not self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        assert self.ends_within(10)


def start(code: str, *, now: dt.datetime | None = None) -> Worker:
    """A worker that runs ``code``, where ``say(word)`` tells the test something; its clock stands
    at ``now`` if that is given."""
    return Worker(code, now)


def _work(code: str, now: dt.datetime | None, database: str, said: Connection) -> None:
    django.setup()
    logging.disable()
    connection.settings_dict["NAME"] = database
    if now:
        timezone.now = lambda: now
    exec(code, {"say": said.send})  # noqa: S102 - what the test says
