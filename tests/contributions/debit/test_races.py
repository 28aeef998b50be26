"""Several workers at one batch, each on a connection of its own; the guards are taken away as a
control."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from time import sleep

import pytest
from django.db import IntegrityError, connection
from django.db.models import QuerySet

from contributions.audit.looking import audit
from contributions.books.receiving import receive
from contributions.charges import charging
from contributions.debit import freezing, opening, posting, sending
from contributions.models import DebitBatch, DebitLine, Entry, Receipt
from portal.accounts.models import User
from tests.cast import NOW
from tests.contributions.money_cast import OCTOBER, Road, charge_of, worker

pytestmark = pytest.mark.django_db(transaction=True)
WORKERS = 4


def at_once(call: Callable[[], object], times: int = WORKERS) -> list[object]:
    """What each of the calls gave or raised, all started together, each on a connection of its
    own."""
    ready = Barrier(times)

    def run(_number: int) -> object:
        try:
            ready.wait(timeout=10)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def until_others_wait(number: int) -> None:
    """Returns when so many other connections wait for a lock. AssertionError where that takes
    longer than it can."""
    with connection.cursor() as cursor:
        for _look in range(1000):
            cursor.execute(
                """
                SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
                WHERE NOT granted AND datname = current_database()
                """
            )
            if cursor.fetchone()[0] >= number:
                return
            sleep(0.01)
    raise AssertionError(f"never did {number} others wait")


@pytest.fixture
def owed(exchange: Path) -> Road:
    for order in range(1, 31):
        worker(order)
    road = Road(exchange=exchange, by=User.objects.system(), now=NOW)
    road.charge()
    return road


def test_a_batch_opened_by_several_at_once_is_one(owed: Road) -> None:
    opened = at_once(owed.open)
    assert {batch.pk for batch in opened if isinstance(batch, DebitBatch)} == {DebitBatch.objects.get().pk}
    assert DebitLine.objects.count() == 30


def test_without_the_lock_the_database_still_opens_one(owed: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the guard some fail, and none draws twice."""
    look, chunks, met = opening.standing_batch, opening.ends_of_chunks, Barrier(WORKERS)

    def look_together(*what: object) -> DebitBatch | None:
        found = look(*what)  # type: ignore[arg-type]
        met.wait(timeout=10)
        return found

    def taken(batch: int, count: int) -> list[int]:
        """The first to have taken the lines goes on when the others want them, too."""
        until_others_wait(WORKERS - 1)
        return list(chunks(batch, count))

    monkeypatch.setattr(opening, "one_batch_opened", lambda city: None)
    monkeypatch.setattr(opening, "standing_batch", look_together)
    monkeypatch.setattr(opening, "ends_of_chunks", taken)
    outcomes = at_once(owed.open)
    assert any(isinstance(one, IntegrityError) for one in outcomes), outcomes
    assert DebitBatch.objects.count() == 1
    assert DebitLine.objects.count() == 30


def test_several_workers_share_a_batch(owed: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "CHUNK", 2)
    batch = owed.open()
    owed.send(batch)
    owed.bank()
    outcomes = at_once(owed.read)
    assert sum(len(one) for one in outcomes if isinstance(one, list)) == 1, outcomes
    batch.refresh_from_db()

    def post() -> str:
        return posting.post(DebitBatch.objects.get(pk=batch.pk), by=owed.by, now=owed.now).status

    outcomes = at_once(post)
    assert "posted" in outcomes, outcomes
    assert Receipt.objects.count() == 30
    assert Entry.objects.count() == 15
    assert DebitBatch.objects.get().events.filter(status="posted").count() == 1
    assert all(one.holds for one in audit())


def test_one_file_is_written_by_one(owed: Road) -> None:
    batch = owed.release(owed.open())
    at_once(lambda: sending.write_file(DebitBatch.objects.get(pk=batch.pk), by=owed.by, now=owed.now))
    batch.refresh_from_db()
    assert batch.status == "sent"
    assert batch.files.count() == 1
    assert [path.name for path in (owed.exchange / "outbox").iterdir()] == [batch.file_name]


def test_a_hundred_confirmations_at_once_are_one(owed: Road) -> None:
    charges = [
        charge_of(one.of_charge.person) for one in owed.open().lines.select_related("charge__person")[:2]
    ]
    outcomes = at_once(
        lambda: receive(charges, channel="wechat", provider_number="42", at=owed.now, by=owed.by), times=20
    )
    assert [isinstance(one, QuerySet) and len(one) for one in outcomes] == [2] * 20, outcomes
    assert Receipt.objects.count() == 2
    assert Entry.objects.count() == 1
    assert all(one.holds for one in audit())


def test_posting_and_another_channel_at_once_pay_once(owed: Road) -> None:
    batch = owed.open()
    owed.send(batch)
    owed.bank()
    owed.read()
    batch.refresh_from_db()
    charges = [line.of_charge for line in batch.lines.select_related("charge")]
    numbers = iter(range(WORKERS))
    steps = [
        lambda: posting.post(DebitBatch.objects.get(pk=batch.pk), by=owed.by, now=owed.now),
        lambda: receive(charges, channel="counter", provider_number="1", at=owed.now, by=owed.by),
    ]
    outcomes = at_once(lambda: steps[next(numbers) % 2](), times=2)
    assert not any(isinstance(one, Exception) for one in outcomes), outcomes
    assert Receipt.objects.filter(applied=True).count() == 30
    assert Receipt.objects.filter(applied=False).count() == 30
    assert all(one.holds for one in audit())


def test_two_charging_runs_without_their_lock_are_stopped_by_the_database(
    exchange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for order in range(1, 6):
        worker(order)
    by = User.objects.system()
    insert = charging.charge_tiers

    def together(*args: object) -> int:
        Together.barrier.wait(timeout=10)
        return insert(*args)  # type: ignore[arg-type]

    class Together:
        barrier = Barrier(2)

    monkeypatch.setattr(charging, "charge_tiers", together)
    monkeypatch.setattr(charging, "one_charging_run", lambda city: None)
    outcomes = at_once(lambda: charging.charge(city="wuhan", month=OCTOBER, by=by, now=NOW), times=2)
    assert sum(isinstance(one, IntegrityError) for one in outcomes) == 1, outcomes
