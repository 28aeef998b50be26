"""A certificate authority for development and the demo, marked as such in every certificate.

Its seals have no legal effect. In ``SEAL_DIR`` it makes its root, the keys for time stamps, QR
codes and agencies, and its own revocation list.
"""

import json
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certificates.authority import DEVELOPMENT, FileStamp, SealUnavailable, file_stamp, load_seal, seal_folder
from certificates.revocation_lists import crl_of
from portal.policy.book import book
from portal.shared.files import alone_in, write_whole

_ORGANISATION = f"社保网上办事大厅（{DEVELOPMENT}）"
_UNITS = {
    "root": f"根证书（{DEVELOPMENT}，无法律效力）",
    "time": f"时间戳（{DEVELOPMENT}，无法律效力）",
    "seal": f"电子印章（{DEVELOPMENT}，无法律效力）",
    "qr": f"二维码摘要（{DEVELOPMENT}，无法律效力）",
}
_ROOT_YEARS, _SEAL_YEARS = 20, 5
# The validity of a revocation list of the development authority, in days.
_CRL_DAYS = 7
# Certificates begin a little earlier, so that they are valid where clocks differ.
_SLACK = timedelta(hours=1)


def make_development_ca(*, cities: Iterable[tuple[str, str]], now: datetime) -> list[str]:
    """Makes the missing files of the development authority: root, trust, the keys for time stamps
    and QR codes, a seal for each (slug, agency), and the revocation list.

    Existing files stay. Returns the names of the new files. Each file is written whole, readable
    only by its owner.
    """
    folder = seal_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made_files: list[str] = []
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
            made_files.append(root_file.name)
        root_key, root = _development_root()
        trust = folder / "trust" / "development.pem"
        if not trust.exists():
            trust.parent.mkdir(exist_ok=True, mode=0o700)
            write_whole(trust, root.public_bytes(serialization.Encoding.PEM))
            made_files.append("trust/development.pem")
        leaves = [
            ("time", "社保网上办事大厅", "time"),
            ("qr", "社保网上办事大厅", "qr"),
            *((slug, agency, "seal") for slug, agency in cities),
        ]
        for slug, name, kind in leaves:
            file = folder / f"{slug}.pem"
            if not file.exists():
                write_whole(file, _new_leaf(name, root_key, root, kind=kind, now=now))
                made_files.append(file.name)
        if make_development_crl(now):
            made_files.append(_DEVELOPMENT_CRL)
    return made_files


def replace_development_seal(slug: str, agency: str, *, stolen: bool = False, now: datetime) -> None:
    """Replaces the key of a city's seal; where the old key was ``stolen``, the revocation list
    names it from now on.

    Documents under the old key stay. Raises SealUnavailable where there is no development
    authority.
    """
    folder = seal_folder()
    with alone_in(folder):
        root_key, root = _development_root()
        old_certificate = load_seal(folder / f"{slug}.pem").certificate
        write_whole(folder / f"{slug}.pem", _new_leaf(agency, root_key, root, kind="seal", now=now))
        if stolen:
            revoked = [
                *_development_revoked(),
                {"serial": str(old_certificate.serial_number), "at": now.isoformat()},
            ]
            write_whole(folder / "revoked.json", json.dumps(revoked).encode())
            make_development_crl(now, anew=True)


def development_cities() -> list[tuple[str, str]]:
    """The cities' slugs with the names of their agencies, as on the seals."""
    return [(city.slug, city.agency) for city in book().cities]


_DEVELOPMENT_CRL = "crls/development.crl"


def _development_root() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    try:
        text = (seal_folder() / "root.pem").read_bytes()
        key = serialization.load_pem_private_key(text, None)
        [root] = x509.load_pem_x509_certificates(text)
    except (OSError, ValueError) as error:
        raise SealUnavailable(f"root.pem: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SealUnavailable("root.pem: not a key of the development authority")
    return key, root


def _development_revoked() -> list[dict[str, str]]:
    file = seal_folder() / "revoked.json"
    revoked: list[dict[str, str]] = json.loads(file.read_bytes()) if file.exists() else []
    return revoked


def renew_development_crl(now: datetime) -> None:
    """Makes the revocation list where the present one ends soon. Nobody publishes the development
    authority's list, so it is made when it is needed."""
    if (seal_folder() / "root.pem").exists() and not _development_crl_good(now):
        with alone_in(seal_folder()):
            make_development_crl(now)


def _development_crl_good(now: datetime) -> bool:
    path = seal_folder() / _DEVELOPMENT_CRL
    if not path.exists():
        return False
    stated = _crl_times(path, file_stamp(path))
    return stated[0] <= now < stated[1] - timedelta(days=1)


@lru_cache(maxsize=8)
def _crl_times(path: Path, file_stamp: FileStamp) -> tuple[datetime, datetime]:
    stated = crl_of(path)["tbs_cert_list"]
    return stated["this_update"].native, stated["next_update"].native


def make_development_crl(now: datetime, *, anew: bool = False) -> bool:
    """Writes the development authority's revocation list where the present one is missing or ends
    soon, or with ``anew``. Returns whether it was written."""
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
        # List numbers must grow, even for two lists made in one second.
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
    path = seal_folder() / _DEVELOPMENT_CRL
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
