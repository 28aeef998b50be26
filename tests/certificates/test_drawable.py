"""What the typefaces lack is not sealed: people are told which character it is and where to go, at
every entrance."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.urls import reverse

from certificates import case_papers, drawable, fonts, issuing, rendering, seal_picture
from certificates.kinds import CertificateKind
from certificates.models import Certificate, LineStatus, StaffBatch, Status
from certificates.staff_batches import work_on
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.models import Case
from portal.people.models import Person
from portal.policy.book import Mode
from portal.shared.insurance import Insurance
from tests.cast import NOW, Cast, cover
from tests.certificates import samples
from tests.certificates.test_pages import signed_in
from tests.filing import file, reasons

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

# In Unicode, and in no typeface of ours: from extension B and from extension G.
LACKING = "\U0002000d"
FURTHER = "\U00030001"
PROOF = {"months": "12", "insurances": ["pension"]}


@pytest.fixture
def rare(insured: Person) -> Person:
    """王芳, whose name has a character that no document can show."""
    Person.objects.filter(pk=insured.pk).update(name=f"王{LACKING}")
    insured.refresh_from_db()
    return insured


@pytest.mark.parametrize(
    "text", ["王芳", "䶮𬱖㛃龘", "买买提·艾力 A. Ünal", "一行\n二行\t", "葛\U000e0100", "é", ""]
)
def test_what_the_typefaces_have_is_drawable(text: str) -> None:
    assert drawable.missing({"person": {"name": text}, "lines": [["a", text]], "months": 12}) == ()
    rendering.press(f"<html lang='zh'><title>x</title><p>{text}", agency="某中心")


@pytest.mark.parametrize("character", [LACKING, FURTHER, "😀", "\ue000", "ئ", "\x07"])
def test_what_they_lack_is_named(character: str) -> None:
    [found] = drawable.missing({"person": {"name": f"王{character}{character}芳"}})
    assert found == character
    why = drawable.why_not([found], city="ningbo")
    assert f"U+{ord(character):04X}" in why
    assert "12333" in why
    assert "宁波市社会保险管理服务中心" in why


def test_of_many_a_few_are_named() -> None:
    assert fonts.named("abcdefg").endswith("“e”（U+0065）等")


@pytest.mark.parametrize("kind", [CertificateKind.PERSON, CertificateKind.TRANSFER_LETTER])
def test_a_page_with_a_box_is_never_handed_on(kind: CertificateKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what was frozen before this was asked."""
    certificate = samples.certificate(kind, person={"name": f"王{FURTHER}", "identity_number": "1" * 18})
    with pytest.raises(fonts.NotDrawable, match="U\\+30001"):
        rendering.render(certificate, development=True)
    # Without the guard it would be drawn all the same.
    monkeypatch.setattr(rendering, "refuse_missing", lambda document: None)
    assert rendering.render(certificate, development=True).startswith(b"%PDF-")


def test_nor_is_a_seal_with_one() -> None:
    with pytest.raises(fonts.NotDrawable, match="U\\+2000D"):
        seal_picture.operators(f"某{LACKING}中心")


def test_nothing_is_frozen(cast: Cast, rare: Person, frozen: Callable[..., Certificate]) -> None:
    with pytest.raises(fonts.NotDrawable):
        frozen()
    assert not Certificate.objects.exists()


def test_a_proof_is_barred_and_the_reason_names_the_character(cast: Cast, rare: Person) -> None:
    with pytest.raises(NotAccepted) as barred:
        file(cast.wang_fang_login, "ningbo", "person-proof", PROOF, NOW)
    [finding] = barred.value.findings
    assert f"“{LACKING}”（U+2000D）" in finding.why
    assert "12333" in finding.why
    assert not Case.objects.exists()


def test_a_recipient_is_refused_beside_its_field(cast: Cast, insured: Person) -> None:
    why = reasons(cast.wang_fang_login, "ningbo", "person-proof", {**PROOF, "recipient": "😀公司"}, NOW)
    assert list(why) == ["recipient"]
    assert "U+1F600" in why["recipient"]


def test_of_many_staff_only_that_one_has_none(cast: Cast, rare: Person) -> None:
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "2026-01", at=cast.yongjiang, wage_fen=800000)
    typed = {"who": "all", "months": "3", "insurances": ["pension"], "reveal": "months"}
    file(cast.yongjiang_clerk, "ningbo", "staff-proofs", typed, NOW)
    batch = StaffBatch.objects.get()
    work_on(batch, now=NOW)
    told = {line.person_id: (line.status, line.why) for line in batch.lines.all()}
    assert told[cast.zhang_min.pk] == (LineStatus.MADE, "")
    status, why = told[rare.pk]
    assert status == LineStatus.FAILED
    assert "U+2000D" in why


def test_an_employer_with_such_a_name_is_told_before(cast: Cast, insured: Person) -> None:
    cast.yongjiang.name = f"甬{FURTHER}公司"
    cast.yongjiang.save()
    for service, typed in (
        ("staff-proofs", {"who": "all", "months": "3", "insurances": ["pension"], "reveal": "months"}),
        (
            "employer-proof",
            {
                "place": "330200",
                "unit_number": cast.yongjiang.insurance_number,
                "months": "1",
                "contact_name": "周敏",
                "contact_phone": "13900000101",
            },
        ),
    ):
        with pytest.raises(NotAccepted) as barred:
            file(cast.yongjiang_clerk, "ningbo", service, typed, NOW)
        assert any("U+30001" in finding.why for finding in barred.value.findings)


def test_a_receipt_says_why_there_is_none(cast: Cast, rare: Person) -> None:
    case = Case.objects.create(
        number="330200-20261117-796PJXCD",
        city="ningbo",
        service="flexible-enroll",
        mode=Mode.MATCH,
        status="pre_applied",
        filed_by=cast.wang_fang_login,
        applicant_person=rare,
        answers={},
        facts={},
        key=uuid4(),
        digest="0" * 64,
        submitted_at=NOW,
    )
    answer = signed_in(cast.wang_fang_login).post(
        reverse("case-paper", args=[case.number, "form"]), follow=True
    )
    assert answer.redirect_chain[-1][0] == reverse("case", args=[case.number])
    assert "U+2000D" in answer.content.decode()
    assert not Certificate.objects.exists()
    with pytest.raises(fonts.NotDrawable):
        case_papers.paper_of(case, kind=CertificateKind.CASE_RECEIPT, by=cast.wang_fang_login, now=NOW)


def test_what_was_frozen_before_is_explained_on_its_page(
    cast: Cast, frozen: Callable[..., Certificate], monkeypatch: pytest.MonkeyPatch, rare: Person
) -> None:
    with monkeypatch.context() as before:
        before.setattr(drawable, "check", lambda facts: None)
        certificate = frozen()
    page = signed_in(cast.wang_fang_login).get(reverse("certificate", args=[certificate.serial_number]))
    assert "U+2000D" in page.content.decode()
    certificate.refresh_from_db()
    assert certificate.status == Status.FROZEN


def test_the_system_freezes_no_more_than_people(cast: Cast) -> None:
    with pytest.raises(fonts.NotDrawable):
        issuing.freeze(
            kind=CertificateKind.EMPLOYER,
            city="ningbo",
            facts={**samples.FACTS[CertificateKind.EMPLOYER], "agency": f"某{FURTHER}中心"},
            employer=cast.yongjiang,
            by=User.objects.system(),
            now=NOW,
        )
