"""The workbench's pages of refunds, and what whoever paid sees of them."""

import pytest
from django.test import Client

from contributions.models import Charge, Receipt, Refund, RefundStatus
from contributions.refunds import drafting
from portal.accounts.models import User
from portal.shared import money
from tests.cast import staff
from tests.contributions.orders.conftest import Provider, Till, audit
from tests.contributions.refunds.test_refunds import checker, drafted, maker, paid_late, paid_twice, sends
from tests.workbench import search

pytestmark = [pytest.mark.django_db, pytest.mark.as_app]

HELD = "/admin/contributions/heldreceipt/"
REFUNDS = "/admin/contributions/refund/"


@pytest.fixture
def twice(till: Till, providers: dict[str, Provider]) -> Receipt:
    return Receipt.objects.get(entry=paid_twice(till, providers).entry)


def at_desk(client: Client, user: User) -> Client:
    client.force_login(user, backend="portal.accounts.doors.StaffDoor")
    return client


def test_the_whole_road_on_the_pages(till: Till, twice: Receipt, client: Client) -> None:
    desk = at_desk(client, maker())
    assert twice.provider_number in desk.get(HELD).content.decode()
    assert "待退回款项" in desk.get("/admin/").content.decode()
    page = desk.get(f"{HELD}{twice.pk}/change/")
    assert "原支付渠道退回" in page.content.decode()
    typed = {f"draft-{name}": page.context["form"][name].value() for name in ("amount", "reason", "key")}
    assert typed["draft-amount"] == "898.80"
    wrong = desk.post(f"{HELD}{twice.pk}/change/", {**typed, "draft-amount": "898.81"})
    assert wrong.status_code == 422
    assert "不超过可退的 898.80 元" in wrong.content.decode()
    assert 'value="898.81"' in wrong.content.decode()
    for _press in range(2):
        drafted_page = desk.post(f"{HELD}{twice.pk}/change/", typed, follow=True)
    refund = Refund.objects.get()
    assert "须由另一名征缴人员复核" in drafted_page.content.decode()
    assert twice.provider_number not in desk.get(HELD).content.decode()
    desk.post(f"{REFUNDS}{refund.pk}/change/", {"step": "approve"})
    refund.refresh_from_db()
    assert refund.status == RefundStatus.DRAFTED
    desk = at_desk(client, checker())
    assert refund.number in desk.get(f"{REFUNDS}?state=mine").content.decode()
    desk.post(f"{REFUNDS}{refund.pk}/change/", {"step": "approve"})
    sends(till)
    assert "已退回" in desk.get(f"{REFUNDS}{refund.pk}/change/").content.decode()
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    audit()


def test_whoever_paid_twice_sees_it_on_the_order_and_in_the_list_until_it_is_back(
    till: Till, twice: Receipt, client: Client
) -> None:
    client.force_login(till.cast.wang_fang_login, backend="portal.accounts.doors.PersonDoor")
    order = twice.entry.payment.order
    assert "另有 898.80 元待退回" in client.get("/orders/").content.decode()
    page = client.get(f"/orders/{order.number}/").content.decode()
    assert "未记入，待退回" in page
    assert "收到一笔 898.80 元" in page
    drafting.approve(drafted(till, twice), by=checker(), now=till.now)
    sends(till)
    assert "待退回" not in client.get("/orders/").content.decode()
    assert "未记入，已退回" in client.get(f"/orders/{order.number}/").content.decode()


def test_all_of_a_payment_goes_back_by_one_button(
    till: Till, providers: dict[str, Provider], client: Client
) -> None:
    first, second = Receipt.objects.filter(entry=paid_late(till, providers).entry).order_by("pk")
    desk = at_desk(client, maker())
    address = f"{HELD}{first.pk}/change/"
    page = desk.get(address)
    both = money.format_yuan(first.amount_fen + second.amount_fen)
    assert f"同一笔付款的 2 项一并退回，共 {both} 元" in page.content.decode()
    typed = {f"draft-{name}": page.context["form"][name].value() for name in ("amount", "reason", "key")}
    assert desk.post(address, {**typed, "draft-reason": "", "together": "1"}).status_code == 422
    for _press in range(2):
        desk.post(address, {**typed, "together": "1"})
    refund = Refund.objects.get()
    assert [part.receipt for part in refund.parts.order_by("pk")] == [first, second]
    assert "没有需要办理的" in desk.get(f"{HELD}{second.pk}/change/").content.decode()
    found = search(desk, REFUNDS, till.cast.wang_fang.identity_number).content.decode()
    assert found.count(f"{refund.number}</a>") == 1
    assert "等 2 项" in found
    shown = desk.get(f"{REFUNDS}{refund.pk}/change/").content.decode()
    assert first.provider_number in shown
    assert second.provider_number in shown


def test_a_refusal_wants_its_reason(till: Till, twice: Receipt, client: Client) -> None:
    refund = drafted(till, twice)
    desk = at_desk(client, checker())
    answer = desk.post(f"{REFUNDS}{refund.pk}/change/", {"step": "refuse", "refuse-why": ""})
    assert answer.status_code == 422
    assert "请填写不同意退回的原因" in answer.content.decode()
    desk.post(f"{REFUNDS}{refund.pk}/change/", {"step": "refuse", "refuse-why": "先与银行核实"})
    refund.refresh_from_db()
    assert (refund.status, refund.why) == (RefundStatus.REFUSED, "先与银行核实")


def test_only_the_citys_collectors(till: Till, twice: Receipt, client: Client) -> None:
    refund = drafted(till, twice)
    for user in (maker("ningbo"), staff("wuxi-reviewer", "郑明", "wuxi", "受理审核")):
        desk = at_desk(client, user)
        for url in (f"{HELD}{twice.pk}/change/", f"{REFUNDS}{refund.pk}/change/"):
            assert desk.get(url).status_code == 404
            assert desk.post(url, {"step": "approve"}).status_code == 404
    looks = at_desk(client, staff("wuxi-manager", "吴江", "wuxi", "管理员"))
    assert looks.get(f"{REFUNDS}{refund.pk}/change/").status_code == 200
    assert looks.post(f"{REFUNDS}{refund.pk}/change/", {"step": "approve"}).status_code == 404


def test_whoever_paid_sees_how_far_it_is(till: Till, twice: Receipt, client: Client) -> None:
    client.force_login(till.cast.wang_fang_login)
    pages = [
        f"/orders/{twice.entry.payment.order.number}/",
        f"/record/charges/{Charge.objects.get().pk}/",
    ]
    assert all("待退回" in client.get(url).content.decode() for url in pages)
    refund = drafted(till, twice)
    assert all("退款处理中" in client.get(url).content.decode() for url in pages)
    drafting.approve(refund, by=checker(), now=till.now)
    sends(till)
    for url in pages:
        shown = client.get(url).content.decode()
        assert "已退回" in shown or "已原路退回" in shown
        assert "退款处理中" not in shown
