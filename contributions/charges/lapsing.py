"""What nobody paid in the unified time lapses (少儿、学生医疗保险): it is no arrears. The months
until money arrives are not covered, and the coverage begins again with the present one."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Min, QuerySet

from contributions.locks import before_or_after_a_batch
from contributions.models import Charge, ChargeStatus, DebitLine, OrderLine
from enrollment import actions
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import Charged, contribution_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


def _kept(coverages: Sequence[int]) -> tuple[QuerySet[DebitLine], QuerySet[OrderLine]]:
    """The lines of these coverages' charges that a debit draws or an order holds."""
    about = {"charge__coverage__in": coverages}
    return DebitLine.objects.filter(**about, drawing=True), OrderLine.objects.filter(**about, live=True)


@transaction.atomic
def lapse(*, city: str, month: Month, by: User, now: dt.datetime) -> int:
    """End the coverages whose months before ``month`` are owed, and open them anew from it; their
    charges fall away, and the charging of the month makes those to August. Returns how many.

    What is being drawn or ordered, and a coverage with a later month paid, is left as it is. Doing
    it again changes nothing.
    """
    capacities = _paid_by_insurance_year(city, month)
    if not capacities:
        return 0
    before_or_after_a_batch(city)
    owed = (
        Charge.objects.filter(
            city=city, capacity__in=capacities, live=True, status=ChargeStatus.OWED, month__lt=month
        )
        .values_list("coverage")
        .annotate(Min("month"))
        .order_by("coverage")
    )
    first_owed = dict(owed)
    kept = {
        coverage
        for rows in _kept(list(first_owed))
        for coverage, of in rows.values_list("charge__coverage", "charge__month")
        if of >= first_owed[coverage]
    } | {
        coverage
        for coverage, of in Charge.objects.filter(
            coverage__in=first_owed, live=True, status=ChargeStatus.PAID
        ).values_list("coverage", "month")
        if of >= first_owed[coverage]
    }
    lapsed = {coverage: first for coverage, first in first_owed.items() if coverage not in kept}
    held = Coverage.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=lapsed, live=True)
    for coverage in held.order_by("pk"):
        bases = coverage.bases.order_by("-start").values_list("tier", flat=True)
        tier, until = bases.first() or "", coverage.until
        actions.close_coverage(coverage, until=lapsed[coverage.pk], by=by, now=now, case=coverage.closed_by)
        if tier and (until is None or until > month):
            actions.open_coverage(
                person=coverage.person,
                insurance=Insurance(coverage.insurance),
                capacity=Capacity(coverage.capacity),
                city=city,
                district=coverage.district,
                start=month,
                until=until,
                tier=tier,
                case=coverage.opened_by,
                now=now,
            )
    return len(lapsed)


def _paid_by_insurance_year(city: str, month: Month) -> list[str]:
    found = []
    for capacity in Capacity:
        try:
            terms = contribution_terms(
                book(), city=city, capacity=capacity, insurance=Insurance.MEDICAL, month=month
            )
        except PolicyMissing:
            continue
        if terms.charged == Charged.INSURANCE_YEAR:
            found.append(str(capacity))
    return found
