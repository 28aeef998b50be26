"""A text sends people only where something is: to what their city offers, else to where it is
really done."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from contributions.ways import ACCOUNT
from enrollment.ways import ENROL, PAUSE
from portal.hall import catalogue
from portal.hall.ways import OF_CITY, PAGES, To, Way, linked, to_page, told
from portal.policy.book import book
from portal.shared.months import today_in_china
from transfers.ways import OTHER_PLACES

CITIES = [city.slug for city in book().cities]


def test_what_the_city_offers_is_named_by_its_own_title_and_linked() -> None:
    way = PAUSE.at("wuhan")
    assert str(way) == "办理“暂停缴费”"
    assert way.url == "/wuhan/services/flexible-pause/"
    assert str(PAUSE.at("ningbo")) == "办理“灵活就业人员社保中断”"


def test_what_the_city_has_done_elsewhere_says_where_and_leads_to_what_is_known_of_it(client) -> None:
    way = OTHER_PLACES.at("shenzhen")
    assert str(way) == "到参保地社会保险、医疗保险经办机构窗口办理“与其他城市之间的社会保险关系转移”"
    page = client.get(way.url)
    assert page.status_code == 200
    assert "请到参保地社会保险、医疗保险经办机构窗口办理" in page.content.decode()
    assert 'href="/shenzhen/services/pension-out/"' in page.content.decode()


def test_what_the_city_knows_nothing_of_is_sent_to_its_windows() -> None:
    way = ACCOUNT.at("ningbo")
    assert (way.url, way.words) == ("/ningbo/windows/", "宁波社保经办机构窗口")
    assert str(way) == "到宁波社保经办机构窗口登记缴费账户（电话 12333）"


@pytest.mark.django_db
def test_every_way_of_every_text_leads_to_a_page_in_every_city(client) -> None:
    urls = {way.at(city).url for way in To.named for city in CITIES} - {""}
    assert len(urls) > 20
    assert {url: client.get(url).status_code for url in urls} == dict.fromkeys(urls, 200)


def test_a_code_that_nobody_knows_stops_the_start() -> None:
    assert catalogue.every_way_leads_somewhere(None) == []
    To("flexible-paws", what="办理停保")
    try:
        wrong = catalogue.every_way_leads_somewhere(None)
    finally:
        To.named.pop()
    assert ["flexible-paws" in str(error) for error in wrong] == [True]


@pytest.mark.django_db
def test_every_page_that_a_text_may_name_answers(client) -> None:
    for name in PAGES:
        way = to_page(name, "", *(["wuhan"] if name in OF_CITY else []))
        assert client.get(way.url).status_code in (200, 302), name


@pytest.mark.parametrize("city", CITIES)
def test_every_sentence_of_the_citys_files_is_whole(city) -> None:
    place, today = book().city(city), today_in_china(timezone.now())
    for _code, notice in catalogue.notices_of(place):
        for passage in notice:
            said, ways = told(passage, place, today)
            assert said.endswith("。")
            assert not re.search(r"[\[\]{}]|None", said)
            assert all(way.words in said for way in ways)


def test_only_the_words_of_a_way_become_a_link_and_everything_is_escaped() -> None:
    way = Way("办理“甲”", "“甲”", "/a/?b=1&c=2")
    assert linked("先<b>办理“甲”，再办理“甲”。", [way]) == (
        '先&lt;b&gt;办理<a href="/a/?b=1&amp;c=2">“甲”</a>，再办理“甲”。'
    )
    assert linked("<i>", []) == "&lt;i&gt;"
    assert linked("没有", [Way("打电话", "", "")]) == "没有"


def test_two_ways_of_the_same_words_take_two_places() -> None:
    ways = [Way("“甲”", "“甲”", "/1/"), Way("“甲”", "“甲”", "/2/")]
    assert linked("“甲”和“甲”", ways) == '<a href="/1/">“甲”</a>和<a href="/2/">“甲”</a>'


# What names a state of a coverage as well as a service.
STATES = {"暂停缴费"}


def _sentences() -> Iterator[tuple[str, str]]:
    """Every text of the program that asks people to do something, and where it stands."""
    base = Path(__file__).parents[2]
    for folder in ("portal", "enrollment", "contributions", "certificates", "transfers"):
        for file in sorted((base / folder).rglob("*.py")):
            if "migrations" in file.parts:
                continue
            tree = ast.parse(file.read_text(encoding="utf-8"))
            said = {
                id(node.body[0].value)
                for node in ast.walk(tree)
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
                and node.body
                and isinstance(node.body[0], ast.Expr)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
                    yield f"{file.relative_to(base)}:{node.lineno}", node.value
    for file in sorted((base / "templates").rglob("*.html")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            for text in re.findall(r"[^<>\"{}%]+", line):
                yield f"{file.relative_to(base)}:{number}", text


def test_no_text_of_the_program_asks_for_a_service_by_a_name_of_its_own() -> None:
    """A name in a sentence would stand in cities that do not have the service: ``To`` names it
    instead."""
    offered = {offer.title for city in book().cities for offer in city.offers.values()}
    elsewhere = {there.title for city in book().cities for there in city.elsewhere.values()}
    titles = {title for title in offered | elsewhere if len(title) > 3} - STATES
    wrong = [
        (place, title)
        for place, text in _sentences()
        if "请" in text.replace("申请", "")
        for title in titles
        if title in text
    ]
    assert wrong == []


def test_enrolment_is_named_for_every_city() -> None:
    assert {city: bool(ENROL.at(city).url) for city in CITIES} == dict.fromkeys(CITIES, True)
