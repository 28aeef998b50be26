"""What a person and an employer see of their months; whatever is not theirs is not there."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contributions.books.receiving import receive
from contributions.charges import charging
from contributions.models import Charge
from contributions.records import by_month, what_is_due
from contributions.records.by_month import State
from contributions.records.years import years_of
from enrollment import consequences
from portal.accounts.models import User
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover
from tests.contributions.money_cast import NOVEMBER, OCTOBER, POOR, Road, account, charge_of, coverage_of
from tests.filing import file

PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL


def login(who: User) -> Client:
    client = Client()
    client.force_login(who, backend="portal.accounts.doors.PersonDoor")
    return client


def insured(cast: Cast, ending: str = "88") -> None:
    """Li Qiang as a flexible worker of Wuhan, with an account."""
    cover(cast.li_qiang, PENSION, "wuhan", "2026-09", tier="60")
    account(cast.li_qiang, f"62179900001234{ending}")


def states(cast: Cast, until: Month | None = None) -> dict[str, str]:
    return {str(one.month): str(one.state) for one in by_month.record(cast.li_qiang, until=until)}


def test_a_month_goes_from_covered_to_owed_to_debit_to_paid(road: Road, cast: Cast) -> None:
    insured(cast)
    assert states(cast) == {}
    assert states(cast, until=NOVEMBER) == {"2026-09": "covered", "2026-10": "covered"}
    road.charge()
    assert states(cast) == {"2026-09": "covered", "2026-10": "owed"}
    batch = road.open()
    assert states(cast)["2026-10"] == "in_debit"
    road.send(batch)
    assert states(cast)["2026-10"] == "in_debit"
    road.bank()
    road.read()
    batch.refresh_from_db()
    road.post(batch)
    assert states(cast)["2026-10"] == "paid"
    [one] = by_month.record(cast.li_qiang, since=OCTOBER)
    assert (one.amount_fen, one.personal_fen, one.employer_fen, one.account_fen) == (39304, 39304, 0, 15721)
    assert one.charge_id == charge_of(cast.li_qiang).pk


def test_a_failed_debit_says_why_in_the_banks_words(road: Road, cast: Cast) -> None:
    insured(cast, ending=POOR)
    road.walked()
    [one] = by_month.owed(cast.li_qiang)
    assert (one.state, one.reason) == (State.FAILED, "2026年10月银行扣款失败：余额不足")


def test_limits_and_cities_narrow_the_record(road: Road, cast: Cast) -> None:
    insured(cast)
    road.charge()
    cover(cast.li_qiang, MEDICAL, "wuxi", "2026-09", tier="60")

    def cities(asked: list[str] | None = None) -> set[str]:
        return {
            one.city for one in by_month.record(cast.li_qiang, since=OCTOBER, until=NOVEMBER, cities=asked)
        }

    assert cities() == {"wuhan", "wuxi"}
    assert cities(["wuxi"]) == {"wuxi"}
    assert cities([]) == set()


def test_the_number_of_queries_does_not_grow_with_the_history(
    road: Road, cast: Cast, django_assert_num_queries: Any
) -> None:
    cover(cast.li_qiang, PENSION, "wuhan", "2020-01", tier="60")
    for month in (Month(2020, 1) + offset for offset in range(3)):
        road.month = month
        road.charge()
    with django_assert_num_queries(3):
        assert len(by_month.record(cast.li_qiang)) == 3
    for month in (Month(2020, 4) + offset for offset in range(40)):
        road.month = month
        road.charge()
    with django_assert_num_queries(3):
        assert len(by_month.record(cast.li_qiang)) == 43


def test_what_fell_away_is_no_month(road: Road, cast: Cast) -> None:
    insured(cast)
    road.charge()
    coverage = coverage_of(cast.li_qiang)
    coverage.until = OCTOBER
    coverage.save()
    consequences.stopped([coverage], OCTOBER, by=road.by, now=road.now)
    charge = Charge.objects.get()
    assert (charge.status, charge.live, charge.cancellation.kind) == ("void", False, "void")
    assert states(cast, until=NOVEMBER) == {"2026-09": "covered"}
    assert by_month.owed(cast.li_qiang) == []


def test_paid_months_and_months_at_the_bank_stand_against_stopping(road: Road, cast: Cast) -> None:
    insured(cast)
    coverage = coverage_of(cast.li_qiang)
    assert consequences.stop_barriers(coverage, OCTOBER) == []
    road.charge()
    assert consequences.stop_barriers(coverage, OCTOBER) == []
    batch = road.open()
    [why] = consequences.stop_barriers(coverage, OCTOBER)
    assert "已送银行扣款" in why
    assert consequences.stop_barriers(coverage, NOVEMBER) == []
    road.send(batch)
    road.bank()
    road.read()
    batch.refresh_from_db()
    road.post(batch)
    [why] = consequences.stop_barriers(coverage, OCTOBER)
    assert "已缴费" in why


def test_a_quote_is_what_the_person_will_be_charged(road: Road, cast: Cast) -> None:
    insured(cast)
    road.charge()

    def quoted(tier: str) -> int | None:
        price = consequences.quote(
            city="wuhan", capacity=Capacity.FLEXIBLE, insurance=PENSION, tier=tier, month=OCTOBER
        )
        return price.personal_fen if price else None

    assert quoted("60") == charge_of(cast.li_qiang).amount_fen
    assert quoted("61") is None


def test_what_is_due_for_a_person(road: Road, cast: Cast) -> None:
    insured(cast)
    road.month = NOVEMBER
    road.charge()
    [due] = what_is_due.due_for(cast.li_qiang_login, road.now)
    assert "2026年11月" in due.title
    assert "393.04" in due.title
    assert due.days_left == 3  # the 17th; deposit by the 20th
    assert "2026年11月20日前" in due.text
    assert "（尾号 3488）" in due.text
    assert due.url == reverse("service", args=["wuhan", "bank-account"])
    road.open()
    assert what_is_due.due_for(cast.li_qiang_login, road.now) == []


def test_what_is_due_after_the_day_of_depositing_says_when_the_money_is_taken(road: Road, cast: Cast) -> None:
    insured(cast)
    road.month = NOVEMBER
    road.charge()
    [due] = what_is_due.due_for(cast.li_qiang_login, road.now + dt.timedelta(days=5))
    assert "2026年11月20日的存款期限已过" in due.text
    assert "11月30日扣款" in due.text
    assert due.days_left == 8  # the 22nd; debited on the 30th


def test_no_account_is_named_that_is_not_on_file(road: Road, cast: Cast) -> None:
    cover(cast.li_qiang, PENSION, "wuhan", "2026-09", tier="60")
    cover(cast.chen_jing, PENSION, "shenzhen", "2026-09", tier="60")
    cover(cast.wang_fang, PENSION, "ningbo", "2026-09", tier="60")
    for road.city in ("wuhan", "shenzhen", "ningbo"):
        road.month = NOVEMBER
        road.charge()
    [due] = what_is_due.due_for(cast.li_qiang_login, road.now)
    assert "还没有登记缴费账户" in due.text
    assert due.url == reverse("service", args=["wuhan", "bank-account"])
    for who, city in ((cast.chen_jing_login, "shenzhen"), (cast.wang_fang_login, "ningbo")):
        [due] = what_is_due.due_for(who, road.now)
        assert due.text == "请在2026年11月30日前缴费。"
        assert due.url == reverse("apply", args=[city, "flexible-pay"])


def test_a_failed_month_is_debited_again_by_itself_or_when_it_is_asked_for(road: Road, cast: Cast) -> None:
    insured(cast, ending=POOR)
    road.walked()
    [due] = what_is_due.due_for(cast.li_qiang_login, road.now)
    assert "余额不足" in due.text
    # What the message says, too.
    assert "2026年11月30日自动再次扣款，不用另行办理" in due.text
    charge = charge_of(cast.li_qiang)
    file(cast.li_qiang_login, "wuhan", "arrears-pay", {"charges": [str(charge.pk)]}, road.now)
    [due] = what_is_due.due_for(cast.li_qiang_login, road.now)
    # 393.04 and its interest: 393.04 × 1.5 % × 30 ÷ 365 = 0.4846 → 0.48
    assert "待扣款 393.52 元" in due.title
    assert "已申请补缴，11月30日扣款" in due.text
    assert due.days_left > 0


def test_the_page_of_a_failed_month_says_what_to_do(road: Road, cast: Cast) -> None:
    insured(cast, ending=POOR)
    road.walked()
    client, charge = login(cast.li_qiang_login), charge_of(cast.li_qiang)
    page = client.get(reverse("record-charge", args=[charge.pk])).content.decode()
    assert "自动再次扣款，不用另行办理" in page
    file(cast.li_qiang_login, "wuhan", "arrears-pay", {"charges": [str(charge.pk)]}, road.now)
    page = client.get(reverse("record-charge", args=[charge.pk])).content.decode()
    assert "已申请补缴，" in page
    assert "自动再次扣款" not in page


def test_what_is_due_for_an_employer_and_for_nobody_else(road: Road, cast: Cast) -> None:
    cover(cast.wang_fang, PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=800_000)
    road.city = "ningbo"
    road.charge()
    [due] = what_is_due.due_for(cast.yongjiang_clerk, road.now)
    assert due.url == reverse("employer-assessments")
    assert due.days_left < 0
    assert what_is_due.due_for(cast.wang_fang_login, road.now) == []
    assert what_is_due.due_for(cast.zhaobao_clerk, road.now) == []
    assert what_is_due.due_for(cast.superuser, road.now) == []


def test_the_record_page_shows_months_amounts_and_why_a_debit_failed(road: Road, cast: Cast) -> None:
    insured(cast, ending=POOR)
    road.walked()
    page = login(cast.li_qiang_login).get(reverse("record")).content.decode()
    for told in ("养老保险", "393.04", "扣款失败", "余额不足", "2026年10月"):
        assert told in page


def test_the_record_of_someone_without_months_says_so(cast: Cast) -> None:
    page = login(cast.li_qiang_login).get(reverse("record")).content.decode()
    assert "还没有参保缴费记录" in page


def test_a_year_that_is_not_there_is_404(road: Road, cast: Cast) -> None:
    insured(cast)
    road.charge()
    client = login(cast.li_qiang_login)
    assert client.get(reverse("record"), {"year": "2026"}).status_code == 200
    for year in ("2025", "x", "9999999"):
        assert client.get(reverse("record"), {"year": year}).status_code == 404


def five_years(road: Road, cast: Cast) -> None:
    """Insured since June 2021; June and July of each year are charged, all paid but the Julys of
    2021 and since 2023."""
    cover(cast.li_qiang, PENSION, "wuhan", "2021-06", tier="60")
    for year in range(2021, 2027):
        for number in (6, 7):
            road.month = Month(year, number)
            road.charge()
    for charge in Charge.objects.filter(month__month=6) | Charge.objects.filter(month__year=2022):
        receive([charge], channel="counter", provider_number=f"R-{charge.month}", at=road.now, by=road.by)


def test_years_long_past_are_told_by_what_they_come_to(road: Road, cast: Cast) -> None:
    five_years(road, cast)
    client = login(cast.li_qiang_login)
    page = client.get(reverse("record")).content.decode()
    assert "已缴 1 个月，待缴 1 个月，已参保，待计费 5 个月" in page
    assert "已缴 2 个月，已参保，待计费 10 个月" in page
    grid = page[: page.index('id="list"')]
    assert "2024年6月 已缴" in grid
    assert "2023年6月" not in grid
    assert page.count('colspan="12"') == 3
    assert "已缴 7 个月" in page


def test_a_year_long_past_is_listed_when_asked_for(road: Road, cast: Cast) -> None:
    five_years(road, cast)
    page = login(cast.li_qiang_login).get(reverse("record"), {"year": "2021"}).content.decode()
    listed = page[page.index('id="list"') :]
    assert "2021年7月" in listed
    assert "待缴" in listed
    assert "2026年7月" not in listed


def test_all_months_are_shown_when_asked_for(road: Road, cast: Cast) -> None:
    five_years(road, cast)
    client = login(cast.li_qiang_login)
    assert "?all=months" in client.get(reverse("record")).content.decode()
    page = client.get(reverse("record"), {"all": "months"}).content.decode()
    assert "2021年6月 已缴" in page
    assert "colspan" not in page
    assert "?all=months&amp;year=2021#list" in page


def test_months_between_two_stretches_are_gaps_of_their_year(road: Road, cast: Cast) -> None:
    for start, until in (("2021-06", "2021-07"), ("2022-02", "2022-03"), ("2026-10", None)):
        cover(cast.li_qiang, PENSION, "wuhan", start, until, tier="60")
    for month in (Month(2021, 6), Month(2022, 2), OCTOBER):
        road.month = month
        road.charge()
    years = years_of(cast.li_qiang, by_month.coverages_of(cast.li_qiang))[PENSION]
    assert {year: years.gaps(year) for year in range(2020, 2028)} == {
        2020: 0,
        2021: 6,
        2022: 11,
        2023: 12,
        2024: 12,
        2025: 12,
        2026: 9,
        2027: 0,
    }
    assert (years.first, years.last, years.paid) == (Month(2021, 6), OCTOBER, 0)


def test_an_old_failed_debit_is_still_told(road: Road, cast: Cast) -> None:
    cover(cast.li_qiang, PENSION, "wuhan", "2021-06", "2021-07", tier="60")
    account(cast.li_qiang, f"62179900001234{POOR}", start="2021-01")
    road.month = Month(2021, 6)
    road.walked()
    cover(cast.li_qiang, PENSION, "wuhan", "2026-10", tier="60")
    road.month = OCTOBER
    road.charge()
    page = login(cast.li_qiang_login).get(reverse("record")).content.decode()
    assert "2021年6月养老保险扣款失败" in page


def test_why_an_amount_is_that_amount(road: Road, cast: Cast) -> None:
    insured(cast)
    road.charge()
    page = (
        login(cast.li_qiang_login)
        .get(reverse("record-charge", args=[charge_of(cast.li_qiang).pk]))
        .content.decode()
    )
    for told in ("3,275.30", "60%", "393.036", "393.04", "2013年1月1日"):
        assert told in page


def test_a_charge_of_someone_else_is_the_same_404_as_none(road: Road, cast: Cast) -> None:
    insured(cast)
    road.charge()
    theirs = reverse("record-charge", args=[charge_of(cast.li_qiang).pk])
    nothing = reverse("record-charge", args=[999_999])
    for client in (login(cast.wang_fang_login), login(cast.yongjiang_clerk), login(cast.wuhan_collector)):
        answers = [client.get(address) for address in (theirs, nothing)]
        assert [answer.status_code for answer in answers] == [404, 404]
    assert Client().get(theirs).status_code == 302


def test_an_employer_sees_its_own_months_and_people(road: Road, cast: Cast) -> None:
    for who, employer in ((cast.wang_fang, cast.yongjiang), (cast.zhang_min, cast.zhaobao)):
        cover(who, PENSION, "ningbo", "2026-01", at=employer, wage_fen=800_000)
    road.city = "ningbo"
    road.charge()
    client = login(cast.yongjiang_clerk)
    page = client.get(reverse("employer-charges")).content.decode()
    assert "王芳" in page
    assert "张敏" not in page
    assert cast.wang_fang.identity_number not in page
    assert client.get(reverse("employer-charges"), {"month": "2026-09"}).status_code == 404
    assert login(cast.wang_fang_login).get(reverse("employer-charges")).status_code == 404


def test_an_employer_turns_back_year_by_year(road: Road, cast: Cast) -> None:
    cover(cast.wang_fang, PENSION, "ningbo", "2025-01", at=cast.yongjiang, wage_fen=800_000)
    road.city = "ningbo"
    for month in (Month(2025, 1), Month(2025, 10), Month(2025, 11), Month(2026, 10)):
        charging.charge(city="ningbo", month=month, by=road.by, now=road.now)
    client, url = login(cast.yongjiang_clerk), reverse("employer-charges")
    latest = client.get(url).content.decode()
    assert "2025年11月" in latest
    assert "2025年10月" not in latest
    assert "?before=2025-11" in latest
    earlier = client.get(url, {"before": "2025-11"}).content.decode()
    assert "2025年10月" in earlier
    assert "2025年1月" in earlier
    assert "更早的月份" not in earlier
    assert client.get(url, {"before": "2025-13"}).status_code == 404


def test_a_month_paid_at_the_counter_shows_its_receipt(road: Road, cast: Cast) -> None:
    insured(cast)
    road.charge()
    charge = charge_of(cast.li_qiang)
    receive([charge], channel="counter", provider_number="R-7", at=road.now, by=road.by)
    page = login(cast.li_qiang_login).get(reverse("record-charge", args=[charge.pk])).content.decode()
    assert "R-7" in page
    assert f"R-7/{charge.pk}" not in page
    assert "已入账" in page


@pytest.mark.parametrize("months", [1, 24])
def test_a_page_asks_the_same_number_of_questions_whatever_the_history(
    road: Road, cast: Cast, months: int, django_assert_max_num_queries: Any
) -> None:
    cover(cast.li_qiang, PENSION, "wuhan", "2020-01", tier="60")
    for month in (Month(2020, 1) + offset for offset in range(months)):
        road.month = month
        road.charge()
    client = login(cast.li_qiang_login)
    with django_assert_max_num_queries(15):
        assert client.get(reverse("record")).status_code == 200
