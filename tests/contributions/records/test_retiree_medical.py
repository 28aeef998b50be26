"""退休后继续缴纳医疗保险: paid by the month until the years are enough, by the rule of the time of
retirement."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from contributions.models import Charge, ChargeStatus
from enrollment.models import Coverage
from portal.hall import desk
from portal.hall.routing import Status
from portal.registers.models import PensionKind, PensionRecord
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_span
from tests.cast import NOW, Cast, cover, moment
from tests.filing import ask, file, reasons

pytestmark = pytest.mark.django_db

CODE, CITY, MEDICAL = "retiree-medical", "shenzhen", Insurance.MEDICAL
ACCOUNT = "6217990000000000014"


def months_paid(
    cast: Cast, city: str, first: str, count: int, capacity: Capacity = Capacity.FLEXIBLE
) -> None:
    """So many paid months of medical insurance."""
    start = Month.parse(first)
    coverage = cover(cast.chen_jing, MEDICAL, city, first, str(start + count), capacity=capacity, tier="one")
    Charge.objects.bulk_create(
        Charge(
            person=cast.chen_jing, coverage=coverage, city=city, insurance=MEDICAL, capacity=capacity, month=month,
            base="5000", amount_fen=40_000, personal_fen=40_000, employer_fen=0, account_fen=0,
            policy=f"{city}/flexible_medical", policy_since=dt.date(2019, 5, 1), basis="one", created_at=NOW,
            due_on=month.last_day, status=ChargeStatus.PAID,
        )
        for month in month_span(start, start + count)
    )  # fmt: skip


def draws(cast: Cast, retired_in: str, **more: Any) -> PensionRecord:
    return PensionRecord.objects.create(
        identity_number=cast.chen_jing.identity_number,
        name=cast.chen_jing.name,
        **{
            "kind": PensionKind.EMPLOYEE,
            "place_code": "440300",
            "payer": "深圳市社会保险基金管理局",
            "retired_in": Month.parse(retired_in),
            "since": Month.parse(retired_in) + 1,
            "monthly_fen": 420_000,
            **more,
        },
    )


def typed(tier: str) -> dict[str, str]:
    return {"tier_medical": tier, "account_number": ACCOUNT}


def why(cast: Cast, tier: str, now: dt.datetime) -> dict[str, str]:
    return reasons(cast.chen_jing_login, CITY, CODE, typed(tier), now)


@pytest.mark.parametrize(("tier", "fen"), [("own", 48_300), ("two", 5_844)])
def test_who_drew_from_2018_needs_nineteen_years_and_fourteen_here(cast: Cast, tier: str, fen: int) -> None:
    """200 months in all, 150 here: max(228 - 200, 168 - 150) = 28."""
    months_paid(cast, CITY, "2003-01", 150)
    months_paid(cast, "wuhan", "1998-01", 50)
    draws(cast, "2018-03")
    now = moment("2018-08-10 10:00")
    case = file(cast.chen_jing_login, CITY, CODE, typed(tier), now)
    assert case.status == Status.DONE
    coverage = Coverage.objects.get(capacity=Capacity.RETIREE)
    assert (coverage.start, coverage.until) == (Month(2018, 8), Month(2018, 8) + 28)
    owed = Charge.objects.get(coverage=coverage)
    assert (owed.month, owed.amount_fen) == (Month(2018, 8), fen)
    assert "共 28 个月" in dict(case.facts["summary"])["缴费期限"]


@pytest.mark.parametrize(("tier", "fen"), [("one60", 40_360), ("two60", 13_453)])
def test_who_retired_in_2026_needs_twenty_five_years_and_ten_here(cast: Cast, tier: str, fen: int) -> None:
    months_paid(cast, CITY, "2012-01", 130)
    months_paid(cast, "wuhan", "1998-01", 158)
    draws(cast, "2026-05")
    now = moment("2026-11-10 10:00")
    file(cast.chen_jing_login, CITY, CODE, typed(tier), now)
    coverage = Coverage.objects.get(capacity=Capacity.RETIREE)
    assert coverage.until == Month(2027, 11), "twelve months are missing"
    assert Charge.objects.get(coverage=coverage).amount_fen == fen
    assert "缴费到2027年10月为止" in why(cast, tier, now)["tier_medical"]


def test_the_tiers_of_other_years_are_not_offered(cast: Cast) -> None:
    draws(cast, "2026-05")
    now = moment("2026-11-10 10:00")
    assert set(why(cast, "two", now)) == {"tier_medical"}
    assert set(why(cast, "own", now)) == {"tier_medical"}
    PensionRecord.objects.update(retired_in=Month(2018, 3), since=Month(2018, 4))
    assert why(cast, "own", now) == {}
    assert set(why(cast, "one60", now)) == {"tier_medical"}


def test_enough_years_bar_it_and_childrens_do_not_count(cast: Cast) -> None:
    months_paid(cast, CITY, "2012-01", 120)
    months_paid(cast, "wuhan", "1998-01", 160)
    months_paid(cast, CITY, "2022-01", 20, Capacity.STUDENT)
    draws(cast, "2026-05")
    now = moment("2026-11-10 10:00")
    assert why(cast, "one60", now) == {}
    months_paid(cast, CITY, "2024-01", 20)
    assert why(cast, "one60", now)[""] == "您的年限已达到规定，不需要继续缴费。"


@pytest.mark.parametrize(
    "drawn", [{"place_code": "420100"}, {"kind": PensionKind.RESIDENT}, {"until": Month(2026, 8)}]
)
def test_who_draws_no_employees_pension_here_is_told_where_to_go(cast: Cast, drawn: dict[str, Any]) -> None:
    draws(cast, "2026-05", **drawn)
    assert why(cast, "one60", moment("2026-11-10 10:00")) == {
        "": "请在领取养老金的地方办理；尚未领取的请先申请退休。"
    }


def test_sent_twice_it_is_one_case(cast: Cast) -> None:
    draws(cast, "2026-05")
    now, key = moment("2026-11-10 10:00"), uuid4()
    asked = ask(cast.chen_jing_login, CITY, CODE, typed("one60"), now)
    assert len({desk.submit(ask=asked, key=key, now=now).pk for _ in range(2)}) == 1
    assert Coverage.objects.count() == 1


def test_nobody_elses_pension_counts(cast: Cast) -> None:
    draws(cast, "2026-05")
    refused = reasons(cast.liu_yang_login, CITY, CODE, typed("one60"), moment("2026-11-10 10:00"))
    assert "请在领取养老金的地方办理" in refused[""]
