"""The audit: silent on sound books, and loud for each invariant that is broken behind the database's back."""

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from contributions.audit import audit
from portal.shared.months import CHINA
from tests.contributions.money_cast import POOR, Road, worker

LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=CHINA)


@pytest.fixture
def books(road: Road) -> Road:
    """A closed month: two paid, one failed."""
    worker(1)
    worker(2)
    worker(3, ending=POOR)
    road.walked()
    return road


def broken_by(*statements: str) -> set[int]:
    """The invariants that do not hold after these statements, written with every trigger off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
    found = {one.number for one in audit() if not one.holds}
    # Whatever is new is found as well by looking at new rows only.
    assert {one.number for one in audit(since=LONG_AGO) if not one.holds} == found
    return found


def without(table: str, constraint: str) -> str:
    return f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"


def test_sound_books_hold(books: Road) -> None:
    findings = audit()
    assert all(one.holds for one in findings)
    assert {1, 2, 3, 4, 5, 6, 7, 8} <= {one.number for one in findings}


COPY_RECEIPT = """
    INSERT INTO contributions_receipt (channel, provider_number, amount_fen, charge_id, applied, received_at, account_fen,
        entry_id, debit_line_id)
    SELECT {channel}, {number}, amount_fen, charge_id, {applied}, received_at, {account}, entry_id, {line}
    FROM contributions_receipt ORDER BY id LIMIT 1
"""


def copy_receipt(**changes: str) -> str:
    values = {
        "channel": "channel",
        "number": "'other'",
        "applied": "applied",
        "account": "account_fen",
        "line": "NULL",
    }
    return COPY_RECEIPT.format(**{**values, **changes})


@pytest.mark.parametrize(
    ("statements", "numbers"),
    [
        (["UPDATE contributions_leg SET amount_fen = amount_fen + 1 WHERE amount_fen > 0"], {1, 2}),
        (["UPDATE contributions_entry SET at = at + interval '1 day'"], {1}),
        (["UPDATE contributions_entry SET reference = 'other'"], {1}),
        (["UPDATE contributions_entry SET number = 2"], {1}),
        (["DELETE FROM contributions_leg", "DELETE FROM contributions_entry"], {2}),
        (
            [
                without("contributions_receipt", "a_payment_is_received_once"),
                copy_receipt(number="provider_number", applied="false", account="0"),
            ],
            {2},
        ),
        (
            ["UPDATE contributions_receipt SET amount_fen = amount_fen + 1 WHERE provider_number LIKE '%-1'"],
            {2, 3},
        ),
        (
            [
                "UPDATE contributions_receipt SET account_fen = account_fen - 1 WHERE provider_number LIKE '%-1'"
            ],
            {2},
        ),
        (["DELETE FROM contributions_receipt WHERE provider_number LIKE '%-1'"], {2, 3, 6}),
        (["UPDATE contributions_debitbatch SET total_fen = total_fen + 1"], {3}),
        (["UPDATE contributions_debitbatch SET line_count = line_count + 1"], {3}),
        (
            ["UPDATE contributions_debitline SET status = 'pending', drawing = true, reason_code = ''"],
            {3},
        ),
        (["UPDATE contributions_debitline SET amount_fen = amount_fen + 1 WHERE sequence = 1"], {3}),
        (
            [
                without("enrollment_coverage", "no_two_live_coverages_share_a_month"),
                """INSERT INTO enrollment_coverage (person_id, insurance, capacity, city, district, start, live, created_at)
                SELECT person_id, insurance, capacity, city, district, '2027-01-01', true, now()
                FROM enrollment_coverage LIMIT 1""",
            ],
            {4},
        ),
        (["UPDATE enrollment_coverage SET until = '2026-09-01'"], {5}),
        (["UPDATE enrollment_coverage SET live = false"], {5}),
        (["UPDATE contributions_charge SET city = 'wuxi'"], {5, 8}),
        (
            [
                "DROP INDEX one_live_charge_per_insurance_and_month",
                """INSERT INTO contributions_charge (city, person_id, coverage_id, insurance, capacity, month, base, amount_fen,
                    personal_fen, employer_fen, account_fen, policy, policy_since, basis, status, live, due_on, created_at)
                SELECT city, person_id, coverage_id, insurance, capacity, month, base, amount_fen, personal_fen, employer_fen,
                    account_fen, policy, policy_since, basis, 'owed', true, due_on, created_at
                FROM contributions_charge LIMIT 1""",
            ],
            {5},
        ),
        (["DELETE FROM contributions_batchevent WHERE status = 'closed'"], {6}),
        (["DELETE FROM contributions_batchevent WHERE status = 'answered'"], {6}),
        (["UPDATE contributions_charge SET status = 'paid' WHERE status = 'owed'"], {6}),
        (["UPDATE contributions_charge SET status = 'void', live = false WHERE status = 'owed'"], {6}),
        (
            ["DROP INDEX a_charge_is_paid_once", copy_receipt()],
            {2, 7},
        ),
        ([copy_receipt(applied="false", account="0", line="debit_line_id")], {2, 3, 7}),
        (
            [
                "DROP INDEX a_charge_is_drawn_once",
                without("contributions_debitline", "a_charge_once_in_a_batch"),
                """UPDATE contributions_debitline
                SET charge_id = (SELECT charge_id FROM contributions_debitline WHERE sequence = 1) WHERE sequence = 2""",
            ],
            {7},
        ),
        (
            [
                without("contributions_charge", "charge_shares_make_the_amount"),
                "UPDATE contributions_charge SET amount_fen = amount_fen + 1 WHERE status = 'owed'",
            ],
            {3, 8},
        ),
        (["UPDATE contributions_charge SET policy_since = '2012-01-01'"], {8}),
        (
            ["UPDATE contributions_charge SET personal_fen = personal_fen + 1, amount_fen = amount_fen + 1"],
            {3, 8},
        ),
    ],
)
def test_each_broken_invariant_is_found(books: Road, statements: list[str], numbers: set[int]) -> None:
    assert numbers <= broken_by(*statements)


def test_a_gap_in_the_chain_is_found_though_all_balances(books: Road) -> None:
    worker(4)
    books.month = books.month + 1
    books.walked()
    assert 1 in broken_by(
        "DELETE FROM contributions_leg WHERE entry_id = (SELECT min(id) FROM contributions_entry)",
        "DELETE FROM contributions_entry WHERE id = (SELECT min(id) FROM contributions_entry)",
    )


def test_the_command_tells_each_invariant_and_ends_with_one_where_one_fails(
    books: Road, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit_ledger")
    told = capsys.readouterr().out
    assert told.count("通过") == len(audit())
    assert "不符" not in told
    broken_by("UPDATE contributions_debitbatch SET total_fen = total_fen + 1")
    with pytest.raises(CommandError) as failed:
        call_command("audit_ledger")
    assert failed.value.returncode == 1
    assert "420100-202610-psbc-1" in capsys.readouterr().out


def test_the_command_speaks_json(books: Road, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("audit_ledger", json=True)
    assert {one["number"]: one["holds"] for one in json.loads(capsys.readouterr().out)}[1] is True


def test_since_a_day_only_what_came_since_is_looked_at(books: Road) -> None:
    """An old row that was changed is found by the audit of everything alone, and the command says which of the two it was."""
    worker(4)
    books.month, books.now = books.month + 1, books.now + dt.timedelta(days=31)
    since = books.now - dt.timedelta(hours=1)
    books.walked()
    assert all(one.holds for one in audit(since=since))
    change = "UPDATE contributions_receipt SET amount_fen = amount_fen + 1 WHERE id = (SELECT {}(id) FROM contributions_receipt)"
    assert broken_by(change.format("min")) == {2, 3}
    assert all(one.holds for one in audit(since=since))
    broken_by(change.format("max"))
    assert {one.number for one in audit(since=since) if not one.holds} == {2, 3}


def test_the_command_tells_that_it_did_not_look_at_everything(
    books: Road, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit_ledger", "--since", f"{books.now:%Y-%m-%d}")
    assert "不是全面核对" in capsys.readouterr().out
    call_command("audit_ledger")
    assert "不是全面核对" not in capsys.readouterr().out
    with pytest.raises(CommandError, match="YYYY-MM-DD"):
        call_command("audit_ledger", "--since", "yesterday")
