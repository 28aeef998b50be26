"""养老保险缴费档次变更: a flexible worker takes another tier from next month on, at any time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import consequences, queries
from enrollment.about_coverage import AboutCoverage
from enrollment.models import Coverage
from enrollment.queries import Held
from enrollment.tiers import changeable, cost, described, take, tier_field, tier_of
from enrollment.ways import ENROL
from portal.accounts.models import User
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.hall.ways import to_page
from portal.policy.terms import offers
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, today_in_china


class TierForm(ServiceForm):
    def build(self) -> None:
        pension = changeable(self.applicant.person, self.offer, self.month) if self.applicant.person else None
        if pension is None:
            return
        held, start = pension
        tier_now = tier_of(held.pk, start)
        self.fields["tier"] = tier_field(
            city=self.offer.city,
            insurance=Insurance.PENSION,
            start=start,
            tier_now=tier_now,
            now=self.now,
            label=_("新的养老保险缴费档次"),
        )


@dataclass(frozen=True)
class TierFacts:
    """The running pension coverage (None where there is none), the first month ``start`` of a new
    tier, the present tier in that month, and the reasons against a change."""

    held: Held | None
    employed: bool
    start: Month
    tier_now: str
    barriers: tuple[str, ...]

    def frozen(self) -> dict[str, Any]:
        return {
            "held": self.held.described() if self.held else None,
            "start": str(self.start),
            "tier_now": self.tier_now,
            "barriers": list(self.barriers),
        }


class PensionTier(AboutCoverage):
    code = "pension-tier"
    title = gettext_lazy("养老保险缴费档次变更")
    audience = Audience.PERSON
    theme = Theme.ENROLLMENT
    form = TierForm
    submit_label = gettext_lazy("变更缴费档次")
    also_known_as = ("调档", "变更缴费档次", "改缴费基数", "提高缴费档次", "降低缴费档次")

    def facts(self, ask: Ask, outside: Any) -> TierFacts:
        pension = changeable(ask.person, ask.offer, ask.month)
        holdings = queries.held(ask.person.identity_number)
        employed = bool(queries.to_go_on(holdings, month=ask.month, capacity=Capacity.EMPLOYEE))
        if pension is None:
            start = offers.counts_from(ask.offer, filed_in=ask.month)
            return TierFacts(held=None, employed=employed, start=start, tier_now="", barriers=())
        held, start = pension
        barriers = consequences.base_barriers(Coverage.objects.get(pk=held.pk), start)
        return TierFacts(
            held=held,
            employed=employed,
            start=start,
            tier_now=tier_of(held.pk, start),
            barriers=tuple(barriers),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """The first month of another tier is already paid, in an order, or at the bank."""
        facts = self.facts(ask, None)
        if facts.held is not None:
            yield from (Bar("", why) for why in facts.barriers)

    def rule(self, ask: Ask, facts: TierFacts) -> Iterator[Finding]:
        if facts.held is None:
            if facts.employed:
                record = to_page("record")
                yield Bar(
                    "",
                    _("您由单位参保，缴费基数由所在单位申报；您可以查看{record}。").format(record=record),
                    (record,),
                )
            else:
                enrol = ENROL.at(ask.offer.city)
                yield Bar(
                    "",
                    _(
                        "您在本市没有{month}仍在缴的灵活就业养老保险，不能变更缴费档次。需要参保的，请{enrol}。"
                    ).format(month=facts.start.zh, enrol=enrol),
                    (enrol,),
                )
            return
        if ask.answers["tier"] == facts.tier_now:
            yield Bar("tier", _("{month}已是这个档次，请选择其他档次。").format(month=facts.start.zh))
        for why in facts.barriers:
            yield Bar("tier", why)

    def effect(self, case: Case, ask: Ask, facts: TierFacts, *, by: User, now: datetime) -> dict[str, Any]:
        if facts.held is None:
            raise ValueError(f"{case.number}: no pension to change; the rule was not applied")
        tier = str(ask.answers["tier"])
        coverage = take(facts.held, tier=tier, start=facts.start, case=case, field="tier", by=by, now=now)
        return {"coverages": [coverage.pk], "lines": [list(line) for line in self.summary(ask, facts)]}

    def summary(self, ask: Ask, facts: TierFacts) -> list[tuple[str, str]]:
        return [
            (_("险种"), str(INSURANCE_LABELS[Insurance.PENSION])),
            (_("原缴费档次"), described(ask.offer.city, facts.tier_now, facts.start)),
            (_("新缴费档次"), described(ask.offer.city, str(ask.answers["tier"]), facts.start)),
            (_("起用月份"), _("从{month}起").format(month=facts.start.zh)),
        ]

    def preview(self, ask: Ask, facts: TierFacts) -> dict[str, Any]:
        city, on = ask.offer.city, today_in_china(ask.filed_at)
        return {
            "template": "enrollment/tier_change.html",
            "start": facts.start,
            "tiers": [
                {
                    "title": title,
                    "fen": cost(city, tier, facts.start),
                    "derivation": consequences.explain(
                        city=city,
                        capacity=Capacity.FLEXIBLE,
                        insurance=Insurance.PENSION,
                        tier=tier,
                        month=facts.start,
                        on=on,
                    ),
                }
                for title, tier in (
                    (_("原档次每月应缴"), facts.tier_now),
                    (_("新档次每月应缴"), str(ask.answers["tier"])),
                )
            ],
        }
