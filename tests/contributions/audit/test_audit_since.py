"""Audits that go on from the last: what has changed is found whoever changed it, and what has not
is not read again."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

import contributions.audit
from contributions.audit import changed_rows
from contributions.audit import runs as audit_runs
from contributions.audit.changed_rows import Place
from contributions.audit.looking import audit, look
from contributions.models import AuditRun
from contributions.tasks import books as book_tasks
from tests.conftest import Clock
from tests.contributions.audit.test_audit import BREAKS, behind_the_back, broken
from tests.contributions.money_cast import POOR, Road, worker

pytestmark = pytest.mark.django_db(transaction=True)

OLD_RECEIPT = """
    UPDATE contributions_receipt SET amount_fen = amount_fen + 1 WHERE id = (SELECT min(id) FROM contributions_receipt)
"""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests beside these end transactions all the time: an instant without one takes longer to meet
    than in service."""
    monkeypatch.setattr(contributions.audit.looking, "PATIENCE", 60)


@pytest.fixture
def books(road: Road) -> Road:
    """A closed month: two paid, one failed; and the next, of four, just charged."""
    worker(1)
    worker(2)
    worker(3, ending=POOR)
    road.walked()
    worker(4)
    road.month, road.now = road.month + 1, road.now + dt.timedelta(days=31)
    road.charge()
    return road


@pytest.fixture
def place(books: Road) -> Place:
    """Where the books were sound."""
    findings, place = look()
    assert all(one.holds for one in findings)
    assert place is not None
    return place


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_whatever_is_broken_since_is_found_as_by_an_audit_of_everything(place: Place) -> None:
    """Each break of ``test_audit``, of old rows and behind triggers; what is gone is missed under
    its own table's number. Control: without the versions those stay unseen that only checks of what
    has changed look for."""
    unseen = 0
    for statements, numbers in BREAKS:
        with undone():
            behind_the_back(*statements)
            found = broken(since=place)
            assert numbers <= found or (found and "DELETE" in statements[0]), statements
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(changed_rows, "NEW", "false")
                unseen += not broken(since=place)
    assert unseen == 10


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        # Nothing sums wrongly, and yet: what is kept was changed, what was there is gone.
        ("UPDATE contributions_receipt SET received_at = received_at + interval '1 day'", 2),
        ("DELETE FROM contributions_charge WHERE id = (SELECT max(id) FROM contributions_charge)", 5),
    ],
)
def test_rows_that_were_changed_or_deleted_against_the_rule_are_missed(
    place: Place, statement: str, number: int
) -> None:
    """Though the sums agree, which is all that an audit of everything asks."""
    with undone():
        behind_the_back(statement)
        assert broken() == set()
        assert number in broken(since=place)


def test_a_payment_moved_from_one_charge_to_another_is_missed_where_it_was(place: Place) -> None:
    """The charge that it left has not changed, and neither have the sums."""
    with undone():
        behind_the_back(
            """UPDATE contributions_charge SET status = 'paid' WHERE id = (
                SELECT max(id) FROM contributions_charge WHERE insurance = 'pension')""",
            """UPDATE contributions_receipt SET charge_id = (
                SELECT max(id) FROM contributions_charge WHERE insurance = 'pension')
            WHERE id = (SELECT min(receipt.id) FROM contributions_receipt receipt
                JOIN contributions_charge charge ON charge.id = receipt.charge_id WHERE insurance = 'pension')""",
        )
        assert 6 in broken()
        assert {2} <= broken(since=place)


def test_what_went_on_in_good_order_is_sound(books: Road, place: Place) -> None:
    books.walked()
    worker(5)
    assert broken(since=place) == set()
    findings, later = look(since=place)
    assert all(one.holds for one in findings)
    assert later is not None
    assert later.next_transaction > place.next_transaction


def test_only_what_has_changed_is_proved(place: Place) -> None:
    """An old fault that an audit could find is not looked for again."""
    with undone():
        behind_the_back(OLD_RECEIPT)
        assert broken() == {2, 3}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(changed_rows, "NEW", "false")
            assert 2 not in broken(since=place)


def test_several_connections_find_what_one_finds(books: Road) -> None:
    behind_the_back(OLD_RECEIPT)
    assert audit(jobs=3) == audit()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND state LIKE 'idle in transaction%'
            """
        )
        assert cursor.fetchone() == (0,)


def test_the_command_goes_on_from_the_last_sound_audit(
    books: Road, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("audit_ledger", since_last=True)
    assert "没有可以接续的核对" in capsys.readouterr().out
    call_command("audit_ledger", since_last=True)
    assert "不是全面核对" in capsys.readouterr().out
    behind_the_back(OLD_RECEIPT)
    for _again in range(2):
        with pytest.raises(CommandError) as failed:
            call_command("audit_ledger", since_last=True)
        assert failed.value.returncode == 1
        assert "上次核对之后被改动或删除" in capsys.readouterr().out
    first, second, *broken_ones = AuditRun.objects.order_by("pk")
    assert (first.since, second.since) == (None, first)
    assert [one.since for one in broken_ones] == [second, second]


def test_an_audit_during_which_somebody_writes_is_none_to_go_on_from(
    books: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not committed yet has old numbers and is not seen. The books are audited all the
    same."""
    writer = connection.copy()
    writer.set_autocommit(False)
    try:
        with writer.cursor() as cursor:
            cursor.execute("UPDATE contributions_charge SET status = status")
        with monkeypatch.context() as patch:
            patch.setattr(contributions.audit.looking, "PATIENCE", 0.5)
            done = audit_runs.run(everything=True)
        assert (done.broken, done.place) == (0, None)
        assert audit_runs.last_sound() is None
    finally:
        writer.close()
    assert audit_runs.run(everything=True).place is not None


def test_whoever_writes_in_another_database_of_the_server_is_not_waited_for(
    books: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = connection.copy()
    writer.settings_dict = {**writer.settings_dict, "NAME": "postgres"}
    writer.set_autocommit(False)
    try:
        with writer.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        place = audit_runs.run(everything=True).place
        assert place is not None
        writer.commit()
    finally:
        writer.close()
    # The next goes on from there.
    assert audit_runs.run(everything=False).since is not None


def test_nothing_is_gone_on_from_across_tables_written_anew_another_policy_or_half_the_circle(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changed_rows.reaches(place)
    assert not changed_rows.reaches(replace(place, next_transaction=place.next_transaction - 2**31))
    assert not changed_rows.reaches(replace(place, system="another"))
    assert not changed_rows.reaches(replace(place, policy="another"))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM FULL contributions_suspension")
    assert not changed_rows.reaches(place)
    assert Place.of(json.loads(json.dumps(place.told()))) == place


def test_each_night_goes_on_from_the_last_and_sunday_begins_anew(books: Road, clock: Clock) -> None:
    clock.set("2026-11-28 05:10")
    book_tasks.audit_books()
    for _day in range(3):
        clock.step(days=1)
        book_tasks.audit_books()
    runs = AuditRun.objects.order_by("pk")
    # Saturday has nothing to go on from, Sunday is the day.
    assert [one.since is None for one in runs] == [True, True, False, False]
    assert runs[3].since == runs[2]
    assert audit_runs.troubles(clock.now) == 0
    assert audit_runs.troubles(clock.now + dt.timedelta(hours=37)) == 1
