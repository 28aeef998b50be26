"""docs/faults.md names tests: each is there."""

import re
from pathlib import Path

from django.conf import settings


def test_every_test_that_the_table_names_is_there() -> None:
    table = (Path(settings.ROOT) / "docs" / "faults.md").read_text(encoding="utf-8")
    named = re.findall(r"`([\w./]+\.py)::(\w+)`", table)
    assert len(named) > 80
    folder = Path(settings.ROOT) / "tests" / "contributions"
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (folder / path).is_file() or f"def {name}(" not in (folder / path).read_text(encoding="utf-8")
    ]
    assert not missing, missing


def test_every_row_has_its_test() -> None:
    """Each fault names at least one test in the second column."""
    table = (Path(settings.ROOT) / "docs" / "faults.md").read_text(encoding="utf-8")
    rows = [
        line.split("|")[1:-1]
        for line in table.splitlines()
        if line.startswith("| ") and not line.startswith(("| fault", "| attack"))
    ]
    assert len(rows) > 50
    assert not [fault for fault, test, *_control in rows if "::" not in test]
