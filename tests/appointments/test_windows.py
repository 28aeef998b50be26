"""办事网点: what a city's places say of themselves, who books there, and the way from a case that
waits for its papers."""

import re
from html import unescape

from django.test import Client
from django.urls import reverse

from portal.appointments.models import Site
from portal.hall.routing import Status
from tests.appointments.conftest import FRIDAY, Counter
from tests.cast import Cast
from tests.conftest import Clock
from tests.filing import standing_case


def test_places_say_where_when_and_what_they_do(client: Client, clock: Clock, counter: Counter) -> None:
    Site.objects.create(
        city="wuhan", title="青山区经办大厅", address="青山区和平大道一号", phone="027-00000009", windows=2,
        opening_hours="08:30-11:30", does="参保登记、制卡确认", takes_bookings=False,
    )  # fmt: skip
    Site.objects.create(
        city="ningbo", title="镇海区经办大厅", address="镇海", windows=1, takes_bookings=False
    )
    page = client.get("/wuhan/windows/").content.decode()
    for said in ("青山区和平大道一号", "08:30–11:30", "办理：参保登记、制卡确认", "tel:027-00000009"):
        assert said in page
    assert "09:00–12:00、14:00–17:00" in page
    assert f"预约到{counter.site.title}办事" in page
    assert "预约到青山区经办大厅办事" not in page
    assert "镇海区经办大厅" not in page
    assert "本市窗口不用预约" in client.get("/ningbo/windows/").content.decode()
    assert "本市网点的地址还没有登记" in client.get("/wuxi/windows/").content.decode()


def test_what_is_done_at_the_window_leads_to_the_places(client: Client, cast: Cast, clock: Clock) -> None:
    for address in ("/wuhan/services/identity-change/", "/wuhan/"):
        assert "/wuhan/windows/" in client.get(address).content.decode()
    first = client.get("/wuhan/search/", {"q": "社保局在哪里"}).content.decode()
    assert "/wuhan/windows/" in first


def test_a_case_that_waits_for_papers_leads_to_a_booking_for_it(
    client: Client, cast: Cast, clock: Clock, counter: Counter
) -> None:
    case = standing_case(
        cast.li_qiang_login,
        status=Status.PRE_APPLIED,
        city="wuhan",
        service="bank-account",
        mode="match",
        subject=cast.li_qiang,
        facts={"papers": ["identity-card", "bank-book"]},
    )
    client.force_login(cast.li_qiang_login)
    page = unescape(client.get(reverse("case", args=[case.number])).content.decode())
    assert "/wuhan/windows/" in page
    found = re.search(r'href="(/wuhan/services/appointment/times/[^"]*)"', page)
    assert found
    times = client.get(found[1], {"site": str(counter.site.pk), "day": FRIDAY, "case": case.number})
    send = times.context["send_url"]
    assert case.number in send
    form = client.post(send, {"slot": counter.slot()}, follow=True)
    assert form.context["form"]["matter"].value() == f"case:{case.number}"


def test_another_s_case_is_no_matter_of_ones_own(
    client: Client, cast: Cast, clock: Clock, counter: Counter
) -> None:
    theirs = standing_case(
        cast.wang_fang_login,
        status=Status.PRE_APPLIED,
        city="wuhan",
        service="bank-account",
        mode="match",
        subject=cast.wang_fang,
        facts={"papers": ["identity-card"]},
    )
    client.force_login(cast.li_qiang_login)
    url = f"/wuhan/services/appointment/times/?case={theirs.number}"
    form = client.post(url, {"slot": counter.slot()}, follow=True)
    assert theirs.number not in dict(form.context["form"].fields["matter"].choices)
    sent = {
        "action": "next",
        "slot": counter.slot(),
        "matter": f"case:{theirs.number}",
        "phone": "13800000002",
    }
    answer = client.post("/wuhan/services/appointment/apply/", sent)
    assert "这份办件已经办结或不在您名下" in answer.content.decode()
