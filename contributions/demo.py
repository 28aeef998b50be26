"""The demo's months: what was owed, debited and paid; and a day in a bank's app."""

import datetime as dt
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from contributions.assessments import assessing
from contributions.bank_files import stand_in
from contributions.books import receiving
from contributions.charges import brought_in, charging, lapsing
from contributions.debit import closing, opening, posting, reading, releasing, sending
from contributions.models import BatchStatus, BroughtIn, Charge, ChargeStatus, Deed, Origin
from contributions.orders import ending, payable, placing
from contributions.partners import day_files, ordering
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR, REVIEWER
from portal.hall import desk
from portal.hall.models import Case
from portal.hall.service import Applicant
from portal.partners import registering
from portal.people.models import Employer, FormerNumber, Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.debit import debit_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import CHINA, Month, month_in_china, month_span
from portal.web.demo import cast
from portal.web.demo.chapters import Chapter, Say

# Whom the cities of the demo charge.
CHARGED = tuple(Capacity)


def _months(now: dt.datetime, say: Say) -> None:
    this, system = month_in_china(now), User.objects.system()
    first = this - int(cast.script()["history"])
    for month in month_span(first, this):
        say(f"{month.zh}：应缴、托收和到账")
        _month(month, this - 1, system)
    for city in book().cities:
        charging.charge(city=city.slug, month=this, capacities=CHARGED, by=system, now=now)
        assessing.draw_up(city=city.slug, month=this, by=system, now=now)


def _month(month: Month, last: Month, system: User) -> None:
    """Charges of the month in every city; the debit where there is one, and what else arrived by
    its last day.

    The latest debit is left for staff to close.
    """
    morning = dt.datetime.combine(month.first_day, dt.time(6), CHINA)
    evening = dt.datetime.combine(month.last_day, dt.time(20), CHINA)
    for city in book().cities:
        lapsing.lapse(city=city.slug, month=month, by=system, now=morning)
        charging.charge(city=city.slug, month=month, capacities=CHARGED, by=system, now=morning)
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
    """The month's debit as the schedule would run it, released by the collector where the city
    wants that; the bank's part is played by the stand-in at once."""
    batch = opening.open_batch(city=city, month=month, by=system, now=evening)
    if batch is None:
        return
    if batch.status == BatchStatus.OPENED:
        batch = releasing.release(batch, by=cast.staff_of(city, COLLECTOR), now=evening)
    if batch.status == BatchStatus.RELEASED:
        sending.write_file(batch, by=system, now=evening)
    stand_in.serve(Path(settings.BANK_EXCHANGE_DIR), once=True, delay=0, say=lambda line: None)
    reading.read_answers(by=system, now=evening)
    batch.refresh_from_db()
    if batch.status == BatchStatus.ANSWERED:
        batch = posting.post(batch, by=system, now=evening)
    if close and batch.status == BatchStatus.POSTED:
        closing.close(batch, by=cast.staff_of(city, COLLECTOR), now=evening + dt.timedelta(hours=1))


def _paid_otherwise(
    city: str, month: Month, drawn: tuple[Capacity, ...], system: User, evening: dt.datetime
) -> None:
    """Employers pay their month by one bank transfer each; flexible workers without a debit at the
    counter, and schools their students' year."""
    of_students = Q(capacity=Capacity.STUDENT, month__gt=month, due_on__lte=month.last_day)
    owed = Charge.objects.filter(Q(month=month) | of_students, city=city, status=ChargeStatus.OWED)
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


def _bank_app(now: dt.datetime, say: Say) -> None:
    """Yesterday in a bank's app: one order paid, and one that the bank took money for and never
    told of, as its file shows."""
    ten = dt.time(10, tzinfo=CHINA)
    then = dt.datetime.combine(now.astimezone(CHINA).date() - dt.timedelta(days=1), ten)
    day, person, lines = then.date(), cast.person("gu_lei"), []
    with transaction.atomic():
        bank = registering.demo_partner(now=then)
        if bank.day_files.exists() or not day_files.is_ready(bank, day, now):
            return
        for told, one in enumerate(payable.payable(person, "wuxi", now=then)):
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
            ending.expire(order, by=User.objects.system(), now=order.expires_at)
        day_files.take_file(bank, day, day_files.written(bank.code, day, lines), now=now)


def _late(now: dt.datetime, say: Say) -> None:
    """Months of before this hall's record, a record under a number of 15 digits, and a lump sum
    that waits to be paid."""
    for entry in cast.script()["late"]:
        person, (start, until) = cast.person(entry["person"]), entry["paid"]
        key = f"demo-record/{person.pk}"
        if not BroughtIn.objects.filter(key=key).exists():
            with transaction.atomic():
                brought_in.add(
                    person,
                    city=entry["city"],
                    insurance=Insurance.PENSION,
                    origin=Origin.FORMER_NUMBER,
                    what="早期缴费记录",
                    months=month_span(Month.parse(start), Month.parse(until)),
                    wages={},
                    key=key,
                    by=User.objects.system(),
                    now=now,
                )
        if "former" in entry:
            number = person.identity_number
            FormerNumber.objects.get_or_create(
                number=number[:6] + number[8:17],
                defaults={
                    "name": person.name,
                    "city": entry["city"],
                    "periods": [entry["former"]],
                    "source": "养老保险手册",
                },
            )
        if "lump_sum" in entry:
            _lump_sum(person, entry, now)


def _lump_sum(person: Person, entry: dict[str, Any], now: dt.datetime) -> None:
    key = uuid.uuid5(uuid.NAMESPACE_URL, f"demo-lump-sum-{person.pk}")
    if Case.objects.filter(key=key).exists():
        return
    filed_at = now - dt.timedelta(days=entry["days_ago"])
    ask = desk.ask_for(
        offer=book().city(entry["city"]).offers["lump-sum"],
        applicant=Applicant.of(User.objects.get(person=person)),
        typed=entry["lump_sum"],
        now=filed_at,
    )
    case = desk.submit(ask=ask, key=key, now=filed_at)
    first, second = cast.all_staff_of(entry["city"], REVIEWER)[:2]
    desk.propose_overruling(case, reason="已核对户口簿和缴费记录", by=first, now=filed_at)
    desk.decide(case, approve=True, by=second, now=now, overrule=True)


CHAPTERS = [
    Chapter(30, "历月缴费", _months),
    Chapter(60, "银行应用里的订单和对账", _bank_app),
    Chapter(70, "延缴和一次性缴费", _late),
]
