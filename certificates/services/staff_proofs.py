"""职工参保证明批量开具（宁波）: a proof for each of an employer's staff, only about the months with
this employer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import staff_batches
from certificates.facts import Reveal
from certificates.purpose import PurposeForm, not_run, use_of
from certificates.sealed_service import SealedService
from contributions.records import staff as staff_records
from portal.accounts.fields import IdentityNumberField
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Theme
from portal.people import papers
from portal.policy.book import Offer
from portal.policy.terms.proofs import proof_terms
from portal.shared import foreigners
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import day_zh

ALL_STAFF, CHOSEN = "all", "chosen"
# The most people in one batch: an archive of so many proofs is several gigabytes.
MOST = 20_000
_SHOWN_MISTAKES = 10


class StaffProofsForm(PurposeForm):
    field_order = (
        "who",
        "numbers",
        "months",
        "insurances",
        "reveal",
        "recipient",
        "purpose",
        "valid_days",
    )

    who = forms.ChoiceField(
        label=gettext_lazy("为哪些职工开具"),
        widget=forms.RadioSelect,
        choices=[
            (ALL_STAFF, gettext_lazy("所选月份里在本单位参保的全部职工")),
            (CHOSEN, gettext_lazy("只为下面列出的职工")),
        ],
        initial=ALL_STAFF,
    )
    numbers = forms.CharField(
        label=gettext_lazy("职工的身份证号码"),
        required=False,
        max_length=MOST * 24,
        help_text=gettext_lazy("选择“只为下面列出的职工”时填写，每行一个，可以从表格中整列复制粘贴。"),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
    )
    months = forms.TypedChoiceField(
        label=gettext_lazy("证明月数"),
        coerce=int,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("从本月往前数，含本月；只含在本单位参保的月份。"),
    )
    insurances = forms.MultipleChoiceField(
        label=gettext_lazy("险种"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("请至少选择一个险种。")},
    )
    reveal = forms.ChoiceField(
        label=gettext_lazy("证明显示什么"),
        widget=forms.RadioSelect,
        choices=[
            (str(Reveal.MONTHS), gettext_lazy("只显示各月是否已缴，不显示缴费基数和金额")),
            (str(Reveal.ALL), gettext_lazy("显示缴费基数和金额")),
        ],
        initial=str(Reveal.MONTHS),
    )

    def build(self) -> None:
        super().build()
        terms = proof_terms(self.offer)
        self.fields["months"].choices = [  # type: ignore[attr-defined]
            (str(count), _("本月") if count == 1 else _("最近 {count} 个月").format(count=count))
            for count in terms.month_counts
        ]
        self.fields["months"].initial = str(terms.month_counts[0])
        self.fields["insurances"].help_text = not_run(self.offer, self.now)
        self.fields["insurances"].choices = [  # type: ignore[attr-defined]
            (str(insurance), _(INSURANCE_LABELS[insurance])) for insurance in terms.insurances
        ]
        self.fields["insurances"].initial = [str(insurance) for insurance in terms.insurances]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("who") != CHOSEN:
            cleaned["numbers"] = []
            self.errors.pop("numbers", None)
            return cleaned
        numbers, mistakes = read_numbers(cleaned.get("numbers", ""))
        if mistakes:
            listed = mistakes[:_SHOWN_MISTAKES]
            if len(mistakes) > len(listed):
                listed.append(_("另有 {count} 行有误。").format(count=len(mistakes) - len(listed)))
            self.add_error("numbers", ValidationError(listed))
        elif not numbers and "numbers" not in self.errors:
            self.add_error("numbers", _("请填写职工的身份证号码，每行一个。"))
        cleaned["numbers"] = numbers
        return cleaned


def read_numbers(text: str) -> tuple[list[str], list[str]]:
    """The numbers in the lines, each once, and the errors with their line numbers."""
    field = IdentityNumberField()
    numbers: dict[str, None] = {}
    mistakes = []
    papers_known = papers.known_among(text.splitlines())
    for place, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or (place == 1 and "号" in line and not any(one.isdigit() for one in line)):
            # A whole copied column begins with its head.
            continue
        typed = foreigners.as_typed(line)
        if typed in papers_known or (foreigners.may_be_passport(typed) and not typed.isdigit()):
            numbers[papers_known.get(typed, typed)] = None
            continue
        try:
            numbers[field.clean(line)] = None
        except ValidationError as mistake:
            mistakes.append(_("第 {line} 行：{why}").format(line=place, why=mistake.messages[0]))
    return list(numbers), mistakes


@dataclass(frozen=True)
class StaffFacts:
    """The people (ids) of the proofs, the numbers that are not of the employer's staff, and whether
    documents can be sealed now."""

    people: Sequence[int]
    strangers: Sequence[str]
    sealable: bool

    def frozen(self) -> dict[str, Any]:
        """For the case: the number of people; the batch names them."""
        return {"people": len(self.people)}


class StaffProofs(SealedService):
    code = "staff-proofs"
    title = gettext_lazy("职工参保证明批量开具")
    audience = Audience.EMPLOYER
    theme = Theme.PROOF
    form = StaffProofsForm
    submit_label = gettext_lazy("批量开具证明")
    also_known_as = ("批量参保证明", "职工参保证明", "员工社保证明", "投标社保证明")

    def how_it_ends(self, offer: Offer) -> str:
        return _("提交后在后台逐份开具并盖章，可以查看进度，全部开具后下载。")

    def goes_to(self, case: Case, *, now: datetime) -> str:
        return reverse("staff-batch", args=[case.number])

    def facts(self, ask: Ask, outside: bool) -> StaffFacts:
        until = ask.month + 1
        staff = staff_records.staff(
            ask.employer,
            city=ask.offer.city,
            insurances=[Insurance(insurance) for insurance in ask.answers["insurances"]],
            since=until - ask.answers["months"],
            until=until,
        )
        if ask.answers["who"] == ALL_STAFF:
            return StaffFacts(list(staff.values_list("pk", flat=True)), (), outside)
        pk_by_number = dict(
            staff.filter(identity_number__in=ask.answers["numbers"]).values_list("identity_number", "pk")
        )
        return StaffFacts(
            [pk_by_number[number] for number in ask.answers["numbers"] if number in pk_by_number],
            [number for number in ask.answers["numbers"] if number not in pk_by_number],
            outside,
        )

    def rule(self, ask: Ask, facts: StaffFacts) -> Iterator[Finding]:
        yield from super().rule(ask, facts)
        if facts.strangers:
            listed = "、".join(facts.strangers[:_SHOWN_MISTAKES])
            yield Bar(
                "numbers",
                _(
                    "下列 {count} 个号码在所选月份和险种里不是本单位参保的职工：{numbers}{more}。请核对，或改选月数。"
                ).format(
                    count=len(facts.strangers),
                    numbers=listed,
                    more=_("等") if len(facts.strangers) > _SHOWN_MISTAKES else "",
                ),
            )
        elif not facts.people:
            yield Bar("months", _("所选月份和险种里，本单位没有参保职工，没有内容可以证明。"))
        if len(facts.people) > MOST:
            yield Bar(
                "who",
                _("一次最多为 {most} 名职工开具，请分批列出身份证号码办理。").format(most=MOST),
            )

    def said(self, ask: Ask, facts: StaffFacts) -> Any:
        """The texts that all documents share; each name is checked when its proof is made."""
        return [ask.employer.name, ask.answers["recipient"], ask.answers["purpose"]]

    def effect(self, case: Case, ask: Ask, facts: StaffFacts, *, by: User, now: datetime) -> dict[str, Any]:
        use = use_of(ask.answers, offer=ask.offer, now=ask.filed_at)
        staff_batches.open_batch(
            case=case,
            employer=ask.employer,
            people=facts.people,
            asked={
                "insurances": ask.answers["insurances"],
                "months": ask.answers["months"],
                "reveal": ask.answers["reveal"],
                "recipient": use.recipient,
                "purpose": use.purpose,
                "valid_until": str(use.valid_until),
            },
            by=by,
            now=now,
        )
        return {
            "lines": [[_("开具人数"), _("%(count)s 人") % {"count": len(facts.people)}]],
            "links": [[_("查看进度和下载"), reverse("staff-batch", args=[case.number])]],
        }

    def summary(self, ask: Ask, facts: StaffFacts) -> list[tuple[str, str]]:
        use = use_of(ask.answers, offer=ask.offer, now=ask.filed_at)
        reveals = dict(StaffProofsForm.base_fields["reveal"].choices)  # type: ignore[attr-defined]
        return [
            (_("开具人数"), _("%(count)s 人") % {"count": len(facts.people)}),
            (_("证明月数"), _("%(count)s 个月（含本月）") % {"count": ask.answers["months"]}),
            (
                _("险种"),
                "、".join(_(INSURANCE_LABELS[Insurance(one)]) for one in ask.answers["insurances"]),
            ),
            (_("显示内容"), str(reveals[ask.answers["reveal"]])),
            (_("出具给"), use.recipient or _("不注明")),
            (_("用途"), use.purpose or _("不注明")),
            (_("有效期至"), day_zh(use.valid_until) if use.valid_until else _("不限")),
        ]
