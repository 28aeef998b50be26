"""script/manage quote and what stands behind it: the golden values, spans, and plain refusals."""

import dataclasses
import json
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from contributions.prices.formula import reckon
from contributions.prices.quoting import NotQuoted, quote_months
from portal.policy.book import book
from portal.policy.terms.contribution import contribution_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


def ask(**options: Any) -> Any:
    """The JSON answer to a quote of the flexible pension, with these options."""
    out = StringIO()
    asked = {"capacity": "flexible", "insurance": "pension", "json": True, **options}
    call_command("quote", stdout=out, **asked)
    return json.loads(out.getvalue()) if asked["json"] else out.getvalue()


@pytest.mark.parametrize(
    ("city", "insurance", "month", "how", "amount"),
    [
        ("wuhan", "pension", "2013-06", {"tier": "min"}, "393.04"),
        ("wuhan", "pension", "2013-06", {"tier": "max"}, "1965.18"),
        ("wuhan", "pension", "2013-06", {"tier": "0.6"}, "393.04"),
        ("wuxi", "pension", "2023-06", {"base": "4494"}, "898.80"),
        ("wuxi", "pension", "2023-06", {"base": "22470"}, "4494.00"),
        ("wuxi", "medical", "2023-06", {"tier": "min"}, "404.46"),
        ("wuxi", "medical", "2023-06", {"tier": "max"}, "2022.30"),
        ("wuxi", "pension", "2023-06", {"tier": "0.6"}, "898.80"),
        ("wuxi", "pension", "2023-06", {"tier": "0.60"}, "898.80"),
        ("wuxi", "pension", "2023-06", {"tier": "60"}, "898.80"),
        ("wuxi", "pension", "2023-06", {"tier": "60%"}, "898.80"),
        ("wuxi", "pension", "2023-06", {"tier": "3"}, "4494.00"),
        # Beyond the limits, the limits count.
        ("wuxi", "pension", "2023-06", {"base": "100"}, "898.80"),
        ("wuxi", "pension", "2023-06", {"base": "99999"}, "4494.00"),
        ("wuxi", "pension", "2023-06", {"base": "5,000.55"}, "1000.11"),
    ],
)
def test_golden_values(city: str, insurance: str, month: str, how: dict[str, str], amount: str) -> None:
    assert ask(city=city, insurance=insurance, month=month, **how)["amount"] == amount


def test_half_a_fen_goes_up() -> None:
    terms = contribution_terms(
        book(), city="wuxi", capacity=Capacity.FLEXIBLE, insurance=Insurance.MEDICAL, month=Month(2023, 6)
    )
    low = dataclasses.replace(terms, floor=Decimal(0))
    price = reckon(low, wage=Decimal("2.50"), insurance=Insurance.MEDICAL, month=Month(2023, 6))
    assert price.amount_fen == 23
    assert ("2.50 × 9% = 0.225，四舍五入到分") in [line.note for line in price.lines]


def test_the_answer_says_how_it_came_about() -> None:
    answer = ask(city="wuxi", month="2023-06", base="4494")
    assert (answer["personal"], answer["employer"], answer["account"]) == ("898.80", "0.00", "359.52")
    assert [line["label"] for line in answer["lines"]] == [
        "自选基数",
        "基数下限与上限",
        "缴费基数",
        "费率",
        "每月应缴",
        "其中划入个人账户",
    ]
    expected = {
        "policy": "wuxi/flexible_pension",
        "since": "2023-01-01",
        "rule": "《国务院关于完善企业职工基本养老保险制度的决定》（国发〔2005〕38号）",
        "reference": "无锡社保卡网上缴费指南（企拓网）",
        "standing": "seed",
        "floor": "4494.00",
        "ceiling": "22470.00",
        "rate": "0.20",
        "base": "4494.00",
    }
    assert expected.items() <= answer["parameters"].items()


def test_an_employee_is_told_both_shares() -> None:
    answer = ask(city="wuxi", capacity="employee", month="2023-06", base="8000")
    assert (answer["amount"], answer["personal"], answer["employer"]) == ("1920.00", "640.00", "1280.00")
    assert answer["parameters"]["mark"] == "示例值"
    lowest = ask(city="wuxi", capacity="employee", month="2023-06", tier="min")
    assert lowest["parameters"]["base"] == "4494.00"
    average = ask(city="wuxi", capacity="employee", month="2023-06", tier="1")
    assert average["parameters"]["base"] == "7490.00"


def test_a_span_is_half_open_and_summed_over_changes_of_the_figures() -> None:
    answer = ask(city="shenzhen", month="2024-11", until="2025-03", tier="0.6")
    assert [one["month"] for one in answer["months"]] == ["2024-11", "2024-12", "2025-01", "2025-02"]
    assert [one["amount"] for one in answer["months"]] == ["840.00", "840.00", "1100.04", "1100.04"]
    assert (answer["count"], answer["amount"], answer["account"]) == (4, "3880.08", "1552.04")
    table = ask(city="shenzhen", month="2024-11", until="2025-03", tier="0.6", json=False)
    assert "2024年11月至2024年12月，共 2 个月：每月 840.00 元" in table
    assert "合计 4 个月 3,880.08 元" in table


def test_min_and_max_are_the_cheapest_and_the_dearest_tier() -> None:
    """Shenzhen's second medical tier has the higher base and a tenth of the rate."""
    medical = {"city": "shenzhen", "insurance": "medical", "month": "2025-06"}
    assert ask(tier="min", **medical)["parameters"]["tier"] == "two"
    assert ask(tier="max", **medical)["parameters"]["tier"] == "one"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"city": "atlantis"}, "没有城市“atlantis”"),
        ({"capacity": "king"}, "没有参保身份“king”"),
        ({"insurance": "fire"}, "没有险种“fire”"),
        ({"month": "2022-12"}, "无锡没有 2022年12月 的灵活就业人员养老保险缴费标准。现有标准自2023年1月起。"),
        ({"insurance": "maternity"}, "缴费标准"),
        ({"month": "2023-6"}, "不是月份"),
        ({"month": "9999-12"}, "不是月份"),
        ({"until": "2023-06"}, "结束月份应在起始月份之后"),
        ({"until": "2123-06"}, "一次最多测算 600 个月"),
        ({"base": "4,49x"}, "不是金额"),
        ({"base": "4494.001"}, "不是金额"),
        ({"base": "-1"}, "大于 0"),
        ({"base": ""}, "二者选一"),
        ({"tier": "0.6"}, "二者选一"),
        ({"base": "", "tier": "0.7"}, "没有“0.7”这一缴费档次"),
        ({"base": "", "tier": "nan"}, "没有“nan”这一缴费档次"),
        ({"city": "shenzhen", "insurance": "medical"}, "不能自选基数"),
        ({"capacity": "employee", "insurance": "work_injury"}, "行业风险类别"),
    ],
)
def test_what_cannot_be_priced_is_refused_plainly(changed: dict[str, str], says: str) -> None:
    with pytest.raises(CommandError, match=says) as refusal:
        ask(**{"city": "wuxi", "month": "2023-06", "base": "4494", **changed})
    assert refusal.value.returncode == 2


def test_the_same_price_as_a_charge() -> None:
    quote = quote_months(
        city="wuxi", capacity=Capacity.FLEXIBLE, insurance=Insurance.PENSION, start=Month(2023, 6), tier="60"
    )
    by_base = quote_months(
        city="wuxi",
        capacity=Capacity.FLEXIBLE,
        insurance=Insurance.PENSION,
        start=Month(2023, 6),
        base="4494",
    )
    assert (
        (quote.amount_fen, quote.account_fen) == (by_base.amount_fen, by_base.account_fen) == (89880, 35952)
    )
    with pytest.raises(NotQuoted):
        quote_months(
            city="wuxi",
            capacity=Capacity.FLEXIBLE,
            insurance=Insurance.PENSION,
            start=Month(2023, 6),
            until=Month(2023, 5),
            tier="60",
        )
