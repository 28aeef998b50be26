"""单位托收: an employer agrees to it, its confirmed months are debited whole by a batch like any
other, and tried again."""

import datetime as dt
import hashlib
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from contributions.assessments import assessing as assessments
from contributions.assessments.arrears_bills import late_months
from contributions.audit.looking import audit
from contributions.bank_files import stand_in
from contributions.charges.charging import charge, void
from contributions.consequences import Money
from contributions.debit import (
    closing,
    freezing,
    of_employers,
    open_lines,
    posting,
    reading,
    releasing,
    sending,
)
from contributions.models import (
    Assessment,
    AssessmentStatus,
    Charge,
    ChargeStatus,
    DebitAgreement,
    DebitBatch,
    DebitLine,
    LineStatus,
    Payer,
    Receipt,
    Refund,
    SettlementWay,
)
from contributions.orders import placing
from contributions.refunds import doubled
from enrollment.models import Coverage
from portal.accounts.models import Notice, User
from portal.accounts.roles import COLLECTOR
from portal.hall import desk
from portal.people.models import Employer, Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover, employer, moment, person, staff
from tests.contributions.assessments.transferring import booked
from tests.filing import file, reasons

CODE = "employer-debit"
NOVEMBER = Month(2026, 11)
FIRST, FIFTEENTH, TWENTY_FIFTH = (
    moment("2026-11-01 01:10"),
    moment("2026-11-15 10:00"),
    moment("2026-11-25 10:00"),
)
GOOD, POOR = "4201000000000014", "4201000000000001"
# 6,000 × 25 % for each of three people: 4,500.00.
SUM = 450000


@pytest.fixture
def system(db: None) -> User:
    return User.objects.system()


@pytest.fixture
def releaser(cast: Cast) -> User:
    return staff("wuhan-9", "孙立", "wuhan", COLLECTOR)


@pytest.fixture
def drawn_up(cast: Cast, system: User) -> Assessment:
    """Three people at Donghu in pension and unemployment at 6,000 yuan; November is assessed."""
    for one in (cast.li_qiang, cast.wang_fang, cast.chen_jing):
        for insurance in (Insurance.PENSION, Insurance.UNEMPLOYMENT):
            cover(one, insurance, "wuhan", "2025-03", at=cast.donghu, wage_fen=600000)
    return assessed(cast.donghu, system)


@pytest.fixture
def staffed(cast: Cast, drawn_up: Assessment) -> Assessment:
    """The same, confirmed."""
    return assessments.confirm(drawn_up, by=cast.donghu_clerk, now=FIRST)


def assessed(who: Employer, system: User) -> Assessment:
    charge(city="wuhan", month=NOVEMBER, by=system, now=FIRST)
    assessments.draw_up(city="wuhan", month=NOVEMBER, by=system, now=FIRST)
    return Assessment.objects.exclude(status="replaced").get(employer=who, month=NOVEMBER)


def agree(who: Employer, number: str = GOOD) -> DebitAgreement:
    return DebitAgreement.objects.create(
        employer=who, city="wuhan", bank="psbc", account_number=number, holder=who.name, agreed_at=FIRST
    )


def opened(now: dt.datetime, system: User) -> DebitBatch:
    batch = of_employers.open_batch(city="wuhan", by=system, now=now)
    assert batch is not None
    return batch


def sent(now: dt.datetime, system: User, releaser: User) -> DebitBatch:
    batch = releasing.release(opened(now, system), by=releaser, now=now)
    return sending.write_file(batch, by=system, now=now)


def answered(batch: DebitBatch, exchange: Path, system: User, now: dt.datetime) -> DebitBatch:
    stand_in.serve(exchange, once=True, delay=0, say=lambda line: None)
    [read] = reading.read_answers(by=system, now=now)
    assert read.outcome == "accepted", read
    batch.refresh_from_db()
    return posting.post(batch, by=system, now=now)


def proved() -> bool:
    broken = [one for one in audit() if not one.holds]
    assert not broken, broken
    return True


def test_a_confirmed_month_is_debited_whole_and_booked_by_charge(
    cast: Cast, staffed: Assessment, exchange: Path, system: User, releaser: User
) -> None:
    agree(cast.donghu)
    batch = sent(FIFTEENTH, system, releaser)
    assert (batch.payer, batch.line_count, batch.total_fen) == (Payer.EMPLOYERS, 1, SUM)
    batch = answered(batch, exchange, system, FIFTEENTH)
    assert batch.status == "posted"
    assert {one.status for one in Charge.objects.all()} == {ChargeStatus.PAID}
    receipts = Receipt.objects.all()
    assert (receipts.count(), sum(one.amount_fen for one in receipts)) == (6, SUM)
    assert all(one.applied and one.debit_line == batch.lines.get() for one in receipts)
    staffed.refresh_from_db()
    assert staffed.status == AssessmentStatus.PAID
    assert "4,500.00 元已从尾号 0014 的账户扣款成功" in Notice.objects.get(user=cast.donghu_clerk).text
    assert closing.close(batch, by=releaser, now=FIFTEENTH).status == "closed"
    assert proved()


def test_every_step_again_changes_nothing(
    cast: Cast, staffed: Assessment, exchange: Path, system: User, releaser: User
) -> None:
    agree(cast.donghu)
    batch = answered(sent(FIFTEENTH, system, releaser), exchange, system, FIFTEENTH)
    before = (Receipt.objects.count(), DebitLine.objects.count(), Notice.objects.count())
    assert of_employers.open_batch(city="wuhan", by=system, now=FIFTEENTH) == batch
    assert of_employers.open_batch(city="wuhan", by=system, now=TWENTY_FIFTH) is None
    posting.post(batch, by=system, now=FIFTEENTH)
    assert (Receipt.objects.count(), DebitLine.objects.count(), Notice.objects.count()) == before


def test_what_failed_is_drawn_again_on_the_next_day_and_not_after_the_last(
    cast: Cast, staffed: Assessment, exchange: Path, system: User, releaser: User
) -> None:
    agreement = agree(cast.donghu, POOR)
    first = answered(sent(FIFTEENTH, system, releaser), exchange, system, FIFTEENTH)
    assert first.lines.get().reason_code == "balance"
    told = Notice.objects.get(user=cast.donghu_clerk)
    assert told.by_text
    assert "扣款失败" in told.title
    assert {one.status for one in Charge.objects.all()} == {ChargeStatus.OWED}
    assert [row.source for row in of_employers.preview(city="wuhan", now=TWENTY_FIFTH)] == ["扣款失败后再扣"]

    agreement.ended_at = FIFTEENTH
    agreement.save()
    agree(cast.donghu, GOOD)
    second = answered(sent(TWENTY_FIFTH, system, releaser), exchange, system, TWENTY_FIFTH)
    assert (second.number[-2:], second.lines.get().status) == ("E2", LineStatus.PAID)
    staffed.refresh_from_db()
    assert staffed.status == AssessmentStatus.PAID
    assert proved()


@pytest.mark.parametrize("why", ["not confirmed", "no agreement", "too early", "late", "in an order"])
def test_what_is_not_to_be_drawn_is_not(cast: Cast, drawn_up: Assessment, system: User, why: str) -> None:
    now = FIFTEENTH
    if why != "no agreement":
        agree(cast.donghu)
    if why != "not confirmed":
        assessments.confirm(drawn_up, by=cast.donghu_clerk, now=FIRST)
    if why == "too early":
        now = moment("2026-11-14 23:59")
    if why == "late":
        now = moment("2026-12-15 10:00")
    if why == "in an order":
        ordered(cast, drawn_up)
    assert of_employers.open_batch(city="wuhan", by=system, now=now) is None
    assert not DebitBatch.objects.exists()


def test_what_is_confirmed_after_a_day_waits_for_the_next(
    cast: Cast, drawn_up: Assessment, system: User
) -> None:
    agree(cast.donghu)
    after = moment("2026-11-16 09:00")
    assessments.confirm(drawn_up, by=cast.donghu_clerk, now=after)
    assert of_employers.open_batch(city="wuhan", by=system, now=after) is None
    assert opened(TWENTY_FIFTH, system).line_count == 1


def test_a_missed_day_takes_what_was_confirmed_by_then(cast: Cast, staffed: Assessment, system: User) -> None:
    agree(cast.donghu)
    batch = opened(moment("2026-11-17 09:00"), system)
    assert (batch.round, batch.line_count) == (1, 1)


def ordered(cast: Cast, found: Assessment) -> None:
    placing.place_charges(
        city="wuhan",
        charges=assessments.lines(found),
        employer=cast.donghu,
        key=uuid4(),
        by=cast.donghu_clerk,
        now=FIFTEENTH,
    )


def test_what_is_at_the_bank_cannot_be_ordered_also_where_it_was_assessed_anew(
    cast: Cast, staffed: Assessment, system: User
) -> None:
    agree(cast.donghu)
    opened(FIFTEENTH, system)
    with pytest.raises(placing.CannotOrder) as refused:
        ordered(cast, staffed)
    assert "已送银行扣款" in refused.value.refusals[0].why

    void(Charge.objects.filter(person=cast.wang_fang), why="参保关系终止", by=system, now=FIFTEENTH)
    anew = assessments.confirm(assessed(cast.donghu, system), by=cast.donghu_clerk, now=FIFTEENTH)
    assert anew.pk != staffed.pk
    with pytest.raises(placing.CannotOrder):
        ordered(cast, anew)
    assert of_employers.open_batch(city="wuhan", by=system, now=TWENTY_FIFTH) is None


def test_nobody_is_stopped_in_a_month_that_is_at_the_bank(
    cast: Cast, staffed: Assessment, system: User
) -> None:
    agree(cast.donghu)
    coverage = Coverage.objects.get(person=cast.wang_fang, insurance=Insurance.PENSION)
    assert Money().stop_barriers(coverage, NOVEMBER) == []
    opened(FIFTEENTH, system)
    assert Money().stop_barriers(coverage, NOVEMBER) == [
        "2026年11月养老保险已送银行扣款，结果返回后才能办理。"
    ]
    assert Money().stop_barriers(coverage, NOVEMBER + 1) == []


def test_a_late_month_at_the_bank_is_not_billed(cast: Cast, staffed: Assessment, system: User) -> None:
    agree(cast.donghu)
    december = dt.date(2026, 12, 1)
    assert [one.charges for one in late_months(cast.donghu, "wuhan", today=december)] == [6]
    opened(FIFTEENTH, system)
    assert [(one.charges, one.busy) for one in late_months(cast.donghu, "wuhan", today=december)] == [(0, 6)]


def test_whoever_opened_a_batch_does_not_release_it(
    cast: Cast, staffed: Assessment, releaser: User, system: User
) -> None:
    agree(cast.donghu)
    batch = of_employers.open_by_staff(city="wuhan", by=releaser, now=FIFTEENTH)
    assert batch is not None
    with pytest.raises(releasing.CannotRelease):
        releasing.release(batch, by=releaser, now=FIFTEENTH)
    with pytest.raises(freezing.CannotOpen):
        of_employers.open_by_staff(city="wuhan", by=cast.ningbo_reviewer, now=FIFTEENTH)


def test_what_was_paid_or_fell_away_meanwhile_goes_back(
    cast: Cast, staffed: Assessment, exchange: Path, system: User, releaser: User
) -> None:
    """A transfer pays the month and the bank debits it, too; a person had left before."""
    agree(cast.donghu)
    batch = sent(FIFTEENTH, system, releaser)
    gone = Charge.objects.filter(person=cast.wang_fang)
    void(gone, why="参保关系终止", by=system, now=FIFTEENTH)
    anew = assessments.confirm(assessed(cast.donghu, system), by=cast.donghu_clerk, now=FIFTEENTH)
    booked(cast, anew, anew.sum_fen, now=FIFTEENTH)
    answered(batch, exchange, system, FIFTEENTH)
    by_debit = Receipt.objects.filter(debit_line__isnull=False)
    assert (by_debit.count(), by_debit.filter(applied=True).count()) == (6, 0)
    assert doubled.draft_refunds(by=system, now=FIFTEENTH) == 1
    refund = Refund.objects.get()
    assert (refund.account_number, refund.holder) == (GOOD, cast.donghu.name)
    assert refund.amount_fen == sum(one.amount_fen for one in by_debit)
    assert refund.reason == "重复缴费：该月已另行缴费"
    told = Notice.objects.get(user=cast.donghu_clerk, title="有款项将原路退回")
    assert "2026年11月养老保险 3 笔共 4,320.00 元" in told.text
    assert not Notice.objects.filter(person__isnull=False).exists()
    assert proved()


def test_what_the_bank_left_open_is_settled_by_two(
    cast: Cast, staffed: Assessment, exchange: Path, system: User, releaser: User
) -> None:
    agree(cast.donghu)
    batch = sent(FIFTEENTH, system, releaser)
    body = f"H|DR01|{batch.number}|20261115|0|0|0|0|0\n"
    unanswered(exchange, body)
    [read] = reading.read_answers(by=system, now=FIFTEENTH)
    assert read.outcome == "accepted", read
    batch.refresh_from_db()
    batch = posting.post(batch, by=system, now=FIFTEENTH)
    [line] = open_lines.open_lines(batch)
    drafted = open_lines.draft_lines(
        batch,
        way=SettlementWay.PAID,
        numbers={line.pk: "PS1"},
        evidence="回单",
        key=uuid4(),
        by=cast.wuhan_collector,
        now=FIFTEENTH,
    )
    open_lines.approve(drafted, by=releaser, now=FIFTEENTH)
    staffed.refresh_from_db()
    assert staffed.status == AssessmentStatus.PAID
    assert closing.close(batch, by=releaser, now=FIFTEENTH).status == "closed"
    assert proved()


def unanswered(exchange: Path, body: str) -> None:
    """The bank's answer without a row."""
    check = hashlib.sha256(body.encode()).hexdigest()
    (exchange / "inbox").mkdir(parents=True, exist_ok=True)
    (exchange / "inbox" / "empty.DR01").write_text(f"{body}T|0|0|{check}\n", encoding="gb18030")


def test_the_number_of_statements_does_not_grow_with_the_employers(
    cast: Cast, exchange: Path, system: User, releaser: User
) -> None:
    counts = []
    for number, start, day in ((2, 1, FIFTEENTH), (9, 20, TWENTY_FIFTH)):
        for order in range(start, start + number):
            where = employer(f"公司{order}", "wuhan", "420106", 400 + order)
            clerk = User.objects.create_clerk(where, name="经办", phone=f"137{order:08d}", password=None)
            who: Person = person(f"职工{order}", "420106", "1990-01-01", order)
            cover(who, Insurance.PENSION, "wuhan", "2026-11", at=where, wage_fen=600000)
            assessments.confirm(assessed(where, system), by=clerk, now=FIRST)
            agree(where)
        with CaptureQueriesContext(connection) as captured:
            batch = opened(day, system)
        at_opening = len(captured)
        sending.write_file(releasing.release(batch, by=releaser, now=day), by=system, now=day)
        stand_in.serve(exchange, once=True, delay=0, say=lambda line: None)
        reading.read_answers(by=system, now=day)
        batch.refresh_from_db()
        with CaptureQueriesContext(connection) as captured:
            posting.post(batch, by=system, now=day)
        counts.append((at_opening, len(captured)))
        assert batch.line_count == number
    # The first posting also opens the city's accounts.
    assert counts[1][0] == counts[0][0]
    assert counts[1][1] <= counts[0][1]


# The agreement


def typed(**changes: str) -> dict[str, str]:
    return {"wish": "sign", "bank": "psbc", "account_number": "4201 0000 0000 0014", **changes}


def test_an_account_is_agreed_changed_and_ended(cast: Cast, now: dt.datetime) -> None:
    def decided(**changes: str) -> None:
        case = file(cast.donghu_clerk, "wuhan", CODE, typed(**changes), now)
        desk.decide(case, approve=True, by=cast.wuhan_reviewer, now=now)

    decided()
    assert of_employers.agreement_of(cast.donghu, "wuhan").account_number == GOOD  # type: ignore[union-attr]
    decided(account_number="４２０１０００００００００００２２")
    assert [one.account_number[-2:] for one in DebitAgreement.objects.order_by("pk")] == ["14", "22"]
    decided(wish="end", account_number="")
    assert of_employers.agreement_of(cast.donghu, "wuhan") is None
    assert DebitAgreement.objects.filter(ended_by__isnull=False).count() == 2


@pytest.mark.parametrize(
    ("changes", "field", "why"),
    [
        ({"account_number": ""}, "account_number", "请填写单位账号"),
        ({"account_number": "4201-ABC"}, "account_number", "8 至 32 位数字"),
        ({"wish": "end"}, "wish", "没有委托扣款"),
        ({"bank": "icbc"}, "bank", ""),
    ],
)
def test_what_cannot_be_agreed_is_told_beside_its_field(
    cast: Cast, now: dt.datetime, changes: dict[str, str], field: str, why: str
) -> None:
    found = reasons(cast.donghu_clerk, "wuhan", CODE, typed(**changes), now)
    assert why in found[field]


def test_another_citys_employer_is_sent_there(cast: Cast, now: dt.datetime) -> None:
    assert "只能在宁波办理" in reasons(cast.yongjiang_clerk, "wuhan", CODE, typed(), now)[""]


def test_the_database_keeps_one_agreement_and_does_not_edit_it(cast: Cast) -> None:
    agreement = agree(cast.donghu)
    with pytest.raises(IntegrityError), transaction.atomic():
        agree(cast.donghu, POOR)
    for change in (
        lambda: DebitAgreement.objects.filter(pk=agreement.pk).update(account_number=POOR),
        lambda: DebitAgreement.objects.filter(pk=agreement.pk).delete(),
    ):
        with pytest.raises(Exception, match="Cannot"), transaction.atomic():
            change()
