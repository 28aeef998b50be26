"""证明: a proof is asked for, saved, looked at as a picture, verified by a stranger, and revoked by
the agency."""

import io
import re
import subprocess
from pathlib import Path

import pytest
import zxingcpp
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect

from certificates.models import Certificate, Status
from contributions.books import receiving
from contributions.charges import charging
from contributions.models import Charge
from portal.accounts.models import User
from portal.accounts.roles import CERTIFIER
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_span
from tests.cast import Cast, cover, staff
from tests.journeys.conftest import Visitors
from tests.journeys.visitor import Visitor

pytestmark = pytest.mark.usefixtures("seals")


@pytest.fixture
def history(cast: Cast, this: Month) -> None:
    """王芳 works at 甬江 for half a year; all months but this one are paid."""
    for insurance in (Insurance.PENSION, Insurance.UNEMPLOYMENT, Insurance.WORK_INJURY):
        cover(cast.wang_fang, insurance, "ningbo", str(this - 6), at=cast.yongjiang, wage_fen=700_000)
    system = User.objects.system()
    for month in month_span(this - 6, this + 1):
        charging.charge(city="ningbo", month=month, by=system, now=timezone.now())
    for month in month_span(this - 6, this):
        receiving.receive(
            Charge.objects.filter(month=month),
            channel="bank-transfer",
            provider_number=f"P-{month}",
            at=timezone.now(),
            by=system,
        )


def saved(visitor: Visitor, folder: Path) -> Path:
    """The document that the page offers, as the browser saves it."""
    with visitor.page.expect_download() as waiting:
        visitor.follow("下载证明")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def last_page(pdf: Path, dots: int) -> Image.Image:
    """The last page as a picture, at so many dots per inch."""
    pages = subprocess.run(["pdfinfo", pdf], capture_output=True, text=True, check=True).stdout
    last = re.search(r"Pages:\s+(\d+)", pages)
    assert last, pages
    command = ["pdftoppm", "-png", "-r", str(dots), "-f", last[1], "-l", last[1], str(pdf)]
    drawn = subprocess.run(command, capture_output=True, check=True)
    return Image.open(io.BytesIO(drawn.stdout)).convert("RGB")


def words_of(pdf: Path) -> str:
    command = ["pdftotext", "-layout", str(pdf), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def assert_sealed_at_lower_right(picture: Image.Image) -> None:
    """Red is the seal's alone: a round mark at the right, below what is certified (as far down as
    that reaches)."""
    red = [
        (x, y)
        for y in range(picture.height)
        for x in range(picture.width)
        if (p := picture.getpixel((x, y)))[0] > 150 and max(p[1:]) < 110  # type: ignore[index]
    ]
    assert len(red) > 300
    left, right = min(x for x, _y in red), max(x for x, _y in red)
    top, bottom = min(y for _x, y in red), max(y for _x, y in red)
    assert left > picture.width / 2
    assert (top + bottom) / 2 > picture.height * 0.45
    assert 0.9 < (right - left) / (bottom - top) < 1.1


def test_a_persons_proof_from_asking_to_revoking(
    visitor: Visitors, cast: Cast, this: Month, history: None, hall: str, tmp_path: Path
) -> None:
    wang = cast.wang_fang
    she = visitor(cast.wang_fang_login)
    she.go("/ningbo/services/person-proof/")
    she.follow("我已阅读，开始申报")
    she.choose("打印月数", "最近 6 个月")
    # What the agency does not run is not offered, and the form says where it is asked for.
    for insurance in ("医疗保险", "生育保险"):
        expect(she.group("险种").get_by_label(insurance)).to_have_count(0)
    expect(she.group("险种")).to_contain_text("医疗保险、生育保险不由本机构经办，请向医疗保障部门")
    she.group("险种").get_by_label("工伤保险").uncheck(force=True)
    she.fill(验证码="0000")
    she.press("下一步")
    she.error_beside("验证码", "验证码不正确")
    expect(she.option("打印月数", "最近 6 个月")).to_be_checked()
    expect(she.group("险种").get_by_label("工伤保险")).not_to_be_checked()
    she.read_captcha()
    she.press("下一步")

    she.is_at("核对并提交申报")
    she.sees(f"证明内容（{(this - 5).zh}至{this.zh}）", "参保状况", cast.yongjiang.name)
    assert not Certificate.objects.exists()
    she.press("开具证明")
    # The last page is the proof itself; the receipt of the application stands aside.
    she.is_at("个人参保证明")
    she.sees("证明已出具", "证明编号")
    expect(she.page.get_by_role("link", name="这次办理的收件回执单")).to_be_visible()
    pdf = saved(she, tmp_path)

    certificate = Certificate.objects.get()
    assert (certificate.status, certificate.person) == (Status.ISSUED, wang)
    assert certificate.serial_number in pdf.name
    words = words_of(pdf)
    for told in (wang.name, certificate.serial_number, "个人参保证明", cast.yongjiang.name):
        assert told in words, words
    assert wang.identity_number in words.replace(" ", "")
    assert_sealed_at_lower_right(last_page(pdf, 60))
    she.follow("参保证明", she.page.get_by_role("navigation", name="主导航"))
    she.sees(certificate.serial_number)

    # A stranger verifies it, in three ways.
    stranger = visitor()
    stranger.go("/")
    stranger.follow("核验证明", stranger.page.get_by_role("navigation", name="主导航"))
    stranger.fill(验证码="ABCD")
    stranger.press("核验验证码")
    stranger.error_beside("验证码", "验证码应为 28 位")
    stranger.fill(验证码=certificate.grouped_code.lower(), 号码后四位=wang.identity_number[-4:])
    stranger.press("核验验证码")
    assert_valid(stranger, certificate, wang.identity_number)
    [code] = zxingcpp.read_barcodes(last_page(pdf, 200))
    assert code.text.startswith(f"{hall}/verify/{certificate.code}/#")
    stranger.go(code.text)
    assert_valid(stranger, certificate, wang.identity_number)
    # Without what stands after the # the page asks.
    stranger.go(code.text.split("#")[0])
    stranger.sees("请再填写证明上号码的后四位")
    upload(stranger, pdf)
    assert_valid(stranger, certificate, wang.identity_number)
    stranger.sees(pdf.name)

    # One byte is another: the file is not the one that was sealed.
    content = bytearray(pdf.read_bytes())
    content[len(content) // 3] ^= 1
    altered = tmp_path / "altered.pdf"
    altered.write_bytes(content)
    upload(stranger, altered)
    expect(stranger.main.get_by_role("region", name="文件已被改动")).to_be_visible()
    expect(stranger.main.locator("[data-result]")).to_have_attribute("data-result", "altered")

    # The agency takes it back.
    certifier = visitor(staff("ningbo-8", "沈洁", "ningbo", CERTIFIER))
    certifier.go("/admin/certificates/certificate/")
    certifier.follow(certificate.serial_number)
    certifier.press("撤销")
    certifier.sees("请写明撤销原因")
    certifier.main.get_by_label("撤销原因").fill("缴费记录有误，已更正。")
    certifier.press("撤销")
    certifier.sees("缴费记录有误，已更正。")
    assert Certificate.objects.get().status == Status.ISSUED
    certifier.press("确认撤销")
    certifier.sees(f"{certificate.serial_number} 已撤销")
    assert Certificate.objects.get().status == Status.REVOKED

    stranger.go(code.text)
    expect(stranger.main.get_by_role("region", name="已被撤销")).to_be_visible()
    stranger.sees_not("缴费记录有误")
    upload(stranger, pdf)
    expect(stranger.main.locator("[data-result]")).to_have_attribute("data-result", "revoked")
    she.go(f"/proofs/{certificate.serial_number}/")
    she.sees("这份证明已被撤销", "缴费记录有误，已更正。")
    expect(she.page.get_by_role("link", name="下载证明")).to_have_count(0)


def test_an_employers_proof(
    visitor: Visitors, cast: Cast, this: Month, history: None, hall: str, tmp_path: Path
) -> None:
    employer = cast.yongjiang
    zhou = visitor(cast.yongjiang_clerk)
    zhou.go("/ningbo/services/employer-proof/apply/")
    expect(zhou.field("专管员姓名")).to_have_value(employer.contact_name)
    zhou.field("参保地").select_option(label="宁波市—市本级")
    zhou.fill(单位社保编号=cast.zhaobao.credit_code)
    zhou.press("下一步")
    zhou.error_beside("单位社保编号", "这不是本单位的社保编号或统一社会信用代码")
    zhou.fill(单位社保编号=employer.credit_code)
    zhou.press("下一步")
    zhou.sees(employer.name, "证明内容")
    zhou.press("开具证明")
    pdf = saved(zhou, tmp_path)
    certificate = Certificate.objects.get()
    assert (certificate.status, certificate.employer, certificate.person) == (Status.ISSUED, employer, None)
    words = words_of(pdf)
    for told in (employer.name, employer.credit_code, certificate.serial_number, "单位参保证明"):
        assert told in words, words
    assert_sealed_at_lower_right(last_page(pdf, 60))
    # It is the employer's: neither the clerk of another nor a person gets at it.
    assert visitor(cast.zhaobao_clerk).go(f"/proofs/{certificate.serial_number}/") == 404
    assert visitor(cast.wang_fang_login).go(f"/proofs/{certificate.serial_number}/document/") == 404


def assert_valid(visitor: Visitor, certificate: Certificate, number: str) -> None:
    """The page says that it is valid, and what it checked, without telling whose number it is."""
    expect(visitor.main.get_by_role("region", name="真实有效")).to_be_visible()
    visitor.sees(certificate.serial_number, "检查了什么", f"{number[:6]}********{number[-4:]}")
    assert number not in visitor.page.content()


def upload(visitor: Visitor, pdf: Path) -> None:
    visitor.go("/verify/")
    visitor.field("证明的 PDF 文件").set_input_files(pdf)
    visitor.press("上传并核验")
    expect(visitor.main.locator("[data-result]")).to_be_visible()
