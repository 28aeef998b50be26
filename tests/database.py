"""The databases that tests begin with: migrated once, one of them with the demo in it; copied by
PostgreSQL for each process and each run.

Migrating takes fifteen seconds of computing, the demo ten, a copy one. An original is named after
the files it was made by, so it is made anew when one of them changes, and what the last ones made
goes. ``python -m tests.database`` makes both ahead.
"""

import ast
import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from unittest.mock import patch

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import override_settings
from django.utils import timezone

from portal import rooms

PREFIX, DEMO_PREFIX = "test_original_", "test_demo_"
# Of everyone who makes one: the others wait until it is there.
_LOCK = 20261117


def original() -> str:
    """The name of a database to copy that has been migrated by today's migrations; makes it where
    there is none."""
    return _kept(PREFIX, migrations(), _migrated)


def original_demo() -> str:
    """The same with the demo's data, loaded at ``NOW``."""
    template = original()
    return _kept(DEMO_PREFIX, sources(), lambda: _with_the_demo(template))


def _kept(prefix: str, files: list[Path], make: Callable[[], str]) -> str:
    name = prefix + digest(files)
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
        there = [found for (found,) in cursor.fetchall()]
        if name not in there:
            for old in there:
                cursor.execute(f'DROP DATABASE "{old}"')
            made = make()
            cursor.execute(f'ALTER DATABASE "{made}" RENAME TO "{name}"')
    return name


def sources() -> list[Path]:
    """All that the demo's data can depend on: the project's code and data."""
    of_packages = (file for package in rooms.packages() for file in (settings.ROOT / package).rglob("*"))
    tests = settings.ROOT / "tests"
    return [
        *sorted(file for file in of_packages if file.suffix in (".py", ".yaml")),
        tests / "cast.py",
        tests / "requirements.txt",
    ]


def migrations() -> list[Path]:
    """The files that say what a migrated database is: the project's migrations, the modules of the
    project that they import (its own kinds of columns), and the lock that says which packages bring
    more."""
    modules = {type(one).__module__ for one in MigrationLoader(None).disk_migrations.values()}
    files = {file for name in modules for file in _of_project(sys.modules[name])}
    imported = {name for file in files for name in _imports(file)}
    files |= {file for name in imported if name in sys.modules for file in _of_project(sys.modules[name])}
    return sorted({*files, settings.ROOT / "tests" / "requirements.txt"})


@contextmanager
def copy_of(template: str) -> Iterator[None]:
    """Within it, the connection is to a copy of that database; the copy goes afterwards."""
    names = connection.settings_dict
    before, name = names["NAME"], f"{names['NAME']}_copy"
    connection.close()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        names["NAME"] = name
        yield
    finally:
        connection.close()
        names["NAME"] = before
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


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
    """A new database under a name for the time of its making: one that was broken off is never
    taken for whole."""
    with _made("test_original", None), connection.cursor() as cursor:
        # What follows every migration depends on more than these; it follows in each copy.
        for model in ("auth.Group", "contenttypes.ContentType"):
            cursor.execute(f"TRUNCATE {apps.get_model(model)._meta.db_table} RESTART IDENTITY CASCADE")
    return "test_original"


def _with_the_demo(template: str) -> str:
    # Not at the top: they read models, and this module is run before Django is set up.
    from certificates import development_authority
    from tests.cast import NOW

    with (
        TemporaryDirectory() as keys,
        override_settings(SEAL_DIR=Path(keys)),
        patch.object(timezone, "now", lambda: NOW),
        _made("test_demo", template),
    ):
        development_authority.make_development_ca(cities=development_authority.development_cities(), now=NOW)
        call_command("load_demo", stderr=StringIO())
    return "test_demo"


@contextmanager
def _made(name: str, template: str | None) -> Iterator[None]:
    """Within it, the connection is to a new database, a copy of ``template`` where one is named."""
    names, test = connection.settings_dict, connection.settings_dict["TEST"]
    before = names["NAME"], test["NAME"], test.get("TEMPLATE")
    test["NAME"], test["TEMPLATE"] = name, template
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        yield
    finally:
        connection.close()
        names["NAME"], test["NAME"], test["TEMPLATE"] = before


if __name__ == "__main__":
    django.setup()
    original_demo()
