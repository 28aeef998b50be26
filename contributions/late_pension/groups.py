"""What a month costs to each of the four groups (四类人员)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from contributions.charges import brought_in
from contributions.orders.lump_sums import Sum
from contributions.prices.formula import explained
from contributions.prices.reckoned import Line, fen_text, percent_text, yuan_text
from portal.policy.terms.late_pension import GroupsTerms
from portal.shared import money
from portal.shared.months import Month


def base_of(answers: Mapping[str, Any]) -> Decimal | None:
    """The base that was chosen, in yuan."""
    return Decimal(str(answers["base"])) if answers.get("base") else None


def price(
    terms: GroupsTerms,
    *,
    group: str,
    months: Sequence[Month],
    base: Decimal | None,
    filed_on: dt.date,
    on: dt.date,
) -> Sum:
    """The sum for these months, drawn on the day ``on``: by the chosen base, or by the old prices
    with simple interest to the month of that day."""
    if terms.groups[group].own_base:
        parts = [_Part(months, base or terms.floor, terms.rate, None)]
    else:
        early = [one for one in months if group != "left_office" or one < terms.wage_since]
        later = [one for one in months if one not in set(early)]
        wage = terms.province_wage * terms.wage_share
        parts = [
            *(
                [_Part(early, terms.early_base, terms.early_rate, terms.early_interest_since)]
                if early
                else []
            ),
            *([_Part(later, wage, terms.rate, later[0])] if later else []),
        ]
    lines: list[Line] = []
    amount = account = 0
    wages: list[tuple[Month, Decimal]] = []
    for part in parts:
        principal = money.round_fen(part.base * part.rate) * len(part.months)
        interest = part.interest(principal, terms.deposit_rate, Month.of(on))
        amount += principal + interest
        account += money.round_fen(part.base * terms.account_rate) * len(part.months)
        wages += [(month, part.base) for month in part.months]
        lines.append(
            Line(
                _("{start}至{last}，{count} 个月").format(
                    start=part.months[0].zh, last=part.months[-1].zh, count=len(part.months)
                ),
                fen_text(principal),
                _("基数 {base} × {rate}，每月 {each}").format(
                    base=yuan_text(part.base),
                    rate=percent_text(part.rate),
                    each=fen_text(money.round_fen(part.base * part.rate)),
                ),
            )
        )
        if part.since is not None:
            lines.append(
                Line(
                    _("利息"),
                    fen_text(interest),
                    _("按一年期存款利率 {rate} 单利，自{since}起计到开具缴费单的月份").format(
                        rate=percent_text(terms.deposit_rate), since=part.since.zh
                    ),
                )
            )
    lines.append(Line(_("应缴金额"), fen_text(amount)))
    return Sum(
        months=len(months),
        which=tuple(months),
        wages=brought_in.wages_by_year(wages),
        amount_fen=amount,
        account_fen=account,
        derivation=explained(lines, terms.leaf, on=filed_on),
    )


class _Part:
    """Months of one price, and since when they bear interest (None: not at all)."""

    def __init__(self, months: Sequence[Month], base: Decimal, rate: Decimal, since: Month | None) -> None:
        self.months, self.base, self.rate, self.since = list(months), base, rate, since

    def interest(self, principal_fen: int, yearly: Decimal, until: Month) -> int:
        if self.since is None:
            return 0
        months = max(0, until - self.since)
        return money.round_fen(money.yuan(principal_fen) * yearly * months / 12)
