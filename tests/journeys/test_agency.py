"""经办机构: a reviewer works through the queue; what is decided there reaches the employer and the
register."""

import datetime as dt

from django.utils import timezone
from playwright.sync_api import expect

from enrollment.models import Coverage
from portal.accounts.models import User
from portal.accounts.roles import REVIEWER
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.months import month_in_china, today_in_china
from tests.cast import Cast, staff
from tests.filing import file
from tests.journeys.conftest import Visitors


def filed(clerk: User, who: Person, *, days_ago: int = 0) -> Case:
    """An application for this colleague that was handed in so many days ago."""
    at = timezone.now() - dt.timedelta(days=days_ago)
    this = month_in_china(at)
    typed = {
        "identity_number": who.identity_number,
        "name": who.name,
        "hired_on": str(today_in_china(at) - dt.timedelta(days=2)),
        "wage": "6800",
        "start_pension": str(this - 1),
        "start_unemployment": str(this),
        "start_work_injury": str(this),
    }
    return file(clerk, "ningbo", "employer-add-staff", typed, at)


def test_the_queue_is_worked_through(visitor: Visitors, cast: Cast) -> None:
    clerk = cast.yongjiang_clerk
    later = filed(clerk, cast.wang_fang)
    first = filed(clerk, cast.chen_jing, days_ago=20)
    other = filed(cast.zhaobao_clerk, cast.li_qiang, days_ago=7)

    ma = visitor()
    ma.come_in_as_staff(cast.ningbo_reviewer)
    ma.sees("最先到期的办件", "已超期")
    ma.go("/admin/hall/case/")
    rows = ma.main.locator("tbody tr")
    numbers = [
        one for one in ma.main.inner_text().split() if one in {later.number, first.number, other.number}
    ]
    assert numbers == [first.number, other.number, later.number]
    expect(rows.first).to_contain_text(cast.chen_jing.name)
    expect(rows.first).to_contain_text("已超期")

    ma.follow(first.number)
    ma.sees("现在的情况", "符合办理条件", "办件经过", "没有网上提交的材料")
    ma.sees_not(cast.chen_jing.identity_number)

    # A refusal needs its reason, and is asked about once more.
    why = "劳动合同与申报的用工起始日期不一致，请核对后重新申报。"
    ma.press("不予通过")
    ma.sees("请写明")
    assert Case.objects.get(pk=first.pk).status == Status.IN_REVIEW
    reason = ma.field("理由")
    reason.fill(why)
    ma.press("不予通过")
    ma.sees("确认不予通过这份办件？", why)
    ma.press("返回修改")
    expect(ma.field("理由")).to_have_value(why)
    ma.press("不予通过")
    ma.press("确认不予通过")

    # The next one stands open at once.
    ma.sees(f"{first.number} {first.offer.title}：不予通过", other.number)
    first.refresh_from_db()
    assert (first.status, first.reason, first.decided_by) == (Status.REFUSED, why, cast.ningbo_reviewer)

    ma.go(f"/admin/hall/case/{later.pk}/change/")
    ma.press("通过", exact=True)
    ma.sees(f"{later.number} {later.offer.title}：已办结")
    later.refresh_from_db()
    assert (later.status, later.decided_by) == (Status.DONE, cast.ningbo_reviewer)
    this = month_in_china(timezone.now())
    opened = Coverage.objects.filter(person=cast.wang_fang, employer=cast.yongjiang, until=None)
    assert dict(opened.values_list("insurance", "start")) == {
        Insurance.PENSION: this - 1,
        Insurance.UNEMPLOYMENT: this,
        Insurance.WORK_INJURY: this,
    }

    # The employer sees both results.
    zhou = visitor(clerk)
    zhou.go(f"/cases/{first.number}/")
    zhou.sees("不予通过的理由", why)
    zhou.sees_not(cast.ningbo_reviewer.name)
    zhou.go(f"/cases/{later.number}/")
    zhou.sees("已办结", f"{(this - 1).zh}起参保")


def test_another_citys_reviewer_finds_nothing(visitor: Visitors, cast: Cast) -> None:
    case = filed(cast.yongjiang_clerk, cast.wang_fang)
    hu = visitor(cast.wuhan_reviewer)
    assert hu.go(f"/admin/hall/case/{case.pk}/change/") == 404
    assert hu.go(f"/cases/{case.number}/") == 404
    assert hu.go("/admin/hall/case/") == 200
    hu.sees_not(case.number)


def test_whom_it_is_about_cannot_approve_it(visitor: Visitors, cast: Cast) -> None:
    case = filed(cast.yongjiang_clerk, cast.wang_fang)
    her_other_job = staff("ningbo-9", "王芳", "ningbo", REVIEWER, of=cast.wang_fang)
    wang = visitor(her_other_job)
    wang.go(f"/admin/hall/case/{case.pk}/change/")
    wang.sees("您是这份办件的办理对象")
    expect(wang.page.get_by_role("button", name="通过", exact=True)).to_have_count(0)
    # Nor by sending the form that another reviewer sees.
    token = wang.page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    wang.page.request.post(
        wang.page.url,
        form={"approve": "1", "csrfmiddlewaretoken": token},
        headers={"Referer": wang.page.url},
    )
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW
    assert not Coverage.objects.exists()
