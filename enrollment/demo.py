"""The demo's coverages, of employees and of flexible workers, and the accounts that are drawn
on."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction

from enrollment import actions
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.people.models import BankAccount, Person
from portal.policy.book import book
from portal.policy.terms.debit import debit_terms
from portal.registers.models import BankAccountRecord
from portal.shared import money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_in_china
from portal.web.demo import cast
from portal.web.demo.chapters import Chapter, Say


def _coverages(now: dt.datetime, say: Say) -> None:
    this = month_in_china(now)
    _employed(this, now)
    _flexible(this, now)
    _crowd(this, now)
    _residents(this, now)


def _employed(this: Month, now: dt.datetime) -> None:
    for told in cast.script()["employed"]:
        employer = cast.employer(told["employer"])
        for insurance in told["insurances"]:
            _insure(
                cast.person(told["person"]),
                Insurance(insurance),
                employer.city,
                this - told["since"],
                this - told["until"] if "until" in told else None,
                now=now,
                capacity=Capacity.EMPLOYEE,
                employer=employer,
                wage_fen=money.to_fen(Decimal(told["wage"])),
            )


def _flexible(this: Month, now: dt.datetime) -> None:
    for told in cast.script()["flexible"]:
        person, start = cast.person(told["person"]), this - told["since"]
        for insurance, tier in told["tiers"].items():
            _insure(
                person,
                Insurance(insurance),
                told["city"],
                start,
                None,
                now=now,
                district=told.get("district", ""),
                tier=tier,
            )
        if "account" in told:
            _draw_on(person, told["city"], told["account"], start)
        if "new_account" in told:
            _draw_on(person, told["city"], told["new_account"], this - 1)


def _residents(this: Month, now: dt.datetime) -> None:
    for told in cast.script()["residents"]:
        for insurance, tier in told["tiers"].items():
            _insure(
                cast.person(told["person"]),
                Insurance(insurance),
                told["city"],
                this - told["since"],
                None,
                now=now,
                capacity=Capacity.RESIDENT,
                tier=tier,
            )


def _crowd(this: Month, now: dt.datetime) -> None:
    told = cast.script()["crowd"]
    for number in range(told["count"]):
        person, start = cast.crowd(number), this - told["since"]
        _insure(
            person,
            Insurance.PENSION,
            told["city"],
            start,
            None,
            now=now,
            tier=told["tiers"][number % len(told["tiers"])],
        )
        _draw_on(person, told["city"], (told["account"], f"{number:02d}"), start)


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
    **more: Any,
) -> None:
    if Coverage.objects.filter(person=person, insurance=insurance, city=city, start=start).exists():
        return
    coverage = actions.open_coverage(
        person=person, insurance=insurance, capacity=capacity, city=city, start=start, now=now, **more
    )
    if until:
        actions.close_coverage(coverage, until=until, by=User.objects.system(), now=now)


def _draw_on(person: Person, city: str, account: Sequence[str], start: Month) -> None:
    number = cast.account_number(account[0], ending=account[1])
    if not BankAccount.objects.filter(person=person, city=city, number=number).exists():
        bank = debit_terms(book(), city=city, on=start.first_day).bank
        BankAccountRecord.objects.get_or_create(
            bank=bank,
            number=number,
            defaults={"holder": person.name, "identity_number": person.identity_number},
        )
        actions.draw_on(person=person, city=city, bank=bank, number=number, start=start)


CHAPTERS = [Chapter(20, "参保关系", _coverages)]
