"""The provider of face checks that stands in, on a real socket beside the tests."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from portal.accounts.face_stand_in import FaceStandIn

SECRET = "shared-by-both-sides"  # of the tests alone


@pytest.fixture
def face_provider(settings: Any) -> Iterator[FaceStandIn]:
    """The provider; the hall asks it."""
    server = FaceStandIn(("127.0.0.1", 0), SECRET)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    settings.FACE_CHECK = "portal.accounts.faces.RemoteCheck"
    settings.FACE_CHECK_URL = server.url
    settings.FACE_CHECK_SECRET = SECRET
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def look(server: FaceStandIn, page: str, *, yes: bool = True) -> str:
    """Somebody is before the provider's camera; where they are sent back to."""
    import http.client
    from urllib.parse import urlsplit

    parts = urlsplit(page)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    body = f"is={'yes' if yes else 'no'}"
    connection.request("POST", parts.path, body, {"Content-Type": "application/x-www-form-urlencoded"})
    response = connection.getresponse()
    assert response.status == 303
    back = response.headers["Location"]
    connection.close()
    return back


def prove_by_face(client: Client, server: FaceStandIn, where: str = "/register/proof/") -> Any:
    """Goes to the provider from the page 核验身份, is looked at, and comes back."""
    page = client.post(where, {"how": "face"}).context["url"]
    return client.get(look(server, page).replace("http://testserver", ""))
