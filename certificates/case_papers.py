"""收件回执单 and 预申请表 as sealed documents: the filed application, frozen as plain data at the
first request.

They show the case as it was filed, not its progress: that changes, and the case's page shows it.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from certificates import issuing
from certificates.facts import issuer
from certificates.kinds import CASE_SCHEMA, IN_FULL, KINDS, CertificateKind
from certificates.models import Certificate
from portal.accounts.models import User
from portal.hall import counter
from portal.hall.catalogue import services
from portal.hall.models import Case, Conclusion, WindowCheck
from portal.hall.routing import Status
from portal.people.models import Person
from portal.policy.book import book


class NoSuchPaper(Exception):
    """The case has no such paper: only an applicant who must still go to the window gets a form."""


def paper_facts(case: Case, *, kind: CertificateKind, now: datetime) -> dict[str, Any]:
    """The facts: number, service, applicant, the filed answers, and the papers that were handed in
    or must still be brought."""
    city = book().city(case.city)
    offer = city.offers.get(case.service)
    title = offer.title if offer else str(services()[case.service].title)
    required = case.facts.get("papers", [])
    papers = offer.papers if offer else ()
    names = {paper.code: paper.title for paper in papers}
    return {
        "schema": CASE_SCHEMA,
        **issuer(city, now),
        **_applicant(case),
        "title": _("%(service)s申请表") % {"service": title}
        if kind == CertificateKind.APPLICATION_FORM
        else _("收件回执单"),
        "kind": str(kind),
        "case": {
            "number": case.number,
            "service": title,
            "submitted_at": case.submitted_at.isoformat(),
            "due_on": str(case.due_on or ""),
        },
        "subject": case.subject.name if case.subject else str(case.answers.get("name", "")),
        "lines": [[str(label), str(value)] for label, value in case.facts.get("summary", [])],
        **_for_the_window(case, kind),
        "mismatches": [str(entry["why"]) for entry in case.mismatches],
        "handed_in": [
            names.get(one.paper, one.name) for one in case.attachments.filter(replaced_at=None).order_by("pk")
        ],
        "to_bring": [
            paper.title + (f"（{paper.note}）" if paper.note else "")
            for paper in papers
            if not paper.upload and paper.code in required
        ],
        "hotline": city.hotline,
    }


def paper_of(case: Case, *, kind: CertificateKind, by: User, now: datetime) -> Certificate:
    """The case's receipt or form, frozen at the first request and the same ever after. Raises
    NoSuchPaper."""
    if kind == CertificateKind.APPLICATION_FORM and case.status != Status.PRE_APPLIED:
        raise NoSuchPaper(case.number)
    frozen = Certificate.objects.filter(case=case, kind=kind)
    certificate = frozen.first()
    if certificate is not None:
        return certificate
    facts = paper_facts(case, kind=kind, now=now)
    return _freeze_once(frozen, case, kind, facts, by=by, now=now)


def _freeze_once(
    frozen: QuerySet[Certificate],
    case: Case,
    kind: CertificateKind,
    facts: dict[str, Any],
    *,
    visit: WindowCheck | None = None,
    by: User,
    now: datetime,
) -> Certificate:
    """Freezes a paper of the case, or gives the one that a concurrent request has ``frozen``."""
    try:
        with transaction.atomic():
            return issuing.freeze(
                kind=kind,
                city=case.city,
                facts=facts,
                person=case.applicant_person,
                employer=case.applicant_employer,
                case=case,
                visit=visit,
                by=by,
                now=now,
            )
    except IntegrityError:
        return frozen.get()


WINDOW_PAPERS = {
    Conclusion.ACCEPTED: CertificateKind.ACCEPTANCE_NOTICE,
    Conclusion.LACKING: CertificateKind.GUIDANCE_NOTICE,
    Conclusion.DECLINED: CertificateKind.DECLINE_DECISION,
}


def window_paper_of(visit: WindowCheck, *, now: datetime) -> Certificate:
    """The paper about a visit to the window, frozen at the first request and the same ever after,
    whoever asks: the applicant or staff."""
    frozen = Certificate.objects.filter(visit=visit)
    certificate = frozen.first()
    if certificate is not None:
        return certificate
    case, kind = visit.case, WINDOW_PAPERS[Conclusion(visit.conclusion)]
    facts = {
        **paper_facts(case, kind=kind, now=now),
        "title": KINDS[kind].title,
        "mismatches": [],
        "handed_in": [],
        "to_bring": [],
        "visit": {
            "at": visit.at.isoformat(),
            "by": visit.by.name,
            "agent": visit.agent_name,
            "papers": _papers_seen(visit),
            "missing": visit.missing if visit.conclusion == Conclusion.LACKING else [],
            "why": visit.words if visit.conclusion == Conclusion.DECLINED else "",
            "keep_until": str(case.keep_until or ""),
        },
    }
    return _freeze_once(frozen, case, kind, facts, visit=visit, by=case.filed_by, now=now)


def _papers_seen(visit: WindowCheck) -> list[str]:
    """The papers that were seen, with what was found of each: 户口簿（与申报一致，已留复印件）."""
    lines = []
    for paper in visit.papers:
        if paper["seen"]:
            found = [
                _("与申报一致") if paper["agrees"] else _("与申报不一致"),
                *([_("已留复印件")] if paper["copied"] else []),
            ]
            lines.append(_("{title}（{found}）").format(title=paper["title"], found="，".join(found)))
    return lines


def _for_the_window(case: Case, kind: CertificateKind) -> dict[str, Any]:
    """The facts that only the form has: the lines with unmasked numbers, and the address at which
    staff open the case."""
    if kind != CertificateKind.APPLICATION_FORM:
        return {}
    return {IN_FULL: [list(line) for line in counter.lines_in_full(case)], "opens": counter.address(case)}


def _applicant(case: Case) -> dict[str, dict[str, str]]:
    applicant = case.applicant
    if isinstance(applicant, Person):
        return {"person": applicant.named()}
    return {
        "employer": {
            "name": applicant.name,
            "credit_code": applicant.credit_code,
            "insurance_number": applicant.insurance_number,
        }
    }
