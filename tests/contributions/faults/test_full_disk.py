"""A disk that is full after so many bytes, by the system's own limit: no file, no mark, and the
next run sends it whole."""

import pytest

from contributions.audit.looking import audit
from contributions.models import BankFile
from tests.contributions.money_cast import Road, worker
from tests.workers import start

pytestmark = pytest.mark.django_db(transaction=True)

# Writing beyond the limit fails with EFBIG, as it would with ENOSPC.
FULL = """
import resource, signal
from pathlib import Path
from django.conf import settings
settings.BANK_EXCHANGE_DIR = Path({exchange!r})
from contributions.tasks import debit as tasks
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))
tasks.send_batches()
say("done")
"""


@pytest.mark.parametrize("room", [0, 1, 200])
def test_a_disk_that_is_full_after_so_many_bytes(road: Road, room: int) -> None:
    for order in range(1, 31):
        worker(order)
    road.charge()
    batch = road.release(road.open())
    code = FULL.format(exchange=str(road.exchange), room=room)
    # The task goes on to other batches: it ends, and the batch waits.
    run = start(code, now=road.now)
    assert run.hear() == "done"
    assert run.ends_within(20)
    batch.refresh_from_db()
    assert (batch.status, BankFile.objects.count()) == ("released", 0)
    assert list((road.exchange / "outbox").iterdir()) == []

    path = road.send(batch)
    assert path.stat().st_size > room
    assert road.bank().strip().endswith(".result.txt")
    assert [read.outcome for read in road.read()] == ["accepted"]
    batch.refresh_from_db()
    assert road.post(batch).status == "posted"
    assert all(found.holds for found in audit())
