"""月末托收: charges arise, the bank debits, people see what came of it, staff close the batch, and
the books agree.

The worker is Celery's own, the bank is its stand-in in a process of its own; only the clock of beat
is done by hand: each task is rung for as often as it takes, which must change nothing once it is
done.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Sum
from django.utils import timezone
from playwright.sync_api import expect

from contributions.models import BatchStatus, Charge, ChargeStatus, DebitBatch, DebitLine, LineStatus
from portal.celery import app
from portal.people.models import BankAccount, Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_in_china
from tests.cast import WUCHANG, Cast, cover, person
from tests.journeys.conftest import Visitors
from tests.journeys.processes import environment, running, until

# How the stand-in goes by an account's last digits.
ENDINGS = {"李强": "00", "张敏": "01", "陈静": "02", "刘洋": "03"}
REASONS = {"张敏": "余额不足", "陈静": "账户冻结", "刘洋": "账户已销户"}


@pytest.fixture
def last() -> Month:
    """The month whose debit day has passed, whatever today is."""
    return month_in_china(timezone.now()) - 1


@pytest.fixture
def insured(cast: Cast, last: Month) -> dict[str, Person]:
    """Flexible workers of Wuhan with an account each, on different tiers."""
    people = [cast.li_qiang, cast.zhang_min, cast.chen_jing, cast.liu_yang]
    crowd = [person(f"周{number}", WUCHANG, "1990-03-04", 100 + number) for number in range(6)]
    for who in (*people, *crowd):
        cover(who, Insurance.PENSION, "wuhan", str(last), tier="300" if who == cast.li_qiang else "60")
        BankAccount.objects.create(
            person=who,
            city="wuhan",
            bank="psbc",
            number=f"62179900{who.pk:08}{ENDINGS.get(who.name, '10')}",
            holder=who.name,
            start=last,
        )
    return {who.name: who for who in people}


@pytest.fixture
def doorbell(hall: str, tmp_path: Path) -> Iterator[Any]:
    """Rings for tasks; a worker and the bank are there to hear."""
    env = environment(tmp_path)
    worker = ["celery", "-A", "portal", "worker", "--concurrency", "1", "--loglevel", "info"]
    with (
        running(*worker, "--without-gossip", "--without-mingle", env=env, log=tmp_path / "worker.log"),
        running("django", "stand_in_bank", env=env, log=tmp_path / "bank.log"),
    ):
        until(lambda: app.control.ping(timeout=1), "the worker answers", seconds=90)
        yield app


def ring(bell: Any, *tasks: str) -> None:
    for task in tasks:
        bell.send_task(f"contributions.tasks.debit.{task}", ignore_result=True)


def test_a_month_from_charge_to_closed_batch(
    visitor: Visitors, cast: Cast, insured: dict[str, Person], doorbell: Any, last: Month
) -> None:
    ring(doorbell, "charge_due", "charge_due")
    until(lambda: Charge.objects.filter(month=last).count() == 10, "everyone is charged")
    assert Charge.objects.filter(month=last, amount_fen=39304).count() == 9

    he = visitor(cast.li_qiang_login)
    he.go("/record/")
    expect(he.main.get_by_text(f"{last.zh} 待缴 1,965.18 元")).to_have_count(1)

    ring(doorbell, "open_due_batches", "open_due_batches")
    batches = DebitBatch.objects.filter(city="wuhan", month=last)
    until(batches.exists, "the batch is opened")
    batch = batches.get()
    assert (batch.status, batch.line_count, batch.total_fen) == (BatchStatus.OPENED, 10, 9 * 39304 + 196518)

    # The schedule opened it; nothing leaves before the collector has looked at it and let it go.
    ring(doorbell, "send_batches")
    zheng = visitor(cast.wuhan_collector)
    zheng.go("/admin/contributions/debitbatch/")
    zheng.sees(last.zh, "待核对放行", "5,502.54")
    zheng.follow(batch.number)
    zheng.sees("10 笔 5,502.54 元")
    zheng.press("核对并放行")
    zheng.sees("请核对笔数、金额及与上月的差异", "上月没有同一轮次的批次可比较")
    zheng.press("确认核对并放行")
    zheng.sees(f"批次 {batch.number} 已放行", "系统每分钟自动处理一次")
    batch.refresh_from_db()
    assert (batch.status, batch.released_by) == (BatchStatus.RELEASED, cast.wuhan_collector)

    # They watch it go: to the bank, which they ask for themselves, and back.
    zheng.press("生成文件")
    zheng.sees("送出后批次内容不能再改变")
    zheng.press("确认生成文件")
    expect(zheng.main.locator(".wb-head .state")).to_have_attribute("data-state", "sent", timeout=20_000)

    def posted() -> bool:
        # Every minute's work, as beat would ring for it.
        ring(doorbell, "send_batches", "read_answers", "post_answers")
        return batches.filter(status=BatchStatus.POSTED).exists()

    until(posted, "the bank has answered and the books are made", seconds=60)
    # Nobody pressed anything meanwhile: the page follows by itself.
    expect(zheng.main.locator(".wb-head .state")).to_have_attribute("data-state", "posted", timeout=20_000)
    outcome = DebitLine.objects.filter(batch=batch).values_list("status").annotate(fen=Sum("amount_fen"))
    assert dict(outcome) == {LineStatus.PAID: 6 * 39304 + 196518, LineStatus.FAILED: 3 * 39304}
    assert Charge.objects.filter(month=last, status=ChargeStatus.PAID).count() == 7
    expect(zheng.main.get_by_role("region", name="扣款结果")).to_contain_text("笔数、金额相符")
    for words, sum_of in (("扣款成功", "4,323.42"), ("扣款失败", "1,179.12")):
        zheng.sees(words, re.compile(sum_of))
    for reason in REASONS.values():
        expect(zheng.main.get_by_role("row").filter(has_text=reason)).to_contain_text("393.04")

    drawn = zheng.main.locator("canvas.chart")
    expect(drawn).to_be_visible()
    bars = "canvas => Chart.getChart(canvas).data.datasets[0].data"
    until(lambda: drawn.evaluate(bars) == [1, 1, 1], "the failures are drawn")
    expect(zheng.main.get_by_role("link", name="试算平衡表")).to_be_visible()

    # Who was debited, and who was not and why.
    he.page.reload()
    expect(he.main.get_by_text(f"{last.zh} 已缴 1,965.18 元")).to_have_count(1)
    for name, login in (
        ("张敏", cast.zhang_min_login),
        ("陈静", cast.chen_jing_login),
        ("刘洋", cast.liu_yang_login),
    ):
        she = visitor(login)
        she.go(f"/record/?year={last.year}")
        she.sees(f"{last.zh}养老保险扣款失败", REASONS[name])
        if name == "张敏":
            she.go("/wuhan/")
            she.sees("余额不足")
            she.go(f"/record/?year={last.year}")
            she.follow(f"{last.zh}养老保险 393.04 元")
            she.sees("扣款失败", "余额不足", "393.04")
            she.press_summary("为什么是这个数")
            she.sees(
                "1,965.18 元",
                "20%",
                "依据：《国务院关于完善企业职工基本养老保险制度的决定》（国发〔2005〕38号）",
                "3,275.30",
            )
        she.close()

    zheng.press("关闭批次")
    zheng.sees("关闭后批次不能再打开")
    zheng.press("确认关闭批次")
    zheng.sees(f"批次 {batch.number} 已关闭")
    batch.refresh_from_db()
    assert batch.status == BatchStatus.CLOSED
    assert batch.events.latest("pk").by == cast.wuhan_collector

    call_command("audit_ledger")
