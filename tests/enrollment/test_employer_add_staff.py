"""职工参保登记: who may be added, from which month, and what the agency's approval opens."""

import datetime as dt
from typing import Any

import pytest

from enrollment.models import Coverage
from enrollment.services.employer_add_staff import EmployerAddStaff
from portal.accounts.models import PersonLookup
from portal.hall import desk
from portal.hall.routing import Status
from portal.hall.service import Applicant
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month
from tests.cast import Cast, cover, identity_number, moment
from tests.filing import ask, file, reasons, standing_case, ways

CODE = "employer-add-staff"


def typed(number: str, **changes: Any) -> dict[str, Any]:
    """What a clerk of Ningbo types on 17 November 2026: pension and unemployment from October, work
    injury from November."""
    registered = Person.objects.filter(identity_number=number).first()
    return {
        "identity_number": number,
        "name": registered.name if registered else "赵磊",
        "phone": "13800000009",
        "hired_on": "2026-11-02",
        "wage": "6500",
        "start_pension": "2026-10",
        "start_unemployment": "2026-11",
        "start_work_injury": "2026-11",
        **changes,
    }


def test_someone_new_is_reviewed_and_then_insured_from_the_months_chosen(
    cast: Cast, now: dt.datetime
) -> None:
    case = file(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.newcomer_number), now)
    assert case.status == Status.IN_REVIEW
    assert not Coverage.objects.exists()
    assert not Person.objects.filter(identity_number=cast.newcomer_number).exists()

    desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=now)

    opened = Coverage.objects.filter(person__identity_number=cast.newcomer_number)
    assert {(one.insurance, str(one.start), one.until, one.employer) for one in opened} == {
        ("pension", "2026-10", None, cast.yongjiang),
        ("unemployment", "2026-11", None, cast.yongjiang),
        ("work_injury", "2026-11", None, cast.yongjiang),
    }
    assert {base.wage_fen for one in opened for base in one.bases.all()} == {650000}
    case.refresh_from_db()
    assert case.subject is not None
    assert case.subject.name == "赵磊"


def test_new_and_resumed_are_told_apart(cast: Cast, now: dt.datetime) -> None:
    kind = {}
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2020-01", "2024-03", at=cast.zhaobao)
    for number in (cast.newcomer_number, cast.wang_fang.identity_number):
        case = file(cast.yongjiang_clerk, "ningbo", CODE, typed(number), now)
        kind[number] = dict(case.facts["summary"])["办理类别"]
    assert kind == {cast.newcomer_number: "新增", cast.wang_fang.identity_number: "续保"}


def test_the_name_of_whom_the_employer_had_is_filled_in(cast: Cast, now: dt.datetime) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2020-01", "2024-03", at=cast.yongjiang)
    application = ask(
        cast.yongjiang_clerk, "ningbo", CODE, typed(cast.wang_fang.identity_number, name=""), now
    )
    assert application.answers["name"] == "王芳"


def test_a_number_alone_tells_nobody_elses_name(cast: Cast, now: dt.datetime) -> None:
    """Whoever is on no list of the employer's is told masked; the clerk states the name, and it is
    compared."""
    number = cast.wang_fang.identity_number
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2020-01", "2024-03", at=cast.zhaobao)
    service = EmployerAddStaff()
    offer = book().city("ningbo").offers[CODE]
    applicant = Applicant.of(cast.yongjiang_clerk)
    known = service.known(offer=offer, applicant=applicant, sought=number, now=now)
    shown = str(desk.form_for(offer=offer, applicant=applicant, known=known, now=now))
    assert "这个号码已有登记（王*）" in shown
    assert cast.wang_fang.name not in shown
    assert PersonLookup.objects.filter(user=cast.yongjiang_clerk, identity_number=number).exists()
    with pytest.raises(desk.NotAccepted) as refusal:
        ask(cast.yongjiang_clerk, "ningbo", CODE, typed(number, name=""), now)
    assert [finding.field for finding in refusal.value.findings] == ["name"]
    assert ask(cast.yongjiang_clerk, "ningbo", CODE, typed(number), now).answers["name"] == "王芳"


@pytest.mark.parametrize("at", ["yongjiang", "zhaobao"])
@pytest.mark.parametrize("name", ["不是王芳的人", "王方"])
def test_a_name_that_is_not_the_numbers_is_refused_and_stays(
    cast: Cast, now: dt.datetime, name: str, at: str
) -> None:
    stated = typed(cast.wang_fang.identity_number, name=name)
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2020-01", "2024-03", at=getattr(cast, at))
    with pytest.raises(desk.NotAccepted) as refusal:
        ask(cast.yongjiang_clerk, "ningbo", CODE, stated, now)
    [finding] = refusal.value.findings
    assert finding.field == "name"
    assert "登记的姓名是“王*”" in finding.why
    assert refusal.value.form is not None
    assert f'value="{name}"' in str(refusal.value.form["name"])


def test_the_name_may_be_spelt_otherwise(cast: Cast, now: dt.datetime) -> None:
    number = cast.wang_fang.identity_number
    Person.objects.filter(identity_number=number).update(name="买买提·艾力")
    assert reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(number, name="买买提•艾力"), now) == {}


def test_the_second_employer_that_names_a_new_number_otherwise_is_barred_at_approval(
    cast: Cast, now: dt.datetime
) -> None:
    only = {"start_unemployment": "", "start_work_injury": ""}
    first = file(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.newcomer_number, **only), now)
    other = {"start_pension": "", "start_unemployment": "", "name": "林大同"}
    second = file(cast.zhaobao_clerk, "ningbo", CODE, typed(cast.newcomer_number, **other), now)
    desk.decide(first, approve=True, by=cast.ningbo_reviewer, now=now)
    with pytest.raises(desk.NotAccepted) as refusal:
        desk.decide(second, approve=True, by=cast.ningbo_reviewer, now=now)
    assert [finding.field for finding in refusal.value.findings] == ["name"]
    assert Person.objects.get(identity_number=cast.newcomer_number).name == "赵磊"
    assert {one.employer for one in Coverage.objects.all()} == {cast.yongjiang}


@pytest.mark.parametrize(
    ("field", "month", "why"),
    [
        ("start_work_injury", "2026-10", "工伤保险只能从2026年11月开始参保"),
        ("start_pension", "2026-09", "选择一个有效的选项"),
        ("start_pension", "2026-12", "选择一个有效的选项"),
    ],
)
def test_other_months_than_the_city_allows_are_refused(
    cast: Cast, now: dt.datetime, field: str, month: str, why: str
) -> None:
    refused = reasons(
        cast.yongjiang_clerk, "ningbo", CODE, typed(cast.newcomer_number, **{field: month}), now
    )
    assert why in refused[field]


def test_the_month_is_chinas_whatever_the_servers_clock_says(cast: Cast) -> None:
    """At 00:30 on 1 December in China it is still November in UTC; October is no longer the
    previous month."""
    refused = reasons(
        cast.yongjiang_clerk, "ningbo", CODE, typed(cast.newcomer_number), moment("2026-12-01 00:30")
    )
    assert "start_pension" in refused


def test_who_still_pays_as_flexible_worker_is_refused_with_what_to_do(cast: Cast, now: dt.datetime) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2025-01", tier="60")
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.li_qiang.identity_number), now)
    assert "仍以灵活就业人员身份在武汉缴费" in refused["identity_number"]
    assert "请先由本人办理“暂停缴费”" in refused["identity_number"]
    assert ways(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.li_qiang.identity_number), now) == {
        "/wuhan/services/flexible-pause/"
    }


def test_a_flexible_worker_who_has_paused_already_is_not_told_to_pause(cast: Cast, now: dt.datetime) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2025-01", "2026-12", tier="60")
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.li_qiang.identity_number), now)
    assert "已办理停保，缴费到2026年11月为止。请在2026年12月再申报" in refused["identity_number"]
    assert "请先由本人" not in refused["identity_number"]


def test_who_has_paused_one_insurance_of_two_is_told_to_pause(cast: Cast, now: dt.datetime) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2025-01", "2026-12", tier="60")
    cover(cast.li_qiang, Insurance.MEDICAL, "wuhan", "2025-01", tier="60")
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.li_qiang.identity_number), now)
    assert "请先由本人办理“暂停缴费”" in refused["identity_number"]


def test_a_flexible_worker_who_has_paused_may_be_added(cast: Cast, now: dt.datetime) -> None:
    cover(cast.li_qiang, Insurance.PENSION, "wuhan", "2025-01", "2026-10", tier="60")
    assert reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.li_qiang.identity_number), now) == {}


def test_another_paper_of_18_digits_is_taken_with_its_kind_and_country(cast: Cast, now: dt.datetime) -> None:
    case = file(cast.yongjiang_clerk, "ningbo", CODE, typed("93184019850101003X"), now)
    assert dict(case.facts["summary"])["证件类型"] == "外国人永久居留身份证，国籍代码 840"


def test_working_age_is_judged_on_the_day_of_hiring(cast: Cast, now: dt.datetime) -> None:
    """Sixteen today, and hired before: the day that it is about is the day of hiring."""
    number = identity_number("330211", "2010-11-17", 1)
    before = typed(number, hired_on="2026-11-16")
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, before, now)
    assert "在用工起始日期（2026-11-16）未满 16 周岁" in refused["identity_number"]
    assert reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(number, hired_on="2026-11-17"), now) == {}


@pytest.mark.parametrize(
    ("born", "order", "post", "why"),
    [
        ("1972-11-01", 2, "", "请选择岗位"),
        ("1972-11-01", 2, "worker", "已达到法定退休年龄（2022年11月）"),
        ("1972-11-01", 2, "management", ""),
        ("1990-01-01", 2, "", ""),
        ("1972-11-01", 1, "", ""),
    ],
)
def test_women_retire_by_their_post(
    cast: Cast, now: dt.datetime, born: str, order: int, post: str, why: str
) -> None:
    number = identity_number("330211", born, order)
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(number, post=post), now)
    assert (why in refused["post"]) if why else refused == {}


def test_what_one_other_employer_still_has_is_told_once(cast: Cast, now: dt.datetime) -> None:
    for insurance in (Insurance.PENSION, Insurance.UNEMPLOYMENT, Insurance.WORK_INJURY):
        cover(cast.wang_fang, insurance, "wuhan", "2025-01", at=cast.donghu)
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.wang_fang.identity_number), now)
    assert list(refused) == ["start_pension"]
    assert "（武汉）的养老保险、失业保险、工伤保险还未停保" in refused["start_pension"]


def test_who_another_employer_insures_is_refused_without_naming_it(cast: Cast, now: dt.datetime) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2025-01", at=cast.zhaobao)
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.wang_fang.identity_number), now)
    assert "其他单位" in refused["start_pension"]
    assert cast.zhaobao.name not in refused["start_pension"]
    assert "start_unemployment" not in refused


def test_whom_another_employer_has_stopped_reads_from_when(cast: Cast, now: dt.datetime) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2025-01", "2026-12", at=cast.zhaobao)
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.wang_fang.identity_number), now)
    assert "已停保，缴费到2026年11月为止。请从2026年12月起参保" in refused["start_pension"]


def test_whose_stop_another_employer_has_filed_waits_for_it(cast: Cast, now: dt.datetime) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2025-01", at=cast.zhaobao)
    standing_case(cast.zhaobao_clerk, service="employer-stop-staff", subject=cast.wang_fang)
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.wang_fang.identity_number), now)
    assert "停保申报正在审核" in refused["start_pension"]
    assert cast.zhaobao.name not in refused["start_pension"]


def test_the_city_is_named_where_the_other_employer_is_in_another(cast: Cast, now: dt.datetime) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "wuhan", "2025-01", at=cast.donghu)
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.wang_fang.identity_number), now)
    assert "在其他单位（武汉）的养老保险还未停保" in refused["start_pension"]


def test_who_is_on_the_staff_already_is_refused(cast: Cast, now: dt.datetime) -> None:
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2025-01", at=cast.yongjiang)
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.wang_fang.identity_number), now)
    assert "已由本单位参加" in refused["start_pension"]


@pytest.mark.parametrize(
    ("born", "order", "allowed"),
    [
        ("2010-11-02", 11, True),
        ("2010-11-03", 11, False),
        ("1967-05-05", 11, True),
        ("1963-01-05", 11, False),
    ],
)
def test_the_law_sets_a_lowest_and_a_highest_age(
    cast: Cast, now: dt.datetime, born: str, order: int, allowed: bool
) -> None:
    number = identity_number("330205", born, order)
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(number, start_pension="2026-11"), now)
    assert (refused == {}) is allowed


def test_at_least_one_insurance_is_chosen(cast: Cast, now: dt.datetime) -> None:
    none = {"start_pension": "", "start_unemployment": "", "start_work_injury": ""}
    refused = reasons(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.newcomer_number, **none), now)
    assert refused == {"start_pension": "请至少选择一个险种的参保月份。"}


def test_medical_is_filed_elsewhere_and_says_where(cast: Cast, now: dt.datetime) -> None:
    case = file(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.newcomer_number), now)
    assert "浙江政务服务网" in dict(case.facts["summary"])["医疗保险"]


def test_approval_applies_the_rule_to_the_facts_of_that_day(cast: Cast, now: dt.datetime) -> None:
    case = file(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.wang_fang.identity_number), now)
    cover(cast.wang_fang, Insurance.PENSION, "ningbo", "2026-10", at=cast.zhaobao)
    with pytest.raises(desk.NotAccepted) as refusal:
        desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=now)
    assert "其他单位" in str(refusal.value)
    case.refresh_from_db()
    assert case.status == Status.IN_REVIEW


def test_approval_next_month_keeps_the_months_that_were_allowed_when_filed(
    cast: Cast, now: dt.datetime
) -> None:
    case = file(cast.yongjiang_clerk, "ningbo", CODE, typed(cast.newcomer_number), now)
    desk.decide(case, approve=True, by=cast.ningbo_reviewer, now=moment("2026-12-03"))
    assert Coverage.objects.get(insurance="pension").start == Month(2026, 10)


def test_wuhan_adds_all_five_insurances_from_the_current_month(cast: Cast, now: dt.datetime) -> None:
    months = {f"start_{insurance}": "2026-11" for insurance in Insurance}
    case = file(cast.donghu_clerk, "wuhan", CODE, typed(cast.newcomer_number, **months), now)
    desk.decide(case, approve=True, by=cast.wuhan_reviewer, now=now)
    assert set(Coverage.objects.values_list("insurance", flat=True)) == set(Insurance)
    assert set(Coverage.objects.values_list("capacity", flat=True)) == {Capacity.EMPLOYEE}


def test_a_person_cannot_file_it(cast: Cast, now: dt.datetime) -> None:
    with pytest.raises(desk.NotAllowed):
        file(cast.wang_fang_login, "ningbo", CODE, typed(cast.newcomer_number), now)
