"""Flexible workers of Wuhan with accounts at the bank, and the debit's road walked for them."""

import datetime as dt
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from contributions.charges import charging
from contributions.debit import closing, opening, posting, reading, releasing, sending
from contributions.models import Charge, DebitBatch
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR
from portal.people.models import BankAccount, Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import WUCHANG, cover, person, staff

OCTOBER = Month(2026, 10)
NOVEMBER = Month(2026, 11)

# Last digits of an account, and how the stand-in bank treats it.
GOOD, POOR, FROZEN, CLOSED = "88", "01", "02", "03"


def worker(
    order: int,
    *,
    ending: str = GOOD,
    name: str = "",
    tier: str = "60",
    insurances: tuple[Insurance, ...] = (Insurance.PENSION,),
) -> Person:
    """A flexible worker, insured since January 2026, with an account that ends so."""
    who = person(name or f"工人{order}", WUCHANG, "1985-01-01", order)
    for insurance in insurances:
        cover(who, insurance, "wuhan", "2026-01", tier=tier)
    account(who, f"6217990000{order:04d}{ending}")
    return who


def account(who: Person, number: str, start: str = "2026-01", until: str | None = None) -> BankAccount:
    return BankAccount.objects.create(
        person=who, city="wuhan", bank="psbc", number=number, holder=who.name, start=Month.parse(start),
        until=Month.parse(until) if until else None,
    )  # fmt: skip


def collector(city: str = "wuhan") -> User:
    """A collector of the city who opened nothing."""
    name = f"release-{city}"
    return User.objects.filter(username=name).first() or staff(name, "钱进", city, COLLECTOR)


def released(batch: DebitBatch, now: dt.datetime) -> DebitBatch:
    """The batch, let go to the bank by a second person."""
    return releasing.release(batch, by=collector(batch.city), now=now)


@dataclass
class Road:
    """One city's month, step by step, with the real stand-in bank in a process of its own."""

    exchange: Path
    by: User
    now: dt.datetime
    city: str = "wuhan"
    month: Month = OCTOBER

    def charge(self) -> charging.Charged:
        return charging.charge(city=self.city, month=self.month, by=self.by, now=self.now)

    def open(self) -> DebitBatch:
        batch = opening.open_batch(city=self.city, month=self.month, by=self.by, now=self.now)
        assert batch is not None
        return batch

    def release(self, batch: DebitBatch) -> DebitBatch:
        return released(batch, self.now)

    def send(self, batch: DebitBatch) -> Path:
        """Releases it too, where nobody did."""
        sending.write_file(batch if batch.status == "sent" else self.release(batch), by=self.by, now=self.now)
        batch.refresh_from_db()
        return self.exchange / "outbox" / batch.file_name

    def bank(self) -> str:
        """Lets the bank look once; what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "contributions.bank_files.stand_in", str(self.exchange), "--once"],
            check=True, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout

    def read(self) -> list[reading.Read]:
        return reading.read_answers(by=self.by, now=self.now)

    def post(self, batch: DebitBatch) -> DebitBatch:
        return posting.post(batch, by=self.by, now=self.now)

    def close(self, batch: DebitBatch) -> DebitBatch:
        return closing.close(batch, by=self.by, now=self.now)

    def answered(self) -> DebitBatch:
        """Charged, opened, sent, answered by the bank and read."""
        self.charge()
        batch = self.open()
        self.send(batch)
        self.bank()
        assert [one.outcome for one in self.read()] == ["accepted"]
        batch.refresh_from_db()
        return batch

    def walked(self) -> DebitBatch:
        return self.close(self.post(self.answered()))


def charge_of(who: Person, insurance: Insurance = Insurance.PENSION, month: Month = OCTOBER) -> Charge:
    return Charge.objects.get(person=who, insurance=insurance, month=month, live=True)


def coverage_of(who: Person, insurance: Insurance = Insurance.PENSION) -> Coverage:
    return Coverage.objects.get(person=who, insurance=insurance)
