"""The holder's pages, public verification, and the register in the workbench: who sees what."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from certificates import issuing, limits
from certificates.models import Certificate, Status, Way
from portal.accounts.models import User
from portal.accounts.permissions import CERTIFIER
from tests.cast import NOW, Cast, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="portal.accounts.doors.PersonDoor")
    return client


def upload(client: Client, content: bytes, name: str = "证明.pdf") -> Any:
    return client.post(reverse("verify"), {"file": SimpleUploadedFile(name, content, "application/pdf")})


def page(certificate: Certificate) -> str:
    return reverse("certificate", args=[certificate.serial_number])


def download(certificate: Certificate) -> str:
    return reverse("certificate-download", args=[certificate.serial_number])


# The holder


def test_the_holder_finds_opens_and_saves_it(cast: Cast, frozen: Callable[..., Certificate]) -> None:
    certificate = frozen()
    client = signed_in(cast.wang_fang_login)
    assert certificate.serial_number in client.get(reverse("proofs")).content.decode()
    shown = client.get(page(certificate)).content.decode()
    certificate.refresh_from_db()
    assert certificate.status == Status.ISSUED
    assert certificate.grouped_code in shown
    assert "2026-09" in shown
    response = client.get(download(certificate))
    assert response.content == issuing.produce(certificate, now=NOW)
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert certificate.serial_number in response.headers["Content-Disposition"]
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(f"{download(certificate)}?open").headers["Content-Disposition"].startswith("inline")


def test_everyone_else_gets_the_same_404_as_for_what_does_not_exist(
    cast: Cast, certificate: Certificate
) -> None:
    others = [
        cast.li_qiang_login,
        cast.yongjiang_clerk,
        cast.zhaobao_clerk,
        cast.ningbo_reviewer,
        cast.superuser,
    ]
    for other in others:
        client = signed_in(other)
        for address in (page(certificate), download(certificate)):
            refused = client.get(address)
            absent = client.get(address.replace(certificate.serial_number, "330200-PP-20261117-999999"))
            assert refused.status_code == absent.status_code == 404
            assert certificate.code not in refused.content.decode()


def test_who_is_not_logged_in_is_sent_to_the_door(client: Client, certificate: Certificate) -> None:
    for address in (reverse("proofs"), page(certificate), download(certificate)):
        response = client.get(address)
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("login-person"))


def test_without_a_key_the_page_says_so_and_nothing_is_issued(
    cast: Cast, frozen: Callable[..., Certificate], settings: Any, tmp_path: Path
) -> None:
    certificate = frozen()
    settings.SEAL_DIR = tmp_path
    client = signed_in(cast.wang_fang_login)
    assert "电子印章暂不可用，请稍后再试" in client.get(page(certificate)).content.decode()
    response = client.get(download(certificate))
    assert (response.status_code, response.headers["Location"]) == (302, page(certificate))
    certificate.refresh_from_db()
    assert certificate.status == Status.FROZEN


def test_a_revoked_one_is_shown_with_its_reason_and_not_handed_out(
    cast: Cast, certificate: Certificate
) -> None:
    issuing.revoke(certificate, by=cast.ningbo_reviewer, reason="缴费数据更正", now=NOW)
    client = signed_in(cast.wang_fang_login)
    shown = client.get(page(certificate)).content.decode()
    assert "已被撤销" in shown
    assert "缴费数据更正" in shown
    assert client.get(download(certificate)).status_code == 302


# The public


def test_anyone_verifies_by_the_link_of_the_qr_code_and_sees_masked_data(
    client: Client, certificate: Certificate
) -> None:
    response = client.get(reverse("verify-code", args=[certificate.code]))
    shown = response.content.decode()
    assert response.status_code == 200
    assert 'data-result="valid"' in shown
    assert certificate.serial_number in shown
    assert certificate.facts["person"]["identity_number"] not in shown
    assert certificate.facts["person"]["name"] not in shown
    assert "4,8" not in shown
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Robots-Tag"] == "noindex"


def test_a_typed_code_leads_to_its_answer(client: Client, certificate: Certificate) -> None:
    response = client.get(reverse("verify"), {"code": certificate.grouped_code.lower()})
    assert (response.status_code, response.headers["Location"]) == (
        302,
        reverse("verify-code", args=[certificate.code]),
    )


def test_a_mistyped_code_is_said_beside_the_field_and_kept(client: Client) -> None:
    for response in (
        client.get(reverse("verify"), {"code": "ABCD-1234"}),
        client.get(reverse("verify-code", args=["ABCD-1234"])),
    ):
        shown = response.content.decode()
        assert response.status_code == 422
        assert "验证码应为 28 位" in shown
        assert 'value="ABCD-1234"' in shown


def test_an_uploaded_file_is_judged(client: Client, certificate: Certificate, document: bytes) -> None:
    assert 'data-result="valid"' in upload(client, document).content.decode()
    shown = upload(client, document + b"\n").content.decode()
    assert 'data-result="altered"' in shown
    assert "追加" in shown
    assert certificate.facts["person"]["name"] not in shown


@pytest.mark.parametrize(("content", "said"), [(b"hello", "这不是 PDF 文件"), (b"", "文件是空的")])
def test_what_cannot_be_judged_is_said_beside_the_field(client: Client, content: bytes, said: str) -> None:
    response = upload(client, content)
    assert response.status_code == 422
    assert said in response.content.decode()


def test_a_file_name_is_escaped(client: Client, document: bytes) -> None:
    assert "<script>x" not in upload(client, document, "<script>x.pdf").content.decode()


def test_too_many_questions_from_one_address_are_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.LIMITS, Way.CODE, 3)
    monkeypatch.setitem(limits.LIMITS, Way.FILE, 1)
    code = reverse("verify-code", args=["7" * 28])
    assert [client.get(code).status_code for _one in range(4)] == [200, 200, 200, 429]
    assert client.get(code, REMOTE_ADDR="203.0.113.9").status_code == 200
    assert client.get(code, headers={"x-forwarded-for": "203.0.113.10"}).status_code == 429
    assert [upload(client, b"%PDF-1.7 x").status_code for _one in range(2)] == [200, 429]


def test_without_the_cache_verification_goes_on(
    client: Client, certificate: Certificate, settings: Any
) -> None:
    # Nobody listens on port 1.
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert client.get(reverse("verify-code", args=[certificate.code])).status_code == 200


# The workbench


@pytest.fixture
def certifier(cast: Cast) -> User:
    return staff("ningbo-9", "沈洁", "ningbo", CERTIFIER)


def admin_page(certificate: Certificate) -> str:
    return reverse("admin:certificates_certificate_change", args=[certificate.pk])


def test_staff_revoke_with_a_reason_after_a_second_look(certifier: User, certificate: Certificate) -> None:
    client = signed_in(certifier)
    assert client.post(admin_page(certificate), {"reason": " ", "confirmed": "1"}).status_code == 422
    second_look = client.post(admin_page(certificate), {"reason": "数据有误"})
    assert "确认撤销这份证明" in second_look.content.decode()
    certificate.refresh_from_db()
    assert certificate.status == Status.ISSUED
    client.post(admin_page(certificate), {"reason": "数据有误", "confirmed": "1"})
    certificate.refresh_from_db()
    assert (certificate.status, certificate.revoked_by, certificate.revoked_reason) == (
        Status.REVOKED,
        certifier,
        "数据有误",
    )


def test_staff_find_by_full_numbers_only(certifier: User, certificate: Certificate) -> None:
    client = signed_in(certifier)
    register = reverse("admin:certificates_certificate_changelist")
    number = certificate.facts["person"]["identity_number"]
    for term in (certificate.serial_number, certificate.grouped_code, "王芳", number):
        assert certificate.serial_number in client.get(register, {"q": term}).content.decode()
    assert certificate.serial_number not in client.get(register, {"q": number[:12]}).content.decode()


def test_staff_of_another_city_or_without_the_role_see_nothing(cast: Cast, certificate: Certificate) -> None:
    strangers = [
        staff("wuhan-9", "宋岩", "wuhan", CERTIFIER),
        cast.ningbo_reviewer,
        cast.ningbo_staff_without_role,
    ]
    for stranger in strangers:
        client = signed_in(stranger)
        assert client.get(admin_page(certificate)).status_code == 404
        assert client.post(admin_page(certificate), {"reason": "x", "confirmed": "1"}).status_code == 404
    certificate.refresh_from_db()
    assert certificate.status == Status.ISSUED


def test_staff_do_not_revoke_what_is_about_themselves(cast: Cast, certificate: Certificate) -> None:
    own = staff("ningbo-8", "王芳", "ningbo", CERTIFIER, of=cast.wang_fang)
    client = signed_in(own)
    assert client.get(admin_page(certificate)).status_code == 200
    assert client.post(admin_page(certificate), {"reason": "x", "confirmed": "1"}).status_code == 404
