"""How PostgreSQL plans a statement over whole tables: it may know nothing yet of rows that have just been written."""

from typing import Any


def whole_tables(cursor: Any) -> None:
    """Until ``row_by_row``, or the transaction's end, tables are joined as sets. Where the planner believes a table to be empty
    that has just been filled, or is being filled, it would look millions of rows up in it one by one: minutes, not seconds."""
    cursor.execute("SET LOCAL enable_nestloop = off")
    cursor.execute("SET LOCAL work_mem = '64MB'")


def row_by_row(cursor: Any) -> None:
    """As the planner likes it."""
    cursor.execute("SET LOCAL work_mem TO DEFAULT")
    cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")
