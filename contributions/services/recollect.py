"""个人缴费人员补托收: collects again, in the next batch, a month whose debit failed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.arrears import late_months
from contributions.arrears.late_months import LateMonth
from contributions.debit import recollecting
from contributions.debit.no_account import no_account
from contributions.locks import before_or_after_a_batch
from contributions.models import RequestKind
from contributions.orders.ordered_service import DebitedService
from portal.accounts.models import User
from portal.hall.desk import NotAccepted
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, ServiceForm, Theme
from portal.people.models import Person
from portal.policy.book import Offer
from portal.shared import identity, money
from portal.shared.months import Month, day_zh, month_in_china


def failed_months(person: Person, offer: Offer, month: Month) -> list[LateMonth]:
    """The person's months whose debit failed, as far back as the offer goes."""
    first = month - int(offer.options.get("months_back", 0))
    return [
        one
        for one in late_months.late_months(person, offer.city)
        if one.failed and first <= one.month <= month
    ]


class RecollectForm(ServiceForm):
    def build(self) -> None:
        person = self.applicant.person
        failed = failed_months(person, self.offer, self.month) if person else []
        if not failed:
            return
        field = forms.MultipleChoiceField(
            label=_("补托收的月份"),
            choices=[(str(one.charge_id), one.label) for one in failed],
            widget=forms.CheckboxSelectMultiple,
            error_messages={
                "required": _("请至少选择一个月份。"),
                "invalid_choice": _("所选的月份中有的已有变动，请重新查看后再选择。"),
            },
        )
        field.choice_hints = {  # type: ignore[attr-defined]
            str(one.charge_id): _("{amount} 元，扣款失败：{why}").format(
                amount=money.format_yuan(one.amount_fen), why=one.failed
            )
            for one in failed
        }
        field.not_allowed = {str(one.charge_id): one.busy for one in failed if one.busy}  # type: ignore[attr-defined]
        self.fields["charges"] = field


@dataclass(frozen=True)
class RecollectFacts:
    """The months whose debit failed, the month whose debit comes next, and the account that it
    draws on ("": none)."""

    failed: tuple[LateMonth, ...]
    debit: Month | None
    account: str

    @property
    def payable_fen(self) -> int:
        """What could be asked for, all of it."""
        return sum(one.amount_fen for one in self.failed if not one.busy)

    def frozen(self) -> dict[str, Any]:
        return {
            "failed": [str(one.month) for one in self.failed],
            "debit": str(self.debit) if self.debit else None,
            "account": identity.mask_account(self.account),
        }


class Recollect(DebitedService):
    code = "recollect"
    title = gettext_lazy("个人缴费人员补托收")
    audience = Audience.PERSON
    theme = Theme.PAYMENT
    form = RecollectForm
    needs = ("debit",)
    submit_label = gettext_lazy("申请补托收")
    also_known_as = ("补扣", "补托收", "扣款失败", "重新扣款")
    conflicts = {
        "one_live_recollect_request_per_charge": (
            "charges",
            gettext_lazy("所选月份刚刚已申请过补托收，不需要重复申请。"),
        )
    }

    def facts(self, ask: Ask, outside: Any) -> RecollectFacts:
        debit = recollecting.next_debit(ask.offer.city, ask.filed_at)
        account = recollecting.account_of(ask.person, ask.offer.city, debit) if debit else None
        return RecollectFacts(
            failed=tuple(failed_months(ask.person, ask.offer, ask.month)),
            debit=debit,
            account=account.number if account else "",
        )

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """Every failed month is being paid or debited again."""
        failed = failed_months(ask.person, ask.offer, ask.month)
        if failed and all(one.busy for one in failed):
            yield Bar("", late_months.none_left((one.label, one.busy) for one in failed))
            return
        facts = self.facts(ask, None)
        if failed and not facts.account:
            yield no_account(ask.offer.city, facts.debit, sum_fen=facts.payable_fen)

    def rule(self, ask: Ask, facts: RecollectFacts) -> Iterator[Finding]:
        if not facts.failed:
            yield Bar("", _("您在本市没有托收失败、可以补托收的月份。"))
            return
        if not facts.account:
            yield no_account(ask.offer.city, facts.debit, sum_fen=facts.payable_fen)
        known = {str(one.charge_id): one for one in facts.failed}
        for chosen in ask.answers["charges"]:
            one = known.get(chosen)
            if one is None:
                yield Bar("charges", _("所选的月份不在可以补托收的月份之内，请重新选择。"))
            elif one.busy:
                yield Bar("charges", _("{month}{busy}，不能再申请。").format(month=one.label, busy=one.busy))

    def effect(
        self, case: Case, ask: Ask, facts: RecollectFacts, *, by: User, now: datetime
    ) -> dict[str, Any]:
        if facts.debit is None:
            raise ValueError(f"{case.number}: no debit to come; the rule was not applied")
        before_or_after_a_batch(ask.offer.city)
        chosen = {int(pk) for pk in ask.answers["charges"]}
        charges = late_months.lock(chosen)
        # A batch or an order may have taken one since the facts were read.
        still = {
            one.charge_id
            for one in failed_months(ask.person, ask.offer, month_in_china(ask.filed_at))
            if not one.busy
        }
        if chosen - still:
            raise NotAccepted([Bar("charges", _("所选的月份刚刚已在扣款或缴费，请重新查看。"))])
        recollecting.ask(charges, kind=RequestKind.RECOLLECT, by=by, now=now, case=case)
        return {
            "charges": [one.pk for one in charges],
            "lines": [list(line) for line in self.summary(ask, facts)],
        }

    def summary(self, ask: Ask, facts: RecollectFacts) -> list[tuple[str, str]]:
        chosen = [one for one in facts.failed if str(one.charge_id) in ask.answers["charges"]]
        lines = [
            (one.label, _("{amount} 元").format(amount=money.format_yuan(one.amount_fen))) for one in chosen
        ]
        lines.append(
            (
                _("合计"),
                _("{amount} 元").format(amount=money.format_yuan(sum(one.amount_fen for one in chosen))),
            )
        )
        debit = recollecting.terms_of(ask.offer.city, facts.debit) if facts.debit else None
        if facts.debit and debit:
            lines.append((_("扣款账户"), f"{debit.bank_title} {identity.mask_account(facts.account)}"))
            lines.append(
                (
                    _("扣款时间"),
                    _("{day}，请在此之前足额存款").format(day=day_zh(debit.debit_on(facts.debit))),
                )
            )
        return lines
