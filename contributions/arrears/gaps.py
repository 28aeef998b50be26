"""Months of pension in which nobody was insured: which there are, and paying them."""

import datetime as dt
from collections.abc import Sequence

from contributions.arrears.late_costs import REVIVED
from contributions.arrears.paying_late import debit_day, late_charge, on_top_of
from contributions.charges import brought_in, charging
from contributions.debit import recollecting
from contributions.models import Charge, RequestKind
from enrollment import actions
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall.models import Case
from portal.people.models import Person
from portal.shared.insurance import Capacity
from portal.shared.months import Month, month_span, runs


def gap_months(person: Person, *, until: Month) -> list[Month]:
    """The months before ``until`` without pension coverage anywhere, since the first with it."""
    coverages = list(
        Coverage.objects.filter(person=person, insurance=REVIVED, live=True, start__lt=until).order_by(
            "start"
        )
    )
    if not coverages:
        return []
    covered: set[Month] = set()
    for one in coverages:
        covered.update(one.period.months(before=until))
    # Months that were brought in from elsewhere are paid there already.
    came = brought_in.standing(person, insurance=REVIVED).prefetch_related("periods")
    covered |= brought_in.months_brought_in(came)
    return [month for month in month_span(coverages[0].start, until) if month not in covered]


def pay_gap(
    person: Person,
    city: str,
    months: Sequence[Month],
    *,
    tier: str,
    debit_month: Month,
    by: User,
    now: dt.datetime,
    case: Case | None = None,
) -> list[Charge]:
    """Insure the gap's months, charge them by the rule in force on the debit's day, and ask that
    debit to collect them.

    Must run in a transaction, under the person's lock. IntegrityError by
    ``no_two_live_coverages_share_a_month`` where one of them is covered meanwhile.
    """
    paid_on = debit_day(city, debit_month)
    charges = []
    for start, until in runs(months):
        coverage = actions.open_coverage(
            person=person,
            insurance=REVIVED,
            capacity=Capacity.FLEXIBLE,
            city=city,
            start=start,
            until=until,
            tier=tier,
            case=case,
            now=now,
        )
        charges += [
            late_charge(
                coverage,
                month,
                tier,
                due_on=charging.due_on(city, Capacity.FLEXIBLE, month),
                paid_on=paid_on,
                now=now,
                case=case,
            )
            for month in month_span(start, until)
        ]
    on_top = on_top_of(charges, paid_on=paid_on, now=now)
    recollecting.ask(
        charges, kind=RequestKind.GAP, month=debit_month, by=by, now=now, case=case, on_top=on_top
    )
    return charges
