"""What a transfer writes into the record and the books: months and money leave one city and come to
another.

In a city's books the money stands against its transfer clearing with the other agency: what the two
accounts of a pair come to is what is under way between them.
"""

from datetime import datetime
from typing import Any

from django.db.models import Model

from contributions.books import ledger, personal_account
from contributions.models import (
    AccountKind,
    BroughtIn,
    BroughtInPeriod,
    LedgerAccount,
    MovedOut,
    MovedOutPeriod,
    MovementKind,
)
from portal.accounts.models import User
from portal.shared.insurance import Insurance
from transfers.amounts import Moving, count, periods_of
from transfers.models import Transfer

# The name of a clearing account where the other agency is none of the hall's.
OUTSIDE = "outside"


def clearing(transfer: Transfer, city: str) -> LedgerAccount:
    """The account in ``city``'s books for what moves between it and the transfer's other place."""
    other = transfer.to_city if city == transfer.from_city else transfer.from_city
    return ledger.account(
        city=city, kind=AccountKind.TRANSFER, insurance=transfer.insurance, channel=other or OUTSIDE
    )


def let_go(transfer: Transfer, moving: Moving, *, by: User, now: datetime) -> MovedOut:
    """The months leave the old city, and the money its books; under a key for each release. Must
    run in a transaction."""
    moved = MovedOut.objects.create(
        city=transfer.from_city,
        to_city=transfer.to_city,
        to_place=transfer.to_place,
        **_content(transfer, moving.information(), key=_key("out", transfer), by=by, now=now),
    )
    _write_periods(MovedOutPeriod, moving.own, moved_out=moved)
    BroughtInPeriod.objects.filter(brought_in__in=moving.along).update(live=False)
    BroughtIn.objects.filter(pk__in=moving.along).update(moved_on=moved)
    if moving.sum_fen:
        personal_account.book_movement(
            person=transfer.person,
            city=transfer.from_city,
            insurance=Insurance(transfer.insurance),
            kind=MovementKind.TRANSFER_OUT,
            amount_fen=-moving.account_fen,
            pooled_fen=-moving.pooled_fen,
            against=clearing(transfer, transfer.from_city),
            key=_key("out", transfer),
            by=by,
            now=now,
        )
    return moved


def take_back(transfer: Transfer, *, by: User, now: datetime) -> None:
    """What the last release let go is the old city's again: months and money. Must run in a
    transaction."""
    moved = transfer.moved_out
    if moved is None:
        return
    MovedOut.objects.filter(pk=moved.pk).update(live=False)
    MovedOutPeriod.objects.filter(moved_out=moved).update(live=False)
    BroughtInPeriod.objects.filter(brought_in__moved_on=moved).update(live=True)
    BroughtIn.objects.filter(moved_on=moved).update(moved_on=None)
    _credit(transfer, transfer.from_city, _key("back", transfer), by=by, now=now)


def take_in(transfer: Transfer, *, by: User, now: datetime) -> None:
    """The money of the information form comes into the new city's books, once. Must run in a
    transaction."""
    _credit(transfer, transfer.to_city, _key("in", transfer), by=by, now=now)


def merge(transfer: Transfer, *, by: User, now: datetime) -> BroughtIn:
    """The form's months count in the new city from now on. Must run in a transaction.

    IntegrityError where one of them counts there, or anywhere, already.
    """
    brought = BroughtIn.objects.create(
        city=transfer.to_city,
        from_city=transfer.from_city,
        from_place=transfer.from_place,
        moved_out=transfer.moved_out,
        **_content(transfer, transfer.information, key=_key("in", transfer), by=by, now=now),
    )
    _write_periods(BroughtInPeriod, periods_of(transfer.information), brought_in=brought)
    return brought


def _credit(transfer: Transfer, city: str, key: str, *, by: User, now: datetime) -> None:
    told = transfer.information
    if told["account_fen"] + told["pooled_fen"]:
        personal_account.book_movement(
            person=transfer.person,
            city=city,
            insurance=Insurance(transfer.insurance),
            kind=MovementKind.TRANSFER_IN,
            amount_fen=told["account_fen"],
            pooled_fen=told["pooled_fen"],
            against=clearing(transfer, city),
            key=key,
            by=by,
            now=now,
        )


def _content(
    transfer: Transfer, told: dict[str, Any], *, key: str, by: User, now: datetime
) -> dict[str, Any]:
    periods = periods_of(told)
    return {
        "person": transfer.person,
        "insurance": transfer.insurance,
        "start": periods[0][0],
        "until": periods[-1][1],
        "months": count(periods),
        "wages": told["wages"],
        "account_fen": told["account_fen"],
        "pooled_fen": told["pooled_fen"],
        "key": key,
        "at": now,
        "by": by,
    }


def _write_periods(kind: type[Model], periods: Any, **owner: Any) -> None:
    [record] = owner.values()
    kind._default_manager.bulk_create(
        [
            kind(person=record.person, insurance=record.insurance, start=start, until=until, **owner)
            for start, until in periods
        ]
    )


def _key(way: str, transfer: Transfer) -> str:
    return f"transfer-{way}/{transfer.number}/{transfer.releases}"
