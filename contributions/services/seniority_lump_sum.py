"""工龄一次性补缴: years as a permanent worker (固定工) that were neither paid nor deemed paid,
bought at a chosen base."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.charges import brought_in
from contributions.late_pension import record as late_record
from contributions.late_pension.fields import add_span, clean_span
from contributions.orders import lump_sums
from contributions.orders.billed_service import BilledService
from contributions.orders.lump_sums import Sum
from contributions.prices.formula import explained
from contributions.prices.reckoned import Line, fen_text, percent_text, yuan_text
from enrollment.households import category
from enrollment.residents import Registered
from portal.hall.fields import YuanField
from portal.hall.service import Ask, Audience, Bar, Finding, Mismatch, ServiceForm, Theme
from portal.policy.book import book
from portal.policy.terms.late_pension import SeniorityTerms, seniority_terms
from portal.shared import money
from portal.shared.months import Month, day_zh, month_span, today_in_china


class SeniorityForm(ServiceForm):
    def build(self) -> None:
        self.fields["settled_on"] = forms.DateField(
            label=_("户口迁入本市的日期"),
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            help_text=_("出生即在本市的，填出生日期；提交后与户籍登记比对。"),
            error_messages={"required": _("请填写户口迁入的日期。")},
        )
        add_span(self)
        self.fields["deemed"] = forms.ChoiceField(
            label=_("这些年限是否已认定为视同缴费"),
            choices=[("no", _("没有认定")), ("yes", _("已经认定"))],
            widget=forms.RadioSelect,
            error_messages={"required": _("请选择是否已认定。")},
        )
        terms = seniority_terms(book(), city=self.offer.city, on=today_in_china(self.now))
        self.fields["base"] = YuanField(
            label=_("补缴基数"),
            help_text=_("{floor} 元至 {ceiling} 元之间，自己选定，到账后不再调整。").format(
                floor=terms.floor, ceiling=terms.ceiling
            ),
            error_messages={"required": _("请填写补缴基数。")},
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        clean_span(self, cleaned)
        return cleaned


@dataclass(frozen=True)
class SeniorityFacts:
    """The first month insured here, what the registers say, and which of the wanted months count
    already."""

    earliest: Month | None
    registered: Registered
    counted: str

    def frozen(self) -> dict[str, Any]:
        return {"earliest": str(self.earliest or ""), "counted": self.counted}


class SeniorityLumpSum(BilledService):
    code = "seniority-lump-sum"
    title = gettext_lazy("工龄一次性补缴")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = SeniorityForm
    needs = ("lump_sum", "payment", "seniority_lump_sum")
    also_known_as = ("工龄补缴", "固定工工龄")

    def outside(self, ask: Ask) -> Registered:
        return Registered.of(ask.person)

    def facts(self, ask: Ask, outside: Registered | None) -> SeniorityFacts:
        record = late_record.read(
            ask.person,
            city=ask.offer.city,
            category=late_record.category_of(ask.person, ""),
            deemed=0,
            now=ask.filed_at,
        )
        return SeniorityFacts(
            earliest=min(record.here, default=None),
            registered=outside or Registered(None, None),
            counted=lump_sums.why_not_counted(ask.person, _bought(ask)),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        yield from self._person(ask, self.facts(ask, self.outside(ask)))

    def _person(self, ask: Ask, facts: SeniorityFacts) -> Iterator[Bar]:
        terms = _terms(ask)
        if facts.registered.pension is not None:
            yield Bar("", _("已办理领取手续的不能再补缴。"))
        elif facts.earliest is None or facts.earliest >= Month.of(terms.before):
            why = _("您在{day}以前没有参加本市职工养老保险，不能补缴工龄。")
            yield Bar("", why.format(day=day_zh(terms.before)))

    def rule(self, ask: Ask, facts: SeniorityFacts) -> Iterator[Finding]:
        bars = list(self._person(ask, facts))
        if bars:
            yield from bars
            return
        terms, settled = _terms(ask), date.fromisoformat(str(ask.answers["settled_on"]))
        start, last = Month.parse(ask.answers["start"]), Month.parse(ask.answers["last"])
        if settled >= terms.before:
            why = _("{day}以前不是本市户籍，不能补缴工龄。")
            yield Bar("settled_on", why.format(day=day_zh(terms.before)))
        else:
            yield from self._household(ask, facts, settled)
        if last >= Month.of(terms.before):
            yield Bar("last", _("只能补缴{day}以前的年限。").format(day=day_zh(terms.before)))
        if int(ask.answers["months"]) > last - start + 1:
            yield Bar("months", _("补缴月数不能多于工作的月数（{count}）。").format(count=last - start + 1))
        if ask.answers["deemed"] == "yes":
            yield Bar("deemed", _("这些年限已视同缴费，不需要补缴。"))
        if not terms.floor <= _base(ask) <= terms.ceiling:
            why = _("补缴基数应在 {floor} 元至 {ceiling} 元之间。")
            yield Bar("base", why.format(floor=terms.floor, ceiling=terms.ceiling))
        if facts.counted:
            yield Bar("start", _("{months}，不能重复补缴。").format(months=facts.counted))

    def _household(self, ask: Ask, facts: SeniorityFacts, settled: date) -> Iterator[Finding]:
        household = facts.registered.household
        if household is None:
            yield Mismatch("settled_on", _("户籍登记中没有查到您的信息。"))
        elif category(book().city(ask.offer.city), household.place_code) != "city":
            yield Mismatch("settled_on", _("户籍登记显示您的户籍不在本市。"))
        elif household.settled_on not in (None, settled):
            yield Mismatch("settled_on", _("户籍登记的入户日期与您填写的不一致。"))

    def sum_of(self, ask: Ask, facts: SeniorityFacts, *, on: date) -> Sum:
        terms, base, months = _terms(ask), _base(ask), _bought(ask)
        count = len(months)
        amount = money.round_fen(base * terms.rate * count)
        lines = [
            Line(_("补缴基数"), yuan_text(base)),
            Line(_("缴费比例"), percent_text(terms.rate)),
            Line(_("补缴月数"), _("{count} 个月").format(count=count)),
            Line(_("应缴金额"), fen_text(amount), _("基数 × 比例 × 月数，四舍五入到分")),
        ]
        return Sum(
            months=count,
            which=months,
            wages=brought_in.wages_by_year((month, base) for month in months),
            amount_fen=amount,
            account_fen=money.round_fen(base * terms.account_rate * count),
            derivation=explained(lines, terms.leaf, on=today_in_china(ask.filed_at)),
        )

    def about(self, ask: Ask, facts: SeniorityFacts) -> list[tuple[str, str]]:
        span = _("{start}至{last}").format(
            start=Month.parse(ask.answers["start"]).zh, last=Month.parse(ask.answers["last"]).zh
        )
        return [
            (_("原工作单位"), str(ask.answers["workplace"])),
            (_("工作时间"), span),
            (_("户口迁入日期"), day_zh(date.fromisoformat(str(ask.answers["settled_on"])))),
        ]


def _terms(ask: Ask) -> SeniorityTerms:
    return seniority_terms(book(), city=ask.offer.city, on=today_in_china(ask.filed_at))


def _base(ask: Ask) -> Decimal:
    return Decimal(str(ask.answers["base"]))


def _bought(ask: Ask) -> tuple[Month, ...]:
    """The wanted months, from the first on; none where nothing was answered yet."""
    if not ask.answers.get("start") or not ask.answers.get("months"):
        return ()
    start = Month.parse(str(ask.answers["start"]))
    return tuple(month_span(start, start + int(ask.answers["months"])))
