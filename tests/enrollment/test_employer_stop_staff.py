"""职工暂停参保: whose coverage an employer may end, and in which month."""

import datetime as dt
from typing import Any

import pytest

from enrollment.models import Coverage
from portal.hall import desk
from portal.hall.routing import Status
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover
from tests.filing import file, reasons

CODE = "employer-stop-staff"


@pytest.fixture
def insured(cast: Cast) -> Cast:
    """Wang Fang is insured by Yongjiang in pension and work injury, since 2025."""
    for insurance in (Insurance.PENSION, Insurance.WORK_INJURY):
        cover(cast.wang_fang, insurance, "ningbo", "2025-01", at=cast.yongjiang, wage_fen=600000)
    return cast


def typed(cast: Cast, **changes: Any) -> dict[str, Any]:
    return {
        "identity_number": cast.wang_fang.identity_number,
        "reason": "resigned",
        "stop_pension": "2026-10",
        **changes,
    }


def test_contributions_end_in_the_month_before_the_stop(insured: Cast, now: dt.datetime) -> None:
    case = file(insured.yongjiang_clerk, "ningbo", CODE, typed(insured, stop_work_injury="2026-11"), now)
    assert case.status == Status.IN_REVIEW
    desk.decide(case, approve=True, by=insured.ningbo_reviewer, now=now)
    ends = {one.insurance: one.until for one in Coverage.objects.all()}
    assert ends == {"pension": Month(2026, 10), "work_injury": Month(2026, 11)}
    case.refresh_from_db()
    assert ["养老保险", "2026年10月起停保，缴费到2026年9月为止"] in case.outcome["lines"]


def test_only_previous_and_current_month_can_be_chosen(insured: Cast, now: dt.datetime) -> None:
    assert "stop_pension" in reasons(
        insured.yongjiang_clerk, "ningbo", CODE, typed(insured, stop_pension="2026-09"), now
    )
    assert "stop_pension" in reasons(
        insured.yongjiang_clerk, "ningbo", CODE, typed(insured, stop_pension="2026-12"), now
    )
    assert reasons(insured.yongjiang_clerk, "ningbo", CODE, typed(insured, stop_pension="2026-11"), now) == {}


def test_staff_of_another_employer_cannot_be_stopped_nor_read(insured: Cast, now: dt.datetime) -> None:
    refused = reasons(insured.zhaobao_clerk, "ningbo", CODE, typed(insured), now)
    assert refused == {"identity_number": "这名人员没有由本单位参保，不需要停保。请核对号码。"}


def test_a_stop_before_the_first_month_undoes_the_coverage(cast: Cast, now: dt.datetime) -> None:
    coverage = cover(
        cast.wang_fang, Insurance.PENSION, "ningbo", "2026-11", at=cast.yongjiang, wage_fen=600000
    )
    case = file(cast.yongjiang_clerk, "ningbo", CODE, typed(cast, stop_pension="2026-11"), now)
    desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=now)
    coverage.refresh_from_db()
    assert not coverage.live


def test_what_is_stopped_is_no_longer_offered(insured: Cast, now: dt.datetime) -> None:
    case = file(insured.yongjiang_clerk, "ningbo", CODE, typed(insured), now)
    desk.decide(case, approve=True, by=insured.ningbo_reviewer, now=now)
    refused = reasons(insured.yongjiang_clerk, "ningbo", CODE, typed(insured, stop_pension="2026-11"), now)
    assert refused == {"stop_work_injury": "请至少选择一个险种的停保月份。"}
    assert Coverage.objects.get(insurance="pension").until == Month(2026, 10)


def test_a_reason_is_asked(insured: Cast, now: dt.datetime) -> None:
    assert "reason" in reasons(insured.yongjiang_clerk, "ningbo", CODE, typed(insured, reason=""), now)
