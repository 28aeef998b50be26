"""Every kind of page, looked at by axe on a phone and at a desk: nothing serious, nothing
critical."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone

# The page of failures names the tasks of the schedule, which a worker has loaded and a test alone
# has not.
import portal.celery  # noqa: F401
from certificates import issuing
from certificates.models import Certificate
from contributions.charges import charging
from contributions.models import Charge
from portal.accounts import person_changes
from portal.accounts.models import Notice, User
from portal.accounts.roles import CERTIFIER, COLLECTOR, MANAGER, REVIEWER
from portal.hall import desk
from portal.hall.models import Case
from portal.registers.models import HouseholdRecord
from portal.shared.insurance import Insurance
from portal.shared.months import month_in_china, today_in_china
from portal.watch import failures
from tests.cast import CHANGSHA, Cast, cover, staff
from tests.contributions.assessments.transferring import entered
from tests.filing import file
from tests.journeys.coloured import COLOURED_BY_WIDTH
from tests.journeys.conftest import DESK, PHONE, Visitors
from tests.journeys.visitor import Visitor
from tests.transfers.mover import applied, moved_to, paid, proposed, walked
from transfers.machine import Status as Released

GRAVE = ("serious", "critical")
SIZES = (DESK, PHONE)
AXE = Axe()
# Only what is wrong is told in full and brought here: the rest would be a megabyte a page.
VIOLATIONS = """async ([phone, coloured]) => {
    const what = {resultTypes: ['violations'], rules: {'color-contrast': {enabled: !phone}}};
    const found = (await axe.run(document, what)).violations;
    const there = coloured.map(one => `main [class*="${one}"]`).filter(one => phone && document.querySelector(one));
    if (!there.length) return found;
    const colours = {resultTypes: ['violations'], runOnly: {type: 'rule', values: ['color-contrast']}};
    return found.concat((await axe.run({include: there.map(one => [one])}, colours)).violations);
}"""
Look = Callable[[Visitor, str], None]


@pytest.fixture
def look() -> Any:
    """Lets axe look at the page as it stands, in both widths; what it finds is told all at once, at
    the end."""
    found: list[str] = []

    def look(visitor: Visitor, name: str) -> None:
        for size in SIZES:
            visitor.page.set_viewport_size(size)
            found.extend(f"{name}, {size['width']} wide: {fault}" for fault in faults(visitor))

    yield look
    assert not found, "\n".join(found)


def faults(visitor: Visitor) -> list[str]:
    """What axe finds grave on the page, and whether it has to be scrolled sideways."""
    if not visitor.page.evaluate("'axe' in window"):
        visitor.page.evaluate(AXE.axe_script)
    told = [
        f"{one['id']} ({one['impact']}): {one['help']}: {'; '.join(str(node['target']) for node in one['nodes'][:3])}"
        for one in visitor.page.evaluate(VIOLATIONS, [_looked_at_before(visitor), COLOURED_BY_WIDTH])
        if one["impact"] in GRAVE
    ]
    told += [f"wider than the screen{when}" for when in too_wide(visitor)]
    return told + [f"squeezed to one sign a line: {words}" for words in visitor.page.evaluate(SQUEEZED)]


def _looked_at_before(visitor: Visitor) -> bool:
    """Whether the colours were looked at in the other width; not in the workbench, whose styles
    are not ours."""
    return visitor.page.viewport_size == PHONE and "/admin/" not in visitor.page.url


# Cells of tables whose words stand one sign below another. A head that is there for readers of the
# screen only is a point wide.
SQUEEZED = """() => [...document.querySelectorAll('main td, main th, #content td, #content th')].filter(cell => {
    const words = cell.innerText.trim(), style = getComputedStyle(cell), size = parseFloat(style.fontSize);
    const room = cell.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return words.length > 3 && !cell.children.length && room > 4 && room < 1.9 * size;
}).slice(0, 3).map(cell => cell.innerText.trim())"""

# As whoever reads badly sets a page (WCAG 1.4.4 and 1.4.12): letters twice as large, and apart. By
# the object model, which the pages' policy allows; the second only where the first fits.
ENLARGED = """(style) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    document.adoptedStyleSheets = style ? [sheet] : [];
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth;
}"""
APART = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
p { margin-bottom: 2em !important; }"""


def too_wide(visitor: Visitor) -> list[str]:
    """When the page has to be scrolled sideways: as it stands, with letters of twice the size at a
    desk, or with spaced text."""
    size = visitor.page.viewport_size
    styles = {"": "", " with spaced text": APART}
    if size and size["width"] >= DESK["width"]:
        styles[" with text of 200 %"] = "html { font-size: 200% !important; }"
    told = [when for when, style in styles.items() if visitor.page.evaluate(ENLARGED, style)]
    visitor.page.evaluate(ENLARGED, "")
    return told


def test_a_fault_would_be_seen(visitor: Visitors) -> None:
    """The control: a picture without words and a field without a label are found."""
    someone = visitor()
    someone.go("/help/")
    assert faults(someone) == []
    someone.page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=x.png><input>')"
    )
    assert {fault.split()[0] for fault in faults(someone)} == {"image-alt", "label"}
    someone.page.evaluate(
        """() => {
            const main = document.querySelector('main');
            main.insertAdjacentHTML('beforeend', '<table><tr><td>一二三四五</td></tr></table>');
            main.querySelector('table:last-child').style.width = '1em';
        }"""
    )
    assert [fault for fault in faults(someone) if "squeezed" in fault] == [
        "squeezed to one sign a line: 一二三四五"
    ]
    someone.page.evaluate("document.querySelector('main').style.width = '80em'")
    someone.page.set_viewport_size({"width": 1400, "height": 900})
    assert [fault for fault in faults(someone) if "wider" in fault] == [
        "wider than the screen with text of 200 %"
    ]
    someone.page.evaluate("document.querySelector('main').style.width = '200vw'")
    assert "wider than the screen" in faults(someone)
    someone.faults.clear()


def test_public_pages(visitor: Visitors, cast: Cast, look: Look) -> None:
    someone = visitor()
    pages = {
        "home": "/ningbo/",
        "services": "/shenzhen/services/",
        "search": "/wuhan/search/?q=tingbao",
        "found nothing": "/ningbo/search/?q=咖啡",
        "notice": "/wuhan/services/flexible-enroll/",
        "not offered": "/ningbo/services/bank-account/",
        "forgot": "/password/forgot/",
        "register": "/register/",
        "help": "/help/",
        "accessibility": "/accessibility/",
        "verify": "/verify/",
        "verified": "/verify/" + "A" * 28 + "/",
        "missing": "/nothing-there/",
        "messages": "/demo/messages/",
        "staff's door": "/admin/login/",
    }
    for name, address in pages.items():
        someone.go(address)
        look(someone, name)
    someone.go("/login/employer/")
    someone.press("登录", someone.main)
    look(someone, "employers' door with errors")
    someone.go("/login/person/?way=code")
    someone.fill(手机号码=cast.wang_fang_login.phone)
    look(someone, "door by code")
    someone.press("获取短信验证码")
    someone.sees("138****0001")
    look(someone, "code sent")
    someone.go("/ningbo/")
    someone.follow("长辈版")
    look(someone, "larger type")


def test_a_persons_pages(visitor: Visitors, cast: Cast, look: Look, seals: None) -> None:
    liu, this, now = cast.liu_yang, month_in_china(timezone.now()), timezone.now()
    HouseholdRecord.objects.create(identity_number=liu.identity_number, name=liu.name, place_code=CHANGSHA)
    cover(liu, Insurance.MEDICAL, "shenzhen", str(this - 3), tier="one")
    for month in (this - 3, this - 2, this):
        charging.charge(city="shenzhen", month=month, by=User.objects.system(), now=now)
    he = visitor(cast.liu_yang_login)
    he.go("/shenzhen/services/flexible-enroll/apply/")
    he.press("下一步")
    look(he, "form with errors")
    he.choose("户籍类别", "深圳户籍")
    he.choose("养老保险", "60%档")
    he.press("下一步")
    he.is_at("核对并提交申报")
    look(he, "last look")
    he.press("提交预申请")
    he.is_at("收件回执单")
    look(he, "receipt")
    case = Case.objects.get()
    proof = {"months": "6", "insurances": ["medical"]}
    file(cast.liu_yang_login, "shenzhen", "person-proof", proof, now)
    certificate = Certificate.objects.get()
    pages = {
        "home": "/shenzhen/",
        "record": "/record/",
        "charge": f"/record/charges/{Charge.objects.filter(person=liu).first().pk}/",  # type: ignore[union-attr]
        "cases": "/cases/",
        "case": f"/cases/{case.number}/",
        "form to print": f"/cases/{case.number}/form/",
        "withdraw": f"/cases/{case.number}/withdraw/",
        "account": "/account/",
        "phone": "/account/phone/",
        "proofs": "/proofs/",
        "certificate": f"/proofs/{certificate.serial_number}/",
        "verified": f"/verify/{certificate.code}/",
        "pause": "/shenzhen/services/flexible-pause/apply/",
        "proof": "/shenzhen/services/person-proof/apply/",
    }
    for name, address in pages.items():
        assert he.go(address) == 200
        look(he, name)


def test_an_employers_pages(visitor: Visitors, cast: Cast, look: Look) -> None:
    this, now = month_in_china(timezone.now()), timezone.now()
    cover(cast.li_qiang, Insurance.PENSION, "ningbo", str(this - 2), at=cast.yongjiang, wage_fen=600_000)
    charging.charge(city="ningbo", month=this, by=User.objects.system(), now=now)
    zhou = visitor(cast.yongjiang_clerk)
    zhou.go("/ningbo/services/employer-add-staff/apply/")
    zhou.fill(社会保障号=cast.wang_fang.identity_number)
    zhou.press("搜索", zhou.main)
    zhou.sees("这个号码已有登记（王*）")
    look(zhou, "form, person found")
    zhou.fill(
        姓名=cast.wang_fang.name,
        用工起始日期=str(today_in_china(now) - dt.timedelta(days=1)),
        月申报工资="7000",
    )
    zhou.press("下一步")
    look(zhou, "last look with a file to upload")
    zhou.press("提交申报")
    pages = {
        "home": "/ningbo/",
        "cases": "/cases/",
        "charges": "/employer/charges/",
        "proof": "/ningbo/services/employer-proof/apply/",
        "stop": "/ningbo/services/employer-stop-staff/apply/",
        "not for employers": "/ningbo/services/flexible-enroll/",
    }
    for name, address in pages.items():
        assert zhou.go(address) == 200
        look(zhou, name)


def test_the_workbench(visitor: Visitors, cast: Cast, look: Look, seals: None) -> None:
    now = timezone.now()
    this = month_in_china(now)
    typed = {
        "identity_number": cast.wang_fang.identity_number,
        "name": cast.wang_fang.name,
        "hired_on": str(today_in_china(now)),
        "wage": "6800",
        "start_pension": str(this),
    }
    case = file(cast.yongjiang_clerk, "ningbo", "employer-add-staff", typed, now)
    cover(cast.li_qiang, Insurance.PENSION, "ningbo", str(this - 2), at=cast.yongjiang, wage_fen=600_000)
    charging.charge(city="ningbo", month=this, by=User.objects.system(), now=now)
    file(
        User.objects.create_person(cast.li_qiang, password="x"),
        "ningbo",
        "person-proof",
        {"months": "6", "insurances": ["pension"]},
        now,
    )
    chief = visitor(staff("chief", "何平", "", REVIEWER, COLLECTOR, CERTIFIER, MANAGER))
    pages = {
        "front": "/admin/",
        "queue": "/admin/hall/case/",
        "case": f"/admin/hall/case/{case.pk}/change/",
        "certificates": "/admin/certificates/certificate/",
        "certificate": f"/admin/certificates/certificate/{Certificate.objects.get().pk}/change/",
        "people": "/admin/people/person/",
        "coverage": "/admin/enrollment/coverage/",
        "second factor": "/staff/factor/",
        "own factors": "/staff/factors/",
    }
    for name, address in pages.items():
        assert chief.go(address) == 200, address
        look(chief, name)
    chief.go(f"/admin/hall/case/{case.pk}/change/")
    chief.press("不予通过")
    chief.sees("请写明")
    look(chief, "a refusal without its reason")


def test_the_workbenchs_pages_of_failures_and_of_two_hands(visitor: Visitors, cast: Cast, look: Look) -> None:
    """系统运行 and its lamp; money that nobody knows; a release, an overruling and a change that
    wait for a second."""
    now = timezone.now()
    failures.report("charge_due", "武汉 2026-11", RuntimeError("测试"), city="wuhan", now=now)
    arrival = entered(
        cast,
        None,
        123456,
        payer="武汉某公司",
        note="往来款",
        arrived_on=today_in_china(now),
        now=now,
    )
    paid(cast.li_qiang, "wuhan", "2026-01", "2026-09")
    moved_to(cast.li_qiang, "shenzhen")
    transfer = walked(applied(cast.li_qiang_login, now), Released.LETTER_SENT, now)
    proposed(transfer, now)
    liu = cast.liu_yang
    HouseholdRecord.objects.create(identity_number=liu.identity_number, name=liu.name, place_code=CHANGSHA)
    typed = {"household": "city", "tier_pension": "60", "phone": "13800000003"}
    case = file(cast.liu_yang_login, "shenzhen", "flexible-enroll", typed, now)
    desk.propose_overruling(case, reason="已看户口簿原件", by=cast.shenzhen_reviewer, now=now)
    manager = staff("wuhan-8", "何静", "wuhan", MANAGER)
    changes = {"phone": (cast.li_qiang.phone, "13900000099")}
    proposal = person_changes.propose_details(
        cast.li_qiang, changes=changes, reason="本人到窗口申请", by=manager, now=now
    )
    chief = visitor(staff("chief", "何平", "", REVIEWER, COLLECTOR, CERTIFIER, MANAGER))
    pages = {
        "front with a failure": "/admin/",
        "failures": "/admin/watch/failure/",
        "arrivals": "/admin/contributions/arrival/",
        "entering an arrival": "/admin/contributions/arrival/enter/",
        "an arrival that fits nothing": f"/admin/contributions/arrival/{arrival.pk}/change/",
        "transfers": "/admin/transfers/transfer/",
        "a release": f"/admin/transfers/transfer/{transfer.pk}/change/",
        "an overruling": f"/admin/hall/case/{case.pk}/change/",
        "proposals": "/admin/accounts/proposal/",
        "a proposal": f"/admin/accounts/proposal/{proposal.pk}/change/",
        "trial balance": "/admin/contributions/ledgeraccount/",
        "audits": "/admin/contributions/auditrun/",
        "months": "/admin/contributions/monthclose/",
    }
    for name, address in pages.items():
        assert chief.go(address) == 200, address
        look(chief, name)


def test_notices_orders_and_a_verified_proof(visitor: Visitors, cast: Cast, look: Look, seals: None) -> None:
    now, this = timezone.now(), month_in_china(timezone.now())
    wang = cast.wang_fang
    paid(wang, "wuxi", str(this - 3), str(this))
    Notice.objects.create(
        person=wang, kind="test", reference="1", title="扣款失败", text="余额不足，请足额存款。", at=now
    )
    file(cast.wang_fang_login, "wuxi", "person-proof", {"months": "6", "insurances": ["pension"]}, now)
    certificate = Certificate.objects.get()
    issuing.produce(certificate, now=now)
    she = visitor(cast.wang_fang_login)
    pages = {
        "notices": "/messages/",
        "orders": "/orders/",
        "paid list": "/orders/list/",
        "a proof": f"/proofs/{certificate.serial_number}/",
        "account": "/record/account/",
        "quote": "/wuxi/quote/?capacity=flexible&insurance=pension&year=2026&month=6&count=3&tier=60",
    }
    for name, address in pages.items():
        assert she.go(address) == 200, address
        look(she, name)
    stranger = visitor()
    stranger.go("/verify/")
    stranger.fill(验证码=certificate.grouped_code, 号码后四位=wang.identity_number[-4:])
    stranger.press("核验验证码")
    stranger.sees("真实有效")
    look(stranger, "verified by code")
