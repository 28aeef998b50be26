"""The books: accounts, balanced entries in a chain per city, and the trial balance."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from contributions import locks
from contributions.models import AccountKind, Entry, LedgerAccount, Leg, MonthClose
from portal.accounts.models import User
from portal.shared.months import Month, month_in_china


class Unbalanced(ValueError):
    """The legs of an entry do not sum to zero, or there are none."""


class MonthClosed(ValueError):
    """The entry is dated in a month that is closed."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One side: debit positive, credit negative, in fen."""

    account: LedgerAccount
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's debits, credits (both positive) and what remains, in fen."""

    account: LedgerAccount
    debit_fen: int
    credit_fen: int

    @property
    def balance_fen(self) -> int:
        return self.debit_fen - self.credit_fen


def account(*, city: str, kind: AccountKind, insurance: str = "", channel: str = "") -> LedgerAccount:
    """The account; it is made where it does not exist yet."""
    ledger_account, _made = LedgerAccount.objects.get_or_create(
        city=city, kind=kind, insurance=insurance, channel=channel
    )
    return ledger_account


def reserve_ids(count: int) -> list[int]:
    """Ids for future entries, so that the rows that they book can refer to them beforehand."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('contributions_entry', 'id')) FROM generate_series(1, %s)",
            [count],
        )
        return [row[0] for row in cursor.fetchall()]


def post_entry(
    *,
    city: str,
    kind: str,
    reference: str,
    postings: Iterable[Posting],
    by: User,
    now: dt.datetime,
    entry_id: int | None = None,
) -> Entry:
    """Book one balanced entry and return it. Raises IntegrityError for the same kind and reference
    again, so that nothing is booked twice.

    Legs on the same account are added up, and accounts whose sum is zero are left out. Raises
    Unbalanced. Must run in a transaction: the chain is locked until it ends, so book last. Raises
    MonthClosed where ``now`` lies in a closed month: corrections of that month are booked in the
    open month.
    """
    sums: dict[int, int] = {}
    for posting in postings:
        sums[posting.account.pk] = sums.get(posting.account.pk, 0) + posting.amount_fen
    legs = {pk: fen for pk, fen in sorted(sums.items()) if fen}
    if not legs or sum(legs.values(), start=0) != 0:
        raise Unbalanced(f"{kind} {reference}: {legs}")
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an entry is booked together with what it books")
    locks.chain(city)
    closed = closed_through(city)
    if closed is not None and month_in_china(now) <= closed:
        raise MonthClosed(f"{kind} {reference}: {city} is closed through {closed}")
    last, previous = tip(city)
    number = last + 1
    entry = Entry(
        pk=entry_id,
        city=city,
        number=number,
        kind=kind,
        reference=reference,
        at=now,
        by=by,
        previous_digest=previous,
        digest=entry_digest(
            city=city,
            number=number,
            kind=kind,
            reference=reference,
            at=now,
            by=by.pk,
            legs=legs,
            previous=previous,
        ),
    )
    entry.save(force_insert=True)
    Leg.objects.bulk_create([Leg(entry=entry, account_id=pk, amount_fen=fen) for pk, fen in legs.items()])
    return entry


def tip(city: str) -> tuple[int, str]:
    """The last entry's number, and the digest of the chain's last link: that entry, or a month's
    close after it."""
    last = Entry.objects.filter(city=city).order_by("-number").first()
    if last is None:
        return 0, ""
    close = (
        MonthClose.objects.filter(city=city, closed_at__isnull=False, last_number=last.number)
        .order_by("-month")
        .first()
    )
    return last.number, close.digest if close else last.digest


def closed_through(city: str) -> Month | None:
    """The last month of the city's books that is closed; None where none is."""
    close = MonthClose.objects.filter(city=city, closed_at__isnull=False).order_by("-month").first()
    return close.month if close else None


def entry_digest(
    *,
    city: str,
    number: int,
    kind: str,
    reference: str,
    at: dt.datetime,
    by: int,
    legs: Mapping[int, int],
    previous: str,
) -> str:
    """SHA-256 over an entry and the digest of the entry before it: changing an old entry means
    changing all that follow."""
    text = "\n".join(
        [
            previous,
            city,
            str(number),
            kind,
            reference,
            at.astimezone(dt.UTC).isoformat(),
            str(by),
            *(f"{pk}:{fen}" for pk, fen in sorted(legs.items())),
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()


def trial_balance(*, cities: Sequence[str], until: dt.datetime | None = None) -> list[Balance]:
    """All accounts of the cities with their sums, of entries before ``until`` where it is given."""
    booked = Q(legs__entry__at__lt=until) if until else Q(legs__isnull=False)
    accounts = LedgerAccount.objects.filter(city__in=cities).annotate(
        debit=Coalesce(Sum("legs__amount_fen", filter=booked & Q(legs__amount_fen__gt=0)), 0),
        credit=Coalesce(Sum("legs__amount_fen", filter=booked & Q(legs__amount_fen__lt=0)), 0),
    )
    return [
        Balance(one, one.debit, -one.credit)
        for one in accounts.order_by("city", "kind", "insurance", "channel")
    ]
