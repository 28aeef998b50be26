"""收件回执单 and 预申请表: sealed like all other documents, the same however often they are asked
for."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import zxingcpp
from django.test import Client
from django.urls import reverse

from certificates import case_papers, issuing, verifying
from certificates.kinds import CertificateKind
from certificates.models import Certificate
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.people.models import Person
from portal.policy.book import Mode
from portal.shared.identity import mask, mask_account, mask_phone
from tests.cast import NOW, Cast
from tests.certificates.test_pages import signed_in
from tests.certificates.test_rendering import pictures, text_of
from tests.filing import file

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

PROOF = {"months": "12", "insurances": ["pension"]}


def asking(case: Case, kind: str) -> str:
    return reverse("case-paper", args=[case.number, kind])


@pytest.fixture
def case(cast: Cast, insured: Person) -> Case:
    return file(cast.wang_fang_login, "ningbo", "person-proof", PROOF, NOW)


@pytest.fixture
def pre_applied(cast: Cast) -> Case:
    return Case.objects.create(
        number="NB20261117000098",
        city="ningbo",
        service="flexible-enroll",
        mode=Mode.MATCH,
        status=Status.PRE_APPLIED,
        filed_by=cast.wang_fang_login,
        applicant_person=cast.wang_fang,
        answers={},
        facts={"summary": [["养老保险档次", "60%"], ["扣款账号", "<b>6217</b>"]]},
        mismatches=[{"why": "户籍地与登记不一致"}],
        key=uuid4(),
        digest="0" * 64,
        submitted_at=NOW,
    )


def test_a_receipt_says_what_was_filed_and_is_sealed(cast: Cast, case: Case) -> None:
    response = signed_in(cast.wang_fang_login).post(asking(case, "receipt"), follow=True)
    receipt = Certificate.objects.get(kind=CertificateKind.CASE_RECEIPT)
    assert receipt.serial_number in response.content.decode()
    assert "撤销这份证明" not in response.content.decode()
    text = text_of(issuing.produce(receipt, now=NOW))
    for said in ("收件回执单", case.number, "个人参保证明", "王芳", "证明期间", "不代表申报已经通过"):
        assert said in text
    assert cast.wang_fang.identity_number not in text


def test_asked_for_twice_it_is_the_same(cast: Cast, case: Case) -> None:
    client = signed_in(cast.wang_fang_login)
    first = client.post(asking(case, "receipt")).headers["Location"]
    assert client.post(asking(case, "receipt")).headers["Location"] == first
    assert Certificate.objects.filter(kind=CertificateKind.CASE_RECEIPT).count() == 1


def test_two_who_ask_at_once_get_the_same(cast: Cast, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one writes between our look and our writing."""
    real = case_papers.paper_facts

    def slow(case: Case, **more: Any) -> dict[str, Any]:
        monkeypatch.setattr(case_papers, "paper_facts", real)
        case_papers.paper_of(case, kind=CertificateKind.CASE_RECEIPT, by=cast.wang_fang_login, now=NOW)
        return real(case, **more)

    monkeypatch.setattr(case_papers, "paper_facts", slow)
    mine = case_papers.paper_of(case, kind=CertificateKind.CASE_RECEIPT, by=cast.wang_fang_login, now=NOW)
    assert mine == Certificate.objects.get(kind=CertificateKind.CASE_RECEIPT)


def test_an_application_form_has_room_to_sign_and_names_what_to_check(cast: Cast, pre_applied: Case) -> None:
    signed_in(cast.wang_fang_login).post(asking(pre_applied, "form"))
    form = Certificate.objects.get(kind=CertificateKind.APPLICATION_FORM)
    assert form.title.endswith("申请表")
    text = text_of(issuing.produce(form, now=NOW))
    for said in (pre_applied.number, "申请人签名", "户籍地与登记不一致", "养老保险档次", "<b>6217</b>"):
        assert said in text


NUMBER, PHONE, ACCOUNT = "330200-20261117-796PJXCD", "13800000002", "6217990000006104"


@pytest.fixture
def at_the_window(cast: Cast, pre_applied: Case) -> Case:
    """One whose filing showed numbers masked; two of them alike."""
    Case.objects.filter(pk=pre_applied.pk).update(
        number=NUMBER,
        answers={"account_number": ACCOUNT, "phone": PHONE},
        facts={
            "summary": [
                ["身份证号码", mask(cast.wang_fang.identity_number)],
                ["手机号码", mask_phone(PHONE)],
                ["原缴费账号", mask_account("6217990000016104")],
                ["新缴费账号", mask_account(ACCOUNT)],
            ]
        },
    )
    pre_applied.refresh_from_db()
    return pre_applied


def test_a_form_has_the_numbers_that_the_window_compares(
    cast: Cast, at_the_window: Case, tmp_path: Path
) -> None:
    client = signed_in(cast.wang_fang_login)
    page = client.post(asking(at_the_window, "form"), follow=True).content.decode()
    form = Certificate.objects.get(kind=CertificateKind.APPLICATION_FORM)
    sealed = issuing.produce(form, now=NOW)
    printed = client.get(reverse("case-form", args=[NUMBER])).content.decode()
    for shown in (text_of(sealed), printed):
        for full in (cast.wang_fang.identity_number, PHONE, ACCOUNT):
            assert full in shown
        # Of two that are masked alike, neither is put in the other's line.
        assert shown.count(mask_account(ACCOUNT)) == 2
    # The page, and whoever verifies it, are shown what was shown before.
    told = verifying.verify_code(form.code, cast.wang_fang.identity_number[-4:], now=NOW).told
    assert told is not None
    for masked in (page, str(told)):
        assert mask_phone(PHONE) in masked
        for full in (cast.wang_fang.identity_number, PHONE, ACCOUNT):
            assert full not in masked
    codes = [found.text for found in zxingcpp.read_barcodes(pictures(sealed, tmp_path, dpi=200)[0])]
    address = f"/admin/hall/case/by-number/{NUMBER}/"
    assert len([code for code in codes if code.endswith(address)]) == 1
    assert len(codes) == 2


def test_the_receipt_still_masks_them(cast: Cast, at_the_window: Case) -> None:
    signed_in(cast.wang_fang_login).post(asking(at_the_window, "receipt"))
    receipt = Certificate.objects.get(kind=CertificateKind.CASE_RECEIPT)
    text = text_of(issuing.produce(receipt, now=NOW))
    for full in (cast.wang_fang.identity_number, PHONE, ACCOUNT):
        assert full not in text


def test_a_form_is_for_its_applicant_and_for_staff_of_the_city(cast: Cast, at_the_window: Case) -> None:
    page = reverse("case-form", args=[NUMBER])
    assert signed_in(cast.ningbo_reviewer).get(page).status_code == 200
    for other in (cast.li_qiang_login, cast.yongjiang_clerk, cast.wuhan_reviewer):
        assert signed_in(other).get(page).status_code == 404
    assert Client().get(page).status_code == 302


def test_there_is_no_form_for_what_is_done(cast: Cast, case: Case) -> None:
    assert signed_in(cast.wang_fang_login).post(asking(case, "form")).status_code == 404
    assert not Certificate.objects.filter(kind=CertificateKind.APPLICATION_FORM).exists()


def test_others_and_staff_get_what_does_not_exist(cast: Cast, case: Case) -> None:
    for other in (cast.li_qiang_login, cast.yongjiang_clerk, cast.ningbo_reviewer):
        assert signed_in(other).post(asking(case, "receipt")).status_code == 404
    client = signed_in(cast.wang_fang_login)
    assert client.post(asking(case, "letter")).status_code == 404
    assert client.get(asking(case, "receipt")).status_code == 405


def test_an_employers_receipt_names_the_employer(cast: Cast, insured: Person) -> None:
    typed = {
        "place": "330200",
        "unit_number": cast.yongjiang.insurance_number,
        "months": "1",
        "contact_name": "周敏",
        "contact_phone": "139 0000 0101",
    }
    case = file(cast.yongjiang_clerk, "ningbo", "employer-proof", typed, NOW)
    signed_in(cast.yongjiang_clerk).post(asking(case, "receipt"))
    receipt = Certificate.objects.get(kind=CertificateKind.CASE_RECEIPT)
    assert receipt.employer == cast.yongjiang
    assert cast.yongjiang.credit_code in text_of(issuing.produce(receipt, now=NOW))
