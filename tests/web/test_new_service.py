"""A new service: the three files that one command writes pass at once, and nothing else has to be
touched."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "docs", "static", "journeys")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, as after a clone."""
    folder = tmp_path / "project"
    shutil.copytree(settings.ROOT, folder, ignore=LEFT_OUT)
    return folder


def run(project: Path, command: Sequence[str]) -> None:
    """In the copy, on the same server, in a process that knows nothing of this one's tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env={**kept, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def made(project: Path, code: str = "good-day", **other: str) -> None:
    wanted = {"city": "wuhan", "title": "问好", **other}
    call_command("new_service", code, root=project, data=project / "portal" / "policy" / "data", **wanted)


def test_what_is_written_passes_at_once(project: Path) -> None:
    made(project)
    changed = [
        project / "enrollment/services/good_day.py",
        project / "tests/enrollment/test_good_day.py",
    ]
    run(project, ["ruff", "check", "--config", str(settings.ROOT / "pyproject.toml"), *map(str, changed)])
    run(
        project,
        ["ruff", "format", "--check", "--config", str(settings.ROOT / "pyproject.toml"), *map(str, changed)],
    )
    # Its own tests, and those of what the cities offer.
    run(project, ["pytest", "-q", "tests/enrollment/test_good_day.py", "tests/policy/test_city_data.py"])


@pytest.mark.parametrize(
    ("code", "city", "why"),
    [
        ("Good Day", "wuhan", "只用小写字母"),
        ("flexible-pause", "wuxi", "已有代号"),
        ("transfer-other-places", "shenzhen", "在窗口办理"),
    ],
)
def test_what_cannot_be_is_said(project: Path, code: str, city: str, why: str) -> None:
    with pytest.raises(CommandError, match=why):
        made(project, code, city=city)


def test_nobodys_file_is_written_over(project: Path) -> None:
    made(project)
    with pytest.raises(CommandError, match="已有文件"):
        made(project, city="ningbo")
