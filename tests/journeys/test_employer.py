"""单位经办人: a clerk insures a colleague and ends another's insurance, online."""

import datetime as dt
import re

from django.utils import timezone
from playwright.sync_api import expect

from enrollment.models import Coverage
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.shared.insurance import Insurance
from portal.shared.months import Month, today_in_china
from tests.cast import PASSWORD, Cast, cover
from tests.journeys.conftest import Visitors

ALL_THREE = (Insurance.PENSION, Insurance.UNEMPLOYMENT, Insurance.WORK_INJURY)


def days_ago(number: int) -> str:
    return str(today_in_china(timezone.now()) - dt.timedelta(days=number))


def test_mistakes_at_the_door_keep_what_was_typed(visitor: Visitors, cast: Cast) -> None:
    clerk, employer = cast.yongjiang_clerk, cast.yongjiang
    zhou = visitor()
    zhou.go("/")
    zhou.follow("单位登录")
    zhou.is_at("单位登录")

    expect(zhou.page.locator("input[name=captcha_1]")).to_have_count(0)
    zhou.fill(统一社会信用代码=employer.credit_code, 经办人=clerk.name, 密码=f"not-{PASSWORD}")
    zhou.press("登录", zhou.main)
    zhou.sees("单位代码、经办人或密码不正确")
    expect(zhou.field("统一社会信用代码")).to_have_value(employer.credit_code)
    expect(zhou.field("经办人")).to_have_value(clerk.name)

    zhou.fill(密码=PASSWORD, 验证码="0000")
    zhou.press("登录", zhou.main)
    zhou.error_beside("验证码", "验证码不正确")
    expect(zhou.field("统一社会信用代码")).to_have_value(employer.credit_code)
    expect(zhou.field("经办人")).to_have_value(clerk.name)
    expect(zhou.field("密码")).to_have_value("")

    # Whoever sees no pictures is asked in words, and what they typed stays.
    zhou.fill(密码=PASSWORD)
    zhou.press("换成文字题")
    zhou.sees(re.compile("等于几？"))
    expect(zhou.field("密码")).to_have_value(PASSWORD)
    zhou.read_captcha()
    zhou.press("登录", zhou.main)
    zhou.knows(clerk)


def test_a_new_colleague_is_registered_withdrawn_and_registered_again(
    visitor: Visitors, cast: Cast, this: Month
) -> None:
    clerk, wang = cast.yongjiang_clerk, cast.wang_fang
    zhou = visitor()
    zhou.come_in_as_clerk(clerk)

    zhou.main.get_by_label("要办什么事").fill("职工参保登记")
    zhou.press("搜索", zhou.main)
    zhou.follow("社会保险职工参保登记", zhou.main)
    zhou.is_at("社会保险职工参保登记")
    zhou.sees("办理前请阅读", "提交后由社保经办机构审核")
    zhou.follow("我已阅读，开始申报")

    zhou.fill(社会保障号=wang.identity_number)
    zhou.press("搜索", zhou.main)
    # Nobody is told a stranger's name for a number: the clerk states it, from the card.
    zhou.sees("这个号码已有登记（王*）")
    zhou.sees_not(wang.name)
    zhou.fill(姓名=wang.name)

    expect(zhou.option("养老保险", (this - 1).zh)).to_be_enabled()
    expect(zhou.option("工伤保险", (this - 1).zh)).to_be_disabled()
    zhou.choose("养老保险", (this - 1).zh)
    zhou.choose("失业保险", this.zh)
    zhou.choose("工伤保险", this.zh)

    zhou.press("下一步")
    zhou.error_beside("用工起始日期", "请填写")
    zhou.fill(用工起始日期=days_ago(3), 月申报工资="6200", 手机号码="13700000024")
    zhou.press("下一步")

    zhou.is_at("核对并提交申报")
    zhou.sees("新增", wang.name, "6,200.00 元", f"{(this - 1).zh}起参保", f"{this.zh}起参保")
    # What was just typed is to be checked digit by digit; the receipt masks it.
    zhou.sees(wang.identity_number, "13700000024")
    other_window = zhou.page.context.new_page()
    other_window.goto(zhou.page.url)
    zhou.page.get_by_role("button", name="提交申报").dblclick()

    zhou.is_at("收件回执单")
    case = Case.objects.get()
    zhou.sees(case.number, "承诺办结日期", "审核")
    zhou.sees_not(wang.identity_number)
    assert (case.status, case.subject, case.applicant_employer) == (Status.IN_REVIEW, wang, cast.yongjiang)
    assert case.answers["start_pension"] == str(this - 1)
    assert case.answers["start_work_injury"] == str(this)

    # The same page, left open in another window, leads to the same case.
    other_window.get_by_role("button", name="提交申报").click()
    expect(other_window.get_by_role("heading", level=1)).to_contain_text("收件回执单")
    expect(other_window.get_by_text(case.number).first).to_be_visible()
    other_window.close()
    assert Case.objects.count() == 1

    for words, heading in (
        ("本单位应缴", "查看本单位应缴"),
        ("参保证明", "参保证明"),
        ("办件进度", "单位业务申报进度查询"),
    ):
        zhou.follow(words, zhou.page.get_by_role("navigation", name="主导航"), exact=True)
        zhou.is_at(heading)
    zhou.is_at("单位业务申报进度查询")
    row = zhou.main.get_by_role("row").filter(has_text=case.number)
    expect(row).to_contain_text("审核中")
    expect(row).to_contain_text(wang.name)
    zhou.follow(case.number, row)

    zhou.follow("撤回申报")
    zhou.is_at("是否作废该办件？")
    zhou.follow("不作废，返回")
    zhou.follow("撤回申报")
    zhou.press("确定作废")
    zhou.sees("已撤回作废")
    case.refresh_from_db()
    assert case.status == Status.VOIDED
    assert [event.to_status for event in case.events.order_by("pk")][-1] == Status.VOIDED

    zhou.press("重新申报")
    expect(zhou.field("社会保障号")).to_have_value(wang.identity_number)
    expect(zhou.field("月申报工资")).to_have_value("6200.00")
    expect(zhou.option("养老保险", (this - 1).zh)).to_be_checked()
    zhou.press("下一步")
    zhou.press("提交申报")
    zhou.is_at("收件回执单")
    assert sorted(Case.objects.values_list("status", flat=True)) == sorted([Status.VOIDED, Status.IN_REVIEW])
    assert not Coverage.objects.exists()


def test_a_colleague_who_leaves_is_stopped(visitor: Visitors, cast: Cast, this: Month) -> None:
    clerk, li = cast.yongjiang_clerk, cast.li_qiang
    for insurance in ALL_THREE:
        cover(li, insurance, "ningbo", str(this - 8), at=cast.yongjiang, wage_fen=650_000)
    zhou = visitor()
    zhou.come_in_as_clerk(clerk, by_phone=True)
    zhou.main.get_by_label("要办什么事").fill("zhigongzanting")
    zhou.press("搜索", zhou.main)
    zhou.follow("社会保险职工暂停参保", zhou.main)
    zhou.follow("我已阅读，开始申报")

    zhou.fill(社会保障号=li.identity_number)
    zhou.press("搜索", zhou.main)
    expect(zhou.field("姓名")).to_have_value(li.name)
    zhou.field("停保原因").select_option(label="职工辞职")
    pension = zhou.group("养老保险")
    expect(pension).to_contain_text(f"缴费到{(this - 2).zh}为止")
    expect(pension).to_contain_text(f"缴费到{(this - 1).zh}为止")
    zhou.choose("养老保险", (this - 1).zh)
    zhou.choose("失业保险", this.zh)
    zhou.choose("工伤保险", this.zh)
    zhou.press("下一步")
    zhou.sees("职工辞职", li.name)
    zhou.press("提交申报")
    zhou.is_at("收件回执单")

    case = Case.objects.get()
    assert (case.service, case.status) == ("employer-stop-staff", Status.IN_REVIEW)
    assert case.answers["stop_pension"] == str(this - 1)
    # Nothing ends before the agency has said so.
    assert Coverage.objects.filter(person=li, until=None).count() == len(ALL_THREE)


def test_who_still_pays_as_flexible_worker_is_not_taken(visitor: Visitors, cast: Cast, this: Month) -> None:
    wang = cast.wang_fang
    cover(wang, Insurance.PENSION, "ningbo", str(this - 5), tier="60")
    zhou = visitor(cast.yongjiang_clerk)
    zhou.go("/ningbo/services/employer-add-staff/apply/")
    zhou.fill(社会保障号=wang.identity_number, 姓名=wang.name, 用工起始日期=days_ago(1), 月申报工资="6200")
    zhou.press("搜索", zhou.main)
    zhou.press("下一步")
    zhou.error_beside("社会保障号", "仍以灵活就业人员身份在宁波缴费")
    zhou.error_beside("社会保障号", "请先由本人办理“灵活就业人员社保中断”")
    expect(zhou.field("月申报工资")).to_have_value("6200")
    assert not Case.objects.exists()
