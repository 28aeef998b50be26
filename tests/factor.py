"""How the tests give a second factor: a real authenticator, and the code that it shows."""

from typing import Any

from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from portal.accounts import factors
from portal.accounts.models import Kind, User

_enter = Client.force_login


def authenticator(user: User) -> TOTPDevice:
    """The confirmed authenticator of a member of staff, enrolled when first asked for."""
    device, _made = TOTPDevice.objects.get_or_create(user=user, confirmed=True, defaults={"name": "tests"})
    return device


def code_for(user: User) -> str:
    """The code that the authenticator shows; as if the last one was used a while ago, so that no
    test waits half a minute."""
    device = authenticator(user)
    TOTPDevice.objects.filter(pk=device.pk).update(last_t=-1)
    device.refresh_from_db()
    return factors.code_of(device)


def force_login(client: Client, user: Any, backend: str | None = None) -> None:
    """Like Django's: staff come in with both factors, as the doors let them in."""
    _enter(client, user, backend)
    if getattr(user, "kind", None) == Kind.STAFF:
        session = client.session
        session[DEVICE_ID_SESSION_KEY] = authenticator(user).persistent_id
        session[factors.GIVEN_AT] = timezone.now().timestamp()
        session.save()


def by_password_alone(client: Client, user: User) -> None:
    """A session that has given the password and nothing else."""
    _enter(client, user)
