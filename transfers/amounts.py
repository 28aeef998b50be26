"""The months, wages and money that move with a relation, and the derivation of the amounts.

Pension (国办发〔2009〕66号第四条): the whole personal account, and from the pooled fund a share of
the sum of real contribution wages since a given month. Medical: the months, and the account's
balance where the city moves it. Wages come from paid charges and from records brought in before.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from contributions.books import personal_account
from contributions.charges import brought_in
from contributions.prices.formula import Derivation, explained
from contributions.prices.reckoned import Line, exact_text, fen_text, percent_text, yuan_text
from portal.people.models import Person
from portal.policy.book import NATIONAL, PolicyMissing, book
from portal.policy.terms.transfer import moves_balance, pension_transfer_terms
from portal.shared import money
from portal.shared.insurance import Insurance
from portal.shared.months import Month, periods_zh, runs

Periods = tuple[tuple[Month, Month], ...]


@dataclass(frozen=True, slots=True)
class Moving:
    """The months and money that leave or would leave a city. Amounts are fen; wages are yuan by
    year, as text; periods are [start, until).

    ``own``: months paid in the city. ``along``: ids of records that were brought in before and move
    on. ``periods``: the months of both. ``doubled``: months that were brought in and also paid in
    the city; they do not move, and their money is refunded.
    """

    own: Periods
    along: tuple[int, ...]
    periods: Periods
    doubled: Periods
    wages: Mapping[str, str]
    account_fen: int
    pooled_fen: int
    derivation: Derivation

    @property
    def months(self) -> int:
        return count(self.periods)

    @property
    def sum_fen(self) -> int:
        return self.account_fen + self.pooled_fen

    def information(self) -> dict[str, Any]:
        """The information form as plain data, which the new place takes over."""
        return {
            "periods": [[str(start), str(until)] for start, until in self.periods],
            "months": self.months,
            "wages": dict(self.wages),
            "account_fen": self.account_fen,
            "pooled_fen": self.pooled_fen,
        }


def count(periods: Periods) -> int:
    """The number of months in the periods."""
    return sum(until - start for start, until in periods)


def periods_of(information: Mapping[str, Any]) -> Periods:
    """The months of an information form."""
    return tuple((Month.parse(start), Month.parse(until)) for start, until in information["periods"])


def what_moves(person: Person, *, insurance: Insurance, city: str, on: dt.date) -> Moving:
    """The months and money that would leave the city on a day. Raises PolicyMissing for an
    insurance that is not transferred."""
    charges = brought_in.own_charges(person, insurance=insurance, city=city)
    rows = list(brought_in.standing(person, insurance=insurance, cities=[city]).prefetch_related("periods"))
    brought_months = brought_in.months_brought_in(rows)
    own_charges = [charge for charge in charges if charge.month not in brought_months]
    wages = brought_in.add_wages(
        brought_in.wages_by_year((charge.month, charge.base) for charge in own_charges),
        *(row.wages for row in rows),
    )
    months = {charge.month for charge in own_charges}
    periods = tuple(runs(months | brought_months))
    balance = personal_account.balance(person, city, insurance)
    reckon = _pension if insurance == Insurance.PENSION else _medical
    account_fen, pooled_fen, derivation = reckon(city, wages, balance, on)
    return Moving(
        own=tuple(runs(months)),
        along=tuple(row.pk for row in rows),
        periods=periods,
        doubled=tuple(runs({charge.month for charge in charges} & brought_months)),
        wages=wages,
        account_fen=account_fen,
        pooled_fen=pooled_fen,
        derivation=Derivation(
            lines=(*_month_lines(periods, len(brought_months)), *derivation.lines),
            since=derivation.since,
            reference=derivation.reference,
            illustrative=derivation.illustrative,
            mark=derivation.mark,
            age=derivation.age,
        ),
    )


def _pension(city: str, wages: Mapping[str, str], balance: int, on: dt.date) -> tuple[int, int, Derivation]:
    terms = pension_transfer_terms(book(), on=on)
    counted = {year: Decimal(wage) for year, wage in wages.items() if int(year) >= terms.pooled_from.year}
    total = sum(counted.values(), Decimal(0))
    pooled = money.round_fen(total * terms.pooled_rate)
    percent = percent_text(terms.pooled_rate)
    lines = [
        Line(_("个人账户储存额"), fen_text(balance), _("全部转移，转出时连同结算到上月的利息")),
        *(Line(_("%(year)s年缴费工资") % {"year": year}, yuan_text(wage)) for year, wage in counted.items()),
        Line(
            _("缴费工资合计"),
            yuan_text(total),
            _("%(month)s起各年实际缴费工资之和") % {"month": terms.pooled_from.zh},
        ),
        Line(_("统筹基金转移比例"), percent),
        Line(
            _("统筹基金转移额"),
            fen_text(pooled),
            _("%(total)s × %(percent)s，四舍五入到分") % {"total": exact_text(total), "percent": percent},
        ),
        Line(_("转移金额合计"), fen_text(balance + pooled)),
    ]
    return balance, pooled, explained(lines, terms.leaf, on=on)


def _medical(city: str, wages: Mapping[str, str], balance: int, on: dt.date) -> tuple[int, int, Derivation]:
    leaf = book().leaf(NATIONAL, "medical_transfer", on)
    account = balance if balance_moves(city) else 0
    if account == balance:
        note = _("余额一并转移")
    else:
        note = _("本市不转移余额，%(yuan)s 元留在原账户") % {"yuan": money.format_yuan(balance)}
    return account, 0, explained([Line(_("个人账户余额"), fen_text(account), note)], leaf, on=on)


def balance_moves(city: str) -> bool:
    """Whether the city also moves the balance of the medical account."""
    offer = book().city(city).offers.get("medical-out")
    try:
        return offer is not None and moves_balance(offer)
    except PolicyMissing:
        return False


def _month_lines(periods: Periods, brought_count: int) -> list[Line]:
    lines = [Line(_("转移月数"), _("%(count)s 个月") % {"count": count(periods)}, periods_zh(periods))]
    if brought_count:
        lines.append(Line(_("其中以前由外地转入"), _("%(count)s 个月") % {"count": brought_count}))
    return lines
