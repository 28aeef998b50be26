"""The audit: silent on sound books, and loud for each invariant that is broken behind the
database's back."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from contributions.audit import changed_rows, durability, held_by_database
from contributions.audit.changed_rows import Place
from contributions.audit.looking import audit
from contributions.bank_files import exchange as folders
from tests.contributions.money_cast import POOR, Road, worker

# Before the first row.
BEGINNING = Place("", "", 0, {table.name: (0, 0, 0) for table in changed_rows.TABLES})


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
    behind_the_back(*statements)
    found = broken()
    # Where every row is a new one, looking at new rows only finds the same.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changed_rows, "NEW", "true")
        assert broken(since=BEGINNING) == found
    return found


def behind_the_back(*statements: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")


def broken(*, since: Place | None = None, jobs: int = 1) -> set[int]:
    return {one.number for one in audit(since=since, jobs=jobs) if not one.holds}


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


# Statements, and the invariants that they break.
BREAKS: list[tuple[list[str], set[int]]] = [
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
        ["UPDATE contributions_receipt SET account_fen = account_fen - 1 WHERE provider_number LIKE '%-1'"],
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
]


@pytest.mark.parametrize(("statements", "numbers"), BREAKS)
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


@pytest.mark.parametrize(
    ("number", "words", "statements"),
    [
        (
            2,
            "记了 2 次",
            [
                without("contributions_receipt", "a_payment_is_received_once"),
                "CREATE INDEX a_payment_is_received_once ON contributions_receipt (channel, provider_number)",
                copy_receipt(number="provider_number", applied="false", account="0"),
            ],
        ),
        (
            7,
            "入账 2 次",
            [
                "DROP INDEX a_charge_is_paid_once",
                "CREATE UNIQUE INDEX a_charge_is_paid_once ON contributions_receipt (charge_id) WHERE applied AND amount_fen < 0",
                copy_receipt(),
            ],
        ),
        (
            7,
            "记了 2 次",
            [
                without("contributions_entry", "booked_once"),
                """ALTER TABLE contributions_entry ADD CONSTRAINT booked_once UNIQUE (kind, reference)
                DEFERRABLE INITIALLY DEFERRED""",
                """INSERT INTO contributions_entry (city, number, kind, reference, at, by_id, previous_digest, digest)
                SELECT city, number + 9, kind, reference, at, by_id, '', '' FROM contributions_entry LIMIT 1""",
            ],
        ),
        (
            8,
            "≠",
            [
                without("contributions_charge", "charge_shares_make_the_amount"),
                "UPDATE contributions_charge SET amount_fen = amount_fen + 1 WHERE status = 'owed'",
                """ALTER TABLE contributions_charge ADD CONSTRAINT charge_shares_make_the_amount
                CHECK (amount_fen = (personal_fen + employer_fen)) NOT VALID""",
            ],
        ),
    ],
)
def test_what_a_constraint_holds_is_asked_where_only_its_name_is_left(
    books: Road, monkeypatch: pytest.MonkeyPatch, number: int, words: str, statements: list[str]
) -> None:
    """Not unique, of fewer rows, put off, or never proved of old rows. Control: believed by its
    name, it hides them."""

    def told() -> bool:
        return any(words in text for one in audit() if one.number == number for text in one.examples)

    behind_the_back(*statements)
    assert told()
    monkeypatch.setattr(held_by_database, "standing", lambda cursor: set(held_by_database.CONSTRAINTS))
    assert not told()


def test_all_constraints_that_the_audit_relies_on_stand(books: Road) -> None:
    with connection.cursor() as cursor:
        assert held_by_database.standing(cursor) == set(held_by_database.CONSTRAINTS)


def test_an_answer_of_a_bank_that_is_gone_or_altered_is_missed(books: Road) -> None:
    [answer] = folders.folder(folders.ARCHIVE).iterdir()
    content = answer.read_bytes()
    answer.write_bytes(content[:-1])
    assert broken() == {13}
    answer.unlink()
    assert broken() == {13}
    answer.write_bytes(content)
    assert broken() == set()


def test_a_server_that_may_forget_is_told_of(books: Road, settings) -> None:
    """The tests' own server is one, and nobody minds."""
    assert list(durability.forgetful_server()) == []
    settings.DATABASE_IS_THROWN_AWAY = False
    assert len(list(durability.forgetful_server())) == 3
    assert broken() == {13}


def test_a_table_that_a_crash_would_empty_is_told_of(books: Road) -> None:
    assert broken_by("ALTER TABLE contributions_paymentnotice SET UNLOGGED") == {13}
