"""一次性缴费单: ordered whole, booked once, and only then its months count; else it lapses, and
money that pays nothing goes back."""

import datetime as dt
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client

from contributions.books import personal_account
from contributions.charges import brought_in
from contributions.models import (
    BillStatus,
    BroughtIn,
    LumpSum,
    LumpSumPart,
    MovementKind,
    Order,
    OrderStatus,
    Origin,
    PaymentStatus,
    Receipt,
    Refund,
)
from contributions.orders import lump_sums, paying, placing
from contributions.records import what_is_due
from contributions.refunds import doubled
from portal.accounts.models import Notice, User
from portal.hall.routing import Status
from tests.cast import Cast, moment
from tests.contributions.late_pension.late_cast import (
    PENSION,
    SHENZHEN,
    confirmed,
    of,
    old_man,
    recorded,
)
from tests.contributions.orders.conftest import Provider, Till, audit, providers
from tests.filing import file

__all__ = ["providers"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(cast: Cast, clock, providers: dict[str, Provider]) -> Till:
    return Till(cast, clock, providers)


@pytest.fixture
def man(db: None) -> User:
    """Fourteen months short in November 2026."""
    user = old_man("1961-06-10")
    recorded(user, "1990-01", "2003-11")
    return user


@pytest.fixture
def bill(till: Till, man: User) -> LumpSum:
    asked = {"household": "city", "settled_on": "1990-05-01", "ground": "aged"}
    case = confirmed(file(man, SHENZHEN, "lump-sum", asked, till.now), till.cast, till.now)
    assert case.status == Status.TO_PAY
    return LumpSum.objects.get()


def order_of(bill: LumpSum, till: Till) -> Order:
    return lump_sums.place(bill, key=uuid4(), by=User.objects.get(person=bill.person), now=till.now)


def pay(order: Order, till: Till, providers: dict[str, Provider], fen: int | None = None) -> None:
    payment = till.start(order, "card")
    till.tell(providers["card"].pays(payment.number, fen=fen), "card")


def counted(user: User) -> int:
    return len(brought_in.counted_months(of(user), insurance=PENSION, city=SHENZHEN))


def test_nothing_counts_before_it_is_booked(
    till: Till, man: User, bill: LumpSum, providers: dict[str, Provider]
) -> None:
    order = order_of(bill, till)
    assert (order.sum_fen, order.line_count, counted(man)) == (2621762, 1, 166)
    pay(order, till, providers)
    for row in (bill, order, bill.case):
        row.refresh_from_db()
    assert (bill.status, order.status, bill.case.status) == (BillStatus.PAID, OrderStatus.PAID, Status.DONE)
    assert (counted(man), personal_account.balance(of(man), SHENZHEN, PENSION)) == (180, 1048705)
    assert bill.movement is not None
    assert bill.brought_in is not None
    assert (bill.movement.kind, bill.movement.pooled_fen) == (MovementKind.LUMP_SUM, 2621762 - 1048705)
    assert (bill.brought_in.origin, bill.brought_in.months) == (Origin.LUMP_SUM, 14)
    assert not Receipt.objects.exists()
    audit()


def test_it_is_paid_once(till: Till, bill: LumpSum, providers: dict[str, Provider]) -> None:
    order = order_of(bill, till)
    with pytest.raises(placing.CannotOrder, match="另一份订单"):
        order_of(bill, till)
    pay(order, till, providers)
    pay_again = providers["card"].paid[order.payments.get().number]
    till.tell(pay_again, "card")
    with pytest.raises(placing.CannotOrder, match="已缴清"):
        order_of(bill, till)
    assert BroughtIn.objects.filter(origin=Origin.LUMP_SUM).count() == 1
    audit()


def test_the_database_keeps_one_whole_sum_of_a_case(till: Till, man: User, bill: LumpSum) -> None:
    order = order_of(bill, till)
    for change in (
        lambda: LumpSum.objects.create(**{**_values(bill), "amount_fen": 5}),
        lambda: LumpSum.objects.update(amount_fen=5),
        lambda: LumpSum.objects.update(status=BillStatus.PAID, ended_at=till.now),
        lambda: LumpSum.objects.all().delete(),
        lambda: LumpSumPart.objects.update(amount_fen=5),
        lambda: LumpSumPart.objects.create(bill=bill, order=order, amount_fen=bill.amount_fen),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    LumpSumPart.objects.update(live=False)
    with pytest.raises(IntegrityError, match="not for the whole"), transaction.atomic():
        LumpSumPart.objects.create(bill=bill, order=order, amount_fen=5)


def _values(bill: LumpSum) -> dict[str, object]:
    return {
        field.attname: getattr(bill, field.attname)
        for field in LumpSum._meta.concrete_fields
        if not field.primary_key
    }


def test_an_order_that_is_not_paid_leaves_the_bill_open(till: Till, bill: LumpSum) -> None:
    order = order_of(bill, till)
    till.clock.now += dt.timedelta(hours=1)
    till.rings()
    order.refresh_from_db()
    bill.case.refresh_from_db()
    assert (order.status, bill.case.status) == (OrderStatus.EXPIRED, Status.TO_PAY)
    assert order_of(bill, till).sum_fen == bill.amount_fen
    audit()


def test_day_61_is_too_late(till: Till, man: User, bill: LumpSum) -> None:
    assert bill.pay_by == dt.date(2027, 1, 16)
    assert lump_sums.tell_ending(now=moment("2027-01-08 09:00")) == 0
    assert lump_sums.tell_ending(now=moment("2027-01-09 09:00")) == 1
    lump_sums.tell_ending(now=moment("2027-01-10 09:00"))
    assert Notice.objects.filter(kind=lump_sums.ENDING).count() == 1
    assert lump_sums.lapse(by=till.system, now=moment("2027-01-16 23:00")) == 0
    later = moment("2027-01-17 01:20")
    assert [lump_sums.lapse(by=till.system, now=later) for _twice in range(2)] == [1, 0]
    bill.refresh_from_db()
    bill.case.refresh_from_db()
    assert (bill.status, bill.case.status, counted(man)) == (BillStatus.LAPSED, Status.LAPSED, 166)
    assert "失效" in Notice.objects.get(kind=lump_sums.LAPSED).text
    with pytest.raises(placing.CannotOrder, match="已失效"):
        order_of(bill, till)
    audit()


def test_after_the_banks_last_hour_of_the_last_days_nothing_is_ordered(till: Till, bill: LumpSum) -> None:
    # 2027-01-16 is a Saturday: the bank closes on Friday at 17:00.
    till.clock.now = moment("2027-01-15 16:50")
    order = order_of(bill, till)
    till.clock.now = moment("2027-01-15 17:01")
    with pytest.raises(paying.NotOffered, match="缴费期限"):
        till.start(order, "card")
    till.clock.now = moment("2027-01-15 17:30")
    till.rings()
    with pytest.raises(placing.CannotOrder, match="银行不再营业"):
        order_of(bill, till)


def test_money_after_the_order_has_ended_goes_back(
    till: Till, man: User, bill: LumpSum, providers: dict[str, Provider]
) -> None:
    order = order_of(bill, till)
    payment = till.start(order, "card")
    providers["card"].ended.add(payment.number)
    till.clock.now += dt.timedelta(hours=1)
    till.rings()
    till.tell(providers["card"].pays(payment.number), "card")
    receipt = Receipt.objects.get()
    assert (receipt.applied, receipt.order, receipt.person, counted(man)) == (False, order, of(man), 166)
    doubled.draft_refunds(by=till.system, now=till.now)
    assert Refund.objects.get().amount_fen == bill.amount_fen
    assert "一次性缴费" in Notice.objects.get(kind=doubled.NOTICE_KIND).text
    audit()


def test_another_sum_is_held_and_nothing_counts(
    till: Till, man: User, bill: LumpSum, providers: dict[str, Provider]
) -> None:
    order = order_of(bill, till)
    pay(order, till, providers, fen=100)
    assert order.payments.get().status == PaymentStatus.HELD
    bill.refresh_from_db()
    assert (bill.status, counted(man)) == (BillStatus.OPEN, 166)
    audit()


def test_months_that_were_paid_otherwise_meanwhile_are_not_paid_twice(
    till: Till, man: User, bill: LumpSum, providers: dict[str, Provider]
) -> None:
    order = order_of(bill, till)
    recorded(man, "2027-03", "2027-04")
    pay(order, till, providers)
    order.refresh_from_db()
    assert (order.status, order.payments.get().status) == (OrderStatus.CANCELLED, PaymentStatus.HELD)
    assert counted(man) == 167
    with pytest.raises(placing.CannotOrder, match="2027年3月"):
        order_of(bill, till)
    audit()


def test_the_pages_lead_from_the_home_page_to_the_order(
    till: Till, man: User, bill: LumpSum, client: Client
) -> None:
    [due] = what_is_due.due_of(of(man), till.now)
    assert (due.url, "26,217.62" in due.title) == (f"/lump-sums/{bill.case.number}/", True)
    client.force_login(man)
    assert due.url in client.get(f"/cases/{bill.case.number}/").content.decode()
    page = client.get(due.url)
    text = page.content.decode()
    for said in ("26,217.62", "示例值", "2027年1月16日", "10,487.05", "14.30"):
        assert said in text
    sent = {"key": page.context["form"].initial["key"]}
    first = client.post(f"{due.url}order/", sent)
    assert first.url == client.post(f"{due.url}order/", sent).url  # type: ignore[attr-defined]
    order = client.get(first.url).content.decode()  # type: ignore[attr-defined]
    assert "个人趸缴登记" in order
    assert "个人趸缴登记" in client.get("/orders/").content.decode()
    client.force_login(till.cast.chen_jing_login)
    assert client.get(due.url).status_code == 404
    assert client.post(f"{due.url}order/", sent).status_code == 404
