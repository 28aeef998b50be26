"""How much a request may send: refused before a byte of it is read."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# Several papers of the largest size allowed for one, with their frames.
MOST_BYTES = 32 * 1024 * 1024


class BodyLimit:
    """Answers 413 to a request whose announced length is over the limit. Without a length, Django reads nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return render(request, "413.html", status=413)
        return self.get_response(request)
