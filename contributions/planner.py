"""Many rows at once: how PostgreSQL plans a statement over whole tables, or over a sliver of them
(it may know nothing yet of rows that have just been written), and rows by their ids."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Model, QuerySet


def whole_tables(cursor: Any) -> None:
    """Until ``row_by_row``, or the transaction's end, tables are joined as sets. Where the planner
    believes a table to be empty that has just been filled, or is being filled, it would look
    millions of rows up in it one by one: minutes, not seconds."""
    cursor.execute("SET LOCAL enable_nestloop = off")
    cursor.execute("SET LOCAL work_mem = '64MB'")


def a_sliver(cursor: Any) -> None:
    """Until ``row_by_row``, or the transaction's end, rows are found by index, whatever the planner
    believes of their tables: of millions of rows a few thousand are read."""
    cursor.execute("SET LOCAL enable_seqscan = off")
    cursor.execute("SET LOCAL enable_mergejoin = off")
    cursor.execute("SET LOCAL enable_hashjoin = off")


def row_by_row(cursor: Any) -> None:
    """As the planner likes it."""
    for setting in ("work_mem", "enable_nestloop", "enable_seqscan", "enable_mergejoin", "enable_hashjoin"):
        cursor.execute(f"SET LOCAL {setting} TO DEFAULT")


def ids_of(rows: Iterable[Model]) -> list[int]:
    """Their ids, each once and in order; of a query set nothing else is read."""
    return sorted(
        set(rows.values_list("pk", flat=True) if isinstance(rows, QuerySet) else (row.pk for row in rows))
    )
