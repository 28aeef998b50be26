"""个人参保证明（宁波；深圳：参保证明（表单下载））: the person chooses what it shows, its recipient
and its validity."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import issuing, presenting
from certificates.facts import Reveal, at_least_facts, person_facts
from certificates.kinds import CertificateKind
from certificates.purpose import PurposeForm, not_run, use_of
from certificates.sealed_service import SealedService, nothing_here
from contributions.records import by_month
from portal.accounts.captcha import PictureCaptchaField
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Theme
from portal.policy.book import book
from portal.policy.terms.proofs import proof_terms
from portal.shared.insurance import INSURANCE_LABELS, Insurance

ALL_MONTHS = "all"

REVEAL_LABELS = {
    Reveal.ALL: gettext_lazy("逐月明细，显示缴费基数和金额"),
    Reveal.MONTHS: gettext_lazy("逐月明细，只显示各月是否已缴，不显示基数和金额"),
    Reveal.AT_LEAST: gettext_lazy("只证明这些月份里至少缴满几个月，不显示明细"),
}


class PersonProofForm(PurposeForm):
    gate = ("captcha",)
    field_order = (
        "months",
        "insurances",
        "reveal",
        "at_least",
        "hide_employers",
        "recipient",
        "purpose",
        "valid_days",
        "captcha",
    )

    months = forms.ChoiceField(
        label=gettext_lazy("打印月数"),
        widget=forms.RadioSelect,
        help_text=gettext_lazy("从本月往前数，含本月。"),
    )
    insurances = forms.MultipleChoiceField(
        label=gettext_lazy("险种"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("请至少选择一个险种。")},
    )
    reveal = forms.ChoiceField(
        label=gettext_lazy("证明显示什么"),
        required=False,
        widget=forms.RadioSelect,
        choices=[(str(reveal), label) for reveal, label in REVEAL_LABELS.items()],
        initial=str(Reveal.ALL),
        help_text=gettext_lazy("只显示接收单位需要知道的内容；没有显示的，证明和核验结果里都查不到。"),
    )
    at_least = forms.IntegerField(
        label=gettext_lazy("至少缴满的月数"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("选择“只证明……至少缴满几个月”时填写；所选的每个险种都要缴满。"),
        widget=forms.NumberInput(attrs={"class": "w-6", "inputmode": "numeric"}),
    )
    hide_employers = forms.BooleanField(label=gettext_lazy("不显示参保单位的名称"), required=False)
    captcha = PictureCaptchaField()

    def build(self) -> None:
        super().build()
        terms = proof_terms(self.offer)
        self.fields["months"].choices = [  # type: ignore[attr-defined]
            *((str(count), _("最近 {count} 个月").format(count=count)) for count in terms.month_counts),
            (ALL_MONTHS, _("全部月份")),
        ]
        self.fields["insurances"].choices = [  # type: ignore[attr-defined]
            (str(insurance), _(INSURANCE_LABELS[insurance])) for insurance in terms.insurances
        ]
        self.fields["months"].initial = str(terms.month_counts[0])
        self.fields["insurances"].help_text = not_run(self.offer, self.now)
        self.fields["insurances"].initial = [str(insurance) for insurance in terms.insurances]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        cleaned["reveal"] = cleaned.get("reveal") or str(Reveal.ALL)
        if cleaned["reveal"] != Reveal.AT_LEAST:
            # The field is not part of this application, so its content is ignored.
            cleaned["at_least"] = None
            self.errors.pop("at_least", None)
            return cleaned
        cleaned["hide_employers"] = False
        months = cleaned.get("months")
        if months == ALL_MONTHS:
            self.add_error("months", _("只证明缴满几个月时，请选择最近多少个月，不能选全部月份。"))
        elif "at_least" in cleaned and cleaned["at_least"] is None:
            self.add_error("at_least", _("请填写至少缴满几个月。"))
        elif months and cleaned.get("at_least", 0) > int(months):
            self.add_error("at_least", _("最近 {months} 个月里不会缴满更多的月份。").format(months=months))
        return cleaned


@dataclass(frozen=True)
class ProofFacts:
    """The facts of the certificate, and whether it can be sealed now. ``paid``: the paid months by
    insurance, where the proof states only a minimum."""

    proof: dict[str, Any]
    sealable: bool
    paid: Mapping[Insurance, int] = field(default_factory=dict)

    def frozen(self) -> dict[str, Any]:
        """For the case: the period; the register of certificates has the rest."""
        return {"period": self.proof["period"]}


class PersonProof(SealedService):
    code = "person-proof"
    title = gettext_lazy("个人参保证明")
    audience = Audience.PERSON
    theme = Theme.PROOF
    form = PersonProofForm
    for_wards = True
    also_known_as = ("参保证明", "社保证明", "社保证明打印", "缴费证明")

    def facts(self, ask: Ask, outside: bool) -> ProofFacts:
        months, reveal = ask.answers["months"], Reveal(ask.answers.get("reveal") or Reveal.ALL)
        scope: dict[str, Any] = {
            "city": book().city(ask.offer.city),
            # An older application may name insurances that the offer no longer has.
            "insurances": [
                insurance
                for insurance in proof_terms(ask.offer).insurances
                if str(insurance) in ask.answers["insurances"]
            ],
            "month_count": None if months == ALL_MONTHS else int(months),
            "use": use_of(ask.answers, offer=ask.offer, now=ask.filed_at),
            "now": ask.filed_at,
        }
        if reveal == Reveal.AT_LEAST:
            proof, paid = at_least_facts(ask.person, at_least=ask.answers["at_least"], **scope)
            return ProofFacts(proof, outside, paid)
        with_employers = not ask.answers.get("hide_employers", False)
        return ProofFacts(
            person_facts(ask.person, reveal=reveal, with_employers=with_employers, **scope), outside
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """The city's record has no month of the person."""
        city = book().city(ask.offer.city)
        if not by_month.record(ask.person, until=ask.month + 1, cities=[city.slug]):
            yield nothing_here(ask.person, city)

    def rule(self, ask: Ask, facts: ProofFacts) -> Iterator[Finding]:
        yield from super().rule(ask, facts)
        if facts.proof["reveals"] == Reveal.AT_LEAST:
            yield from _too_few(facts)
        elif not facts.proof["months"]:
            yield Bar(
                "months",
                _("所选月份和险种在{city}没有参保缴费记录，没有内容可以证明。请改选月数或险种。").format(
                    city=facts.proof["city"]
                ),
            )

    def effect(self, case: Case, ask: Ask, facts: ProofFacts, *, by: User, now: datetime) -> dict[str, Any]:
        certificate = issuing.freeze(
            kind=CertificateKind.PERSON,
            city=ask.offer.city,
            facts=facts.proof,
            person=ask.person,
            case=case,
            valid_until=use_of(ask.answers, offer=ask.offer, now=ask.filed_at).valid_until,
            by=by,
            now=now,
        )
        return presenting.outcome(certificate)

    def summary(self, ask: Ask, facts: ProofFacts) -> list[tuple[str, str]]:
        return [
            *presenting.described(facts.proof),
            (_("显示内容"), str(REVEAL_LABELS[Reveal(facts.proof["reveals"])])),
            (_("出具机构"), facts.proof["agency"]),
        ]

    def preview(self, ask: Ask, facts: ProofFacts) -> dict[str, Any]:
        return {"template": "certificates/contents.html", **presenting.contents(facts.proof)}


def _too_few(facts: ProofFacts) -> Iterator[Finding]:
    """The bars to a false statement: each insurance with too few paid months."""
    required = facts.proof["at_least"]
    for insurance, months in facts.paid.items():
        if months < required:
            yield Bar(
                "at_least",
                _(
                    "{insurance}在所选月份里已缴 {months} 个月，不足 {wanted} 个月。请减少月数或不选这个险种。"
                ).format(insurance=INSURANCE_LABELS[insurance], months=months, wanted=required),
            )
