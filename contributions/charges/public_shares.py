"""The public share (财政补助) beside a charge, and where public money pays all, without one."""

import datetime as dt
from collections.abc import Iterable, Sequence

from contributions.models import Charge, PublicShare
from contributions.prices.formula import reckon_again
from enrollment.models import Coverage
from portal.policy.book import PolicyMissing
from portal.shared.insurance import Capacity
from portal.shared.months import Month

SUBSIDISED = (Capacity.RESIDENT, Capacity.CHILD, Capacity.STUDENT)


def add(charges: Sequence[Charge], *, now: dt.datetime) -> None:
    """Make the public shares that these charges lack. Must run in a transaction."""
    subsidised = [one for one in charges if one.capacity in SUBSIDISED]
    if not subsidised:
        return
    there = set(PublicShare.objects.filter(charge__in=subsidised).values_list("charge_id", flat=True))
    PublicShare.objects.bulk_create(
        _share(charge, fen, now, of=charge)
        for charge in subsidised
        if charge.pk not in there and (fen := _public_fen(charge))
    )


def add_without_charge(months: Iterable[Charge], *, now: dt.datetime) -> None:
    """Make the public shares of months (charges that are not stored) that public money pays
    alone."""
    PublicShare.objects.bulk_create(
        (_share(month, _public_fen(month), now) for month in months), ignore_conflicts=True
    )


def fall_away(coverages: Sequence[Coverage], since: Month) -> None:
    """Shares without a charge fall away from ``since`` on."""
    PublicShare.objects.filter(coverage__in=coverages, charge=None, live=True, month__gte=since).update(
        live=False
    )


def _public_fen(charge: Charge) -> int:
    try:
        return reckon_again(charge).public_fen
    except PolicyMissing:
        return 0


def _share(one: Charge, fen: int, now: dt.datetime, *, of: Charge | None = None) -> PublicShare:
    return PublicShare(
        charge=of,
        person_id=one.person_id,
        coverage_id=one.coverage_id,
        city=one.city,
        insurance=one.insurance,
        capacity=one.capacity,
        month=one.month,
        base=one.base,
        amount_fen=fen,
        policy=one.policy,
        policy_since=one.policy_since,
        basis=one.basis,
        created_at=now,
    )
