"""Where the keys of the seals come from: one for each agency, one for the time, from files in ``SEAL_DIR``.

``<city>.pem`` and ``time.pem`` hold a private key, its certificate and the chain up to the root; ``trust/*.pem`` the roots that
verification believes. In service these come from a licensed authority. For development and the demo ``make_development_ca``
makes its own, openly marked as such: its seals have no legal effect.
"""

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from asn1crypto import cms, core, keys, pem, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings
from pyhanko.sign.signers import SimpleSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from portal.policy.book import book

DEVELOPMENT = "开发环境"

_ORGANISATION = f"社保网上办事大厅（{DEVELOPMENT}）"
_UNITS = {
    "root": f"根证书（{DEVELOPMENT}，无法律效力）",
    "time": f"时间戳（{DEVELOPMENT}，无法律效力）",
    "seal": f"电子印章（{DEVELOPMENT}，无法律效力）",
}
_ROOT_YEARS, _SEAL_YEARS = 20, 5
# A certificate must already be valid where clocks differ a little.
_SLACK = timedelta(hours=1)


class SealUnavailable(Exception):
    """There is no usable key for this seal: nothing is issued. The message says why, for the log."""


@dataclass(frozen=True)
class Seal:
    """A key with its certificate, ready to sign with."""

    signer: SimpleSigner
    certificate: asn1_x509.Certificate
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


_Loaded = tuple[tuple[int, int, int], Seal]
_seals: dict[Path, _Loaded] = {}


def seal_for(city: str) -> Seal:
    """The seal of the city's agency. SealUnavailable where there is none."""
    return _load(_folder() / f"{city}.pem")


def available(city: str, *, now: datetime) -> bool:
    """Whether documents of this city can be sealed now."""
    try:
        seal_for(city).check_valid(now)
        time_stamper(now)
    except SealUnavailable:
        return False
    return True


def time_stamper(now: datetime) -> TimeStamper:
    """Who states the time in a seal, here ``now``. SealUnavailable where there is no key for it, or none valid now."""
    seal = _load(_folder() / "time.pem")
    seal.check_valid(now)
    return _OwnTimeStamper(seal.signer, now)


def trust_folder() -> Path:
    """Where the roots lie that verification believes."""
    return _folder() / "trust"


def make_development_ca(*, cities: Iterable[tuple[str, str]], now: datetime) -> list[str]:
    """Makes what is missing of the development authority: root, trust, the time's key and a seal for each (slug, agency).

    What is there stays as it is; returns the names of the files made. Each file is written whole, for its owner only.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made: list[str] = []
    with _alone(folder):
        root_file = folder / "root.pem"
        if not root_file.exists():
            root_key = ec.generate_private_key(ec.SECP256R1())
            root = _certificate(
                "社保网上办事大厅",
                root_key.public_key(),
                root_key,
                None,
                years=_ROOT_YEARS,
                now=now,
                kind="root",
            )
            _write(root_file, _pem(root_key, root))
            made.append(root_file.name)
        text = root_file.read_bytes()
        loaded = serialization.load_pem_private_key(text, None)
        if not isinstance(loaded, ec.EllipticCurvePrivateKey):
            raise SealUnavailable("root.pem: not a key of the development authority")
        root_key = loaded
        [root] = x509.load_pem_x509_certificates(text)
        trust = folder / "trust" / "development.pem"
        if not trust.exists():
            trust.parent.mkdir(exist_ok=True, mode=0o700)
            _write(trust, root.public_bytes(serialization.Encoding.PEM))
            made.append("trust/development.pem")
        wanted = [("time", "社保网上办事大厅", "time"), *((slug, agency, "seal") for slug, agency in cities)]
        for slug, name, kind in wanted:
            file = folder / f"{slug}.pem"
            if not file.exists():
                key = ec.generate_private_key(ec.SECP256R1())
                leaf = _certificate(
                    name, key.public_key(), root_key, root, years=_SEAL_YEARS, now=now, kind=kind
                )
                _write(file, _pem(key, leaf, root))
                made.append(file.name)
    return made


def development_cities() -> list[tuple[str, str]]:
    """The cities' slugs with the names of their agencies, as on the seals."""
    return [(city.slug, city.agency) for city in book().cities]


class _OwnTimeStamper(TimeStamper):
    """Answers time-stamp requests (RFC 3161) in this process, with a key of its own."""

    # Ours to name: the policy under which this time is stated. 2.25 is the arc of numbers made from UUIDs.
    _POLICY = "2.25.291366018229716498211463302861174402911"

    def __init__(self, signer: SimpleSigner, now: datetime) -> None:
        super().__init__()
        self._signer, self._now = signer, now

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        statement = {
            "version": "v1",
            "policy": self._POLICY,
            "message_imprint": req["message_imprint"],
            "serial_number": secrets.randbits(127),
            "gen_time": core.GeneralizedTime(self._now),
        }
        if req["nonce"].native is not None:
            statement["nonce"] = req["nonce"]
        content = cms.EncapsulatedContentInfo(
            {"content_type": "tst_info", "content": core.ParsableOctetString(tsp.TSTInfo(statement).dump())}
        )
        token = await self._signer.async_sign_general_data(content, "sha256", detached=False)
        return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})


def _folder() -> Path:
    return Path(settings.SEAL_DIR)


def _load(path: Path) -> Seal:
    """The seal in a file; parsed once per process, and again when the file is another."""
    try:
        state = path.stat()
    except OSError as error:
        _seals.pop(path, None)
        raise SealUnavailable(f"{path.name}: {error.strerror}") from error
    stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
    known = _seals.get(path)
    if known and known[0] == stamp:
        return known[1]
    try:
        key, [certificate, *chain] = _read(path)
    except (OSError, ValueError) as error:
        raise SealUnavailable(f"{path.name}: {error}") from error
    if key is None:
        raise SealUnavailable(f"{path.name}: no private key")
    registry = SimpleCertificateStore()
    registry.register_multiple(chain)
    signer = SimpleSigner(signing_cert=certificate, signing_key=key, cert_registry=registry)
    development = DEVELOPMENT in (certificate.issuer.native.get("organization_name") or "")
    seal = Seal(
        signer=signer, certificate=certificate, fingerprint=certificate.sha256.hex(), development=development
    )
    _seals[path] = (stamp, seal)
    return seal


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


def _certificate(
    name: str,
    public_key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    *,
    years: int,
    now: datetime,
    kind: str,
) -> x509.Certificate:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, _UNITS[kind]),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    until = now + timedelta(days=365 * years)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(min(until, issuer.not_valid_after_utc) if issuer else until)
        .add_extension(
            x509.BasicConstraints(ca=kind == "root", path_length=0 if kind == "root" else None), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
        .add_extension(_key_usage(kind), critical=True)
    )
    if kind == "time":
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _key_usage(kind: str) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=kind != "root",
        content_commitment=kind == "seal",
        key_cert_sign=kind == "root",
        crl_sign=kind == "root",
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey, *certificates: x509.Certificate) -> bytes:
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret + b"".join(
        certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates
    )


def _write(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Web and worker may start at once: only one makes keys at a time."""
    handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
