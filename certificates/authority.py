"""Where the keys of the seals come from: one for each agency, one for the time, one for QR codes, from ``SEAL_DIR``.

``<city>.pem``, ``time.pem`` and ``qr.pem`` hold a private key, its certificate and the chain up to the root; where a token
(PKCS #11) holds the key, the file has the certificates alone. ``trust/*.pem`` are the roots that verification believes,
``crls/*`` the revocation lists that every seal carries with it. In service these come from a licensed authority. For
development and the demo ``make_development_ca`` makes its own, openly marked as such: its seals have no legal effect.
"""

import asyncio
import json
import os
import secrets
import time
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from asn1crypto import cms, core, crl, keys, pem, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings
from pyhanko.sign.signers import Signer, SimpleSigner
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.sign.timestamps.requests_client import RequestsHTTPTimeStamper
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import ValidationError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certificates import tokens
from portal.policy.book import book
from portal.shared.files import alone_in, write_whole

T = TypeVar("T")

DEVELOPMENT = "开发环境"

_ORGANISATION = f"社保网上办事大厅（{DEVELOPMENT}）"
_UNITS = {
    "root": f"根证书（{DEVELOPMENT}，无法律效力）",
    "time": f"时间戳（{DEVELOPMENT}，无法律效力）",
    "seal": f"电子印章（{DEVELOPMENT}，无法律效力）",
    "qr": f"二维码摘要（{DEVELOPMENT}，无法律效力）",
}
_ROOT_YEARS, _SEAL_YEARS = 20, 5
# How long a revocation list of the development authority is good for.
_CRL_DAYS = 7
# Seconds to wait for a time stamp from elsewhere.
_TIME_STAMP_TIMEOUT = 10
# A certificate must already be valid where clocks differ a little.
_SLACK = timedelta(hours=1)


class SealUnavailable(Exception):
    """There is no usable key for a seal, or not all that it must carry: nothing is issued. The message is for the log."""


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


@dataclass(frozen=True)
class Evidence:
    """What a seal carries with it, so that it can be judged when its certificates have ended: chains and revocation lists."""

    certificates: tuple[asn1_x509.Certificate, ...]
    crls: tuple[crl.CertificateList, ...]


_Stamp = tuple[int, int, int]
_Loaded = tuple[_Stamp, Seal]
_seals: dict[tuple[int, Path], _Loaded] = {}
_time_stampers: dict[tuple[int, str], TimeStamper] = {}
# Checked once, and good until the first list must be replaced: by the certificates it is of, and the state of the folder.
_evidence: dict[tuple[Any, ...], tuple[datetime, datetime, Evidence]] = {}


def seal_for(city: str) -> Seal:
    """The seal of the city's agency. SealUnavailable where there is none."""
    return _load(_folder() / f"{city}.pem")


def qr_seal() -> Seal:
    """The key that signs what a QR code says. SealUnavailable where there is none."""
    return _load(_folder() / "qr.pem")


def earlier_qr_certificates() -> list[asn1_x509.Certificate]:
    """Of keys that signed QR codes before the present one: their codes on paper are still believed."""
    return read_certificates(_folder() / "qr")


def sign_raw(seal: Seal, content: bytes) -> bytes:
    """The seal's bare signature of these bytes, with SHA-256, in DER. SealUnavailable where the token refuses."""
    try:
        return wait_for(seal.signer.async_sign_raw(content, "sha256"))
    except tokens.TokenUnavailable as error:
        raise SealUnavailable(str(error)) from error


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


def time_stamper(now: datetime) -> TimeStamper:
    """Who states the time in a seal: the service at ``TSA_URL``, or our own key (``time.pem``), which states ``now``.

    SealUnavailable where there is neither a service nor a key valid now.
    """
    address = settings.TSA_URL
    if not address:
        seal = _load(_folder() / "time.pem")
        seal.check_valid(now)
        return _OwnTimeStamper(seal.signer, now)
    # Kept, for it remembers what the service's token looks like.
    known = (os.getpid(), address)
    if known not in _time_stampers:
        _time_stampers[known] = RequestsHTTPTimeStamper(address, timeout=_TIME_STAMP_TIMEOUT)
    return _time_stampers[known]


def evidence(seal: Seal, *, now: datetime) -> Evidence:
    """The chains of a seal and of its time stamp, and a revocation list for each certificate below the roots.

    Checked against the roots when first asked for, then kept until the first of the lists ends. SealUnavailable where a list is
    missing, has ended, or names one of the certificates.
    """
    _renew_development_crl(now)
    folder = _folder() / "crls"
    lists = sorted(folder.glob("*.crl")) if folder.is_dir() else []
    known = (
        os.getpid(),
        settings.TSA_URL,
        seal.fingerprint,
        *((path, _stamp(path)) for path in [*lists, *sorted(trust_folder().glob("*.pem"))]),
        *([_stamp(_folder() / "time.pem")] if not settings.TSA_URL else []),
    )
    checked = _evidence.get(known)
    if checked and checked[0] <= now < checked[1]:
        return checked[2]
    found, until = _collect(seal, [crl_of(path) for path in lists], now)
    for earlier in list(_evidence):
        if seal.fingerprint in earlier:
            _evidence.pop(earlier, None)
    _evidence[known] = (now, until, found)
    return found


def keep_crl(name: str, content: bytes, *, now: datetime) -> bool:
    """Puts a revocation list in place under this name, where it is newer than the one there; False where it is not.

    SealUnavailable where it is no list, or has ended.
    """
    new = _crl(name, content)["tbs_cert_list"]
    ends = new["next_update"].native
    if ends is not None and ends <= now:
        raise SealUnavailable(f"{name}: ended on {ends}")
    folder = _folder() / "crls"
    path = folder / name
    if path.exists() and not _newer(new, path):
        return False
    folder.mkdir(exist_ok=True, mode=0o700)
    write_whole(path, content)
    return True


def _newer(new: Any, path: Path) -> bool:
    """Whether a list's body is newer than the list in a file; whatever is no list is older."""
    try:
        standing = crl_of(path)["tbs_cert_list"]["this_update"].native
    except SealUnavailable:
        return True
    return bool(new["this_update"].native > standing)


def crl_of(path: Path) -> crl.CertificateList:
    """The revocation list in a file, DER or PEM. SealUnavailable where it is none."""
    try:
        return _crl(path.name, path.read_bytes())
    except OSError as error:
        raise SealUnavailable(f"{path.name}: {error.strerror}") from error


def _crl(name: str, content: bytes) -> crl.CertificateList:
    try:
        if pem.detect(content):
            _name, _headers, content = pem.unarmor(content)
        loaded = crl.CertificateList.load(content)
        _ = loaded["tbs_cert_list"]["this_update"].native
    except ValueError as error:
        raise SealUnavailable(f"{name}: {error}") from error
    return loaded


def time_certificates(now: datetime) -> list[asn1_x509.Certificate]:
    """The certificate of the time stamp, first, and what comes with it. SealUnavailable where no time is stated."""
    try:
        token = wait_for(time_stamper(now).async_dummy_response("sha256"))
    except (TimestampRequestError, OSError) as error:
        raise SealUnavailable(f"time stamp: {error}") from error
    signed = token["content"]
    sent = [one.chosen for one in signed["certificates"]]
    named = signed["signer_infos"][0]["sid"].chosen["serial_number"].native
    return sorted(sent, key=lambda one: one.serial_number != named)


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
    with alone_in(folder):
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
            write_whole(root_file, _pem(root_key, root))
            made.append(root_file.name)
        root_key, root = _development_root()
        trust = folder / "trust" / "development.pem"
        if not trust.exists():
            trust.parent.mkdir(exist_ok=True, mode=0o700)
            write_whole(trust, root.public_bytes(serialization.Encoding.PEM))
            made.append("trust/development.pem")
        wanted = [
            ("time", "社保网上办事大厅", "time"),
            ("qr", "社保网上办事大厅", "qr"),
            *((slug, agency, "seal") for slug, agency in cities),
        ]
        for slug, name, kind in wanted:
            file = folder / f"{slug}.pem"
            if not file.exists():
                write_whole(file, _new_leaf(name, root_key, root, kind=kind, now=now))
                made.append(file.name)
        if _make_development_crl(now):
            made.append(_DEVELOPMENT_CRL)
    return made


def replace_development_seal(slug: str, agency: str, *, stolen: bool = False, now: datetime) -> None:
    """Puts a new key in the place of a city's seal; where the old one was ``stolen``, the revocation list names it from now on.

    What the old key sealed before stays as it is. SealUnavailable where there is no development authority.
    """
    folder = _folder()
    with alone_in(folder):
        root_key, root = _development_root()
        old = _load(folder / f"{slug}.pem").certificate
        write_whole(folder / f"{slug}.pem", _new_leaf(agency, root_key, root, kind="seal", now=now))
        if stolen:
            revoked = [*_development_revoked(), {"serial": str(old.serial_number), "at": now.isoformat()}]
            write_whole(folder / "revoked.json", json.dumps(revoked).encode())
            _make_development_crl(now, anew=True)


def development_cities() -> list[tuple[str, str]]:
    """The cities' slugs with the names of their agencies, as on the seals."""
    return [(city.slug, city.agency) for city in book().cities]


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """What comes of it, also where this thread runs a loop already (a server or a test of that kind)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, work).result()


class _OwnTimeStamper(TimeStamper):
    """Answers time-stamp requests (RFC 3161) in this process, with a key of its own."""

    # Ours to name: the policy under which this time is stated. 2.25 is the arc of numbers made from UUIDs.
    _POLICY = "2.25.291366018229716498211463302861174402911"

    def __init__(self, signer: Signer, now: datetime) -> None:
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


def _stamp(path: Path) -> _Stamp:
    try:
        state = path.stat()
    except OSError as error:
        raise SealUnavailable(f"{path.name}: {error.strerror}") from error
    return (state.st_mtime_ns, state.st_size, state.st_ino)


def _load(path: Path) -> Seal:
    """The seal in a file; parsed once per process, and again when the file is another."""
    known = (os.getpid(), path)
    try:
        stamp = _stamp(path)
    except SealUnavailable:
        _seals.pop(known, None)
        raise
    if known in _seals and _seals[known][0] == stamp:
        return _seals[known][1]
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
    _seals[known] = (stamp, seal)
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


_DEVELOPMENT_CRL = "crls/development.crl"


def _development_root() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    try:
        text = (_folder() / "root.pem").read_bytes()
        key = serialization.load_pem_private_key(text, None)
        [root] = x509.load_pem_x509_certificates(text)
    except (OSError, ValueError) as error:
        raise SealUnavailable(f"root.pem: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SealUnavailable("root.pem: not a key of the development authority")
    return key, root


def _development_revoked() -> list[dict[str, str]]:
    file = _folder() / "revoked.json"
    revoked: list[dict[str, str]] = json.loads(file.read_bytes()) if file.exists() else []
    return revoked


def _renew_development_crl(now: datetime) -> None:
    """The development authority has nobody who would publish its list: whoever needs one makes it."""
    if (_folder() / "root.pem").exists() and not _development_crl_good(now):
        with alone_in(_folder()):
            _make_development_crl(now)


def _development_crl_good(now: datetime) -> bool:
    path = _folder() / _DEVELOPMENT_CRL
    if not path.exists():
        return False
    stated = _crl_times(path, _stamp(path))
    return stated[0] <= now < stated[1] - timedelta(days=1)


@lru_cache(maxsize=8)
def _crl_times(path: Path, _stamp: _Stamp) -> tuple[datetime, datetime]:
    stated = crl_of(path)["tbs_cert_list"]
    return stated["this_update"].native, stated["next_update"].native


def _make_development_crl(now: datetime, *, anew: bool = False) -> bool:
    """Writes the development authority's revocation list, where there is none good now or it is wanted ``anew``."""
    if not anew and _development_crl_good(now):
        return False
    root_key, root = _development_root()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now - _SLACK)
        .next_update(now + timedelta(days=_CRL_DAYS))
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        # They only grow, also where two are made in one second.
        .add_extension(x509.CRLNumber(time.time_ns()), critical=False)
    )
    for revoked in _development_revoked():
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(int(revoked["serial"]))
            .revocation_date(datetime.fromisoformat(revoked["at"]))
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
        )
        builder = builder.add_revoked_certificate(entry.build())
    path = _folder() / _DEVELOPMENT_CRL
    path.parent.mkdir(exist_ok=True, mode=0o700)
    write_whole(path, builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    return True


def _new_leaf(
    name: str, root_key: ec.EllipticCurvePrivateKey, root: x509.Certificate, *, kind: str, now: datetime
) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _certificate(name, key.public_key(), root_key, root, years=_SEAL_YEARS, now=now, kind=kind)
    return _pem(key, leaf, root)


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
