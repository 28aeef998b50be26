"""补缴利息: simple interest on a month that a flexible worker pays late, each day at the yearly
rate then in force."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from contributions.prices.formula import Derivation, explained
from contributions.prices.reckoned import Line, fen_text, percent_text
from portal.policy.book import Book, Leaf, PolicyMissing, book
from portal.shared import money
from portal.shared.months import day_zh

DAYS_OF_A_YEAR = 365


@dataclass(frozen=True, slots=True)
class Interest:
    """The interest on ``principal_fen`` that was due on ``since`` and is paid on ``paid_on``.

    ``days`` lie after ``since``, the day of paying included; amounts are fen. ``leaf`` is the rule
    in force on the day of paying, None where there is nothing to pay.
    """

    principal_fen: int
    since: dt.date
    paid_on: dt.date
    days: int
    amount_fen: int
    lines: tuple[Line, ...]
    leaf: Leaf | None

    def derivation(self, *, on: dt.date) -> Derivation | None:
        """The steps as the screen shows them on a day; None where there is nothing to explain."""
        if self.leaf is None:
            return None
        return explained(self.lines, self.leaf, on=on)


def interest(
    *, city: str, principal_fen: int, since: dt.date, paid_on: dt.date, policy: Book | None = None
) -> Interest:
    """Principal × yearly rate × days ÷ 365, each day at its own rate, without compounding, rounded
    half-up once.

    Nothing where it is paid in time, or the city had no rule. ValueError where there is no
    principal.
    """
    if principal_fen <= 0:
        raise ValueError(f"no principal: {principal_fen}")
    the_book = policy or book()
    nothing = Interest(principal_fen, since, paid_on, 0, 0, (), None)
    if paid_on <= since:
        return nothing
    try:
        leaf = the_book.leaf(city, "arrears_interest", paid_on)
    except PolicyMissing:
        return nothing
    stretches = _stretches(the_book, city, since, paid_on)
    principal = money.yuan(principal_fen)
    exact = sum((principal * rate * days for rate, days in stretches), Decimal(0)) / DAYS_OF_A_YEAR
    amount_fen = money.round_fen(exact)
    lines = (
        Line(_("补缴本金"), fen_text(principal_fen)),
        Line(_("缴费期限"), day_zh(since)),
        Line(_("计息到"), day_zh(paid_on), _("从缴费期限的次日起，缴款当日计入")),
        *(
            Line(
                _("计息天数与年利率"),
                _("%(days)s 天 × %(rate)s") % {"days": days, "rate": percent_text(rate)},
                _("单利，一年按 %(year)s 天") % {"year": DAYS_OF_A_YEAR},
            )
            for rate, days in stretches
        ),
        Line(
            _("补缴利息"),
            fen_text(amount_fen),
            " ＋ ".join(
                f"{principal} × {percent_text(rate)} × {days} ÷ {DAYS_OF_A_YEAR}" for rate, days in stretches
            )
            + _("，四舍五入到分"),
        ),
    )
    return Interest(
        principal_fen, since, paid_on, sum(days for _rate_, days in stretches), amount_fen, lines, leaf
    )


def _stretches(the_book: Book, city: str, since: dt.date, paid_on: dt.date) -> list[tuple[Decimal, int]]:
    """(yearly rate, days) for the days (since, paid_on], oldest first; days before the first rule
    cost nothing."""
    found = []
    history = the_book.history(city, "arrears_interest")
    ends = [leaf.since for leaf in history[1:]] + [dt.date.max]
    for leaf, after in zip(history, ends, strict=True):
        first = max(leaf.since, since + dt.timedelta(days=1))
        end = min(after, paid_on + dt.timedelta(days=1))
        if first < end:
            found.append((leaf.values["yearly_rate"], (end - first).days))
    return found
