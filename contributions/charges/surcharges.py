"""What paying late costs on top of a charge, and what becomes of it where the attempt to pay comes
to nothing."""

import datetime as dt
from collections.abc import Iterable

from django.db.models import Q
from django.utils.translation import gettext as _

from contributions.charges import charging
from contributions.models import (
    Charge,
    ChargeStatus,
    DebitLine,
    LineStatus,
    OrderStatus,
    PostingChunk,
    Repricing,
    Surcharge,
    SurchargeKind,
    SurchargeStatus,
)
from contributions.prices.arrears_interest import Interest, interest
from contributions.prices.formula import Derivation
from contributions.prices.late_fee import LateFee, late_fee
from portal.accounts.models import User
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.arrears import arrears_terms
from portal.shared.insurance import Capacity

UNDER_WAY = Q(debit_lines__status__in=[LineStatus.PENDING, LineStatus.MISSING]) | Q(
    order_lines__live=True, order_lines__order__status=OrderStatus.OPEN
)


def price(
    *, city: str, capacity: Capacity, principal_fen: int, since: dt.date, paid_on: dt.date
) -> tuple[SurchargeKind, Interest | LateFee] | None:
    """What is paid on top of a principal that was due on ``since`` when it is paid on ``paid_on``:
    a late fee for an employer's charge, what the city says for a flexible worker's. None where it
    is paid in time, or there is no rule.
    """
    if capacity == Capacity.EMPLOYEE:
        rule = "late_fee"
    else:
        try:
            rule = arrears_terms(book(), city=city, on=paid_on).surcharge
        except PolicyMissing:
            return None
    if paid_on <= since or rule == "none":
        return None
    found: Interest | LateFee
    if rule == "interest":
        kind = SurchargeKind.INTEREST
        found = interest(city=city, principal_fen=principal_fen, since=since, paid_on=paid_on)
    else:
        kind = SurchargeKind.LATE_FEE
        found = late_fee(principal_fen=principal_fen, since=since, paid_on=paid_on)
    return None if found.leaf is None else (kind, found)


def explain(surcharge: Surcharge, *, on: dt.date) -> Derivation | None:
    """Why it is this amount, reckoned again from the rule; None where the rule would now give
    another."""
    charge = surcharge.charge
    priced = price(
        city=charge.city,
        capacity=Capacity(charge.capacity),
        principal_fen=surcharge.principal_fen,
        since=surcharge.since,
        paid_on=surcharge.paid_on,
    )
    if priced is None or (priced[0], priced[1].amount_fen) != (surcharge.kind, surcharge.amount_fen):
        return None
    return priced[1].derivation(on=on)


def add(charge: Charge, *, paid_on: dt.date, now: dt.datetime) -> Surcharge | None:
    """Lay what is paid on top of an owed charge on that day; None where that is nothing. Must run
    in a transaction.

    IntegrityError by ``one_live_surcharge_per_charge`` where an attempt to pay it is under way.
    """
    priced = price(
        city=charge.city,
        capacity=Capacity(charge.capacity),
        principal_fen=charge.amount_fen,
        since=charge.due_on,
        paid_on=paid_on,
    )
    if priced is None:
        return None
    kind, found = priced
    if found.leaf is None:
        return None
    return Surcharge.objects.create(
        charge=charge,
        kind=kind,
        principal_fen=found.principal_fen,
        since=found.since,
        paid_on=found.paid_on,
        amount_fen=found.amount_fen,
        policy=found.leaf.path,
        policy_since=found.leaf.since,
        created_at=now,
    )


def let_go(charges: Iterable[int], *, by: User, now: dt.datetime) -> None:
    """An attempt to pay these charges came to nothing: their surcharges are void, and a month that
    had been written off is that again. A charge that is in an order or at the bank keeps its own;
    twice is once. Must run in a transaction.
    """
    wanted = sorted(set(charges))
    busy = set(Charge.objects.filter(UNDER_WAY, pk__in=wanted).values_list("pk", flat=True))
    going = [pk for pk in wanted if pk not in busy]
    Surcharge.objects.filter(charge__in=going, status=SurchargeStatus.OWED).update(
        status=SurchargeStatus.VOID, live=False
    )
    repriced = list(
        Repricing.objects.filter(charge__in=going, replaces__isnull=False, charge__status=ChargeStatus.OWED)
        .select_related("charge")
        .order_by("pk")
    )
    gone = charging.void(
        [one.charge for one in repriced],
        why=_("补缴未成功，该月恢复为已注销"),
        by=by,
        now=now,
    )
    ids = {one.pk for one in gone}
    Charge.objects.filter(
        pk__in=[one.replaces_id for one in repriced if one.charge_id in ids],
        status=ChargeStatus.WRITTEN_OFF,
    ).update(live=True)


def after_answer(chunk: PostingChunk, *, by: User, now: dt.datetime) -> None:
    """Let go what a chunk of a batch was to collect with a surcharge and the bank did not pay;
    twice is once. Must run in a transaction."""
    failed = DebitLine.objects.filter(
        batch=chunk.batch_id,
        sequence__range=(chunk.first, chunk.last),
        status=LineStatus.FAILED,
        surcharge__status=SurchargeStatus.OWED,
    )
    let_go(failed.values_list("charge_id", flat=True), by=by, now=now)
