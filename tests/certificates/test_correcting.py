"""A proof whose facts were wrong: another takes its place, and whoever verifies the old one is told
which."""

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse

from certificates import correcting, issuing, verifying, verifying_files
from certificates.codes import last_four
from certificates.models import Certificate, Result, Status
from contributions.books.receiving import receive
from contributions.charges.charging import charge
from contributions.models import Charge
from portal.accounts.models import User
from portal.accounts.roles import CERTIFIER
from portal.hall import desk
from portal.people.models import Person
from portal.policy.book import book
from portal.shared.months import Month
from tests.cast import NOW, Cast, moment, staff
from tests.certificates.test_audit import broken, triggers_off
from tests.certificates.test_pages import signed_in
from tests.conftest import Clock
from tests.filing import file

pytestmark = pytest.mark.django_db

LATER = moment("2026-11-18 09:00")


@pytest.fixture
def wrong(cast: Cast, insured: Person) -> Certificate:
    """A proof from before October's payment was booked."""
    typed = {"months": "12", "insurances": ["pension"], "reveal": "all"}
    case = file(cast.wang_fang_login, "ningbo", "person-proof", typed, NOW)
    certificate = Certificate.objects.get(case=case)
    issuing.produce(certificate, now=NOW)
    return certificate


def book_october(by: User) -> None:
    receive(
        Charge.objects.filter(month=Month(2026, 10)), channel="counter", provider_number="2", at=LATER, by=by
    )


def test_the_present_facts_take_the_place_of_the_wrong_ones(cast: Cast, wrong: Certificate) -> None:
    old = issuing.produce(wrong, now=NOW)
    book_october(User.objects.system())
    made = correcting.correct(wrong, by=cast.ningbo_reviewer, reason="十月缴费补记", now=LATER)
    new = issuing.produce(made, now=LATER)
    assert (
        made.facts["totals"]["pension"]["paid_months"] == wrong.facts["totals"]["pension"]["paid_months"] + 1
    )
    assert (made.person, made.issued_to, made.kind) == (wrong.person, wrong.issued_to, wrong.kind)
    assert (wrong.status, wrong.superseded_by, wrong.corrected_by) == (
        Status.SUPERSEDED,
        made,
        cast.ningbo_reviewer,
    )
    for found in (
        verifying_files.verify_pdf(old, now=LATER),
        verifying.verify_code(wrong.code, last_four(wrong.facts), now=LATER),
    ):
        assert (found.result, found.resealed) == (Result.SUPERSEDED, False)
        assert made.serial_number in found.why
        assert ("替换它的证明", made.serial_number) in found.shown
        assert "十月缴费补记" not in str(found)
    assert verifying_files.verify_pdf(new, now=LATER).result == Result.VALID
    with pytest.raises(issuing.Revoked):
        issuing.produce(wrong, now=LATER)
    assert broken() == ()


def test_a_corrected_one_can_be_corrected_again_but_none_twice(cast: Cast, wrong: Certificate) -> None:
    made = correcting.correct(wrong, by=cast.ningbo_reviewer, reason="一", now=LATER)
    with pytest.raises(correcting.NotCorrectable, match="有效的证明"):
        correcting.correct(wrong, by=cast.ningbo_reviewer, reason="二", now=LATER)
    # Not before its document is there.
    with pytest.raises(correcting.NotCorrectable, match="有效的证明"):
        correcting.correct(made, by=cast.ningbo_reviewer, reason="二", now=LATER)
    issuing.produce(made, now=LATER)
    again = correcting.correct(made, by=cast.ningbo_reviewer, reason="二", now=LATER)
    assert made.superseded_by == again
    assert Certificate.objects.count() == 3


def test_nothing_is_left_where_it_cannot_be_done(
    cast: Cast, wrong: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError):
        correcting.correct(wrong, by=cast.ningbo_reviewer, reason=" ", now=LATER)
    # Revoked by another between the look and the move.
    look = correcting.present_facts

    def revoked_meanwhile(certificate: Certificate, now: Any) -> Any:
        proof = look(certificate, now)
        issuing.revoke(Certificate.objects.get(pk=wrong.pk), by=cast.ningbo_reviewer, reason="x", now=LATER)
        return proof

    monkeypatch.setattr(correcting, "present_facts", revoked_meanwhile)
    with pytest.raises(correcting.NotCorrectable, match="撤销或替换"):
        correcting.correct(wrong, by=cast.ningbo_reviewer, reason="更正", now=LATER)
    assert Certificate.objects.count() == 1


def test_what_no_case_asked_for_is_not_corrected(cast: Cast, certificate: Certificate) -> None:
    with pytest.raises(correcting.NotCorrectable, match="不是由办件出具"):
        correcting.correct(certificate, by=cast.ningbo_reviewer, reason="更正", now=LATER)


def test_the_database_keeps_who_replaced_what(cast: Cast, wrong: Certificate) -> None:
    other = Certificate.objects.filter(pk=wrong.pk)
    for change in (
        {"status": Status.SUPERSEDED},
        {"superseded_reason": "x"},
        {
            "status": Status.SUPERSEDED,
            "superseded_by": wrong,
            "superseded_at": LATER,
            "corrected_by": cast.ningbo_reviewer,
            "superseded_reason": "x",
        },
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            other.update(**change)
    correcting.correct(wrong, by=cast.ningbo_reviewer, reason="更正", now=LATER)
    with pytest.raises(DatabaseError), transaction.atomic():
        other.update(status=Status.ISSUED)


def test_a_replacement_of_another_person_is_found_by_the_audit(cast: Cast, wrong: Certificate) -> None:
    made = correcting.correct(wrong, by=cast.ningbo_reviewer, reason="更正", now=LATER)
    with triggers_off():
        Certificate.objects.filter(pk=made.pk).update(person=cast.li_qiang)
    assert any("不是同一人同一种证明" in found for found in broken())


# The workbench


def test_staff_see_then_and_now_and_replace_it(cast: Cast, wrong: Certificate, clock: Clock) -> None:
    clock.set(LATER)
    book_october(User.objects.system())
    client = signed_in(staff("ningbo-9", "沈洁", "ningbo", CERTIFIER))
    page = reverse("admin:certificates_certificate_correct", args=[wrong.pk])
    register = reverse("admin:certificates_certificate_change", args=[wrong.pk])
    assert page in client.get(register).content.decode()
    shown = client.get(page).content.decode()
    assert "已缴 9 个月" in shown
    assert "已缴 10 个月" in shown
    assert client.post(page, {"reason": " "}).status_code == 422
    assert "确认用新的证明替换" in client.post(page, {"reason": "补记"}).content.decode()
    wrong.refresh_from_db()
    assert wrong.status == Status.ISSUED
    client.post(page, {"reason": "补记", "confirmed": "1"})
    wrong.refresh_from_db()
    made = wrong.superseded_by
    assert made is not None
    assert made.status == Status.ISSUED
    assert made.serial_number in client.get(register).content.decode()
    # Once more leads back, with the reason.
    assert (
        "有效的证明" in client.post(page, {"reason": "补记", "confirmed": "1"}, follow=True).content.decode()
    )


def test_others_do_not(cast: Cast, wrong: Certificate, clock: Clock) -> None:
    page = reverse("admin:certificates_certificate_correct", args=[wrong.pk])
    strangers = [
        staff("wuhan-9", "宋岩", "wuhan", CERTIFIER),
        cast.ningbo_reviewer,
        staff("ningbo-8", "王芳", "ningbo", CERTIFIER, of=cast.wang_fang),
    ]
    for stranger in strangers:
        client = signed_in(stranger)
        assert client.get(page).status_code == 404
        assert client.post(page, {"reason": "x", "confirmed": "1"}).status_code == 404
    wrong.refresh_from_db()
    assert wrong.status == Status.ISSUED


def test_the_same_question_is_asked(cast: Cast, wrong: Certificate) -> None:
    correction = correcting.preview(wrong, now=LATER)
    assert correction.same
    asked = desk.ask_of(wrong.case) if wrong.case else None
    assert asked is not None
    assert correction.facts["insurances"] == asked.answers["insurances"]
    assert correction.facts["city"] == book().city("ningbo").full_title
    assert not charge(city="ningbo", month=Month(2026, 10), by=User.objects.system(), now=LATER).created
