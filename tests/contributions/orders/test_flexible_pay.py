"""灵活就业人员缴费: from the service's four steps to an order."""

import re
from uuid import uuid4

import pytest
from django.test import Client

from contributions.models import Order
from contributions.orders import ending
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.catalogue import services
from portal.hall.models import Draft
from portal.hall.routing import Status
from tests.contributions.orders.conftest import PENSION, THIS, WUXI_MEDICAL_60, WUXI_PENSION_60, Till, audit
from tests.filing import ask, file, reasons

pytestmark = pytest.mark.django_db
CODE = "flexible-pay"


def typed(**more: object) -> dict[str, object]:
    return {"tier_pension": "60", "tier_medical": "60", "span": "now", **more}


@pytest.fixture
def wang(till: Till) -> User:
    return till.cast.wang_fang_login


def test_it_ends_in_an_order_and_leads_to_it(till: Till, wang: User) -> None:
    case = file(wang, "wuxi", CODE, typed(), till.now)
    order = Order.objects.get()
    assert (case.status, case.decided_at) == (Status.TO_PAY, None)
    assert order.sum_fen == WUXI_PENSION_60 + WUXI_MEDICAL_60
    assert case.outcome["links"] == [["去支付 1,303.26 元", f"/orders/{order.number}/"]]
    assert {line.charge.month for line in order.lines.all()} == {THIS}


def test_the_case_asks_for_payment_only_as_long_as_it_can_be_paid(till: Till, wang: User) -> None:
    case = file(wang, "wuxi", CODE, typed(), till.now)
    order = Order.objects.get()
    service = services()[CODE]
    assert service.links(case, now=till.now) == [("去支付 1,303.26 元", f"/orders/{order.number}/")]
    assert service.links(case, now=order.expires_at) == [("查看缴费订单", f"/orders/{order.number}/")]
    client = Client()
    client.force_login(wang, backend="portal.accounts.doors.PersonDoor")
    assert "去支付" in client.get(f"/cases/{case.number}/").content.decode()
    till.clock.step(days=3)
    assert "去支付" not in client.get(f"/cases/{case.number}/").content.decode()


@pytest.mark.parametrize(
    ("end", "status", "why"),
    [
        ("pay", Status.DONE, ""),
        ("expire", Status.LAPSED, "订单没有在 2026年11月17日 10:30 前支付，已自动取消。"),
        ("cancel", Status.LAPSED, "订单已取消，没有支付。"),
    ],
)
def test_the_case_ends_as_its_order_does(till: Till, wang: User, end: str, status: Status, why: str) -> None:
    case = file(wang, "wuxi", CODE, typed(), till.now)
    order = Order.objects.get()
    if end == "pay":
        payment = till.start(order)
        till.tell(till.providers["wechat"].pays(payment.number))
    elif end == "expire":
        ending.expire(order, by=User.objects.system(), now=order.expires_at)
    else:
        ending.cancel_unpaid(order, by=wang, now=till.now)
    case.refresh_from_db()
    assert (case.status, case.reason) == (status, why)
    assert [event.to_status for event in case.events.all()] == ["submitted", "to_pay", str(status)]
    audit()


def test_filing_leads_straight_to_the_order_which_waits_in_the_list_of_cases(till: Till, wang: User) -> None:
    case = file(wang, "wuxi", CODE, typed(), till.now)
    order = Order.objects.get()
    assert services()[CODE].goes_to(case, now=till.now) == f"/orders/{order.number}/"
    client = Client()
    client.force_login(wang, backend="portal.accounts.doors.PersonDoor")
    receipt = client.get(f"/cases/{case.number}/receipt/").content.decode()
    assert "还没有支付" in receipt
    assert "已办结" not in receipt
    listed = client.get("/cases/?status=open").content.decode()
    assert case.number in listed
    assert "待支付" in listed


@pytest.mark.parametrize(
    ("span", "count"),
    [("now", 1), ("year", 2), ("all", 12)],
)
def test_how_many_months(till: Till, wang: User, span: str, count: int) -> None:
    file(wang, "wuxi", CODE, typed(tier_medical="", span=span), till.now)
    assert Order.objects.get().sum_fen == count * WUXI_PENSION_60


def test_months_one_by_one(till: Till, wang: User) -> None:
    chosen = [str(THIS), str(THIS + 3)]
    file(wang, "wuxi", CODE, typed(tier_medical="", span="pick", months_pension=chosen), till.now)
    assert [str(line.charge.month) for line in Order.objects.get().lines.order_by("charge__month")] == chosen


def test_what_an_order_holds_is_skipped_or_refused_with_its_number(till: Till, wang: User) -> None:
    order = till.place({PENSION: ("60", [THIS])})
    picked = typed(tier_medical="", span="pick", months_pension=[str(THIS)])
    assert order.number in reasons(wang, "wuxi", CODE, picked, till.now)["months_pension"]
    file(wang, "wuxi", CODE, typed(tier_medical="", span="year"), till.now)
    assert Order.objects.latest("pk").sum_fen == WUXI_PENSION_60


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        (typed(tier_pension="", tier_medical=""), "tier_pension"),
        (typed(tier_pension="61"), "tier_pension"),
        (typed(span="pick"), "months_pension"),
        (typed(span="pick", tier_pension=""), "months_medical"),
        # Months were picked, and the choice above them was forgotten.
        (typed(span="now", months_pension=[str(THIS + 1)]), "span"),
        (typed(span="pick", months_pension=["2026-10"]), "months_pension"),
        (typed(span=""), "span"),
    ],
)
def test_what_is_missing_or_not_allowed_is_said_beside_its_field(
    till: Till, wang: User, answers: dict[str, object], field: str
) -> None:
    assert field in reasons(wang, "wuxi", CODE, answers, till.now)
    assert not Order.objects.exists()


def test_a_span_without_a_month_to_pay_is_said_beside_it(till: Till, wang: User) -> None:
    till.place({PENSION: ("60", [THIS])})
    assert "改选其他月份" in reasons(wang, "wuxi", CODE, typed(tier_medical=""), till.now)["span"]


def test_who_has_nothing_to_choose_is_told_at_once(till: Till) -> None:
    client = Client()
    client.force_login(till.cast.li_qiang_login)
    form = client.get(f"/wuxi/services/{CODE}/apply/").content.decode()
    assert "“灵活就业人员参保登记”" in form
    assert "下一步" not in form
    sent = client.post(f"/wuxi/services/{CODE}/apply/", {"action": "next"}).content.decode()
    assert "“灵活就业人员参保登记”" in sent
    # Nothing was typed that could be kept.
    assert not Draft.objects.exists()


def test_who_is_not_insured_here_is_told_what_to_do(till: Till) -> None:
    said = reasons(till.cast.li_qiang_login, "wuxi", CODE, typed(), till.now)
    assert "办理“灵活就业人员参保登记”" in said[""]


def test_a_clerk_cannot_file_it(till: Till) -> None:
    client = Client()
    client.force_login(till.cast.yongjiang_clerk)
    assert client.get(f"/wuxi/services/{CODE}/apply/").status_code == 302


def test_the_four_steps_on_the_pages(till: Till, wang: User) -> None:
    client = Client()
    client.force_login(wang)
    notice = client.get(f"/wuxi/services/{CODE}/").content.decode()
    assert "断超过三个月会影响报销" in notice
    assert "请保留缴费凭证" in notice
    form = client.get(f"/wuxi/services/{CODE}/apply/").content.decode()
    assert "每月 898.80 元" in form
    look = client.post(f"/wuxi/services/{CODE}/apply/", typed(), follow=True)
    words = look.content.decode()
    assert "1,303.26" in words
    assert "为什么是这个数" in words
    key = re.search(r'name="key" value="([^"]+)"', words)
    assert key is not None
    done = client.post(f"/wuxi/services/{CODE}/materials/", {"action": "submit", "key": key[1]}, follow=True)
    assert f"/orders/{Order.objects.get().number}/" in done.content.decode()


def test_outside_bank_hours_the_last_look_says_when_it_is_paid(till: Till) -> None:
    client = Client()
    client.force_login(till.cast.chen_jing_login)
    typed_in = {"tier_pension": "60", "span": "now"}
    look = client.post(f"/shenzhen/services/{CODE}/apply/", typed_in, follow=True).content.decode()
    assert "生成订单并支付" in look
    assert "银行交易时间" not in look
    till.clock.set("2026-11-20 18:30")
    client = Client()
    client.force_login(till.cast.chen_jing_login)
    look = client.get(f"/shenzhen/services/{CODE}/materials/").content.decode()
    assert "2026年11月23日 09:00 自动发起" in look
    assert "2026年11月23日 09:30 前完成支付" in look
    assert "30 分钟内支付" not in look


def test_the_desk_and_the_order_share_the_key(till: Till, wang: User) -> None:
    asked, key = ask(wang, "wuxi", CODE, typed(), till.now), uuid4()
    first = desk.submit(ask=asked, key=key, now=till.now)
    assert desk.submit(ask=asked, key=key, now=till.now) == first
    assert Order.objects.get().key == first.key
