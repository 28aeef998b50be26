"""Personal accounts (个人账户): the credits of a person's receipts and the other movements of the
account, by year.

Receipts and movements are the ledger's sub-ledger: their sum is the balance of the PERSONAL
accounts of the books.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from contributions.books import ledger
from contributions.models import (
    AccountInterest,
    AccountKind,
    AccountMovement,
    Entry,
    LedgerAccount,
    MovementKind,
    Receipt,
)
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.keys import KeyReused
from portal.shared.months import Month, today_in_china

KIND = "account_movement"

# The insurances that have personal accounts.
WITH_ACCOUNTS = (Insurance.PENSION, Insurance.MEDICAL)


class Overdrawn(Exception):
    """The account holds less than the sum to be taken: nothing was booked."""


@dataclass(frozen=True, slots=True)
class Credit:
    """The credit of one paid month: ``account_fen`` of ``amount_fen``, credited on the day on which
    the money arrived. ``base`` is yuan."""

    charge_id: int
    month: Month
    credited_on: date
    base: Decimal
    amount_fen: int
    account_fen: int


Happening: TypeAlias = Credit | AccountMovement | AccountInterest


@dataclass(frozen=True, slots=True)
class Year:
    """A calendar year of an account, in fen: opening + credited + moved + interest = closing.
    ``interests`` are those for the year, whenever they were booked."""

    year: int
    opening_fen: int
    credits: tuple[Credit, ...]
    movements: tuple[AccountMovement, ...]
    interests: tuple[AccountInterest, ...] = ()

    @property
    def credited_fen(self) -> int:
        return sum(one.account_fen for one in self.credits)

    @property
    def interest_fen(self) -> int:
        return sum(one.movement.amount_fen for one in self.interests)

    @property
    def moved_fen(self) -> int:
        """Top-ups, transfers and sums taken back."""
        return sum(one.amount_fen for one in self.movements)

    @property
    def closing_fen(self) -> int:
        return self.opening_fen + self.credited_fen + self.interest_fen + self.moved_fen


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account of one insurance in one city. ``years`` are newest first; years without
    any credit, movement or interest are left out."""

    city: str
    insurance: Insurance
    years: tuple[Year, ...]

    @property
    def balance_fen(self) -> int:
        return self.years[0].closing_fen


def balance(person: Person, city: str, insurance: Insurance) -> int:
    """The balance of the person's account, in fen."""
    credited = Receipt.objects.filter(
        charge__person=person, charge__city=city, charge__insurance=insurance, applied=True
    ).aggregate(fen=Sum("account_fen"))["fen"]
    moved = AccountMovement.objects.filter(person=person, city=city, insurance=insurance).aggregate(
        fen=Sum("amount_fen")
    )["fen"]
    return (credited or 0) + (moved or 0)


def book_movement(
    *,
    person: Person,
    city: str,
    insurance: Insurance,
    kind: MovementKind,
    amount_fen: int,
    against: LedgerAccount,
    key: str,
    by: User,
    now: dt.datetime,
    pooled_fen: int = 0,
    surcharge_fen: int = 0,
) -> AccountMovement:
    """Credit (positive) or take (negative) fen of a personal account and return the movement. A
    second call with the same key changes nothing.

    The entry books it between the city's PERSONAL account of the insurance and ``against``, an
    account of the same city: clearing for a top-up, transfer clearing for a transfer, suspense for
    a sum taken back to be refunded. ``pooled_fen``, of the same sign, enters or leaves the pooled
    fund by the same entry; ``surcharge_fen`` leaves the account of interest and late fees with a
    reversed month. Raises KeyReused where the key belongs to another movement; Overdrawn where the
    account holds less than is taken; ValueError for an account of another city. Constraints refuse
    a top-up of anything but medical, and a sign that does not fit the kind.
    """
    if against.city != city:
        raise ValueError(f"{against} belongs to {against.city}, not to {city}")
    content = (person.pk, city, str(insurance), str(kind), amount_fen, pooled_fen, surcharge_fen, against.pk)
    if standing := _standing(key, content):
        return standing
    try:
        with transaction.atomic():
            # Two withdrawals from one account are checked one after the other.
            lock_account(person)
            if standing := _standing(key, content):
                return standing
            if amount_fen < 0 and balance(person, city, insurance) + amount_fen < 0:
                raise Overdrawn(f"{city} {insurance} {key}: {amount_fen}")
            entry = ledger.post_entry(
                city=city,
                kind=KIND,
                reference=key,
                postings=_postings(against, insurance, amount_fen, pooled_fen, surcharge_fen),
                by=by,
                now=now,
            )
            return AccountMovement.objects.create(
                person=person,
                city=city,
                insurance=insurance,
                kind=kind,
                amount_fen=amount_fen,
                pooled_fen=pooled_fen,
                surcharge_fen=surcharge_fen,
                against=against,
                booked_on=today_in_china(now),
                key=key,
                entry=entry,
            )
    except IntegrityError:
        # It was booked meanwhile under the same key for another person, whom we do not lock.
        if standing := _standing(key, content):
            return standing
        raise


def book_reversal(
    booked: Entry,
    *,
    insurance: Insurance,
    against: LedgerAccount,
    kind: str,
    reference: str,
    by: User,
    now: dt.datetime,
) -> None:
    """Take back, for one insurance, what an entry's applied receipts credited to personal accounts,
    pooled fund and surcharges: a movement for each receipt, and one entry. A fixed number of
    statements. The charges must still have the status that they had when they were paid.

    Raises IntegrityError where an account holds less ("would hold"), and where it was done before.
    Must run in a transaction.
    """
    city = against.city
    [entry_id] = ledger.reserve_ids(1)
    with connection.cursor() as cursor:
        cursor.execute(
            _REVERSE,
            {
                "booked": booked.pk,
                "insurance": str(insurance),
                "against": against.pk,
                "today": today_in_china(now),
                "entry": entry_id,
                "kind": str(MovementKind.REVERSED),
            },
        )
        cursor.execute(
            """
            SELECT sum(amount_fen)::bigint, sum(pooled_fen)::bigint, sum(surcharge_fen)::bigint
            FROM contributions_accountmovement WHERE entry_id = %s
            """,
            [entry_id],
        )
        personal_fen, pooled_fen, surcharge_fen = cursor.fetchone()
    ledger.post_entry(
        city=city,
        kind=kind,
        reference=reference,
        postings=_postings(against, insurance, personal_fen, pooled_fen, surcharge_fen),
        by=by,
        now=now,
        entry_id=entry_id,
    )


# In the order of the persons, because taking from an account locks its person.
_REVERSE = """
    INSERT INTO contributions_accountmovement (
        person_id, city, insurance, kind, amount_fen, pooled_fen, surcharge_fen, against_id, booked_on, key, entry_id
    )
    SELECT charge.person_id, charge.city, charge.insurance, %(kind)s, -receipt.account_fen,
        receipt.account_fen + coalesce(surcharge.amount_fen, 0) - receipt.amount_fen, -coalesce(surcharge.amount_fen, 0),
        %(against)s, %(today)s, 'reversal/' || receipt.id, %(entry)s
    FROM contributions_receipt receipt
    JOIN contributions_charge charge ON charge.id = receipt.charge_id
    LEFT JOIN contributions_surcharge surcharge ON surcharge.id = receipt.surcharge_id
    WHERE receipt.entry_id = %(booked)s AND receipt.applied AND charge.insurance = %(insurance)s
    ORDER BY charge.person_id, receipt.id
"""


def _postings(
    against: LedgerAccount, insurance: Insurance, personal_fen: int, pooled_fen: int, surcharge_fen: int
) -> list[ledger.Posting]:
    """The postings that move these sums from ``against`` to the personal account, the pooled fund
    and, where it is not zero, the surcharges."""
    parts = {AccountKind.PERSONAL: personal_fen, AccountKind.POOLED: pooled_fen}
    if surcharge_fen:
        parts[AccountKind.SURCHARGE] = surcharge_fen
    return [
        ledger.Posting(against, personal_fen + pooled_fen + surcharge_fen),
        *(
            ledger.Posting(ledger.account(city=against.city, kind=kind, insurance=insurance), -fen)
            for kind, fen in parts.items()
        ),
    ]


def lock_account(person: Person) -> None:
    Person.objects.select_for_update(no_key=True).get(pk=person.pk)


def _standing(key: str, content: tuple[object, ...]) -> AccountMovement | None:
    movement = AccountMovement.objects.filter(key=key).first()
    if movement and content != (
        movement.person_id,
        movement.city,
        movement.insurance,
        movement.kind,
        movement.amount_fen,
        movement.pooled_fen,
        movement.surcharge_fen,
        movement.against_id,
    ):
        raise KeyReused(key)
    return movement


def accounts_of(person: Person) -> list[Account]:
    """The person's accounts that ever had a credit or a movement, by city and insurance. Two
    queries.

    A credit belongs to the year, in China, in which its money arrived, whichever month it pays; a
    movement to the year in which it was booked, and interest to the year that it is for.
    """
    receipts = (
        Receipt.objects.filter(charge__person=person, applied=True, account_fen__gt=0)
        .select_related("charge")
        .order_by("received_at", "charge__month", "pk")
    )
    happened: dict[tuple[str, Insurance], list[Happening]] = {}
    for receipt in receipts:
        charge = receipt.of_charge
        happened.setdefault((charge.city, Insurance(charge.insurance)), []).append(
            Credit(
                charge_id=charge.pk,
                month=charge.month,
                credited_on=today_in_china(receipt.received_at),
                base=charge.base,
                amount_fen=charge.amount_fen,
                account_fen=receipt.account_fen,
            )
        )
    movements = AccountMovement.objects.filter(
        person=person, insurance__in=[str(one) for one in WITH_ACCOUNTS]
    ).select_related("interest")
    for movement in movements.order_by("booked_on", "pk"):
        is_interest = movement.kind == MovementKind.INTEREST
        happened.setdefault((movement.city, Insurance(movement.insurance)), []).append(
            movement.interest if is_interest else movement
        )
    order = {insurance: place for place, insurance in enumerate(Insurance)}
    return [
        Account(city, insurance, _years(happened[city, insurance]))
        for city, insurance in sorted(happened, key=lambda key: (key[0], order[key[1]]))
    ]


def _years(happened: Iterable[Happening]) -> tuple[Year, ...]:
    by_year: dict[int, list[Happening]] = {}
    for happening in happened:
        by_year.setdefault(_year_of(happening), []).append(happening)
    years: list[Year] = []
    for year in sorted(by_year):
        years.append(
            Year(
                year,
                opening_fen=years[-1].closing_fen if years else 0,
                credits=tuple(one for one in by_year[year] if isinstance(one, Credit)),
                movements=tuple(one for one in by_year[year] if isinstance(one, AccountMovement)),
                interests=tuple(one for one in by_year[year] if isinstance(one, AccountInterest)),
            )
        )
    return tuple(reversed(years))


def _year_of(happening: Happening) -> int:
    if isinstance(happening, Credit):
        return happening.credited_on.year
    return happening.year if isinstance(happening, AccountInterest) else happening.booked_on.year


# For the audit: the personal accounts of each city and insurance where the books differ from the
# receipts and movements.
BOOKS_AND_RECEIPTS = """
    SELECT format('%s %s 个人账户记账 %s 分，到账和变动记录合计 %s 分', city, insurance, coalesce(booked.fen, 0),
        coalesce(received.fen, 0))
    FROM (
        SELECT account.city, account.insurance, -sum(leg.amount_fen) AS fen
        FROM contributions_leg leg JOIN contributions_ledgeraccount account ON account.id = leg.account_id
        WHERE account.kind = 'personal' GROUP BY account.city, account.insurance
    ) booked
    FULL JOIN (
        SELECT city, insurance, sum(fen) AS fen
        FROM (
            SELECT charge.city, charge.insurance, sum(receipt.account_fen) AS fen
            FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
            WHERE receipt.account_fen > 0 GROUP BY charge.city, charge.insurance
            UNION ALL
            SELECT city, insurance, sum(amount_fen) FROM contributions_accountmovement GROUP BY city, insurance
        ) moved GROUP BY city, insurance
    ) received USING (city, insurance)
    WHERE coalesce(booked.fen, 0) <> coalesce(received.fen, 0)
"""

# For the audit: entries that differ from their movements, with the pooled part and the other side;
# accounts below zero; interest that is booked without a movement.
MOVEMENTS_AND_BOOKS = (
    """
    WITH moved AS (
        SELECT entry_id, city, insurance, against_id, sum(amount_fen) AS personal, sum(pooled_fen) AS pooled,
            sum(surcharge_fen) AS surcharge
        FROM contributions_accountmovement GROUP BY entry_id, city, insurance, against_id
    )
    SELECT format('个人账户变动的分录 %s 与变动记录不符', moved.entry_id)
    FROM moved
    JOIN contributions_entry entry ON entry.id = moved.entry_id
    JOIN contributions_ledgeraccount against ON against.id = moved.against_id
    LEFT JOIN (
        SELECT leg.entry_id, account.kind, account.insurance, account.id AS account_id, leg.amount_fen
        FROM contributions_leg leg JOIN contributions_ledgeraccount account ON account.id = leg.account_id
    ) leg ON leg.entry_id = moved.entry_id
    GROUP BY moved.entry_id, moved.city, moved.insurance, moved.against_id, moved.personal, moved.pooled,
        moved.surcharge, entry.city, against.city
    HAVING entry.city <> moved.city OR against.city <> moved.city
        OR coalesce(sum(leg.amount_fen) FILTER (WHERE leg.account_id = moved.against_id), 0)
            <> moved.personal + moved.pooled + moved.surcharge
        OR coalesce(sum(-leg.amount_fen) FILTER (WHERE leg.kind = 'surcharge' AND leg.insurance = moved.insurance), 0)
            <> moved.surcharge
        OR coalesce(sum(-leg.amount_fen) FILTER (WHERE leg.kind = 'pooled' AND leg.insurance = moved.insurance), 0)
            <> moved.pooled
    """,
    """
    SELECT format('%s %s 的 %s 个人账户余额为 %s 分', city, person_id, insurance, sum(fen))
    FROM (
        SELECT charge.city, charge.person_id, charge.insurance, receipt.account_fen AS fen
        FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
        WHERE receipt.account_fen > 0
            AND charge.person_id IN (SELECT person_id FROM contributions_accountmovement WHERE amount_fen < 0)
        UNION ALL
        SELECT city, person_id, insurance, amount_fen FROM contributions_accountmovement
        WHERE person_id IN (SELECT person_id FROM contributions_accountmovement WHERE amount_fen < 0)
    ) moved GROUP BY city, person_id, insurance HAVING sum(fen) < 0
    """,
    """
    SELECT format('分录 %s 动用利息支出，而没有相应的利息记录', leg.entry_id)
    FROM contributions_leg leg JOIN contributions_ledgeraccount account ON account.id = leg.account_id
    WHERE account.kind = 'interest'
        AND leg.entry_id NOT IN (SELECT entry_id FROM contributions_accountmovement)
    """,
)
