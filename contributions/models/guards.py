"""SQL conditions that the triggers of several tables share."""

from collections.abc import Iterable


def differs(columns: Iterable[str]) -> str:
    """SQL that is true where one of the columns differs between the old and the new row."""
    return " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)


def illegal(column: str, moves: Iterable[tuple[str, str]]) -> str:
    """SQL that is true where the column moves, and not along the table. A WHEN clause: a million legal moves call no function."""
    legal = ", ".join(f"('{start}', '{end}')" for start, end in moves)
    return f"(OLD.{column} <> NEW.{column} AND (OLD.{column}, NEW.{column}) NOT IN ({legal}))"
