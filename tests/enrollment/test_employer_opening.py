"""开办企业全程网上办: the account, the logins and the first staff of a new employer in one case."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from enrollment.models import Coverage
from portal.accounts.models import Kind, Notice, User
from portal.hall import desk
from portal.hall.models import Attachment, Case, Draft
from portal.hall.routing import Status
from portal.people.models import Employer, Person
from portal.policy.book import book
from portal.policy.terms import industry
from portal.registers.models import BankAccountRecord, BusinessRecord, BusinessState
from portal.shared.insurance import Insurance
from tests.cast import JIANGBEI, NANSHAN, NOW, ZHENHAI, Cast, cover, employer_code, identity_number
from tests.filing import file, findings_of, reasons

CODE = "employer-opening"
COMPANY = employer_code(ZHENHAI, 909)
NAME = "宁波镇海新芽软件有限公司"
ACCOUNT = "3302110000009090"
OPENED = "单位已开户，请直接"
FIRST, SECOND = identity_number(ZHENHAI, "1996-03-04", 17), identity_number(ZHENHAI, "1998-07-21", 28)
TWO = f"{FIRST} 孙磊 2026-11-02 6500\n{SECOND}\t黄琳\t2026/11/3\t8,200.50"


@pytest.fixture
def company(cast: Cast) -> BusinessRecord:
    """A company that Wang Fang founded in Zhenhai, and its account."""
    BankAccountRecord.objects.create(bank="icbc", number=ACCOUNT, holder=NAME, identity_number=COMPANY)
    return BusinessRecord.objects.create(
        credit_code=COMPANY,
        name=NAME,
        kind="有限责任公司（自然人独资）",
        address="宁波市镇海区骆驼街道 1 号",
        place_code=ZHENHAI,
        founded_on=dt.date(2026, 11, 2),
        representative_name=cast.wang_fang.name,
        representative_number=cast.wang_fang.identity_number,
        scope="软件开发",
        capital_fen=100_000_00,
    )


def typed(cast: Cast, **changes: Any) -> dict[str, Any]:
    return {
        "credit_code": COMPANY,
        "name": NAME,
        "handler_name": cast.wang_fang.name,
        "handler_number": cast.wang_fang.identity_number,
        "handler_phone": cast.wang_fang.phone,
        "district": ZHENHAI,
        "industry": "65",
        "bank": "icbc",
        "account_number": ACCOUNT,
        "staff": TWO,
        "start_pension": "2026-11",
        "start_unemployment": "2026-11",
        "start_work_injury": "2026-11",
        **changes,
    }


def scan(user: User, paper: str) -> Attachment:
    """A paper that was uploaded with the draft."""
    draft = Draft.objects.create(user=user, city="ningbo", service=CODE, updated_at=NOW)
    return Attachment.objects.create(
        draft=draft,
        paper=paper,
        name="scan.pdf",
        content_type="application/pdf",
        size=1,
        digest="0" * 64,
        file="x",
        uploaded_at=NOW,
    )


def opened(cast: Cast, now: dt.datetime, **changes: Any) -> tuple[Case, Employer]:
    case = file(cast.wang_fang_login, "ningbo", CODE, typed(cast, **changes), now)
    assert case.status == Status.IN_REVIEW
    case = desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=now)
    return case, Employer.objects.get(credit_code=COMPANY)


def refused(cast: Cast, now: dt.datetime, **changes: Any) -> dict[str, str]:
    return reasons(cast.wang_fang_login, "ningbo", CODE, typed(cast, **changes), now)


def test_one_case_opens_the_account_its_login_and_insures_the_first_staff(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    case, employer = opened(cast, now)
    assert case.status == Status.DONE
    assert (employer.name, employer.city, employer.industry_grade) == (NAME, "ningbo", 1)
    assert (employer.district, employer.industry, employer.account_number) == (ZHENHAI, "65", ACCOUNT)
    rows = Coverage.objects.filter(employer=employer)
    assert {(one.person.identity_number, one.insurance, str(one.start), one.district) for one in rows} == {
        (number, str(insurance), "2026-11", ZHENHAI)
        for number in (FIRST, SECOND)
        for insurance in (Insurance.PENSION, Insurance.UNEMPLOYMENT, Insurance.WORK_INJURY)
    }
    assert {base.wage_fen for one in rows for base in one.bases.all()} == {650000, 820050}
    told = dict(case.outcome["lines"])
    assert told["工伤保险"] == "1 类，单位费率 0.2%"
    assert told["首个缴费月份"] == "2026年11月"
    clerk = User.objects.get(kind=Kind.CLERK, employer=employer)
    assert (clerk.name, clerk.phone, clerk.person) == ("王芳", cast.wang_fang.phone, cast.wang_fang)
    assert not clerk.has_usable_password()
    assert Notice.objects.filter(user=clerk, phone=clerk.phone).count() == 1


def test_the_representative_and_another_first_clerk_get_a_login_each(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    clerk = {
        "handler_name": "张敏",
        "handler_number": cast.zhang_min.identity_number,
        "handler_phone": "13800000005",
    }
    _case, employer = opened(cast, now, staff="", **clerk)
    logins = User.objects.filter(kind=Kind.CLERK, employer=employer)
    assert set(logins.values_list("name", "phone")) == {
        ("王芳", cast.wang_fang.phone),
        ("张敏", "13800000005"),
    }
    assert employer.contact_name == "张敏"
    assert not Coverage.objects.exists()


def test_pension_may_begin_a_month_before_and_work_injury_may_not(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    assert refused(cast, now, start_pension="2026-10") == {}
    assert list(refused(cast, now, start_work_injury="2026-10")) == ["start_work_injury"]
    _case, employer = opened(cast, now, staff=f"{FIRST} 孙磊 2026-10-12 6500 2026-10")
    starts = Coverage.objects.filter(employer=employer).values_list("insurance", "start")
    assert {insurance: str(start) for insurance, start in starts} == {
        "pension": "2026-10",
        "unemployment": "2026-10",
        "work_injury": "2026-11",
    }


def test_a_wrong_check_character_is_told_beside_the_code(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    wrong = COMPANY[:17] + ("0" if COMPANY[17] != "0" else "1")
    assert "校验位" in refused(cast, now, credit_code=wrong)["credit_code"]


def test_an_employer_with_an_account_is_sent_to_add_staff(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    opened(cast, now)
    assert refused(cast, now) == {"credit_code": f"{OPENED}办理“社会保险职工参保登记”。"}


def test_one_row_that_cannot_be_taken_keeps_nobody_else_out(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "2024-01", tier="60")
    number = cast.zhang_min.identity_number
    rows = f"{TWO}\n{number} 张敏 2026-11-02 5000 管理"
    case, employer = opened(cast, now, staff=rows)
    assert Coverage.objects.filter(employer=employer).count() == 6
    assert case.outcome["refused"] == [number]
    [why] = [what for label, what in case.outcome["lines"] if "张敏" in label]
    assert "这名人员仍以灵活就业人员身份在宁波缴费（养老保险）。请先由本人" in why
    assert any("张敏" in label and "不能参保" in what for label, what in case.facts["summary"])


def test_the_grade_follows_from_the_division(cast: Cast, company: BusinessRecord, now: dt.datetime) -> None:
    case, employer = opened(cast, now, industry="47", staff="")
    assert employer.industry_grade == 6
    assert dict(case.outcome["lines"])["工伤保险"] == "6 类，单位费率 1.3%"


def test_every_division_has_a_grade() -> None:
    found = industry.divisions(book(), on=dt.date(2026, 11, 17))
    assert [one.code for one in found] == [f"{number:02d}" for number in range(1, 97)]
    grades = {one.code: one.grade for one in found}
    assert [grades[code] for code in ("65", "51", "13", "01", "02", "04", "07", "06")] == [*range(1, 9)]
    assert industry.base_rate(book(), 8, on=dt.date(2026, 11, 17)) == Decimal("0.019")


def test_an_account_in_a_persons_name_goes_to_a_reviewer_with_a_proof(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    BankAccountRecord.objects.update(holder="王芳")
    assert refused(cast, now) == {"account_number": "这个账户的户名不是本单位名称，须为单位的对公账户。"}
    paper = scan(cast.wang_fang_login, "account-proof")
    case = file(cast.wang_fang_login, "ningbo", CODE, typed(cast), now, attachments=[paper])
    assert case.status == Status.IN_REVIEW
    with pytest.raises(desk.NotAccepted, match="户名不是本单位名称"):
        desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=now)
    assert not Employer.objects.filter(credit_code=COMPANY).exists()


def test_another_person_than_the_representative_learns_nothing_of_the_staff_and_waits_for_two(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    number = cast.li_qiang.identity_number
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2024-01", tier="60")
    as_handler = {
        "handler_name": "张敏",
        "handler_number": cast.zhang_min.identity_number,
        "handler_phone": cast.zhang_min.phone,
        "staff": f"{number} 张伟 2026-11-02 5000",
    }
    told = typed(cast, **as_handler)
    without_phone = reasons(cast.zhang_min_login, "ningbo", CODE, told, now)
    assert set(without_phone) == {"representative_phone", "credit_code"}
    told["representative_phone"] = cast.wang_fang.phone
    paper = scan(cast.zhang_min_login, "authorization")
    case = file(cast.zhang_min_login, "ningbo", CODE, told, now, attachments=[paper])
    assert not [what for _label, what in case.facts["summary"] if "灵活就业" in what or "李" in what]
    grounds = "已核对授权委托书"
    desk.propose_overruling(case, reason=grounds, by=cast.ningbo_reviewer, now=now)
    case = desk.decide(case, approve=True, overrule=True, by=cast.ningbo_second_reviewer, now=now)
    employer = Employer.objects.get(credit_code=COMPANY)
    assert set(employer.clerks.values_list("name", flat=True)) == {"王芳", "张敏"}
    assert case.outcome["refused"] == [number]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": BusinessState.DISSOLVED}, "已注销或吊销"),
        ({"place_code": NANSHAN}, "登记住所不在宁波"),
        ({"credit_code": employer_code(ZHENHAI, 910)}, "没有查到这个代码"),
    ],
)
def test_what_the_register_says_bars_it(
    cast: Cast, company: BusinessRecord, now: dt.datetime, changes: dict[str, Any], why: str
) -> None:
    BusinessRecord.objects.update(**changes)
    assert why in refused(cast, now)["credit_code"]


def test_another_name_than_the_registers_goes_to_a_reviewer(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    [finding] = findings_of(cast.wang_fang_login, "ningbo", CODE, typed(cast, name="宁波新芽公司"), now)
    assert isinstance(finding, desk.Mismatch)
    assert finding.field == "name"


def test_another_district_than_the_registered_needs_a_reason(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    assert list(refused(cast, now, district=JIANGBEI)) == ["district_reason"]
    assert refused(cast, now, district=JIANGBEI, district_reason="实际经营地在江北") == {}


def test_a_company_founded_longer_ago_is_advised_and_not_barred(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    BusinessRecord.objects.update(founded_on=dt.date(2026, 10, 17))
    case = file(cast.wang_fang_login, "ningbo", CODE, typed(cast), now)
    assert "已超过成立之日起 30 日内登记的期限" in dict(case.facts["summary"])["成立日期"]


def test_the_last_look_says_each_thing_once(cast: Cast, company: BusinessRecord, now: dt.datetime) -> None:
    case = file(cast.wang_fang_login, "ningbo", CODE, typed(cast), now)
    labels = [label for label, _value in case.facts["summary"]]
    assert len(labels) == len(set(labels))


def test_founded_thirty_days_ago_is_in_time(cast: Cast, company: BusinessRecord, now: dt.datetime) -> None:
    BusinessRecord.objects.update(founded_on=dt.date(2026, 10, 18))
    case = file(cast.wang_fang_login, "ningbo", CODE, typed(cast), now)
    assert dict(case.facts["summary"])["成立日期"] == "2026-10-18"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("330211199603040170 孙磊 2026-11-02 6500", "第 1 行：身份证号码校验位不符"),
        (f"{FIRST} 孙磊 2026-11-02", "第 1 行：请依次写"),
        (f"{FIRST} 孙磊 2026-13-02 6500", "第 1 行：用工起始日期请写成"),
        (f"{FIRST} 孙磊 2026-11-18 6500", "第 1 行：用工起始日期在今天之后"),
        (f"{FIRST} 孙磊 2026-11-02 六千", "第 1 行：请填写金额"),
        (f"{FIRST} 孙磊 2026-11-02 6500 上月", "第 1 行：“上月”不是参保月份"),
        (f"{FIRST} 孙磊 2026-11-02 6500\n{FIRST} 孙磊 2026-11-02 6500", "第 2 行：与第 1 行是同一个号码"),
        ("x\n,,,", "第 2 行：请依次写"),
        (f"{FIRST} 孙磊 2026-11-02 6500 2026-99", "不是参保月份"),
        (f"{FIRST} 孙磊 2026-11-02 6500 0000-01", "不是参保月份"),
        (f"{FIRST} 孙磊 2026112 6500", "第 1 行：用工起始日期请写成"),
        ("x\n" * 201, "首批职工最多 200 名，这里是 201 行"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_by_its_number(
    cast: Cast, company: BusinessRecord, now: dt.datetime, line: str, why: str
) -> None:
    assert why in refused(cast, now, staff=line)["staff"]


def test_filing_it_twice_gives_one_case_and_a_second_waits(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    key = uuid4()
    first = file(cast.wang_fang_login, "ningbo", CODE, typed(cast), now, key=key)
    assert file(cast.wang_fang_login, "ningbo", CODE, typed(cast), now, key=key).pk == first.pk
    with pytest.raises(desk.NotAccepted, match="已有一份同样的办件"):
        file(cast.wang_fang_login, "ningbo", CODE, typed(cast), now)


def test_two_who_open_the_same_company_get_one_account(
    cast: Cast, company: BusinessRecord, now: dt.datetime
) -> None:
    mine = file(cast.wang_fang_login, "ningbo", CODE, typed(cast), now)
    other = typed(
        cast,
        handler_name="张敏",
        handler_number=cast.zhang_min.identity_number,
        handler_phone=cast.zhang_min.phone,
        representative_phone=cast.wang_fang.phone,
    )
    paper = scan(cast.zhang_min_login, "authorization")
    theirs = file(cast.zhang_min_login, "ningbo", CODE, other, now, attachments=[paper])
    desk.decide(mine, approve=True, by=cast.ningbo_reviewer, now=now)
    with pytest.raises(desk.NotAccepted, match=OPENED):
        desk.decide(theirs, approve=True, by=cast.ningbo_reviewer, now=now)
    assert Employer.objects.filter(credit_code=COMPANY).count() == 1


def test_a_clerk_cannot_file_it(cast: Cast, company: BusinessRecord, now: dt.datetime) -> None:
    client_case = typed(cast)
    with pytest.raises(desk.NotAllowed):
        file(cast.yongjiang_clerk, "ningbo", CODE, client_case, now)


def test_the_list_is_read_in_sets(cast: Cast, company: BusinessRecord, now: dt.datetime) -> None:
    def asked(count: int) -> int:
        numbers = [identity_number(ZHENHAI, "1997-01-01", 2 * order + 1) for order in range(count)]
        rows = "\n".join(f"{number} 职工甲 2026-11-02 5000" for number in numbers)
        with CaptureQueriesContext(connection) as seen:
            assert findings_of(cast.wang_fang_login, "ningbo", CODE, typed(cast, staff=rows), now) == []
        return len(seen)

    asked(1)
    assert asked(2) == asked(40)


def test_whoever_has_a_file_keeps_it(cast: Cast, company: BusinessRecord, now: dt.datetime) -> None:
    number = cast.li_qiang.identity_number
    opened(cast, now, staff=f"{number} 李强 2026-11-02 5000")
    assert Person.objects.filter(identity_number=number).count() == 1
    assert Coverage.objects.filter(person=cast.li_qiang).count() == 3


@pytest.mark.django_db
def test_the_employers_door_leads_to_opening_an_account() -> None:
    """It is public, and it is filed through the personal door."""
    page = Client().get("/login/employer/").content.decode()
    assert "/ningbo/services/employer-opening/" in page
    assert "/wuhan/services/employer-opening/" not in page


@pytest.mark.django_db
def test_whoever_is_not_signed_in_is_sent_to_the_personal_door() -> None:
    response = Client().get("/ningbo/services/employer-opening/apply/")
    assert response.status_code == 302
    assert response["Location"].startswith("/login/person/")
