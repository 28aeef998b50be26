"""养老保险缴费档次变更: at any time, from next month on, not for what is paid, ordered or at the
bank."""

import datetime as dt

import pytest

from contributions.charges import charging
from contributions.models import Cancellation, Charge, ChargeStatus
from enrollment.models import ContributionBase, Coverage
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.catalogue import service
from portal.hall.routing import Status
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover, moment
from tests.contributions.flexible import at_the_bank, ordered, paid_at_the_counter
from tests.filing import ask, file, reasons

CODE = "pension-tier"
NEXT = Month(2026, 12)


@pytest.fixture
def coverage(cast: Cast) -> Coverage:
    return cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-01", tier="60")


def bases(coverage: Coverage) -> list[tuple[str, Month, Month | None]]:
    return [
        (one.tier, one.start, one.until)
        for one in ContributionBase.objects.filter(coverage=coverage).order_by("start")
    ]


def next_month(coverage: Coverage, now: dt.datetime) -> Charge:
    """The charge of next month, made ahead as an order of several months does."""
    return charging.charge_months(coverage, [NEXT], now=now)[0]


def test_the_new_tier_counts_from_next_month(cast: Cast, coverage: Coverage, now: dt.datetime) -> None:
    case = file(cast.li_qiang_login, "wuhan", CODE, {"tier": "100"}, now)
    assert case.status == Status.DONE
    assert bases(coverage) == [("60", Month(2026, 1), NEXT), ("100", NEXT, None)]
    lines = dict(case.outcome["lines"])
    assert (lines["原缴费档次"], lines["新缴费档次"]) == ("60%档，每月 393.04 元", "100%档，每月 655.06 元")


def test_the_last_minute_of_december_counts_from_january(cast: Cast, coverage: Coverage) -> None:
    file(cast.li_qiang_login, "wuhan", CODE, {"tier": "80"}, moment("2026-12-31 23:59:59.999"))
    assert bases(coverage)[-1] == ("80", Month(2027, 1), None)


def test_both_amounts_explain_themselves(cast: Cast, coverage: Coverage, now: dt.datetime) -> None:
    asked = ask(cast.li_qiang_login, "wuhan", CODE, {"tier": "300"}, now)
    seen = desk.look(asked)
    facts, findings = seen.facts, seen.findings
    assert findings == []
    before, after = service(CODE).preview(asked, facts)["tiers"]
    assert (before["fen"], after["fen"]) == (39304, 196518)
    assert "3,275.30 × 300%" in {line.note for line in after["derivation"].lines}


def test_twice_is_refused_and_the_same_key_is_the_same_case(
    cast: Cast, coverage: Coverage, now: dt.datetime
) -> None:
    case = file(cast.li_qiang_login, "wuhan", CODE, {"tier": "100"}, now)
    assert file(cast.li_qiang_login, "wuhan", CODE, {"tier": "100"}, now, key=case.key) == case
    assert "已是这个档次" in reasons(cast.li_qiang_login, "wuhan", CODE, {"tier": "100"}, now)["tier"]
    file(cast.li_qiang_login, "wuhan", CODE, {"tier": "80"}, now)
    assert bases(coverage) == [("60", Month(2026, 1), NEXT), ("80", NEXT, None)]


def test_the_tier_of_now_is_no_change(cast: Cast, coverage: Coverage, now: dt.datetime) -> None:
    assert "已是这个档次" in reasons(cast.li_qiang_login, "wuhan", CODE, {"tier": "60"}, now)["tier"]


def test_an_unknown_tier_is_refused(cast: Cast, coverage: Coverage, now: dt.datetime) -> None:
    assert "tier" in reasons(cast.li_qiang_login, "wuhan", CODE, {"tier": "999"}, now)


def test_whose_pension_an_employer_pays_is_sent_to_the_employer(cast: Cast, now: dt.datetime) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-01", at=cast.donghu)
    assert "由所在单位申报" in reasons(cast.li_qiang_login, "wuhan", CODE, {"tier": "80"}, now)[""]


@pytest.mark.parametrize(("city", "until"), [("ningbo", None), ("wuhan", "2026-12")])
def test_only_pension_that_goes_on_in_this_city(
    cast: Cast, now: dt.datetime, city: str, until: str | None
) -> None:
    cover(cast.li_qiang, Insurance.PENSION, city, "2026-01", until, tier="60")
    assert "不能变更" in reasons(cast.li_qiang_login, "wuhan", CODE, {"tier": "80"}, now)[""]


def test_nobody_changes_anyone_elses(cast: Cast, coverage: Coverage, now: dt.datetime) -> None:
    assert reasons(cast.wang_fang_login, "wuhan", CODE, {"tier": "80"}, now) != {}
    with pytest.raises(desk.NotAllowed):
        file(cast.donghu_clerk, "wuhan", CODE, {"tier": "80"}, now)
    assert bases(coverage) == [("60", Month(2026, 1), None)]


def test_what_next_month_owed_is_charged_anew(cast: Cast, coverage: Coverage, now: dt.datetime) -> None:
    charge = next_month(coverage, now)
    file(cast.li_qiang_login, "wuhan", CODE, {"tier": "100"}, now)
    charge.refresh_from_db()
    assert charge.status == ChargeStatus.VOID
    assert Cancellation.objects.get(charge=charge).why == "自2026年12月起变更缴费基数"
    charging.charge(city="wuhan", month=NEXT, by=User.objects.system(), now=moment("2026-12-01"))
    assert Charge.objects.get(month=NEXT, live=True).amount_fen == 65506


def test_a_month_that_is_paid_ordered_or_at_the_bank_stands_against_it(
    cast: Cast, coverage: Coverage, now: dt.datetime
) -> None:
    charge = next_month(coverage, now)
    order = ordered([charge], now=now)
    refused = reasons(cast.li_qiang_login, "wuhan", CODE, {"tier": "100"}, now)
    assert order.number in refused["tier"]
    drawn, paid = charging.charge_months(coverage, [NEXT + 1, NEXT + 2], now=now)
    at_the_bank(drawn, now=now)
    paid_at_the_counter([paid], now=now)
    findings = desk.look(ask(cast.li_qiang_login, "wuhan", CODE, {"tier": "100"}, now)).findings
    assert [str(one.why) for one in findings][1:] == [
        "2027年1月已按原缴费档次送银行扣款，不能再变更档次。",
        "2027年2月已按原缴费档次缴费，不能再变更档次。",
    ]
    assert bases(coverage) == [("60", Month(2026, 1), None)]
