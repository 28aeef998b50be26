"""The account that the debit draws on for a child: the child's activated social-security card where
there is one, else an account of the child's or of a guardian's."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from enrollment import actions
from enrollment.enrolling import debit_of
from portal.hall.fields import AccountNumberField
from portal.hall.service import Bar, Finding, Mismatch
from portal.people.models import BankAccount, Person
from portal.policy.book import City, book
from portal.policy.terms import people
from portal.policy.terms.debit import DebitTerms
from portal.registers.bank import Account, bank_register
from portal.shared import identity
from portal.shared.insurance import Capacity
from portal.shared.months import Month, month_in_china, today_in_china


@dataclass(frozen=True)
class ChildAccount:
    """What the banks say: the child's activated card at the city's debiting bank (its number, ""
    for none), and the account that was named (None: not named, or not known to the bank)."""

    card: str
    named: str
    account: Account | None

    @property
    def number(self) -> str:
        """The account to draw on; "" for none."""
        return self.card or self.named


def look_up(city: City, child_number: str, named: str, *, month: Month) -> ChildAccount:
    """Asks the banks. Slow: asked before any transaction opens."""
    debit, register = debit_of(city, Capacity.CHILD, month), bank_register()
    if debit is None:
        return ChildAccount("", "", None)
    card = register.card(child_number)
    fits = card is not None and card.activated and card.bank == debit.bank
    return ChildAccount(
        card=card.number if card and fits else "",
        named=named,
        account=register.account(debit.bank, named) if named else None,
    )


def findings(found: ChildAccount, holders: Collection[str]) -> Iterator[Finding]:
    """What is wrong with the account that was named; ``holders`` are the numbers of those whose it
    may be."""
    if not found.named or found.named == found.card:
        return
    if found.card:
        why = _(
            "孩子的金融社保卡（尾号 {tail}）已激活，缴费账户默认为该卡，不能改为其他账户。请把应缴金额存入该卡。"
        )
        yield Bar("account_number", why.format(tail=found.card[-4:]))
    elif found.account is None:
        yield Mismatch("account_number", _("银行登记中没有查到这个账号。"))
    elif found.account.identity_number not in holders:
        yield Mismatch("account_number", _("银行登记的开户人不是监护人，也不是孩子本人。"))


def field(city: City, month: Month, *, now: datetime) -> AccountNumberField | None:
    """Asks for an account at the debiting bank; None where the city debits no children."""
    debit = debit_of(city, Capacity.CHILD, month)
    if debit is None:
        return None
    return AccountNumberField(
        numbers=people.account_numbers(book(), on=today_in_china(now)),
        label=_("{bank}缴费账号").format(bank=debit.bank_title),
        required=False,
        help_text=_(
            "监护人或孩子本人的账户，每年9月从这个账户扣款；不填的，须每年自行缴费。孩子的金融社保卡已激活的，默认为该卡，不用填写。"
        ),
    )


def draw_on(
    child: Person, city: City, found: ChildAccount, *, holder: str, now: datetime
) -> BankAccount | None:
    """Makes it the account of the child's debit from the next one on; None where there is none, or
    it is already. ``holder`` is who holds it where the bank does not say."""
    debit = debit_of(city, Capacity.CHILD, month_in_china(now))
    if debit is None or not found.number:
        return None
    current = BankAccount.objects.filter(person=child, city=city.slug, until__isnull=True).first()
    if current and current.number == found.number:
        return None
    return actions.draw_on(
        person=child,
        city=city.slug,
        bank=debit.bank,
        number=found.number,
        holder=child.name if found.card else found.account.holder if found.account else holder,
        start=_next_debit(debit, now),
    )


def _next_debit(debit: DebitTerms, now: datetime) -> Month:
    month = month_in_china(now)
    return month if today_in_china(now) < debit.debit_on(month) else month + 1


def described(found: ChildAccount) -> str:
    """For the last look: which account is drawn on."""
    if not found.number:
        return _("不登记，自行缴费")
    tail = identity.mask_account(found.number)
    return _("孩子的金融社保卡 {number}").format(number=tail) if found.card else tail
