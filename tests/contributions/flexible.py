"""A flexible worker's months, as tests need them: charged, debited, ordered, paid."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import yaml
from django.conf import settings

from contributions.bank_files import stand_in
from contributions.books import receiving
from contributions.charges import charging
from contributions.debit import opening, posting, reading, releasing, sending
from contributions.models import BatchStatus, Charge, DebitBatch, DebitLine, Order, Receipt
from contributions.orders import placing
from enrollment.actions import draw_on
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR
from portal.people.models import BankAccount, Person
from portal.policy.book import DATA, Book, book, load_book
from portal.policy.terms.debit import debit_terms
from portal.shared.insurance import Insurance
from portal.shared.months import CHINA, Month
from tests.cast import staff
from tests.contributions.money_cast import released

# The stand-in bank answers by the last two digits: 01 is not enough money.
GOOD_ACCOUNT = "6217990000000000014"
EMPTY_ACCOUNT = "6217990000000000501"


def account(
    person: Person, number: str = GOOD_ACCOUNT, *, start: str = "2020-01", city: str = "wuhan"
) -> BankAccount:
    """The account that the city's debit draws on from ``start``."""
    month = Month.parse(start)
    bank = debit_terms(book(), city=city, on=month.first_day).bank
    return draw_on(person=person, city=city, bank=bank, number=number, start=month)


def charged(city: str, *months: str) -> None:
    """Charges all that is covered in the months."""
    for month in map(Month.parse, months):
        at = dt.datetime.combine(month.first_day, dt.time(6), CHINA)
        charging.charge(city=city, month=month, by=User.objects.system(), now=at)


def charge_of(person: Person, month: str, insurance: Insurance = Insurance.PENSION) -> Charge:
    """The charge that stands for the month."""
    return Charge.objects.get(person=person, insurance=insurance, month=Month.parse(month), live=True)


def evening(month: Month) -> dt.datetime:
    return dt.datetime.combine(month.last_day, dt.time(20), CHINA)


def debited(
    city: str, month: str, *, round_number: int = 1, now: dt.datetime | None = None
) -> DebitBatch | None:
    """The month's debit from opening to posting; the stand-in bank answers at once."""
    when, at, by = Month.parse(month), now or evening(Month.parse(month)), User.objects.system()
    batch = opening.open_batch(city=city, month=when, by=by, now=at, round_number=round_number)
    if batch is None:
        return None
    batch = released(batch, at)
    if batch.status == BatchStatus.OPENED:
        batch = releasing.release(batch, by=collector(city), now=at)
    sending.write_file(batch, by=by, now=at)
    stand_in.serve(Path(settings.BANK_EXCHANGE_DIR), once=True, delay=0, say=lambda line: None)
    [read] = reading.read_answers(by=by, now=at)
    assert read.outcome == "accepted", read
    batch.refresh_from_db()
    assert batch.status == BatchStatus.ANSWERED
    return posting.post(batch, by=by, now=at)


def collector(city: str) -> User:
    """Who lets the city's batches go to the bank."""
    found = User.objects.filter(username=f"{city}-collector").first()
    return found or staff(f"{city}-collector", "郑文", city, COLLECTOR)


def at_the_bank(charge: Charge, *, now: dt.datetime) -> DebitLine:
    """The charge in a batch that the bank has not answered yet."""
    batch = DebitBatch.objects.create(
        number=f"test-{charge.pk}",
        city=charge.city,
        month=charge.month,
        bank="psbc",
        round=DebitBatch.objects.filter(city=charge.city, month=charge.month).count() + 1,
        line_count=1,
        total_fen=charge.amount_fen,
        opened_at=now,
        opened_by=User.objects.system(),
    )
    return DebitLine.objects.create(
        batch=batch,
        sequence=1,
        charge=charge,
        account_number=GOOD_ACCOUNT,
        holder=charge.person.name,
        amount_fen=charge.amount_fen,
    )


def ordered(charges: Iterable[Charge], *, now: dt.datetime) -> Order:
    """An open order of these charges, by the system."""
    taken = list(charges)
    return placing.place_charges(
        city=taken[0].city,
        charges=taken,
        key=uuid4(),
        by=User.objects.system(),
        now=now,
        person=taken[0].person,
    )


def paid_at_the_counter(charges: Iterable[Charge], *, now: dt.datetime) -> list[Receipt]:
    by = User.objects.system()
    return list(receiving.receive(charges, channel="counter", provider_number=uuid4().hex, at=now, by=by))


class AnotherBook:
    """The book with other pension figures in Wuhan from a day on, as the next year's notice would
    bring them."""

    def __init__(self, folder: Path, *, since: str, average_wage: str) -> None:
        self.folder = folder
        for file in DATA.rglob("*.yaml"):
            copy = folder / file.relative_to(DATA)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
        path = folder / "wuhan" / "flexible_pension.yaml"
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        former = told["values"]["2013-01-01"]
        told["values"][since] = {**former, "average_wage": average_wage}
        told["references"][since] = {"title": "调整缴费基数的通知", "standing": "ours"}
        path.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")

    def load(self) -> Book:
        return load_book(self.folder)
