"""个人参保证明（宁波：个人参保证明；深圳：参保证明（表单下载））."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import authority, issuing, presenting
from certificates.facts import person_facts
from certificates.kinds import CertificateKind
from portal.accounts.captcha import PictureCaptchaField
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.policy.book import book
from portal.shared.insurance import INSURANCE_LABELS, Insurance

ALL_MONTHS = "all"


class PersonProofForm(ServiceForm):
    gate = ("captcha",)

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
    captcha = PictureCaptchaField()

    def build(self) -> None:
        options = self.offer.options["proof"]
        counts = options["month_counts"]
        self.fields["months"].choices = [  # type: ignore[attr-defined]
            *((str(count), _("最近 {count} 个月").format(count=count)) for count in counts),
            (ALL_MONTHS, _("全部月份")),
        ]
        self.fields["insurances"].choices = [  # type: ignore[attr-defined]
            (str(insurance), _(INSURANCE_LABELS[insurance])) for insurance in options["insurances"]
        ]
        self.fields["months"].initial = str(counts[0])
        self.fields["insurances"].initial = [str(insurance) for insurance in options["insurances"]]


@dataclass(frozen=True)
class ProofFacts:
    """What the certificate would say, and whether it can be sealed now."""

    proof: dict[str, Any]
    sealable: bool

    def frozen(self) -> dict[str, Any]:
        """For the case: which months; what was certified stands in the register of certificates."""
        return {"period": self.proof["period"]}


class PersonProof(Service):
    code = "person-proof"
    title = gettext_lazy("个人参保证明")
    audience = Audience.PERSON
    theme = Theme.PROOF
    form = PersonProofForm
    also_known_as = ("参保证明", "社保证明", "社保证明打印", "缴费证明")

    def outside(self, ask: Ask) -> bool:
        # A key is a file: it is looked for before the transaction opens.
        return authority.available(ask.offer.city, now=ask.filed_at)

    def facts(self, ask: Ask, outside: bool) -> ProofFacts:
        months = ask.answers["months"]
        proof = person_facts(
            ask.person,
            city=book().city(ask.offer.city),
            insurances=[Insurance(insurance) for insurance in ask.answers["insurances"]],
            month_count=None if months == ALL_MONTHS else int(months),
            now=ask.filed_at,
        )
        return ProofFacts(proof, outside)

    def rule(self, ask: Ask, facts: ProofFacts) -> Iterator[Finding]:
        if not facts.sealable:
            yield Bar("", _("电子印章暂不可用，请稍后再试。没有印章不出具证明。"))
        if not facts.proof["months"]:
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
            by=by,
            now=now,
        )
        return presenting.outcome(certificate)

    def summary(self, ask: Ask, facts: ProofFacts) -> list[tuple[str, str]]:
        return [
            (_("证明期间"), presenting.period(facts.proof)),
            (_("险种"), presenting.insurances(facts.proof)),
            (_("出具机构"), facts.proof["agency"]),
        ]

    def preview(self, ask: Ask, facts: ProofFacts) -> dict[str, Any]:
        return {"template": "certificates/contents.html", **presenting.contents(facts.proof)}
