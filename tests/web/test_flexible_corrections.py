"""The pages of the flexible workers' corrections, from the form to the receipt: what each shows
before it is sent."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from contributions.models import Charge, ChargeStatus
from portal.accounts.models import User
from portal.hall.models import Case
from portal.registers.models import BankAccountRecord
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover
from tests.conftest import Clock
from tests.contributions.flexible import EMPTY_ACCOUNT, GOOD_ACCOUNT, account, charge_of, charged, debited
from tests.web.conftest import key_on, signed_in

pytestmark = pytest.mark.django_db


def through(user: User, city: str, code: str, typed: dict[str, Any]) -> tuple[str, str, str]:
    """The form, the last look and the receipt, as a browser sees them."""
    browser, root = signed_in(user), f"/{city}/services/{code}/"
    assert browser.get(root).status_code == 200
    form = browser.get(f"{root}apply/").content.decode()
    answer = browser.post(f"{root}apply/", {**typed, "action": "next"})
    assert answer.status_code == 302, answer.context["form"].errors
    look = browser.get(f"{root}materials/")
    sent = browser.post(f"{root}materials/", {"key": key_on(look), "action": "submit"}, follow=True)
    assert sent.status_code == 200
    return form, look.content.decode(), sent.content.decode()


@pytest.fixture
def owed(cast: Cast, clock: Clock) -> Callable[[str, Insurance], Charge]:
    """September of pension and of medical insurance is owed in Wuhan."""
    for insurance in (Insurance.PENSION, Insurance.MEDICAL):
        cover(cast.li_qiang, insurance, "wuhan", "2026-09", tier="60")
    charged("wuhan", "2026-09")
    account(cast.li_qiang)
    return lambda month, insurance: charge_of(cast.li_qiang, month, insurance)


def test_a_tier_change_shows_both_amounts_and_why(cast: Cast, clock: Clock) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-01", tier="60")
    form, look, receipt = through(cast.li_qiang_login, "wuhan", "pension-tier", {"tier": "100"})
    assert "每月 393.04 元（现在的档次）" in form
    assert look.count("为什么是这个数") == 2
    assert "原档次每月应缴" in look
    assert "100%档，每月 655.06 元" in receipt


def test_an_account_is_shown_in_full_to_be_checked_and_masked_ever_after(cast: Cast, clock: Clock) -> None:
    BankAccountRecord.objects.create(
        bank="psbc", number=GOOD_ACCOUNT, holder="陈静", identity_number=cast.chen_jing.identity_number
    )
    typed = {"bank": "psbc", "account_number": GOOD_ACCOUNT}
    _form, look, receipt = through(cast.chen_jing_login, "shenzhen", "bank-account", typed)
    assert GOOD_ACCOUNT in look
    assert GOOD_ACCOUNT not in receipt
    assert GOOD_ACCOUNT[-4:] in receipt


def test_writing_off_shows_the_consequences_before_and_asks_for_the_word(
    cast: Cast, owed: Callable[[str, Insurance], Charge]
) -> None:
    chosen = [str(owed("2026-09", one).pk) for one in (Insurance.PENSION, Insurance.MEDICAL)]
    browser = signed_in(cast.li_qiang_login)
    refused = browser.post(
        "/wuhan/services/arrears-write-off/apply/",
        {"charges": chosen, "confirmation": "好", "action": "next"},
    )
    assert "请输入“注销”两个字。" in refused.content.decode()
    typed = {"charges": chosen, "confirmation": "注销"}
    form, look, _receipt = through(cast.li_qiang_login, "wuhan", "arrears-write-off", typed)
    assert "注销后无法恢复" in form
    assert "以后再缴至少 393.82 元" in form
    assert "注销后不能再缴" in form
    assert "失去 1 个月：2026年9月。" in look
    assert "注销后不能再补缴。" in look
    assert "现在欠缴 393.04 元；假如今天注销后再补缴，须缴 393.82 元" in look
    assert owed("2026-09", Insurance.PENSION).status == ChargeStatus.WRITTEN_OFF
    record = browser.get("/record/").content.decode()
    assert "2026年9月 已注销 393.04 元" in record
    # Medical insurance that was given up is shown with the reason, and cannot be chosen.
    pay = browser.get("/wuhan/services/arrears-pay/apply/").content.decode()
    assert "医疗保险欠费注销后不能再补缴" in pay


def test_paying_late_shows_principal_and_interest_with_their_reasons(
    cast: Cast, owed: Callable[[str, Insurance], Charge]
) -> None:
    charge = owed("2026-09", Insurance.PENSION)
    _form, look, receipt = through(cast.li_qiang_login, "wuhan", "arrears-pay", {"charges": [str(charge.pk)]})
    assert "利息 0.99 元：为什么是这个数" in look
    assert "本金 393.04 元，利息 0.99 元，共 394.03 元" in receipt
    page = signed_in(cast.li_qiang_login).get(f"/record/charges/{charge.pk}/").content.decode()
    assert "补缴利息" in page
    assert "0.99" in page
    assert signed_in(cast.wang_fang_login).get(f"/record/charges/{charge.pk}/").status_code == 404


def test_a_gap_is_chosen_by_months_and_priced_month_by_month(cast: Cast, clock: Clock) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-01", "2026-09", tier="60")
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2026-10", tier="60")
    account(cast.li_qiang)
    typed = {"insurance": "pension", "months": ["2026-09"], "tier": "60"}
    form, look, receipt = through(cast.li_qiang_login, "wuhan", "pension-gap", typed)
    assert "中断的医疗保险不能补缴" in form
    assert "2026年9月 养老保险" in look
    assert "本金 393.04 元，利息 0.99 元，共 394.03 元" in receipt
    page = signed_in(cast.li_qiang_login).get(f"/record/charges/{charge_of(cast.li_qiang, '2026-09').pk}/")
    assert "为什么是这个数" in page.content.decode()


def test_a_failed_month_is_asked_for_again(cast: Cast, clock: Clock, settings, tmp_path) -> None:
    settings.BANK_EXCHANGE_DIR = tmp_path
    cover(cast.chen_jing, Insurance.PENSION, "shenzhen", "2026-10", tier="60")
    account(cast.chen_jing, EMPTY_ACCOUNT, city="shenzhen")
    charged("shenzhen", "2026-10")
    debited("shenzhen", "2026-10")
    charge = charge_of(cast.chen_jing, "2026-10")
    form, _look, receipt = through(
        cast.chen_jing_login, "shenzhen", "recollect", {"charges": [str(charge.pk)]}
    )
    assert "余额不足" in form
    assert "1,100.04 元" in receipt
    assert charge.recollect_requests.get().month == Month(2026, 10)


@pytest.mark.parametrize(
    ("city", "code"),
    [
        ("wuhan", "pension-tier"),
        ("wuhan", "arrears-pay"),
        ("wuhan", "arrears-write-off"),
        ("wuhan", "pension-gap"),
        ("wuxi", "arrears-pay"),
        ("shenzhen", "recollect"),
    ],
)
def test_who_has_nothing_to_correct_is_told_so_and_files_nothing(
    cast: Cast, clock: Clock, city: str, code: str
) -> None:
    browser: Client = signed_in(cast.wang_fang_login)
    assert browser.get(f"/{city}/services/{code}/apply/").status_code == 200
    refused = browser.post(f"/{city}/services/{code}/apply/", {"action": "next"})
    assert refused.status_code == 200
    assert refused.context["form"].non_field_errors()
    assert not Case.objects.exists()
