"""Whatever is done to the money, in whatever order: nothing is paid twice, every fen is accounted for, the audit holds."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from contributions.banks import stand_in
from portal.accounts.models import User
from portal.accounts.permissions import COLLECTOR
from tests.cast import Cast, staff
from tests.conftest import Clock
from tests.contributions.money_machine import MoneyMachine, World
from tests.contributions.orders.conftest import _schemes

pytestmark = pytest.mark.django_db(transaction=True)

# The suite's run is the same every time. MONEY_EXAMPLES=2000 (and MONEY_STEPS) makes a night's run, another every time.
NIGHT = "MONEY_EXAMPLES" in os.environ
FIND = (Phase.explicit, Phase.generate)
COMMON = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}
SUITE = settings(
    max_examples=int(os.environ.get("MONEY_EXAMPLES", 60)),
    stateful_step_count=int(os.environ.get("MONEY_STEPS", 40)),
    derandomize=not NIGHT,
    phases=FIND if NIGHT else (*FIND, Phase.shrink),
    **COMMON,
)


@pytest.fixture
def world(
    cast: Cast, clock: Clock, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """The cast with its staff, the providers and the bank; what the examples log is noise."""
    made = World(cast=cast, clock=clock, providers=_schemes(monkeypatch), root=tmp_path, settings=settings)
    monkeypatch.setattr(stand_in, "_result", made.mood)
    for city in ("wuxi", "wuhan", "shenzhen"):
        staff(f"maker-{city}", "钱进", city, COLLECTOR)
        staff(f"checker-{city}", "何秀", city, COLLECTOR)
    for login in (cast.wang_fang_login, cast.li_qiang_login, cast.chen_jing_login, User.objects.system()):
        assert login.pk
    logging.disable(logging.CRITICAL)
    yield made
    logging.disable(logging.NOTSET)


def test_whatever_happens_the_books_hold(world: World) -> None:
    run_state_machine_as_test(lambda: MoneyMachine(world), settings=SUITE)
    for what, count in sorted(world.reached.items()):
        print(f"{count:5} {what}")  # noqa: T201
