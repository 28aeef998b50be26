"""What has changed since an audit, whoever changed it: behind triggers and history too, a row that
is written anew is a new version, and a version knows the transaction that made it.

An audit takes its ``Place`` at an instant at which nobody writes. From then on, of each table that
grows with the months,

- a version whose transaction is younger than the place is new or changed, and is proved with all
  that its proof reads;
- rows that are gone are missed in the count;
- rows of tables in which nothing is ever changed are missed in the count of old versions when
  they were.

Everything is read once for that, and only the new is proved. Transactions are numbered round a
circle of four billion: rows older than half of it show as neither, and an audit since so long ago
is one of everything.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from portal import rights
from portal.policy.book import DATA

_HALF_THE_CIRCLE = 2**31
_SHOWN = 5
_MANY = 500_000


@dataclass(frozen=True, slots=True)
class Table:
    """A table that grows with the months. ``number`` is the invariant that its rows are missed
    under."""

    name: str
    number: int

    @property
    def stored(self) -> str:
        return self.name if "_" in self.name else f"contributions_{self.name}"

    @property
    def kept(self) -> bool:
        """Whether what was written there is never changed."""
        return rights.is_only_appended_to(self.stored)


TABLES = (
    Table("ledgeraccount", 1),
    Table("entry", 1),
    Table("leg", 1),
    Table("receipt", 2),
    Table("accountmovement", 2),
    Table("refund", 2),
    Table("arrivalstep", 2),
    Table("debitbatch", 3),
    Table("debitline", 3),
    Table("enrollment_coverage", 4),
    Table("charge", 5),
    Table("suspension", 5),
    Table("cancellation", 6),
    Table("takenback", 6),
    Table("surcharge", 8),
    Table("repricing", 9),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database stood at an instant at which nobody was writing. ``next_transaction`` is
    the first that it did not see, counted without end; ``policy`` is the digest of the book that
    charges were priced by; ``tables`` gives for each the file that it lies in, its last id and its
    number of rows."""

    system: str
    policy: str
    next_transaction: int
    tables: dict[str, tuple[int, int, int]]

    @classmethod
    def of(cls, told: Any) -> "Place":
        """One that was kept as JSON."""
        return cls(**{**told, "tables": {name: tuple(row) for name, row in told["tables"].items()}})

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


# Who is in a transaction that writes, in other databases of the server: what they write is not
# here.
_ELSEWHERE = """
    SELECT transactionid FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock'
        AND datid <> (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def quiet() -> int | None:
    """The next transaction, where nobody is in one that writes here. Asked before a snapshot is
    taken: see ``is_still``."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH elsewhere AS ({_ELSEWHERE})
            SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint
            WHERE NOT EXISTS (
                SELECT FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock'
                    AND transactionid NOT IN (SELECT transactionid FROM elsewhere)
            )
            """  # noqa: S608 - a constant
        )
        found = cursor.fetchone()
    return found[0] if found else None


def is_still(cursor: Any, next_transaction: int) -> bool:
    """Whether no transaction has ended between ``quiet`` and this snapshot, and all that go on
    beside it are other databases': whatever has begun here since comes after all that the snapshot
    sees, by the number of its transaction and by its rows' ids. Of one that cannot be found any
    more nobody knows whose it was: then it is not."""
    cursor.execute(
        f"""
        WITH elsewhere AS ({_ELSEWHERE})
        SELECT pg_snapshot_xmax(now)::text::bigint = %(next)s AND NOT EXISTS (
            SELECT FROM pg_snapshot_xip(now) AS going_on
            WHERE going_on::text::bigint & 4294967295 NOT IN (SELECT transactionid::text::bigint FROM elsewhere)
        )
        FROM pg_current_snapshot() now
        """,  # noqa: S608 - a constant
        {"next": next_transaction},
    )
    return cursor.fetchone()[0]


def _policy() -> str:
    files = sorted(path for path in DATA.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def _system(cursor: Any) -> str:
    """Which cluster and database this is: transactions are counted in it alone."""
    cursor.execute(
        """
        SELECT system_identifier || '/' || pg_database.oid FROM pg_control_system(), pg_database
        WHERE datname = current_database()
        """
    )
    return cursor.fetchone()[0]


def place(cursor: Any, next_transaction: int) -> Place:
    """Where a snapshot stands that ``is_still``."""
    tables = {}
    for table in TABLES:
        cursor.execute(
            f"SELECT pg_relation_filenode('{table.stored}'), coalesce(max(id), 0), count(*) FROM {table.stored}"  # noqa: S608
        )
        tables[table.name] = cursor.fetchone()
    return Place(_system(cursor), _policy(), next_transaction, tables)


def reaches(since: Place) -> bool:
    """Whether an audit since then proves as much as one of everything: in this database, its tables
    not written anew since, under the same policy, and not too long ago."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        [now] = cursor.fetchone()
        files = {}
        for table in TABLES:
            cursor.execute("SELECT pg_relation_filenode(%s)", [table.stored])
            [files[table.name]] = cursor.fetchone()
        return (
            (_system(cursor), _policy()) == (since.system, since.policy)
            and 0 <= now - since.next_transaction < _HALF_THE_CIRCLE // 2
            and files == {name: file for name, (file, _last, _rows) in since.tables.items()}
        )


# True of a version that a transaction since then has made.
NEW = "age({table}.xmin) BETWEEN 0 AND age('{transaction}'::xid)"

# What is proved, each by a list of ids, in this order: what has changed, and what its proof reads
# or is read with.
_LOOKED_AT = {
    "charge": """
        SELECT id FROM changed_charge
        UNION SELECT id FROM contributions_charge WHERE coverage_id IN (
            SELECT id FROM changed_enrollment_coverage
            UNION ALL SELECT coverage_id FROM contributions_suspension WHERE id IN (SELECT id FROM changed_suspension))
        UNION SELECT charge_id FROM contributions_receipt WHERE id IN (SELECT id FROM changed_receipt)
        UNION SELECT charge_id FROM contributions_cancellation WHERE id IN (SELECT id FROM changed_cancellation)
        UNION SELECT charge_id FROM contributions_receipt WHERE id IN (
            SELECT receipt_id FROM contributions_takenback WHERE id IN (SELECT id FROM changed_takenback))
        UNION SELECT charge_id FROM contributions_repricing WHERE id IN (SELECT id FROM changed_repricing)
    """,
    "receipt": """
        SELECT id FROM changed_receipt
        UNION SELECT id FROM contributions_receipt WHERE charge_id IN (SELECT id FROM looked_at_charge)
        UNION SELECT id FROM contributions_receipt WHERE surcharge_id IN (SELECT id FROM changed_surcharge)
    """,
    "debitline": """
        SELECT id FROM changed_debitline
        UNION SELECT id FROM contributions_debitline WHERE charge_id IN (SELECT id FROM looked_at_charge)
        UNION SELECT id FROM contributions_debitline WHERE surcharge_id IN (SELECT id FROM changed_surcharge)
    """,
    # A refund that was moved from its entry to another leaves that entry behind: all that take out
    # of suspense are read.
    "entry": """
        SELECT id FROM changed_entry
        UNION SELECT entry_id FROM contributions_leg WHERE id IN (SELECT id FROM changed_leg)
        UNION SELECT entry_id FROM contributions_receipt WHERE id IN (SELECT id FROM looked_at_receipt)
        UNION SELECT entry_id FROM contributions_accountmovement WHERE id IN (SELECT id FROM changed_accountmovement)
        UNION SELECT entry_id FROM contributions_refund WHERE id IN (SELECT id FROM changed_refund)
        UNION SELECT entry_id FROM contributions_arrivalstep WHERE id IN (SELECT id FROM changed_arrivalstep)
        UNION SELECT leg.entry_id FROM contributions_leg leg
        JOIN contributions_ledgeraccount account ON account.id = leg.account_id
        WHERE account.kind = 'suspense' AND leg.amount_fen > 0
    """,
    "batch": """
        SELECT batch_id AS id FROM contributions_debitline WHERE id IN (
            SELECT id FROM changed_debitline
            UNION ALL SELECT debit_line_id FROM contributions_receipt WHERE id IN (SELECT id FROM changed_receipt))
        UNION SELECT id FROM changed_debitbatch
    """,
    "receiptofline": """
        SELECT debit_line_id AS id FROM contributions_receipt WHERE id IN (SELECT id FROM looked_at_receipt)
    """,
}


# The rows of a table that a check looks at. Whatever a check sums or pairs, it is given whole.
_NARROWED = {
    "charge": "id IN (SELECT id FROM looked_at_charge)",
    "receipt": "id IN (SELECT id FROM looked_at_receipt)",
    "receipt of lines": "debit_line_id IN (SELECT id FROM looked_at_receiptofline)",
    "debitline": "id IN (SELECT id FROM looked_at_debitline)",
    "debitline of batches": "batch_id IN (SELECT id FROM looked_at_batch)",
    "leg of entries": "entry_id IN (SELECT id FROM looked_at_entry)",
    "receipt of entries": "entry_id IN (SELECT id FROM looked_at_entry)",
    "refund of entries": "entry_id IN (SELECT id FROM looked_at_entry)",
    "arrivalstep of entries": "entry_id IN (SELECT id FROM looked_at_entry)",
    "accountmovement of entries": "entry_id IN (SELECT id FROM looked_at_entry)",
}


_AS = "{table} AS NOT MATERIALIZED (SELECT * FROM {table} WHERE {rows}) "


def narrowed(names: Iterable[str]) -> str:
    """What stands before a SELECT, so that it reads of the tables only the rows that were
    listed."""
    tables = [(name.split()[0], _NARROWED[name]) for name in names]
    return "WITH " + ", ".join(
        _AS.format(table=f"contributions_{table}", rows=rows) for table, rows in tables
    )


def find(cursor: Any, since: Place) -> Iterator[tuple[int, str]]:
    """List, for this transaction, what has changed; tell what is missing, as (number of the
    invariant, in words)."""
    for table in TABLES:
        _file, last, rows = since.tables[table.name]
        new = NEW.format(table=table.stored, transaction=since.next_transaction % 2**32)
        _listed(cursor, f"changed_{table.name}", f"SELECT id FROM {table.stored} WHERE {new}")  # noqa: S608
        still = f"NOT ({new})" if table.kept else "true"
        cursor.execute(f"SELECT count(*) FROM {table.stored} WHERE id <= %s AND {still}", [last])  # noqa: S608
        missing = rows - cursor.fetchone()[0]
        if missing > 0:
            yield table.number, _missing(cursor, table, last, missing)


def list_looked_at(cursor: Any) -> bool:
    """List, for this transaction, what is to be proved. False where so much has changed that
    proving everything is quicker."""
    cursor.execute(
        """
        SELECT (SELECT count(*) FROM changed_charge) + (SELECT count(*) FROM changed_debitline)
            + (SELECT count(*) FROM changed_receipt)
        """
    )
    if cursor.fetchone()[0] > _MANY:
        return False
    for name, ids in _LOOKED_AT.items():
        _listed(cursor, f"looked_at_{name}", ids)
    return True


def _missing(cursor: Any, table: Table, last: int, rows: int) -> str:
    if not table.kept:
        return _("{table} 中有 {rows} 行在上次核对之后被删除").format(table=table.stored, rows=rows)
    cursor.execute(f"SELECT id FROM changed_{table.name} WHERE id <= %s ORDER BY id LIMIT %s", [last, _SHOWN])  # noqa: S608
    return _("{table} 中有 {rows} 行在上次核对之后被改动或删除，改动的有：{ids}").format(
        table=table.stored, rows=rows, ids="、".join(str(row[0]) for row in cursor.fetchall()) or _("无")
    )


def _listed(cursor: Any, name: str, ids: str) -> None:
    cursor.execute(f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {ids}")
    cursor.execute(f"ANALYZE {name}")
