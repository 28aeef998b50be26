"""What moves a personal account besides contributions: booked once, against the right account,
never below zero."""

import threading
from collections.abc import Callable
from contextlib import suppress

import pgtrigger
import pytest
from django.db import IntegrityError, connection, transaction

from contributions.audit import CHECKS
from contributions.audit.looking import audit
from contributions.books import ledger, personal_account
from contributions.books.personal_account import Overdrawn, accounts_of, balance, book_movement
from contributions.models import AccountKind, AccountMovement, Entry, LedgerAccount, MovementKind
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.keys import KeyReused
from tests.cast import NOW, WUCHANG, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_the_money(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transfer here has no application behind it, which the audit of the room above would
    miss."""
    monkeypatch.setattr("contributions.audit.looking.all_checks", lambda: list(CHECKS))


def move(who: Person, fen: int, key: str = "T-1", **changes: object) -> AccountMovement:
    """A top-up where money comes, a transfer out where it goes, of a medical account in Wuxi."""
    kind = MovementKind.TOP_UP if fen > 0 else MovementKind.TRANSFER_OUT
    against = ledger.account(
        city="wuxi",
        kind=AccountKind.CLEARING if fen > 0 else AccountKind.TRANSFER,
        channel="card" if fen > 0 else "shenzhen",
    )
    values = {
        "person": who, "city": "wuxi", "insurance": Insurance.MEDICAL, "kind": kind, "amount_fen": fen,
        "against": against, "key": key, "by": User.objects.system(), "now": NOW,
    }  # fmt: skip
    return book_movement(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def who() -> Person:
    return person("充值人", WUCHANG, "1985-01-01", 1)


def held(kind: AccountKind, insurance: str = "") -> int:
    """What an account of Wuxi holds, credits positive."""
    return sum(
        -one.balance_fen
        for one in ledger.trial_balance(cities=["wuxi"])
        if one.account.kind == kind and one.account.insurance == insurance
    )


def test_a_movement_is_in_the_account_and_in_the_books(who: Person) -> None:
    move(who, 20000)
    move(who, -5000, "T-2", pooled_fen=-30000)
    assert balance(who, "wuxi", Insurance.MEDICAL) == 15000
    [account] = accounts_of(who)
    assert [(year.year, year.moved_fen, year.closing_fen) for year in account.years] == [(2026, 15000, 15000)]
    assert (held(AccountKind.CLEARING), held(AccountKind.PERSONAL, "medical")) == (-20000, 15000)
    assert (held(AccountKind.TRANSFER), held(AccountKind.POOLED, "medical")) == (35000, -30000)
    assert all(one.holds for one in audit())


def test_twice_by_one_key_is_once_and_another_content_is_refused(who: Person) -> None:
    assert move(who, 20000) == move(who, 20000)
    with pytest.raises(KeyReused):
        move(who, 20001)
    with pytest.raises(KeyReused):
        move(person("别人", WUCHANG, "1986-01-01", 2), 20000)
    assert Entry.objects.count() == AccountMovement.objects.count() == 1


def test_no_more_is_taken_than_there_is(who: Person) -> None:
    move(who, 20000)
    with pytest.raises(Overdrawn):
        move(who, -20001, "T-2")
    assert balance(who, "wuxi", Insurance.MEDICAL) == 20000
    move(who, -20000, "T-3")
    assert balance(who, "wuxi", Insurance.MEDICAL) == 0
    # The other city's account, and the other insurance's, hold nothing to take.
    with pytest.raises(Overdrawn):
        move(who, -1, "T-4", insurance=Insurance.PENSION)


def test_the_books_of_another_city_are_not_touched(who: Person) -> None:
    with pytest.raises(ValueError, match="wuhan"):
        move(who, 1, against=ledger.account(city="wuhan", kind=AccountKind.CLEARING, channel="card"))


@pytest.mark.parametrize(
    ("fen", "changes"),
    [
        (100, {"insurance": Insurance.PENSION}),
        (100, {"kind": MovementKind.TRANSFER_OUT}),
        (100, {"kind": MovementKind.DUPLICATE_TAKEN_BACK}),
        (100, {"pooled_fen": 5}),
        (100, {"insurance": Insurance.UNEMPLOYMENT}),
        (100, {"key": ""}),
        (0, {"kind": MovementKind.INTEREST}),
    ],
)
def test_the_database_refuses_what_a_kind_does_not_do(
    who: Person, fen: int, changes: dict[str, object]
) -> None:
    with pytest.raises((IntegrityError, ledger.Unbalanced)), transaction.atomic():
        move(who, fen, **changes)  # type: ignore[arg-type]


def test_the_database_keeps_movements_and_lets_none_go_below_zero(who: Person) -> None:
    movement = move(who, 100)
    with pytest.raises(Exception, match="Cannot update or delete"), transaction.atomic():
        AccountMovement.objects.update(amount_fen=200)
    with pytest.raises(IntegrityError, match="would hold -1 fen"), transaction.atomic():
        AccountMovement.objects.create(
            person=who, city="wuxi", insurance="medical", kind="transfer_out", amount_fen=-101,
            against=movement.against, booked_on=movement.booked_on, key="past the door", entry=movement.entry,
        )  # fmt: skip


def run_at_once(*calls: Callable[[], object]) -> list[type[BaseException]]:
    """Each in a thread of its own, at once; the errors."""
    errors: list[type[BaseException]] = []

    def one(call: Callable[[], object]) -> None:
        try:
            call()
        except Exception as error:
            errors.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def take_at_once(who: Person, monkeypatch: pytest.MonkeyPatch) -> list[type[BaseException]]:
    """Two takings of all there is, which meet after both have counted."""
    both = threading.Barrier(2, timeout=2)
    counted = personal_account.balance

    def count_and_wait(*args: object) -> int:
        fen = counted(*args)  # type: ignore[arg-type]
        # It breaks where the other one waits for our lock: the guard holds.
        with suppress(threading.BrokenBarrierError):
            both.wait()
        return fen

    monkeypatch.setattr(personal_account, "balance", count_and_wait)
    return run_at_once(lambda: move(who, -20000, "T-2"), lambda: move(who, -20000, "T-3"))


def prepare(who: Person) -> None:
    move(who, 20000)
    ledger.account(city="wuxi", kind=AccountKind.TRANSFER, channel="shenzhen")
    ledger.account(city="wuxi", kind=AccountKind.POOLED, insurance="medical")


@pytest.mark.django_db(transaction=True)
def test_of_two_takings_at_once_one_wins(who: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(who)
    assert take_at_once(who, monkeypatch) == [Overdrawn]
    assert balance(who, "wuxi", Insurance.MEDICAL) == 0
    assert all(one.holds for one in audit())


@pytest.mark.django_db(transaction=True)
def test_with_the_guards_off_both_would_take_it(who: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(who)
    monkeypatch.setattr(personal_account, "lock_account", lambda person: None)
    pgtrigger.disable("contributions.AccountMovement:no_account_below_zero")
    try:
        assert take_at_once(who, monkeypatch) == []
        assert 2 in {one.number for one in audit() if not one.holds}
    finally:
        pgtrigger.enable("contributions.AccountMovement:no_account_below_zero")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contributions_accountmovement SET amount_fen = amount_fen + 1",
        "UPDATE contributions_accountmovement SET pooled_fen = pooled_fen + 1",
        "UPDATE contributions_accountmovement SET city = 'wuhan'",
        "UPDATE contributions_accountmovement SET insurance = 'pension', kind = 'transfer_in'",
        "DELETE FROM contributions_accountmovement",
    ],
)
def test_the_audit_finds_a_movement_that_is_not_its_entry(who: Person, statement: str) -> None:
    move(who, 20000, kind=MovementKind.TRANSFER_IN, pooled_fen=700)
    assert all(one.holds for one in audit())
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
    assert 2 in {one.number for one in audit() if not one.holds}


def test_the_audit_finds_another_account_on_the_other_side(who: Person) -> None:
    movement = move(who, 20000, kind=MovementKind.TRANSFER_IN)
    other = LedgerAccount.objects.create(city="wuxi", kind=AccountKind.TRANSFER, channel="ningbo")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE contributions_accountmovement SET against_id = %s WHERE id = %s", [other.pk, movement.pk]
        )
        cursor.execute("SET session_replication_role = origin")
    assert 2 in {one.number for one in audit() if not one.holds}
