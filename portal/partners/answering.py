"""The hall's signature on its own answers: the partner can prove to a third party what the answer
was.

It covers status, body and the request's method, address and signature. The key comes from
``settings.API_KEY_FILE``; without it answers go out unsigned.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver

from portal.partners import keys
from portal.partners.signing import LABEL, Message

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnKey:
    key_id: str
    secret: keys.PrivateKey


def own_key() -> OwnKey | None:
    """The hall's key, read anew when its file changes; None where there is none that can be
    read."""
    path = Path(settings.API_KEY_FILE)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except (OSError, keys.InvalidKey) as problem:
        log.error("answers are not signed: %s", problem)
        return None


@lru_cache(maxsize=2)
def _read(path: Path, _changed: int) -> OwnKey:
    secret = keys.private(path.read_bytes())
    return OwnKey(f"hall-{keys.fingerprint(secret.public_key())[:16]}", secret)


def published(key: OwnKey) -> dict[str, str]:
    """The public half of the key, for those who verify answers."""
    public = key.secret.public_key()
    return {
        "key_id": key.key_id,
        "algorithm": keys.algorithm(public).algorithm_id,
        "public_key": keys.pem_of(public),
    }


@dataclass
class _Answer:
    """An answer as the library signs it."""

    status_code: int
    headers: Any
    request: Message


def sign(response: HttpResponse, asked: Message) -> None:
    """Add digest and signature to an answer's headers, where the hall has a key."""
    key = own_key()
    if key is None:
        return
    covered = ["@status", "content-type", "content-digest", '"@method";req', '"@target-uri";req']
    # A request without a signature has none to cover.
    if "Signature" in {name.title() for name in asked.headers}:
        covered.append('"signature";req')
    HTTPMessageSigner(
        signature_algorithm=keys.algorithm(key.secret),
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key.key_id: key.secret}),
    ).sign(
        _Answer(response.status_code, response.headers, asked),
        key_id=key.key_id,
        label=LABEL,
        include_alg=False,
        covered_component_ids=covered,
        body=response.content,
        use_existing_digest="Content-Digest" in response.headers,
    )
