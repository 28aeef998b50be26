"""People, employers and months that are made up to be measured, and gone afterwards."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.db import connection, transaction

from contributions.models import Charge
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.months import Month


def timed(work: Callable[[], object]) -> float:
    """How many seconds it took."""
    gc.collect()
    start = perf_counter()
    work()
    return perf_counter() - start


def require_empty() -> None:
    """CommandError where the database holds people or charges: what is made for measuring is
    emptied again."""
    if Person.objects.exists() or Charge.objects.exists():
        raise CommandError("库中已有人员或应缴，测速会清空它们。请用 script/bench，它在自己的库里测。")


@contextmanager
def stored(statements: Mapping[str, str], values: Mapping[str, Any]) -> Iterator[None]:
    """Tables filled by one statement each, in turn; empty afterwards, with all that names what was
    in them.

    Their history is not written and the overlap of their rows not checked meanwhile: that is not
    what is measured.
    """
    tables = tuple(statements)
    with connection.cursor() as cursor:
        overlaps = _drop_exclusions(tables)
        try:
            for table, statement in statements.items():
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                cursor.execute(statement, values)
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
                cursor.execute(f"VACUUM ANALYZE {table}")
            yield
        finally:
            _empty_money()
            cursor.execute(f"TRUNCATE {', '.join(reversed(tables))} CASCADE")
            for table, name, definition in overlaps:
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _drop_exclusions(tables: tuple[str, ...]) -> list[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE contype = 'x' AND conrelid::regclass::text = ANY(%s)
            """,
            [list(tables)],
        )
        found = cursor.fetchall()
        for table, name, _definition in found:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    return found


def _empty_money() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT string_agg(tablename, ', ') FROM pg_tables
            WHERE schemaname = current_schema() AND (tablename LIKE 'contributions\\_%' OR tablename = 'accounts_notice')
            """
        )
        cursor.execute(f"TRUNCATE {cursor.fetchone()[0]} CASCADE")


@contextmanager
def second_person(city: str, username: str = "bench-releaser") -> Iterator[User]:
    """Whoever releases the batches, or has another hand in something; gone afterwards."""
    second = User.objects.create_staff(username, name="测速放行", city=city, password=None)
    try:
        yield second
    finally:
        second.delete()


@contextmanager
def exchange_in(folder: Path) -> Iterator[None]:
    """The banks' folder is within this one meanwhile."""
    former, settings.BANK_EXCHANGE_DIR = settings.BANK_EXCHANGE_DIR, folder / "exchange"
    try:
        yield
    finally:
        settings.BANK_EXCHANGE_DIR = former


def insert_plainly(city: str, of: Month) -> None:
    """What charging is measured by: the same rows, at fixed prices, into a table with one unique
    and one foreign key."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE bench_charge (LIKE contributions_charge INCLUDING DEFAULTS INCLUDING IDENTITY);
            ALTER TABLE bench_charge ADD PRIMARY KEY (id), ADD UNIQUE (person_id, insurance, month),
                ADD FOREIGN KEY (coverage_id) REFERENCES enrollment_coverage (id) DEFERRABLE INITIALLY DEFERRED
            """
        )
        cursor.execute(
            """
            INSERT INTO bench_charge (
                city, person_id, coverage_id, employer_id, insurance, capacity, month, base, amount_fen, personal_fen,
                employer_fen, account_fen, policy, policy_since, basis, status, live, due_on, created_at
            )
            SELECT coverage.city, coverage.person_id, coverage.id, coverage.employer_id, coverage.insurance, coverage.capacity,
                %(month)s, 1965.18, 39304, 39304, 0, 15721, 'a city/flexible_pension', %(month)s,
                coalesce(nullif(base.tier, ''), 'wage:' || base.wage_fen), 'owed', true, %(month)s, now()
            FROM enrollment_coverage coverage JOIN enrollment_contributionbase base ON base.coverage_id = coverage.id
            WHERE coverage.live AND coverage.city = %(city)s
                AND coverage.start <= %(month)s AND (coverage.until IS NULL OR coverage.until > %(month)s)
                AND base.start <= %(month)s AND (base.until IS NULL OR base.until > %(month)s)
            ORDER BY coverage.id
            """,
            {"city": city, "month": of.first_day},
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP TABLE bench_charge")
