"""RSA signatures (PKCS #1 v1.5 with SHA-256), as the bank-card channel uses them, and how old a
signature may be."""

import base64
import binascii
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

# How far the clocks of both sides may differ, delivery included.
FRESH_SECONDS = 300


def private_key(pem: str) -> RSAPrivateKey:
    """Raises ValueError where the text is no private RSA key."""
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("an RSA key is expected")
    return key


def public_key(pem: str) -> RSAPublicKey:
    """Raises ValueError where the text is no public RSA key."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError("an RSA key is expected")
    return key


def sign(key: RSAPrivateKey, message: str) -> str:
    return base64.b64encode(key.sign(message.encode(), PKCS1v15(), SHA256())).decode()


def verifies(key: RSAPublicKey, message: str, signature: str) -> bool:
    if not is_exact(signature):
        return False
    try:
        key.verify(base64.b64decode(signature), message.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def is_exact(signature: str) -> bool:
    """Whether a signature is written in the one way that Base64 has for it: readers also take what
    trails, or differs unseen."""
    try:
        return base64.b64encode(base64.b64decode(signature, validate=True)).decode() == signature
    except (binascii.Error, ValueError):
        return False


def is_fresh(seconds: str, *, within: int = FRESH_SECONDS) -> bool:
    """Whether a time in seconds since 1970 lies near this machine's own clock.

    That clock and no other: a signature's age concerns the two machines, not what the hall takes
    for its working day.
    """
    return (
        seconds.isascii()
        and seconds.isdigit()
        and len(seconds) < 12
        and abs(time.time() - int(seconds)) <= within
    )
