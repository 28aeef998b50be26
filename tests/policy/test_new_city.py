"""A fifth city: its folder is made by one command, and what its offers and the tasks ask of it is
missed at start."""

import shutil
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.hall import catalogue
from portal.hall.catalogue import every_figure_that_is_asked_for_is_there, every_offer_has_a_service
from portal.policy.book import DATA, book, load_book
from portal.policy.opening import examples
from portal.policy.terms.contribution import contribution_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

SUZHOU = {
    "code": "320500",
    "title": "苏州",
    "full_title": "苏州市",
    "province": "江苏省",
    "agency": "苏州市社会保险基金管理中心",
    "district": ["320508=姑苏区"],
    "since": "2026-01-01",
    "floor": "4494",
    "ceiling": "24042.50",
    "reference": "关于公布“缴费基数”的通知: {1}",
    "number": "苏人社发〔2025〕1号",
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data of this installation; the checks read it."""
    folder = tmp_path / "policy" / "portal" / "data"
    shutil.copytree(DATA, folder)
    monkeypatch.setattr(catalogue, "book", cache(lambda: load_book(folder)))
    return folder


def made(data: Path, **other: Any) -> str:
    out = StringIO()
    wanted = {**SUZHOU, **other}
    slug = wanted.pop("slug", "suzhou")
    call_command("new_city", slug, stdout=out, data=data, **wanted)
    return out.getvalue()


def missed() -> list[str]:
    """What the check at start misses in the data as they are now."""
    catalogue.book.cache_clear()
    return [one.msg for one in every_figure_that_is_asked_for_is_there(None)]


def test_it_starts_and_knows_what_its_documents_say(data: Path) -> None:
    assert "下一步" in made(data)
    assert missed() == []
    assert every_offer_has_a_service(None) == []
    city = load_book(data).city("suzhou")
    assert (city.title, city.order) == ("苏州", 1 + max(one.order for one in book().cities))
    assert [district.title for district in city.districts] == ["姑苏区"]
    terms = contribution_terms(
        load_book(data),
        city="suzhou",
        capacity=Capacity.EMPLOYEE,
        insurance=Insurance.PENSION,
        month=Month(2026, 11),
    )
    assert (str(terms.floor), str(terms.ceiling)) == ("4494", "24042.50")
    assert (terms.reference.title, terms.reference.number) == (SUZHOU["reference"], SUZHOU["number"])
    assert all(offer.reference.mark == "示例值" for offer in city.offers.values()), (
        "what is not known is marked"
    )


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"slug": "ningbo"}, "已经存在"),
        ({"slug": "../out"}, "不能用作城市代号"),
        ({"slug": "Su Zhou"}, "不能用作城市代号"),
        ({"code": "330200"}, "same code"),
        ({"code": "32"}, "code"),
        ({"floor": "9000", "ceiling": "8000"}, "above ceiling"),
        ({"floor": "many"}, "金额请写成数字"),
        ({"since": "2026-13-01"}, "日期请写成"),
        ({"district": ["320508"]}, "320508=姑苏区"),
        ({"number": ""}, "--number"),
        ({"agency": ""}, "--agency"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_made(data: Path, other: dict[str, Any], why: str) -> None:
    before = sorted(path.name for path in data.iterdir())
    with pytest.raises(CommandError, match=why):
        made(data, **other)
    assert sorted(path.name for path in data.iterdir()) == before


def test_a_second_time_it_is_there_already(data: Path) -> None:
    made(data)
    kept = (data / "suzhou" / "city.yaml").read_bytes()
    with pytest.raises(CommandError, match="已经存在"):
        made(data, title="另一个")
    assert (data / "suzhou" / "city.yaml").read_bytes() == kept


@pytest.mark.parametrize("name", ["reconciliation", "charging", "account_proof"])
def test_what_every_city_is_asked_for_is_missed_at_start(data: Path, name: str) -> None:
    """Found: a city without reconciliation.yaml passed the check, and stopped the start of the demo
    and a task at night."""
    made(data)
    (data / "suzhou" / f"{name}.yaml").unlink()
    [why] = missed()
    assert why == f"suzhou/{name}.yaml is missing: every city needs it"


@pytest.mark.parametrize(
    ("city", "name", "by"),
    [
        ("wuxi", "payment", "flexible-pay"),
        ("wuxi", "card_top_up", "card-top-up"),
        ("shenzhen", "debit", "recollect"),
        ("wuhan", "contribution_year", "employer-bases"),
        ("wuhan", "arrears", "arrears-pay"),
        ("wuhan", "employer_debit", "employer-debit"),
        ("shenzhen", "duplicate_refund", "duplicate-refund"),
    ],
)
def test_what_an_offer_asks_for_is_missed_at_start(data: Path, city: str, name: str, by: str) -> None:
    (data / city / f"{name}.yaml").unlink()
    assert any(why.startswith(f"{city}/{name}.yaml is missing") for why in missed()), by


def test_what_is_charged_has_a_price(data: Path) -> None:
    made(data)
    (data / "suzhou" / "employee_pension.yaml").unlink()
    assert missed() == [
        "suzhou/charging.yaml charges employee, but there is no employee_….yaml that says how much"
    ]


def test_each_example_can_be_printed() -> None:
    for name, text in examples().items():
        out = StringIO()
        call_command("new_city", example=name, stdout=out)
        assert out.getvalue().strip() == text.strip()
    with pytest.raises(CommandError, match="没有 debit 的样例"):
        call_command("new_city", example="debit")
