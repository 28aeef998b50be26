"""个人: looking at one's insurance, joining as a flexible worker and pausing, in three cities."""

import io
import re
import subprocess
from pathlib import Path

from django.utils import timezone
from PIL import Image, ImageDraw
from playwright.sync_api import expect
from stdnum import luhn

from contributions.books import receiving
from contributions.models import Charge
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall.models import Attachment, Case
from portal.hall.routing import Status
from portal.people.models import BankAccount
from portal.registers.models import HouseholdRecord
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import CHANGSHA, NANSHAN, ZHENHAI, Cast, cover
from tests.journeys.conftest import Visitors, charged


def card(first: str = "62218855667788990") -> str:
    """A bank card's number with its check digit."""
    return first + luhn.calc_check_digit(first)


def portrait(folder: Path) -> Path:
    """A photograph for the card."""
    # With the noise of a camera: a plain ground weighs less than the maker of cards takes.
    picture = Image.effect_noise((358, 441), 12).convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((109, 90, 249, 260), fill="#caa58a")
    draw.rectangle((70, 290, 288, 441), fill="#2f3b52")
    path = folder / "本人照片.jpg"
    picture.save(path, "JPEG")
    return path


def test_a_code_by_text_message_opens_the_door(visitor: Visitors, cast: Cast) -> None:
    login, wang = cast.wang_fang_login, cast.wang_fang
    she = visitor()
    she.go("/login/person/")
    she.follow("短信验证码登录")
    she.fill(手机号码=wang.phone)
    she.press("获取短信验证码")
    she.sees("138****0001")

    messages = she.page.context.new_page()
    messages.goto("/demo/messages/")
    text = messages.get_by_role("row").nth(1).inner_text()
    messages.close()
    code = re.search(r"\b\d{6}\b", text)
    assert code, text
    she.fill(短信验证码=f"{(int(code[0]) + 1) % 10**6:06}")
    she.press("登录", she.main)
    she.error_beside("短信验证码", "短信验证码不正确")
    she.fill(短信验证码=code[0])
    she.press("登录", she.main)
    she.knows(login)


def test_coverage_month_by_month(visitor: Visitors, cast: Cast, this: Month) -> None:
    """Insured by an employer: two months paid, one owed, and the way each amount came about."""
    wang = cast.wang_fang
    for insurance in (Insurance.PENSION, Insurance.UNEMPLOYMENT):
        cover(wang, insurance, "ningbo", str(this - 2), at=cast.yongjiang, wage_fen=800_000)
    charged("ningbo", this - 2, this + 1)
    for month in (this - 2, this - 1):
        receiving.receive(
            Charge.objects.filter(month=month),
            channel="bank-transfer",
            provider_number=f"N-{month}",
            at=timezone.now(),
            by=User.objects.system(),
        )
    she = visitor()
    she.come_in_as_person(wang.identity_number, cast.wang_fang_login)
    she.follow("参保缴费记录", she.page.get_by_role("navigation", name="主导航"))
    grid = she.main.get_by_role("table", name="养老保险")
    for month, state in ((this - 2, "已缴"), (this - 1, "已缴"), (this, "待缴")):
        expect(grid.get_by_text(re.compile(f"{month.zh} {state}"))).to_have_count(1)
    she.sees("已缴 2 个月")

    charge = Charge.objects.get(insurance=Insurance.PENSION, month=this)
    she.go(f"/record/?year={this.year}")
    she.follow(f"{this.zh}养老保险")
    she.is_at(f"查看{this.zh}养老保险")
    expect(she.main.locator(".figure")).to_contain_text(f"{charge.amount_fen / 100:,.2f}")
    she.press_summary("为什么是这个数")
    she.sees("缴费基数", "依据", "8,000.00 元")

    # The employer's business is the employer's: she can look, not file.
    she.go("/wuhan/services/flexible-enroll/")
    she.sees("您由单位参保", "由所在单位办理")
    assert not Case.objects.exists()


def test_ningbo_has_one_entrance_for_joining_and_pausing(visitor: Visitors, cast: Cast, this: Month) -> None:
    wang = cast.wang_fang
    she = visitor(cast.wang_fang_login)
    she.go("/ningbo/services/flexible-pause/")
    # Not insured yet: the same entrance leads to joining.
    she.is_at("灵活就业人员参保登记")
    she.follow("我已阅读，开始申报")
    expect(she.field("参保地")).to_have_value(ZHENHAI)
    she.choose("养老保险", "100%档")
    she.press("下一步")
    she.sees("镇海区", "100%档")
    she.press("提交申报")
    she.is_at("收件回执单")
    she.sees("已办结", f"{this.zh}起参保")
    coverage = Coverage.objects.get()
    assert (coverage.person, coverage.start, coverage.until, coverage.district) == (wang, this, None, ZHENHAI)

    # Insured now: it leads to pausing.
    she.go("/ningbo/services/flexible-enroll/")
    she.is_at("灵活就业人员社保中断")
    she.sees("同一入口", within=she.page.locator("body"))
    she.follow("我已阅读，开始申报")
    she.choose("养老保险", this.zh)
    she.press("下一步")
    she.press("提交申报")
    she.is_at("收件回执单")
    she.sees("已办结")
    coverage.refresh_from_db()
    assert not Coverage.objects.filter(until=None, live=True).exists()
    she.go("/ningbo/services/flexible-pause/")
    she.is_at("灵活就业人员参保登记")


def test_wuhan_enrols_from_next_month_and_pauses(
    visitor: Visitors, cast: Cast, this: Month, tmp_path: Path
) -> None:
    li = cast.li_qiang
    he = visitor(cast.li_qiang_login)
    he.go("/wuhan/services/flexible-enroll/")
    he.sees("从次月起开始缴纳", "中国邮政储蓄银行每月月底划扣")
    he.follow("我已阅读，开始申报")
    expect(he.group("养老保险")).to_contain_text("每月 393.04 元")
    expect(he.group("养老保险")).to_contain_text("每月 1,965.18 元")
    he.sees(f"从{(this + 1).zh}起缴费")
    he.choose("养老保险", "60%档")
    he.choose("医疗保险", "标准档")
    he.fill(缴费账号=card(), 手机号码="1380000")
    he.press("下一步")
    he.error_beside("手机号码", "手机号")
    expect(he.option("养老保险", "60%档")).to_be_checked()
    he.fill(手机号码=li.phone)
    he.press("下一步")

    he.is_at("核对并提交申报")
    he.sees("393.04", "60%档")
    he.press("提交申报")
    he.error_beside("个人电子照片", "请上传个人电子照片")
    he.field("个人电子照片").set_input_files(portrait(tmp_path))
    he.press("上传所选文件")
    expect(he.main.get_by_role("img", name="已上传的个人电子照片")).to_be_visible()
    he.press("提交申报")
    he.is_at("收件回执单")
    he.sees("已办结", f"{(this + 1).zh}起参保", f"{(this + 1).zh}20日前", "下一步")

    case = Case.objects.get(service="flexible-enroll")
    assert case.status == Status.DONE
    assert Attachment.objects.get(case=case).paper == "photo"
    assert set(Coverage.objects.values_list("insurance", "start")) == {
        (Insurance.PENSION, this + 1),
        (Insurance.MEDICAL, this + 1),
    }
    account = BankAccount.objects.get()
    assert (account.person, account.number, account.start) == (li, card(), this + 1)

    # Whoever has paid for a while can pause, from next month on.
    qian = cast.zhang_min
    cover(qian, Insurance.PENSION, "wuhan", str(this - 6), tier="80")
    charged("wuhan", this - 1, this + 1)
    she = visitor(cast.zhang_min_login)
    she.go("/wuhan/services/flexible-pause/")
    she.is_at("暂停缴费")
    she.follow("我已阅读，开始申报")
    she.choose("养老保险", (this + 1).zh)
    she.press("下一步")
    she.sees(f"缴费到{this.zh}")
    she.press("提交申报")
    she.sees("已办结")
    assert Coverage.objects.get(person=qian).until == this + 1


def test_shenzhen_takes_at_once_whom_the_household_register_knows(
    visitor: Visitors, cast: Cast, this: Month
) -> None:
    chen = cast.chen_jing
    HouseholdRecord.objects.create(identity_number=chen.identity_number, name=chen.name, place_code=NANSHAN)
    she = visitor(cast.chen_jing_login)
    she.go("/shenzhen/services/flexible-enroll/")
    she.follow("我已阅读，开始申报")
    she.choose("户籍类别", "深圳户籍")
    she.choose("养老保险", "100%档")
    she.choose("医疗保险", "二档")
    she.press("下一步")
    she.press("提交申报")
    she.is_at("收件回执单")
    she.sees("已办结", "下一步", f"缴 {this.zh}", "去缴费")
    assert Case.objects.get().status == Status.DONE
    assert set(Coverage.objects.values_list("insurance", "start")) == {
        (Insurance.PENSION, this),
        (Insurance.MEDICAL, this),
    }

    she.go("/shenzhen/services/flexible-pause/apply/")
    she.choose("养老保险", (this + 1).zh)
    she.choose("医疗保险", "不停保")
    she.press("下一步")
    she.press("提交申报")
    she.sees("已办结", f"缴费到{this.zh}")
    assert Coverage.objects.get(insurance=Insurance.PENSION).until == this + 1
    assert Coverage.objects.get(insurance=Insurance.MEDICAL).until is None


def test_shenzhen_sends_whom_it_does_not_know_to_the_counter(
    visitor: Visitors, cast: Cast, tmp_path: Path
) -> None:
    liu = cast.liu_yang
    HouseholdRecord.objects.create(identity_number=liu.identity_number, name=liu.name, place_code=CHANGSHA)
    he = visitor(cast.liu_yang_login)
    he.go("/shenzhen/services/flexible-enroll/apply/")
    he.choose("户籍类别", "深圳户籍")
    he.choose("养老保险", "60%档")
    he.press("下一步")
    he.sees("信息比对不一致，将转为预申请", "户籍登记显示您的户籍不在深圳", "户口簿")
    he.press("提交预申请")
    he.is_at("收件回执单")
    he.sees("预申请已受理")
    case = Case.objects.get()
    assert (case.status, case.mismatches[0]["field"]) == (Status.PRE_APPLIED, "household")
    assert not Coverage.objects.exists()

    # The case itself prints on one sheet, too.
    he.go(f"/cases/{case.number}/")
    words, _picture = printed(he.page.pdf(format="A4", print_background=True), tmp_path)
    assert "办件信息" in words
    he.go(f"/cases/{case.number}/receipt/")

    he.follow("打印申请表")
    he.sees("申请人声明", "户口簿", case.number)
    words, picture = printed(he.page.pdf(format="A4", print_background=True), tmp_path)
    assert "申请表" in words
    assert case.number in words.replace("\n", "")
    assert "申请人签名" in words
    # The form, and nothing of the page around it.
    for around in ("返回办件", "退出登录", "长辈版", "搜索事项"):
        assert around not in words
    assert Image.open(picture).convert("L").histogram()[0] > 100, "the page is blank"

    # Staff compare the papers at the window, and take it after all.
    lin = visitor(cast.shenzhen_reviewer)
    lin.go(f"/admin/hall/case/{case.pk}/change/")
    lin.sees("与登记不一致，须核实后办理", "户籍登记显示您的户籍不在深圳")
    lin.press("提请另一名审核人员确认")
    assert Case.objects.get().status == Status.PRE_APPLIED
    for box in lin.main.get_by_role("checkbox").all():
        box.check()
    lin.main.get_by_role("textbox", name="办理依据").fill("已核对户口簿原件，本月入户。")
    lin.press("提请另一名审核人员确认")
    lin.sees("等待另一名审核人员确认")
    second = visitor(cast.every_city_reviewer)
    second.go(f"/admin/hall/case/{case.pk}/change/")
    second.sees("提出：与登记不一致仍予办理", "已核对户口簿原件，本月入户。")
    second.press("确认，仍予办理")
    second.sees(f"{case.number} {case.offer.title}：已办结")
    assert Coverage.objects.get().person == liu


def printed(pdf: bytes, folder: Path) -> tuple[str, io.BytesIO]:
    """The words of a printed sheet, which must be one page, and its picture."""
    path = folder / "printed.pdf"
    path.write_bytes(pdf)
    pages = subprocess.run(["pdfinfo", path], capture_output=True, text=True, check=True).stdout
    assert re.search(r"Pages:\s+1\n", pages), pages
    words = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True)
    drawn = subprocess.run(["pdftoppm", "-png", "-r", "60", path], capture_output=True, check=True)
    return words.stdout, io.BytesIO(drawn.stdout)
