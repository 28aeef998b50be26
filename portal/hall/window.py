"""The window: what staff note when somebody comes with a pre-application."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.accounts.staff_admin import staff_typed_number
from portal.columns import person_name
from portal.hall.decision_forms import ApproveForm
from portal.hall.models import Case, Conclusion, WindowCheck
from portal.policy.book import Paper

SELF, AGENT = "self", "agent"
SEEN, AGREES, COPIED = "seen", "agrees", "copied"


class WindowForm(ApproveForm):
    """核对材料并办结, or 材料不全: who came, what was found of each paper, and what is missing.

    What is missing is asked for only where ``lacking`` is set; accepting asks that each required
    paper was seen and agrees.
    """

    def __init__(
        self,
        *args: Any,
        papers: Sequence[Paper] = (),
        lacking: bool = False,
        applicant_number: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.papers, self.lacking, self.applicant_number = list(papers), lacking, applicant_number
        asked = self.fields
        self.fields = {}
        self.fields["key"] = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4, required=False)
        self.fields["came"] = forms.ChoiceField(
            label=_("到窗口的人"),
            choices=[(SELF, _("申请人本人（或其监护人、单位经办人）")), (AGENT, _("代理人"))],
            initial=SELF,
            widget=forms.RadioSelect,
            error_messages={"required": _("请选择到窗口的是谁。")},
        )
        self.fields["identity"] = forms.BooleanField(
            label=_("已核对身份证件原件，人证一致（代理人办理的，核对双方证件和委托书）"),
            required=not lacking,
            error_messages={"required": _("请核对到窗口的人的身份证件后勾选。")},
        )
        self.fields["agent_name"] = forms.CharField(
            label=_("代理人姓名"), required=False, max_length=60, help_text=_("本人办理的不填。")
        )
        self.fields["agent_number"] = forms.CharField(
            label=_("代理人身份证号码"), required=False, max_length=40
        )
        for paper in self.papers:
            self.fields[paper_field(paper.code)] = forms.MultipleChoiceField(
                label=paper.title if paper.required else _("{paper}（可以不带）").format(paper=paper.title),
                choices=[(SEEN, _("已见原件")), (AGREES, _("与申报一致")), (COPIED, _("已留复印件"))],
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )
        self.fields.update(asked)
        if lacking:
            # What only an approval asks for.
            for name in ("answer", "overrule", "basis"):
                if name in self.fields:
                    self.fields[name].required = False
        self.fields["missing"] = forms.CharField(
            label=_("还缺什么（材料不全时填写，一行一项）"),
            help_text=_("申请人会看到，并印在《业务指引告知书》上。没有勾选“已见原件”的必备材料会自动列入。"),
            widget=forms.Textarea(attrs={"rows": 3}),
            max_length=1000,
            required=False,
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("came") == AGENT:
            self._clean_agent(cleaned)
        else:
            cleaned["agent_name"] = cleaned["agent_number"] = ""
        if self.lacking:
            if not self.missing():
                self.add_error("missing", _("请写明还缺什么；材料齐全的，请办结或不予受理。"))
        else:
            for paper in self.papers:
                ticked = cleaned.get(paper_field(paper.code), [])
                if paper.required and not {SEEN, AGREES} <= set(ticked):
                    self.add_error(
                        paper_field(paper.code),
                        _("请核对{papers}后勾选“已见原件”和“与申报一致”。").format(papers=paper.title),
                    )
        return cleaned

    def _clean_agent(self, cleaned: dict[str, Any]) -> None:
        for name, parse, why in (
            ("agent_name", person_name, _("请填写代理人姓名。")),
            ("agent_number", staff_typed_number, _("请填写代理人身份证号码。")),
        ):
            if name in self.errors:
                continue
            if not cleaned.get(name):
                self.add_error(name, why)
                continue
            try:
                cleaned[name] = parse(cleaned[name])
            except forms.ValidationError as mistake:
                self.add_error(name, mistake)
        if cleaned.get("agent_number") and cleaned["agent_number"] == self.applicant_number:
            self.add_error("agent_number", _("这是申请人本人的号码，本人办理的请选择“申请人本人”。"))

    def missing(self) -> list[str]:
        """What is missing: the required papers that were not seen, or do not agree, and what was
        typed."""
        lines = []
        for paper in self.papers:
            ticked = self.cleaned_data.get(paper_field(paper.code), [])
            if paper.required and SEEN not in ticked:
                lines.append(_("{paper}原件").format(paper=paper.title.removesuffix(_("原件"))))
        typed = [line.strip() for line in self.cleaned_data.get("missing", "").splitlines()]
        return [*lines, *(line for line in typed if line and line not in lines)]

    @property
    def note(self) -> str:
        """What the case's history keeps of the approval."""
        titles = [
            paper.title for paper in self.papers if SEEN in self.cleaned_data.get(paper_field(paper.code), [])
        ]
        checked = _("已核对原件：{papers}。").format(papers="、".join(titles)) if titles else ""
        agent = self.cleaned_data.get("agent_name", "")
        by_agent = _("由代理人{name}代办。").format(name=agent) if agent else ""
        return by_agent + checked + super().note

    def check(self, case: Case, conclusion: Conclusion, *, by: User, now: datetime) -> WindowCheck:
        """What was found, as it is kept; not written yet."""
        found = {paper.code: self.cleaned_data.get(paper_field(paper.code), []) for paper in self.papers}
        return WindowCheck(
            case=case,
            key=(self.cleaned_data.get("key") if self.lacking else None) or uuid4(),
            at=now,
            by=by,
            agent_name=self.cleaned_data["agent_name"],
            agent_number=self.cleaned_data["agent_number"],
            papers=[
                {
                    "code": paper.code,
                    "title": paper.title,
                    **{what: what in found[paper.code] for what in (SEEN, AGREES, COPIED)},
                }
                for paper in self.papers
            ],
            conclusion=conclusion,
            words="\n".join(self.missing()) if conclusion == Conclusion.LACKING else "",
        )


def paper_field(code: str) -> str:
    """The name of the form's field for a paper."""
    return f"paper-{code}"


def declined(case: Case, why: str, *, by: User, now: datetime) -> WindowCheck:
    """That the application is not accepted, as it is kept; not written yet."""
    return WindowCheck(case=case, at=now, by=by, conclusion=Conclusion.DECLINED, words=why.strip())
