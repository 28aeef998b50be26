"""补缴社保费: late months with the late fee to the day of payment, approved, paid whole, or
lapsed."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from contributions.assessments import arrears_bills
from contributions.assessments.assessing import draw_up
from contributions.assessments.transfer_notes import code_of, why_not
from contributions.audit.looking import audit
from contributions.charges.charging import charge
from contributions.models import (
    AccountKind,
    ArrearsBill,
    ArrearsLine,
    Arrival,
    ArrivalStatus,
    Assessment,
    BillStatus,
    Charge,
    ChargeStatus,
    Leg,
    Receipt,
    Surcharge,
    SurchargeStatus,
)
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.models import Case
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover, employer, moment
from tests.contributions.assessments.transferring import booked
from tests.filing import file, reasons

CODE = "employer-arrears"
PAY_ON = "2026-11-27"
SEPTEMBER, OCTOBER, NOVEMBER = Month(2026, 9), Month(2026, 10), Month(2026, 11)


@pytest.fixture
def late(cast: Cast, now: dt.datetime) -> None:
    """One person at Donghu at 6,000 yuan in pension: 1,440.00 a month; September and October are
    owed, November is not late."""
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-09", at=cast.donghu, wage_fen=600000)
    for which in (SEPTEMBER, OCTOBER, NOVEMBER):
        by, at = User.objects.system(), moment(f"{which}-01 01:10")
        charge(city="wuhan", month=which, by=by, now=at)
        draw_up(city="wuhan", month=which, by=by, now=at)


def typed(**changes: Any) -> dict[str, Any]:
    return {"months": ["2026-09", "2026-10"], "pay_on": PAY_ON, **changes}


def billed(cast: Cast, now: dt.datetime, **changes: Any) -> ArrearsBill:
    case = file(cast.donghu_clerk, "wuhan", CODE, typed(**changes), now)
    desk.decide(case, approve=True, by=cast.wuhan_reviewer, now=now)
    return ArrearsBill.objects.get(case=case)


# 1,440.00 × 0.0005 × 58 days = 41.76; × 27 days (since 31 October) = 19.44.
SEPTEMBERS_FEE, OCTOBERS_FEE = 4176, 1944
SUM = 2 * 144000 + SEPTEMBERS_FEE + OCTOBERS_FEE


def pay(cast: Cast, bill: ArrearsBill, fen: int = SUM, at: str = "2026-11-25", number: str = "B7") -> Arrival:
    done = booked(cast, bill, fen, bank_number=number, now=moment(at))
    bill.refresh_from_db()
    return done


def test_the_fee_is_worked_out_to_the_day_of_payment_and_shown(
    cast: Cast, now: dt.datetime, late: None
) -> None:
    case = file(cast.donghu_clerk, "wuhan", CODE, typed(), now)
    summary = dict(case.facts["summary"])
    assert (
        "欠缴 1,440.00 元（1 笔），期限 2026-09-30，到缴款日逾期 58 天，滞纳金 41.76 元"
        in summary["2026年9月"]
    )
    assert summary["合计"] == "2,941.20 元"
    assert "0.05%" in summary["滞纳金怎样计算"]
    assert not ArrearsBill.objects.exists()


def test_approved_it_is_a_bill_and_paid_its_fees_lie_on_their_own_account(
    cast: Cast, now: dt.datetime, late: None
) -> None:
    bill = billed(cast, now)
    assert (bill.principal_fen, bill.surcharge_fen, bill.sum_fen) == (288000, 6120, SUM)
    assert sorted(Surcharge.objects.values_list("amount_fen", flat=True)) == [OCTOBERS_FEE, SEPTEMBERS_FEE]
    assert pay(cast, bill).status == ArrivalStatus.BOOKED
    assert bill.status == BillStatus.PAID
    assert sum(Receipt.objects.values_list("amount_fen", flat=True)) == SUM
    fees = Leg.objects.filter(account__kind=AccountKind.SURCHARGE)
    assert -sum(fees.values_list("amount_fen", flat=True)) == 6120
    assert set(Surcharge.objects.values_list("status", flat=True)) == {SurchargeStatus.PAID}
    standing = dict(Assessment.objects.values_list("month", "status"))
    assert (standing[SEPTEMBER], standing[OCTOBER], standing[NOVEMBER]) == ("paid", "paid", "drawn_up")
    assert all(one.holds for one in audit())


@pytest.mark.parametrize(
    ("fen", "at", "why"),
    [
        (288000, "2026-11-25", "少 61.20 元"),
        (SUM + 1, "2026-11-25", "多 0.01 元"),
        (SUM, "2026-11-28", "已过缴款期限"),
    ],
)
def test_another_sum_or_a_later_day_is_held(
    cast: Cast, now: dt.datetime, late: None, fen: int, at: str, why: str
) -> None:
    bill = billed(cast, now)
    assert pay(cast, bill, fen, at).status == ArrivalStatus.HELD
    assert why in why_not(bill, amount_fen=fen, arrived_on=moment(at).date())
    assert not Receipt.objects.exists()
    assert all(one.holds for one in audit())


def test_unpaid_it_lapses_and_the_months_can_be_billed_anew(cast: Cast, now: dt.datetime, late: None) -> None:
    bill = billed(cast, now)
    # Until the bank's statement of the last day is read, it stands.
    assert arrears_bills.lapse(by=User.objects.system(), now=moment("2026-11-30")) == 0
    for expected in (1, 0):
        assert arrears_bills.lapse(by=User.objects.system(), now=moment("2026-12-01")) == expected
    bill.refresh_from_db()
    assert bill.status == BillStatus.LAPSED
    assert set(Surcharge.objects.values_list("status", flat=True)) == {SurchargeStatus.VOID}
    again = billed(cast, moment("2026-12-02"), pay_on="2026-12-10")
    assert again.surcharge_fen > bill.surcharge_fen
    assert pay(cast, bill, at="2026-12-03").status == ArrivalStatus.HELD


def test_months_on_a_bill_are_not_billed_twice(cast: Cast, now: dt.datetime, late: None) -> None:
    first = file(cast.donghu_clerk, "wuhan", CODE, typed(), now)
    second = file(cast.donghu_clerk, "wuhan", CODE, typed(), now)
    desk.decide(first, approve=True, by=cast.wuhan_reviewer, now=now)
    with pytest.raises(desk.NotAccepted, match="已没有可以补缴的欠费"):
        desk.decide(second, approve=True, by=cast.wuhan_reviewer, now=now)
    assert "已在另一份补缴单" in reasons(cast.donghu_clerk, "wuhan", CODE, typed(), now)["months"]
    line = ArrearsLine.objects.filter(charge__month=OCTOBER).get()
    with (
        pytest.raises(IntegrityError, match=r"a_charge_once|a_charge_is_in_one_live_bill"),
        transaction.atomic(),
    ):
        ArrearsLine.objects.create(bill=line.bill, charge=line.charge)


def test_approval_after_the_planned_day_is_refused(cast: Cast, now: dt.datetime, late: None) -> None:
    case = file(cast.donghu_clerk, "wuhan", CODE, typed(), now)
    with pytest.raises(desk.NotAccepted, match="计划缴款日期 2026-11-27 已过"):
        desk.decide(case, approve=True, by=cast.wuhan_reviewer, now=moment("2026-11-28"))
    assert Case.objects.get().status == "in_review"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"months": ["2026-11"]}, "months"),
        ({"months": ["2026-08"]}, "months"),
        ({"months": []}, "months"),
        ({"pay_on": "2026-11-17"}, "pay_on"),
        ({"pay_on": "2026-12-18"}, "pay_on"),
        ({"pay_on": "demnächst"}, "pay_on"),
    ],
)
def test_what_is_not_late_or_not_within_the_days_is_refused(
    cast: Cast, now: dt.datetime, late: None, changes: dict[str, Any], field: str
) -> None:
    assert field in reasons(cast.donghu_clerk, "wuhan", CODE, typed(**changes), now)


def test_another_employer_owes_nothing_of_it(cast: Cast, now: dt.datetime, late: None) -> None:
    other = employer("另一公司", "wuhan", "420106", 7)
    clerk = User.objects.create_clerk(other, name="陆平", phone="13900000777", password="Shebao-2026")
    assert "months" in reasons(clerk, "wuhan", CODE, typed(), now)
    assert "" in reasons(cast.yongjiang_clerk, "wuhan", CODE, typed(), now)
    with pytest.raises((desk.NotAllowed, desk.NotAccepted)):
        file(cast.li_qiang_login, "wuhan", CODE, typed(), now)


def test_paid_meanwhile_it_is_not_billed(cast: Cast, now: dt.datetime, late: None) -> None:
    case = file(cast.donghu_clerk, "wuhan", CODE, typed(), now)
    Charge.objects.filter(month__in=[SEPTEMBER, OCTOBER]).update(status=ChargeStatus.PAID)
    with pytest.raises(desk.NotAccepted):
        desk.decide(case, approve=True, by=cast.wuhan_reviewer, now=now)


def test_the_pages_show_the_bill_to_its_clerks_alone(cast: Cast, now: dt.datetime, late: None) -> None:
    mine, others = Client(), Client()
    mine.force_login(cast.donghu_clerk)
    others.force_login(cast.yongjiang_clerk)
    form = mine.get(reverse("apply", args=["wuhan", CODE])).content.decode()
    assert "2026年9月：欠缴 1,440.00 元" in form
    assert "滞纳金" in mine.get(reverse("employer-assessments")).content.decode()
    bill = billed(cast, now)
    url = reverse("employer-bill", args=[bill.pk])
    shown = mine.get(url).content.decode()
    assert code_of(bill) in shown
    assert "41.76" in shown
    assert others.get(url).status_code == 404


def test_what_a_supplement_assesses_is_late_after_its_own_day(cast: Cast, late: None) -> None:
    """王芳 is registered in November from October on: the supplement is due at the end of November,
    for all pages."""
    cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2026-10", at=cast.donghu, wage_fen=600000)
    by, at = User.objects.system(), moment("2026-11-20 01:10")
    charge(city="wuhan", month=OCTOBER, by=by, now=at)
    draw_up(city="wuhan", month=OCTOBER, by=by, now=at)
    supplement = Assessment.objects.get(month=OCTOBER, after__gt=0)
    assert supplement.due_on == dt.date(2026, 11, 30)

    def october(today: str) -> arrears_bills.LateMonth:
        found = arrears_bills.late_months(cast.donghu, "wuhan", today=dt.date.fromisoformat(today))
        return next(one for one in found if one.month == OCTOBER)

    assert october("2026-11-30").principal_fen == 144000
    december = october("2026-12-10")
    assert december.principal_fen == 2 * 144000
    # 40 days since 31 October, and 10 since 30 November: 28.80 + 7.20.
    assert december.fee_fen == 3600
    bill = billed(cast, moment("2026-12-09 10:00"), months=["2026-10"], pay_on="2026-12-10")
    assert bill.surcharge_fen == 3600
    assert audit_is_clean()


def audit_is_clean() -> bool:
    return not [row for one in audit() for row in one.examples]
