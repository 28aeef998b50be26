"""The evidence in a seal, by which it can be checked after its certificates have ended."""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import crl
from asn1crypto import x509 as asn1_x509
from django.conf import settings
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import ValidationError

from certificates.authority import (
    Seal,
    SealUnavailable,
    file_stamp,
    qr_seal,
    read_certificates,
    seal_folder,
    seal_for,
    trust_folder,
    wait_for,
)
from certificates.development_authority import renew_development_crl
from certificates.revocation_lists import crl_of
from certificates.time_stamps import time_certificates


@dataclass(frozen=True)
class Evidence:
    """The certificate chains and revocation lists in a seal, by which it can be checked after its
    certificates have ended."""

    certificates: tuple[asn1_x509.Certificate, ...]
    crls: tuple[crl.CertificateList, ...]


# Checked evidence: valid from, valid until (when the first list ends), evidence. The key holds the
# seal and the state of the files.
_evidence: dict[tuple[Any, ...], tuple[datetime, datetime, Evidence]] = {}


def available(city: str, *, now: datetime) -> bool:
    """Whether documents of this city can be sealed now."""
    try:
        seal = seal_for(city)
        seal.check_valid(now)
        qr_seal().check_valid(now)
        evidence(seal, now=now)
    except SealUnavailable:
        return False
    return True


def evidence(seal: Seal, *, now: datetime) -> Evidence:
    """The chains of a seal and of its time stamp, and a revocation list for each certificate below
    the roots.

    The first call checks them against the roots; the result is kept until the first list ends.
    Raises SealUnavailable where a list is missing, has ended, or names one of the certificates.
    """
    renew_development_crl(now)
    folder = seal_folder() / "crls"
    lists = sorted(folder.glob("*.crl")) if folder.is_dir() else []
    cache_key = (
        os.getpid(),
        settings.TSA_URL,
        seal.fingerprint,
        *((path, file_stamp(path)) for path in [*lists, *sorted(trust_folder().glob("*.pem"))]),
        *([file_stamp(seal_folder() / "time.pem")] if not settings.TSA_URL else []),
    )
    checked = _evidence.get(cache_key)
    if checked and checked[0] <= now < checked[1]:
        return checked[2]
    collected, until = _collect(seal, [crl_of(path) for path in lists], now)
    for earlier in list(_evidence):
        if seal.fingerprint in earlier:
            _evidence.pop(earlier, None)
    _evidence[cache_key] = (now, until, collected)
    return collected


def _collect(seal: Seal, lists: list[crl.CertificateList], now: datetime) -> tuple[Evidence, datetime]:
    stamping, *stamping_chain = time_certificates(now)
    chain = {one.sha256: one for one in (seal.certificate, *seal.chain, stamping, *stamping_chain)}
    try:
        context = ValidationContext(
            trust_roots=read_certificates(trust_folder()),
            other_certs=list(chain.values()),
            crls=lists,
            allow_fetching=False,
            revocation_mode="require",
            moment=now,
        )
        for certificate, usage, extended in (
            (seal.certificate, {"digital_signature"}, set()),
            (stamping, set(), {"time_stamping"}),
        ):
            validator = CertificateValidator(certificate, validation_context=context)
            path = wait_for(validator.async_validate_usage(usage, extended))
            chain |= {one.sha256: one for one in path if isinstance(one, asn1_x509.Certificate)}
    except (ValidationError, ValueError) as error:
        raise SealUnavailable(f"revocation: {error}") from error
    used = {one.issuer.hashable for one in chain.values()}
    kept = [one for one in lists if one.issuer.hashable in used]
    ends = [one["tbs_cert_list"]["next_update"].native for one in kept]
    return Evidence(tuple(chain.values()), tuple(kept)), min((end for end in ends if end), default=now)
