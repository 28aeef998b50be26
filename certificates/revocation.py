"""Fetches revocation lists from the authorities' addresses into ``SEAL_DIR/crls``; the seals
include them."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial

import requests
from asn1crypto import x509
from django.conf import settings
from django.utils.translation import gettext as _

from certificates import authority, revocation_lists, time_stamps
from certificates.authority import SealUnavailable
from portal.watch.failures import Watch

_TIMEOUT = 20
_MOST_BYTES = 20 * 1024 * 1024


def refresh(*, now: datetime) -> tuple[list[str], list[str]]:
    """Fetches each list that the certificates of the seals and of the time stamp name. Returns the
    stored addresses, and the failures with their reasons.

    A list is stored whole, and only where it is valid, newer than the present one and not ended. A
    list or certificate that cannot be read does not stop the others.
    """
    watch = Watch("refresh_revocation_lists", now=now)
    done: list[str] = []
    failed: list[str] = []
    addresses: set[str] = set()
    for name, read in certificates_to_follow(now):
        with watch.item(name):
            addresses.update(addresses_of(read()))
        if name in watch.failed:
            failed.append(name)
    for address in sorted(addresses):
        with watch.item(address):
            try:
                stored = fetch_list(address, now)
            except Exception as error:
                failed.append(f"{address}（{error}）")
                raise
            if stored:
                done.append(address)
    watch.finished()
    return done, failed


def fetch_list(address: str, now: datetime) -> bool:
    # Redirects are not followed: only the address in a certificate that we chose is trusted.
    with requests.get(address, timeout=_TIMEOUT, stream=True, allow_redirects=False) as response:
        if response.status_code != 200:
            raise SealUnavailable(f"HTTP {response.status_code}")
        content = response.raw.read(_MOST_BYTES + 1, decode_content=True)
    if len(content) > _MOST_BYTES:
        raise SealUnavailable("too large")
    name = f"{hashlib.sha256(address.encode()).hexdigest()[:16]}.crl"
    return revocation_lists.keep_crl(name, content, now=now)


def certificates_to_follow(now: datetime) -> Iterator[tuple[str, Callable[[], Iterable[x509.Certificate]]]]:
    """The places of certificates, each with a function that reads them; none where the hall has no
    seal yet."""
    files = sorted(settings.SEAL_DIR.glob("*.pem"))
    for path in files:
        yield path.name, partial(authority.read_certificates_of, path)
    if files:
        yield _("时间戳证书"), partial(time_stamps.time_certificates, now)


def addresses_of(certificates: Iterable[x509.Certificate]) -> Iterator[str]:
    for certificate in certificates:
        for point in certificate.crl_distribution_points:
            if point.url and point.url.startswith(("http://", "https://")):
                yield point.url
