"""Files that are whole or not there, and folders that one process at a time works in."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# How the names of files end that are being written.
PART = ".part"


def write_whole(path: Path, content: bytes) -> None:
    """Put the content under the name, on the disk when it returns; killed before, nothing goes by
    that name. For its owner only.

    OSError where the disk refuses.
    """
    file, temporary = _part(path)
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            # Before it is closed: until then nobody takes it for abandoned.
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _part(path: Path) -> tuple[IO[bytes], Path]:
    """A new file beside ``path``, locked by this process until it is closed."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=PART)
        fcntl.flock(handle, fcntl.LOCK_EX)
        # Somebody may have tidied it away before it was locked.
        if os.fstat(handle).st_nlink:
            return os.fdopen(handle, "wb"), Path(name)
        os.close(handle)


def remove_abandoned(part: Path) -> None:
    """Remove a file that ``write_whole`` left unfinished, unless somebody still writes it."""
    try:
        handle = os.open(part, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Whoever else works in the folder waits until the block ends; the lock falls with the
    process."""
    handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
