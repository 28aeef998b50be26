"""Late months of flexible workers: what they cost when they are paid, paying them, writing them off, paying a gap back.

A month keeps the day on which it was due, whenever and by whatever rule it is priced: what is paid on top is reckoned from it.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.utils.translation import gettext as _

from contributions.arrears import late_months
from contributions.arrears.late_months import LateMonth
from contributions.charges import brought_in, charging, surcharges
from contributions.debit import recollecting
from contributions.locks import before_or_after_a_batch
from contributions.models import (
    Cancellation,
    CancellationKind,
    Charge,
    ChargeStatus,
    Order,
    Repricing,
    RequestKind,
    Surcharge,
    SurchargeKind,
)
from contributions.orders import payable, placing
from contributions.prices.formula import Derivation, Reckoned, basis_text, derivation, explain, quote
from enrollment import actions
from enrollment.models import Coverage
from portal.accounts.models import User
from portal.hall.models import Case
from portal.people.models import Person
from portal.policy.book import Offer, PolicyMissing, book
from portal.policy.terms.arrears import ArrearsTerms, arrears_terms
from portal.shared import identity, money
from portal.shared.insurance import INSURANCE_LABELS, Capacity, Insurance
from portal.shared.months import Month, day_zh, month_span, today_in_china

REVIVED = (
    Insurance.PENSION
)  # the only insurance of which a month that was given up, or never paid, can be had

# The offer by which late months are paid, and how a city takes them that has them debited.
SERVICE = "arrears-pay"
BY_DEBIT = "debit"


class Busy(Exception):
    """A month was taken by an order, a batch or another application meanwhile, or is no longer in the state that was seen."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a late month costs when it is paid on ``paid_on``: itself and what comes on top, in fen, each with its reasons."""

    month: Month
    insurance: Insurance
    paid_on: dt.date
    principal_fen: int
    on_top_fen: int
    principal_why: Derivation | None
    on_top_why: Derivation | None
    on_top_kind: SurchargeKind | None

    @property
    def total_fen(self) -> int:
        return self.principal_fen + self.on_top_fen

    @property
    def label(self) -> str:
        return _("{month} {insurance}").format(
            month=self.month.zh, insurance=INSURANCE_LABELS[self.insurance]
        )


@dataclass(frozen=True, slots=True)
class Late:
    """A late month, what it costs on the day of paying (None where no rule says), and why it cannot be paid ("": it can)."""

    month: LateMonth
    cost: Cost | None
    why: str


def terms_of(city: str, on: dt.date) -> ArrearsTerms | None:
    """What the city takes late from flexible workers; None where nothing."""
    try:
        return arrears_terms(book(), city=city, on=on)
    except PolicyMissing:
        return None


def overdue(months: Iterable[LateMonth], today: dt.date) -> list[LateMonth]:
    """Those that were due before today."""
    return [one for one in months if one.due_on < today]


def revivable(one: LateMonth, terms: ArrearsTerms | None) -> bool:
    """Whether a written-off month can be paid after all."""
    return bool(terms and terms.written_off_pension and one.insurance == REVIVED)


# Which can be paid


def late(person: Person, city: str, *, paid_on: dt.date, today: dt.date) -> list[Late]:
    """The person's months of the city that were due before today and are owed or written off, priced for the day of paying. The
    number of queries does not grow with them."""
    terms = terms_of(city, today)
    statuses = (ChargeStatus.OWED, ChargeStatus.WRITTEN_OFF)
    months = overdue(late_months.late_months(person, city, statuses=statuses), today)
    return [_late(one, city, terms, paid_on) for one in months]


def _late(one: LateMonth, city: str, terms: ArrearsTerms | None, paid_on: dt.date) -> Late:
    why = _barrier(one, terms)
    if one.status == ChargeStatus.WRITTEN_OFF and not revivable(one, terms):
        return Late(one, None, why)
    try:
        return Late(one, cost(one, city=city, paid_on=paid_on), why)
    except PolicyMissing:
        return Late(one, None, why or _("原缴费档次已不在现行标准中，请到社保经办机构窗口办理"))


def _barrier(one: LateMonth, terms: ArrearsTerms | None) -> str:
    if one.busy:
        return one.busy
    if one.status == ChargeStatus.WRITTEN_OFF and one.insurance != REVIVED:
        return _("医疗保险欠费注销后不能再补缴")
    if one.status == ChargeStatus.WRITTEN_OFF and not revivable(one, terms):
        return _("欠费注销后本市不办理补缴")
    return ""


def by_debit(offer: Offer) -> bool:
    """Whether the city has late months collected by its debit; else they are paid by an order."""
    return bool(offer.options.get("paid_by") == BY_DEBIT)


def orderable(person: Person, city: str, *, now: dt.datetime) -> list[Late]:
    """``late``, as orders can pay it today: where the city takes late months by its debit, or not online, all are barred."""
    today = today_in_china(now)
    offer = book().city(city).offers.get(SERVICE)
    debit = recollecting.next_debit(city, now) if offer and by_debit(offer) else None
    paid_on = debit_day(city, debit) if debit else today
    found = late(person, city, paid_on=paid_on, today=today)
    if offer is None:
        why = _("本市不在网上补缴以前的欠费，请到社保经办机构窗口办理")
    elif by_debit(offer):
        why = _("本市的历史欠费由每月托收扣缴，请在社保网上办事大厅申请补缴")
    else:
        return found
    return [replace(one, why=one.why or why) for one in found]


# What it costs


def cost(one: LateMonth, *, city: str, paid_on: dt.date, as_written_off: bool = False) -> Cost:
    """What the month costs on that day; by the rule then in force where it is written off, or (``as_written_off``) were it so.

    PolicyMissing where that rule has no such tier.
    """
    if as_written_off or one.status == ChargeStatus.WRITTEN_OFF:
        price = later_price(city, one.basis, paid_on)
        return _cost(city, one.insurance, one.month, one.due_on, paid_on, price.amount_fen, price)
    return _cost(city, one.insurance, one.month, one.due_on, paid_on, one.amount_fen, None, one.charge)


def gap_cost(*, city: str, month: Month, tier: str, paid_on: dt.date) -> Cost:
    """What a month without coverage costs on that day, at a tier then in force. Raises PolicyMissing."""
    price = later_price(city, tier, paid_on)
    due = charging.due_on(city, Capacity.FLEXIBLE, month)
    return _cost(city, REVIVED, month, due, paid_on, price.amount_fen, price)


def later_price(city: str, tier: str, paid_on: dt.date) -> Reckoned:
    """A month of pension at the tier, by the rule in force on the day of paying. Raises PolicyMissing."""
    return quote(city=city, capacity=Capacity.FLEXIBLE, insurance=REVIVED, month=Month.of(paid_on), tier=tier)


def _cost(
    city: str,
    insurance: Insurance,
    month: Month,
    due_on: dt.date,
    paid_on: dt.date,
    principal_fen: int,
    price: Reckoned | None,
    charge: Charge | None = None,
) -> Cost:
    on_top = surcharges.price(
        city=city,
        capacity=Capacity.FLEXIBLE,
        principal_fen=principal_fen,
        since=due_on,
        paid_on=paid_on,
    )
    why = derivation(price, on=paid_on) if price else None
    if charge is not None:
        try:
            why = explain(charge, on=paid_on)
        except PolicyMissing:
            why = None
    return Cost(
        month=month,
        insurance=insurance,
        paid_on=paid_on,
        principal_fen=principal_fen,
        on_top_fen=on_top[1].amount_fen if on_top else 0,
        principal_why=why,
        on_top_why=on_top[1].derivation(on=paid_on) if on_top else None,
        on_top_kind=on_top[0] if on_top else None,
    )


# Writing off


def write_off(
    person: Person,
    city: str,
    charge_ids: Iterable[int],
    *,
    by: User,
    now: dt.datetime,
    case: Case | None = None,
) -> list[Charge]:
    """Give up these owed months for good; returns them. Must run in a transaction, under the person's lock.

    Raises Busy where one is no longer owed, or in an order, at the bank or asked for.
    """
    charges = _held(person, city, charge_ids, (ChargeStatus.OWED,), today_in_china(now))
    ids = [one.pk for one in charges]
    moved = Charge.objects.filter(pk__in=ids, status=ChargeStatus.OWED).update(
        status=ChargeStatus.WRITTEN_OFF
    )
    if moved != len(ids):
        raise Busy
    why = _("本人申请注销（办件 {number}）").format(number=case.number) if case else _("本人申请注销")
    Cancellation.objects.bulk_create(
        Cancellation(charge=charge, kind=CancellationKind.WRITTEN_OFF, at=now, by=by, why=why)
        for charge in charges
    )
    return charges


def _held(
    person: Person,
    city: str,
    charge_ids: Iterable[int],
    statuses: Sequence[ChargeStatus],
    today: dt.date,
) -> list[Charge]:
    """The charges, locked: no batch, order or request has them, and none can take them until the transaction ends."""
    wanted = set(charge_ids)
    before_or_after_a_batch(city)
    charges = late_months.lock(wanted)
    months = overdue(late_months.late_months(person, city, statuses=statuses), today)
    if not wanted or wanted - {one.charge_id for one in months if not one.busy}:
        raise Busy
    return charges


# Paying


def prepare(
    person: Person,
    city: str,
    charge_ids: Iterable[int],
    *,
    paid_on: dt.date,
    now: dt.datetime,
    case: Case | None = None,
) -> tuple[list[Charge], dict[int, Surcharge]]:
    """The owed charges by which these late months can be paid on that day, and what is paid on top, by charge.

    A written-off month gets a new charge by the rule then in force, which stands for it from now on. Must run in a transaction,
    under the person's lock. Raises Busy; PolicyMissing where that rule does not price it.
    """
    statuses = (ChargeStatus.OWED, ChargeStatus.WRITTEN_OFF)
    charges = [
        _revived(one, paid_on=paid_on, now=now, case=case) if one.status == ChargeStatus.WRITTEN_OFF else one
        for one in _held(person, city, charge_ids, statuses, today_in_china(now))
    ]
    return charges, _on_top(charges, paid_on=paid_on, now=now)


def _on_top(charges: Iterable[Charge], *, paid_on: dt.date, now: dt.datetime) -> dict[int, Surcharge]:
    laid = {one.pk: surcharges.add(one, paid_on=paid_on, now=now) for one in charges}
    return {pk: surcharge for pk, surcharge in laid.items() if surcharge is not None}


def _revived(old: Charge, *, paid_on: dt.date, now: dt.datetime, case: Case | None) -> Charge:
    if (
        not (terms := terms_of(old.city, paid_on))
        or not terms.written_off_pension
        or old.insurance != REVIVED
    ):
        raise Busy
    Charge.objects.filter(pk=old.pk).update(live=False)
    return _late_charge(
        Coverage.objects.get(pk=old.coverage_id),
        old.month,
        old.basis,
        due_on=old.due_on,
        paid_on=paid_on,
        now=now,
        case=case,
        replaces=old,
    )


def _late_charge(
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
    """Order these late months at what they cost today, in one sum with what comes on top; the order ends with the day. Twice by
    one key is once. Raises orders.CannotOrder, and then has done nothing."""
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
    """``pay_by_order`` for late months that are named, as a partner does. Raises orders.CannotOrder, each refusal with its
    insurance."""
    wanted = {insurance: sorted(set(some)) for insurance, some in months.items()}
    content = {str(insurance): [str(month) for month in some] for insurance, some in wanted.items()}

    def choose() -> list[int]:
        known = {(one.month.insurance, one.month.month): one for one in orderable(person, city, now=now)}
        chosen: list[int] = []
        whys: list[payable.Refusal] = []
        for insurance, some in wanted.items():
            for month in some:
                one = known.get((insurance, month))
                why = one.why if one else _("没有可以补缴的欠费")
                if one and not why:
                    chosen.append(one.month.charge_id)
                    continue
                said = {"month": month.zh, "name": _(INSURANCE_LABELS[insurance]), "why": why}
                whys.append(payable.Refusal(_("%(month)s%(name)s：%(why)s。") % said, insurance, "months"))
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
    """Ask the month's debit to collect these late months at what they cost on its day. Raises Busy."""
    charges, on_top = prepare(person, city, charge_ids, paid_on=debit_day(city, month), now=now, case=case)
    recollecting.ask(charges, kind=RequestKind.ARREARS, month=month, by=by, now=now, case=case, on_top=on_top)
    return charges


def debit_day(city: str, month: Month) -> dt.date:
    """The day of the month's debit. ValueError where the city has none."""
    terms = recollecting.terms_of(city, month)
    if terms is None:
        raise ValueError(f"{city} does not debit in {month}")
    return terms.debit_on(month)


# Paying a gap back


def gap_months(person: Person, *, until: Month) -> list[Month]:
    """The months before ``until`` without pension coverage anywhere, since the first with it."""
    coverages = list(
        Coverage.objects.filter(person=person, insurance=REVIVED, live=True, start__lt=until).order_by(
            "start"
        )
    )
    if not coverages:
        return []
    covered: set[Month] = set()
    for one in coverages:
        covered.update(month_span(one.start, min(one.until or until, until)))
    # Months that were brought in from elsewhere are paid there already.
    came = brought_in.standing(person, insurance=REVIVED).prefetch_related("periods")
    covered |= brought_in.months_brought_in(came)
    return [month for month in month_span(coverages[0].start, until) if month not in covered]


def pay_gap(
    person: Person,
    city: str,
    months: Sequence[Month],
    *,
    tier: str,
    debit_month: Month,
    by: User,
    now: dt.datetime,
    case: Case | None = None,
) -> list[Charge]:
    """Insure the gap's months, charge them by the rule in force on the debit's day, and ask that debit to collect them.

    Must run in a transaction, under the person's lock. IntegrityError by ``no_two_live_coverages_share_a_month`` where one of
    them is covered meanwhile.
    """
    paid_on = debit_day(city, debit_month)
    charges = []
    for first, last in payable.stretches(sorted(set(months))):
        coverage = actions.open_coverage(
            person=person,
            insurance=REVIVED,
            capacity=Capacity.FLEXIBLE,
            city=city,
            start=first,
            until=last + 1,
            tier=tier,
            case=case,
            now=now,
        )
        charges += [
            _late_charge(
                coverage,
                month,
                tier,
                due_on=charging.due_on(city, Capacity.FLEXIBLE, month),
                paid_on=paid_on,
                now=now,
                case=case,
            )
            for month in month_span(first, last + 1)
        ]
    on_top = _on_top(charges, paid_on=paid_on, now=now)
    recollecting.ask(
        charges, kind=RequestKind.GAP, month=debit_month, by=by, now=now, case=case, on_top=on_top
    )
    return charges


# In words


def as_lines(costs: Sequence[Cost]) -> list[tuple[str, str]]:
    """Each month's amount with what comes on top, and the sum."""
    lines = [
        (
            one.label,
            _("本金 {principal} 元，利息 {on_top} 元，共 {total} 元").format(
                principal=money.format_yuan(one.principal_fen),
                on_top=money.format_yuan(one.on_top_fen),
                total=money.format_yuan(one.total_fen),
            ),
        )
        for one in costs
    ]
    total = sum(one.total_fen for one in costs)
    return [*lines, (_("合计"), _("{total} 元").format(total=money.format_yuan(total)))]


def how_paid(city: str, debit: Month | None, account: str, *, on: dt.date) -> list[tuple[str, str]]:
    """From which account and when the debit takes what is filed ``on`` a day; nothing where an order is paid."""
    terms = recollecting.terms_of(city, debit) if debit else None
    if debit is None or terms is None:
        return []
    by = terms.deposit_by(debit)
    when = _("{on}扣款，请于{by}前足额存入该账户") if on <= by else _("{on}扣款，请尽快足额存入该账户")
    return [
        (_("扣款账户"), f"{terms.bank_title} {identity.mask_account(account)}"),
        (_("扣款时间"), when.format(on=day_zh(terms.debit_on(debit)), by=day_zh(by))),
    ]
