"""What the triggers of several tables share: SQL conditions, and a whole one."""

from collections.abc import Iterable
from typing import Any

import pgtrigger

from portal.shared.life_cycle import LifeCycle


def differs(columns: Iterable[str]) -> str:
    """SQL that is true where one of the columns differs between the old and the new row."""
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)


def illegal(column: str, life_cycle: LifeCycle[Any]) -> str:
    """SQL that is true where the column makes a move that is not of its life cycle.

    For a trigger's WHEN clause, so that a million legal moves call no function.
    """
    moved = f"(OLD.{column}, NEW.{column})"
    return f"(OLD.{column} <> NEW.{column} AND {moved} NOT IN ({life_cycle.moves_sql}))"


def never_without(name: str, *, table: str, column: str, says: str, named: str = "id") -> pgtrigger.Trigger:
    """A trigger by which a row cannot be committed without rows of ``table`` that name it in
    ``column``; it says so, with % for the row's ``named`` column."""
    return pgtrigger.Trigger(
        name=name,
        operation=pgtrigger.Insert,
        when=pgtrigger.After,
        timing=pgtrigger.Deferred,
        func=f"""
                    IF NOT EXISTS (SELECT 1 FROM {table} WHERE {column} = NEW.id) THEN
                        RAISE EXCEPTION '{says}', NEW.{named} USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,  # noqa: S608 - the parts are constants
    )
