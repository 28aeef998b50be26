"""单位委托银行扣缴（武汉）: an employer lets its confirmed months be debited, changes the account,
or ends it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contributions.debit import of_employers
from contributions.models import DebitAgreement
from portal.accounts.models import User
from portal.hall.fields import CorporateAccountField
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Service, ServiceForm, Theme
from portal.shared import identity
from portal.shared.months import today_in_china

SIGN, END = "sign", "end"


class AgreementForm(ServiceForm):
    wish = forms.ChoiceField(
        label=gettext_lazy("办理内容"),
        choices=[(SIGN, gettext_lazy("签约或变更扣款账户")), (END, gettext_lazy("终止委托扣款"))],
        widget=forms.RadioSelect,
        initial=SIGN,
    )

    def build(self) -> None:
        terms = of_employers.terms_of(self.offer.city, today_in_china(self.now))
        banks = [(terms.bank, terms.bank_title)] if terms else []
        self.fields["bank"] = forms.ChoiceField(
            label=_("开户银行"), choices=banks, widget=forms.RadioSelect, initial=banks[0][0] if banks else ""
        )
        self.fields["account_number"] = CorporateAccountField(
            label=_("单位账号"),
            help_text=_("户名必须是本单位全称。终止委托扣款的不用填写。"),
            error_messages={"required": _("请填写单位账号。")},
        )

    def clean(self) -> dict[str, Any]:
        told: dict[str, Any] = super().clean() or self.cleaned_data
        if told.get("wish") == END:
            # Whatever stands there ends with it.
            self.errors.pop("account_number", None)
            told["account_number"] = ""
        return told


@dataclass(frozen=True)
class AgreementFacts:
    """Plain values: whose account it would be, and what is agreed now."""

    name: str
    current: tuple[str, str] | None
    days: tuple[int, ...]

    def frozen(self) -> dict[str, Any]:
        return {"current": identity.mask_account(self.current[1]) if self.current else None}


class EmployerDebitAgreement(Service):
    code = "employer-debit"
    title = gettext_lazy("单位委托银行扣缴")
    audience = Audience.EMPLOYER
    theme = Theme.PAYMENT
    form = AgreementForm
    needs = ("employer_debit",)
    also_known_as = ("单位托收签约", "委托扣款协议", "单位扣款账户变更", "单位银行代扣")
    conflicts = {
        "one_debit_agreement_per_employer_and_city": (
            "account_number",
            gettext_lazy("本单位的扣款账户刚刚已在别处变更，请核对后再提交。"),
        )
    }

    def facts(self, ask: Ask, outside: Any) -> AgreementFacts:
        current = of_employers.agreement_of(ask.employer, ask.offer.city)
        terms = of_employers.terms_of(ask.offer.city, ask.month.first_day)
        return AgreementFacts(
            name=ask.employer.name,
            current=(current.bank, current.account_number) if current else None,
            days=terms.debit_days if terms else (),
        )

    def rule(self, ask: Ask, facts: AgreementFacts) -> Iterator[Finding]:
        asked = (str(ask.answers["bank"]), str(ask.answers["account_number"]))
        if ask.answers["wish"] == END and facts.current is None:
            yield Bar("wish", _("本单位没有委托扣款，不需要终止。"))
        elif ask.answers["wish"] == SIGN and asked == facts.current:
            yield Bar("account_number", _("这个账户已经是本单位的扣款账户，不需要变更。"))

    def effect(
        self, case: Case, ask: Ask, facts: AgreementFacts, *, by: User, now: datetime
    ) -> dict[str, Any]:
        current = of_employers.agreement_of(ask.employer, ask.offer.city)
        if current is not None:
            current.ended_at, current.ended_by = now, case
            current.save(update_fields=["ended_at", "ended_by"])
        if ask.answers["wish"] == SIGN:
            DebitAgreement.objects.create(
                employer=ask.employer,
                city=ask.offer.city,
                bank=str(ask.answers["bank"]),
                account_number=str(ask.answers["account_number"]),
                holder=ask.employer.name[:60],
                case=case,
                agreed_at=now,
            )
        return {"lines": [list(line) for line in self.summary(ask, facts)]}

    def summary(self, ask: Ask, facts: AgreementFacts) -> list[tuple[str, str]]:
        before = identity.mask_account(facts.current[1]) if facts.current else _("无")
        if ask.answers["wish"] == END:
            return [
                (_("办理内容"), _("终止委托扣款")),
                (_("原扣款账户"), before),
                (_("终止以后"), _("每月按核定单汇款或网上缴款；已送银行的批次不受影响。")),
            ]
        terms = of_employers.terms_of(ask.offer.city, ask.month.first_day)
        title = terms.bank_title if terms else str(ask.answers["bank"])
        return [
            (_("办理内容"), _("签约或变更扣款账户")),
            (_("户名"), facts.name),
            (_("原扣款账户"), before),
            (_("开户银行"), title),
            (_("新扣款账户"), identity.mask_account(str(ask.answers["account_number"]))),
            (
                _("扣款日"),
                _("每月 {days} 日，只扣已经确认的核定单").format(
                    days=_(" 日、").join(str(day) for day in facts.days)
                ),
            ),
        ]
