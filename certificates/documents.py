"""Sealed documents on disk: written whole or not at all, and kept after a power cut."""

import hashlib
import os
from pathlib import Path

from django.core.files.storage import storages

from portal.shared.files import PART, remove_abandoned, write_whole


class DocumentDamaged(Exception):
    """The stored file is missing, or does not match the digest in the register."""


def digest_of(document: bytes) -> str:
    """The SHA-256 of a document, in hexadecimal."""
    return hashlib.sha256(document).hexdigest()


def store(serial_number: str, document: bytes) -> str:
    """Stores a document and returns its name. On return it is on the disk; where the process is
    killed before, no file has that name.

    The name contains the digest, so that concurrent calls do not touch each other's file. Raises
    OSError where the disk refuses.
    """
    name = f"certificates/{serial_number}/{digest_of(document)}.pdf"
    path = path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, document)
    for folder in (path.parent, path.parent.parent):
        _sync(folder)
    return name


def load(name: str, *, digest: str) -> bytes:
    """The document of that name. Raises DocumentDamaged where it is missing or its SHA-256
    differs."""
    try:
        document = path_of(name).read_bytes()
    except FileNotFoundError as error:
        raise DocumentDamaged(name) from error
    if digest_of(document) != digest:
        raise DocumentDamaged(name)
    return document


def keep_only(name: str, *more: str) -> None:
    """Removes all other files of the certificate, left by attempts that were killed before their
    row was written; not a file that another attempt is still writing."""
    kept = {path_of(each) for each in (name, *more)}
    for other in path_of(name).parent.iterdir():
        if other.suffix == PART:
            remove_abandoned(other)
        elif other not in kept:
            other.unlink(missing_ok=True)


def drop(name: str) -> None:
    """Removes a document that was not needed after all."""
    path_of(name).unlink(missing_ok=True)


def path_of(name: str) -> Path:
    return Path(storages["documents"].path(name))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
