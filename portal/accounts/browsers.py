"""The browser that asks: a signed cookie gives it a name of its own, and remembers which accounts
have come in through it.

By it text-message codes stay with who asked for them, wrong passwords of strangers do not close the
door for whoever comes in here every day, and a form that was sent after its session had ended is
kept for this browser alone. The cookie holds no account's name or number, only keyed hashes; who
copies it wins a counter, and nothing else.
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
    """What the cookie says: its name, the marks of the accounts that came in here (newest last),
    and whose session is the last, "" once they left by themselves; ``kind`` is that of this last
    account."""

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
    """What a browser remembers of an account."""
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
    """Remembers an account that has just come in."""
    browser, new = of(request), mark(user.username)
    others = [one for one in browser.accounts if one != new]
    keep(request, replace(browser, accounts=(*others, new)[-MOST:], last=new, kind=user.kind))


def left(request: HttpRequest) -> None:
    """Whoever was in has gone by themselves: nothing is kept for them any more."""
    browser = of(request)
    if browser.last:
        keep(request, replace(browser, last="", kind=""))


def keep(request: HttpRequest, browser: Browser) -> None:
    setattr(request, _ATTRIBUTE, browser)
    request._hall_browser_changed = True  # type: ignore[attr-defined]


def _read(request: HttpRequest) -> Browser | None:
    try:
        said = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=YEAR)
        return Browser(str(said["n"]), tuple(map(str, said["a"])), str(said["l"]), str(said["k"]))
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
            said = {"n": browser.name, "a": browser.accounts, "l": browser.last, "k": browser.kind}
            response.set_cookie(
                COOKIE,
                signing.dumps(said, salt=_SALT),
                max_age=YEAR,
                httponly=True,
                samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )
        return response
