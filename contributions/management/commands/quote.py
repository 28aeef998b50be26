"""What a month or a span of months costs, and why."""

import json
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from contributions.prices.quoting import NotQuoted, PricedMonth, Quote, quote_months
from portal.policy.book import UnknownCity, book
from portal.shared import money
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, today_in_china

USAGE = 2

Word = TypeVar("Word", Capacity, Insurance)


class Command(BaseCommand):
    help = "测算一个月或一段月份的应缴金额，并逐步说明为什么是这个数。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--city", required=True, help="城市：" + "、".join(city.slug for city in book().cities)
        )
        parser.add_argument("--capacity", required=True, help="参保身份：flexible、employee …")
        parser.add_argument("--insurance", required=True, help="险种：pension、medical …")
        parser.add_argument("--month", required=True, help="月份（如 2023-06），有 --until 时为起始月份")
        parser.add_argument("--until", default="", help="结束月份，本身不计入")
        parser.add_argument("--tier", default="", help="缴费档次：平均工资的比例（0.6、60），或 min、max")
        parser.add_argument("--base", default="", help="缴费基数或工资，元")
        parser.add_argument("--grade", type=int, help="行业风险类别（单位职工工伤保险）")
        parser.add_argument("--json", action="store_true", help="输出 JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        capacity = _word(Capacity, options["capacity"], "参保身份")
        insurance = _word(Insurance, options["insurance"], "险种")
        start = _month(options["month"])
        until = _month(options["until"]) if options["until"] else None
        try:
            quote = quote_months(
                city=options["city"],
                capacity=capacity,
                insurance=insurance,
                start=start,
                until=until,
                tier=options["tier"],
                base=options["base"],
                industry_grade=options["grade"],
            )
        except UnknownCity as error:
            cities = "、".join(f"{city.slug}({city.title})" for city in book().cities)
            raise CommandError(f"没有城市“{options['city']}”。可选：{cities}。", returncode=USAGE) from error
        except NotQuoted as error:
            raise CommandError(str(error), returncode=USAGE) from error
        asked = {
            "city": options["city"],
            "capacity": str(capacity),
            "insurance": str(insurance),
        }
        if options["json"]:
            answer = _of_month(quote.months[0]) if until is None else _of_span(quote)
            self.stdout.write(json.dumps({**asked, **answer}, ensure_ascii=False, indent=2))
            return
        self._tell(
            quote,
            f"{book().city(options['city']).title} {CAPACITY_LABELS[capacity]} {INSURANCE_LABELS[insurance]}",
        )

    def _tell(self, quote: Quote, title: str) -> None:
        self.stdout.write(title)
        each = "每年" if quote.yearly else "每月"
        for part in quote.parts(on=today_in_china(timezone.now())):
            months = (
                part.start.zh
                if part.count == 1
                else f"{part.start.zh}至{(part.until - 1).zh}，共 {part.count} 个月"
            )
            self.stdout.write(f"\n{months}：{each} {money.format_yuan(part.price.amount_fen)} 元")
            for line in part.derivation.lines:
                self.stdout.write(f"  {line.label}  {line.value}" + (f"（{line.note}）" if line.note else ""))
            source = part.derivation.reference
            notes = [note for note in (part.derivation.mark, part.derivation.age) if note]
            self.stdout.write(
                f"  依据  {source.basis}，自 {part.derivation.since} 起"
                + "".join(f"，{note}" for note in notes)
            )
            self.stdout.write(f"  出处  {source.source}")
        if len(quote.months) > 1:
            self.stdout.write(
                f"\n合计 {len(quote.months)} {'年' if quote.yearly else '个月'} {money.format_yuan(quote.amount_fen)} 元"
                f"（个人 {money.format_yuan(quote.personal_fen)}，单位 {money.format_yuan(quote.employer_fen)}，"
                f"其中划入个人账户 {money.format_yuan(quote.account_fen)}）"
                + (f"，另有财政补助 {money.format_yuan(quote.public_fen)} 元" if quote.public_fen else "")
            )


def _of_month(one: PricedMonth) -> dict[str, Any]:
    price, terms = one.price, one.terms
    return {
        "month": str(one.month),
        "amount": _yuan(price.amount_fen),
        "personal": _yuan(price.personal_fen),
        "employer": _yuan(price.employer_fen),
        "account": _yuan(price.account_fen),
        "public": _yuan(price.public_fen),
        "lines": [{"label": line.label, "value": line.value, "note": line.note} for line in price.lines],
        "parameters": {
            "policy": price.path,
            "since": str(price.since),
            "rule": price.reference.basis,
            "reference": price.reference.title,
            "document": price.reference.number,
            "standing": price.reference.standing,
            "mark": price.reference.mark,
            "note": price.reference.note,
            "average_wage": None if terms.average_wage is None else _exact(terms.average_wage),
            "floor": _exact(terms.floor),
            "ceiling": _exact(terms.ceiling),
            "tier": one.tier or None,
            "base": _exact(price.base),
            "rate": str(price.personal_rate + price.employer_rate),
            "personal_rate": str(price.personal_rate),
            "employer_rate": str(price.employer_rate),
            "account_rate": str(price.account_rate),
            "rounding": "half-up to the fen, once",
        },
    }


def _of_span(quote: Quote) -> dict[str, Any]:
    return {
        "start": str(quote.months[0].month),
        "until": str(quote.months[-1].month + 1),
        "count": len(quote.months),
        "amount": _yuan(quote.amount_fen),
        "personal": _yuan(quote.personal_fen),
        "employer": _yuan(quote.employer_fen),
        "account": _yuan(quote.account_fen),
        "public": _yuan(quote.public_fen),
        "months": [_of_month(one) for one in quote.months],
    }


def _word(words: type[Word], text: str, what: str) -> Word:
    try:
        return words(text)
    except ValueError as error:
        raise CommandError(f"没有{what}“{text}”。可选：{'、'.join(words)}。", returncode=USAGE) from error


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except ValueError as error:
        raise CommandError(f"“{text}”不是月份，请写成 2023-06。", returncode=USAGE) from error


def _yuan(fen: int) -> str:
    return str(money.yuan(fen))


def _exact(yuan: Decimal) -> str:
    """At least two decimals, more where they matter."""
    short = yuan.normalize()
    return f"{short:.{max(2, -int(short.as_tuple().exponent))}f}"
