"""Keys that never leave their token (PKCS #11): a hardware module, a card, or software with the
same interface.

``SEAL_PKCS11_MODULE`` names the library of the token, ``SEAL_PKCS11_TOKEN`` its label,
``SEAL_PKCS11_PIN`` its number. The key of a seal is found by its label, which is the name of the
certificate's file without ``.pem``.
"""

import os
import threading
from typing import Any

from asn1crypto import x509
from django.conf import settings
from pkcs11.exceptions import PKCS11Error
from pyhanko.config.pkcs11 import TokenCriteria
from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session

# A session can run only one operation at a time.
_one_at_a_time = threading.Lock()
_sessions: dict[tuple[int, str, str], Any] = {}


class TokenUnavailable(Exception):
    """There is no token, it refuses, or it does not hold the key; the message says which."""


class _TokenSigner(PKCS11Signer):
    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        try:
            with _one_at_a_time:
                return await super().async_sign_raw(data, digest_algorithm, dry_run)
        except PKCS11Error as error:
            # The next attempt opens a new session, for example after the token was unplugged.
            _sessions.clear()
            raise TokenUnavailable(f"the token refuses to sign: {error!r}") from error


def signer(label: str, certificate: x509.Certificate, chain: list[x509.Certificate]) -> PKCS11Signer:
    """The signer with the token's key of this label. Raises TokenUnavailable where no token is set
    up, or it cannot be opened."""
    if not settings.SEAL_PKCS11_MODULE:
        raise TokenUnavailable("no private key, and no token is set up")
    return _TokenSigner(
        _session(),
        signing_cert=certificate,
        ca_chain=chain,
        key_label=label,
        # The hash is computed here and signed in the token: every token supports that.
        use_raw_mechanism=certificate.public_key.algorithm == "ec",
    )


def _session() -> Any:
    # A forked process cannot use its parent's session.
    session_key = (os.getpid(), settings.SEAL_PKCS11_MODULE, settings.SEAL_PKCS11_TOKEN)
    with _one_at_a_time:
        if session_key not in _sessions:
            try:
                _sessions[session_key] = open_pkcs11_session(
                    settings.SEAL_PKCS11_MODULE,
                    token_criteria=TokenCriteria(label=settings.SEAL_PKCS11_TOKEN),
                    user_pin=settings.SEAL_PKCS11_PIN,
                )
            except (PKCS11Error, RuntimeError, OSError, LookupError) as error:
                raise TokenUnavailable(f"the token cannot be opened: {error!r}") from error
        return _sessions[session_key]
