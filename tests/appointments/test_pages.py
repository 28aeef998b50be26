"""The pages: place, day, slot, form, last look; the slip; moving and cancelling; and who sees
what."""

import datetime as dt
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from icalendar import Calendar as CalendarFile

from portal.appointments import booking
from portal.appointments.machine import Status
from portal.appointments.models import Appointment, Site, Slot
from tests.appointments.conftest import FRIDAY, Counter
from tests.cast import Cast, moment
from tests.conftest import Clock
from tests.filing import standing_case

TIMES = "/wuhan/services/appointment/times/"
APPLY = "/wuhan/services/appointment/apply/"
LAST_LOOK = "/wuhan/services/appointment/materials/"


@pytest.fixture
def li_qiang(client: Client, cast: Cast, clock: Clock, counter: Counter) -> Client:
    """The browser of 李强, while Wuhan has a place."""
    client.force_login(cast.li_qiang_login)
    return client


def _key(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    return found[1]


def _event(file: bytes) -> Any:
    """The one event of a file for calendars, as another program reads it."""
    [event] = CalendarFile.from_ical(file).walk("VEVENT")
    return event


def _other_site() -> Site:
    return Site.objects.create(city="wuhan", title="武昌区经办大厅", address="武昌区中山路二号", windows=1)


def test_place_day_slot_and_two_more_steps_make_an_appointment(li_qiang: Client, counter: Counter) -> None:
    other = _other_site()
    begun = li_qiang.get(APPLY)
    assert begun["Location"] == TIMES
    places = li_qiang.get(TIMES).content.decode()
    assert "江岸区经办大厅" in places
    assert f"?site={other.pk}" in places
    times = li_qiang.get(TIMES, {"site": str(counter.site.pk), "day": FRIDAY}).content.decode()
    assert counter.slot() in times
    assert "示例值" in times
    chosen = li_qiang.post(TIMES, {"slot": counter.slot()}, follow=True)
    assert chosen.request["PATH_INFO"] == APPLY
    assert "2026年11月20日 09:00，江岸区经办大厅" in chosen.content.decode()
    assert 'value="13800000002"' in chosen.content.decode()
    sent = li_qiang.post(
        APPLY,
        {"slot": counter.slot(), "matter": "payment", "phone": "13800000002", "action": "next"},
        follow=True,
    )
    assert sent.request["PATH_INFO"] == LAST_LOOK
    look = sent.content.decode()
    assert "确认预约" in look
    made = [
        li_qiang.post(LAST_LOOK, {"key": _key(look), "action": "submit"})["Location"] for _press in range(2)
    ]
    appointment = Appointment.objects.get()
    assert made == [reverse("appointment", args=[appointment.number])] * 2
    page = li_qiang.get(made[0]).content.decode()
    assert "已约好" in page
    assert "江岸区京汉大道一号" in page


def test_an_only_place_need_not_be_chosen(li_qiang: Client) -> None:
    assert "选择日期和时段" in li_qiang.get(TIMES).content.decode()


def test_a_full_day_says_when_the_next_free_one_is(
    li_qiang: Client, cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    _fill(counter, "2026-11-18")
    page = li_qiang.get(TIMES, {"day": "2026-11-18"}).content.decode()
    assert "当天已约满。" in page
    assert "最近有空的是 11月19日（周四）" in page
    assert "现场取号" in page
    # Without a day asked for, the first free one is shown.
    assert "11月19日（周四）</h2>" in li_qiang.get(TIMES).content.decode()


def test_where_everything_is_full_the_page_says_so_and_offers_the_walk_in(
    li_qiang: Client, counter: Counter, now: dt.datetime
) -> None:
    for step in range(1, 15):
        _fill(counter, (now.date() + dt.timedelta(days=step)).isoformat())
    page = li_qiang.get(TIMES).content.decode()
    assert "近期都约满了。" in page
    assert "直接到窗口现场取号" in page


def test_a_slot_that_was_taken_meanwhile_is_told_where_it_was_chosen(
    li_qiang: Client, counter: Counter
) -> None:
    _fill(counter, FRIDAY)
    Slot.objects.update(booked=4)
    # The windows are as before; only this slot is full.
    page = li_qiang.post(TIMES, {"slot": "1-202611220900"}).content.decode()
    assert "已约满或不能预约" in page


@pytest.mark.parametrize("query", ["?site=x", "?site=999999", "?day=2026-13-01", "?site=&day=昨天"])
def test_whatever_the_address_says_the_page_answers(li_qiang: Client, query: str) -> None:
    assert li_qiang.get(TIMES + query).status_code == 200


def test_what_was_typed_stays_when_another_slot_is_chosen(li_qiang: Client, counter: Counter) -> None:
    typed = {"slot": counter.slot(), "matter": "proof", "phone": "13912345678", "action": "save"}
    li_qiang.post(APPLY, typed)
    page = li_qiang.post(TIMES, {"slot": counter.slot(at="15:00")}, follow=True).content.decode()
    assert "13912345678" in page
    assert "2026年11月20日 15:00" in page


def test_errors_stand_beside_their_fields(li_qiang: Client, counter: Counter) -> None:
    page = li_qiang.post(APPLY, {"slot": counter.slot(), "phone": "12", "action": "next"}).content.decode()
    assert "请选择来办什么事。" in page
    assert "手机号码应为 11 位" in page


def test_the_slip_has_number_place_time_code_and_the_papers_of_the_case(
    client: Client, cast: Cast, counter: Counter, clock: Clock
) -> None:
    case = standing_case(
        cast.donghu_clerk,
        number="420100-20261117-ABCDEFGH",
        city="wuhan",
        service="employer-add-staff",
        facts={"papers": ["staff-form", "labour-contract"]},
    )
    appointment = counter.book(cast.donghu_clerk, now=clock.now, matter=f"case:{case.number}")
    client.force_login(cast.donghu_clerk)
    slip = client.get(reverse("appointment-slip", args=[appointment.number])).content.decode()
    for words in (
        appointment.number,
        "2026年11月20日 09:00–09:30",
        "江岸区京汉大道一号",
        "职工增员申报表",
        "劳动合同",
        "data:image/svg+xml",
        "11月20日 08:30到11月20日 09:15",
    ):
        assert words in slip


def test_the_calendar_file_holds_the_time_in_utc_and_follows_a_move(
    li_qiang: Client, cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    appointment = counter.book(cast.li_qiang_login, now=now)
    address = reverse("appointment-calendar", args=[appointment.number])
    event = _event(li_qiang.get(address).content)
    assert (event["dtstart"].dt, event["dtend"].dt) == (moment(f"{FRIDAY} 09:00"), moment(f"{FRIDAY} 09:30"))
    assert event["sequence"] == 0
    booking.move(appointment, counter.slot(at="15:00"), by=cast.li_qiang_login, now=now)
    moved = _event(li_qiang.get(address).content)
    assert (moved["uid"], moved["sequence"]) == (event["uid"], 1)
    assert moved["dtstart"].dt == moment(f"{FRIDAY} 15:00")


def test_an_appointment_is_moved_after_a_last_look(
    li_qiang: Client, cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    appointment = counter.book(cast.li_qiang_login, now=now)
    move = reverse("appointment-move", args=[appointment.number])
    assert "原来的预约不变" in li_qiang.get(move, {"day": "2026-11-23"}).content.decode()
    slot = counter.slot("2026-11-23", "10:00")
    assert "确认改期" in li_qiang.get(move, {"slot": slot}).content.decode()
    page = li_qiang.post(move, {"slot": slot}, follow=True).content.decode()
    assert "已改期" in page
    assert "2026年11月23日 10:00–10:30" in page


def test_the_case_says_how_the_appointment_is_now(
    li_qiang: Client, cast: Cast, counter: Counter, clock: Clock
) -> None:
    """It keeps what was filed, which holds no longer once the appointment is moved or cancelled."""
    made = counter.book(cast.li_qiang_login, now=clock.now)
    case = reverse("case", args=[made.case.number])
    assert "查看预约和预约单" in li_qiang.get(case).content.decode()
    booking.move(made, counter.slot(at="15:00"), by=cast.li_qiang_login, now=clock.now)
    moved = "现在的预约：2026年11月20日 15:00–15:30，江岸区经办大厅，"
    assert f"{moved}已预约" in li_qiang.get(case).content.decode()
    booking.cancel(made, by=cast.li_qiang_login, now=clock.now)
    assert f"{moved}已取消" in li_qiang.get(case).content.decode()


def test_an_appointment_is_cancelled_after_a_question(
    li_qiang: Client, cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    appointment = counter.book(cast.li_qiang_login, now=now)
    cancel = reverse("appointment-cancel", args=[appointment.number])
    assert "是否取消这个预约？" in li_qiang.get(cancel).content.decode()
    for _press in range(2):
        li_qiang.post(cancel)
    appointment.refresh_from_db()
    assert appointment.status == Status.CANCELLED


def test_too_late_the_page_says_why_nothing_can_be_changed(
    li_qiang: Client, cast: Cast, counter: Counter, clock: Clock
) -> None:
    appointment = counter.book(cast.li_qiang_login, now=clock.now)
    clock.set(f"{FRIDAY} 07:30")
    li_qiang.force_login(cast.li_qiang_login)
    page = li_qiang.get(reverse("appointment", args=[appointment.number])).content.decode()
    assert "距预约时间不足2小时，不能取消。" in page
    li_qiang.post(reverse("appointment-cancel", args=[appointment.number]))
    appointment.refresh_from_db()
    assert appointment.status == Status.BOOKED


@pytest.mark.parametrize("page", ["", "-slip", "-calendar", "-move", "-cancel"])
def test_anothers_appointment_does_not_exist(
    li_qiang: Client, cast: Cast, counter: Counter, now: dt.datetime, page: str
) -> None:
    appointment = counter.book(cast.wang_fang_login, now=now)
    address = reverse(f"appointment{page}", args=[appointment.number])
    assert li_qiang.get(address).status_code == 404
    if page in ("-move", "-cancel"):
        assert li_qiang.post(address, {"slot": counter.slot(at="15:00")}).status_code == 404


def test_ones_appointments_are_listed_and_due_on_the_home_page(
    li_qiang: Client, cast: Cast, counter: Counter, now: dt.datetime
) -> None:
    appointment = counter.book(cast.li_qiang_login, now=now)
    assert appointment.number in li_qiang.get("/appointments/").content.decode()
    home = li_qiang.get("/wuhan/").content.decode()
    assert "预约办事：江岸区经办大厅" in home
    assert reverse("appointment", args=[appointment.number]) in home
    family = li_qiang.get("/family/").content.decode()
    assert reverse("appointment", args=[appointment.number]) in family


def test_an_employers_appointment_is_due_for_its_clerks_only(
    client: Client, cast: Cast, counter: Counter, clock: Clock
) -> None:
    counter.book(cast.donghu_clerk, now=clock.now, matter="enrollment")
    client.force_login(cast.donghu_clerk)
    assert "预约办事：江岸区经办大厅" in client.get("/wuhan/").content.decode()
    client.force_login(cast.li_qiang_login)
    assert "还没有预约。" in client.get("/appointments/").content.decode()


@pytest.mark.parametrize("words", ["预约", "取号", "排队", "yuyue", "取消预约"])
def test_search_finds_it(client: Client, clock: Clock, words: str) -> None:
    page = client.get("/wuhan/search/", {"q": words}).content.decode()
    assert "/wuhan/services/appointment/" in page
    assert "/wuhan/services/employer-appointment/" in page


def test_a_city_without_appointments_has_no_such_pages(client: Client, cast: Cast, clock: Clock) -> None:
    client.force_login(cast.li_qiang_login)
    assert client.get("/ningbo/services/appointment/times/").status_code == 404
    assert client.get("/wuhan/services/flexible-pause/times/").status_code == 404


def test_who_is_not_logged_in_is_led_to_the_door_and_back(client: Client, clock: Clock) -> None:
    assert client.get(TIMES)["Location"] == f"/login/person/?next={TIMES}"


def test_the_number_of_queries_does_not_grow_with_the_places(
    li_qiang: Client, django_assert_max_num_queries: object
) -> None:
    for place in range(12):
        Site.objects.create(city="wuhan", title=f"办事点{place}", address="武汉", windows=3)
    li_qiang.get(TIMES)
    with django_assert_max_num_queries(30):  # type: ignore[operator]
        li_qiang.get(TIMES)


def _fill(counter: Counter, day: str) -> None:
    """Every slot of the day is taken."""
    start = moment(f"{day} 09:00")
    for hours in (0, 0.5, 1, 1.5, 2, 2.5, 5, 5.5, 6, 6.5, 7, 7.5):
        at = start + dt.timedelta(hours=hours)
        Slot.objects.create(
            site=counter.site, starts_at=at, ends_at=at + dt.timedelta(minutes=30), capacity=9, booked=9
        )
