"""The second factor of staff: a passkey, a code of an authenticator app (RFC 6238), or one of ten
recovery codes, each good once.

An account keeps its last passkey or authenticator until another is there. django-otp keeps the
devices, refuses a code that was used, and makes each further try after a wrong one wait longer.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_otp import login as otp_login
from django_otp import match_token
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from portal.accounts import notices, passkeys, sliding
from portal.accounts.models import Kind, User
from portal.shared.characters import narrow

# A factor given so long ago is asked for again before money is let go.
RECENT = dt.timedelta(minutes=15)
GIVEN_AT = "factor_given_at"
# Of a session: which authenticator it is enrolling.
ENROLLING = "authenticator_to_enrol"
RECOVERY_CODES = 10
DEVICE_NAME = "authenticator"


@dataclass(frozen=True)
class Tried:
    """How a try went: whether it was right, and else for how many seconds no further one counts (0:
    at once)."""

    right: bool
    wait: int = 0


class LastFactor(Exception):
    """Without this factor the account would have none left."""


def needs_factor(user: Any) -> bool:
    """Whether this login is of a kind that must give a second factor, and has not in this
    session."""
    return isinstance(user, User) and user.kind == Kind.STAFF and not user.is_verified()  # type: ignore[attr-defined]


def has_factor(user: User) -> bool:
    """Whether an authenticator or a passkey is enrolled."""
    return has_authenticator(user) or passkeys.of(user).exists()


def has_authenticator(user: User) -> bool:
    """Whether an authenticator app is enrolled."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


@transaction.atomic
def begin(request: HttpRequest, user: User) -> TOTPDevice:
    """The authenticator that this session enrols; it counts only once a code of it was given.
    Whoever had the account's password before, as a supervisor who typed it, has not seen its
    secret."""
    _hold(user)
    device = _being_enrolled(request, user).first()
    if device is None:
        TOTPDevice.objects.filter(user=user, confirmed=False).delete()
        device = TOTPDevice.objects.create(user=user, confirmed=False, name=DEVICE_NAME)
        request.session[ENROLLING] = device.pk
    return device


@transaction.atomic
def enrol(request: HttpRequest, user: User, code: str, *, now: dt.datetime) -> TOTPDevice | None:
    """Confirms the authenticator by its first code; None where the code is wrong. Raises
    passkeys.Refused, as ``enrol_passkey`` does."""
    _ensure_may_add(request, user)
    device = _being_enrolled(request, user).select_for_update().first()
    if device is None or has_authenticator(user) or not device.verify_token(_typed(code)):
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    _tell(user, f"authenticator {device.pk} added", _("已绑定身份验证器"), now)
    return device


@transaction.atomic
def enrol_passkey(request: HttpRequest, user: User, *, name: str, answer: str, now: dt.datetime) -> Any:
    """Adds the passkey that the browser has made. Raises passkeys.Refused, also where the account
    has a factor and this session has given none."""
    _ensure_may_add(request, user)
    return passkeys.add(request, user, name=name, answer=answer, now=now)


def first_recovery_codes(user: User) -> list[str]:
    """The recovery codes that come with the first factor; [] where the account has some already."""
    return [] if StaticDevice.objects.filter(user=user).exists() else new_recovery_codes(user)


@transaction.atomic
def remove_passkey(user: User, pk: int, *, now: dt.datetime) -> None:
    """Removes a passkey. Raises LastFactor."""
    _hold(user)
    if not has_authenticator(user) and not passkeys.of(user).exclude(pk=pk).exists():
        raise LastFactor
    passkeys.remove(user, pk, now=now)


@transaction.atomic
def remove_authenticator(user: User, *, now: dt.datetime) -> None:
    """Removes the authenticator app. Raises LastFactor."""
    _hold(user)
    if not passkeys.of(user).exists():
        raise LastFactor
    for device in TOTPDevice.objects.filter(user=user, confirmed=True):
        _tell(user, f"authenticator {device.pk} removed", _("已解除身份验证器"), now)
    TOTPDevice.objects.filter(user=user).delete()


@transaction.atomic
def new_recovery_codes(user: User) -> list[str]:
    """Ten new codes; earlier ones no longer count."""
    _hold(user)
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery")
    codes = [StaticToken.random_token() for _each in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def give(request: HttpRequest, user: User, code: str, *, now: dt.datetime) -> Tried:
    """Tries a code; with a right one the session is one of a login with both factors."""
    device = match_token(user, _typed(code))
    if device is None:
        return Tried(right=False, wait=_wait(user, now))
    enter(request, device, now=now)
    return Tried(right=True)


def give_passkey(request: HttpRequest, user: User, answer: str, *, now: dt.datetime) -> None:
    """As ``give``, by what a passkey has signed. Raises passkeys.Refused."""
    enter(request, passkeys.use(request, user, answer=answer, now=now), now=now)


def enter(request: HttpRequest, device: Any, *, now: dt.datetime) -> None:
    """The session has the second factor from now on, under a new key."""
    request.session.cycle_key()
    otp_login(request, device)
    request.session[GIVEN_AT] = now.timestamp()
    # What is kept of the session is found by its key, which is another now.
    sliding.renew(request)


def is_recent(request: HttpRequest, *, now: dt.datetime) -> bool:
    """Whether the factor was given a short while ago."""
    given = request.session.get(GIVEN_AT)
    return given is not None and now.timestamp() - float(given) <= RECENT.total_seconds()


@transaction.atomic
def reset(user: User) -> None:
    """Forgets the authenticator, the passkeys and the recovery codes: the next login enrols
    anew."""
    passkeys.forget_all(user)
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def recovery_codes_left(user: User) -> int:
    return StaticToken.objects.filter(device__user=user, device__confirmed=True).count()


def demo_device(user: User) -> None:
    """A demo's member of staff has an authenticator whose secret everybody can work out; done
    twice, there is one."""
    if settings.DEMO and not has_factor(user):
        TOTPDevice.objects.create(user=user, name=DEVICE_NAME, key=_demo_key(user))


def demo_code(user: User) -> str:
    """The code to type now, in a demo and of its own authenticators; "" elsewhere, and where the
    next must be waited for."""
    if not settings.DEMO:
        return ""
    device = TOTPDevice.objects.filter(user=user, confirmed=True, key=_demo_key(user)).first()
    return code_of(device) if device else ""


def code_of(device: TOTPDevice) -> str:
    """The first code of an authenticator that is not used yet and that it accepts now; "" where
    there is none."""
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    step: int = max(totp.t(), device.last_t + 1)
    if step > totp.t() + device.tolerance:
        return ""
    totp.drift += step - totp.t()
    return f"{totp.token():0{device.digits}d}"


def _being_enrolled(request: HttpRequest, user: User) -> QuerySet[TOTPDevice]:
    device: QuerySet[TOTPDevice] = TOTPDevice.objects.filter(
        user=user, confirmed=False, pk=request.session.get(ENROLLING)
    )
    return device


def _hold(user: User) -> None:
    """Locks the account, so that no other request changes its factors meanwhile."""
    User.objects.select_for_update().get(pk=user.pk)


def _ensure_may_add(request: HttpRequest, user: User) -> None:
    """A password alone enrols the first factor, never a second one."""
    _hold(user)
    if needs_factor(request.user) and has_factor(user):
        raise passkeys.Refused(_("您的账号已绑定其他验证方式，请先用它登录。"))


def _tell(user: User, reference: str, title: str, now: dt.datetime) -> None:
    text = title + _("，从现在起生效。不是您本人操作的，请立即修改密码并报告。")
    notices.tell(user, kind="factor", reference=reference, title=title, text=text, now=now)


def _demo_key(user: User) -> str:
    return hashlib.sha256(f"demo authenticator of {user.username}".encode()).hexdigest()[:40]


def _typed(code: str) -> str:
    return "".join(narrow(code).split()).lower()


def _wait(user: User, now: dt.datetime) -> int:
    """Seconds until a further try counts."""
    waits = [0]
    for device in (*TOTPDevice.objects.filter(user=user), *StaticDevice.objects.filter(user=user)):
        _allowed, why = device.verify_is_allowed()
        if why and why.get("locked_until"):
            waits.append(max(1, round((why["locked_until"] - now).total_seconds())))
    return min(waits[1:], default=0)
