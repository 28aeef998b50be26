"""What a certificate says equals coverage and ledger, and leaves out what it says it leaves out."""

import json
from typing import Any

import pytest

from certificates.facts import employer_facts, person_facts
from certificates.issuing import facts_digest
from certificates.presenting import contents
from contributions.models import Charge, ChargeStatus
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import Month
from tests.cast import NOW, Cast, cover, moment
from tests.certificates.conftest import INSURANCES

pytestmark = pytest.mark.django_db


def proof(person: Person, **more):
    given = {"city": book().city("ningbo"), "insurances": INSURANCES, "month_count": 12, "now": NOW, **more}
    return person_facts(person, **given)


def test_paid_months_and_sums_equal_the_charges_that_were_paid(insured: Person) -> None:
    facts = proof(insured)
    for insurance in INSURANCES:
        paid = Charge.objects.filter(person=insured, insurance=insurance, status=ChargeStatus.PAID)
        assert facts["totals"][insurance]["paid_months"] == paid.count() == 9
        assert facts["totals"][insurance]["personal_fen"] == sum(one.personal_fen for one in paid)


def test_what_is_not_paid_is_listed_but_left_out_of_the_totals_and_said_so(insured: Person) -> None:
    facts = proof(insured)
    states = {row["month"]: row["cells"]["pension"]["state"] for row in facts["months"]}
    assert states["2026-09"] == "paid"
    assert states["2026-10"] == "owed"
    assert states["2026-11"] == "covered"
    assert facts["totals"]["pension"]["left_out"] == {"owed": 1, "covered": 1}


def test_months_are_counted_back_from_the_current_one_and_newest_first(insured: Person) -> None:
    facts = proof(insured, month_count=3)
    assert facts["period"] == {"start": "2026-09", "until": "2026-12"}
    assert [row["month"] for row in facts["months"]] == ["2026-11", "2026-10", "2026-09"]


def test_the_current_month_is_chinas_when_it_is_still_last_month_in_utc(insured: Person) -> None:
    facts = proof(insured, month_count=1, now=moment("2026-12-01 00:30"))
    assert facts["period"] == {"start": "2026-12", "until": "2027-01"}
    assert facts["as_of"] == "2026-12-01"


def test_everything_begins_with_the_first_month_on_record(insured: Person) -> None:
    assert proof(insured, month_count=None)["period"]["start"] == "2026-01"


def test_only_what_was_chosen_and_only_this_city(cast: Cast, insured: Person) -> None:
    cover(insured, Insurance.MEDICAL, "wuhan", "2026-02", tier="0.6")
    facts = proof(insured, insurances=[Insurance.PENSION, Insurance.MEDICAL])
    assert facts["totals"]["medical"]["paid_months"] == 0
    assert all(set(row["cells"]) == {"pension"} for row in facts["months"])


def test_two_employers_in_turn_are_two_lines_with_their_months(cast: Cast) -> None:
    cover(
        cast.zhang_min, Insurance.PENSION, "ningbo", "2026-01", "2026-06", at=cast.yongjiang, wage_fen=700000
    )
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "2026-06", at=cast.zhaobao, wage_fen=700000)
    facts = proof(cast.zhang_min)
    assert [(one["name"], one["first"], one["last"]) for one in facts["employers"]] == [
        (cast.zhaobao.name, "2026-06", "2026-11"),
        (cast.yongjiang.name, "2026-01", "2026-05"),
    ]
    assert {row["month"]: row["employer"] for row in facts["months"]}["2026-05"] == 2
    assert facts["employers"][0]["credit_code"] == cast.zhaobao.credit_code


def test_status_is_that_of_the_current_month(cast: Cast) -> None:
    cover(
        cast.zhang_min, Insurance.PENSION, "ningbo", "2026-01", "2026-06", at=cast.yongjiang, wage_fen=700000
    )
    cover(cast.zhang_min, Insurance.UNEMPLOYMENT, "ningbo", "2026-03", at=cast.yongjiang, wage_fen=700000)
    assert proof(cast.zhang_min)["status"] == {"unemployment": {"capacity": "employee", "since": "2026-03"}}


def test_an_employers_heads_are_counted_per_insurance_and_once_together(cast: Cast, insured: Person) -> None:
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "2026-11", at=cast.yongjiang, wage_fen=700000)
    cover(cast.li_qiang, Insurance.PENSION, "ningbo", "2026-01", at=cast.zhaobao, wage_fen=700000)
    city = book().city("ningbo")
    facts = employer_facts(
        cast.yongjiang,
        city=city,
        place=city.places[0],
        insurances=INSURANCES,
        month_count=2,
        contact={"name": "周敏", "phone": "13900000101"},
        now=NOW,
    )
    assert facts["months"] == [
        {"month": "2026-11", "people": 2, "counts": {"pension": 2, "unemployment": 1, "work_injury": 1}},
        {"month": "2026-10", "people": 1, "counts": {"pension": 1, "unemployment": 1, "work_injury": 1}},
    ]


def test_heads_at_a_district_are_those_kept_there(cast: Cast, insured: Person) -> None:
    city = book().city("ningbo")
    district = city.districts[0]
    cover(
        cast.zhang_min,
        Insurance.PENSION,
        "ningbo",
        "2026-11",
        at=cast.yongjiang,
        wage_fen=700000,
        district=district.code,
    )
    given: dict[str, Any] = {
        "city": city,
        "insurances": INSURANCES,
        "month_count": 1,
        "contact": {"name": "周敏", "phone": "1"},
        "now": NOW,
    }
    assert employer_facts(cast.yongjiang, place=district, **given)["months"][0]["people"] == 1
    assert employer_facts(cast.yongjiang, place=city.places[0], **given)["months"][0]["people"] == 1


def test_the_digest_is_of_the_content_not_of_its_writing(insured: Person) -> None:
    facts = proof(insured)
    turned = json.loads(json.dumps(dict(reversed(facts.items()))))
    assert facts_digest(turned) == facts_digest(facts)
    turned["months"][2]["cells"]["pension"]["personal_fen"] += 1
    assert facts_digest(turned) != facts_digest(facts)


def test_reading_thirty_years_takes_no_more_queries_than_one(
    cast: Cast, insured: Person, django_assert_max_num_queries
) -> None:
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "1996-12", at=cast.yongjiang, wage_fen=700000)
    with django_assert_max_num_queries(8):
        facts = proof(cast.zhang_min, month_count=None)
    assert len(facts["months"]) == 360
    assert Month.parse(facts["months"][-1]["month"]) == Month(1996, 12)


def test_an_insurance_without_any_record_is_no_empty_column(insured: Person) -> None:
    shown = contents(proof(insured, insurances=[*INSURANCES, Insurance.MEDICAL]))
    assert [column["insurance"] for column in shown["columns"]] == list(INSURANCES)
    assert [line["state"] for line in shown["summary"]] == ["参保中", "参保中", "参保中", "未参保"]
    assert shown["paid_by_employer"] == ["工伤保险"]


def test_what_is_left_out_is_told_together_where_it_is_alike(insured: Person) -> None:
    everywhere = "养老保险、失业保险、工伤保险"
    assert contents(proof(insured))["left_out"] == [
        f"待缴 1 个月（{everywhere}）",
        f"参保 1 个月（{everywhere}）",
    ]
