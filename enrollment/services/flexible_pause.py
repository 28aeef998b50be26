"""灵活就业人员暂停缴费(宁波:社保中断;深圳:个人缴费人员停保)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import queries, stopping
from enrollment.about_coverage import AboutCoverage
from enrollment.insurance_choice import chosen, stop_costs, stop_field, stop_word
from enrollment.queries import Held
from enrollment.stopping import StopFacts
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Applicant, Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.hall.ways import to_page
from portal.people.models import Person
from portal.policy import terms
from portal.policy.book import Offer
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, month_in_china


def pausable(person: Person, city: str, month: Month) -> list[Held]:
    """The person's flexible coverages in the city that run in the month before or later."""
    going_on = queries.to_go_on(
        queries.held(person.identity_number), month=month - 1, capacity=Capacity.FLEXIBLE
    )
    return [one for one in going_on if one.city == city]


def barred_stops(held: list[Held], offer: Offer, month: Month) -> dict[Insurance, dict[Month, str]]:
    """Of each insurance that can be paused, the months in which it cannot, with the reason."""
    insured = {one.insurance for one in held}
    return {
        insurance: stopping.barred_months(
            held, insurance, terms.stop_months(offer, insurance, filed_in=month), word=stop_word(offer)
        )
        for insurance in terms.offered_insurances(offer)
        if insurance in insured
    }


class PauseForm(ServiceForm):
    def build(self) -> None:
        if self.applicant.person is None:
            return
        held = pausable(self.applicant.person, self.offer.city, self.month)
        for insurance, barred in barred_stops(held, self.offer, self.month).items():
            self.fields[f"stop_{insurance}"] = stop_field(self.offer, insurance, self.month, barred=barred)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.fields and not any(cleaned.get(name) or name in self.errors for name in self.fields):
            self.add_error(
                next(iter(self.fields)),
                _("请至少选择一个险种的月份：从哪个月起{word}。").format(word=stop_word(self.offer)),
            )
        return cleaned


@dataclass(frozen=True)
class PauseFacts(StopFacts):
    """With whether an employer insures the person: then there is nothing here to pause."""

    employed: bool

    def frozen(self) -> dict[str, Any]:
        return {**super().frozen(), "employed": self.employed}


class FlexiblePause(AboutCoverage):
    code = "flexible-pause"
    title = gettext_lazy("灵活就业人员暂停缴费")
    audience = Audience.PERSON
    theme = Theme.ENROLLMENT
    form = PauseForm
    also_known_as = ("停保", "暂停缴费", "社保中断", "断缴")

    def leads_to(self, *, offer: Offer, applicant: Applicant, now: datetime) -> str:
        partner = offer.options.get("entrance_with", self.code)
        if applicant.person is None or pausable(applicant.person, offer.city, month_in_china(now)):
            return self.code
        return str(partner)

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """Every month that could be chosen is barred, of every insurance."""
        held = pausable(ask.person, ask.offer.city, ask.month)
        barred = barred_stops(held, ask.offer, ask.month)
        if barred and all(
            len(whys) == len(terms.stop_months(ask.offer, insurance, filed_in=ask.month))
            for insurance, whys in barred.items()
        ):
            for whys in barred.values():
                yield Bar("", list(whys.values())[-1])

    def facts(self, ask: Ask, outside: Any) -> PauseFacts:
        found = stopping.facts(
            pausable(ask.person, ask.offer.city, ask.month), chosen(ask, "stop"), month=ask.month
        )
        everything = queries.held(ask.person.identity_number)
        employed = bool(queries.to_go_on(everything, month=ask.month, capacity=Capacity.EMPLOYEE))
        return PauseFacts(held=found.held, barriers=found.barriers, employed=employed)

    def rule(self, ask: Ask, facts: PauseFacts) -> Iterator[Finding]:
        if not facts.held and facts.employed:
            record = to_page("record")
            yield Bar(
                "",
                _("您由单位参保，停保由所在单位申报；您可以查看{record}。").format(record=record),
                (record,),
            )
        elif not facts.held:
            yield Bar(
                "",
                _("您在本市没有以灵活就业人员身份在缴的险种，不需要{word}。").format(
                    word=stop_word(ask.offer)
                ),
            )
        else:
            yield from stopping.rule(chosen(ask, "stop"), facts, word=stop_word(ask.offer))

    def effect(self, case: Case, ask: Ask, facts: PauseFacts, *, by: User, now: datetime) -> dict[str, Any]:
        return stopping.stop(case, facts, chosen(ask, "stop"), word=stop_word(ask.offer), by=by, now=now)

    def preview(self, ask: Ask, facts: PauseFacts) -> dict[str, Any]:
        costs = [
            (INSURANCE_LABELS[insurance], list(said))
            for insurance in chosen(ask, "stop")
            if (said := stop_costs(ask.offer, insurance))
        ]
        return (
            {"template": "enrollment/stop_costs.html", "costs": costs, "word": stop_word(ask.offer)}
            if costs
            else {}
        )

    def summary(self, ask: Ask, facts: PauseFacts) -> list[tuple[str, str]]:
        return stopping.summary(chosen(ask, "stop"), word=stop_word(ask.offer))
