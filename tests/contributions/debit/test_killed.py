"""The debit run killed with SIGKILL at random points and started again: the same end, nothing lost,
nothing doubled.

The worker is a process of its own that walks the road by the tasks; the bank is another one.
"""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.models import Sum

from contributions.audit.looking import audit
from contributions.charges import charging
from contributions.debit import closing, freezing, opening, people_lines, posting, reading, sending
from contributions.models import BankFile, Charge, DebitBatch, Entry, Receipt
from portal.accounts.models import User
from tests.cast import NOW
from tests.contributions.money_cast import OCTOBER, POOR, released, worker
from tests.workers import start

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 40
WORKER = """
from django.conf import settings
from pathlib import Path
settings.BANK_EXCHANGE_DIR = Path({exchange!r})
from contributions.debit import freezing
from contributions.tasks import debit as tasks
freezing.CHUNK = 3
say("ready")
tasks.send_batches(); tasks.read_answers(); tasks.post_answers()
"""


def bank(exchange: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "contributions.bank_files.stand_in", str(exchange), "--once"],
        cwd=django_settings.ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )


def test_a_run_that_is_killed_again_and_again_comes_to_the_same_end(
    exchange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "CHUNK", 3)
    for order in range(1, PEOPLE + 1):
        worker(order, ending=POOR if order % 10 == 0 else "88")
    by = User.objects.system()
    charging.charge(city="wuhan", month=OCTOBER, by=by, now=NOW)
    batch = opening.open_batch(city="wuhan", month=OCTOBER, by=by, now=NOW)
    assert batch is not None
    released(batch, NOW)
    code = WORKER.format(exchange=str(exchange))

    dice = random.Random(20261117)
    kills = 0
    for _attempt in range(60):
        run = start(code)
        assert run.hear() == "ready"
        if not run.ends_within(dice.uniform(0.01, 0.25) if kills < 8 else 120):
            run.kill()
            kills += 1
        bank(exchange)
        batch.refresh_from_db()
        if batch.status == "posted":
            break
    assert batch.status == "posted"

    batch = closing.close(batch, by=by, now=NOW)
    poor = PEOPLE // 10
    assert {one.status: one.count for one in closing.tally(batch)} == {"paid": PEOPLE - poor, "failed": poor}
    assert (
        Receipt.objects.filter(applied=True).count()
        == PEOPLE - poor
        == Charge.objects.filter(status="paid").count()
    )
    assert Receipt.objects.aggregate(fen=Sum("amount_fen"))["fen"] == (PEOPLE - poor) * 39304
    # Fourteen chunks, and the last one's only line failed.
    assert Entry.objects.count() == 13
    assert kills
    assert BankFile.objects.count() == 2
    assert DebitBatch.objects.get().events.count() == 6
    assert all(one.holds for one in audit())
    assert list((exchange / "inbox").iterdir()) == []


def test_killed_between_every_two_commits_of_the_posting(
    exchange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at random: the run ends after each chunk in turn, as if it were killed there."""
    monkeypatch.setattr(freezing, "CHUNK", 3)
    for order in range(1, 8):
        worker(order)
    by = User.objects.system()
    charging.charge(city="wuhan", month=OCTOBER, by=by, now=NOW)
    batch = opening.open_batch(city="wuhan", month=OCTOBER, by=by, now=NOW)
    assert batch is not None
    sending.write_file(released(batch, NOW), by=by, now=NOW)
    bank(exchange)
    reading.read_answers(by=by, now=NOW)

    class Killed(BaseException):
        pass

    booked = people_lines.book_lines
    runs = 0
    while DebitBatch.objects.get().status == "answered":
        done = 0

        def book_once(*args: object) -> None:
            nonlocal done
            booked(*args)  # type: ignore[arg-type]
            done += 1
            if done == 2:
                # After the chunk's rows were written and before they were committed.
                raise Killed

        monkeypatch.setattr(people_lines, "book_lines", book_once)
        runs += 1
        try:
            posting.post(batch, by=by, now=NOW)
        except Killed:
            continue
    assert runs == 3
    assert Receipt.objects.count() == 7
    assert all(one.holds for one in audit())


def test_a_connection_that_the_server_ends_while_posting_loses_nothing(
    exchange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for order in range(1, 8):
        worker(order)
    by = User.objects.system()
    charging.charge(city="wuhan", month=OCTOBER, by=by, now=NOW)
    batch = opening.open_batch(city="wuhan", month=OCTOBER, by=by, now=NOW)
    assert batch is not None
    sending.write_file(released(batch, NOW), by=by, now=NOW)
    bank(exchange)
    reading.read_answers(by=by, now=NOW)
    booked = people_lines.book_lines

    def cut(*args: object) -> None:
        booked(*args)  # type: ignore[arg-type]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as broken:
        broken.setattr(people_lines, "book_lines", cut)
        with pytest.raises(Exception, match=r"terminat|closed"):
            posting.post(batch, by=by, now=NOW)
    connection.close()
    assert not Receipt.objects.exists()
    assert posting.post(batch, by=by, now=NOW).status == "posted"
    assert Receipt.objects.count() == 7
