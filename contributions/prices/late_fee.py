"""滞纳金: what paying late costs, day by day at the rate then in force (社会保险法 86). One rule
for persons and employers."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from contributions.prices.formula import Derivation, explained
from contributions.prices.reckoned import Line, fen_text, percent_text
from portal.policy.book import NATIONAL, Book, Leaf, PolicyMissing, book
from portal.policy.terms.arrears import late_fee_terms
from portal.shared import money


@dataclass(frozen=True, slots=True)
class LateFee:
    """The fee on ``principal_fen`` that was due on ``since`` and is paid on ``paid_on``. ``days``
    lie after ``since``, the day of paying included; amounts are fen. ``leaf`` is the rule in force
    on the day of paying, None where there is nothing to pay."""

    principal_fen: int
    since: dt.date
    paid_on: dt.date
    days: int
    amount_fen: int
    capped: bool
    lines: tuple[Line, ...]
    leaf: Leaf | None

    def derivation(self, *, on: dt.date) -> Derivation | None:
        """The steps as the screen shows them on a day; None where there is nothing to explain."""
        if self.leaf is None:
            return None
        return explained(self.lines, self.leaf, on=on)


def late_fee(*, principal_fen: int, since: dt.date, paid_on: dt.date, policy: Book | None = None) -> LateFee:
    """Unpaid × daily rate × days, each day at its own rate, capped where the rule of the day of
    paying says so, rounded half-up once. Nothing where it is paid in time, or no rule was in force.
    ValueError where there is no principal."""
    if principal_fen <= 0:
        raise ValueError(f"no principal: {principal_fen}")
    the_book = policy or book()
    nothing = LateFee(principal_fen, since, paid_on, 0, 0, False, (), None)
    if paid_on <= since:
        return nothing
    try:
        terms = late_fee_terms(the_book, on=paid_on)
        stretches = _stretches(the_book, since, paid_on)
    except PolicyMissing:
        return nothing
    principal = money.yuan(principal_fen)
    exact = sum((principal * rate * days for rate, days in stretches), Decimal(0))
    capped = terms.capped and exact > principal
    amount_fen = money.round_fen(principal if capped else exact)
    lines = [
        Line(_("未缴金额"), fen_text(principal_fen)),
        Line(_("缴费期限"), str(since)),
        Line(_("计算到"), str(paid_on)),
        *(
            Line(
                _("滞纳天数与每日比率"),
                _("%(days)s 天 × %(rate)s") % {"days": days, "rate": percent_text(rate)},
                _("按日加收，从缴费期限的次日起，缴款当日计入"),
            )
            for rate, days in stretches
        ),
        Line(
            _("滞纳金"),
            fen_text(amount_fen),
            _("不超过未缴金额，按未缴金额计")
            if capped
            else " + ".join(f"{principal} × {percent_text(rate)} × {days}" for rate, days in stretches)
            + _("，四舍五入到分"),
        ),
    ]
    days = sum(days for _rate_, days in stretches)
    return LateFee(principal_fen, since, paid_on, days, amount_fen, capped, tuple(lines), terms.leaf)


def _stretches(the_book: Book, since: dt.date, paid_on: dt.date) -> list[tuple[Decimal, int]]:
    """(rate, days) for the days (since, paid_on], oldest first; days before the first rule cost
    nothing."""
    found = []
    history = the_book.history(NATIONAL, "late_fee")
    for number, leaf in enumerate(history):
        first = max(leaf.since, since + dt.timedelta(days=1))
        after = history[number + 1].since if number + 1 < len(history) else dt.date.max
        end = min(after, paid_on + dt.timedelta(days=1))
        if first < end:
            found.append((leaf.values["daily_rate"], (end - first).days))
    return found
