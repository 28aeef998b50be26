"""补缴社保费（武汉）: an employer pays what it owes for past months, with the late fee to the day
of payment."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.assessments import arrears_bills
from contributions.assessments.arrears_bills import LateMonth
from contributions.assessments.transfer_notes import code_of
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.models import Case
from portal.hall.routing import Status
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.policy.book import PolicyMissing, book
from portal.policy.terms.arrears import late_fee_terms
from portal.policy.terms.offers import pay_within_days
from portal.shared import money
from portal.shared.months import Month, today_in_china


class ArrearsForm(ServiceForm):
    months = forms.MultipleChoiceField(
        label=gettext_lazy("补缴月份"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("请至少选择一个补缴月份。")},
    )
    pay_on = forms.DateField(
        label=gettext_lazy("计划缴款日期"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("滞纳金算到这一天。审核通过后，须在这一天之前（含当天）一次汇足。"),
    )

    def build(self) -> None:
        today = today_in_china(self.now)
        employer = self.applicant.employer
        late = arrears_bills.late_months(employer, self.offer.city, today=today) if employer else []
        field = self.fields["months"]
        # A filed case shows what was chosen then, also where it is paid by now.
        filed = [
            month for month in self.initial.get("months", []) if month not in {str(m.month) for m in late}
        ]
        field.choices = [(str(one.month), _label(one)) for one in late] + [  # type: ignore[attr-defined]
            (month, Month.parse(month).zh) for month in filed
        ]
        field.not_allowed = {  # type: ignore[attr-defined]
            str(one.month): _("已在另一份补缴单或缴费订单中") for one in late if not one.charges
        }
        if not late and not filed:
            field.help_text = _("本单位没有超过缴费期限的欠费。")
        self.latest = today + dt.timedelta(days=pay_within_days(self.offer))

    def clean_months(self) -> list[str]:
        months = sorted(self.cleaned_data["months"])
        barred = self.fields["months"].not_allowed  # type: ignore[attr-defined]
        if any(month in barred for month in months):
            raise forms.ValidationError(
                _("所选月份已在另一份补缴单或缴费订单中。请先完成，或待其失效后再申报。")
            )
        return months

    def clean_pay_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["pay_on"]
        today = today_in_china(self.now)
        if not today < day <= self.latest:
            raise forms.ValidationError(
                _("缴款日期应在明天至 %(latest)s 之间，给审核和汇款留出时间。") % {"latest": self.latest}
            )
        return day


def _label(one: LateMonth) -> str:
    if not one.charges:
        return one.month.zh
    return _("%(month)s：欠缴 %(principal)s 元，今天缴另加滞纳金 %(fee)s 元") % {
        "month": one.month.zh,
        "principal": money.format_yuan(one.principal_fen),
        "fee": money.format_yuan(one.fee_fen),
    }


@dataclass(frozen=True)
class ArrearsFacts:
    """The chosen months as they would be billed for the day of payment, and which of them are not
    owed any more."""

    late: tuple[LateMonth, ...]
    gone: tuple[Month, ...]
    pay_on: dt.date
    today: dt.date

    def frozen(self) -> dict[str, Any]:
        return {
            "months": [str(one.month) for one in self.late],
            "principal_fen": sum(one.principal_fen for one in self.late),
            "fee_fen": sum(one.fee_fen for one in self.late),
            "pay_on": self.pay_on.isoformat(),
        }


class EmployerArrears(Service):
    code = "employer-arrears"
    title = gettext_lazy("补缴社保费")
    audience = Audience.EMPLOYER
    theme = Theme.PAYMENT
    form = ArrearsForm
    also_known_as = ("单位补缴", "单位欠费补缴", "社保费补缴", "滞纳金")
    conflicts = {
        "a_charge_is_in_one_live_bill": (
            "months",
            gettext_lazy("所选月份刚刚已列入另一份补缴单，请刷新后重新选择。"),
        ),
        "one_live_surcharge_per_charge": (
            "months",
            gettext_lazy("所选月份刚刚已列入另一份补缴单，请刷新后重新选择。"),
        ),
    }

    def facts(self, ask: Ask, outside: Any) -> ArrearsFacts:
        pay_on = dt.date.fromisoformat(str(ask.answers["pay_on"]))
        wanted = [Month.parse(month) for month in ask.answers["months"]]
        found = {
            one.month: one
            for one in arrears_bills.late_months(
                ask.employer, ask.offer.city, today=today_in_china(ask.filed_at), pay_on=pay_on
            )
            if one.charges
        }
        return ArrearsFacts(
            late=tuple(found[month] for month in wanted if month in found),
            gone=tuple(month for month in wanted if month not in found),
            pay_on=pay_on,
            today=today_in_china(ask.filed_at),
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """Nothing is late, or all of it stands in bills and orders already."""
        late = arrears_bills.late_months(ask.employer, ask.offer.city, today=today_in_china(ask.filed_at))
        if not late:
            yield Bar("", _("本单位没有超过缴费期限的欠费，不需要补缴。"))
        elif not any(one.charges for one in late):
            yield Bar(
                "",
                _("本单位的欠费都已在补缴单或缴费订单中，请先按其完成缴款；失效后可以重新申报。"),
            )

    def rule(self, ask: Ask, facts: ArrearsFacts) -> Iterator[Finding]:
        for month in facts.gone:
            yield Bar(
                "months",
                _("{month}已没有可以补缴的欠费（已缴清，或已列入另一份补缴单）。请重新选择。").format(
                    month=month.zh
                ),
            )

    def effect(
        self, case: Case, ask: Ask, facts: ArrearsFacts, *, by: User, now: dt.datetime
    ) -> dict[str, Any]:
        if facts.pay_on < today_in_china(now):
            raise NotAccepted(
                [
                    Bar(
                        "",
                        _("计划缴款日期 {day} 已过，请不予通过，由单位按新的日期重新申报。").format(
                            day=facts.pay_on
                        ),
                    )
                ]
            )
        try:
            bill = arrears_bills.draw(
                case=case,
                employer=ask.employer,
                city=ask.offer.city,
                months=[one.month for one in facts.late],
                pay_on=facts.pay_on,
                now=now,
            )
        except arrears_bills.NothingOwed as error:
            raise NotAccepted([Bar("months", _("所选月份已没有可以补缴的欠费。"))]) from error
        return {
            "bill": bill.pk,
            "lines": [
                [_("应缴合计"), _("{amount} 元").format(amount=money.format_yuan(bill.principal_fen))],
                [_("滞纳金"), _("{amount} 元").format(amount=money.format_yuan(bill.surcharge_fen))],
                [_("须一次汇足"), _("{amount} 元").format(amount=money.format_yuan(bill.sum_fen))],
                [_("汇款附言"), code_of(bill)],
                [_("最后缴款日期"), str(bill.pay_on)],
            ],
            "links": [[_("查看补缴单"), reverse("employer-bill", args=[bill.pk])]],
        }

    def stands(self, outcome: Mapping[str, Any]) -> Status:
        return Status.TO_PAY

    def waits_until(self, case: Case, *, now: dt.datetime) -> str:
        return _("补缴单待缴款：请在最后缴款日期前按汇款附言一次汇足，逾期补缴单失效。")

    def summary(self, ask: Ask, facts: ArrearsFacts) -> list[tuple[str, str]]:
        rows = [
            (
                one.month.zh,
                _(
                    "欠缴 {principal} 元（{charges} 笔），期限 {due}，到缴款日逾期 {days} 天，滞纳金 {fee} 元"
                ).format(
                    principal=money.format_yuan(one.principal_fen),
                    charges=one.charges,
                    due=one.due_on,
                    days=one.days,
                    fee=money.format_yuan(one.fee_fen),
                ),
            )
            for one in facts.late
        ]
        total = arrears_bills.total_fen(facts.late)
        return [
            *rows,
            (_("计划缴款日期"), str(facts.pay_on)),
            (_("合计"), _("{amount} 元").format(amount=money.format_yuan(total))),
            *_rule_words(facts.pay_on),
        ]


def _rule_words(on: dt.date) -> list[tuple[str, str]]:
    try:
        terms = late_fee_terms(book(), on=on)
    except PolicyMissing:
        return []
    words = _("每笔欠费从缴费期限的次日起按日加收 {rate}%，每笔四舍五入到分").format(
        rate=f"{(terms.daily_rate * 100).normalize():f}"
    )
    if terms.capped:
        words += _("，不超过欠费本金")
    reference = terms.leaf.reference
    return [(_("滞纳金怎样计算"), f"{words}（{reference.basis}）")]
