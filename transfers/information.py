"""Checks of the information form (信息表) of an outside agency against what the hall can calculate
itself.

The data have the shape of ``Moving.information``: periods [start, until) as YYYY-MM, the number of
months, wages in yuan by year, and the two amounts in fen.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from contributions.charges import brought_in
from contributions.prices.reckoned import percent_text
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.transfer import pension_transfer_terms
from portal.shared import money
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_span, periods_zh, runs
from transfers.amounts import Periods, count
from transfers.models import Transfer

_LINE = re.compile(r"(\d{4})\s+(\d{1,2})(?:\s*[-–—~至]\s*(\d{1,2}))?\s+([\d,]+(?:\.\d{1,2})?)")


class Unfit(ValueError):
    """The form is refused: ``mistakes`` are (field, why), in Chinese."""

    def __init__(self, *mistakes: tuple[str, str]) -> None:
        super().__init__("; ".join(why for _field, why in mistakes))
        self.mistakes = list(mistakes)


def checked(form: Mapping[str, Any], transfer: Transfer, *, on: date) -> dict[str, Any]:
    """The checked form, with sorted periods and the number of months. Raises Unfit with each
    mistake under its field.

    ``form`` has periods, wages, account_fen and pooled_fen of the right types. For pension, the
    pooled amount must equal the legal share of the wages, to the fen. Months that already count in
    the new city are refused.
    """
    insurance = Insurance(transfer.insurance)
    periods = tuple(sorted((Month.parse(start), Month.parse(until)) for start, until in form["periods"]))
    wages = {str(year): Decimal(str(wage)) for year, wage in sorted(form["wages"].items())}
    mistakes = [
        *_wrong_months(periods, on),
        *_wrong_wages(wages, periods),
    ]
    if not mistakes:
        mistakes = [
            *_wrong_amounts(insurance, wages, int(form["account_fen"]), int(form["pooled_fen"]), on),
            *_counted(transfer.person, insurance, transfer.to_city, periods),
        ]
    if mistakes:
        raise Unfit(*mistakes)
    return {
        "periods": [[str(start), str(until)] for start, until in periods],
        "months": count(periods),
        "wages": {year: f"{wage.normalize():f}" for year, wage in wages.items()},
        "account_fen": int(form["account_fen"]),
        "pooled_fen": int(form["pooled_fen"]),
    }


def _wrong_months(periods: Periods, on: date) -> Iterator[tuple[str, str]]:
    if not periods:
        yield "periods", _("请填写缴费月份。")
    for start, until in periods:
        if until <= start:
            yield "periods", _("{start}起的一段没有月份，请核对起止。").format(start=start.zh)
    if any(until > Month(on.year, on.month) for _start, until in periods):
        yield "periods", _("缴费月份不能晚于上个月。")
    for (_first, until), (start, _last) in pairwise(periods):
        if start < until:
            yield "periods", _("{month}填了不止一次。").format(month=start.zh)


def _wrong_wages(wages: Mapping[str, Decimal], periods: Periods) -> Iterator[tuple[str, str]]:
    years = {f"{month.year:04d}" for start, until in periods for month in month_span(start, until)}
    for year in sorted(years - set(wages)):
        yield "wages", _("缺少{year}年的缴费工资。").format(year=year)
    for year in sorted(set(wages) - years):
        yield "wages", _("{year}年没有缴费月份，却有缴费工资。").format(year=year)
    for year, wage in wages.items():
        if not wage.is_finite() or wage <= 0 or wage != wage.quantize(Decimal("0.01")):
            yield "wages", _("{year}年的缴费工资应大于 0，最多两位小数。").format(year=year)


def _wrong_amounts(
    insurance: Insurance, wages: Mapping[str, Decimal], account_fen: int, pooled_fen: int, on: date
) -> Iterator[tuple[str, str]]:
    if account_fen < 0:
        yield "account_fen", _("个人账户金额不能小于 0。")
    if insurance != Insurance.PENSION:
        if pooled_fen:
            yield "pooled_fen", _("医疗保险不转移统筹基金。")
        return
    terms = pension_transfer_terms(book(), on=on)
    total = sum((wage for year, wage in wages.items() if int(year) >= terms.pooled_from.year), Decimal(0))
    expected_fen = money.round_fen(total * terms.pooled_rate)
    if pooled_fen != expected_fen:
        yield (
            "pooled_fen",
            _("统筹基金应为 {should} 元（缴费工资 {total} 元 × {rate}），信息表为 {told} 元。").format(
                should=money.format_yuan(expected_fen),
                total=f"{total:,.2f}",
                rate=percent_text(terms.pooled_rate),
                told=money.format_yuan(pooled_fen),
            ),
        )


def _counted(person: Person, insurance: Insurance, city: str, periods: Periods) -> Iterator[tuple[str, str]]:
    counted = brought_in.counted_months(person, insurance=insurance, city=city)
    twice = [month for start, until in periods for month in month_span(start, until) if month in counted]
    if twice:
        yield (
            "periods",
            _(
                "{months}在转入地已经缴费，不能重复计算。请退回对方清退重复的月份，或由本人先在转入地办理重复缴费退费。"
            ).format(months=periods_zh(runs(twice))),
        )


# Typed by staff


def from_lines(text: str) -> tuple[list[list[str]], dict[str, str]]:
    """Periods and wages by year, from one line for each run of months in a year: 年份 起月-止月
    缴费工资合计. Raises Unfit."""
    months: list[Month] = []
    wages: dict[str, Decimal] = {}
    mistakes = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            year, first, last, wage = _typed(line)
        except (ValueError, InvalidOperation):
            mistakes.append(
                ("lines", _("第 {number} 行不合格式。应写成：2019 3-12 45000.00。").format(number=number))
            )
            continue
        run = [Month(year, month) for month in range(first, last + 1)]
        if set(run) & set(months):
            mistakes.append(("lines", _("第 {number} 行的月份前面已经写过。").format(number=number)))
        months += run
        wages[str(year)] = wages.get(str(year), Decimal(0)) + wage
    if not months and not mistakes:
        mistakes.append(("lines", _("请填写缴费月份和缴费工资。")))
    if mistakes:
        raise Unfit(*mistakes)
    periods = [[str(start), str(until)] for start, until in runs(months)]
    return periods, {year: str(wage) for year, wage in wages.items()}


def _typed(line: str) -> tuple[int, int, int, Decimal]:
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise ValueError(line)
    first = int(match[2])
    last = int(match[3] or first)
    if not 1 <= first <= last <= 12:
        raise ValueError(line)
    return int(match[1]), first, last, Decimal(match[4].replace(",", ""))
