"""Revocation lists in ``SEAL_DIR/crls``: reading them, and replacing them by newer ones."""

from datetime import datetime
from pathlib import Path
from typing import Any

from asn1crypto import crl, pem

from certificates.authority import SealUnavailable, seal_folder
from portal.shared.files import write_whole


def keep_crl(name: str, content: bytes, *, now: datetime) -> bool:
    """Stores a revocation list under this name if it is newer than the present one; False
    otherwise.

    Raises SealUnavailable where it is no list, or has ended.
    """
    body = _crl(name, content)["tbs_cert_list"]
    ends = body["next_update"].native
    if ends is not None and ends <= now:
        raise SealUnavailable(f"{name}: ended on {ends}")
    folder = seal_folder() / "crls"
    path = folder / name
    if path.exists() and not _newer(body, path):
        return False
    folder.mkdir(exist_ok=True, mode=0o700)
    write_whole(path, content)
    return True


def _newer(body: Any, path: Path) -> bool:
    """Whether a list's body is newer than the list in a file; a file without a list counts as
    older."""
    try:
        standing = crl_of(path)["tbs_cert_list"]["this_update"].native
    except SealUnavailable:
        return True
    return bool(body["this_update"].native > standing)


def crl_of(path: Path) -> crl.CertificateList:
    """The revocation list in a file, DER or PEM. Raises SealUnavailable where it is none."""
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
