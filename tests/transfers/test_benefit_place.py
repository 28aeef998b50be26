"""Where the pension will be drawn, by what is paid so far (国办发〔2009〕66号第六条)."""

import datetime as dt

import pytest

from portal.people.models import Person
from portal.shared.months import Month
from tests.cast import Cast
from tests.transfers.mover import paid
from transfers.benefit_place import Paid, benefit_place, settle

ON = dt.date(2026, 11, 17)
WUHAN, SHENZHEN, NINGBO = "420106", "440305", "330211"


def at(title: str, months: int, last: str) -> Paid:
    return Paid(title, "", months, Month.parse(last))


@pytest.mark.parametrize(
    ("paid_at", "household", "where", "why"),
    [
        ([at("武汉", 300, "2025-12")], SHENZHEN, "深圳", "在户籍所在地领取"),
        ([at("深圳", 120, "2026-10")], WUHAN, "深圳", "缴费已满 10 年"),
        ([at("深圳", 119, "2026-10")], WUHAN, "武汉", "缴费 119 个月，未满 10 年"),
        ([at("深圳", 119, "2026-10"), at("无锡", 120, "2015-12")], WUHAN, "无锡", "上一个缴费满 10 年"),
        (
            [at("宁波", 180, "2010-12"), at("无锡", 120, "2020-12"), at("深圳", 12, "2026-10")],
            WUHAN,
            "无锡",
            "在那里领取",
        ),
        ([], "110101", "户籍所在地", "缴费 0 个月"),
        ([], "", "户籍所在地（户籍信息未登记）", "由户籍所在地归集"),
    ],
)
def test_the_rule(paid_at: list[Paid], household: str, where: str, why: str) -> None:
    found = settle(paid_at, here="深圳", here_code="440300", household=household, on=ON)
    assert found.title == where
    assert why in found.why
    assert found.leaf.reference.number == "国办发〔2009〕66号第六条"


def test_months_count_where_they_were_paid(cast: Cast, mover: Person) -> None:
    paid(cast.chen_jing, "wuhan", "2025-01", "2025-03")
    found = benefit_place(mover, to_city="shenzhen", to_place="深圳", on=ON)
    # Twelve months in Wuhan, none in Shenzhen, household in Wuchang.
    assert found.title == "武汉"
    assert "在深圳缴费 0 个月，未满 10 年" in found.why
