"""The schedule: every doorbell rings for something that exists, and a slot that was missed is
caught up."""

import datetime as dt

import pytest

from contributions.debit import sending
from contributions.models import Charge, ChargingRun, DebitBatch
from contributions.tasks import debit
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover
from tests.conftest import Clock, Kept
from tests.contributions.money_cast import NOVEMBER, OCTOBER, POOR, Road, released, worker
from tests.workers import start


def test_beat_rings_only_for_tasks_that_a_worker_knows(db: None) -> None:
    """Asked of a worker: here, another test may have brought a task that no worker looks for."""
    fresh = start(
        "from portal.celery import app\n"
        "from portal.schedule import slots\n"
        "app.loader.import_default_modules()\n"
        "say(str([name for name, slot in slots().items() if slot['task'] not in app.tasks]))\n"
    )
    assert fresh.hear() == "[]"


def due(day: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for city, month, _capacities in debit.months_to_charge(dt.date.fromisoformat(day)):
        found.setdefault(city, []).append(str(month))
    return found


def test_this_month_and_the_one_before_are_charged_every_day(db: None) -> None:
    assert due("2026-11-17") == {
        city: ["2026-10", "2026-11"] for city in ("ningbo", "wuhan", "wuxi", "shenzhen")
    }
    assert due("2027-01-01")["wuhan"] == ["2026-12", "2027-01"]


def test_months_that_a_schedule_slept_through_are_caught_up(road: Road) -> None:
    road.month = Month(2026, 7)
    road.charge()
    assert due("2026-11-17")["wuhan"] == ["2026-07", "2026-08", "2026-09", "2026-10", "2026-11"]
    assert due("2026-11-17")["ningbo"] == ["2026-10", "2026-11"]


def test_the_day_is_china_s(cast: Cast, clock: Clock) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-11", tier="60")
    clock.set(dt.datetime(2026, 10, 31, 15, 59, 59, tzinfo=dt.UTC))
    debit.charge_due()
    assert not Charge.objects.exists()
    clock.set(dt.datetime(2026, 10, 31, 16, 0, 0, tzinfo=dt.UTC))
    debit.charge_due()
    assert Charge.objects.get().month == NOVEMBER


def test_charging_twice_in_a_slot_charges_once(cast: Cast, clock: Clock) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-10", tier="60")
    for _ring in range(3):
        debit.charge_due()
    assert sorted(Charge.objects.values_list("month", flat=True)) == [OCTOBER, NOVEMBER]
    assert ChargingRun.objects.filter(city="wuhan", month=OCTOBER).count() == 3


@pytest.mark.parametrize(
    ("at", "months"),
    [
        ("2026-11-29 23:59", ["2026-10"]),
        ("2026-11-30 02:10", ["2026-10", "2026-11"]),
        ("2026-12-02 02:10", ["2026-11"]),
    ],
)
def test_a_batch_is_opened_on_the_last_day_of_the_month_or_as_soon_after_as_beat_is_back(
    road: Road, clock: Clock, at: str, months: list[str]
) -> None:
    worker(1)
    for month in (OCTOBER, NOVEMBER):
        road.month = month
        road.charge()
    clock.set(at)
    for _ring in range(2):
        debit.open_due_batches()
    assert sorted(str(batch.month) for batch in DebitBatch.objects.all()) == months


def test_the_road_by_its_doorbells_alone(road: Road, clock: Clock) -> None:
    worker(1)
    worker(2, ending=POOR)
    clock.set("2026-11-30 02:10")
    debit.charge_due()
    debit.open_due_batches()
    released(DebitBatch.objects.get(month=NOVEMBER), road.now)
    debit.send_batches()
    road.bank()
    debit.read_answers()
    debit.post_answers()
    november = DebitBatch.objects.get(month=NOVEMBER)
    assert november.status == "posted"
    assert sorted(Charge.objects.filter(month=NOVEMBER).values_list("status", flat=True)) == ["owed", "paid"]
    by = {event.status: event.by.kind for event in november.events.select_related("by")}
    assert by.pop("released") == "staff"
    assert set(by.values()) == {"system"}


def test_a_batch_that_cannot_be_written_does_not_keep_the_others(
    road: Road, clock: Clock, monkeypatch: pytest.MonkeyPatch, kept: Kept
) -> None:
    worker(1)
    for month in (OCTOBER, NOVEMBER):
        road.month = month
        road.charge()
        road.release(road.open())
    write = sending.write_file

    def one_fails(batch: DebitBatch, **more: object) -> DebitBatch:
        if batch.month == OCTOBER:
            raise OSError(28, "No space left on device")
        return write(batch, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(sending, "write_file", one_fails)
    debit.send_batches()
    assert {str(batch.month): batch.status for batch in DebitBatch.objects.all()} == {
        "2026-10": "released",
        "2026-11": "sent",
    }
    assert [(task, type(error)) for task, _item, error in kept] == [("send_batches", OSError)]


def test_whom_a_city_charges_is_its_policys(db: None) -> None:
    for _city, _month, capacities in debit.months_to_charge(dt.date(2026, 11, 17)):
        assert Capacity.FLEXIBLE in capacities
