"""Giving a month up while a batch is opened or an order placed: with the guard, and with it off,
where it must fail."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.db.models import QuerySet

from contributions import consequences
from contributions.arrears import late_months, paying_late, writing_off
from contributions.debit import opening
from contributions.models import ChargeStatus, DebitBatch, DebitLine, Order
from contributions.orders import placing
from enrollment.models import ContributionBase
from portal.accounts.models import User
from portal.hall.models import Case
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover
from tests.contributions.flexible import account, charge_of, charged
from tests.filing import file
from tests.hall.test_races import Meeting, at_once

pytestmark = pytest.mark.django_db(transaction=True)

OCTOBER = Month(2026, 10)


class SureMeeting(Meeting):
    """For where nothing keeps the two apart: however busy the machine, they meet."""

    def wait(self) -> None:
        self.barrier.wait(timeout=30)
        self.met = True


@pytest.fixture
def owing(cast: Cast) -> int:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-10", tier="60")
    charged("wuhan", "2026-10")
    account(cast.li_qiang)
    User.objects.system()
    assert cast.li_qiang_login.pk
    return charge_of(cast.li_qiang, "2026-10").pk


def given_up(cast: Cast, pk: int, now: dt.datetime) -> Callable[[], Case]:
    typed = {"charges": [str(pk)], "confirmation": "注销"}
    return lambda: file(cast.li_qiang_login, "wuhan", "arrears-write-off", typed, now)


def opened(now: dt.datetime) -> Callable[[], DebitBatch | None]:
    return lambda: opening.open_batch(city="wuhan", month=OCTOBER, by=User.objects.system(), now=now)


def _meeting_after(read: Callable[..., Any], meeting: Meeting) -> Callable[..., Any]:
    def then_wait(*args: Any) -> Any:
        seen = read(*args)
        meeting.wait()
        return seen

    return then_wait


def against_a_batch(
    cast: Cast, pk: int, now: dt.datetime, monkeypatch: pytest.MonkeyPatch, meeting: Meeting
) -> tuple[list[Any], bool]:
    """Both look at the charge before either ends, where nothing keeps them apart. Whether it is at
    the bank and given up."""
    monkeypatch.setattr(writing_off, "held_charges", _meeting_after(paying_late.held_charges, meeting))
    monkeypatch.setattr(opening.recollecting, "taken", meeting.before(opening.recollecting.taken))
    results = at_once(given_up(cast, pk, now), opened(now))
    charge = charge_of(cast.li_qiang, "2026-10")
    both = charge.status == ChargeStatus.WRITTEN_OFF and DebitLine.objects.filter(charge=charge).exists()
    return results, both


def test_a_month_is_given_up_or_taken_by_a_batch(
    cast: Cast, now: dt.datetime, owing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, both = against_a_batch(cast, owing, now, monkeypatch, Meeting())
    assert not both
    assert sum(isinstance(one, Case | DebitBatch) for one in results) == 1


def test_control_without_the_lock_it_is_given_up_while_at_the_bank(
    cast: Cast, now: dt.datetime, owing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paying_late, "before_or_after_a_batch", lambda city: None)
    _results, both = against_a_batch(cast, owing, now, monkeypatch, SureMeeting())
    assert both


def against_an_order(cast: Cast, pk: int, now: dt.datetime) -> bool:
    """Whether it is in an open order and given up."""
    charge = charge_of(cast.li_qiang, "2026-10")

    def place() -> Order:
        return placing.place_charges(
            city="wuhan",
            charges=[charge],
            key=uuid4(),
            by=User.objects.system(),
            now=now,
            person=cast.li_qiang,
        )

    results = at_once(given_up(cast, pk, now), place)
    assert sum(isinstance(one, Case | Order) for one in results) >= 1, results
    charge.refresh_from_db()
    return charge.status == ChargeStatus.WRITTEN_OFF and charge.order_lines.filter(live=True).exists()


def test_a_month_is_given_up_or_ordered(
    cast: Cast, now: dt.datetime, owing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting()
    monkeypatch.setattr(late_months, "lock", meeting.before(late_months.lock))
    monkeypatch.setattr(placing, "before_or_after_a_batch", meeting.before(placing.before_or_after_a_batch))
    assert not against_an_order(cast, owing, now)
    assert not meeting.met


def test_control_without_the_persons_and_the_rows_locks_it_is_both(
    cast: Cast, now: dt.datetime, owing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each goes by what it read before the other wrote."""
    meeting = SureMeeting()
    monkeypatch.setattr(placing, "lock_subject", lambda number: None)
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_how: self.all())
    monkeypatch.setattr(writing_off, "held_charges", _meeting_after(paying_late.held_charges, meeting))
    monkeypatch.setattr(placing, "case_number", meeting.before(placing.case_number))
    assert against_an_order(cast, owing, now)


def test_a_tier_changes_or_a_batch_takes_the_month(
    cast: Cast, now: dt.datetime, owing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """December is charged ahead and its batch is opened while the tier changes from December on."""
    charged("wuhan", "2026-12")
    meeting = Meeting()
    monkeypatch.setattr(
        consequences, "before_or_after_a_batch", meeting.before(consequences.before_or_after_a_batch)
    )
    monkeypatch.setattr(opening.recollecting, "tidy", meeting.before(opening.recollecting.tidy))
    results = at_once(
        lambda: file(cast.li_qiang_login, "wuhan", "pension-tier", {"tier": "100"}, now),
        lambda: opening.open_batch(city="wuhan", month=Month(2026, 12), by=User.objects.system(), now=now),
    )
    taken = DebitLine.objects.filter(batch__month="2026-12-01").exists()
    changed = ContributionBase.objects.filter(tier="100").exists()
    assert taken != changed, results


def test_only_one_of_two_gives_the_month_up(
    cast: Cast, now: dt.datetime, owing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = at_once(given_up(cast, owing, now), given_up(cast, owing, now))
    assert sum(isinstance(one, Case) for one in results) == 1


def test_a_move_that_another_made_is_not_made_again(cast: Cast, now: dt.datetime, owing: int) -> None:
    with transaction.atomic():
        writing_off.write_off(cast.li_qiang, "wuhan", [owing], by=cast.li_qiang_login, now=now)
    with pytest.raises(paying_late.Busy), transaction.atomic():
        writing_off.write_off(cast.li_qiang, "wuhan", [owing], by=cast.li_qiang_login, now=now)
