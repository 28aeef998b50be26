"""The holder's pages, public verification, and the register in the workbench: who sees what."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from certificates import issuing, limits, summaries
from certificates.codes import last_four
from certificates.models import Certificate, Status, Way
from portal.accounts.models import User
from portal.accounts.roles import CERTIFIER
from tests.cast import NOW, Cast, staff
from tests.certificates.standing_certificate import cast, certificate, insured, issued_once
from tests.workbench import search

__all__ = ["cast", "certificate", "insured", "issued_once"]

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


def ask(client: Client, code: str, ending: str, **more: Any) -> Any:
    return client.post(reverse("verify"), {"code": code, "last_four": ending}, **more)


def test_anyone_verifies_by_code_and_last_four_and_sees_masked_data(
    client: Client, certificate: Certificate
) -> None:
    response = ask(client, certificate.grouped_code.lower(), last_four(certificate.facts))
    shown = response.content.decode()
    assert response.status_code == 200
    assert 'data-result="valid"' in shown
    assert certificate.serial_number in shown
    assert certificate.facts["person"]["identity_number"] not in shown
    assert certificate.facts["person"]["name"] not in shown
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["X-Robots-Tag"] == "noindex"


def test_months_bases_and_sums_stand_beside_the_answer(client: Client, certificate: Certificate) -> None:
    shown = ask(client, certificate.code, last_four(certificate.facts)).content.decode()
    for told in ("2026-09", "8,000.00", "640.00", "5,760.00", "逐月缴费明细"):
        assert told in shown
    wrong = ask(client, certificate.code, "0000").content.decode()
    assert "8,000.00" not in wrong


def test_the_link_of_the_qr_code_asks_for_the_last_four_and_tells_nothing(
    client: Client, certificate: Certificate
) -> None:
    pages = []
    for code in (certificate.code, "7" * 28):
        for response in (
            client.get(reverse("verify-code", args=[code])),
            client.get(reverse("verify"), {"code": code}),
        ):
            assert response.status_code == 200
            shown = response.content.decode()
            assert f'value="{code}"' in shown
            pages.append(re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", shown).replace(code, "…"))
    assert pages[0] == pages[2]
    assert pages[1] == pages[3]
    assert "data-result" not in pages[0]


def test_a_wrong_ending_shows_the_same_page_as_a_wrong_code(client: Client, certificate: Certificate) -> None:
    pages = []
    for code, ending in ((certificate.code, "9999"), ("7" * 28, last_four(certificate.facts))):
        shown = ask(client, code, ending).content.decode()
        # What was typed stays.
        for typed in (f'value="{code}"', f'value="{ending}"'):
            assert typed in shown
            shown = shown.replace(typed, "")
        pages.append(re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", shown))
    assert pages[0] == pages[1]
    assert 'data-result="unknown"' in pages[0]


def test_a_missing_ending_is_said_beside_the_field(client: Client, certificate: Certificate) -> None:
    for ending, said in (("", "请填写号码的后四位"), ("12 3", "后四位应为四个数字或字母")):
        response = ask(client, certificate.code, ending)
        assert response.status_code == 200
        assert "<title>有错误：核验证明" in response.content.decode()
        assert said in response.content.decode()
        assert certificate.code in response.content.decode()


def test_endings_are_not_guessed_from_many_addresses(
    client: Client, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = last_four(certificate.facts)
    for _one in range(3 * limits.WRONG_ENDINGS):
        assert ask(client, certificate.code, right).status_code == 200
    for code in (certificate.code, "7" * 28):
        got = [
            ask(client, code, f"{guess:04}", REMOTE_ADDR=f"203.0.113.{guess + 1}").status_code
            for guess in range(limits.WRONG_ENDINGS + 2)
        ]
        assert got == [200] * limits.WRONG_ENDINGS + [429, 429]
    assert ask(client, certificate.code, right).status_code == 429
    monkeypatch.setattr(limits, "WRONG_ENDINGS", 1000)
    assert 'data-result="valid"' in ask(client, certificate.code, right).content.decode()


def test_the_offline_page_is_handed_out_whole(client: Client) -> None:
    response = client.get(reverse("verify-offline"))
    shown = response.content.decode()
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert summaries.public_keys()[0].key_id in shown
    assert "const Summary" in shown
    assert not re.search(r"""(?:src|href)=["']""", shown)


def test_a_mistyped_code_is_said_beside_the_field_and_kept(client: Client) -> None:
    for response in (
        client.get(reverse("verify"), {"code": "ABCD-1234"}),
        client.get(reverse("verify-code", args=["ABCD-1234"])),
    ):
        shown = response.content.decode()
        assert response.status_code == 200
        assert "<title>有错误：核验证明" in shown
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
    assert response.status_code == 200
    assert "<title>有错误：核验证明" in response.content.decode()
    assert said in response.content.decode()


def test_a_file_name_is_escaped(client: Client, document: bytes) -> None:
    assert "<script>x" not in upload(client, document, "<script>x.pdf").content.decode()


def test_too_many_questions_from_one_address_are_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.LIMITS, Way.CODE, 3)
    monkeypatch.setitem(limits.LIMITS, Way.FILE, 1)
    codes = [str(number) * 28 for number in range(6)]
    assert [ask(client, code, "1234").status_code for code in codes[:4]] == [200, 200, 200, 429]
    assert ask(client, codes[4], "1234", REMOTE_ADDR="203.0.113.9").status_code == 200
    assert ask(client, codes[5], "1234", headers={"x-forwarded-for": "203.0.113.10"}).status_code == 429
    assert [upload(client, b"%PDF-1.7 x").status_code for _one in range(2)] == [200, 429]


def test_without_the_cache_verification_goes_on(
    client: Client, certificate: Certificate, settings: Any
) -> None:
    # Nobody listens on port 1.
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    assert ask(client, certificate.code, last_four(certificate.facts)).status_code == 200


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
        assert certificate.serial_number in search(client, register, term).content.decode()
    assert certificate.serial_number not in search(client, register, number[:12]).content.decode()


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
