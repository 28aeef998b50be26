"""A city's month for many people, beside the plainest ways to do each step: in turn, on one
database, round after round."""

import csv
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from itertools import product
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.db import connection, transaction
from django.utils import timezone

from contributions.audit.changed_rows import Place
from contributions.audit.looking import look
from contributions.benchmarks import employers
from contributions.benchmarks.made_up import (
    exchange_in,
    insert_plainly,
    require_empty,
    second_person,
    stored,
    timed,
)
from contributions.books import ledger
from contributions.books.receiving import receive
from contributions.charges import charging
from contributions.debit import closing, opening, posting, reading, releasing, sending
from contributions.models import AccountKind, Charge, ChargeStatus, DebitBatch, DebitLine, Receipt
from portal.accounts.models import User
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import contribution_terms
from portal.policy.terms.debit import debit_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.measuring import Goal
from portal.shared.months import CHINA, Month, month_in_china

SAMPLE = 500

CHARGES = "charges: charging"
CHARGES_PLAIN = "charges: one INSERT … SELECT, with primary key, unique and foreign key"
RESULTS = "results: read, posted, suspended and told, in sets"
RESULTS_LOOP = f"results: save-and-ledger loop, on {SAMPLE} rows"
FILE = "bank file: write_file"
FILE_CSV = "bank file: csv.writer"
BATCH = "batch: opened and released"
WHOLE = "whole month, people: charges, batch, release, file, results, ledger, notices, suspensions, close"
AUDIT = "audit_ledger, everything, seconds"
AUDIT_SINCE = f"audit_ledger --since-last, after {SAMPLE} payments, seconds"
MEMORY = "peak memory of the worker, MB"


def month(*, people: int = 100_000, rounds: int = 5) -> dict[str, list[float]]:
    """Rows per second of each round, for ``people`` flexible workers with two insurances; a round
    is a month, and the next one finds in the tables what the ones before have left. After the last
    everything is audited, and what a day has changed then.

    One in twenty fails each time (the stand-in bank sees to that), so that the second month tries
    failures again and the fourth suspends. CommandError where the database is not empty, for what
    the rounds make is emptied again.
    """
    require_empty()
    names = (
        CHARGES_PLAIN,
        CHARGES,
        BATCH,
        FILE_CSV,
        FILE,
        RESULTS_LOOP,
        RESULTS,
        WHOLE,
        AUDIT,
        AUDIT_SINCE,
        MEMORY,
    )
    measured: dict[str, list[float]] = {name: [] for name in names}
    last = month_in_china(timezone.now())
    months = [last - back for back in reversed(range(rounds))]
    city = debiting_city(months)
    by = User.objects.system()
    with (
        second_person(city) as second,
        stored_people(city, start=months[0] - 1, count=people),
        tempfile.TemporaryDirectory() as folder,
        exchange_in(Path(folder)),
    ):
        for of in months:
            _round_of(city, of, people, by, second, Path(folder), measured)
        _time_audits(by, measured)
        measured[MEMORY].append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return measured


BENCHES = {"month": month, "employers": employers.employers}

GOALS = {
    "month": (
        Goal(CHARGES, CHARGES_PLAIN, at_least=1 / 1.5),
        Goal(RESULTS, RESULTS_LOOP, at_least=30),
        Goal(FILE, FILE_CSV, at_least=1 / 1.5),
        Goal(WHOLE, at_least=900_000 / 300),
        Goal(AUDIT, at_most=60),
        Goal(AUDIT_SINCE, at_most=10),
        Goal(MEMORY, at_most=300, peak=True),
    ),
    "employers": employers.GOALS,
}


def _round_of(
    city: str,
    of: Month,
    people: int,
    by: User,
    second: User,
    folder: Path,
    measured: dict[str, list[float]],
) -> None:
    now = datetime.combine(debit_terms(book(), city=city, on=of.first_day).debit_on(of), time(10), CHINA)
    measured[CHARGES_PLAIN].append(people * 2 / timed(lambda: insert_plainly(city, of)))
    charged: list[charging.Charged] = []
    opened: list[DebitBatch | None] = []

    def open_and_release() -> None:
        opened.append(opening.open_batch(city=city, month=of, by=by, now=now))
        if opened[0] is not None:
            releasing.release(opened[0], by=second, now=now)

    spent = [timed(lambda: charged.append(charging.charge(city=city, month=of, by=by, now=now)))]
    measured[CHARGES].append(charged[0].created / spent[-1])
    spent.append(timed(open_and_release))
    [batch] = opened
    if batch is None:
        raise RuntimeError("nothing was to be debited")
    rows = batch.line_count
    measured[BATCH].append(rows / spent[-1])
    # As the server's own housekeeping does within a minute: without it the loop looks its rows up
    # in tables believed empty.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contributions_charge, contributions_debitline")
    measured[FILE_CSV].append(rows / timed(lambda: _write_csv(batch, folder / "plain.csv")))
    spent.append(timed(lambda: sending.write_file(batch, by=by, now=now)))
    measured[FILE].append(rows / spent[-1])
    subprocess.run(  # noqa: S603 - our own program
        [
            sys.executable,
            "-m",
            "contributions.bank_files.stand_in",
            str(settings.BANK_EXCHANGE_DIR),
            "--once",
        ],
        cwd=settings.ROOT,
        check=True,
        capture_output=True,
    )
    measured[RESULTS_LOOP].append(min(SAMPLE, rows) / timed(lambda: _post_one_by_one(batch, by, now)))

    def results() -> None:
        [read] = reading.read_answers(by=by, now=now)
        if read.outcome != "accepted" or posting.post(batch, by=by, now=now).status != "posted":
            raise RuntimeError(read.why)

    spent.append(timed(results))
    measured[RESULTS].append(rows / spent[-1])
    spent.append(timed(lambda: closing.close(batch, by=by, now=now)))
    measured[WHOLE].append(people / sum(spent))


def _time_audits(by: User, measured: dict[str, list[float]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    places: list[Place | None] = [None]

    def audit() -> None:
        findings, place = look(since=places[-1], jobs=os.cpu_count() or 1)
        for finding in findings:
            if not finding.holds:
                raise RuntimeError(f"{finding.title}: {finding.examples[0]}")
        if place is None:
            raise RuntimeError("somebody else writes into the bench's database")
        places.append(place)

    measured[AUDIT].append(timed(audit))
    now = timezone.now()
    for charge in Charge.objects.filter(status=ChargeStatus.OWED).order_by("pk")[:SAMPLE]:
        receive([charge], channel="counter", provider_number=f"bench-{charge.pk}", at=now, by=by)
    measured[AUDIT_SINCE].append(timed(audit))


def debiting_city(months: list[Month]) -> str:
    """The first city that debits flexible workers in two insurances in all these months;
    CommandError where there is none."""
    for city in book().cities:
        try:
            terms = [debit_terms(book(), city=city.slug, on=of.first_day) for of in months]
            for of, insurance in product(months, (Insurance.PENSION, Insurance.MEDICAL)):
                contribution_terms(
                    book(), city=city.slug, capacity=Capacity.FLEXIBLE, insurance=insurance, month=of
                )
        except PolicyMissing:
            continue
        if all(Capacity.FLEXIBLE in one.capacities for one in terms):
            return city.slug
    raise CommandError("没有城市按月托收灵活就业人员的养老和医疗保险。")


@contextmanager
def stored_people(city: str, *, start: Month, count: int) -> Iterator[None]:
    """So many made-up people with two insurances since a month and an account; gone afterwards,
    with all that names them."""
    now = month_in_china(timezone.now())
    bank = debit_terms(book(), city=city, on=now.first_day).bank
    terms = contribution_terms(
        book(), city=city, capacity=Capacity.FLEXIBLE, insurance=Insurance.PENSION, month=now
    )
    values: dict[str, Any] = {
        "city": city,
        "count": count,
        "start": start.first_day,
        "bank": bank,
        "tier": terms.tiers[0].code,
    }
    with stored(_MAKE_PEOPLE, values):
        yield


_MAKE_PEOPLE = {
    "people_person": """
    INSERT INTO people_person (identity_number, name, sex, birth_date, phone, household_code, created_at)
    SELECT lpad(number::text, 17, '0') || 'X', '测速' || number, 'male', '1985-01-01', '', '', now()
    FROM generate_series(1, %(count)s) number
    """,
    "enrollment_coverage": """
    INSERT INTO enrollment_coverage (person_id, insurance, capacity, city, district, start, live, created_at)
    SELECT person.id, insurance, 'flexible', %(city)s, '', %(start)s, true, now()
    FROM people_person person, unnest(ARRAY['pension', 'medical']) insurance ORDER BY person.id
    """,
    "enrollment_contributionbase": """
    INSERT INTO enrollment_contributionbase (coverage_id, start, tier)
    SELECT id, start, %(tier)s FROM enrollment_coverage ORDER BY id
    """,
    "people_bankaccount": """
    INSERT INTO people_bankaccount (person_id, city, bank, number, holder, start)
    SELECT id, %(city)s, %(bank)s, '62179900' || lpad(id::text, 11, '0'), name, %(start)s FROM people_person ORDER BY id
    """,
}


def _write_csv(batch: DebitBatch, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(sending._orders(batch))


def _post_one_by_one(batch: DebitBatch, by: User, now: datetime) -> None:
    """What posting is measured by: each line, charge, receipt and entry saved by itself; undone
    afterwards."""
    with transaction.atomic():
        clearing = ledger.account(city=batch.city, kind=AccountKind.CLEARING, channel="bench")
        pooled = ledger.account(city=batch.city, kind=AccountKind.POOLED, insurance="pension")
        for pk in list(
            DebitLine.objects.filter(batch=batch).order_by("sequence").values_list("pk", flat=True)[:SAMPLE]
        ):
            with transaction.atomic():
                line = DebitLine.objects.select_related("charge").get(pk=pk)
                line.status, line.bank_reference = "paid", f"PS{line.sequence}"
                line.save()
                charge = line.of_charge
                charge.status = "paid"
                charge.save()
                [entry_id] = ledger.reserve_ids(1)
                Receipt.objects.create(
                    channel="bench",
                    provider_number=str(line.sequence),
                    amount_fen=line.amount_fen,
                    charge=charge,
                    applied=True,
                    received_at=now,
                    account_fen=charge.account_fen,
                    entry_id=entry_id,
                    debit_line=line,
                )
                ledger.post_entry(
                    city=batch.city,
                    kind="bench",
                    reference=str(line.sequence),
                    postings=[
                        ledger.Posting(clearing, line.amount_fen),
                        ledger.Posting(pooled, -line.amount_fen),
                    ],
                    by=by,
                    now=now,
                    entry_id=entry_id,
                )
        transaction.set_rollback(True)
