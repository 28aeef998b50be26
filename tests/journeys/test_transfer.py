"""关系转移: one person and two agencies, from the application to the merged record; and one that is
returned and given up."""

from contributions.charges import brought_in
from tests.cast import Cast
from tests.journeys.conftest import PHONE, Visitors
from tests.transfers.mover import PENSION, clerk_of, moved_to, offences, paid, second_clerk_of
from transfers.machine import Status
from transfers.models import Transfer

QUEUE = "/admin/transfers/transfer/"


def test_a_relation_moves_from_wuhan_to_shenzhen(visitor: Visitors, cast: Cast, seals: None) -> None:
    paid(cast.li_qiang, "wuhan", "2026-01", "2026-09")
    moved_to(cast.li_qiang, "shenzhen")

    he = visitor(cast.li_qiang_login)
    he.go("/wuhan/services/pension-out/")
    he.follow("我已阅读，开始申报")
    he.choose("转到哪里", "深圳")
    he.press("下一步")
    # What moves, why, and what the record will be: before anything is filed.
    he.sees("8 个月（2026年1月至2026年8月）", "转移前后的缴费记录", "将来在哪里领取养老金")
    he.press_summary("为什么是这个数")
    he.sees("15,721.44 元", "15,721.44 × 12%，四舍五入到分")
    assert not Transfer.objects.exists()
    he.press("提交申报")
    he.is_at("收件回执单")
    transfer = Transfer.objects.get()
    tracker = f"/transfers/{transfer.number}/"
    he.go(tracker)
    he.sees("已申请", "由深圳市社会保险基金管理局办理", "您现在不需要办理什么")

    shen, qin = visitor(clerk_of("shenzhen")), visitor(clerk_of("wuhan"))
    qin.go(QUEUE)
    qin.sees_not(transfer.number)
    shen.go(QUEUE)
    shen.sees(transfer.number, "还剩")
    shen.follow(transfer.number)
    shen.press("受理", exact=True)
    shen.sees("已受理")
    shen.press("发出联系函")
    shen.sees("由武汉市社会保险基金结算中心办理")

    qin.go(QUEUE)
    qin.follow(transfer.number)
    qin.sees("转出后不能撤销")
    qin.press("转出关系和资金…")
    qin.sees("将转出 8 个月", "其中转出前结息")
    qin.press("提出转出")
    qin.sees("转出由您提出，须由另一名工作人员复核")
    second = visitor(second_clerk_of("wuhan"))
    second.go(f"{QUEUE}{transfer.pk}/change/")
    second.sees("提出转出 8 个月")
    second.press("同意转出")
    second.sees("这一步由深圳市社会保险基金管理局办理")

    he.go(tracker)
    he.sees("已转出", "转出 8 个月")
    he.sees_not("撤销转移")
    shen.go(f"{QUEUE}{transfer.pk}/change/")
    shen.press("确认资金到账")
    shen.press("合并缴费记录")
    shen.sees("没有需要办理的")

    with visitor(cast.li_qiang_login, size=PHONE) as phone:
        phone.go("/transfers/")
        phone.sees("武汉到深圳", "已合并")
        phone.follow(transfer.number)
        phone.sees("计入 8 个月", "关系转移接续信息表")
        phone.follow("关系转移接续信息表")
        phone.sees("各年缴费工资", "15,721.44")
    transfer.refresh_from_db()
    assert transfer.status == Status.MERGED
    assert len(brought_in.counted_months(cast.li_qiang, insurance=PENSION, city="shenzhen")) == 8
    assert offences() == []


def test_what_is_returned_is_put_right_or_given_up(visitor: Visitors, cast: Cast) -> None:
    paid(cast.li_qiang, "wuhan", "2026-01", "2026-03")
    moved_to(cast.li_qiang, "shenzhen")
    he, shen = visitor(cast.li_qiang_login, size=PHONE), visitor(clerk_of("shenzhen"))
    he.go("/wuhan/services/pension-out/")
    he.follow("我已阅读，开始申报")
    he.press("下一步")
    he.error_beside("转到哪里", "请选择转到哪里")
    he.choose("转到哪里", "深圳")
    he.press("下一步")
    he.press("提交申报")
    transfer = Transfer.objects.get()

    shen.go(f"{QUEUE}{transfer.pk}/change/")
    shen.press("退回", exact=True)
    shen.sees("请写明退回的原因")
    shen.field("退回的原因").fill("参保登记的姓名与身份证不一致，请先更正。")
    shen.press("退回", exact=True)
    shen.sees("已退回本人")

    he.go(f"/transfers/{transfer.number}/")
    he.sees("被退回，请您处理", "参保登记的姓名与身份证不一致，请先更正。")
    he.press("已处理，重新提交")
    he.sees("已重新提交", within=he.page.locator("body"))
    he.sees("已申请")
    he.follow("撤销转移")
    he.is_at("是否撤销这次转移？")
    he.follow("不撤销，返回")
    he.follow("撤销转移")
    he.press("确定撤销")
    he.sees("已撤销。关系仍在武汉。", within=he.page.locator("body"))
    shen.go(QUEUE)
    shen.sees_not(transfer.number)
    assert offences() == []
