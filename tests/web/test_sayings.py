"""What people say in everyday words finds first what they mean, in each city; a service counts
whether the city offers it or has it done elsewhere."""

from pathlib import Path

import pytest
import yaml
from django.test import Client
from django.urls import reverse

from portal.hall.catalogue import services
from portal.policy.book import book
from portal.web import search
from portal.web.search import Section

SAYINGS = [
    (city, said, meant)
    for city, of_city in yaml.safe_load(Path(__file__).with_name("sayings.yaml").read_text("utf-8")).items()
    for meant, sayings in of_city.items()
    for said in sayings
]


def found(said: str, city: str) -> list[str]:
    """All that is found, in the order in which the page shows it."""
    hits = {
        Section.OFFERS: [offer.code for offer, _service in search.find(said, city).here],
        Section.AT_WINDOWS: [there.code for there in search.find_at_windows(said, city)],
        Section.PAGES: [f"page:{page.view}" for page in search.find_pages(said, city)],
        Section.QUESTIONS: [f"question:{asked.code}" for asked in search.find_questions(said, city)],
    }
    return [hit for section in search.sections(said, city) for hit in hits[section]]


def test_there_are_many_sayings_and_none_is_there_twice() -> None:
    assert len(SAYINGS) >= 150
    pairs = [(city, said) for city, said, _meant in SAYINGS]
    assert len(set(pairs)) == len(pairs)
    assert {city for city, _said in pairs} == {city.slug for city in book().cities}


@pytest.mark.parametrize("city", [city.slug for city in book().cities])
def test_each_saying_finds_first_what_is_meant(city: str) -> None:
    wrong = {
        said: (meant, found(said, city)[:3])
        for in_city, said, meant in SAYINGS
        if in_city == city and found(said, city)[:1] != [meant]
    }
    assert wrong == {}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("city", "said", "address"),
    [
        ("wuhan", "我辞职了社保怎么办", "/wuhan/services/flexible-enroll/"),
        ("wuhan", "忘记密码", "/password/forgot/"),
        ("wuhan", "退休", "/wuhan/services/pension-claim/"),
        ("wuxi", "换银行卡", "/wuxi/questions/#which-card"),
    ],
)
def test_on_the_page_it_is_the_first_link(client: Client, city: str, said: str, address: str) -> None:
    page = client.get(reverse("search", args=[city]), {"q": said}).content.decode()
    results = page[page.index('class="search-box"') :]
    assert results.split('class="service__title" href="')[1].split('"')[0] == address


def test_everyday_words_name_only_services_and_pages_that_exist() -> None:
    known = {
        *services(),
        *(code for city in book().cities for code in (*city.offers, *city.elsewhere)),
        *(f"page:{view}" for view, _title, _names in search.PAGES),
    }
    for city in book().cities:
        assert set(city.everyday) <= known
