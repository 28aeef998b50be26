"""What follows on being insured as a flexible worker: months that are due are charged at once, and
the first payment is told."""

import datetime as dt
import logging
from collections.abc import Sequence

from django.utils.translation import gettext as _

from contributions.charges import charging, periods
from contributions.debit import how_to_pay
from contributions.prices.formula import quote
from enrollment.consequences import NextStep
from enrollment.models import Coverage
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import charging_terms
from portal.shared import money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_in_china, periods_zh, runs, today_in_china

log = logging.getLogger(__name__)


def charge_at_once(coverages: Sequence[Coverage], *, since: Month | None = None, now: dt.datetime) -> None:
    """Charge what the schedule would have charged by now, had the coverages been there: all their
    months, or those from ``since`` on. Must run in a transaction. What cannot be charged is left to
    the schedule, which tells staff."""
    this, today = month_in_china(now), today_in_china(now)
    for coverage in coverages:
        try:
            begun = Capacity(coverage.capacity) in charging_terms(book(), city=coverage.city, on=today).due(
                today
            )
            months = periods.to_charge(coverage, this if begun else this - 1)
            if since is not None:
                months = [month for month in months if month >= since]
            if months:
                charging.charge_months(coverage, months, now=now)
        except (PolicyMissing, charging.CannotCharge) as why:
            log.warning("coverage %s was not charged at once: %s", coverage.pk, why)


def next_step(coverages: Sequence[Coverage], *, now: dt.datetime) -> NextStep | None:
    """How the first month of these coverages, of one person, city and capacity, is paid: which, how
    much, by when and where; None where no figure says what it costs."""
    start = min(one.start for one in coverages)
    first = [one for one in coverages if one.start == start]
    city, capacity = first[0].city, Capacity(first[0].capacity)
    months = [start]
    if periods.year_at_once(city, capacity, Insurance(first[0].insurance), start):
        months = periods.to_charge(first[0], max(start, month_in_china(now)))
    try:
        fen = sum(_fen(one, months) for one in first)
    except PolicyMissing:
        return None
    way = how_to_pay.Ways(first[0].person, now).way(city, start, capacity=capacity)
    if not fen:
        return NextStep(text=_("不需要您缴费。"), label="", url="", until=way.by)
    yuan = money.format_yuan(fen)
    years = {periods.is_yearly(city, capacity, Insurance(one.insurance), start) for one in first}
    time = _("{year}年度").format(year=start.year) if years == {True} else periods_zh(runs(months))
    text = _("缴 {month} {yuan} 元。{how}").format(month=time, yuan=yuan, how=way.text)
    pays = way.label == how_to_pay.pay_label()
    label = _("{label} {yuan} 元").format(label=way.label, yuan=yuan) if pays else way.label
    return NextStep(text=text, label=label, url=way.url if way.label else "", until=way.by)


def _fen(coverage: Coverage, months: Sequence[Month]) -> int:
    """What the months cost; nothing where another coverage has the year paid. Raises
    PolicyMissing."""
    base = coverage.bases.filter(start__lte=months[0]).order_by("-start").first()
    if base is None or not periods.to_charge(coverage, months[0]):
        return 0
    return sum(
        quote(
            city=coverage.city,
            capacity=Capacity(coverage.capacity),
            insurance=Insurance(coverage.insurance),
            tier=base.tier,
            wage_fen=base.wage_fen,
            month=month,
        ).amount_fen
        for month in months
    )
