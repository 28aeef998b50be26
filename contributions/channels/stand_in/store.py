"""What the providers remember: payments, refunds, text messages and notifications, in one SQLite
file."""

import datetime as dt
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS payment (
    channel TEXT, number TEXT, token TEXT UNIQUE, amount_fen INTEGER, subject TEXT, notify_url TEXT, return_url TEXT,
    expires_at TEXT, created_at TEXT, state TEXT, taken_fen INTEGER, provider_number TEXT, paid_at TEXT, scenario TEXT,
    details TEXT, PRIMARY KEY (channel, number)
);
CREATE TABLE IF NOT EXISTS refund (
    channel TEXT, refund_number TEXT, number TEXT, amount_fen INTEGER, provider_number TEXT, at TEXT, asked INTEGER DEFAULT 0,
    PRIMARY KEY (channel, refund_number)
);
CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, number TEXT, phone TEXT, content TEXT, at TEXT);
CREATE TABLE IF NOT EXISTS delivery (id INTEGER PRIMARY KEY, channel TEXT, number TEXT, what TEXT, status TEXT, at TEXT);
CREATE TABLE IF NOT EXISTS fault (
    id INTEGER PRIMARY KEY, channel TEXT, number TEXT, action TEXT, fault TEXT, calls INTEGER
);
"""

Row = dict[str, Any]


class Store:
    """One connection under one lock: this is a stand-in, and what it does must be easy to
    follow."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.executescript(_TABLES)
        self._lock = threading.RLock()
        self._ahead = dt.timedelta()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else reads or writes; all of it is kept, or nothing."""
        with self._lock:
            inside = self._connection.in_transaction
            if not inside:
                self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if not inside:
                    self._connection.execute("ROLLBACK")
                raise
            if not inside:
                self._connection.execute("COMMIT")

    def now(self) -> dt.datetime:
        """The providers' working clock, which a test may set; signatures go by the machine's."""
        return dt.datetime.now(dt.UTC) + self._ahead

    def set_clock(self, now: dt.datetime | None) -> None:
        self._ahead = now - dt.datetime.now(dt.UTC) if now else dt.timedelta()

    def rows(self, query: str, *values: Any) -> list[Row]:
        with self._lock:
            return [dict(row) for row in self._connection.execute(query, values)]

    def run(self, query: str, *values: Any) -> None:
        with self._lock:
            self._connection.execute(query, values)

    def payment(self, channel: str, number: str) -> Row | None:
        found = self.rows("SELECT * FROM payment WHERE channel = ? AND number = ?", channel, number)
        return self._read(found[0]) if found else None

    def payment_of(self, channel: str, token: str) -> Row | None:
        found = self.rows("SELECT * FROM payment WHERE channel = ? AND token = ?", channel, token)
        return self._read(found[0]) if found else None

    def add_payment(self, channel: str, number: str, **values: Any) -> Row:
        values = {
            "token": secrets.token_urlsafe(18),
            "created_at": self.now().isoformat(),
            "state": "waiting",
            "scenario": "plain",
            **values,
        }
        values["details"] = json.dumps(values.get("details", {}), ensure_ascii=False)
        names = ["channel", "number", *values]
        self.run(
            f"INSERT INTO payment ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",  # noqa: S608 - our own names
            channel,
            number,
            *values.values(),
        )
        payment = self.payment(channel, number)
        assert payment is not None  # noqa: S101 - it was written just now
        return payment

    def change_payment(self, payment: Row, **values: Any) -> Row:
        payment.update(values)
        if "details" in values:
            values["details"] = json.dumps(values["details"], ensure_ascii=False)
        settings = ", ".join(f"{name} = ?" for name in values)
        self.run(
            f"UPDATE payment SET {settings} WHERE channel = ? AND number = ?",  # noqa: S608 - our own names
            *values.values(),
            payment["channel"],
            payment["number"],
        )
        return payment

    def refund(self, channel: str, refund_number: str) -> Row | None:
        found = self.rows(
            "SELECT * FROM refund WHERE channel = ? AND refund_number = ?", channel, refund_number
        )
        return found[0] if found else None

    def refunded_fen(self, payment: Row) -> int:
        [row] = self.rows(
            "SELECT coalesce(sum(amount_fen), 0) AS fen FROM refund WHERE channel = ? AND number = ?",
            payment["channel"],
            payment["number"],
        )
        return int(row["fen"])

    def add_refund(self, payment: Row, refund_number: str, amount_fen: int) -> Row:
        self.run(
            "INSERT INTO refund (channel, refund_number, number, amount_fen, provider_number, at) VALUES (?, ?, ?, ?, ?, ?)",
            payment["channel"],
            refund_number,
            payment["number"],
            amount_fen,
            f"R{self.now():%Y%m%d}{secrets.randbelow(10**14):014d}",
            self.now().isoformat(),
        )
        refund = self.refund(payment["channel"], refund_number)
        assert refund is not None  # noqa: S101 - it was written just now
        return refund

    def add_fault(self, channel: str, number: str, action: str, fault: str, calls: int) -> None:
        self.run(
            "INSERT INTO fault (channel, number, action, fault, calls) VALUES (?, ?, ?, ?, ?)",
            channel,
            number,
            action,
            fault,
            calls,
        )

    def take_fault(self, channel: str, number: str, action: str) -> str:
        """The fault that this call is to suffer, or nothing; each is good for a number of calls."""
        with self.alone():
            found = self.rows(
                "SELECT * FROM fault WHERE channel = ? AND number IN (?, '*') AND action IN (?, '*') AND calls > 0 ORDER BY id",
                channel,
                number,
                action,
            )
            if not found:
                return ""
            self.run("UPDATE fault SET calls = calls - 1 WHERE id = ?", found[0]["id"])
            return str(found[0]["fault"])

    def _read(self, row: Row) -> Row:
        row["details"] = json.loads(row["details"])
        row["expires_at"] = dt.datetime.fromisoformat(row["expires_at"])
        row["expired"] = row["state"] == "waiting" and row["expires_at"] <= self.now()
        return row
