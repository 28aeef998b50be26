"""Sentences of the policy files name services, pages and figures by reference; what is not there
stops the start."""

import datetime as dt
import re
import shutil
from pathlib import Path

import pytest
import yaml

from portal.policy.book import DATA, PolicyError, book, load_book
from portal.policy.passages import Link, Passage, PassageText, Value
from portal.policy.schema import Where

WHERE = Where("wuhan/offers.yaml")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DATA, tmp_path / "data"))


def say(data: Path, sentence: str) -> Passage:
    """The sentence as the notice of Wuhan's change of tier."""
    path = data / "wuhan/offers.yaml"
    text = path.read_text(encoding="utf-8")
    first = "    - 灵活就业人员可以随时调整自己的养老保险缴费档次，次月起按新的档次缴费。\n"
    assert first in text
    path.write_text(text.replace(first, f"    - {sentence}\n"), encoding="utf-8")
    return load_book(data).city("wuhan").offers["pension-tier"].notice[0]


def test_references_are_read_in_their_places() -> None:
    passage = PassageText().read("先办理[[a-b]]，在[[page:cases|进度]]查看，{debit.day} 日前。", WHERE)
    assert passage.parts == (
        "先办理",
        Link("a-b"),
        "，在",
        Link("page:cases", "进度"),
        "查看，",
        Value(("debit", "day")),
        " 日前。",
    )
    assert [link.page for link in passage.links()] == ["", "cases"]


@pytest.mark.parametrize(
    "sentence",
    [
        "请先办理[[flexible-paws]]。",
        "请先办理[[payment-receipt]]。",
        "请先办理[[]]。",
        "请先办理[[flexible-pause]。",
        "请于 {papers_by_day} 日前。",
        "请于 {debit.no_such_day} 日前。",
        "请于 {no_such_file.day} 日前。",
        "请于 {national.no_such_file.day} 日前。",
        "请于 {options.first_medical.card_by_day} 日前。",
        "请于 {debit.capacities} 日前。",
        "请于 {} 日前。",
        "请于{next:no_such_file.day}前。",
        "请于{next:debit.bank_title}前。",
    ],
)
def test_what_the_city_does_not_have_stops_the_start(data: Path, sentence: str) -> None:
    with pytest.raises(PolicyError) as refused:
        say(data, sentence)
    assert "wuhan/offers.yaml" in str(refused.value)
    assert "pension-tier.notice" in str(refused.value)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("扣款日前 {debit.deposit_by_day} 日。", "扣款日前 20 日。"),
        ("从{options.counts_after}个月后起。", "从1个月后起。"),
        ("用工 {national.registration.within_days} 日内。", "用工 30 日内。"),
    ],
)
def test_values_of_the_offer_the_city_and_the_nation_are_filled_in(
    data: Path, sentence: str, words: str
) -> None:
    passage = book().filled(say(data, sentence), city="wuhan", on=dt.date(2026, 11, 30))
    assert passage.parts == (words,)


@pytest.mark.parametrize(
    ("on", "day"),
    [
        (dt.date(2026, 11, 19), "2026年11月20日"),
        (dt.date(2026, 11, 20), "2026年11月20日"),
        (dt.date(2026, 11, 30), "2026年12月20日"),
        (dt.date(2026, 12, 21), "2027年1月20日"),
    ],
)
def test_the_next_such_day_is_told_as_a_date_and_never_one_that_has_gone(on: dt.date, day: str) -> None:
    add = book().city("wuhan").offers["employer-add-staff"].notice[0]
    assert f"于{day}前" in "".join(map(str, book().filled(add, city="wuhan", on=on).parts))


def test_a_figures_next_day_is_told_as_a_date(data: Path) -> None:
    passage = say(data, "请于{next:debit.deposit_by_day}前存款。")
    filled = book().filled(passage, city="wuhan", on=dt.date(2026, 11, 30))
    assert filled.parts == ("请于2026年12月20日前存款。",)


def test_a_figure_is_that_of_the_day(data: Path) -> None:
    path = data / "wuhan/debit.yaml"
    text = path.read_text(encoding="utf-8")
    values, references = text.split("references:\n")
    later = values.split("values:\n")[1].replace("2013-01-01", "2027-01-01")
    later = later.replace("deposit_by_day: 20", "deposit_by_day: 25")
    path.write_text(
        values + later + "references:\n" + references + references.replace("2013-01-01", "2027-01-01"),
        encoding="utf-8",
    )
    passage = say(data, "每月 {debit.deposit_by_day} 日前。")
    read = load_book(data)
    for on, day in ((dt.date(2026, 12, 31), "20"), (dt.date(2027, 1, 1), "25"), (dt.date(2001, 1, 1), "20")):
        assert read.filled(passage, city="wuhan", on=on).parts == (f"每月 {day} 日前。",)


@pytest.mark.parametrize("file", sorted(DATA.glob("*/offers.yaml")), ids=lambda file: file.parent.name)
def test_no_sentence_writes_a_day_or_an_age_itself(file: Path) -> None:
    """「每月 20 日」 would go on saying 20 when the figure has changed."""
    written = re.compile(r"^\s+- .*[0-9]+ ?(?:日|个工作日|周岁|时|:00)")
    assert [line for line in file.read_text(encoding="utf-8").splitlines() if written.match(line)] == []


class TestElsewhere:
    def test_what_is_offered_is_not_done_elsewhere(self, data: Path) -> None:
        path = data / "wuhan/elsewhere.yaml"
        path.write_text(
            path.read_text(encoding="utf-8").replace("identity-change:", "pension-tier:"), encoding="utf-8"
        )
        with pytest.raises(PolicyError, match="the city offers it"):
            load_book(data)

    @pytest.mark.parametrize("line", ["  audience: person\n", "  title: 个人基本信息变更\n"])
    def test_it_says_who_and_what(self, data: Path, line: str) -> None:
        path = data / "wuhan/elsewhere.yaml"
        path.write_text(path.read_text(encoding="utf-8").replace(line, "", 1), encoding="utf-8")
        with pytest.raises(PolicyError, match="missing"):
            load_book(data)

    def test_what_a_sentence_names_must_be_among_it(self, data: Path) -> None:
        (data / "wuxi/elsewhere.yaml").unlink()
        with pytest.raises(PolicyError, match="flexible-enroll"):
            load_book(data)

    def test_shenzhen_names_all_that_its_hall_has_online(self) -> None:
        """Its own hall's services for people: what is not offered here is named, with the
        window."""
        place = book().city("shenzhen")
        named = {code for code, there in place.elsewhere.items() if there.audience == "person"}
        everywhere = set(yaml.safe_load((DATA / "national/elsewhere.yaml").read_text("utf-8")))
        not_offered = named - everywhere - {"transfer-other-places"}
        assert len(not_offered) + len(place.offers) == 33
        assert not named & set(place.offers)


class TestRules:
    """What people are shown as 依据 is an official rule, or that it is still to be looked up."""

    def test_a_rule_in_words(self) -> None:
        rule = book().city("wuhan").offers["pension-out"].reference.rule
        assert rule is not None
        assert rule.words == "《城镇企业职工基本养老保险关系转移接续暂行办法》（国办发〔2009〕66号）"
        add = book().city("ningbo").offers["employer-add-staff"].reference
        assert add.basis == "《中华人民共和国社会保险法》第五十八条"
        assert "镇海发布" in add.source

    def test_what_no_rule_is_known_for_says_so(self) -> None:
        assert book().city("wuxi").offers["card-top-up"].reference.basis == "待核"

    def test_a_rule_that_is_not_there_stops_the_start(self, data: Path) -> None:
        path = data / "wuhan/offers.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("rule: rates-2019", "rule: rates-2091", 1), encoding="utf-8")
        with pytest.raises(PolicyError, match="no rule rates-2091"):
            load_book(data)

    def test_every_rule_is_the_rule_of_something(self) -> None:
        named = re.compile(r"rule: ([a-z0-9-]+)")
        used = {
            code for file in DATA.glob("*/*.yaml") for code in named.findall(file.read_text(encoding="utf-8"))
        }
        kept = set(re.findall(r"(?m)^([a-z0-9-]+):", (DATA / "national/rules.yaml").read_text("utf-8")))
        assert used == kept
