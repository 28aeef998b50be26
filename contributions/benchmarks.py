"""A city's month for many people, beside the plainest ways to do each step: in turn, on one database, round after round."""

import csv
import gc
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, time
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management import CommandError
from django.db import connection, transaction
from django.utils import timezone

from contributions import charging, debit, ledger
from contributions.audit import look
from contributions.changed_rows import Place
from contributions.models import AccountKind, Charge, ChargeStatus, DebitBatch, DebitLine, Receipt
from contributions.receiving import receive
from portal.accounts.models import User
from portal.people.models import Person
from portal.policy.book import PolicyMissing, book
from portal.policy.terms import contribution_terms, debit_terms
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
    """Rows per second of each round, for ``people`` flexible workers with two insurances; a round is a month, and the next one
    finds in the tables what the ones before have left. After the last everything is audited, and what a day has changed then.

    One in twenty fails each time (the stand-in bank sees to that), so that the second month tries failures again and the
    fourth suspends. CommandError where the database is not empty, for what the rounds make is emptied again.
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
        _second_person(city) as second,
        stored_people(city, start=months[0] - 1, count=people),
        tempfile.TemporaryDirectory() as folder,
        _exchange_in(Path(folder)),
    ):
        for of in months:
            _round_of(city, of, people, by, second, Path(folder), measured)
        _time_audits(by, measured)
        measured[MEMORY].append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return measured


BENCHES = {"month": month}

GOALS = {
    "month": (
        Goal(CHARGES, CHARGES_PLAIN, at_least=1 / 1.5),
        Goal(RESULTS, RESULTS_LOOP, at_least=30),
        Goal(FILE, FILE_CSV, at_least=1 / 1.5),
        Goal(WHOLE, at_least=900_000 / 300),
        Goal(AUDIT, at_most=60),
        Goal(AUDIT_SINCE, at_most=10),
        Goal(MEMORY, at_most=300, peak=True),
    )
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
    measured[CHARGES_PLAIN].append(people * 2 / _timed(lambda: _insert_plainly(city, of)))
    charged: list[charging.Charged] = []
    opened: list[DebitBatch | None] = []

    def open_and_release() -> None:
        opened.append(debit.open_batch(city=city, month=of, by=by, now=now))
        if opened[0] is not None:
            debit.release(opened[0], by=second, now=now)

    spent = [_timed(lambda: charged.append(charging.charge(city=city, month=of, by=by, now=now)))]
    measured[CHARGES].append(charged[0].created / spent[-1])
    spent.append(_timed(open_and_release))
    [batch] = opened
    if batch is None:
        raise RuntimeError("nothing was to be debited")
    rows = batch.line_count
    measured[BATCH].append(rows / spent[-1])
    # As the server's own housekeeping does within a minute: without it the loop looks its rows up in tables believed empty.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contributions_charge, contributions_debitline")
    measured[FILE_CSV].append(rows / _timed(lambda: _write_csv(batch, folder / "plain.csv")))
    spent.append(_timed(lambda: debit.write_file(batch, by=by, now=now)))
    measured[FILE].append(rows / spent[-1])
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "contributions.banks.stand_in", str(settings.BANK_EXCHANGE_DIR), "--once"],
        cwd=settings.ROOT,
        check=True,
        capture_output=True,
    )
    measured[RESULTS_LOOP].append(min(SAMPLE, rows) / _timed(lambda: _post_one_by_one(batch, by, now)))

    def results() -> None:
        [read] = debit.read_answers(by=by, now=now)
        if read.outcome != "accepted" or debit.post(batch, by=by, now=now).status != "posted":
            raise RuntimeError(read.why)

    spent.append(_timed(results))
    measured[RESULTS].append(rows / spent[-1])
    spent.append(_timed(lambda: debit.close(batch, by=by, now=now)))
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

    measured[AUDIT].append(_timed(audit))
    now = timezone.now()
    for charge in Charge.objects.filter(status=ChargeStatus.OWED).order_by("pk")[:SAMPLE]:
        receive([charge], channel="counter", provider_number=f"bench-{charge.pk}", at=now, by=by)
    measured[AUDIT_SINCE].append(_timed(audit))


def _timed(work: Callable[[], object]) -> float:
    gc.collect()
    start = perf_counter()
    work()
    return perf_counter() - start


def require_empty() -> None:
    """CommandError where the database holds people or charges: what is made for measuring is emptied again."""
    if Person.objects.exists() or Charge.objects.exists():
        raise CommandError("库中已有人员或应缴，测速会清空它们。请用 script/bench，它在自己的库里测。")


def debiting_city(months: list[Month]) -> str:
    """The first city that debits flexible workers in two insurances in all these months; CommandError where there is none."""
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
def _second_person(city: str) -> Iterator[User]:
    """Whoever releases the batches; gone afterwards."""
    second = User.objects.create_staff("bench-releaser", name="测速放行", city=city, password=None)
    try:
        yield second
    finally:
        second.delete()


@contextmanager
def _exchange_in(folder: Path) -> Iterator[None]:
    former, settings.BANK_EXCHANGE_DIR = settings.BANK_EXCHANGE_DIR, folder / "exchange"
    try:
        yield
    finally:
        settings.BANK_EXCHANGE_DIR = former


@contextmanager
def stored_people(city: str, *, start: Month, count: int) -> Iterator[None]:
    """So many made-up people with two insurances since a month and an account; gone afterwards, with all that names them.

    Their history is not written and the overlap of their coverages not checked meanwhile: that is not what is measured.
    """
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
    tables = ("people_person", "enrollment_coverage", "enrollment_contributionbase", "people_bankaccount")
    with connection.cursor() as cursor:
        overlaps = _drop_exclusions(tables)
        try:
            for table, statement in zip(tables, _MAKE_PEOPLE, strict=True):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                cursor.execute(statement, values)
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
                cursor.execute(f"VACUUM ANALYZE {table}")
            yield
        finally:
            _empty_money()
            cursor.execute(f"TRUNCATE {', '.join(reversed(tables))} CASCADE")
            for table, name, definition in overlaps:
                cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


_MAKE_PEOPLE = (
    """
    INSERT INTO people_person (identity_number, name, sex, birth_date, phone, household_code, created_at)
    SELECT lpad(number::text, 17, '0') || 'X', '测速' || number, 'male', '1985-01-01', '', '', now()
    FROM generate_series(1, %(count)s) number
    """,
    """
    INSERT INTO enrollment_coverage (person_id, insurance, capacity, city, district, start, live, created_at)
    SELECT person.id, insurance, 'flexible', %(city)s, '', %(start)s, true, now()
    FROM people_person person, unnest(ARRAY['pension', 'medical']) insurance ORDER BY person.id
    """,
    """
    INSERT INTO enrollment_contributionbase (coverage_id, start, tier)
    SELECT id, start, %(tier)s FROM enrollment_coverage ORDER BY id
    """,
    """
    INSERT INTO people_bankaccount (person_id, city, bank, number, holder, start)
    SELECT id, %(city)s, %(bank)s, '62179900' || lpad(id::text, 11, '0'), name, %(start)s FROM people_person ORDER BY id
    """,
)


def _drop_exclusions(tables: tuple[str, ...]) -> list[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE contype = 'x' AND conrelid::regclass::text = ANY(%s)
            """,
            [list(tables)],
        )
        found = cursor.fetchall()
        for table, name, _definition in found:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    return found


def _empty_money() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT string_agg(tablename, ', ') FROM pg_tables
            WHERE schemaname = current_schema() AND (tablename LIKE 'contributions\\_%' OR tablename = 'accounts_notice')
            """
        )
        cursor.execute(f"TRUNCATE {cursor.fetchone()[0]} CASCADE")


def _insert_plainly(city: str, of: Month) -> None:
    """What charging is measured by: the same rows, at fixed prices, into a table with one unique and one foreign key."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE bench_charge (LIKE contributions_charge INCLUDING DEFAULTS INCLUDING IDENTITY);
            ALTER TABLE bench_charge ADD PRIMARY KEY (id), ADD UNIQUE (person_id, insurance, month),
                ADD FOREIGN KEY (coverage_id) REFERENCES enrollment_coverage (id) DEFERRABLE INITIALLY DEFERRED
            """
        )
        cursor.execute(
            """
            INSERT INTO bench_charge (
                city, person_id, coverage_id, insurance, capacity, month, base, amount_fen, personal_fen, employer_fen,
                account_fen, policy, policy_since, basis, status, live, due_on, created_at
            )
            SELECT coverage.city, coverage.person_id, coverage.id, coverage.insurance, coverage.capacity, %(month)s, 1965.18,
                39304, 39304, 0, 15721, 'a city/flexible_pension', %(month)s, base.tier, 'owed', true, %(month)s, now()
            FROM enrollment_coverage coverage JOIN enrollment_contributionbase base ON base.coverage_id = coverage.id
            WHERE coverage.live AND coverage.city = %(city)s
                AND coverage.start <= %(month)s AND (coverage.until IS NULL OR coverage.until > %(month)s)
                AND base.start <= %(month)s AND (base.until IS NULL OR base.until > %(month)s)
            ORDER BY coverage.id
            """,
            {"city": city, "month": of.first_day},
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP TABLE bench_charge")


def _write_csv(batch: DebitBatch, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(debit._orders(batch))


def _post_one_by_one(batch: DebitBatch, by: User, now: datetime) -> None:
    """What posting is measured by: each line, charge, receipt and entry saved by itself; undone afterwards."""
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
                line.charge.status = "paid"
                line.charge.save()
                [entry_id] = ledger.reserve_ids(1)
                Receipt.objects.create(
                    channel="bench",
                    provider_number=str(line.sequence),
                    amount_fen=line.amount_fen,
                    charge=line.charge,
                    applied=True,
                    received_at=now,
                    account_fen=line.charge.account_fen,
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
