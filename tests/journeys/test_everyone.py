"""For everyone: by keyboard alone, on a phone, in larger type, interrupted in the middle."""

import datetime as dt

from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Locator, expect

from enrollment.models import Coverage
from portal.hall.models import Case, Draft
from portal.hall.routing import Status
from portal.shared.insurance import Insurance
from portal.shared.months import month_in_china, today_in_china
from tests.cast import PASSWORD, ZHENHAI, Cast, cover
from tests.journeys.conftest import PHONE, Visitors
from tests.journeys.visitor import Visitor

FOCUSED = "element => element === document.activeElement"
# Whether it can be seen where the focus is: an outline, a border or a shadow of its own.
MARKED = """element => {
    const styles = [getComputedStyle(element), ...[...(element.labels ?? [])].map((label) => getComputedStyle(label))];
    return styles.some((style) => style.outlineStyle !== "none" || style.boxShadow !== "none");
}"""


def tab_to(visitor: Visitor, wanted: Locator, *, at_most: int = 60) -> None:
    """Presses Tab until the focus is there; it must be seen to be there."""
    for _press in range(at_most):
        visitor.page.keyboard.press("Tab")
        if wanted.evaluate(FOCUSED):
            assert wanted.evaluate(MARKED), f"the focus on {wanted} cannot be seen"
            return
    raise AssertionError(f"{wanted} was not reached by {at_most} tabs")


def test_by_keyboard_alone(visitor: Visitors, cast: Cast) -> None:
    login, wang = cast.wang_fang_login, cast.wang_fang
    she = visitor()
    page, keys = she.page, she.page.keyboard
    she.go("/ningbo/")
    keys.press("Tab")
    skip = page.get_by_role("link", name="跳到主要内容")
    expect(skip).to_be_focused()
    keys.press("Enter")
    tab_to(she, she.main.get_by_label("要办什么事"), at_most=1)
    keys.type("灵活就业参保")
    keys.press("Enter")
    tab_to(she, she.main.get_by_role("link", name="灵活就业人员参保登记").first)
    keys.press("Enter")
    tab_to(she, page.get_by_role("link", name="个人登录后办理"))
    keys.press("Enter")

    tab_to(she, she.field("身份证件号码"))
    keys.type(wang.identity_number)
    tab_to(she, she.field("密码"), at_most=1)
    keys.type(PASSWORD)
    keys.press("Enter")
    she.knows(login)

    # Sent with nothing chosen: the summary gets the focus, and its link leads to the field.
    she.is_at("灵活就业人员参保登记")
    tab_to(she, page.get_by_role("button", name="下一步"))
    keys.press("Enter")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("请至少选择一个险种的缴费档次")
    page.reload()
    first = she.option("养老保险", "60%档")
    expect(she.group("养老保险").locator("input:checked")).to_have_count(0)
    tab_to(she, first)
    while not she.option("养老保险", "80%档").is_checked():
        keys.press("ArrowDown")
    tab_to(she, page.get_by_role("button", name="下一步"))
    keys.press("Space")
    she.is_at("核对并提交申报")
    tab_to(she, page.get_by_role("button", name="提交申报"))
    keys.press("Space")
    she.is_at("收件回执单")
    case = Case.objects.get()
    assert (case.status, case.answers["tier_pension"]) == (Status.DONE, "80")
    assert Coverage.objects.get().district == ZHENHAI

    # A menu opens and closes by keyboard, and lets one out.
    account = page.get_by_role("banner").locator("details.drop--account summary")
    account.focus()
    keys.press("Enter")
    leave = page.get_by_role("button", name="退出登录")
    expect(leave).to_be_visible()
    keys.press("Escape")
    expect(leave).not_to_be_visible()
    expect(account).to_be_focused()
    keys.press("Enter")
    tab_to(she, leave)
    keys.press("Enter")
    she.sees("您已退出登录", within=page.locator("body"))


def test_on_a_phone(visitor: Visitors, cast: Cast) -> None:
    """An employer's journey on 360 × 740: no page is wider than the screen (a fault that the
    visitor notes itself)."""
    li, this = cast.li_qiang, month_in_china(timezone.now())
    cover(li, Insurance.PENSION, "ningbo", str(this - 3), at=cast.yongjiang, wage_fen=600_000)
    zhou = visitor(size=PHONE, has_touch=True, is_mobile=True)
    zhou.go("/ningbo/")
    zhou.press("菜单")
    zhou.follow("全部事项", zhou.page.get_by_role("navigation", name="主导航"))
    zhou.follow("社会保险职工参保登记")
    zhou.follow("单位登录后办理")
    clerk = cast.yongjiang_clerk
    zhou.press("登录", zhou.main)
    zhou.error_beside("密码", "请填写")
    zhou.fill(统一社会信用代码=cast.yongjiang.credit_code, 经办人=clerk.phone, 密码=PASSWORD)
    zhou.press("登录", zhou.main)
    zhou.is_at("社会保险职工参保登记")
    zhou.fill(社会保障号=cast.wang_fang.identity_number)
    zhou.press("搜索", zhou.main)
    zhou.sees("这个号码已有登记（王*）")
    zhou.fill(姓名=cast.wang_fang.name)
    zhou.press("下一步")
    zhou.error_beside("月申报工资", "请填写")
    zhou.fill(用工起始日期=str(today_in_china(timezone.now()) - dt.timedelta(days=1)), 月申报工资="7000")
    zhou.press("下一步")
    zhou.is_at("核对并提交申报")
    zhou.press("提交申报")
    zhou.is_at("收件回执单")
    case = Case.objects.get()
    for address in (
        "/cases/",
        f"/cases/{case.number}/",
        f"/cases/{case.number}/withdraw/",
        "/employer/charges/",
    ):
        assert zhou.go(address) == 200
    for address in (
        "/account/",
        "/account/phone/",
        "/help/",
        "/accessibility/",
        "/verify/",
        "/nothing-there/",
    ):
        zhou.go(address)
    he = visitor(cast.li_qiang_login, size=PHONE, has_touch=True, is_mobile=True)
    for address in ("/record/", "/wuhan/services/flexible-enroll/apply/", "/shenzhen/services/", "/proofs/"):
        assert he.go(address) == 200


def test_larger_type(visitor: Visitors) -> None:
    someone = visitor()
    someone.go("/ningbo/")
    search = someone.main.get_by_label("要办什么事")
    search.fill("养老")
    size = "document.documentElement.scrollWidth && parseFloat(getComputedStyle(document.body).fontSize)"
    before = someone.page.evaluate(size)
    someone.follow("长辈版")
    assert someone.page.evaluate(size) >= before * 1.15
    expect(search).to_have_value("养老")
    # It stays, on other pages and without scripts.
    someone.go("/help/")
    assert someone.page.evaluate(size) >= before * 1.15
    someone.follow("退出长辈版")
    assert someone.page.evaluate(size) == before


def type_on(visitor: Visitor) -> None:
    """Lets the clock run until the page has kept what was typed.

    An answer that has only arrived is not enough: the page reads it a moment later, and a clock
    set forward in between would prolong the session from that later time.
    """
    form = visitor.page.locator("form[data-autosave]")
    before = form.get_attribute("data-seen") or ""
    visitor.page.clock.run_for("00:04")
    expect(form).not_to_have_attribute("data-seen", before)


def test_a_session_warns_before_it_ends(visitor: Visitors, cast: Cast) -> None:
    she = visitor(cast.wang_fang_login)
    she.page.clock.install()
    she.go("/ningbo/services/flexible-enroll/apply/")
    she.fill(手机号码="13611112222")
    type_on(she)
    expect(she.page.get_by_text("已自动保存")).to_be_visible()
    warning = she.page.get_by_role("dialog", name="登录即将超时")
    she.page.clock.fast_forward("27:50")
    expect(warning).to_have_count(0)
    she.page.clock.fast_forward("00:20")
    expect(warning).to_be_visible()
    expect(warning).to_contain_text("秒 后将自动退出登录")
    she.press("继续办理", warning)
    expect(warning).not_to_be_visible()
    expect(she.field("手机号码")).to_have_value("13611112222")
    she.knows(cast.wang_fang_login)

    # Nobody answers: what was typed waits behind the door.
    she.choose("养老保险", "200%档")
    type_on(she)
    she.page.clock.fast_forward("28:10")
    expect(warning).to_be_visible()
    with she.page.expect_response("**/logout/"):
        she.page.clock.run_for("02:10")
    again = she.page.get_by_role("link", name="重新登录")
    expect(again).to_be_focused()
    she.sees("本页填写的内容已保存为草稿", within=she.page.get_by_role("dialog"))
    again.click()
    she.is_at("个人登录")
    she.fill(身份证件号码=cast.wang_fang.phone, 密码=PASSWORD)
    she.press("登录", she.main)
    she.is_at("灵活就业人员参保登记")
    expect(she.field("手机号码")).to_have_value("13611112222")
    expect(she.option("养老保险", "200%档")).to_be_checked()
    assert not Case.objects.exists()


def test_logged_out_in_the_middle(visitor: Visitors, cast: Cast) -> None:
    wang = cast.wang_fang
    zhou = visitor(cast.yongjiang_clerk)
    zhou.go("/ningbo/services/employer-add-staff/apply/")
    zhou.fill(社会保障号=wang.identity_number, 月申报工资="5900")
    zhou.press("保存草稿")
    zhou.sees("草稿已保存", within=zhou.page.locator("body"))
    assert Draft.objects.get().user == cast.yongjiang_clerk

    # The server has forgotten the session; the next press leads to the employer's door, and goes on
    # after it.
    Session.objects.all().delete()
    cache.clear()
    zhou.press("下一步")
    zhou.is_at("单位登录")
    zhou.fill(统一社会信用代码=cast.yongjiang.credit_code, 经办人=cast.yongjiang_clerk.name, 密码=PASSWORD)
    zhou.press("登录", zhou.main)
    zhou.is_at("继续办理")
    zhou.press("继续", zhou.main, exact=True)
    zhou.is_at("社会保险职工参保登记")
    expect(zhou.field("社会保障号")).to_have_value(wang.identity_number)
    expect(zhou.field("月申报工资")).to_have_value("5900")

    # It is this login's draft, and on its home page; nobody else's.
    zhou.go("/")
    zhou.sees("继续填写：社会保险职工参保登记")
    wu = visitor(cast.yongjiang_second_clerk)
    wu.go("/ningbo/services/employer-add-staff/apply/")
    expect(wu.field("社会保障号")).to_have_value("")
