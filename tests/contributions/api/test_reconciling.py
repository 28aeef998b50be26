"""A partner's day: our file of it, theirs, where they differ, and how staff settle that."""

import datetime as dt
import hashlib
import threading
from typing import Any

import pytest
from django.db import connection
from django.db.utils import InternalError
from django.test import Client

from contributions.audit.looking import audit as books
from contributions.models import (
    Charge,
    ChargeStatus,
    DayFile,
    DayRow,
    Deed,
    Difference,
    DifferenceKind,
    DifferenceStatus,
    Order,
    OrderStatus,
    Side,
    Way,
)
from contributions.partners import day_files, differences
from contributions.refunds import held_money
from contributions.tasks.partners import make_day_files
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR
from tests.cast import Cast, moment, staff
from tests.conftest import Clock, Kept
from tests.contributions.api.conftest import API, Counter, audit
from tests.contributions.orders.conftest import THIS, Till
from tests.partners.calling import partner_called

DAY = dt.date(2026, 11, 17)
PATH = f"{API}/reconciliation/{DAY}/"
MEDICAL = [{"insurance": "medical", "tier": "60", "months": [str(THIS)]}]
DECEMBER = [{"insurance": "pension", "tier": "60", "months": ["2026-12"]}]


def file_of(*lines: str, day: dt.date = DAY, code: str = "wuxi-bank") -> bytes:
    """A partner's file, written apart from the hall's own writer."""
    head = "".join(f"{line}\n" for line in (f"H,1,{code},{day}", *lines))
    signs = {"P": 1, "R": -1}
    total = sum(signs[line[0]] * int(line.split(",")[3]) for line in lines)
    return f"{head}T,{len(lines)},{total},{hashlib.sha256(head.encode()).hexdigest()}\n".encode()


def send(counter: Counter, content: bytes, path: str = PATH) -> Any:
    return counter.bank.post(path, content, content_type="text/csv")


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


@pytest.fixture
def maker(cast: Cast) -> User:
    return staff("wuxi-1", "陆平", "wuxi", COLLECTOR)


@pytest.fixture
def checker(cast: Cast) -> User:
    return staff("wuxi-2", "顾红", "wuxi", COLLECTOR)


@pytest.fixture
def night(clock: Clock) -> dt.datetime:
    """When the day's file is ready. Tests that pay go there by ``clock.set(night)`` afterwards."""
    return moment("2026-11-18 00:30")


# Our file


def test_the_days_file_says_what_we_booked(counter: Counter, clock: Clock, night: dt.datetime) -> None:
    first, second = counter.placed(), counter.placed(picks=MEDICAL)
    third = counter.placed(picks=DECEMBER)
    counter.tell(first, number="BANK-0001")
    counter.tell(second, number="BANK-0002")
    counter.reverse("BANK-0002")
    # Held money is booked as well, and stands in the file.
    counter.tell(third, number="BANK-0003", fen=third.sum_fen + 1)
    assert counter.bank.get(PATH).status_code == 404
    clock.set(night - dt.timedelta(seconds=1))
    make_day_files()
    assert counter.bank.get(PATH).status_code == 404
    clock.set(night)
    make_day_files()
    response = counter.bank.get(PATH)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response.content == file_of(
        f"P,BANK-0001,{first.number},{first.sum_fen}",
        f"P,BANK-0002,{second.number},{second.sum_fen}",
        f"P,BANK-0003,{third.number},{third.sum_fen + 1}",
        f"R,BANK-0002,{second.number},{second.sum_fen}",
    )
    # The same bytes ever after, whatever comes later.
    counter.tell(first, number="BANK-0009")
    make_day_files()
    assert counter.bank.get(PATH).content == response.content
    audit()


def test_missed_days_are_caught_up_once(counter: Counter, clock: Clock) -> None:
    clock.set("2026-11-20 08:00")
    assert day_files.make_files(now=clock.now) == 3
    assert day_files.make_files(now=clock.now) == 0
    days = DayFile.objects.order_by("day").values_list("day", flat=True)
    assert list(days) == [DAY, DAY + dt.timedelta(days=1), DAY + dt.timedelta(days=2)]


def test_another_partners_file_is_its_own(counter: Counter, clock: Clock, night: dt.datetime) -> None:
    counter.tell(counter.placed())
    other = partner_called("other-bank", cities=["wuxi"])
    clock.set(night)
    make_day_files()
    assert other.get(PATH).content == file_of(code="other-bank")


@pytest.mark.django_db(transaction=True)
def test_five_workers_make_one_file(transactional_db: None, counter: Counter, clock: Clock) -> None:
    clock.set("2026-11-18 00:30")
    made: list[Any] = []

    def run() -> None:
        try:
            made.append(day_files.make_files(now=clock.now))
        except Exception as error:
            made.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _one in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 0, 0, 0, 1]
    assert DayFile.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_control_without_the_lock_workers_collide(
    transactional_db: None, counter: Counter, clock: Clock, monkeypatch: pytest.MonkeyPatch, kept: Kept
) -> None:
    clock.set("2026-11-18 00:30")
    both, keep, made = threading.Barrier(2), day_files.keep_file, list[Any]()

    def after_both_have_looked(*args: Any, **more: Any) -> Any:
        both.wait(timeout=10)
        return keep(*args, **more)

    monkeypatch.setattr(day_files, "hold", lambda what, of: None)
    monkeypatch.setattr(day_files, "keep_file", after_both_have_looked)

    def run() -> None:
        try:
            made.append(day_files.make_files(now=clock.now))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _one in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # What one of them ran into is kept, and made good by nobody.
    assert sorted(made) == [0, 1]
    assert [task for task, _item, _error in kept] == ["make_day_files"]


# Their file


def test_a_file_that_agrees_leaves_nothing(counter: Counter, clock: Clock, night: dt.datetime) -> None:
    order = counter.placed()
    counter.tell(order)
    clock.set(night)
    response = send(counter, file_of(f"P,BANK-0001,{order.number},{order.sum_fen}"))
    assert response.status_code == 200, response.content
    assert response.json() == {
        "day": "2026-11-17",
        "line_count": 1,
        "sum_fen": order.sum_fen,
        "differences": 0,
    }
    assert counter.bank.get(f"{PATH}differences/").json() == []
    audit()


def test_every_kind_of_difference_is_found(counter: Counter, clock: Clock, night: dt.datetime) -> None:
    first, second, third = counter.placed(), counter.placed(picks=MEDICAL), counter.placed(picks=DECEMBER)
    counter.tell(first, number="BANK-0001")
    counter.tell(second, number="BANK-0002")
    clock.set(night)
    content = file_of(
        f"P,BANK-0002,{second.number},{second.sum_fen - 1}",
        f"P,BANK-0003,{third.number},{third.sum_fen}",
        f"R,BANK-0002,{second.number},{second.sum_fen}",
    )
    assert send(counter, content).json()["differences"] == 4
    found = {
        (one["deed"], one["provider_number"]): one["kind"]
        for one in counter.bank.get(f"{PATH}differences/").json()
    }
    assert found == {
        ("payment", "BANK-0001"): "only_ours",
        ("payment", "BANK-0002"): "amount",
        ("payment", "BANK-0003"): "only_theirs",
        ("reversal", "BANK-0002"): "only_theirs",
    }
    assert {one.city for one in Difference.objects.all()} == {"wuxi"}
    audit()


def test_what_each_side_files_on_another_day_is_no_difference(
    counter: Counter, clock: Clock, night: dt.datetime
) -> None:
    order = counter.placed()
    clock.set(night)
    late = file_of(f"P,BANK-0001,{order.number},{order.sum_fen}")
    # The bank took it on the 17th; the hall booked it on the 18th, before the file came.
    counter.tell(order, at=moment("2026-11-17 23:59"))
    assert send(counter, late).json()["differences"] == 0
    clock.set("2026-11-19 01:00")
    nothing = file_of(day=DAY + dt.timedelta(days=1))
    path = f"{API}/reconciliation/2026-11-18/"
    assert send(counter, nothing, path).json()["differences"] == 0


def test_the_same_file_twice_and_another(counter: Counter, clock: Clock, night: dt.datetime) -> None:
    order = counter.placed()
    clock.set(night)
    content = file_of(f"P,BANK-0001,{order.number},{order.sum_fen}")
    first = send(counter, content)
    assert send(counter, content).json() == first.json()
    assert Difference.objects.count() == 1
    assert code(send(counter, file_of())) == (409, "file_differs")
    assert Difference.objects.count() == 1


def test_before_the_day_is_over(counter: Counter) -> None:
    assert code(send(counter, file_of())) == (409, "too_early")
    assert not DayFile.objects.exists()


GOOD = file_of("P,BANK-0001,320200-20261117-ABCDEFGH,89880", "R,BANK-0002,320200-20261117-ABCDEFGH,100")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        GOOD[:-1],
        GOOD.replace(b"89880", b"89881"),
        GOOD.replace(b"T,2", b"T,3"),
        GOOD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        file_of(day=DAY + dt.timedelta(days=1)),
        file_of(code="other-bank"),
        file_of("P,BANK-0001,ORDER,100", "P,BANK-0001,ORDER,100"),
        file_of("P,=cmd|calc,ORDER,100"),
        file_of("P,BANK-0001,ORDER,0"),
        file_of("P,BANK-0001,ORDER,0100"),
    ],
    ids=[
        *("empty", "cut", "flipped", "count", "crlf", "bom", "utf16", "day", "partner"),
        *("doubled", "formula", "zero", "leading-zero"),
    ],
)
def test_a_file_that_is_not_right_is_not_taken(
    counter: Counter, clock: Clock, night: dt.datetime, content: bytes
) -> None:
    clock.set(night)
    assert code(send(counter, content)) == (422, "file_malformed")
    assert not DayFile.objects.filter(side=Side.THEIRS).exists()
    assert not Difference.objects.exists()


def test_cut_anywhere_it_is_not_taken() -> None:
    for end in range(len(GOOD)):
        with pytest.raises(day_files.FileRefused):
            day_files.read(GOOD[:end], partner_code="wuxi-bank", day=DAY)
    assert len(day_files.read(GOOD, partner_code="wuxi-bank", day=DAY)) == 2


def test_a_difference_that_was_found_stays_as_found(
    counter: Counter, clock: Clock, night: dt.datetime
) -> None:
    order = counter.placed()
    clock.set(night)
    send(counter, file_of(f"P,BANK-0001,{order.number},{order.sum_fen}"))
    with pytest.raises(InternalError):
        Difference.objects.update(theirs_fen=1)


# Settling


def only(deed: Deed = Deed.PAYMENT) -> Difference:
    return Difference.objects.get(deed=deed)


def test_paid_but_never_told_is_booked_by_two(
    counter: Counter, clock: Clock, night: dt.datetime, maker: User, checker: User
) -> None:
    order = counter.placed()
    clock.set("2026-11-17 10:10")
    clock.set(night)
    send(counter, file_of(f"P,BANK-0001,{order.number},{order.sum_fen}"))
    difference = only()
    assert differences.ways(difference) == [Way.BOOK, Way.MARK]
    differences.propose(difference, way=Way.BOOK, reason="银行来函", by=maker, now=clock.now)
    with pytest.raises(differences.CannotSettle, match="另一名"):
        differences.approve(difference, by=maker, now=clock.now)
    assert not Charge.objects.filter(status=ChargeStatus.PAID).exists()
    differences.approve(difference, by=checker, now=clock.now)
    differences.approve(difference, by=checker, now=clock.now)
    difference.refresh_from_db()
    assert difference.status == DifferenceStatus.SETTLED
    assert difference.payment is not None
    order.refresh_from_db()
    # It was still open, so it is paid now; what comes on the next day's files is known to both.
    assert order.status == OrderStatus.PAID
    clock.set("2026-11-19 01:00")
    day_after = DAY + dt.timedelta(days=1)
    assert (
        send(counter, file_of(day=day_after), f"{API}/reconciliation/{day_after}/").json()["differences"] == 0
    )
    audit()


def test_booked_after_its_order_ended_it_goes_to_the_refunds(
    counter: Counter, clock: Clock, night: dt.datetime, maker: User, checker: User, till: Till
) -> None:
    order = counter.placed()
    clock.set(night)
    till.rings()
    send(counter, file_of(f"P,BANK-0001,{order.number},{order.sum_fen}"))
    differences.propose(only(), way=Way.BOOK, reason="银行来函", by=maker, now=clock.now)
    differences.approve(only(), by=checker, now=clock.now)
    order.refresh_from_db()
    assert order.status == OrderStatus.EXPIRED
    assert held_money.to_draft(["wuxi"]).count() == 1
    audit()


def test_what_the_bank_did_not_take_is_reversed_by_two(
    counter: Counter, clock: Clock, night: dt.datetime, maker: User, checker: User
) -> None:
    order = counter.placed()
    counter.tell(order)
    clock.set(night)
    send(counter, file_of())
    assert only().kind == DifferenceKind.ONLY_OURS
    assert differences.ways(only()) == [Way.REVERSE, Way.MARK]
    differences.propose(only(), way=Way.REVERSE, reason="银行确认未收款", by=maker, now=clock.now)
    differences.approve(only(), by=checker, now=clock.now)
    order.refresh_from_db()
    assert order.status == OrderStatus.REVERSED
    assert differences.ways(only()) == [Way.MARK]
    clock.set("2026-11-19 01:00")
    day_after = DAY + dt.timedelta(days=1)
    assert (
        send(counter, file_of(day=day_after), f"{API}/reconciliation/{day_after}/").json()["differences"] == 0
    )
    audit()


def test_an_order_that_is_not_ours_is_only_marked(
    counter: Counter, clock: Clock, night: dt.datetime, maker: User
) -> None:
    clock.set(night)
    send(counter, file_of("P,BANK-0001,320200-20991231-ABCDEFGH,100"))
    assert differences.ways(only()) == [Way.MARK]
    with pytest.raises(differences.CannotSettle, match="不能这样处理"):
        differences.propose(only(), way=Way.BOOK, reason="银行来函", by=maker, now=clock.now)
    with pytest.raises(differences.CannotSettle, match="依据"):
        differences.propose(only(), way=Way.MARK, reason=" ", by=maker, now=clock.now)
    differences.propose(only(), way=Way.MARK, reason="银行误列他行流水", by=maker, now=clock.now)
    assert only().status == DifferenceStatus.SETTLED
    audit()


def test_sent_back_it_waits_again(
    counter: Counter, clock: Clock, night: dt.datetime, maker: User, checker: User
) -> None:
    counter.tell(counter.placed())
    clock.set(night)
    send(counter, file_of())
    differences.propose(only(), way=Way.REVERSE, reason="电话核实", by=maker, now=clock.now)
    differences.refuse(only(), why="请附银行来函", by=checker, now=clock.now)
    assert (only().status, only().way, only().reason) == (DifferenceStatus.OPEN, "", "请附银行来函")
    differences.propose(only(), way=Way.REVERSE, reason="银行来函", by=checker, now=clock.now)
    differences.approve(only(), by=maker, now=clock.now)
    audit()


def test_staff_of_another_city(
    counter: Counter, clock: Clock, night: dt.datetime, cast: Cast, maker: User
) -> None:
    counter.tell(counter.placed())
    clock.set(night)
    send(counter, file_of())
    with pytest.raises(differences.CannotSettle, match="本市"):
        differences.propose(only(), way=Way.MARK, reason="核实", by=cast.wuhan_collector, now=clock.now)
    differences.propose(only(), way=Way.REVERSE, reason="核实", by=maker, now=clock.now)
    with pytest.raises(differences.CannotSettle, match="本市"):
        differences.approve(only(), by=cast.wuhan_collector, now=clock.now)


def test_the_audit_sees_what_was_settled_without_being_booked(
    counter: Counter, clock: Clock, night: dt.datetime, maker: User, checker: User
) -> None:
    order = counter.placed()
    clock.set(night)
    send(counter, file_of(f"P,BANK-0001,{order.number},{order.sum_fen}"))
    differences.propose(only(), way=Way.BOOK, reason="银行来函", by=maker, now=clock.now)
    differences.approve(only(), by=checker, now=clock.now)
    audit()
    for spoil, number in (
        ("UPDATE contributions_difference SET theirs_fen = theirs_fen + 1", 2),
        ("UPDATE contributions_dayfile SET sum_fen = sum_fen + 1 WHERE side = 'ours'", 2),
        ("UPDATE contributions_dayfile SET line_count = line_count + 1 WHERE side = 'theirs'", 3),
    ):
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT whole")
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(spoil)
            cursor.execute("SET session_replication_role = origin")
            assert number in {one.number for one in books() if not one.holds}, spoil
            cursor.execute("ROLLBACK TO SAVEPOINT whole")


# In the workbench


def page_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="portal.accounts.doors.StaffDoor")
    return client


def test_the_queue_and_the_page(
    counter: Counter, clock: Clock, night: dt.datetime, maker: User, checker: User, cast: Cast
) -> None:
    order = counter.placed()
    clock.set(night)
    empty = page_of(maker).get("/admin/contributions/difference/")
    assert empty.status_code == 200
    send(counter, file_of(f"P,BANK-0001,{order.number},{order.sum_fen}"))
    listing = page_of(maker).get("/admin/contributions/difference/").content.decode()
    assert "BANK-0001" in listing
    address = f"/admin/contributions/difference/{only().pk}/change/"
    page = page_of(maker).get(address).content.decode()
    assert "898.80" in page
    assert order.number in page
    wrong = page_of(maker).post(address, {"step": "propose", "propose-way": "book", "propose-reason": ""})
    assert wrong.status_code == 422
    assert "请写明核实的依据" in wrong.content.decode()
    typed = {"step": "propose", "propose-way": "book", "propose-reason": "银行来函"}
    assert page_of(maker).post(address, typed).status_code == 302
    assert "须由另一名征缴人员复核" in page_of(maker).get(address).content.decode()
    assert page_of(maker).post(address, {"step": "approve"}).status_code == 302
    assert only().status == DifferenceStatus.PROPOSED
    assert page_of(checker).post(address, {"step": "approve"}).status_code == 302
    assert only().status == DifferenceStatus.SETTLED
    assert "顾红" in page_of(checker).get(address).content.decode()
    for user in (cast.wuhan_collector, cast.ningbo_reviewer, cast.wang_fang_login):
        assert page_of(user).get(address).status_code == 404
    files = page_of(maker).get("/admin/contributions/dayfile/").content.decode()
    assert "无锡示例银行" in files
    assert DayRow.objects.exists()
    audit()


def test_an_order_placed_by_another_partner_is_not_booked(
    counter: Counter, clock: Clock, night: dt.datetime, till: Till
) -> None:
    other = Counter(partner_called("other-bank", cities=["wuxi"]), till)
    theirs = other.placed()
    clock.set(night)
    send(counter, file_of(f"P,BANK-0001,{theirs.number},{theirs.sum_fen}"))
    assert only().order is None
    assert differences.ways(only()) == [Way.MARK]
    assert Order.objects.get().status == OrderStatus.OPEN
