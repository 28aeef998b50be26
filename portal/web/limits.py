"""What a request may send: how much, refused before a byte of it is read, and in which
characters."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.web.errors import bad_request

# Several papers of the largest size allowed for one, with their frames.
MOST_BYTES = 32 * 1024 * 1024


class BodyLimit:
    """Answers 413 to a request whose announced length is over the limit. Without a length, Django
    reads nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return render(request, "413.html", status=413)
        return self.get_response(request)


class NoNul:
    """Answers 400 to an address with a NUL in its path or query: no address of the hall has one,
    and the database takes none.

    Forms refuse it field by field, and the API in its own words.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        written = "%00" in request.META.get("QUERY_STRING", "") or "\0" in request.path
        if written and not request.path.startswith("/api/"):
            return bad_request(request)
        return None
