"""What the four cities offer, as their documents say it."""

import datetime as dt

import pytest

from portal.policy.book import Mode, book
from portal.policy.files import NATIONAL, NATIONAL_FILES
from portal.policy.terms.contribution import contribution_terms, insurances
from portal.policy.terms.offers import (
    elsewhere,
    first_medical_terms,
    household_terms,
    is_assumed,
    offered_insurances,
    run_elsewhere,
    start_months,
    stop_months,
)
from portal.policy.terms.proofs import proof_terms
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, month_span

TODAY = dt.date(2026, 11, 30)
PENSION, MEDICAL, UNEMPLOYMENT, WORK_INJURY, MATERNITY = Insurance

OFFERED = {
    ("ningbo", "employer-opening"): ("开办企业全程网上办", Mode.REVIEW),
    ("ningbo", "employer-add-staff"): ("社会保险职工参保登记", Mode.REVIEW),
    ("ningbo", "employer-stop-staff"): ("社会保险职工暂停参保", Mode.REVIEW),
    ("ningbo", "flexible-enroll"): ("灵活就业人员参保登记", Mode.DIRECT),
    ("ningbo", "flexible-pause"): ("灵活就业人员社保中断", Mode.DIRECT),
    ("ningbo", "employer-proof"): ("单位参保证明", Mode.DIRECT),
    ("ningbo", "person-proof"): ("个人参保证明", Mode.DIRECT),
    ("ningbo", "employer-proof-contact"): ("单位参保证明（单位联系人办理）", Mode.DIRECT),
    ("ningbo", "staff-proofs"): ("职工参保证明批量开具", Mode.DIRECT),
    ("ningbo", "pension-history"): ("基本养老历年参保", Mode.DIRECT),
    ("wuhan", "details-change"): ("部分信息变更", Mode.DIRECT),
    ("wuhan", "employer-add-staff"): ("增员", Mode.REVIEW),
    ("wuhan", "employer-stop-staff"): ("减员", Mode.REVIEW),
    ("wuhan", "employer-bases"): ("申报缴费基数", Mode.REVIEW),
    ("wuhan", "appointment"): ("预约办事", Mode.DIRECT),
    ("wuhan", "employer-arrears"): ("补缴社保费", Mode.REVIEW),
    ("wuhan", "flexible-enroll"): ("新参保及接续", Mode.DIRECT),
    ("wuhan", "first-medical-card"): ("首次参加医疗保险制卡申请", Mode.COUNTER),
    ("wuhan", "flexible-pause"): ("暂停缴费", Mode.DIRECT),
    ("wuhan", "pension-tier"): ("养老保险缴费档次变更", Mode.DIRECT),
    ("wuhan", "arrears-pay"): ("历史欠费补缴", Mode.DIRECT),
    ("wuhan", "arrears-write-off"): ("历史欠费注销", Mode.DIRECT),
    ("wuhan", "pension-gap"): ("养老保险中断期补缴", Mode.DIRECT),
    ("wuxi", "arrears-pay"): ("补缴", Mode.DIRECT),
    ("wuxi", "flexible-pay"): ("灵活就业人员缴费", Mode.DIRECT),
    ("wuxi", "payment-receipt"): ("电子票据", Mode.DIRECT),
    ("wuxi", "payment-list"): ("缴费清单", Mode.DIRECT),
    ("wuxi", "payment-dispute"): ("缴费异议", Mode.REVIEW),
    ("wuxi", "card-top-up"): ("社保卡个人账户充值", Mode.DIRECT),
    ("shenzhen", "bank-account"): ("缴费银行信息维护", Mode.MATCH),
    ("shenzhen", "flexible-pay"): ("个缴自助缴费", Mode.DIRECT),
    ("shenzhen", "recollect"): ("个人缴费人员补托收", Mode.DIRECT),
    ("shenzhen", "duplicate-refund"): ("养老保险重复缴费退费", Mode.COUNTER),
    ("shenzhen", "flexible-enroll"): ("个人缴费人员参保登记", Mode.MATCH),
    ("shenzhen", "flexible-pause"): ("个人缴费人员停保", Mode.DIRECT),
    ("shenzhen", "resident-stop"): ("居民停保", Mode.DIRECT),
    ("shenzhen", "resident-resume"): ("居民恢复参保", Mode.DIRECT),
    ("shenzhen", "resident-pension-enroll"): ("居民养老参保登记", Mode.COUNTER),
    ("shenzhen", "resident-tier"): ("居保缴费档次变更", Mode.DIRECT),
    ("shenzhen", "elder-medical"): ("超龄居民老人缴纳医疗保险", Mode.COUNTER),
    ("shenzhen", "retiree-medical"): ("退休后继续缴纳医疗保险", Mode.DIRECT),
    ("shenzhen", "child-stop"): ("少儿停保", Mode.DIRECT),
    ("shenzhen", "student-stop"): ("学生停保", Mode.DIRECT),
    ("shenzhen", "child-first-enroll"): ("深户非在园在校少儿首次参保", Mode.MATCH),
    ("shenzhen", "child-student-upkeep"): ("少儿、学生参保信息维护", Mode.MATCH),
    ("shenzhen", "child-medical-pay"): ("少儿医保缴费", Mode.DIRECT),
    ("shenzhen", "identity-change"): ("个人基本信息变更", Mode.MATCH),
    ("shenzhen", "deferred-contribution"): ("个人延缴登记", Mode.COUNTER),
    ("shenzhen", "seniority-lump-sum"): ("工龄一次性补缴", Mode.COUNTER),
    ("shenzhen", "resident-lump-sum"): ("居民一次性补缴", Mode.COUNTER),
    ("shenzhen", "four-groups-lump-sum"): ("四类人员一次性补缴", Mode.COUNTER),
    ("shenzhen", "lump-sum"): ("个人趸缴登记", Mode.COUNTER),
    ("shenzhen", "id-upgrade"): ("身份证号正常升位", Mode.DIRECT),
    ("shenzhen", "guardian-upkeep"): ("监护人信息维护", Mode.MATCH),
    ("shenzhen", "person-proof"): ("参保证明（表单下载）", Mode.DIRECT),
    ("shenzhen", "pension-out"): ("养老保险关系转出（省内外）", Mode.DIRECT),
    ("shenzhen", "pension-out-cancel"): ("撤销养老保险转出（省内外）", Mode.DIRECT),
    ("shenzhen", "pension-in"): ("养老保险关系转入（省内、省外）", Mode.COUNTER),
    ("shenzhen", "medical-out"): ("医疗保险关系转出", Mode.DIRECT),
    ("shenzhen", "medical-out-cancel"): ("撤销医疗保险关系转出", Mode.DIRECT),
    ("shenzhen", "medical-in"): ("医疗保险关系转入", Mode.COUNTER),
}

MARCH = Month(2026, 3)


def offer(city: str, code: str):
    return book().city(city).offers[code]


def test_cities_stand_in_their_order_with_their_codes():
    assert [(city.slug, city.title, city.code) for city in book().cities] == [
        ("ningbo", "宁波", "330200"),
        ("wuhan", "武汉", "420100"),
        ("wuxi", "无锡", "320200"),
        ("shenzhen", "深圳", "440300"),
    ]


@pytest.mark.parametrize("city", book().cities, ids=lambda city: city.slug)
def test_districts_belong_to_their_city(city):
    assert all(district.code[:4] == city.code[:4] for district in city.districts)
    assert city.places[0].code == city.code
    assert city.places[1:] == city.districts
    assert city.has_district(city.districts[0].code)
    assert not city.has_district("110101")
    assert city.full_title.startswith(city.title)
    assert city.agency.startswith(city.full_title)


def test_zhenhai_is_a_district_of_ningbo():
    assert {district.code: district.title for district in book().city("ningbo").districts}[
        "330211"
    ] == "镇海区"


def test_what_is_offered_by_a_citys_document_is_what_it_names():
    """Titles and modes are data: what no document names says so (``standing: local``), and stands
    in no table here."""
    offered = {
        (city.slug, offer.code): (offer.title, offer.mode)
        for city in book().cities
        for offer in city.offers.values()
        if offer.reference.standing == "seed"
    }
    assert offered == OFFERED


@pytest.mark.parametrize(
    ("city", "code"), [(city.slug, code) for city in book().cities for code in city.offers]
)
def test_every_offer_can_be_found_and_understood(city, code):
    it = offer(city, code)
    assert (it.city, it.code) == (city, code)
    assert it.notice
    assert all(str(sentence.parts[-1]).endswith("。") for sentence in it.notice)
    assert it.search_names
    assert it.reference.standing in ("local", "seed")
    if it.mode is not Mode.DIRECT:
        assert it.days


def test_ningbo_staff_start_in_the_previous_or_the_current_month():
    add = offer("ningbo", "employer-add-staff")
    assert offered_insurances(add) == (PENSION, UNEMPLOYMENT, WORK_INJURY)
    assert start_months(add, PENSION, filed_in=MARCH) == (Month(2026, 2), MARCH)
    assert start_months(add, UNEMPLOYMENT, filed_in=Month(2026, 1)) == (Month(2025, 12), Month(2026, 1))
    assert start_months(add, WORK_INJURY, filed_in=MARCH) == (MARCH,)
    assert not is_assumed(add, "start_months", WORK_INJURY)


def test_ningbo_files_medical_elsewhere():
    for code in ("employer-add-staff", "employer-stop-staff", "flexible-enroll"):
        it = offer("ningbo", code)
        assert [entry.insurance for entry in elsewhere(it)] == [MEDICAL]
        assert "浙江政务服务网" in elsewhere(it)[0].where
        assert start_months(it, MEDICAL, filed_in=MARCH) == stop_months(it, MEDICAL, filed_in=MARCH) == ()
    assert elsewhere(offer("wuhan", "employer-add-staff")) == ()


def test_proofs_name_only_what_the_agency_runs_and_the_rest_is_asked_for_elsewhere():
    for city in book().cities:
        priced = {name.partition("_")[2] for name in book().names(city.slug) if name.startswith("employee_")}
        asked = {str(one.insurance) for one in run_elsewhere(book(), city=city.slug, on=TODAY)}
        assert priced | asked == {str(insurance) for insurance in Insurance}
        assert not priced & asked
        for offer in city.offers.values():
            assert {str(one) for one in offer.options.get("proof", {}).get("insurances", ())} <= priced
    assert {one.where for one in run_elsewhere(book(), city="ningbo", on=TODAY)} == {
        "医疗保障部门（浙江政务服务网医保入口）"
    }


def test_ningbo_staff_stop_in_the_previous_or_the_current_month():
    stop = offer("ningbo", "employer-stop-staff")
    assert stop_months(stop, PENSION, filed_in=MARCH) == (Month(2026, 2), MARCH)
    assert stop_months(stop, UNEMPLOYMENT, filed_in=MARCH) == (Month(2026, 2), MARCH)
    assert stop_months(stop, WORK_INJURY, filed_in=MARCH) == (MARCH,)
    assert not is_assumed(stop, "stop_months", PENSION)
    assert is_assumed(stop, "stop_months", WORK_INJURY)
    assert start_months(stop, PENSION, filed_in=MARCH) == ()


def test_ningbo_has_one_entrance_for_flexible_workers_by_household():
    enroll, pause = offer("ningbo", "flexible-enroll"), offer("ningbo", "flexible-pause")
    assert enroll.options["entrance_with"] == pause.code
    assert pause.options["entrance_with"] == enroll.code
    assert enroll.options["site"] == pause.options["site"] == "household"
    assert stop_months(pause, PENSION, filed_in=MARCH) == (Month(2026, 2), MARCH)


def test_ningbo_proofs_need_no_site():
    for code in ("employer-proof", "person-proof"):
        assert offer("ningbo", code).options["site"] == "any"
    proof = proof_terms(offer("ningbo", "person-proof"))
    assert proof.insurances == (PENSION, UNEMPLOYMENT, WORK_INJURY)
    assert proof.month_counts == tuple(sorted(proof.month_counts))
    assert proof_terms(offer("ningbo", "employer-proof")).month_counts == ()


def test_wuhan_staff_papers_are_brought_by_the_20th():
    for code in ("employer-add-staff", "employer-stop-staff"):
        it = offer("wuhan", code)
        assert it.papers_by_day == 20
        assert it.papers
        assert not any(paper.upload for paper in it.papers)
        assert offered_insurances(it) == tuple(Insurance)


def test_wuhan_flexible_workers_pay_from_next_month():
    enroll = offer("wuhan", "flexible-enroll")
    assert offered_insurances(enroll) == (PENSION, MEDICAL)
    assert start_months(enroll, PENSION, filed_in=Month(2025, 12)) == (Month(2026, 1),)
    assert not is_assumed(enroll, "start_months", PENSION)
    assert stop_months(offer("wuhan", "flexible-pause"), PENSION, filed_in=MARCH) == (Month(2026, 4),)


def test_wuhan_first_medical_enrolment_needs_a_photo_and_a_card_by_the_20th():
    enroll = offer("wuhan", "flexible-enroll")
    first = first_medical_terms(enroll)
    assert first is not None
    assert (first.photo, first.card_by_day) == (True, 20)
    (photo,) = enroll.papers
    assert (photo.kind, photo.upload, photo.required_when) == ("photo", True, "first-medical")
    assert first_medical_terms(offer("ningbo", "flexible-enroll")) is None


def test_shenzhen_compares_the_household_of_adults():
    enroll = offer("shenzhen", "flexible-enroll")
    household = household_terms(enroll)
    assert household is not None
    assert (household.city, household.compare, household.min_age) == (book().city("shenzhen").code, True, 18)
    assert household_terms(offer("wuhan", "flexible-enroll")) is None


def test_shenzhen_enrols_in_the_same_month_in_pension_and_medical_tier_one_or_two():
    enroll = offer("shenzhen", "flexible-enroll")
    assert offered_insurances(enroll) == (PENSION, MEDICAL)
    assert start_months(enroll, MEDICAL, filed_in=MARCH) == (MARCH,)
    medical = contribution_terms(
        book(), city="shenzhen", capacity=Capacity.FLEXIBLE, insurance=MEDICAL, month=MARCH
    )
    assert [tier.title for tier in medical.tiers] == ["一档", "二档"]


CAPACITY_OF = {
    "employer-add-staff": Capacity.EMPLOYEE,
    "employer-stop-staff": Capacity.EMPLOYEE,
    "flexible-enroll": Capacity.FLEXIBLE,
    "flexible-pause": Capacity.FLEXIBLE,
}


@pytest.mark.parametrize(("city", "code"), [key for key in OFFERED if key[1] in CAPACITY_OF])
def test_whatever_can_be_enrolled_can_be_priced(city, code):
    for month in month_span(Month(2025, 1), Month(2027, 6)):
        priced = insurances(book(), city=city, capacity=CAPACITY_OF[code], month=month)
        assert set(offered_insurances(offer(city, code))) <= set(priced)


@pytest.mark.parametrize("city", book().cities, ids=lambda city: city.slug)
def test_example_figures_are_marked_and_say_what_is_assumed(city):
    for name in book().names(city.slug):
        for leaf in book().history(city.slug, name):
            if leaf.reference.illustrative:
                assert leaf.reference.note, leaf.path


def test_figures_of_the_documents_are_not_marked_as_examples():
    today = dt.date(2026, 3, 1)
    assert book().leaf("wuxi", "flexible_pension", today).reference.mark == ""
    assert book().leaf("wuhan", "flexible_pension", today).reference.mark == "起始日期为推定"
    assert book().leaf("wuhan", "flexible_medical", today).reference.mark == "示例值"
    assert book().leaf("shenzhen", "flexible_medical", today).reference.mark == "示例值"


def test_the_nation_has_every_rule_and_no_example():
    assert set(book().names(NATIONAL)) == set(NATIONAL_FILES)
    for name in book().names(NATIONAL):
        for leaf in book().history(NATIONAL, name):
            # What is not yet held against its document says so on the screen.
            assert leaf.reference.standing == "public" or leaf.reference.mark, leaf.path
