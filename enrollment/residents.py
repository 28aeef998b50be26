"""What the services share by which residents (城乡居民) are insured: their household is in the
city, and they draw no pension."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import consequences, enrolling, households, queries
from enrollment.households import category
from enrollment.own_enrol import EnrolFacts, OwnEnrol
from enrollment.tiers import tier_of
from enrollment.ways import CLAIM, MEND_HOUSEHOLD
from portal.hall.queries import open_about
from portal.hall.service import Ask, Bar, Finding, Mismatch
from portal.people.models import Person
from portal.policy.book import City, Mode, book
from portal.policy.terms import offers
from portal.policy.terms.contribution import ContributionTerms, Tier
from portal.registers.household import Household, household_register
from portal.registers.pension import Pension, pension_register
from portal.shared.ages import has_reached
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import today_in_china

# Tiers of people whose contributions public money pays, and of old people who moved in late.
SUPPORTED, ELDER = "supported", "elder"
# Why nothing more is paid towards a pension.
DRAWS = gettext_lazy("您已按月领取养老待遇，不能再缴纳养老保险费。")


@dataclass(frozen=True)
class Registered:
    """What the registers outside say: of the household, and of a pension that is drawn,
    wherever."""

    household: Household | None
    pension: Pension | None

    @classmethod
    def of(cls, person: Person) -> "Registered":
        number = person.identity_number
        return cls(household_register().find(number), pension_register().find(number))


@dataclass(frozen=True, kw_only=True)
class ResidentFacts(EnrolFacts):
    """Also what the registers say (None where they were not asked), and the years of residents'
    pension insurance that are paid."""

    registered: Registered | None
    paid_years: int

    @property
    def household(self) -> Household | None:
        return self.registered.household if self.registered else None

    @property
    def pension(self) -> Pension | None:
        return self.registered.pension if self.registered else None

    def frozen(self) -> dict[str, Any]:
        return {
            **super().frozen(),
            "household": self.household.place_code if self.household else None,
            "pension": str(self.pension.kind) if self.pension else None,
            "paid_years": self.paid_years,
        }


def paid_years(person: Person) -> int:
    """How many years of residents' pension insurance are paid."""
    return len(consequences.paid_years(person, Insurance.PENSION, Capacity.RESIDENT))


def claimable(person: Person, years: int, terms: ContributionTerms | None, *, on: dt.date) -> bool:
    """Whether they have the age and the years to claim the pension by these terms."""
    claim = terms.claim if terms else None
    return bool(claim and years >= claim.years and has_reached(person.birth_date, claim.age, on=on))


def claim_bar(city: str, *, field: str = "") -> Bar:
    """That the pension can be claimed, so that nothing more is paid."""
    claim = CLAIM.at(city)
    return Bar(field, _("您已满足领取条件，请{claim}。").format(claim=claim), (claim,))


def supported_bar(*, field: str = "") -> Bar:
    """That public money pays all, so that nothing is changed here."""
    return Bar(field, _("您的费用由政府资助，请到户籍所在街道办理。"))


def is_supported(tier: str, terms: ContributionTerms | None) -> bool:
    """Whether a tier is of those whose contributions public money pays."""
    return any(one.only_for == SUPPORTED for one in terms.tiers if one.code == tier) if terms else False


class ResidentEnrol(OwnEnrol):
    """Insures a person as a resident. In the mode that is done at once, what the household register
    does not confirm is a bar; where it ends at the window, staff look at the papers."""

    capacity = Capacity.RESIDENT

    def outside(self, ask: Ask) -> Registered:
        return Registered.of(ask.person)

    def facts(self, ask: Ask, outside: Registered | None) -> ResidentFacts:
        number = ask.person.identity_number
        return ResidentFacts(
            held=queries.held(number),
            stopping=bool(open_about(number, enrolling.STOP)),
            registered=outside,
            paid_years=paid_years(ask.person),
        )

    def bars_of_person(self, ask: Ask, facts: ResidentFacts) -> Iterator[Bar]:
        household = offers.household_terms(ask.offer)
        today = today_in_china(ask.filed_at)
        if household and not has_reached(ask.person.birth_date, household.min_age, on=today):
            yield Bar("", _("年满 {age} 周岁才能以城乡居民身份参保。").format(age=household.min_age))
        elif facts.registered:
            yield from self._household(ask, facts)

    def _household(self, ask: Ask, facts: ResidentFacts) -> Iterator[Bar]:
        city = book().city(ask.offer.city)
        if facts.household and category(city, facts.household.place_code) != "city":
            mend = MEND_HOUSEHOLD.at(city.slug)
            why = _("户籍登记显示不是{city}户籍。户籍信息有误的，请先{mend}。")
            yield Bar("", why.format(city=city.title, mend=mend), (mend,))
        elif ask.offer.mode == Mode.DIRECT:
            for difference in self.differences(city, ask, facts):
                why = _("{why}请携带居民身份证和户口簿，到{city}社保经办机构窗口办理。")
                yield Bar("", why.format(why=difference.why, city=city.title))

    def differences(self, city: City, ask: Ask, facts: ResidentFacts) -> Iterator[Mismatch]:
        """How the household register differs; another city is a bar."""
        if facts.household is None or category(city, facts.household.place_code) == "city":
            yield from households.differences(city, facts.household, ask.person.name, field="")

    def findings(self, ask: Ask, facts: ResidentFacts) -> Iterator[Finding]:
        if ask.offer.mode != Mode.DIRECT and facts.registered:
            yield from self.differences(book().city(ask.offer.city), ask, facts)

    def bars_of(self, ask: Ask, facts: ResidentFacts, insurance: Insurance) -> Iterator[Bar]:
        if insurance != Insurance.PENSION:
            return
        if facts.pension:
            yield Bar(f"tier_{insurance}", str(DRAWS))
            return
        terms = enrolling.terms_of(ask.offer.city, self.capacity, insurance, self.wanted_from(ask, insurance))
        if claimable(ask.person, facts.paid_years, terms, on=today_in_china(ask.filed_at)):
            yield claim_bar(ask.offer.city, field=f"tier_{insurance}")

    def whose(self, ask: Ask, facts: ResidentFacts, terms: ContributionTerms) -> tuple[str, ...]:
        """Whose tiers of their own this person may take ("elder", "supported")."""
        return ()

    def tiers(self, ask: Ask, facts: ResidentFacts | None, terms: ContributionTerms) -> Sequence[Tier]:
        """Those that are open and suit their age; their own before everybody's."""
        open_tiers = [tier for tier in terms.tiers if not tier.closed]
        if facts is None or ask.applicant.person is None:
            return [tier for tier in open_tiers if not tier.only_for]
        person, on = ask.applicant.person, today_in_china(ask.filed_at)
        own = [tier for tier in open_tiers if tier.only_for in self.whose(ask, facts, terms)]
        return own or [
            tier
            for tier in open_tiers
            if not tier.only_for and tier.suits(person.birth_date, person.sex, on=on)
        ]


def earlier_tier(facts: EnrolFacts, city: str, insurance: Insurance) -> str | None:
    """The tier that the person last had as a resident of the city; None where they were none."""
    earlier = [
        one
        for one in facts.held
        if (one.city, one.insurance, one.capacity) == (city, insurance, Capacity.RESIDENT)
    ]
    if not earlier:
        return None
    last = earlier[-1]
    return tier_of(last.pk, last.until - 1 if last.until else last.start)
