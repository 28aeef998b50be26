"""Paying late months: by an order, at what they cost today, or by the month's debit."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from django.utils.translation import gettext as _

from contributions.arrears import late_months
from contributions.arrears.late_costs import REVIVED, Late, late, later_price, overdue, terms_of
from contributions.charges import surcharges
from contributions.debit import recollecting
from contributions.locks import before_or_after_a_batch
from contributions.models import Charge, ChargeStatus, Order, Repricing, RequestKind, Surcharge
from contributions.orders import payable, placing
from contributions.prices.formula import basis_text
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall.models import Case
from portal.people.models import Person
from portal.policy.book import Offer, book
from portal.shared import identity
from portal.shared.insurance import INSURANCE_LABELS, Insurance
from portal.shared.months import Month, day_zh, today_in_china

# The offer by which late months are paid, and its option for cities that debit them.
SERVICE = "arrears-pay"
BY_DEBIT = "debit"


class Busy(Exception):
    """A month was taken by an order, a batch or another application meanwhile, or is no longer in
    the state that was seen."""


def by_debit(offer: Offer) -> bool:
    """Whether the city has late months collected by its debit; else they are paid by an order."""
    return bool(offer.options.get("paid_by") == BY_DEBIT)


def orderable(person: Person, city: str, *, now: dt.datetime) -> list[Late]:
    """``late``, as orders can pay it today: where the city takes late months by its debit, or not
    online, all are barred."""
    today = today_in_china(now)
    offer = book().city(city).offers.get(SERVICE)
    debit = recollecting.next_debit(city, now) if offer and by_debit(offer) else None
    paid_on = debit_day(city, debit) if debit else today
    listed = late(person, city, paid_on=paid_on, today=today)
    if offer is None:
        why = _("本市不在网上补缴以前的欠费，请到社保经办机构窗口办理")
    elif by_debit(offer):
        why = _("本市的历史欠费由每月托收扣缴，请在社保网上办事大厅申请补缴")
    else:
        return listed
    return [replace(one, why=one.why or why) for one in listed]


def held_charges(
    person: Person,
    city: str,
    charge_ids: Iterable[int],
    statuses: Sequence[ChargeStatus],
    today: dt.date,
) -> list[Charge]:
    """The charges, locked: no batch, order or request has them, and none can take them until the
    transaction ends."""
    wanted = set(charge_ids)
    before_or_after_a_batch(city)
    charges = late_months.lock(wanted)
    months = overdue(late_months.late_months(person, city, statuses=statuses), today)
    if not wanted or wanted - {one.charge_id for one in months if not one.busy}:
        raise Busy
    return charges


def prepare(
    person: Person,
    city: str,
    charge_ids: Iterable[int],
    *,
    paid_on: dt.date,
    now: dt.datetime,
    case: Case | None = None,
) -> tuple[list[Charge], dict[int, Surcharge]]:
    """The owed charges by which these late months can be paid on that day, and their surcharges, by
    charge id.

    A written-off month gets a new charge by the rule then in force, which replaces the old one from
    now on. Must run in a transaction, under the person's lock. Raises Busy; PolicyMissing where
    that rule does not price it.
    """
    statuses = (ChargeStatus.OWED, ChargeStatus.WRITTEN_OFF)
    charges = [
        _revived(one, paid_on=paid_on, now=now, case=case) if one.status == ChargeStatus.WRITTEN_OFF else one
        for one in held_charges(person, city, charge_ids, statuses, today_in_china(now))
    ]
    return charges, on_top_of(charges, paid_on=paid_on, now=now)


def on_top_of(charges: Iterable[Charge], *, paid_on: dt.date, now: dt.datetime) -> dict[int, Surcharge]:
    """Add the surcharges of these charges for that day. Returns charge id → surcharge, where one is
    due."""
    surcharge_of = {one.pk: surcharges.add(one, paid_on=paid_on, now=now) for one in charges}
    return {pk: surcharge for pk, surcharge in surcharge_of.items() if surcharge is not None}


def _revived(old: Charge, *, paid_on: dt.date, now: dt.datetime, case: Case | None) -> Charge:
    if (
        not (terms := terms_of(old.city, paid_on))
        or not terms.written_off_pension
        or old.insurance != REVIVED
    ):
        raise Busy
    Charge.objects.filter(pk=old.pk).update(live=False)
    return late_charge(
        Coverage.objects.get(pk=old.coverage_id),
        old.month,
        old.basis,
        due_on=old.due_on,
        paid_on=paid_on,
        now=now,
        case=case,
        replaces=old,
    )


def late_charge(
    coverage: Coverage,
    month: Month,
    tier: str,
    *,
    due_on: dt.date,
    paid_on: dt.date,
    now: dt.datetime,
    case: Case | None,
    replaces: Charge | None = None,
) -> Charge:
    """A charge of the month by the rule of the day of paying; ``replaces`` a written-off one."""
    price = later_price(coverage.city, tier, paid_on)
    charge = Charge.objects.create(
        city=coverage.city,
        person_id=coverage.person_id,
        coverage=coverage,
        insurance=coverage.insurance,
        capacity=coverage.capacity,
        month=month,
        base=price.base,
        amount_fen=price.amount_fen,
        personal_fen=price.personal_fen,
        employer_fen=price.employer_fen,
        account_fen=price.account_fen,
        policy=price.path,
        policy_since=price.since,
        basis=basis_text(tier=tier, wage_fen=None),
        due_on=due_on,
        created_at=now,
    )
    Repricing.objects.create(charge=charge, replaces=replaces, priced_in=Month.of(paid_on), at=now, case=case)
    return charge


def pay_by_order(
    person: Person,
    city: str,
    charge_ids: Iterable[int],
    *,
    key: UUID,
    by: User,
    now: dt.datetime,
    case: Case | None = None,
) -> Order:
    """Order these late months at today's costs, in one sum with their surcharges; the order ends
    with the day. A second call with the same key changes nothing. Raises orders.CannotOrder, and
    then has done nothing."""
    wanted = sorted(set(charge_ids))
    return _order(person, city, lambda: wanted, content=wanted, key=key, by=by, now=now, case=case)


def order_months(
    person: Person,
    city: str,
    months: Mapping[Insurance, Iterable[Month]],
    *,
    key: UUID,
    by: User,
    now: dt.datetime,
) -> Order:
    """``pay_by_order`` for late months that are named, as a partner does. Raises
    orders.CannotOrder, each refusal with its insurance."""
    wanted = {insurance: sorted(set(some)) for insurance, some in months.items()}
    content = {str(insurance): [str(month) for month in some] for insurance, some in wanted.items()}

    def choose() -> list[int]:
        payable_months = {
            (one.month.insurance, one.month.month): one for one in orderable(person, city, now=now)
        }
        chosen: list[int] = []
        whys: list[payable.Refusal] = []
        for insurance, some in wanted.items():
            for month in some:
                payable_month = payable_months.get((insurance, month))
                why = payable_month.why if payable_month else _("没有可以补缴的欠费")
                if payable_month and not why:
                    chosen.append(payable_month.month.charge_id)
                    continue
                words = {"month": month.zh, "name": _(INSURANCE_LABELS[insurance]), "why": why}
                whys.append(payable.Refusal(_("%(month)s%(name)s：%(why)s。") % words, insurance, "months"))
        if whys:
            raise placing.CannotOrder(whys)
        return chosen

    return _order(person, city, choose, content=content, key=key, by=by, now=now)


def _order(
    person: Person,
    city: str,
    choose: Callable[[], Iterable[int]],
    *,
    content: object,
    key: UUID,
    by: User,
    now: dt.datetime,
    case: Case | None = None,
) -> Order:
    def take() -> tuple[list[Charge], dict[int, Surcharge]]:
        try:
            return prepare(person, city, choose(), paid_on=today_in_china(now), now=now, case=case)
        except Busy as busy:
            why = _("所选的月份刚刚已在缴费、扣款或已变动，请重新查看。")
            raise placing.CannotOrder([payable.Refusal(why)]) from busy

    return placing.place_late(person=person, city=city, take=take, content=content, key=key, by=by, now=now)


def pay_by_debit(
    person: Person,
    city: str,
    charge_ids: Iterable[int],
    *,
    month: Month,
    by: User,
    now: dt.datetime,
    case: Case | None = None,
) -> list[Charge]:
    """Ask the month's debit to collect these late months at their costs on its day. Raises Busy."""
    charges, on_top = prepare(person, city, charge_ids, paid_on=debit_day(city, month), now=now, case=case)
    recollecting.ask(charges, kind=RequestKind.ARREARS, month=month, by=by, now=now, case=case, on_top=on_top)
    return charges


def debit_day(city: str, month: Month) -> dt.date:
    """The day of the month's debit. Raises ValueError where the city has none."""
    terms = recollecting.terms_of(city, month)
    if terms is None:
        raise ValueError(f"{city} does not debit in {month}")
    return terms.debit_on(month)


def how_paid(city: str, debit: Month | None, account: str, *, on: dt.date) -> list[tuple[str, str]]:
    """The account and the day of the debit for late months filed ``on`` a day; empty where they are
    paid by an order."""
    terms = recollecting.terms_of(city, debit) if debit else None
    if debit is None or terms is None:
        return []
    by = terms.deposit_by(debit)
    when = _("{on}扣款，请于{by}前足额存入该账户") if on <= by else _("{on}扣款，请尽快足额存入该账户")
    return [
        (_("扣款账户"), f"{terms.bank_title} {identity.mask_account(account)}"),
        (_("扣款时间"), when.format(on=day_zh(terms.debit_on(debit)), by=day_zh(by))),
    ]
