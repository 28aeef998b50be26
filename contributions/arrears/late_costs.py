"""The costs of late months of flexible workers, and which of them can be paid at all.

A month keeps its due day, whenever and by whichever rule it is priced: the surcharge is computed
from that day.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from contributions.arrears import late_months
from contributions.arrears.late_months import LateMonth
from contributions.charges import charging, surcharges
from contributions.models import Charge, ChargeStatus, SurchargeKind
from contributions.prices.formula import Derivation, derivation, explain, quote
from contributions.prices.reckoned import Reckoned
from portal.people.models import Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.arrears import ArrearsTerms, arrears_terms
from portal.shared import money
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month

REVIVED = (
    Insurance.PENSION
)  # the only insurance of which a month that was given up, or never paid, can be had


@dataclass(frozen=True, slots=True)
class Cost:
    """What a late month costs when it is paid on ``paid_on``: itself and what comes on top, in fen,
    each with its reasons."""

    month: Month
    insurance: Insurance
    paid_on: dt.date
    principal_fen: int
    on_top_fen: int
    principal_why: Derivation | None
    on_top_why: Derivation | None
    on_top_kind: SurchargeKind | None

    @property
    def total_fen(self) -> int:
        return self.principal_fen + self.on_top_fen

    @property
    def label(self) -> str:
        return _("{month} {insurance}").format(
            month=self.month.zh, insurance=INSURANCE_LABELS[self.insurance]
        )


@dataclass(frozen=True, slots=True)
class Late:
    """A late month, what it costs on the day of paying (None where no rule says), and why it cannot
    be paid ("": it can)."""

    month: LateMonth
    cost: Cost | None
    why: str


def terms_of(city: str, on: dt.date) -> ArrearsTerms | None:
    """The city's terms for late months of flexible workers; None where it has none."""
    try:
        return arrears_terms(book(), city=city, on=on)
    except PolicyMissing:
        return None


def overdue(months: Iterable[LateMonth], today: dt.date) -> list[LateMonth]:
    """The months that were due before today."""
    return [one for one in months if one.due_on < today]


def revivable(late_month: LateMonth, terms: ArrearsTerms | None) -> bool:
    """Whether a written-off month can be paid after all."""
    return bool(terms and terms.written_off_pension and late_month.insurance == REVIVED)


def late(person: Person, city: str, *, paid_on: dt.date, today: dt.date) -> list[Late]:
    """The person's months of the city that were due before today and are owed or written off,
    priced for the day of paying. The number of queries does not grow with them."""
    terms = terms_of(city, today)
    statuses = (ChargeStatus.OWED, ChargeStatus.WRITTEN_OFF)
    months = overdue(late_months.late_months(person, city, statuses=statuses), today)
    return [_late(one, city, terms, paid_on) for one in months]


def _late(late_month: LateMonth, city: str, terms: ArrearsTerms | None, paid_on: dt.date) -> Late:
    why = _barrier(late_month, terms)
    if late_month.status == ChargeStatus.WRITTEN_OFF and not revivable(late_month, terms):
        return Late(late_month, None, why)
    try:
        return Late(late_month, cost(late_month, city=city, paid_on=paid_on), why)
    except PolicyMissing:
        return Late(late_month, None, why or _("原缴费档次已不在现行标准中，请到社保经办机构窗口办理"))


def _barrier(late_month: LateMonth, terms: ArrearsTerms | None) -> str:
    if late_month.busy:
        return late_month.busy
    if late_month.status == ChargeStatus.WRITTEN_OFF and late_month.insurance != REVIVED:
        return _("医疗保险欠费注销后不能再补缴")
    if late_month.status == ChargeStatus.WRITTEN_OFF and not revivable(late_month, terms):
        return _("欠费注销后本市不办理补缴")
    return ""


def cost(late_month: LateMonth, *, city: str, paid_on: dt.date, as_written_off: bool = False) -> Cost:
    """What the month costs on that day; by the rule then in force where it is written off, or
    (``as_written_off``) were it so.

    PolicyMissing where that rule has no such tier.
    """
    if as_written_off or late_month.status == ChargeStatus.WRITTEN_OFF:
        price = later_price(city, late_month.basis, paid_on)
        return _cost(
            city, late_month.insurance, late_month.month, late_month.due_on, paid_on, price.amount_fen, price
        )
    return _cost(
        city,
        late_month.insurance,
        late_month.month,
        late_month.due_on,
        paid_on,
        late_month.amount_fen,
        None,
        late_month.charge,
    )


def gap_cost(*, city: str, month: Month, tier: str, paid_on: dt.date) -> Cost:
    """What a month without coverage costs on that day, at a tier then in force. Raises
    PolicyMissing."""
    price = later_price(city, tier, paid_on)
    due = charging.due_on(city, Capacity.FLEXIBLE, month)
    return _cost(city, REVIVED, month, due, paid_on, price.amount_fen, price)


def later_price(city: str, tier: str, paid_on: dt.date) -> Reckoned:
    """A month of pension at the tier, by the rule in force on the day of paying. Raises
    PolicyMissing."""
    return quote(city=city, capacity=Capacity.FLEXIBLE, insurance=REVIVED, month=Month.of(paid_on), tier=tier)


def _cost(
    city: str,
    insurance: Insurance,
    month: Month,
    due_on: dt.date,
    paid_on: dt.date,
    principal_fen: int,
    price: Reckoned | None,
    charge: Charge | None = None,
) -> Cost:
    on_top = surcharges.price(
        city=city,
        capacity=Capacity.FLEXIBLE,
        principal_fen=principal_fen,
        since=due_on,
        paid_on=paid_on,
    )
    why = derivation(price, on=paid_on) if price else None
    if charge is not None:
        try:
            why = explain(charge, on=paid_on)
        except PolicyMissing:
            why = None
    return Cost(
        month=month,
        insurance=insurance,
        paid_on=paid_on,
        principal_fen=principal_fen,
        on_top_fen=on_top[1].amount_fen if on_top else 0,
        principal_why=why,
        on_top_why=on_top[1].derivation(on=paid_on) if on_top else None,
        on_top_kind=on_top[0] if on_top else None,
    )


def as_lines(costs: Sequence[Cost]) -> list[tuple[str, str]]:
    """Each month's amount with its surcharge, and the sum."""
    lines = [
        (
            one.label,
            _("本金 {principal} 元，利息 {on_top} 元，共 {total} 元").format(
                principal=money.format_yuan(one.principal_fen),
                on_top=money.format_yuan(one.on_top_fen),
                total=money.format_yuan(one.total_fen),
            ),
        )
        for one in costs
    ]
    total = sum(one.total_fen for one in costs)
    return [*lines, (_("合计"), _("{total} 元").format(total=money.format_yuan(total)))]
