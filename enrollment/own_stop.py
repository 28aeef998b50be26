"""The base of services by which a person stops paying for their own coverage.

A service says its code, title, capacity and words. The city's offer says which insurances and
months can be stopped and what stopping costs (``stop_months``, ``stop_years``, ``stop_word``,
``stop_costs``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from enrollment import queries, stopping
from enrollment.about_coverage import AboutCoverage
from enrollment.insurance_choice import chosen, stop_costs, stop_field, stop_word
from enrollment.queries import Held
from enrollment.stopping import StopFacts
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.hall.ways import to_page
from portal.people.models import Person
from portal.policy.book import Offer
from portal.policy.terms import offers
from portal.shared.insurance import CAPACITY_LABELS, INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month


def running(held: Iterable[Held], city: str, month: Month, capacity: Capacity) -> list[Held]:
    """Those of a person's coverages in the city and capacity that cover the month before ``month``
    or a later one."""
    going_on = queries.to_go_on(held, month=month - 1, capacity=capacity)
    return [coverage for coverage in going_on if coverage.city == city]


def barred_stops(held: list[Held], offer: Offer, month: Month) -> dict[Insurance, dict[Month, str]]:
    """For each insurance of the offer that ``held`` has: the months in which it cannot be stopped,
    with the reason."""
    insured = {coverage.insurance for coverage in held}
    return stopping.barred_stops(held, offer, insured, month=month, word=stop_word(offer))


class OwnStopForm(ServiceForm):
    """Asks, for each running insurance, for the first month without it."""

    capacity: ClassVar[Capacity]

    def build(self) -> None:
        if self.applicant.person is None:
            return
        everything = queries.held(self.applicant.person.identity_number)
        held = running(everything, self.offer.city, self.month, self.capacity)
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
class OwnStopFacts(StopFacts):
    """``employed``: an employer insures the person, who then has nothing to stop here."""

    employed: bool

    def frozen(self) -> dict[str, Any]:
        return {**super().frozen(), "employed": self.employed}


class OwnStop(AboutCoverage):
    """Stops the coverages of ``capacity`` in the offer's city, from the chosen months on."""

    capacity: ClassVar[Capacity]
    audience = Audience.PERSON
    theme = Theme.ENROLLMENT

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.form = type(f"{cls.__name__}Form", (OwnStopForm,), {"capacity": cls.capacity})

    def running(self, person: Person, city: str, month: Month) -> list[Held]:
        return running(queries.held(person.identity_number), city, month, self.capacity)

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """Every month that could be chosen is barred, for every insurance."""
        held = self.running(ask.person, ask.offer.city, ask.month)
        barred = barred_stops(held, ask.offer, ask.month)
        if barred and all(
            len(whys) == len(offers.stop_months(ask.offer, insurance, filed_in=ask.month))
            for insurance, whys in barred.items()
        ):
            for whys in barred.values():
                yield Bar("", list(whys.values())[-1])

    def facts(self, ask: Ask, outside: Any) -> OwnStopFacts:
        everything = queries.held(ask.person.identity_number)
        own_coverages = running(everything, ask.offer.city, ask.month, self.capacity)
        stop_facts = stopping.facts(own_coverages, chosen(ask, "stop"), month=ask.month)
        employed = bool(queries.to_go_on(everything, month=ask.month, capacity=Capacity.EMPLOYEE))
        return OwnStopFacts(held=stop_facts.held, barriers=stop_facts.barriers, employed=employed)

    def rule(self, ask: Ask, facts: OwnStopFacts) -> Iterator[Finding]:
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
                _("您在本市没有以{capacity}身份在缴的险种，不需要{word}。").format(
                    capacity=CAPACITY_LABELS[self.capacity], word=stop_word(ask.offer)
                ),
            )
        else:
            yield from stopping.rule(chosen(ask, "stop"), facts, word=stop_word(ask.offer))

    def effect(self, case: Case, ask: Ask, facts: OwnStopFacts, *, by: User, now: datetime) -> dict[str, Any]:
        return stopping.stop(case, facts, chosen(ask, "stop"), word=stop_word(ask.offer), by=by, now=now)

    def preview(self, ask: Ask, facts: OwnStopFacts) -> dict[str, Any]:
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

    def summary(self, ask: Ask, facts: OwnStopFacts) -> list[tuple[str, str]]:
        return stopping.summary(chosen(ask, "stop"), word=stop_word(ask.offer))
