"""When a door closes for a while: five wrong passwords for one account, or thirty from one address (django-axes counts)."""

import ipaddress
import math
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
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from portal.accounts import doors
from portal.accounts.models import User

ACCOUNT_LIMIT = 5
ADDRESS_LIMIT = 30
# Where the server cannot tell (a socket file without a proxy before it).
NO_ADDRESS = "::"


def client_address(request: HttpRequest) -> str:
    """The address a request came from. X-Forwarded-For counts only as deep as our own proxies stand (TRUSTED_PROXY_COUNT).

    An IPv6 client owns a whole /64, so that is what is counted.
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
    """What failures are counted by: the account, however its numbers were spelt.

    For an account that does not exist it is a keyed hash of what was typed, so that no identity number is kept.
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
    username = str(typed.get("username") or "")
    return username if User.objects.filter(username=username).exists() else _hash("staff", username)


def _hash(*parts: str) -> str:
    return salted_hmac("portal.accounts.lockout", "\n".join(parts)).hexdigest()[:32]


def failure_limit(request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
    """How many failures close the door for this attempt.

    axes compares one limit with the larger of two sums, by account and by address: the account's limit where the account
    has reached it, else the address's.
    """
    failures = _recent(request, Q(username=account_key(request, credentials)))
    of_account = failures.aggregate(sum=Sum("failures_since_start"))["sum"] or 0
    return ACCOUNT_LIMIT if of_account >= ACCOUNT_LIMIT else ADDRESS_LIMIT


def forget_failures(user: User) -> None:
    """Open the account again, after its owner proved themselves by another way."""
    AccessAttempt.objects.filter(username=user.username).delete()


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """The page that says for how long, and what else can be done. It is the same for an account that does not exist."""
    wrong = Q(username=account_key(request, credentials)) | Q(ip_address=client_address(request))
    now: datetime = request.axes_attempt_time  # type: ignore[attr-defined]
    last = _recent(request, wrong).aggregate(last=Max("attempt_time"))["last"] or now
    seconds = max(1, math.ceil((last + _cool_off() - now).total_seconds()))
    until = _("%(minutes)s 分钟") % {"minutes": math.ceil(seconds / 60)}
    page = render(request, "429.html", {"until": until}, status=429)
    page["Retry-After"] = str(seconds)
    return page


def _recent(request: HttpRequest, which: Q) -> QuerySet[AccessAttempt]:
    now: datetime = request.axes_attempt_time  # type: ignore[attr-defined]  # set by axes before it asks
    return AccessAttempt.objects.filter(which, attempt_time__gte=now - _cool_off())


def _cool_off() -> timedelta:
    return get_cool_off() or timedelta()


def prove(request: HttpRequest, user: User, password: str) -> bool:
    """Whether this is the password of the user who is logged in. Wrong ones count as at the door, and close it alike."""
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
    """Counts as axes does, but a success clears only its own account.

    Clearing by address as well would let someone with one good account guess at all others without end.
    """

    def reset_user_attempts(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        count, _by_model = AccessAttempt.objects.filter(username=account_key(request, credentials)).delete()
        return count
