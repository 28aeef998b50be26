"""个人参保证明: from the form to the register, and what is refused."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from captcha.models import CaptchaStore
from django.test import Client
from django.urls import reverse

from certificates import presenting, rendering
from certificates.kinds import CertificateKind
from certificates.models import Certificate, Status
from portal.hall.routing import Status as CaseStatus
from portal.people.models import Person
from portal.shared.insurance import Insurance
from tests.cast import NOW, Cast, cover
from tests.certificates.test_rendering import text_of
from tests.filing import file, reasons

pytestmark = pytest.mark.django_db

TYPED = {"months": "12", "insurances": ["pension", "unemployment"]}


def test_the_case_is_done_at_once_and_leads_to_a_frozen_certificate(cast: Cast, insured: Person) -> None:
    case = file(cast.wang_fang_login, "ningbo", "person-proof", TYPED, NOW)
    certificate = Certificate.objects.get(case=case)
    assert case.status == CaseStatus.DONE
    assert (certificate.kind, certificate.person, certificate.status) == (
        CertificateKind.PERSON,
        insured,
        Status.FROZEN,
    )
    assert certificate.facts["insurances"] == ["pension", "unemployment"]
    assert certificate.facts["period"] == {"start": "2025-12", "until": "2026-12"}
    assert case.outcome["links"] == [
        ["查看和下载证明", reverse("certificate", args=[certificate.serial_number])]
    ]


def test_all_months_are_from_the_first_one(cast: Cast, insured: Person) -> None:
    file(cast.wang_fang_login, "ningbo", "person-proof", {**TYPED, "months": "all"}, NOW)
    assert Certificate.objects.get().facts["period"]["start"] == "2026-01"


def test_sent_twice_with_one_key_is_one_certificate(cast: Cast, insured: Person) -> None:
    key = uuid4()
    first = file(cast.wang_fang_login, "ningbo", "person-proof", TYPED, NOW, key=key)
    again = file(cast.wang_fang_login, "ningbo", "person-proof", TYPED, NOW, key=key)
    assert first == again
    assert Certificate.objects.count() == 1


def test_shenzhen_offers_it_for_what_is_insured_there(cast: Cast, insured: Person) -> None:
    assert (
        "没有参保缴费记录" in reasons(cast.wang_fang_login, "shenzhen", "person-proof", TYPED, NOW)["months"]
    )


def test_it_speaks_only_of_what_the_agency_runs_and_says_where_to_ask_for_the_rest(
    cast: Cast, insured: Person
) -> None:
    for insurance in ("medical", "maternity"):
        why = reasons(
            cast.wang_fang_login, "ningbo", "person-proof", {**TYPED, "insurances": [insurance]}, NOW
        )
        assert list(why) == ["insurances"]
    file(cast.wang_fang_login, "ningbo", "person-proof", TYPED, NOW)
    certificate = Certificate.objects.get()
    told = "医疗保险、生育保险不由本机构经办，请向医疗保障部门（浙江政务服务网医保入口）查询。"
    assert presenting.contents(certificate.facts)["not_run"] == told
    text = text_of(rendering.render(certificate, development=True)).replace("\n", "").replace(" ", "")
    assert told in text
    assert "未参保" not in text


def test_where_the_agency_runs_all_nothing_is_said(cast: Cast) -> None:
    cover(cast.liu_yang, Insurance.MEDICAL, "shenzhen", "2026-10", tier="one")
    file(cast.liu_yang_login, "shenzhen", "person-proof", {"months": "6", "insurances": ["medical"]}, NOW)
    assert presenting.contents(Certificate.objects.get().facts)["not_run"] == ""


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"insurances": []}, "insurances"),
        ({"months": "7"}, "months"),
        ({"insurances": ["dental"]}, "insurances"),
    ],
)
def test_only_what_is_offered_can_be_chosen(
    cast: Cast, insured: Person, typed: dict[str, Any], field: str
) -> None:
    assert field in reasons(cast.wang_fang_login, "ningbo", "person-proof", {**TYPED, **typed}, NOW)


def test_without_a_key_it_is_refused_before_anything_is_written(
    cast: Cast, insured: Person, settings: Any, tmp_path: Path
) -> None:
    settings.SEAL_DIR = tmp_path
    assert (
        "电子印章暂不可用，请稍后再试"
        in reasons(cast.wang_fang_login, "ningbo", "person-proof", TYPED, NOW)[""]
    )
    assert not Certificate.objects.exists()


@pytest.mark.usefixtures("clock")
def test_through_the_pages_with_captcha_and_preview(client: Client, cast: Cast, insured: Person) -> None:
    client.force_login(cast.wang_fang_login, backend="portal.accounts.doors.PersonDoor")
    apply = reverse("apply", args=["ningbo", "person-proof"])
    assert "打印月数" in client.get(apply).content.decode()
    key = CaptchaStore.generate_key()
    wrong = client.post(apply, {**TYPED, "captcha_0": key, "captcha_1": "xxxx"})
    assert "验证码不正确" in wrong.content.decode()
    assert wrong.status_code != 302
    key = CaptchaStore.generate_key()
    answer = CaptchaStore.objects.get(hashkey=key).response
    passed = client.post(apply, {**TYPED, "captcha_0": key, "captcha_1": answer})
    assert passed.status_code == 302
    look = client.get(passed.headers["Location"])
    shown = look.content.decode()
    assert "证明内容（2025年12月至2026年11月）" in shown
    assert "2026-09" in shown
    assert not Certificate.objects.exists()
    sent = client.post(passed.headers["Location"], {"key": look.context["key"]}, follow=True)
    certificate = Certificate.objects.get()
    assert reverse("certificate", args=[certificate.serial_number]) in sent.content.decode()
