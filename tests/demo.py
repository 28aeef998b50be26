"""The demo as a fixture: a hall in use, with something on every page, in a database of its own
(tests/database.py)."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from certificates import development_authority
from portal.accounts.models import Kind, User
from tests.cast import NOW
from tests.database import copy_of, original_demo

# How a login of each kind comes in.
BACKENDS = {
    Kind.PERSON: "portal.accounts.doors.PersonDoor",
    Kind.CLERK: "portal.accounts.doors.EmployerDoor",
    Kind.STAFF: "portal.accounts.doors.StaffDoor",
}


@pytest.fixture(scope="module")
def demo(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dt.datetime]:
    """The demo's data, loaded at ``NOW``, where the clock stands; gone after the module."""
    keys = tmp_path_factory.mktemp("keys")
    cache = {"default": {**settings.CACHES["default"], "KEY_PREFIX": keys.name}}
    with (
        override_settings(SEAL_DIR=keys, CACHES=cache),
        pytest.MonkeyPatch.context() as clock,
        django_db_blocker.unblock(),
        copy_of(original_demo()),
    ):
        clock.setattr(timezone, "now", lambda: NOW)
        development_authority.make_development_ca(cities=development_authority.development_cities(), now=NOW)
        yield NOW


def came_in(user: User | None, **more: Any) -> Client:
    """A browser in which ``user`` has come in; one of nobody."""
    client = Client(**more)
    if user:
        client.force_login(user, backend=BACKENDS[Kind(user.kind)])
    return client
