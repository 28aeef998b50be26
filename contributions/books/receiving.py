"""Money that a channel other than the monthly debit confirmed: one receipt per charge, one entry
per confirmation."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from contributions.books import ledger
from contributions.models import (
    AccountKind,
    Charge,
    Entry,
    LedgerAccount,
    Order,
    Receipt,
)
from contributions.models.books import HELD
from contributions.planner import ids_of
from portal.accounts.models import User

KIND = "receipt"


@dataclass(frozen=True, slots=True)
class Money:
    """Money that a channel says has arrived, under the channel's own number for it."""

    channel: str
    number: str
    fen: int
    at: dt.datetime

    @property
    def reference(self) -> str:
        """What its entry is known by."""
        return f"{self.channel}/{self.number}"


class AlreadyReceived(Exception):
    """The channel's number was booked before for other charges: nothing was booked now."""


def receive(
    charges: Iterable[Charge],
    *,
    channel: str,
    provider_number: str,
    at: dt.datetime,
    by: User,
    now: dt.datetime | None = None,
    apply: bool = True,
    surcharges: Iterable[int] = (),
    against: LedgerAccount | None = None,
) -> QuerySet[Receipt]:
    """Record that a channel confirmed the payment of these charges, each in full, under one number
    of its own. A fixed number of statements; a query set of ``charges`` is read by its ids only.

    ``surcharges`` are the ids of surcharges paid with some of them: one receipt for both. Returns
    the receipts, in the order of the charges' ids. The same number again with the same charges
    changes nothing and returns the existing receipts. A charge that is no longer owed (paid in
    another way, void) gets a receipt that is not applied, and its money goes into suspense; without
    ``apply`` all receipts do (paid for an order that had ended). ``at`` is when the money arrived,
    ``now`` when it is booked (``at``, where left out). ``against`` is the account that the money
    comes from, where the books hold it already. Raises AlreadyReceived; ValueError for no charges,
    or charges of more than one city.
    """
    values: dict[str, Any] = {
        "charges": ids_of(charges),
        "surcharges": list(surcharges),
        "channel": channel,
        "number": provider_number,
        "at": at,
        "apply": apply,
    }
    reference = f"{channel}/{provider_number}"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # Locked in one order, so that two payments that share charges wait for each other
            # instead of failing.
            cursor.execute(LOCK_CHARGES, values)
            cities = {city for (city,) in cursor.fetchall()}
            if (entry_id := entry_of_reference(reference, values["charges"])) is None:
                if len(cities) != 1:
                    raise ValueError(
                        f"the charges of one payment belong to one city, not to {sorted(cities)}"
                    )
                [entry_id] = ledger.reserve_ids(1)
                cursor.execute(_RECEIVE, {**values, "entry": entry_id})
                book_receipts(
                    entry_id,
                    city=cities.pop(),
                    channel=channel,
                    kind=KIND,
                    reference=reference,
                    by=by,
                    now=now or at,
                    against=against,
                )
    except IntegrityError as error:
        # The same number was booked meanwhile for other charges; for the same ones we would have
        # waited for the lock.
        entry_id = entry_of_reference(reference, values["charges"])
        if entry_id is None:
            raise AlreadyReceived(reference) from error
    return Receipt.objects.filter(entry=entry_id).order_by("charge_id")


LOCK_CHARGES = (
    "SELECT city FROM contributions_charge WHERE id = ANY(%(charges)s) ORDER BY id FOR NO KEY UPDATE"
)

# One payment can cover many charges; each receipt needs a number of its own under the provider's.
_RECEIVE = """
    INSERT INTO contributions_receipt (
        channel, provider_number, amount_fen, charge_id, surcharge_id, applied, received_at, account_fen, entry_id
    )
    SELECT %(channel)s, %(number)s || '/' || charge.id, charge.amount_fen + coalesce(surcharge.amount_fen, 0), charge.id,
        surcharge.id, %(apply)s AND charge.status = 'owed', %(at)s,
        CASE WHEN %(apply)s AND charge.status = 'owed' THEN charge.account_fen ELSE 0 END, %(entry)s
    FROM contributions_charge charge
    LEFT JOIN contributions_surcharge surcharge ON surcharge.charge_id = charge.id AND surcharge.id = ANY(%(surcharges)s)
    WHERE charge.id = ANY(%(charges)s)
    ORDER BY charge.id
"""


def hold(charge: Charge, money: Money, *, by: User, now: dt.datetime) -> Receipt:
    """Record money that arrived in another sum than was asked for: one receipt of that sum, in
    suspense under the charge that it was meant for. A second call changes nothing. Raises
    AlreadyReceived where the number was booked for something else.
    """
    with transaction.atomic():
        locked = Charge.objects.select_for_update(no_key=True).get(pk=charge.pk)
        receipt = _receipt(money, str(locked.pk), charge=locked)
        return _hold(receipt, money.reference, by=by, now=now)


def hold_order(order: Order, money: Money, *, by: User, now: dt.datetime) -> Receipt:
    """Record money for an order of no charge that cannot be credited (it has ended, or it is
    another sum): else as ``hold``."""
    with transaction.atomic():
        locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
        return _hold(_receipt(money, HELD.removeprefix("/"), order=locked), money.reference, by=by, now=now)


def _receipt(money: Money, part: str, **paid_for: Any) -> Receipt:
    return Receipt(
        channel=money.channel,
        provider_number=f"{money.number}/{part}",
        amount_fen=money.fen,
        received_at=money.at,
        **paid_for,
    )


def _hold(receipt: Receipt, reference: str, *, by: User, now: dt.datetime) -> Receipt:
    if (standing := entry_of_reference(reference, [receipt.charge_id])) is not None:
        return Receipt.objects.get(entry=standing)
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


def entry_of_reference(reference: str, wanted: Sequence[int | None]) -> int | None:
    """The entry that booked the reference; None where there is none. Raises AlreadyReceived where
    it was for other charges."""
    entry = Entry.objects.filter(kind=KIND, reference=reference).first()
    if entry is None:
        return None
    if list(entry.receipts.order_by("charge_id").values_list("charge_id", flat=True)) != list(wanted):
        raise AlreadyReceived(reference)
    return entry.pk


def book_receipts(
    entry_id: int,
    *,
    city: str,
    channel: str,
    kind: str,
    reference: str,
    by: User,
    now: dt.datetime,
    against: LedgerAccount | None = None,
) -> int:
    """Book the receipts that name an entry (a reserved id) as that entry, and mark the charges and
    surcharges of applied receipts as paid. Debited is the channel's clearing account, or
    ``against`` where the money was before; credited are each insurance's accounts, and suspense for
    receipts that are not applied. Returns their sum in fen; without receipts nothing is booked.
    Must run in a transaction."""
    with connection.cursor() as cursor:
        for statement in PAY:
            cursor.execute(statement, {"entry": entry_id})
        cursor.execute(_SUMS, {"entry": entry_id})
        sums = cursor.fetchall()
    if not sums:
        return 0
    received = sum(amount for _insurance, _applied, amount, _account, _on_top in sums)
    came_by = against or ledger.account(city=city, kind=AccountKind.CLEARING, channel=channel)
    postings = [ledger.Posting(came_by, received)]
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


PAY = (
    """
    UPDATE contributions_surcharge surcharge SET status = 'paid' FROM contributions_receipt receipt
    WHERE receipt.entry_id = %(entry)s AND receipt.applied AND surcharge.id = receipt.surcharge_id
    """,
    """
    UPDATE contributions_charge charge SET status = 'paid' FROM contributions_receipt receipt
    WHERE receipt.entry_id = %(entry)s AND receipt.applied AND charge.id = receipt.charge_id
    """,
)

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
    """The credit postings of received money: the insurance's personal accounts, its surcharges and
    the pooled fund; suspense, where it is not applied. ``amount_fen`` is the whole sum."""
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
