"""A login that has given its password, but not yet everything that is asked for, can open only the
page that asks."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from portal.accounts import factors, onward
from portal.accounts.models import User

# Pages that are open halfway: those that ask, and the way out.
OPEN = {
    "first-password",
    "factor",
    "factor-enrol",
    "factor-codes",
    "passkey-ask",
    "passkey-begin",
    "logout",
    "session",
    "demo-messages",
    "admin:logout",
    "admin:jsi18n",
}


class Halfway:
    """Middleware: a password that somebody else typed is changed first, then staff give or enrol
    their second factor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.view_name in OPEN or match.namespaces[:1] == ["captcha"]:
            return None
        step = next_step(request)
        if not step:
            return None
        back = request.get_full_path() if request.method in ("GET", "HEAD") else "/"
        return redirect(onward.address(reverse(step), back))


def next_step(request: HttpRequest) -> str:
    """The name of the page that the login must pass first; "" where nothing is left to do."""
    user = request.user
    if not isinstance(user, User):
        return ""
    if user.must_change_password:
        return "first-password"
    if factors.needs_factor(user):
        return "factor" if factors.has_factor(user) else "factor-enrol"
    return ""
