"""养老保险中断期补缴: the months become covered, are charged by the rule now in force, and go to
the next debit with interest."""

import datetime as dt
from dataclasses import replace
from uuid import uuid4

import pytest

from contributions.arrears import gaps, late_costs
from contributions.audit.looking import audit
from contributions.models import Charge, ChargeStatus, RecollectRequest, Repricing, Surcharge
from enrollment.models import Coverage
from portal.hall import desk
from portal.hall.catalogue import service
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover, moment
from tests.contributions.flexible import EMPTY_ACCOUNT, account, charge_of, charged, debited
from tests.filing import ask, file, reasons

CODE = "pension-gap"

pytestmark = pytest.mark.usefixtures("exchange")


@pytest.fixture
def gap(cast: Cast) -> list[str]:
    """June, July and September lie between the first month with pension and now."""
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-01", "2026-06", tier="60")
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-08", "2026-09", tier="60")
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-10", tier="60")
    account(cast.li_qiang)
    return ["2026-06", "2026-07", "2026-09"]


def typed(*months: str, tier: str = "60") -> dict[str, object]:
    return {"months": list(months), "tier": tier}


def whole() -> list[str]:
    return [example for one in audit() for example in one.examples]


def test_the_months_without_coverage_are_found(cast: Cast, gap: list[str]) -> None:
    assert [str(month) for month in gaps.gap_months(cast.li_qiang, until=Month(2026, 11))] == gap
    assert gaps.gap_months(cast.wang_fang, until=Month(2026, 11)) == []


def test_they_become_covered_charged_and_debited(cast: Cast, now: dt.datetime, gap: list[str]) -> None:
    case = file(cast.li_qiang_login, "wuhan", CODE, typed(*gap), now)
    assert case.status == Status.TO_DEBIT
    lines = dict(case.outcome["lines"])
    # 393.04 × 1.5 % × 153, 122 and 61 days ÷ 365
    assert lines["2026年6月 养老保险"] == "本金 393.04 元，利息 2.47 元，共 395.51 元"
    assert lines["2026年7月 养老保险"] == "本金 393.04 元，利息 1.97 元，共 395.01 元"
    assert lines["2026年9月 养老保险"] == "本金 393.04 元，利息 0.99 元，共 394.03 元"
    assert lines["合计"] == "1,184.55 元"
    assert "2026年11月20日" in lines["扣款时间"]
    assert Coverage.objects.filter(opened_by=case).count() == 2
    assert gaps.gap_months(cast.li_qiang, until=Month(2026, 11)) == []
    charged("wuhan", "2026-10", "2026-11")
    batch = debited("wuhan", "2026-11")
    assert batch is not None
    assert (batch.line_count, batch.total_fen) == (4, 39304 + 118455)
    assert {charge_of(cast.li_qiang, month).status for month in gap} == {ChargeStatus.PAID}
    assert Repricing.objects.filter(priced_in="2026-11-01", replaces=None).count() == 3
    case.refresh_from_db()
    assert case.status == Status.DONE
    assert whole() == []


def test_each_month_shows_its_derivation(cast: Cast, now: dt.datetime, gap: list[str]) -> None:
    asked = ask(cast.li_qiang_login, "wuhan", CODE, typed("2026-06", tier="100"), now)
    seen = desk.look(asked)
    facts, findings = seen.facts, seen.findings
    assert findings == []
    [cost] = service(CODE).preview(asked, facts)["costs"]
    assert (cost.principal_fen, cost.principal_why.lines[0].value) == (65506, "100%档")
    assert "四舍五入到分" in cost.on_top_why.lines[-1].note


def test_where_the_debit_fails_the_months_are_owed_like_any_other(
    cast: Cast, now: dt.datetime, gap: list[str]
) -> None:
    account(cast.li_qiang, EMPTY_ACCOUNT, start="2026-11")
    file(cast.li_qiang_login, "wuhan", CODE, typed("2026-06"), now)
    debited("wuhan", "2026-11")
    owed = charge_of(cast.li_qiang, "2026-06")
    assert (owed.status, Surcharge.objects.filter(live=True).count()) == (ChargeStatus.OWED, 0)
    account(cast.li_qiang, start="2026-12")
    file(cast.li_qiang_login, "wuhan", "arrears-pay", {"charges": [str(owed.pk)]}, moment("2026-12-05"))
    # To 31 December: 184 days.
    assert Surcharge.objects.get(live=True).amount_fen == 297
    debited("wuhan", "2026-12")
    assert charge_of(cast.li_qiang, "2026-06").status == ChargeStatus.PAID
    assert whole() == []


def test_a_gap_in_medical_insurance_is_not_offered(cast: Cast, now: dt.datetime, gap: list[str]) -> None:
    form = desk.form_for(
        offer=book().city("wuhan").offers[CODE], applicant=Applicant.of(cast.li_qiang_login), now=now
    )
    assert set(form.fields) == {"months", "tier"}
    assert "中断的医疗保险不能补缴" in form.fields["months"].help_text
    case = file(cast.li_qiang_login, "wuhan", CODE, {**typed("2026-06"), "insurance": "medical"}, now)
    assert {one.insurance for one in Charge.objects.filter(pk__in=case.outcome["charges"])} == {"pension"}


def test_only_months_of_the_gap_can_be_chosen(cast: Cast, now: dt.datetime, gap: list[str]) -> None:
    assert "months" in reasons(cast.li_qiang_login, "wuhan", CODE, typed("2026-08"), now)
    assert "months" in reasons(cast.li_qiang_login, "wuhan", CODE, typed("2026-11"), now)
    assert "months" in reasons(cast.li_qiang_login, "wuhan", CODE, typed(), now)


def test_twice_is_once(cast: Cast, now: dt.datetime, gap: list[str]) -> None:
    asked, key = ask(cast.li_qiang_login, "wuhan", CODE, typed("2026-06"), now), uuid4()
    case = desk.submit(ask=asked, key=key, now=now)
    assert desk.submit(ask=asked, key=key, now=now) == case
    assert "months" in reasons(cast.li_qiang_login, "wuhan", CODE, typed("2026-06"), now)
    assert RecollectRequest.objects.count() == Charge.objects.count() == 1


def test_who_has_no_gap_no_account_or_an_employer_is_told(
    cast: Cast, now: dt.datetime, gap: list[str]
) -> None:
    cast.li_qiang.bank_accounts.all().delete()
    assert "缴费账户" in reasons(cast.li_qiang_login, "wuhan", CODE, typed("2026-06"), now)[""]
    cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-01", "2026-03", tier="60")
    cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-05", at=cast.donghu)
    assert "由单位参保" in reasons(cast.wang_fang_login, "wuhan", CODE, typed("2026-03"), now)[""]
    cover(cast.zhang_min, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    assert "没有中断" in reasons(cast.zhang_min_login, "wuhan", CODE, {}, now)[""]


def test_a_city_that_no_longer_takes_it_says_so(
    cast: Cast, now: dt.datetime, gap: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = late_costs.terms_of("wuhan", now.date())
    assert closed is not None
    monkeypatch.setattr(late_costs, "terms_of", lambda city, on: replace(closed, pension_gap=False))
    assert "不办理" in reasons(cast.li_qiang_login, "wuhan", CODE, typed("2026-06"), now)[""]


def test_nobody_pays_for_anyone_else(cast: Cast, now: dt.datetime, gap: list[str]) -> None:
    assert reasons(cast.wang_fang_login, "wuhan", CODE, typed("2026-06"), now) != {}
    with pytest.raises(desk.NotAllowed):
        file(cast.donghu_clerk, "wuhan", CODE, {}, now)
    assert not Charge.objects.exists()
