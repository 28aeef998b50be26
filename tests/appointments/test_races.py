"""Many at once for one place, each on a connection of its own: with the guard, and with it off."""

import datetime as dt
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from portal.accounts.models import User
from portal.appointments import booking, the_day
from portal.appointments.machine import Status
from portal.appointments.models import Appointment, Slot, Ticket
from portal.hall import desk
from portal.hall.models import Case
from tests.appointments.conftest import FRIDAY, Counter
from tests.cast import WUCHANG, Cast, moment, person
from tests.hall.test_races import at_once, done, without_constraint

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 8


@pytest.fixture
def crowd(cast: Cast) -> list[User]:
    people = [
        person(f"周{name}", WUCHANG, "1990-01-01", 11 + 2 * place)
        for place, name in enumerate("甲乙丙丁戊己庚辛")
    ]
    return [User.objects.create_person(one, password="Ningbo-1127-hall") for one in people]


def _meeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody has seen the free place before anybody takes it."""
    barrier, take = Barrier(MANY), booking.take

    def after_all(*args: Any, **more: Any) -> Appointment:
        barrier.wait(timeout=20)
        return take(*args, **more)

    monkeypatch.setattr(booking, "take", after_all)


def _all_book(counter: Counter, crowd: list[User], now: dt.datetime) -> list[Any]:
    counter.site.windows = 1
    counter.site.save()
    asks = [counter.ask(one, now=now) for one in crowd]
    return at_once(*(lambda ask=ask: desk.submit(ask=ask, key=uuid4(), now=now) for ask in asks))


def test_of_many_exactly_one_gets_the_last_place(
    counter: Counter, crowd: list[User], now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    _meeting(monkeypatch)
    results = _all_book(counter, crowd, now)
    refusals = [one for one in results if isinstance(one, desk.NotAccepted)]
    assert (done(results), len(refusals)) == (1, MANY - 1)
    assert {(one.field, one.why) for refusal in refusals for one in refusal.findings} == {
        ("slot", "该时段已约满，请选其他时段。")
    }
    assert Slot.objects.get().booked == Appointment.objects.count() == Case.objects.count() == 1


def test_without_the_constraint_the_place_is_given_to_several(
    counter: Counter, crowd: list[User], now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    _meeting(monkeypatch)
    with without_constraint(Slot, "slot_is_not_overbooked"):
        assert done(_all_book(counter, crowd, now)) == MANY


def test_closing_a_day_while_many_book_leaves_nobody_with_an_appointment_there(
    cast: Cast, counter: Counter, crowd: list[User], now: dt.datetime
) -> None:
    staff = cast.wuhan_reviewer
    asks = [counter.ask(one, now=now) for one in crowd]
    at_once(
        *(lambda ask=ask: desk.submit(ask=ask, key=uuid4(), now=now) for ask in asks),
        lambda: the_day.close(counter.site, dt.date(2026, 11, 20), reason="停电", by=staff, now=now),
    )
    assert not Appointment.objects.filter(status=Status.BOOKED).exists()


def test_two_who_change_places_do_not_wait_for_one_another(
    counter: Counter, crowd: list[User], now: dt.datetime
) -> None:
    one, other = counter.book(crowd[0], now=now), counter.book(crowd[1], at="09:30", now=now)
    results = at_once(
        lambda: booking.move(one, counter.slot(at="09:30"), by=crowd[0], now=now),
        lambda: booking.move(other, counter.slot(at="09:00"), by=crowd[1], now=now),
    )
    assert [type(result) for result in results] == [Appointment, Appointment]
    assert list(Slot.objects.order_by("starts_at").values_list("booked", flat=True)) == [1, 1]


def test_one_appointment_checked_in_by_two_clerks_gets_one_ticket(
    cast: Cast, counter: Counter, crowd: list[User], now: dt.datetime
) -> None:
    appointment, staff = counter.book(crowd[0], now=now), cast.wuhan_reviewer
    come = moment(f"{FRIDAY} 08:50")
    results = at_once(*[lambda: the_day.check_in(appointment, by=staff, now=come)] * 2)
    assert {result.ticket.words for result in results} == {"Y001"}
    assert Ticket.objects.count() == 1


def test_tickets_given_at_once_have_numbers_of_their_own(cast: Cast, counter: Counter) -> None:
    staff, come = cast.wuhan_reviewer, moment(f"{FRIDAY} 09:00")
    results = at_once(*[lambda: the_day.walk_in(counter.site, key=uuid4(), by=staff, now=come)] * MANY)
    assert sorted(ticket.words for ticket in results) == [f"A{place:03d}" for place in range(1, MANY + 1)]
