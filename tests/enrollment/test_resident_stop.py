"""居民停保: medical by the month, pension by the year; it opens the way to other capacities."""

import datetime as dt

import pytest

from contributions.models import Charge, ChargeStatus
from enrollment.models import Coverage
from portal.hall import desk
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import NANSHAN, NOW, Cast, cover, employer, moment
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

CODE = "resident-stop"
PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL
NOVEMBER = Month(2026, 11)


def resident(cast: Cast, insurance: Insurance, start: str = "2026-01") -> Coverage:
    return cover(cast.wang_fang, insurance, "shenzhen", start, capacity=Capacity.RESIDENT, tier="one")


def charge(coverage: Coverage, month: Month, status: ChargeStatus) -> Charge:
    """A month of a resident's, as the fund would charge it."""
    return Charge.objects.create(
        person=coverage.person, coverage=coverage, city="shenzhen", insurance=coverage.insurance,
        capacity=coverage.capacity, month=month, amount_fen=4732, personal_fen=4732, employer_fen=0, account_fen=0,
        base="4732", policy="shenzhen/resident_medical", policy_since=dt.date(2026, 1, 1), basis="one", created_at=NOW,
        due_on=month.last_day, status=status,
    )  # fmt: skip


def stop(cast: Cast, now: dt.datetime, **chosen: str) -> dict[str, str]:
    return reasons(cast.wang_fang_login, "shenzhen", CODE, chosen, now)


def test_medical_stops_this_month_and_what_is_owed_falls_away(cast: Cast) -> None:
    coverage = resident(cast, MEDICAL)
    owed = charge(coverage, NOVEMBER, ChargeStatus.OWED)
    now = moment("2026-11-10 10:00")
    case = file(cast.wang_fang_login, "shenzhen", CODE, {"stop_medical": "2026-11"}, now)
    coverage.refresh_from_db()
    owed.refresh_from_db()
    assert (case.status, coverage.until, owed.status) == (Status.DONE, NOVEMBER, ChargeStatus.VOID)


def test_a_month_that_is_paid_is_barred_and_the_next_is_offered(cast: Cast, now: dt.datetime) -> None:
    charge(resident(cast, MEDICAL), NOVEMBER, ChargeStatus.PAID)
    assert "已缴费" in stop(cast, now, stop_medical="2026-11")["stop_medical"]
    form = desk.form_for(
        offer=book().city("shenzhen").offers[CODE], applicant=Applicant.of(cast.wang_fang_login), now=now
    )
    assert list(form.fields["stop_medical"].not_allowed) == [str(NOVEMBER)]  # type: ignore[attr-defined]
    file(cast.wang_fang_login, "shenzhen", CODE, {"stop_medical": "2026-12"}, now)
    assert Coverage.objects.get().until == Month(2026, 12)


def test_pension_stops_from_a_january(cast: Cast) -> None:
    """2026 is paid: only the next January is left."""
    now = moment("2026-03-10 10:00")
    coverage = resident(cast, PENSION, "2024-01")
    charge(coverage, Month(2026, 1), ChargeStatus.PAID)
    assert "已缴费" in stop(cast, now, stop_pension="2026-01")["stop_pension"]
    assert "stop_pension" in stop(cast, now, stop_pension="2026-04"), "no year begins in April"
    file(cast.wang_fang_login, "shenzhen", CODE, {"stop_pension": "2027-01"}, now)
    coverage.refresh_from_db()
    assert coverage.until == Month(2027, 1)


def test_pension_that_is_not_paid_this_year_stops_from_this_january(cast: Cast, now: dt.datetime) -> None:
    coverage = resident(cast, PENSION, "2024-01")
    file(cast.wang_fang_login, "shenzhen", CODE, {"stop_pension": "2026-01"}, now)
    coverage.refresh_from_db()
    assert coverage.until == Month(2026, 1)


def test_who_an_employer_insures_is_sent_to_the_employer(cast: Cast, now: dt.datetime) -> None:
    nanshan = employer("深圳南山设计有限公司", "shenzhen", NANSHAN, 401)
    cover(cast.wang_fang, MEDICAL, "shenzhen", "2026-01", at=nanshan)
    assert "由所在单位申报" in stop(cast, now)[""]


def test_a_flexible_worker_has_nothing_to_stop_here(cast: Cast, now: dt.datetime) -> None:
    coverage = cover(cast.wang_fang, MEDICAL, "shenzhen", "2026-01", tier="one")
    assert "没有以城乡居民身份在缴的险种" in stop(cast, now, stop_medical="2026-11")[""]
    coverage.refresh_from_db()
    assert coverage.until is None


def test_nobody_elses_coverage_is_stopped(cast: Cast, now: dt.datetime) -> None:
    coverage = resident(cast, MEDICAL)
    assert reasons(cast.liu_yang_login, "shenzhen", CODE, {"stop_medical": "2026-11"}, now)
    coverage.refresh_from_db()
    assert coverage.until is None


def test_a_resident_stops_before_enrolling_as_a_flexible_worker(cast: Cast, now: dt.datetime) -> None:
    resident(cast, MEDICAL)
    typed = {"household": "city", "tier_medical": "one", "phone": "13800000001"}
    refused = reasons(cast.wang_fang_login, "shenzhen", "flexible-enroll", typed, now)["tier_medical"]
    assert "您正以城乡居民身份在深圳参加医疗保险" in refused
    assert "“居民停保”" in refused
    file(cast.wang_fang_login, "shenzhen", CODE, {"stop_medical": "2026-11"}, now)
    assert "tier_medical" not in reasons(
        cast.wang_fang_login, "shenzhen", "flexible-enroll", typed, moment("2026-11-18 10:00")
    )


def test_a_year_that_another_coverage_paid_is_not_stopped(cast: Cast) -> None:
    """Who resumed within a paid year owes nothing for it: it stops with the next one."""
    now = moment("2026-10-10 10:00")
    first = resident(cast, PENSION, "2024-01")
    charge(first, Month(2026, 1), ChargeStatus.PAID)
    first.until = Month(2026, 6)
    first.save()
    again = resident(cast, PENSION, "2026-09")
    assert (
        stop(cast, now, stop_pension="2026-01")["stop_pension"]
        == "2026年度养老保险已缴费，请从次年1月起停保。"
    )
    file(cast.wang_fang_login, "shenzhen", CODE, {"stop_pension": "2027-01"}, now)
    again.refresh_from_db()
    assert again.until == Month(2027, 1)


def test_what_public_money_pays_is_stopped_at_the_street_office(cast: Cast, now: dt.datetime) -> None:
    coverage = cover(
        cast.wang_fang, PENSION, "shenzhen", "2024-01", capacity=Capacity.RESIDENT, tier="special"
    )
    assert stop(cast, now, stop_pension="2026-01") == {
        "stop_pension": "您的费用由政府资助，请到户籍所在街道办理。"
    }
    offer = book().city("shenzhen").offers[CODE]
    [bar] = desk.beforehand(offer=offer, applicant=Applicant.of(cast.wang_fang_login), now=now)
    assert "户籍所在街道" in bar.why
    coverage.refresh_from_db()
    assert coverage.until is None
