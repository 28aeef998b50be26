"""A form that was sent after its session had ended: kept for the browser that sent it, until the
same person is back.

It is encrypted under a key that takes the browser's cookie besides the hall's secret, so that
neither the database nor the cookie alone reads it. A browser has one at a time; it is good for half
an hour, and once. Nothing is done with it until whoever filled it in has come in again and says so.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from portal.accounts import browsers
from portal.accounts.browsers import Browser
from portal.accounts.models import KeptForm, User

GOOD_FOR = timedelta(minutes=30)
MOST_BYTES = 64 * 1024
# Fields that are never kept: a form with one of them must be typed again.
SECRET = frozenset(
    {"password", "password_again", "current", "code", "captcha_0", "captcha_1", "captcha_words"}
)
_LEFT_OUT = "csrfmiddlewaretoken"


@dataclass(frozen=True)
class Form:
    """Where it was sent, and what was typed; ``files`` says that files were chosen, which are not
    kept."""

    path: str
    fields: list[tuple[str, str]]
    files: bool
    account: str


def keep(request: HttpRequest, *, now: datetime) -> bool:
    """Keeps a form that was sent without a session; whether it could.

    Only where this browser's last login did not leave by itself, the form asks for no secret and is
    not too long.
    """
    browser = browsers.of(request)
    if not browser.last or SECRET & set(request.POST):
        return False
    fields = [(name, value) for name, values in request.POST.lists() if name != _LEFT_OUT for value in values]
    content = json.dumps([request.get_full_path(), fields, bool(request.FILES)]).encode()
    if len(content) > MOST_BYTES:
        return False
    KeptForm.objects.update_or_create(
        browser=browser.digest,
        defaults={
            "account": browser.last,
            "content": _cipher(browser).encrypt(content).decode(),
            "kept_at": now,
        },
    )
    return True


def waiting(request: HttpRequest, *, now: datetime) -> Form | None:
    """The form that waits for this browser, whichever account logs in."""
    browser = browsers.of(request)
    row = KeptForm.objects.filter(browser=browser.digest, kept_at__gt=now - GOOD_FOR).first()
    if row is None:
        return None
    try:
        path, fields, files = json.loads(_cipher(browser).decrypt(row.content.encode()))
    except InvalidToken:
        return None
    return Form(path, [(str(name), str(value)) for name, value in fields], bool(files), row.account)


def is_of(form: Form, user: User) -> bool:
    """Whether it was this account that filled the form in."""
    return form.account == browsers.mark(user.username)


def forget(request: HttpRequest) -> None:
    KeptForm.objects.filter(browser=browsers.of(request).digest).delete()


def forget_old(*, now: datetime) -> None:
    KeptForm.objects.filter(kept_at__lte=now - GOOD_FOR).delete()


def _cipher(browser: Browser) -> Fernet:
    key = salted_hmac("portal.accounts.kept_forms", browser.name, algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(key))
