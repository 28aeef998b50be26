"""What the page of a case shows to staff: the application, the facts as they are now, and the
decision to make."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.hall import catalogue, desk, permissions
from portal.hall.decision_forms import ApproveForm
from portal.hall.models import AmendmentStatus, Attachment, Case, Overruling
from portal.hall.routing import Status
from portal.hall.service import Finding, Mismatch
from portal.hall.window import WindowForm
from portal.policy.book import Paper
from portal.shared import identity
from portal.shared.months import Month, day_zh


@dataclass(frozen=True)
class Sheet:
    """An open case as it would be decided at this moment; empty where it is closed already."""

    sections: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    papers: list[Paper] = field(default_factory=list)
    why_not: str = ""
    answered: bool = False
    # The proposal to overrule the mismatches that waits; whether it is this reviewer's own; whether
    # it names exactly these mismatches.
    overruling: Overruling | None = None
    own: bool = False
    still: bool = True
    # Whether somebody comes to the window with it; the number of the person who applied; whether
    # money or years ask for a second reviewer.
    at_window: bool = False
    applicant_number: str = ""
    asks_two: bool = False

    def approval(self, typed: Any = None, *, lacking: bool = False) -> ApproveForm:
        """The form to approve with, or at the window to note what is missing; empty or as it was
        typed."""
        asked = {"mismatch": bool(self.mismatches), "answered": self.answered}
        if not self.at_window:
            return ApproveForm(typed, **asked)
        return WindowForm(
            typed, papers=self.papers, lacking=lacking, applicant_number=self.applicant_number, **asked
        )

    @property
    def by_two(self) -> bool:
        """Whether an approval is only proposed, for another reviewer to confirm."""
        return bool(self.mismatches) or self.asks_two

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the facts, findings and papers: a decision sends it back, so that it
        counts only for what was shown."""
        shown = [
            [[heading, [list(map(str, row)) for row in rows]] for heading, rows in self.sections],
            [str(finding.why) for finding in self.findings],
            [paper.code for paper in self.papers],
        ]
        return hashlib.sha256(json.dumps(shown, ensure_ascii=False, default=str).encode()).hexdigest()

    @property
    def bars(self) -> list[Finding]:
        return [finding for finding in self.findings if not isinstance(finding, Mismatch)]

    @property
    def mismatches(self) -> list[Finding]:
        return [finding for finding in self.findings if isinstance(finding, Mismatch)]


def sheet(case: Case, *, by: User) -> Sheet:
    """Reads the facts of an open case again and applies the rule, as an approval would; writes
    nothing."""
    ask = desk.ask_of(case)
    service = catalogue.service(case.service)
    seen = desk.look(ask)
    overruling = desk.standing_overruling(case)
    return Sheet(
        sections=[_news(heading, rows, case) for heading, rows in service.staff_facts(ask, seen.facts)],
        links=service.staff_links(ask, seen.facts),
        findings=seen.findings,
        papers=seen.papers if case.status == Status.PRE_APPLIED else [],
        why_not=permissions.why_not_decide(by, case) or _waits(case),
        answered=service.answered,
        overruling=overruling,
        own=overruling is not None and overruling.proposed_by_id == by.pk,
        still=overruling is None or overruling.mismatches == desk.whys(seen.findings),
        at_window=case.status == Status.PRE_APPLIED,
        applicant_number=case.applicant_person.identity_number if case.applicant_person else "",
        asks_two=desk.asks_two(case),
    )


def _waits(case: Case) -> str:
    """That the case waits for its applicant, and until when; "" where it does not."""
    asked = case.amendments.filter(status=AmendmentStatus.ASKED).first()
    if case.status != Status.RETURNED or asked is None:
        return ""
    return _("已退回申请人补正，最晚 {day}；补正后回到待办理。").format(day=day_zh(asked.until))


def _news(heading: str, rows: list[tuple[str, str]], case: Case) -> tuple[str, list[tuple[str, str]]]:
    """The rows without those that stand in the summary from the filing, so that what has changed is
    seen."""
    at_filing = [tuple(row) for row in case.facts.get("summary", [])]
    changed = [row for row in rows if row not in at_filing]
    return heading, changed if changed or not rows else [(_("与提交时相比"), _("没有变化"))]


def answers_of(case: Case) -> list[tuple[str, str]]:
    """What was filled in, in the words of the form; empty answers are left out, the subject's
    number is masked."""
    return [
        (label, identity.mask(value) if value == case.subject_identity_number else _shown(value, described))
        for label, value, described in _answered(case)
    ]


def labelled(case: Case) -> list[tuple[str, Any]]:
    """What was filled in under the labels of the form, as it is kept; empty answers are left
    out."""
    return [(label, value) for label, value, _described in _answered(case)]


def _answered(case: Case) -> Iterator[tuple[str, Any, forms.Field | None]]:
    ask = desk.ask_of(case)
    form = desk.form_for(offer=ask.offer, applicant=ask.applicant, now=ask.filed_at, initial=ask.answers)
    order = [
        *(name for name in form.fields if name in ask.answers),
        *(n for n in ask.answers if n not in form.fields),
    ]
    for name in order:
        value = ask.answers[name]
        if value not in (None, "", []):
            form_field = form.fields.get(name)
            yield str(form_field.label or name) if form_field else name, value, form_field


def _shown(value: Any, form_field: forms.Field | None) -> str:
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, list):
        return "、".join(_shown(item, form_field) for item in value)
    titles = dict(_flat(getattr(form_field, "choices", ())))
    text = str(value)
    if text in titles:
        return str(titles[text])
    try:
        return Month.parse(text).zh
    except ValueError:
        return text


def _flat(choices: Iterable[tuple[Any, Any]]) -> Iterable[tuple[str, Any]]:
    for value, title in choices:
        if isinstance(title, list | tuple):
            yield from _flat(title)
        else:
            yield str(value), title


def due_words(case: Case, today: date) -> tuple[str, str]:
    """How much time is left, and how pressing that is: ("已超期 2 天", "late"), ("今天到期",
    "today"), ("还剩 3 天", "")."""
    if not case.is_open or case.due_on is None:
        return "", ""
    days = (case.due_on - today).days
    if days < 0:
        return _("已超期 {days} 天").format(days=-days), "late"
    if days == 0:
        return _("今天到期"), "today"
    return _("还剩 {days} 天").format(days=days), ""


def attachments_of(case: Case) -> list[tuple[str, Attachment]]:
    """The papers handed in with the case, each under its title in the offer; those that were
    replaced later say so."""
    titles = {paper.code: paper.title for paper in case.offer.papers}
    return [
        (
            _("{title}（补正前）").format(title=titles.get(one.paper, one.paper))
            if one.replaced_at
            else titles.get(one.paper, one.paper),
            one,
        )
        for one in case.attachments.order_by("pk")
    ]
