"""基本养老历年参保: every year as the ledger has it, and what the totals leave out."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from certificates import issuing, rendering
from certificates.facts import Use
from certificates.history_facts import history_facts
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from certificates.presenting import contents
from contributions.models import BroughtIn, Charge, ChargeStatus, MovedOut, MovedOutPeriod
from portal.hall.routing import Status as CaseStatus
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import NOW, Cast
from tests.certificates.test_rendering import text_of
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

TYPED = {"first_year": "all"}


def history(person: Person, **more: Any) -> dict[str, Any]:
    given = {"city": book().city("ningbo"), "first_year": None, "use": Use("", "", None), "now": NOW, **more}
    return history_facts(person, **given)


def moved_months(cast: Cast, **more: Any) -> dict[str, Any]:
    return {
        "insurance": Insurance.PENSION,
        "city": "ningbo",
        "wages": {},
        "account_fen": 1234567,
        "pooled_fen": 0,
        "at": NOW,
        "by": cast.ningbo_reviewer,
        **more,
    }


def test_it_is_done_at_once_and_equals_the_charges_that_were_paid(cast: Cast, insured: Person) -> None:
    case = file(cast.wang_fang_login, "ningbo", "pension-history", TYPED, NOW)
    certificate = Certificate.objects.get(case=case)
    assert case.status == CaseStatus.DONE
    assert (certificate.kind, str(certificate.valid_until)) == (
        CertificateKind.PENSION_HISTORY,
        "2027-02-15",
    )
    paid = Charge.objects.filter(person=insured, insurance="pension", status=ChargeStatus.PAID)
    [year] = certificate.facts["years"]
    assert (year["year"], year["where"], year["months"]) == (2026, cast.yongjiang.name, 9)
    assert (year["low"], year["high"], year["wages"]) == ("8000", "8000", "72000")
    for name in ("personal_fen", "employer_fen", "account_fen"):
        assert year[name] == sum(getattr(one, name) for one in paid)
        assert certificate.facts["totals"][name] == year[name]
    text = text_of(issuing.produce(certificate, now=NOW))
    for said in ("历年参保证明", "72,000.00", "待缴 1 个月", "不含视同缴费年限", "第 1 页，共 1 页"):
        assert said in text


def test_the_personal_account_adds_up_from_year_to_year(insured: Person) -> None:
    facts = history(insured)
    [year] = facts["account"]
    assert (
        year["opening_fen"] + year["credited_fen"] + year["interest_fen"] + year["moved_fen"]
        == (year["closing_fen"])
    )
    assert year["credited_fen"] == facts["totals"]["account_fen"] > 0


def test_what_came_from_elsewhere_is_listed_and_not_added(cast: Cast, insured: Person) -> None:
    BroughtIn.objects.create(
        person=insured,
        start=Month(2010, 1),
        until=Month(2012, 1),
        months=24,
        from_place="杭州市社会保险管理服务中心",
        key="x",
        **moved_months(cast),
    )
    shown = contents(history(insured))
    assert shown["total"]["months"] == 9
    assert shown["left_out"] == ["待缴 1 个月", "参保 1 个月", "从外地转入和另外计入 24 个月"]
    assert shown["brought_in"] == [
        {
            "place": "杭州市社会保险管理服务中心",
            "span": "2010年1月至2011年12月",
            "months": 24,
            "account": "12,345.67",
        }
    ]


def test_months_that_left_count_here_no_more_and_those_under_way_are_said(
    cast: Cast, insured: Person
) -> None:
    left = MovedOut.objects.create(
        person=insured,
        start=Month(2026, 1),
        until=Month(2026, 4),
        months=3,
        to_city="wuhan",
        to_place="武汉",
        key="y",
        **moved_months(cast),
    )
    MovedOutPeriod.objects.create(
        moved_out=left, person=insured, insurance="pension", start=Month(2026, 1), until=Month(2026, 4)
    )
    shown = contents(history(insured))
    assert shown["total"]["months"] == 6
    assert shown["left_out"] == [
        "已转出 3 个月",
        "待缴 1 个月",
        "参保 1 个月",
        "转移途中 3 个月",
    ]


def test_it_can_begin_with_a_year_and_only_one_on_record(cast: Cast, insured: Person) -> None:
    assert reasons(cast.wang_fang_login, "ningbo", "pension-history", {"first_year": "2026"}, NOW) == {}
    refused = reasons(cast.wang_fang_login, "ningbo", "pension-history", {"first_year": "1990"}, NOW)
    assert "1990" in refused["first_year"]


def test_who_has_paid_nothing_there_has_nothing_certified(cast: Cast) -> None:
    refused = reasons(cast.li_qiang_login, "ningbo", "pension-history", TYPED, NOW)
    assert "没有已缴的基本养老保险月份" in refused["first_year"]


@pytest.mark.usefixtures("clock")
def test_an_employers_clerk_is_not_let_in(client: Client, cast: Cast) -> None:
    client.force_login(cast.yongjiang_clerk, backend="portal.accounts.doors.EmployerDoor")
    apply = reverse("apply", args=["ningbo", "pension-history"])
    response = client.post(apply, TYPED)
    assert response.headers["Location"] == reverse("service", args=["ningbo", "pension-history"])
    assert not Certificate.objects.exists()


def pages_of(cast: Cast, facts: dict[str, Any], rows: int) -> tuple[list[str], list[int]]:
    """The pages of a history with so many rows above its total, and how many rows stand on each,
    the total included."""
    [year] = facts["years"][:1]
    years = [{**year, "year": 1996 + place // 2, "where": "甲"} for place in range(rows)]
    certificate = issuing.freeze(
        kind=CertificateKind.PENSION_HISTORY,
        city="ningbo",
        person=cast.wang_fang,
        facts={**facts, "years": years, "account": []},
        by=cast.wang_fang_login,
        now=NOW,
    )
    pages = text_of(rendering.render(certificate, development=True)).split("\f")[:-1]
    return pages, [len(re.findall(r"(?m)^\s*(?:\d{4}|合计)\s", page)) for page in pages]


def test_thirty_years_repeat_the_head_number_the_pages_and_leave_no_row_alone(
    cast: Cast, insured: Person
) -> None:
    facts = history(insured)
    _pages, [fit, *_rest] = pages_of(cast, facts, 60)
    # One row too many for the first page, two, and three; the total is one of them.
    for rows in (fit, fit + 1, fit + 2, 60):
        pages, found = pages_of(cast, facts, rows)
        assert sum(found) == rows + 1
        assert len(pages) >= 2
        for number, (page, lines) in enumerate(zip(pages, found, strict=True), start=1):
            assert f"第 {number} 页，共 {len(pages)} 页" in page
            assert lines == 0 or lines >= 3
            assert ("月缴费基数" in page) == (lines > 0)
        assert "社会保险管理服务中心" in pages[-1]
