"""Failures that are kept: what is written down, how it is resolved, and that nothing about a person
is in it."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from portal.people.models import Person
from portal.watch import failures
from portal.watch.failures import Watch
from portal.watch.models import Failure
from portal.watch.tasks import forget_resolved
from tests.cast import Cast
from tests.conftest import Clock, Kept

TASK = "charge_due"


def run(watch: Watch, poisoned: set[str], names: tuple[str, ...] = ("a", "b", "c")) -> list[str]:
    """A loop over items, of which some raise; those that were reached and done."""
    done = []
    for name in names:
        with watch.item(name, city="wuhan"):
            if name in poisoned:
                raise ValueError(f"cannot do {name}")
            done.append(name)
    return done


def _raise(error: Exception) -> None:
    raise error


def test_the_others_are_reached_and_the_failure_stands_until_it_is_mended(
    clock: Clock, kept: Kept, db: None
) -> None:
    assert run(Watch(TASK, now=clock.now), {"b"}) == ["a", "c"]
    first = Failure.objects.get()
    assert (first.task, first.item, first.city, first.count) == (TASK, "b", "wuhan", 1)
    assert first.message == "ValueError: cannot do b"
    later = clock.step(hours=1)
    run(Watch(TASK, now=later), {"b"})
    first.refresh_from_db()
    assert (first.count, first.first_at, first.last_at) == (2, later - dt.timedelta(hours=1), later)
    run(Watch(TASK, now=later), set())
    first.refresh_from_db()
    assert (first.resolved_at, first.resolved_by) == (later, "")
    # Once more, it is another.
    run(Watch(TASK, now=later), {"b"})
    assert Failure.objects.count() == 2
    assert [item for _task, item, _error in kept] == ["b", "b", "b"]


def test_what_is_no_longer_there_is_resolved_and_what_waits_is_not(
    clock: Clock, kept: Kept, db: None
) -> None:
    run(Watch(TASK, now=clock.now), {"a", "b"})
    watch = Watch(TASK, now=clock.now)
    run(watch, set(), names=("c",))
    watch.only(lambda names: [name for name in names if name == "a"])
    assert failures.standing(TASK) == ["a"]


def test_what_was_reported_is_resolved_by_nobody_but_staff(clock: Clock, db: None) -> None:
    failures.report(TASK, "P1 金额异常", ValueError("0"), city="wuhan", now=clock.now)
    watch = Watch(TASK, now=clock.now)
    watch.only(lambda names: [])
    [item] = failures.standing(TASK)
    assert failures.resolve(TASK, [item], now=clock.now, by="郑文") == 1
    assert Failure.objects.get().resolved_by == "郑文"


def test_nothing_of_a_person_is_kept(cast: Cast, clock: Clock, kept: Kept) -> None:
    number, phone, name = cast.li_qiang.identity_number, "138" + "0" * 7 + "1", cast.li_qiang.name
    with Watch(TASK, now=clock.now).item("一"):
        _raise(ValueError(f"{number} {phone}\n{name}"))
    with Watch(TASK, now=clock.now).item("二"), transaction.atomic():
        Person.objects.create(identity_number=number, name=name, sex="male", birth_date=dt.date(1985, 9, 30))
    one, two = Failure.objects.order_by("pk")
    for text in (one.message, one.traceback, two.message, two.traceback):
        assert number not in text
        assert phone not in text
        assert name not in text
    assert two.message == "IntegrityError people_person_identity_number_key"
    assert "test_failures.py" in one.traceback


def test_any_name_can_be_kept(clock: Clock, kept: Kept, db: None) -> None:
    with Watch(TASK, now=clock.now).item("a\0b\udcff" + "长" * 300):
        _raise(ValueError("a\0b"))
    one = Failure.objects.get()
    assert len(one.item) == 200
    assert "\0" not in one.item + one.message
    # Found again by the same name.
    with Watch(TASK, now=clock.now).item("a\0b\udcff" + "长" * 300):
        pass
    one.refresh_from_db()
    assert one.resolved_at


def test_where_the_database_is_gone_the_loop_ends(clock: Clock, kept: Kept, db: None) -> None:
    reached: list[str] = []
    with pytest.raises(IntegrityError), transaction.atomic():
        _break_off(Watch(TASK, now=clock.now), reached)
    assert reached == ["a"]


def _break_off(watch: Watch, reached: list[str]) -> None:
    """The transaction around the loop is broken by its first item: nothing can be written any
    more."""
    for name in ("a", "b"):
        with watch.item(name), connection.cursor() as cursor:
            reached.append(name)
            cursor.execute("INSERT INTO watch_knowntime (id, seen_at) VALUES (2, now())")


def test_two_open_failures_of_an_item_are_refused_by_the_database(db: None, clock: Clock) -> None:
    row = {"task": TASK, "item": "a", "first_at": clock.now, "last_at": clock.now, "message": "x"}
    Failure.objects.create(**row, resolved_at=clock.now)
    Failure.objects.create(**row)
    with pytest.raises(IntegrityError, match="one_open_failure_per_task_and_item"), transaction.atomic():
        Failure.objects.create(**row)


def test_what_was_resolved_a_season_ago_is_dropped(clock: Clock, db: None) -> None:
    failures.report(TASK, "a", ValueError("a"), now=clock.now)
    failures.report(TASK, "b", ValueError("b"), now=clock.now)
    failures.resolve(TASK, [item for item in failures.standing(TASK) if item.startswith("a")], now=clock.now)
    clock.step(days=89)
    forget_resolved()
    assert Failure.objects.count() == 2
    clock.step(days=2)
    forget_resolved()
    assert [one.item[0] for one in Failure.objects.all()] == ["b"]


def test_a_loop_over_everything_resolves_what_did_not_fail_again(clock: Clock, kept: Kept, db: None) -> None:
    run(Watch(TASK, now=clock.now), {"a", "b"})
    again = Watch(TASK, now=clock.now)
    run(again, {"b"}, names=("b", "c"))
    again.finished()
    assert failures.standing(TASK) == ["b"]
