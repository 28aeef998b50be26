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
# The process holds some 50 MB, so it ends when it is idle; the next caller starts another.
IDLE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may take: seconds of computing, seconds in all, bytes of memory."""

    cpu_seconds: int
    wall_seconds: int
    memory_bytes: int


def _serve(module: str, requests: socket.socket) -> None:
    importlib.import_module(module)
    # Nobody waits for the children: they report their result themselves.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    requests.settimeout(IDLE_SECONDS)
    while True:
        try:
            message, descriptors, _flags, _address = socket.recv_fds(requests, 1 << 16, 3)
        except TimeoutError:
            return
        if not message:
            return
        if os.fork() == 0:
            requests.close()
            _child(module, json.loads(message), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _child(module: str, request: dict[str, Any], input_file: int, output_file: int, word_socket: int) -> None:
    """Runs the module in this child. Never returns: the process ends here, whatever the module
    does."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        word = socket.socket(fileno=word_socket)
        process = os.pidfd_open(os.getpid())
        socket.send_fds(word, [HELLO], [process])
        os.close(process)
        os.dup2(input_file, 0)
        os.dup2(output_file, 1)
        os.close(input_file)
        os.close(output_file)
        sys.argv = [module, *request["arguments"]]
        _confine(Limits(**request["limits"]))
        runpy.run_module(module, run_name="__main__", alter_sys=False)
        sys.stdout.flush()
        word.send(DONE)
        code = 0
    finally:
        os._exit(code)


def _confine(limits: Limits) -> None:
    """Sets the limits of this process for good, and forbids it to write files."""
    for kind, most in (
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    _serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2])))
