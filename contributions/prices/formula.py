"""The one formula: what a month of an insurance costs, and why. It prices a quote, a page and a
million charges alike.

Everything is exact until the end: a base is a share of the average wage or a wage between floor and
ceiling, a share of the contribution is base × rate, rounded half-up to the fen once (2.50 × 9 % =
0.225 → 0.23).
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TypedDict, cast

from django.utils.translation import gettext as _

from contributions.models import Charge
from contributions.prices import subsidised
from contributions.prices.reckoned import (
    Line,
    Reckoned,
    exact_text,
    fen_text,
    percent_text,
    rounding,
    yuan_text,
)
from portal.policy.book import Book, Leaf, PolicyMissing, Reference, book
from portal.policy.terms.contribution import ContributionTerms, Tier, contribution_terms
from portal.shared import money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

_WAGE = "wage:"


@dataclass(frozen=True, slots=True)
class Derivation:
    """为什么是这个数: the steps, and the document behind them. ``age`` says how old the figures
    are, from a year on."""

    lines: tuple[Line, ...]
    since: dt.date
    reference: Reference
    illustrative: bool
    mark: str
    age: str


def reckon(
    terms: ContributionTerms,
    *,
    tier: str = "",
    wage_fen: int | None = None,
    wage: Decimal | None = None,
    insurance: Insurance,
    month: Month,
    industry_grade: int | None = None,
) -> Reckoned:
    """Price one month by a tier's code, or by a wage or chosen base: declared (``wage_fen``, fen)
    or exact (``wage``, yuan). PolicyMissing where the terms have no such tier or grade, or price
    tiers only; ValueError where none or several are given, or the terms are another insurance's."""
    if (bool(tier), wage_fen is not None, wage is not None).count(True) != 1:
        raise ValueError("either a tier or a wage")
    if terms.insurance != insurance or terms.since > month.first_day:
        raise ValueError(f"terms of {terms.path} since {terms.since} do not price {insurance} in {month}")
    if tier:
        return _by_tier(terms, tier)
    yuan = money.yuan(wage_fen) if wage_fen is not None else cast(Decimal, wage)
    if terms.capacity != Capacity.EMPLOYEE:
        return _by_chosen_base(terms, yuan)
    return _by_wage(terms, yuan, industry_grade)


def quote(
    *,
    city: str,
    capacity: Capacity,
    insurance: Insurance,
    month: Month,
    tier: str = "",
    wage_fen: int | None = None,
    wage: Decimal | None = None,
    industry_grade: int | None = None,
    policy: Book | None = None,
) -> Reckoned:
    """``reckon`` by the terms in force in the month. Raises PolicyMissing where the city has
    none."""
    terms = contribution_terms(
        policy or book(), city=city, capacity=capacity, insurance=insurance, month=month
    )
    return reckon(
        terms,
        tier=tier,
        wage_fen=wage_fen,
        wage=wage,
        insurance=insurance,
        month=month,
        industry_grade=industry_grade,
    )


def explain(charge: Charge, *, on: dt.date) -> Derivation:
    """How a charge came about; ``on`` is the day it is looked at. Raises PolicyMissing as
    ``reckon_again`` does."""
    return derivation(reckon_again(charge), on=on)


def reckon_again(charge: Charge) -> Reckoned:
    """The price of a charge from the leaf that it names.

    PolicyMissing where the book no longer holds that leaf, or it would now give another amount: an
    amount is never explained by figures that did not make it.
    """
    month = _priced_in(charge)
    terms = contribution_terms(
        book(),
        city=charge.city,
        capacity=Capacity(charge.capacity),
        insurance=Insurance(charge.insurance),
        month=month,
    )
    if (terms.path, terms.since) != (charge.policy, charge.policy_since):
        raise PolicyMissing(f"{charge.policy} of {charge.policy_since}")
    # The employer's grade may have changed since; the one that made the amount is told by the
    # amount.
    for grade in sorted(terms.grade_rates) if terms.employer_rate is None else [None]:
        reckoned = reckon(
            terms,
            **_basis_of(charge.basis),
            insurance=terms.insurance,
            month=month,
            industry_grade=grade,
        )
        if (reckoned.base, reckoned.personal_fen, reckoned.employer_fen, reckoned.account_fen) == (
            charge.base,
            charge.personal_fen,
            charge.employer_fen,
            charge.account_fen,
        ):
            return reckoned
    raise PolicyMissing(f"{charge.policy} of {charge.policy_since} now gives another amount")


def _priced_in(charge: Charge) -> Month:
    """The month by whose rule a charge was priced: its own, or the first of a later rule that it
    names (``Repricing``)."""
    first = Month.of(charge.policy_since)
    return max(charge.month, first if charge.policy_since.day == 1 else first + 1)


def derivation(reckoned: Reckoned, *, on: dt.date) -> Derivation:
    """The steps of a price as the screen shows them on a day."""
    return explained(reckoned.lines, reckoned.leaf, on=on)


def explained(lines: Iterable[Line], leaf: Leaf, *, on: dt.date) -> Derivation:
    """These steps and the figures behind them, as the screen shows them on a day."""
    years = leaf.age_years(on)
    return Derivation(
        lines=tuple(lines),
        since=leaf.since,
        reference=leaf.reference,
        illustrative=leaf.reference.illustrative,
        mark=leaf.reference.mark,
        age=_("已执行 %(years)s 年") % {"years": years} if years else "",
    )


def basis_text(*, tier: str, wage_fen: int | None) -> str:
    """How a charge keeps what its base was worked out from: the tier's code, or ``wage:`` and the
    fen."""
    return tier if wage_fen is None else f"{_WAGE}{wage_fen}"


class _Basis(TypedDict, total=False):
    tier: str
    wage_fen: int


def _basis_of(text: str) -> _Basis:
    """The arguments for ``reckon`` that ``basis_text`` kept."""
    if text.startswith(_WAGE):
        return {"wage_fen": int(text.removeprefix(_WAGE))}
    return {"tier": text}


def _paid_alone(
    terms: ContributionTerms,
    base: Decimal,
    rate: Decimal,
    account_rate: Decimal,
    steps: Callable[[Reckoned], tuple[Line, ...]],
) -> Reckoned:
    """A month that the person pays by themselves: nothing of it is an employer's."""
    amount = money.round_fen(base * rate)
    return Reckoned(
        base=base,
        amount_fen=amount,
        personal_fen=amount,
        employer_fen=0,
        account_fen=money.round_fen(base * account_rate),
        personal_rate=rate,
        employer_rate=Decimal(0),
        account_rate=account_rate,
        leaf=terms.leaf,
        steps=steps,
    )


def _by_tier(terms: ContributionTerms, code: str) -> Reckoned:
    tier = terms.tier(code)
    if tier.public is not None or tier.public_rate or tier.base is not None:
        return subsidised.by_tier(terms, tier)
    steps = partial(_steps_by_tier, terms, tier)
    return _paid_alone(terms, terms.tier_base(code), tier.rate, tier.account_rate, steps)


def _steps_by_tier(terms: ContributionTerms, tier: Tier, price: Reckoned) -> tuple[Line, ...]:
    average = cast(Decimal, terms.average_wage)  # tier_base has refused terms without one
    return (
        Line(_("缴费档次"), tier.title),
        Line(terms.average_title or _("平均工资"), yuan_text(average)),
        Line(_("缴费基数"), yuan_text(price.base), f"{exact_text(average)} × {percent_text(tier.share)}"),
        _limits(terms),
        Line(_("费率"), percent_text(tier.rate)),
        Line(_("每月应缴"), fen_text(price.amount_fen), rounding(price.base, tier.rate, price.amount_fen)),
        *_to_the_account(price),
    )


def _by_chosen_base(terms: ContributionTerms, chosen: Decimal) -> Reckoned:
    if not terms.takes_base:
        raise PolicyMissing(f"{terms.path} of {terms.since} has a rate for each tier, none for a base")
    if terms.capacity == Capacity.RETIREE:
        steps = partial(_steps_by_pension, terms)
        return _paid_alone(terms, chosen, terms.personal_rate, Decimal(0), steps)
    steps = partial(_steps_by_chosen_base, terms, chosen)
    return _paid_alone(terms, terms.clamp(chosen), terms.personal_rate, terms.account_rate, steps)


def _steps_by_chosen_base(terms: ContributionTerms, chosen: Decimal, price: Reckoned) -> tuple[Line, ...]:
    within = _("在上下限之间，按自选基数计")
    return (
        Line(_("自选基数"), yuan_text(chosen)),
        _limits(terms),
        Line(_("缴费基数"), yuan_text(price.base), _clamped(price.base, chosen, within)),
        Line(_("费率"), percent_text(terms.personal_rate)),
        Line(
            _("每月应缴"),
            fen_text(price.amount_fen),
            rounding(price.base, terms.personal_rate, price.amount_fen),
        ),
        *_to_the_account(price),
    )


def _steps_by_pension(terms: ContributionTerms, price: Reckoned) -> tuple[Line, ...]:
    return (
        Line(_("本人养老金"), yuan_text(price.base)),
        Line(_("费率"), percent_text(terms.personal_rate)),
        Line(
            _("每月应缴"),
            fen_text(price.amount_fen),
            rounding(price.base, terms.personal_rate, price.amount_fen),
        ),
    )


def _by_wage(terms: ContributionTerms, wage: Decimal, grade: int | None) -> Reckoned:
    base = terms.clamp(wage)
    employer_rate = terms.employer_rate_for(grade)
    personal = money.round_fen(base * terms.personal_rate)
    employer = money.round_fen(base * employer_rate)
    return Reckoned(
        base=base,
        amount_fen=personal + employer,
        personal_fen=personal,
        employer_fen=employer,
        account_fen=money.round_fen(base * terms.account_rate),
        personal_rate=terms.personal_rate,
        employer_rate=employer_rate,
        account_rate=terms.account_rate,
        leaf=terms.leaf,
        steps=partial(_steps_by_wage, terms, wage, grade),
    )


def _steps_by_wage(
    terms: ContributionTerms, wage: Decimal, grade: int | None, price: Reckoned
) -> tuple[Line, ...]:
    base, by_grade = price.base, terms.employer_rate is None
    return (
        Line(_("申报工资"), yuan_text(wage)),
        _limits(terms),
        Line(_("缴费基数"), yuan_text(base), _clamped(base, wage, _("在上下限之间，按实际工资计"))),
        Line(_("个人费率"), percent_text(price.personal_rate)),
        Line(
            _("个人缴纳"),
            fen_text(price.personal_fen),
            rounding(base, price.personal_rate, price.personal_fen),
        ),
        Line(
            _("单位费率"),
            percent_text(price.employer_rate),
            _("按行业风险类别第 %(grade)s 类") % {"grade": grade} if by_grade else "",
        ),
        Line(
            _("单位缴纳"),
            fen_text(price.employer_fen),
            rounding(base, price.employer_rate, price.employer_fen),
        ),
        Line(_("每月应缴"), fen_text(price.amount_fen)),
        *_to_the_account(price),
    )


def _to_the_account(price: Reckoned) -> tuple[Line, ...]:
    if not price.account_fen:
        return ()
    sum_ = f"{exact_text(price.base)} × {percent_text(price.account_rate)}"
    return (Line(_("其中划入个人账户"), fen_text(price.account_fen), sum_),)


def _clamped(base: Decimal, wanted: Decimal, within: str) -> str:
    if base > wanted:
        return _("低于下限，按下限计")
    return _("高于上限，按上限计") if base < wanted else within


def _limits(terms: ContributionTerms) -> Line:
    return Line(_("基数下限与上限"), f"{yuan_text(terms.floor)} – {yuan_text(terms.ceiling)}")
