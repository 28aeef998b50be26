"""基本养老历年参保（宁波）: every year's pension contributions, with the personal account."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from certificates import issuing, presenting
from certificates.facts import Use
from certificates.history_facts import history_facts
from certificates.kinds import CertificateKind
from certificates.purpose import PurposeForm, use_of
from certificates.sealed_service import SealedService, nothing_here
from contributions.records import by_month
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Theme
from portal.policy.book import book
from portal.shared.insurance import Insurance
from portal.shared.months import month_in_china

ALL_YEARS = "all"


class PensionHistoryForm(PurposeForm):
    field_order = ("first_year", "recipient", "purpose", "valid_days")

    first_year = forms.ChoiceField(
        label=gettext_lazy("从哪一年起"),
        help_text=gettext_lazy("到本月为止。"),
        error_messages={"required": gettext_lazy("请选择从哪一年起。")},
    )

    def build(self) -> None:
        super().build()
        person = self.applicant.person
        until = month_in_china(self.now) + 1
        records = by_month.record(person, until=until, cities=[self.offer.city]) if person else []
        years = sorted({one.month.year for one in records if one.insurance == Insurance.PENSION})
        self.fields["first_year"].choices = [  # type: ignore[attr-defined]
            (ALL_YEARS, _("全部年份")),
            *((str(year), _("%(year)s年") % {"year": year}) for year in years),
        ]
        self.fields["first_year"].initial = ALL_YEARS


@dataclass(frozen=True)
class HistoryFacts:
    """The facts of the certificate, and whether it can be sealed now."""

    proof: dict[str, Any]
    sealable: bool

    def frozen(self) -> dict[str, Any]:
        """For the case: the period; the register of certificates has the rest."""
        return {"period": self.proof["period"]}


class PensionHistory(SealedService):
    code = "pension-history"
    title = gettext_lazy("基本养老历年参保")
    audience = Audience.PERSON
    theme = Theme.PROOF
    form = PensionHistoryForm
    also_known_as = ("历年参保证明", "养老保险历年缴费", "历年缴费明细", "个人权益记录单", "养老缴费年限")

    def facts(self, ask: Ask, outside: bool) -> HistoryFacts:
        first_year = ask.answers["first_year"]
        proof = history_facts(
            ask.person,
            city=book().city(ask.offer.city),
            first_year=None if first_year == ALL_YEARS else int(first_year),
            use=use_of(ask.answers, offer=ask.offer, now=ask.filed_at),
            now=ask.filed_at,
        )
        return HistoryFacts(proof, outside)

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """No month was paid here or brought in, in any year."""
        city = book().city(ask.offer.city)
        proof = history_facts(ask.person, city=city, first_year=None, use=Use("", "", None), now=ask.filed_at)
        if not proof["years"] and not proof["brought_in"]:
            yield nothing_here(ask.person, city)

    def rule(self, ask: Ask, facts: HistoryFacts) -> Iterator[Finding]:
        yield from super().rule(ask, facts)
        if not facts.proof["years"] and not facts.proof["brought_in"]:
            yield Bar(
                "first_year",
                _("所选年份在{city}没有已缴的基本养老保险月份，没有内容可以证明。请改选年份。").format(
                    city=facts.proof["city"]
                ),
            )

    def effect(self, case: Case, ask: Ask, facts: HistoryFacts, *, by: User, now: datetime) -> dict[str, Any]:
        certificate = issuing.freeze(
            kind=CertificateKind.PENSION_HISTORY,
            city=ask.offer.city,
            facts=facts.proof,
            person=ask.person,
            case=case,
            valid_until=use_of(ask.answers, offer=ask.offer, now=ask.filed_at).valid_until,
            by=by,
            now=now,
        )
        return presenting.outcome(certificate)

    def summary(self, ask: Ask, facts: HistoryFacts) -> list[tuple[str, str]]:
        return [*presenting.described(facts.proof), (_("出具机构"), facts.proof["agency"])]

    def preview(self, ask: Ask, facts: HistoryFacts) -> dict[str, Any]:
        return {"template": "certificates/contents.html", **presenting.contents(facts.proof)}
