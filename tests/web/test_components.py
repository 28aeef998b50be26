"""The components that all pages share: what a state, a month, an amount and a mistake look like."""

import datetime as dt
import re
from typing import Any, NamedTuple

import pytest
from django import forms
from django.template import Context, Template

from portal.policy.book import book
from portal.shared.months import Month


def drawn(source: str, **context: Any) -> str:
    return Template("{% load cases components formats forms months %}" + source).render(Context(context))


def words(markup: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


class StaffForm(forms.Form):
    groups = (("参保起始月份", ["start"]),)

    name = forms.CharField(label="姓名", help_text="与身份证一致。")
    known = forms.CharField(label="性别", disabled=True, required=False, initial="男")
    phone = forms.CharField(label="手机号码", required=False)
    start = forms.ChoiceField(
        label="起始月份",
        choices=[("2026-10", "2026年10月"), ("2026-11", "2026年11月")],
        widget=forms.RadioSelect(attrs={"class": "month-buttons"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["known"].read_from_register = True  # type: ignore[attr-defined]
        self.fields["start"].not_allowed = {"2026-10": "只能选当月"}  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        raise forms.ValidationError("已有未办结的办件。")


def test_a_mistake_stands_beside_its_field_and_is_announced_with_it() -> None:
    markup = drawn("{{ form }}", form=StaffForm({"start": "2026-11"}))
    assert re.search(r'<input[^>]*name="name"[^>]*aria-invalid="true"', markup)
    described = re.search(r'<input[^>]*name="name"[^>]*aria-describedby="([^"]+)"', markup)
    assert described is not None
    for id_ in described[1].split():
        assert f'id="{id_}"' in markup
    assert markup.index('id="id_name_error"') < markup.index('name="name"')
    assert "错误：请填写“姓名”。" in words(markup)


def test_the_summary_leads_to_every_field_that_is_wrong() -> None:
    form = StaffForm({})
    markup = drawn("{% error_summary form %}{{ form }}", form=form)
    summary, body = markup.split("</ul>", 1)
    # The first month is not allowed: the focus goes to the first that can be chosen.
    assert re.findall(r'<a href="#([^"]+)"', summary) == ["id_name", "id_start_1"]
    for id_ in ("id_name", "id_start_1"):
        assert f'id="{id_}"' in body
    assert "请选择“起始月份”。" in summary
    assert markup.count("已有未办结的办件。") == 1


def test_without_a_summary_the_form_tells_its_own_mistakes() -> None:
    assert "已有未办结的办件。" in drawn("{{ form }}", form=StaffForm({}))


def test_a_form_without_mistakes_has_no_summary() -> None:
    assert drawn("{% error_summary form %}", form=StaffForm()).strip() == ""
    assert drawn("{% error_summary nothing %}").strip() == ""


def test_a_month_that_is_not_allowed_says_why_and_cannot_be_chosen() -> None:
    markup = drawn("{{ form.start.as_field_group }}", form=StaffForm())
    assert re.search(r'<input[^>]*value="2026-10"[^>]*\bdisabled', markup)
    assert not re.search(r'<input[^>]*value="2026-11"[^>]*\bdisabled', markup)
    assert "只能选当月" in markup
    assert 'class="month-buttons"' in markup


def test_required_optional_and_known_fields_are_told_apart_in_words() -> None:
    form = StaffForm()
    assert "（必填）" in drawn("{{ form.name.as_field_group }}", form=form)
    assert "（选填）" in drawn("{{ form.phone.as_field_group }}", form=form)
    known = drawn("{{ form.known.as_field_group }}", form=form)
    assert "已自动读取" in known
    assert "（选填）" not in known


def test_what_a_person_typed_is_never_markup() -> None:
    form = StaffForm({"name": "<b>龍</b>", "start": "<i>"})
    markup = drawn("{% error_summary form %}{{ form }}", form=form)
    assert "<b>" not in markup
    assert "<i>" not in markup


class Cell(NamedTuple):
    month: int
    state: str
    label: str
    text: str


def test_every_month_of_the_grid_says_its_state_in_words() -> None:
    cells = [Cell(number, "paid", "已缴", f"2026年{number}月 已缴") for number in range(1, 12)]
    cells.append(Cell(12, "owed", "<待缴>", "2026年12月 待缴 393.04 元"))
    markup = drawn("{% months rows %}", rows=[{"year": 2026, "cells": cells}])
    assert markup.count("<td") == 12
    for number in range(1, 12):
        assert f"2026年{number}月 已缴" in markup
    assert "393.04" in markup
    assert "<待缴>" not in markup
    legend = markup[: markup.index("<table")]
    assert "已缴" in legend
    assert "待缴" in legend
    assert "中断" not in legend


def test_a_year_may_say_what_it_comes_to_in_place_of_its_months() -> None:
    told = {
        "year": 2020,
        "sum": "已缴 12 个月",
        "state": "paid",
        "url": "?year=2020",
        "link_said": "查看<2020>年各月",
    }
    markup = drawn("{% months rows %}", rows=[told])
    assert markup.count("<td") == 1
    for word in ("已缴 12 个月", 'href="?year=2020"', "查看&lt;2020&gt;年各月"):
        assert word in markup


def test_a_state_of_a_month_that_nobody_knows_is_refused() -> None:
    cell = Cell(1, "lost", "", "")
    with pytest.raises(KeyError):
        drawn("{% months rows %}", rows=[{"year": 2026, "cells": [cell]}])


def test_the_station_where_a_case_stands_is_marked_for_a_screen_reader() -> None:
    steps = [
        {"title": "已提交", "when": dt.date(2026, 11, 21), "state": "done"},
        {"title": "审核中", "state": "now"},
        {"title": "办结", "state": "next"},
    ]
    markup = drawn("{% stations steps %}", steps=steps)
    assert markup.count("aria-current") == 1
    assert markup.index("aria-current") < markup.index("审核中") < markup.index("办结")
    assert "2026年11月21日" in markup


def test_a_batch_shows_counts_and_sums_that_add_up() -> None:
    parts = [
        {"label": "已扣款", "count": 86120, "fen": 3384860480, "tone": "good"},
        {"label": "等待银行结果", "count": 13880, "fen": 545539520, "tone": "quiet"},
    ]
    markup = drawn("{% progress parts %}", parts=parts)
    assert "86,120" in markup
    assert "100,000" in markup
    assert "39,304,000.00" in markup
    assert "86%" in markup
    assert sum(float(width) for width in re.findall(r'width="([\d.]+)" height', markup)) == pytest.approx(100)


def test_a_batch_of_nothing_is_done() -> None:
    assert "100%" in drawn("{% progress parts %}", parts=[])


def test_an_amount_opens_to_its_reasons_and_says_where_they_come_from() -> None:
    reasons = {
        "lines": [{"label": "费率", "value": "20%", "note": ""}],
        "since": dt.date(2013, 1, 1),
        "reference": {"basis": "武汉市缴费标准"},
        "illustrative": True,
        "mark": "起始日期为推定",
    }
    text = words(drawn("{% amount 39304 %}{% derivation reasons %}", reasons=reasons))
    for part in ("393.04", "费率", "20%", "2013年1月1日", "武汉市缴费标准", reasons["mark"]):
        assert str(part) in text
    markup = drawn("{% derivation reasons %}", reasons={**reasons, "age": "已执行 13 年"})
    shown, folded = markup.split("</summary>")
    for said in (reasons["mark"], "已执行 13 年"):
        assert str(said) in shown, "beside the amount, not only in the fold"
        assert str(said) not in folded


@pytest.mark.parametrize(
    ("days", "said"),
    [(-2, "已过期 2 天"), (0, "今天截止"), (3, "还剩 3 天")],
)
def test_what_is_due_says_how_many_days_are_left(days: int, said: str) -> None:
    item = {"title": "补缴", "text": "", "days_left": days, "url": "/x/"}
    assert said in words(drawn("{% due_item item %}", item=item))


def test_every_offer_of_every_city_says_how_it_ends() -> None:
    ends = {"网上直接办结", "比对后办结", "网上预申请", "提交后审核"}
    for city in book().cities:
        for offer in city.offers.values():
            assert drawn("{{ offer.mode|mode_text }}", offer=offer) in ends


@pytest.mark.parametrize(
    "month",
    [Month(2026, 3), dt.date(2026, 3, 31), "2026-03", dt.datetime(2026, 2, 28, 16, 30, tzinfo=dt.UTC)],
)
def test_months_are_written_in_chinese(month: Any) -> None:
    assert drawn("{{ month|month_zh }}", month=month) == "2026年3月"


def test_personal_data_are_masked() -> None:
    number = drawn("{{ number|mask_identity }}", number="330211199003071234")
    assert number == "330211********1234"
    assert drawn("{{ name|mask_name }}", name="欧阳靖宇") == "欧**宇"
