"""The browser of a request: a signed cookie names it and remembers which accounts have logged in
through it.

So a text-message code counts only in the browser that asked for it, wrong passwords from elsewhere
do not lock an owner out of their usual browser, and a form that was sent after its session had
ended is kept for this browser alone. The cookie holds no account's name or number, only keyed
hashes; a copy of it gives its own counter of tries, and nothing else.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from portal.accounts.models import User

COOKIE = "browser"
YEAR = 365 * 24 * 60 * 60
# How many accounts a browser remembers; the one that came in longest ago is forgotten first.
MOST = 8
_SALT = "portal.accounts.browsers"
_ATTRIBUTE = "_hall_browser"


@dataclass(frozen=True)
class Browser:
    """The content of the cookie: its name, the marks of the accounts that logged in here (newest
    last), and the mark (``last``) and ``kind`` of the last account, "" once it has logged out."""

    name: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    accounts: tuple[str, ...] = ()
    last: str = ""
    kind: str = ""

    @property
    def digest(self) -> str:
        """The name as it is kept beside data: it cannot be made into a cookie again."""
        return salted_hmac(f"{_SALT}.digest", self.name, algorithm="sha256").hexdigest()

    def knows(self, username: str) -> bool:
        """Whether the account of this user name has come in through this browser."""
        return mark(username) in self.accounts


def mark(username: str) -> str:
    """The keyed hash by which a browser remembers an account."""
    return salted_hmac(f"{_SALT}.account", username, algorithm="sha256").hexdigest()[:24]


def of(request: HttpRequest) -> Browser:
    """The browser of a request; a new one where there is no cookie of ours. The answer then carries
    the cookie."""
    browser: Browser | None = getattr(request, _ATTRIBUTE, None) or _read(request)
    if browser is None:
        browser = Browser()
        keep(request, browser)
    else:
        setattr(request, _ATTRIBUTE, browser)
    return browser


def came_in(request: HttpRequest, user: User) -> None:
    """Remembers an account that has just logged in."""
    browser, new_mark = of(request), mark(user.username)
    others = [one for one in browser.accounts if one != new_mark]
    keep(request, replace(browser, accounts=(*others, new_mark)[-MOST:], last=new_mark, kind=user.kind))


def left(request: HttpRequest) -> None:
    """Forgets the last account after it logged out: no form is kept for it."""
    browser = of(request)
    if browser.last:
        keep(request, replace(browser, last="", kind=""))


def keep(request: HttpRequest, browser: Browser) -> None:
    setattr(request, _ATTRIBUTE, browser)
    request._hall_browser_changed = True  # type: ignore[attr-defined]


def _read(request: HttpRequest) -> Browser | None:
    try:
        values = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=YEAR)
        return Browser(str(values["n"]), tuple(map(str, values["a"])), str(values["l"]), str(values["k"]))
    except (signing.BadSignature, KeyError, TypeError):
        return None


class BrowserCookie:
    """Middleware: sends the cookie with the answer to a request that has changed what it says."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if getattr(request, "_hall_browser_changed", False):
            browser: Browser = getattr(request, _ATTRIBUTE)
            values = {"n": browser.name, "a": browser.accounts, "l": browser.last, "k": browser.kind}
            response.set_cookie(
                COOKIE,
                signing.dumps(values, salt=_SALT),
                max_age=YEAR,
                httponly=True,
                samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )
        return response
