"""The verdict comes before the form: who cannot file whatever they answer reads why, and what to
do, in the description."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.catalogue import offers
from portal.hall.models import Case, Draft
from portal.hall.service import Applicant, Audience
from portal.policy.book import book
from portal.shared.insurance import Capacity, Insurance
from tests.cast import NOW, Cast, cover
from tests.conftest import Clock
from tests.web.conftest import ENROL_WUHAN, file_case, signed_in

pytestmark = pytest.mark.django_db

PENSION, MEDICAL = Insurance.PENSION, Insurance.MEDICAL


def barred(login: User, city: str, code: str) -> str:
    """What the desk says beforehand, in one text."""
    found = desk.beforehand(offer=book().city(city).offers[code], applicant=Applicant.of(login), now=NOW)
    return " ".join(str(bar.why) for bar in found)


def test_the_description_says_why_and_what_to_do_and_leads_to_no_form(cast: Cast, clock: Clock) -> None:
    cover(cast.wang_fang, PENSION, "ningbo", "2026-01", at=cast.yongjiang)
    browser = signed_in(cast.wang_fang_login)
    page = browser.get("/ningbo/services/flexible-enroll/").content.decode()
    assert "您现在不能办理此事项" in page
    assert '您可以查看<a href="/record/">“参保缴费记录”</a>。离职后请先由单位办理停保。' in page
    assert "开始申报" not in page
    form = browser.get("/ningbo/services/flexible-enroll/apply/").content.decode()
    assert "目前不能办理" in form
    assert 'name="tier_pension"' not in form
    assert "处需要修改" not in form


def test_who_sends_the_form_all_the_same_is_told_that_and_nothing_of_mending(
    cast: Cast, clock: Clock
) -> None:
    cover(cast.li_qiang, PENSION, "wuhan", "2026-01", at=cast.donghu)
    sent = signed_in(cast.li_qiang_login).post(
        f"{ENROL_WUHAN}apply/", {"tier_pension": "60", "phone": "13800000002", "action": "next"}
    )
    page = sent.content.decode()
    assert "您由单位参保" in page
    assert "处需要修改" not in page
    assert not Case.objects.exists()


def test_who_may_file_sees_no_verdict(cast: Cast, clock: Clock) -> None:
    page = signed_in(cast.li_qiang_login).get(ENROL_WUHAN).content.decode()
    assert "您现在不能办理此事项" not in page
    assert "开始申报" in page


def test_a_stranger_reads_the_description_without_a_verdict(client: Client) -> None:
    assert "您现在不能办理" not in client.get(ENROL_WUHAN).content.decode()


def test_a_draft_that_leads_nowhere_can_be_given_up_there(cast: Cast, clock: Clock) -> None:
    browser = signed_in(cast.li_qiang_login)
    browser.post(f"{ENROL_WUHAN}apply/", {"tier_pension": "60", "phone": "13800000002", "action": "save"})
    cover(cast.li_qiang, PENSION, "wuhan", "2026-01", at=cast.donghu)
    page = browser.get(ENROL_WUHAN).content.decode()
    assert "放弃草稿" in page
    assert ">继续填写<" not in page
    browser.post(f"{ENROL_WUHAN}apply/", {"action": "discard", "confirmed": "1"})
    assert not Draft.objects.exists()


class TestEnrolling:
    def test_one_insurance_of_two_is_shown_with_its_reason_and_the_other_is_open(
        self, cast: Cast, clock: Clock
    ) -> None:
        cover(cast.li_qiang, PENSION, "wuhan", "2026-01", tier="60")
        browser = signed_in(cast.li_qiang_login)
        assert barred(cast.li_qiang_login, "wuhan", "flexible-enroll") == ""
        page = browser.get(f"{ENROL_WUHAN}apply/").content.decode()
        assert page.count("您已在武汉参加养老保险，不需要重复参保。") > 0
        sent = browser.post(
            f"{ENROL_WUHAN}apply/",
            {
                "tier_pension": "60",
                "tier_medical": "60",
                "account_number": "6217975200011112225",
                "phone": "13800000002",
                "action": "next",
            },
        )
        assert "tier_pension" in sent.context["form"].errors

    def test_both_are_barred(self, cast: Cast) -> None:
        cover(cast.li_qiang, PENSION, "wuhan", "2026-01", tier="60")
        cover(cast.li_qiang, MEDICAL, "wuhan", "2026-01", tier="60")
        said = barred(cast.li_qiang_login, "wuhan", "flexible-enroll")
        assert "您已在武汉参加养老保险" in said
        assert "您已在武汉参加医疗保险" in said

    def test_who_has_stopped_already_reads_from_when(self, cast: Cast) -> None:
        cover(cast.wang_fang, PENSION, "ningbo", "2026-01", "2026-12", at=cast.yongjiang)
        said = barred(cast.wang_fang_login, "ningbo", "flexible-enroll")
        assert "单位已办理停保，缴费到2026年11月为止。请从2026年12月起再来办理" in said
        assert "请先由单位办理停保" not in said

    def test_whose_stop_is_under_review_reads_that(self, cast: Cast, make_case: Callable[..., Case]) -> None:
        cover(cast.wang_fang, PENSION, "ningbo", "2026-01", at=cast.yongjiang)
        make_case(cast.yongjiang_clerk, service="employer-stop-staff", subject=cast.wang_fang)
        said = barred(cast.wang_fang_login, "ningbo", "flexible-enroll")
        assert "停保申报正在审核" in said

    def test_retired(self, cast: Cast) -> None:
        cast.li_qiang.archive_birth_date = "1960-01-01"
        cast.li_qiang.save()
        cast.li_qiang.refresh_from_db()
        assert "已达到法定退休年龄" in barred(cast.li_qiang_login, "wuhan", "flexible-enroll")


class TestPausing:
    def test_employed(self, cast: Cast) -> None:
        cover(cast.wang_fang, PENSION, "wuhan", "2026-01", at=cast.donghu)
        assert "停保由所在单位申报" in barred(cast.wang_fang_login, "wuhan", "flexible-pause")

    def test_not_insured(self, cast: Cast) -> None:
        assert "不需要暂停缴费" in barred(cast.wang_fang_login, "wuhan", "flexible-pause")


@pytest.mark.parametrize(
    ("city", "code", "words"),
    [
        ("wuhan", "pension-tier", "请办理“新参保及接续”"),
        ("wuxi", "flexible-pay", "请先到参保地社会保险经办机构窗口办理“灵活就业人员参保登记”"),
        ("shenzhen", "flexible-pay", "请先办理“个人缴费人员参保登记”"),
        ("wuhan", "arrears-pay", "不需要补缴"),
        ("wuhan", "arrears-write-off", "不需要注销"),
        ("wuhan", "pension-gap", "请先办理“新参保及接续”"),
        ("shenzhen", "recollect", "没有托收失败"),
        ("shenzhen", "duplicate-refund", "没有查到"),
        ("wuxi", "card-top-up", "没有查到您的社会保障卡"),
        ("wuxi", "payment-dispute", "不需要提出异议"),
        ("ningbo", "person-proof", "没有内容可以证明"),
        ("ningbo", "pension-history", "没有内容可以证明"),
        ("wuxi", "payment-receipt", "没有内容可以开具"),
        ("wuxi", "payment-list", "没有内容可以开具"),
        ("wuhan", "pension-out", "没有可以转移的养老保险缴费月份"),
        ("wuhan", "pension-out-cancel", "不需要撤销"),
        ("wuhan", "pension-in", "请先在武汉参保"),
        ("wuhan", "medical-in", "自己缴费的，请办理“新参保及接续”"),
    ],
)
def test_whoever_has_nothing_here_reads_it_first(cast: Cast, city: str, code: str, words: str) -> None:
    assert words in barred(cast.wang_fang_login, city, code)


def test_a_proof_of_another_city_is_shown_the_way_there(cast: Cast) -> None:
    cover(cast.wang_fang, PENSION, "ningbo", "2026-01", at=cast.yongjiang)
    said = barred(cast.wang_fang_login, "shenzhen", "person-proof")
    assert said == "您在深圳没有参保缴费记录，没有内容可以证明。您在宁波参保，请在宁波办理“个人参保证明”。"


def test_a_case_under_way_is_linked(cast: Cast, make_case: Callable[..., Case]) -> None:
    case = make_case(cast.wang_fang_login, city="shenzhen", service="pension-in", subject=cast.wang_fang)
    assert case.number in barred(cast.wang_fang_login, "shenzhen", "pension-in")


def test_another_persons_case_bars_nobody(cast: Cast, make_case: Callable[..., Case]) -> None:
    case = make_case(cast.li_qiang_login, city="shenzhen", service="pension-in", subject=cast.li_qiang)
    assert case.number not in barred(cast.wang_fang_login, "shenzhen", "pension-in")


def test_after_enrolling_the_way_back_leads_to_the_receipt(cast: Cast, clock: Clock) -> None:
    browser = signed_in(cast.wang_fang_login)
    at = "/ningbo/services/flexible-enroll/"
    case = file_case(browser, at, {"district": "330211", "tier_pension": "60", "phone": "13800000001"})
    for step in ("apply/", "materials/"):
        back = browser.get(f"{at}{step}", follow=True)
        assert back.request["PATH_INFO"] == f"/cases/{case.number}/receipt/"
        assert "已经办结，办理结果在这里" in back.content.decode()
    Case.objects.filter(pk=case.pk).update(submitted_at="2026-11-01T00:00:00Z")
    assert browser.get(f"{at}apply/")["Location"] == "/ningbo/services/flexible-pause/"


def everyone(cast: Cast) -> list[User]:
    """Somebody who is insured in each way, and somebody who is not at all."""
    cover(cast.wang_fang, PENSION, "ningbo", "2026-01", at=cast.yongjiang)
    cover(cast.li_qiang, PENSION, "wuhan", "2026-01", tier="60")
    cover(cast.li_qiang, MEDICAL, "wuhan", "2026-01", tier="60")
    Coverage.objects.create(
        person=cast.chen_jing,
        insurance=PENSION,
        capacity=Capacity.RETIREE,
        city="shenzhen",
        start="2026-01-01",
        created_at=NOW,
    )
    return [cast.wang_fang_login, cast.li_qiang_login, cast.chen_jing_login]


def test_every_service_has_a_page_for_everyone_and_never_a_verdict_with_a_form(
    cast: Cast, clock: Clock
) -> None:
    """Each person at each service: the description answers, and so does its form; they agree."""
    for login in everyone(cast):
        browser = signed_in(login)
        for offer, service in offers():
            if service.audience != Audience.PERSON:
                continue
            at = f"/{offer.city}/services/{offer.code}/"
            described: Any = browser.get(at, follow=True)
            assert described.status_code == 200, at
            form: Any = browser.get(f"{at}apply/", follow=True)
            assert form.status_code == 200, at
            if form.request["PATH_INFO"] == f"{at}apply/" and described.request["PATH_INFO"] == at:
                assert bool(described.context["barred"]) == bool(form.context["barred"]), at
