"""The clerk's pages of the employer's month, and the collector's page for transfers."""

import io
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contributions.assessments import assessing as assessments
from contributions.assessments.assessing import draw_up
from contributions.assessments.transfer_notes import code_of
from contributions.books.receiving import receive
from contributions.charges.charging import charge
from contributions.debit import of_employers
from contributions.models import Assessment, AssessmentStatus, Charge, Order, OrderStatus
from contributions.orders import ending
from contributions.records.what_is_due import due_for
from contributions.workbench.orders import LineInline
from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import User
from portal.people.models import Person
from portal.policy.book import book
from portal.policy.terms.payment import transfer_account
from portal.shared import identity
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover, moment, person
from tests.conftest import Clock
from tests.contributions.assessments.transferring import booked
from tests.contributions.debit.test_employer_debit import agree
from tests.workbench import search

OCTOBER, NOVEMBER = Month(2026, 10), Month(2026, 11)


def month(which: Month, now: Any = None) -> None:
    by = User.objects.system()
    at = now or moment(f"{which}-01 01:10")
    charge(city="wuhan", month=which, by=by, now=at)
    draw_up(city="wuhan", month=which, by=by, now=at)


@pytest.fixture
def november(cast: Cast, clock: Clock) -> Assessment:
    """Two people in October; in November one left and another came, whose name begins like a
    formula."""
    for one in (cast.li_qiang, cast.wang_fang):
        cover(one, Insurance.PENSION, "wuhan", "2025-03", at=cast.donghu, wage_fen=600000)
    month(OCTOBER)
    ContributionBase.objects.filter(coverage__person=cast.wang_fang).update(until=NOVEMBER)
    Coverage.objects.filter(person=cast.wang_fang).update(until=NOVEMBER)
    new = person("甲<b>", "420106", "1990-01-01", 900)
    cover(new, Insurance.PENSION, "wuhan", "2026-11", at=cast.donghu, wage_fen=500000)
    month(NOVEMBER)
    return Assessment.objects.get(month=NOVEMBER)


def signed_in_anew(cast: Cast) -> Client:
    """The session of the day before has ended."""
    client = Client()
    client.force_login(cast.donghu_clerk)
    return client


@pytest.fixture
def clerk(cast: Cast) -> Client:
    return signed_in_anew(cast)


def page(client: Client, one: Assessment, query: str = "") -> str:
    answer = client.get(reverse("employer-assessment", args=[one.pk]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_statement_says_what_changed_and_why_each_amount(clerk: Client, november: Assessment) -> None:
    shown = page(clerk, november)
    for words in ("新增职工", "减少职工", "+1,200.00", "-1,440.00", "甲&lt;b&gt;"):
        assert words in shown
    assert "王芳" in page(clerk, november, "?change=left")
    assert clerk.get(reverse("employer-assessment", args=[november.pk]) + "?change=base").status_code == 404
    assert "李强" not in page(clerk, november, "?q=甲")
    line = Charge.objects.get(month=NOVEMBER, person__name="李强")
    why = clerk.get(reverse("employer-charge", args=[line.pk])).content.decode()
    assert "为什么是这个数" in why
    assert "16%" in why


def test_it_is_confirmed_and_then_says_how_to_pay(
    clerk: Client, cast: Cast, clock: Clock, november: Assessment
) -> None:
    assert code_of(november) not in page(clerk, november)
    due = due_for(cast.donghu_clerk, clock.now)
    assert [(one.title.split()[0], one.days_left) for one in due if one.days_left >= 0] == [
        ("确认2026年11月单位应缴", 13)
    ]
    assert any("单位欠缴" in one.title and one.days_left < 0 for one in due)
    clerk.post(reverse("employer-confirm", args=[november.pk]))
    november.refresh_from_db()
    assert november.status == AssessmentStatus.CONFIRMED
    assert code_of(november) in page(clerk, november)
    titles = [one.title for one in due_for(cast.donghu_clerk, clock.now)]
    assert any(title.startswith("缴纳2026年11月") for title in titles)
    clerk.post(reverse("employer-confirm", args=[november.pk]))
    assert november.events.filter(status="confirmed").count() == 1


def test_it_says_to_which_account_and_prints_a_notice(
    clerk: Client, cast: Cast, clock: Clock, november: Assessment
) -> None:
    to = transfer_account(book(), city="wuhan", on=clock.now.date())
    notice = reverse("employer-notice", args=[november.pk])
    assert clerk.get(notice)["Location"] == reverse("employer-assessment", args=[november.pk])
    clerk.post(reverse("employer-confirm", args=[november.pk]))
    printed = clerk.get(notice).content.decode()
    for words in (to.holder, to.bank, to.number, "示例值", code_of(november)):
        assert words in page(clerk, november)
        assert words in printed
    for words in (cast.donghu.name, cast.donghu.credit_code, "2026年11月应缴", "2026年11月30日", "元"):
        assert words in printed
    other = Client()
    other.force_login(cast.yongjiang_clerk)
    assert other.get(notice).status_code == 404
    clock.set("2026-12-01 00:00")
    assert clerk.get(notice).status_code == 302


def test_after_the_last_day_it_leads_to_the_arrears(
    clerk: Client, cast: Cast, clock: Clock, november: Assessment
) -> None:
    clerk.post(reverse("employer-confirm", args=[november.pk]))
    clock.set("2026-12-01 00:00")
    clerk = signed_in_anew(cast)
    shown = page(clerk, november)
    assert "已过缴费期限" in shown
    assert code_of(november) not in shown


def test_an_order_takes_what_is_owed_once(clerk: Client, cast: Cast, november: Assessment) -> None:
    key = "0c9e3f2e-4b3a-4f4e-9a5e-1f6f3a2b1c0d"
    url = reverse("employer-order", args=[november.pk])
    clerk.post(url, {"key": key})
    assert not Order.objects.exists()
    clerk.post(reverse("employer-confirm", args=[november.pk]))
    for _again in range(2):
        answer = clerk.post(url, {"key": key})
        order = Order.objects.get()
        assert answer["Location"] == reverse("order", args=[order.number])
    assert (order.employer, order.sum_fen) == (cast.donghu, november.sum_fen)


def test_an_employers_order_is_told_in_sums(clerk: Client, cast: Cast, november: Assessment) -> None:
    """However many the staff: each one's amount is in the assessment. Nothing of it is a person's
    page."""
    clerk.post(reverse("employer-confirm", args=[november.pk]))
    clerk.post(reverse("employer-order", args=[november.pk]), {"key": str(uuid4())})
    order = Order.objects.get()
    with CaptureQueriesContext(connection) as asked:
        shown = clerk.get(reverse("order", args=[order.number])).content.decode()
    people = Charge.objects.filter(employer=cast.donghu, insurance="pension", month=NOVEMBER).count()
    assert f'data-label="人数">{people}</td>' in shown
    assert shown.count('<th scope="row">养老保险</th>') == 1
    assert "为什么是这个数" not in shown
    assert "社会保障卡" not in shown
    assert f"{reverse('employer-assessment', args=[november.pk])}#lines" in shown
    assert not [
        one
        for one in asked
        if "orderline" in one["sql"] and "GROUP BY" not in one["sql"] and "LIMIT" not in one["sql"]
    ]
    assert "养老保险 2026年11月" in clerk.get(reverse("orders")).content.decode()
    receive(
        Charge.objects.all(),
        channel="wechat",
        provider_number="1",
        at=timezone.now(),
        by=User.objects.system(),
    )
    ending.end(order, OrderStatus.PAID, by=User.objects.system(), now=timezone.now())
    paid = clerk.get(reverse("order", args=[order.number])).content.decode()
    assert "查看应缴核定" in paid
    assert reverse("record") not in paid.partition("<main")[2]


def test_the_workbench_pages_through_an_employers_order(
    clerk: Client, cast: Cast, november: Assessment, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk.post(reverse("employer-confirm", args=[november.pk]))
    clerk.post(reverse("employer-order", args=[november.pk]), {"key": str(uuid4())})
    order = Order.objects.get()
    desk = Client()
    desk.force_login(cast.wuhan_collector, backend="portal.accounts.doors.StaffDoor")
    address = reverse("admin:contributions_order_change", args=[order.pk])
    desk.get(address)
    queries = []
    for each in (50, 1):
        monkeypatch.setattr(LineInline, "per_page", each)
        with CaptureQueriesContext(connection) as asked:
            shown = desk.get(address).content.decode()
        queries.append(len(asked))
    assert order.line_count > 1
    assert queries[0] == queries[1], "however many lines"
    named = [
        identity.mask(line.charge.person.identity_number)
        for line in order.lines.select_related("charge__person").order_by("pk")
    ]
    assert [shown.count(one) for one in dict.fromkeys(named)] == [1] + [0] * (len(set(named)) - 1)
    last = desk.get(f"{address}?lines-page={order.line_count}").content.decode()
    assert named[-1] in last


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_lines_as_files_hold_no_formula(clerk: Client, november: Assessment, kind: str) -> None:
    answer = clerk.get(reverse(f"employer-assessment-{kind}", args=[november.pk]))
    assert f"assessment-2026-11-0.{kind}" in answer["Content-Disposition"]
    content = answer.getvalue()
    if kind == "csv":
        text = content.decode("utf-8-sig")
        assert "甲<b>" in text
        assert not any(line.startswith("=") for line in text.splitlines())
        assert "1440.00" in text
        return
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    names = [row[0].value for row in sheet.iter_rows(min_row=2)]
    assert sorted(str(name) for name in names) == ["李强", "甲<b>"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}


def test_another_employers_month_is_nothing(cast: Cast, november: Assessment) -> None:
    client = Client()
    client.force_login(cast.yongjiang_clerk)
    line = assessments.lines(november)[0]
    for name, pk in (
        ("employer-assessment", november.pk),
        ("employer-assessment-csv", november.pk),
        ("employer-assessment-xlsx", november.pk),
        ("employer-charge", line.pk),
    ):
        assert client.get(reverse(name, args=[pk])).status_code == 404
    for name in ("employer-confirm", "employer-order"):
        assert client.post(reverse(name, args=[november.pk])).status_code == 404
    november.refresh_from_db()
    assert november.status == AssessmentStatus.DRAWN_UP


def test_the_statements_queries_do_not_grow_with_the_staff(cast: Cast, clock: Clock, clerk: Client) -> None:
    people: list[Person] = [cast.li_qiang]
    counts = []
    for which, more in ((OCTOBER, 0), (NOVEMBER, 40)):
        people += [person(f"职工{order}", "420106", "1990-01-01", 100 + order) for order in range(more)]
        for one in people:
            if not Coverage.objects.filter(person=one).exists():
                cover(one, Insurance.PENSION, "wuhan", "2026-10", at=cast.donghu, wage_fen=600000)
        month(which)
        latest = Assessment.objects.order_by("-month").first()
        assert latest is not None
        page(clerk, latest)
        with CaptureQueriesContext(connection) as captured:
            page(clerk, latest)
        counts.append(len(captured))
    assert counts[0] == counts[1]


# The collector's side


def test_the_queue_of_assessments_finds_a_code_and_leads_to_what_arrived(
    cast: Cast, clock: Clock, november: Assessment
) -> None:
    collector = Client()
    collector.force_login(cast.wuhan_collector)
    listing = reverse("admin:contributions_assessment_changelist")
    assert reverse("admin:contributions_transfer") in collector.get(listing).content.decode()
    booked(cast, november, 264000)
    assert code_of(november) not in collector.get(listing).content.decode()
    assert "武汉东湖软件有限公司" in search(collector, listing, f"{code_of(november)} 11月").content.decode()
    assert collector.get(reverse("admin:contributions_arrearsbill_changelist")).status_code == 200


@pytest.mark.parametrize(
    ("at", "confirmed", "waits"),
    [
        ("2026-11-16 09:00", False, "单位：确认"),
        ("2026-11-16 09:00", True, "单位：缴款"),
        ("2026-12-01 09:00", True, "单位：连同滞纳金补缴"),
    ],
)
def test_the_queue_says_whose_turn_it_is(
    cast: Cast,
    clock: Clock,
    clerk: Client,
    november: Assessment,
    at: str,
    confirmed: bool,
    waits: str,
) -> None:
    if confirmed:
        clerk.post(reverse("employer-confirm", args=[november.pk]))
    clock.set(at)
    collector = Client()
    collector.force_login(cast.wuhan_collector)
    listed = collector.get(reverse("admin:contributions_assessment_changelist")).content.decode()
    assert code_of(november) in listed
    assert waits in listed


def test_staff_open_and_release_the_debit_and_the_clerk_sees_it(
    cast: Cast, clock: Clock, clerk: Client, november: Assessment
) -> None:
    agree(cast.donghu)
    clerk.post(reverse("employer-confirm", args=[november.pk]))
    assert "从中国邮政储蓄银行账户 ****0014 一次扣款 2,640.00 元" in page(clerk, november)
    clock.set("2026-11-25 09:00")
    opener, releaser = Client(), Client()
    opener.force_login(cast.wuhan_collector)
    releaser.force_login(cast.superuser)
    url = reverse("admin:contributions_debitbatch_open")
    told = {"city": "wuhan", "month": "2026-11", "payer": "employers"}
    assert "用人单位只在当月托收" in opener.get(url, {**told, "month": "2026-10"}).content.decode()
    assert "确认开批 1 笔 2,640.00 元" in opener.get(url, told).content.decode()
    batch = of_employers.open_by_staff(city="wuhan", by=cast.wuhan_collector, now=timezone.now())
    assert batch is not None
    where = reverse("admin:contributions_debitbatch_change", args=[batch.pk])
    opener.post(where, {"step": "release", "confirmed": "1"})
    batch.refresh_from_db()
    assert batch.status == "opened"
    releaser.post(where, {"step": "release", "confirmed": "1", "status": "closed"})
    batch.refresh_from_db()
    assert batch.status == "released"
    clerk = signed_in_anew(cast)
    shown = page(clerk, november)
    assert "结果返回前请不要汇款" in shown
    assert "HD00" not in shown
    refused = clerk.post(
        reverse("employer-order", args=[november.pk]),
        {"key": "11111111-1111-1111-1111-111111111111"},
        follow=True,
    )
    assert "已送银行扣款" in refused.content.decode()


def test_who_is_no_collector_books_nothing(cast: Cast, november: Assessment) -> None:
    client = Client()
    client.force_login(cast.wuhan_reviewer)
    assert client.get(reverse("admin:contributions_transfer")).status_code == 404
