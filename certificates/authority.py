"""The keys of the seals in ``SEAL_DIR``: one for each agency, one for time stamps, one for QR
codes.

``<city>.pem``, ``time.pem`` and ``qr.pem`` hold a private key, its certificate and the chain up to
the root. Where a token (PKCS #11) holds the key, the file has only the certificates.
``trust/*.pem`` are the roots that verification trusts, ``crls/*`` the revocation lists that every
seal includes. In service these come from a licensed authority; for development and the demo
``development_authority`` makes them.
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
    """A usable key for a seal is missing, or a part that the seal must include. Nothing is issued
    then. The message is for the log."""


@dataclass(frozen=True)
class Seal:
    """A key with its certificate, ready to sign with."""

    signer: Signer
    certificate: asn1_x509.Certificate
    chain: tuple[asn1_x509.Certificate, ...]
    # SHA-256 of the certificate, in hexadecimal.
    fingerprint: str
    # The development authority made it: it has no legal effect.
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
    """The seal of the city's agency. Raises SealUnavailable where there is none."""
    return load_seal(seal_folder() / f"{city}.pem")


def qr_seal() -> Seal:
    """The key that signs the summaries in QR codes. Raises SealUnavailable where there is none."""
    return load_seal(seal_folder() / "qr.pem")


def earlier_qr_certificates() -> list[asn1_x509.Certificate]:
    """The certificates of former keys for QR codes; their codes on paper stay valid."""
    return read_certificates(seal_folder() / "qr")


def sign_raw(seal: Seal, content: bytes) -> bytes:
    """The seal's raw signature of these bytes, with SHA-256, in DER. Raises SealUnavailable where
    the token refuses."""
    try:
        return wait_for(seal.signer.async_sign_raw(content, "sha256"))
    except tokens.TokenUnavailable as error:
        raise SealUnavailable(str(error)) from error


def trust_folder() -> Path:
    """The folder of the roots that verification trusts."""
    return seal_folder() / "trust"


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine; also works where this thread already runs an event loop (an async
    server or test)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, work).result()


def seal_folder() -> Path:
    """The folder of keys, roots and revocation lists."""
    return Path(settings.SEAL_DIR)


def file_stamp(path: Path) -> FileStamp:
    """Time, size and inode of a file, which differ for a later file of the same name. Raises
    SealUnavailable where there is no file."""
    try:
        state = path.stat()
    except OSError as error:
        raise SealUnavailable(f"{path.name}: {error.strerror}") from error
    return (state.st_mtime_ns, state.st_size, state.st_ino)


def load_seal(path: Path) -> Seal:
    """The seal in a file; parsed once per process, and again when the file has changed. Raises
    SealUnavailable."""
    cache_key = (os.getpid(), path)
    try:
        stamp = file_stamp(path)
    except SealUnavailable:
        loaded_seals.pop(cache_key, None)
        raise
    if cache_key in loaded_seals and loaded_seals[cache_key][0] == stamp:
        return loaded_seals[cache_key][1]
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
    loaded_seals[cache_key] = (stamp, seal)
    return seal


def _signer(
    label: str,
    key: keys.PrivateKeyInfo | None,
    certificate: asn1_x509.Certificate,
    chain: list[asn1_x509.Certificate],
) -> Signer:
    """The signer with the key from the file, or else with the token's key of this label."""
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
    """The certificates in a file; its keys are not read."""
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
