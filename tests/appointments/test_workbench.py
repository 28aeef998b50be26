"""The staff's day in the workbench, and the places that they keep."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.roles import MANAGER
from portal.appointments.machine import Status
from portal.appointments.models import Appointment, Closure, Site, Slot, Ticket
from tests.appointments.conftest import FRIDAY, Counter
from tests.cast import Cast, staff
from tests.conftest import Clock

DAY = "/admin/appointments/appointment/"


@pytest.fixture
def appointment(cast: Cast, counter: Counter, clock: Clock) -> Appointment:
    made = counter.book(cast.li_qiang_login, now=clock.now)
    clock.set(f"{FRIDAY} 08:50")
    return made


@pytest.fixture
def desk(client: Client, cast: Cast, appointment: Appointment) -> Client:
    client.force_login(cast.wuhan_reviewer)
    return client


def _page(appointment: Appointment) -> str:
    return reverse("admin:appointments_appointment_change", args=[appointment.pk])


def test_the_day_lists_who_comes_by_slot(desk: Client, appointment: Appointment) -> None:
    page = desk.get(DAY).content.decode()
    assert "09:00–09:30" in page
    assert appointment.number in page
    assert "李强" in page
    assert "待到 1，已到 0，未到 0，现场取号 0" in page


def test_the_days_are_a_queue_on_the_first_page(desk: Client) -> None:
    assert DAY in desk.get("/admin/").content.decode()


@pytest.mark.parametrize("typed", [slice(None), slice(-6, None)])
def test_an_appointment_is_found_by_its_number_or_its_end(
    desk: Client, appointment: Appointment, typed: slice
) -> None:
    found = desk.post(DAY, {"action": "find", "number": f" {appointment.number[typed].lower()} "})
    assert found["Location"] == _page(appointment)


def test_the_code_on_the_slip_opens_it(desk: Client, appointment: Appointment) -> None:
    scanned = reverse("admin:appointments_appointment_by_number", args=[appointment.number])
    assert desk.get(scanned)["Location"] == _page(appointment)
    assert desk.post(DAY, {"action": "find", "number": f"https://hall{scanned}"})["Location"] == _page(
        appointment
    )


@pytest.mark.parametrize("number", ["", "Y-1", "ABCDEF", "x" * 300, "\0"])
def test_a_number_that_is_none_finds_nothing(desk: Client, number: str) -> None:
    page = desk.post(DAY, {"action": "find", "number": number}, follow=True).content.decode()
    assert "没有查到这个预约号" in page


def test_check_in_gives_a_ticket(desk: Client, appointment: Appointment) -> None:
    for _press in range(2):
        page = desk.post(_page(appointment), {"action": "check-in"}, follow=True).content.decode()
    assert "Y001" in page
    assert Ticket.objects.count() == 1


def test_a_walk_in_gets_a_number(desk: Client, counter: Counter) -> None:
    press = {"action": "walk-in", "key": "6c9e6f3e-9a46-4c41-a1f5-0d6f5b9b3a11"}
    for _press in range(2):
        page = desk.post(f"{DAY}?site={counter.site.pk}", press, follow=True).content.decode()
    assert "现场取号：A001。" in page
    assert Ticket.objects.count() == 1


def test_a_page_sent_again_says_that_its_number_is_given(
    desk: Client, counter: Counter, clock: Clock
) -> None:
    press = {"action": "walk-in", "key": "6c9e6f3e-9a46-4c41-a1f5-0d6f5b9b3a11"}
    desk.post(f"{DAY}?site={counter.site.pk}", press)
    clock.step(minutes=3)
    page = desk.post(f"{DAY}?site={counter.site.pk}", press, follow=True).content.decode()
    assert "A001，刚才已经发出，没有另发新号" in page
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize("reason", ["停\0电", "停" * 2000, "\0"])
def test_no_reason_is_a_fault(desk: Client, counter: Counter, appointment: Appointment, reason: str) -> None:
    closing = f"{DAY}?site={counter.site.pk}&day=2026-11-23"
    for address, action in ((closing, "close"), (_page(appointment), "excuse")):
        Appointment.objects.filter(status=Status.BOOKED).update(status=Status.MISSED)
        assert desk.post(address, {"action": action, "reason": reason}).status_code == 302
    kept = [*Closure.objects.values_list("reason", flat=True)]
    assert kept == ([] if reason == "\0" else [reason.replace("\0", "")[:120]])


def test_a_day_is_closed_with_a_reason(desk: Client, counter: Counter, appointment: Appointment) -> None:
    address = f"{DAY}?site={counter.site.pk}&day={FRIDAY}"
    assert "请写明停办的原因" in desk.post(address, {"action": "close"}, follow=True).content.decode()
    page = desk.post(address, {"action": "close", "reason": "停电"}, follow=True).content.decode()
    assert "取消并通知了1个预约" in page
    assert "当天停办：停电" in page
    appointment.refresh_from_db()
    assert appointment.status == Status.CLOSED


def test_a_miss_is_excused_at_the_window(
    desk: Client, cast: Cast, counter: Counter, clock: Clock, appointment: Appointment
) -> None:
    Appointment.objects.filter(pk=appointment.pk).update(status=Status.MISSED)
    assert "核实，不计爽约" in desk.get(_page(appointment)).content.decode()
    desk.post(_page(appointment), {"action": "excuse", "reason": "住院"})
    appointment.refresh_from_db()
    assert (appointment.status, appointment.excuse) == (Status.EXCUSED, "住院")


def test_another_citys_staff_see_nothing_of_it(
    client: Client, cast: Cast, counter: Counter, appointment: Appointment
) -> None:
    client.force_login(cast.ningbo_reviewer)
    assert client.get(_page(appointment)).status_code == 404
    assert client.get(f"{DAY}?site={counter.site.pk}").status_code == 404
    assert client.post(f"{DAY}?site={counter.site.pk}", {"action": "close", "reason": "x"}).status_code == 404
    assert appointment.number not in client.get(DAY).content.decode()
    assert not Closure.objects.exists()


def test_staff_without_the_role_do_nothing(
    client: Client, cast: Cast, counter: Counter, appointment: Appointment
) -> None:
    client.force_login(cast.wuhan_collector)
    assert client.get(DAY).status_code == 404
    assert client.post(_page(appointment), {"action": "check-in"}).status_code in (403, 404)
    assert not Ticket.objects.exists()


def test_a_manager_keeps_the_places_of_the_city(client: Client, cast: Cast, clock: Clock) -> None:
    client.force_login(staff("wuhan-9", "许宁", "wuhan", MANAGER))
    add = "/admin/appointments/site/add/"
    typed = {"city": "wuhan", "title": "汉阳窗口", "address": "汉阳", "windows": 2, "takes_bookings": "on"}
    wrong = client.post(add, {**typed, "opening_hours": "上午"})
    assert "请按先后写成" in wrong.content.decode()
    client.post(add, {**typed, "city": "ningbo"})
    assert not Site.objects.exists()
    client.post(add, typed)
    assert Site.objects.get().title == "汉阳窗口"


def test_a_city_that_takes_no_appointments_keeps_its_windows_too(
    client: Client, cast: Cast, clock: Clock
) -> None:
    client.force_login(cast.ningbo_manager)
    typed = {
        "city": "ningbo",
        "title": "镇海区经办大厅",
        "address": "镇海区",
        "windows": 2,
        "takes_bookings": "on",
    }
    assert client.post("/admin/appointments/site/add/", typed).status_code == 302
    assert "镇海区经办大厅" in client.get("/ningbo/windows/").content.decode()
    assert client.post("/admin/appointments/site/add/", {**typed, "city": "wuhan"}).status_code == 200
    client.force_login(cast.ningbo_reviewer)
    day = client.get("/admin/appointments/appointment/").content.decode()
    assert "镇海区经办大厅" not in day


def test_more_windows_give_the_slots_more_places(
    client: Client, cast: Cast, counter: Counter, clock: Clock, now: dt.datetime
) -> None:
    counter.book(cast.li_qiang_login, now=now)
    client.force_login(cast.superuser)
    client.post(
        f"/admin/appointments/site/{counter.site.pk}/change/",
        {"title": "江岸", "address": "江岸区", "windows": 10, "takes_bookings": "on", "opening_hours": ""},
    )
    assert Slot.objects.get().capacity == 14
