"""The facts of a certificate as plain data: read once from coverage and ledger, then frozen under a
digest.

Amounts are fen, bases exact yuan as text (empty until the month is charged), months "2026-11",
periods [start, until). There are no floats, so that the canonical form is unique. ``schema`` names
the format, so that an old certificate is read in the format in which it was written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from django.db.models import Count, QuerySet

from contributions.charges import brought_in
from contributions.records import by_month
from contributions.records.by_month import MonthRecord, State
from enrollment import queries as enrollment
from enrollment.models import Coverage
from portal.people.models import Employer, Person
from portal.policy.book import City, District, book
from portal.policy.terms.offers import run_elsewhere
from portal.shared.insurance import CAPACITY_LABELS, Insurance
from portal.shared.months import Month, month_in_china, month_span, today_in_china

PERSON_SCHEMA = "person-proof/2"
# Certificates of the first weeks: with all facts, without recipient and purpose.
FIRST_PERSON_SCHEMA = "person-proof/1"
EMPLOYER_SCHEMA = "employer-proof/1"


class Reveal(StrEnum):
    """How much of a person's record a proof shows."""

    ALL = "all"
    MONTHS = "months"
    AT_LEAST = "at_least"


@dataclass(frozen=True, slots=True)
class Use:
    """The use of a proof: recipient and purpose ("" where the applicant stated none), and its last
    day (None: no end)."""

    recipient: str
    purpose: str
    valid_until: date | None

    def frozen(self) -> dict[str, str]:
        """The use as facts, without what was not stated."""
        facts = {
            "recipient": self.recipient,
            "purpose": self.purpose,
            "valid_until": str(self.valid_until or ""),
        }
        return {name: value for name, value in facts.items() if value}


# The words are short enough for a cell of the months' table.
STATE_WORDS = {
    State.PAID: "已缴",
    State.OWED: "待缴",
    State.IN_DEBIT: "扣款中",
    State.FAILED: "扣款失败",
    State.WRITTEN_OFF: "已注销",
    State.TAKEN_BACK: "重复缴费已清退",
    State.COVERED: "参保",
}


def person_facts(
    person: Person,
    *,
    city: City,
    insurances: Sequence[Insurance],
    month_count: int | None,
    reveal: Reveal = Reveal.ALL,
    with_employers: bool = True,
    use: Use | None = None,
    now: datetime,
) -> dict[str, Any]:
    """A person's coverage and contributions in one city, over ``month_count`` months up to the
    current one.

    None for ``month_count`` means all months. ``reveal`` ALL includes bases and amounts, MONTHS
    only the state of each month. What the proof does not show is not in the facts either.
    """
    until = month_in_china(now) + 1
    since = None if month_count is None else until - month_count
    records = _records(person, city=city, insurances=insurances, since=since, until=until)
    start = since or min((record.month for record in records), default=until - 1)
    codes = _credit_codes(person) if with_employers else None
    return {
        **_of_person(person, city=city, insurances=insurances, reveal=reveal, use=use, now=now),
        "period": {"start": str(start), "until": str(until)},
        "status": _status(
            enrollment.running(person, until - 1).filter(city=city.slug, insurance__in=insurances)
        ),
        **_told(records, insurances, codes, with_sums=reveal == Reveal.ALL),
        "elsewhere": _elsewhere(person, city, insurances),
    }


def staff_facts(
    person: Person,
    *,
    employer: Employer,
    records: Sequence[MonthRecord],
    running: Iterable[Coverage],
    city: City,
    insurances: Sequence[Insurance],
    month_count: int,
    reveal: Reveal,
    use: Use,
    now: datetime,
) -> dict[str, Any]:
    """The facts that an employer may have certified about one of its staff: the months with this
    employer, and nothing about other employers or places.

    ``records`` and ``running`` are those with this employer, over ``month_count`` months up to the
    current one.
    """
    until = month_in_china(now) + 1
    return {
        **_of_person(person, city=city, insurances=insurances, reveal=reveal, use=use, now=now),
        "only_at": employer.name,
        "period": {"start": str(until - month_count), "until": str(until)},
        "status": _status(running),
        **_told(
            records,
            insurances,
            {employer.name: {employer.credit_code}},
            with_sums=reveal == Reveal.ALL,
        ),
    }


def _told(
    records: Sequence[MonthRecord],
    insurances: Sequence[Insurance],
    codes: Mapping[str, set[str]] | None,
    *,
    with_sums: bool,
) -> dict[str, Any]:
    """Months, employers (none where ``codes`` is None) and totals."""
    rows, employers = _rows(records, codes, with_sums=with_sums)
    return {
        "months": rows,
        "employers": employers,
        "totals": {
            str(insurance): _total(
                (record for record in records if record.insurance == insurance), with_sums=with_sums
            )
            for insurance in insurances
        },
    }


def at_least_facts(
    person: Person,
    *,
    city: City,
    insurances: Sequence[Insurance],
    month_count: int,
    at_least: int,
    use: Use | None = None,
    now: datetime,
) -> tuple[dict[str, Any], dict[Insurance, int]]:
    """The facts that say only that at least ``at_least`` of the last ``month_count`` months are
    paid in each insurance; and the number of paid months by insurance.

    The numbers are for the rule, which bars a false statement. They are no part of the facts.
    """
    until = month_in_china(now) + 1
    since = until - month_count
    records = _records(person, city=city, insurances=insurances, since=since, until=until)
    paid = [record.insurance for record in records if record.state == State.PAID]
    facts = {
        **_of_person(person, city=city, insurances=insurances, reveal=Reveal.AT_LEAST, use=use, now=now),
        "period": {"start": str(since), "until": str(until)},
        "at_least": at_least,
    }
    return facts, {insurance: paid.count(insurance) for insurance in insurances}


def _records(
    person: Person, *, city: City, insurances: Sequence[Insurance], since: Month | None, until: Month
) -> list[MonthRecord]:
    return [
        record
        for record in by_month.record(person, since=since, until=until, cities=[city.slug])
        if record.insurance in insurances
    ]


def _of_person(
    person: Person,
    *,
    city: City,
    insurances: Sequence[Insurance],
    reveal: Reveal,
    use: Use | None,
    now: datetime,
) -> dict[str, Any]:
    return {
        "schema": PERSON_SCHEMA,
        **issuer(city, now),
        **_not_run(city, now),
        "person": person.named(),
        "insurances": [str(insurance) for insurance in insurances],
        "reveals": str(reveal),
        "use": use.frozen() if use else {},
    }


def employer_facts(
    employer: Employer,
    *,
    city: City,
    place: District,
    insurances: Sequence[Insurance],
    month_count: int,
    contact: Mapping[str, str],
    now: datetime,
) -> dict[str, Any]:
    """The number of an employer's staff insured at a place, for each insurance and month.

    Over ``month_count`` months up to the current one; newest first.
    """
    until = month_in_china(now) + 1
    return {
        "schema": EMPLOYER_SCHEMA,
        **issuer(city, now),
        **_not_run(city, now),
        "employer": {
            "name": employer.name,
            "credit_code": employer.credit_code,
            "insurance_number": employer.insurance_number,
        },
        "place": f"{city.full_title}—{place.title}",
        "contact": {"name": contact["name"], "phone": contact["phone"]},
        "period": {"start": str(until - month_count), "until": str(until)},
        "insurances": [str(insurance) for insurance in insurances],
        "months": [
            _head_count(employer, city, place, insurances, month)
            for month in reversed(list(month_span(until - month_count, until)))
        ],
    }


def insured_at(employer: Employer, *, city: City, place: District, month: Month) -> QuerySet[Coverage]:
    """The coverages of an employer's staff at a place of the city that cover the month."""
    # 市本级 includes coverages without a district.
    districts = ["", place.code] if place.code == city.code else [place.code]
    return enrollment.insured_staff(employer, month).filter(city=city.slug, district__in=districts)


def issuer(city: City, now: datetime) -> dict[str, str]:
    return {
        "agency": city.agency,
        "city": city.full_title,
        "as_of": str(today_in_china(now)),
        "frozen_at": now.isoformat(),
    }


def _not_run(city: City, now: datetime) -> dict[str, dict[str, str]]:
    """The insurances that another agency runs, and where to ask about them. The proof states that
    it does not cover them."""
    asked = run_elsewhere(book(), city=city.slug, on=today_in_china(now))
    return {"asked_elsewhere": {str(one.insurance): one.where for one in asked}} if asked else {}


def _rows(
    records: Sequence[MonthRecord], codes: Mapping[str, set[str]] | None, *, with_sums: bool
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """One row for each month and employer (or capacity), newest first; and the employers, numbered
    in that order from 1.

    Where ``codes`` is None there is one row for each month, with employer number 0.
    """
    rows: dict[tuple[Month, str], dict[str, Any]] = {}
    employers: dict[str, dict[str, str]] = {}
    # Insurances without a personal share (work injury) get no base and no sum.
    with_share = {record.insurance for record in records if record.personal_fen} if with_sums else set()
    for record in sorted(records, key=lambda one: (one.month, one.employer), reverse=True):
        name, number = "", 0
        month = str(record.month)
        if codes is not None:
            name = record.employer or CAPACITY_LABELS[record.capacity]
            code = "、".join(sorted(codes.get(record.employer, ())))
            employers.setdefault(name, {"name": name, "credit_code": code, "last": month})["first"] = month
            number = list(employers).index(name) + 1
        row = rows.setdefault((record.month, name), {"month": month, "employer": number, "cells": {}})
        row["cells"][str(record.insurance)] = _cell(record, with_sums=record.insurance in with_share)
    return list(rows.values()), list(employers.values())


def _credit_codes(person: Person) -> dict[str, set[str]]:
    """The credit codes of the person's present and former employers, by name."""
    codes: dict[str, set[str]] = {}
    employed = Coverage.objects.filter(person=person, employer__isnull=False)
    for name, code in employed.values_list("employer__name", "employer__credit_code"):
        codes.setdefault(name, set()).add(code)
    return codes


def _cell(record: MonthRecord, *, with_sums: bool) -> dict[str, Any]:
    if not with_sums:
        return {"state": str(record.state)}
    paid = record.state == State.PAID
    return {
        "state": str(record.state),
        "base": "" if record.base is None else f"{record.base.normalize():f}",
        **({"personal_fen": record.personal_fen or 0} if paid else {}),
    }


def _status(coverages: Iterable[Coverage]) -> dict[str, dict[str, str]]:
    """The coverages that run now, by insurance."""
    return {
        str(coverage.insurance): {"capacity": str(coverage.capacity), "since": str(coverage.start)}
        for coverage in coverages
    }


def _total(records: Iterable[MonthRecord], *, with_sums: bool) -> dict[str, Any]:
    months, fen, left_out = 0, 0, dict[str, int]()
    for record in records:
        if record.state == State.PAID:
            months, fen = months + 1, fen + (record.personal_fen or 0)
        else:
            left_out[str(record.state)] = left_out.get(str(record.state), 0) + 1
    sums = {"personal_fen": fen} if with_sums else {}
    return {"paid_months": months, **sums, "left_out": left_out}


def _elsewhere(person: Person, city: City, insurances: Sequence[Insurance]) -> dict[str, dict[str, int]]:
    """Months outside the city's own record, by insurance: brought in, moved out, and under way."""
    months = brought_in.elsewhere(person, cities=[city.slug])
    return {str(insurance): asdict(one) for insurance, one in months.items() if insurance in insurances}


def _head_count(
    employer: Employer, city: City, place: District, insurances: Sequence[Insurance], month: Month
) -> dict[str, Any]:
    insured = insured_at(employer, city=city, place=place, month=month).filter(insurance__in=insurances)
    counts = dict(insured.order_by().values_list("insurance").annotate(Count("person", distinct=True)))
    return {
        "month": str(month),
        "people": insured.aggregate(people=Count("person", distinct=True))["people"],
        "counts": {str(insurance): counts.get(insurance, 0) for insurance in insurances},
    }
