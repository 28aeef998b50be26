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
from portal.shared.months import month_in_china, periods_zh, runs, today_in_china

log = logging.getLogger(__name__)


def charge_at_once(coverages: Sequence[Coverage], *, now: dt.datetime) -> None:
    """Charge what the schedule would have charged by now, had the coverages been there. Must run in
    a transaction. What cannot be charged is left to the schedule, which tells staff."""
    this, today = month_in_china(now), today_in_china(now)
    for coverage in coverages:
        try:
            begun = Capacity(coverage.capacity) in charging_terms(book(), city=coverage.city, on=today).due(
                today
            )
            months = periods.to_charge(coverage, this if begun else this - 1)
            if months:
                charging.charge_months(coverage, months, now=now)
        except (PolicyMissing, charging.CannotCharge) as why:
            log.warning("coverage %s was not charged at once: %s", coverage.pk, why)


def next_step(coverages: Sequence[Coverage], *, now: dt.datetime) -> NextStep | None:
    """How the first month of these coverages, of one person and city, is paid: which, how much, by
    when and where; None where no figure says what it costs."""
    start = min(one.start for one in coverages)
    first = [one for one in coverages if one.start == start]
    city, capacity = first[0].city, Capacity(first[0].capacity)
    months = [start]
    if periods.year_at_once(city, capacity, Insurance(first[0].insurance), start):
        months = periods.to_charge(first[0], max(start, month_in_china(now)))
    try:
        fen = sum(
            quote(
                city=city,
                capacity=capacity,
                insurance=Insurance(one.insurance),
                tier=base.tier,
                month=month,
            ).amount_fen
            for one in first
            for base in one.bases.filter(start__lte=start).order_by("-start")[:1]
            for month in months
        )
    except PolicyMissing:
        return None
    way = how_to_pay.Ways(first[0].person, now).way(city, start, capacity=capacity)
    yuan = money.format_yuan(fen)
    text = _("缴 {month} {yuan} 元。{how}").format(month=periods_zh(runs(months)), yuan=yuan, how=way.text)
    pays = way.label == how_to_pay.pay_label()
    label = _("{label} {yuan} 元").format(label=way.label, yuan=yuan) if pays else way.label
    return NextStep(text=text, label=label, url=way.url if way.label else "", until=way.by)
