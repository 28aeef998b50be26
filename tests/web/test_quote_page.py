"""算一算: the public page that prices a month."""

import pytest
from django.test import Client

from tests.conftest import Clock

pytestmark = pytest.mark.django_db


def page(client: Client, city: str = "wuxi", **query: str) -> str:
    response = client.get(f"/{city}/quote/", query)
    assert response.status_code == 200
    return response.content.decode()


def test_anyone_is_told_an_amount_and_why(client: Client, clock: Clock) -> None:
    text = page(client, year="2023", month="6", count="3", tier="60")
    assert "2,696.40" in text
    assert "898.80" in text
    assert "为什么是这个数" in text
    assert "4,494.00 × 20%" in text
    assert "依据：《国务院关于完善企业职工基本养老保险制度的决定》（国发〔2005〕38号）" in text
    assert "企拓网" not in text


def test_a_chosen_base_and_a_wage(client: Client, clock: Clock) -> None:
    assert "1,000.00" in page(client, year="2023", month="6", count="1", tier="base", base="5000")
    text = page(
        client, capacity="employee", insurance="pension", year="2023", month="6", count="1", base="8000"
    )
    assert "1,920.00" in text
    assert "示例值" in text
    graded = {"capacity": "employee", "insurance": "work_injury", "year": "2026", "month": "6", "count": "1"}
    assert "第 8 类" in page(client, base="8000", grade="8", **graded)


def test_nothing_is_worked_out_before_it_is_asked(client: Client, clock: Clock) -> None:
    text = page(client)
    assert "计算应缴金额" in text
    assert "共 1 个月" not in text


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"tier": "base", "base": ""}, "请填写自选基数"),
        ({"tier": "base", "base": "abc"}, "“abc”不是金额"),
        ({"tier": "70"}, "没有这一缴费档次"),
        ({}, "请选择缴费档次"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    client: Client, clock: Clock, query: dict[str, str], says: str
) -> None:
    text = page(client, year="2023", month="6", count="1", **query)
    assert says in text
    assert "为什么是这个数" not in text


def test_a_month_before_the_first_figures(client: Client, clock: Clock) -> None:
    text = page(client, "ningbo", year="2019", month="4", count="1", tier="60")
    assert "宁波没有 2019年4月 的灵活就业人员养老保险缴费标准" in text


@pytest.mark.parametrize("query", [{"capacity": "king"}, {"insurance": "maternity"}, {"capacity": "child"}])
def test_what_the_city_has_no_figures_for_is_not_there(
    client: Client, clock: Clock, query: dict[str, str]
) -> None:
    assert client.get("/wuxi/quote/", query).status_code == 404


@pytest.mark.parametrize("city", ["ningbo", "wuhan", "wuxi", "shenzhen"])
def test_every_city_has_it_and_home_leads_there(client: Client, clock: Clock, city: str) -> None:
    assert f'href="/{city}/quote/"' in client.get(f"/{city}/").content.decode()
    assert "算一算要缴多少" in page(client, city)
