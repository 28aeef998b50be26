"""Rows over months [start, until): Python and the database tell alike which of them hold when."""

import pytest

from portal.columns import overlapping, runs_in
from portal.people.models import BankAccount, Person
from portal.shared.months import Month, Period
from tests.cast import Cast

MONTHS = [Month(2026, number) for number in range(1, 7)]
PERIODS = [
    Period(Month(2026, 2), Month(2026, 3)),
    Period(Month(2026, 2), Month(2026, 5)),
    Period(Month(2026, 4), Month(2026, 5)),
    Period(Month(2026, 3)),
    Period(Month(2026, 6)),
]


@pytest.fixture
def accounts(cast: Cast) -> list[BankAccount]:
    """An account for each period, each of another city: a city draws on one account at a time."""
    return [
        BankAccount.objects.create(
            person=cast.li_qiang,
            city=f"city-{number}",
            bank="psbc",
            number="6217001234567890",
            holder=cast.li_qiang.name,
            start=period.start,
            until=period.until,
        )
        for number, period in enumerate(PERIODS)
    ]


def test_a_row_has_the_period_of_its_months(accounts: list[BankAccount]) -> None:
    assert [one.period for one in accounts] == PERIODS


def test_what_runs_in_a_month_is_told_alike(accounts: list[BankAccount]) -> None:
    for month in MONTHS:
        running = [one for one, period in zip(accounts, PERIODS, strict=True) if month in period]
        assert [one for one in accounts if one.runs_in(month)] == running
        assert list(BankAccount.objects.filter(runs_in(month)).order_by("pk")) == running


def test_what_runs_from_a_month_on_ends_later(accounts: list[BankAccount]) -> None:
    for month in MONTHS:
        going_on = [one for one in accounts if one.until is None or one.until > month]
        assert [one for one in accounts if one.runs_from(month)] == going_on


def test_what_shares_a_month_with_a_period_is_told_alike(accounts: list[BankAccount]) -> None:
    asked = [Period(start, start + length) for start in MONTHS for length in (1, 2, 6)]
    for period in (*asked, *(Period(start) for start in MONTHS)):
        shared = [one for one in accounts if one.period.overlaps(period)]
        assert list(BankAccount.objects.filter(overlapping(period)).order_by("pk")) == shared


def test_rows_are_found_through_others(accounts: list[BankAccount]) -> None:
    people = Person.objects.filter(
        runs_in(Month(2026, 1), "bank_accounts__") | overlapping(PERIODS[0], "bank_accounts__")
    )
    assert set(people) == {accounts[0].person}
    assert not Person.objects.filter(runs_in(Month(2026, 1), "bank_accounts__")).exists()
