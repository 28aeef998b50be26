"""How a person's month is paid: until when, how and where; what happens by itself, and what is to
be done."""

import datetime as dt
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from contributions.charges import suspending
from contributions.debit import recollecting
from portal.people.models import BankAccount, Person
from portal.policy.book import book
from portal.policy.terms.debit import DebitTerms
from portal.policy.terms.offers import pay_months
from portal.shared.insurance import Capacity
from portal.shared.months import Month, day_zh, today_in_china

# By which months are paid before the debit: flexible workers', and children's.
PAY, PAY_CHILD = "flexible-pay", "child-medical-pay"
ACCOUNT = "bank-account"
# By which a month whose debit failed is collected again, or a late month is paid.
LATE = ("recollect", "arrears-pay")


@dataclass(frozen=True, slots=True)
class Way:
    """Until when a month is to be paid, how, and where that is done (``label`` says what the
    address does)."""

    by: dt.date
    text: str
    url: str
    label: str


class Ways:
    """The ways of one person's months, on one day: their accounts and suspensions are read once,
    and only where they matter."""

    def __init__(self, person: Person, now: dt.datetime, *, suspended: set[int] | None = None) -> None:
        self.person, self.now, self.today = person, now, today_in_china(now)
        self._accounts: list[BankAccount] | None = None
        self._suspended = suspended
        self._following: dict[str, Month | None] = {}
        # In which capacity the month is owed whose way is asked for.
        self.capacity = Capacity.FLEXIBLE

    def way(
        self,
        city: str,
        month: Month,
        *,
        capacity: Capacity = Capacity.FLEXIBLE,
        failed: bool = False,
        coverage: int | None = None,
    ) -> Way:
        """How a month of the city that the person owes in that capacity is paid. ``failed``: its
        last debit failed. Where the insurance year is paid at once, ``month`` is the first of the
        months."""
        if capacity == Capacity.STUDENT:
            return Way(month.last_day, _("由学校统一收缴，请向学校缴费。"), reverse("record"), "")
        if capacity == Capacity.CHILD:
            month = max(month, Month.of(self.today))
        terms = recollecting.terms_of(city, month)
        self.capacity = capacity
        if terms is None or capacity not in terms.capacities:
            return self._by_oneself(city, month)
        if capacity == Capacity.CHILD and (failed or self.today > terms.debit_on(month)):
            return self._by_oneself(city, month)
        if failed or self.today > terms.debit_on(month):
            return self._after_the_debit(city, month, terms, failed, coverage)
        account = self._account(city, terms, month)
        if account is None:
            return self._without_account(city, month, terms)
        return self._by_debit(city, month, terms, account)

    def _by_oneself(self, city: str, month: Month) -> Way:
        by = month.last_day
        if self.today > by:
            return self._late(city, month, by, _("已过缴费期限"))
        return self._payable(city, month, by) or self._at_the_window(city, by)

    def _payable(self, city: str, month: Month, by: dt.date) -> Way | None:
        offers = book().city(city).offers
        offer = offers.get(PAY_CHILD if self.capacity == Capacity.CHILD else PAY)
        if offer is None or self.capacity not in (Capacity.FLEXIBLE, Capacity.CHILD):
            return None
        if offer.code == PAY and month not in pay_months(offer, filed_in=Month.of(self.today)):
            return None
        text = _("请在{day}前缴费。").format(day=day_zh(by))
        return Way(by, text, reverse("apply", args=[city, offer.code]), pay_label())

    def _at_the_window(self, city: str, by: dt.date, why: str = "") -> Way:
        place = book().city(city)
        words = {"agency": place.agency, "hotline": place.hotline, "day": day_zh(by), "why": why}
        text = (
            _("{why}，请到{agency}窗口缴费，咨询电话 {hotline}。")
            if why
            else _("请在{day}前到{agency}窗口缴费，咨询电话 {hotline}。")
        )
        return Way(by, text.format(**words), reverse("record"), "")

    def _by_debit(self, city: str, month: Month, terms: DebitTerms, account: BankAccount) -> Way:
        by, on = terms.deposit_by(month), terms.debit_on(month)
        words = {"by": day_zh(by), "on": day_zh(on), "account": named(terms, account)}
        also = self._payable(city, month, on)
        if self.today > by:
            text = _("{by}的存款期限已过，请尽快在{account}足额存款，{on}扣款。").format(**words)
        else:
            text = _("请于{by}前在{account}足额存款，{on}自动扣款。").format(**words)
        if also:
            text += _("也可以现在自行缴费，缴了的不再扣款。")
            return Way(on if self.today > by else by, text, also.url, also.label)
        return Way(on if self.today > by else by, text, *self._where_the_account_is(city))

    def _without_account(self, city: str, month: Month, terms: DebitTerms) -> Way:
        on = terms.debit_on(month)
        if way := self._payable(city, month, on):
            return way
        if ACCOUNT in book().city(city).offers:
            text = _("您还没有登记缴费账户：请在{on}扣款前登记{bank}账户并足额存款。")
            words = {"on": day_zh(on), "bank": terms.bank_title}
            return Way(on, text.format(**words), *self._where_the_account_is(city))
        return self._at_the_window(city, on)

    def _after_the_debit(
        self, city: str, month: Month, terms: DebitTerms, failed: bool, coverage: int | None
    ) -> Way:
        by = terms.deposit_by(month)
        if city not in self._following:
            self._following[city] = recollecting.next_debit(city, self.now)
        following = self._following[city]
        if (
            failed
            and following
            and month >= following - terms.retry_months
            and not self._is_suspended(coverage)
        ):
            account = self._account(city, terms, following)
            if account is not None:
                words = {
                    "by": day_zh(terms.deposit_by(following)),
                    "on": day_zh(terms.debit_on(following)),
                    "account": named(terms, account),
                }
                text = (
                    _("{on}自动再次扣款，不用另行办理：请于{by}前在{account}足额存款。")
                    if self.today <= terms.deposit_by(following)
                    else _("{on}自动再次扣款，不用另行办理：请尽快在{account}足额存款。")
                )
                text = text.format(**words)
                url, label = self._where_the_account_is(city)
                if label:
                    text += _("账户有变动的，请先变更缴费账户。")
                return Way(by, text, url, label)
        return self._late(city, month, by, "")

    def _late(self, city: str, month: Month, by: dt.date, why: str) -> Way:
        """A late month, by the city's service for it; else with the agency."""
        code = late_service(city)
        if code:
            title = book().city(city).offers[code].title
            how = _("{why}，请办理“{service}”。") if why else _("请办理“{service}”。")
            return Way(by, how.format(why=why, service=title), reverse("service", args=[city, code]), title)
        return self._at_the_window(city, by, why or _("已过扣款日"))

    def _where_the_account_is(self, city: str) -> tuple[str, str]:
        if ACCOUNT in book().city(city).offers:
            return reverse("service", args=[city, ACCOUNT]), _("查看或变更缴费账户")
        return reverse("record"), ""

    def _account(self, city: str, terms: DebitTerms, month: Month) -> BankAccount | None:
        if self._accounts is None:
            self._accounts = list(BankAccount.objects.filter(person=self.person).order_by("-start", "-pk"))
        return next(
            (
                one
                for one in self._accounts
                if (one.city, one.bank) == (city, terms.bank) and one.runs_in(month)
            ),
            None,
        )

    def _is_suspended(self, coverage: int | None) -> bool:
        if self._suspended is None:
            self._suspended = {one.coverage_id for one in suspending.standing(self.person)}
        return bool(self._suspended) if coverage is None else coverage in self._suspended


def pay_label() -> str:
    """What an address says by which a month can be paid at once."""
    return _("去缴费")


def late_service(city: str) -> str:
    """The city's service by which a failed month is collected again or paid late; "" where it has
    none."""
    offers = book().city(city).offers
    return next((code for code in LATE if code in offers), "")


def named(terms: DebitTerms, account: BankAccount) -> str:
    """An account in a sentence: the bank's name and the last four digits."""
    return _("{bank}账户（尾号 {tail}）").format(bank=terms.bank_title, tail=account.number[-4:])
