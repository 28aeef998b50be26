"""When a login is closed for a while, and for whom. django-axes counts.

Five wrong passwords for one account from one place close it to that place. The place is the
browser, where the account has come in through it before, else the address: so nobody closes an
account from afar to the browser that its owner uses, nor to other addresses. Thirty wrong passwords
from one address, for whichever accounts, close the address to browsers that the account does not
know. Where an account is guessed at from many addresses, each unknown place has one try at a time,
and after a hundred none. Other ways (a text message, a new password, the window) stay open.
"""

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.db.models import Max, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from portal.accounts import browsers, doors
from portal.accounts.models import User

PLACE_LIMIT = 5
ADDRESS_LIMIT = 30
# Wrong passwords for one account from all unknown places: from the first number on each such place
# has one try, from the second on none.
STRANGERS_SLOWED = 20
STRANGERS_LIMIT = 100
# The address where the server knows none (a socket file without a proxy).
NO_ADDRESS = "::"


def client_address(request: HttpRequest) -> str:
    """The address a request came from. Of X-Forwarded-For only the entries of our own proxies count
    (TRUSTED_PROXY_COUNT).

    An IPv6 client owns a whole /64, so its network address is given.
    """
    address = request.META.get("REMOTE_ADDR", "")
    hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    depth = settings.TRUSTED_PROXY_COUNT
    if depth and len(hops) >= depth:
        address = hops[-depth]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return NO_ADDRESS
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
    return str(parsed)


def account_key(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The key of the account that somebody tries to log in to, however its numbers were typed.

    For an account that does not exist it is a keyed hash of what was typed, so that no identity
    number is kept.
    """
    typed = credentials or {}
    if "person_login" in typed:
        user = doors.find_person(typed["person_login"])
        return user.username if user else _hash("person", doors.person_login(typed["person_login"]))
    if "credit_code" in typed:
        user = doors.find_clerk(typed["credit_code"], typed["clerk"])
        return (
            user.username
            if user
            else _hash("clerk", *doors.clerk_login(typed["credit_code"], typed["clerk"]))
        )
    username = str(typed.get("username") or typed.get("desk_login") or "")
    return username if User.objects.filter(username=username).exists() else _hash("staff", username)


def _hash(*parts: str) -> str:
    return salted_hmac("portal.accounts.lockout", "\n".join(parts)).hexdigest()[:32]


@dataclass(frozen=True)
class Standing:
    """How many tries to log in are left; where there are none, why (``place``, ``address``,
    ``strangers``) and until when."""

    left: int
    why: str = ""
    until: datetime | None = None


def standing(request: HttpRequest, credentials: dict[str, Any] | None = None) -> Standing:
    """The tries that are left for these credentials. The same for an account that does not
    exist."""
    key = account_key(request, credentials)
    is_known = browsers.of(request).knows(key)
    failures_here = _recent(request, Q(username=counted_as(request, credentials)))
    tries = PLACE_LIMIT
    if not is_known:
        strangers = _recent(request, Q(username__startswith=f"{key}@"))
        strangers_failures = _sum(strangers)
        if strangers_failures >= STRANGERS_LIMIT:
            return _closed("strangers", strangers)
        address = _recent(request, Q(ip_address=client_address(request)))
        if _sum(address) >= ADDRESS_LIMIT:
            return _closed("address", address)
        tries = 1 if strangers_failures >= STRANGERS_SLOWED else PLACE_LIMIT
    left = tries - _sum(failures_here)
    return Standing(left) if left > 0 else _closed("place", failures_here)


def counted_as(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """The name that failures are counted under: the account, and the browser that it knows (#), or
    else the address (@)."""
    key, browser = account_key(request, credentials), browsers.of(request)
    return f"{key}#{browser.digest}" if browser.knows(key) else f"{key}@{client_address(request)}"


def has_failed(request: HttpRequest, credentials: dict[str, Any] | None = None) -> bool:
    """Whether a password was wrong in the time that counts, here or for this account in unknown
    places: then a captcha is asked for. The same for an account that does not exist."""
    browser = browsers.of(request)
    here = (
        Q(username__endswith=f"#{browser.digest}")
        if browser.accounts
        else Q(ip_address=client_address(request))
    )
    if credentials is not None:
        key = account_key(request, credentials)
        if browser.knows(key):
            here = Q(username=f"{key}#{browser.digest}")
        else:
            here = Q(ip_address=client_address(request)) | Q(username__startswith=f"{key}@")
    return AccessAttempt.objects.filter(here, attempt_time__gte=timezone.now() - _cool_off()).exists()


def forget_failures(user: User) -> None:
    """Opens the account again, after its owner proved who they are in another way."""
    of_account = Q(username__startswith=f"{user.username}@") | Q(username__startswith=f"{user.username}#")
    AccessAttempt.objects.filter(of_account).delete()


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """The page that says for how long, why, and which ways are open. It is the same for an account
    that does not exist."""
    now: datetime = request.axes_attempt_time  # type: ignore[attr-defined]
    stands = standing(request, credentials)
    seconds = max(1, math.ceil(((stands.until or now + _cool_off()) - now).total_seconds()))
    typed = credentials or {}
    door = "person" if "person_login" in typed else "clerk" if "credit_code" in typed else ""
    if isinstance(request.user, User) and (request.user.is_person or request.user.is_clerk):
        door = request.user.kind
    context = {
        "until": _("%(minutes)s 分钟") % {"minutes": math.ceil(seconds / 60)},
        "why": stands.why,
        "tries": PLACE_LIMIT,
        "door": door,
    }
    page = render(request, "429.html", context, status=429)
    page["Retry-After"] = str(seconds)
    return page


def _closed(why: str, failures: QuerySet[AccessAttempt]) -> Standing:
    last = failures.aggregate(last=Max("attempt_time"))["last"]
    return Standing(0, why, last + _cool_off() if last else None)


def _sum(failures: QuerySet[AccessAttempt]) -> int:
    return failures.aggregate(sum=Sum("failures_since_start"))["sum"] or 0


def _recent(request: HttpRequest, condition: Q) -> QuerySet[AccessAttempt]:
    now: datetime = request.axes_attempt_time  # type: ignore[attr-defined]  # set by axes before it asks
    return AccessAttempt.objects.filter(condition, attempt_time__gte=now - _cool_off())


def _cool_off() -> timedelta:
    return get_cool_off() or timedelta()


def prove(request: HttpRequest, user: User, password: str) -> bool:
    """Whether this is the password of the user who is logged in. A wrong one counts as at login,
    and closes the account in the same way."""
    credentials = {"username": user.username}
    if not AxesProxyHandler.is_allowed(request, credentials):
        request.axes_locked_out = True  # type: ignore[attr-defined]  # the middleware answers with the page
        request.axes_credentials = credentials  # type: ignore[attr-defined]
        return False
    if user.check_password(password):
        forget_failures(user)
        return True
    user_login_failed.send(sender=__name__, credentials=credentials, request=request)
    return False


class Handler(AxesDatabaseHandler):
    """Counts as axes does, but closes by ``standing``, and a success clears only its own account in
    its own place.

    Clearing by address as well would let someone with one good account guess at all others without
    end.
    """

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        return 0 if standing(request, credentials).left > 0 else 1

    def reset_user_attempts(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        key = account_key(request, credentials)
        usernames = [f"{key}@{client_address(request)}", f"{key}#{browsers.of(request).digest}"]
        count, _by_model = AccessAttempt.objects.filter(username__in=usernames).delete()
        return count
