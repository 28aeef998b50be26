"""Files are whole or not there, and what somebody writes is not tidied away by another."""

import os
import threading
from pathlib import Path

import pytest

from portal.shared import files
from portal.shared.files import PART, remove_abandoned, write_whole


def parts(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.suffix == PART]


def test_it_is_there_whole_and_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "x.pdf"
    write_whole(file, b"first")
    write_whole(file, b"second")
    assert file.read_bytes() == b"second"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_what_the_disk_refuses_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "x.pdf", b"content")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tidy", [remove_abandoned, Path.unlink], ids=["with the lock", "control: without"])
def test_what_is_being_written_is_no_leftover(tmp_path: Path, tidy: object) -> None:
    """Found: of two who drew one proof, the first removed the file that the second wrote."""
    file, reached, go_on = tmp_path / "x.pdf", threading.Event(), threading.Event()
    failed: list[OSError] = []
    sync = os.fsync

    def slowly(handle: int) -> None:
        reached.set()
        assert go_on.wait(20)
        sync(handle)

    def write() -> None:
        try:
            write_whole(file, b"content")
        except OSError as error:
            failed.append(error)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files.os, "fsync", slowly)
        writer = threading.Thread(target=write)
        writer.start()
        assert reached.wait(20)
        [part] = parts(tmp_path)
        tidy(part)  # type: ignore[operator]
        go_on.set()
        writer.join()
    if tidy is remove_abandoned:
        assert not failed
        assert file.read_bytes() == b"content"
    else:
        assert failed


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / f".cut{PART}"
    left.write_bytes(b"half")
    remove_abandoned(left)
    assert not left.exists()
    remove_abandoned(left)
