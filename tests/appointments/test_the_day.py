"""A place's day: check-in and tickets, who did not come, reminders, a closed day."""

import datetime as dt
from uuid import uuid4

import pytest

from portal.accounts.models import Notice
from portal.appointments import tasks, the_day
from portal.appointments.machine import Status
from portal.appointments.models import Appointment, Site, Slot, Ticket
from tests.appointments.conftest import FRIDAY, Counter
from tests.cast import Cast, moment
from tests.conftest import Clock


@pytest.fixture
def appointment(cast: Cast, counter: Counter, now: dt.datetime) -> Appointment:
    """Of 李强, Friday at nine."""
    return counter.book(cast.li_qiang_login, now=now)


@pytest.mark.parametrize("at", ["08:30", "09:15"])
def test_who_comes_in_time_gets_a_ticket_with_priority(cast: Cast, appointment: Appointment, at: str) -> None:
    come = the_day.check_in(appointment, by=cast.wuhan_reviewer, now=moment(f"{FRIDAY} {at}"))
    appointment.refresh_from_db()
    assert (come.ticket.words, appointment.status) == ("Y001", Status.ARRIVED)
    again = the_day.check_in(appointment, by=cast.wuhan_reviewer, now=moment(f"{FRIDAY} 11:00"))
    assert again.ticket == come.ticket


def test_who_comes_sixteen_minutes_late_joins_the_walk_ins_and_has_come(
    cast: Cast, counter: Counter, appointment: Appointment
) -> None:
    at = moment(f"{FRIDAY} 09:16")
    the_day.walk_in(counter.site, key=uuid4(), by=cast.wuhan_reviewer, now=at)
    come = the_day.check_in(appointment, by=cast.wuhan_reviewer, now=at)
    assert (come.ticket.words, come.late) == ("A002", True)
    assert the_day.note_missed(now=moment(f"{FRIDAY} 18:00")) == 0
    appointment.refresh_from_db()
    assert appointment.status == Status.LATE


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (f"{FRIDAY} 08:29", "11月20日 08:30起可以签到"),
        (f"{FRIDAY} 17:00", "已经结束"),
        ("2026-11-19 09:00", "不是今天"),
    ],
)
def test_nobody_is_checked_in_too_early_too_late_or_on_another_day(
    cast: Cast, appointment: Appointment, at: str, why: str
) -> None:
    with pytest.raises(the_day.CannotDo, match=why):
        the_day.check_in(appointment, by=cast.wuhan_reviewer, now=moment(at))
    assert not Ticket.objects.exists()


def test_a_walk_ins_ticket_asked_for_twice_is_one(cast: Cast, counter: Counter, now: dt.datetime) -> None:
    key = uuid4()
    tickets = {the_day.walk_in(counter.site, key=key, by=cast.wuhan_reviewer, now=now) for _press in "12"}
    assert [one.words for one in tickets] == ["A001"]


def test_a_page_that_gave_a_ticket_gives_none_elsewhere_or_on_another_day(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    key, by = uuid4(), cast.wuhan_reviewer
    the_day.walk_in(counter.site, key=key, by=by, now=now)
    other = Site.objects.create(city="wuhan", title="洪山区经办大厅", address="珞喻路", windows=1)
    for site, at in ((other, now), (counter.site, now + dt.timedelta(days=1))):
        with pytest.raises(the_day.CannotDo, match="请刷新页面后再取号"):
            the_day.walk_in(site, key=key, by=by, now=at)
    assert Ticket.objects.count() == 1


def test_tickets_begin_anew_each_day(cast: Cast, counter: Counter) -> None:
    for day in (18, 19):
        at = moment(f"2026-11-{day} 09:00")
        assert the_day.walk_in(counter.site, key=uuid4(), by=cast.wuhan_reviewer, now=at).words == "A001"


def test_who_did_not_come_is_noted_when_the_place_has_closed(appointment: Appointment, clock: Clock) -> None:
    clock.set(f"{FRIDAY} 16:59")
    tasks.note_missed_appointments()
    appointment.refresh_from_db()
    assert appointment.status == Status.BOOKED
    clock.set(f"{FRIDAY} 17:10")
    for _ring in range(2):
        tasks.note_missed_appointments()
    appointment.refresh_from_db()
    assert appointment.status == Status.MISSED
    told = Notice.objects.get(title="预约未到")
    assert "近期已爽约1次" in told.text


def test_hours_that_became_shorter_leave_a_booked_slot_as_it_was(
    cast: Cast, counter: Counter, appointment: Appointment, clock: Clock
) -> None:
    """Nobody is noted as missing, or sent away, before their own time."""
    later, latest = (
        counter.book(one, at="15:00", now=clock.now) for one in (cast.wang_fang_login, cast.chen_jing_login)
    )
    Site.objects.update(opening_hours="09:00-12:00")
    clock.set(f"{FRIDAY} 15:10")
    tasks.note_missed_appointments()
    assert the_day.check_in(later, by=cast.wuhan_reviewer, now=clock.now).ticket.words == "Y001"
    clock.set(f"{FRIDAY} 15:40")
    tasks.note_missed_appointments()
    found = Appointment.objects.in_bulk([one.pk for one in (appointment, later, latest)])
    assert [found[one.pk].status for one in (appointment, later, latest)] == [
        Status.MISSED,
        Status.ARRIVED,
        Status.MISSED,
    ]


def test_the_third_time_says_until_when_nothing_can_be_booked(cast: Cast, counter: Counter) -> None:
    for day in ("2026-11-02", "2026-11-10", "2026-11-20"):
        counter.missed(cast.li_qiang_login, day)
    told = Notice.objects.filter(title="预约未到").latest("pk")
    assert "2026年12月21日起可再预约；在此之前可直接到窗口取号。" in told.text


def test_a_miss_is_excused_once_with_a_reason(cast: Cast, counter: Counter) -> None:
    missed, at = counter.missed(cast.li_qiang_login, "2026-11-10"), moment("2026-11-11 09:00")
    with pytest.raises(the_day.CannotDo, match="原因"):
        the_day.excuse(missed, reason=" ", by=cast.wuhan_reviewer, now=at)
    for _press in range(2):
        the_day.excuse(missed, reason="住院", by=cast.wuhan_reviewer, now=at)
    assert Notice.objects.filter(title="这次未到不算爽约").count() == 1


def test_only_a_miss_is_excused(cast: Cast, appointment: Appointment, now: dt.datetime) -> None:
    with pytest.raises(the_day.CannotDo):
        the_day.excuse(appointment, reason="住院", by=cast.wuhan_reviewer, now=now)


def test_the_day_before_everybody_is_reminded_once(
    cast: Cast, counter: Counter, appointment: Appointment, clock: Clock
) -> None:
    other = counter.book(cast.wang_fang_login, "2026-11-23", now=clock.now)
    clock.set("2026-11-19 17:00")
    for _ring in range(2):
        tasks.remind_of_appointments()
    [told] = Notice.objects.filter(title="明天有预约")
    assert appointment.number in told.text
    assert other.number not in told.text


def test_closing_a_day_ends_its_appointments_tells_them_and_misses_nobody(
    cast: Cast, counter: Counter, appointment: Appointment, now: dt.datetime
) -> None:
    other = counter.book(cast.wang_fang_login, "2026-11-23", now=now)
    told_at_each_press = [
        the_day.close(counter.site, dt.date(2026, 11, 20), reason="停电检修", by=cast.wuhan_reviewer, now=now)
        for _press in range(2)
    ]
    assert told_at_each_press == [1, 0]
    appointment.refresh_from_db()
    other.refresh_from_db()
    assert (appointment.status, other.status) == (Status.CLOSED, Status.BOOKED)
    assert Slot.objects.get(pk=appointment.slot_id).booked == 0
    told = Notice.objects.get(title="办事点停办，预约已取消")
    assert "2026年11月20日停办（停电检修）" in told.text
    assert "不算爽约" in told.text
    assert the_day.note_missed(now=moment(f"{FRIDAY} 18:00")) == 0


def test_one_place_that_fails_does_not_keep_the_others(
    cast: Cast, counter: Counter, appointment: Appointment, kept: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.book(cast.wang_fang_login, "2026-11-19", now=moment("2026-11-17 10:00"))
    noted = the_day.note_missed_at

    def failing(site: object, day: dt.date, **more: object) -> int:
        if day == dt.date(2026, 11, 19):
            raise RuntimeError("broken")
        return noted(site, day, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(the_day, "note_missed_at", failing)
    assert the_day.note_missed(now=moment(f"{FRIDAY} 18:00")) == 1
    assert [task for task, _item, _error in kept] == ["note_missed_appointments"]
