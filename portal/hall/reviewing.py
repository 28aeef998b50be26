"""What the page of a case shows to staff: the application, the facts as they are now, and the
decision to make."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.models import User
from portal.hall import catalogue, desk, permissions
from portal.hall.models import Attachment, Case, Overruling
from portal.hall.routing import Status
from portal.hall.service import Finding, Mismatch
from portal.policy.book import Paper
from portal.shared import identity
from portal.shared.months import Month


class ApproveForm(forms.Form):
    """通过, or 核对材料并办结 at the counter: an answer where one is wanted, the papers seen, why a
    mismatch is overruled."""

    prefix = "approve"

    def __init__(
        self,
        *args: Any,
        papers: Sequence[Paper] = (),
        mismatch: bool = False,
        answered: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if answered:
            self.fields["answer"] = forms.CharField(
                label=_("答复"),
                help_text=_("写明核实的结果和接下来的处理；申请人会看到。"),
                widget=forms.Textarea(attrs={"rows": 4}),
                error_messages={"required": _("请写明答复，申请人会看到。")},
            )
        self.papers = list(papers)
        if self.papers:
            self.fields["papers"] = forms.MultipleChoiceField(
                label=_("已核对的材料原件"),
                choices=[(paper.code, paper.title) for paper in self.papers],
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )
        if mismatch:
            self.fields["overrule"] = forms.BooleanField(
                label=_("已核实，提请与登记不一致仍予办理"),
                error_messages={
                    "required": _("与登记不一致，须勾选确认后才能办理；不能办理的，请不予通过。")
                },
            )
            self.fields["basis"] = forms.CharField(
                label=_("办理依据"),
                help_text=_("写明核实了什么、依据哪份材料；申请人会看到。"),
                widget=forms.Textarea(attrs={"rows": 3}),
                error_messages={"required": _("与登记不一致而仍予办理，请写明依据。")},
            )

    def clean_papers(self) -> list[str]:
        checked = self.cleaned_data["papers"]
        missing = [paper.title for paper in self.papers if paper.required and paper.code not in checked]
        if missing:
            raise forms.ValidationError(_("请核对{papers}后勾选。").format(papers="、".join(missing)))
        return list(checked)

    @property
    def note(self) -> str:
        """What the case's history keeps of the approval."""
        seen = set(self.cleaned_data.get("papers", ()))
        titles = [paper.title for paper in self.papers if paper.code in seen]
        checked = _("已核对原件：{papers}。").format(papers="、".join(titles)) if titles else ""
        return self.cleaned_data.get("answer", "") + checked + self.cleaned_data.get("basis", "")


class RefuseForm(forms.Form):
    """不予通过: the reason, and that it was confirmed."""

    prefix = "refuse"

    reason = forms.CharField(
        label=gettext_lazy("不予通过的理由"),
        help_text=gettext_lazy("申请人会看到。写明缺什么、为什么不能办、接下来可以怎么办。"),
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": gettext_lazy("请写明不予通过的理由，申请人会看到。")},
    )
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)


class DeclineForm(forms.Form):
    """The form to decline an overruling: it asks why."""

    prefix = "decline"

    why = forms.CharField(
        label=gettext_lazy("不同意的原因"),
        max_length=200,
        error_messages={"required": gettext_lazy("请写明不同意的原因。")},
    )


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

    def approval(self, typed: Any = None) -> ApproveForm:
        """The form to approve with, empty or as it was typed."""
        return ApproveForm(typed, papers=self.papers, mismatch=bool(self.mismatches), answered=self.answered)

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
        why_not=permissions.why_not_decide(by, case),
        answered=service.answered,
        overruling=overruling,
        own=overruling is not None and overruling.proposed_by_id == by.pk,
        still=overruling is None or overruling.mismatches == desk.whys(seen.findings),
    )


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
    """The papers handed in with the case, each under its title in the offer."""
    titles = {paper.code: paper.title for paper in case.offer.papers}
    return [(titles.get(one.paper, one.paper), one) for one in case.attachments.order_by("pk")]
