"""What an order is for, where it is for no charge: a top-up of an account, or a lump sum."""

import datetime as dt
from typing import TypeAlias

from contributions.books.receiving import Money
from contributions.models import LumpSumPart, Order, TopUp
from contributions.orders import lump_sums, top_ups
from portal.accounts.models import User

OtherPart: TypeAlias = TopUp | LumpSumPart


def of_order(order: Order) -> OtherPart | None:
    """The order's one part that is no charge; None where it is of charges."""
    return top_ups.of_order(order) or lump_sums.of_order(order)


def why_not_credit(part: OtherPart | None) -> str:
    """Why the money for the part would pay nothing, though its order is open; "" where it pays."""
    return lump_sums.why_not_credit(part.bill) if isinstance(part, LumpSumPart) else ""


def credit(part: OtherPart, money: Money, *, by: User, now: dt.datetime) -> int:
    """Credits the paid part, once; the id of the entry that booked it. Must run in the transaction
    that marks the order paid."""
    if isinstance(part, LumpSumPart):
        return lump_sums.credit(part, money, by=by, now=now).entry_id
    return top_ups.credit(part, money, by=by, now=now).entry_id
