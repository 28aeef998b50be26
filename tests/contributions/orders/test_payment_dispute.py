"""缴费异议: within thirty days of the payment, by whoever paid; staff answer in words."""

from typing import Any

import pytest
from django.test import Client

from contributions.models import Payment
from portal.accounts.roles import REVIEWER
from portal.hall import desk
from portal.hall.routing import Status
from tests.cast import moment, staff
from tests.contributions.orders.conftest import Provider, Till
from tests.contributions.refunds.test_refunds import paid_twice
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

CODE = "payment-dispute"


@pytest.fixture
def payment(till: Till, providers: dict[str, Provider]) -> Payment:
    """Begun on 17 November; a second payment of an order that was paid."""
    return paid_twice(till, providers)


def typed(payment: Payment, **changes: Any) -> dict[str, Any]:
    return {"payment": payment.number, "kind": "twice", "text": "微信和支付宝都扣了款。", **changes}


def test_staff_look_into_it_and_answer(till: Till, payment: Payment) -> None:
    case = file(till.cast.wang_fang_login, "wuxi", CODE, typed(payment), till.now)
    assert case.status == Status.IN_REVIEW
    reviewer = staff("wuxi-1", "郑明", "wuxi", REVIEWER)
    with pytest.raises(desk.NotAccepted) as refusal:
        desk.decide(case, approve=True, by=reviewer, now=till.now)
    assert "答复" in refusal.value.findings[0].why
    case = desk.decide(case, approve=True, by=reviewer, now=till.now, reason="已核实，将原路退回支付宝。")
    assert (case.status, case.reason) == (Status.DONE, "已核实，将原路退回支付宝。")
    assert case.outcome["payment"] == payment.number
    assert dict(case.outcome["lines"])["异议类别"] == "重复扣款"


def test_the_workbench_asks_for_the_answer_and_the_applicant_reads_it(
    till: Till, payment: Payment, client: Client
) -> None:
    case = file(till.cast.wang_fang_login, "wuxi", CODE, typed(payment), till.now)
    client.force_login(staff("wuxi-1", "郑明", "wuxi", REVIEWER), backend="portal.accounts.doors.StaffDoor")
    url = f"/admin/hall/case/{case.pk}/change/"
    shown = client.get(url).content.decode()
    assert "没有入账，待退回" in shown
    assert payment.number in shown
    assert "请写明答复" in client.post(url, {"approve": "1"}, follow=True).content.decode()
    client.post(url, {"approve": "1", "approve-answer": "已核实，将原路退回。"})
    case.refresh_from_db()
    assert (case.status, case.reason) == (Status.DONE, "已核实，将原路退回。")
    client.force_login(till.cast.wang_fang_login)
    assert "已核实，将原路退回。" in client.get(f"/cases/{case.number}/").content.decode()


def test_the_thirtieth_day_passes_and_the_next_is_barred(till: Till, payment: Payment) -> None:
    login = till.cast.wang_fang_login
    assert reasons(login, "wuxi", CODE, typed(payment), moment("2026-12-17 23:59")) == {}
    barred = reasons(login, "wuxi", CODE, typed(payment), moment("2026-12-18 00:00"))
    assert "已超过 30 日" in barred["payment"]


def test_the_day_is_chinas(till: Till, providers: dict[str, Provider]) -> None:
    # Still the 17th in London, already the 18th in China.
    till.clock.set("2026-11-18 00:30")
    late = paid_twice(till, providers)
    login = till.cast.wang_fang_login
    assert reasons(login, "wuxi", CODE, typed(late), moment("2026-12-18 23:59")) == {}
    assert reasons(login, "wuxi", CODE, typed(late), moment("2026-12-19 00:00")) != {}


def test_filed_in_time_it_is_answered_after_the_day(till: Till, payment: Payment) -> None:
    case = file(till.cast.wang_fang_login, "wuxi", CODE, typed(payment), moment("2026-12-17"))
    reviewer = staff("wuxi-1", "郑明", "wuxi", REVIEWER)
    done = desk.decide(case, approve=True, by=reviewer, now=moment("2026-12-22"), reason="已核实。")
    assert done.status == Status.DONE


def test_one_at_a_time(till: Till, payment: Payment) -> None:
    login = till.cast.wang_fang_login
    case = file(login, "wuxi", CODE, typed(payment), till.now)
    assert file(login, "wuxi", CODE, typed(payment), till.now, key=case.key) == case
    with pytest.raises(desk.NotAccepted) as refusal:
        file(login, "wuxi", CODE, typed(payment, kind="amount"), till.now)
    assert "正在核实" in str(refusal.value.findings[0].why)
    reviewer = staff("wuxi-1", "郑明", "wuxi", REVIEWER)
    desk.decide(case, approve=False, by=reviewer, now=till.now, reason="银行没有扣款。")
    assert file(login, "wuxi", CODE, typed(payment), till.now).status == Status.IN_REVIEW


def test_nobody_disputes_anyone_elses_payment(till: Till, payment: Payment) -> None:
    others = reasons(till.cast.li_qiang_login, "wuxi", CODE, typed(payment), till.now)
    assert "没有缴费订单" in others[""]
    with pytest.raises(desk.NotAllowed):
        file(till.cast.donghu_clerk, "wuxi", CODE, {}, till.now)


def test_another_persons_number_is_no_choice(till: Till, payment: Payment) -> None:
    guessed = {**typed(payment), "payment": "P20261117320200AAAA"}
    refused = reasons(till.cast.wang_fang_login, "wuxi", CODE, guessed, till.now)
    assert refused == {"payment": "没有这笔支付，请重新选择。"}


def test_what_is_missing_is_told_beside_its_field(till: Till, payment: Payment) -> None:
    refused = reasons(till.cast.wang_fang_login, "wuxi", CODE, {}, till.now)
    assert set(refused) == {"payment", "kind", "text"}
