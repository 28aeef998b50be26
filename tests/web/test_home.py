"""The home of a city, the list of services, help, health, and the command that lists every
offer."""

import datetime as dt
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from portal.hall.service import Audience
from portal.policy.book import book
from portal.web.templatetags.cases import audience_text
from tests.cast import Cast
from tests.conftest import Clock
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("city", [city.slug for city in book().cities])
def test_the_home_lists_the_citys_offers_with_how_they_end(client: Client, city: str) -> None:
    page = client.get(f"/{city}/")
    text = page.content.decode()
    for offer in book().city(city).offers.values():
        assert f"/{city}/services/{offer.code}/" in text
        assert offer.title in text
    assert 'name="q"' in text


def test_a_clerk_sees_the_employers_services_first(cast: Cast, clock: Clock) -> None:
    for login, first in ((cast.yongjiang_clerk, Audience.EMPLOYER), (cast.wang_fang_login, Audience.PERSON)):
        text = signed_in(login).get("/ningbo/").content.decode()
        headings = {audience: text.index(f"<h2>{audience_text(audience)}</h2>") for audience in Audience}
        assert min(headings, key=headings.__getitem__) == first


@pytest.mark.parametrize("page", ["/help/", "/accessibility/", "/ningbo/services/"])
def test_pages_for_everyone_open(client: Client, page: str) -> None:
    assert client.get(page).status_code == 200


def test_what_programs_ask_for_at_fixed_addresses(client: Client, settings: Any) -> None:
    robots = client.get("/robots.txt").content.decode()
    assert "User-agent: *" in robots
    assert "Disallow: /admin/" in robots
    assert "Disallow: /ningbo" not in robots
    settings.SECURITY_CONTACT = "mailto:security@hall.example.gov.cn"
    told = dict(
        line.split(": ", 1) for line in client.get("/.well-known/security.txt").content.decode().splitlines()
    )
    assert told["Contact"] == "mailto:security@hall.example.gov.cn"
    ends = dt.datetime.fromisoformat(told["Expires"])
    assert dt.timedelta(days=90) < ends - timezone.now() < dt.timedelta(days=365)
    assert client.get("/favicon.ico").headers["Location"].endswith(".ico")


def test_a_page_describes_itself_to_search_engines(client: Client) -> None:
    assert (
        '<meta name="description" content="宁波市社会保险网上办事大厅'
        in client.get("/ningbo/").content.decode()
    )


def test_the_command_lists_every_offer() -> None:
    out = StringIO()
    call_command("services", "--json", stdout=out)
    listed = json.loads(out.getvalue())
    assert {(row["city"], row["code"]) for row in listed} == {
        (city.slug, code) for city in book().cities for code in city.offers
    }
    assert listed[0] == {
        "code": "employer-add-staff",
        "city": "ningbo",
        "title": "社会保险职工参保登记",
        "mode": "review",
        "audience": "employer",
        "app": "enrollment",
    }
    table = StringIO()
    call_command("services", stdout=table)
    assert len(table.getvalue().splitlines()) == len(listed)
    assert "提交后审核" in table.getvalue()
