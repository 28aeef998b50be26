"""居保缴费档次变更: this year's tier until it is paid, else the next year's."""

import datetime as dt
from uuid import uuid4

import pytest

from contributions.models import Charge, ChargeStatus, Order, OrderLine
from enrollment.models import ContributionBase
from portal.hall import desk
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.shared.months import Month
from tests.cast import NANSHAN, Cast, cover, employer, moment
from tests.enrollment.residents import CITY, PENSION, charge, paid, resident, sums, years_paid
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

CODE = "resident-tier"
JANUARY, MARCH = moment("2026-01-10 10:00"), moment("2026-03-10 10:00")


def why(cast: Cast, tier: str, now: dt.datetime = JANUARY) -> dict[str, str]:
    return reasons(cast.chen_jing_login, CITY, CODE, {"tier": tier}, now)


def test_a_year_that_is_not_paid_is_charged_anew_at_once(cast: Cast) -> None:
    resident(cast.chen_jing, PENSION, "600", "2024-01")
    charge("2026-01")
    case = file(cast.chen_jing_login, CITY, CODE, {"tier": "1800"}, JANUARY)
    assert case.status == Status.DONE
    assert sums() == [("2026-01", 180_000, 10_000)]
    assert dict(case.facts["summary"])["新缴费档次"] == "1800元档，每年 1,800.00 元，另有财政补助 100.00 元"
    assert why(cast, "1800", MARCH) == {"tier": "与现在的登记相同，不需要变更。"}
    file(cast.chen_jing_login, CITY, CODE, {"tier": "360"}, MARCH)
    assert sums() == [("2026-01", 36_000, 5_000)]


def test_a_year_that_is_paid_stays_and_the_next_one_changes(cast: Cast) -> None:
    coverage = resident(cast.chen_jing, PENSION, "600", "2024-01")
    paid(coverage, "2026-01")
    case = file(cast.chen_jing_login, CITY, CODE, {"tier": "1800"}, MARCH)
    assert dict(case.facts["summary"])["起用年度"] == "从2027年度起"
    assert Charge.objects.get().status == ChargeStatus.PAID
    bases = ContributionBase.objects.order_by("start").values_list("start", "tier")
    assert list(bases) == [(Month(2024, 1), "600"), (Month(2027, 1), "1800")]


def test_a_year_in_an_order_is_left_alone(cast: Cast) -> None:
    coverage = resident(cast.chen_jing, PENSION, "600", "2024-01")
    charge("2026-01")
    order = Order.objects.create(
        number="44030020260110000001",
        city=CITY,
        person=cast.chen_jing,
        key=uuid4(),
        digest="0" * 64,
        line_count=1,
        placed_by=cast.chen_jing_login,
        placed_at=JANUARY,
        expires_at=JANUARY + dt.timedelta(minutes=30),
        sum_fen=60_000,
    )
    OrderLine.objects.create(order=order, charge=coverage.charges.get(), amount_fen=60_000)
    assert order.number in why(cast, "1800")[""]


def test_tiers_of_other_years_and_of_others_are_not_offered(cast: Cast) -> None:
    resident(cast.chen_jing, PENSION, "600", "2016-01")
    assert "tier" in why(cast, "4800", moment("2018-01-10 10:00"))
    assert why(cast, "4800") == {}
    assert "tier" in why(cast, "special")


def test_an_old_tier_is_known_by_the_one_in_its_place(cast: Cast) -> None:
    resident(cast.chen_jing, PENSION, "480", "2016-01")
    assert why(cast, "600") == {"tier": "与现在的登记相同，不需要变更。"}


def test_who_has_no_residents_pension_is_told_where_to_go(cast: Cast) -> None:
    assert "请先办理“居民养老参保登记”" in why(cast, "1800")[""]
    nanshan = employer("深圳南山设计有限公司", CITY, NANSHAN, 401)
    cover(cast.chen_jing, PENSION, CITY, "2025-01", at=nanshan)
    assert "您由单位参保" in why(cast, "1800")[""]


def test_what_public_money_pays_is_not_changed_here(cast: Cast) -> None:
    resident(cast.chen_jing, PENSION, "special", "2024-01")
    assert why(cast, "1800")[""] == "您的费用由政府资助，请到户籍所在街道办理。"
    offer = book().city(CITY).offers[CODE]
    assert desk.beforehand(offer=offer, applicant=Applicant.of(cast.chen_jing_login), now=JANUARY)


def test_who_has_age_and_years_claims_the_pension(cast: Cast) -> None:
    cast.chen_jing.birth_date = dt.date(1966, 1, 10)
    cast.chen_jing.save()
    years_paid(resident(cast.chen_jing, PENSION, "1200", "2011-01"), range(2011, 2026))
    assert "您已满足领取条件" in why(cast, "1800")[""]
