"""居民一次性补缴: the years that a resident of sixty-five lacks for the residents' pension, bought
at a tier of this year, without public money."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.late_pension import residents
from contributions.orders.billed_service import BilledService
from contributions.orders.lump_sums import Sum
from contributions.prices.formula import explained
from contributions.prices.reckoned import Line, fen_text, yuan_text
from enrollment.residents import DRAWS, Registered
from enrollment.ways import RESIDENT_PENSION
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.policy.book import book
from portal.policy.terms.contribution import ContributionTerms, Tier, contribution_terms
from portal.policy.terms.late_pension import ResidentTerms, resident_terms
from portal.shared import money
from portal.shared.ages import has_reached
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month, today_in_china


class ResidentForm(ServiceForm):
    def build(self) -> None:
        tiers = _tiers(_pension(self.offer.city, self.month))
        self.fields["tier"] = forms.ChoiceField(
            label=_("缴费档次（本年度）"),
            choices=[(one.code, one.title) for one in tiers],
            widget=forms.RadioSelect,
            help_text=_("补缴的每一年都按这一档缴费，不享受财政补助。"),
            error_messages={"required": _("请选择缴费档次。")},
        )


@dataclass(frozen=True)
class ResidentFacts:
    """The paid years, whether they ever were insured as a resident, what the registers say, and
    whether the medical insurance here shows where they live."""

    years: int
    enrolled: bool
    medical: bool
    registered: Registered

    def frozen(self) -> dict[str, Any]:
        return {"years": self.years, "enrolled": self.enrolled}


class ResidentLumpSum(BilledService):
    code = "resident-lump-sum"
    title = gettext_lazy("居民一次性补缴")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = ResidentForm
    capacity = Capacity.RESIDENT
    needs = ("lump_sum", "payment", "resident_lump_sum", "resident_pension")
    also_known_as = ("居民养老补缴", "城乡居民一次性补缴")

    def outside(self, ask: Ask) -> Registered:
        return Registered.of(ask.person)

    def facts(self, ask: Ask, outside: Registered | None) -> ResidentFacts:
        return ResidentFacts(
            years=residents.years(ask.person, ask.offer.city),
            enrolled=residents.was_insured(ask.person, ask.offer.city, Insurance.PENSION),
            medical=residents.was_insured(ask.person, ask.offer.city, Insurance.MEDICAL),
            registered=outside or Registered(None, None),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self._bars(ask, self.facts(ask, self.outside(ask)))

    def rule(self, ask: Ask, facts: ResidentFacts) -> Iterator[Finding]:
        yield from self._bars(ask, facts)

    def _bars(self, ask: Ask, facts: ResidentFacts) -> Iterator[Bar]:
        terms = _terms(ask)
        if facts.registered.pension is not None:
            yield Bar("", str(DRAWS))
        elif not facts.enrolled:
            enroll = RESIDENT_PENSION.at(ask.offer.city)
            why = _("您没有参加过居民养老保险，请先{enroll}。")
            yield Bar("", why.format(enroll=enroll), (enroll,))
        elif facts.years >= terms.years:
            yield Bar("", _("您的缴费年限已满，不需要补缴，请申请领取待遇。"))
        elif not has_reached(ask.person.birth_date, terms.from_age, on=today_in_china(ask.filed_at)):
            why = _("{age}周岁前请逐年缴费，可享受财政补助。")
            yield Bar("", why.format(age=terms.from_age))

    def established(self, ask: Ask, facts: ResidentFacts) -> set[str]:
        household = facts.registered.household
        settled = household.settled_on if household else None
        late = settled is not None and has_reached(ask.person.birth_date, _terms(ask).pension_age, on=settled)
        return {"settled-late"} if late and not facts.medical else set()

    def sum_of(self, ask: Ask, facts: ResidentFacts, *, on: date) -> Sum | None:
        missing = _terms(ask).years - facts.years
        if missing <= 0:
            return None
        pension = _pension(ask.offer.city, ask.month)
        tier = next(one for one in _tiers(pension) if one.code == ask.answers["tier"])
        yearly = tier.personal or Decimal(0)
        amount = money.round_fen(yearly * missing)
        lines = [
            Line(_("缴费档次"), tier.title, _("本年度的档次")),
            Line(_("每年"), yuan_text(yearly)),
            Line(
                _("补缴年数"),
                _("{count} 年").format(count=missing),
                _("须满 {years} 年，已缴 {paid} 年").format(years=_terms(ask).years, paid=facts.years),
            ),
            Line(_("财政补助"), fen_text(0), _("补缴不享受财政补助")),
            Line(_("应缴金额"), fen_text(amount)),
        ]
        return Sum(
            months=12 * missing,
            which=(),
            wages={},
            amount_fen=amount,
            account_fen=amount,
            derivation=explained(lines, pension.leaf, on=today_in_china(ask.filed_at)),
        )


def _terms(ask: Ask) -> ResidentTerms:
    return resident_terms(book(), city=ask.offer.city, on=today_in_china(ask.filed_at))


def _pension(city: str, month: Month) -> ContributionTerms:
    return contribution_terms(
        book(), city=city, capacity=Capacity.RESIDENT, insurance=Insurance.PENSION, month=month
    )


def _tiers(pension: ContributionTerms) -> list[Tier]:
    """The tiers that a person pays something for."""
    return [one for one in pension.tiers if one.personal and not one.only_for and not one.closed]
