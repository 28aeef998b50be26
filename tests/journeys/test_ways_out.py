"""Whoever must do something is led to where it can be done: what is due has a way to pay, or says
exactly where and how."""

from django.utils import timezone
from playwright.sync_api import expect

from contributions.assessments.assessing import draw_up
from contributions.assessments.transfer_notes import code_of
from contributions.models import Assessment, Order
from portal.accounts.models import User
from portal.hall.models import Case
from portal.policy.book import book
from portal.policy.terms.payment import transfer_account
from portal.shared.insurance import Insurance
from portal.shared.months import Month, today_in_china
from tests.cast import Cast, cover
from tests.gateway import StandIn
from tests.journeys.conftest import PHONE, Visitors, charged


def test_what_a_flexible_worker_of_ningbo_owes_leads_to_paying_it(
    visitor: Visitors, cast: Cast, gateway: StandIn, this: Month
) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", str(this - 2), tier="60")
    charged("ningbo", this, this + 1)
    she = visitor(cast.wang_fang_login, size=PHONE)
    she.go("/ningbo/")
    she.main.locator("a.due__title").first.click()
    she.is_at("灵活就业人员缴费")
    she.choose("养老保险缴费档次", "60%")
    she.choose("缴纳哪些月份", "只缴当月")
    she.press("下一步", she.main)
    she.press("生成订单并支付", she.main)
    she.is_at("支付缴费订单")
    she.sees("待支付")
    case = Case.objects.get()
    assert case.status == "to_pay"
    assert Order.objects.get().key == case.key
    # Nothing is called done that is not paid.
    she.go(f"/cases/{case.number}/")
    she.sees("待支付")
    she.sees_not("已办结")


def test_whoever_wuhan_cannot_debit_reads_it_before_the_form_with_the_way_to_an_account(
    visitor: Visitors, cast: Cast, this: Month
) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", str(this - 3), tier="60")
    charged("wuhan", this - 2, this - 1)
    he = visitor(cast.li_qiang_login)
    he.go("/wuhan/services/arrears-pay/")
    he.sees("还没有可以扣款的缴费账户", "元")
    expect(he.main.get_by_role("link", name="开始申报")).to_have_count(0)
    he.follow("缴费账户登记和变更", he.main)
    he.is_at("缴费账户")


def test_an_employer_reads_to_which_account_it_transfers_and_prints_it(
    visitor: Visitors, cast: Cast, this: Month
) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", str(this - 1), at=cast.donghu, wage_fen=600_000)
    charged("wuhan", this, this + 1)
    draw_up(city="wuhan", month=this, by=User.objects.system(), now=timezone.now())
    month = Assessment.objects.get(month=this)
    clerk = visitor(cast.donghu_clerk)
    clerk.go("/wuhan/")
    clerk.main.locator(".due__title", has_text="确认").first.click()
    clerk.press("确认", clerk.main)
    to = transfer_account(book(), city="wuhan", on=today_in_china(timezone.now()))
    clerk.sees(to.holder, to.bank, to.number, code_of(month))
    clerk.follow("缴款通知单", clerk.main)
    clerk.sees(to.number, code_of(month), "元")
