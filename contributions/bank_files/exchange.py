"""The folder that files are exchanged in: ``outbox`` for the banks, ``inbox`` from them; what was
read goes to ``archive``.

A file appears under its name only when it is whole and on the disk: it is written under a hidden
name, flushed, renamed. Folders that are made here are entered, and files that are written read, by
the program's own user alone; where the bank's transfer runs as another, its folders are made
beforehand with a group of their own (docs/operations.md).
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from django.conf import settings

# In bytes, on every usual file system; room is left for the name under which it is written.
_LONGEST_NAME = 230

OUTBOX, INBOX, ARCHIVE, HELD = "outbox", "inbox", "archive", "held"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """SHA-256 and size of a file."""

    digest: str
    size: int


def folder(name: str) -> Path:
    """One of the exchange's folders, made where it does not stand yet."""
    path = Path(settings.BANK_EXCHANGE_DIR) / name
    if not path.is_dir():
        # Accounts and names: for nobody but the program's own user, whoever else may enter the
        # folders above.
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


class Sink(Protocol):
    """What a file is written into."""

    def write(self, content: bytes, /) -> int: ...


class _Sealed:
    """Passes on what is written, and knows its digest and size."""

    def __init__(self, out: Sink) -> None:
        self._out = out
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes, /) -> int:
        self.digest.update(content)
        self.size += len(content)
        return self._out.write(content)


def place(name: str, write: Callable[[Sink], None]) -> Fingerprint:
    """Put a file into the outbox, whole or not at all. A former one of that name is replaced.
    Whatever ``write`` raises, or the disk, goes through, and leaves no file behind."""
    target = folder(OUTBOX) / name
    draft = target.with_name(f".{name}.{os.getpid()}.part")
    try:
        with open(draft, "wb", opener=_for_us_alone) as out:
            sealed = _Sealed(out)
            write(sealed)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    _sync(target.parent)
    return Fingerprint(sealed.digest.hexdigest(), sealed.size)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def arrived() -> Iterator[Path]:
    """The files in the inbox, by name; hidden ones are still being written."""
    for path in sorted(folder(INBOX).iterdir()):
        if path.is_file() and not path.name.startswith("."):
            yield path


def put_away(path: Path, to: str, digest: str, *, name: str) -> None:
    """Move a file that was dealt with out of the inbox, also onto another mount, under the name by
    which it is known; its digest keeps files of one name apart. Broken off anywhere, the file is
    still in the inbox, or where it belongs, or both: done again, it is there once."""
    target = put_away_at(to, name, digest)
    try:
        path.replace(target)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        _copy(path, target)
        path.unlink()
    # As the bank's transfer wrote it, others could read it; a file of another user stays as that
    # one left it.
    with suppress(PermissionError):
        target.chmod(0o600)
    _sync(target.parent)
    _sync(path.parent)


def _copy(path: Path, target: Path) -> None:
    """Copy a file, whole or not at all."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with path.open("rb") as source, open(draft, "wb", opener=_for_us_alone) as out:
            shutil.copyfileobj(source, out)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def put_away_at(to: str, name: str, digest: str) -> Path:
    """Where ``put_away`` has put it: under its name, of which a long one loses its beginning."""
    mark = f"{digest[:12]}-"
    kept = os.fsencode(name)[-(_LONGEST_NAME - len(mark)) :]
    return folder(to) / f"{mark}{os.fsdecode(kept)}"


def fingerprint_of(path: Path) -> Fingerprint:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Fingerprint(digest, path.stat().st_size)


def _sync(path: Path) -> None:
    # The rename itself must be on the disk, too, before anyone is told that the file is there.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
