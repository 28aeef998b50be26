"""退款: what paid nothing goes back once, to where it came from, by two members of staff, whatever
the channel says."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from contributions.audit.looking import audit as books
from contributions.books import ledger
from contributions.channels.protocol import Answer, Outcome
from contributions.models import (
    REFUND_LIFE_CYCLE,
    AccountKind,
    Charge,
    Entry,
    Payment,
    Receipt,
    Refund,
    RefundPart,
    RefundStatus,
    RefundWay,
)
from contributions.orders import closing
from contributions.refunds import drafting, held_money, refund_lifecycle, sending
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR
from portal.shared.keys import KeyReused
from tests.cast import staff
from tests.contributions.orders.conftest import MEDICAL, PENSION, THIS, Provider, Till, audit

pytestmark = pytest.mark.django_db


def maker(city: str = "wuxi") -> User:
    return _staff(f"maker-{city}", "钱进", city)


def checker(city: str = "wuxi") -> User:
    return _staff(f"checker-{city}", "何秀", city)


def _staff(username: str, name: str, city: str) -> User:
    return User.objects.filter(username=username).first() or staff(username, name, city, COLLECTOR)


def paid_twice(till: Till, providers: dict[str, Provider]) -> Payment:
    """One order, paid by WeChat and by Alipay; the latter's money lies in suspense."""
    order = till.place()
    first = till.start(order, "wechat")
    till.tell(providers["wechat"].fails(first.number))
    second = till.start(order, "alipay")
    till.tell(providers["wechat"].pays(first.number))
    till.tell(providers["alipay"].pays(second.number), "alipay")
    second.refresh_from_db()
    return second


@pytest.fixture
def twice(till: Till, providers: dict[str, Provider]) -> Receipt:
    """The receipt that paid nothing of an order paid by two channels."""
    return Receipt.objects.get(entry=paid_twice(till, providers).entry)


def drafted(till: Till, receipt: Receipt, fen: int = 0, key: UUID | None = None) -> Refund:
    return drafting.draft(
        receipt, amount_fen=fen or receipt.amount_fen, reason="重复缴费", key=key or uuid4(), by=maker(),
        now=till.now,
    )  # fmt: skip


def approved(till: Till, receipt: Receipt, fen: int = 0) -> Refund:
    return drafting.approve(drafted(till, receipt, fen), by=checker(), now=till.now)


def sends(till: Till, **wait: float) -> int:
    till.clock.step(**wait)
    return sending.send_due(by=till.system, now=till.now)


def suspense(city: str = "wuxi") -> int:
    """What lies in suspense."""
    balances = ledger.trial_balance(cities=[city])
    return -sum(one.balance_fen for one in balances if one.account.kind == AccountKind.SUSPENSE)


# Paid by two channels, one refunded


def test_paid_by_two_channels_one_is_refunded(
    till: Till, providers: dict[str, Provider], twice: Receipt
) -> None:
    assert list(held_money.to_draft(["wuxi"])) == [twice]
    refund = drafted(till, twice)
    assert not held_money.to_draft(["wuxi"]).exists()
    assert (refund.way, refund.channel) == (RefundWay.CHANNEL, "alipay")
    assert sends(till) == 0, "nothing leaves before a second person has looked"
    drafting.approve(refund, by=checker(), now=till.now)
    assert sends(till) == 1
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert providers["alipay"].given == {refund.number: twice.amount_fen}
    assert not providers["wechat"].given
    assert suspense() == 0
    assert refund.entry is not None
    assert refund.entry is not None
    legs = {leg.account.kind: leg.amount_fen for leg in refund.entry.legs.select_related("account")}
    assert legs == {"suspense": twice.amount_fen, "clearing": -twice.amount_fen}
    assert Charge.objects.get().status == "paid"
    assert held_money.returned([twice])[twice.pk].words == "已退回"
    assert [one.status for one in refund.events.all()] == ["drafted", "approved", "sent", "succeeded"]
    audit()


def test_what_paid_its_charge_is_not_refunded(till: Till, twice: Receipt) -> None:
    good = Receipt.objects.get(applied=True)
    with pytest.raises(refund_lifecycle.CannotRefund, match="已经记入应缴"):
        drafted(till, good)
    with pytest.raises(IntegrityError), transaction.atomic():
        _by_hand(good, 1)


def test_part_by_part_but_never_more_than_was_paid(till: Till, twice: Receipt) -> None:
    approved(till, twice, 100)
    drafted(till, twice, twice.amount_fen - 101)
    assert held_money.held().get(pk=twice.pk).left_fen == 1
    with pytest.raises(refund_lifecycle.CannotRefund, match=r"不超过可退的 0\.01 元"):
        drafted(till, twice, 2)
    with pytest.raises(IntegrityError, match="more than may go back"), transaction.atomic():
        _by_hand(twice, 2)
    drafted(till, twice, 1)
    assert [one.given_fen for one in held_money.held()] == [twice.amount_fen]
    for wrong in (0, -5):
        with pytest.raises(refund_lifecycle.CannotRefund):
            drafting.draft(twice, amount_fen=wrong, reason="x", key=uuid4(), by=maker(), now=till.now)


def _by_hand(receipt: Receipt, fen: int, channel: str = "") -> Refund:
    refund = _without_parts(receipt, fen, channel)
    RefundPart.objects.create(refund=refund, receipt=receipt, amount_fen=fen)
    return refund


def _without_parts(receipt: Receipt, fen: int, channel: str = "") -> Refund:
    return Refund.objects.create(
        number=f"R{uuid4().hex[:20]}", city=receipt.city, amount_fen=fen, way="bank", channel=channel or receipt.channel,
        account_number="1234", holder="x", reason="x", key=uuid4(), drafted_at=receipt.received_at, drafted_by=maker(),
    )  # fmt: skip


# Several months of one payment


@pytest.fixture
def late(till: Till, providers: dict[str, Provider]) -> list[Receipt]:
    """The receipts of two months that were paid together when their order had ended."""
    return list(Receipt.objects.filter(entry=paid_late(till, providers).entry).order_by("pk"))


def paid_late(till: Till, providers: dict[str, Provider]) -> Payment:
    """Two months are ordered, the order is cancelled, and then the payment turns out to have been
    made."""
    order = till.place({PENSION: ("60", [THIS]), MEDICAL: ("60", [THIS])})
    payment = till.start(order, "wechat")
    till.tell(providers["wechat"].fails(payment.number))
    closing.cancel(order, by=till.system, now=till.now)
    till.tell(providers["wechat"].pays(payment.number))
    payment.refresh_from_db()
    return payment


def test_what_came_together_goes_back_together(
    till: Till, providers: dict[str, Provider], late: list[Receipt]
) -> None:
    key = uuid4()
    assert list(held_money.came_together(late[0])) == late
    [refund, again] = [
        drafting.draft_together(late, reason="逾期到账", key=key, by=maker(), now=till.now)
        for _press in range(2)
    ]
    assert again == refund
    assert refund.amount_fen == sum(one.amount_fen for one in late)
    assert [part.receipt for part in refund.parts.order_by("pk")] == late
    assert not held_money.came_together(late[0]).exists()
    with pytest.raises(refund_lifecycle.CannotRefund):
        drafted(till, late[1], 1)
    drafting.approve(refund, by=checker(), now=till.now)
    assert sends(till) == 1
    assert providers["wechat"].given == {refund.number: refund.amount_fen}
    assert suspense() == 0
    audit()


@pytest.mark.parametrize("wrong", [0, -1])
def test_nothing_is_no_amount(till: Till, late: list[Receipt], wrong: int) -> None:
    with pytest.raises(refund_lifecycle.CannotRefund, match="大于 0"):
        drafting.draft(late[0], amount_fen=wrong, reason="x", key=uuid4(), by=maker(), now=till.now)


def test_together_goes_what_is_left(till: Till, late: list[Receipt]) -> None:
    drafted(till, late[0], 100)
    refund = drafting.draft_together(late, reason="逾期到账", key=uuid4(), by=maker(), now=till.now)
    assert refund.amount_fen == sum(one.amount_fen for one in late) - 100
    assert not held_money.to_draft().exists()


def test_two_payments_are_two_refunds(till: Till, late: list[Receipt], twice: Receipt) -> None:
    with pytest.raises(refund_lifecycle.CannotRefund, match="不是同一笔付款"):
        drafting.draft_together([*late, twice], reason="x", key=uuid4(), by=maker(), now=till.now)


def test_the_database_holds_a_refund_and_its_parts_together(
    till: Till, late: list[Receipt], twice: Receipt
) -> None:
    refund = drafted(till, late[0], 100)
    with pytest.raises(IntegrityError, match="not the sum of its parts"), transaction.atomic():
        RefundPart.objects.create(refund=refund, receipt=late[1], amount_fen=1)
    with pytest.raises(IntegrityError, match="by this road"), transaction.atomic():
        _by_hand(twice, 1, channel="wechat")
    _without_parts(twice, 1)
    with pytest.raises(IntegrityError, match="has no parts"):
        connection.check_constraints()


# Pressed twice


def test_drafted_approved_and_sent_twice_is_one(
    till: Till, providers: dict[str, Provider], twice: Receipt
) -> None:
    key = uuid4()
    refund = drafted(till, twice, key=key)
    assert drafted(till, twice, key=key) == refund
    with pytest.raises(KeyReused):
        drafted(till, twice, 5, key=key)
    for _press in range(2):
        drafting.approve(refund, by=checker(), now=till.now)
    for _bell in range(3):
        sends(till, minutes=20)
    assert providers["alipay"].asked("refund") == 1
    assert Entry.objects.filter(kind=refund_lifecycle.KIND).count() == 1
    audit()


def test_an_answer_said_twice_books_once(till: Till, providers: dict[str, Provider], twice: Receipt) -> None:
    refund = approved(till, twice)
    sends(till)
    mark = Answer(refund.number, Outcome.SUCCEEDED, twice.amount_fen, "another")
    for _time in range(2):
        sending.take_answer(refund, mark, by=till.system, now=till.now)
    assert Entry.objects.filter(kind=refund_lifecycle.KIND).count() == 1


# What the channel says


def test_an_answer_that_is_lost_is_asked_for_and_never_sent_under_another_number(
    till: Till, providers: dict[str, Provider], twice: Receipt
) -> None:
    alipay = providers["alipay"]
    alipay.cut = {"refund"}
    refund = approved(till, twice)
    sends(till)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SENT
    assert held_money.returned([twice])[twice.pk].words == "退款处理中"
    assert held_money.held().get(pk=twice.pk).left_fen == 0, (
        "nobody drafts another while its end is not known"
    )
    assert sends(till) == 0, "not asked before its time"
    assert sends(till, seconds=20) == 1
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert (alipay.asked("refund"), alipay.asked("ask_refund")) == (1, 1)
    audit()


def test_what_never_reached_the_channel_is_sent_again_under_its_number(
    till: Till, providers: dict[str, Provider], twice: Receipt
) -> None:
    alipay = providers["alipay"]
    alipay.down = {"refund"}
    refund = approved(till, twice)
    sends(till)
    alipay.down = set()
    sends(till, seconds=20)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert {number for what, number in alipay.calls if what == "refund"} == {refund.number}


def test_pending_is_asked_again_until_it_is_known(
    till: Till, providers: dict[str, Provider], twice: Receipt
) -> None:
    alipay = providers["alipay"]
    refund = approved(till, twice)
    alipay.no_refund = Answer(refund.number, Outcome.PENDING)
    sends(till)
    alipay.no_refund, alipay.given = None, {refund.number: twice.amount_fen}
    sends(till, seconds=20)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert alipay.asked("refund") == 1


def test_refused_by_the_channel_it_is_back_with_the_reason(
    till: Till, providers: dict[str, Provider], twice: Receipt
) -> None:
    refund = approved(till, twice)
    providers["alipay"].no_refund = Answer(refund.number, Outcome.FAILED, why="账户已注销")
    sends(till)
    refund.refresh_from_db()
    assert (refund.status, refund.why) == (RefundStatus.FAILED, "账户已注销")
    assert list(held_money.to_draft()) == [twice]
    assert suspense() == twice.amount_fen
    providers["alipay"].no_refund = None
    again = approved(till, twice)
    sends(till)
    again.refresh_from_db()
    assert again.status == RefundStatus.SUCCEEDED
    audit()


def test_another_sum_than_was_asked_for_is_not_booked(
    till: Till, providers: dict[str, Provider], twice: Receipt, caplog: pytest.LogCaptureFixture
) -> None:
    refund = approved(till, twice)
    providers["alipay"].no_refund = Answer(refund.number, Outcome.SUCCEEDED, 1, "mark")
    sends(till)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SENT
    assert "another refund" in caplog.text


# Two members of staff


def test_nobody_checks_their_own(till: Till, twice: Receipt) -> None:
    refund = drafted(till, twice)
    with pytest.raises(refund_lifecycle.CannotRefund, match="另一名"):
        drafting.approve(refund, by=maker(), now=till.now)
    with pytest.raises(refund_lifecycle.CannotRefund, match="本市"):
        drafting.approve(refund, by=checker("ningbo"), now=till.now)
    with pytest.raises(refund_lifecycle.CannotRefund, match="本市"):
        drafting.draft(twice, amount_fen=1, reason="x", key=uuid4(), by=maker("ningbo"), now=till.now)
    with pytest.raises(IntegrityError, match="second_person"), transaction.atomic():
        Refund.objects.filter(pk=refund.pk).update(status="approved", decided_by=maker(), decided_at=till.now)


def test_refused_by_the_checker_it_may_be_drafted_anew(till: Till, twice: Receipt) -> None:
    refund = drafted(till, twice)
    with pytest.raises(refund_lifecycle.CannotRefund, match="原因"):
        drafting.refuse(refund, why=" ", by=checker(), now=till.now)
    drafting.refuse(refund, why="应先与银行核实", by=checker(), now=till.now)
    with pytest.raises(refund_lifecycle.CannotRefund, match="复核未通过"):
        drafting.approve(refund, by=checker(), now=till.now)
    assert sends(till) == 0
    drafted(till, twice)


def test_the_database_lets_a_refund_move_only_along_its_table(till: Till, twice: Receipt) -> None:
    refund = drafted(till, twice)
    for illegal in ("sent", "succeeded", "failed"):
        assert ("drafted", illegal) not in REFUND_LIFE_CYCLE.transitions
        with pytest.raises(Exception, match=r"(?i)cannot update"), transaction.atomic():
            Refund.objects.filter(pk=refund.pk).update(
                status=illegal, why="x", decided_by=checker(), decided_at=till.now
            )
    for change in ({"amount_fen": 1}, {"number": "other"}, {"account_number": "1"}):
        with pytest.raises(Exception, match=r"(?i)cannot update"), transaction.atomic():
            Refund.objects.filter(pk=refund.pk).update(**change)
    with pytest.raises(Exception, match=r"(?i)cannot delete"), transaction.atomic():
        refund.delete()


# The audit


def broken_by(*statements: str) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
    return {one.number for one in books() if not one.holds}


@pytest.mark.parametrize(
    ("statements", "numbers"),
    [
        (["UPDATE contributions_refund SET amount_fen = amount_fen + 1"], {2, 10}),
        (["UPDATE contributions_refund SET amount_fen = amount_fen - 1"], {2, 10}),
        (["DELETE FROM contributions_refundpart"], {10}),
        (
            [
                "DROP INDEX a_charge_is_paid_once",
                "UPDATE contributions_receipt SET applied = true WHERE NOT applied",
            ],
            {10},
        ),
        (["DELETE FROM contributions_refundevent WHERE status = 'approved'"], {6}),
        (["DELETE FROM contributions_refundevent WHERE status = 'succeeded'"], {6}),
        (
            [
                "ALTER TABLE contributions_refund DROP CONSTRAINT refund_booked_where_it_succeeded",
                "UPDATE contributions_refund SET entry_id = NULL",
            ],
            {2},
        ),
        (
            [
                "ALTER TABLE contributions_refund DROP CONSTRAINT refund_decided_by_a_second_person",
                "UPDATE contributions_refund SET decided_by_id = drafted_by_id",
            ],
            {12},
        ),
        (
            [
                """INSERT INTO contributions_refund (number, city, amount_fen, way, channel, payment_id, account_number,
                    holder, reason, status, key, drafted_at, drafted_by_id, asked, provider_number, why, bounced_why)
                SELECT 'second', city, 1, way, channel, payment_id, '', '', reason, 'drafted', gen_random_uuid(),
                    drafted_at, drafted_by_id, 0, '', '', '' FROM contributions_refund""",
                """INSERT INTO contributions_refundpart (refund_id, receipt_id, amount_fen)
                SELECT max(refund.id), max(receipt_id), 1 FROM contributions_refund refund, contributions_refundpart""",
            ],
            {10},
        ),
    ],
)
def test_each_broken_promise_of_refunds_is_found(
    till: Till, twice: Receipt, statements: list[str], numbers: set[int]
) -> None:
    approved(till, twice)
    sends(till)
    assert all(one.holds for one in books())
    assert numbers <= broken_by(*statements)


def test_paid_for_an_order_that_had_ended_goes_back_month_by_month(
    till: Till, providers: dict[str, Provider]
) -> None:
    order = till.place({PENSION: ("60", [THIS, THIS + 1])})
    payment = till.start(order)
    till.clock.step(minutes=31)
    for _bell in range(2):
        till.rings()
    till.tell(providers["wechat"].pays(payment.number))
    payment.refresh_from_db()
    first, second = held_money.to_draft(["wuxi"])
    for receipt in (first, second):
        approved(till, receipt)
    assert sends(till) == 2
    assert sum(providers["wechat"].given.values()) == order.sum_fen
    found: Any = held_money.returned_of(payment)
    assert (found.whole, found.words) == (True, "已退回")
    audit()
