"""居保缴费档次变更(深圳): a resident pays another tier of the pension insurance, from this year
where it is not paid yet, else from the next one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import consequences, enrolling, queries
from enrollment.about_coverage import AboutCoverage
from enrollment.models import Coverage
from enrollment.queries import Held
from enrollment.residents import claim_bar, claimable, is_supported, paid_years, supported_bar
from enrollment.tiers import take, tier_of
from enrollment.ways import RESIDENT_PENSION
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.hall.ways import to_page
from portal.people.models import Person
from portal.policy.terms.contribution import ContributionTerms
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, today_in_china

RESIDENT, PENSION = Capacity.RESIDENT, Insurance.PENSION


@dataclass(frozen=True)
class Changeable:
    """The running coverage, the first month ``start`` of another tier, the tier in that month, and
    the terms then."""

    held: Held
    start: Month
    tier_now: str
    terms: ContributionTerms


def changeable(person: Person, city: str, month: Month) -> Changeable | None:
    """None where the person is not insured with a pension as a resident of the city."""
    going_on = queries.to_go_on(queries.held(person.identity_number), month=month, capacity=RESIDENT)
    held = next((one for one in going_on if (one.city, one.insurance) == (city, PENSION)), None)
    if held is None:
        return None
    year = max(month, held.start).year
    if year in consequences.paid_years(person, PENSION, RESIDENT):
        year += 1
    start = max(Month(year, 1), held.start)
    terms = enrolling.terms_of(city, RESIDENT, PENSION, start)
    if terms is None or not held.runs_in(start):
        return None
    code = tier_of(held.pk, start)
    # A tier that ended goes on at the one in its place.
    now = next((tier.code for tier in terms.tiers if code == tier.code or code in tier.instead_of), code)
    return Changeable(held, start, now, terms)


class ResidentTierForm(ServiceForm):
    def build(self) -> None:
        person = self.applicant.person
        pension = changeable(person, self.offer.city, self.month) if person else None
        if pension is None:
            return
        tiers = [tier for tier in pension.terms.tiers if not tier.only_for and not tier.closed]
        field = forms.ChoiceField(
            label=_("新的居民养老缴费档次"),
            choices=[(tier.code, tier.title) for tier in tiers],
            widget=forms.RadioSelect,
            help_text=_("从{year}年度起按新的档次缴费。").format(year=pension.start.year)
            + pension.terms.standard(today_in_china(self.now)),
        )
        hints = {}
        for tier in tiers:
            cost = enrolling.cost(self.offer.city, RESIDENT, PENSION, tier.code, pension.start)
            hints[tier.code] = (
                _("{amount}（现在的档次）").format(amount=cost) if tier.code == pension.tier_now else cost
            )
        field.choice_hints = hints  # type: ignore[attr-defined]
        self.fields["tier"] = field


@dataclass(frozen=True)
class ResidentTierFacts:
    """``pension`` as of ``changeable``; ``barriers``: the reasons against a change; ``claimable``:
    the pension can be claimed."""

    pension: Changeable | None
    employed: bool
    claimable: bool
    barriers: tuple[str, ...]

    def frozen(self) -> dict[str, Any]:
        return {
            "held": self.pension.held.described() if self.pension else None,
            "start": str(self.pension.start) if self.pension else None,
            "tier_now": self.pension.tier_now if self.pension else "",
            "barriers": list(self.barriers),
        }


class ResidentTier(AboutCoverage):
    code = "resident-tier"
    title = gettext_lazy("居保缴费档次变更")
    audience = Audience.PERSON
    theme = Theme.ENROLLMENT
    form = ResidentTierForm
    submit_label = gettext_lazy("变更缴费档次")
    also_known_as = ("居民养老换档", "居民养老调档", "居民养老缴费档次")

    def facts(self, ask: Ask, outside: Any) -> ResidentTierFacts:
        pension = changeable(ask.person, ask.offer.city, ask.month)
        holdings = queries.held(ask.person.identity_number)
        barriers = (
            consequences.base_barriers(Coverage.objects.get(pk=pension.held.pk), pension.start)
            if pension
            else []
        )
        return ResidentTierFacts(
            pension=pension,
            employed=bool(queries.to_go_on(holdings, month=ask.month, capacity=Capacity.EMPLOYEE)),
            claimable=bool(pension)
            and claimable(
                ask.person,
                paid_years(ask.person),
                pension.terms if pension else None,
                on=today_in_china(ask.filed_at),
            ),
            barriers=tuple(barriers),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self._standing(ask, self.facts(ask, None))

    def _standing(self, ask: Ask, facts: ResidentTierFacts) -> Iterator[Bar]:
        """What bars whatever tier is chosen."""
        if facts.pension is None and facts.employed:
            record = to_page("record")
            yield Bar(
                "",
                _("您由单位参保，本业务由所在单位申报；您可以查看{record}。").format(record=record),
                (record,),
            )
        elif facts.pension is None:
            enrol = RESIDENT_PENSION.at(ask.offer.city)
            yield Bar("", _("您没有参加居民养老保险，请先{enrol}。").format(enrol=enrol), (enrol,))
        elif is_supported(facts.pension.tier_now, facts.pension.terms):
            yield supported_bar()
        elif facts.claimable:
            yield claim_bar(ask.offer.city)
        else:
            yield from (Bar("", why) for why in facts.barriers)

    def rule(self, ask: Ask, facts: ResidentTierFacts) -> Iterator[Finding]:
        if bars := list(self._standing(ask, facts)):
            yield from bars
        elif facts.pension and ask.answers["tier"] == facts.pension.tier_now:
            yield Bar("tier", _("与现在的登记相同，不需要变更。"))

    def effect(
        self, case: Case, ask: Ask, facts: ResidentTierFacts, *, by: User, now: datetime
    ) -> dict[str, Any]:
        if facts.pension is None:
            raise ValueError(f"{case.number}: no pension to change; the rule was not applied")
        coverage = take(
            facts.pension.held,
            tier=str(ask.answers["tier"]),
            start=facts.pension.start,
            case=case,
            field="tier",
            by=by,
            now=now,
        )
        return {"coverages": [coverage.pk], "lines": [list(line) for line in self.summary(ask, facts)]}

    def summary(self, ask: Ask, facts: ResidentTierFacts) -> list[tuple[str, str]]:
        if facts.pension is None:
            return []
        return [
            (_("险种"), str(INSURANCE_LABELS[PENSION])),
            (_("原缴费档次"), self._described(ask, facts.pension, facts.pension.tier_now)),
            (_("新缴费档次"), self._described(ask, facts.pension, str(ask.answers["tier"]))),
            (_("起用年度"), _("从{year}年度起").format(year=facts.pension.start.year)),
        ]

    def _described(self, ask: Ask, pension: Changeable, code: str) -> str:
        title = next((tier.title for tier in pension.terms.tiers if tier.code == code), code)
        cost = enrolling.cost(ask.offer.city, RESIDENT, PENSION, code, pension.start)
        return _("{tier}，{cost}").format(tier=title, cost=cost) if cost else title
