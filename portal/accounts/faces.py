"""The face check, through whichever class the setting FACE_CHECK names; without one no city can
offer it.

``RemoteCheck`` speaks to a provider over HTTP. Every request and every answer carries an
HMAC-SHA256 of its body under the secret that both sides share (``FACE_CHECK_SECRET``), in the
header ``X-Signature``:

    POST <FACE_CHECK_URL>/v1/checks   {"reference", "name", "identity_number", "return_url"}
        → {"reference", "page"}
    GET  <FACE_CHECK_URL>/v1/checks/<reference>
        → {"reference", "state"}: "waiting", "passed" or "failed"

The person goes to ``page``, is checked there, and comes back to ``return_url``; only the provider's
answer to the GET counts.
"""

import hashlib
import hmac
import http.client
import json
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

SIGNATURE = "X-Signature"
_MOST_BYTES = 64 * 1024
_SECONDS = 10.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class FaceState(StrEnum):
    WAITING = "waiting"
    PASSED = "passed"
    FAILED = "failed"


class Unreachable(Exception):
    """The provider does not answer, or not as agreed; nothing is known."""


class FaceCheck(Protocol):
    """Whether the person before the camera is the one of this name and number, by the public
    security bureau's picture."""

    def begin(self, *, reference: str, name: str, identity_number: str, return_url: str) -> str:
        """The address of the page that the person goes to. Raises Unreachable. Called outside
        transactions."""

    def state(self, reference: str) -> FaceState:
        """How the check of this reference stands. Raises Unreachable. Called outside
        transactions."""


def face_check() -> FaceCheck | None:
    """The provider of this installation; None where there is none."""
    return import_string(settings.FACE_CHECK)() if settings.FACE_CHECK else None


def sign(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class RemoteCheck:
    """A provider at FACE_CHECK_URL."""

    def begin(self, *, reference: str, name: str, identity_number: str, return_url: str) -> str:
        content = {
            "reference": reference,
            "name": name,
            "identity_number": identity_number,
            "return_url": return_url,
        }
        return str(self._call("POST", "/v1/checks", reference, content)["page"])

    def state(self, reference: str) -> FaceState:
        return FaceState(self._call("GET", f"/v1/checks/{reference}", reference)["state"])

    def _call(self, method: str, path: str, reference: str, content: Any = None) -> dict[str, Any]:
        parts = urlsplit(settings.FACE_CHECK_URL)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise Unreachable("FACE_CHECK_URL is neither https nor on this machine")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        body = json.dumps(content).encode() if content else b""
        signed = sign(body or path.encode(), settings.FACE_CHECK_SECRET)
        try:
            connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
            try:
                headers = {SIGNATURE: signed, "Content-Type": "application/json"}
                connection.request(method, f"{parts.path.rstrip('/')}{path}", body or None, headers)
                response = connection.getresponse()
                answer_body = response.read(_MOST_BYTES)
                signature = response.headers.get(SIGNATURE, "")
            finally:
                connection.close()
            if response.status != 200 or not hmac.compare_digest(
                signature, sign(answer_body, settings.FACE_CHECK_SECRET)
            ):
                raise Unreachable(f"status {response.status}")
            answer = json.loads(answer_body)
            if answer["reference"] != reference or (
                "state" in answer and answer["state"] not in list(FaceState)
            ):
                raise Unreachable("an answer to something else")
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as problem:
            raise Unreachable(str(problem)) from problem
        return dict(answer)
