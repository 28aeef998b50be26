"""The audit's eleventh invariant: proofs say what the ledger said, and are kept as they were issued."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from certificates import documents, issuing
from certificates.models import Certificate
from contributions.audit import audit
from tests.cast import NOW

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
    path = documents._path(issued.document)
    whole = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(whole[:-1] + b"x")
    assert broken() == (f"{issued.serial_number}：文件缺失或与登记的摘要不符",)
    path.unlink()
    assert broken() == (f"{issued.serial_number}：文件缺失或与登记的摘要不符",)
