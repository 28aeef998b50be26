"""A process that has imported one module and forks itself for each file: importing takes ten times
as long as reading.

``python -m portal.shared.forker MODULE SOCKET`` runs until nobody holds the other end of SOCKET
(the number of an open descriptor), or nothing was asked for ``IDLE_SECONDS``. Each message on it is
JSON, {"arguments": […], "limits": {…}}, with three descriptors: what is read as standard input,
what is written as standard output, and a socket for word about the child. There the child sends
first a descriptor of its own process, by which it can be ended, and last, where the module came to
its end, ``DONE``.
"""

import importlib
import json
import os
import resource
import runpy
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any

HELLO, DONE = b"h", b"d"
# It holds some 50 MB. Whoever finds it gone starts another.
IDLE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may take: seconds of computing, seconds in all, bytes of memory."""

    cpu_seconds: int
    wall_seconds: int
    memory_bytes: int


def _serve(module: str, asked: socket.socket) -> None:
    importlib.import_module(module)
    # Nobody waits for the children: what they came to is told by themselves.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    asked.settimeout(IDLE_SECONDS)
    while True:
        try:
            message, descriptors, _flags, _address = socket.recv_fds(asked, 1 << 16, 3)
        except TimeoutError:
            return
        if not message:
            return
        if os.fork() == 0:
            asked.close()
            _child(module, json.loads(message), *descriptors)
        for one in descriptors:
            os.close(one)


def _child(module: str, asked: dict[str, Any], given: int, written: int, told: int) -> None:
    """Never returns: the process ends here, whatever the module does."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        word = socket.socket(fileno=told)
        own = os.pidfd_open(os.getpid())
        socket.send_fds(word, [HELLO], [own])
        os.close(own)
        os.dup2(given, 0)
        os.dup2(written, 1)
        os.close(given)
        os.close(written)
        sys.argv = [module, *asked["arguments"]]
        _confine(Limits(**asked["limits"]))
        runpy.run_module(module, run_name="__main__", alter_sys=False)
        sys.stdout.flush()
        word.send(DONE)
        code = 0
    finally:
        os._exit(code)


def _confine(limits: Limits) -> None:
    """Takes from this process, for good, what is over the limits, and the writing of files."""
    for kind, most in (
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    _serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
