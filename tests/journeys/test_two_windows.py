"""Two windows of one clerk, what is kept by itself, and a session that ends under what is typed."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Page, expect

from portal.hall.models import Case, Draft
from portal.shared.months import month_in_china, today_in_china
from tests.cast import PASSWORD, Cast
from tests.journeys.conftest import Visitors
from tests.journeys.visitor import Visitor

BING = ("330211199403150028", "丙小丙", "7100")
DING = ("330211199508220010", "丁小丁", "8200")
SAVED = re.compile(r"已自动保存 [0-9]{2}:[0-9]{2}")


class Window(Visitor):
    """One more window of a browser."""

    def __init__(self, page: Page) -> None:
        self.page, self.faults = page, []
        self._listen(page)


def begin(window: Visitor, number: str, name: str, wage: str) -> None:
    """Opens the form and types who it is about."""
    this = month_in_china(timezone.now())
    window.go("/ningbo/services/employer-add-staff/")
    window.follow("我已阅读，开始申报")
    window.fill(
        社会保障号=number, 姓名=name, 月申报工资=wage, 用工起始日期=str(today_in_china(timezone.now()))
    )
    for insurance in ("养老保险", "失业保险", "工伤保险"):
        window.choose(insurance, this.zh)


def test_each_window_sends_the_person_that_it_shows(visitor: Visitors, cast: Cast) -> None:
    a = visitor()
    a.come_in_as_clerk(cast.yongjiang_clerk)
    begin(a, *BING)
    a.press("下一步", a.main)
    a.is_at("核对并提交申报")
    b = Window(a.page.context.new_page())
    begin(b, *DING)
    b.press("下一步", b.main)
    b.is_at("核对并提交申报")
    b.sees("丁小丁")
    a.page.bring_to_front()
    a.sees("丙小丙")
    a.press("提交申报", a.main)
    a.is_at("收件回执单")
    a.sees("丙小丙")
    a.sees_not("丁小丁")
    b.page.bring_to_front()
    b.press("提交申报", b.main)
    b.is_at("收件回执单")
    b.sees("丁小丁")
    assert {case.answers["name"] for case in Case.objects.all()} == {"丙小丙", "丁小丁"}
    assert not b.faults


def test_what_is_typed_is_kept_and_outlives_the_session(visitor: Visitors, cast: Cast) -> None:
    clerk = cast.yongjiang_clerk
    zhou = visitor()
    zhou.come_in_as_clerk(clerk)
    begin(zhou, *BING)
    expect(zhou.page.get_by_text(SAVED)).to_be_visible()
    assert Draft.objects.get().subject == BING[0]

    # The session ends elsewhere; what is typed after that is sent all the same, and is there after
    # the login.
    Session.objects.all().delete()
    cache.clear()
    zhou.fill(月申报工资="7999")
    expect(zhou.page.get_by_text("登录已超时，没有自动保存")).to_be_visible()
    zhou.press("下一步", zhou.main)
    zhou.is_at("单位登录")
    zhou.sees("登录已超时，已为您保留填写的内容")
    zhou.fill(统一社会信用代码=cast.yongjiang.credit_code, 经办人=clerk.name, 密码=PASSWORD)
    zhou.press("登录", zhou.main)
    zhou.is_at("继续办理")
    zhou.press("继续", zhou.main, exact=True)
    zhou.is_at("核对并提交申报")
    zhou.sees("7,999.00 元")


@pytest.mark.parametrize("alive", [True, False])
def test_the_dialog_says_what_was_kept(visitor: Visitors, cast: Cast, alive: bool) -> None:
    zhou = visitor()
    zhou.come_in_as_clerk(cast.yongjiang_clerk)
    begin(zhou, *BING)
    expect(zhou.page.get_by_text(SAVED)).to_be_visible()
    zhou.page.clock.install()
    zhou.page.reload()
    if not alive:
        zhou.fill(月申报工资="7999")
        Session.objects.all().delete()
        cache.clear()
    # The laptop was asleep.
    zhou.page.clock.fast_forward("45:00")
    dialog = zhou.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("登录已超时")
    if alive:
        expect(dialog.get_by_text("还没有保存")).to_be_hidden()
        return
    expect(dialog.get_by_text("还没有保存")).to_be_visible()
    dialog.get_by_role("link", name="重新登录").click()
    zhou.is_at("单位登录")
    zhou.sees("已为您保留填写的内容")
