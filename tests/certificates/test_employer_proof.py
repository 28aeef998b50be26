"""单位参保证明: head counts for the employer that is logged in, and for nobody else."""

from typing import Any

import pytest

from certificates import issuing
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from portal.people.models import Person
from tests.cast import NOW, Cast
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db


def typed(cast: Cast, **more: Any) -> dict[str, Any]:
    return {
        "place": "330200",
        "unit_number": cast.yongjiang.insurance_number,
        "months": "1",
        "contact_name": "周敏",
        "contact_phone": "139 0000 0101",
        **more,
    }


def test_it_is_done_at_once_and_can_be_produced(cast: Cast, insured: Person) -> None:
    case = file(cast.yongjiang_clerk, "ningbo", "employer-proof", typed(cast), NOW)
    certificate = Certificate.objects.get(case=case)
    assert (certificate.kind, certificate.employer) == (CertificateKind.EMPLOYER, cast.yongjiang)
    assert certificate.facts["months"] == [
        {"month": "2026-11", "people": 1, "counts": {"pension": 1, "unemployment": 1, "work_injury": 1}}
    ]
    assert certificate.facts["contact"] == {"name": "周敏", "phone": "13900000101"}
    assert issuing.produce(certificate, now=NOW).startswith(b"%PDF-")


def test_either_number_of_the_employer_will_do_however_it_is_typed(cast: Cast, insured: Person) -> None:
    number = f" {cast.yongjiang.credit_code.lower()} "
    assert (
        reasons(cast.yongjiang_clerk, "ningbo", "employer-proof", typed(cast, unit_number=number), NOW) == {}
    )


def test_another_employers_number_is_refused(cast: Cast, insured: Person) -> None:
    for number in (cast.zhaobao.insurance_number, cast.zhaobao.credit_code):
        found = reasons(
            cast.yongjiang_clerk, "ningbo", "employer-proof", typed(cast, unit_number=number), NOW
        )
        assert "不是本单位" in found["unit_number"]


def test_a_place_where_nobody_is_insured_is_refused(cast: Cast, insured: Person) -> None:
    found = reasons(cast.yongjiang_clerk, "ningbo", "employer-proof", typed(cast, place="330211"), NOW)
    assert "没有参保职工" in found["place"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"contact_phone": "12345"}, "contact_phone"),
        ({"contact_name": ""}, "contact_name"),
        ({"place": "420100"}, "place"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    cast: Cast, insured: Person, more: dict[str, Any], field: str
) -> None:
    assert field in reasons(cast.yongjiang_clerk, "ningbo", "employer-proof", typed(cast, **more), NOW)
