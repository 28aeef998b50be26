"""A proof for one purpose: it tells what was chosen and no more, for whom, and until when."""

import json
from typing import Any

import pytest

from certificates import issuing
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from contributions.audit.looking import audit
from portal.people.models import Person
from tests.cast import NOW, Cast, moment
from tests.certificates.test_audit import triggers_off
from tests.certificates.test_rendering import text_of
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

TYPED = {"months": "12", "insurances": ["pension", "unemployment"]}


def made(cast: Cast, **more: Any) -> Certificate:
    return Certificate.objects.get(
        case=file(cast.wang_fang_login, "ningbo", "person-proof", {**TYPED, **more}, NOW)
    )


def refused(cast: Cast, **more: Any) -> dict[str, str]:
    return reasons(cast.wang_fang_login, "ningbo", "person-proof", {**TYPED, **more}, NOW)


def test_it_prints_for_whom_for_what_and_until_when(cast: Cast, insured: Person) -> None:
    certificate = made(
        cast, recipient="  宁波银行 鄞州支行 ", purpose="贷款申请", valid_days="30", reveal="months"
    )
    assert str(certificate.valid_until) == "2026-12-17"
    assert certificate.facts["use"] == {
        "recipient": "宁波银行 鄞州支行",
        "purpose": "贷款申请",
        "valid_until": "2026-12-17",
    }
    text = text_of(issuing.produce(certificate, now=NOW))
    for said in ("宁波银行 鄞州支行", "贷款申请", "2026年12月17日", "由申请人填写"):
        assert said in text


def test_what_was_not_said_is_not_printed_and_it_ends_as_the_city_proposes(
    cast: Cast, insured: Person
) -> None:
    certificate = made(cast)
    assert certificate.facts["use"] == {"valid_until": "2027-02-15"}
    text = text_of(issuing.produce(certificate, now=NOW))
    assert "2027年2月15日" in text
    assert "出具给" not in text
    assert "用途" not in text


def test_the_last_day_is_counted_in_china(cast: Cast, insured: Person) -> None:
    case = file(
        cast.wang_fang_login,
        "ningbo",
        "person-proof",
        {**TYPED, "valid_days": "30"},
        moment("2026-12-01 00:30"),
    )
    assert str(Certificate.objects.get(case=case).valid_until) == "2026-12-31"


def test_months_alone_hold_no_base_and_no_sum_anywhere(cast: Cast, insured: Person) -> None:
    facts = made(cast, reveal="months").facts
    assert facts["totals"]["pension"] == {"paid_months": 9, "left_out": {"owed": 1, "covered": 1}}
    assert all(set(cell) == {"state"} for row in facts["months"] for cell in row["cells"].values())
    text = json.dumps(facts)
    assert "_fen" not in text
    assert "base" not in text
    document = text_of(issuing.produce(made(cast, reveal="months"), now=NOW))
    assert "缴费基数" not in document.replace("不载明缴费基数", "")
    assert "8,000.00" not in document
    assert "已缴" in document


def test_employers_are_left_out_on_request(cast: Cast, insured: Person) -> None:
    certificate = made(cast, hide_employers="on")
    assert cast.yongjiang.name not in json.dumps(certificate.facts, ensure_ascii=False)
    text = text_of(issuing.produce(certificate, now=NOW))
    assert "甬江" not in text
    assert "8,000.00" in text
    assert "不载明参保单位" in text


def test_at_least_so_many_months_is_one_sentence_and_the_register_knows_no_more(
    cast: Cast, insured: Person
) -> None:
    certificate = made(cast, reveal="at_least", at_least="6", hide_employers="on")
    assert set(certificate.facts) == {
        "schema",
        "agency",
        "city",
        "as_of",
        "frozen_at",
        "person",
        "insurances",
        "asked_elsewhere",
        "reveals",
        "use",
        "period",
        "at_least",
    }
    text = text_of(issuing.produce(certificate, now=NOW))
    assert "各险种均已缴费不少于 6 个月" in text.replace("\n", "")
    assert "12 个月" in text
    for never in ("甬江", "已缴月数", " 9 ", "2026-09"):
        assert never not in text


def test_a_minimum_that_is_not_reached_is_not_certified(cast: Cast, insured: Person) -> None:
    assert refused(cast, reveal="at_least", at_least="9") == {}
    found = refused(cast, reveal="at_least", at_least="10")
    assert "已缴 9 个月，不足 10 个月" in found["at_least"]


@pytest.mark.parametrize(
    ("more", "field", "why"),
    [
        ({"reveal": "at_least"}, "at_least", "请填写至少缴满几个月"),
        ({"reveal": "at_least", "at_least": "0"}, "at_least", "大于或等于"),
        ({"reveal": "at_least", "at_least": "13"}, "at_least", "不会缴满更多"),
        ({"reveal": "at_least", "at_least": "3", "months": "all"}, "months", "不能选全部月份"),
        ({"reveal": "everything"}, "reveal", "everything"),
        ({"purpose": "到月球去"}, "purpose", "到月球去"),
        ({"valid_days": "3650"}, "valid_days", "3650"),
        ({"recipient": "某" * 61}, "recipient", "60"),
    ],
)
def test_what_cannot_be_chosen_is_said_beside_the_field(
    cast: Cast, insured: Person, more: dict[str, Any], field: str, why: str
) -> None:
    assert why in refused(cast, **more)[field]


def test_what_is_typed_for_another_choice_does_not_stand_in_the_way(cast: Cast, insured: Person) -> None:
    assert refused(cast, reveal="all", at_least="-5") == {}


def test_the_audit_finds_a_minimum_that_the_ledger_does_not_bear(cast: Cast, insured: Person) -> None:
    certificate = made(cast, reveal="at_least", at_least="9")

    def found() -> tuple[str, ...]:
        [finding] = [one for one in audit() if one.number == 11]
        return finding.examples

    assert found() == ()
    facts = {**certificate.facts, "at_least": 10}
    with triggers_off():
        Certificate.objects.filter(pk=certificate.pk).update(
            facts=facts, facts_digest=issuing.facts_digest(facts)
        )
    assert "证明不少于 10 个月，账上为 9 个月" in found()[0]


def test_certificates_of_the_first_schema_are_still_read(cast: Cast, insured: Person) -> None:
    old = {
        **{name: made(cast).facts[name] for name in ("agency", "city", "as_of", "frozen_at", "person")},
        "schema": "person-proof/1",
        "period": {"start": "2026-09", "until": "2026-10"},
        "insurances": ["pension", "work_injury"],
        "status": {"pension": {"capacity": "employee", "since": "2026-01"}},
        "months": [
            {
                "month": "2026-09",
                "employer": 1,
                "cells": {
                    "pension": {
                        "base": "8000",
                        "personal_fen": 64000,
                        "employer_fen": 128000,
                        "state": "paid",
                    },
                    "work_injury": {
                        "base": "8000",
                        "personal_fen": 0,
                        "employer_fen": 1600,
                        "state": "paid",
                    },
                },
            }
        ],
        "employers": [{"name": "甬江", "credit_code": "x", "first": "2026-09", "last": "2026-09"}],
        "totals": {
            name: {"paid_months": 1, "personal_fen": fen, "left_out": {}}
            for name, fen in (("pension", 64000), ("work_injury", 0))
        },
    }
    certificate = issuing.freeze(
        kind=CertificateKind.PERSON,
        city="ningbo",
        facts=old,
        person=insured,
        by=cast.wang_fang_login,
        now=NOW,
    )
    text = text_of(issuing.produce(certificate, now=NOW))
    assert "640.00" in text
    assert "工伤保险个人不缴费" in text
