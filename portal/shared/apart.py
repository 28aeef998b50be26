"""Reads files of strangers in a process of its own, with little memory and time, and with few such
processes at once on a machine.

A file can be built to use up memory or time, and its reader holds a thread meanwhile. So a process
of its own reads it. Locks on files count how many are at work and how many wait; the kernel drops
a lock when its holder dies. Where all places are taken, the caller gets Busy at once.
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
# How often a waiting caller looks for a free place.
_LOOK_SECONDS = 0.05


class Busy(Exception):
    """All places at work and all places to wait are taken. Ask again in some seconds."""


class Ended(Exception):
    """The process died, or needed more time or memory than its limits. Such a file is not read."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many processes may be at work at once on this machine, how many callers may wait, and how
    many seconds each of them waits at most. ``folder`` holds the lock files."""

    folder: Path
    at_work: int = 2
    waiting: int = 2
    wait_seconds: float = 3.0

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place at work, for as long as the block lasts. Busy where none can be had."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock_file = self._taken("work", self.at_work)
        if lock_file is None:
            lock_file = self._waited_for()
        try:
            yield
        finally:
            os.close(lock_file)

    def _waited_for(self) -> int:
        ticket = self._taken("wait", self.waiting)
        if ticket is None:
            raise Busy
        try:
            until = time.monotonic() + self.wait_seconds
            while (lock_file := self._taken("work", self.at_work)) is None:
                if time.monotonic() >= until:
                    raise Busy
                time.sleep(_LOOK_SECONDS)
            return lock_file
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

    It runs in a fork of a process that has imported the module, shares no memory with this one, and
    forks anew for each file.
    """
    with room.place():
        for _attempt in range(2):
            forker_socket = _forker(module)
            try:
                return _Child(forker_socket, arguments, content, limits).output()
            except _Gone:
                _forget(module, forker_socket)
        raise Ended


class _Gone(Exception):
    """The forker had ended, or ended before it forked: nothing has been read."""


class _Child:
    """One run of the module. Raises _Gone where it has not begun."""

    def __init__(
        self, forker_socket: socket.socket, arguments: Sequence[str], content: bytes, limits: Limits
    ) -> None:
        self._limits = limits
        request = json.dumps({"arguments": list(arguments), "limits": asdict(limits)}).encode()
        with ExitStack() as closed_here:
            # A file in memory, not a pipe: nobody has to write while the other reads.
            content_file = os.memfd_create("content")
            closed_here.callback(os.close, content_file)
            _write(content_file, content)
            self._written, written = os.pipe()
            closed_here.callback(os.close, written)
            self._told, child_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            closed_here.callback(child_end.close)
            try:
                socket.send_fds(forker_socket, [request], [content_file, written, child_end.fileno()])
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
                # Where it has ended by itself, there is no process to kill.
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(process, signal.SIGKILL)
                os.close(process)
        finally:
            self._close()

    def _read(self, until: float) -> bytes:
        parts: list[bytes] = []
        # Not by select: it takes no descriptor beyond 1023, and a busy server has those.
        ready = select.poll()
        ready.register(self._written, select.POLLIN)
        while True:
            left = until - time.monotonic()
            if left <= 0 or not ready.poll(left * 1000):
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
# By process id (a fork of this process has forkers of its own) and module: the socket for requests
# to the forker, and the forker.
forkers: dict[tuple[int, str], tuple[socket.socket, "subprocess.Popen[bytes]"]] = {}


def _forker(module: str) -> socket.socket:
    """The socket that takes requests to run the module. Starts the forker where there is none."""
    with _lock:
        existing = forkers.get((os.getpid(), module))
        if existing:
            return existing[0]
        our_end, forker_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with forker_end:
            process = subprocess.Popen(  # noqa: S603 -- our own module, no shell
                [sys.executable, "-m", "portal.shared.forker", module, str(forker_end.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[forker_end.fileno()],
                cwd=_HOME,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(_HOME)},
            )
        forkers[os.getpid(), module] = our_end, process
        return our_end


def _forget(module: str, forker_socket: socket.socket) -> None:
    """Ends a forker that does not answer, so that the next request starts another."""
    with _lock:
        existing = forkers.get((os.getpid(), module))
        if existing and existing[0] is forker_socket:
            del forkers[os.getpid(), module]
            forker_socket.close()
            existing[1].kill()
            existing[1].wait()
