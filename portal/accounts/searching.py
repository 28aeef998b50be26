"""What is typed into a search for people: it goes by POST and stays on the server, and the address
names it by a token.

So no number or name of a person stands in an address, in the browser's history or in a proxy's log.
"""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from portal.shared.characters import narrow
from portal.shared.logs import mask_numbers

View: TypeAlias = Callable[..., HttpResponseBase]

SESSION_KEY = "searches"
MARK = "~"
# The most searches that a session keeps; the address of an older one searches for nothing.
KEPT_AT_MOST = 20
# An address that a scanner types is that long.
LONGEST = 120


def keep(request: HttpRequest, **typed: str) -> str:
    """Keeps what was typed, each part cut at LONGEST; gives its token, or "" where nothing was
    typed."""
    clean = {name: text.replace("\0", "").strip()[:LONGEST] for name, text in typed.items()}
    if not any(clean.values()):
        return ""
    searches = dict(request.session.get(SESSION_KEY, {}))
    token = MARK + secrets.token_urlsafe(9)
    searches[token] = clean
    request.session[SESSION_KEY] = dict(list(searches.items())[-KEPT_AT_MOST:])
    return token


def kept(request: HttpRequest, token: str, name: str = "q") -> str:
    """A part of what was typed, by its token; "" for any other text: what somebody writes into an
    address is not searched for."""
    found = request.session.get(SESSION_KEY, {}).get(token, {}) if token.startswith(MARK) else {}
    return str(found.get(name, ""))


def to_results(request: HttpRequest, *parts: str, name: str = "q") -> HttpResponseRedirect:
    """The answer to a search that was sent: the same page with the token in the address, and all
    else that was sent along.

    ``parts`` name the fields that are kept on the server; the first of them is ``name``.
    """
    hidden = {name, *parts, "csrfmiddlewaretoken"}
    pairs = [
        (key, value) for key, values in request.POST.lists() if key not in hidden for value in values if value
    ]
    token = keep(request, **{part: request.POST.get(part, "") for part in (name, *parts)})
    if token:
        pairs.append((name, token))
    return HttpResponseRedirect(f"{request.path}?{urlencode(pairs)}" if pairs else request.path)


def asked(request: HttpRequest) -> str:
    """What a list of one's own is searched for: by its token, or a name or a case's number that
    stands in the address. A person's number in an address is not searched for."""
    text = request.GET.get("q", "")
    if text.startswith(MARK):
        return kept(request, text)
    text = text.replace("\0", "").strip()[:LONGEST]
    return "" if mask_numbers(narrow(text)) != narrow(text) else text


def by_post(view: View) -> View:
    """For pages with a search: where one is sent, the answer is the way to its results."""

    @wraps(view)
    def searched(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and "q" in request.POST and request.user.is_authenticated:
            return to_results(request)
        return view(request, *args, **kwargs)

    return searched
