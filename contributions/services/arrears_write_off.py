"""历史欠费注销: owed months given up for good, after the consequences were shown and the word was
typed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.arrears import late_costs, late_months, paying_late, writing_off
from contributions.arrears.late_costs import Cost
from contributions.arrears.late_months import LateMonth
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.people.models import Person
from portal.policy.book import PolicyMissing
from portal.policy.terms.arrears import ArrearsTerms
from portal.shared import money
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import today_in_china

# What the person types, so that nobody gives months up by pressing on.
WORD = "注销"


def owed_months(person: Person, city: str, today: date) -> list[LateMonth]:
    """The person's owed months of the city that were due before today."""
    return late_costs.overdue(late_months.late_months(person, city), today)


def later(one: LateMonth, city: str, terms: ArrearsTerms | None, today: date) -> Cost | None:
    """What the month would cost today, had it been written off; None where it could not be paid any
    more."""
    if not late_costs.revivable(one, terms):
        return None
    try:
        return late_costs.cost(one, city=city, paid_on=today, as_written_off=True)
    except PolicyMissing:
        return None


class WriteOffForm(ServiceForm):
    def build(self) -> None:
        person, today = self.applicant.person, today_in_china(self.now)
        months = owed_months(person, self.offer.city, today) if person else []
        if not months:
            return
        terms = late_costs.terms_of(self.offer.city, today)
        field = forms.MultipleChoiceField(
            label=_("注销哪些月份的欠费"),
            choices=[(str(one.charge_id), one.label) for one in months],
            widget=forms.CheckboxSelectMultiple,
            error_messages={
                "required": _("请至少选择一个月份。"),
                "invalid_choice": _("所选的月份中有的已有变动，请重新查看后再选择。"),
            },
        )
        field.choice_hints = {  # type: ignore[attr-defined]
            str(one.charge_id): _hint(one, self.offer.city, terms, today) for one in months
        }
        field.not_allowed = {str(one.charge_id): one.busy for one in months if one.busy}  # type: ignore[attr-defined]
        self.fields["charges"] = field
        self.fields["confirmation"] = forms.CharField(
            label=_("请输入“{word}”两个字以确认").format(word=WORD),
            max_length=10,
            help_text=_(
                "注销后无法恢复：所选月份不计入缴费年限；医疗保险不能再补缴，会影响医疗待遇；"
                "养老保险再补缴时须按当时规定的档次缴纳，金额会高于现在，并加收利息。"
            ),
            error_messages={"required": _("请输入“{word}”两个字。").format(word=WORD)},
            widget=forms.TextInput(attrs={"class": "w-11", "autocomplete": "off"}),
        )

    def clean_confirmation(self) -> str:
        typed: str = self.cleaned_data["confirmation"]
        if typed != WORD:
            raise forms.ValidationError(_("请输入“{word}”两个字。").format(word=WORD))
        return typed


def _hint(one: LateMonth, city: str, terms: ArrearsTerms | None, today: date) -> str:
    then = later(one, city, terms, today)
    what = (
        _("以后再缴至少 {amount} 元").format(amount=money.format_yuan(then.total_fen))
        if then
        else _("注销后不能再缴")
    )
    return _("欠缴 {amount} 元；{what}").format(amount=money.format_yuan(one.amount_fen), what=what)


@dataclass(frozen=True)
class WriteOffFacts:
    """The months that are owed, and what the city takes later."""

    owed: tuple[LateMonth, ...]
    terms: ArrearsTerms | None
    today: date

    def chosen(self, ask: Ask) -> list[LateMonth]:
        return [one for one in self.owed if str(one.charge_id) in ask.answers["charges"]]

    def frozen(self) -> dict[str, Any]:
        return {"owed": [[str(one.insurance), str(one.month), one.amount_fen] for one in self.owed]}


class ArrearsWriteOff(Service):
    code = "arrears-write-off"
    title = gettext_lazy("历史欠费注销")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = WriteOffForm
    needs = ("arrears",)
    submit_label = gettext_lazy("注销所选欠费")
    dangerous = True
    also_known_as = ("欠费取消", "注销欠费", "放弃欠费", "取消欠费")

    def facts(self, ask: Ask, outside: Any) -> WriteOffFacts:
        today = today_in_china(ask.filed_at)
        return WriteOffFacts(
            owed=tuple(owed_months(ask.person, ask.offer.city, today)),
            terms=late_costs.terms_of(ask.offer.city, today),
            today=today,
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """Every owed month is being paid or debited."""
        owed = self.facts(ask, None).owed
        if owed and all(one.busy for one in owed):
            yield Bar("", late_months.none_left((one.label, one.busy) for one in owed))

    def rule(self, ask: Ask, facts: WriteOffFacts) -> Iterator[Finding]:
        if not facts.owed:
            yield Bar("", _("您在本市没有以灵活就业人员身份形成的历史欠费，不需要注销。"))
            return
        known = {str(one.charge_id): one for one in facts.owed}
        for chosen in ask.answers["charges"]:
            one = known.get(chosen)
            if one is None:
                yield Bar("charges", _("所选的月份已不再欠缴，请重新选择。"))
            elif one.busy:
                yield Bar("charges", _("{month}{busy}，不能注销。").format(month=one.label, busy=one.busy))

    def effect(
        self, case: Case, ask: Ask, facts: WriteOffFacts, *, by: User, now: datetime
    ) -> dict[str, Any]:
        try:
            charges = writing_off.write_off(
                ask.person,
                ask.offer.city,
                [one.charge_id for one in facts.chosen(ask)],
                by=by,
                now=now,
                case=case,
            )
        except paying_late.Busy as busy:
            raise NotAccepted(
                [Bar("charges", _("所选的月份刚刚已在缴费、扣款或已注销，请重新查看。"))]
            ) from busy
        return {
            "charges": [one.pk for one in charges],
            "lines": [list(line) for line in self.summary(ask, facts)],
        }

    def summary(self, ask: Ask, facts: WriteOffFacts) -> list[tuple[str, str]]:
        chosen = facts.chosen(ask)
        return [
            *[
                (one.label, _("欠缴 {yuan} 元").format(yuan=money.format_yuan(one.amount_fen)))
                for one in chosen
            ],
            (
                _("注销合计"),
                _("{count} 笔，{yuan} 元").format(
                    count=len(chosen), yuan=money.format_yuan(sum(one.amount_fen for one in chosen))
                ),
            ),
        ]

    def preview(self, ask: Ask, facts: WriteOffFacts) -> dict[str, Any]:
        chosen = facts.chosen(ask)
        lost = {insurance: [one for one in chosen if one.insurance == insurance] for insurance in Insurance}
        costs = [later(one, ask.offer.city, facts.terms, facts.today) for one in chosen]
        known = [one for one in costs if one is not None]
        return {
            "template": "contributions/write_off.html",
            "lost": [
                {
                    "insurance": INSURANCE_LABELS[insurance],
                    "months": "、".join(one.month.zh for one in months),
                    "count": len(months),
                    "for_good": any(
                        cost is None for one, cost in zip(chosen, costs, strict=True) if one in months
                    ),
                }
                for insurance, months in lost.items()
                if months
            ],
            "off_fen": sum(one.amount_fen for one in chosen),
            "now_fen": sum(one.amount_fen for one, cost in zip(chosen, costs, strict=True) if cost),
            "later_fen": sum(one.total_fen for one in known),
            "costs": known,
        }
