"""Money that a channel other than the monthly debit confirmed: one receipt per charge, one entry per confirmation."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from django.db import IntegrityError, connection, transaction

from contributions import ledger
from contributions.models import (
    AccountKind,
    Charge,
    ChargeStatus,
    Entry,
    Receipt,
    Surcharge,
    SurchargeStatus,
    TopUp,
)
from portal.accounts.models import User

KIND = "receipt"

_NONE: Mapping[int, Surcharge] = MappingProxyType({})


class AlreadyReceived(Exception):
    """The channel's number stands already, for other charges: nothing was booked."""


def receive(
    charges: Iterable[Charge],
    *,
    channel: str,
    provider_number: str,
    at: dt.datetime,
    by: User,
    now: dt.datetime | None = None,
    apply: bool = True,
    surcharges: Mapping[int, Surcharge] = _NONE,
) -> list[Receipt]:
    """Record that a channel confirmed the payment of these charges, each in full, under one number of its own.

    ``surcharges`` are what was paid on top, by charge: one receipt for both. Returns the receipts, in the order of the charges'
    ids. The same number again with the same charges changes nothing and returns what stands. A charge that is no longer owed
    (paid by another road, void) gets a receipt that is not applied, whose money lies in suspense; without ``apply`` all of them
    do (paid for an order that had ended). ``at`` is when the money arrived, ``now`` when it is booked (``at``, where left out).
    Raises AlreadyReceived; ValueError for no charges, or charges of more than one city.
    """
    wanted = sorted({charge.pk for charge in charges})
    reference = f"{channel}/{provider_number}"
    try:
        with transaction.atomic():
            # Locked in one order, so that two payments that share charges wait for each other instead of failing.
            locked = list(Charge.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk"))
            return _standing(reference, wanted) or _book(
                locked, surcharges, channel, provider_number, reference, at, by, now or at, apply
            )
    except IntegrityError as error:
        # The same number was booked meanwhile for other charges; for the same ones we would have waited for the lock.
        standing = _standing(reference, wanted)
        if not standing:
            raise AlreadyReceived(reference) from error
        return standing


def hold(
    charge: Charge,
    *,
    channel: str,
    provider_number: str,
    amount_fen: int,
    at: dt.datetime,
    by: User,
    now: dt.datetime,
) -> Receipt:
    """Record money that arrived in another sum than was asked for: one receipt of that sum, in suspense under the charge that it
    was meant for. Twice is once; AlreadyReceived where the number stands for something else.
    """
    with transaction.atomic():
        locked = Charge.objects.select_for_update(no_key=True).get(pk=charge.pk)
        receipt = Receipt(
            channel=channel,
            provider_number=f"{provider_number}/{locked.pk}",
            amount_fen=amount_fen,
            charge=locked,
            received_at=at,
        )
        return _hold(receipt, f"{channel}/{provider_number}", by=by, now=now)


def hold_top_up(
    top_up: TopUp,
    *,
    channel: str,
    provider_number: str,
    amount_fen: int,
    at: dt.datetime,
    by: User,
    now: dt.datetime,
) -> Receipt:
    """Record money for a top-up that cannot be credited (its order has ended, or it is another sum): else as ``hold``."""
    with transaction.atomic():
        locked = TopUp.objects.select_for_update(no_key=True).get(pk=top_up.pk)
        receipt = Receipt(
            channel=channel,
            provider_number=f"{provider_number}/top-up",
            amount_fen=amount_fen,
            top_up=locked,
            received_at=at,
        )
        return _hold(receipt, f"{channel}/{provider_number}", by=by, now=now)


def _hold(receipt: Receipt, reference: str, *, by: User, now: dt.datetime) -> Receipt:
    if standing := _standing(reference, [receipt.charge_id]):
        return standing[0]
    [receipt.entry_id] = ledger.reserve_ids(1)
    receipt.applied, receipt.account_fen = False, 0
    receipt.save(force_insert=True)
    city = receipt.city
    clearing = ledger.account(city=city, kind=AccountKind.CLEARING, channel=receipt.channel)
    suspense = ledger.account(city=city, kind=AccountKind.SUSPENSE)
    ledger.post_entry(
        city=city,
        kind=KIND,
        reference=reference,
        postings=[
            ledger.Posting(clearing, receipt.amount_fen),
            ledger.Posting(suspense, -receipt.amount_fen),
        ],
        by=by,
        now=now,
        entry_id=receipt.entry_id,
    )
    return receipt


def _standing(reference: str, wanted: Sequence[int | None]) -> list[Receipt]:
    entry = Entry.objects.filter(kind=KIND, reference=reference).first()
    if entry is None:
        return []
    receipts = list(entry.receipts.order_by("charge_id"))
    if [receipt.charge_id for receipt in receipts] != list(wanted):
        raise AlreadyReceived(reference)
    return receipts


def _book(
    charges: list[Charge],
    surcharges: Mapping[int, Surcharge],
    channel: str,
    provider_number: str,
    reference: str,
    at: dt.datetime,
    by: User,
    now: dt.datetime,
    apply: bool,
) -> list[Receipt]:
    cities = {charge.city for charge in charges}
    if len(cities) != 1:
        raise ValueError(f"the charges of one payment belong to one city, not to {sorted(cities)}")
    [city] = cities
    [entry_id] = ledger.reserve_ids(1)
    on_top = {pk: one.amount_fen for pk, one in surcharges.items()}
    receipts = [
        Receipt(
            channel=channel,
            # One payment can cover many charges; each receipt needs a number of its own under the provider's.
            provider_number=f"{provider_number}/{charge.pk}",
            amount_fen=charge.amount_fen + on_top.get(charge.pk, 0),
            charge=charge,
            surcharge=surcharges.get(charge.pk),
            applied=apply and charge.status == ChargeStatus.OWED,
            received_at=at,
            account_fen=charge.account_fen if apply and charge.status == ChargeStatus.OWED else 0,
            entry_id=entry_id,
        )
        for charge in charges
    ]
    paid = [receipt.of_charge.pk for receipt in receipts if receipt.applied]
    Charge.objects.filter(pk__in=paid).update(status=ChargeStatus.PAID)
    Surcharge.objects.filter(pk__in=[surcharges[pk].pk for pk in paid if pk in surcharges]).update(
        status=SurchargeStatus.PAID
    )
    Receipt.objects.bulk_create(receipts)
    clearing = ledger.account(city=city, kind=AccountKind.CLEARING, channel=channel)
    postings = [ledger.Posting(clearing, sum(receipt.amount_fen for receipt in receipts))]
    for insurance in sorted({charge.insurance for charge in charges}):
        for applied in (True, False):
            part = [
                one for one in receipts if one.of_charge.insurance == insurance and one.applied == applied
            ]
            postings += credit_postings(
                city=city,
                insurance=insurance,
                applied=applied,
                amount_fen=sum(one.amount_fen for one in part),
                account_fen=sum(one.account_fen for one in part),
                surcharge_fen=sum(on_top.get(one.of_charge.pk, 0) for one in part),
            )
    ledger.post_entry(
        city=city, kind=KIND, reference=reference, postings=postings, by=by, now=now, entry_id=entry_id
    )
    return receipts


def book_receipts(
    entry_id: int, *, city: str, channel: str, kind: str, reference: str, by: User, now: dt.datetime
) -> int:
    """Book the receipts that name an entry (a reserved id) as that entry: all of it into the channel's clearing account, each
    insurance's part out of its accounts, what was not applied into suspense. Their sum in fen; where there are none, nothing is
    booked. Must run in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, {"entry": entry_id})
        sums = cursor.fetchall()
    if not sums:
        return 0
    received = sum(amount for _insurance, _applied, amount, _account, _on_top in sums)
    clearing = ledger.account(city=city, kind=AccountKind.CLEARING, channel=channel)
    postings = [ledger.Posting(clearing, received)]
    for insurance, applied, amount, account, on_top in sums:
        postings += credit_postings(
            city=city,
            insurance=insurance,
            applied=applied,
            amount_fen=amount,
            account_fen=account,
            surcharge_fen=on_top,
        )
    ledger.post_entry(
        city=city, kind=kind, reference=reference, postings=postings, by=by, now=now, entry_id=entry_id
    )
    return received


_SUMS = """
    SELECT charge.insurance, receipt.applied, sum(receipt.amount_fen)::bigint, sum(receipt.account_fen)::bigint,
        coalesce(sum(surcharge.amount_fen), 0)::bigint
    FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
    LEFT JOIN contributions_surcharge surcharge ON surcharge.id = receipt.surcharge_id AND receipt.applied
    WHERE receipt.entry_id = %(entry)s
    GROUP BY charge.insurance, receipt.applied
    ORDER BY charge.insurance, receipt.applied
"""


def credit_postings(
    *,
    city: str,
    insurance: str,
    applied: bool,
    amount_fen: int,
    account_fen: int,
    surcharge_fen: int = 0,
) -> list[ledger.Posting]:
    """Where received money goes: the insurance's personal accounts, what was paid on top for paying late, and the pooled fund;
    suspense, where it is not applied. ``amount_fen`` is all of it."""
    if not applied:
        return [ledger.Posting(ledger.account(city=city, kind=AccountKind.SUSPENSE), -amount_fen)]
    return [
        ledger.Posting(
            ledger.account(city=city, kind=AccountKind.PERSONAL, insurance=insurance), -account_fen
        ),
        *(
            [
                ledger.Posting(
                    ledger.account(city=city, kind=AccountKind.SURCHARGE, insurance=insurance), -surcharge_fen
                )
            ]
            if surcharge_fen
            else []
        ),
        ledger.Posting(
            ledger.account(city=city, kind=AccountKind.POOLED, insurance=insurance),
            account_fen + surcharge_fen - amount_fen,
        ),
    ]
