"""The books in the workbench: a day's trial balance with its red line and its CSV, and the close of
a month by two people."""

import pytest
from django.db import ProgrammingError
from django.test import Client
from django.urls import reverse
from kombu.exceptions import OperationalError as QueueDown

from contributions.audit import runs
from contributions.books import day_sheets
from contributions.books.receiving import receive
from contributions.charges.charging import charge
from contributions.models import AuditRun, Charge, Entry, MonthClose
from contributions.tasks import books
from portal.accounts.models import User
from portal.accounts.roles import COLLECTOR, REVIEWER
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import NOW, WUCHANG, cover, moment, person, staff
from tests.conftest import Clock
from tests.contributions.audit.test_audit import behind_the_back
from tests.contributions.books.test_closing import by_hand
from tests.contributions.money_cast import Road, worker

pytestmark = pytest.mark.django_db

BALANCE = "/admin/contributions/ledgeraccount/"
CLOSE = "/admin/contributions/monthclose/"
AUDITS = "/admin/contributions/auditrun/"


@pytest.fixture
def month(clock: Clock) -> None:
    """Wuxi in October 2026: one month paid on the 15th, and once more on the 16th."""
    who = person("缴费人", WUCHANG, "1985-01-01", 1)
    cover(who, Insurance.PENSION, "wuxi", "2026-09", tier="60")
    charge(city="wuxi", month=Month(2026, 9), by=User.objects.system(), now=NOW)
    for number, when in (("A", "2026-10-15 12:00"), ("A-again", "2026-10-16 12:00")):
        receive(
            Charge.objects.all(),
            channel="counter",
            provider_number=number,
            at=moment(when),
            by=User.objects.system(),
        )


def as_collector(name: str, *, city: str = "wuxi", role: str = COLLECTOR) -> Client:
    client = Client()
    client.force_login(staff(name, name, city, role))
    return client


def sheets(until: str) -> None:
    day_sheets.make_due(by=User.objects.system(), now=moment(until))


def test_a_day_shows_what_it_moved_and_that_it_agrees(month: None) -> None:
    sheets("2026-10-17 00:40")
    client = as_collector("甲")
    text = client.get(BALANCE, {"day": "2026-10-16"}).content.decode()
    assert "日终试算平衡表，2026-10-17 00:40 生成" in text
    assert "1,797.60" in text
    assert "相符" in text
    assert "不符" not in text
    # A channel by its name, not by its code.
    assert "收款清算 · 柜台" in text
    assert "counter" not in text
    # Suspense row by row, and the way to give it back.
    assert "A-again" in text
    assert reverse("admin:contributions_heldreceipt_changelist").rstrip("/") in text
    today = client.get(BALANCE).content.decode()
    assert "按现有账目即时计算" in today
    assert client.get(BALANCE, {"day": "2027-01-01"}).status_code == 422


def test_banks_and_channels_are_called_by_name(road: Road) -> None:
    worker(1)
    road.walked()
    clerk = as_collector("武汉", city="wuhan")
    shown = [clerk.get(BALANCE), clerk.get(BALANCE, {"csv": "1"})]
    shown.append(clerk.get(reverse("admin:contributions_receipt_changelist")))
    entry = Entry.objects.get()
    shown.append(clerk.get(reverse("admin:contributions_entry_change", args=[entry.pk])))
    for response in shown:
        text = response.content.decode()
        assert "中国邮政储蓄银行托收" in text, response.request
        assert "debit:psbc" not in text


def test_a_difference_is_a_red_line_that_says_what_to_do(month: None) -> None:
    by_hand(100, "2026-10-16 13:00")
    sheets("2026-10-17 00:40")
    text = as_collector("甲").get(BALANCE, {"day": "2026-10-16"}).content.decode()
    assert 'class="differs"' in text
    assert "核对当日分录与银行结果、渠道账单" in text


def test_the_day_as_a_table(month: None) -> None:
    sheets("2026-10-17 00:40")
    answer = as_collector("甲").get(BALANCE, {"day": "2026-10-15", "csv": "1"})
    assert answer["Content-Disposition"] == 'attachment; filename="trial-balance-2026-10-15.csv"'
    rows = answer.content.decode("utf-8-sig").splitlines()
    assert rows[0] == "城市,日期,项目,期初,借方,贷方,期末,对方,差额"
    assert "无锡,2026-10-15,收款清算 · 柜台,0.00,898.80,0.00,898.80,," in rows
    assert "无锡,2026-10-15,柜台：本日收付,,,,898.80,898.80,0.00" in rows


def test_two_collectors_close_a_month(month: None, clock: Clock) -> None:
    clock.set("2026-11-02 09:00")
    first, second = as_collector("甲"), as_collector("乙")
    text = first.get(CLOSE).content.decode()
    assert "缺日终试算平衡表" in text
    assert f"{BALANCE}?day=2026-10-31" in text
    assert "提请月结</button>" not in text
    october = {"city": "wuxi", "month": "2026-10"}
    assert "还不能月结" in first.post(CLOSE, {**october, "step": "propose"}, follow=True).content.decode()
    sheets("2026-11-02 00:40")
    assert "提请月结</button>" in first.get(CLOSE).content.decode()
    first.post(CLOSE, {**october, "step": "propose"})
    assert "须由另一名征缴人员复核" in first.get(CLOSE).content.decode()
    first.post(CLOSE, {**october, "step": "close", "confirmed": "1"})
    assert not MonthClose.objects.filter(closed_at__isnull=False).exists()
    asked = second.post(CLOSE, {**october, "step": "close"}, follow=True).content.decode()
    assert "确认2026年10月月结？" in asked
    assert not MonthClose.objects.filter(closed_at__isnull=False).exists()
    done = second.post(CLOSE, {**october, "step": "close", "confirmed": "1"}, follow=True).content.decode()
    assert "2026年10月已月结" in done
    one = MonthClose.objects.get()
    assert one.digest in second.get(f"{CLOSE}{one.pk}/change/").content.decode()


def test_whoever_is_not_the_citys_collector_closes_nothing(month: None, clock: Clock) -> None:
    clock.set("2026-11-02 09:00")
    sheets("2026-11-02 00:40")
    october = {"city": "wuxi", "month": "2026-10", "step": "propose"}
    assert as_collector("丙", city="wuhan").post(CLOSE, october).status_code == 404
    assert as_collector("丁", role=REVIEWER).post(CLOSE, october).status_code == 404
    assert as_collector("戊", role=REVIEWER).get(CLOSE).status_code == 404
    assert "无锡" not in as_collector("己", city="wuhan").get(CLOSE).content.decode().split("wb-head")[1]
    assert not MonthClose.objects.exists()


def test_what_the_audits_found_is_shown_and_stands_among_what_is_to_be_done(month: None) -> None:
    client, everywhere = as_collector("甲"), as_collector("乙", city="")
    fresh = client.get(AUDITS).content.decode()
    assert "还没有核对过" in fresh
    assert "最近一次账目核对" not in fresh
    assert runs.troubles(NOW) == 0
    sound = runs.run(everything=True)
    text = client.get(AUDITS).content.decode()
    assert "全部通过" in text
    assert "最近一次账目核对" not in text
    behind_the_back("UPDATE contributions_receipt SET amount_fen = amount_fen + 1 WHERE applied")
    broken = runs.run(everything=True)
    assert runs.troubles(NOW) == broken.broken == 1
    assert "1 项不符" in client.get(AUDITS).content.decode()
    page = f"{AUDITS}{broken.pk}/change/"
    assert "到账 counter A/" in everywhere.get(page).content.decode()
    # The rows are of all cities.
    text = client.get(page).content.decode()
    assert "由管理全部城市的人员查看" in text
    assert "到账 counter A/" not in text
    assert "不符" not in client.get(f"{AUDITS}{sound.pk}/change/").content.decode()
    assert as_collector("丙", role=REVIEWER).get(page).status_code in (403, 404)


def test_an_audit_that_cannot_come_to_its_end_is_shown_too(month: None) -> None:
    behind_the_back("ALTER TABLE contributions_suspension RENAME TO gone")
    with pytest.raises(ProgrammingError):
        runs.run(everything=True)
    assert runs.troubles(NOW) == 1
    text = as_collector("甲").get(f"{AUDITS}{AuditRun.objects.get().pk}/change/").content.decode()
    assert "核对没有完成" in text


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which tasks a page rang for; a worker hears nothing of it here."""
    heard: list[str] = []
    monkeypatch.setattr(books.audit_now, "delay", lambda: heard.append("audit_now"))
    monkeypatch.setattr(books.make_day_sheets, "delay", lambda: heard.append("make_day_sheets"))
    return heard


def test_a_collector_audits_now(month: None, rung: list[str]) -> None:
    client = as_collector("甲")
    assert "现在核对</button>" in client.get(AUDITS).content.decode()
    assert "已开始核对" in client.post(AUDITS, follow=True).content.decode()
    assert rung == ["audit_now"]
    books.audit_now()
    assert AuditRun.objects.get().sound
    assert as_collector("丙", role=REVIEWER).post(AUDITS).status_code in (403, 404)
    assert rung == ["audit_now"]


def test_one_audit_at_a_time(month: None, rung: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    client = as_collector("甲")

    def meanwhile(**_named: object) -> None:
        assert runs.under_way()
        assert "正在核对" in client.get(AUDITS).content.decode()
        assert "已有一次核对正在进行" in client.post(AUDITS, follow=True).content.decode()
        raise RuntimeError

    monkeypatch.setattr(runs, "run_one", meanwhile)
    with pytest.raises(RuntimeError):
        runs.run(everything=True)
    assert rung == []
    assert not runs.under_way()


def test_missing_day_sheets_are_made_by_a_button_with_progress(
    month: None, clock: Clock, rung: list[str]
) -> None:
    clock.set("2026-11-02 09:00")
    client = as_collector("甲")
    assert "现在补做</button>" in client.get(CLOSE).content.decode()
    text = client.post(CLOSE, {"step": "sheets"}, follow=True).content.decode()
    assert rung == ["make_day_sheets"]
    assert "正在补做，还缺 17 天" in text
    assert 'hx-trigger="every 3s"' in text
    books.make_day_sheets()
    text = client.get(CLOSE).content.decode()
    assert "补做" not in text
    assert "提请月结</button>" in text
    assert as_collector("丁", role=REVIEWER).post(CLOSE, {"step": "sheets"}).status_code == 404


def test_a_queue_that_does_not_hear_is_said(month: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> None:
        raise QueueDown

    monkeypatch.setattr(books.audit_now, "delay", down)
    assert "暂时不可用" in as_collector("甲").post(AUDITS, follow=True).content.decode()
