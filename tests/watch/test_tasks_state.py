"""The scheduled tasks: each is named and says what to do, leaves word when it came to its end, and
is missed when it does not."""

import ast
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from celery import shared_task
from celery.schedules import crontab
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command

from contributions.books import day_sheets
from contributions.tasks import books, orders
from portal.celery import app
from portal.schedule import slots
from portal.watch import clock as clocks
from portal.watch import lamps, pulses
from portal.watch.models import Failure, KnownTime, TaskState
from portal.watch.task import scheduled, short_name
from tests.conftest import Clock, Kept


def test_each_scheduled_task_has_a_title_and_says_what_to_do_where_it_fails() -> None:
    found = scheduled()
    assert len(found) == len(slots()) == len({short_name(str(one["task"])) for one in slots().values()})
    for name, (task, _schedule) in found.items():
        assert task.title, name
        assert "请" in str(task.remedy), name


def test_each_loop_is_watched_under_the_name_of_a_scheduled_task() -> None:
    names = set()
    for folder in ("portal", "enrollment", "contributions", "transfers", "certificates"):
        for file in Path(settings.ROOT, folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_bytes())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Name)
                    and node.func.id == "Watch"
                    and isinstance(node.args[0], ast.Constant)
                ):
                    names.add(node.args[0].value)
    assert len(names) > 15
    assert names <= set(scheduled())


def test_a_ring_leaves_word(db: None, clock: Clock) -> None:
    orders.end_overdue_orders()
    state = TaskState.objects.get(pk="end_overdue_orders")
    assert (state.begun_at, state.succeeded_at, state.failed_at) == (clock.now, clock.now, None)
    # The others are known from then on, so that they are missed.
    assert set(TaskState.objects.values_list("task", flat=True)) >= {"end_overdue_orders"}


def test_a_ring_that_breaks_off_is_kept_and_raised_and_resolved_by_the_next(
    db: None, clock: Clock, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(day_sheets, "make_due", _raise)
        with pytest.raises(RuntimeError):
            books.make_day_sheets()
    one = Failure.objects.get()
    assert (one.task, one.item, one.resolved_at) == ("make_day_sheets", "", None)
    assert TaskState.objects.get(pk="make_day_sheets").failed_at == clock.now
    clock.step(minutes=1)
    books.make_day_sheets()
    one.refresh_from_db()
    assert one.resolved_at == clock.now


def _raise(**_given: object) -> int:
    raise RuntimeError("broken")


def lamp(name: str, clock: Clock) -> lamps.TaskLamp:
    return next(one for one in lamps.tasks(clock.now) if one.name == name)


@pytest.mark.parametrize(
    ("name", "on_time", "late"),
    [
        ("end_overdue_orders", {"minutes": 9}, {"minutes": 12}),
        ("make_day_sheets", {"hours": 20}, {"hours": 26}),
    ],
)
def test_a_task_is_overdue_when_its_next_ring_has_passed_without_it(
    db: None, clock: Clock, name: str, on_time: dict[str, float], late: dict[str, float]
) -> None:
    clock.set("2026-11-17 00:41")
    TaskState.objects.create(task=name, known_since=clock.now, begun_at=clock.now, succeeded_at=clock.now)
    clock.step(**on_time)
    assert not lamp(name, clock).overdue
    clock.set("2026-11-17 00:41")
    clock.step(**late)
    assert lamp(name, clock).overdue
    # One that works is not missed, for as long as any works.
    TaskState.objects.filter(pk=name).update(begun_at=clock.now - dt.timedelta(minutes=1))
    assert lamp(name, clock).running
    clock.step(hours=6)
    assert lamp(name, clock).overdue


def test_a_task_that_is_new_is_missed_only_after_its_first_slot(db: None, clock: Clock) -> None:
    clock.set("2026-11-17 12:00")
    TaskState.objects.create(task="make_day_sheets", known_since=clock.now)
    assert not lamp("make_day_sheets", clock).overdue
    clock.set("2026-11-18 00:55")
    assert lamp("make_day_sheets", clock).overdue


def test_the_next_ring_is_the_schedules() -> None:
    at = dt.datetime(2026, 11, 17, 4, 0, tzinfo=dt.UTC)  # noon in China
    assert lamps.next_ring(crontab(hour=1, minute=10), at) == dt.datetime(2026, 11, 17, 17, 10, tzinfo=dt.UTC)
    assert lamps.next_ring(crontab(), at) == dt.datetime(2026, 11, 17, 4, 1, tzinfo=dt.UTC)
    assert lamps.next_ring(20.0, at) == dt.datetime(2026, 11, 17, 4, 0, 20, tzinfo=dt.UTC)


# The clock


@pytest.fixture
def guarded(settings: Any, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Clock:
    """A clock that is looked at; the database agrees with it, as one of the same machine does."""
    settings.CLOCK_LEAP = dt.timedelta(hours=36)
    monkeypatch.setattr(clocks, "SKEW", dt.timedelta(days=36500))
    return clock


def test_a_clock_that_jumped_rings_nothing_and_is_told(db: None, guarded: Clock, kept: Kept) -> None:
    orders.end_overdue_orders()
    before = guarded.now
    guarded.step(days=40)
    with pytest.raises(clocks.ClockSuspect, match="相差过大"):
        books.make_day_sheets()
    assert "accept_clock" in Failure.objects.get().message
    assert KnownTime.objects.get().seen_at == before
    assert lamps.health(guarded.now).clock is False
    # Set right, it goes on as if nothing had been.
    guarded.set(before + dt.timedelta(minutes=1))
    books.make_day_sheets()
    assert not Failure.objects.filter(resolved_at=None).exists()
    assert lamps.health(guarded.now).clock is True


def test_control_without_the_guard_a_clock_that_jumped_is_believed(db: None, clock: Clock) -> None:
    orders.end_overdue_orders()
    clock.step(days=40)
    books.make_day_sheets()


def test_a_hall_that_stood_still_goes_on_once_somebody_says_so(
    db: None, guarded: Clock, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    orders.end_overdue_orders()
    guarded.step(days=9)
    with pytest.raises(clocks.ClockSuspect):
        orders.end_overdue_orders()
    call_command("accept_clock")
    with pytest.raises(clocks.ClockSuspect):
        orders.end_overdue_orders()
    call_command("accept_clock", "--yes")
    orders.end_overdue_orders()
    assert KnownTime.objects.get().seen_at == guarded.now


def test_a_weekend_of_rest_needs_nobody_and_a_clock_set_back_is_told(
    db: None, guarded: Clock, kept: Kept
) -> None:
    orders.end_overdue_orders()
    guarded.step(hours=35)
    orders.end_overdue_orders()
    guarded.step(hours=-40)
    with pytest.raises(clocks.ClockSuspect):
        orders.end_overdue_orders()


def test_a_machine_whose_clock_is_not_the_databases_is_not_believed_nor_accepted(
    db: None, settings: Any, clock: Clock, kept: Kept
) -> None:
    settings.CLOCK_LEAP = dt.timedelta(hours=36)
    database = clocks.evidence()[1]
    clock.set(database + dt.timedelta(minutes=6))
    with pytest.raises(clocks.ClockSuspect, match="数据库服务器时间"):
        orders.end_overdue_orders()
    with pytest.raises(clocks.ClockSuspect):
        clocks.accept(clock.now)
    clock.set(database + dt.timedelta(minutes=4))
    orders.end_overdue_orders()


def test_no_day_is_closed_on_the_word_of_a_clock_that_jumped(db: None, guarded: Clock) -> None:
    clocks.check(guarded.now)
    with pytest.raises(clocks.ClockSuspect):
        day_sheets.make_due(by=None, now=guarded.now + dt.timedelta(days=40))  # type: ignore[arg-type]


# Who is alive


def test_beat_and_workers_are_alive_for_as_long_as_they_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(pulses.time, "time", lambda: now)
    cache.delete(pulses.WORKERS)
    pulses.say("a@one")
    pulses.say("b@two")
    assert pulses.workers_alive() == ["a@one", "b@two"]
    pulses.leave("b@two")
    assert pulses.workers_alive() == ["a@one"]
    now += pulses.SILENT_AFTER + 1
    assert pulses.workers_alive() == []


def test_beat_is_the_one_that_says_so() -> None:
    assert app.conf.beat_scheduler == "portal.watch.pulses:WatchedScheduler"
    assert pulses.WorkerPulse in app.steps["worker"]


@shared_task
def unscheduled() -> int:
    """A task that a member of staff rings for."""
    return 7


def test_a_task_that_is_not_scheduled_leaves_no_word(db: None) -> None:
    assert unscheduled() == 7
    assert not TaskState.objects.exists()
