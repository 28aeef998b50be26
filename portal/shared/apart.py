"""Work on files of strangers: in a process of its own, with little memory and time, and few such processes at once on a machine.

A file can be built to eat memory or time, and whatever reads it holds a thread meanwhile. So it is read apart; how many may
be at work, and how many may wait for them, is counted by locks on files, which the kernel drops when their holder dies. Whoever
finds all places taken is told so at once.
"""

import fcntl
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_HOME = Path(__file__).resolve().parents[2]
# How often who waits looks for a free place.
_LOOK_SECONDS = 0.05


class Busy(Exception):
    """All places are taken, and as many wait as may. Ask again in some seconds."""


class Ended(Exception):
    """The process died, or needed more time or memory than it may have. Such a file is not read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may take: seconds of computing, seconds in all, bytes of memory."""

    cpu_seconds: int
    wall_seconds: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Room:
    """So many at work at once on this machine, so many waiting behind them, each so many seconds at the most."""

    folder: Path
    at_work: int = 2
    waiting: int = 2
    wait_seconds: float = 3.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place at work, for as long as the block lasts. Busy where none can be had."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = self._taken("work", self.at_work)
        if held is None:
            held = self._waited_for()
        try:
            yield
        finally:
            os.close(held)

    def _waited_for(self) -> int:
        ticket = self._taken("wait", self.waiting)
        if ticket is None:
            raise Busy
        try:
            until = time.monotonic() + self.wait_seconds
            while (held := self._taken("work", self.at_work)) is None:
                if time.monotonic() >= until:
                    raise Busy
                time.sleep(_LOOK_SECONDS)
            return held
        finally:
            os.close(ticket)

    def _taken(self, kind: str, places: int) -> int | None:
        """The open and locked file of a free place; None where there is none."""
        for number in range(places):
            file = os.open(self.folder / f"{kind}-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                continue
            return file
        return None


def run_apart(
    module: str, arguments: Sequence[str] = (), *, content: bytes, limits: Limits, room: Room
) -> bytes:
    """What ``python -m module`` writes, given ``content`` to read; the module calls ``confine`` first. Raises Busy, Ended."""
    with room.place():
        try:
            done = subprocess.run(  # noqa: S603 -- our own module, no shell, nothing from the file among the arguments
                [sys.executable, "-m", module, *arguments],
                input=content,
                capture_output=True,
                timeout=limits.wall_seconds,
                cwd=_HOME,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_HOME)},
                check=True,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise Ended from error
    return done.stdout


def confine(limits: Limits) -> None:
    """Takes from this process, for good, what is over the limits, and the writing of files."""
    for kind, most in (
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
