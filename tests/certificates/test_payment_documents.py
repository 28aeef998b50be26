"""电子票据 and 缴费清单: of what was paid, for who paid it, sealed and verifiable."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from certificates import issuing, verifying_files
from certificates.kinds import CertificateKind
from certificates.models import Certificate, Result
from contributions.books.receiving import receive
from contributions.channels.protocol import Answer, Outcome
from contributions.charges.charging import charge
from contributions.models import Charge, Order, OrderStatus, Payment, PaymentStatus, Receipt
from contributions.orders import answers, placing
from contributions.records.payments import paid_months
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_span
from tests.cast import NOW, Cast, cover, employer
from tests.conftest import Clock
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db


@pytest.fixture
def paid(cast: Cast, clock: Clock) -> Person:
    """王芳 of Wuxi, pension and medical at 60 %: September and October paid at the counter,
    November owed."""
    for insurance in (Insurance.PENSION, Insurance.MEDICAL):
        cover(cast.wang_fang, insurance, "wuxi", "2026-09", tier="60")
    system = User.objects.system()
    for month in month_span(Month(2026, 9), Month(2026, 12)):
        charge(city="wuxi", month=month, by=system, now=NOW)
    for number, month in (("S-9", Month(2026, 9)), ("S-10", Month(2026, 10))):
        receive(
            Charge.objects.filter(month=month), channel="counter", provider_number=number, at=NOW, by=system
        )
    return cast.wang_fang


@pytest.fixture
def order(cast: Cast, paid: Person, monkeypatch: pytest.MonkeyPatch) -> Order:
    """Her order of November's pension, paid by WeChat."""
    placed = placing.place(
        person=paid,
        city="wuxi",
        picks={Insurance.PENSION: ("60", [Month(2026, 11)])},
        key=uuid4(),
        by=cast.wang_fang_login,
        now=NOW,
    )
    payment = Payment.objects.create(
        number="20261117000000000001",
        order=placed,
        channel="wechat",
        amount_fen=placed.sum_fen,
        status=PaymentStatus.STARTED,
        begun_at=NOW,
        begun_by=cast.wang_fang_login,
        ask_at=NOW + dt.timedelta(minutes=1),
    )
    said = Answer(payment.number, Outcome.SUCCEEDED, placed.sum_fen, "wx-1")
    answers.take_answer(said, channel="wechat", by=User.objects.system(), now=NOW, how="渠道通知")
    placed.refresh_from_db()
    assert placed.status == OrderStatus.PAID
    return placed


BY_MONTHS = {"which": "months", "first": "2026-09", "last": "2026-10"}


def test_a_receipt_of_some_months_says_what_was_paid(cast: Cast, paid: Person) -> None:
    case = file(cast.wang_fang_login, "wuxi", "payment-receipt", BY_MONTHS, NOW)
    certificate = Certificate.objects.get(case=case)
    facts = certificate.facts
    assert (certificate.kind, certificate.person) == (CertificateKind.PAYMENT_RECEIPT, paid)
    assert facts["period"] == {"start": "2026-09", "until": "2026-11"}
    assert facts["totals"] == {
        "personal_fen": 2 * (89880 + 40446),
        "employer_fen": 0,
        "surcharge_fen": 0,
        "account_fen": 2 * 35952,
        "amount_fen": 260652,
    }
    assert [(one["month"], one["insurance"], one["channel"]) for one in facts["payments"]] == [
        ("2026-09", "pension", "柜台"),
        ("2026-09", "medical", "柜台"),
        ("2026-10", "pension", "柜台"),
        ("2026-10", "medical", "柜台"),
    ]
    assert facts["payments"][0]["number"] == "S-9"
    assert Decimal(facts["payments"][0]["base"]) == Decimal(4494)


def test_a_receipt_of_an_order_is_of_that_order_alone(cast: Cast, order: Order) -> None:
    file(cast.wang_fang_login, "wuxi", "payment-receipt", {"which": order.number}, NOW)
    facts = Certificate.objects.get().facts
    assert [(one["month"], one["order"], one["channel"]) for one in facts["payments"]] == [
        ("2026-11", order.number, "微信支付")
    ]
    assert facts["totals"]["amount_fen"] == order.sum_fen == 89880


def test_a_list_of_a_year_and_of_all_years(cast: Cast, paid: Person) -> None:
    file(cast.wang_fang_login, "wuxi", "payment-list", {"year": "2026"}, NOW)
    year = Certificate.objects.get()
    assert year.kind == CertificateKind.PAYMENT_LIST
    assert year.facts["period"] == {"start": "2026-01", "until": "2027-01"}
    assert year.facts["totals"]["amount_fen"] == 260652
    file(cast.wang_fang_login, "wuxi", "payment-list", {"year": "all"}, NOW)
    assert Certificate.objects.latest("pk").facts["period"] == {"start": "2026-09", "until": "2026-11"}


def test_what_an_employer_paid_is_on_the_list_and_on_no_receipt(cast: Cast) -> None:
    taihu = employer("无锡太湖电子有限公司", "wuxi", "320211", 301)
    cover(cast.li_qiang, Insurance.PENSION, "wuxi", "2026-10", at=taihu, wage_fen=800000)
    system = User.objects.system()
    charge(city="wuxi", month=Month(2026, 10), by=system, now=NOW)
    receive(Charge.objects.all(), channel="bank-transfer", provider_number="T-1", at=NOW, by=system)
    month = {"which": "months", "first": "2026-10", "last": "2026-10"}
    assert "first" in reasons(cast.li_qiang_login, "wuxi", "payment-receipt", month, NOW)
    file(cast.li_qiang_login, "wuxi", "payment-list", {"year": "2026"}, NOW)
    facts = Certificate.objects.get().facts
    assert facts["payments"][0]["employer"] == taihu.name
    assert (facts["totals"]["personal_fen"], facts["totals"]["employer_fen"]) == (64000, 128000)


def test_money_in_suspense_and_months_owed_are_not_certified(cast: Cast, paid: Person) -> None:
    receive(
        Charge.objects.filter(month=Month(2026, 10)),
        channel="counter",
        provider_number="S-10-again",
        at=NOW,
        by=User.objects.system(),
    )
    assert Receipt.objects.filter(applied=False).count() == 2
    assert {one.month for one in paid_months(paid, city="wuxi")} == {Month(2026, 9), Month(2026, 10)}
    assert len(paid_months(paid, city="wuxi")) == 4
    assert "first" in reasons(
        cast.wang_fang_login,
        "wuxi",
        "payment-receipt",
        {"which": "months", "first": "2026-11", "last": "2026-11"},
        NOW,
    )


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"which": ""}, "which"),
        ({"which": "WX-none"}, "which"),
        ({"which": "months"}, "first"),
        ({"which": "months", "first": "2026-10", "last": "2026-09"}, "last"),
    ],
)
def test_what_cannot_be_chosen_is_said_beside_the_field(
    cast: Cast, paid: Person, typed: dict[str, str], field: str
) -> None:
    assert field in reasons(cast.wang_fang_login, "wuxi", "payment-receipt", typed, NOW)


def test_another_persons_order_cannot_be_chosen(cast: Cast, order: Order) -> None:
    refused = reasons(cast.li_qiang_login, "wuxi", "payment-receipt", {"which": order.number}, NOW)
    assert "没有这份已缴费的订单" in refused["which"]
    assert paid_months(cast.li_qiang, city="wuxi", order=order.number) == []


def test_who_paid_nothing_gets_nothing(cast: Cast) -> None:
    nothing = reasons(cast.li_qiang_login, "wuxi", "payment-list", {"year": "all"}, NOW)
    assert "没有已经入账的缴费" in nothing["year"]
    month = {"which": "months", "first": "2026-11", "last": "2026-11"}
    assert (
        "没有已经入账的缴费" in reasons(cast.li_qiang_login, "wuxi", "payment-receipt", month, NOW)["which"]
    )


def test_without_a_key_nothing_is_frozen(cast: Cast, paid: Person, settings: Any, tmp_path: Path) -> None:
    settings.SEAL_DIR = tmp_path
    assert "电子印章暂不可用" in reasons(cast.wang_fang_login, "wuxi", "payment-receipt", BY_MONTHS, NOW)[""]


def test_it_is_sealed_and_verified_with_its_sum(cast: Cast, paid: Person) -> None:
    for code, typed in (("payment-receipt", BY_MONTHS), ("payment-list", {"year": "2026"})):
        case = file(cast.wang_fang_login, "wuxi", code, typed, NOW)
        certificate = Certificate.objects.get(case=case)
        document = issuing.produce(certificate, now=NOW)
        verdict = verifying_files.verify_pdf(document, now=NOW)
        assert verdict.result == Result.VALID
        assert ("金额", "2,606.52 元") in verdict.shown
        assert ("金额（大写）", "贰仟陆佰零陆元伍角贰分") in verdict.shown
        altered = document[:2000] + bytes([document[2000] ^ 1]) + document[2001:]
        assert verifying_files.verify_pdf(altered, now=NOW).result != Result.VALID


def test_its_page_is_its_holders_alone(cast: Cast, order: Order, client: Client) -> None:
    file(cast.wang_fang_login, "wuxi", "payment-receipt", {"which": order.number}, NOW)
    address = reverse("certificate", args=[Certificate.objects.get().serial_number])
    client.force_login(cast.wang_fang_login)
    shown = client.get(address).content.decode()
    assert "捌佰玖拾捌元捌角" in shown
    assert "wx-1" in shown
    assert (
        reverse("apply", args=["wuxi", "payment-receipt"])
        in client.get(f"/orders/{order.number}/").content.decode()
    )
    client.force_login(cast.li_qiang_login)
    assert client.get(address).status_code == 404


def test_through_the_pages(cast: Cast, order: Order, client: Client) -> None:
    client.force_login(cast.wang_fang_login, backend="portal.accounts.doors.PersonDoor")
    apply = reverse("apply", args=["wuxi", "payment-receipt"])
    assert order.number in client.get(apply).content.decode()
    passed = client.post(apply, {"which": order.number})
    look = client.get(passed.headers["Location"])
    assert "898.80" in look.content.decode()
    client.post(passed.headers["Location"], {"key": look.context["key"]}, follow=True)
    assert Certificate.objects.get().facts["totals"]["amount_fen"] == 89880


def test_filing_for_a_receipt_ends_at_the_receipt_itself_in_its_own_words(cast: Cast, paid: Person) -> None:
    client = Client()
    client.force_login(cast.wang_fang_login, backend="portal.accounts.doors.PersonDoor")
    at = "/wuxi/services/payment-receipt/"
    assert (
        client.post(f"{at}apply/", {**BY_MONTHS, "action": "next"}).headers["Location"].endswith("materials/")
    )
    last_look = client.get(f"{at}materials/")
    shown = last_look.content.decode()
    assert "开具票据" in shown
    assert "提交申报</button>" not in shown
    assert "缴费内容（2026年9月至2026年10月）" in shown
    sent = client.post(f"{at}materials/", {"key": last_look.context["key"], "action": "submit"})
    certificate = Certificate.objects.get()
    assert sent.headers["Location"] == reverse("certificate", args=[certificate.serial_number])
    page = client.get(sent.headers["Location"]).content.decode()
    for said in ("票据已出具", "下载票据（PDF）", "票据编号", "缴费内容（"):
        assert said in page
    for wrong in ("证明已出具", "下载证明", "证明编号", "证明内容"):
        assert wrong not in page
    assert certificate.case is not None
    assert reverse("receipt", args=[certificate.case.number]) in page
