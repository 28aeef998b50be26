"""Rows that are only appended to, held for a transaction.

``FOR UPDATE`` asks for the right to change, which the hall's role does not have there; functions of
the tables' owner hold them in its stead, and do nothing else.
"""

from collections.abc import Iterable

from django.db import connection


def hold_receipts(receipts: Iterable[int]) -> None:
    """Until the transaction ends, whoever else holds one of these waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT contributions_hold_receipts(%s::bigint[])", [list(receipts)])


def held_entries(entries: Iterable[int]) -> list[int]:
    """Those of these entries that nobody else holds, held until the transaction ends; in order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT contributions_held_entries(%s::bigint[])", [list(entries)])
        return [pk for (pk,) in cursor.fetchall()]
