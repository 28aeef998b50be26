"""The pages of the stand-in: the payer's, the text messages, and what has happened."""

from html import escape

from contributions.channels.stand_in import scenarios
from contributions.channels.stand_in.provider import Response
from contributions.channels.stand_in.store import Row, Store

_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 17px/1.7 "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; max-width: 38rem; margin: 0 auto;
  padding: 1rem; color: #1b1b1b; background: #fff; overflow-wrap: anywhere }}
h1 {{ font-size: 1.3rem }} h2 {{ font-size: 1.1rem }} .sum {{ font-size: 2rem; font-variant-numeric: tabular-nums }}
.note {{ background: #f2f1ee; padding: .5rem .75rem }}
button {{ font: inherit; padding: .6rem 1rem; margin: .25rem .5rem .25rem 0; border: 1px solid #12478c; background: #fff;
  color: #12478c; cursor: pointer }}
button.main {{ background: #12478c; color: #fff }} select {{ font: inherit; width: 100%; padding: .4rem }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem }} td, th {{ text-align: left; padding: .3rem;
  border-bottom: 1px solid #ddd }} .wide {{ overflow-x: auto }}
</style></head><body><p class="note">这是代替支付机构的演示程序，不收真钱。</p><h1>{title}</h1>{body}</body></html>"""
_TITLES = {"wechat": "微信支付", "alipay": "支付宝", "card": "银行卡支付"}
_STATES = {
    "waiting": "待付款",
    "processing": "处理中",
    "paid": "已付款",
    "failed": "失败",
    "closed": "已关闭",
}


def page(title: str, body: str, status: int = 200) -> Response:
    content = _PAGE.format(title=escape(title), body=body)
    return Response(
        status, content.encode(), {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
    )


def payer(payment: Row, *, back: str, note: str = "") -> Response:
    """Where the payer says yes or no."""
    if payment["state"] != "waiting" or payment["expired"]:
        state = "已过期" if payment["expired"] else _STATES[payment["state"]]
        return page(_TITLES[payment["channel"]], f"<p>这笔支付{state}。</p>{_return(back)}")
    options = "".join(
        f'<option value="{code}">{escape(title)}</option>' for code, title in scenarios.TITLES.items()
    )
    return page(
        f"{_TITLES[payment['channel']]}收银台",
        f"""<p>{escape(payment["subject"])}</p><p class="sum">{_yuan(payment["amount_fen"])} 元</p>
<p>支付编号 {escape(payment["number"])}</p>{f'<p role="alert"><strong>{escape(note)}</strong></p>' if note else ""}
<form method="post"><input type="hidden" name="back" value="{escape(back)}">
<p><label for="scenario">付款之后</label><select id="scenario" name="scenario">{options}</select></p>
<button class="main" name="action" value="pay">确认支付</button>
<button name="action" value="cancel">取消</button><button name="action" value="poor">余额不足</button></form>""",
    )


def messages(store: Store) -> Response:
    """The text messages that were sent to phones, newest first."""
    rows = store.rows("SELECT * FROM message ORDER BY id DESC LIMIT 50")
    body = "".join(
        f"<p class='note'>{escape(row['at'][:19].replace('T', ' '))} 发往 {escape(row['phone'])}<br>{escape(row['content'])}</p>"
        for row in rows
    )
    return page("手机短信", body or "<p>还没有短信。</p>")


def overview(store: Store) -> Response:
    """What was paid lately, what the hall was told, and how to have things go wrong."""
    payments = store.rows("SELECT * FROM payment ORDER BY created_at DESC LIMIT 50")
    told = store.rows("SELECT * FROM delivery ORDER BY id DESC LIMIT 50")
    endings = "".join(
        f"<li>尾号 {ending}：{escape(scenarios.TITLES[scenario])}</li>"
        for ending, scenario in scenarios.CARD_ENDINGS.items()
    )
    return page(
        "支付机构（代）",
        f"""<p><a href="/card/messages">手机短信</a></p><h2>支付</h2><div class="wide"><table>
<tr><th>渠道</th><th>编号</th><th>金额</th><th>状态</th></tr>{
            "".join(_row(one) for one in payments)
        }</table></div>
<h2>通知</h2><div class="wide"><table><tr><th>编号</th><th>内容</th><th>结果</th></tr>{
            "".join(
                f"<tr><td>{escape(one['number'])}</td><td>{escape(one['what'])}</td><td>{escape(one['status'])}</td></tr>"
                for one in told
            )
        }</table></div><h2>银行卡尾号</h2><ul><li>尾号 01：余额不足</li>
<li>尾号 02、03、04、05：卡已冻结、户名不符、手机号不符、没有这张卡</li>{endings}</ul>""",
    )


def _row(payment: Row) -> str:
    title, number = _TITLES[payment["channel"]], escape(payment["number"])
    if payment["channel"] != "card":
        number = f'<a href="/{payment["channel"]}/pay/{payment["token"]}">{number}</a>'
    state = _STATES[payment["state"]]
    return (
        f"<tr><td>{title}</td><td>{number}</td><td>{_yuan(payment['amount_fen'])}</td><td>{state}</td></tr>"
    )


def _return(back: str) -> str:
    return (
        f'<p><a href="{escape(back)}">返回办事大厅</a></p>'
        if back.startswith(("http://", "https://"))
        else ""
    )


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"
