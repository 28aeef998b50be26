"""A bank or a school verifies proofs over the signed API."""

import hashlib

import pytest
from django.urls import reverse

from certificates import issuing, limits
from certificates.codes import last_four
from certificates.models import Certificate, Result, VerificationLog, Way
from portal.partners.models import Scope
from tests.cast import NOW, Cast
from tests.conftest import Clock
from tests.partners.calling import Caller, partner_called

pytestmark = pytest.mark.django_db

CODE, DIGEST, FILE = (reverse(f"api-proof-by-{what}") for what in ("code", "digest", "file"))


@pytest.fixture
def school(clock: Clock) -> Caller:
    return partner_called("ningbo-school", name="宁波示例学校", cities=["ningbo"], scopes=[Scope.PROOFS])


def test_by_code_by_digest_and_by_file(school: Caller, certificate: Certificate, document: bytes) -> None:
    asked = {"code": certificate.grouped_code.lower(), "last_four": last_four(certificate.facts)}
    answers = [
        school.post(CODE, asked),
        school.post(DIGEST, {"digest": hashlib.sha256(document).hexdigest()}),
        school.post(FILE, document, content_type="application/pdf"),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.content
        told = answer.json()
        assert (told["result"], told["serial_number"]) == ("valid", certificate.serial_number)
        assert {check["passed"] for check in told["checks"]} == {True}
        assert {"label": "姓名", "value": "王*"} in told["shown"]
        assert told["facts"]["months"] == certificate.facts["months"]
        assert told["facts"]["totals"] == certificate.facts["totals"]
        assert certificate.facts["person"]["identity_number"] not in answer.content.decode()
    noted = VerificationLog.objects.values_list("way", "result", "asker")
    assert list(noted) == [(Way.API, Result.VALID, "宁波示例学校")] * 3


def test_what_is_wrong_is_said(school: Caller, cast: Cast, certificate: Certificate, document: bytes) -> None:
    right = last_four(certificate.facts)
    wrong = [
        school.post(CODE, {"code": code, "last_four": ending}).json()
        for code, ending in ((certificate.code, "9999"), ("7" * 28, right))
    ]
    assert wrong[0] == wrong[1]
    assert (wrong[0]["result"], wrong[0]["serial_number"]) == ("unknown", None)
    altered = school.post(FILE, document + b"\n", content_type="application/pdf").json()
    assert (altered["result"], altered["facts"]) == ("altered", None)
    assert school.post(DIGEST, {"digest": "0" * 64}).json()["result"] == "unknown"
    issuing.revoke(certificate, by=cast.ningbo_reviewer, reason="有误", now=NOW)
    told = school.post(CODE, {"code": certificate.code, "last_four": right}).json()
    assert told["result"] == "revoked"
    assert "有误" not in str(told)


def test_what_cannot_be_judged_is_refused(school: Caller) -> None:
    for path, body in (
        (CODE, {"code": "1234", "last_four": "1234"}),
        (CODE, {"code": "7" * 28, "last_four": "1"}),
        (DIGEST, {"digest": "x" * 64}),
    ):
        answer = school.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "not_verifiable")
    assert school.post(CODE, {"code": "7" * 28}).json()["code"] == "invalid"
    answer = school.post(FILE, b"hello", content_type="application/pdf")
    assert (answer.status_code, answer.json()["code"]) == (422, "not_verifiable")
    assert school.post(FILE, {"file": "x"}).status_code == 415


def test_endings_are_not_guessed(school: Caller, certificate: Certificate) -> None:
    for guess in range(limits.WRONG_ENDINGS):
        asked = {"code": certificate.code, "last_four": f"{guess:04}"}
        assert school.post(CODE, asked).status_code == 200
    asked = {"code": certificate.code, "last_four": last_four(certificate.facts)}
    answer = school.post(CODE, asked)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_tries")


def test_only_by_the_scope_of_proofs_and_signed(
    school: Caller, certificate: Certificate, document: bytes
) -> None:
    bank = partner_called("ningbo-bank", name="宁波示例银行", cities=["ningbo"], scopes=[Scope.ORDERS])
    digest = {"digest": hashlib.sha256(document).hexdigest()}
    assert bank.post(DIGEST, digest).status_code == 403
    assert bank.client.post(DIGEST, digest, content_type="application/json").status_code == 401
    assert not VerificationLog.objects.exists()
