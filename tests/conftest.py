"""Fixtures that all tests share: the cast, and a clock that stands."""

import datetime as dt
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, TransactionTestCase
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from portal.watch import failures
from tests import factor
from tests.cast import NOW, Cast, moment
from tests.database import original
from tests.gateway import gateway, gateway_process
from tests.roles import as_app

__all__ = ["gateway", "gateway_process"]

Client.force_login = factor.force_login  # type: ignore[method-assign, assignment]

# What every test finds: made by the migrations and after them, and changed by no test that does not
# roll it back.
KEPT = [
    model._meta.db_table
    for model in (ContentType, Permission, Group, Group.permissions.through, MigrationRecorder.Migration)
]

EMPTY = """
    DO $$
    DECLARE
        name text;
        filled text[] := '{}';
        found boolean;
    BEGIN
        FOR name IN
            SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema() AND tablename <> ALL (%s)
        LOOP
            EXECUTE 'SELECT EXISTS (SELECT 1 FROM ' || name || ')' INTO found;
            IF found THEN
                filled := filled || name;
            END IF;
        END LOOP;
        -- No trigger and no key stands in the way of emptying everything.
        SET LOCAL session_replication_role = replica;
        FOREACH name IN ARRAY filled LOOP
            EXECUTE 'DELETE FROM ' || name;
        END LOOP;
        SET LOCAL session_replication_role = origin;
    END
    $$
"""


def emptied(_test: TransactionTestCase) -> None:
    """After a test that commits: deletes the rows there are. Django's own way truncates all tables,
    each with its indexes a new file, and makes permissions and roles anew: that takes fifty times
    as long, and longer than the test."""
    with connection.cursor() as cursor:
        cursor.execute(EMPTY, [KEPT])


TransactionTestCase._fixture_teardown = emptied  # type: ignore[attr-defined]


def pytest_collection_finish() -> None:
    """What is loaded now stays to the end: the collector of garbage need not go through it again
    and again, and rarely through the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Has pytest-django begin with a copy of the migrated database."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = original()


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Tests that commit come first, journeys before all: they wait for other processes, and take
    the longest. Left to the end, as is pytest-django's custom, they keep one process while the
    others have no more to do."""
    items.sort(key=lambda item: ("live_server" not in item.fixturenames, not _commits(item)))


def _commits(item: pytest.Function) -> bool:
    marker = item.get_closest_marker("django_db")
    return "transactional_db" in item.fixturenames or bool(marker and marker.kwargs.get("transaction"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--as-app", action="store_true", help="every test works as the app's role of the database"
    )


@pytest.fixture(autouse=True)
def _role(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests marked ``as_app`` work as the role that the hall works as, which owns no table, where
    there is one."""
    asked = request.config.getoption("--as-app") or request.node.get_closest_marker("as_app")
    needs = "db" in request.fixturenames or request.node.get_closest_marker("django_db")
    if not (asked and needs and settings.DATABASE_APP_ROLE):
        yield
        return
    request.getfixturevalue("transactional_db" if _commits(request.node) else "db")
    with as_app():
        yield


Kept = list[tuple[str, str, BaseException]]


@pytest.fixture(autouse=True)
def _kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Loops go on past what fails: a test in which anything does so says that it expects it, by the
    fixture ``kept``."""
    seen: Kept = []
    keep = failures.keep

    def noted(task: str, item: str, error: BaseException, **more: Any) -> None:
        seen.append((task, item, error))
        keep(task, item, error, **more)

    monkeypatch.setattr(failures, "keep", noted)
    yield seen
    if "kept" not in request.fixturenames:
        assert not seen, f"a loop went on past {seen}"


@pytest.fixture
def kept(_kept: Kept) -> Kept:
    """What loops went on past so far: task, item, exception."""
    return _kept


@pytest.fixture
def cast(db: None) -> Cast:
    """The named cast, on the test's database; people are made when the test first names them."""
    return Cast()


class Clock:
    """What the pages, tasks and commands read as now: it stands until the test sets it."""

    def __init__(self) -> None:
        self.now = NOW

    def set(self, when: dt.datetime | str) -> dt.datetime:
        """Moves the clock, to a moment or to one written as in China, and gives the new now."""
        self.now = moment(when) if isinstance(when, str) else when
        return self.now

    def step(self, **by: float) -> dt.datetime:
        """Moves the clock on, by days, hours, minutes …; gives the new now."""
        return self.set(self.now + dt.timedelta(**by))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands at ``NOW`` for everything that asks ``timezone.now()``."""
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def now(clock: Clock) -> dt.datetime:
    """Now, on the clock that stands."""
    return clock.now
