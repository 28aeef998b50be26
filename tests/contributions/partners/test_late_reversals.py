"""A bank wants a payment undone after its business day: it is told what to do, asks, and two
members of staff decide."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.utils import IntegrityError, InternalError
from django.test import Client

from contributions.audit.looking import audit as books
from contributions.books import personal_account
from contributions.models import (
    Charge,
    ChargeStatus,
    Deed,
    Difference,
    DifferenceStatus,
    Leg,
    MovedOut,
    MovedOutPeriod,
    Order,
    OrderStatus,
    PaymentStatus,
    Refund,
    RefundStatus,
    TakenBack,
    Way,
)
from contributions.orders import queries
from contributions.partners import differences, ordering
from contributions.records.payments import paid_months
from contributions.refunds import sending
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR
from portal.shared.months import Month
from tests.cast import Cast, staff
from tests.conftest import Clock
from tests.contributions.api.conftest import API, Counter, audit
from tests.contributions.api.test_reconciling import file_of
from tests.contributions.arrears.test_arrears_races import SureMeeting
from tests.contributions.flexible import charge_of, charged
from tests.contributions.orders.conftest import Till
from tests.partners.calling import partner_called

ASKED = {"reason": "客户缴错月份"}


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def asks(counter: Counter, number: str = "BANK-0001", **more: Any) -> Any:
    return counter.bank.post(f"{API}/payments/{number}/refund-request/", ASKED, **more)


def told(counter: Counter, number: str = "BANK-0001") -> Any:
    return counter.bank.get(f"{API}/payments/{number}/").json()


def only() -> Difference:
    return Difference.objects.get(deed=Deed.REQUEST)


@pytest.fixture
def maker(cast: Cast) -> User:
    return staff("wuxi-1", "陆平", "wuxi", COLLECTOR)


@pytest.fixture
def checker(cast: Cast) -> User:
    return staff("wuxi-2", "顾红", "wuxi", COLLECTOR)


@pytest.fixture
def paid(counter: Counter, clock: Clock, cast: Cast) -> Order:
    """Two months of now, paid on the 17th; it is the 18th."""
    order = counter.placed(
        picks=[
            {"insurance": "pension", "tier": "60", "months": ["2026-11", "2026-12"]},
            {"insurance": "medical", "tier": "60", "months": ["2026-11"]},
        ]
    )
    counter.tell(order)
    clock.set("2026-11-18 10:00")
    return order


def granted(counter: Counter, maker: User, checker: User) -> Difference:
    now = counter.till.now
    assert asks(counter).status_code == 201
    differences.propose(only(), way=Way.REFUND, reason="缴费人来电核实", by=maker, now=now)
    return differences.approve(only(), by=checker, now=now)


def test_the_refusal_names_what_to_do(counter: Counter, paid: Order) -> None:
    response = counter.reverse()
    assert code(response) == (409, "day_over")
    assert "不要自行退给缴费人" in response.json()["detail"]
    assert "refund-request" in response.json()["detail"]
    assert not Difference.objects.exists()


def test_asked_granted_by_two_and_refunded_through_the_bank(
    counter: Counter, paid: Order, maker: User, checker: User, cast: Cast
) -> None:
    response = asks(counter)
    assert response.status_code == 201, response.content
    assert (response.json()["status"], response.json()["amount_fen"]) == ("waiting", paid.sum_fen)
    assert told(counter)["refund_request"] == response.json()
    assert differences.ways(only()) == [Way.REFUND, Way.MARK]
    now = counter.till.now
    differences.propose(only(), way=Way.REFUND, reason="缴费人来电核实", by=maker, now=now)
    with pytest.raises(differences.CannotSettle, match="另一名"):
        differences.approve(only(), by=maker, now=now)
    assert Charge.objects.filter(status=ChargeStatus.PAID).count() == 3
    differences.approve(only(), by=checker, now=now)
    assert differences.approve(only(), by=checker, now=now).status == DifferenceStatus.SETTLED
    paid.refresh_from_db()
    assert paid.status == OrderStatus.REVERSED
    # The payment was made, and is: it is the refunds that give it back.
    assert counter.payment().status == PaymentStatus.SUCCEEDED
    assert told(counter)["refund_request"]["status"] == "granted"
    assert paid_months(cast.wang_fang, city="wuxi") == []
    live = {(one.insurance, str(one.month)): one.status for one in Charge.objects.filter(live=True)}
    assert live == {("pension", "2026-11"): "owed", ("medical", "2026-11"): "owed"}
    audit()
    sending.send_due(by=counter.till.system, now=now)
    waiting = counter.bank.get(f"{API}/refunds/").json()
    assert sum(one["amount_fen"] for one in waiting) == paid.sum_fen
    assert {one["payment_number"] for one in waiting} == {"BANK-0001"}
    for number, one in enumerate(waiting):
        done = {"provider_number": f"RETURN-000{number}"}
        assert counter.bank.post(f"{API}/refunds/{one['number']}/done/", done).status_code == 200
    assert {one.status for one in Refund.objects.all()} == {RefundStatus.SUCCEEDED}
    assert {one.drafted_by for one in Refund.objects.all()} == {maker}
    assert {one.decided_by for one in Refund.objects.all()} == {checker}
    assert sum(Leg.objects.filter(account__kind="suspense").values_list("amount_fen", flat=True)) == 0
    assert sum(Leg.objects.filter(account__kind="clearing").values_list("amount_fen", flat=True)) == 0
    audit()


def test_a_late_months_interest_goes_back_with_it(
    counter: Counter, clock: Clock, cast: Cast, maker: User, checker: User
) -> None:
    charged("wuxi", "2026-09")
    body = {**counter.who(), "arrears": [{"insurance": "pension", "months": ["2026-09"]}]}
    order = Order.objects.get(number=counter.bank.post(f"{API}/orders/", body).json()["number"])
    counter.tell(order)
    clock.set("2026-11-18 10:00")
    granted(counter, maker, checker)
    assert [one.amount_fen for one in Refund.objects.all()] == [89880 + 177]
    assert charge_of(cast.wang_fang, "2026-09").status == ChargeStatus.OWED
    assert sum(Leg.objects.filter(account__kind="surcharge").values_list("amount_fen", flat=True)) == 0
    audit()


def test_declined_with_the_reason(counter: Counter, paid: Order, maker: User, clock: Clock) -> None:
    asks(counter)
    differences.propose(only(), way=Way.MARK, reason="缴费人表示无误", by=maker, now=clock.now)
    said = told(counter)["refund_request"]
    assert (said["status"], said["why"]) == ("declined", "缴费人表示无误")
    paid.refresh_from_db()
    assert paid.status == OrderStatus.PAID
    assert code(asks(counter)) == (409, "already_asked")
    # On another day it can be asked for again.
    clock.set("2026-11-19 10:00")
    assert asks(counter).status_code == 201
    audit()


def test_sent_back_it_still_waits(counter: Counter, paid: Order, maker: User, checker: User) -> None:
    asks(counter)
    now = counter.till.now
    differences.propose(only(), way=Way.REFUND, reason="电话", by=maker, now=now)
    differences.refuse(only(), why="请附书面材料", by=checker, now=now)
    said = told(counter)["refund_request"]
    # What staff tell each other is not told outside.
    assert (said["status"], said["why"]) == ("waiting", "")


def test_a_month_that_has_moved_away_stays_paid(
    counter: Counter, paid: Order, maker: User, checker: User, cast: Cast
) -> None:
    given = {
        "person": cast.wang_fang,
        "insurance": "pension",
        "start": Month(2026, 11),
        "until": Month(2026, 12),
    }
    left = MovedOut.objects.create(
        **given, months=1, city="wuxi", to_city="wuhan", to_place="武汉", key="t-1", wages={}, account_fen=0,
        pooled_fen=0, at=counter.till.now, by=counter.till.system,
    )  # fmt: skip
    MovedOutPeriod.objects.create(moved_out=left, **given)
    with pytest.raises(differences.CannotSettle, match="已随关系转出"):
        granted(counter, maker, checker)
    paid.refresh_from_db()
    assert (paid.status, Refund.objects.count()) == (OrderStatus.PAID, 0)


def test_on_the_day_itself_it_is_reversed(counter: Counter) -> None:
    counter.tell(counter.placed())
    assert code(asks(counter)) == (409, "day_not_over")
    assert counter.reverse().status_code == 201
    assert code(asks(counter)) == (409, "already_reversed")


def test_what_was_not_credited_is_not_asked_for(counter: Counter, clock: Clock) -> None:
    order = counter.placed()
    counter.tell(order, fen=order.sum_fen + 1)
    clock.set("2026-11-18 10:00")
    assert code(asks(counter)) == (409, "not_credited")


def test_asked_twice_is_once(counter: Counter, paid: Order) -> None:
    first = asks(counter, key="ask-00001")
    assert asks(counter, key="ask-00001").content == first.content
    assert code(asks(counter)) == (409, "already_asked")
    assert Difference.objects.count() == 1


def test_another_partners_payment_and_staff_of_another_city(
    counter: Counter, paid: Order, till: Till, cast: Cast, maker: User
) -> None:
    other = Counter(partner_called("other-bank", cities=["wuxi"]), till)
    assert code(asks(other)) == code(asks(other, "BANK-9999")) == (404, "not_found")
    asks(counter)
    with pytest.raises(differences.CannotSettle, match="本市"):
        differences.propose(only(), way=Way.REFUND, reason="核实", by=cast.wuhan_collector, now=till.now)


def test_what_the_bank_gave_back_all_the_same_is_not_given_back_twice(
    counter: Counter, paid: Order, clock: Clock, maker: User, checker: User
) -> None:
    granted(counter, maker, checker)
    clock.set("2026-11-19 01:00")
    day = dt.date(2026, 11, 18)
    content = file_of(f"R,BANK-0001,{paid.number},{paid.sum_fen}", day=day)
    sent = counter.bank.post(f"{API}/reconciliation/{day}/", content, content_type="text/csv")
    assert sent.json()["differences"] == 1
    reversal = Difference.objects.get(deed=Deed.REVERSAL)
    assert differences.ways(reversal) == [Way.MARK]
    with pytest.raises(ordering.CannotReverse) as refused:
        ordering.reverse(
            payment=counter.payment(),
            provider_number="BACK-0001",
            reason="重复",
            by=maker,
            now=clock.now,
            late=True,
        )
    assert refused.value.code == "already_refunded"
    # What was asked for on that day is no difference of its files.
    listed = counter.bank.get(f"{API}/reconciliation/{day}/differences/").json()
    assert [one["deed"] for one in listed] == ["reversal"]
    audit()


def test_the_other_way_round(counter: Counter, paid: Order, clock: Clock, maker: User, checker: User) -> None:
    asks(counter)
    differences.propose(only(), way=Way.REFUND, reason="核实", by=maker, now=clock.now)
    ordering.reverse(
        payment=counter.payment(),
        provider_number="D-00001",
        reason="差异",
        by=checker,
        now=clock.now,
        late=True,
    )
    with pytest.raises(differences.CannotSettle, match="已经冲正"):
        differences.approve(only(), by=checker, now=clock.now)
    assert differences.ways(only()) == [Way.MARK]
    assert not Refund.objects.exists()
    audit()


def test_in_the_workbench(counter: Counter, paid: Order, maker: User, checker: User, cast: Cast) -> None:
    def page_of(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="portal.accounts.doors.StaffDoor")
        return client

    asks(counter)
    assert "申请退回" in page_of(maker).get("/admin/contributions/difference/").content.decode()
    address = f"/admin/contributions/difference/{only().pk}/change/"
    page = page_of(maker).get(address).content.decode()
    assert "客户缴错月份" in page
    assert "同意撤销缴费" in page
    typed = {"step": "propose", "propose-way": "refund", "propose-reason": "来电核实"}
    assert page_of(maker).post(address, typed).status_code == 302
    page_of(maker).post(address, {"step": "approve"})
    assert only().status == DifferenceStatus.PROPOSED
    page_of(checker).post(address, {"step": "approve"})
    assert only().status == DifferenceStatus.SETTLED
    receipt = Refund.objects.get().parts.order_by("pk")[0].receipt
    held = page_of(maker).get(f"/admin/contributions/heldreceipt/{receipt.pk}/change/").content.decode()
    assert "撤销缴费款项" in held
    for user in (cast.wuhan_collector, cast.wang_fang_login):
        assert page_of(user).get(address).status_code == 404


def test_the_database_holds_what_was_asked(counter: Counter, paid: Order, maker: User, checker: User) -> None:
    granted(counter, maker, checker)
    for change, error in (
        (lambda: Difference.objects.update(asked_why="别的"), InternalError),
        (lambda: TakenBack.objects.update(amount_fen=1), InternalError),
        (lambda: Difference.objects.create(
            partner=counter.bank.partner, day=dt.date(2026, 11, 20), deed=Deed.REQUEST, kind="late",
            provider_number="BANK-0001", found_at=counter.till.now,
        ), IntegrityError),
    ):  # fmt: skip
        with pytest.raises(error), transaction.atomic():
            change()


def test_the_audit_sees_money_that_was_not_taken_back(
    counter: Counter, paid: Order, maker: User, checker: User
) -> None:
    granted(counter, maker, checker)
    audit()
    for spoil, number in (
        ("UPDATE contributions_takenback SET amount_fen = amount_fen - 1", 10),
        ("DELETE FROM contributions_takenback", 2),
        ("UPDATE contributions_difference SET payment_id = NULL, way = 'mark' WHERE deed = 'request'", 6),
        ("UPDATE contributions_accountmovement SET surcharge_fen = -1 WHERE kind = 'reversed'", 2),
    ):  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT whole")
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(spoil)
            cursor.execute("SET session_replication_role = origin")
            assert number in {one.number for one in books() if not one.holds}, spoil
            cursor.execute("ROLLBACK TO SAVEPOINT whole")


# At once


def by_both(counter: Counter, maker: User, checker: User) -> list[Any]:
    """A difference is settled by a reversal, and a request granted, of one payment."""
    difference, now, outcomes = only(), counter.till.now, list[Any]()
    payment = counter.payment()
    ready = threading.Barrier(2)

    def run(call: Any) -> None:
        ready.wait()
        try:
            outcomes.append(call())
        except Exception as error:
            outcomes.append(error)
        finally:
            connection.close()

    calls = (
        lambda: differences.approve(difference, by=checker, now=now),
        lambda: ordering.reverse(
            payment=payment, provider_number="D-00001", reason="差异", by=checker, now=now, late=True
        ),
    )
    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.mark.django_db(transaction=True)
def test_granted_and_reversed_at_once_it_is_undone_once(
    transactional_db: None, counter: Counter, paid: Order, maker: User, checker: User
) -> None:
    asks(counter)
    differences.propose(only(), way=Way.REFUND, reason="核实", by=maker, now=counter.till.now)
    outcomes = by_both(counter, maker, checker)
    assert sum(isinstance(one, Exception) for one in outcomes) == 1, outcomes
    audit()


@pytest.mark.django_db(transaction=True)
def test_control_without_the_locks_the_second_breaks_off(
    transactional_db: None, counter: Counter, clock: Clock, maker: User, checker: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Both have looked before either wrote, and the second is not told why: it falls over what the
    first has booked."""
    counter.tell(counter.placed())
    clock.set("2026-11-18 10:00")
    asks(counter)
    differences.propose(only(), way=Way.REFUND, reason="核实", by=maker, now=counter.till.now)
    meeting = SureMeeting()
    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **options: self)
    monkeypatch.setattr(queries, "locked", lambda pk: Order.objects.get(pk=pk))
    monkeypatch.setattr(personal_account, "book_movement", meeting.before(personal_account.book_movement))
    outcomes = by_both(counter, maker, checker)
    assert meeting.met
    told_why = (ordering.CannotReverse, differences.CannotSettle)
    assert [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, told_why)]
