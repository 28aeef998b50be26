"""What a payer told for a payment that starts later (card, name, numbers): kept so that the
database alone does not tell it.

Encrypted under a key that follows from SECRET_KEY; former ones (SECRET_KEY_FALLBACKS) still open
what they sealed.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NAME = "sealed"


class Unreadable(Exception):
    """It was sealed under a key that is no longer there."""


def sealed(payer: Mapping[str, str]) -> dict[str, str]:
    """What is kept of it; nothing of nothing."""
    return {_NAME: _box().encrypt(json.dumps(dict(payer)).encode()).decode()} if payer else {}


def opened(kept: Mapping[str, str]) -> dict[str, str]:
    """What the payer told. What was kept before it was sealed is read as it stands. Raises
    Unreadable."""
    if _NAME not in kept:
        return dict(kept)
    try:
        told: dict[str, str] = json.loads(_box().decrypt(kept[_NAME].encode()))
    except InvalidToken as error:
        raise Unreadable from error
    return told


def _box() -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(urlsafe_b64encode(_derived(secret))) for secret in secrets])


def _derived(secret: str | bytes) -> bytes:
    material = secret.encode() if isinstance(secret, str) else secret
    return HKDF(SHA256(), length=32, salt=None, info=b"payment payer").derive(material)
