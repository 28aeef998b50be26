"""Personal accounts (个人账户): what was credited to a person, by year, as the receipts say it.

Receipts are the ledger's sub-ledger: what they credit to personal accounts is what the PERSONAL accounts of the books hold.
Interest is not credited yet; no balance here includes any.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contributions.models import Receipt
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month, today_in_china


@dataclass(frozen=True, slots=True)
class Credit:
    """What one paid month brought: ``account_fen`` of ``amount_fen``, credited on the day the money arrived. ``base`` is yuan."""

    charge_id: int
    month: Month
    credited_on: date
    base: Decimal
    amount_fen: int
    account_fen: int


@dataclass(frozen=True, slots=True)
class Year:
    """A calendar year of an account, in fen: opening + credited = closing, without interest."""

    year: int
    opening_fen: int
    credits: tuple[Credit, ...]

    @property
    def credited_fen(self) -> int:
        return sum(one.account_fen for one in self.credits)

    @property
    def closing_fen(self) -> int:
        return self.opening_fen + self.credited_fen


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account of one insurance in one city; its years newest first, those without credits left out."""

    city: str
    insurance: Insurance
    years: tuple[Year, ...]

    @property
    def balance_fen(self) -> int:
        return self.years[0].closing_fen


def accounts_of(person: Person) -> list[Account]:
    """The person's accounts that anything was ever credited to, by city and insurance. One query.

    A credit belongs to the year, in China, in which its money arrived, whichever month it pays.
    """
    receipts = (
        Receipt.objects.filter(charge__person=person, applied=True, account_fen__gt=0)
        .select_related("charge")
        .order_by("received_at", "charge__month", "pk")
    )
    found: dict[tuple[str, Insurance], list[Credit]] = {}
    for one in receipts:
        charge = one.charge
        found.setdefault((charge.city, Insurance(charge.insurance)), []).append(
            Credit(
                charge_id=charge.pk,
                month=charge.month,
                credited_on=today_in_china(one.received_at),
                base=charge.base,
                amount_fen=charge.amount_fen,
                account_fen=one.account_fen,
            )
        )
    order = {insurance: place for place, insurance in enumerate(Insurance)}
    return [
        Account(city, insurance, _years(found[city, insurance]))
        for city, insurance in sorted(found, key=lambda key: (key[0], order[key[1]]))
    ]


def _years(credits_: Iterable[Credit]) -> tuple[Year, ...]:
    by_year: dict[int, list[Credit]] = {}
    for one in credits_:
        by_year.setdefault(one.credited_on.year, []).append(one)
    years, balance = [], 0
    for year in sorted(by_year):
        years.append(Year(year, balance, tuple(by_year[year])))
        balance = years[-1].closing_fen
    return tuple(reversed(years))


# For the audit: the personal accounts of each city and insurance, as the receipts and as the books say them.
BOOKS_AND_RECEIPTS = """
    SELECT format('%s %s 个人账户记账 %s 分，到账记录合计 %s 分', city, insurance, coalesce(booked.fen, 0),
        coalesce(received.fen, 0))
    FROM (
        SELECT account.city, account.insurance, -sum(leg.amount_fen) AS fen
        FROM contributions_leg leg JOIN contributions_ledgeraccount account ON account.id = leg.account_id
        WHERE account.kind = 'personal' GROUP BY account.city, account.insurance
    ) booked
    FULL JOIN (
        SELECT charge.city, charge.insurance, sum(receipt.account_fen) AS fen
        FROM contributions_receipt receipt JOIN contributions_charge charge ON charge.id = receipt.charge_id
        WHERE receipt.account_fen > 0 GROUP BY charge.city, charge.insurance
    ) received USING (city, insurance)
    WHERE coalesce(booked.fen, 0) <> coalesce(received.fen, 0)
"""
