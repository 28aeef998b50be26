"""What nobody paid in the unified time lapses (少儿、学生医疗保险): it is no arrears. The months
until money arrives are not covered, and the coverage begins again with the present one."""

import datetime as dt
from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import Min

from contributions.locks import before_or_after_a_batch
from contributions.models import Charge, ChargeStatus, DebitLine, OrderLine
from enrollment import actions
from enrollment.models import Coverage
from enrollment.queries import last_tier
from portal.accounts.models import User
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import Charged, contribution_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month


@transaction.atomic
def lapse(
    *, city: str, month: Month, by: User, now: dt.datetime, coverages: Collection[int] | None = None
) -> int:
    """End the coverages whose months should have been paid before ``month``, and open them anew
    from it; their charges fall away, and the charging of the month makes those to August. Returns
    how many. ``coverages``: only these.

    What is being drawn or ordered, and a coverage with a later month paid, is left as it is. Doing
    it again changes nothing. The number of queries does not grow with the children.
    """
    capacities = paid_by_insurance_year(city, month)
    if not capacities:
        return 0
    before_or_after_a_batch(city)
    owed = Charge.objects.filter(
        city=city,
        capacity__in=capacities,
        live=True,
        status=ChargeStatus.OWED,
        month__lt=month,
        due_on__lt=month.first_day,
    )
    if coverages is not None:
        owed = owed.filter(coverage__in=coverages)
    first_owed = dict(owed.values_list("coverage").annotate(Min("month")).order_by("coverage"))
    kept = _kept(first_owed)
    held = Coverage.objects.select_for_update(no_key=True, of=("self",)).filter(
        pk__in=set(first_owed) - kept, live=True
    )
    from_month: dict[Month, list[Coverage]] = {}
    for coverage in held.order_by("pk").prefetch_related("bases"):
        from_month.setdefault(first_owed[coverage.pk], []).append(coverage)
    for first, lapsed in sorted(from_month.items()):
        goes_on = {one: tier for one in lapsed if (tier := last_tier(one)) and one.runs_from(month)}
        actions.close_coverages(lapsed, until=first, by=by, now=now)
        actions.begin_anew(goes_on, start=month, now=now)
    return sum(map(len, from_month.values()))


def _kept(first_owed: Mapping[int, Month]) -> set[int]:
    """Those of the coverages of which a month from the first owed one on is paid, drawn or
    ordered."""
    about = {"charge__coverage__in": list(first_owed)}
    rows = (
        DebitLine.objects.filter(**about, drawing=True).values_list("charge__coverage", "charge__month"),
        OrderLine.objects.filter(**about, live=True).values_list("charge__coverage", "charge__month"),
        Charge.objects.filter(coverage__in=list(first_owed), live=True, status=ChargeStatus.PAID).values_list(
            "coverage", "month"
        ),
    )
    return {coverage for found in rows for coverage, of in found if of >= first_owed[coverage]}


def paid_by_insurance_year(city: str, month: Month) -> list[str]:
    """The capacities whose medical insurance is paid by the insurance year."""
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
