"""个人账户: what receipts credited, by year, on the page and against the books."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contributions.audit.looking import audit
from contributions.books.account_interest import credit
from contributions.books.personal_account import BOOKS_AND_RECEIPTS, accounts_of
from contributions.books.receiving import receive
from contributions.charges.charging import charge
from contributions.models import Charge, LedgerAccount
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_span
from tests.cast import NOW, Cast, cover, moment
from tests.conftest import Clock

pytestmark = pytest.mark.django_db

FIRST, OWED = Month(2025, 11), Month(2026, 4)


def pay(number: str, when: str, *months: str) -> None:
    wanted = [Month.parse(month) for month in months]
    receive(
        Charge.objects.filter(month__in=wanted),
        channel="counter",
        provider_number=number,
        at=moment(when),
        by=User.objects.system(),
    )


@pytest.fixture
def saver(cast: Cast, clock: Clock) -> Person:
    """王芳 of Wuxi, pension and medical at 60 %: November paid in 2025, December to March in 2026,
    April owed."""
    for insurance in (Insurance.PENSION, Insurance.MEDICAL):
        cover(cast.wang_fang, insurance, "wuxi", str(FIRST), tier="60")
    for month in month_span(FIRST, OWED + 1):
        charge(city="wuxi", month=month, by=User.objects.system(), now=NOW)
    pay("S-1", "2025-11-20 10:00", "2025-11")
    # New Year's morning in China is still the old year in London.
    pay("S-2", "2026-01-01 01:00", "2025-12")
    pay("S-3", "2026-03-20 10:00", "2026-01", "2026-02", "2026-03")
    return cast.wang_fang


def test_eight_points_of_each_paid_month_are_credited_in_the_year_of_the_money(saver: Person) -> None:
    [pension] = accounts_of(saver)
    assert (pension.city, pension.insurance) == ("wuxi", Insurance.PENSION)
    told = [(year.year, year.opening_fen, year.credited_fen, year.closing_fen) for year in pension.years]
    # 4494.00 × 8 % = 359.52
    assert told == [(2026, 35952, 4 * 35952, 5 * 35952), (2025, 0, 35952, 35952)]
    assert [str(one.month) for one in pension.years[0].credits] == [
        "2025-12",
        "2026-01",
        "2026-02",
        "2026-03",
    ]
    assert pension.balance_fen == 179760


def test_money_in_suspense_credits_nothing(saver: Person) -> None:
    pay("S-3-again", "2026-03-21 10:00", "2026-03")
    assert accounts_of(saver)[0].balance_fen == 179760
    assert all(one.holds for one in audit())


def test_a_long_history_takes_no_more_queries(saver: Person, cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            accounts_of(saver)
        return len(asked)

    few = queries()
    pay("S-4", "2026-04-20 10:00", "2026-04")
    assert accounts_of(saver)[0].balance_fen == 6 * 35952
    assert queries() == few == 2


def test_the_accounts_of_all_are_what_the_books_hold(saver: Person) -> None:
    assert all(one.holds for one in audit())
    pension, medical = (
        LedgerAccount.objects.get(city="wuxi", kind="personal", insurance=insurance).pk
        for insurance in ("pension", "medical")
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE contributions_leg SET account_id = %s WHERE account_id = %s", [medical, pension]
        )
        cursor.execute("SET session_replication_role = origin")
        cursor.execute(BOOKS_AND_RECEIPTS)
        said = sorted(row[0] for row in cursor.fetchall())
    assert said == [
        "wuxi medical 个人账户记账 179760 分，到账和变动记录合计 0 分",
        "wuxi pension 个人账户记账 0 分，到账和变动记录合计 179760 分",
    ]
    assert 2 in {one.number for one in audit() if not one.holds}


def test_the_page_shows_ones_own_and_what_interest_waits_for(
    saver: Person, cast: Cast, client: Client
) -> None:
    assert client.get("/record/account/").status_code == 302
    client.force_login(cast.wang_fang_login)
    text = client.get("/record/account/").content.decode()
    assert "无锡 养老保险个人账户" in text
    assert "1,797.60" in text
    assert "1,438.08" in text
    assert "2025年的利率已公布，尚未结息。2026年的记账利率公布后结息" in text
    assert "未结息" in text
    assert "医疗保险个人账户" not in text
    assert "/record/account/" in client.get("/record/").content.decode()
    client.force_login(cast.li_qiang_login)
    other = client.get("/record/account/").content.decode()
    assert "1,797.60" not in other
    assert "还没有划入个人账户的缴费" in other


def test_an_account_without_interest_waits_for_none(cast: Cast, clock: Clock, client: Client) -> None:
    cover(cast.li_qiang, Insurance.MEDICAL, "wuhan", "2026-10", tier="60")
    charge(city="wuhan", month=Month(2026, 10), by=User.objects.system(), now=NOW)
    pay("S-1", "2026-10-20 10:00", "2026-10")
    client.force_login(cast.li_qiang_login)
    text = client.get("/record/account/").content.decode()
    assert "武汉 医疗保险个人账户" in text
    assert "不计息" in text
    assert "未结息" not in text


def test_the_statement_opens_interest_to_why_it_is_this_number(
    saver: Person, cast: Cast, client: Client
) -> None:
    """2025: 359.52 in November for two months: 719.04 ÷ 12 × 1.50 % = 0.8988 → 0.90."""
    for year in (2023, 2024, 2025):
        credit(city="wuxi", insurance=Insurance.PENSION, year=year, by=User.objects.system(), now=NOW)
    client.force_login(cast.wang_fang_login)
    text = client.get("/record/account/").content.decode()
    assert "2025年记账利息 0.90 元" in text
    assert "719.04 元·月" in text
    assert "依据：《统一和规范职工养老保险个人账户记账利率办法》（人社部发〔2017〕31号）" in text
    assert "360.42" in text
    assert "1,798.50" in text
    assert "尚未结息" not in text
