"""The city of the address, and the city that is chosen."""

import pytest
from django.test import Client

from portal.shared.insurance import Insurance
from tests.cast import CHANGSHA, Cast, cover
from tests.conftest import Clock
from tests.web.conftest import signed_in

pytestmark = pytest.mark.django_db


def test_the_first_page_is_the_home_of_the_city_that_was_chosen_last(client: Client) -> None:
    assert client.get("/")["Location"] == "/ningbo/"
    client.get("/city/wuhan/")
    assert client.get("/")["Location"] == "/wuhan/"
    client.get("/shenzhen/")
    assert client.get("/")["Location"] == "/shenzhen/"


def test_a_clerk_starts_in_their_employers_city(cast: Cast, clock: Clock) -> None:
    assert signed_in(cast.donghu_clerk).get("/")["Location"] == "/wuhan/"


def test_a_person_starts_where_they_are_insured_or_else_at_home(cast: Cast, clock: Clock) -> None:
    assert signed_in(cast.li_qiang_login).get("/")["Location"] == "/wuhan/"
    cover(cast.li_qiang, Insurance.MEDICAL, "shenzhen", "2025-01", "2026-03", tier="one")
    assert signed_in(cast.li_qiang_login).get("/")["Location"] == "/shenzhen/"
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-03", tier="60")
    assert signed_in(cast.li_qiang_login).get("/")["Location"] == "/wuhan/"


def test_who_is_at_home_in_no_city_of_the_hall_starts_in_the_first(cast: Cast, clock: Clock) -> None:
    cast.liu_yang.household_code = CHANGSHA
    cast.liu_yang.save()
    assert signed_in(cast.liu_yang_login).get("/")["Location"] == "/ningbo/"


def test_pages_without_a_city_are_of_where_one_belongs(cast: Cast, clock: Clock) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    insured, clerk = signed_in(cast.li_qiang_login), signed_in(cast.yongjiang_clerk)
    assert "武汉社会保险网上办事大厅</title>" in insured.get("/messages/").content.decode()
    assert "宁波社会保险网上办事大厅</title>" in clerk.get("/messages/").content.decode()
    insured.get("/city/wuxi/")
    assert "无锡社会保险网上办事大厅</title>" in insured.get("/messages/").content.decode()


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://testserver//evil.example/x",
        "http://testserver/\\evil.example/x",
        "//evil.example/",
        "/\t/evil.example/",
        "https://evil.example/",
        "99",
        "index",
    ],
)
@pytest.mark.parametrize("address", ["/elder/", "/city/wuhan/"])
def test_the_way_back_stays_in_the_hall(client: Client, address: str, elsewhere: str) -> None:
    home = "/" if address == "/elder/" else "/wuhan/"
    assert client.get(address, {"next": elsewhere})["Location"] == home
    assert client.get(address, headers={"referer": elsewhere})["Location"] == home


def test_an_unknown_city_does_not_exist(client: Client) -> None:
    for address in ("/beijing/", "/city/beijing/", "/beijing/services/flexible-enroll/"):
        assert client.get(address).status_code == 404
    client.cookies["city"] = "beijing"
    assert client.get("/")["Location"] == "/ningbo/"


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("/ningbo/services/", "/wuhan/services/"),
        ("/ningbo/search/?q=tingbao", "/wuhan/search/?q=tingbao"),
        ("/ningbo/services/flexible-pause/", "/wuhan/services/flexible-pause/"),
        ("/ningbo/services/flexible-pause/apply/", "/wuhan/services/flexible-pause/"),
        ("/ningbo/services/pension-history/", "/wuhan/"),
        ("/help/", "/help/"),
        ("/", "/wuhan/"),
        ("https://evil.example/ningbo/", "/wuhan/"),
        ("//evil.example/", "/wuhan/"),
    ],
)
def test_switching_shows_the_same_page_where_the_city_has_it(client: Client, here: str, there: str) -> None:
    assert client.get("/city/wuhan/", {"next": here})["Location"] == there


def test_without_a_word_of_where_to_the_page_that_one_came_from_counts(client: Client) -> None:
    came_from = {"referer": "http://testserver/ningbo/services/flexible-pause/apply/"}
    assert client.get("/city/wuhan/", headers=came_from)["Location"] == "/wuhan/services/flexible-pause/"


def test_a_page_that_the_city_lacks_is_named(client: Client) -> None:
    page = client.get("/city/wuhan/", {"next": "/ningbo/services/pension-history/"}, follow=True)
    assert "武汉尚未在网上开办刚才的事项" in page.content.decode()


def test_the_larger_type_stays_until_switched_off(client: Client) -> None:
    on = client.get("/elder/?on=1", headers={"referer": "http://testserver/help/"})
    assert on["Location"] == "/help/"
    assert "data-elder" in client.get("/help/").content.decode().split("<head>")[0]
    client.get("/elder/?on=0")
    assert "data-elder" not in client.get("/help/").content.decode().split("<head>")[0]


def test_the_way_back_leads_nowhere_else(client: Client) -> None:
    assert client.get("/elder/?on=1&next=https://evil.example/")["Location"] == "/"


def test_a_service_of_the_whole_province_needs_no_site(client: Client, cast: Cast, clock: Clock) -> None:
    assert client.get("/services/pension-history/")["Location"] == "/ningbo/services/pension-history/"
    assert client.get("/services/flexible-enroll/").status_code == 404
    assert client.get("/services/no-such-thing/").status_code == 404
    clerk = Client()
    clerk.force_login(cast.yongjiang_clerk)
    answer = clerk.get("/services/employer-proof/")
    assert (answer["Location"], answer.cookies["city"].value) == (
        "/ningbo/services/employer-proof/",
        "ningbo",
    )
