"""The role that the hall works as, which owns nothing: taken on for a test, while the tests
themselves own the tables."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dj_database_url
import pytest
from django.conf import settings
from django.db import connection
from psycopg2.extensions import TRANSACTION_STATUS_INERROR


def needs_app_role() -> None:
    """Skips where DATABASE_URL names the only role there is."""
    if not settings.DATABASE_APP_ROLE:
        pytest.skip("DATABASE_OWNER_URL names no other role than DATABASE_URL")


def login() -> dict[str, Any]:
    """As whom the app's role connects: USER and PASSWORD."""
    app = dj_database_url.parse(os.environ["DATABASE_URL"])
    return {"USER": app["USER"], "PASSWORD": app["PASSWORD"]}


@contextmanager
def as_app() -> Iterator[None]:
    """Within it, the test works as the app's role, and its threads do: in the transaction that is
    open, or connected anew."""
    needs_app_role()
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(f'SET LOCAL ROLE "{settings.DATABASE_APP_ROLE}"')
        try:
            yield
        finally:
            # One that has failed is rolled back, which ends the role, too.
            if connection.connection.info.transaction_status != TRANSACTION_STATUS_INERROR:
                with connection.cursor() as cursor:
                    cursor.execute("RESET ROLE")
        return
    # The dictionary is the one that connections of other threads are made by.
    names = connection.settings_dict
    former = {name: names[name] for name in ("USER", "PASSWORD")}
    connection.close()
    names.update(login())
    try:
        yield
    finally:
        connection.close()
        names.update(former)
