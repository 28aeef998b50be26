"""A priced month and the steps to it, in words."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _

from portal.policy.book import Leaf, Reference
from portal.shared import money


@dataclass(frozen=True, slots=True)
class Line:
    """One step of a derivation, for people to read."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A priced month. ``base`` is yuan, exact; the rest is fen, personal + employer = amount;
    ``account_fen`` is the part of the amount that goes to the personal account. The rates are
    shares of the base.

    The steps are put into words when somebody asks for them: millions of charges are priced, few
    are explained.
    """

    base: Decimal
    amount_fen: int
    personal_fen: int
    employer_fen: int
    account_fen: int
    personal_rate: Decimal
    employer_rate: Decimal
    account_rate: Decimal
    leaf: Leaf
    steps: Callable[["Reckoned"], tuple[Line, ...]] = field(compare=False, repr=False)
    # What public money (财政补助) pays beside the amount, in fen.
    public_fen: int = 0

    @property
    def lines(self) -> tuple[Line, ...]:
        return self.steps(self)

    @property
    def path(self) -> str:
        """The policy leaf that priced it, "wuhan/flexible_pension"."""
        return self.leaf.path

    @property
    def since(self) -> dt.date:
        return self.leaf.since

    @property
    def reference(self) -> Reference:
        return self.leaf.reference

    @property
    def illustrative(self) -> bool:
        """Whether the screen must say that the figures, or their date, are not from a document."""
        return self.reference.illustrative


# How figures stand in the steps, here and wherever else amounts are explained


def rounding(base: Decimal, rate: Decimal, fen: int) -> str:
    """How the fen follow from base × rate, in words."""
    product = base * rate
    sum_ = f"{exact_text(base)} × {percent_text(rate)}"
    if product == money.yuan(fen):
        return sum_
    return _("%(sum)s = %(product)s，四舍五入到分") % {"sum": sum_, "product": exact_text(product)}


def percent_text(share: Decimal) -> str:
    """A share or rate as 20%, 0.05%."""
    return f"{(share * 100).normalize():f}%"


def exact_text(yuan: Decimal) -> str:
    """At least two decimals, more where they matter."""
    short = yuan.normalize()
    places = max(2, -int(short.as_tuple().exponent))
    return f"{short:,.{places}f}"


def yuan_text(yuan: Decimal) -> str:
    """An exact amount with its unit."""
    return _("%(yuan)s 元") % {"yuan": exact_text(yuan)}


def fen_text(fen: int) -> str:
    """An amount in fen, as yuan with the unit."""
    return _("%(yuan)s 元") % {"yuan": money.format_yuan(fen)}
