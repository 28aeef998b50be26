"""缴费银行信息维护: the account that the monthly debit draws on, compared with the banks'
register."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment import actions
from portal.accounts.models import User
from portal.hall.fields import AccountNumberField
from portal.hall.models import Case
from portal.hall.service import Ask, Audience, Bar, Finding, Mismatch, Service, ServiceForm, Theme
from portal.people.models import BankAccount, Person
from portal.policy.book import Offer, PolicyMissing, book
from portal.policy.terms import offers, people
from portal.policy.terms.debit import DebitTerms, debit_terms
from portal.registers.bank import Account, SecurityCard, bank_register
from portal.shared import identity, names
from portal.shared.insurance import Capacity
from portal.shared.months import Month, month_in_china, today_in_china


def debit_of(city: str, month: Month) -> DebitTerms | None:
    """The city's monthly debit of flexible workers."""
    try:
        debit = debit_terms(book(), city=city, on=month.first_day)
    except PolicyMissing:
        return None
    return debit if Capacity.FLEXIBLE in debit.capacities else None


def banks_of(offer: Offer, month: Month) -> list[tuple[str, str]]:
    """The banks through which the city debits in the month: (code, title)."""
    debit = debit_of(offer.city, month)
    return [(debit.bank, debit.bank_title)] if debit else []


def current_account(person: Person | None, city: str) -> BankAccount | None:
    """The person's latest account in the city: the debit draws on it now or will do so."""
    return BankAccount.objects.filter(person=person, city=city, until__isnull=True).first()


def drawn_from(offer: Offer, now: datetime, *, has_one: bool) -> Month:
    """The month of the first debit from an account that is named now: the offer's month where it
    replaces another account (``has_one``), else the month of the next debit."""
    month = month_in_china(now)
    if has_one:
        return offers.counts_from(offer, filed_in=month)
    debit = debit_of(offer.city, month)
    return month if debit and today_in_china(now) < debit.debit_on(month) else month + 1


class AccountForm(ServiceForm):
    def build(self) -> None:
        current = current_account(self.applicant.person, self.offer.city)
        start = drawn_from(self.offer, self.now, has_one=current is not None)
        banks = banks_of(self.offer, start)
        titles = dict(banks)
        registered = (
            _("现缴费账户：{bank} {number}。").format(
                bank=titles.get(current.bank, current.bank), number=identity.mask_account(current.number)
            )
            if current
            else _("您目前没有登记缴费账户。")
        )
        self.fields["bank"] = forms.ChoiceField(
            label=_("开户银行"),
            choices=banks,
            widget=forms.RadioSelect,
            initial=banks[0][0] if banks else "",
        )
        self.fields["account_number"] = AccountNumberField(
            numbers=people.account_numbers(book(), on=today_in_china(self.now)),
            label=_("银行账号"),
            help_text=registered
            + _("户名必须是您本人。从{month}起，每月托收从这个账户扣款。").format(month=start.zh),
        )


@dataclass(frozen=True)
class Registered:
    """The banks' records of the named account and of the person's social-security card."""

    account: Account | None
    card: SecurityCard | None


@dataclass(frozen=True)
class AccountFacts:
    """Plain values: the applicant, the account that is debited now (bank, number) and its holder's
    name, and the banks' records."""

    name: str
    identity_number: str
    current: tuple[str, str] | None
    holder: str
    start: Month
    registered: Registered
    card_only: bool

    def frozen(self) -> dict[str, Any]:
        card, account = self.registered.card, self.registered.account
        return {
            "current": identity.mask_account(self.current[1]) if self.current else None,
            "start": str(self.start),
            "card_activated": bool(card and card.activated),
            "account_found": account is not None,
        }


class BankAccountUpkeep(Service):
    code = "bank-account"
    title = gettext_lazy("缴费银行信息维护")
    audience = Audience.PERSON
    theme = Theme.DETAILS
    form = AccountForm
    needs = ("debit",)
    also_known_as = ("缴费账户变更", "托收账户", "扣款银行卡", "换银行卡")
    conflicts = {
        "one_current_account_per_person_and_city": (
            "account_number",
            gettext_lazy("缴费账户刚刚已在别处变更，请核对后再提交。"),
        )
    }

    def beforehand(self, ask: Ask) -> Iterator[Bar]:
        """The activated social-security card is already the account, and must be it."""
        card = bank_register().card(ask.person.identity_number)
        facts = self.facts(ask, None)
        if facts.card_only and card and card.activated and facts.current == (card.bank, card.number):
            yield Bar("", _fixed(card))

    def outside(self, ask: Ask) -> Registered:
        register = bank_register()
        return Registered(
            account=register.account(str(ask.answers["bank"]), str(ask.answers["account_number"])),
            card=register.card(ask.person.identity_number),
        )

    def facts(self, ask: Ask, outside: Any) -> AccountFacts:
        current = current_account(ask.person, ask.offer.city)
        return AccountFacts(
            name=ask.person.name,
            identity_number=ask.person.identity_number,
            current=(current.bank, current.number) if current else None,
            holder=current.holder if current else "",
            start=drawn_from(ask.offer, ask.filed_at, has_one=current is not None),
            registered=outside or Registered(account=None, card=None),
            card_only=bool(ask.offer.options.get("card_is_the_account")),
        )

    def rule(self, ask: Ask, facts: AccountFacts) -> Iterator[Finding]:
        named = (str(ask.answers["bank"]), str(ask.answers["account_number"]))
        card, account = facts.registered.card, facts.registered.account
        # A person who has changed their name may file the same account again, so that the debit
        # uses the name that the bank has.
        if named == facts.current and names.agree(facts.holder, facts.name):
            yield Bar("account_number", _("这个账户已经是您的缴费账户，不需要变更。"))
        elif facts.card_only and card and card.activated and named != (card.bank, card.number):
            yield Bar("account_number", _fixed(card))
        elif account is None:
            yield Mismatch("account_number", _("银行登记中没有查到这个账号。"))
        elif account.identity_number != facts.identity_number:
            yield Mismatch("account_number", _("银行登记的开户人不是您本人。"))
        elif not names.agree(account.holder, facts.name):
            yield Mismatch("account_number", _("银行登记的户名与您的参保登记不一致。"))

    def established(self, ask: Ask, facts: AccountFacts) -> set[str]:
        mismatch = any(isinstance(finding, Mismatch) for finding in self.rule(ask, facts))
        return {"account-mismatch"} if mismatch else set()

    def effect(self, case: Case, ask: Ask, facts: AccountFacts, *, by: User, now: datetime) -> dict[str, Any]:
        actions.draw_on(
            person=ask.person,
            city=ask.offer.city,
            bank=str(ask.answers["bank"]),
            number=str(ask.answers["account_number"]),
            start=facts.start,
        )
        return {"lines": [list(line) for line in self.summary(ask, facts)]}

    def summary(self, ask: Ask, facts: AccountFacts) -> list[tuple[str, str]]:
        banks = dict(banks_of(ask.offer, facts.start))
        bank = str(ask.answers["bank"])
        return [
            (_("户名"), facts.name),
            (_("原缴费账户"), identity.mask_account(facts.current[1]) if facts.current else _("无")),
            (_("开户银行"), banks.get(bank, bank)),
            (_("新缴费账户"), identity.mask_account(str(ask.answers["account_number"]))),
            (_("起用月份"), _("从{month}起扣款").format(month=facts.start.zh)),
        ]


def _fixed(card: SecurityCard) -> str:
    """Why no other account can be debited than the activated card."""
    return _(
        "您的金融社保卡（尾号 {tail}）已激活，缴费账户默认为该卡，不能改为其他账户。"
        "请把应缴金额存入该卡；卡片停用或换卡请到发卡银行办理。"
    ).format(tail=card.number[-4:])
