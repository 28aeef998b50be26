"""Measures how many rows of a roster the hall reads and checks per second, in turn with openpyxl,
which only reads them."""

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import openpyxl

from enrollment import spreadsheets
from portal.shared.identity import upgrade
from portal.shared.measuring import Goal

ROWS = 10_000
# The time limit for one run, in seconds.
PATIENCE = 300

THEIRS = "openpyxl, reading alone"
OURS = "the hall, measured and checked"

_THEIRS = """
import openpyxl
sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).active
rows = sum(1 for row in sheet.iter_rows(values_only=True))
"""

_OURS = """
from enrollment import benchmarks, spreadsheets
from enrollment.roster import checking
staff = benchmarks.staff()
start = time.process_time()
with open(path, "rb") as file:
    checked = checking.check(spreadsheets.read_table(file.read()), staff)
assert len(checked.wages) + len({one.row for one in checked.problems}) == benchmarks.ROWS
"""

_AROUND = """
import json, sys, time
path = sys.argv[1]
start = time.process_time()
{work}
took = time.process_time() - start
with open("/proc/self/status") as status:
    [peak] = [line.split()[1] for line in status if line.startswith("VmHWM")]
print(json.dumps([took, int(peak) / 1024]))
"""


def roster(*, rounds: int = 5) -> dict[str, list[float]]:
    """Rows per second and peak memory of the process in MB, for a file of 10,000 people in which
    every 73rd row is wrong."""
    measured: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roster.xlsx"
        path.write_bytes(_file())
        for _round in range(rounds):
            for name, work in (
                (THEIRS, _THEIRS),
                (OURS, _OURS),
            ):
                seconds, megabytes = _run(work, path)
                measured.setdefault(f"rows a second: {name}", []).append(ROWS / seconds)
                measured.setdefault(f"memory in MB: {name}", []).append(megabytes)
    return measured


BENCHES = {"roster": roster}

GOALS = {
    "roster": (
        Goal(f"rows a second: {OURS}", at_least=ROWS / 10),
        Goal(f"memory in MB: {OURS}", at_most=500, peak=True),
    )
}


def staff() -> dict[str, tuple[int, str]]:
    """Ten thousand invented people with numbers of no real place: number → (id, name)."""
    numbers = (upgrade(f"99{place // 900:04d}900101{place % 900 + 1:03d}") for place in range(ROWS))
    return {number: (pk, "测速") for pk, number in enumerate(numbers, 1)}


def _file() -> bytes:
    """The list as an employer uploads it, written by a program other than the hall."""
    book = openpyxl.Workbook()
    page = book.active
    if page is None:
        raise RuntimeError("a new workbook has a sheet")
    page.append(["序号", "姓名", "身份证号码", "现行申报工资（元）", "月申报工资（元）"])
    for row, number in enumerate(staff(), 1):
        page.append([row, "测速", number, 5000, "无" if row % 73 == 0 else 5000 + row % 1000])
    target = io.BytesIO()
    book.save(target)
    if len(target.getvalue()) > spreadsheets.MAX_BYTES:
        raise RuntimeError("the file is larger than the hall takes")
    return target.getvalue()


def _run(work: str, path: Path) -> tuple[float, float]:
    setup = "import django\ndjango.setup()\n" if "enrollment" in work else ""
    # Both programs are constants of this file.
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", setup + _AROUND.format(work=work), str(path)],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    seconds, megabytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, megabytes
