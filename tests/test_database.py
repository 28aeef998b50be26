"""The original that databases of tests are copied from goes by the migrations: another one for
whatever changes."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as hall

from tests.database import digest, migrations

APPS = ("portal", "enrollment", "contributions", "certificates", "transfers")


def test_every_migration_of_the_project_counts_and_what_migrations_import() -> None:
    files = migrations()
    of_project = [file for app in APPS for file in (hall.ROOT / app).rglob("migrations/0*.py")]
    assert of_project
    assert set(of_project) <= set(files)
    assert hall.ROOT / "portal" / "columns.py" in files, "the project's own kinds of columns"
    assert hall.ROOT / "tests" / "requirements.txt" in files, "the packages that bring migrations, too"


@pytest.fixture
def two(tmp_path: Path, settings: Any) -> list[Path]:
    settings.ROOT = tmp_path
    files = [tmp_path / "0001_tables.py", tmp_path / "0002_more.py"]
    for file in files:
        file.write_text("operations = []\n")
    return files


def test_what_is_the_same_has_the_same_name(two: list[Path]) -> None:
    assert digest(two) == digest(two)


def test_a_changed_migration_has_another(two: list[Path]) -> None:
    before = digest(two)
    two[1].write_text("operations = [1]\n")
    assert digest(two) != before


def test_a_new_one_and_one_by_another_name_have_another(two: list[Path]) -> None:
    before = digest(two)
    assert digest(two[:1]) != before
    assert digest([two[0], two[1].rename(two[1].with_name("0003_more.py"))]) != before
