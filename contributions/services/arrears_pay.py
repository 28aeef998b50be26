"""历史欠费补缴(无锡:补缴): owed or written-off months, with interest to the day of paying, by the
next debit or by an order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.arrears import late_costs, late_months, paying_late
from contributions.arrears.late_costs import Cost, Late
from contributions.arrears.late_months import LateMonth
from contributions.debit import recollecting
from contributions.debit.no_account import no_account
from contributions.models import ChargeStatus
from contributions.orders import placing
from contributions.orders.ordered_service import OrderedService
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.shared import identity, money
from portal.shared.months import Month, moment_zh, today_in_china


class ArrearsForm(ServiceForm):
    def build(self) -> None:
        person, today = self.applicant.person, today_in_china(self.now)
        found = late_costs.late(person, self.offer.city, paid_on=today, today=today) if person else []
        if not found:
            return
        months = [one.month for one in found]
        field = forms.MultipleChoiceField(
            label=_("补缴哪些月份"),
            choices=[(str(one.charge_id), one.label) for one in months],
            widget=forms.CheckboxSelectMultiple,
            error_messages={
                "required": _("请至少选择一个月份。"),
                "invalid_choice": _("所选的月份中有的已有变动，请重新查看后再选择。"),
            },
        )
        field.choice_hints = {str(one.charge_id): _hint(one) for one in months}  # type: ignore[attr-defined]
        field.not_allowed = {  # type: ignore[attr-defined]
            str(one.month.charge_id): one.why for one in found if one.why
        }
        self.fields["charges"] = field


def _hint(one: LateMonth) -> str:
    amount = money.format_yuan(one.amount_fen)
    if one.status == ChargeStatus.WRITTEN_OFF:
        return _("注销时 {amount} 元；须按补缴时的标准缴纳，另计利息").format(amount=amount)
    return _("{amount} 元，另计利息").format(amount=amount)


@dataclass(frozen=True)
class ArrearsFacts:
    """The months, what the chosen ones cost on the day of paying, and how they are paid."""

    late: tuple[Late, ...]
    costs: tuple[Cost, ...]
    debit: Month | None
    account: str

    @property
    def payable_fen(self) -> int:
        """What all that can be paid would cost on that day."""
        return sum(one.cost.total_fen for one in self.late if one.cost and not one.why)

    def frozen(self) -> dict[str, Any]:
        return {
            "costs": [
                [str(one.insurance), str(one.month), one.principal_fen, one.on_top_fen] for one in self.costs
            ],
            "debit": str(self.debit) if self.debit else None,
            "account": identity.mask_account(self.account),
        }


class ArrearsPay(OrderedService):
    code = "arrears-pay"
    title = gettext_lazy("历史欠费补缴")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = ArrearsForm
    needs = ("arrears",)
    also_known_as = ("补缴", "欠费补缴", "补交社保", "历史欠费")
    conflicts = {
        "one_live_recollect_request_per_charge": ("charges", gettext_lazy("所选月份刚刚已申请补缴。")),
        "one_live_surcharge_per_charge": ("charges", gettext_lazy("所选月份刚刚已在补缴。")),
        "a_charge_is_in_one_live_order": ("charges", gettext_lazy("所选月份刚刚已在另一份订单中。")),
    }

    def facts(self, ask: Ask, outside: Any) -> ArrearsFacts:
        city, today = ask.offer.city, today_in_china(ask.filed_at)
        debit = recollecting.next_debit(city, ask.filed_at) if paying_late.by_debit(ask.offer) else None
        account = recollecting.account_of(ask.person, city, debit) if debit else None
        paid_on = paying_late.debit_day(city, debit) if debit else today
        late = tuple(late_costs.late(ask.person, city, paid_on=paid_on, today=today))
        chosen = ask.answers.get("charges", [])
        return ArrearsFacts(
            late=late,
            costs=tuple(
                one.cost for one in late if one.cost and not one.why and str(one.month.charge_id) in chosen
            ),
            debit=debit,
            account=account.number if account else "",
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """None of the late months can be paid, each for its own reason; or there is no account to
        draw on."""
        facts = self.facts(ask, None)
        if facts.late and all(one.why for one in facts.late):
            yield Bar("", late_months.none_left((one.month.label, one.why) for one in facts.late))
        elif facts.late and paying_late.by_debit(ask.offer) and not facts.account:
            yield no_account(ask.offer.city, facts.debit, sum_fen=facts.payable_fen)

    def rule(self, ask: Ask, facts: ArrearsFacts) -> Iterator[Finding]:
        if not facts.late:
            yield Bar("", _("您在本市没有以灵活就业人员身份形成的历史欠费，不需要补缴。"))
            return
        if paying_late.by_debit(ask.offer) and not facts.account:
            yield no_account(ask.offer.city, facts.debit, sum_fen=facts.payable_fen)
        known = {str(one.month.charge_id): one for one in facts.late}
        for chosen in ask.answers["charges"]:
            one = known.get(chosen)
            if one is None:
                yield Bar("charges", _("所选的月份已不再欠缴，请重新选择。"))
            elif one.why:
                yield Bar("charges", _("{month}：{why}。").format(month=one.month.label, why=one.why))

    def effect(self, case: Case, ask: Ask, facts: ArrearsFacts, *, by: User, now: datetime) -> dict[str, Any]:
        charge_ids = [int(chosen) for chosen in ask.answers["charges"]]
        lines = [list(line) for line in self.summary(ask, facts)]
        person, city = ask.person, ask.offer.city
        try:
            if facts.debit:
                charges = paying_late.pay_by_debit(
                    person, city, charge_ids, month=facts.debit, by=by, now=now, case=case
                )
                return {"charges": [one.pk for one in charges], "lines": lines}
            order = paying_late.pay_by_order(
                person, city, charge_ids, key=case.key, by=by, now=now, case=case
            )
        except paying_late.Busy as busy:
            raise NotAccepted(
                [Bar("charges", _("所选的月份刚刚已在缴费、扣款或已变动，请重新查看。"))]
            ) from busy
        except placing.CannotOrder as refusal:
            raise NotAccepted([Bar("charges", one.why) for one in refusal.refusals]) from refusal
        until = localtime(order.expires_at)
        return {
            "order": order.number,
            "lines": [
                *lines,
                [_("缴费订单号"), order.number],
                [_("请在此之前支付"), moment_zh(until)],
            ],
            "links": [[_("去支付"), reverse("order", args=[order.number])]],
        }

    def submit_words(self, ask: Ask, facts: ArrearsFacts) -> str:
        yuan = money.format_yuan(sum(one.total_fen for one in facts.costs))
        words = _("申请扣款 %(yuan)s 元") if facts.debit else _("生成订单并支付 %(yuan)s 元")
        return words % {"yuan": yuan}

    def summary(self, ask: Ask, facts: ArrearsFacts) -> list[tuple[str, str]]:
        return [
            *late_costs.as_lines(facts.costs),
            *paying_late.how_paid(
                ask.offer.city, facts.debit, facts.account, on=today_in_china(ask.filed_at)
            ),
        ]

    def preview(self, ask: Ask, facts: ArrearsFacts) -> dict[str, Any]:
        return {"template": "contributions/costs.html", "costs": facts.costs}
