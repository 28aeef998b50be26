"""The holder's pages: who verified a proof, and taking it back."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from certificates import issuing, verifying_files
from certificates.facts import employer_facts
from certificates.kinds import CertificateKind
from certificates.models import Certificate, Result, Status, VerificationLog, Way
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.insurance import Insurance
from tests.cast import NOW, Cast
from tests.certificates.standing_certificate import cast, certificate, insured, issued_once
from tests.certificates.test_pages import page, signed_in
from tests.conftest import Clock

__all__ = ["cast", "certificate", "insured", "issued_once"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def taking_back(certificate: Certificate) -> str:
    return reverse("certificate-take-back", args=[certificate.serial_number])


@pytest.fixture
def of_employer(cast: Cast, insured: Person) -> Certificate:
    city = book().city("ningbo")
    facts = employer_facts(
        cast.yongjiang,
        city=city,
        place=city.places[0],
        insurances=[Insurance.PENSION],
        month_count=1,
        contact={"name": "周敏", "phone": "13900000101"},
        now=NOW,
    )
    made = issuing.freeze(
        kind=CertificateKind.EMPLOYER,
        city="ningbo",
        employer=cast.yongjiang,
        facts=facts,
        by=cast.yongjiang_clerk,
        now=NOW,
    )
    issuing.produce(made, now=NOW)
    made.refresh_from_db()
    return made


def test_the_holder_sees_when_and_how_it_was_verified_and_what_was_answered(
    cast: Cast, certificate: Certificate
) -> None:
    client = signed_in(cast.wang_fang_login)
    assert "还没有人核验过" in client.get(page(certificate)).content.decode()
    VerificationLog.objects.create(at=NOW, way=Way.CODE, result=Result.VALID, certificate=certificate)
    VerificationLog.objects.create(at=NOW, way=Way.FILE, result=Result.ALTERED, certificate=certificate)
    shown = client.get(page(certificate)).content.decode()
    assert "共核验 2 次" in shown
    for said in ("上传文件", "已被改动", "真实有效"):
        assert said in shown
    assert "2 次" in client.get(reverse("proofs")).content.decode()


def test_the_holder_takes_a_proof_back_after_a_second_look(cast: Cast, certificate: Certificate) -> None:
    client = signed_in(cast.wang_fang_login)
    assert taking_back(certificate) in client.get(page(certificate)).content.decode()
    asked = client.get(taking_back(certificate)).content.decode()
    assert "确认撤销这份证明" in asked
    assert "不能恢复" in asked
    certificate.refresh_from_db()
    assert certificate.status == Status.ISSUED
    response = client.post(taking_back(certificate), follow=True)
    assert "已撤销" in response.content.decode()
    assert "持有人已于" in response.content.decode()
    certificate.refresh_from_db()
    assert (certificate.status, certificate.revoked_by) == (Status.REVOKED, cast.wang_fang_login)
    again = client.post(taking_back(certificate), follow=True).content.decode()
    assert "不能自行撤销" in again


def test_whoever_verifies_it_then_learns_that_it_was_revoked(cast: Cast, certificate: Certificate) -> None:
    document = issuing.produce(certificate, now=NOW)
    signed_in(cast.wang_fang_login).post(taking_back(certificate))
    assert verifying_files.verify_pdf(document, now=NOW).result == Result.REVOKED


def test_nobody_else_takes_it_back(cast: Cast, certificate: Certificate) -> None:
    for other in (cast.li_qiang_login, cast.yongjiang_clerk, cast.ningbo_reviewer):
        assert signed_in(other).post(taking_back(certificate)).status_code == 404
    certificate.refresh_from_db()
    assert certificate.status == Status.ISSUED


def test_an_employers_clerk_takes_the_employers_back(cast: Cast, of_employer: Certificate) -> None:
    assert signed_in(cast.zhaobao_clerk).post(taking_back(of_employer)).status_code == 404
    signed_in(cast.yongjiang_clerk).post(taking_back(of_employer))
    of_employer.refresh_from_db()
    assert of_employer.status == Status.REVOKED


def test_an_ended_one_is_said_to_have_ended(
    cast: Cast, frozen: Callable[..., Certificate], clock: Clock
) -> None:
    certificate = frozen(valid_until=NOW.date())
    client = signed_in(cast.wang_fang_login)
    assert "证明已出具" in client.get(page(certificate)).content.decode()
    clock.step(days=1)
    client = signed_in(cast.wang_fang_login)
    assert "已过有效期" in client.get(page(certificate)).content.decode()
    assert "已过期" in client.get(reverse("proofs")).content.decode()


def test_the_list_asks_the_database_alike_for_one_and_for_many(
    cast: Cast, frozen: Callable[..., Certificate], client: Client, django_assert_max_num_queries
) -> None:
    for _count in range(6):
        frozen()
    client = signed_in(cast.wang_fang_login)
    with django_assert_max_num_queries(12):
        assert client.get(reverse("proofs")).status_code == 200


def test_the_page_printed_by_mistake_says_that_it_is_no_proof(cast: Cast, certificate: Certificate) -> None:
    shown = signed_in(cast.wang_fang_login).get(page(certificate)).content.decode()
    assert '<p class="print-note">本页不是证明' in shown
    opened = reverse("certificate-download", args=[certificate.serial_number]) + "?open"
    assert f'href="{opened}"' in shown
