"""Correcting a proof with wrong facts: a new proof for the same application, from the present
facts, replaces it."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from certificates import issuing, presenting, seal_evidence
from certificates.models import Certificate, Status
from portal.accounts.models import User
from portal.hall import desk
from portal.hall.catalogue import service
from portal.hall.service import Bar
from portal.people import locks


class NotCorrectable(Exception):
    """The proof cannot be corrected; the message says why, and what to do instead."""


@dataclass(frozen=True)
class Correction:
    """The new facts of a proof, and ``lines`` (label, old, new) that compare them with the old."""

    facts: dict[str, Any]
    lines: list[tuple[str, str, str]]
    # Whether old and new facts are equal, apart from the day of issue and the end of validity.
    same: bool


def preview(certificate: Certificate, *, now: datetime) -> Correction:
    """Compares the proof with the one that the same application would give now. Raises
    NotCorrectable."""
    proof = present_facts(certificate, now)
    words_before = dict(_words(certificate.facts))
    words_now = dict(_words(proof))
    labels = [*words_before, *(label for label in words_now if label not in words_before)]
    lines = [(label, words_before.get(label, "—"), words_now.get(label, "—")) for label in labels]
    return Correction(proof, lines, same=_lasting(certificate.facts) == _lasting(proof))


def correct(certificate: Certificate, *, by: User, reason: str, now: datetime) -> Certificate:
    """Issues a new proof for the holder and marks the old one as replaced by it.

    Both happen in one transaction; a second call raises NotCorrectable. Raises ValueError without a
    reason. Drawing and sealing follow outside the transaction (``issuing.produce``).
    """
    if not reason.strip():
        raise ValueError("a correction needs a reason")
    if not seal_evidence.available(certificate.city, now=now):
        raise NotCorrectable(_("电子印章暂不可用，请稍后再试。没有印章不出具证明。"))
    try:
        with transaction.atomic():
            locks.lock_subject(certificate.person.identity_number if certificate.person else "")
            proof = present_facts(certificate, now)
            until = proof.get("use", {}).get("valid_until")
            replacement = issuing.freeze(
                kind=certificate.kind_code,
                city=certificate.city,
                facts=proof,
                person=certificate.person,
                employer=certificate.employer,
                valid_until=date.fromisoformat(until) if until else None,
                by=certificate.issued_to,
                now=now,
            )
            moved = Certificate.objects.filter(pk=certificate.pk, status=Status.ISSUED).update(
                status=Status.SUPERSEDED,
                superseded_by=replacement,
                superseded_at=now,
                corrected_by=by,
                superseded_reason=reason.strip(),
            )
            if not moved:
                raise NotCorrectable(_("这份证明已经撤销或替换。"))
    except IntegrityError as error:
        raise NotCorrectable(_("按现在的数据不能出具这份证明，请撤销后由持有人重新申请。")) from error
    certificate.refresh_from_db()
    return replacement


def present_facts(certificate: Certificate, now: datetime) -> dict[str, Any]:
    if certificate.status != Status.ISSUED:
        raise NotCorrectable(_("只有有效的证明可以更正。"))
    case = _case(certificate)
    if case is None:
        raise NotCorrectable(_("这份证明不是由办件出具的，请撤销后由持有人重新申请。"))
    case_service = service(case.service)
    ask = replace(desk.ask_of(case), filed_at=now)
    facts = case_service.facts(ask, case_service.outside(ask))
    proof = getattr(facts, "proof", None)
    if not isinstance(proof, dict) or proof["schema"] != certificate.facts["schema"]:
        raise NotCorrectable(_("这一种文件不能更正，请撤销后由持有人重新申请。"))
    bars = [str(finding.why) for finding in case_service.rule(ask, facts) if isinstance(finding, Bar)]
    if bars:
        raise NotCorrectable(
            _("按现在的数据不能出具：{why}请撤销后由持有人重新申请。").format(why="".join(bars))
        )
    return proof


def _case(certificate: Certificate) -> Any:
    """The case that led to the certificate; for a corrected one, the case of the certificate that
    it replaced."""
    seen = set()
    while certificate.case is None and certificate.pk not in seen:
        seen.add(certificate.pk)
        earlier = certificate.supersedes.order_by("pk").first()
        if earlier is None:
            return None
        certificate = earlier
    return certificate.case


def _lasting(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key not in ("as_of", "frozen_at", "use")}


def _words(facts: dict[str, Any]) -> list[tuple[str, str]]:
    return [*presenting.described(facts), *_totals(facts)]


def _totals(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The totals by insurance, where a proof has them."""
    lines = []
    for line in presenting.contents(facts).get("summary", []):
        words = _("{state}，已缴 {months} 个月").format(
            state=line.get("state", ""), months=line.get("paid_months", "—")
        )
        if line.get("personal"):
            words += _("，个人缴费 {sum} 元").format(sum=line["personal"])
        lines.append((str(line["label"]), words))
    return lines
