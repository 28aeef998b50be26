"""The facts of a proof of each year's pension contributions (基本养老历年参保), as plain data."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from certificates.facts import Use, issuer
from contributions.books import personal_account
from contributions.charges import brought_in
from contributions.records import by_month
from contributions.records.by_month import MonthRecord, State
from portal.people.models import Person
from portal.policy.book import City
from portal.shared.insurance import CAPACITY_LABELS, Insurance
from portal.shared.months import Month, month_in_china

HISTORY_SCHEMA = "pension-history/1"

# Besides the states of months: paid here, and later moved to another place.
MOVED_OUT = "moved_out"

_SUMS = ("personal_fen", "employer_fen", "account_fen")


def history_facts(
    person: Person, *, city: City, first_year: int | None, use: Use, now: datetime
) -> dict[str, Any]:
    """Each year's pension months, bases, amounts and personal account in one city, from
    ``first_year`` (None: the first) to now.

    Amounts are fen, wages yuan. A month counts if it is paid and has not been moved out. The other
    months are in ``left_out`` by state; months from other places are in ``brought_in``.
    """
    until = month_in_china(now) + 1
    since = None if first_year is None else Month(first_year, 1)
    found = by_month.record(person, since=since, until=until, cities=[city.slug])
    records = [record for record in found if record.insurance == Insurance.PENSION]
    moved_months = brought_in.gone_months(person, insurance=Insurance.PENSION)
    counted = [one for one in records if one.state == State.PAID and one.month not in moved_months]
    elsewhere = brought_in.elsewhere(person, cities=[city.slug]).get(Insurance.PENSION)
    start = since or min((record.month for record in records), default=until - 1)
    return {
        "schema": HISTORY_SCHEMA,
        **issuer(city, now),
        "person": person.named(),
        "insurances": [str(Insurance.PENSION)],
        "use": use.frozen(),
        "period": {"start": str(start), "until": str(until)},
        "years": _years(counted),
        "totals": {**_sums(counted), "left_out": _left_out(records, moved_months)},
        "account": _account(person, city, since),
        "brought_in": [
            {
                "place": one.from_place,
                "start": str(one.start),
                "until": str(one.until),
                "months": one.months,
                "account_fen": one.account_fen,
            }
            for one in brought_in.standing(person, insurance=Insurance.PENSION, cities=[city.slug])
        ],
        "in_transit": elsewhere.in_transit if elsewhere else 0,
    }


def _years(records: Iterable[MonthRecord]) -> list[dict[str, Any]]:
    """One row for each year and employer (or capacity), oldest first."""
    rows: dict[tuple[int, str], list[MonthRecord]] = {}
    for record in records:
        where = record.employer or str(CAPACITY_LABELS[record.capacity])
        rows.setdefault((record.month.year, where), []).append(record)
    return [
        {
            "year": year,
            "where": where,
            "low": _plain(min(_base(one) for one in rows[year, where])),
            "high": _plain(max(_base(one) for one in rows[year, where])),
            **_sums(rows[year, where]),
        }
        for year, where in sorted(rows, key=lambda key: (key[0], rows[key][0].month))
    ]


def _sums(records: Sequence[MonthRecord]) -> dict[str, Any]:
    return {
        "months": len(records),
        "wages": _plain(sum((_base(one) for one in records), Decimal(0))),
        **{name: sum(getattr(one, name) or 0 for one in records) for name in _SUMS},
    }


def _left_out(records: Iterable[MonthRecord], moved_months: set[Month]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for record in records:
        state = str(record.state)
        if record.state == State.PAID:
            if record.month not in moved_months:
                continue
            state = MOVED_OUT
        counts[state] = counts.get(state, 0) + 1
    return counts


def _account(person: Person, city: City, since: Month | None) -> list[dict[str, int]]:
    """The personal account by the year in which it was booked, oldest first: opening + credited +
    interest + moved = closing."""
    years = [
        year
        for account in personal_account.accounts_of(person)
        if account.city == city.slug and account.insurance == Insurance.PENSION
        for year in reversed(account.years)
    ]
    return [
        {
            "year": year.year,
            "opening_fen": year.opening_fen,
            "credited_fen": year.credited_fen,
            "interest_fen": year.interest_fen,
            "moved_fen": year.moved_fen,
            "closing_fen": year.closing_fen,
        }
        for year in years
        if since is None or year.year >= since.year
    ]


def _base(record: MonthRecord) -> Decimal:
    return record.base or Decimal(0)


def _plain(yuan: Decimal) -> str:
    return f"{yuan.normalize():f}"
