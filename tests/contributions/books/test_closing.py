"""月结: two members of staff close a month for good; nothing is dated into it afterwards."""

import datetime as dt
import threading
from collections.abc import Iterator

import pgtrigger
import pytest
from django.db import IntegrityError, connection, transaction

from contributions import locks
from contributions.audit.looking import audit
from contributions.books import day_sheets, ledger, month_close
from contributions.books.month_close import CannotClose, close, next_month, obstacles, propose
from contributions.books.receiving import receive
from contributions.charges.charging import charge
from contributions.models import AccountKind, Charge, Entry, MonthClose, MonthCloseLine
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import NOW, WUCHANG, cover, moment, person, staff
from tests.contributions.money_cast import OCTOBER, Road, worker

pytestmark = pytest.mark.django_db

LATER = moment("2026-11-02 09:00")


@pytest.fixture
def payer() -> Person:
    who = person("缴费人", WUCHANG, "1985-01-01", 1)
    cover(who, Insurance.PENSION, "wuxi", "2026-09", tier="60")
    for month in (9, 10, 11):
        charge(city="wuxi", month=Month(2026, month), by=User.objects.system(), now=NOW)
    pay("A", 9, "2026-10-15 12:00")
    return who


def pay(number: str, month: int, when: str) -> None:
    receive(
        Charge.objects.filter(city="wuxi", month=Month(2026, month)),
        channel="counter",
        provider_number=number,
        at=moment(when),
        by=User.objects.system(),
    )


def maker() -> User:
    return User.objects.filter(username="maker").first() or staff("maker", "经办甲", "wuxi", COLLECTOR)


def checker() -> User:
    return User.objects.filter(username="checker").first() or staff("checker", "复核乙", "wuxi", COLLECTOR)


def sheets(now: dt.datetime = LATER) -> None:
    day_sheets.make_due(by=User.objects.system(), now=now)


def closed(month: Month = OCTOBER, now: dt.datetime = LATER) -> MonthClose:
    sheets(now)
    return close(propose(city="wuxi", month=month, by=maker(), now=now), by=checker(), now=now)


def sound() -> bool:
    return all(one.holds for one in audit())


def hindrances(month: Month = OCTOBER, now: dt.datetime = LATER, city: str = "wuxi") -> list[str]:
    return [one.what for one in obstacles(city=city, month=month, now=now)]


def test_a_month_is_closed_with_its_totals(payer: Person) -> None:
    done = closed()
    told = {
        one.account.kind: (one.opening_fen, one.debit_fen, one.credit_fen, one.closing_fen)
        for one in done.lines.select_related("account")
    }
    assert told["clearing"] == (0, 89880, 0, 89880)
    assert told["personal"] == (0, 0, 35952, -35952)
    assert next_month("wuxi") == OCTOBER + 1
    assert sound()


def test_afterwards_nothing_is_dated_into_it_and_all_goes_on(payer: Person) -> None:
    done = closed()
    with pytest.raises(ledger.MonthClosed):
        pay("B", 10, "2026-10-31 23:59")
    pay("B", 10, "2026-11-01 00:00")
    # The close is a link of the chain: the next entry is sealed over it.
    assert Entry.objects.latest("number").previous_digest == done.digest
    pay("C", 11, "2026-11-03 00:00")
    assert (
        closed(OCTOBER + 1, moment("2026-12-02 09:00")).lines.get(account__kind="clearing").opening_fen
        == 89880
    )
    assert sound()


def test_the_database_refuses_it_too(payer: Person) -> None:
    done = closed()
    with pytest.raises(IntegrityError, match="is closed in wuxi"), transaction.atomic():
        Entry.objects.create(
            city="wuxi", number=2, kind="x", reference="x", at=moment("2026-10-31 23:59"), by=checker(),
            previous_digest=done.digest, digest="x",
        )  # fmt: skip


def test_a_month_that_is_not_over_or_not_the_next_waits(payer: Person) -> None:
    assert hindrances(now=moment("2026-10-31 23:59")) == ["本月尚未结束", "缺日终试算平衡表"]
    sheets()
    assert "不是下一个待结月份" in hindrances(OCTOBER + 1, now=moment("2026-12-02 09:00"))
    assert hindrances() == []


def test_it_says_what_is_missing(road: Road) -> None:
    worker(1)
    batch = road.answered()
    assert hindrances(city="wuhan")[0] == "不是下一个待结月份"
    road.post(batch)
    sheets(moment("2026-12-02 09:00"))
    at = {"month": next_month("wuhan"), "now": moment("2026-12-02 09:00"), "city": "wuhan"}
    assert hindrances(**at) == ["托收批次未关闭"]  # type: ignore[arg-type]
    road.close(batch)
    assert hindrances(**at) == []  # type: ignore[arg-type]


def by_hand(fen: int, when: str) -> None:
    clearing = ledger.account(city="wuxi", kind=AccountKind.CLEARING, channel="counter")
    pooled = ledger.account(city="wuxi", kind=AccountKind.POOLED, insurance="pension")
    with transaction.atomic():
        ledger.post_entry(
            city="wuxi", kind="by hand", reference=when, by=maker(), now=moment(when),
            postings=[ledger.Posting(clearing, fen), ledger.Posting(pooled, -fen)],
        )  # fmt: skip


def test_a_difference_bars_it_until_it_is_made_good(payer: Person) -> None:
    by_hand(100, "2026-10-20 10:00")
    sheets(moment("2026-10-26 09:00"))
    assert "账实不符" in hindrances()
    by_hand(-100, "2026-10-27 10:00")
    sheets()
    assert hindrances() == []


def test_whoever_proposes_does_not_close_nor_does_another_city(payer: Person) -> None:
    sheets()
    proposed = propose(city="wuxi", month=OCTOBER, by=maker(), now=LATER)
    assert propose(city="wuxi", month=OCTOBER, by=checker(), now=LATER) == proposed
    for who in (maker(), staff("elsewhere", "外市丙", "wuhan", COLLECTOR)):
        with pytest.raises(CannotClose):
            close(proposed, by=who, now=LATER)
    with pytest.raises(CannotClose, match="只有本市"):
        propose(city="wuxi", month=OCTOBER, by=staff("elsewhere2", "外市丁", "wuhan", COLLECTOR), now=LATER)
    assert not MonthClose.objects.filter(closed_at__isnull=False).exists()
    assert close(proposed, by=checker(), now=LATER) == close(proposed, by=checker(), now=LATER)


def test_what_came_up_since_it_was_proposed_bars_it(payer: Person) -> None:
    with pytest.raises(CannotClose, match="缺日终试算平衡表"):
        propose(city="wuxi", month=OCTOBER, by=maker(), now=LATER)
    assert not MonthClose.objects.exists()


def test_a_closed_month_stays_closed(payer: Person) -> None:
    closed()
    for change in (
        lambda: MonthClose.objects.update(closed_at=None, closed_by=None, last_number=None, digest=""),
        lambda: MonthCloseLine.objects.update(credit_fen=0),
        lambda: MonthClose.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(Exception, match="Cannot"), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        (
            "UPDATE contributions_monthcloseline SET credit_fen = credit_fen + 1, closing_fen = closing_fen - 1",
            1,
        ),
        ("UPDATE contributions_monthclose SET closed_at = closed_at + interval '1 second'", 1),
        ("UPDATE contributions_monthclose SET previous_digest = 'x'", 1),
        ("UPDATE contributions_monthclose SET last_number = 0", 1),
        ("DELETE FROM contributions_monthcloseline", 1),
        ("UPDATE contributions_entry SET at = '2026-10-31 12:00+08' WHERE number = 2", 1),
        ("DELETE FROM contributions_monthcloseline; DELETE FROM contributions_monthclose", 1),
    ],
)
def test_the_audit_finds_a_closed_month_that_was_touched(payer: Person, statement: str, number: int) -> None:
    closed()
    pay("B", 10, "2026-11-01 12:00")
    assert sound()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
    assert number in {one.number for one in audit() if not one.holds}


class Meeting:
    """A close that waits, once it has looked, until an entry dated into its month was booked or
    waits for the close."""

    def __init__(self) -> None:
        self.looked, self.booked = threading.Event(), threading.Event()
        self.refused: list[BaseException] = []

    def book(self) -> None:
        try:
            self.looked.wait(10)
            by_hand(100, "2026-10-31 23:59")
        except Exception as error:
            self.refused.append(error)
        finally:
            self.booked.set()
            connection.close()


def meet(monkeypatch: pytest.MonkeyPatch) -> Meeting:
    sheets()
    proposed = propose(city="wuxi", month=OCTOBER, by=maker(), now=LATER)
    second = checker()
    meeting = Meeting()
    real = month_close.lines_of_month

    def look_and_wait(one: MonthClose) -> list[MonthCloseLine]:
        lines = real(one)
        meeting.looked.set()
        # Where the guard holds the entry waits for us, and we for nobody.
        meeting.booked.wait(2)
        return lines

    monkeypatch.setattr(month_close, "lines_of_month", look_and_wait)
    thread = threading.Thread(target=meeting.book)
    thread.start()
    close(proposed, by=second, now=LATER)
    thread.join()
    return meeting


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_races_with_the_close_is_refused(
    payer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = meet(monkeypatch)
    assert [type(error) for error in meeting.refused] == [ledger.MonthClosed]
    assert Entry.objects.filter(city="wuxi").count() == 1
    assert sound()


@pytest.fixture
def no_guards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(locks, "chain", lambda city: None)
    pgtrigger.disable("contributions.Entry:closed_months_take_no_entries")
    yield
    pgtrigger.enable("contributions.Entry:closed_months_take_no_entries")


@pytest.mark.django_db(transaction=True)
def test_with_the_guards_off_it_slips_in(
    payer: Person, no_guards: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = meet(monkeypatch)
    assert meeting.refused == []
    assert Entry.objects.filter(city="wuxi", at__lt=moment("2026-11-01 00:00")).count() == 2


@pytest.mark.django_db(transaction=True)
def test_with_the_lock_off_the_trigger_alone_holds(payer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "closed_through", lambda city: None)
    meeting = meet(monkeypatch)
    assert [type(error) for error in meeting.refused] == [IntegrityError]
    assert sound()
