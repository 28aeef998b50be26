"""What a login that a desk opened must pass before its pages open."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from portal.accounts.models import User
from portal.qualifications import opening, rights
from portal.qualifications.rights import Standing

# In the session: the city whose letter is to be signed, until its page was shown once.
LETTER_DUE = "letter_due"


def note_letter(sender: Any, request: HttpRequest, user: Any, **_more: Any) -> None:
    """At a login: notes where the person has a new version of the letter to sign."""
    if not isinstance(user, User) or not user.is_person or user.person is None:
        return
    now = timezone.now()
    for qualification in rights.qualified_in(user.person):
        if rights.of(user.person, qualification.city, now).standing == Standing.LETTER:
            request.session[LETTER_DUE] = qualification.city


class Gate:
    """Middleware: a first password that was not changed in time opens nothing any more; a letter
    that is to be signed is shown first, once in a session. Until it is signed one may look up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user = request.user
        if isinstance(user, User) and user.is_person and opening.slip_has_expired(user, timezone.now()):
            logout(request)
            return render(request, "web/desks/slip_expired.html", status=403)
        if (
            LETTER_DUE in request.session
            and request.method == "GET"
            and isinstance(user, User)
            and not user.must_change_password
        ):
            city = request.session.pop(LETTER_DUE)
            return redirect("letter", city)
        return None
