"""A worker of gunicorn that refuses requests that it cannot answer in time.

A request that waited longer than ``PATIENCE`` for a thread is answered at once with 503 and
Retry-After: its sender has given up or will soon, and to work off old requests makes all others
wait as long. So queues do not grow to seconds, and most requests are answered as fast as before.
``gunicorn -k portal.serving.SheddingWorker``.
"""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

# Seconds.
PATIENCE = float(os.environ.get("QUEUE_PATIENCE") or 1.0)
RETRY_AFTER = 5

_PAGE = (Path(__file__).resolve().parents[1] / "templates" / "503.html").read_bytes()
_PROBLEM = json.dumps(
    {
        "type": "urn:problem:busy",
        "title": "暂时不能受理",
        "status": 503,
        "code": "busy",
        "detail": "请求过多，请稍后用同一个幂等键再发。",
    },
    ensure_ascii=False,
).encode()
# Never refused: monitoring would take a 503 for the failure of the whole hall.
_ALWAYS = b"/healthz"


class SheddingWorker(ThreadWorker):
    """As gthread, but it refuses requests that waited too long."""

    def enqueue_req(self, conn: TConn) -> None:
        conn.queued_at = time.monotonic()
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        if time.monotonic() - conn.queued_at > PATIENCE and _shed(conn.sock):
            return False
        return super().handle(conn)


def _shed(client: socket.socket) -> bool:
    """Answers 503, if the request has come and may be shed."""
    try:
        client.settimeout(0.2)
        begun = client.recv(512, socket.MSG_PEEK)
    except OSError:
        return False
    _method, _space, rest = begun.partition(b" ")
    if not begun or rest.startswith(_ALWAYS):
        return False
    kind, body = b"text/html; charset=utf-8", _PAGE
    if rest.startswith(b"/api/"):
        kind, body = b"application/problem+json", _PROBLEM
    head = (
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nCache-Control: no-store\r\nConnection: close\r\n"
        b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (RETRY_AFTER, kind, len(body))
    )
    try:
        client.sendall(head + (b"" if begun.startswith(b"HEAD ") else body))
    except OSError:
        return True
    return True
