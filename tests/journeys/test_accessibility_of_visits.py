"""The pages of a family, of windows and of what people change about themselves, looked at as the
others are; and a time at a window booked by keyboard alone, on a phone."""

import datetime as dt
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import expect

from enrollment.cards import making
from portal.appointments.models import Appointment, Site
from portal.hall.models import Case
from portal.people import guardianship
from portal.people.models import Proof, Relation
from portal.policy.book import book
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import month_in_china, today_in_china
from tests.cast import NANSHAN, Cast, cover, person
from tests.filing import file, photo
from tests.journeys.conftest import PHONE, Visitors
from tests.journeys.test_accessibility import Look, faults
from tests.journeys.test_accessibility import look as look
from tests.journeys.test_everyone import tab_to


@pytest.fixture
def site() -> Site:
    return Site.objects.create(
        city="wuhan", title="江岸区经办大厅", address="江岸区中山大道一号", phone="027-00000001", windows=4
    )


def test_a_familys_pages(visitor: Visitors, cast: Cast, look: Look) -> None:
    now = timezone.now()
    child = person("陈小宇", NANSHAN, "2015-05-06", 21)
    guardianship.begin(
        guardian=cast.chen_jing, ward=child, relation=Relation.PARENT, proof_kind=Proof.HOUSEHOLD,
        proof="户口簿", start=dt.date(2026, 1, 1), on=today_in_china(now),
    )  # fmt: skip
    this = month_in_china(now)
    cover(child, Insurance.MEDICAL, "shenzhen", str(this - 2), capacity=Capacity.CHILD, tier="one")
    she = visitor(cast.chen_jing_login)
    pages = {
        "family": "/family/",
        "guardians": "/shenzhen/services/guardian-upkeep/apply/",
        "details": "/shenzhen/services/details-change/apply/",
        "a ward's details": f"/shenzhen/services/details-change/apply/?for={child.pk}",
        "identity": "/shenzhen/services/identity-change/apply/",
        "questions": "/shenzhen/questions/",
        "windows": "/shenzhen/windows/",
        "done at the window": next(
            f"/shenzhen/services/{code}/" for code in book().city("shenzhen").elsewhere
        ),
    }
    for name, address in pages.items():
        assert she.go(address) == 200, address
        look(she, name)
    for name in ("guardian-upkeep", "details-change", "identity-change"):
        she.go(f"/shenzhen/services/{name}/apply/")
        she.press("下一步")
        look(she, f"{name} with errors")


def test_pages_of_a_visit(visitor: Visitors, cast: Cast, site: Site, look: Look) -> None:
    now, login = timezone.now(), cast.li_qiang_login
    typed = {"tier_pension": "", "tier_medical": "60", "phone": "13800000002"}
    typed["account_number"] = "6217990000000000014"
    file(
        login, "wuhan", "flexible-enroll", typed, now,
        attachments=[photo(login, "wuhan", "flexible-enroll", now)],
    )  # fmt: skip
    card = Case.objects.get(service="first-medical-card")
    he = visitor(login)
    times = "/wuhan/services/appointment/times/"
    pages: dict[str, Any] = {
        "windows": "/wuhan/windows/",
        "a case that waits": f"/cases/{card.number}/",
        "times": f"{times}?case={card.number}",
        "card": "/wuhan/services/first-medical-card/",
        "details": "/wuhan/services/details-change/apply/",
    }
    for name, address in pages.items():
        assert he.go(address) == 200, address
        look(he, name)
    he.go(times)
    he.page.locator(".slots button").first.click()
    he.press("下一步")
    look(he, "a booking with errors")
    with transaction.atomic():
        making.send(card, by=cast.wuhan_reviewer, now=now)
    staff = visitor(cast.wuhan_reviewer)
    for name, address in {
        "first cards": "/admin/enrollment/firstcard/",
        "first card": f"/admin/enrollment/firstcard/{card.first_card.pk}/change/",
    }.items():
        assert staff.go(address) == 200, address
        look(staff, name)


def test_a_time_is_booked_by_keyboard_on_a_phone(visitor: Visitors, cast: Cast, site: Site) -> None:
    he = visitor(cast.li_qiang_login)
    he.page.set_viewport_size(PHONE)
    keys = he.page.keyboard
    he.go("/wuhan/windows/")
    tab_to(he, he.page.get_by_role("link", name=f"预约到{site.title}办事"))
    keys.press("Enter")
    tab_to(he, he.page.get_by_role("link", name="我已阅读，开始申报"))
    keys.press("Enter")
    tab_to(he, he.page.locator(".slots button").first)
    keys.press("Enter")
    he.page.wait_for_url("**/apply/")
    matter = he.page.get_by_role("radio").first
    tab_to(he, matter)
    keys.press("Space")
    expect(matter).to_be_checked()
    tab_to(he, he.field("手机号码"))
    keys.type("13800000002")
    tab_to(he, he.page.get_by_role("button", name="下一步"))
    keys.press("Space")
    he.is_at("核对并提交申报")
    tab_to(he, he.page.get_by_role("button", name="确认预约"))
    keys.press("Space")
    he.sees("预约号")
    assert Appointment.objects.get().slot.site == site
    assert faults(he) == []
    he.go("/appointments/")
    assert faults(he) == []
    he.follow(Appointment.objects.get().number)
    assert faults(he) == []
