"""The demo's coverages in every capacity, and the accounts for the debit."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from enrollment import actions, demo_window
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.people.models import BankAccount, Person
from portal.policy.book import book
from portal.policy.terms.debit import debit_terms
from portal.registers.models import BankAccountRecord, BusinessRecord
from portal.shared import money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_in_china, today_in_china
from portal.web.demo import cast
from portal.web.demo.chapters import Chapter, Say


def _coverages(now: dt.datetime, say: Say) -> None:
    month = month_in_china(now)
    _employed(month, now)
    _flexible(month, now)
    _crowd(month, now)
    _others(month, now)
    _founded(now)


def _founded(now: dt.datetime) -> None:
    """A company that is founded and has no account with the agency yet."""
    for entry in cast.script()["founded"]:
        founder, code = cast.person(entry["person"]), cast.company_code(entry["place"], entry["order"])
        BusinessRecord.objects.get_or_create(
            credit_code=code,
            defaults={
                "name": entry["name"],
                "kind": entry["kind"],
                "address": entry["address"],
                "place_code": entry["place"],
                "founded_on": today_in_china(now) - dt.timedelta(days=entry["days"]),
                "representative_name": founder.name,
                "representative_number": founder.identity_number,
                "scope": entry["scope"],
                "capital_fen": money.to_fen(Decimal(entry["capital"])),
            },
        )
        BankAccountRecord.objects.get_or_create(
            bank=entry["bank"],
            number=entry["account"],
            defaults={"holder": entry["name"], "identity_number": code},
        )


def _employed(month: Month, now: dt.datetime) -> None:
    for member in cast.script()["employed"]:
        employer = cast.employer(member["employer"])
        for insurance in member["insurances"]:
            _insure(
                cast.person(member["person"]),
                Insurance(insurance),
                employer.city,
                month - member["since"],
                month - member["until"] if "until" in member else None,
                now=now,
                capacity=Capacity.EMPLOYEE,
                employer=employer,
                wage_fen=money.to_fen(Decimal(member["wage"])),
            )


def _flexible(month: Month, now: dt.datetime) -> None:
    for member in cast.script()["flexible"]:
        person, start = cast.person(member["person"]), month - member["since"]
        for insurance, tier in member["tiers"].items():
            _insure(
                person,
                Insurance(insurance),
                member["city"],
                start,
                None,
                now=now,
                capacity=Capacity(member.get("capacity", Capacity.FLEXIBLE)),
                district=member.get("district", ""),
                tier=tier,
            )
        if "account" in member:
            _draw_on(person, member["city"], member["account"], start)
        if "new_account" in member:
            _draw_on(person, member["city"], member["new_account"], month - 1)


def _others(month: Month, now: dt.datetime) -> None:
    for member in cast.script()["others"]:
        person, start = cast.person(member["person"]), month - member["since"]
        for insurance, tier in member["tiers"].items():
            _insure(
                person,
                Insurance(insurance),
                member["city"],
                start,
                month - member["until"] if "until" in member else None,
                now=now,
                capacity=Capacity(member["capacity"]),
                tier=tier,
            )
        if "account" in member:
            _draw_on(
                person,
                member["city"],
                member["account"],
                start,
                holder=cast.person(member["holder"]) if "holder" in member else None,
            )


def _crowd(month: Month, now: dt.datetime) -> None:
    crowd = cast.script()["crowd"]
    for number in range(crowd["count"]):
        person, start = cast.crowd(number), month - crowd["since"]
        _insure(
            person,
            Insurance.PENSION,
            crowd["city"],
            start,
            None,
            now=now,
            tier=crowd["tiers"][number % len(crowd["tiers"])],
        )
        _draw_on(person, crowd["city"], (crowd["account"], f"{number:02d}"), start)


@transaction.atomic
def _insure(
    person: Person,
    insurance: Insurance,
    city: str,
    start: Month,
    until: Month | None,
    *,
    now: dt.datetime,
    capacity: Capacity = Capacity.FLEXIBLE,
    **basis: Any,
) -> None:
    if Coverage.objects.filter(person=person, insurance=insurance, city=city, start=start).exists():
        return
    coverage = actions.open_coverage(
        person=person, insurance=insurance, capacity=capacity, city=city, start=start, now=now, **basis
    )
    if until:
        actions.close_coverage(coverage, until=until, by=User.objects.system(), now=now)


def _draw_on(
    person: Person, city: str, account: Sequence[str], start: Month, *, holder: Person | None = None
) -> None:
    """The debit draws on the person's account, or on the holder's for them."""
    holder = holder or person
    number = cast.account_number(account[0], ending=account[1])
    if not BankAccount.objects.filter(person=person, city=city, number=number).exists():
        bank = debit_terms(book(), city=city, on=start.first_day).bank
        BankAccountRecord.objects.get_or_create(
            bank=bank,
            number=number,
            defaults={"holder": holder.name, "identity_number": holder.identity_number},
        )
        actions.draw_on(person=person, city=city, bank=bank, number=number, holder=holder.name, start=start)


CHAPTERS = [Chapter(20, "参保关系", _coverages), Chapter(55, "到窗口办理", demo_window.tell)]
