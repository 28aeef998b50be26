"""Booking a window: who may have what, once, and what becomes of it when it is moved or
cancelled."""

import datetime as dt
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from portal.accounts.models import Notice
from portal.appointments import booking, the_day
from portal.appointments.machine import Status
from portal.appointments.models import Appointment, Closure, Slot
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.routing import Status as CaseStatus
from portal.hall.service import Applicant
from portal.people.models import Guardianship, Person
from portal.policy.book import book
from portal.shared.keys import KeyReused
from tests.appointments.conftest import FRIDAY, Counter
from tests.cast import WUCHANG, Cast, moment, person
from tests.filing import standing_case


def test_a_booking_has_a_number_takes_a_place_and_is_told(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    appointment = counter.book(cast.li_qiang_login, now=now)
    assert appointment.number.startswith("Y-20261117-")
    assert appointment.day == dt.date(2026, 11, 20)
    assert appointment.case.status == CaseStatus.DONE
    assert (appointment.slot.booked, appointment.slot.capacity) == (1, 4)
    told = Notice.objects.get(kind="appointment")
    assert appointment.number in told.text
    assert "2026年11月20日 09:00–09:30" in told.text
    assert "不能前来请提前2小时取消，30天内爽约3次将暂停预约30天。" in told.text
    assert (told.user, told.phone, told.by_text) == (cast.li_qiang_login, "13800000002", True)


def test_the_same_key_is_the_same_booking_and_another_slot_under_it_is_refused(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    key = uuid4()
    first = counter.book(cast.li_qiang_login, now=now, key=key)
    assert counter.book(cast.li_qiang_login, now=now, key=key) == first
    assert Slot.objects.get().booked == 1
    with pytest.raises(KeyReused):
        counter.book(cast.li_qiang_login, at="09:30", now=now, key=key)


def test_a_second_booking_of_a_day_is_barred(cast: Cast, counter: Counter, now: dt.datetime) -> None:
    counter.book(cast.li_qiang_login, now=now)
    assert counter.refused(cast.li_qiang_login, at="15:00", now=now) == {
        "slot": "您当天已有预约，请先取消或改期。"
    }


def test_the_database_refuses_a_second_booking_of_a_day(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    first = counter.book(cast.li_qiang_login, now=now)
    other = Slot.objects.create(
        site=counter.site,
        starts_at=moment(f"{FRIDAY} 15:00"),
        ends_at=moment(f"{FRIDAY} 15:30"),
        capacity=4,
    )
    case = standing_case(cast.li_qiang_login, city="wuhan")
    with pytest.raises(IntegrityError, match="one_appointment_a_day_and_person"), transaction.atomic():
        _copy(first, slot=other, case=case)


def test_a_fourth_booking_is_barred(cast: Cast, counter: Counter, now: dt.datetime) -> None:
    for day in ("2026-11-18", "2026-11-19", "2026-11-20"):
        counter.book(cast.li_qiang_login, day, now=now)
    assert counter.refused(cast.li_qiang_login, "2026-11-23", now=now) == {
        "": "您已有3个还没有到日期的预约，最多同时保留3个；请先取消或改期。"
    }


def test_a_full_slot_is_barred_and_the_database_holds_it(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    first = counter.book(cast.li_qiang_login, now=now)
    Slot.objects.update(capacity=1)
    counter.site.windows = 1
    counter.site.save()
    assert counter.refused(cast.wang_fang_login, now=now) == {"slot": "该时段已约满，请选其他时段。"}
    case = standing_case(cast.wang_fang_login, city="wuhan")
    with pytest.raises(IntegrityError, match="slot_is_not_overbooked"), transaction.atomic():
        _copy(first, person=cast.wang_fang, case=case)


@pytest.mark.parametrize(
    ("day", "at"),
    [
        ("2026-11-17", "15:00"),  # today
        ("2026-11-21", "09:00"),  # a Saturday
        ("2026-12-02", "09:00"),  # the fifteenth day
        ("2026-11-20", "12:00"),  # noon
        ("2026-11-20", "09:10"),  # no start of a slot
    ],
)
def test_what_is_not_offered_cannot_be_booked(
    cast: Cast, counter: Counter, now: dt.datetime, day: str, at: str
) -> None:
    assert counter.refused(cast.li_qiang_login, day, at, now=now) == {
        "slot": "这个时段不能预约，请重新选择。"
    }


@pytest.mark.parametrize(
    "slot", ["", "x", "1-", "99999999999999999999-202611200900", "1-202613450900", "１-202611200900"]
)
def test_no_text_in_place_of_a_slot_gets_further(
    cast: Cast, counter: Counter, now: dt.datetime, slot: str
) -> None:
    assert set(counter.refused(cast.li_qiang_login, now=now, slot=slot)) == {"slot"}


def test_cancelling_until_two_hours_before_frees_the_place(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    appointment = counter.book(cast.li_qiang_login, now=now)
    with pytest.raises(booking.CannotChange, match="距预约时间不足2小时，不能取消。"):
        booking.cancel(appointment, by=cast.li_qiang_login, now=moment(f"{FRIDAY} 07:01"))
    in_time = moment(f"{FRIDAY} 06:59")
    assert booking.cancel(appointment, by=cast.li_qiang_login, now=in_time).status == Status.CANCELLED
    booking.cancel(appointment, by=cast.li_qiang_login, now=in_time)
    assert Slot.objects.get().booked == 0
    assert Notice.objects.filter(title="预约已取消").count() == 1
    counter.book(cast.li_qiang_login, now=now)


def test_moving_keeps_the_number_and_gives_the_old_place_back(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    appointment = counter.book(cast.li_qiang_login, now=now)
    for _press in range(2):
        booking.move(appointment, counter.slot("2026-11-23", "14:30"), by=cast.li_qiang_login, now=now)
    moved = Appointment.objects.select_related("slot").get()
    assert (moved.number, moved.day) == (appointment.number, dt.date(2026, 11, 23))
    assert dict(Slot.objects.values_list("starts_at", "booked")) == {
        moment(f"{FRIDAY} 09:00"): 0,
        moment("2026-11-23 14:30"): 1,
    }
    assert Notice.objects.filter(title="预约已改期").count() == 1


def test_a_move_that_cannot_be_had_leaves_the_appointment(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    appointment = counter.book(cast.li_qiang_login, now=now)
    counter.book(cast.li_qiang_login, "2026-11-23", now=now)
    full = counter.book(cast.wang_fang_login, "2026-11-24", now=now)
    Slot.objects.filter(pk=full.slot_id).update(capacity=1)
    counter.site.windows = 1
    counter.site.save()
    for day, why in (
        ("2026-11-23", "您当天已有预约"),
        ("2026-11-24", "该时段已约满"),
        ("2026-11-22", "不能预约"),
    ):
        with pytest.raises(booking.CannotChange, match=why):
            booking.move(appointment, counter.slot(day), by=cast.li_qiang_login, now=now)
    appointment.refresh_from_db()
    assert appointment.day == dt.date(2026, 11, 20)


def test_a_move_within_the_day_is_no_second_booking(cast: Cast, counter: Counter, now: dt.datetime) -> None:
    appointment = counter.book(cast.li_qiang_login, now=now)
    moved = booking.move(appointment, counter.slot(at="16:30"), by=cast.li_qiang_login, now=now)
    assert moved.slot.starts_at == moment(f"{FRIDAY} 16:30")


def test_an_employers_clerks_share_its_bookings(cast: Cast, counter: Counter, now: dt.datetime) -> None:
    appointment = counter.book(cast.donghu_clerk, now=now, matter="enrollment")
    assert (appointment.employer, appointment.person) == (cast.donghu, None)
    assert counter.refused(cast.donghu_clerk, at="10:00", now=now, matter="enrollment") == {
        "slot": "您当天已有预约，请先取消或改期。"
    }


def test_another_citys_employer_cannot_book(cast: Cast, counter: Counter, now: dt.datetime) -> None:
    assert "贵单位在宁波参保登记" in counter.refused(cast.yongjiang_clerk, now=now)[""]


def test_a_guardian_books_for_a_ward_and_for_nobody_else(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    ward = person("李小明", "420106", "2015-03-02", 71)
    guard(cast.li_qiang, ward)
    appointment = counter.book(cast.li_qiang_login, now=now, ward=ward)
    assert (appointment.person, appointment.made_by) == (ward, cast.li_qiang_login)
    counter.book(cast.li_qiang_login, now=now)
    ask = counter.ask(cast.wang_fang_login, at="10:00", now=now)
    stranger = type(ask.applicant).of(cast.wang_fang_login, ward)
    with pytest.raises(desk.NotAllowed):
        desk.submit(ask=type(ask)(ask.offer, stranger, ask.answers, ask.filed_at), key=uuid4(), now=now)


def test_one_comes_for_a_case_of_ones_own_that_waits_for_papers(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    own = standing_case(
        cast.donghu_clerk,
        number="420100-20261117-ABCDEFGH",
        city="wuhan",
        service="employer-add-staff",
        facts={"papers": ["staff-form", "labour-contract"]},
    )
    appointment = counter.book(cast.donghu_clerk, now=now, matter=f"case:{own.number}")
    assert (appointment.about, appointment.theme) == (own, "")
    assert counter.refused(cast.li_qiang_login, now=now, matter=f"case:{own.number}") == {
        "matter": "这份办件已经办结或不在您名下，请重新选择。"
    }


def test_three_missed_appointments_block_until_the_thirtieth_day_after(cast: Cast, counter: Counter) -> None:
    for day in ("2026-11-02", "2026-11-10", "2026-11-20"):
        assert counter.missed(cast.li_qiang_login, day).status == Status.MISSED
    blocked = {"": "您30天内已爽约3次，2026年12月21日起可再预约；可直接到窗口取号。"}
    for at in ("2026-11-21 09:00", "2026-12-20 23:00"):
        day = "2026-11-30" if at < "2026-12" else "2026-12-23"
        assert counter.refused(cast.li_qiang_login, day, now=moment(at)) == blocked
    assert counter.refused(cast.li_qiang_login, "2026-12-23", now=moment("2026-12-21 00:00")) == {}
    assert counter.refused(cast.wang_fang_login, "2026-11-30", now=moment("2026-11-21 09:00")) == {}


def test_an_excused_miss_does_not_block(cast: Cast, counter: Counter) -> None:
    missed = [counter.missed(cast.li_qiang_login, day) for day in ("2026-11-02", "2026-11-10", "2026-11-20")]
    the_day.excuse(missed[1], reason="突发疾病", by=cast.wuhan_reviewer, now=moment("2026-11-21 09:00"))
    assert counter.refused(cast.li_qiang_login, "2026-11-30", now=moment("2026-11-21 09:00")) == {}


def test_a_closed_day_is_not_offered_and_the_database_refuses_it(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    first = counter.book(cast.li_qiang_login, now=now)
    Closure.objects.create(
        site=counter.site, day=dt.date(2026, 11, 20), reason="停电", by=cast.wuhan_reviewer, at=now
    )
    assert counter.refused(cast.wang_fang_login, now=now) == {"slot": "这个时段不能预约，请重新选择。"}
    case = standing_case(cast.wang_fang_login, city="wuhan")
    with pytest.raises(IntegrityError, match="closed"), transaction.atomic():
        _copy(first, person=cast.wang_fang, case=case)


def test_fewer_windows_take_no_place_from_who_has_one(cast: Cast, counter: Counter, now: dt.datetime) -> None:
    counter.book(cast.li_qiang_login, now=now)
    counter.book(cast.wang_fang_login, now=now)
    counter.site.windows = 1
    counter.site.save()
    booking.recount(counter.site, now=now)
    slot = Slot.objects.get()
    assert (slot.capacity, slot.booked) == (2, 2)
    assert counter.refused(cast.chen_jing_login, now=now) == {"slot": "该时段已约满，请选其他时段。"}
    counter.site.windows = 3
    counter.site.save()
    booking.recount(counter.site, now=now)
    counter.book(cast.chen_jing_login, now=now)


def test_without_a_place_the_notice_says_to_take_a_number_there(cast: Cast, now: dt.datetime) -> None:
    bars = desk.beforehand(
        offer=book().city("wuhan").offers["appointment"],
        applicant=Applicant.of(cast.li_qiang_login),
        now=now,
    )
    assert [str(bar.why) for bar in bars] == ["本市还没有接受预约的办事点，请直接到窗口取号。"]


def test_whoever_is_guardian_no_more_is_not_told_where_the_ward_will_be(
    cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    ward = person("李小明", WUCHANG, "2015-03-02", 33)
    guard(cast.li_qiang, ward)
    guard(cast.wang_fang, ward, place=2)
    appointment = counter.book(cast.li_qiang_login, now=now, ward=ward)
    Guardianship.objects.filter(guardian=cast.li_qiang).update(ends_on=now.date())
    booking.move(appointment, counter.slot(at="15:00"), by=cast.wang_fang_login, now=now)
    the_day.remind(now=moment("2026-11-19 17:00"))
    for title in ("预约已改期", "明天有预约"):
        told = Notice.objects.get(title=title)
        assert (told.person, told.user, told.phone) == (cast.wang_fang, None, "")


def guard(guardian: Person, ward: Person, place: int = 1) -> None:
    Guardianship.objects.create(
        guardian=guardian,
        ward=ward,
        place=place,
        relation="parent",
        proof_kind="birth",
        proof="出生医学证明",
        start=dt.date(2015, 3, 2),
        ends_on=dt.date(2033, 3, 2),
    )


def _copy(appointment: Appointment, **other: object) -> Appointment:
    """Another row, written past the hall's own rule."""
    values = {
        name: getattr(appointment, name)
        for name in ("slot", "person", "employer", "made_by", "theme", "about", "phone", "made_at", "status")
    }
    return Appointment.objects.create(
        **{**values, "number": f"Y-20261117-{Case.objects.count():06d}", **other}
    )
