"""居民恢复参保: medical by the month, pension by the year; only who was insured here before."""

import datetime as dt
from uuid import uuid4

import pytest

from enrollment.models import Coverage
from portal.hall import desk
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.people.models import BankAccount
from portal.policy.book import book
from portal.registers.models import HouseholdRecord, PensionKind
from portal.shared.months import Month
from tests.cast import NANSHAN, Cast, cover, employer, moment
from tests.enrollment.residents import (
    ACCOUNT,
    CITY,
    MEDICAL,
    PENSION,
    draws,
    paid,
    registered,
    resident,
    settler,
    sums,
    years_paid,
)
from tests.filing import ask, file, reasons, ways

pytestmark = pytest.mark.django_db

CODE = "resident-resume"
TENTH = moment("2026-11-10 10:00")


@pytest.fixture
def before(cast: Cast) -> Cast:
    """陈静 was a resident of Shenzhen in both insurances until 2025."""
    registered(cast.chen_jing)
    resident(cast.chen_jing, MEDICAL, "adult", "2024-01", "2025-07")
    resident(cast.chen_jing, PENSION, "600", "2022-01", "2024-01")
    return cast


def wanted(**changes: str) -> dict[str, str]:
    return {
        "tier_medical": "adult",
        "start_medical": "2026-11",
        "tier_pension": "none",
        "account_number": ACCOUNT,
        **changes,
    }


def why(cast: Cast, now: dt.datetime = TENTH, **changes: str) -> dict[str, str]:
    return reasons(cast.chen_jing_login, CITY, CODE, wanted(**changes), now)


def choices(cast: Cast, name: str, now: dt.datetime) -> list[str]:
    """What can be chosen in a field of the form."""
    offer = book().city(CITY).offers[CODE]
    form = desk.form_for(offer=offer, applicant=Applicant.of(cast.chen_jing_login), now=now)
    return [str(value) for value, _label in form.fields[name].choices]  # type: ignore[attr-defined]


def test_medical_begins_this_month_and_is_charged_beside_the_public_share(before: Cast) -> None:
    case = file(before.chen_jing_login, CITY, CODE, wanted(), TENTH)
    assert case.status == Status.DONE
    assert sums() == [("2026-11", 4732, 7436)]
    assert "每月 47.32 元，另有财政补助 74.36 元" in dict(case.facts["summary"])["医疗保险"]
    assert BankAccount.objects.get().start == Month(2026, 11)
    said = dict(case.outcome["lines"])["下一步"]
    assert said.startswith("缴 2026年11月 47.32 元。")
    assert "自动扣款" in said


@pytest.mark.parametrize(("day", "first"), [("20", "2026-11"), ("21", "2026-12")])
def test_after_the_twentieth_the_next_month_is_the_first(before: Cast, day: str, first: str) -> None:
    months = choices(before, "start_medical", moment(f"2026-11-{day} 10:00"))
    assert months[0] == first
    assert len(months) == 2


def test_the_tiers_of_then_are_offered_by_age(cast: Cast) -> None:
    now = moment("2018-08-10 10:00")
    registered(cast.chen_jing)
    resident(cast.chen_jing, MEDICAL, "two", "2016-01", "2017-01")
    assert choices(cast, "tier_medical", now) == ["two", "one", "none"]
    typed = wanted(tier_medical="two", start_medical="2018-08")
    file(cast.chen_jing_login, CITY, CODE, typed, now)
    assert sums() == [("2018-08", 6678, 0)]


def test_the_year_of_the_pension_is_charged_in_full(before: Cast) -> None:
    typed = wanted(tier_medical="none", tier_pension="1200")
    case = file(before.chen_jing_login, CITY, CODE, typed, TENTH)
    assert sums() == [("2026-11", 120_000, 9_000)]
    assert dict(case.outcome["lines"])["下一步"].startswith("缴 2026年度 1,200.00 元。")


def test_a_year_that_is_paid_already_is_not_paid_again(before: Cast) -> None:
    coverage = resident(before.chen_jing, PENSION, "1200", "2026-01")
    paid(coverage, "2026-01")
    coverage.until = Month(2026, 6)
    coverage.save()
    typed = wanted(tier_medical="none", tier_pension="1200")
    case = file(before.chen_jing_login, CITY, CODE, typed, TENTH)
    assert sums() == []
    assert dict(case.outcome["lines"])["下一步"] == "不需要您缴费。"


def test_who_moved_away_is_sent_to_mend_the_household(before: Cast) -> None:
    HouseholdRecord.objects.update(place_code="440103")
    refused = why(before)[""]
    assert refused == "户籍登记显示不是深圳户籍。户籍信息有误的，请先办理“个人基本信息变更”。"
    offer = book().city(CITY).offers[CODE]
    [bar] = desk.beforehand(offer=offer, applicant=Applicant.of(before.chen_jing_login), now=TENTH)
    assert bar.why == refused, "told before the form"
    HouseholdRecord.objects.all().delete()
    assert "户籍登记中没有查到您的信息" in why(before)[""]


def test_who_was_never_a_resident_here_is_sent_to_enrol(cast: Cast) -> None:
    registered(cast.chen_jing)
    typed = wanted(tier_pension="1200")
    refused = reasons(cast.chen_jing_login, CITY, CODE, typed, TENTH)
    assert refused["tier_pension"] == "您没有居民参保记录：养老请办理“居民养老参保登记”。"
    assert "首次参加居民医疗保险" in refused["tier_medical"]
    assert "/shenzhen/services/resident-pension-enroll/" in ways(
        cast.chen_jing_login, CITY, CODE, typed, TENTH
    )


def test_who_is_insured_otherwise_stops_that_first(before: Cast) -> None:
    cover(before.chen_jing, MEDICAL, CITY, "2026-01", tier="one")
    assert "请先办理“个人缴费人员停保”" in why(before)["tier_medical"]
    nanshan = employer("深圳南山设计有限公司", CITY, NANSHAN, 401)
    cover(before.chen_jing, PENSION, CITY, "2026-01", at=nanshan)
    assert "您由单位参保" in why(before, tier_pension="1200")["tier_pension"]


def test_who_draws_a_pension_pays_none(before: Cast) -> None:
    draws(before.chen_jing, PensionKind.EMPLOYEE)
    refused = why(before, tier_pension="1200")
    assert refused == {"tier_pension": "您已按月领取养老待遇，不能再缴纳养老保险费。"}


def test_who_has_age_and_years_claims_the_pension() -> None:
    login = settler("1966-05-01", 13)
    assert login.person is not None
    coverage = resident(login.person, PENSION, "1200", "2011-01", "2026-01")
    years_paid(coverage, range(2012, 2026))
    typed = wanted(tier_medical="none", tier_pension="1200")
    assert reasons(login, CITY, CODE, typed, TENTH) == {}, "fourteen years"
    years_paid(coverage, [2011])
    assert "您已满足领取条件" in reasons(login, CITY, CODE, typed, TENTH)["tier_pension"]


def test_sent_twice_it_is_one_case_and_a_second_one_is_barred(before: Cast) -> None:
    asked, key = ask(before.chen_jing_login, CITY, CODE, wanted(), TENTH), uuid4()
    cases = [desk.submit(ask=asked, key=key, now=TENTH) for _ in range(2)]
    assert cases[0] == cases[1]
    assert Coverage.objects.filter(opened_by=cases[0]).count() == 1
    assert why(before)["tier_medical"] == "您已在深圳参加医疗保险，不需要重复参保。"


def test_nothing_chosen_and_no_month_chosen_are_told(before: Cast) -> None:
    assert why(before, tier_medical="none") == {"tier_pension": "请至少选择一个险种的缴费档次。"}
    assert why(before, start_medical="") == {"start_medical": "请选择从哪个月开始。"}
    assert "start_medical" in why(before, start_medical="2026-10")
