"""养老保险中断期补缴: months without pension coverage, insured and debited after the fact by the
rule now in force."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.arrears import gaps, late_costs, paying_late
from contributions.arrears.late_costs import Cost
from contributions.debit import recollecting
from contributions.debit.no_account import no_account
from contributions.orders.ordered_service import DebitedService
from enrollment import queries
from enrollment.about_coverage import AboutCoverage
from enrollment.ways import ENROL
from portal.accounts.models import User
from portal.hall.fields import MonthsField
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.hall.ways import to_page
from portal.policy.book import PolicyMissing, book
from portal.policy.terms import contribution
from portal.shared import identity, money
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, today_in_china

# What people ask for; a gap in medical insurance is never paid back.
ASKED = (Insurance.PENSION, Insurance.MEDICAL)


def tiers_now(city: str, month: Month) -> tuple[contribution.Tier, ...]:
    """The pension tiers by whose rule a gap is paid in the month."""
    try:
        return contribution.contribution_terms(
            book(), city=city, capacity=Capacity.FLEXIBLE, insurance=late_costs.REVIVED, month=month
        ).tiers
    except PolicyMissing:
        return ()


class GapForm(ServiceForm):
    def build(self) -> None:
        person, city = self.applicant.person, self.offer.city
        months = gaps.gap_months(person, until=self.month) if person else []
        if not months:
            return
        self.fields["months"] = MonthsField(
            label=_("补缴哪些月份"),
            months=months,
            help_text=_("这些月份没有养老保险参保记录。中断的医疗保险不能补缴。"),
            error_messages={
                "required": _("请至少选择一个月份。"),
                "invalid_choice": _("所选的月份中有的已有养老保险参保记录，不需要补缴，请重新选择。"),
            },
        )
        debit = recollecting.next_debit(city, self.now) or self.month
        tiers = tiers_now(city, debit)
        field = forms.ChoiceField(
            label=_("按哪个缴费档次补缴"),
            choices=[(tier.code, tier.title) for tier in tiers],
            widget=forms.RadioSelect,
            help_text=_("按现行档次计算，另计利息。")
            + contribution.flexible_standard(
                book(), city=city, insurance=late_costs.REVIVED, month=debit, on=today_in_china(self.now)
            ),
        )
        field.choice_hints = {  # type: ignore[attr-defined]
            tier.code: _("每月 {amount} 元").format(
                amount=money.format_yuan(late_costs.later_price(city, tier.code, debit.first_day).amount_fen)
            )
            for tier in tiers
        }
        self.fields["tier"] = field


@dataclass(frozen=True)
class GapFacts:
    """The months that can be had, whether the city takes them, who pays now, and what the chosen
    ones cost on the debit's day."""

    gap: tuple[Month, ...]
    allowed: bool
    employed: bool
    flexible_here: bool
    costs: tuple[Cost, ...]
    debit: Month | None
    account: str

    def frozen(self) -> dict[str, Any]:
        return {
            "gap": [str(month) for month in self.gap],
            "allowed": self.allowed,
            "costs": [[str(one.month), one.principal_fen, one.on_top_fen] for one in self.costs],
            "debit": str(self.debit) if self.debit else None,
            "account": identity.mask_account(self.account),
        }


class PensionGap(DebitedService, AboutCoverage):
    code = "pension-gap"
    title = gettext_lazy("养老保险中断期补缴")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = GapForm
    needs = ("arrears",)
    also_known_as = ("断缴补缴", "补缴中断", "养老保险断了怎么补", "中断期补缴")
    conflicts = {
        "no_two_live_coverages_share_a_month": (
            "months",
            gettext_lazy("所选月份刚刚已有养老保险参保记录，不需要补缴。"),
        )
    }

    def facts(self, ask: Ask, outside: Any) -> GapFacts:
        person, city = ask.person, ask.offer.city
        today = today_in_china(ask.filed_at)
        gap = tuple(gaps.gap_months(person, until=ask.month))
        held = queries.held(person.identity_number)
        allowed = late_costs.terms_of(city, today)
        debit = recollecting.next_debit(city, ask.filed_at)
        account = recollecting.account_of(person, city, debit) if debit else None
        costs: list[Cost] = []
        if debit and "tier" in ask.answers:
            paid_on = paying_late.debit_day(city, debit)
            costs = [
                late_costs.gap_cost(city=city, month=month, tier=str(ask.answers["tier"]), paid_on=paid_on)
                for month in _chosen(ask)
                if month in gap
            ]
        return GapFacts(
            gap=gap,
            allowed=bool(allowed and allowed.pension_gap),
            employed=bool(queries.to_go_on(held, month=ask.month, capacity=Capacity.EMPLOYEE)),
            flexible_here=any(one.capacity == Capacity.FLEXIBLE and one.city == city for one in held),
            costs=tuple(costs),
            debit=debit,
            account=account.number if account else "",
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """Whoever has nothing to pay here, whatever the months."""
        yield from self._barred(ask, self.facts(ask, None))

    def rule(self, ask: Ask, facts: GapFacts) -> Iterator[Finding]:
        barred = list(self._barred(ask, facts))
        yield from barred or self._asked(ask, facts)

    def _barred(self, ask: Ask, facts: GapFacts) -> Iterator[Bar]:
        if not facts.allowed:
            yield Bar("", _("按现行政策，本市不办理养老保险中断期的事后补缴。"))
        elif facts.employed:
            record = to_page("record")
            why = _("您由单位参保，社会保险业务由所在单位办理；您可以查看{record}。").format(record=record)
            yield Bar("", why, (record,))
        elif not facts.flexible_here:
            enrol = ENROL.at(ask.offer.city)
            yield Bar("", _("您在本市没有灵活就业参保记录，请先{enrol}。").format(enrol=enrol), (enrol,))
        elif not facts.gap:
            yield Bar("", _("您的养老保险没有中断的月份，不需要补缴。"))
        elif not facts.account:
            yield no_account(ask.offer.city, facts.debit)

    def _asked(self, ask: Ask, facts: GapFacts) -> Iterator[Finding]:
        for month in _chosen(ask):
            if month not in facts.gap:
                yield Bar("months", _("{month}已有养老保险参保记录，不需要补缴。").format(month=month.zh))

    def effect(self, case: Case, ask: Ask, facts: GapFacts, *, by: User, now: datetime) -> dict[str, Any]:
        if facts.debit is None:
            raise ValueError(f"{case.number}: no debit to come; the rule was not applied")
        charges = gaps.pay_gap(
            ask.person,
            ask.offer.city,
            _chosen(ask),
            tier=str(ask.answers["tier"]),
            debit_month=facts.debit,
            by=by,
            now=now,
            case=case,
        )
        return {
            "charges": [one.pk for one in charges],
            "lines": [list(line) for line in self.summary(ask, facts)],
        }

    def submit_words(self, ask: Ask, facts: GapFacts) -> str:
        yuan = money.format_yuan(sum(one.total_fen for one in facts.costs))
        return _("申请扣款 %(yuan)s 元") % {"yuan": yuan}

    def summary(self, ask: Ask, facts: GapFacts) -> list[tuple[str, str]]:
        city, tier = ask.offer.city, str(ask.answers["tier"])
        title = next(
            (one.title for one in tiers_now(city, facts.debit or ask.month) if one.code == tier), tier
        )
        return [
            (_("险种"), str(INSURANCE_LABELS[late_costs.REVIVED])),
            (_("缴费档次"), title),
            *late_costs.as_lines(facts.costs),
            *paying_late.how_paid(city, facts.debit, facts.account, on=today_in_china(ask.filed_at)),
        ]

    def preview(self, ask: Ask, facts: GapFacts) -> dict[str, Any]:
        return {"template": "contributions/costs.html", "costs": facts.costs}


def _chosen(ask: Ask) -> list[Month]:
    return [Month.parse(text) for text in ask.answers.get("months", [])]
