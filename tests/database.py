"""The database that tests begin with: migrated once, and copied by PostgreSQL for each process and each run.

Migrating takes fifteen seconds of computing, a copy one. The original is named after the migrations it was made by, so it is
made anew when one of them changes, and what the last ones made goes. ``python -m tests.database`` makes it ahead.
"""

import ast
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import django
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

PREFIX = "test_original_"
# Of everyone who makes one: the others wait until it is there.
_LOCK = 20261117


def original() -> str:
    """The name of a database to copy that has been migrated by today's migrations; makes it where there is none."""
    name = PREFIX + digest(migrations())
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        there = [found for (found,) in cursor.fetchall()]
        if name not in there:
            for old in there:
                cursor.execute(f'DROP DATABASE "{old}"')
            made = _migrated()
            cursor.execute(f'ALTER DATABASE "{made}" RENAME TO "{name}"')
    return name


def migrations() -> list[Path]:
    """The files that say what a migrated database is: the project's migrations, the modules of the project that they import
    (its own kinds of columns), and the lock that says which packages bring more."""
    modules = {type(one).__module__ for one in MigrationLoader(None).disk_migrations.values()}
    files = {file for name in modules for file in _of_project(sys.modules[name])}
    imported = {name for file in files for name in _imports(file)}
    files |= {file for name in imported if name in sys.modules for file in _of_project(sys.modules[name])}
    return sorted({*files, settings.ROOT / "tests" / "requirements.txt"})


def digest(files: list[Path]) -> str:
    """Of the names and contents of these files."""
    seen = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        seen.update(f"{file.relative_to(settings.ROOT)} {content}\n".encode())
    return seen.hexdigest()[:16]


def _of_project(module: ModuleType) -> Iterator[Path]:
    file = Path(module.__file__ or "/")
    if file.is_relative_to(settings.ROOT) and "site-packages" not in file.parts:
        yield file


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _migrated() -> str:
    """A new database under a name for the time of its making: one that was broken off is never taken for whole."""
    names, test = connection.settings_dict, connection.settings_dict["TEST"]
    before = names["NAME"], test["NAME"]
    test["NAME"] = making = "test_original"
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        with connection.cursor() as cursor:
            # What follows every migration depends on more than these; it follows in each copy.
            for model in ("auth.Group", "contenttypes.ContentType"):
                cursor.execute(f"TRUNCATE {apps.get_model(model)._meta.db_table} RESTART IDENTITY CASCADE")
    finally:
        connection.close()
        names["NAME"], test["NAME"] = before
    return making


if __name__ == "__main__":
    django.setup()
    original()
