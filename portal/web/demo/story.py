"""What happened in the demo before today: told through the hall's own actions, so that every row is a real one.

Each step looks first at what stands, so that a load that was cut off is taken up where it stopped.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from contributions.assessments import assessing
from contributions.bank_files import stand_in
from contributions.books import receiving
from contributions.charges import charging
from contributions.debit import batches
from contributions.models import BatchStatus, Charge, ChargeStatus, Deed
from contributions.orders import placing
from contributions.partners import day_files, ordering
from enrollment import actions
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.accounts.permissions import COLLECTOR, REVIEWER
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.service import Applicant
from portal.partners import registering
from portal.people.models import BankAccount, Employer, Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms import debit_terms, start_months
from portal.registers.models import BankAccountRecord, MedicalAccountRecord, SecurityCardRecord
from portal.shared import money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import CHINA, Month, month_in_china, month_span
from portal.web.demo import cast
from transfers import steps

Say = Callable[[str], None]


def tell(*, now: dt.datetime, say: Say) -> None:
    """Everything up to now."""
    this = month_in_china(now)
    say("单位、人员和账号")
    system = User.objects.system()
    for key in cast.script()["employers"]:
        cast.clerk(key)
    for key, told in cast.script()["persons"].items():
        if told.get("login"):
            cast.person_login(key)
    for username in cast.script()["staff"]:
        cast.staff(username)
    say("参保关系")
    _employed(this, now)
    _flexible(this, now)
    _crowd(this, now)
    _cards()
    first = this - int(cast.script()["history"])
    for month in month_span(first, this):
        say(f"{month.zh}：应缴、托收和到账")
        _month(month, this - 1, system)
    for city in book().cities:
        charging.charge(city=city.slug, month=this, by=system, now=now)
        assessing.draw_up(city=city.slug, month=this, by=system, now=now)
    say("办理中的办件")
    _open_cases(now)
    say("关系转移")
    _transfers(now)
    say("银行应用里的订单和对账")
    _bank_app(now)


def _transfers(now: dt.datetime) -> None:
    """Relations on their way: applied for by the person, and asked for by the new place's letter."""
    for number, told in enumerate(cast.script()["transfers"]):
        key = uuid.uuid5(uuid.NAMESPACE_URL, f"demo-transfer-{number}")
        if Case.objects.filter(key=key).exists():
            continue
        at = now - dt.timedelta(days=told["days_ago"])
        offer = book().city(told["from"]).offers[f"{told['insurance']}-out"]
        applicant = Applicant.of(cast.person_login(told["person"]))
        ask = desk.ask_for(offer=offer, applicant=applicant, typed={"to": told["to"]}, now=at)
        case = desk.submit(ask=ask, key=key, now=at)
        letter = at + dt.timedelta(days=2)
        transfer = steps.accept(case.transfer, by=_reviewer(told["to"]), now=letter)
        steps.send_letter(transfer, by=_reviewer(told["to"]), now=letter)


def _reviewer(city: str) -> User:
    """Who reviews cases of the city."""
    told = cast.script()["staff"]
    return next(
        cast.staff(name) for name, one in told.items() if one["city"] == city and REVIEWER in one["roles"]
    )


def _bank_app(now: dt.datetime) -> None:
    """Yesterday in a bank's app: one order paid, and one that the bank took money for and never told of, as its file shows."""
    ten = dt.time(10, tzinfo=CHINA)
    then = dt.datetime.combine(now.astimezone(CHINA).date() - dt.timedelta(days=1), ten)
    day, person, lines = then.date(), cast.person("gu_lei"), []
    with transaction.atomic():
        bank = registering.demo_partner(now=then)
        if bank.day_files.exists() or not day_files.is_ready(bank, day, now):
            return
        for told, one in enumerate(placing.payable(person, "wuxi", now=then)):
            if not one.months:
                continue
            order = placing.place(
                person=person,
                city="wuxi",
                picks={one.insurance: (one.tier_now, one.months[:1])},
                key=uuid.uuid5(uuid.NAMESPACE_URL, f"bank-app/{day}/{one.insurance}"),
                by=bank.user,
                now=then,
            )
            lines.append(
                day_files.Line(Deed.PAYMENT, f"DEMO-{day:%Y%m%d}-{told}", order.number, order.sum_fen)
            )
            if not told:
                ordering.confirm(
                    order=order,
                    partner=bank,
                    amount_fen=order.sum_fen,
                    provider_number=lines[0].provider_number,
                    taken_at=then,
                    by=bank.user,
                    now=then,
                )
            placing.expire(order, by=User.objects.system(), now=order.expires_at)
        day_files.take_file(bank, day, day_files.written(bank.code, day, lines), now=now)


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
    **more: Any,
) -> None:
    if Coverage.objects.filter(person=person, insurance=insurance, city=city, start=start).exists():
        return
    capacity = Capacity.EMPLOYEE if more.get("employer") else Capacity.FLEXIBLE
    coverage = actions.open_coverage(
        person=person, insurance=insurance, capacity=capacity, city=city, start=start, now=now, **more
    )
    if until:
        actions.close_coverage(coverage, until=until, by=User.objects.system(), now=now)


def _cards() -> None:
    for told in cast.script()["cards"]:
        number = cast.account_number(told["number"][0], ending=told["number"][1])
        holder = cast.person(told["person"]).identity_number
        SecurityCardRecord.objects.get_or_create(
            identity_number=holder, defaults={"bank": told["bank"], "number": number, "activated": True}
        )
        MedicalAccountRecord.objects.get_or_create(
            identity_number=holder, city=told["city"], defaults={"number": number}
        )


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


def _month(month: Month, last: Month, system: User) -> None:
    """Charges of the month in every city; the debit where there is one, and what else arrived by its last day.

    The latest debit is left for staff to close.
    """
    morning = dt.datetime.combine(month.first_day, dt.time(6), CHINA)
    evening = dt.datetime.combine(month.last_day, dt.time(20), CHINA)
    for city in book().cities:
        charging.charge(city=city.slug, month=month, by=system, now=morning)
        assessing.draw_up(city=city.slug, month=month, by=system, now=morning)
        drawn: tuple[Capacity, ...] = ()
        try:
            terms = debit_terms(book(), city=city.slug, on=month.first_day)
        except PolicyMissing:
            pass
        else:
            drawn = terms.capacities
            _debit(city.slug, month, system, evening, close=month < last)
        _paid_otherwise(city.slug, month, drawn, system, evening)
        # What was paid is found paid.
        assessing.draw_up(city=city.slug, month=month, by=system, now=evening)


def _debit(city: str, month: Month, system: User, evening: dt.datetime, *, close: bool) -> None:
    """The month's debit as the schedule would run it, released by the collector where the city wants that; the bank's part is
    played by the stand-in at once."""
    batch = batches.open_batch(city=city, month=month, by=system, now=evening)
    if batch is None:
        return
    if batch.status == BatchStatus.OPENED:
        batch = batches.release(batch, by=_collector(city), now=evening)
    if batch.status == BatchStatus.RELEASED:
        batches.write_file(batch, by=system, now=evening)
    stand_in.serve(Path(settings.BANK_EXCHANGE_DIR), once=True, delay=0, say=lambda line: None)
    batches.read_answers(by=system, now=evening)
    batch.refresh_from_db()
    if batch.status == BatchStatus.ANSWERED:
        batch = batches.post(batch, by=system, now=evening)
    if close and batch.status == BatchStatus.POSTED:
        batches.close(batch, by=_collector(city), now=evening + dt.timedelta(hours=1))


def _collector(city: str) -> User:
    """Who releases and closes the city's batches."""
    told = cast.script()["staff"]
    return next(
        cast.staff(name) for name, one in told.items() if one["city"] == city and COLLECTOR in one["roles"]
    )


def _paid_otherwise(
    city: str, month: Month, drawn: tuple[Capacity, ...], system: User, evening: dt.datetime
) -> None:
    """Employers pay their month by one bank transfer each; flexible workers without a debit at the counter."""
    owed = Charge.objects.filter(city=city, month=month, status=ChargeStatus.OWED)
    for employer in Employer.objects.filter(pk__in=owed.exclude(employer=None).values("employer")).order_by(
        "pk"
    ):
        charges = list(owed.filter(employer=employer))
        receiving.receive(
            charges,
            channel="bank-transfer",
            provider_number=f"{employer.insurance_number}-{month}",
            at=evening,
            by=system,
        )
    for person in Person.objects.filter(
        pk__in=owed.filter(employer=None).exclude(capacity__in=drawn).values("person")
    ).order_by("pk"):
        charges = list(owed.filter(employer=None, person=person))
        receiving.receive(
            charges,
            channel="counter",
            provider_number=f"C{book().city(city).code}-{month}-{person.pk:06d}",
            at=evening,
            by=system,
        )


def _open_cases(now: dt.datetime) -> None:
    for number, told in enumerate(cast.script()["open_cases"]):
        key = uuid.uuid5(uuid.NAMESPACE_URL, f"demo-case-{number}")
        case = Case.objects.filter(key=key).first() or _file(told, key, now)
        if told.get("refused") and case.is_open:
            reviewer = next(
                cast.staff(username)
                for username, staff in cast.script()["staff"].items()
                if staff["city"] == case.city and REVIEWER in staff["roles"]
            )
            desk.decide(
                case,
                approve=False,
                by=reviewer,
                now=case.submitted_at + dt.timedelta(days=1),
                reason=told["refused"],
            )


def _file(told: dict[str, Any], key: uuid.UUID, now: dt.datetime) -> Case:
    clerk = cast.clerk(told["employer"])
    employer = cast.employer(told["employer"])
    offer = book().city(employer.city).offers[told["service"]]
    filed_at = now - dt.timedelta(days=told["days_ago"])
    new = told["newcomer"]
    typed = {
        "identity_number": cast.identity_number(new["place"], new["born"], new["order"]),
        "name": new["name"],
        "hired_on": (filed_at.date() - dt.timedelta(days=5)).isoformat(),
        "wage": "6200",
    }
    for insurance in Insurance:
        months = start_months(offer, insurance, filed_in=month_in_china(filed_at))
        if months:
            typed[f"start_{insurance}"] = str(months[-1])
    ask = desk.ask_for(offer=offer, applicant=Applicant.of(clerk), typed=typed, now=filed_at)
    return desk.submit(ask=ask, key=key, now=filed_at)
