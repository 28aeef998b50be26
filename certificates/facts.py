"""What a certificate says, as plain data: read once from coverage and ledger, then frozen under a digest.

Amounts are fen, bases exact yuan as text (empty until the month is charged), months "2026-11", periods
[start, until). No floats, so that the canonical form is one. ``schema`` names the form, so that an old
certificate is read by what it was written in.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet

from contributions import queries as contributions
from contributions.queries import MonthRecord, State
from enrollment import queries as enrollment
from enrollment.models import Coverage
from portal.people.models import Employer, Person
from portal.policy.book import City, District
from portal.shared.insurance import CAPACITY_LABELS, Insurance
from portal.shared.months import Month, month_in_china, month_span, today_in_china

PERSON_SCHEMA = "person-proof/1"
EMPLOYER_SCHEMA = "employer-proof/1"

# Short enough for a cell of the months' table.
STATE_WORDS = {
    State.PAID: "已缴",
    State.OWED: "待缴",
    State.IN_DEBIT: "扣款中",
    State.FAILED: "扣款失败",
    State.WRITTEN_OFF: "已注销",
    State.COVERED: "参保",
}


def person_facts(
    person: Person, *, city: City, insurances: Sequence[Insurance], month_count: int | None, now: datetime
) -> dict[str, Any]:
    """A person's coverage and contributions in one city: the current month and those before it, ``month_count`` in all.

    None for ``month_count`` means everything from the first month on.
    """
    until = month_in_china(now) + 1
    since = None if month_count is None else until - month_count
    records = [
        record
        for record in contributions.record(person, since=since, until=until, cities=[city.slug])
        if record.insurance in insurances
    ]
    start = since or min((record.month for record in records), default=until - 1)
    rows, employers = _rows(records, person)
    return {
        "schema": PERSON_SCHEMA,
        **issuer(city, now),
        "person": {"name": person.name, "identity_number": person.identity_number},
        "period": {"start": str(start), "until": str(until)},
        "insurances": [str(insurance) for insurance in insurances],
        "status": _status(person, city, insurances, until - 1),
        "months": rows,
        "employers": employers,
        "totals": {
            str(insurance): _total(record for record in records if record.insurance == insurance)
            for insurance in insurances
        },
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
    """How many of an employer's staff are insured at a place, for each insurance and month.

    The current month, and those before it, ``month_count`` in all; newest first.
    """
    until = month_in_china(now) + 1
    return {
        "schema": EMPLOYER_SCHEMA,
        **issuer(city, now),
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
    # 市本级 also holds whoever is kept without a district.
    districts = ["", place.code] if place.code == city.code else [place.code]
    return enrollment.insured_staff(employer, month).filter(city=city.slug, district__in=districts)


def issuer(city: City, now: datetime) -> dict[str, str]:
    return {
        "agency": city.agency,
        "city": city.full_title,
        "as_of": str(today_in_china(now)),
        "frozen_at": now.isoformat(),
    }


def _rows(
    records: Iterable[MonthRecord], person: Person
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """One row for each month and employer (or capacity), newest first; and the employers, numbered in that order."""
    codes: dict[str, set[str]] = {}
    employed = Coverage.objects.filter(person=person, employer__isnull=False)
    for name, code in employed.values_list("employer__name", "employer__credit_code"):
        codes.setdefault(name, set()).add(code)
    rows: dict[tuple[Month, str], dict[str, Any]] = {}
    employers: dict[str, dict[str, str]] = {}
    for record in sorted(records, key=lambda one: (one.month, one.employer), reverse=True):
        name = record.employer or CAPACITY_LABELS[record.capacity]
        month = str(record.month)
        known = employers.setdefault(
            name,
            {"name": name, "credit_code": "、".join(sorted(codes.get(record.employer, ()))), "last": month},
        )
        known["first"] = month
        number = list(employers).index(name) + 1
        row = rows.setdefault((record.month, name), {"month": month, "employer": number, "cells": {}})
        row["cells"][str(record.insurance)] = {
            "base": "" if record.base is None else f"{record.base.normalize():f}",
            "personal_fen": record.personal_fen or 0,
            "employer_fen": record.employer_fen or 0,
            "state": str(record.state),
        }
    return list(rows.values()), list(employers.values())


def _status(
    person: Person, city: City, insurances: Sequence[Insurance], month: Month
) -> dict[str, dict[str, str]]:
    """The coverages that run in the month, by insurance."""
    return {
        str(coverage.insurance): {"capacity": str(coverage.capacity), "since": str(coverage.start)}
        for coverage in enrollment.running(person, month).filter(city=city.slug, insurance__in=insurances)
    }


def _total(records: Iterable[MonthRecord]) -> dict[str, Any]:
    months, fen, left_out = 0, 0, dict[str, int]()
    for record in records:
        if record.state == State.PAID:
            months, fen = months + 1, fen + (record.personal_fen or 0)
        else:
            left_out[str(record.state)] = left_out.get(str(record.state), 0) + 1
    return {"paid_months": months, "personal_fen": fen, "left_out": left_out}


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
