"""社保卡个人账户充值: one's own card and account are checked, the money is credited once and for
medical use only, and what comes too late goes back."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from contributions.audit.looking import audit as books
from contributions.books import personal_account
from contributions.models import (
    AccountMovement,
    MovementKind,
    Order,
    OrderStatus,
    Payment,
    PaymentStatus,
    Receipt,
    Refund,
    RefundStatus,
    TopUp,
)
from contributions.orders import closing, payable, placing, top_ups
from contributions.refunds import doubled, drafting, held_money, sending
from portal.accounts.models import User
from portal.hall.routing import Status
from portal.registers.bank import bank_register
from portal.registers.models import AccountState, MedicalAccountRecord, SecurityCardRecord
from portal.shared.insurance import Insurance
from portal.shared.keys import KeyReused
from tests.contributions.orders.conftest import Provider, Till, audit, providers, till
from tests.contributions.orders.test_races import broken, in_crowd
from tests.contributions.refunds.test_refunds import checker
from tests.filing import file, reasons
from tests.hall.test_races import Meeting, at_once, without_constraint

__all__ = ["providers", "till"]

pytestmark = pytest.mark.django_db
CODE = "card-top-up"
CARD = "6217001180012345677"
OTHER_CARD = "6222020200000000006"


def typed(amount: str = "200", card: str = CARD) -> dict[str, str]:
    return {"card_number": card, "amount": amount}


@pytest.fixture
def wang(till: Till) -> User:
    """王芳, with an activated card and a medical account in Wuxi."""
    person = till.cast.wang_fang
    SecurityCardRecord.objects.create(
        identity_number=person.identity_number, bank="icbc", number=CARD, activated=True
    )
    MedicalAccountRecord.objects.create(
        identity_number=person.identity_number, city="wuxi", number=CARD, state=AccountState.OPEN
    )
    return till.cast.wang_fang_login


def filed(till: Till, wang: User, amount: str = "200", **more: Any) -> Order:
    case = file(wang, "wuxi", CODE, typed(amount), till.now, **more)
    return Order.objects.get(number=case.outcome["order"])


def why(till: Till, user: User, **more: str) -> dict[str, str]:
    return reasons(user, "wuxi", CODE, typed(**more), till.now)


def held_fen(till: Till) -> int:
    return personal_account.balance(till.cast.wang_fang, "wuxi", Insurance.MEDICAL)


def paid(till: Till, providers: dict[str, Provider], order: Order) -> Payment:
    payment = till.start(order, "wechat")
    till.tell(providers["wechat"].pays(payment.number))
    order.refresh_from_db()
    payment.refresh_from_db()
    return payment


# Who may


def test_it_ends_in_an_order_and_the_payment_is_credited_at_once(
    till: Till, wang: User, providers: dict[str, Provider]
) -> None:
    order = filed(till, wang)
    assert (order.sum_fen, order.line_count, held_fen(till)) == (20000, 1, 0)
    payment = paid(till, providers, order)
    assert (order.status, payment.credited) == (OrderStatus.PAID, True)
    movement = AccountMovement.objects.get()
    assert (movement.kind, movement.insurance, movement.amount_fen) == (MovementKind.TOP_UP, "medical", 20000)
    assert TopUp.objects.get().movement == movement
    assert payment.entry == movement.entry
    assert held_fen(till) == 20000
    assert "充值" in providers["wechat"].announced[payment.number].subject
    assert not Receipt.objects.exists()
    audit()


def test_the_case_waits_and_leads_to_the_payment(till: Till, wang: User) -> None:
    case = file(wang, "wuxi", CODE, typed("35.50"), till.now)
    assert case.status == Status.TO_PAY
    assert case.outcome["links"] == [["去支付 35.50 元", f"/orders/{case.outcome['order']}/"]]


def test_anothers_card_is_refused(till: Till, wang: User) -> None:
    assert "只能为本人的卡充值" in why(till, wang, card=OTHER_CARD)["card_number"]
    SecurityCardRecord.objects.create(
        identity_number=till.cast.chen_jing.identity_number, bank="icbc", number=OTHER_CARD, activated=True
    )
    assert "只能为本人的卡充值" in why(till, wang, card=OTHER_CARD)["card_number"]
    assert not Order.objects.exists()


def test_without_a_card_or_an_activated_one(till: Till, wang: User) -> None:
    SecurityCardRecord.objects.update(activated=False)
    assert "还没有激活" in why(till, wang)["card_number"]
    SecurityCardRecord.objects.all().delete()
    assert "没有查到您的社会保障卡" in why(till, wang)["card_number"]


@pytest.mark.parametrize(("state", "word"), [(AccountState.FROZEN, "冻结"), (AccountState.CLOSED, "已注销")])
def test_an_account_that_cannot_be_used(till: Till, wang: User, state: AccountState, word: str) -> None:
    MedicalAccountRecord.objects.update(state=state)
    assert word in why(till, wang)[""]
    MedicalAccountRecord.objects.update(state=AccountState.OPEN, number=OTHER_CARD)
    assert "登记的是另一张卡" in why(till, wang)["card_number"]
    MedicalAccountRecord.objects.all().delete()
    assert "没有查到您在无锡的医保个人账户" in why(till, wang)[""]


def test_a_card_number_with_a_wrong_digit_is_told_beside_the_field(till: Till, wang: User) -> None:
    assert "有一位输错" in why(till, wang, card=CARD[:-1] + "2")["card_number"]


# How much


@pytest.mark.parametrize("amount", ["9.99", "2000.01", "-5", "abc", "1.234"])
def test_the_sum_is_within_what_is_allowed_at_once(till: Till, wang: User, amount: str) -> None:
    assert "amount" in why(till, wang, amount=amount)


def test_the_day_counts_open_orders_too_and_starts_anew_at_midnight_in_china(
    till: Till, wang: User, providers: dict[str, Provider]
) -> None:
    paid(till, providers, filed(till, wang, "2000"))
    filed(till, wang, "2000")
    assert "今天还可充值 1,000.00 元" in why(till, wang, amount="1000.01")["amount"]
    dropped = filed(till, wang, "1000")
    assert "今天还可充值 0.00 元" in why(till, wang, amount="10")["amount"]
    closing.cancel(dropped, by=till.system, now=till.now)
    assert why(till, wang, amount="1000") == {}
    till.clock.set("2026-11-18 00:00")
    assert why(till, wang, amount="2000") == {}


def placed(till: Till, fen: int) -> Order:
    person = till.cast.wang_fang
    card = bank_register().card(person.identity_number)
    assert card is not None
    return top_ups.place(
        person=person,
        city="wuxi",
        card=card,
        amount_fen=fen,
        key=uuid4(),
        by=till.cast.wang_fang_login,
        now=till.now,
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False])
def test_two_at_once_pass_the_days_limit_only_without_the_persons_lock(
    till: Till, wang: User, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    placed(till, 200000)
    placed(till, 200000)
    meeting, looked = Meeting(), top_ups.why_not

    def look_then_meet(*args: Any, **more: Any) -> str:
        said = looked(*args, **more)
        meeting.wait()
        return said

    monkeypatch.setattr(top_ups, "why_not", look_then_meet)
    if not guarded:
        monkeypatch.setattr(placing, "lock_subject", lambda number: None)
    results = at_once(*[lambda: placed(till, 60000)] * 2)
    passed = sum(isinstance(one, Order) for one in results)
    assert (meeting.met, passed) == (not guarded, 1 if guarded else 2)
    assert top_ups.ordered_fen(till.cast.wang_fang, "wuxi", till.now.date()) == 400000 + 60000 * passed


def test_the_same_key_is_one_order(till: Till, wang: User) -> None:
    key = uuid4()
    first = filed(till, wang, key=key)
    assert filed(till, wang, key=key) == first
    with pytest.raises(KeyReused):
        file(wang, "wuxi", CODE, typed("300"), till.now, key=key)


# What can go wrong with a payment


def test_a_hundred_callbacks_credit_once(till: Till, wang: User, providers: dict[str, Provider]) -> None:
    payment = till.start(filed(till, wang), "wechat")
    answer = providers["wechat"].pays(payment.number)
    for _again in range(5):
        till.tell(answer)
    assert AccountMovement.objects.count() == 1
    assert held_fen(till) == 20000
    audit()


@pytest.mark.django_db(transaction=True)
def test_twenty_callbacks_at_once_credit_once(till: Till, wang: User, providers: dict[str, Provider]) -> None:
    payment = till.start(filed(till, wang), "wechat")
    answer = providers["wechat"].pays(payment.number)
    assert not broken(in_crowd(lambda: till.tell(answer), 20))
    assert held_fen(till) == 20000
    audit()


def test_paid_by_two_channels_one_is_given_back(
    till: Till, wang: User, providers: dict[str, Provider]
) -> None:
    order = filed(till, wang)
    first = till.start(order, "wechat")
    till.tell(providers["wechat"].fails(first.number))
    second = till.start(order, "alipay")
    till.tell(providers["wechat"].pays(first.number))
    till.tell(providers["alipay"].pays(second.number), "alipay")
    assert held_fen(till) == 20000
    assert doubled.draft_refunds(by=till.system, now=till.now) == 1
    refund = Refund.objects.get()
    drafting.approve(refund, by=checker(), now=till.now)
    sending.send_due(by=till.system, now=till.now)
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert providers["alipay"].given == {refund.number: 20000}
    assert held_fen(till) == 20000
    audit()


def test_paid_after_the_order_was_over_is_held_and_not_credited(
    till: Till, wang: User, providers: dict[str, Provider]
) -> None:
    order = filed(till, wang)
    payment = till.start(order, "wechat")
    till.tell(providers["wechat"].fails(payment.number))
    till.clock.step(minutes=31)
    till.rings()
    order.refresh_from_db()
    assert order.status == OrderStatus.EXPIRED
    till.tell(providers["wechat"].pays(payment.number))
    receipt = Receipt.objects.get()
    assert (receipt.applied, receipt.charge, receipt.order, receipt.person) == (
        False,
        None,
        order,
        till.cast.wang_fang,
    )
    assert held_fen(till) == 0
    assert held_money.to_draft(["wuxi"]).get().pk == receipt.pk
    assert not held_money.to_draft(["wuhan"]).exists()
    audit()


def test_a_fen_off_is_held_and_left_to_staff(till: Till, wang: User, providers: dict[str, Provider]) -> None:
    order = filed(till, wang)
    payment = till.start(order, "wechat")
    till.tell(providers["wechat"].pays(payment.number, fen=19999))
    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, payment.status) == (OrderStatus.CANCELLED, PaymentStatus.HELD)
    assert held_fen(till) == 0
    assert doubled.draft_refunds(by=till.system, now=till.now) == 0
    audit()


# What the database keeps


def test_the_database_tops_up_no_pension(till: Till, wang: User) -> None:
    order = filed(till, wang)
    with pytest.raises(IntegrityError, match="top_up_is_for_medical_use"), transaction.atomic():
        TopUp.objects.create(
            order=Order.objects.get(pk=order.pk),
            insurance=Insurance.PENSION,
            bank="icbc",
            card_number=CARD,
            amount_fen=100,
        )


@pytest.mark.django_db(transaction=True)
def test_the_audit_finds_a_top_up_that_was_credited_to_nobody(
    till: Till, wang: User, providers: dict[str, Provider]
) -> None:
    order = filed(till, wang)
    paid(till, providers, order)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contributions_topup DISABLE TRIGGER USER")
        cursor.execute("UPDATE contributions_topup SET movement_id = NULL")
        cursor.execute("ALTER TABLE contributions_topup ENABLE TRIGGER USER")
    [finding] = [one for one in books() if not one.holds]
    assert finding.number == 2
    assert order.number in finding.examples[0]


@pytest.mark.django_db(transaction=True)
def test_the_audit_finds_a_top_up_of_a_pension(till: Till, wang: User) -> None:
    filed(till, wang)
    with without_constraint(TopUp, "top_up_is_for_medical_use"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contributions_topup DISABLE TRIGGER USER")
        cursor.execute("UPDATE contributions_topup SET insurance = 'pension'")
        cursor.execute("ALTER TABLE contributions_topup ENABLE TRIGGER USER")
        assert [one.number for one in books() if not one.holds] == [2]


# On the page


@pytest.fixture
def browser(wang: User) -> Client:
    client = Client()
    client.force_login(wang)
    return client


def test_the_order_shows_card_use_and_the_balance_after(
    till: Till, wang: User, providers: dict[str, Provider], browser: Client
) -> None:
    order = filed(till, wang)
    page = browser.get(f"/orders/{order.number}/").content.decode()
    assert "支付充值订单" in page
    assert "****5677" in page
    assert CARD not in page
    assert "不能用于养老保险缴费" in page
    paid(till, providers, order)
    page = browser.get(f"/orders/{order.number}/").content.decode()
    assert "充值成功" in page
    assert "医保个人账户余额" in page
    assert "200.00" in page
    assert "开具电子票据" not in page
    assert "社保卡个人账户充值" in browser.get("/orders/").content.decode()
    [account] = personal_account.accounts_of(till.cast.wang_fang)
    assert (account.insurance, account.balance_fen) == (Insurance.MEDICAL, 20000)


def test_a_top_up_is_no_contribution(
    till: Till, wang: User, providers: dict[str, Provider], browser: Client
) -> None:
    paid(till, providers, filed(till, wang))
    assert "200.00" not in browser.get("/orders/list/").content.decode()
    assert not [one for one in payable.payable(till.cast.wang_fang, "wuxi", now=till.now) if one.barred]


def test_others_do_not_see_it(till: Till, wang: User) -> None:
    order = filed(till, wang)
    client = Client()
    client.force_login(till.cast.chen_jing_login)
    assert client.get(f"/orders/{order.number}/").status_code == 404
