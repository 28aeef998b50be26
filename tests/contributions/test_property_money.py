"""Whatever is done to the money, in whatever order: nothing is paid twice, every fen is accounted
for, the audit holds."""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from contributions import channels
from contributions.bank_files import stand_in
from contributions.books import receiving
from contributions.channels import channel as real_channel
from contributions.channels.partner import PREFIX
from contributions.orders import answers
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR
from tests.cast import Cast, staff
from tests.conftest import Clock
from tests.contributions.money_machine import MoneyMachine, MoneyMoves, TillMachine, World
from tests.contributions.orders.conftest import Provider, providers
from tests.partners.calling import partner_called

__all__ = ["providers"]

pytestmark = pytest.mark.django_db(transaction=True)

# The suite's run is the same every time. MONEY_EXAMPLES=2000 (and MONEY_STEPS) makes a night's run,
# another every time.
NIGHT = "MONEY_EXAMPLES" in os.environ
FIND = (Phase.explicit, Phase.generate)
COMMON: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": True,
}
SUITE = settings(
    max_examples=int(os.environ.get("MONEY_EXAMPLES", 10)),
    stateful_step_count=int(os.environ.get("MONEY_STEPS", 40)),
    derandomize=not NIGHT,
    phases=FIND if NIGHT else (*FIND, Phase.shrink),
    **COMMON,
)

CONTROL = settings(max_examples=100, stateful_step_count=40, derandomize=True, phases=FIND, **COMMON)
# Of a machine with few moves short runs go far.
SHORT = settings(max_examples=8, stateful_step_count=10, derandomize=True, phases=FIND, **COMMON)

# What a run must have come to at least once, or it proves nothing.
GETS_TO = {
    "order paid",
    "order expired",
    "order reversed",
    "payment succeeded, credited",
    "payment succeeded",
    "line paid",
    "line failed",
    "in suspense by alipay",
} | ({"payment held"} if NIGHT else set())
AT_THE_TILL = {"order paid", "payment succeeded, credited", "payment held"}


@pytest.fixture
def world(
    cast: Cast,
    clock: Clock,
    providers: dict[str, Provider],
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """The cast with its staff, the providers and the bank; what the examples log is noise."""
    real, played = real_channel, channels.channel
    monkeypatch.setattr(
        channels, "channel", lambda code: real(code) if code.startswith(PREFIX) else played(code)
    )
    partner = partner_called("a-bank", cities=["wuxi"]).partner
    made = World(
        cast=cast, clock=clock, providers=providers, partner=partner, root=tmp_path, settings=settings
    )
    monkeypatch.setattr(stand_in, "result_of", made.mood)
    for city in ("wuxi", "wuhan", "shenzhen"):
        staff(f"maker-{city}", "钱进", city, COLLECTOR)
        staff(f"checker-{city}", "何秀", city, COLLECTOR)
    for login in (cast.wang_fang_login, cast.li_qiang_login, cast.chen_jing_login, User.objects.system()):
        assert login.pk
    logging.disable(logging.CRITICAL)
    yield made
    logging.disable(logging.NOTSET)


def run(world: World, how: settings, machine: type[MoneyMoves] = MoneyMachine) -> None:
    make: Any = partial(machine, world)
    run_state_machine_as_test(make, settings=how)


def test_whatever_happens_the_books_hold(world: World) -> None:
    run(world, SUITE)
    missed = GETS_TO - set(world.reached)
    assert not missed, f"the examples get nowhere near {sorted(missed)}: {world.reached}"


def test_whatever_happens_at_the_till_the_books_hold(world: World) -> None:
    """What the control below comes to, it comes to with the guard on as well."""
    run(world, SHORT, TillMachine)
    missed = AT_THE_TILL - set(world.reached)
    assert not missed, f"the examples get nowhere near {sorted(missed)}: {world.reached}"


# Bugs that it must find: a guard is taken away, and the run must fail


def paid_for_an_order_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Money for an order that had ended pays its months all the same."""
    receive = receiving.receive
    monkeypatch.setattr(receiving, "receive", lambda *what, **how: receive(*what, **{**how, "apply": True}))


def a_fen_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a provider says that it took is not compared with what was asked for."""
    came = answers.money_came
    monkeypatch.setattr(
        answers,
        "money_came",
        lambda payment, order, money, **how: came(
            payment, order, replace(money, fen=payment.amount_fen), **how
        ),
    )


def money_that_is_booked_and_pays_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is received is booked, and its charges stay owed."""
    monkeypatch.setattr(receiving, "PAY", ())


@pytest.mark.parametrize(
    ("bug", "says", "machine", "how"),
    [
        (paid_for_an_order_that_is_over, "没有入账", MoneyMachine, CONTROL),
        (a_fen_too_much, r"\d+ is booked", TillMachine, SHORT),
        (
            money_that_is_booked_and_pays_nothing,
            "paid without a receipt|没有相应的到账",
            MoneyMachine,
            CONTROL,
        ),
    ],
)
def test_control_a_bug_is_found(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    bug: Callable[[pytest.MonkeyPatch], None],
    says: str,
    machine: type[MoneyMoves],
    how: settings,
) -> None:
    bug(monkeypatch)
    with pytest.raises(AssertionError, match=says):
        run(world, how, machine)
