"""日终试算平衡: what a day moved, beside what bank, channels and held receipts say; kept as it was
made."""

import datetime as dt

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from contributions.audit.looking import audit
from contributions.books import day_sheets, ledger
from contributions.books.day_sheets import NotYet, make, make_due, reckon
from contributions.books.receiving import receive
from contributions.charges.charging import charge
from contributions.models import AccountKind, Charge, DayComparison, DaySheet, DaySheetLine, Entry
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import NOW, WUCHANG, cover, moment, person
from tests.contributions.money_cast import POOR, Road, worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def payer() -> Person:
    """Insured in Wuxi at 60 % (898.80 a month); September to November are charged."""
    who = person("缴费人", WUCHANG, "1985-01-01", 1)
    cover(who, Insurance.PENSION, "wuxi", "2026-09", tier="60")
    for month in (9, 10, 11):
        charge(city="wuxi", month=Month(2026, month), by=User.objects.system(), now=NOW)
    return who


def pay(number: str, month: int, when: str, *, booked: str = "", apply: bool = True) -> None:
    receive(
        Charge.objects.filter(city="wuxi", month=Month(2026, month)),
        channel="counter",
        provider_number=number,
        at=moment(when),
        by=User.objects.system(),
        now=moment(booked or when),
        apply=apply,
    )


def sheet(day: str, city: str = "wuxi") -> DaySheet:
    return make(
        city=city, day=dt.date.fromisoformat(day), by=User.objects.system(), now=moment("2026-11-21 10:00")
    )


def told(made: DaySheet) -> dict[str, tuple[int, int, int, int]]:
    return {
        one.account.kind: (one.opening_fen, one.debit_fen, one.credit_fen, one.closing_fen)
        for one in made.lines.select_related("account")
    }


def compared(made: DaySheet) -> dict[str, tuple[int, int]]:
    return {one.channel: (one.booked_fen, one.said_fen) for one in made.comparisons.all()}


def test_each_day_goes_on_from_the_one_before(payer: Person) -> None:
    pay("A", 9, "2026-10-30 23:59")
    pay("B", 10, "2026-10-31 00:00")
    first, second = sheet("2026-10-30"), sheet("2026-10-31")
    assert told(first) == {
        "clearing": (0, 89880, 0, 89880),
        "personal": (0, 0, 35952, -35952),
        "pooled": (0, 0, 53928, -53928),
    }
    assert told(second)["clearing"] == (89880, 89880, 0, 179760)
    assert compared(second) == {"counter": (89880, 89880), "": (0, 0)}
    assert (first.agrees, first.entries, second.entries) == (True, 1, 1)
    # A day on which nothing happens keeps what there was.
    assert told(sheet("2026-11-01"))["clearing"] == (179760, 0, 0, 179760)
    assert all(one.holds for one in audit())


def test_money_that_paid_nothing_is_in_suspense_row_by_row(payer: Person) -> None:
    pay("A", 9, "2026-10-30 12:00")
    pay("A-again", 9, "2026-10-30 13:00")
    made = sheet("2026-10-30")
    assert told(made)["suspense"] == (0, 0, 89880, -89880)
    assert compared(made) == {"counter": (179760, 179760), "": (89880, 89880)}
    assert made.agrees


def test_what_is_booked_late_is_on_the_next_sheet_and_on_no_other(payer: Person) -> None:
    pay("A", 9, "2026-10-30 12:00")
    sheet("2026-10-30")
    pay("B", 10, "2026-10-30 23:59")
    pay("C", 11, "2026-10-31 08:00")
    made = sheet("2026-10-31")
    assert told(made)["clearing"] == (89880, 2 * 89880, 0, 3 * 89880)
    assert made.entries == 2
    # An entry of tomorrow is not yesterday's.
    assert sheet("2026-11-01").entries == 0
    assert all(one.holds for one in audit())


def test_what_is_dated_tomorrow_already_waits_for_tomorrow(payer: Person) -> None:
    pay("A", 9, "2026-10-31 00:00")
    pay("B", 10, "2026-10-30 23:59")
    assert sheet("2026-10-30").entries == 1
    assert sheet("2026-10-31").entries == 1
    assert all(one.holds for one in audit())


def test_made_twice_is_made_once_and_days_follow_one_another(payer: Person) -> None:
    pay("A", 9, "2026-10-30 12:00")
    assert sheet("2026-10-30") == sheet("2026-10-30")
    with pytest.raises(NotYet):
        sheet("2026-11-02")
    with pytest.raises(NotYet):
        sheet("2026-11-21")
    assert DaySheet.objects.count() == 1


def test_the_schedule_catches_up_with_all_days_since_the_first(payer: Person) -> None:
    pay("A", 9, "2026-10-30 12:00")
    now = moment("2026-11-03 00:40")
    assert make_due(by=User.objects.system(), now=now) == 4
    assert make_due(by=User.objects.system(), now=now) == 0
    assert list(DaySheet.objects.order_by("day").values_list("day", flat=True)) == [
        dt.date(2026, 10, 30), dt.date(2026, 10, 31), dt.date(2026, 11, 1), dt.date(2026, 11, 2),
    ]  # fmt: skip


def test_a_debit_is_what_the_bank_answered_line_by_line(road: Road) -> None:
    for order in range(1, 4):
        worker(order)
    worker(4, ending=POOR)
    batch = road.answered()
    road.post(batch)
    day = NOW.astimezone(day_sheets.CHINA).date()
    seen = reckon(city="wuhan", day=day)
    assert [(one.channel, one.booked_fen, one.said_fen) for one in seen.comparisons] == [
        ("debit:psbc", 3 * 39304, 3 * 39304),
        ("", 0, 0),
    ]
    # The bank says of one more that it paid: the day does not agree, and tells which channel.
    behind(
        "UPDATE contributions_debitline SET status = 'paid', drawing = true, reason_code = '' WHERE status = 'failed'"
    )
    seen = reckon(city="wuhan", day=day)
    assert [one.difference_fen for one in seen.comparisons] == [-39304, 0]
    assert not seen.agrees


def test_an_entry_that_nobody_else_knows_is_a_difference(payer: Person) -> None:
    pay("A", 9, "2026-10-30 12:00")
    clearing = ledger.account(city="wuxi", kind=AccountKind.CLEARING, channel="counter")
    pooled = ledger.account(city="wuxi", kind=AccountKind.POOLED, insurance="pension")
    with transaction.atomic():
        ledger.post_entry(
            city="wuxi",
            kind="by hand",
            reference="x",
            postings=[ledger.Posting(clearing, 100), ledger.Posting(pooled, -100)],
            by=User.objects.system(),
            now=moment("2026-10-30 13:00"),
        )
    made = sheet("2026-10-30")
    assert not made.agrees
    assert compared(made)["counter"] == (89980, 89880)


def test_sheets_are_kept(payer: Person) -> None:
    pay("A", 9, "2026-10-30 12:00")
    sheet("2026-10-30")
    for model, change in (
        (DaySheet, {"agrees": False}),
        (DaySheetLine, {"debit_fen": 1}),
        (DayComparison, {"said_fen": 1}),
    ):
        with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
            model.objects.update(**change)
        with pytest.raises(Exception, match="Cannot"), transaction.atomic():
            model.objects.all()._raw_delete("default")


def behind(*statements: str) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET session_replication_role = origin")
    return {one.number for one in audit() if not one.holds}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contributions_daysheetline SET debit_fen = debit_fen + 1, closing_fen = closing_fen + 1",
        "UPDATE contributions_daysheetline SET opening_fen = opening_fen + 1, closing_fen = closing_fen + 1",
        "DELETE FROM contributions_daysheetline WHERE sheet_id = (SELECT max(id) FROM contributions_daysheet)",
        "UPDATE contributions_daysheet SET agrees = false",
        "UPDATE contributions_daycomparison SET said_fen = said_fen + 1",
        "UPDATE contributions_daysheet SET day = day + 1 WHERE day = '2026-10-31'",
    ],
)
def test_the_audit_finds_a_sheet_that_is_not_the_books(payer: Person, statement: str) -> None:
    pay("A", 9, "2026-10-30 12:00")
    pay("B", 10, "2026-10-31 12:00")
    sheet("2026-10-30"), sheet("2026-10-31")
    assert all(one.holds for one in audit())
    assert 2 in behind(statement)


def test_its_work_is_that_of_a_day(payer: Person) -> None:
    pay("A", 9, "2026-10-30 12:00")
    pay("B", 10, "2026-10-31 12:00")
    sheet("2026-10-30")
    assert reckon(city="wuxi", day=dt.date(2026, 10, 31)).entries == 1
    assert Entry.objects.count() == 2
    assert DaySheetLine.objects.aggregate(fen=Sum("closing_fen"))["fen"] == 0
