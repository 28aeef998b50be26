"""What an order pays: the months of each insurance that were priced alike, and why they cost
that."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from contributions.charges.public_shares import SUBSIDISED
from contributions.models import Charge, OrderLine
from contributions.orders.parts import Part
from contributions.prices.formula import Derivation, explain
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import contribution_terms
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import periods_zh, runs, today_in_china


def parts_of(lines: Sequence[OrderLine], *, explained: bool = False) -> list[Part]:
    """What the lines of a person's order come to, by insurance and price; with the reasons if
    asked."""

    def price(line: OrderLine) -> tuple[Any, ...]:
        charge = line.charge
        return (
            list(Insurance).index(Insurance(charge.insurance)),
            charge.policy,
            charge.policy_since,
            charge.basis,
            charge.amount_fen,
            line.amount_fen - charge.amount_fen,
        )

    parts = []
    for _key, alike in groupby(sorted(lines, key=lambda line: (*price(line), line.charge.month)), key=price):
        same = list(alike)
        charge = same[0].charge
        parts.append(
            Part(
                insurance=_(INSURANCE_LABELS[Insurance(charge.insurance)]),
                tier=_tier_title(charge),
                months=periods_zh(runs(line.charge.month for line in same)),
                count=len(same),
                each_fen=same[0].amount_fen,
                fen=sum(line.amount_fen for line in same),
                derivation=_why(charge) if explained else None,
                public_fen=sum(_public_fen(line.charge) for line in same) if explained else 0,
            )
        )
    return parts


def _public_fen(charge: Charge) -> int:
    share = getattr(charge, "public_share", None) if charge.capacity in SUBSIDISED else None
    return share.amount_fen if share else 0


def _tier_title(charge: Charge) -> str:
    try:
        terms = contribution_terms(
            book(),
            city=charge.city,
            capacity=Capacity(charge.capacity),
            insurance=Insurance(charge.insurance),
            month=charge.month,
        )
        return terms.tier(charge.basis).title
    except PolicyMissing:
        return ""


def _why(charge: Charge) -> Derivation | None:
    try:
        return explain(charge, on=today_in_china(timezone.now()))
    except PolicyMissing:
        return None
