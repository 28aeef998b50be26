"""补缴单: an employer's late months on one bill, each charge with its late fee up to the last day
for paying it."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest

from contributions import unpaid_cases
from contributions.assessments import assessment_lines
from contributions.charges import surcharges
from contributions.models import (
    ArrearsBill,
    ArrearsLine,
    Assessment,
    AssessmentStatus,
    BillStatus,
    Charge,
    ChargeStatus,
    OrderStatus,
    Surcharge,
    SurchargeKind,
    SurchargeStatus,
)
from contributions.prices.late_fee import LateFee, late_fee
from portal.accounts.models import User
from portal.hall.models import Case
from portal.people.models import Employer
from portal.shared.insurance import Capacity
from portal.shared.months import Month, today_in_china
from portal.watch.failures import Watch

_BUSY = Q(arrears_lines__live=True) | Q(order_lines__live=True, order_lines__order__status=OrderStatus.OPEN)


# Until when a charge of an employer is to be paid without a fee: what was registered later and
# assessed by a supplement is due by the supplement's day. An assessment that was drawn up anew for
# what stood in the first does not put the month off.
_DEADLINE = Greatest(
    F("due_on"),
    Coalesce(
        Subquery(
            Assessment.objects.filter(
                employer=OuterRef("employer"),
                month=OuterRef("month"),
                after__gt=0,
                after__lt=OuterRef("pk"),
                last__gte=OuterRef("pk"),
                status__in=[AssessmentStatus.DRAWN_UP, AssessmentStatus.CONFIRMED],
            )
            .order_by("due_on", "pk")
            .values("due_on")[:1]
        ),
        F("due_on"),
    ),
)


def _late(employer: Employer, city: str, today: dt.date) -> QuerySet[Any]:
    """The employer's owed charges whose last day is over, each with its ``deadline``."""
    owed = Charge.objects.filter(employer=employer, city=city, status=ChargeStatus.OWED, due_on__lt=today)
    return owed.annotate(deadline=_DEADLINE).filter(deadline__lt=today)


class NothingOwed(Exception):
    """None of the chosen months is owed, late and free to be billed any more."""


@dataclass(frozen=True, slots=True)
class LateMonth:
    """A month's late charges as they would be billed: fen, the most days late, and how many stand
    on another bill, in an order or at the bank."""

    month: Month
    charges: int
    principal_fen: int
    fee_fen: int
    due_on: dt.date
    days: int
    busy: int = 0


def late_months(
    employer: Employer, city: str, *, today: dt.date, pay_on: dt.date | None = None
) -> list[LateMonth]:
    """The months whose charges are owed after their last day, with the late fee if they are paid on
    ``pay_on`` (today, where it is not given). Each charge's fee is rounded by itself; the number of
    queries does not grow."""
    on = pay_on or today
    late = _late(employer, city, today).order_by()
    busy_ids = late.filter(_BUSY | assessment_lines.held_by_the_bank(employer)).values("pk")
    busy = dict(late.filter(pk__in=busy_ids).values_list("month").annotate(Count("pk")))
    found: dict[Month, LateMonth] = {}
    rows = (
        late.exclude(pk__in=busy_ids).values_list("month", "amount_fen", "deadline").annotate(n=Count("pk"))
    )
    for month, amount_fen, due_on, number in rows:
        fee = late_fee(principal_fen=amount_fen, since=due_on, paid_on=on)
        so_far = found.get(month, LateMonth(month, 0, 0, 0, due_on, 0, busy.get(month, 0)))
        found[month] = LateMonth(
            month=month,
            charges=so_far.charges + number,
            principal_fen=so_far.principal_fen + amount_fen * number,
            fee_fen=so_far.fee_fen + fee.amount_fen * number,
            due_on=min(so_far.due_on, due_on),
            days=max(so_far.days, fee.days),
            busy=so_far.busy,
        )
    for month, number in busy.items():
        if month not in found:
            found[month] = LateMonth(month, 0, 0, 0, month.last_day, 0, number)
    return [found[month] for month in sorted(found)]


def draw(
    *, case: Case, employer: Employer, city: str, months: Iterable[Month], pay_on: dt.date, now: dt.datetime
) -> ArrearsBill:
    """The bill of these months' late charges, each with its fee up to ``pay_on``. Must run in a
    transaction.

    Raises NothingOwed; IntegrityError by ``a_charge_is_in_one_live_bill`` where another bill took
    one meanwhile.
    """
    charges = list(
        Charge.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk__in=_late(employer, city, today_in_china(now)).filter(month__in=list(months)).values("pk"))
        .annotate(deadline=_DEADLINE)
        .exclude(
            pk__in=Charge.objects.filter(
                _BUSY | assessment_lines.held_by_the_bank(employer), employer=employer
            ).values("pk")
        )
        .order_by("pk")
    )
    if not charges:
        raise NothingOwed
    fees = {charge.pk: _fee(charge, charge.deadline, pay_on) for charge in charges}
    bill = ArrearsBill.objects.create(
        city=city,
        employer=employer,
        case=case,
        pay_on=pay_on,
        charges=len(charges),
        principal_fen=sum(charge.amount_fen for charge in charges),
        surcharge_fen=sum(fee.amount_fen for fee in fees.values() if fee is not None),
        drawn_at=now,
    )
    added = Surcharge.objects.bulk_create(
        Surcharge(
            charge_id=pk,
            kind=SurchargeKind.LATE_FEE,
            principal_fen=fee.principal_fen,
            since=fee.since,
            paid_on=fee.paid_on,
            amount_fen=fee.amount_fen,
            policy=fee.leaf.path,
            policy_since=fee.leaf.since,
            created_at=now,
        )
        for pk, fee in fees.items()
        if fee is not None and fee.leaf is not None
    )
    by_charge = {one.charge_id: one for one in added}
    ArrearsLine.objects.bulk_create(
        ArrearsLine(bill=bill, charge=charge, surcharge=by_charge.get(charge.pk)) for charge in charges
    )
    return bill


def _fee(charge: Charge, since: dt.date, pay_on: dt.date) -> LateFee | None:
    priced = surcharges.price(
        city=charge.city,
        capacity=Capacity(charge.capacity),
        principal_fen=charge.amount_fen,
        since=since,
        paid_on=pay_on,
    )
    return priced[1] if priced is not None and isinstance(priced[1], LateFee) else None


def lapse(*, by: User, now: dt.datetime) -> int:
    """Ends open bills whose last day has passed: their fees are void, their charges free for
    another bill. How many; one that fails does not keep the others."""
    ended, watch = 0, Watch("lapse_bills", now=now)
    over = ArrearsBill.objects.filter(
        status=BillStatus.OPEN, pay_on__lt=today_in_china(now) - STATEMENT_DELAY
    )
    for pk, city, number in list(over.order_by("pk").values_list("pk", "city", "case__number")):
        with watch.item(number, city=city), transaction.atomic():
            bill = ArrearsBill.objects.select_for_update().get(pk=pk)
            if bill.status == BillStatus.OPEN:
                end_bill(bill, by=by, now=now)
                ended += 1
    watch.only(
        lambda numbers: list(over.filter(case__number__in=numbers).values_list("case__number", flat=True))
    )
    return ended


# The bank's statement of the last day is read on the days after it: a transfer that came in time is
# still booked.
STATEMENT_DELAY = dt.timedelta(days=3)


def end_bill(bill: ArrearsBill, *, by: User, now: dt.datetime) -> None:
    ArrearsBill.objects.filter(pk=bill.pk, status=BillStatus.OPEN).update(
        status=BillStatus.LAPSED, ended_at=now, ended_by=by
    )
    Surcharge.objects.filter(arrears_line__bill=bill, status=SurchargeStatus.OWED).update(
        status=SurchargeStatus.VOID, live=False
    )
    ArrearsLine.objects.filter(bill=bill).update(live=False)
    bill.refresh_from_db()
    unpaid_cases.end_with_bill(bill, by=by, now=now)


def of_employer(employer: Employer) -> QuerySet[ArrearsBill]:
    """The employer's bills, the latest first."""
    return ArrearsBill.objects.filter(employer=employer).select_related("case").order_by("-drawn_at", "-pk")


def lines(bill: ArrearsBill) -> QuerySet[ArrearsLine]:
    """Its lines with charges, persons and fees."""
    return (
        ArrearsLine.objects.filter(bill=bill)
        .select_related("charge__person", "surcharge")
        .order_by("charge__month", "charge__person__name", "charge__person_id", "charge__insurance")
    )


def total_fen(months: Sequence[LateMonth]) -> int:
    """Principal and fees together."""
    return sum(one.principal_fen + one.fee_fen for one in months)
