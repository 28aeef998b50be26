"""A coverage is suspended while its next month is charged, by the night's run or by an order: no
charge lies in the suspension.

With the guard off each goes by what it saw before the other wrote, and the audit finds the charge.
"""

import datetime as dt
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from django.db import transaction

from contributions.audit.looking import audit
from contributions.charges import charging
from contributions.debit import posting
from contributions.models import Charge, DebitBatch, Suspension
from portal.shared.months import CHINA
from tests.contributions.charges.test_suspending import MARCH, debited
from tests.contributions.money_cast import POOR, Road, coverage_of, worker
from tests.hall.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

NEXT = MARCH + 4


@pytest.fixture
def fourth(road: Road) -> DebitBatch:
    """Three months failed, and the fourth's answer lies there to be posted."""
    worker(1, ending=POOR)
    for later in range(3):
        debited(road, MARCH + later)
    road.month, road.now = MARCH + 3, dt.datetime.combine((MARCH + 3).last_day, dt.time(20), CHINA)
    return road.answered()


def in_a_suspension() -> list[str]:
    return [example for found in audit() for example in found.examples]


def meanwhile(
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    charge: Callable[[], Any],
    post: Callable[[], Any],
    *,
    patience: float,
) -> list[Any]:
    """Charging has looked, and writes only when the posting is done, or when that waits for it."""
    looked, posted = Event(), Event()
    write = getattr(charging, where)

    def later(*args: Any, **more: Any) -> Any:
        looked.set()
        posted.wait(patience)
        return write(*args, **more)

    monkeypatch.setattr(charging, where, later)

    def then_post() -> Any:
        assert looked.wait(30)
        try:
            return post()
        finally:
            posted.set()

    return at_once(charge, then_post)


@pytest.mark.parametrize("guarded", [True, False])
def test_the_night_s_charging_run(
    road: Road, fourth: DebitBatch, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    if not guarded:
        monkeypatch.setattr(posting, "before_or_after_charging", lambda city: None)

    def charge() -> charging.Charged:
        at = dt.datetime.combine(NEXT.first_day, dt.time(1, 10), CHINA)
        return charging.charge(city="wuhan", month=NEXT, by=road.by, now=at)

    outcomes = meanwhile(
        monkeypatch,
        "charge_tiers",
        charge,
        lambda: posting.post(fourth, by=road.by, now=road.now),
        patience=1 if guarded else 30,
    )
    assert not [one for one in outcomes if isinstance(one, Exception)], outcomes
    assert Charge.objects.filter(month=NEXT, live=True).count() == 1
    suspension = Suspension.objects.get()
    assert suspension.start == (NEXT + 1 if guarded else NEXT)
    assert bool(in_a_suspension()) == (not guarded)


@pytest.mark.parametrize("guarded", [True, False])
def test_an_order_s_months(
    road: Road, fourth: DebitBatch, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    coverage = coverage_of(fourth.lines.first().charge.person)  # type: ignore[union-attr]
    if not guarded:
        monkeypatch.setattr(charging, "hold_coverage", lambda coverage: None)

    @transaction.atomic
    def charge() -> list[Charge]:
        return charging.charge_months(coverage, [NEXT], now=road.now)

    outcomes = meanwhile(
        monkeypatch,
        "priced_charge",
        charge,
        lambda: posting.post(fourth, by=road.by, now=road.now),
        patience=1 if guarded else 30,
    )
    assert not [one for one in outcomes if isinstance(one, Exception)], outcomes
    assert bool(in_a_suspension()) == (not guarded)
    assert Suspension.objects.get().start == (NEXT + 1 if guarded else NEXT)
