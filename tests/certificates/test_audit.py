"""The audit's eleventh invariant: proofs say what the ledger said, and are kept as they were
issued."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from certificates import documents, issuing, staff_batches
from certificates.models import Certificate, StaffBatch
from contributions.audit.looking import audit
from contributions.books.receiving import receive
from contributions.charges.charging import charge
from contributions.models import Charge
from portal.accounts.models import User
from portal.people.models import Person
from portal.shared.insurance import Insurance
from portal.shared.months import Month, month_span
from tests.cast import NOW, Cast, cover
from tests.filing import file

pytestmark = pytest.mark.django_db


def broken() -> tuple[str, ...]:
    """What the audit says of proofs."""
    [finding] = [one for one in audit() if one.number == 11]
    return finding.examples


@contextmanager
def triggers_off() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = origin")


@pytest.fixture
def issued(frozen: Callable[..., Certificate]) -> Certificate:
    certificate = frozen()
    issuing.produce(certificate, now=NOW)
    certificate.refresh_from_db()
    return certificate


def test_a_proof_as_it_was_issued_is_in_order(issued: Certificate) -> None:
    assert broken() == ()


def test_a_proof_that_says_more_than_the_ledger_is_found(issued: Certificate) -> None:
    facts = issued.facts
    facts["totals"]["pension"]["paid_months"] += 1
    with triggers_off():
        Certificate.objects.filter(pk=issued.pk).update(facts=facts, facts_digest=issuing.facts_digest(facts))
    [found] = broken()
    assert issued.serial_number in found
    assert "账上为 9 个月" in found


def test_facts_changed_behind_their_digest_are_found(issued: Certificate) -> None:
    facts = issued.facts
    facts["person"]["name"] = "张芳"
    with triggers_off():
        Certificate.objects.filter(pk=issued.pk).update(facts=facts)
    assert broken() == (f"{issued.serial_number}：内容与登记的摘要不符",)


def test_a_document_that_is_lost_or_changed_is_found(issued: Certificate) -> None:
    path = documents.path_of(issued.document)
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(whole[:-1] + b"x")
    assert broken() == (f"{issued.serial_number}：文件缺失或与登记的摘要不符",)
    path.unlink()
    assert broken() == (f"{issued.serial_number}：文件缺失或与登记的摘要不符",)


def test_a_history_that_counts_a_month_too_many_is_found(cast: Cast, insured: Person) -> None:
    case = file(cast.wang_fang_login, "ningbo", "pension-history", {"first_year": "all"}, NOW)
    certificate = Certificate.objects.get(case=case)
    assert broken() == ()
    facts = certificate.facts
    facts["totals"]["months"] += 1
    with triggers_off():
        Certificate.objects.filter(pk=certificate.pk).update(
            facts=facts, facts_digest=issuing.facts_digest(facts)
        )
    [found] = broken()
    assert "账上为 9 个月" in found


def test_an_employers_proof_of_its_staff_is_held_against_the_months_there(
    cast: Cast, insured: Person
) -> None:
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "2026-01", "2026-06", at=cast.zhaobao, wage_fen=900000)
    cover(cast.zhang_min, Insurance.PENSION, "ningbo", "2026-06", at=cast.yongjiang, wage_fen=700000)
    system = User.objects.system()
    for month in month_span(Month(2026, 1), Month(2026, 11)):
        charge(city="ningbo", month=month, by=system, now=NOW)
    receive(
        Charge.objects.filter(person=cast.zhang_min),
        channel="counter",
        provider_number="2",
        at=NOW,
        by=system,
    )
    typed = {"who": "all", "months": "12", "insurances": ["pension"], "reveal": "all"}
    batch = StaffBatch.objects.get(case=file(cast.yongjiang_clerk, "ningbo", "staff-proofs", typed, NOW))
    while staff_batches.work_on(batch, now=NOW):
        pass
    certificate = Certificate.objects.get(person=cast.zhang_min)
    assert certificate.facts["totals"]["pension"]["paid_months"] == 5
    assert broken() == ()
    facts = certificate.facts
    facts["totals"]["pension"]["paid_months"] = 10
    with triggers_off():
        Certificate.objects.filter(pk=certificate.pk).update(
            facts=facts, facts_digest=issuing.facts_digest(facts)
        )
    [found] = broken()
    assert "账上为 5 个月" in found
