"""HTTP to a provider: bounded in time and size, no redirects. What is not an answer leaves the
outcome unknown."""

import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from contributions.channels.protocol import Unreachable

# No answer of a payment provider comes near this.
_MOST_BYTES = 1 << 20
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's answer, 2xx or 4xx; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def check_gateway(url: str) -> str:
    """The address without its final slash. ValueError where card numbers and names would travel
    unencrypted."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError(f"the gateway {url} is neither https nor on this machine")
    return url.rstrip("/")


def exchange(method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str]) -> Reply:
    """One request, sent once. Unreachable where no whole answer came in time, or one that tells
    nothing (3xx, 5xx)."""
    connect_seconds, read_seconds = settings.PAYMENT_TIMEOUTS
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=connect_seconds, context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=connect_seconds)
    try:
        connection.connect()
        until = time.monotonic() + read_seconds
        connection.sock.settimeout(read_seconds)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request(method, target, body=body or None, headers=dict(headers))
        response = connection.getresponse()
        content = _read(connection, response, until)
    except (OSError, http.client.HTTPException) as problem:
        raise Unreachable(
            f"{method} {parts.netloc}{parts.path}: {str(problem) or type(problem).__name__}"
        ) from problem
    finally:
        connection.close()
    if not (200 <= response.status < 300 or 400 <= response.status < 500) or response.status == 429:
        raise Unreachable(f"{method} {parts.netloc}{parts.path}: status {response.status}")
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


def _read(connection: http.client.HTTPConnection, response: http.client.HTTPResponse, until: float) -> bytes:
    content = b""
    while True:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        # The socket is gone where the answer ends with the connection; what it held is then read
        # already.
        if connection.sock is not None:
            connection.sock.settimeout(left)
        chunk = response.read1(65536)
        if not chunk:
            break
        content += chunk
        if len(content) > _MOST_BYTES:
            raise http.client.HTTPException("the answer is too long")
    if response.length:
        raise http.client.IncompleteRead(content, response.length)
    return content
