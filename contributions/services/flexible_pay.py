"""灵活就业人员缴费(深圳:个缴自助缴费): choosing insurance, tier and months becomes an order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.orders import payable, placing
from contributions.orders.ordered_service import OrderedService
from contributions.orders.parts import Part
from contributions.orders.payable import Payable, Picks
from contributions.prices.formula import derivation, quote
from enrollment.ways import ENROL
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.fields import MonthsField
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.contribution import flexible_standard
from portal.shared import money
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, moment_zh, periods_zh, runs, today_in_china


class Span(StrEnum):
    """How many months are paid at once."""

    NOW = "now"
    YEAR = "year"
    ALL = "all"
    PICK = "pick"


SPAN_LABELS = {
    Span.NOW: gettext_lazy("只缴当月"),
    Span.YEAR: gettext_lazy("缴到今年年底"),
    Span.ALL: gettext_lazy("缴全部可缴月份"),
    Span.PICK: gettext_lazy("自己选择月份"),
}


class PayForm(ServiceForm):
    """A tier for each insurance, and the months: by a span for all of them, or one by one."""

    def build(self) -> None:
        self.payable: list[Payable] = []
        if self.applicant.person is not None:
            self.payable = payable.payable(self.applicant.person, self.offer.city, now=self.now)
        if not self.payable:
            return
        months = {month for one in self.payable for month in one.months}
        hints = {
            Span.NOW: self.month.zh,
            Span.YEAR: _("{first}至{last}").format(first=self.month.zh, last=Month(self.month.year, 12).zh),
        }
        if months:
            hints[Span.ALL] = _("到{last}为止").format(last=max(months).zh)
        for one in self.payable:
            self.fields[f"tier_{one.insurance}"] = self._tier(one)
        span = forms.ChoiceField(
            label=_("缴纳哪些月份"),
            choices=[(str(span), label) for span, label in SPAN_LABELS.items()],
            widget=forms.RadioSelect,
            initial=str(Span.NOW),
            help_text=_("已缴和不能缴的月份会自动跳过。"),
        )
        span.choice_hints = {str(key): hint for key, hint in hints.items()}  # type: ignore[attr-defined]
        self.fields["span"] = span
        for one in self.payable:
            self.fields[f"months_{one.insurance}"] = MonthsField(
                label=_("{insurance}：自己选择月份").format(insurance=INSURANCE_LABELS[one.insurance]),
                months=one.months,
                not_allowed=one.barred,
                required=False,
                help_text=_("上面选择“自己选择月份”时填写。"),
            )

    def _tier(self, one: Payable) -> forms.ChoiceField:
        month = max(self.month, min(one.months, default=self.month))
        field = forms.ChoiceField(
            label=_("{insurance}缴费档次").format(insurance=INSURANCE_LABELS[one.insurance]),
            choices=[*one.tiers, ("", _("不缴"))],
            widget=forms.RadioSelect,
            required=False,
            initial=one.tier_now,
            help_text=flexible_standard(
                book(),
                city=self.offer.city,
                insurance=one.insurance,
                month=month,
                on=today_in_china(self.now),
            ),
        )
        hints = {}
        for code, _title in one.tiers:
            try:
                fen = one.price(self.offer.city, code, month)
            except PolicyMissing:
                continue
            hints[code] = _("每月 {amount} 元").format(amount=money.format_yuan(fen))
        field.choice_hints = hints  # type: ignore[attr-defined]
        return field

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        span = cleaned.get("span", "")
        chosen = [one for one in self.payable if cleaned.get(f"tier_{one.insurance}")]
        if self.payable and not chosen:
            self.add_error(f"tier_{self.payable[0].insurance}", _("请至少选择一个险种的缴费档次。"))
        if span and span != Span.PICK and any(cleaned.get(f"months_{one.insurance}") for one in chosen):
            self.add_error("span", _("您在下面选择了月份：请改选“自己选择月份”，或者取消下面所选的月份。"))
            return cleaned
        some = False
        for one in self.payable:
            name = f"months_{one.insurance}"
            if one not in chosen:
                cleaned[name] = []
            elif span != Span.PICK:
                cleaned[name] = [month for month in one.months if self._in(span, month)]
            some = some or bool(cleaned.get(name)) or name in self.errors
        if chosen and span and not some:
            if span == Span.PICK:
                self.add_error(f"months_{chosen[0].insurance}", _("请至少选择一个月份。"))
            else:
                self.add_error("span", _("所选范围内没有可以缴费的月份，请改选其他月份。"))
        return cleaned

    def _in(self, span: str, month: Month) -> bool:
        if span == Span.NOW:
            return month == self.month
        return span == Span.ALL or (month.year == self.month.year and month >= self.month)


@dataclass(frozen=True)
class PayFacts:
    """What may be paid now, and whether a bank's hours make it wait."""

    payable: tuple[Payable, ...]

    def frozen(self) -> dict[str, Any]:
        return {
            "payable": {
                str(one.insurance): {
                    "tier": one.tier_now,
                    "months": [str(month) for month in one.months],
                    "barred": {str(month): why for month, why in one.barred.items()},
                }
                for one in self.payable
            }
        }


class FlexiblePay(OrderedService):
    code = payable.SERVICE
    title = gettext_lazy("灵活就业人员缴费")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = PayForm
    needs = ("payment",)
    submit_label = gettext_lazy("生成缴费订单")
    also_known_as = (
        "缴社保",
        "缴费",
        "交社保",
        "灵活就业缴费",
        "个人缴费",
        "缴费订单",
        "社保缴费",
        "社保费缴纳",
    )

    def facts(self, ask: Ask, outside: Any) -> PayFacts:
        return PayFacts(payable=tuple(payable.payable(ask.person, ask.offer.city, now=ask.filed_at)))

    def rule(self, ask: Ask, facts: PayFacts) -> Iterator[Finding]:
        if not facts.payable:
            enrol = ENROL.at(ask.offer.city)
            yield Bar(
                "",
                _(
                    "您在{city}没有以灵活就业人员身份参保的险种，请先{enrol}；由单位参保的，由单位缴费。"
                ).format(city=book().city(ask.offer.city).title, enrol=enrol),
                (enrol,),
            )
            return
        for refusal in payable.refusals(facts.payable, picks_of(ask.answers), ask.offer.city):
            yield _bar(refusal)

    def effect(self, case: Case, ask: Ask, facts: PayFacts, *, by: User, now: datetime) -> dict[str, Any]:
        try:
            order = placing.place(
                person=ask.person,
                city=ask.offer.city,
                picks=picks_of(ask.answers),
                key=case.key,
                by=by,
                now=now,
                case=case,
            )
        except placing.CannotOrder as refusal:
            raise NotAccepted([_bar(one) for one in refusal.refusals]) from refusal
        yuan = money.format_yuan(order.sum_fen)
        return {
            "order": order.number,
            "lines": [
                [str(_("缴费订单号")), order.number],
                [str(_("应付金额")), str(_("%(yuan)s 元") % {"yuan": yuan})],
                [str(_("请在此之前支付")), moment_zh(order.expires_at)],
            ],
            "links": [[str(_("去支付 %(yuan)s 元") % {"yuan": yuan}), reverse("order", args=[order.number])]],
        }

    def submit_words(self, ask: Ask, facts: PayFacts) -> str:
        total = sum(part.fen for part in parts_of(ask, facts.payable))
        return _("生成订单并支付 %(yuan)s 元") % {"yuan": money.format_yuan(total)}

    def summary(self, ask: Ask, facts: PayFacts) -> list[tuple[str, str]]:
        parts = parts_of(ask, facts.payable)
        lines = [
            (
                part.insurance,
                _("%(tier)s，%(months)s，共 %(count)s 个月，每月 %(each)s 元")
                % {
                    "tier": part.tier,
                    "months": part.months,
                    "count": part.count,
                    "each": money.format_yuan(part.each_fen),
                },
            )
            for part in parts
        ]
        total = sum(part.fen for part in parts)
        return [*lines, (_("应付金额"), _("%(yuan)s 元") % {"yuan": money.format_yuan(total)})]

    def preview(self, ask: Ask, facts: PayFacts) -> dict[str, Any]:
        return self.last_look(ask, parts_of(ask, facts.payable))


def _bar(refusal: payable.Refusal) -> Bar:
    return Bar(f"{refusal.about}_{refusal.insurance}" if refusal.about else "", refusal.why)


def picks_of(answers: Mapping[str, Any]) -> Picks:
    """What was chosen: the tier and months of each insurance that has both."""
    return {
        insurance: (
            str(answers[f"tier_{insurance}"]),
            [Month.parse(month) for month in answers[f"months_{insurance}"]],
        )
        for insurance in Insurance
        if answers.get(f"tier_{insurance}") and answers.get(f"months_{insurance}")
    }


def parts_of(ask: Ask, payable: Sequence[Payable]) -> list[Part]:
    """What was chosen, priced: months of one insurance that cost the same together."""
    by_insurance = {one.insurance: one for one in payable}
    on = today_in_china(ask.filed_at)
    parts = []
    for insurance, (tier, months) in picks_of(ask.answers).items():
        titles = dict(by_insurance[insurance].tiers) if insurance in by_insurance else {}
        prices: dict[int, list[Month]] = {}
        how = {}
        for month in months:
            price = quote(
                city=ask.offer.city, capacity=Capacity.FLEXIBLE, insurance=insurance, month=month, tier=tier
            )
            prices.setdefault(price.amount_fen, []).append(month)
            how[price.amount_fen] = derivation(price, on=on)
        parts += [
            Part(
                insurance=_(INSURANCE_LABELS[insurance]),
                tier=titles.get(tier, tier),
                months=periods_zh(runs(priced)),
                count=len(priced),
                each_fen=fen,
                fen=fen * len(priced),
                derivation=how[fen],
            )
            for fen, priced in prices.items()
        ]
    return parts
