"""个人缴费人员补托收: the next batch takes what failed and was asked for; nothing that is paid,
ordered or at the bank."""

import datetime as dt
from pathlib import Path

import pytest

from contributions.models import (
    ChargeStatus,
    DebitLine,
    LineStatus,
    Receipt,
    RecollectRequest,
    RequestStatus,
)
from portal.hall import desk
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.policy.book import book
from portal.shared.insurance import Insurance
from tests.cast import Cast, cover, moment
from tests.contributions.flexible import (
    EMPTY_ACCOUNT,
    GOOD_ACCOUNT,
    account,
    at_the_bank,
    charge_of,
    charged,
    debited,
    ordered,
    paid_at_the_counter,
)
from tests.filing import file, reasons

CODE = "recollect"


@pytest.fixture(autouse=True)
def exchange(settings, tmp_path: Path) -> None:
    settings.BANK_EXCHANGE_DIR = tmp_path


@pytest.fixture
def failed(cast: Cast) -> dict[str, list[str]]:
    """October was debited in vain; since then there is money in another account. What is typed to
    ask for it again."""
    cover(cast.chen_jing, Insurance.PENSION, "shenzhen", "2026-10", tier="60")
    account(cast.chen_jing, EMPTY_ACCOUNT, city="shenzhen")
    charged("shenzhen", "2026-10")
    batch = debited("shenzhen", "2026-10")
    assert batch is not None
    assert batch.lines.get().status == LineStatus.FAILED
    account(cast.chen_jing, GOOD_ACCOUNT, start="2026-11", city="shenzhen")
    charged("shenzhen", "2026-11")
    return {"charges": [str(charge_of(cast.chen_jing, "2026-10").pk)]}


def test_what_was_asked_for_cannot_be_chosen_again(
    cast: Cast, now: dt.datetime, failed: dict[str, list[str]]
) -> None:
    def barred() -> list[str]:
        offer = book().city("shenzhen").offers[CODE]
        form = desk.form_for(offer=offer, applicant=Applicant.of(cast.chen_jing_login), now=now)
        return list(vars(form.fields["charges"])["not_allowed"])

    assert barred() == []
    file(cast.chen_jing_login, "shenzhen", CODE, failed, now)
    assert barred() == failed["charges"]


def test_the_next_months_debit_collects_it_with_its_own(
    cast: Cast, now: dt.datetime, failed: dict[str, list[str]]
) -> None:
    case = file(cast.chen_jing_login, "shenzhen", CODE, failed, now)
    assert (case.status, case.decided_at) == (Status.TO_DEBIT, None)
    lines = dict(case.outcome["lines"])
    assert lines["合计"] == "1,100.04 元"
    assert "2026年11月30日" in lines["扣款时间"]
    batch = debited("shenzhen", "2026-11")
    assert batch is not None
    assert (batch.line_count, batch.total_fen) == (2, 220008)
    assert charge_of(cast.chen_jing, "2026-10").status == ChargeStatus.PAID
    request = RecollectRequest.objects.get()
    assert (request.status, request.case) == (RequestStatus.TAKEN, case)
    case.refresh_from_db()
    assert case.status == Status.DONE
    assert [event.to_status for event in case.events.all()] == ["submitted", "to_debit", "done"]
    assert request.line is not None
    assert request.line.batch == batch
    assert Receipt.objects.filter(applied=True).count() == 2


def test_a_second_round_takes_only_what_was_asked_for(
    cast: Cast, now: dt.datetime, failed: dict[str, list[str]]
) -> None:
    cover(cast.liu_yang, Insurance.PENSION, "shenzhen", "2026-10", tier="60")
    account(cast.liu_yang, city="shenzhen")
    charged("shenzhen", "2026-10")
    assert debited("shenzhen", "2026-10", round_number=2, now=now) is None
    file(cast.chen_jing_login, "shenzhen", CODE, failed, now)
    account(cast.chen_jing, GOOD_ACCOUNT, start="2026-10", city="shenzhen")
    batch = debited("shenzhen", "2026-10", round_number=2, now=now)
    assert batch is not None
    assert batch.lines.get().charge == charge_of(cast.chen_jing, "2026-10")
    assert charge_of(cast.chen_jing, "2026-10").status == ChargeStatus.PAID
    assert charge_of(cast.liu_yang, "2026-10").status == ChargeStatus.OWED


def test_it_may_fail_again_and_be_asked_for_again(cast: Cast, failed: dict[str, list[str]]) -> None:
    account(cast.chen_jing, EMPTY_ACCOUNT, start="2026-11", city="shenzhen")
    case = file(cast.chen_jing_login, "shenzhen", CODE, failed, moment("2026-11-17"))
    debited("shenzhen", "2026-11")
    case.refresh_from_db()
    assert (case.status, case.reason) == (Status.LAPSED, "2026年10月养老保险扣款失败：余额不足。")
    file(cast.chen_jing_login, "shenzhen", CODE, failed, moment("2026-12-02"))
    assert RecollectRequest.objects.count() == 2


def test_twice_is_once(cast: Cast, now: dt.datetime, failed: dict[str, list[str]]) -> None:
    case = file(cast.chen_jing_login, "shenzhen", CODE, failed, now)
    assert file(cast.chen_jing_login, "shenzhen", CODE, failed, now, key=case.key) == case
    assert "已申请补托收" in reasons(cast.chen_jing_login, "shenzhen", CODE, failed, now)["charges"]
    assert RecollectRequest.objects.count() == 1


def test_a_month_in_an_order_at_the_bank_or_paid_is_not_collected_again(
    cast: Cast, now: dt.datetime, failed: dict[str, list[str]]
) -> None:
    charge = charge_of(cast.chen_jing, "2026-10")
    order = ordered([charge], now=now)
    assert order.number in reasons(cast.chen_jing_login, "shenzhen", CODE, failed, now)["charges"]
    paid_at_the_counter([charge], now=now)
    refused = reasons(cast.chen_jing_login, "shenzhen", CODE, failed, now)
    assert "没有托收失败" in refused[""]


def test_a_month_at_the_bank_is_not_asked_for(
    cast: Cast, now: dt.datetime, failed: dict[str, list[str]]
) -> None:
    at_the_bank(charge_of(cast.chen_jing, "2026-10"), now=now)
    assert reasons(cast.chen_jing_login, "shenzhen", CODE, failed, now) != {}


def test_what_was_paid_meanwhile_is_dropped_when_the_batch_is_opened(
    cast: Cast, now: dt.datetime, failed: dict[str, list[str]]
) -> None:
    file(cast.chen_jing_login, "shenzhen", CODE, failed, now)
    paid_at_the_counter([charge_of(cast.chen_jing, "2026-10")], now=now)
    debited("shenzhen", "2026-11")
    assert DebitLine.objects.filter(charge__month="2026-10-01").count() == 1
    assert RecollectRequest.objects.get().status == RequestStatus.DROPPED


def test_months_longer_ago_are_not_collected_again(cast: Cast, failed: dict[str, list[str]]) -> None:
    assert reasons(cast.chen_jing_login, "shenzhen", CODE, failed, moment("2027-01-10")) == {}
    assert "没有托收失败" in reasons(cast.chen_jing_login, "shenzhen", CODE, failed, moment("2027-02-10"))[""]


def test_without_an_account_there_is_nothing_to_draw_on(
    cast: Cast, now: dt.datetime, failed: dict[str, list[str]]
) -> None:
    cast.chen_jing.bank_accounts.all().delete()
    assert "缴费银行信息维护" in reasons(cast.chen_jing_login, "shenzhen", CODE, failed, now)[""]


def test_nobody_asks_for_anyone_elses(cast: Cast, now: dt.datetime, failed: dict[str, list[str]]) -> None:
    assert reasons(cast.li_qiang_login, "shenzhen", CODE, failed, now) != {}
    with pytest.raises(desk.NotAllowed):
        file(cast.donghu_clerk, "shenzhen", CODE, {}, now)
    assert not RecollectRequest.objects.exists()
