"""Work on files of strangers: in a process of its own, with little memory and time, and few such
processes at once on a machine.

A file can be built to eat memory or time, and whatever reads it holds a thread meanwhile. So it is
read apart; how many may be at work, and how many may wait for them, is counted by locks on files,
which the kernel drops when their holder dies. Whoever finds all places taken is told so at once.
"""

import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from portal.shared import forker
from portal.shared.forker import Limits as Limits

_HOME = Path(__file__).resolve().parents[2]
# How often who waits looks for a free place.
_LOOK_SECONDS = 0.05


class Busy(Exception):
    """All places are taken, and as many wait as may. Ask again in some seconds."""


class Ended(Exception):
    """The process died, or needed more time or memory than it may have. Such a file is not read."""


@dataclass(frozen=True, slots=True)
class Room:
    """So many at work at once on this machine, so many waiting behind them, each so many seconds at
    the most."""

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
    """What ``python -m module`` writes, given ``content`` to read and no more than ``limits``.
    Raises Busy, Ended.

    It runs in a fork of a process that has the module imported already, knows nothing of this one,
    and forks for each file anew.
    """
    with room.place():
        for _attempt in range(2):
            asked = _forker(module)
            try:
                return _Child(asked, arguments, content, limits).output()
            except _Gone:
                _forget(module, asked)
        raise Ended


class _Gone(Exception):
    """The forker had ended, or ended before it forked: nothing has been read."""


class _Child:
    """One run of the module. Raises _Gone where it has not begun."""

    def __init__(
        self, asked: socket.socket, arguments: Sequence[str], content: bytes, limits: Limits
    ) -> None:
        self._limits = limits
        asking = json.dumps({"arguments": list(arguments), "limits": asdict(limits)}).encode()
        with ExitStack() as theirs:
            # A file in memory, not a pipe: nobody has to write while the other reads.
            given = os.memfd_create("content")
            theirs.callback(os.close, given)
            _write(given, content)
            self._written, written = os.pipe()
            theirs.callback(os.close, written)
            self._told, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            theirs.callback(told.close)
            try:
                socket.send_fds(asked, [asking], [given, written, told.fileno()])
            except OSError:
                self._close()
                raise _Gone from None

    def output(self) -> bytes:
        """What it wrote until its end. Raises Ended, and _Gone."""
        until = time.monotonic() + self._limits.wall_seconds
        try:
            self._told.settimeout(self._limits.wall_seconds)
            try:
                _hello, [process], _flags, _address = socket.recv_fds(self._told, 1, 1)
            except (ValueError, ConnectionError):
                raise _Gone from None
            except (TimeoutError, BlockingIOError):
                raise Ended from None
            try:
                return self._read(until)
            finally:
                # Where it has ended by itself, nobody is there to hear.
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(process, signal.SIGKILL)
                os.close(process)
        finally:
            self._close()

    def _read(self, until: float) -> bytes:
        parts: list[bytes] = []
        while True:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._written], [], [], left)[0]:
                raise Ended
            part = os.read(self._written, 1 << 16)
            if not part:
                break
            parts.append(part)
        self._told.settimeout(max(until - time.monotonic(), 0.001))
        with suppress(OSError):
            if self._told.recv(1) == forker.DONE:
                return b"".join(parts)
        raise Ended

    def _close(self) -> None:
        os.close(self._written)
        self._told.close()


def _write(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]
    os.lseek(file, 0, os.SEEK_SET)


_lock = threading.Lock()
# By process (a fork of this one has its own) and module: the socket by which the forker is asked,
# and the forker.
forkers: dict[tuple[int, str], tuple[socket.socket, "subprocess.Popen[bytes]"]] = {}


def _forker(module: str) -> socket.socket:
    """Where runs of the module are asked for. Starts the forker where there is none."""
    with _lock:
        known = forkers.get((os.getpid(), module))
        if known:
            return known[0]
        asked, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(  # noqa: S603 -- our own module, no shell
                [sys.executable, "-m", "portal.shared.forker", module, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd=_HOME,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_HOME)},
            )
        forkers[os.getpid(), module] = asked, process
        return asked


def _forget(module: str, asked: socket.socket) -> None:
    """The next to ask for it starts another."""
    with _lock:
        known = forkers.get((os.getpid(), module))
        if known and known[0] is asked:
            del forkers[os.getpid(), module]
            asked.close()
            known[1].kill()
            known[1].wait()
