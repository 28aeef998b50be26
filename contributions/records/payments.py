"""What was paid: the receipts that paid a person's months, with what a receipt on paper says of
them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from contributions import channels
from contributions.models import ChargeStatus, Order, OrderStatus, Receipt
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month


@dataclass(frozen=True, slots=True)
class Paid:
    """A month of an insurance as it was paid. ``base`` is yuan, the amounts are fen: personal +
    employer + surcharge = amount; ``account_fen`` is the part that went to the personal account.
    ``order`` is the order's number, empty without one."""

    number: str
    channel: str
    received_at: datetime
    order: str
    insurance: Insurance
    month: Month
    employer: str
    base: Decimal
    personal_fen: int
    employer_fen: int
    surcharge_fen: int
    account_fen: int
    amount_fen: int


def paid_months(
    person: Person,
    *,
    city: str,
    start: Month | None = None,
    until: Month | None = None,
    order: str = "",
    own_only: bool = False,
) -> list[Paid]:
    """The receipts applied to a person's months [start, until) in a city, or to those of one order,
    by month and insurance.

    ``own_only`` leaves out what an employer paid. One query, and one where partners were paid by.
    """
    receipts = Receipt.objects.filter(charge__person=person, charge__city=city, applied=True).exclude(
        charge__status=ChargeStatus.REVERSED
    )
    if start is not None:
        receipts = receipts.filter(charge__month__gte=start)
    if until is not None:
        receipts = receipts.filter(charge__month__lt=until)
    if order:
        receipts = receipts.filter(entry__payment__order__number=order)
    if own_only:
        receipts = receipts.filter(charge__employer__isnull=True)
    places = {insurance: place for place, insurance in enumerate(Insurance)}
    rows = list(_with_source(receipts))
    named = channels.titles(one.channel for one in rows)
    found = [_of(one, named) for one in rows]
    return sorted(found, key=lambda one: (one.month, places[one.insurance], one.number))


def paid_orders(person: Person, *, city: str, latest: int) -> list[Order]:
    """The person's latest paid orders of contributions in a city, newest first; no top-ups and
    no lump sums."""
    paid = Order.objects.filter(person=person, city=city, status=OrderStatus.PAID, top_up=None, lump_sum=None)
    return list(paid.order_by("-placed_at", "-pk")[:latest])


def _with_source(receipts: QuerySet[Receipt]) -> QuerySet[Receipt]:
    return receipts.select_related("charge__employer", "surcharge", "entry__payment__order")


def _of(one: Receipt, named: Mapping[str, str]) -> Paid:
    charge = one.of_charge
    payment = getattr(one.entry, "payment", None)
    return Paid(
        number=one.number_given,
        channel=named[one.channel],
        received_at=one.received_at,
        order=payment.order.number if payment else "",
        insurance=Insurance(charge.insurance),
        month=charge.month,
        employer=charge.employer.name if charge.employer else "",
        base=charge.base,
        personal_fen=charge.personal_fen,
        employer_fen=charge.employer_fen,
        surcharge_fen=one.surcharge.amount_fen if one.surcharge else 0,
        account_fen=one.account_fen,
        amount_fen=one.amount_fen,
    )
