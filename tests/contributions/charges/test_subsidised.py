"""Residents, children and students are charged their own share; public money stands beside it, the
year and the insurance year at once."""

import datetime as dt
from collections import Counter

import pytest
from django.db import InternalError, transaction

from contributions.charges import brought_in, charging, lapsing, periods
from contributions.consequences import Money
from contributions.debit import opening
from contributions.models import Charge, ChargeStatus, PublicShare
from contributions.records import by_month, years
from contributions.records.by_month import State
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.people.models import BankAccount
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import CHINA, Month
from tests.cast import Cast, cover
from tests.contributions.audit.test_audit import broken

pytestmark = pytest.mark.django_db

PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL
CITY = "shenzhen"


def charge(month: str) -> charging.Charged:
    first = Month.parse(month)
    now = dt.datetime.combine(first.first_day, dt.time(6), CHINA)
    return charging.charge(city=CITY, month=first, by=User.objects.system(), now=now)


def sums() -> list[tuple[str, int, int]]:
    """Month, the person's and the public share of the live charges."""
    return [
        (str(one.month), one.personal_fen, one.public_share.amount_fen)
        for one in Charge.objects.filter(live=True).order_by("month").select_related("public_share")
    ]


def resident(cast: Cast, insurance: Insurance, tier: str, start: str = "2026-01") -> Coverage:
    return cover(cast.wang_fang, insurance, CITY, start, capacity=Capacity.RESIDENT, tier=tier)


def child(cast: Cast, start: str, capacity: Capacity = Capacity.CHILD) -> Coverage:
    return cover(cast.wang_fang, MEDICAL, CITY, start, capacity=capacity, tier="standard")


def test_a_residents_month_has_the_public_share_beside_it(cast: Cast) -> None:
    resident(cast, MEDICAL, "adult")
    assert charge("2026-11").created == 1
    assert charge("2026-11").created == 0
    [one] = Charge.objects.all()
    assert (one.amount_fen, one.personal_fen, one.employer_fen, one.account_fen) == (4732, 4732, 0, 0)
    share = PublicShare.objects.get()
    assert (share.charge, share.amount_fen, share.policy, share.basis) == (
        one,
        7436,
        "shenzhen/resident_medical",
        "adult",
    )
    assert broken() == set()


def test_a_tier_that_ended_goes_on_at_the_one_in_its_place(cast: Cast) -> None:
    resident(cast, MEDICAL, "two", "2023-01")
    charge("2023-09")
    [before] = Charge.objects.all()
    assert (before.personal_fen, PublicShare.objects.count()) == (9296, 0)
    charge("2023-10")
    after = Charge.objects.get(month=Month(2023, 10))
    assert (after.personal_fen, after.public_share.amount_fen) == (4133, 6494)


def test_the_pension_year_is_charged_once(cast: Cast) -> None:
    resident(cast, PENSION, "1200", "2025-10")
    for month in ("2025-10", "2025-11", "2025-12", "2026-01", "2026-02"):
        charge(month)
    assert sums() == [("2025-10", 120_000, 9_000), ("2026-01", 120_000, 9_000)]


def test_who_resumes_in_a_paid_year_owes_no_second_one(cast: Cast) -> None:
    first = resident(cast, PENSION, "1200", "2026-01")
    charge("2026-01")
    first.until = Month(2026, 6)
    first.save()
    again = resident(cast, PENSION, "1200", "2026-09")
    charge("2026-09")
    assert [one.coverage for one in Charge.objects.all()] == [first]
    assert periods.to_charge(again, Month(2026, 11)) == []


def test_where_public_money_pays_all_the_person_owes_nothing(cast: Cast) -> None:
    coverage = resident(cast, PENSION, "special")
    charge("2026-01")
    charge("2026-02")
    assert not Charge.objects.exists()
    share = PublicShare.objects.get()
    assert (share.charge, share.amount_fen, share.live) == (None, 21_000, True)
    records = by_month.record(cast.wang_fang, this=Month(2026, 2))
    assert (records[0].state, records[0].amount_fen, records[0].public_fen) == (State.PAID, 0, 21_000)
    with pytest.raises(InternalError), transaction.atomic():
        PublicShare.objects.filter(pk=share.pk).update(amount_fen=1)
    now = dt.datetime(2026, 3, 1, tzinfo=CHINA)
    Money().stopped([coverage], Month(2026, 1), by=User.objects.system(), now=now)
    share.refresh_from_db()
    assert not share.live


@pytest.mark.parametrize(
    ("start", "charged_in", "first", "months", "each", "whole"),
    [
        ("2018-09", "2018-09", "2018-09", 12, 2578, 30936),
        ("2018-12", "2018-12", "2018-12", 9, 2578, 23202),
        ("2019-09", "2019-09", "2019-09", 12, 3097, 37164),
        ("2026-09", "2026-09", "2026-09", 12, 4056, 48672),
        ("2026-11", "2026-11", "2026-11", 10, 4056, 40560),
    ],
)
def test_a_child_is_charged_to_august_at_once(
    cast: Cast, start: str, charged_in: str, first: str, months: int, each: int, whole: int
) -> None:
    child(cast, start)
    assert charge(charged_in).created == months
    charges = list(Charge.objects.order_by("month"))
    assert (str(charges[0].month), charges[-1].month.month) == (first, 8)
    assert {one.amount_fen for one in charges} == {each}
    assert sum(one.amount_fen for one in charges) == whole
    assert len({one.due_on for one in charges}) == 1


def test_enrolling_charges_a_child_to_august_too(cast: Cast) -> None:
    coverage = child(cast, "2018-07")
    now = dt.datetime(2018, 9, 10, 9, tzinfo=CHINA)
    Money().enrolled([coverage], by=User.objects.system(), now=now)
    assert sum(one.amount_fen for one in Charge.objects.all()) == 35404
    assert PublicShare.objects.count() == 14


def test_the_debit_of_september_draws_the_year_of_a_child_and_no_public_money(cast: Cast) -> None:
    child(cast, "2026-09")
    BankAccount.objects.create(
        person=cast.wang_fang,
        city=CITY,
        bank="psbc",
        number="6217995840000101",
        holder="王芳",
        start=Month(2026, 9),
    )
    charge("2026-09")
    now = dt.datetime(2026, 9, 30, 20, tzinfo=CHINA)
    batch = opening.open_batch(city=CITY, month=Month(2026, 9), by=User.objects.system(), now=now)
    assert batch is not None
    assert (batch.line_count, batch.total_fen) == (12, 48672)


def test_the_school_collects_from_students(cast: Cast) -> None:
    child(cast, "2026-09", Capacity.STUDENT)
    charge("2026-09")
    assert Charge.objects.count() == 12
    assert opening.preview(city=CITY, month=Month(2026, 9)) == []


def test_a_yearly_month_is_told_as_its_year_stands(cast: Cast) -> None:
    coverage = resident(cast, PENSION, "1200", "2026-01")
    charge("2026-01")
    Charge.objects.update(status=ChargeStatus.PAID)
    records = by_month.record(cast.wang_fang, this=Month(2026, 3))
    assert [(one.state, one.amount_fen) for one in records] == [
        (State.PAID, 120_000),
        (State.PAID, None),
        (State.PAID, None),
    ]
    told = years.years_of(cast.wang_fang, [coverage], this=Month(2026, 3))[PENSION]
    assert told.states == {2026: Counter({State.PAID: 3})}
    assert told.gaps(2026) == 0


def test_the_audit_finds_a_public_share_that_is_missing(cast: Cast) -> None:
    coverage = resident(cast, MEDICAL, "adult")
    charge("2026-11")
    one = Charge.objects.get()
    one.pk, one.month = None, Month(2026, 10)
    Charge.objects.bulk_create([one])
    assert coverage.charges.count() == 2
    assert broken() == {8}


def test_what_was_not_paid_in_september_lapses_and_cuts_the_coverage(cast: Cast) -> None:
    child(cast, "2017-09")
    september = dt.datetime(2018, 9, 1, 6, tzinfo=CHINA)
    for month in (Month(2017, 9), Month(2018, 9)):
        charging.charge(city=CITY, month=month, by=User.objects.system(), now=september)
    Charge.objects.filter(month__lt=Month(2018, 9)).update(status=ChargeStatus.PAID)
    october = dt.datetime(2018, 10, 1, 6, tzinfo=CHINA)
    system = User.objects.system()
    counts = [lapsing.lapse(city=CITY, month=Month(2018, 10), by=system, now=october) for _ in range(2)]
    assert counts == [1, 0]
    assert charge("2018-10").created == 11
    held = Coverage.objects.filter(live=True).order_by("start")
    assert [(str(one.start), one.until and str(one.until)) for one in held] == [
        ("2017-09", "2018-09"),
        ("2018-10", None),
    ]
    owed = Charge.objects.filter(live=True, status=ChargeStatus.OWED)
    assert (sum(one.amount_fen for one in owed), min(one.month for one in owed)) == (28358, Month(2018, 10))
    assert {one.due_on for one in owed} == {dt.date(2018, 10, 31)}
    assert 8 not in broken()


def test_a_child_of_next_month_is_not_charged_with_this_one(cast: Cast) -> None:
    child(cast, "2018-12")
    assert charge("2018-11").created == 0


def test_what_was_paid_does_not_lapse(cast: Cast) -> None:
    child(cast, "2018-09")
    charge("2018-09")
    Charge.objects.update(status=ChargeStatus.PAID)
    october = dt.datetime(2018, 10, 1, 6, tzinfo=CHINA)
    assert lapsing.lapse(city=CITY, month=Month(2018, 10), by=User.objects.system(), now=october) == 0
    assert charge("2018-10").created == 0


@pytest.mark.parametrize(
    ("capacity", "insurance", "tier", "counts"),
    [
        (Capacity.CHILD, MEDICAL, "standard", False),
        (Capacity.STUDENT, MEDICAL, "standard", False),
        (Capacity.RESIDENT, PENSION, "1200", False),
        (Capacity.RESIDENT, MEDICAL, "adult", True),
    ],
)
def test_what_does_not_count_does_not_move(
    cast: Cast, capacity: Capacity, insurance: Insurance, tier: str, counts: bool
) -> None:
    cover(cast.wang_fang, insurance, CITY, "2026-01", capacity=capacity, tier=tier)
    charge("2026-01")
    Charge.objects.update(status=ChargeStatus.PAID)
    moved = brought_in.counted_months(cast.wang_fang, insurance=insurance, city=CITY)
    assert bool(moved) == counts
