"""The way of a transfer between two cities of the hall: who acts, on what clock, what leaves and
what arrives."""

import datetime as dt
from dataclasses import replace

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from contributions.books import ledger, personal_account
from contributions.charges import brought_in
from contributions.models import AccountKind, BroughtIn, Charge, HeldReceipt, MovedOut, Refund
from portal.accounts.models import Notice
from portal.hall.models import WorkdayOverride
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover, moment, staff
from tests.contributions.flexible import paid_at_the_counter
from tests.transfers.mover import (
    IN_DECEMBER_FEN,
    IN_NOVEMBER_FEN,
    MEDICAL,
    PENSION,
    POOLED_FEN,
    WAGES,
    applied,
    begun,
    charge,
    clerk_of,
    moved_to,
    offences,
    paid,
    proposed,
    released,
    second_clerk_of,
    walked,
)
from tests.transfers.standing_mover import cast, mover, who_moved
from transfers import releasing, steps
from transfers.machine import TRANSFER_LIFE_CYCLE, Status
from transfers.models import Release, Transfer

__all__ = ["cast", "mover", "who_moved"]

pytestmark = pytest.mark.as_app

TRANSFER = AccountKind.TRANSFER


def clearing(city: str, other: str, insurance: Insurance = PENSION) -> int:
    """What stands between a city and the other agency in its books, in fen."""
    account = ledger.account(city=city, kind=TRANSFER, insurance=insurance, channel=other)
    [found] = [one for one in ledger.trial_balance(cities=[city]) if one.account == account]
    return found.balance_fen


def counted(who: Person, city: str, insurance: Insurance = PENSION) -> int:
    return len(brought_in.counted_months(who, insurance=insurance, city=city))


def test_from_application_to_merger(cast: Cast, now: dt.datetime, mover: Person) -> None:
    transfer = applied(cast.li_qiang_login, now)
    shenzhen = clerk_of("shenzhen")
    transfer = steps.accept(transfer, by=shenzhen, now=now)
    transfer = steps.send_letter(transfer, by=shenzhen, now=moment("2026-11-24 10:00"))
    assert (transfer.acting_city, transfer.due_on) == ("wuhan", dt.date(2026, 12, 15))
    assert counted(mover, "wuhan") == 12

    transfer = released(transfer, moment("2026-12-01 10:00"))
    assert (transfer.acting_city, transfer.due_on) == ("shenzhen", dt.date(2026, 12, 22))
    moved = MovedOut.objects.get()
    assert (moved.months, moved.wages, moved.account_fen, moved.pooled_fen) == (
        12,
        WAGES,
        IN_DECEMBER_FEN,
        POOLED_FEN,
    )
    # Under way, the months count nowhere and the money stands in one clearing account only.
    assert (counted(mover, "wuhan"), counted(mover, "shenzhen")) == (0, 0)
    assert personal_account.balance(mover, "wuhan", PENSION) == 0
    assert clearing("wuhan", "shenzhen") == -(IN_DECEMBER_FEN + POOLED_FEN)
    assert brought_in.elsewhere(mover)[PENSION] == brought_in.Elsewhere(0, 12, 12)
    assert offences() == []

    transfer = steps.receive(transfer, by=shenzhen, now=moment("2026-12-02 10:00"))
    assert personal_account.balance(mover, "shenzhen", PENSION) == IN_DECEMBER_FEN
    assert clearing("shenzhen", "wuhan") == IN_DECEMBER_FEN + POOLED_FEN
    # The clock of an agency runs on through its own next step.
    assert transfer.due_on == dt.date(2026, 12, 22)
    assert offences() == []

    transfer = steps.merge(transfer, by=shenzhen, now=moment("2026-12-03 10:00"))
    assert (transfer.status, transfer.due_on, transfer.side) == (Status.MERGED, None, None)
    came = BroughtIn.objects.get()
    assert (came.city, came.from_city, came.months, came.wages) == ("shenzhen", "wuhan", 12, WAGES)
    assert (counted(mover, "wuhan"), counted(mover, "shenzhen")) == (0, 12)
    assert brought_in.elsewhere(mover, cities=["shenzhen"])[PENSION] == brought_in.Elsewhere(12, 0, 0)
    assert brought_in.elsewhere(mover, cities=["wuhan"])[PENSION] == brought_in.Elsewhere(0, 12, 0)
    titles = [one.certificate.title for one in transfer.documents.order_by("pk")]
    assert titles == ["参保缴费凭证", "关系转移接续联系函", "关系转移接续信息表"]
    assert [event.to_status for event in transfer.events.all()] == [
        "applied",
        "accepted",
        "letter_sent",
        "released",
        "received",
        "merged",
    ]
    assert offences() == []


def test_each_agency_takes_its_own_steps_only(cast: Cast, now: dt.datetime, mover: Person) -> None:
    transfer = applied(cast.li_qiang_login, now)
    for stranger in (clerk_of("wuhan"), clerk_of("wuxi"), cast.wuhan_collector, cast.li_qiang_login):
        with pytest.raises(steps.CannotStep):
            steps.accept(transfer, by=stranger, now=now)
    transfer = walked(transfer, Status.LETTER_SENT, now)
    with pytest.raises(steps.CannotStep, match="这一步由武汉市社会保险基金结算中心办理"):
        releasing.release(transfer, by=clerk_of("shenzhen"), now=now)
    transfer = walked(transfer, Status.RELEASED, now)
    with pytest.raises(steps.CannotStep):
        steps.receive(transfer, by=clerk_of("wuhan"), now=now)
    assert transfer.status == Status.RELEASED


def test_a_release_is_seen_proposed_and_approved_by_another(
    cast: Cast, now: dt.datetime, mover: Person
) -> None:
    transfer = walked(applied(cast.li_qiang_login, now), Status.LETTER_SENT, now)
    first, second = clerk_of("wuhan"), second_clerk_of("wuhan")
    seen = releasing.look_at_release(transfer, by=first, now=now)
    assert (seen.months, seen.pooled_fen) == (12, POOLED_FEN)
    assert seen.account_fen + seen.pooled_fen == seen.sum_fen
    # Looking has written nothing.
    assert not MovedOut.objects.exists()
    with pytest.raises(steps.CannotStep, match="先由一名工作人员"):
        releasing.release(transfer, by=first, now=now)
    with pytest.raises(steps.CannotStep, match="刚刚有变化"):
        releasing.propose_release(transfer, seen=replace(seen, pooled_fen=1), by=first, now=now)
    one = releasing.propose_release(transfer, seen=seen, by=first, now=now)
    assert releasing.propose_release(transfer, seen=seen, by=first, now=now) == one
    with pytest.raises(steps.CannotStep, match="已有人提出"):
        releasing.propose_release(transfer, seen=seen, by=second, now=now)
    with pytest.raises(steps.CannotStep, match="另一名工作人员复核"):
        releasing.release(transfer, by=first, now=now)
    gone = releasing.release(transfer, by=second, now=now)
    assert gone.status == Status.RELEASED
    # What was shown is what moved.
    told = gone.information
    assert (told["months"], told["account_fen"], told["pooled_fen"]) == (
        seen.months,
        seen.account_fen,
        seen.pooled_fen,
    )
    one.refresh_from_db()
    assert (one.status, one.ended_by) == ("approved", second)
    assert offences() == []


def test_another_sum_than_was_proposed_does_not_move(cast: Cast, now: dt.datetime, mover: Person) -> None:
    """In the next month the account has borne more."""
    transfer = walked(applied(cast.li_qiang_login, now), Status.LETTER_SENT, now)
    one = proposed(transfer, now)
    later = moment("2026-12-01 10:00")
    with pytest.raises(steps.CannotStep, match="含转出前结息"):
        releasing.release(transfer, by=clerk_of("wuhan"), now=later)
    assert not MovedOut.objects.exists()
    with pytest.raises(steps.CannotStep, match="不同意的原因"):
        releasing.decline_release(one, why=" ", by=clerk_of("wuhan"), now=later)
    for _press in range(2):
        releasing.decline_release(one, why="跨月", by=clerk_of("wuhan"), now=later)
    again = proposed(transfer, later)
    assert again.interest_fen > one.interest_fen
    assert releasing.release(transfer, by=clerk_of("wuhan"), now=later).status == Status.RELEASED
    assert offences() == []


def test_the_database_wants_two_for_a_release(cast: Cast, now: dt.datetime, mover: Person) -> None:
    one = proposed(walked(applied(cast.li_qiang_login, now), Status.LETTER_SENT, now), now)
    same = Release.objects.filter(pk=one.pk)
    for broken in (
        lambda: same.update(status="approved", ended_by=one.proposed_by, ended_at=now),
        lambda: same.update(account_fen=1),
        lambda: same.delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            broken()


def test_nobody_works_on_their_own_transfer(cast: Cast, now: dt.datetime, mover: Person) -> None:
    transfer = applied(cast.li_qiang_login, now)
    self_ = staff("shenzhen-self", "李强", "shenzhen", "受理审核", of=mover)
    with pytest.raises(steps.CannotStep, match="您本人的关系转移"):
        steps.accept(transfer, by=self_, now=now)


def test_a_step_happens_once_and_in_its_turn(cast: Cast, now: dt.datetime, mover: Person) -> None:
    transfer = applied(cast.li_qiang_login, now)
    with pytest.raises(steps.AlreadyMoved):
        releasing.release(transfer, by=clerk_of("wuhan"), now=now)
    steps.accept(transfer, by=clerk_of("shenzhen"), now=now)
    with pytest.raises(steps.AlreadyMoved):
        steps.accept(transfer, by=clerk_of("shenzhen"), now=now)
    assert transfer.events.count() == 2


def test_the_due_day_follows_the_official_calendar(cast: Cast, mover: Person) -> None:
    # Over the National Day holiday of 2026, and a day that staff declared free.
    WorkdayOverride.objects.create(
        city="shenzhen", day=dt.date(2026, 11, 18), is_workday=False, reason="停电"
    )
    assert applied(cast.li_qiang_login, moment("2026-11-17 10:00")).due_on == dt.date(2026, 12, 9)


def test_a_day_off_of_the_agency_that_waits_moves_nothing(cast: Cast, mover: Person) -> None:
    WorkdayOverride.objects.create(
        city="wuhan", day=dt.date(2026, 11, 18), is_workday=False, reason="转出地停电"
    )
    assert applied(cast.li_qiang_login, moment("2026-11-17 10:00")).due_on == dt.date(2026, 12, 8)


def test_the_release_applies_the_rules_again(cast: Cast, now: dt.datetime, mover: Person) -> None:
    transfer = walked(applied(cast.li_qiang_login, now), Status.LETTER_SENT, now)
    cover(mover, PENSION, "wuhan", "2026-02", "2026-04", tier="60")
    owed = charge(mover, "wuhan", "2026-02", "2026-04")
    with pytest.raises(steps.CannotStep, match="有欠费：2026年2月至2026年3月"):
        proposed(transfer, now)
    assert not MovedOut.objects.exists()
    paid_at_the_counter(owed, now=now)
    transfer = released(transfer, now)
    assert transfer.information["months"] == 14


def test_returned_before_the_release_it_is_the_persons_turn(
    cast: Cast, now: dt.datetime, mover: Person
) -> None:
    transfer = walked(applied(cast.li_qiang_login, now), Status.LETTER_SENT, now)
    with pytest.raises(steps.CannotStep, match="请写明退回的原因"):
        steps.send_back(transfer, reason=" ", by=clerk_of("wuhan"), now=now)
    transfer = steps.send_back(transfer, reason="身份信息与档案不一致", by=clerk_of("wuhan"), now=now)
    assert (transfer.side, transfer.due_on, transfer.acting_city) == ("person", None, "")
    with pytest.raises(steps.CannotStep):
        steps.put_right(transfer, by=clerk_of("wuhan"), now=now)
    with pytest.raises(steps.CannotStep):
        steps.put_right(transfer, by=cast.wang_fang_login, now=now)
    transfer = steps.put_right(transfer, by=cast.li_qiang_login, now=now)
    assert (transfer.status, transfer.returned_from, transfer.reason) == (Status.LETTER_SENT, "", "")
    assert walked(transfer, Status.MERGED, now).status == Status.MERGED
    assert offences() == []


def test_what_was_returned_goes_on_only_when_it_is_put_right(
    cast: Cast, now: dt.datetime, mover: Person
) -> None:
    transfer = walked(applied(cast.li_qiang_login, now), Status.LETTER_SENT, now)
    cover(mover, PENSION, "wuhan", "2026-02", "2026-03", tier="60")
    owed = charge(mover, "wuhan", "2026-02", "2026-03")
    transfer = steps.send_back(transfer, reason="2026年2月欠费", by=clerk_of("wuhan"), now=now)
    with pytest.raises(steps.CannotStep, match="有欠费：2026年2月"):
        steps.put_right(transfer, by=cast.li_qiang_login, now=now)
    paid_at_the_counter(owed, now=now)
    assert steps.put_right(transfer, by=cast.li_qiang_login, now=now).status == Status.LETTER_SENT


def test_returned_after_the_release_the_old_place_takes_all_back(
    cast: Cast, now: dt.datetime, mover: Person
) -> None:
    transfer = walked(applied(cast.li_qiang_login, now), Status.RELEASED, now)
    transfer = steps.send_back(transfer, reason="到账金额与信息表不符", by=clerk_of("shenzhen"), now=now)
    assert (transfer.side, transfer.acting_city, transfer.information) == ("old", "wuhan", {})
    assert counted(mover, "wuhan") == 12
    assert personal_account.balance(mover, "wuhan", PENSION) == IN_NOVEMBER_FEN
    assert clearing("wuhan", "shenzhen") == 0
    assert offences() == []
    transfer = steps.put_right(transfer, by=clerk_of("wuhan"), now=now)
    transfer = walked(transfer, Status.MERGED, now)
    assert (transfer.releases, counted(mover, "wuhan"), counted(mover, "shenzhen")) == (2, 0, 12)
    assert MovedOut.objects.filter(live=True).count() == 1
    assert personal_account.balance(mover, "shenzhen", PENSION) == IN_NOVEMBER_FEN
    assert offences() == []


def test_the_person_may_cancel_until_the_release(cast: Cast, now: dt.datetime, mover: Person) -> None:
    transfer = walked(applied(cast.li_qiang_login, now), Status.LETTER_SENT, now)
    for stranger in (clerk_of("wuhan"), clerk_of("shenzhen"), cast.wang_fang_login):
        with pytest.raises(steps.CannotStep, match="只有本人可以撤销"):
            steps.cancel(transfer, by=stranger, now=now)
    cancelled = steps.cancel(transfer, by=cast.li_qiang_login, now=now)
    assert (cancelled.status, cancelled.ended_at) == (Status.CANCELLED, now)
    assert steps.cancel(transfer, by=cast.li_qiang_login, now=now).status == Status.CANCELLED
    # The relation is free again.
    again = walked(applied(cast.li_qiang_login, now), Status.RELEASED, now)
    with pytest.raises(steps.CannotStep, match="已转出，不能撤销"):
        steps.cancel(again, by=cast.li_qiang_login, now=now)
    assert offences() == []


def test_months_that_were_brought_in_move_on_with_the_rest(
    cast: Cast, now: dt.datetime, mover: Person
) -> None:
    walked(applied(cast.li_qiang_login, now), Status.MERGED, now)
    # Two months are paid in Shenzhen, then Wuxi.
    shenzhen = mover.coverages.get(city="shenzhen")
    shenzhen.until = Month(2027, 1)
    shenzhen.save()
    paid_at_the_counter(charge(mover, "shenzhen", "2026-11", "2027-01"), now=moment("2026-12-30"))
    moved_to(mover, "wuxi", "2027-01")
    later = moment("2027-01-11 10:00")
    first = BroughtIn.objects.get()
    onward = applied(cast.li_qiang_login, later, old="shenzhen", new="wuxi")
    onward = walked(onward, Status.MERGED, later)
    assert onward.information["months"] == 14
    # 9,167.00 × 60 % for each of the two months.
    assert onward.information["wages"] == {"2025": "23582.16", "2026": "11000.4"}
    assert onward.information["pooled_fen"] == round((2358216 + 1100040) * 0.12)
    first.refresh_from_db()
    assert first.moved_on == onward.moved_out
    assert [counted(mover, city) for city in ("wuhan", "shenzhen", "wuxi")] == [0, 0, 14]
    assert brought_in.elsewhere(mover)[PENSION] == brought_in.Elsewhere(14, 14, 0)
    assert personal_account.balance(mover, "shenzhen", PENSION) == 0
    assert offences() == []


def test_who_comes_back_brings_the_same_months_back(cast: Cast, now: dt.datetime, mover: Person) -> None:
    walked(applied(cast.li_qiang_login, now), Status.MERGED, now)
    mover.coverages.filter(city="shenzhen").update(live=False)
    moved_to(mover, "wuhan", "2026-12")
    later = moment("2026-12-07 10:00")
    back = walked(applied(cast.li_qiang_login, later, old="shenzhen", new="wuhan"), Status.MERGED, later)
    assert back.information["months"] == 12
    assert (counted(mover, "wuhan"), counted(mover, "shenzhen")) == (12, 0)
    # Of which 192,562 fen bore a month's interest in Shenzhen.
    assert personal_account.balance(mover, "wuhan", PENSION) == IN_NOVEMBER_FEN + 241
    assert offences() == []


def test_money_paid_twice_goes_to_refund_at_the_release(cast: Cast, now: dt.datetime, mover: Person) -> None:
    month = Charge.objects.filter(person=mover).order_by("month")[0]
    paid_at_the_counter([month], now=moment("2026-01-05"))
    held = HeldReceipt.objects.get(applied=False)
    transfer = walked(applied(cast.li_qiang_login, now), Status.RELEASED, now)
    assert transfer.information["account_fen"] == IN_NOVEMBER_FEN
    # A payment at the counter names no account to go back to: it stays with the collectors.
    assert not Refund.objects.exists()
    assert held.amount_fen == 39304
    assert offences() == []


def test_pension_and_medical_move_apart(cast: Cast, now: dt.datetime, mover: Person) -> None:
    paid(mover, "wuhan", "2025-01", "2025-04", insurance=MEDICAL)
    moved_to(mover, "shenzhen", insurance=MEDICAL)
    pension = applied(cast.li_qiang_login, now)
    medical = applied(cast.li_qiang_login, now, insurance=MEDICAL)
    assert walked(medical, Status.MERGED, now).information["months"] == 3
    pension.refresh_from_db()
    assert pension.status == Status.APPLIED
    assert offences() == []


def test_every_move_is_told_to_the_person(cast: Cast, now: dt.datetime, mover: Person) -> None:
    transfer = walked(applied(cast.li_qiang_login, now), Status.MERGED, now)
    told = list(Notice.objects.filter(person=mover, kind="transfer").order_by("pk"))
    assert len(told) == transfer.events.count() == 6
    assert told[0].title == "养老保险关系转移已申请"
    assert "深圳应在2026年12月8日前受理并发出联系函" in told[0].text
    assert [one.by_text for one in told] == [False, False, False, True, False, True]


def test_a_letter_from_elsewhere_begins_one_too(cast: Cast, now: dt.datetime, mover: Person) -> None:
    transfer = walked(begun(mover, clerk_of("wuhan"), now), Status.MERGED, now)
    assert counted(mover, "shenzhen") == transfer.information["months"] == 12


@pytest.mark.parametrize("start", list(Status))
def test_the_database_refuses_every_move_that_is_not_in_the_table(
    cast: Cast, now: dt.datetime, mover: Person, start: Status
) -> None:
    transfer = begun(mover, clerk_of("wuhan"), now)
    if start in (Status.RETURNED, Status.CANCELLED):
        transfer = walked(transfer, Status.LETTER_SENT, now)
        transfer = (
            steps.send_back(transfer, reason="更正", by=clerk_of("wuhan"), now=now)
            if start == Status.RETURNED
            else steps.cancel(transfer, by=cast.li_qiang_login, now=now)
        )
    else:
        transfer = walked(transfer, start, now)
    for end in Status:
        if end == start or end in TRANSFER_LIFE_CYCLE.moves_from(start):
            continue
        with pytest.raises(Exception, match="pgtrigger"), transaction.atomic():
            Transfer.objects.filter(pk=transfer.pk).update(status=end)
    transfer.refresh_from_db()
    assert transfer.status == start


def test_the_database_keeps_one_open_transfer_of_a_relation(
    cast: Cast, now: dt.datetime, mover: Person
) -> None:
    begun(mover, clerk_of("wuhan"), now)
    with pytest.raises(IntegrityError, match="one_open_transfer_of_a_relation"), transaction.atomic():
        begun(mover, clerk_of("wuhan"), now)
    begun(mover, clerk_of("wuhan"), now, insurance=MEDICAL)
