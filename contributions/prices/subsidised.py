"""What people pay whose contribution public money (财政补助) adds to: residents, children,
students, and those who go on with medical insurance when retired.

The person's and the public share are each rounded half-up to the fen for each month; where the
public share is a fixed part of the sum, the person pays the rest of the rounded sum.
"""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import cast

from django.utils.translation import gettext as _

from contributions.prices.reckoned import (
    Line,
    Reckoned,
    exact_text,
    fen_text,
    percent_text,
    rounding,
    yuan_text,
)
from portal.policy.terms.contribution import Charged, ContributionTerms, Tier
from portal.shared import money


def by_tier(terms: ContributionTerms, tier: Tier) -> Reckoned:
    """A month, or where the terms say so a year, at the tier. ``amount_fen`` is the person's
    alone."""
    base = terms.tier_base(tier.code)
    if tier.personal is not None:
        personal, public = money.to_fen(tier.personal), money.to_fen(tier.public or Decimal(0))
    elif tier.public is not None:
        public = money.to_fen(tier.public)
        personal = money.round_fen(base * tier.rate) - public
    else:
        personal, public = money.round_fen(base * tier.rate), money.round_fen(base * tier.public_rate)
    return Reckoned(
        base=base,
        amount_fen=personal,
        personal_fen=personal,
        employer_fen=0,
        account_fen=0,
        personal_rate=tier.rate,
        employer_rate=Decimal(0),
        account_rate=Decimal(0),
        leaf=terms.leaf,
        steps=partial(_steps, terms, tier),
        public_fen=public,
    )


def _steps(terms: ContributionTerms, tier: Tier, price: Reckoned) -> tuple[Line, ...]:
    yearly = terms.charged == Charged.YEAR
    return (
        Line(_("缴费档次"), tier.title),
        *_sums(terms, tier, price),
        Line(_("每年应缴") if yearly else _("每月应缴"), fen_text(price.amount_fen)),
        *(
            [Line(_("财政补助"), fen_text(price.public_fen), _("由财政承担，不向个人收取"))]
            if price.public_fen
            else ()
        ),
    )


def _sums(terms: ContributionTerms, tier: Tier, price: Reckoned) -> Iterator[Line]:
    if tier.personal is not None:
        return
    title = terms.average_title or _("平均工资")
    if tier.base is not None:
        yield Line(_("缴费基数"), yuan_text(price.base))
    else:
        average = cast(Decimal, terms.average_wage)  # the policy's check has refused shares without one
        yield Line(title, yuan_text(average))
        yield Line(
            _("缴费基数"), yuan_text(price.base), f"{exact_text(average)} × {percent_text(tier.share)}"
        )
    if tier.public is not None:
        whole = price.amount_fen + price.public_fen
        yield Line(_("费率"), percent_text(tier.rate))
        yield Line(_("每月缴费标准"), fen_text(whole), rounding(price.base, tier.rate, whole))
        return
    yield Line(
        _("个人费率") if tier.public_rate else _("费率"),
        percent_text(tier.rate),
        rounding(price.base, tier.rate, price.amount_fen),
    )
    if tier.public_rate:
        yield Line(
            _("财政补助费率"),
            percent_text(tier.public_rate),
            rounding(price.base, tier.public_rate, price.public_fen),
        )
