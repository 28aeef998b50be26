"""The line to Redis, with someone on it: it can be cut, and it can fall silent, as a Redis does
that has ended or hangs."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings


class RedisLine:
    """Carries what is said to the tests' own Redis and back. ``state``: open, cut or silent. Counts
    who knocks meanwhile."""

    def __init__(self) -> None:
        self.state = "open"
        self.knocks = 0
        self.there = urlsplit(settings.REDIS_URL)
        self.door = socket.create_server(("127.0.0.1", 0))
        self.open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        before, _at, _host = self.there.netloc.rpartition("@")
        return urlunsplit(self.there._replace(netloc=f"{before}@127.0.0.1:{self.door.getsockname()[1]}"))

    def turn(self, state: str) -> None:
        """From now on so; who is on the line falls out of it, or is not answered any more."""
        self.state, self.knocks = state, 0
        if state != "silent":
            self.hang_up()

    def hang_up(self) -> None:
        while self.open:
            with contextlib.suppress(OSError):
                self.open.pop().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.state = "cut"
        self.hang_up()
        self.door.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _address = self.door.accept()
            except OSError:
                return
            self.knocks += 1
            if self.state == "cut":
                near.close()
                continue
            far = socket.create_connection((self.there.hostname or "", self.there.port or 6379))
            self.open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := one.recv(65536):
                if self.state == "open":
                    other.sendall(said)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def redis_line() -> Iterator[RedisLine]:
    line = RedisLine()
    try:
        yield line
    finally:
        line.close()
