"""Passkeys (WebAuthn): adding one to an account, and proving with it who is there. The callers
decide what the proof allows.

django-otp-webauthn keeps them, py_webauthn checks what a device has signed. A passkey is bound to
the hall's address (PUBLIC_URL), asks its owner for a finger, a face or a PIN each time, and signs a
question that counts once, in the session that asked it, and for five minutes.
"""

import datetime as dt
import ipaddress
import json
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError, transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_otp_webauthn.exceptions import CredentialNotFound, CredentialUserMismatch
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnCredential
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from portal.accounts import notices
from portal.accounts.models import PasskeyTries, User

log = logging.getLogger(__name__)

# The most passkeys of an account.
MOST = 10
ADDING, USING = "passkey_to_add", "passkey_to_use"
NOTICE_KIND = "passkey"


@dataclass(frozen=True)
class Place:
    """Where passkeys of the hall count: the domain that they are bound to, and the address whose
    pages may ask for them."""

    domain: str
    origin: str

    @property
    def host(self) -> str:
        return urlsplit(self.origin).netloc


class Refused(Exception):
    """An answer that does not count; the message tells its sender why, and what comes next."""


def place() -> Place | None:
    """The place that PUBLIC_URL names; None where browsers allow no passkeys: without TLS, or at an
    IP address.

    A loopback address counts as localhost.
    """
    parts = urlsplit(settings.PUBLIC_URL)
    host = parts.hostname or ""
    try:
        numbered = ipaddress.ip_address(host)
    except ValueError:
        numbered = None
    if numbered is not None and numbered.is_loopback:
        host = "localhost"
    elif numbered is not None:
        return None
    if parts.scheme != "https" and host != "localhost":
        return None
    port = f":{parts.port}" if parts.port else ""
    return Place(host, f"{parts.scheme}://{host}{port}")


def domain(request: HttpRequest) -> str:
    """What passkeys are bound to; "" where there are none."""
    where = place()
    return where.domain if where else ""


class Ceremony(WebAuthnHelper):
    """The library's ways to ask and to check, for the hall's address, and never without a finger, a
    face or a PIN."""

    def get_allowed_origins(self) -> list[str]:
        where = place()
        return [where.origin] if where else []

    def get_discoverable_credentials_preference(self) -> ResidentKeyRequirement:
        """A key that keeps no list of accounts is accepted: the password has named the account."""
        return ResidentKeyRequirement.PREFERRED

    def get_generate_registration_options_kwargs(self, *, user: User) -> dict[str, Any]:
        return {
            **super().get_generate_registration_options_kwargs(user=user),
            "authenticator_selection": AuthenticatorSelectionCriteria(
                user_verification=UserVerificationRequirement.REQUIRED,
                resident_key=self.get_discoverable_credentials_preference(),
            ),
        }

    def _check_discoverable(self, original_data: dict[str, Any]) -> bool | None:
        """Whether the browser says, unsigned, that the key is discoverable; None where its answer
        cannot be read."""
        try:
            discoverable: bool | None = super()._check_discoverable(original_data)
        except TypeError:
            return None
        return discoverable


def of(user: User) -> QuerySet[WebAuthnCredential]:
    """The account's passkeys, the one used last first."""
    confirmed_keys: QuerySet[WebAuthnCredential] = WebAuthnCredential.objects.filter(
        user=user, confirmed=True
    )
    return confirmed_keys.order_by(F("last_used_at").desc(nulls_last=True), "-pk")


def ask_to_add(request: HttpRequest, user: User, *, now: dt.datetime) -> dict[str, Any]:
    """What the browser asks a device for, to make a passkey. Raises Refused."""
    _ensure_possible()
    _ensure_room(user)
    options, state = Ceremony(request).register_begin(user)
    _keep(request, ADDING, state, user, now)
    return options


@transaction.atomic
def add(request: HttpRequest, user: User, *, name: str, answer: str, now: dt.datetime) -> WebAuthnCredential:
    """Adds the passkey that answers ``ask_to_add``, and tells the account. Raises Refused.

    The caller holds the account's row, so that nothing else is added meanwhile.
    """
    data, state = _read(answer), _kept(request, ADDING, user, now)
    _ensure_room(user)
    try:
        with transaction.atomic():
            passkey = Ceremony(request).register_complete(user, state, data)
            passkey.name = name
            passkey.save(update_fields=["name"])
    except IntegrityError as why:
        raise Refused(_("这个通行密钥已经绑定过，不能再次添加。")) from why
    except Exception as why:
        if _is_of_the_database(why):
            raise
        # The libraries that read what a device sends raise errors of their own, too.
        log.warning("a passkey for account %s was refused: %r", user.pk, why)
        raise Refused(_("通行密钥没有通过校验，未添加。请再试一次。")) from why
    _tell(passkey, "added", _("已添加通行密钥"), _("您的账号已添加通行密钥“%(name)s”。"), now)
    return passkey


def ask_to_use(request: HttpRequest, user: User, *, now: dt.datetime) -> dict[str, Any]:
    """What the browser asks one of the account's devices to sign. Raises Refused."""
    _ensure_possible()
    if not of(user).exists():
        raise Refused(_("您的账号没有绑定通行密钥，请使用其他方式。"))
    tries = PasskeyTries.objects.filter(user=user).first()
    if tries:
        _ensure_allowed(tries, now)
    options, state = Ceremony(request).authenticate_begin(user, require_user_verification=True)
    _keep(request, USING, state, user, now)
    return options


def use(request: HttpRequest, user: User, *, answer: str, now: dt.datetime) -> WebAuthnCredential:
    """The account's passkey that has answered ``ask_to_use``. Raises Refused; after each answer
    that does not count, the next must wait longer."""
    data, state = _read(answer), _kept(request, USING, user, now)
    with transaction.atomic():
        # One at a time: the passkey's counter is compared with its last value.
        tries, _made = PasskeyTries.objects.select_for_update().get_or_create(user=user)
        _ensure_allowed(tries, now)
        try:
            with transaction.atomic():
                passkey = Ceremony(request).authenticate_complete(user, state, data)
        except Exception as why:
            if _is_of_the_database(why):
                raise
            tries.throttle_increment()
            log.warning("a passkey of account %s was refused: %r", user.pk, why)
            refused = Refused(_why(why))
        else:
            tries.throttle_reset()
            return passkey
    raise refused


def remove(user: User, pk: int, *, now: dt.datetime) -> None:
    """Removes one of the account's passkeys, and tells the account; sessions that came in by it ask
    again."""
    passkey = of(user).filter(pk=pk).first()
    if passkey is None:
        # Pressed twice.
        return
    _tell(passkey, "removed", _("已删除通行密钥"), _("您的账号已删除通行密钥“%(name)s”。"), now)
    passkey.delete()


def forget_all(user: User) -> None:
    """Removes all passkeys of the account and the count of its wrong answers. The caller tells the
    account."""
    WebAuthnCredential.objects.filter(user=user).delete()
    PasskeyTries.objects.filter(user=user).delete()


def _ensure_possible() -> None:
    if place() is None:
        raise Refused(_("大厅的网址不能使用通行密钥，请使用其他方式。"))


def _ensure_room(user: User) -> None:
    if WebAuthnCredential.objects.filter(user=user).count() >= MOST:
        raise Refused(_("最多可以添加 %(most)s 个通行密钥。请先删除不用的。") % {"most": MOST})


def _ensure_allowed(tries: PasskeyTries, now: dt.datetime) -> None:
    _allowed, why = tries.verify_is_allowed()
    if why:
        wait = max(1, round((why["locked_until"] - now).total_seconds()))
        raise Refused(_("连续没有通过验证，请在 %(wait)s 秒后再试，或使用其他方式。") % {"wait": wait})


def _keep(request: HttpRequest, purpose: str, state: dict[str, Any], user: User, now: dt.datetime) -> None:
    until = now.timestamp() + settings.OTP_WEBAUTHN_TIMEOUT_SECONDS
    request.session[purpose] = {"state": state, "user": user.pk, "until": until}


def _kept(request: HttpRequest, purpose: str, user: User, now: dt.datetime) -> dict[str, Any]:
    """The state of what was asked in this session. It is forgotten at once, so that no answer
    counts twice. Raises Refused."""
    ceremony = request.session.pop(purpose, None)
    if not ceremony or ceremony["user"] != user.pk or ceremony["until"] < now.timestamp():
        raise Refused(_("这次请求已用过，或已超过 5 分钟。请再试一次。"))
    return ceremony["state"]


def _is_of_the_database(problem: Exception) -> bool:
    """Whether the database failed, and not what was sent: a device's counter may exceed the column
    (DataError)."""
    return isinstance(problem, DatabaseError) and not isinstance(problem, DataError)


def _read(answer: str) -> dict[str, Any]:
    try:
        data = json.loads(answer)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise Refused(_("没有收到通行密钥的应答。请启用浏览器的脚本后再试，或使用其他方式。"))
    return data


def _why(problem: Exception) -> str:
    if isinstance(problem, CredentialNotFound):
        return _("大厅没有登记这个通行密钥，可能已被删除。请换一个，或使用其他方式。")
    if isinstance(problem, CredentialUserMismatch):
        return _("这个通行密钥属于另一账号。请使用本账号的通行密钥，或使用其他方式。")
    return _("通行密钥没有通过校验。请再试一次，或使用其他方式。")


def _tell(passkey: WebAuthnCredential, event: str, title: str, text: str, now: dt.datetime) -> None:
    full_text = text % {"name": passkey.name} + _("不是您本人操作的，请立即修改密码并报告。")
    notices.tell(
        passkey.user,
        kind=NOTICE_KIND,
        reference=f"{passkey.pk} {event}",
        title=title,
        text=full_text,
        now=now,
    )
