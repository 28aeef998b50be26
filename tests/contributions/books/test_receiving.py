"""Payments by other channels, the entries they make, and the trial balance."""

import datetime as dt

import pytest

from contributions.audit.looking import audit
from contributions.books import ledger
from contributions.books.receiving import AlreadyReceived, receive
from contributions.models import AccountKind, Charge, Entry, Receipt
from portal.shared.insurance import Insurance
from tests.cast import Cast, cover
from tests.contributions.money_cast import Road, charge_of, worker

PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL


@pytest.fixture
def charges(road: Road) -> list[Charge]:
    who = worker(1, insurances=(PENSION, MEDICAL))
    road.charge()
    return [charge_of(who, PENSION), charge_of(who, MEDICAL)]


def pay(road: Road, charges: list[Charge], number: str = "42", channel: str = "bank") -> list[Receipt]:
    return list(receive(charges, channel=channel, provider_number=number, at=road.now, by=road.by))


def test_one_payment_for_several_charges_is_one_entry(road: Road, charges: list[Charge]) -> None:
    receipts = pay(road, charges)
    assert [(one.charge, one.applied, one.amount_fen) for one in receipts] == [
        (charge, True, charge.amount_fen) for charge in charges
    ]
    assert {charge.status for charge in Charge.objects.all()} == {"paid"}
    entry = Entry.objects.get()
    assert (entry.city, entry.number, entry.kind, entry.reference) == ("wuhan", 1, "receipt", "bank/42")
    assert sum(leg.amount_fen for leg in entry.legs.all()) == 0
    assert all(one.holds for one in audit())


def test_the_same_number_again_changes_nothing_also_a_day_later(road: Road, charges: list[Charge]) -> None:
    first = pay(road, charges)
    road.now += dt.timedelta(days=1)
    assert pay(road, charges) == first
    assert Receipt.objects.count() == 2
    assert Entry.objects.count() == 1


def test_the_same_number_for_other_charges_is_refused(road: Road, charges: list[Charge]) -> None:
    pay(road, charges[:1])
    with pytest.raises(AlreadyReceived):
        pay(road, charges)
    assert Receipt.objects.count() == 1
    assert charge_of(charges[1].person, MEDICAL).status == "owed"


def test_paid_by_two_channels_the_second_lies_in_suspense(road: Road, charges: list[Charge]) -> None:
    pay(road, charges)
    [second, _other] = pay(road, charges, channel="wechat")
    assert (second.applied, second.account_fen) == (False, 0)
    suspense = ledger.account(city="wuhan", kind=AccountKind.SUSPENSE)
    [balance] = [one for one in ledger.trial_balance(cities=["wuhan"]) if one.account == suspense]
    assert balance.balance_fen == -sum(charge.amount_fen for charge in charges)
    assert all(one.holds for one in audit())


def test_an_employer_pays_its_staff_with_both_shares(cast: Cast, road: Road) -> None:
    for who in (cast.wang_fang, cast.zhang_min):
        cover(who, PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=800_000)
    road.city = "ningbo"
    road.charge()
    owed = list(Charge.objects.filter(employer=cast.yongjiang))
    receipts = pay(road, owed, channel="transfer")
    assert len(receipts) == 2
    assert sum(one.account_fen for one in receipts) == sum(charge.personal_fen for charge in owed)
    assert all(one.holds for one in audit())


def test_no_charges_or_charges_of_two_cities_are_no_payment(
    road: Road, cast: Cast, charges: list[Charge]
) -> None:
    with pytest.raises(ValueError, match="one city"):
        pay(road, [])
    cover(cast.wang_fang, PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=800_000)
    road.city = "ningbo"
    road.charge()
    with pytest.raises(ValueError, match="one city"):
        pay(road, [charges[0], charge_of(cast.wang_fang)])
    assert not Receipt.objects.exists()


def test_an_unbalanced_entry_is_refused_before_it_is_written(road: Road) -> None:
    account = ledger.account(city="wuhan", kind=AccountKind.SUSPENSE)
    for postings in (
        [ledger.Posting(account, 1)],
        [],
        [ledger.Posting(account, 1), ledger.Posting(account, -1)],
    ):
        with pytest.raises(ledger.Unbalanced):
            ledger.post_entry(
                city="wuhan", kind="test", reference="1", postings=postings, by=road.by, now=road.now
            )
    assert not Entry.objects.exists()


def test_the_trial_balance_of_a_moment(road: Road, charges: list[Charge]) -> None:
    pay(road, charges[:1], number="1")
    road.now += dt.timedelta(days=1)
    pay(road, charges[1:], number="2")

    def clearing(until: dt.datetime | None) -> int:
        rows = ledger.trial_balance(cities=["wuhan"], until=until)
        assert sum(one.debit_fen for one in rows) == sum(one.credit_fen for one in rows)
        return sum(one.debit_fen for one in rows if one.account.kind == AccountKind.CLEARING)

    assert clearing(road.now - dt.timedelta(days=1)) == 0
    assert clearing(road.now) == charges[0].amount_fen
    assert clearing(None) == charges[0].amount_fen + charges[1].amount_fen
    assert ledger.trial_balance(cities=["ningbo"]) == []


def test_each_entry_is_sealed_over_the_one_before(road: Road, charges: list[Charge]) -> None:
    pay(road, charges[:1], number="1")
    pay(road, charges[1:], number="2")
    first, second = Entry.objects.order_by("number")
    assert (first.previous_digest, second.previous_digest) == ("", first.digest)
