"""What the database refuses, whoever writes: each promise broken by raw hand."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import Error, transaction
from django.db.models import Model
from django.utils import timezone

from contributions.books import ledger
from contributions.models import (
    AccountKind,
    Cancellation,
    Charge,
    DebitBatch,
    DebitLine,
    Entry,
    LedgerAccount,
    Leg,
    Receipt,
)
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast
from tests.contributions.money_cast import OCTOBER, POOR, Road, charge_of, worker


def refused(write: Callable[[], Any], saying: str | None = None) -> None:
    """The write fails, at once or when it is to be kept."""
    with pytest.raises(Error, match=saying):
        _kept(write)


@transaction.atomic
def _kept(write: Callable[[], Any]) -> None:
    write()
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def copied(row: Any, **changes: Any) -> Callable[[], Any]:
    """A second row like the first, but for the changes."""
    values = {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.name != "id"
    }
    return lambda: type(row).objects.create(**{**values, **changes})


@pytest.fixture
def charge(road: Road) -> Charge:
    who = worker(1)
    road.charge()
    return charge_of(who)


@pytest.mark.parametrize(
    "changes",
    [
        {"month": Month(2026, 9), "amount_fen": 1},
        {"month": Month(2026, 9), "personal_fen": -1, "employer_fen": 39305},
        {"month": Month(2026, 9), "account_fen": 39305},
        {"month": Month(2026, 9), "account_fen": -1},
        {"month": Month(2026, 9), "policy": ""},
        {"month": Month(2026, 9), "basis": ""},
        {"month": Month(2026, 9), "status": "gone"},
        {"month": Month(2026, 9), "insurance": "life"},
        {"month": Month(2026, 9), "capacity": "employee"},
        {"month": Month(2026, 9), "live": False},
        {"month": Month(2026, 9), "status": "void"},
        {"month": Month(2026, 9), "insurance": "medical"},
        {},
    ],
)
def test_charges_that_cannot_be(charge: Charge, changes: dict[str, Any]) -> None:
    refused(copied(charge, **changes))


def test_a_charge_is_of_its_coverages_person(charge: Charge, cast: Cast) -> None:
    refused(copied(charge, month=Month(2026, 9), person_id=cast.wang_fang.pk), "charge_is_of_its_coverage")


@pytest.mark.parametrize(
    "column", ["amount_fen", "personal_fen", "account_fen", "base", "policy", "month", "due_on", "basis"]
)
def test_a_charge_never_changes_what_it_says(charge: Charge, column: str) -> None:
    value = {"policy": "x/y", "month": Month(2026, 8), "due_on": "2026-01-01", "basis": "x"}.get(column, 1)
    refused(lambda: Charge.objects.update(**{column: value}), "Cannot update")


@pytest.mark.parametrize("end", ["paid", "written_off", "void"])
def test_a_charge_that_is_settled_stays_so(charge: Charge, end: str) -> None:
    Charge.objects.update(status=end, live=end != "void")
    for other in {"owed", "paid", "written_off", "void"} - {end}:
        refused(lambda: Charge.objects.update(status=other, live=other != "void"), "Cannot update")  # noqa: B023


def test_nothing_is_deleted(road: Road) -> None:
    worker(1)
    worker(2, ending=POOR)
    road.walked()
    Cancellation.objects.create(
        charge=Charge.objects.get(status="owed"), kind="void", at=timezone.now(), by=road.by, why="测试"
    )
    kept: list[type[Model]] = [Receipt, Leg, DebitLine, Cancellation, Entry, Charge, DebitBatch]
    for model in kept:
        refused(lambda: model.objects.all()._raw_delete("default"), r"Cannot (update or )?delete")  # type: ignore[attr-defined]  # noqa: B023
    unchanged: list[type[Model]] = [Receipt, Leg, Entry, Cancellation]
    for model in unchanged:
        refused(lambda: model.objects.update(id=999_999), "Cannot update or delete")  # type: ignore[attr-defined]  # noqa: B023


def test_a_charge_is_drawn_by_one_line_at_a_time(road: Road, charge: Charge) -> None:
    batch = road.open()
    line = batch.lines.get()
    second = DebitBatch.objects.create(
        number="x", city="wuhan", month=OCTOBER, bank="psbc", round=2, line_count=1, total_fen=1, opened_at=road.now,
        opened_by=road.by,
    )  # fmt: skip
    refused(copied(line, batch_id=second.pk), "a_charge_is_drawn_once")
    refused(copied(line, sequence=2), "a_charge_once_in_a_batch|a_charge_is_drawn_once")
    DebitLine.objects.update(status="missing")
    refused(copied(line, batch_id=second.pk), "a_charge_is_drawn_once")
    DebitLine.objects.update(status="failed", drawing=False, reason_code="balance")
    copied(line, batch_id=second.pk)()


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failed", "drawing": False},
        {"status": "failed", "drawing": True, "reason_code": "balance"},
        {"status": "paid", "reason_code": "balance"},
        {"status": "paid", "drawing": False},
        {"status": "failed", "drawing": False, "reason_code": "mood"},
        {"amount_fen": 1},
        {"account_number": "1"},
        {"bank_reference": "later"},
    ],
)
def test_a_line_changes_only_to_a_result(road: Road, charge: Charge, changes: dict[str, Any]) -> None:
    batch = road.open()
    refused(lambda: batch.lines.update(**changes))


def test_a_result_is_final(road: Road, charge: Charge) -> None:
    batch = road.open()
    batch.lines.update(status="paid", bank_reference="PS1")
    refused(
        lambda: batch.lines.update(status="failed", drawing=False, reason_code="balance"), "Cannot update"
    )
    refused(lambda: batch.lines.update(bank_reference="PS2"), "Cannot update")


def test_a_batch_stays_frozen_and_moves_only_forward(road: Road, charge: Charge) -> None:
    batch = road.open()
    rows = DebitBatch.objects.filter(pk=batch.pk)
    for changes in ({"line_count": 2}, {"total_fen": 1}, {"month": Month(2026, 9)}, {"number": "x"}):
        refused(lambda: rows.update(**changes), "Cannot update")  # noqa: B023
    for status in ("answered", "posted", "closed", "held"):
        refused(lambda: rows.update(status=status, file_name="f", file_digest="d"))  # noqa: B023
    refused(lambda: rows.update(status="sent", file_name="f", file_digest="d"), "Cannot update")
    road.release(batch)
    refused(lambda: rows.update(released_by=road.by), "Cannot update")
    refused(lambda: rows.update(status="sent"), "batch_sent_with_its_file")
    rows.update(status="sent", file_name="f", file_digest="d")
    refused(lambda: rows.update(file_digest="e"), "Cannot update")
    refused(lambda: rows.update(status="opened"), "Cannot update")
    refused(copied(batch, number="y"), "one_batch_per_month_bank_and_round")


def test_a_batch_is_closed_by_someone(road: Road, charge: Charge) -> None:
    batch = road.post(road.answered())
    refused(lambda: DebitBatch.objects.filter(pk=batch.pk).update(status="closed"), "batch_closed_by_someone")


@pytest.fixture
def accounts(db: None) -> tuple[LedgerAccount, LedgerAccount]:
    return (
        ledger.account(city="wuhan", kind=AccountKind.CLEARING, channel="bank"),
        ledger.account(city="wuhan", kind=AccountKind.POOLED, insurance="pension"),
    )


Books = tuple[LedgerAccount, LedgerAccount]


def booked(road: Road, accounts: Books, fen: int = 100, reference: str = "1") -> Entry:
    postings = [ledger.Posting(accounts[0], fen), ledger.Posting(accounts[1], -fen)]
    return ledger.post_entry(
        city="wuhan", kind="test", reference=reference, postings=postings, by=road.by, now=road.now
    )


def test_legs_that_do_not_sum_to_zero_are_refused(road: Road, accounts: Books) -> None:
    entry = booked(road, accounts)
    blank = copied(entry, number=2, reference="2")

    def unbalanced() -> None:
        fresh = blank()
        Leg.objects.bulk_create([Leg(entry=fresh, account=accounts[0], amount_fen=fen) for fen in (100, -99)])

    refused(unbalanced, "sum to zero")
    refused(lambda: Leg.objects.create(entry=blank(), account=accounts[0], amount_fen=1), "sum to zero")
    refused(lambda: Leg.objects.create(entry=entry, account=accounts[0], amount_fen=0))


def test_nothing_is_added_to_an_entry_that_stands(road: Road, accounts: Books) -> None:
    entry = booked(road, accounts)
    refused(
        lambda: Leg.objects.bulk_create(
            [Leg(entry=entry, account=accounts[0], amount_fen=fen) for fen in (5, -5)]
        ),
        "has its legs already",
    )


def test_an_entry_without_legs_is_refused(road: Road, accounts: Books) -> None:
    refused(copied(booked(road, accounts), number=2, reference="2"), "has no legs")


def test_an_entry_is_booked_once_and_in_one_row(road: Road, accounts: Books) -> None:
    entry = booked(road, accounts)
    refused(lambda: booked(road, accounts), "booked_once")
    refused(copied(entry, reference="2"), "entries_of_a_city_in_one_row")


def test_a_payment_is_received_once_and_a_charge_paid_once(road: Road) -> None:
    worker(1)
    worker(2)
    road.walked()
    receipt = Receipt.objects.order_by("id").first()
    assert receipt is not None
    refused(copied(receipt, applied=False, account_fen=0), "a_payment_is_received_once")
    refused(copied(receipt, provider_number="other"), "a_charge_is_paid_once")
    refused(copied(receipt, provider_number="other", applied=False), "receipt_account_part_of_amount")
    refused(copied(receipt, provider_number="other", applied=False, account_fen=0, amount_fen=0))
    refused(copied(receipt, provider_number="", applied=False, account_fen=0), "receipt_names_its_source")


def test_a_month_is_the_first_of_a_month(charge: Charge) -> None:
    def askew() -> None:
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("UPDATE contributions_charge SET month = '2026-10-02'")

    refused(askew, "charge_month_is_month")
    assert charge.insurance == Insurance.PENSION
