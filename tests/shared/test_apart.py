"""Files of strangers are read apart: with little memory and time, few at once, and whoever finds no
place is told at once."""

import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from portal.shared import apart
from portal.shared.apart import Busy, Ended, Limits, Room, run_apart
from tests.shared.hungry import LIMITS

ROOT = Path(__file__).resolve().parents[2]


def hungry(kind: str, room: Room, limits: Limits = LIMITS) -> bytes:
    return run_apart("tests.shared.hungry", [kind], content=b"abc", limits=limits, room=room)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path / "apart", at_work=1, waiting=1, wait_seconds=30)


def test_what_it_writes_comes_back(room: Room) -> None:
    assert hungry("echo", room) == b"cba"


@pytest.mark.parametrize("kind", ["memory", "time", "write"])
def test_what_takes_too_much_ends(room: Room, kind: str) -> None:
    with pytest.raises(Ended):
        hungry(kind, room)
    assert not (ROOT / "hungry.txt").exists() or (ROOT / "hungry.txt").read_text() == ""
    (ROOT / "hungry.txt").unlink(missing_ok=True)
    assert hungry("echo", room) == b"cba", "its place is free again"


def test_what_takes_too_long_ends(room: Room) -> None:
    with pytest.raises(Ended):
        hungry("long", room, Limits(cpu_seconds=1, wall_seconds=1, memory_bytes=1 << 29))


def test_the_second_waits_and_the_third_is_told(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, done, sleep = threading.Event(), [], time.sleep

    def slept(seconds: float) -> None:
        waits.set()
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", slept)

    def second() -> None:
        with room.place():
            done.append("second")

    waiting = threading.Thread(target=second, daemon=True)
    with room.place():
        waiting.start()
        assert waits.wait(30)
        with pytest.raises(Busy), room.place():
            pass
        assert not done
    waiting.join(30)
    assert done == ["second"]


def test_whoever_waits_too_long_is_told(tmp_path: Path) -> None:
    room = Room(tmp_path, at_work=1, waiting=5, wait_seconds=0.1)
    with room.place(), pytest.raises(Busy), room.place():
        pass


def test_a_holder_that_is_killed_frees_its_place(room: Room) -> None:
    code = (
        "import sys, time; from pathlib import Path; from portal.shared.apart import Room\n"
        "with Room(Path(sys.argv[1]), at_work=1).place(): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(room.folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    assert _locked(room.folder / "work-0")
    holder.kill()
    holder.wait()
    with room.place():
        pass


def _locked(file: Path) -> bool:
    return subprocess.run(["flock", "-n", str(file), "true"]).returncode != 0


def test_a_forker_that_has_ended_is_started_again(room: Room) -> None:
    """It ends when nothing is asked of it for a while; whoever is killed with it may be asked
    again."""
    assert hungry("echo", room) == b"cba"
    _asked, forker = apart.forkers[os.getpid(), "tests.shared.hungry"]
    forker.kill()
    forker.wait()
    assert hungry("echo", room) == b"cba"
    assert apart.forkers[os.getpid(), "tests.shared.hungry"][1].pid != forker.pid


def test_it_knows_nothing_of_the_hall(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the settings' secrets nor what another file left behind."""
    monkeypatch.setenv("SECRET_KEY", "told to nobody")
    hungry("echo", room)
    _asked, forker = apart.forkers[os.getpid(), "tests.shared.hungry"]
    environment = Path(f"/proc/{forker.pid}/environ").read_bytes()
    assert {one.split(b"=")[0] for one in environment.split(b"\0") if one} <= {
        b"PATH",
        b"PYTHONPATH",
        b"LC_CTYPE",
    }
    assert hungry("leave", room) == hungry("leave", room) == b"1"


def test_none_is_left_when_their_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from portal.shared import apart\n"
        "from tests.shared.hungry import LIMITS\n"
        "apart.run_apart('tests.shared.hungry', ['echo'], content=b'', limits=LIMITS, room=apart.Room(Path(sys.argv[1])))\n"
        "[(_asked, forker)] = apart.forkers.values(); print(forker.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    parent.kill()
    parent.wait()
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}/exe").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}/exe").exists()


def test_many_open_descriptors_do_not_matter(room: Room) -> None:
    """Found by reading: a file that is read in a busy server has a descriptor beyond 1023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _number in range(1100)]
    try:
        assert max(held) > 1023
        assert hungry("echo", room) == b"cba"
    finally:
        for handle in held:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
