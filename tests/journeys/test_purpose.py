"""A proof for one purpose on a phone, from choosing to taking it back; and an employer's proofs of
all staff."""

import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import expect

from certificates import tasks
from certificates.models import Certificate, StaffBatch
from portal.shared.months import Month
from tests.cast import Cast
from tests.journeys.conftest import PHONE, Visitors
from tests.journeys.test_proof import history  # noqa: F401  # fixtures

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seals", "history")]


def test_a_person_reveals_only_a_minimum_and_takes_it_back(
    visitor: Visitors,
    cast: Cast,
    this: Month,
) -> None:
    she = visitor(cast.wang_fang_login, size=PHONE)
    she.go("/ningbo/services/person-proof/apply/")
    she.choose("打印月数", "最近 12 个月")
    for insurance in ("工伤保险", "失业保险"):
        she.group("险种").get_by_label(insurance).uncheck(force=True)
    she.choose("证明显示什么", "只证明这些月份里至少缴满几个月，不显示明细")
    she.fill(至少缴满的月数="12", 出具给="宁波银行", 验证码="0000")
    she.choose("有效期", "30 天")
    she.read_captcha()
    she.press("下一步")
    she.error_beside("至少缴满的月数", "不足 12 个月")
    expect(she.field("出具给")).to_have_value("宁波银行")
    she.fill(至少缴满的月数="3")
    she.read_captcha()
    she.press("下一步")
    she.sees("已缴费不少于 3 个月", "宁波银行", "不含实际缴费月数")
    she.press("开具证明")
    she.sees("证明已出具", "还没有人核验过")
    assert cast.yongjiang.name not in str(Certificate.objects.get().facts)
    she.follow("撤销这份证明")
    she.sees("确认撤销这份证明", "不能恢复")
    she.press("确定撤销")
    she.sees("这份证明已被撤销", "持有人已于")


def _ring() -> None:
    try:
        tasks.make_staff_proofs()
    finally:
        connection.close()


def test_an_employer_has_proofs_of_all_staff_made(visitor: Visitors, cast: Cast, tmp_path: Path) -> None:
    zhou = visitor(cast.yongjiang_clerk, size=PHONE)
    zhou.go("/ningbo/services/staff-proofs/apply/")
    zhou.choose("为哪些职工开具", "只为下面列出的职工")
    zhou.fill(职工的身份证号码="12345")
    zhou.press("下一步")
    zhou.error_beside("职工的身份证号码", "第 1 行")
    zhou.choose("为哪些职工开具", "所选月份里在本单位参保的全部职工")
    zhou.press("下一步")
    zhou.sees("开具人数", "只显示各月是否已缴")
    zhou.press("批量开具证明")
    zhou.sees("正在后台开具", "已处理 0%")
    # As a worker does it, in a thread of its own: this one runs the browser's event loop.
    with ThreadPoolExecutor(1) as worker:
        worker.submit(_ring).result(120)
    # The page looks again by itself.
    expect(zhou.main.get_by_text("已全部开具")).to_be_visible(timeout=20_000)
    with zhou.page.expect_download() as started:
        zhou.follow("下载压缩包")
    started.value.save_as(tmp_path / "proofs.zip")
    batch = StaffBatch.objects.get()
    with zipfile.ZipFile(tmp_path / "proofs.zip") as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.endswith(".pdf")]) == batch.total
    zhou.go("/proofs/")
    zhou.sees(batch.case.number, "可以下载")
