"""The entries of a transfer in the record and the books: months and money leave one city and arrive
in another.

In a city's books the counter-account is its transfer clearing with the other agency. The two
clearing accounts of a pair add up to the money under way between them.
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

# The name of the clearing account with agencies outside the hall.
OUTSIDE = "outside"


def clearing(transfer: Transfer, city: str) -> LedgerAccount:
    """The clearing account in ``city``'s books for money to and from the transfer's other place."""
    other = transfer.to_city if city == transfer.from_city else transfer.from_city
    return ledger.account(
        city=city, kind=AccountKind.TRANSFER, insurance=transfer.insurance, channel=other or OUTSIDE
    )


def let_go(transfer: Transfer, moving: Moving, *, by: User, now: datetime) -> MovedOut:
    """Takes the months from the old city's record and the money from its books, under one key for
    each release. Must run in a transaction."""
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
    """Gives months and money of the last release back to the old city. Must run in a
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
    """Books the money of the information form in the new city, once. Must run in a transaction."""
    _credit(transfer, transfer.to_city, _key("in", transfer), by=by, now=now)


def merge(transfer: Transfer, *, by: User, now: datetime) -> BroughtIn:
    """Adds the form's months to the record in the new city. Must run in a transaction.

    Raises IntegrityError where one of the months already counts there or elsewhere.
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
    information = transfer.information
    if information["account_fen"] + information["pooled_fen"]:
        personal_account.book_movement(
            person=transfer.person,
            city=city,
            insurance=Insurance(transfer.insurance),
            kind=MovementKind.TRANSFER_IN,
            amount_fen=information["account_fen"],
            pooled_fen=information["pooled_fen"],
            against=clearing(transfer, city),
            key=key,
            by=by,
            now=now,
        )


def _content(
    transfer: Transfer, information: dict[str, Any], *, key: str, by: User, now: datetime
) -> dict[str, Any]:
    periods = periods_of(information)
    return {
        "person": transfer.person,
        "insurance": transfer.insurance,
        "start": periods[0][0],
        "until": periods[-1][1],
        "months": count(periods),
        "wages": information["wages"],
        "account_fen": information["account_fen"],
        "pooled_fen": information["pooled_fen"],
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
