"""A service is found by what people call it."""

import pytest
from django.test import Client

from portal.policy.book import book
from portal.web.search import find, find_at_windows, find_pages


def codes(query: str, city: str = "ningbo") -> list[str]:
    return [offer.code for offer, _service in find(query, city).here]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("社会保险职工参保登记", "employer-add-staff"),
        ("增员", "employer-add-staff"),
        ("ZENGYUAN", "employer-add-staff"),
        ("灵活 中断", "flexible-pause"),
        ("flexible-pause", "flexible-pause"),
        ("怎么办理停保", "flexible-pause"),
        ("灵活就业停保怎么办", "flexible-pause"),
        ("canbaozhengming", "person-proof"),
        ("cbzm", "person-proof"),
        ("gerencanbao zhengm", "person-proof"),
        ("ｃｂｚｍ", "person-proof"),
        ("  参保证明 ", "person-proof"),
    ],
)
def test_it_is_found_by_title_other_names_pinyin_and_initials(query: str, code: str) -> None:
    assert code in codes(query)


def test_a_character_with_several_readings_is_found_by_each() -> None:
    # 参 is can, cen and shen; only the first is meant, but people type what their input method
    # lists.
    assert "person-proof" in codes("canbaozm")
    assert "person-proof" in codes("shenbaozm")


def test_the_best_match_stands_first() -> None:
    assert codes("灵活就业人员社保中断")[0] == "flexible-pause"


@pytest.mark.parametrize("query", ["社保缴费", "shebaojiaofei", "sbjf"])
def test_what_is_called_just_so_stands_before_what_only_contains_it(query: str) -> None:
    assert codes(query, "wuxi")[0] == "flexible-pay"


@pytest.mark.parametrize(
    ("query", "view"),
    [
        ("五险缴费明细查询", "record"),
        ("缴费明细", "record"),
        ("缴费记录", "orders"),
        ("个人账户", "record-account"),
        ("jiaofeiqingdan", "paid-list"),
        ("多少钱", "quote"),
        ("单位业务申报进度查询", "cases"),
    ],
)
def test_pages_to_look_things_up_are_found_too(query: str, view: str) -> None:
    assert find_pages(query, "wuhan")[0].view == view


@pytest.mark.django_db
def test_a_page_that_was_found_can_be_followed(client: Client) -> None:
    found = client.get("/wuhan/search/?q=缴费明细").content.decode()
    assert 'href="/record/"' in found
    assert "没有找到相符的事项" not in found
    assert 'href="/wuhan/quote/"' in client.get("/wuhan/search/?q=多少钱").content.decode()


def test_every_word_must_fit() -> None:
    assert codes("灵活 增员") == []


@pytest.mark.parametrize("query", ["养老金计算器", "xyzzy", "???", "a"])
def test_what_nobody_offers_is_not_found(query: str) -> None:
    found = find(query, "ningbo")
    assert found.here == []


def test_what_only_other_cities_offer_is_listed_apart() -> None:
    found = find("历年参保", "wuhan")
    assert "pension-history" not in [offer.code for offer, _service in found.here]
    assert {offer.city for offer, _service in found.elsewhere if offer.code == "pension-history"} == {
        "ningbo"
    }


@pytest.mark.parametrize(
    ("city", "words", "code"),
    [
        ("shenzhen", "增员", "employer-add-staff"),
        ("wuxi", "参保登记", "flexible-enroll"),
        ("wuxi", "增员", "employer-add-staff"),
        ("wuhan", "户籍信息变更", "identity-change"),
        ("ningbo", "改名", "identity-change"),
    ],
)
def test_what_is_done_at_a_window_is_found_and_says_where(city: str, words: str, code: str) -> None:
    assert code in [there.code for there in find_at_windows(words, city)]


def test_what_the_city_has_done_at_a_window_is_not_offered_from_other_cities() -> None:
    """A clerk of Wuxi who looks for 增员 files at home, not in Ningbo."""
    assert "employer-add-staff" not in [offer.code for offer, _service in find("增员", "wuxi").elsewhere]


@pytest.mark.django_db
def test_the_page_says_where_it_is_done(client: Client) -> None:
    page = client.get("/shenzhen/search/?q=增员").content.decode()
    assert 'href="/shenzhen/services/employer-add-staff/"' in page
    assert "社保局窗口" in page
    assert "没有找到相符的事项" not in page


@pytest.mark.django_db
def test_the_page_lists_what_was_found_and_helps_where_nothing_was(client: Client) -> None:
    assert "社会保险职工暂停参保" in client.get("/ningbo/search/?q=jianyuan").content.decode()
    nothing = client.get("/ningbo/search/?q=<b>xyzzy").content.decode()
    assert "没有找到相符的事项" in nothing
    assert "<b>xyzzy" not in nothing
    assert "参保证明" in client.get("/wuhan/search/?q=参保证明").content.decode()


@pytest.mark.django_db
def test_an_empty_question_shows_everything(client: Client) -> None:
    page = client.get("/ningbo/search/")
    assert page.context["count"] == len(book().city("ningbo").offers)
