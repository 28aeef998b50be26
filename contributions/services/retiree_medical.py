"""退休后继续缴纳医疗保险(深圳): a retired person whose years of medical insurance are too few pays
on by the month until they are enough."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.prices.formula import quote
from contributions.records.medical_years import MedicalYears, medical_years
from enrollment import queries
from enrollment.enrolling import STOP, Wanted, tier_answers
from enrollment.own_enrol import EnrolFacts, OwnEnrol
from portal.hall.queries import open_about
from portal.hall.service import Ask, Bar
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import ContributionTerms
from portal.registers.models import PensionKind
from portal.registers.pension import Pension, pension_register
from portal.shared import money
from portal.shared.insurance import Capacity, Insurance
from portal.shared.months import Month

MEDICAL = Insurance.MEDICAL
# The choice of paying a share of one's own pension; it is a base, no tier.
OWN_PENSION = "own"


@dataclass(frozen=True, kw_only=True)
class RetireeFacts(EnrolFacts):
    """Also the pension that the person draws in the city (None: none), and their months of medical
    insurance."""

    pension: Pension | None
    years: MedicalYears | None

    def frozen(self) -> dict[str, Any]:
        years = self.years
        return {
            **super().frozen(),
            "drawn_since": str(self.pension.since) if self.pension else None,
            "months": [years.in_all, years.here, years.missing] if years else None,
        }


class RetireeMedical(OwnEnrol):
    code = "retiree-medical"
    title = gettext_lazy("退休后继续缴纳医疗保险")
    capacity = Capacity.RETIREE
    also_known_as = ("退休医保续缴", "退休后缴医保")

    def outside(self, ask: Ask) -> Pension | None:
        return pension_register().find(ask.person.identity_number)

    def facts(self, ask: Ask, outside: Pension | None) -> RetireeFacts:
        number = ask.person.identity_number
        here = outside if outside is not None and _drawn_in(outside, ask.offer.city) else None
        years = None
        if here is not None:
            try:
                years = medical_years(ask.person, here, ask.offer.city)
            except PolicyMissing:
                years = None
        return RetireeFacts(
            held=queries.held(number),
            stopping=bool(open_about(number, STOP)),
            pension=here,
            years=years,
        )

    def known_for_form(self, ask: Ask) -> Pension | None:
        return self.outside(ask)

    def bars_of_person(self, ask: Ask, facts: RetireeFacts) -> Iterator[Bar]:
        if facts.pension is None:
            yield Bar("", _("请在领取养老金的地方办理；尚未领取的请先申请退休。"))
        elif facts.years is None:
            yield Bar("", _("您退休时的缴费年限规定不在本大厅，请到窗口办理。"))
        elif not facts.years.missing:
            yield Bar("", _("您的年限已达到规定，不需要继续缴费。"))

    def choices(
        self, ask: Ask, facts: RetireeFacts | None, terms: ContributionTerms
    ) -> Sequence[tuple[str, str]]:
        """The tiers of those who retired then, before them the share of the own pension."""
        pension = facts.pension if facts else None
        tiers = [tier for tier in terms.tiers if pension is None or tier.is_of(pension.retired_in)]
        own = [(OWN_PENSION, _("一档（按本人养老金）"))] if pension and pays_own(pension, terms) else []
        return [*own, *((tier.code, tier.title) for tier in tiers)]

    def cost(
        self, ask: Ask, facts: RetireeFacts | None, insurance: Insurance, code: str, month: Month
    ) -> str:
        if code != OWN_PENSION:
            return super().cost(ask, facts, insurance, code, month)
        if facts is None or facts.pension is None:
            return ""
        price = quote(
            city=ask.offer.city,
            capacity=self.capacity,
            insurance=insurance,
            month=month,
            wage_fen=facts.pension.monthly_fen,
        )
        return _("每月 {amount} 元").format(amount=money.format_yuan(price.amount_fen))

    def wanted(self, ask: Ask, facts: RetireeFacts) -> list[Wanted]:
        """Over the missing months; then the coverage ends by itself."""
        if facts.pension is None or facts.years is None:
            return []
        code, start = tier_answers(ask)[MEDICAL], self.wanted_from(ask, MEDICAL)
        until = start + facts.years.missing
        if code == OWN_PENSION:
            return [Wanted(MEDICAL, "", start, until, facts.pension.monthly_fen)]
        return [Wanted(MEDICAL, code, start, until)]

    def about_person(self, ask: Ask, facts: RetireeFacts) -> Iterator[tuple[str, str]]:
        if facts.pension is None or facts.years is None:
            return
        yield _("开始领取养老金"), facts.pension.since.zh
        months = _("{count} 个月")
        yield (
            _("累计缴费"),
            _("{count} 个月，须 {needed} 个月").format(
                count=facts.years.in_all, needed=facts.years.needed_in_all
            ),
        )
        yield (
            _("其中在本市缴费"),
            _("{count} 个月，须 {needed} 个月").format(
                count=facts.years.here, needed=facts.years.needed_here
            ),
        )
        yield _("还缺"), months.format(count=facts.years.missing)

    def about_the_rest(self, ask: Ask, facts: RetireeFacts) -> Iterator[tuple[str, str]]:
        for one in self.wanted(ask, facts):
            if one.until:
                said = _("从{start}到{last}，共 {count} 个月，之后不再缴费")
                last, count = one.until - 1, one.until - one.start
                yield _("缴费期限"), said.format(start=one.start.zh, last=last.zh, count=count)


def pays_own(pension: Pension, terms: ContributionTerms) -> bool:
    """Whether those who retired then may pay a share of their own pension."""
    return terms.takes_base and (
        terms.wage_retired_until is None or pension.retired_in < terms.wage_retired_until
    )


def _drawn_in(pension: Pension, city: str) -> bool:
    """Whether the city's agency pays an employee's pension."""
    return pension.kind != PensionKind.RESIDENT and pension.place_code[:4] == book().city(city).code[:4]
