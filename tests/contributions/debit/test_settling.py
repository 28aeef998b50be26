"""What the bank left open is settled by two members of staff: booked under the bank's number,
failed, or asked about again.

A held answer is given up, or the first one stands.
"""

import hashlib
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from contributions.audit.looking import audit
from contributions.books import receiving
from contributions.debit import freezing, open_lines, opening, people_lines, releasing, settling
from contributions.models import (
    BankFile,
    BankInquiry,
    BatchStatus,
    Charge,
    ChargeStatus,
    DebitBatch,
    DebitLine,
    LineStatus,
    Receipt,
    Settlement,
    SettlementStatus,
    SettlementWay,
)
from portal.accounts.models import Notice, User
from portal.accounts.roles import COLLECTOR
from portal.shared.keys import KeyReused
from tests.cast import staff
from tests.contributions.money_cast import NOVEMBER, Road, charge_of, collector, worker
from tests.hall.test_races import at_once

pytestmark = pytest.mark.django_db

PAID, FAILED = SettlementWay.PAID, SettlementWay.FAILED


def checker() -> User:
    return User.objects.filter(username="settles").first() or staff("settles", "孙立", "wuhan", COLLECTOR)


def posted(road: Road, workers: int = 3, answered: int = 1) -> DebitBatch:
    """A batch of which the bank answered the first lines and left out the others."""
    for number in range(1, workers + 1):
        worker(number)
    road.charge()
    batch = road.open()
    road.send(batch)
    answer_of(road, batch, rows=answered)
    assert [one.outcome for one in road.read()] == ["accepted"]
    batch.refresh_from_db()
    return road.post(batch)


def answer_of(road: Road, batch: DebitBatch, *, rows: int, spoil: bool = False) -> None:
    """The bank's answer, with the first rows of the batch, all paid; one that is spoilt has a byte
    changed on its way."""
    lines = list(batch.lines.order_by("sequence")[:rows])
    total = sum(line.amount_fen for line in lines)
    body = f"H|DR01|{batch.number}|20261031|{rows}|{rows}|{total}|0|0\n" + "".join(
        f"D|{line.sequence}|{line.account_number}|{line.amount_fen}|00|PS{rows}{line.sequence}\n"
        for line in lines
    )
    whole = body + f"T|{rows}|{total}|{hashlib.sha256(body.encode()).hexdigest()}\n"
    inbox = road.exchange / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    text = whole.replace("|00|", "|51|", 1) if spoil else whole
    (inbox / f"{batch.number}-{rows}{'x' if spoil else ''}.txt").write_text(text, encoding="utf-8")


def missing(batch: DebitBatch) -> list[DebitLine]:
    return list(open_lines.open_lines(batch))


def drafted(
    road: Road, batch: DebitBatch, way: SettlementWay, *lines: DebitLine, key: UUID | None = None
) -> Settlement:
    return open_lines.draft_lines(
        batch,
        way=way,
        numbers={line.pk: f"PSBC-{line.pk}" for line in lines},
        evidence="邮储银行 2026-11-17 回函 12 号",
        key=key or uuid4(),
        by=collector(),
        now=road.now,
    )


def approved(road: Road, settlement: Settlement) -> Settlement:
    return open_lines.approve(settlement, by=checker(), now=road.now)


def sound() -> None:
    broken = [one for one in audit() if not one.holds]
    assert not broken, broken


# Lines


def test_what_the_bank_took_is_booked_under_its_own_number(road: Road) -> None:
    batch = posted(road)
    first, second = missing(batch)
    settlement = drafted(road, batch, PAID, first)
    assert DebitLine.objects.get(pk=first.pk).status == LineStatus.MISSING, "one hand moves nothing"
    approved(road, settlement)
    first.refresh_from_db()
    assert (first.status, first.bank_reference) == (LineStatus.PAID, f"PSBC-{first.pk}")
    receipt = Receipt.objects.get(debit_line=first)
    assert (receipt.applied, receipt.amount_fen) == (True, first.amount_fen)
    assert Charge.objects.get(pk=first.of_charge.pk).status == ChargeStatus.PAID
    assert missing(batch) == [second]
    notice = Notice.objects.get(kind=people_lines.SETTLED_NOTICE)
    assert "已扣款成功：2026年10月养老保险" in notice.text
    sound()


def test_what_it_did_not_take_fails_and_is_drawn_with_the_next_month(road: Road) -> None:
    batch = posted(road)
    lines = missing(batch)
    approved(road, drafted(road, batch, FAILED, *lines))
    assert {one.status for one in DebitLine.objects.filter(pk__in=[line.pk for line in lines])} == {"failed"}
    for notice in Notice.objects.filter(kind=people_lines.SETTLED_NOTICE):
        assert "2026年11月30日系统会再次扣款，请于2026年11月20日前在扣款账户足额存款。" in notice.text
        assert "下月" not in notice.text
    sound()
    road.month = NOVEMBER
    road.charge()
    following = road.open()
    again = {line.charge_id for line in following.lines.all()}
    assert {line.charge_id for line in lines} <= again


def test_the_batch_can_be_closed_and_settled_afterwards(road: Road) -> None:
    batch = posted(road)
    road.close(batch)
    approved(road, drafted(road, batch, PAID, *missing(batch)))
    sound()


def test_money_for_what_was_paid_meanwhile_lies_in_suspense(road: Road) -> None:
    batch = posted(road)
    first, _second = missing(batch)
    settlement = drafted(road, batch, PAID, first)
    charge = Charge.objects.get(pk=first.of_charge.pk)
    receiving.receive([charge], channel="counter", provider_number="C-1", at=road.now, by=collector())
    approved(road, settlement)
    assert Receipt.objects.get(debit_line=first).applied is False
    sound()


def test_nobody_checks_what_they_proposed(road: Road) -> None:
    batch = posted(road)
    settlement = drafted(road, batch, FAILED, *missing(batch))
    with pytest.raises(settling.CannotSettle, match="由您提出"):
        open_lines.approve(settlement, by=collector(), now=road.now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Settlement.objects.filter(pk=settlement.pk).update(
            status="approved", decided_by=settlement.drafted_by, decided_at=road.now
        )
    other = staff("elsewhere", "高远", "ningbo", COLLECTOR)
    with pytest.raises(settling.CannotSettle, match="本市"):
        open_lines.approve(settlement, by=other, now=road.now)
    assert len(missing(batch)) == 0, "they wait for the second person"


def test_what_is_refused_is_open_again(road: Road) -> None:
    batch = posted(road)
    settlement = drafted(road, batch, PAID, *missing(batch))
    with pytest.raises(settling.CannotSettle, match="原因"):
        open_lines.refuse(settlement, why=" ", by=checker(), now=road.now)
    open_lines.refuse(settlement, why="回函没有盖章", by=checker(), now=road.now)
    assert len(missing(batch)) == 2
    with pytest.raises(settling.CannotSettle, match="复核未通过"):
        approved(road, settlement)
    approved(road, drafted(road, batch, PAID, *missing(batch)))
    sound()


def test_a_bank_number_proves_one_line_and_each_needs_its_own(road: Road) -> None:
    batch = posted(road)
    first, second = missing(batch)

    def draft(numbers: dict[int, str]) -> Settlement:
        return open_lines.draft_lines(
            batch, way=PAID, numbers=numbers, evidence="回函", key=uuid4(), by=collector(), now=road.now
        )

    with pytest.raises(settling.CannotSettle, match="逐笔填写"):
        draft({first.pk: "A-1", second.pk: " "})
    with pytest.raises(settling.CannotSettle, match="同一个"):
        draft({first.pk: "A-1", second.pk: "A-1"})
    draft({first.pk: "A-1"})
    with pytest.raises(settling.CannotSettle, match="已用于另一笔"):
        draft({second.pk: "A-1"})
    with pytest.raises(settling.CannotSettle, match="待复核"):
        draft({first.pk: "A-2"})


def test_pressed_twice_is_once(road: Road) -> None:
    batch = posted(road)
    key = uuid4()
    lines = missing(batch)
    settlement = drafted(road, batch, PAID, *lines, key=key)
    assert drafted(road, batch, PAID, *lines, key=key) == settlement
    for _press in range(2):
        approved(road, settlement)
    assert Receipt.objects.filter(debit_line__in=lines).count() == 2
    with pytest.raises(KeyReused):
        drafted(road, batch, FAILED, *lines, key=key)


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_is_still_being_booked_is_left_alone(road: Road) -> None:
    batch = posted(road)
    lines = missing(batch)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contributions_debitbatch DISABLE TRIGGER USER")
        cursor.execute("UPDATE contributions_debitbatch SET status = 'answered'")
        cursor.execute("ALTER TABLE contributions_debitbatch ENABLE TRIGGER USER")
    batch.refresh_from_db()
    with pytest.raises(settling.CannotSettle, match="记账完毕"):
        drafted(road, batch, PAID, *lines)


@pytest.mark.django_db(transaction=True)
def test_five_checkers_at_once_book_once(road: Road) -> None:
    batch = posted(road)
    lines = missing(batch)
    settlement = drafted(road, batch, PAID, *lines)
    second = checker()
    results = at_once(*[lambda: open_lines.approve(settlement, by=second, now=road.now)] * 5)
    assert all(isinstance(one, Settlement) for one in results), results
    assert Receipt.objects.filter(debit_line__in=lines).count() == 2
    sound()


@pytest.mark.django_db(transaction=True)
def test_paid_at_the_counter_and_settled_as_paid_at_once_pays_once(road: Road) -> None:
    batch = posted(road, workers=2)
    [line] = missing(batch)
    settlement = drafted(road, batch, PAID, line)
    second, charge = checker(), Charge.objects.get(pk=line.of_charge.pk)
    at_once(
        lambda: open_lines.approve(settlement, by=second, now=road.now),
        lambda: receiving.receive(
            [charge], channel="counter", provider_number="C-9", at=road.now, by=second, now=road.now
        ),
    )
    assert sorted(Receipt.objects.filter(charge=charge).values_list("applied", flat=True)) == [False, True]
    sound()


# Ask again


def test_asking_again_is_recorded_and_moves_nothing(road: Road) -> None:
    batch = posted(road)
    open_lines.ask_again(batch, note="致电邮储清算部李经理", by=collector(), now=road.now)
    inquiry = BankInquiry.objects.get()
    assert (inquiry.line_count, inquiry.by) == (2, collector())
    assert len(missing(batch)) == 2
    with pytest.raises(settling.CannotSettle, match="方式"):
        open_lines.ask_again(batch, note="", by=collector(), now=road.now)
    approved(road, drafted(road, batch, FAILED, *missing(batch)))
    with pytest.raises(settling.CannotSettle, match="没有需要"):
        open_lines.ask_again(batch, note="再问", by=collector(), now=road.now)


# Held answers


def held(road: Road) -> tuple[DebitBatch, BankFile]:
    worker(1), worker(2)
    road.charge()
    batch = road.open()
    road.send(batch)
    answer_of(road, batch, rows=2, spoil=True)
    assert [one.outcome for one in road.read()] == ["held"]
    batch.refresh_from_db()
    assert batch.status == BatchStatus.HELD
    return batch, BankFile.objects.get(status="held")


def test_an_answer_that_cannot_be_used_is_given_up_and_its_lines_are_open(road: Road) -> None:
    batch, file = held(road)
    assert open_lines.ways_of(file) == [SettlementWay.NO_ANSWER]
    settlement = open_lines.draft_file(
        file,
        way=SettlementWay.NO_ANSWER,
        evidence="银行无法重新返回",
        key=uuid4(),
        by=collector(),
        now=road.now,
    )
    assert open_lines.open_files(batch) == []
    approved(road, settlement)
    batch.refresh_from_db()
    assert batch.status == BatchStatus.ANSWERED
    batch = road.post(batch)
    first, second = missing(batch)
    approved(road, drafted(road, batch, PAID, first))
    approved(road, drafted(road, batch, FAILED, second))
    road.close(batch)
    sound()


def test_a_good_answer_comes_before_the_second_person(road: Road) -> None:
    file = held(road)[1]
    settlement = open_lines.draft_file(
        file,
        way=SettlementWay.NO_ANSWER,
        evidence="银行无法重新返回",
        key=uuid4(),
        by=collector(),
        now=road.now,
    )
    road.bank()
    assert [one.outcome for one in road.read()] == ["accepted"]
    with pytest.raises(settling.CannotSettle, match="状态已变化"):
        approved(road, settlement)
    settlement.refresh_from_db()
    assert settlement.status == SettlementStatus.DRAFTED
    sound()


def test_of_two_answers_the_first_stands(road: Road) -> None:
    batch = posted(road, workers=2, answered=2)
    answer_of(road, batch, rows=1)
    assert [one.outcome for one in road.read()] == ["held"]
    [file] = open_lines.open_files(batch)
    assert open_lines.ways_of(file) == [SettlementWay.FIRST_STANDS]
    with pytest.raises(settling.CannotSettle, match="依据"):
        open_lines.draft_file(
            file, way=SettlementWay.FIRST_STANDS, evidence=" ", key=uuid4(), by=collector(), now=road.now
        )
    settlement = open_lines.draft_file(
        file,
        way=SettlementWay.FIRST_STANDS,
        evidence="银行确认第二份作废",
        key=uuid4(),
        by=collector(),
        now=road.now,
    )
    approved(road, settlement)
    assert open_lines.open_files(batch) == []
    assert charge_of(batch.lines.get(sequence=1).of_charge.person).status == ChargeStatus.PAID
    sound()


# The audit


@pytest.mark.django_db(transaction=True)
def test_the_audit_finds_a_line_that_says_another_thing_than_its_settlement(road: Road) -> None:
    batch = posted(road)
    approved(road, drafted(road, batch, FAILED, *missing(batch)))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contributions_settlement DISABLE TRIGGER USER")
        cursor.execute("UPDATE contributions_settlement SET sum_fen = sum_fen + 1")
        cursor.execute("ALTER TABLE contributions_settlement ENABLE TRIGGER USER")
    assert [one.number for one in audit() if not one.holds] == [3]


# Opening by hand


def test_a_batch_is_not_opened_before_its_day(road: Road, now: object) -> None:
    worker(1)
    road.month = NOVEMBER
    road.charge()
    why = opening.why_not_open(city="wuhan", month=NOVEMBER, by=collector(), now=road.now)
    assert "2026-11-30" in why
    with pytest.raises(freezing.CannotOpen, match="2026-11-30"):
        opening.open_by_staff(city="wuhan", month=NOVEMBER, by=collector(), now=road.now)
    assert not DebitBatch.objects.exists()


def test_what_would_be_drawn_is_what_is_drawn(road: Road) -> None:
    worker(1), worker(2)
    road.charge()
    [row] = opening.preview(city="wuhan", month=road.month)
    assert not DebitLine.objects.exists()
    batch = opening.open_by_staff(city="wuhan", month=road.month, by=collector(), now=road.now)
    assert batch is not None
    assert (row.count, row.fen, row.source) == (batch.line_count, batch.total_fen, "当月应缴")
    assert batch.opened_by == collector()
    with pytest.raises(releasing.CannotRelease):
        releasing.release(batch, by=collector(), now=road.now)
    assert opening.preview(city="wuhan", month=road.month) == []


def test_only_the_citys_own_staff_open(road: Road) -> None:
    worker(1)
    road.charge()
    stranger = staff("elsewhere", "高远", "ningbo", COLLECTOR)
    with pytest.raises(freezing.CannotOpen, match="本市"):
        opening.open_by_staff(city="wuhan", month=road.month, by=stranger, now=road.now)
