"""A debit that fails is tried again for three months; with the fourth month owed coverage is
suspended until all is settled."""

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from contributions.audit.looking import audit
from contributions.books.receiving import receive
from contributions.charges import charging, suspending
from contributions.models import Charge, Suspension
from portal.accounts.models import Notice
from portal.people.models import BankAccount, Person
from portal.shared.months import CHINA, Month
from tests.contributions.debit.test_races import at_once
from tests.contributions.money_cast import POOR, Road, charge_of, coverage_of, worker

MARCH = Month(2026, 3)


def evening(month: Month) -> dt.datetime:
    return dt.datetime.combine(month.last_day, dt.time(20), CHINA)


def debited(road: Road, month: Month) -> list[str]:
    """The month charged, debited and posted; which months were drawn."""
    road.month, road.now = month, evening(month)
    batch = road.close(road.post(road.answered()))
    return [
        str(line.of_charge.month) for line in batch.lines.select_related("charge").order_by("charge__month")
    ]


def proved() -> bool:
    broken = [one for one in audit() if not one.holds]
    assert not broken, broken
    return True


def pay_all(road: Road, who: Person) -> None:
    owed = Charge.objects.filter(person=who, status="owed")
    receive(owed, channel="counter", provider_number=f"all-{who.pk}", at=road.now, by=road.by)


def four_failed_months(road: Road) -> Person:
    who = worker(1, ending=POOR)
    for later in range(4):
        debited(road, MARCH + later)
    return who


def test_the_story_of_four_failed_months(road: Road) -> None:
    who = worker(1, ending=POOR)
    worker(2)
    drawn = [[m for m in debited(road, MARCH + later) if m != str(MARCH + later)] for later in range(4)]
    # Each month is tried again with the next ones, in the same file; the good payer's line is of
    # the month itself.
    assert drawn == [[], ["2026-03"], ["2026-03", "2026-04"], ["2026-03", "2026-04", "2026-05"]]
    suspension = Suspension.objects.get()
    assert (suspension.coverage, suspension.start, suspension.until) == (coverage_of(who), MARCH + 4, None)
    notice = Notice.objects.get(kind=suspending.SUSPENDED)
    assert notice.text == (
        "您的养老保险已欠缴 4 个月（自2026年3月起），自2026年7月起暂停缴费，不再自动扣款。结清欠费后自动恢复缴费。"
    )
    assert (notice.person, notice.by_text) == (who, True)
    last = Notice.objects.filter(kind="debit-failed", person=who).latest("pk")
    assert "再次扣款" not in last.text

    # July: not charged, and nothing of it drawn.
    assert debited(road, MARCH + 4) == ["2026-07"]
    assert not Charge.objects.filter(person=who, month=MARCH + 4).exists()

    # On 10 August all is settled: charged again from August, and told.
    road.now = dt.datetime(2026, 8, 10, 9, tzinfo=CHINA)
    assert suspending.resume_settled(now=road.now) == 0
    pay_all(road, who)
    assert suspending.resume_settled(now=road.now) == 1
    assert suspending.resume_settled(now=road.now) == 0
    suspension.refresh_from_db()
    assert (suspension.until, suspension.resumed_at) == (Month(2026, 8), road.now)
    assert (
        Notice.objects.get(kind=suspending.RESUMED).text == "您的养老保险欠费已结清，自2026年8月起恢复缴费。"
    )
    BankAccount.objects.filter(person=who).update(number="6217990000777788")
    assert debited(road, Month(2026, 8)) == ["2026-08", "2026-08"]
    assert charge_of(who, month=Month(2026, 8)).status == "paid"
    assert not Charge.objects.filter(person=who, month=Month(2026, 7)).exists()
    assert proved()


def test_money_in_time_ends_the_retries_and_suspends_nobody(road: Road) -> None:
    who = worker(1, ending=POOR)
    for later in range(3):
        debited(road, MARCH + later)
    BankAccount.objects.filter(person=who).update(number="6217990000777788")
    assert debited(road, MARCH + 3) == ["2026-03", "2026-04", "2026-05", "2026-06"]
    assert set(Charge.objects.values_list("status", flat=True)) == {"paid"}
    assert not Suspension.objects.exists()
    assert proved()


def test_what_was_never_debited_is_not_tried_again(road: Road) -> None:
    who = worker(1)
    who.bank_accounts.update(start=MARCH + 1)
    road.month = MARCH
    road.charge()
    assert debited(road, MARCH + 1) == ["2026-04"]


def test_a_month_older_than_the_retries_is_left_alone(road: Road) -> None:
    worker(1, ending=POOR)
    debited(road, MARCH)
    BankAccount.objects.update(number="6217990000777788")
    assert debited(road, MARCH + 4) == ["2026-07"]


def test_what_stands_charged_already_is_not_inside_the_suspension(road: Road) -> None:
    who = worker(1, ending=POOR)
    for later in range(3):
        debited(road, MARCH + later)
    road.month, road.now = MARCH + 4, evening(MARCH + 4)
    road.charge()
    debited(road, MARCH + 3)
    assert Suspension.objects.get().start == MARCH + 5
    assert charge_of(who, month=MARCH + 4).status == "owed"
    assert proved()


def test_suspended_twice_is_suspended_once(road: Road) -> None:
    four_failed_months(road)
    chunk = Suspension.objects.get().batch.chunks.get()
    with transaction.atomic():
        assert suspending.after_answer(chunk, now=road.now) == 0
    assert Suspension.objects.count() == Notice.objects.filter(kind=suspending.SUSPENDED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_resumed_by_several_at_once_is_resumed_once(road: Road) -> None:
    who = four_failed_months(road)
    pay_all(road, who)
    outcomes = at_once(lambda: suspending.resume_settled(now=road.now))
    assert sorted(outcomes, key=str) == [0, 0, 0, 1]
    assert Notice.objects.filter(kind=suspending.RESUMED).count() == 1


def test_an_order_for_a_suspended_month_is_refused(road: Road) -> None:
    who = four_failed_months(road)
    with pytest.raises(charging.CannotCharge, match="暂停缴费"), transaction.atomic():
        charging.charge_months(coverage_of(who), [MARCH + 4], now=road.now)


def test_a_suspension_only_ends_and_once(road: Road) -> None:
    four_failed_months(road)
    for change in ({"start": MARCH}, {"why": "x"}):
        with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
            Suspension.objects.update(**change)
    with pytest.raises(IntegrityError, match="suspension_ends_with_its_time"), transaction.atomic():
        Suspension.objects.update(until=MARCH, resumed_at=road.now)
    Suspension.objects.update(until=MARCH + 5, resumed_at=road.now)
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        Suspension.objects.update(until=MARCH + 6)
