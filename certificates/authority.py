"""The keys of the seals: one for each agency, one for the time, one for QR codes, from
``SEAL_DIR``.

``<city>.pem``, ``time.pem`` and ``qr.pem`` hold a private key, its certificate and the chain up to
the root; where a token (PKCS #11) holds the key, the file has the certificates alone.
``trust/*.pem`` are the roots that verification believes, ``crls/*`` the revocation lists that every
seal carries with it. In service these come from a licensed authority; for development and the demo
``development_authority`` makes its own.
"""

import asyncio
import os
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from asn1crypto import keys, pem
from asn1crypto import x509 as asn1_x509
from django.conf import settings
from pyhanko.sign.signers import Signer, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certificates import tokens

T = TypeVar("T")

DEVELOPMENT = "开发环境"


class SealUnavailable(Exception):
    """There is no usable key for a seal, or not all that it must carry: nothing is issued. The
    message is for the log."""


@dataclass(frozen=True)
class Seal:
    """A key with its certificate, ready to sign with."""

    signer: Signer
    certificate: asn1_x509.Certificate
    chain: tuple[asn1_x509.Certificate, ...]
    # SHA-256 of the certificate, in hexadecimal.
    fingerprint: str
    # Made by make_development_ca: without legal effect.
    development: bool

    def check_valid(self, now: datetime) -> None:
        """Raises SealUnavailable outside the certificate's validity."""
        validity = self.certificate["tbs_certificate"]["validity"]
        if not validity["not_before"].native <= now <= validity["not_after"].native:
            raise SealUnavailable(
                f"the certificate {self.certificate.subject.human_friendly} is not valid at {now}"
            )


FileStamp = tuple[int, int, int]
_Loaded = tuple[FileStamp, Seal]
loaded_seals: dict[tuple[int, Path], _Loaded] = {}


def seal_for(city: str) -> Seal:
    """The seal of the city's agency. SealUnavailable where there is none."""
    return load_seal(seal_folder() / f"{city}.pem")


def qr_seal() -> Seal:
    """The key that signs what a QR code says. SealUnavailable where there is none."""
    return load_seal(seal_folder() / "qr.pem")


def earlier_qr_certificates() -> list[asn1_x509.Certificate]:
    """Of keys that signed QR codes before the present one: their codes on paper are still
    believed."""
    return read_certificates(seal_folder() / "qr")


def sign_raw(seal: Seal, content: bytes) -> bytes:
    """The seal's bare signature of these bytes, with SHA-256, in DER. SealUnavailable where the
    token refuses."""
    try:
        return wait_for(seal.signer.async_sign_raw(content, "sha256"))
    except tokens.TokenUnavailable as error:
        raise SealUnavailable(str(error)) from error


def trust_folder() -> Path:
    """Where the roots lie that verification believes."""
    return seal_folder() / "trust"


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """What comes of it, also where this thread runs a loop already (a server or a test of that
    kind)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, work).result()


def seal_folder() -> Path:
    """Where keys, roots and revocation lists lie."""
    return Path(settings.SEAL_DIR)


def file_stamp(path: Path) -> FileStamp:
    """What tells a file from a later one of its name. SealUnavailable where there is none."""
    try:
        state = path.stat()
    except OSError as error:
        raise SealUnavailable(f"{path.name}: {error.strerror}") from error
    return (state.st_mtime_ns, state.st_size, state.st_ino)


def load_seal(path: Path) -> Seal:
    """The seal in a file; parsed once per process, and again when the file is another."""
    known = (os.getpid(), path)
    try:
        stamp = file_stamp(path)
    except SealUnavailable:
        loaded_seals.pop(known, None)
        raise
    if known in loaded_seals and loaded_seals[known][0] == stamp:
        return loaded_seals[known][1]
    try:
        key, [certificate, *chain] = _read(path)
        signer = _signer(path.stem, key, certificate, chain)
    except (OSError, ValueError, tokens.TokenUnavailable) as error:
        raise SealUnavailable(f"{path.name}: {error}") from error
    development = DEVELOPMENT in (certificate.issuer.native.get("organization_name") or "")
    seal = Seal(
        signer=signer,
        certificate=certificate,
        chain=tuple(chain),
        fingerprint=certificate.sha256.hex(),
        development=development,
    )
    loaded_seals[known] = (stamp, seal)
    return seal


def _signer(
    label: str,
    key: keys.PrivateKeyInfo | None,
    certificate: asn1_x509.Certificate,
    chain: list[asn1_x509.Certificate],
) -> Signer:
    """Who signs: the key from the file, or else the key of this label in the token."""
    if key is None:
        return tokens.signer(label, certificate, chain)
    registry = SimpleCertificateStore()
    registry.register_multiple(chain)
    return SimpleSigner(signing_cert=certificate, signing_key=key, cert_registry=registry)


def read_certificates(folder: Path) -> list[asn1_x509.Certificate]:
    """The certificates in the .pem files of a folder."""
    return [
        certificate for path in sorted(folder.glob("*.pem")) for certificate in read_certificates_of(path)
    ]


def read_certificates_of(path: Path) -> list[asn1_x509.Certificate]:
    """The certificates in a file; the keys that stand beside them are not read."""
    return [
        asn1_x509.Certificate.load(content)
        for name, _headers, content in pem.unarmor(path.read_bytes(), multiple=True)
        if name == "CERTIFICATE"
    ]


def _read(path: Path) -> tuple[keys.PrivateKeyInfo | None, list[asn1_x509.Certificate]]:
    key, certificates = None, []
    for name, _headers, content in pem.unarmor(path.read_bytes(), multiple=True):
        if name == "CERTIFICATE":
            certificates.append(asn1_x509.Certificate.load(content))
        elif name == "PRIVATE KEY":
            key = keys.PrivateKeyInfo.load(content)
    if not certificates:
        raise ValueError("no certificate")
    return key, certificates
