"""The employers' month for many staff: charged, assessed, confirmed, paid and looked at, on one
database, month after month."""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path
from time import perf_counter
from uuid import uuid4

from django.conf import settings
from django.core.management import CommandError
from django.db import connection, transaction
from django.db.models import Sum
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contributions.assessments import assessing, bank_transfers
from contributions.assessments.transfer_notes import code_of
from contributions.benchmarks.made_up import (
    exchange_in,
    insert_plainly,
    require_empty,
    second_person,
    stored,
    timed,
)
from contributions.charges import charging
from contributions.debit import closing, of_employers, posting, reading, releasing, sending
from contributions.models import Assessment, Charge, ChargeStatus, DebitBatch
from portal.accounts.models import User
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import contribution_terms
from portal.policy.terms.debit import employer_debit_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.measuring import Goal
from portal.shared.months import CHINA, Month, month_in_china, today_in_china

# The staff of the one large employer, and how many of the others pay by a transfer.
LARGE = 10_000
TRANSFERS = 20

CHARGES = "charges: charging"
CHARGES_PLAIN = "charges: one INSERT … SELECT, with primary key, unique and foreign key"
DRAWN = "assessments: drawn up, charges a second"
DRAWN_AGAIN = "assessments: nothing left to draw up, seconds"
CONFIRMED = "assessments: confirmed, each by its clerk"
OPENED = "debit: batch opened and released, charges a second"
FILED = "debit: the bank's file, lines a second"
BOOKED = "debit: results read, booked and told, charges a second"
BOOKED_PLAIN = "debit: one INSERT … SELECT of the receipts alone, charges a second"
WHOLE = "whole month, charges a second: charged, assessed, debited, booked"
TRANSFERRED = "transfers: entered and approved by two collectors, charges a second"
LARGE_TRANSFER = "large employer: transfer entered and approved, seconds"
LARGE_PAGE = "large employer: assessment and statement, seconds"
SMALL_PAGE = "small employer: assessment and statement, seconds"
LARGE_QUERIES = "large employer: queries of the page"
SMALL_QUERIES = "small employer: queries of the page"
LARGE_YEAR = "large employer: a year of its months, seconds"
LARGE_CHANGES = "large employer: who is behind a change, seconds"
MEMORY = "peak memory of the worker, MB"


def employers(*, people: int = 300_000, employers: int = 1_000, rounds: int = 2) -> dict[str, list[float]]:
    """Rows a second of each round, for ``people`` insured by ``employers`` in all that the city
    insures; a round is a month.

    One employer has ten thousand staff (a third of the people, where they are few), everybody a
    wage of their own, exact to the fen, and one in fifty gets another between two months.
    CommandError where the database is not empty.
    """
    require_empty()
    if employers < 2 or people < 3 * employers:
        raise CommandError("至少 2 个单位，每个单位至少 3 人。")
    measured: dict[str, list[float]] = {}
    last = month_in_china(timezone.now())
    months = [last - back for back in reversed(range(rounds))]
    city, insurances = _insuring_city(months)
    values = {
        "city": city,
        "start": (months[0] - 1).first_day,
        "people": people,
        "employers": employers,
        "step": max(people // LARGE, 3),
        "insurances": insurances,
        "bank": employer_debit_terms(book(), city=city, on=last.first_day).bank,
    }
    with (
        second_person(city, "bench-collector") as first,
        second_person(city) as second,
        stored(_MAKE, values),
        tempfile.TemporaryDirectory() as folder,
        exchange_in(Path(folder)),
    ):
        for of in months:
            if of != months[0]:
                _raise_wages(of)
            for name, figure in _round_of(city, of, first, second):
                measured.setdefault(name, []).append(figure)
        measured[MEMORY] = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]
    return measured


GOALS = (
    Goal(CHARGES, CHARGES_PLAIN, at_least=1 / 1.5),
    Goal(WHOLE, at_least=13_000_000 / 3600),
    Goal(LARGE_PAGE, at_most=2),
    Goal(MEMORY, at_most=300, peak=True),
)


def _round_of(city: str, of: Month, first: User, second: User) -> Iterator[tuple[str, float]]:
    by = User.objects.system()
    now = datetime.combine(of.day(2), time(10), CHINA)
    plain = timed(lambda: insert_plainly(city, of))
    charged: list[charging.Charged] = []
    spent = [timed(lambda: charged.append(charging.charge(city=city, month=of, by=by, now=now)))]
    count = charged[0].created
    yield CHARGES_PLAIN, count / plain
    yield CHARGES, count / spent[-1]
    with connection.cursor() as cursor:
        # As the server's own housekeeping does within a minute.
        cursor.execute("ANALYZE contributions_charge")
    spent.append(timed(lambda: assessing.draw_up(city=city, month=of, by=by, now=now)))
    yield DRAWN, count / spent[-1]
    yield DRAWN_AGAIN, timed(lambda: assessing.draw_up(city=city, month=of, by=by, now=now))
    found = list(Assessment.objects.filter(city=city, month=of).order_by("-people", "pk"))
    large, small = found[0], found[-1]
    yield LARGE_YEAR, _looked_at(large, reverse("employer-charges"))[0]
    for one, seconds, queries in ((large, LARGE_PAGE, LARGE_QUERIES), (small, SMALL_PAGE, SMALL_QUERIES)):
        took, asked = _looked_at(one, reverse("employer-assessment", args=[one.pk]))
        yield seconds, took
        yield queries, asked
    # Among few people it may be that nobody of this employer changed.
    change = next((one.kind for one in assessing.compare(large).changes), "")
    address = reverse("employer-assessment", args=[large.pk])
    yield LARGE_CHANGES, _looked_at(large, f"{address}?change={change}")[0]
    clerks = {one.employer_id: one for one in User.objects.filter(employer__isnull=False)}
    start = perf_counter()
    for one in found:
        assessing.confirm(one, by=clerks[one.employer_id], now=now)
    yield CONFIRMED, len(found) / (perf_counter() - start)
    yield LARGE_TRANSFER, timed(lambda: _transfer(large, first, second, now))
    some = found[1 : 1 + min(TRANSFERS, len(found) // 2)]
    start = perf_counter()
    for one in some:
        _transfer(one, first, second, now)
    yield TRANSFERRED, sum(one.charges for one in some) / (perf_counter() - start)
    yield from _debited(city, of, by, second, spent)
    left = Charge.objects.filter(city=city, month=of, status=ChargeStatus.PAID).count()
    yield WHOLE, left / sum(spent)


def _debited(city: str, of: Month, by: User, second: User, spent: list[float]) -> Iterator[tuple[str, float]]:
    """The employers' debit from its opening to its booking; what each step took is added to
    ``spent``."""
    now = datetime.combine(
        employer_debit_terms(book(), city=city, on=of.first_day).days(of)[0], time(10), CHINA
    )
    opened: list[DebitBatch | None] = []

    def open_and_release() -> None:
        opened.append(of_employers.open_batch(city=city, by=by, now=now))
        if opened[0] is not None:
            releasing.release(opened[0], by=second, now=now)

    spent.append(timed(open_and_release))
    [batch] = opened
    if batch is None:
        raise RuntimeError("nothing was to be debited")
    charges = batch.lines.aggregate(count=Sum("assessment__charges"))["count"]
    yield OPENED, charges / spent[-1]
    spent.append(timed(lambda: sending.write_file(batch, by=by, now=now)))
    yield FILED, batch.line_count / spent[-1]
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

    def results() -> None:
        [read] = reading.read_answers(by=by, now=now)
        if read.outcome != "accepted" or posting.post(batch, by=by, now=now).status != "posted":
            raise RuntimeError(read.why)

    yield BOOKED_PLAIN, charges / timed(lambda: _receive_plainly(batch))
    spent.append(timed(results))
    yield BOOKED, charges / spent[-1]
    spent.append(timed(lambda: closing.close(batch, by=by, now=now)))


def _receive_plainly(batch: DebitBatch) -> None:
    """What booking is measured by: the receipts alone, into a table with its unique numbers and a
    foreign key to the charge."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE TABLE bench_receipt (LIKE contributions_receipt INCLUDING DEFAULTS INCLUDING IDENTITY);
            ALTER TABLE bench_receipt ADD PRIMARY KEY (id), ADD UNIQUE (channel, provider_number), ADD UNIQUE (charge_id),
                ADD FOREIGN KEY (charge_id) REFERENCES contributions_charge (id) DEFERRABLE INITIALLY DEFERRED
            """
        )
        cursor.execute(
            """
            INSERT INTO bench_receipt (
                channel, provider_number, amount_fen, charge_id, applied, received_at, account_fen, entry_id, debit_line_id
            )
            SELECT 'bench', %(number)s || '-' || line.sequence || '-' || charge.id, charge.amount_fen, charge.id, true, now(),
                charge.account_fen, 1, line.id
            FROM contributions_debitline line JOIN contributions_assessment assessment ON assessment.id = line.assessment_id
            JOIN contributions_charge charge ON charge.employer_id = assessment.employer_id AND charge.month = assessment.month
            WHERE line.batch_id = %(batch)s
            """,
            {"batch": batch.pk, "number": batch.number},
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP TABLE bench_receipt")


def _transfer(one: Assessment, first: User, second: User, now: datetime) -> None:
    entered = bank_transfers.enter(
        city=one.city,
        note=code_of(one),
        payer="",
        amount_fen=one.sum_fen,
        bank_number=f"BENCH{one.pk}",
        arrived_on=today_in_china(now),
        payable=one,
        key=uuid4(),
        by=first,
        now=now,
    )
    bank_transfers.approve(entered.steps.get(), by=second, now=now)


def _looked_at(one: Assessment, address: str) -> tuple[float, int]:
    """How long its clerk waits for the page, and how many queries it takes."""
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(employer=one.employer_id))
    # The first one loads templates, in service as here.
    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        start = perf_counter()
        status = client.get(address).status_code
        took = perf_counter() - start
    if status != 200:
        raise RuntimeError(f"{address}: {status}")
    return took, len(captured)


def _insuring_city(months: list[Month]) -> tuple[str, list[str]]:
    """The first city that debits employers in all these months, and what it insures. CommandError
    where none does."""
    for city in book().cities:
        if all(of_employers.terms_of(city.slug, of.first_day) for of in months):
            priced = [one for one in Insurance if all(_priced(city.slug, one, of) for of in months)]
            return city.slug, [str(one) for one in priced]
    raise CommandError("没有城市对用人单位托收。")


def _priced(city: str, insurance: Insurance, of: Month) -> bool:
    try:
        contribution_terms(book(), city=city, capacity=Capacity.EMPLOYEE, insurance=insurance, month=of)
    except PolicyMissing:
        return False
    return True


# Everywhere in the city, so that an employer's charges lie as far apart as charges can: every
# ``step``-th person works for the large one.
_MAKE = {
    "people_employer": """
    INSERT INTO people_employer (
        credit_code, name, city, insurance_number, industry_grade, contact_name, contact_phone, created_at
    )
    SELECT lpad(number::text, 18, '0'), '测速单位' || number, %(city)s, 'BENCH' || number, 1 + number %% 8, '', '', now()
    FROM generate_series(1, %(employers)s) number
    """,
    "people_person": """
    INSERT INTO people_person (identity_number, name, sex, birth_date, phone, household_code, created_at)
    SELECT lpad(number::text, 17, '0') || 'X', '测速' || number, 'male', '1985-01-01', '', '', now()
    FROM generate_series(1, %(people)s) number
    """,
    "enrollment_coverage": """
    INSERT INTO enrollment_coverage (
        person_id, insurance, capacity, city, district, employer_id, start, live, created_at
    )
    SELECT person.id, insurance, 'employee', %(city)s, '', employer.id, %(start)s, true, now()
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM people_person) person
    JOIN (SELECT id, row_number() OVER (ORDER BY id) AS number FROM people_employer) employer
        ON employer.number = CASE WHEN person.number %% %(step)s = 0 THEN 1 ELSE 2 + person.number %% (%(employers)s - 1) END,
        unnest(%(insurances)s) insurance
    ORDER BY person.id
    """,
    "enrollment_contributionbase": """
    INSERT INTO enrollment_contributionbase (coverage_id, start, tier, wage_fen)
    SELECT id, start, '', 300000 + person_id * 1048583 %% 2700000 FROM enrollment_coverage ORDER BY id
    """,
    "accounts_user": """
    INSERT INTO accounts_user (
        password, is_superuser, kind, username, name, phone, employer_id, city, is_active, is_staff, date_joined
    )
    SELECT '!', false, 'clerk', 'bench-' || id, '测速经办', '', id, '', true, false, now() FROM people_employer
    """,
    "contributions_debitagreement": """
    INSERT INTO contributions_debitagreement (employer_id, city, bank, account_number, holder, agreed_at)
    SELECT id, %(city)s, %(bank)s, '4201' || lpad(id::text, 12, '0'), name, '2013-01-01' FROM people_employer ORDER BY id
    """,
}


def _raise_wages(since: Month) -> None:
    """One person in fifty has another wage from the month on, among them the first of the large
    employer."""
    with connection.cursor() as cursor:
        for statement in _RAISE:
            cursor.execute(statement, {"month": since.first_day})


_RAISE = (
    "ALTER TABLE enrollment_contributionbase DISABLE TRIGGER USER",
    """
    WITH ended AS (
        UPDATE enrollment_contributionbase base SET until = %(month)s
        FROM enrollment_coverage coverage
        WHERE coverage.id = base.coverage_id AND base.until IS NULL AND coverage.person_id %% 50 = (
            SELECT min(person_id) %% 50 FROM enrollment_coverage
            WHERE employer_id = (SELECT min(id) FROM people_employer)
        )
        RETURNING base.coverage_id, base.wage_fen
    )
    INSERT INTO enrollment_contributionbase (coverage_id, start, tier, wage_fen)
    SELECT coverage_id, %(month)s, '', wage_fen + 10000 FROM ended
    """,
    "ALTER TABLE enrollment_contributionbase ENABLE TRIGGER USER",
)
