"""What a person and an employer see of their months; whatever is not theirs is not there."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contributions import charging, queries
from contributions.models import Charge
from contributions.queries import State
from contributions.receiving import receive
from enrollment import consequences
from portal.accounts.models import User
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover
from tests.contributions.money_cast import NOVEMBER, OCTOBER, POOR, Road, account, charge_of, coverage_of

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
    return {str(one.month): str(one.state) for one in queries.record(cast.li_qiang, until=until)}


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
    [one] = queries.record(cast.li_qiang, since=OCTOBER)
    assert (one.amount_fen, one.personal_fen, one.employer_fen, one.account_fen) == (39304, 39304, 0, 15721)
    assert one.charge_id == charge_of(cast.li_qiang).pk


def test_a_failed_debit_says_why_in_the_banks_words(road: Road, cast: Cast) -> None:
    insured(cast, ending=POOR)
    road.walked()
    [one] = queries.owed(cast.li_qiang)
    assert (one.state, one.reason) == (State.FAILED, "2026年10月银行扣款失败：余额不足")


def test_limits_and_cities_narrow_the_record(road: Road, cast: Cast) -> None:
    insured(cast)
    road.charge()
    cover(cast.li_qiang, MEDICAL, "wuxi", "2026-09", tier="60")

    def cities(asked: list[str] | None = None) -> set[str]:
        return {
            one.city for one in queries.record(cast.li_qiang, since=OCTOBER, until=NOVEMBER, cities=asked)
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
    with django_assert_num_queries(2):
        assert len(queries.record(cast.li_qiang)) == 3
    for month in (Month(2020, 4) + offset for offset in range(40)):
        road.month = month
        road.charge()
    with django_assert_num_queries(2):
        assert len(queries.record(cast.li_qiang)) == 43


def test_what_fell_away_is_no_month(road: Road, cast: Cast) -> None:
    insured(cast)
    road.charge()
    coverage = coverage_of(cast.li_qiang)
    coverage.until = OCTOBER
    coverage.save()
    consequences.stopped(coverage, OCTOBER, by=road.by, now=road.now)
    charge = Charge.objects.get()
    assert (charge.status, charge.live, charge.cancellation.kind) == ("void", False, "void")
    assert states(cast, until=NOVEMBER) == {"2026-09": "covered"}
    assert queries.owed(cast.li_qiang) == []


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
        return consequences.quote(
            city="wuhan", capacity=Capacity.FLEXIBLE, insurance=PENSION, tier=tier, month=OCTOBER
        )

    assert quoted("60") == charge_of(cast.li_qiang).amount_fen
    assert quoted("61") is None


def test_what_is_due_for_a_person(road: Road, cast: Cast) -> None:
    insured(cast)
    road.month = NOVEMBER
    road.charge()
    [due] = queries.due_for(cast.li_qiang_login, road.now)
    assert "2026年11月" in due.title
    assert "393.04" in due.title
    assert due.days_left == 3  # the 17th; deposit by the 20th
    assert due.url == reverse("record")
    road.open()
    assert queries.due_for(cast.li_qiang_login, road.now) == []


def test_what_is_due_for_an_employer_and_for_nobody_else(road: Road, cast: Cast) -> None:
    cover(cast.wang_fang, PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=800_000)
    road.city = "ningbo"
    road.charge()
    [due] = queries.due_for(cast.yongjiang_clerk, road.now)
    assert due.url == reverse("employer-assessments")
    assert due.days_left < 0
    assert queries.due_for(cast.wang_fang_login, road.now) == []
    assert queries.due_for(cast.zhaobao_clerk, road.now) == []
    assert queries.due_for(cast.superuser, road.now) == []


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
    assert f"R-7/{charge.pk}" in page
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
    with django_assert_max_num_queries(12):
        assert client.get(reverse("record")).status_code == 200
