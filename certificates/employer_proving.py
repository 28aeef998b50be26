"""The base of services that give out 单位参保证明: to the employer's clerk, and to the person who
is its contact."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import issuing, presenting
from certificates.facts import employer_facts
from certificates.kinds import CertificateKind
from certificates.sealed_service import SealedService
from portal.accounts.fields import NameField, PhoneField
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Bar, Finding, ServiceForm, Theme
from portal.people.models import Employer
from portal.policy.book import District, book
from portal.shared.characters import narrow
from portal.shared.insurance import Insurance


class EmployerProofForm(ServiceForm):
    """For which place, number and months, and whom to ask; ``employer`` is the one that is filled
    in."""

    place = forms.ChoiceField(
        label=gettext_lazy("参保地"),
        help_text=gettext_lazy("单位参保登记所在的市本级或区县；没有按区县登记的职工计入市本级。"),
    )
    unit_number = forms.CharField(
        label=gettext_lazy("单位社保编号或统一社会信用代码"),
        max_length=40,
        widget=forms.TextInput(attrs={"class": "w-18", "autocomplete": "off"}),
    )
    months = forms.TypedChoiceField(label=gettext_lazy("证明月份"), coerce=int, widget=forms.RadioSelect)
    contact_name = NameField(label=gettext_lazy("专管员姓名"))
    contact_phone = PhoneField(label=gettext_lazy("专管员手机号"))

    def build(self) -> None:
        city = book().city(self.offer.city)
        self.fields["place"].choices = [  # type: ignore[attr-defined]
            (place.code, f"{city.full_title}—{place.title}") for place in city.places
        ]
        counts = self.offer.options["proof"].get("month_counts") or (1,)
        self.fields["months"].choices = [  # type: ignore[attr-defined]
            (str(count), _("本月") if count == 1 else _("最近 {count} 个月（含本月）").format(count=count))
            for count in counts
        ]
        self.fields["months"].initial = str(counts[0])
        employer = self.employer()
        if employer:
            self.fields["contact_name"].initial = employer.contact_name
            self.fields["contact_phone"].initial = employer.contact_phone

    def employer(self) -> Employer | None:
        """The employer that is known before the form is filled in."""
        return self.applicant.employer

    def clean_unit_number(self) -> str:
        return narrow(self.cleaned_data["unit_number"]).upper()


@dataclass(frozen=True)
class ProofFacts:
    """The facts of the certificate, the employer's two numbers, and whether it can be sealed
    now."""

    proof: dict[str, Any]
    own_numbers: tuple[str, str]
    sealable: bool

    @property
    def insured(self) -> bool:
        return any(row["people"] for row in self.proof["months"])

    def frozen(self) -> dict[str, Any]:
        """For the case: period and place; the register of certificates has the rest."""
        return {"period": self.proof["period"], "place": self.proof["place"]}


class EmployerProving(SealedService):
    """``employer_of`` says for which employer the application is; it is asked again under the
    subject's lock."""

    theme = Theme.PROOF
    form = EmployerProofForm
    another_number: ClassVar[Any] = gettext_lazy(
        "这不是本单位的社保编号或统一社会信用代码。只能为登录的单位出具证明，请核对。"
    )
    also_known_as = ("参保证明", "社保证明", "社保证明打印", "单位社保证明")

    def employer_of(self, ask: Ask) -> Employer:
        """Whom the proof is of. May raise ``portal.hall.desk.NotAccepted``."""
        return ask.employer

    def facts(self, ask: Ask, outside: bool) -> ProofFacts:
        employer = self.employer_of(ask)
        proof = employer_facts(
            employer,
            city=book().city(ask.offer.city),
            place=_place(ask),
            insurances=[Insurance(insurance) for insurance in ask.offer.options["proof"]["insurances"]],
            month_count=ask.answers["months"],
            contact={"name": ask.answers["contact_name"], "phone": ask.answers["contact_phone"]},
            now=ask.filed_at,
        )
        return ProofFacts(proof, (employer.insurance_number, employer.credit_code), outside)

    def rule(self, ask: Ask, facts: ProofFacts) -> Iterator[Finding]:
        yield from super().rule(ask, facts)
        if ask.answers["unit_number"] not in facts.own_numbers:
            yield Bar(
                "unit_number",
                self.another_number,
            )
        if not facts.insured:
            yield Bar(
                "place",
                _("本单位所选月份在{place}没有参保职工，没有内容可以证明。请改选参保地或月份。").format(
                    place=facts.proof["place"]
                ),
            )

    def effect(self, case: Case, ask: Ask, facts: ProofFacts, *, by: User, now: datetime) -> dict[str, Any]:
        certificate = issuing.freeze(
            kind=CertificateKind.EMPLOYER,
            city=ask.offer.city,
            facts=facts.proof,
            employer=self.employer_of(ask),
            case=case,
            by=by,
            now=now,
        )
        return presenting.outcome(certificate)

    def summary(self, ask: Ask, facts: ProofFacts) -> list[tuple[str, str]]:
        contact = facts.proof["contact"]
        return [
            (_("单位名称"), facts.proof["employer"]["name"]),
            (_("参保地"), facts.proof["place"]),
            (_("证明月份"), presenting.period(facts.proof)),
            (_("险种"), presenting.insurances(facts.proof)),
            (_("联系人"), f"{contact['name']} {contact['phone']}"),
            (_("出具机构"), facts.proof["agency"]),
        ]

    def preview(self, ask: Ask, facts: ProofFacts) -> dict[str, Any]:
        return {"template": "certificates/contents.html", **presenting.contents(facts.proof)}


def _place(ask: Ask) -> District:
    return next(place for place in book().city(ask.offer.city).places if place.code == ask.answers["place"])
